//! HTTP as all services speak it: one TLS, no redirects, no proxy, answers of a bounded size, one word for each fault.
//!
//! An administrator's credential goes to the host that a connection names and nowhere else: a redirect is an answer like
//! any other, and variables such as `HTTPS_PROXY` are not read.

#![expect(clippy::disallowed_methods, reason = "reads the file with the authorities that a connection names")]

use std::{error::Error, fs, sync::Arc};

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{
    Certificate, Client, RequestBuilder, StatusCode,
    header::{CONTENT_TYPE, DATE, HeaderMap, HeaderValue},
    redirect::Policy,
};
use serde::de::DeserializeOwned;

use super::{
    Trouble, TroubleKind, clocks,
    within::{CALL, within_calls},
};

/// Bytes of the largest answer to a question about one object. A server that sends more is not what it should be.
pub const SMALL: usize = 1 << 20;

/// How many bytes of a server's reason are told: one line of a terminal or two.
const REASON: usize = 300;

/// Returns a client for one connection, called `name` in what it tells. Certificates are checked against `ca_file`, or
/// against the system's authorities where it is absent. Nothing is connected yet.
///
/// # Errors
/// The file cannot be read, or holds no certificate; the system has no authorities.
pub fn client(name: &str, ca_file: Option<&str>) -> Result<Client, Trouble> {
    let setup = |what: &str, why: String| {
        Trouble::new(TroubleKind::Setup, format!("connection `{name}`: failed to {what}")).because(why)
    };
    // The first one wins for the whole process, and there is no other than this.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("tenantry/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CALL);
    if let Some(path) = ca_file {
        let text = fs::read(path).map_err(|error| setup("read `caFile`", error.to_string()))?;
        let authorities = Certificate::from_pem_bundle(&text).map_err(|error| setup("read `caFile`", said(error)))?;
        if authorities.is_empty() {
            return Err(setup("read `caFile`", "it holds no certificate".to_owned()));
        }
        builder = builder.tls_certs_only(authorities);
    }
    builder.build().map_err(|error| setup("prepare TLS", said(error)))
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it came.
    pub body: Vec<u8>,
}

/// Sends a request and reads the answer, whatever its status; `what` completes "failed to …".
///
/// # Errors
/// No answer within the deadline, a broken connection, TLS that could not be agreed on, or more than `limit` bytes.
pub fn send(
    name: &str,
    what: &str,
    request: RequestBuilder,
    limit: usize,
) -> impl Future<Output = Result<Answer, Trouble>> {
    send_within(1, name, what, request, limit)
}

/// Sends a request for which the server does the work of several calls, and may take as long: as [`send`] otherwise.
///
/// # Errors
/// As of [`send`].
pub async fn send_within(
    calls: u32,
    name: &str,
    what: &str,
    request: RequestBuilder,
    limit: usize,
) -> Result<Answer, Trouble> {
    let failed = |error: reqwest::Error| {
        let kind = fault(&error);
        Trouble::new(kind, format!("connection `{name}`: failed to {what}")).because(said(error))
    };
    within_calls(calls, name, what, async {
        let mut response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > limit {
                let why = format!("the answer is longer than {limit} bytes");
                let what = format!("connection `{name}`: failed to {what}");
                return Err(Trouble::new(TroubleKind::Unexpected, what).because(why));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    })
    .await
}

/// Returns a server's time, by the `Date` of its answer to a question that nobody has to log in for; none where it says
/// none.
///
/// # Errors
/// As of [`client`] and [`send`].
pub async fn clock(name: &str, url: &str, ca_file: Option<&str>) -> Result<Option<Timestamp>, Trouble> {
    let answer = send(name, clocks::QUESTION, client(name, ca_file)?.head(url), SMALL).await?;
    Ok(answer.headers.get(DATE).and_then(time))
}

/// Reads a time as headers have it.
pub fn time(value: &HeaderValue) -> Option<Timestamp> {
    Some(rfc2822::parse(value.to_str().ok()?.trim()).ok()?.timestamp())
}

impl Answer {
    /// Reads the body as JSON.
    ///
    /// # Errors
    /// It says of itself that it is something else, or it is.
    pub fn json<T: DeserializeOwned>(&self, name: &str, what: &str) -> Result<T, Trouble> {
        let unexpected = |why: String| {
            Trouble::new(TroubleKind::Unexpected, format!("connection `{name}`: failed to {what}")).because(why)
        };
        let kind = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if essence != "application/json" && !essence.ends_with("+json") {
            return Err(unexpected(format!("the answer is no JSON, but `{}`", plain(essence))));
        }
        // What does not fit could be a value of the answer; where it stands is enough.
        serde_json::from_slice(&self.body).map_err(|error| {
            unexpected(format!(
                "the answer's JSON is not what it should be, at line {} column {}",
                error.line(),
                error.column()
            ))
        })
    }

    /// Returns what an answer that is no success means, with the server's reason where the caller found one that holds
    /// no credential.
    pub fn trouble(&self, name: &str, what: &str, reason: Option<&str>) -> Trouble {
        let status = self.status;
        let why = match reason.map(plain).filter(|reason| !reason.is_empty()) {
            Some(reason) => format!("the server answers {status}: {reason}"),
            None => format!("the server answers {status}"),
        };
        Trouble::new(meaning(status), format!("connection `{name}`: failed to {what}")).because(why)
    }
}

/// Returns what a status means that is no success, where the API at hand has no meaning of its own for it.
pub fn meaning(status: StatusCode) -> TroubleKind {
    match status {
        StatusCode::UNAUTHORIZED => TroubleKind::Credential,
        StatusCode::FORBIDDEN => TroubleKind::Forbidden,
        StatusCode::NOT_FOUND | StatusCode::GONE => TroubleKind::Missing,
        StatusCode::CONFLICT => TroubleKind::Exists,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::LOCKED | StatusCode::TOO_EARLY | StatusCode::REQUEST_TIMEOUT => {
            TroubleKind::Busy
        }
        StatusCode::INSUFFICIENT_STORAGE => TroubleKind::ReadOnly,
        status if status.is_server_error() => TroubleKind::Busy,
        status if status.is_client_error() => TroubleKind::Refused,
        _ => TroubleKind::Unexpected,
    }
}

/// Returns the beginning of what a server said, fit for a terminal: without control characters, and not a page of HTML.
pub fn plain(text: &str) -> String {
    let mut shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON).collect();
    shown.truncate(shown.trim_end().len());
    shown
}

