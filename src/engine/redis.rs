//! `redisUser` on a Redis server, by its ACL commands (Redis 6 and later).

#![expect(clippy::disallowed_methods, reason = "reads the file with the authorities that a connection names")]

use std::{cell::RefCell, collections::BTreeSet, fs, sync::Arc};

use futures::future::{join_all, try_join_all};
use jiff::Timestamp;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisConnectionInfo, RedisError,
    ServerErrorKind, TlsCertificates, Value, aio::MultiplexedConnection, cmd,
};
use sha2::{Digest, Sha256};

use super::{
    Access, Look, Observe, Perform, Probe, Secret, Trouble, TroubleKind, clocks, connections::Login, points,
    service::Answers, web, within::within,
};
use crate::{
    provision::{
        Wanted,
        connection::{Tls, TlsMode},
        redis::RedisUserSpec,
    },
    steps::{
        claim::{Claim, Owner},
        redis::{Categories, GENERATION, RedisAction, RedisUser, Rules, SAVED, Seen, User, claim_channel, rules},
    },
};

/// A Redis server, with the administrator's connection once there is one.
pub struct Server {
    name: String,
    address: ConnectionAddr,
    root_cert: Option<Vec<u8>>,
    login: Login,
    connection: RefCell<Option<MultiplexedConnection>>,
    /// What a server allows changes with its version only.
    categories: RefCell<Option<Arc<Categories>>>,
}

impl Server {
    /// Prepares a client; nothing is connected yet.
    ///
    /// # Errors
    /// The file with the authorities cannot be read.
    pub fn new(name: &str, host: &str, port: u16, tls: &Tls, login: &Login) -> Result<Self, Trouble> {
        let address = match tls.mode {
            TlsMode::Off => ConnectionAddr::Tcp(host.to_owned(), port),
            TlsMode::Required => {
                ConnectionAddr::TcpTls { host: host.to_owned(), port, insecure: false, tls_params: None }
            }
        };
        let root_cert = tls.ca_file.as_ref().map(fs::read).transpose().map_err(|error| {
            Trouble::new(TroubleKind::Setup, format!("connection `{name}`: failed to read `caFile`"))
                .because(error.to_string())
        })?;
        Ok(Self {
            name: name.to_owned(),
            address,
            root_cert,
            login: login.clone(),
            connection: RefCell::default(),
            categories: RefCell::default(),
        })
    }

    async fn connect(&self, user: &str, password: &Secret) -> Result<MultiplexedConnection, RedisError> {
        let settings = RedisConnectionInfo::default().set_skip_set_lib_name();
        let info = self.address.clone().into_connection_info()?.set_redis_settings(settings);
        let certificates = TlsCertificates { client_tls: None, root_cert: self.root_cert.clone() };
        let client = match self.address {
            ConnectionAddr::TcpTls { .. } => Client::build_with_tls(info, certificates)?,
            _ => Client::open(info)?,
        };
        // A call's deadline is ours: the client's own is half a second, which a loaded server may take.
        let patient = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let mut connection = client.get_multiplexed_async_connection_with_config(&patient).await?;
        // The client's own login forgets what the server said: a wrong password, or that it has too many clients.
        let _: Value = cmd("AUTH").arg(user).arg(password.expose()).query_async(&mut connection).await?;
        Ok(connection)
    }

    /// Sends a command as the administrator. A broken connection is made anew by the next command.
    async fn ask(&self, what: &str, command: &Cmd) -> Result<Value, Trouble> {
        within(&self.name, what, async {
            let open = self.connection.borrow().clone();
            let mut connection = match open {
                Some(connection) => connection,
                None => {
                    let made = self.connect(&self.login.username, &self.login.password).await;
                    let made = made.map_err(|error| self.trouble("connect", &error))?;
                    self.connection.borrow_mut().insert(made).clone()
                }
            };
            command.query_async(&mut connection).await.map_err(|error| {
                if error.is_io_error() || error.is_connection_dropped() {
                    self.connection.borrow_mut().take();
                }
                self.trouble(what, &error)
            })
        })
        .await
    }

    /// Returns the server's time.
    ///
    /// # Errors
    /// The server does not say.
    pub async fn clock(&self) -> Result<Timestamp, Trouble> {
        let answer = self.ask(clocks::QUESTION, &cmd("TIME")).await?;
        clocks::time(&self.name, texts(&answer).first().and_then(|seconds| seconds.parse().ok()))
    }

