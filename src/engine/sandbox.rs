//! Stand-ins of all services, in process, behind the same traits as the real ones. They keep what a server keeps, and
//! say no where it would: an object that exists already, a password that is wrong, a key that is taken.
//!
//! One sandbox is one connection: `<directory>/<connection>.json`, or memory alone. With a [`Weather`] every call may
//! fail before it is done, or be done and its answer lost; that is how random schedules of faults are run without I/O.

#![expect(clippy::disallowed_methods, reason = "an edge: the stand-ins are kept in files")]

pub mod http;
pub mod mysql;
pub mod iam;
pub mod object_store;
pub mod object_store_users;
pub mod postgres;
pub mod rabbitmq;
pub mod redis;
pub mod secrets;

use std::{
    cell::RefCell,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    rc::Rc,
};

use futures::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};

use super::{Trouble, TroubleKind};

/// All that the stand-ins keep.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// JSON APIs.
    pub http: http::Server,
    /// MySQL or MariaDB.
    pub mysql: mysql::Server,
    /// Users of AWS.
    pub iam: iam::Server,
    /// The object store.
    pub objects: object_store::Server,
    /// PostgreSQL.
    pub postgres: postgres::Server,
    /// RabbitMQ.
    pub rabbitmq: rabbitmq::Server,
    /// Redis.
    pub redis: redis::Server,
    /// The secret store.
    pub secrets: secrets::Server,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is made, and its answer arrives.
    Fair,
    /// It never reaches the server.
    Lost,
    /// The server does it, and the answer is lost.
    ReplyLost,
}

/// Decides what happens to calls. An implementation may also wait, and so let another run go first.
pub trait Weather {
    /// Asked before each call; `what` names it.
    fn fate(&self, what: &'static str) -> LocalBoxFuture<'_, Fate>;
}

/// One connection's stand-ins.
pub struct Sandbox {
    state: RefCell<State>,
    file: Option<(PathBuf, fs::File)>,
    weather: Option<Rc<dyn Weather>>,
}

impl Sandbox {
    /// Opens the stand-ins of a connection in a directory, which is made where it is not there. One process at a time.
    ///
    /// # Errors
    /// The directory cannot be used, another process has it, or its file holds something else.
    pub fn open(directory: &Path, connection: &str) -> Result<Self, Trouble> {
        let setup = |error: io::Error| {
            Trouble::new(TroubleKind::Setup, format!("failed to open the sandbox {}", directory.display()))
                .because(error.to_string())
        };
        fs::create_dir_all(directory).map_err(setup)?;
        let path = directory.join(format!("{connection}.json"));
        let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(directory.join(".lock"));
        let lock = lock.map_err(setup)?;
        // Shared between the connections of one process, which opens the file once for each.
        let state = match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| setup(io::Error::other(error.to_string())))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(setup(error)),
        };
        Ok(Self { state: RefCell::new(state), file: Some((path, lock)), weather: None })
    }

    /// Returns stand-ins in memory alone.
    pub fn in_memory(weather: Option<Rc<dyn Weather>>) -> Self {
        Self { state: RefCell::default(), file: None, weather }
    }

    /// Returns a copy of all that is kept: what an oracle looks at.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Changes what is kept as somebody else would, past the engine.
    pub fn meddle(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.borrow_mut());
    }

    /// Reads, as one call.
    ///
    /// # Errors
    /// The weather, or what `read` says.
    pub async fn read<T>(
        &self,
        what: &'static str,
        read: impl FnOnce(&State) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let fate = self.fate(what).await;
        let result = match fate {
            Fate::Lost => return Err(lost(what)),
            Fate::Fair | Fate::ReplyLost => read(&self.state.borrow()),
        };
        if fate == Fate::ReplyLost { Err(lost(what)) } else { result }
    }

    /// Writes, as one call: all of it or nothing.
    ///
    /// # Errors
    /// The weather, what `write` says, or the disk.
    pub async fn write<T>(
        &self,
        what: &'static str,
        write: impl FnOnce(&mut State) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let fate = self.fate(what).await;
        if fate == Fate::Lost {
            return Err(lost(what));
        }
        let result = {
            let mut state = self.state.borrow_mut();
            let result = write(&mut state);
            if result.is_ok() {
                self.keep(&state)?;
            }
            result
        };
        if fate == Fate::ReplyLost { Err(lost(what)) } else { result }
    }

    async fn fate(&self, what: &'static str) -> Fate {
        match &self.weather {
            Some(weather) => weather.fate(what).await,
            None => Fate::Fair,
        }
    }

    fn keep(&self, state: &State) -> Result<(), Trouble> {
        let Some((path, _)) = &self.file else { return Ok(()) };
        let write = || -> io::Result<()> {
            let folder = path.parent().unwrap_or(Path::new("."));
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&serde_json::to_vec_pretty(state)?)?;
            file.persist(path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|error| {
            Trouble::new(TroubleKind::ReadOnly, "failed to keep the sandbox").because(error.to_string())
        })
    }
}

fn lost(what: &'static str) -> Trouble {
    Trouble::new(TroubleKind::Unreachable, format!("sandbox: the connection broke: {what}"))
}

/// Reads of any kind.
pub struct Observer(Rc<Sandbox>);

impl Observer {
    /// Returns the reader of a sandbox.
    pub fn new(sandbox: &Rc<Sandbox>) -> Self {
        Self(Rc::clone(sandbox))
    }
}

/// Writes of any kind.
pub struct Performer(Rc<Sandbox>);

impl Performer {
    /// Returns the writer of a sandbox.
    pub fn new(sandbox: &Rc<Sandbox>) -> Self {
        Self(Rc::clone(sandbox))
    }
}

/// Tries of any kind.
pub struct Prober(Rc<Sandbox>);

impl Prober {
    /// Returns what tries credentials on a sandbox.
    pub fn new(sandbox: &Rc<Sandbox>) -> Self {
        Self(Rc::clone(sandbox))
    }
}

/// What a stand-in keeps of a password: enough to tell whether another text is the same.
pub fn digest(secret: &super::Secret) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(secret.expose()))
}
