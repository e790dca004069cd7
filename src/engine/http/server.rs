//! The API behind a connection: who asks, how long to wait, and what an answer means.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use reqwest::{
    Client, StatusCode, Url,
    header::{AUTHORIZATION, DATE, HeaderMap, HeaderValue, RETRY_AFTER},
};
use serde_json::{Value, json};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, sleep_until},
};

use super::request::Request;
use crate::{
    engine::{
        Secret, Trouble, TroubleKind,
        connections::Login,
        web::{self, Answer},
    },
    provision::http::Method,
};

/// How long a server's `Retry-After` is waited for. If it asks for more, another run comes back.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// How often a read is tried.
const TRIES: u32 = 3;

/// Before the second try of a read; twice as long before the third.
const PAUSE: Duration = Duration::from_millis(150);

/// How requests prove who sends them.
pub enum Authentication {
    /// `Authorization: Bearer`.
    Bearer(Secret),
    /// `Authorization: Basic`.
    Basic(Login),
    /// A header of the API's own.
    Header {
        /// The header.
        name: String,
        /// Its value.
        value: Secret,
    },
    /// A login that answers with a token.
    Login {
        /// The path of the login.
        path: String,
        /// The key of the user in the body.
        username_key: String,
        /// The key of the password in the body.
        password_key: String,
        /// The JSON pointer to the token in the answer.
        token_at: String,
        /// User and password.
        login: Login,
    },
}

/// A JSON API.
pub struct Server {
    name: String,
    base: Url,
    client: Client,
    authentication: Authentication,
    /// The token of the last login, and the right to log in.
    token: Mutex<Option<Secret>>,
    not_before: Cell<Option<Instant>>,
    /// What credentials are known here, so that no server's words repeat them.
    known: RefCell<Vec<Secret>>,
}