    fn trouble(&self, what: &str, error: &RedisError) -> Trouble {
        let kind = match error.kind() {
            ErrorKind::AuthenticationFailed => TroubleKind::Credential,
            ErrorKind::Io if web::is_tls(error) => TroubleKind::Tls,
            ErrorKind::Io => TroubleKind::Unreachable,
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => TroubleKind::Unexpected,
            ErrorKind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::TryAgain) => TroubleKind::Busy,
            ErrorKind::Server(ServerErrorKind::ReadOnly) => TroubleKind::ReadOnly,
            _ => match error.code() {
                Some("NOPERM") => TroubleKind::Forbidden,
                Some("WRONGPASS" | "NOAUTH") => TroubleKind::Credential,
                Some("MISCONF") => TroubleKind::ReadOnly,
                // The folder of the file takes none: its disk is full, or it may not be written to.
                _ if error.detail().is_some_and(|detail| detail.contains("save the ACLs")) => TroubleKind::ReadOnly,
                _ if error.detail().is_some_and(|detail| detail.contains("max number of clients")) => TroubleKind::Busy,
                _ => TroubleKind::Refused,
            },
        };
        // What a server says of a command could repeat its arguments; the code says enough.
        let said = match error.code() {
            Some(code) => format!("the server answers {code}"),
            None if error.is_io_error() => error.to_string(),
            None => error.category().to_owned(),
        };
        Trouble::new(kind, format!("connection `{}`: failed to {what}", self.name)).because(said)
    }
}

/// Reads users.
pub struct Observer(std::rc::Rc<Server>);

impl Observer {
    /// Returns the reader of a server.
    pub fn new(server: &std::rc::Rc<Server>) -> Self {
        Self(std::rc::Rc::clone(server))
    }

    async fn has_file(&self) -> Result<bool, Trouble> {
        let answer = self.0.ask("read where users are kept", cmd("CONFIG").arg("GET").arg("aclfile")).await?;
        Ok(texts(&answer).get(1).is_some_and(|file| !file.is_empty()))
    }

    async fn categories(&self) -> Result<Arc<Categories>, Trouble> {
        if let Some(known) = self.0.categories.borrow().clone() {
            return Ok(known);
        }
        let what = "read the categories of commands";
        let names = texts(&self.0.ask(what, cmd("ACL").arg("CAT")).await?);
        let mut categories: Categories = try_join_all(names.into_iter().map(async |name| {
            let commands = texts(&self.0.ask(what, cmd("ACL").arg("CAT").arg(&name)).await?);
            Ok::<_, Trouble>((name, commands.into_iter().collect::<BTreeSet<_>>()))
        }))
        .await?
        .into_iter()
        .collect();
        let all = categories.values().flatten().cloned().collect();
        categories.insert("all".to_owned(), all);
        Ok(Arc::clone(self.0.categories.borrow_mut().insert(Arc::new(categories))))
    }

    async fn user(&self, look: Look<'_, RedisUserSpec>) -> Result<Option<User>, Trouble> {
        let name = &look.wanted().name;
        let answer = self.0.ask("read a user", cmd("ACL").arg("GETUSER").arg(name)).await?;
        let Some(found) = Found::read(&answer) else { return Ok(None) };
        let login = match look.entry.and_then(|entry| entry.get("password")) {
            None => None,
            Some(password) => Some(found.passwords == [hash(password)] && self.gets_in(name, password).await?),
        };
        Ok(Some(found.user(look.asked.claim, login)))
    }

    async fn gets_in(&self, user: &str, password: &Secret) -> Result<bool, Trouble> {
        within(&self.0.name, "log in", async {
            match self.0.connect(user, password).await {
                Ok(_) => Ok(true),
                Err(error) if error.code() == Some("WRONGPASS") => Ok(false),
                Err(error) => Err(self.0.trouble("log in as a tenant's user", &error)),
            }
        })
        .await
    }
}

