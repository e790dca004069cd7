//! What chains of steps share: the bound of each connection, what is done already, and the wish to stop.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use tokio::sync::{Notify, Semaphore};

/// A resource: tenant and id.
pub type Key = (String, String);

/// How many chains work on one connection at a time. More gains nothing on one server, and leaves room for its users.
pub const PER_CONNECTION: usize = 8;

/// What came of a chain in this round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All its steps are done, or it had none.
    Done,
    /// A step failed, or was not tried.
    Failed,
}

/// A wish to stop: no new step begins once it is made.
#[derive(Debug, Clone, Default)]
pub struct Stop(Rc<Cell<bool>>);

impl Stop {
    /// Asks for a stop.
    pub fn ask(&self) {
        self.0.set(true);
    }

    /// Returns whether somebody asked.
    pub fn is_asked(&self) -> bool {
        self.0.get()
    }
}

/// What the chains of one round share. It needs no runtime: only wakers.
#[derive(Debug)]
pub struct Gate {
    semaphores: RefCell<BTreeMap<String, Rc<Semaphore>>>,
    outcomes: RefCell<BTreeMap<Key, Outcome>>,
    changed: Notify,
    /// Tenants that nothing is done for.
    pub held_back: BTreeSet<String>,
    /// The wish to stop.
    pub stop: Stop,
}

impl Gate {
    /// Returns the gate of a round in which nothing is done yet.
    pub fn new(held_back: BTreeSet<String>, stop: Stop) -> Self {
        Self { semaphores: RefCell::default(), outcomes: RefCell::default(), changed: Notify::new(), held_back, stop }
    }

    /// Returns the bound of a connection.
    pub fn of_connection(&self, name: &str) -> Rc<Semaphore> {
        let mut semaphores = self.semaphores.borrow_mut();
        Rc::clone(semaphores.entry(name.to_owned()).or_insert_with(|| Rc::new(Semaphore::new(PER_CONNECTION))))
    }

    /// Tells all others what came of a chain.
    pub fn tell(&self, key: Key, outcome: Outcome) {
        self.outcomes.borrow_mut().insert(key, outcome);
        self.changed.notify_waiters();
    }

    /// Waits until all of `ids` of a tenant are through, and returns the first that failed.
    ///
    /// Every chain of the round tells, whatever happens to it, so nobody waits for ever.
    pub async fn wait_for(&self, tenant: &str, ids: &BTreeSet<String>) -> Option<String> {
        loop {
            let changed = self.changed.notified();
            let mut all_through = true;
            {
                let outcomes = self.outcomes.borrow();
                for id in ids {
                    match outcomes.get(&(tenant.to_owned(), id.clone())) {
                        Some(Outcome::Done) => {}
                        Some(Outcome::Failed) => return Some(id.clone()),
                        None => all_through = false,
                    }
                }
            }
            if all_through {
                return None;
            }
            changed.await;
        }
    }
}
