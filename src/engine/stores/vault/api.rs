//! The HTTP API of OpenBao and Vault: paths below `/v1/`, the token in a header, faults in a list of texts.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Client, Method, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde::Deserialize;
use serde_json::Value;

use crate::engine::{Secret, Trouble, TroubleKind, web};

/// What stands in a path as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// One request.
pub(super) struct Request<'b> {
    pub(super) method: Method,
    /// Below `/v1/`, encoded.
    pub(super) path: String,
    pub(super) body: Option<&'b Value>,
    /// Bytes of the longest answer that is read.
    pub(super) most: usize,
}

impl Request<'_> {
    pub(super) fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: None, most: web::SMALL }
    }
}

/// A server.
pub(super) struct Api {
    name: String,
    base: String,
    client: Client,
}

/// How the server tells what is wrong.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Errors {
    errors: Vec<String>,
}

impl Api {
    pub(super) fn new(name: &str, url: &str, client: Client) -> Self {
        Self { name: name.to_owned(), base: format!("{}/v1", url.trim_end_matches('/')), client }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Sends a request and returns the answer; what every request may meet is an error already.
    pub(super) async fn send(
        &self,
        what: &str,
        request: &Request<'_>,
        token: Option<&Secret>,
    ) -> Result<web::Answer, Trouble> {
        let Request { method, path, body, most } = request;
        let mut sent = self.client.request(method.clone(), format!("{}/{path}", self.base));
        // Without it, proxies for its own users could be made to send requests; the servers may demand it.
        sent = sent.header("X-Vault-Request", "true");
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token.expose()).map_err(|_| {
                self.trouble(TroubleKind::Credential, what).because("the token is no text for a header")
            })?;
            value.set_sensitive(true);
            sent = sent.header("X-Vault-Token", value);
        }
        if let Some(body) = body {
            sent = sent.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let answer = web::send(&self.name, what, sent, *most).await?;
        match answer.status {
            StatusCode::SERVICE_UNAVAILABLE if said(&answer).contains("sealed") => {
                Err(self.trouble(TroubleKind::Sealed, what).because("it is sealed"))
            }
            status if status.is_redirection() => Err(self
                .trouble(TroubleKind::Setup, what)
                .because("the server sends on to another one: `url` must reach the active one")),
            _ => Ok(answer),
        }
    }

    pub(super) fn trouble(&self, kind: TroubleKind, what: &str) -> Trouble {
        Trouble::new(kind, format!("connection `{}`: failed to {what}", self.name))
    }

    /// Returns what an answer means that nobody has a better word for. The server's own words could repeat a value.
    pub(super) fn refused(&self, answer: &web::Answer, what: &str) -> Trouble {
        answer.trouble(&self.name, what, None)
    }
}

/// Returns what the server says is wrong.
pub(super) fn said(answer: &web::Answer) -> String {
    serde_json::from_slice::<Errors>(&answer.body).unwrap_or_default().errors.join("; ")
}

/// Returns a path with everything encoded that means something in a URL, slashes left as they are.
pub(super) fn encoded(path: &str) -> String {
    utf8_percent_encode(path, PLAIN).to_string()
}
