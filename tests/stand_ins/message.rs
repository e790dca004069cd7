//! Requests as a stand-in sees them, and its answers.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request, taken apart.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The path as it came.
    pub path: String,
    /// The parts of the path, each decoded.
    pub segments: Vec<String>,
    /// The query, decoded; of repeated parameters the last.
    pub query: BTreeMap<String, String>,
    /// The headers, names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The JSON body; `None` where there is none, or it is not declared or not valid as JSON.
    pub body: Option<Value>,
}

impl Request {
    /// Takes a request apart.
    pub fn new(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Self {
        let headers: BTreeMap<String, String> = headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let json = headers.get("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Self {
            method: method.as_str().to_owned(),
            path: uri.path().to_owned(),
            segments: uri.path().split('/').skip(1).map(decode).collect(),
            query: url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
            body: if json { serde_json::from_slice(body).ok() } else { None },
            headers,
        }
    }

    /// Returns the method and the parts of the path, to match on.
    pub fn route(&self) -> (&str, Vec<&str>) {
        (&self.method, self.segments.iter().map(String::as_str).collect())
    }

    /// Returns the token of `Authorization: Bearer`.
    pub fn bearer(&self) -> Option<&str> {
        self.headers.get("authorization")?.strip_prefix("Bearer ")
    }

    /// Returns user and password of `Authorization: Basic`.
    pub fn basic(&self) -> Option<(String, String)> {
        let encoded = self.headers.get("authorization")?.strip_prefix("Basic ")?;
        let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    }

    /// Returns a text of the body.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.body.as_ref()?.get(key)?.as_str()
    }

    /// Returns a number of the query.
    pub fn number(&self, key: &str) -> Option<usize> {
        self.query.get(key)?.parse().ok()
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers besides those of the body.
    pub headers: Vec<(&'static str, String)>,
    /// The JSON body.
    pub body: Option<Value>,
}

impl Answer {
    /// An answer with a body.
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Some(body) }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }
}