impl Server {
    /// Prepares a client; nothing is connected yet.
    ///
    /// # Errors
    /// The URL is none, or the file with the authorities cannot be read.
    pub fn new(name: &str, url: &str, ca_file: Option<&str>, authentication: Authentication) -> Result<Self, Trouble> {
        let setup = |why: &str| Trouble::new(TroubleKind::Setup, format!("connection `{name}`: {why}"));
        let base = Url::parse(url.trim_end_matches('/')).map_err(|_| setup("its URL is none"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(setup("its URL is none of a web server"));
        }
        let known = match &authentication {
            Authentication::Bearer(value) | Authentication::Header { name: _, value } => value.clone(),
            Authentication::Basic(login) | Authentication::Login { login, .. } => login.password.clone(),
        };
        Ok(Self {
            name: name.to_owned(),
            base,
            client: web::client(name, ca_file)?,
            authentication,
            token: Mutex::default(),
            not_before: Cell::default(),
            known: RefCell::new(vec![known]),
        })
    }

    /// Sends a request that changes nothing, and again where the server cannot now.
    ///
    /// # Errors
    /// No answer, or none that is JSON or empty.
    pub(super) async fn read(&self, request: &Request) -> Result<Answer, Trouble> {
        for tried in 1.. {
            let result = self.send(request).await;
            let again = match &result {
                Ok(answer) => match answer.status.as_u16() {
                    429 | 500 | 502 | 503 | 504 => true,
                    401 => request.basic.is_none() && matches!(self.authentication, Authentication::Login { .. }),
                    _ => false,
                },
                Err(trouble) => trouble.kind() == TroubleKind::Unreachable,
            };
            if !again || tried == TRIES {
                return result;
            }
            sleep(PAUSE * tried).await;
        }
        unreachable!("the last try returns")
    }

    /// Sends a request once, and reads the answer, whatever its status.
    ///
    /// # Errors
    /// No answer, one that is too long, or a wait that is too long.
    pub(super) async fn send(&self, request: &Request) -> Result<Answer, Trouble> {
        self.wait(&request.what).await?;
        let authorisation = match &request.basic {
            Some(login) => basic(login),
            None => self.authorisation().await?,
        };
        let answer = self.exchange(request, authorisation).await?;
        if answer.status == StatusCode::UNAUTHORIZED && request.basic.is_none() {
            // A token that has expired: the next request logs in anew.
            self.token.lock().await.take();
        }
        Ok(answer)
    }

    async fn exchange(&self, request: &Request, authorisation: Option<Header>) -> Result<Answer, Trouble> {
        let Request { method, path, query, headers, body, what, confidential: _, basic: _ } = request;
        let method = match method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut url = self.url(path, what)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut builder = self.client.request(method, url);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        if let Some(Header { name, value }) = authorisation {
            builder = builder.header(name, value);
        }
        if let Some(body) = body {
            builder = builder.json(body);
        }
        let answer = web::send(&self.name, what, builder, web::SMALL).await?;
        if let Some(pause) = pause(&answer.headers) {
            let until = Instant::now() + pause;
            self.not_before.set(Some(self.not_before.get().map_or(until, |earlier| earlier.max(until))));
        }
        Ok(answer)
    }

    /// A path stays on the connection's host and below its URL, whatever was filled into it.
    fn url(&self, path: &str, what: &str) -> Result<Url, Trouble> {
        let odd = || {
            let what = format!("connection `{}`: failed to {what}", self.name);
            Trouble::new(TroubleKind::Setup, what).because("its path leads elsewhere")
        };
        let steps_up = |part: &str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
        let route = path.split('?').next().unwrap_or_default();
        if !path.starts_with('/') || path.contains(['#', '\\']) || route.split('/').any(steps_up) {
            return Err(odd());
        }
        let url = Url::parse(&format!("{}{path}", self.base.as_str().trim_end_matches('/'))).map_err(|_| odd())?;
        if url.origin() == self.base.origin() { Ok(url) } else { Err(odd()) }
    }

    async fn wait(&self, what: &str) -> Result<(), Trouble> {
        let Some(until) = self.not_before.get() else { return Ok(()) };
        let left = until.saturating_duration_since(Instant::now());
        if left > LONGEST_PAUSE {
            let why = format!("the server asks to come back in {} s", left.as_secs());
            return Err(self.trouble(TroubleKind::Busy, what).because(why));
        }
        sleep_until(until).await;
        Ok(())
    }

    async fn authorisation(&self) -> Result<Option<Header>, Trouble> {
        Ok(match &self.authentication {
            Authentication::Bearer(token) => bearer(token),
            Authentication::Basic(login) => basic(login),
            Authentication::Header { name, value } => header(name.clone(), value.expose()),
            Authentication::Login { path, username_key, password_key, token_at, login } => {
                let mut token = self.token.lock().await;
                if token.is_none() {
                    let body = json!({username_key: login.username, password_key: login.password.expose()});
                    let request = Request {
                        method: Method::Post,
                        path: path.clone(),
                        query: Vec::new(),
                        headers: Vec::new(),
                        body: Some(body),
                        confidential: true,
                        basic: None,
                        what: "log in".to_owned(),
                    };
                    let made = self.log_in(&request, token_at).await?;
                    self.known.borrow_mut().push(made.clone());
                    *token = Some(made);
                }
                token.as_ref().and_then(bearer)
            }
        })
    }

    /// A login is refused with 400 as often as with 401.
    async fn log_in(&self, request: &Request, token_at: &str) -> Result<Secret, Trouble> {
        let answer = self.exchange(request, None).await?;
        match answer.status.as_u16() {
            200..=299 => {
                let body: Value = answer.json(&self.name, &request.what)?;
                let token = body.pointer(token_at).and_then(Value::as_str).filter(|token| !token.is_empty());
                let none = format!("the answer has no token at `{token_at}`");
                token.map(Secret::new).ok_or_else(|| self.trouble(TroubleKind::Credential, &request.what).because(none))
            }
            400 | 401 | 403 | 422 => {
                let why = format!("the server answers {}", answer.status);
                Err(self.trouble(TroubleKind::Credential, &request.what).because(why))
            }
            _ => Err(self.refusal(&answer, request)),
        }
    }

    /// Returns the body of an answer: nothing where it is empty, and otherwise JSON that says so of itself.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn body(&self, answer: &Answer, request: &Request) -> Result<Value, Trouble> {
        if answer.body.is_empty() { Ok(Value::Null) } else { answer.json(&self.name, &request.what) }
    }

    /// Returns what an answer means that the declaration has no meaning for.
    pub(super) fn refusal(&self, answer: &Answer, request: &Request) -> Trouble {
        let reason = if request.confidential { None } else { self.reason(answer) };
        answer.trouble(&self.name, &request.what, reason.as_deref())
    }

