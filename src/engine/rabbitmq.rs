//! `rabbitmqVhost` on a RabbitMQ server, by its management API (3.10 and later), and AMQP where that API cannot tell.
//!
//! The requests are our own. Of `rabbitmq_http_client` 0.93, tried on 3.10.8, listing limits fails (a virtual host without
//! any has an empty list where a map is read), a default queue type is lost (3.10 has another word for it), the virtual
//! host `..` is the API itself; it has no `columns` and no `disable_stats`, without which a listing carries the statistics
//! of every queue of the server, and it bounds no answer.
//!
//! `PUT` makes or changes without a condition. Before a virtual host or a user is made, the performer therefore asks once
//! more whether it is there; what somebody else makes in the instant between the two requests is not seen, since the
//! server has no request that could. Everything else is put below a virtual host that carries our claim already.
//!
//! A login is proven at `/api/whoami`, which answers 401 either way, but says whether the password or only a right was
//! missing.

pub mod amqp;
mod answers;
pub mod broker;
mod observe;
mod perform;
mod probe;

use std::rc::Rc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::Semaphore;

pub use observe::Observer;
pub use perform::Performer;
pub use probe::Prober;

use super::{
    Secret, Trouble, TroubleKind,
    connections::Login,
    points,
    web::{self, Answer},
};

/// Requests at one time. The management API is one Erlang node's side work: more only queue up there.
const REQUESTS: usize = 8;

/// Bytes of the largest listing: some 200,000 bindings.
const LISTING: usize = 64 << 20;

/// A RabbitMQ server. Nothing is connected until something is asked.
pub struct Server {
    name: String,
    api: String,
    client: Client,
    login: Login,
    amqp: amqp::Address,
    requests: Semaphore,
}

impl Server {
    /// Prepares a client for a management API, and for AMQP on `host` and `port`.
    ///
    /// # Errors
    /// The file with the authorities cannot be read.
    pub fn new(
        name: &str,
        management_url: &str,
        (host, port): (&str, u16),
        ca_file: Option<&str>,
        login: &Login,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            name: name.to_owned(),
            api: format!("{}/api", management_url.trim_end_matches('/')),
            client: web::client(name, ca_file)?,
            login: login.clone(),
            amqp: amqp::Address::new(name, host, port, ca_file),
            requests: Semaphore::new(REQUESTS),
        })
    }

    fn request(&self, method: Method, path: &str, login: &Login) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/{path}", self.api));
        request.basic_auth(&login.username, Some(login.password.expose()))
    }

    async fn send(&self, what: &str, request: RequestBuilder) -> Result<Answer, Trouble> {
        self.send_within(1, what, request).await
    }

    async fn send_within(&self, calls: u32, what: &str, request: RequestBuilder) -> Result<Answer, Trouble> {
        // It is never closed, so there is always a permit to come.
        let _permit = self.requests.acquire().await;
        web::send_within(calls, &self.name, what, request, LISTING).await
    }

    /// Reads what must be there.
    async fn get<T: DeserializeOwned>(&self, what: &str, path: &str) -> Result<T, Trouble> {
        self.list(what, path, 1).await
    }

    /// Reads what all virtual hosts hold; `calls` says how much longer that may take than one call.
    async fn list<T: DeserializeOwned>(&self, what: &str, path: &str, calls: u32) -> Result<T, Trouble> {
        let answer = self.send_within(calls, what, self.request(Method::GET, path, &self.login)).await?;
        match self.read(what, &answer)? {
            Some(found) => Ok(found),
            None => Err(self.trouble(TroubleKind::Unexpected, what, "the server does not know the path".to_owned())),
        }
    }

    /// Reads what may be missing.
    async fn find<T: DeserializeOwned>(&self, what: &str, path: &str) -> Result<Option<T>, Trouble> {
        let answer = self.send(what, self.request(Method::GET, path, &self.login)).await?;
        self.read(what, &answer)
    }

    fn read<T: DeserializeOwned>(&self, what: &str, answer: &Answer) -> Result<Option<T>, Trouble> {
        match answer.status {
            StatusCode::OK => answer.json(&self.name, what).map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.refused(what, answer, Reason::Told)),
        }
    }

    /// Sends a writing request, and returns its answer where that is a success.
    async fn write(
        &self,
        what: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
        reason: Reason,
    ) -> Result<Answer, Trouble> {
        let request = self.request(method, path, &self.login);
        let request = body.map_or_else(|| request.try_clone(), |body| request.try_clone().map(|r| r.json(&body)));
        let request = request.ok_or_else(|| self.trouble(TroubleKind::Setup, what, "no request".to_owned()))?;
        let answer = self.send(what, request).await?;
        match answer.status {
            StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT => Ok(answer),
            _ => Err(self.refused(what, &answer, reason)),
        }
    }

    fn trouble(&self, kind: TroubleKind, what: &str, why: String) -> Trouble {
        Trouble::new(kind, format!("connection `{}`: failed to {what}", self.name)).because(why)
    }

    /// Puts an answer that is no success into our words.
    fn refused(&self, what: &str, answer: &Answer, reason: Reason) -> Trouble {
        let Refused { error, reason: said } = Refused::read(answer);
        let kind = meaning(answer.status, &error, &said);
        let why = match reason {
            Reason::Told if !said.is_empty() => format!("the server answers {}: {}", answer.status, web::plain(&said)),
            Reason::Told | Reason::Kept => format!("the server answers {}", answer.status),
        };
        self.trouble(kind, what, why)
    }

    /// Returns whether a user gets in with a password.
    async fn gets_in(&self, user: &str, password: &Secret) -> Result<bool, Trouble> {
        let what = "log in as a tenant's user";
        let login = Login { username: user.to_owned(), password: password.clone() };
        let answer = self.send(what, self.request(Method::GET, "whoami", &login)).await?;
        match answer.status {
            StatusCode::OK => Ok(true),
            StatusCode::UNAUTHORIZED => Ok(Refused::read(&answer).error == NOT_AUTHORISED),
            _ => Err(self.refused(what, &answer, Reason::Kept)),
        }
    }
}