fn fault(error: &reqwest::Error) -> TroubleKind {
    if is_tls(error) {
        return TroubleKind::Tls;
    }
    if error.is_builder() {
        TroubleKind::Setup
    } else if error.is_timeout() {
        TroubleKind::Deadline
    } else if error.is_decode() {
        TroubleKind::Unexpected
    } else {
        TroubleKind::Unreachable
    }
}

/// Returns whether TLS is at the root of an error. An I/O error names the cause of its cause as its own, and keeps what it was
/// made of to itself unless asked for it; a shared one hides what it is.
pub fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let inside = error.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref());
    let shared = error.downcast_ref::<Arc<dyn Error + Send + Sync>>();
    error.is::<rustls::Error>()
        || shared.is_some_and(|shared| is_tls(&**shared))
        || inside.is_some_and(|inside| is_tls(inside))
        || error.source().is_some_and(is_tls)
}

/// Returns the chain of an error in one line, without the URL: it may hold a token.
fn said(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        next = cause.source();
    }
    line
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use super::*;

    /// Answers one request with `answer`, and says what was asked.
    fn ask(answer: Vec<u8>, limit: usize) -> Result<Answer, Trouble> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/x?token=canary", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut asked = [0; 4096];
            let _ = socket.read(&mut asked).unwrap();
            // The client hangs up when it has had enough.
            let _ = socket.write_all(&answer);
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = client("api", None).unwrap();
        let answer = runtime.block_on(send("api", "look", client.get(url), limit));
        server.join().unwrap();
        answer
    }

    fn http(status: &str, kind: &str, body: &str) -> Vec<u8> {
        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
            .into_bytes()
    }

    #[test]
    fn what_is_not_json_is_told_apart() {
        for (kind, body) in
            [("text/html", "<html>"), ("application/json", ""), ("application/json", "{\"a\":"), ("", "{}")]
        {
            let answer = ask(http("200 OK", kind, body), SMALL).unwrap();
            let trouble = answer.json::<serde_json::Value>("api", "look").unwrap_err();
            assert_eq!(trouble.kind(), TroubleKind::Unexpected, "{kind} {body}");
        }
        let answer = ask(http("200 OK", "application/json; charset=utf-8", "{}"), SMALL).unwrap();
        assert!(answer.json::<serde_json::Value>("api", "look").is_ok());
    }

    #[test]
    fn an_answer_without_end_is_cut_off() {
        let trouble = ask(http("200 OK", "application/json", &"x".repeat(5000)), 4096).unwrap_err();
        assert_eq!(trouble.kind(), TroubleKind::Unexpected);
        assert!(trouble.line().contains("longer than 4096 bytes"), "{}", trouble.line());
    }

    #[test]
    fn a_redirect_is_not_followed() {
        let moved = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n";
        let answer = ask(moved.to_vec(), SMALL).unwrap();
        assert_eq!(answer.trouble("api", "look", None).kind(), TroubleKind::Unexpected);
    }

    #[test]
    fn a_broken_answer_shows_no_url() {
        let trouble = ask(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec(), SMALL).unwrap_err();
        assert!(!trouble.line().contains("canary"), "{}", trouble.line());
        assert!(trouble.kind().passes(), "{trouble:?}");
    }

    #[test]
    fn a_server_without_tls_is_told_from_one_that_is_down() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let _ = socket.read(&mut [0; 4096]).unwrap();
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = client("api", None).unwrap();
        let look = |url: String| runtime.block_on(send("api", "look", client.get(url), SMALL)).unwrap_err();
        assert_eq!(look(format!("https://{address}/")).kind(), TroubleKind::Tls);
        server.join().unwrap();
        assert_eq!(look(format!("https://{address}/")).kind(), TroubleKind::Unreachable);
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [file.path().to_str().unwrap(), "/nowhere/ca.pem"] {
            assert_eq!(client("api", Some(path)).unwrap_err().kind(), TroubleKind::Setup);
        }
    }
}
