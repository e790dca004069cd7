//! Lookups: lists to their end, and the objects in them that match. Each list is read once for all who look into it.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use serde_json::Value;
use tokio::sync::OnceCell;

use super::{request::Request, server::Server};
use crate::{
    engine::{Trouble, TroubleKind, points},
    provision::{
        http::{Lookup, Pages},
        variables,
    },
};

/// A list that goes on for longer has no end.
const MOST_PAGES: usize = 100;

type Items = Rc<Vec<Value>>;

/// Lists that have been read, by what was asked. A trouble is kept as its kind and line: it cannot be cloned.
type Lists = RefCell<BTreeMap<String, Rc<OnceCell<Result<Items, (TroubleKind, String)>>>>>;

/// Looks things up on one server, and remembers what it has read.
pub(super) struct Search<'s> {
    server: &'s Server,
    lists: Lists,
}

impl<'s> Search<'s> {
    /// Returns a search that has read nothing yet.
    pub fn new(server: &'s Server) -> Self {
        Self { server, lists: Lists::default() }
    }

    /// Returns the objects that a lookup finds; `verb` completes "failed to …".
    ///
    /// # Errors
    /// The server does not say; or a reference of the lookup stands for nothing.
    pub async fn find(
        &self,
        lookup: &Lookup,
        verb: &str,
        value: &impl Fn(&str) -> Option<Value>,
    ) -> Result<Vec<Value>, Trouble> {
        let request = Request::new(&lookup.call, verb, value, None)?;
        let mut found = Vec::new();
        for item in self.list(&request, lookup).await?.iter() {
            if !matches(item, lookup, &request.what, value)? {
                continue;
            }
            match &lookup.detail {
                None => found.push(item.clone()),
                Some(detail) => {
                    let of_item = |reference: &str| match reference.strip_prefix("found.") {
                        Some(keys) => variables::follow(item, keys).cloned(),
                        None => value(reference),
                    };
                    let request = Request::new(detail, verb, &of_item, None)?;
                    found.extend(self.single(&request, &detail.expect, &lookup.absent).await?);
                }
            }
        }
        Ok(found)
    }

    async fn list(&self, request: &Request, lookup: &Lookup) -> Result<Items, Trouble> {
        let Some(key) = request.key() else { return self.fetch(request, lookup).await.map(Rc::new) };
        // What of the answer is the list is part of the question.
        let key = format!("{key} {:?} {:?} {:?}", lookup.items, lookup.pages, lookup.absent);
        let list = Rc::clone(self.lists.borrow_mut().entry(key).or_default());
        let read = list.get_or_init(async || {
            let read = self.fetch(request, lookup).await;
            read.map(Rc::new).map_err(|trouble| (trouble.kind(), trouble.line()))
        });
        read.await.clone().map_err(|(kind, line)| Trouble::new(kind, line))
    }

    async fn fetch(&self, request: &Request, lookup: &Lookup) -> Result<Vec<Value>, Trouble> {
        let Lookup { call, items, pages, absent, matching: _, containing: _, detail: _ } = lookup;
        let Some(items) = items else {
            return Ok(self.single(request, &call.expect, absent).await?.into_iter().collect());
        };
        let mut all: Vec<Value> = Vec::new();
        let mut last: Option<Value> = None;
        let mut next = match pages {
            Some(Pages::Number { parameter, last_at: _ }) => request.with_query(parameter, "1".to_owned()),
            Some(Pages::Cursor { .. }) | None => request.clone(),
        };
        for page in 1..=MOST_PAGES {
            let Some(body) = self.ask(&next, &call.expect, absent).await? else { return Ok(all) };
            let Some(Value::Array(list)) = body.pointer(items) else {
                let why = format!("the answer has no list at `{items}`");
                return Err(self.server.trouble(TroubleKind::Unexpected, &request.what).because(why));
            };
            // A server that knows nothing of pages gives the same one for ever.
            if last.as_ref() == Some(&body) {
                return Ok(all);
            }
            all.extend(list.iter().cloned());
            let following = following(pages.as_ref(), &body, list.is_empty(), page);
            match following.filter(|_| !points::planted("http-first-page-only")) {
                None => return Ok(all),
                Some((parameter, value)) => next = request.with_query(parameter, value),
            }
            last = Some(body);
        }
        let why = format!("the list goes on after {MOST_PAGES} pages");
        Err(self.server.trouble(TroubleKind::Unexpected, &request.what).because(why))
    }

    async fn single(&self, request: &Request, expect: &[u16], absent: &[u16]) -> Result<Option<Value>, Trouble> {
        match self.ask(request, expect, absent).await? {
            Some(object @ Value::Object(_)) => Ok(Some(object)),
            None => Ok(None),
            Some(_) => {
                Err(self.server.trouble(TroubleKind::Unexpected, &request.what).because("the answer is no object"))
            }
        }
    }

    /// Asks once; nothing where the answer says that there is nothing.
    async fn ask(&self, request: &Request, expect: &[u16], absent: &[u16]) -> Result<Option<Value>, Trouble> {
        let answer = self.server.read(request).await?;
        let status = answer.status.as_u16();
        if absent.contains(&status) {
            Ok(None)
        } else if expect.contains(&status) {
            self.server.body(&answer, request).map(Some)
        } else {
            Err(self.server.refusal(&answer, request))
        }
    }
}

/// Returns the query parameter that asks for the page after this one; nothing after the last.
fn following<'p>(pages: Option<&'p Pages>, body: &Value, is_empty: bool, page: usize) -> Option<(&'p str, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    match pages? {
        Pages::Number { parameter, last_at } => {
            let last = last_at.as_ref().and_then(|at| text(body.pointer(at)?).parse::<usize>().ok());
            let is_last = last.map_or(is_empty, |last| page >= last);
            (!is_last).then(|| (parameter.as_str(), (page + 1).to_string()))
        }
        Pages::Cursor { parameter, next_at } => {
            let next = body.pointer(next_at).map(text).filter(|next| !next.is_empty())?;
            Some((parameter, next))
        }
    }
}

/// Returns whether an item is what a lookup looks for.
fn matches(item: &Value, lookup: &Lookup, what: &str, value: &impl Fn(&str) -> Option<Value>) -> Result<bool, Trouble> {
    let filled = |wanted: &Value| {
        variables::complete(wanted, value).map_err(|reference| {
            Trouble::new(TroubleKind::Missing, format!("failed to {what}"))
                .because(format!("`${{{reference}}}` stands for nothing"))
        })
    };
    for (pointer, wanted) in &lookup.matching {
        if *item.pointer(pointer).unwrap_or(&Value::Null) != filled(wanted)? {
            return Ok(false);
        }
    }
    for (pointer, wanted) in &lookup.containing {
        let list = item.pointer(pointer).and_then(Value::as_array);
        let wanted = filled(wanted)?;
        if !list.is_some_and(|list| list.contains(&wanted)) {
            return Ok(false);
        }
    }
    Ok(true)
}
