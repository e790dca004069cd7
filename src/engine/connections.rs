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
    Secret, Trouble, TroubleKind, http, mysql, object_store, postgres, rabbitmq, redis,
    sandbox::Sandbox,
    store::{Held, Store},
    stores::{
        aws::SecretsManager,
        directory::Directory,
        kubernetes::{self, KubernetesSecrets},
        vault::{self, Vault},
    },
};
use crate::provision::connection::{AppRole, Connection, HttpAuthentication, Source, UserPassword};

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
    /// PostgreSQL.
    Postgres(Rc<postgres::Server>),
    /// RabbitMQ.
    Rabbitmq(Rc<rabbitmq::Server>),
    /// MySQL or MariaDB.
    Mysql(Rc<mysql::Server>),
    /// An object store.
    ObjectStore(Rc<object_store::Server>),
    /// Redis.
    Redis(Rc<redis::Server>),
    /// A JSON API.
    Http(Rc<http::Server>),
    /// A secret store and nothing else.
    Store,
    /// Stand-ins of everything.
    Sandbox(Rc<Sandbox>),
}

/// The name and the connection of the secret store that a document's credentials are in.
pub type Home<'d> = Option<(&'d str, &'d Connection)>;

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

    /// Returns the service behind a connection. An administrator's credential that is an entry is read from `home`.
    ///
    /// # Errors
    /// Its credential cannot be had.
    pub async fn service(&self, name: &str, connection: &Connection, home: Home<'_>) -> Result<Service, Trouble> {
        let key = key(name, connection);
        if let Some(service) = self.services.borrow().get(&key) {
            return Ok(service.clone());
        }
        let service = match (&self.sandbox, connection) {
            (StandIns::Shared(sandbox), _) => Service::Sandbox(Rc::clone(sandbox)),
            (StandIns::In(directory), _) => sandbox(name, directory)?,
            (StandIns::None, connection) => self.real(name, connection, home).await?,
        };
        self.services.borrow_mut().insert(key, service.clone());
        Ok(service)
    }

    async fn real(&self, name: &str, connection: &Connection, home: Home<'_>) -> Result<Service, Trouble> {
        Ok(match connection {
            Connection::Sandbox { path } => sandbox(name, Path::new(path))?,
            Connection::Postgres { host, port, tls, extensions, credentials } => {
                let login = self.login(name, credentials, home).await?;
                Service::Postgres(Rc::new(postgres::Server::new(name, host, *port, tls, extensions, &login)?))
            }
            Connection::Rabbitmq { host, port, management_url, ca_file, credentials } => {
                let login = self.login(name, credentials, home).await?;
                let amqp = (host.as_str(), *port);
                let server = rabbitmq::Server::new(name, management_url, amqp, ca_file.as_deref(), &login)?;
                Service::Rabbitmq(Rc::new(server))
            }
            Connection::Mysql { host, port, tls, credentials } => {
                let login = self.login(name, credentials, home).await?;
                Service::Mysql(Rc::new(mysql::Server::new(name, host, *port, tls, &login)?))
            }
            Connection::ObjectStore { endpoint, region, flavour, ca_file, credentials } => {
                let login = self.login(name, credentials, home).await?;
                let ca_file = ca_file.as_deref();
                let server = object_store::Server::new(name, endpoint, region, *flavour, ca_file, &login)?;
                Service::ObjectStore(Rc::new(server))
            }
            Connection::Redis { host, port, tls, credentials } => {
                let login = self.login(name, credentials, home).await?;
                Service::Redis(Rc::new(redis::Server::new(name, host, *port, tls, &login)?))
            }
            Connection::Http { url, ca_file, authentication } => {
                let authentication = self.authentication(name, authentication, home).await?;
                Service::Http(Rc::new(http::Server::new(name, url, ca_file.as_deref(), authentication)?))
            }
            Connection::Vault { .. }
            | Connection::AwsSecretsManager { .. }
            | Connection::KubernetesSecrets { .. }
            | Connection::Directory { .. } => Service::Store,
        })
    }

    /// Returns the secret store behind a connection.
    ///
    /// # Errors
    /// Its credential cannot be had, or it is no secret store.
    pub async fn store(&self, name: &str, connection: &Connection, home: Home<'_>) -> Result<Rc<dyn Store>, Trouble> {
        let key = key(name, connection);
        if let Some(store) = self.stores.borrow().get(&key) {
            return Ok(Rc::clone(store));
        }
        let store: Rc<dyn Store> = match (&self.sandbox, connection) {
            (StandIns::In(_) | StandIns::Shared(_), _) | (StandIns::None, Connection::Sandbox { .. }) => {
                match self.service(name, connection, home).await? {
                    Service::Sandbox(sandbox) => sandbox,
                    _ => return Err(not_a_store(name, connection)),
                }
            }
            (StandIns::None, connection) => self.real_store(name, connection, home).await?,
        };
        self.stores.borrow_mut().insert(key, Rc::clone(&store));
        Ok(store)
    }

    /// Returns how requests to a JSON API prove who sends them.
    async fn authentication(
        &self,
        name: &str,
        wanted: &HttpAuthentication,
        home: Home<'_>,
    ) -> Result<http::Authentication, Trouble> {
        let secret = |env: &Option<String>, path: &Option<String>| {
            let text = match (env, path) {
                (Some(env), None) => variable(env),
                (None, Some(path)) => file(path),
                _ => Err("its credential comes from no place, or from two".to_owned()),
            };
            let setup = |what: String| Trouble::new(TroubleKind::Setup, format!("connection `{name}`: {what}"));
            text.map(Secret::new).map_err(setup)
        };
        Ok(match wanted {
            HttpAuthentication::Bearer { token_env, token_file } => {
                http::Authentication::Bearer(secret(token_env, token_file)?)
            }
            HttpAuthentication::Basic(credentials) => {
                http::Authentication::Basic(self.login(name, credentials, home).await?)
            }
            HttpAuthentication::Header { name, value_env, value_file } => {
                http::Authentication::Header { name: name.clone(), value: secret(value_env, value_file)? }
            }
            HttpAuthentication::Login { path, username_key, password_key, token_at, credentials } => {
                http::Authentication::Login {
                    path: path.clone(),
                    username_key: username_key.clone(),
                    password_key: password_key.clone(),
                    token_at: token_at.clone(),
                    login: self.login(name, credentials, home).await?,
                }
            }
        })
    }

    async fn real_store(&self, name: &str, connection: &Connection, home: Home<'_>) -> Result<Rc<dyn Store>, Trouble> {
        Ok(match connection {
            Connection::Directory { path } => Rc::new(Directory::new(PathBuf::from(path))),
            Connection::Vault { url, mount, ca_file, token_env, kubernetes_role, app_role } => {
                let login = vault_login(name, token_env.as_deref(), kubernetes_role.as_deref(), app_role.as_ref())?;
                Rc::new(Vault::new(name, url, mount, ca_file.as_deref(), login)?)
            }
            Connection::AwsSecretsManager { region, endpoint, credentials } => {
                let login = self.login(name, credentials, home).await?;
                Rc::new(SecretsManager::new(name, region, endpoint.as_deref(), &login))
            }
            Connection::KubernetesSecrets { namespace } => {
                let config = kubernetes::config(name, env::var_os("KUBECONFIG").is_some()).await?;
                Rc::new(KubernetesSecrets::new(name, namespace, config))
            }
            Connection::Mysql { .. }
            | Connection::Postgres { .. }
            | Connection::ObjectStore { .. }
            | Connection::Rabbitmq { .. }
            | Connection::Redis { .. }
            | Connection::Http { .. }
            | Connection::Sandbox { .. } => return Err(not_a_store(name, connection)),
        })
    }

    /// Returns an administrator's credential from where the connection says.
    async fn login(&self, name: &str, credentials: &UserPassword, home: Home<'_>) -> Result<Login, Trouble> {
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
            Some(Source::Entry(key)) => self.entry(name, key, home).await,
        }
    }

    /// Returns a credential that is an entry of the secret store.
    async fn entry(&self, name: &str, key: &str, home: Home<'_>) -> Result<Login, Trouble> {
        let setup = |what: &str| Trouble::new(TroubleKind::Setup, format!("connection `{name}`: {what}"));
        let credential = format!("its credential is the entry `{key}` of the secret store");
        let Some((store_name, store)) = home else {
            return Err(setup(&format!("{credential}, and the document has none")));
        };
        // A store that is opened by an entry of a store would be asked for before it is there.
        if store_name == name || store.entry().is_some() {
            return Err(setup(&format!("{credential} `{store_name}`, whose own credential cannot be an entry")));
        }
        // The store asks for no entry, so this goes no deeper.
        let store = Box::pin(self.store(store_name, store, None)).await?;
        match store.read(key).await? {
            Held::Entry(entry) => {
                let field = |field: &str| {
                    entry.get(field).ok_or_else(|| setup(&format!("{credential}, which has no field `{field}`")))
                };
                Ok(Login { username: field("username")?.expose().to_owned(), password: field("password")?.clone() })
            }
            Held::Free => Err(setup(&format!("{credential}, which is not there"))),
            Held::Deleted => Err(setup(&format!("{credential}, which was deleted"))),
        }
    }
}