    /// Finds the words for people in an answer, where APIs put them. Words that hold a credential are not told.
    fn reason(&self, answer: &Answer) -> Option<String> {
        const PLACES: [&str; 6] = ["/message", "/error/message", "/errors/0/message", "/error", "/detail", "/title"];
        let body: Value = serde_json::from_slice(&answer.body).ok()?;
        let text = PLACES.iter().find_map(|place| body.pointer(place)?.as_str())?;
        let known = self.known.borrow();
        (!known.iter().any(|secret| text.contains(secret.expose()))).then(|| text.to_owned())
    }

    /// Returns a trouble with this connection.
    pub(super) fn trouble(&self, kind: TroubleKind, what: &str) -> Trouble {
        Trouble::new(kind, format!("connection `{}`: failed to {what}", self.name))
    }
}

struct Header {
    name: String,
    value: HeaderValue,
}

fn header(name: String, text: &str) -> Option<Header> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(Header { name, value })
}

fn bearer(token: &Secret) -> Option<Header> {
    header(AUTHORIZATION.to_string(), &format!("Bearer {}", token.expose()))
}

fn basic(login: &Login) -> Option<Header> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let pair = STANDARD.encode(format!("{}:{}", login.username, login.password.expose()));
    header(AUTHORIZATION.to_string(), &format!("Basic {pair}"))
}

/// Reads `Retry-After`: seconds, or a date by the server's own clock.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let after = headers.get(RETRY_AFTER)?;
    if let Some(seconds) = after.to_str().ok().and_then(|text| text.trim().parse::<u32>().ok()) {
        return Some(Duration::from_secs(seconds.into()));
    }
    let (then, now) = (web::time(after)?, web::time(headers.get(DATE)?)?);
    u64::try_from(then.as_second() - now.as_second()).ok().map(Duration::from_secs)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn server() -> Server {
        let bearer = Authentication::Bearer(Secret::new("canary-4711"));
        Server::new("api", "https://api.test/client/v4/", None, bearer).unwrap()
    }

    #[test]
    fn a_path_stays_below_the_connections_url() {
        let url = |path: &str| server().url(path, "look").map(|url| url.to_string()).map_err(|trouble| trouble.line());
        assert_eq!(url("/zones/a%2Fb").unwrap(), "https://api.test/client/v4/zones/a%2Fb");
        assert_eq!(url("/zones?name=%3F..").unwrap(), "https://api.test/client/v4/zones?name=%3F..");
        assert_eq!(url("//evil.test/x").unwrap(), "https://api.test/client/v4//evil.test/x");
        for path in ["x", "@evil.test/", "/a/../b", "/a/%2e%2E/b", "/a/./b", "/a#b", "/..\\a", ""] {
            assert_eq!(url(path).unwrap_err(), "connection `api`: failed to look: its path leads elsewhere", "{path}");
        }
    }

    #[test]
    fn a_pause_is_seconds_or_a_date_by_the_servers_clock() {
        let pause = |after: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            date.map(|date| headers.insert(DATE, date.parse().unwrap()));
            pause(&headers).map(|pause| pause.as_secs())
        };
        assert_eq!(pause("7", None), Some(7));
        let (now, then) = ("Fri, 21 Nov 2025 12:00:00 GMT", "Fri, 21 Nov 2025 12:00:09 GMT");
        assert_eq!(pause(then, Some(now)), Some(9));
        assert_eq!((pause(now, Some(then)), pause(then, None), pause("soon", None)), (None, None, None));
    }

    #[test]
    fn words_of_a_server_are_told_unless_they_hold_a_credential() {
        let said = |text: &str, confidential: bool| {
            let body = json!({"errors": [{"code": 1406, "message": text}]}).to_string().into_bytes();
            let answer = Answer { status: StatusCode::BAD_REQUEST, headers: HeaderMap::new(), body };
            let request = Request { confidential, ..Request::for_tests() };
            server().refusal(&answer, &request).line()
        };
        assert!(said("Duplicate hostname", false).ends_with("400 Bad Request: Duplicate hostname"));
        assert!(!said("no canary-4711", false).contains("canary"));
        assert!(!said("Duplicate hostname", true).contains("Duplicate"));
    }
}