impl Observe<RedisUser> for Observer {
    async fn observe(&self, looks: &[Look<'_, RedisUserSpec>]) -> Vec<Result<Seen, Trouble>> {
        let server = async { Ok::<_, Trouble>((self.has_file().await?, self.categories().await?)) }.await;
        let (has_file, categories) = match server {
            Ok(server) => server,
            Err(trouble) => return looks.iter().map(|_| Err(trouble.again())).collect(),
        };
        let users = join_all(looks.iter().map(|look| self.user(*look))).await;
        users.into_iter().map(|user| Ok(Seen { user: user?, has_file, categories: Arc::clone(&categories) })).collect()
    }
}

/// What `ACL GETUSER` answers, by its own words.
struct Found {
    flags: Vec<String>,
    passwords: Vec<String>,
    commands: String,
    keys: BTreeSet<String>,
    channels: BTreeSet<String>,
    has_selectors: bool,
}

impl Found {
    /// Reads the answer: a list of names and values, or nothing where there is no such user.
    fn read(answer: &Value) -> Option<Self> {
        let pairs: Vec<(String, &Value)> = match answer {
            Value::Array(items) => {
                items.chunks(2).filter_map(|pair| Some((text(pair.first()?)?, pair.get(1)?))).collect()
            }
            Value::Map(pairs) => pairs.iter().filter_map(|(name, value)| Some((text(name)?, value))).collect(),
            _ => return None,
        };
        let of = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
        // Redis 6 lists patterns, Redis 7 writes them as one text of rules.
        let patterns = |name: &str, sign: char| -> BTreeSet<String> {
            let items = of(name).map(texts).unwrap_or_default();
            let words = items.iter().flat_map(|item| item.split(' ')).filter(|word| !word.is_empty());
            words.map(|word| word.strip_prefix(sign).unwrap_or(word).to_owned()).collect()
        };
        Some(Self {
            flags: of("flags").map(texts).unwrap_or_default(),
            passwords: of("passwords").map(texts).unwrap_or_default(),
            commands: of("commands").and_then(text).unwrap_or_default(),
            keys: patterns("keys", '~'),
            channels: patterns("channels", '&'),
            has_selectors: of("selectors")
                .is_some_and(|value| matches!(value, Value::Array(items) if !items.is_empty())),
        })
    }

    /// A digest of all that is said of the user, what the server derives from it left out.
    fn digest(&self) -> String {
        let Self { flags, passwords, commands, keys, channels, has_selectors } = self;
        let flags: BTreeSet<&String> =
            flags.iter().filter(|flag| ["on", "off", "nopass"].contains(&flag.as_str())).collect();
        let all = format!("{flags:?} {passwords:?} {commands:?} {keys:?} {channels:?} {has_selectors}");
        hex::encode(&Sha256::digest(all)[..8])
    }

    fn user(mut self, claim: &Claim, login: Option<bool>) -> User {
        let claims: Vec<String> =
            self.channels.iter().filter(|channel| Claim::read(channel).is_some()).cloned().collect();
        let ours = claim_channel(claim);
        let owner = match claims.iter().find(|found| **found != ours) {
            Some(another) => Owner::of(Some(another), claim),
            None if claims.is_empty() => Owner::Unmarked,
            None => Owner::Ours,
        };
        let saved = self.channels.iter().filter_map(|channel| channel.strip_prefix(SAVED)).map(str::to_owned).collect();
        self.channels.retain(|channel| !claims.contains(channel) && !channel.starts_with(SAVED));
        let digest = self.digest();
        self.channels.retain(|channel| !channel.starts_with(GENERATION));
        let is = |flag: &str| self.flags.iter().any(|found| found == flag);
        // The server always starts with what holds for all other commands.
        let commands = self.commands.split(' ').filter(|rule| *rule != "-@all").map(str::to_owned).collect();
        let rules = Rules {
            on: is("on"),
            excess: is("nopass") || is("allkeys") || is("allchannels") || self.has_selectors,
            keys: self.keys,
            channels: self.channels,
            commands,
        };
        User { owner, rules, digest, saved, login }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) | Value::Set(items) => items.iter().filter_map(text).collect(),
        Value::Map(pairs) => pairs.iter().flat_map(|(name, value)| [text(name), text(value)]).flatten().collect(),
        other => text(other).into_iter().collect(),
    }
}

/// Redis keeps SHA-256 of passwords, and takes it in their place: no command holds a password.
fn hash(password: &Secret) -> String {
    hex::encode(Sha256::digest(password.expose()))
}

/// Writes users.
pub struct Performer(std::rc::Rc<Server>);

impl Performer {
    /// Returns the writer of a server.
    pub fn new(server: &std::rc::Rc<Server>) -> Self {
        Self(std::rc::Rc::clone(server))
    }

    /// `reset` first: `SETUSER` only adds to what a user has.
    async fn set(&self, look: Look<'_, RedisUserSpec>) -> Result<Value, Trouble> {
        let Wanted { name, spec, .. } = look.wanted();
        let Rules { on: _, keys, channels, commands, excess: _ } = rules(name, spec);
        let password = look.entry.ok_or_else(no_entry)?.need("password")?;
        let mut command = cmd("ACL");
        command
            .arg("SETUSER")
            .arg(name)
            .arg("reset")
            .arg("on")
            .arg(format!("#{}", hash(password)))
            .arg("resetchannels");
        for key in keys {
            command.arg(format!("~{key}"));
        }
        for channel in channels {
            command.arg(format!("&{channel}"));
        }
        if !points::planted("redis-skip-claim") {
            command.arg(format!("&{}", claim_channel(look.asked.claim)));
        }
        command.arg(format!("&{GENERATION}{}", Secret::random(12)?.expose()));
        self.0.ask("set a user", command.arg(commands)).await
    }
}

