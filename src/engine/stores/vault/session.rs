//! Logins: a token that is given, or one that the server gives for a service account's token or an AppRole.
//!
//! A token is renewed once two thirds of its time are over, and another one asked for where the server refuses the one
//! at hand. All requests of a run share it: one logs in, the others wait.

#![expect(clippy::disallowed_methods, reason = "reads the token that Kubernetes puts into the Pod's files")]

use std::{cell::RefCell, fs, path::PathBuf, time::Duration};

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};

use super::api::{self, Api, Request};
use crate::engine::{Secret, Trouble, TroubleKind, web};

/// Where Kubernetes puts the token of a Pod's service account.
pub const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// How a client proves who it is.
#[derive(Debug)]
pub enum Login {
    /// A token from elsewhere.
    Token(Secret),
    /// The role, for the token of a service account, in a file that Kubernetes replaces before its time is over.
    Kubernetes {
        /// The role.
        role: String,
        /// The file.
        token_file: PathBuf,
    },
    /// An AppRole.
    AppRole {
        /// The role id.
        role_id: Secret,
        /// The secret id.
        secret_id: Secret,
    },
}

/// The login and the token that it has brought.
pub(super) struct Session {
    login: Login,
    token: Mutex<Option<Token>>,
    failed: RefCell<Failed>,
}

/// What came of logins that failed.
#[derive(Default)]
struct Failed {
    times: usize,
    last: Option<Trouble>,
}

struct Token {
    text: Secret,
    /// When two thirds of its time are over; never where it has no end.
    due: Option<Instant>,
}

/// What the server says of a token that it gives.
#[derive(Deserialize)]
struct Granted {
    auth: Grant,
}

#[derive(Deserialize)]
struct Grant {
    client_token: String,
    /// Seconds; 0 for ever.
    lease_duration: u64,
}

/// What the server says of a token that it is asked about.
#[derive(Deserialize)]
struct Known {
    data: Life,
}

#[derive(Deserialize)]
struct Life {
    /// Seconds; 0 for ever.
    ttl: u64,
    #[serde(default)]
    renewable: bool,
}

impl Token {
    fn new(text: Secret, seconds: u64) -> Self {
        let due = (seconds > 0).then(|| Instant::now().checked_add(Duration::from_secs(seconds) * 2 / 3)).flatten();
        Self { text, due }
    }

    fn is_due(&self) -> bool {
        self.due.is_some_and(|due| Instant::now() >= due)
    }
}

impl Session {
    pub(super) fn new(login: Login) -> Self {
        Self { login, token: Mutex::new(None), failed: RefCell::default() }
    }

    /// Returns a token that has time left. Who waited for a login that failed is told so, and does not begin another:
    /// together they would wait for a server that hangs as many times as there are entries.
    pub(super) async fn token(&self, api: &Api) -> Result<Secret, Trouble> {
        let before = self.failed.borrow().times;
        let mut held = self.token.lock().await;
        if let Failed { times, last: Some(trouble) } = &*self.failed.borrow()
            && *times != before
        {
            return Err(trouble.again());
        }
        let token = match held.take() {
            None => self.log_in(api).await,
            Some(token) if token.is_due() => self.renewed(api, token).await,
            Some(token) => Ok(token),
        };
        let token = token.inspect_err(|trouble| {
            let mut failed = self.failed.borrow_mut();
            *failed = Failed { times: failed.times + 1, last: Some(trouble.again()) };
        })?;
        Ok(held.insert(token).text.clone())
    }

    /// Returns another token where the server refuses `refused`; none where it takes that one, and a right is missing.
    pub(super) async fn another(&self, api: &Api, refused: &Secret) -> Result<Option<Secret>, Trouble> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref().filter(|token| token.text.expose() != refused.expose()) {
            return Ok(Some(token.text.clone()));
        }
        if life(api, refused).await?.is_some() {
            return Ok(None);
        }
        if matches!(self.login, Login::Token(_)) {
            let why = "the server does not know the token, or not any more";
            return Err(api.trouble(TroubleKind::Credential, "log in").because(why));
        }
        let token = self.log_in(api).await?;
        Ok(Some(held.insert(token).text.clone()))
    }

    async fn log_in(&self, api: &Api) -> Result<Token, Trouble> {
        let (path, body) = match &self.login {
            Login::Token(text) => {
                // How long it lasts is worth one question; a token that may not even ask that is taken as it is.
                let life = life(api, text).await?.filter(|life| life.renewable);
                return Ok(Token::new(text.clone(), life.map_or(0, |life| life.ttl)));
            }
            Login::Kubernetes { role, token_file } => {
                let jwt = fs::read_to_string(token_file).map_err(|error| {
                    let why = format!("{}: {error}", token_file.display());
                    api.trouble(TroubleKind::Setup, "read the token of the service account").because(why)
                })?;
                ("auth/kubernetes/login", json!({ "role": role, "jwt": jwt.trim() }))
            }
            Login::AppRole { role_id, secret_id } => {
                ("auth/approle/login", json!({ "role_id": role_id.expose(), "secret_id": secret_id.expose() }))
            }
        };
        let request = Request { method: Method::POST, path: path.to_owned(), body: Some(&body), most: web::SMALL };
        let answer = api.send("log in", &request, None).await?;
        match answer.status {
            StatusCode::OK => {
                let Grant { client_token, lease_duration } = answer.json::<Granted>(api.name(), "log in")?.auth;
                Ok(Token::new(Secret::new(client_token), lease_duration))
            }
            StatusCode::NOT_FOUND => {
                let why = format!("there is no such login at `{}`", path.trim_end_matches("/login"));
                Err(api.trouble(TroubleKind::Setup, "log in").because(why))
            }
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let said = api::said(&answer);
                let of = |secret: &Secret| said.contains(secret.expose());
                let repeats = match &self.login {
                    Login::Token(_) | Login::Kubernetes { .. } => false,
                    Login::AppRole { role_id, secret_id } => of(role_id) || of(secret_id),
                };
                let why = if repeats { "the server refuses it" } else { said.as_str() };
                Err(api.trouble(TroubleKind::Credential, "log in").because(why.to_owned()))
            }
            _ => Err(api.refused(&answer, "log in")),
        }
    }

    /// Renews a token, or logs in again where that is not allowed. A given token is used to its end.
    async fn renewed(&self, api: &Api, token: Token) -> Result<Token, Trouble> {
        let path = "auth/token/renew-self".to_owned();
        let body = json!({});
        let request = Request { method: Method::POST, path, body: Some(&body), most: web::SMALL };
        let answer = api.send("renew the token", &request, Some(&token.text)).await?;
        if answer.status == StatusCode::OK {
            let Grant { client_token, lease_duration } = answer.json::<Granted>(api.name(), "renew the token")?.auth;
            return Ok(Token::new(Secret::new(client_token), lease_duration));
        }
        match self.login {
            Login::Token(_) => Ok(Token { text: token.text, due: None }),
            Login::Kubernetes { .. } | Login::AppRole { .. } => self.log_in(api).await,
        }
    }
}

/// Returns what the server says of a token; none where it refuses it.
async fn life(api: &Api, token: &Secret) -> Result<Option<Life>, Trouble> {
    let what = "ask about the token";
    let answer = api.send(what, &Request::get("auth/token/lookup-self".to_owned()), Some(token)).await?;
    match answer.status {
        StatusCode::OK => Ok(Some(answer.json::<Known>(api.name(), what)?.data)),
        StatusCode::FORBIDDEN => Ok(None),
        _ => Err(api.refused(&answer, what)),
    }
}