/// The error of who is known and may not.
const NOT_AUTHORISED: &str = "not_authorised";

/// What is said of a virtual host that is being started.
const STARTS: [&str; 2] = ["vhost_supervisor_not_running", "queue_supervisor_not_found"];

/// What is said to some of those who make a user at the same moment; others are told that they made or set it.
const USER_EXISTS: &str = r#"["user_already_exists","#;

/// Returns what an answer means that is no success.
fn meaning(status: StatusCode, error: &str, said: &str) -> TroubleKind {
    match status {
        // "authorised" and "authorized": the first knows who asks, and says that it is not enough.
        StatusCode::UNAUTHORIZED if error == NOT_AUTHORISED => TroubleKind::Forbidden,
        // Somebody else made it in the meantime: an exchange or queue otherwise, or a user.
        StatusCode::BAD_REQUEST if said.starts_with("inequivalent arg") || said.starts_with(USER_EXISTS) => {
            TroubleKind::Exists
        }
        StatusCode::BAD_REQUEST if said == "vhost_or_user_not_found" => TroubleKind::Missing,
        // A virtual host is listed a moment before it can hold anything.
        StatusCode::BAD_REQUEST if STARTS.iter().any(|words| said.contains(words)) => TroubleKind::Busy,
        StatusCode::PRECONDITION_FAILED => TroubleKind::Refused,
        status => web::meaning(status),
    }
}

/// Whether a server's reason is told: it could repeat what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Told,
    Kept,
}

/// What the API says when it says no.
#[derive(Debug, Default)]
struct Refused {
    error: String,
    reason: String,
}

impl Refused {
    fn read(answer: &Answer) -> Self {
        /// Some reasons are Erlang terms, written as lists.
        #[derive(Deserialize)]
        struct Body {
            error: Option<Value>,
            reason: Option<Value>,
        }
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        match serde_json::from_slice::<Body>(&answer.body) {
            Ok(Body { error, reason }) => Self { error: text(error), reason: text(reason) },
            Err(_) => Self::default(),
        }
    }
}

/// Returns the path of an object: every name encoded, `/` as `%2F`.
///
/// # Errors
/// A name is empty, `.` or `..`: whatever its encoding, it would make a path to something else.
fn path(parts: &[&str]) -> Result<String, Trouble> {
    let mut path = String::new();
    for (index, part) in parts.iter().enumerate() {
        if matches!(*part, "" | "." | "..") {
            return Err(Trouble::new(
                TroubleKind::Setup,
                format!("the name `{part}` cannot stand in a path of the API"),
            ));
        }
        if index > 0 {
            path.push('/');
        }
        if points::planted("rabbitmq-name-unencoded") {
            path.push_str(part);
        } else {
            path.extend(utf8_percent_encode(part, NON_ALPHANUMERIC));
        }
    }
    Ok(path)
}

/// A server that observer, performer and prober share.
type Shared = Rc<Server>;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn names_stay_one_part_of_a_path() {
        assert_eq!(path(&["queues", "/", "a b/c%2F"]).unwrap(), "queues/%2F/a%20b%2Fc%252F");
        for name in ["", ".", ".."] {
            assert!(path(&["vhosts", name]).is_err(), "{name}");
        }
    }

    #[test]
    fn a_virtual_host_that_starts_is_waited_for() {
        let said = "Cannot declare a queue 'queue 'orders' in vhost 'abc'' on node 'n@h': {vhost_supervisor_not_running,<<\"abc\">>}";
        let kind = meaning(StatusCode::BAD_REQUEST, "bad_request", said);
        assert_eq!(kind, TroubleKind::Busy);
        let said = "Request to node n@h failed with {'EXIT', {{badmatch, {error, {queue_supervisor_not_found, []}}},";
        assert_eq!(meaning(StatusCode::BAD_REQUEST, "bad_request", said), TroubleKind::Busy);
        assert_eq!(meaning(StatusCode::BAD_REQUEST, "bad_request", "invalid"), TroubleKind::Refused);
    }

    #[test]
    fn what_another_run_made_at_the_same_time_exists() {
        for said in [r#"["user_already_exists","abc"]"#, "inequivalent arg 'durable' for exchange 'events'"] {
            assert_eq!(meaning(StatusCode::BAD_REQUEST, "bad_request", said), TroubleKind::Exists, "{said}");
        }
    }

    #[test]
    fn reasons_of_any_shape_are_read() {
        let answer = |body: &str| Answer {
            status: StatusCode::BAD_REQUEST,
            headers: reqwest::header::HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        };
        let read = Refused::read(&answer(r#"{"error":"bad_request","reason":["invalid_regexp",[94]]}"#));
        assert_eq!((read.error.as_str(), read.reason.as_str()), ("bad_request", r#"["invalid_regexp",[94]]"#));
        assert_eq!(Refused::read(&answer("<html>")).reason, "");
    }
}