fn no_entry() -> Trouble {
    Trouble::new(TroubleKind::Setup, "the user has no stored credential")
}

impl Perform<RedisUser> for Performer {
    async fn perform(&self, look: Look<'_, RedisUserSpec>, action: &RedisAction) -> Result<Answers, Trouble> {
        match action {
            RedisAction::Create { user: _ } | RedisAction::Reset { user: _, differences: _ } => {
                self.set(look).await?;
            }
            RedisAction::Save => drop(self.0.ask("save the users", cmd("ACL").arg("SAVE")).await?),
            RedisAction::MarkSaved { user, digest } => {
                // `SETUSER` makes a user that went in between: one that may do nothing, and is ours.
                let marks =
                    [claim_channel(look.asked.claim), format!("{SAVED}{digest}")].map(|mark| format!("&{mark}"));
                self.0.ask("mark a user as saved", cmd("ACL").arg("SETUSER").arg(user).arg(&marks)).await?;
            }
            RedisAction::Disable { user } => {
                self.0.ask("disable a user", cmd("ACL").arg("SETUSER").arg(user).arg("off").arg("resetpass")).await?;
            }
            RedisAction::Delete { user } => {
                self.0.ask("delete a user", cmd("ACL").arg("DELUSER").arg(user)).await?;
            }
        }
        Ok(Answers::new())
    }
}

/// Tries what a user reaches.
pub struct Prober(std::rc::Rc<Server>);

impl Prober {
    /// Returns what tries users of a server.
    pub fn new(server: &std::rc::Rc<Server>) -> Self {
        Self(std::rc::Rc::clone(server))
    }
}

impl Probe<RedisUser> for Prober {
    async fn probe(
        &self,
        own: Look<'_, RedisUserSpec>,
        targets: &[&Wanted<RedisUserSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        let password = own.entry.ok_or_else(no_entry)?.need("password")?;
        let mut connection = within(&self.0.name, "log in", async {
            let made = self.0.connect(&own.wanted().name, password).await;
            made.map_err(|error| self.0.trouble("log in as a tenant's user", &error))
        })
        .await?;
        let mut found = Vec::with_capacity(targets.len());
        for target in targets {
            // Reading a key that is not there leaves no trace, and is refused all the same.
            let key = format!("{}:tenantry-isolation", target.name);
            let what = "read a key as a tenant's user";
            let asked = within(&self.0.name, what, async {
                match cmd("GET").arg(&key).query_async::<Value>(&mut connection).await {
                    Ok(_) => Ok(Access::Allowed(format!("read the key `{key}`"))),
                    Err(error) if error.code() == Some("NOPERM") => Ok(Access::Denied),
                    Err(error) => Err(self.0.trouble(what, &error)),
                }
            });
            found.push(asked.await);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_no_claims_whatever_the_tenants_name() {
        for tenant in ["abc", "zeta", "generation", "saved"] {
            let claim = |uid: &str| Claim { tenant: tenant.to_owned(), uid: uid.to_owned() };
            let found = |claims: &[Claim]| Found {
                flags: vec!["on".to_owned()],
                passwords: Vec::new(),
                commands: String::new(),
                keys: BTreeSet::new(),
                channels: claims
                    .iter()
                    .map(claim_channel)
                    .chain([format!("{SAVED}d"), format!("{GENERATION}g"), "own:*".to_owned()])
                    .collect(),
                has_selectors: false,
            };
            let user = found(&[claim("1")]).user(&claim("1"), None);
            assert_eq!(user.owner, Owner::Ours, "{tenant}");
            assert_eq!(user.saved, BTreeSet::from(["d".to_owned()]));
            assert_eq!(user.rules.channels, BTreeSet::from(["own:*".to_owned()]));
            assert_eq!(found(&[]).user(&claim("1"), None).owner, Owner::Unmarked, "{tenant}");
            // Beside ours, too, another's claim is another's.
            assert_eq!(found(&[claim("1"), claim("2")]).user(&claim("1"), None).owner, Owner::Another(claim("2")));
        }
    }
}