/// Returns how a run logs in to OpenBao or Vault: in the order of the connection's settings, the first that is there.
fn vault_login(
    name: &str,
    token: Option<&str>,
    role: Option<&str>,
    app_role: Option<&AppRole>,
) -> Result<vault::Login, Trouble> {
    let missing = |what: String| Trouble::new(TroubleKind::Setup, format!("connection `{name}`: {what}"));
    let secret = |name: &str| variable(name).map(Secret::new).map_err(missing);
    match (token, role, app_role) {
        (Some(token), _, _) => Ok(vault::Login::Token(secret(token)?)),
        (None, Some(role), _) => Ok(vault::Login::Kubernetes {
            role: role.to_owned(),
            token_file: PathBuf::from(vault::SERVICE_ACCOUNT_TOKEN),
        }),
        (None, None, Some(AppRole { role_id_env, secret_id_env })) => {
            Ok(vault::Login::AppRole { role_id: secret(role_id_env)?, secret_id: secret(secret_id_env)? })
        }
        (None, None, None) => Err(missing("it names no login: `tokenEnv`, `kubernetesRole` or `appRole`".to_owned())),
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
    match text.strip_suffix('\r').unwrap_or(text) {
        "" => Err(format!("the file {path} is empty")),
        text => Ok(text.to_owned()),
    }
}
