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
    tenants: RefCell<BTreeMap<String, Rc<Tenant>>>,
    /// Tenants that nothing is done for.
    pub held_back: BTreeSet<String>,
    /// The wish to stop.
    pub stop: Stop,
}

/// What came of one tenant's chains. They wait for each other alone: news of another of thousands wakes none of them.
#[derive(Debug, Default)]
struct Tenant {
    outcomes: RefCell<BTreeMap<String, Outcome>>,
    changed: Notify,
}

impl Gate {
    /// Returns the gate of a round in which nothing is done yet.
    pub fn new(held_back: BTreeSet<String>, stop: Stop) -> Self {
        Self { semaphores: RefCell::default(), tenants: RefCell::default(), held_back, stop }
    }

    /// Returns the bound of a connection.
    pub fn of_connection(&self, name: &str) -> Rc<Semaphore> {
        let mut semaphores = self.semaphores.borrow_mut();
        Rc::clone(semaphores.entry(name.to_owned()).or_insert_with(|| Rc::new(Semaphore::new(PER_CONNECTION))))
    }

    /// Tells all others what came of a chain.
    pub fn tell(&self, (tenant, id): Key, outcome: Outcome) {
        let tenant = self.tenant(&tenant);
        tenant.outcomes.borrow_mut().insert(id, outcome);
        tenant.changed.notify_waiters();
    }

    /// Waits until all of `ids` of a tenant are through, and returns the first that failed.
    ///
    /// Every chain of the round tells, whatever happens to it, so nobody waits for ever.
    pub async fn wait_for(&self, tenant: &str, ids: &BTreeSet<String>) -> Option<String> {
        let tenant = self.tenant(tenant);
        loop {
            let changed = tenant.changed.notified();
            let mut all_through = true;
            {
                let outcomes = tenant.outcomes.borrow();
                for id in ids {
                    match outcomes.get(id) {
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

    fn tenant(&self, name: &str) -> Rc<Tenant> {
        Rc::clone(self.tenants.borrow_mut().entry(name.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Context, Poll, Wake},
    };

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn key(tenant: &str, id: &str) -> Key {
        (tenant.to_owned(), id.to_owned())
    }

    #[test]
    fn a_chain_waits_for_its_own_tenant_alone() {
        let gate = Gate::new(BTreeSet::new(), Stop::default());
        let ids = BTreeSet::from(["files".to_owned(), "user".to_owned()]);
        let mut waiting = pin!(gate.wait_for("abc", &ids));
        let woken = Arc::new(Woken::default());
        let waker = Arc::clone(&woken).into();
        let mut context = Context::from_waker(&waker);
        assert!(waiting.as_mut().poll(&mut context).is_pending());

        gate.tell(key("abd", "files"), Outcome::Failed);
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        gate.tell(key("abc", "files"), Outcome::Done);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        gate.tell(key("abc", "user"), Outcome::Failed);
        assert_eq!(waiting.poll(&mut context), Poll::Ready(Some("user".to_owned())));
    }
}
