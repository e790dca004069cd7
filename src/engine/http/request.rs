//! Declared calls → requests: references filled in as data.

use serde_json::Value;

use crate::{
    engine::{Entry, Trouble, TroubleKind, connections::Login},
    provision::{
        http::{Call, Method},
        variables::{self, Scope},
    },
    steps::http::references_of,
};

/// A request with everything filled in. It may hold a credential, so it is not shown.
#[derive(Clone)]
pub(super) struct Request {
    pub method: Method,
    /// Each value that was filled in is one part of it.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Option<Value>,
    /// Whether it holds a credential, so that the server's words are not repeated.
    pub confidential: bool,
    /// Who asks, where that is not the administrator of the connection.
    pub basic: Option<Login>,
    /// Completes "failed to …". The path is told as it was declared.
    pub what: String,
}

impl Request {
    /// Fills a call in; `verb` completes "failed to …".
    ///
    /// # Errors
    /// A reference stands for nothing: an object that is not there, or a field that is not stored.
    pub fn new(
        call: &Call,
        verb: &str,
        value: &impl Fn(&str) -> Option<Value>,
        entry: Option<&Entry>,
    ) -> Result<Self, Trouble> {
        let Call { method, path, query, headers, body, expect: _, taken: _, idempotency_header: _, repeatable: _ } =
            call;
        let what = format!("{verb} ({} {path})", method.name());
        let look_up = |reference: &str| match variables::scope(reference) {
            Scope::Secret => {
                let field = reference.strip_prefix("secret.")?;
                Some(Value::String(entry?.get(field)?.expose().to_owned()))
            }
            Scope::Plan | Scope::Seen => value(reference),
        };
        let missing = |reference: String| {
            let why = format!("`${{{reference}}}` stands for nothing");
            let kind = match (variables::scope(&reference), reference.starts_with("needs.")) {
                // It may be made by another resource of the same run.
                (Scope::Seen, true) => TroubleKind::Missing,
                (Scope::Seen, false) => TroubleKind::Refused,
                (Scope::Plan | Scope::Secret, _) => TroubleKind::Setup,
            };
            Trouble::new(kind, format!("failed to {what}")).because(why)
        };
        let text = |(key, text): (&String, &String)| {
            Ok((key.clone(), variables::complete_text(text, &look_up).map_err(missing)?))
        };
        Ok(Self {
            method: *method,
            path: variables::complete_path(path, &look_up).map_err(missing)?,
            query: query.iter().map(text).collect::<Result<_, Trouble>>()?,
            headers: headers.iter().map(text).collect::<Result<_, Trouble>>()?,
            body: body.as_ref().map(|body| variables::complete(body, &look_up).map_err(missing)).transpose()?,
            confidential: references_of(call).iter().any(|reference| variables::scope(reference) == Scope::Secret),
            basic: None,
            what,
        })
    }

    /// Returns a text that two requests share only if they ask the same; a request that holds a credential has none.
    pub fn key(&self) -> Option<String> {
        let Self { method, path, query, headers, body, confidential, basic, what: _ } = self;
        let shown = || format!("{} {path} {query:?} {headers:?} {body:?}", method.name());
        (!confidential && basic.is_none()).then(shown)
    }

    /// Returns the same request with a query parameter more, or with another value of it.
    pub fn with_query(&self, parameter: &str, value: String) -> Self {
        let mut request = self.clone();
        request.query.retain(|(key, _)| key != parameter);
        request.query.push((parameter.to_owned(), value));
        request
    }

    /// A request that asks for nothing in particular.
    #[cfg(test)]
    pub fn for_tests() -> Self {
        Self {
            method: Method::Get,
            path: "/".to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            confidential: false,
            basic: None,
            what: "look".to_owned(),
        }
    }
}
