//! Connections of documents → services: clients with the administrators' credentials, made when first asked for.

#![expect(
    clippy::disallowed_methods,
    reason = "reads the variables and files that a connection names for its credential"
)]

use std::{
    cell::RefCell,
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    rc::Rc,
};

use super::{
    Secret, Trouble, TroubleKind, object_store, redis, sandbox::Sandbox, store::Store, stores::directory::Directory,
};
use crate::provision::connection::{Connection, Source, UserPassword};

/// The administrator's user and password on one server.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user or access key.
    pub username: String,
    /// The password or secret key.
    pub password: Secret,
}

/// A server with its client. Cloning shares the client.
#[derive(Clone)]
pub enum Service {
    /// An object store.
    ObjectStore(Rc<object_store::Server>),
    /// Redis.
    Redis(Rc<redis::Server>),
    /// A secret store and nothing else.
    Store,
    /// Stand-ins of everything.
    Sandbox(Rc<Sandbox>),
}

/// What stands in for every connection, whatever it says.
enum StandIns {
    /// Nothing: connections are what they say.
    None,
    /// Stand-ins of each connection in this directory.
    In(PathBuf),
    /// These, for all connections together.
    Shared(Rc<Sandbox>),
}

/// All services of a run, by the connection that reaches them.
pub struct Connections {
    sandbox: StandIns,
    services: RefCell<BTreeMap<String, Service>>,
    stores: RefCell<BTreeMap<String, Rc<dyn Store>>>,
}

impl Connections {
    /// Returns services that are reached as documents say; with `sandbox`, stand-ins in that directory for all of them.
    pub fn new(sandbox: Option<PathBuf>) -> Self {
        Self::with(sandbox.map_or(StandIns::None, StandIns::In))
    }

    /// Returns one sandbox as every service and every secret store.
    pub fn stand_ins(sandbox: Rc<Sandbox>) -> Self {
        Self::with(StandIns::Shared(sandbox))
    }

    fn with(sandbox: StandIns) -> Self {
        Self { sandbox, services: RefCell::default(), stores: RefCell::default() }
    }

    /// Returns the service behind a connection.
    ///
    /// # Errors
    /// Its credential cannot be had.
    pub async fn service(&self, name: &str, connection: &Connection) -> Result<Service, Trouble> {
        let key = key(name, connection);
        if let Some(service) = self.services.borrow().get(&key) {
            return Ok(service.clone());
        }
        let service = match (&self.sandbox, connection) {
            (StandIns::Shared(sandbox), _) => Service::Sandbox(Rc::clone(sandbox)),
            (StandIns::In(directory), _) => sandbox(name, directory)?,
            (StandIns::None, connection) => self.real(name, connection).await?,
        };
        self.services.borrow_mut().insert(key, service.clone());
        Ok(service)
    }

    async fn real(&self, name: &str, connection: &Connection) -> Result<Service, Trouble> {
        Ok(match connection {
            Connection::Sandbox { path } => sandbox(name, Path::new(path))?,
            Connection::ObjectStore { endpoint, region, flavour, ca_file, credentials } => {
                let login = self.login(name, credentials).await?;
                let ca_file = ca_file.as_deref();
                let server = object_store::Server::new(name, endpoint, region, *flavour, ca_file, &login)?;
                Service::ObjectStore(Rc::new(server))
            }
            Connection::Redis { host, port, tls, credentials } => {
                let login = self.login(name, credentials).await?;
                Service::Redis(Rc::new(redis::Server::new(name, host, *port, tls, &login)?))
            }
            Connection::Vault { .. }
            | Connection::AwsSecretsManager { .. }
            | Connection::KubernetesSecrets { .. }
            | Connection::Directory { .. } => Service::Store,
            Connection::Mysql { .. }
            | Connection::Postgres { .. }
            | Connection::Rabbitmq { .. }
            | Connection::Http { .. } => {
                return Err(Trouble::new(
                    TroubleKind::Setup,
                    format!("connections of kind `{}` are not served", connection.kind()),
                ));
            }
        })
    }

    /// Returns the secret store behind a connection.
    ///
    /// # Errors
    /// Its credential cannot be had, or it is no secret store.
    pub async fn store(&self, name: &str, connection: &Connection) -> Result<Rc<dyn Store>, Trouble> {
        let key = key(name, connection);
        if let Some(store) = self.stores.borrow().get(&key) {
            return Ok(Rc::clone(store));
        }
        let store: Rc<dyn Store> = match (&self.sandbox, connection) {
            (StandIns::In(_) | StandIns::Shared(_), _) | (StandIns::None, Connection::Sandbox { .. }) => {
                match self.service(name, connection).await? {
                    Service::Sandbox(sandbox) => sandbox,
                    _ => return Err(not_a_store(name, connection)),
                }
            }
            (StandIns::None, Connection::Directory { path }) => Rc::new(Directory::new(PathBuf::from(path))),
            (StandIns::None, _) => return Err(not_a_store(name, connection)),
        };
        self.stores.borrow_mut().insert(key, Rc::clone(&store));
        Ok(store)
    }

    /// Returns an administrator's credential from where the connection says.
    async fn login(&self, name: &str, credentials: &UserPassword) -> Result<Login, Trouble> {
        let missing = |what: String| Trouble::new(TroubleKind::Setup, format!("connection `{name}`: {what}"));
        match credentials.source() {
            None => Err(missing("its credential comes from no place, or from two".to_owned())),
            Some(Source::Variables { username, password }) => Ok(Login {
                username: variable(username).map_err(missing)?,
                password: Secret::new(variable(password).map_err(missing)?),
            }),
            Some(Source::Files { username, password }) => Ok(Login {
                username: file(username).map_err(missing)?,
                password: Secret::new(file(password).map_err(missing)?),
            }),
            Some(Source::Entry(key)) => {
                Err(missing(format!("its credential is entry `{key}` of a secret store, which is not served")))
            }
        }
    }
}

fn sandbox(name: &str, directory: &Path) -> Result<Service, Trouble> {
    Ok(Service::Sandbox(Rc::new(Sandbox::open(directory, name)?)))
}

/// A connection that was changed between two commits is another one, under whatever name.
fn key(name: &str, connection: &Connection) -> String {
    format!("{name} {}", serde_json::to_string(connection).unwrap_or_default())
}

fn not_a_store(name: &str, connection: &Connection) -> Trouble {
    Trouble::new(TroubleKind::Setup, format!("connection `{name}` of kind `{}` is no secret store", connection.kind()))
}

fn variable(name: &str) -> Result<String, String> {
    match env::var(name) {
        Ok(text) if text.is_empty() => Err(format!("the environment variable {name} is empty")),
        Ok(text) => Ok(text),
        Err(_) => Err(format!("the environment variable {name} is not set, or is no text")),
    }
}

fn file(path: &str) -> Result<String, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("failed to read {path}: {error}"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}
