//! The weather of the sandbox, and who runs when: one thread, and chance decides at every call.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
};

use futures::future::LocalBoxFuture;
use tenantry::engine::sandbox::{Fate, Sandbox, State, Weather};

use super::{
    chance::Chance,
    planted::{Amends, Spoil},
};

/// Lets calls fail and others go first, by chance. Calm weather does neither. It also looks at the secret store after
/// every write: what is stored once must never change, not even for the time of a call.
pub struct Storm {
    weather: RefCell<Conditions>,
    sandbox: RefCell<Weak<Sandbox>>,
    /// A deliberate mistake of the stand-ins.
    spoil: Option<Spoil>,
}

struct Conditions {
    chance: Chance,
    /// Of 100 calls, how many fail.
    rough: usize,
    /// Whether other runs may go first.
    crowded: bool,
    lost: usize,
    replies_lost: usize,
    calls: BTreeMap<&'static str, usize>,
    /// Takes the mistake of the last call back, as far as it is not to stay.
    amends: Amends,
    /// Whether the last call wrote to the secret store.
    stores: bool,
    /// What is stored: claim, key and field → text.
    stored: BTreeMap<[String; 3], String>,
    looks: usize,
    violation: Option<String>,
}

/// What the weather has counted.
pub struct Weathered {
    pub calls: BTreeMap<&'static str, usize>,
    pub lost: usize,
    pub replies_lost: usize,
    pub looks: usize,
}

/// The fields that are made, or answered, once and for all; a key that comes with an object lasts as long as that.
const LASTING: [&str; 5] = ["password", "key", "token", "secretKey", "accessKey"];

impl Storm {
    pub fn new(chance: Chance, spoil: Option<Spoil>) -> Rc<Self> {
        let weather = Conditions {
            chance,
            rough: 0,
            crowded: false,
            lost: 0,
            replies_lost: 0,
            calls: BTreeMap::new(),
            amends: None,
            stores: false,
            stored: BTreeMap::new(),
            looks: 0,
            violation: None,
        };
        Rc::new(Self { weather: RefCell::new(weather), sandbox: RefCell::default(), spoil })
    }

    /// Tells which sandbox it is the weather of.
    pub fn over(&self, sandbox: &Rc<Sandbox>) {
        *self.sandbox.borrow_mut() = Rc::downgrade(sandbox);
    }

    pub fn set(&self, rough: usize, crowded: bool) {
        let mut weather = self.weather.borrow_mut();
        (weather.rough, weather.crowded) = (rough, crowded);
    }

    pub fn counts(&self) -> Weathered {
        let Conditions { calls, lost, replies_lost, looks, .. } = &*self.weather.borrow();
        Weathered { calls: calls.clone(), lost: *lost, replies_lost: *replies_lost, looks: *looks }
    }

    /// Ends the last call: looks at what it stored, and takes a mistake back. Everybody who looks at the state himself
    /// does that first.
    pub fn end_call(&self) {
        let Some(sandbox) = self.sandbox.borrow().upgrade() else { return };
        let weather = &mut *self.weather.borrow_mut();
        if let Some(amends) = weather.amends.take() {
            sandbox.meddle(amends);
        }
        if std::mem::take(&mut weather.stores) {
            sandbox.meddle(|state| weather.look_at_stored(state));
        }
    }

    /// Returns what was found wrong while runs went on.
    pub fn violation(&self) -> Option<String> {
        self.weather.borrow_mut().violation.take()
    }

    /// A tenant is being removed, and its credentials with it.
    pub fn forget(&self, claim: &str) {
        self.weather.borrow_mut().stored.retain(|[of, ..], _| of != claim);
    }

    /// Returns a credential of those claims that is not there any more.
    pub fn missing(&self, claims: &[String]) -> Option<String> {
        let sandbox = self.sandbox.borrow().upgrade()?;
        let weather = self.weather.borrow();
        let mut missing = None;
        sandbox.meddle(|state| {
            let is_there = |key: &String, field: &String| {
                state.secrets.entries.get(key).is_some_and(|entry| entry.fields.contains_key(field))
            };
            let kept = weather.stored.keys().filter(|[claim, ..]| claims.contains(claim));
            missing = kept.map(|[_, key, field]| (key, field)).find(|(key, field)| !is_there(key, field));
        });
        missing.map(|(key, field)| format!("{field} of {key}"))
    }
}

impl Conditions {
    fn look_at_stored(&mut self, state: &State) {
        self.looks += 1;
        for (key, entry) in &state.secrets.entries {
            let Some(claim) = entry.fields.get("tenantry-claim") else { continue };
            for (field, text) in entry.fields.iter().filter(|(field, _)| LASTING.contains(&field.as_str())) {
                let place = [claim.clone(), key.clone(), field.clone()];
                let known = self.stored.entry(place).or_insert_with(|| text.clone());
                if known != text {
                    self.violation = Some(format!("I4: the stored {field} of {key} was made again"));
                }
            }
        }
    }
}

impl Weather for Storm {
    fn fate(&self, what: &'static str) -> LocalBoxFuture<'_, Fate> {
        let (fate, steps_aside) = {
            let mut weather = self.weather.borrow_mut();
            *weather.calls.entry(what).or_default() += 1;
            let rough = weather.rough;
            let fate = match weather.chance.percent(rough) {
                false => Fate::Fair,
                true if weather.chance.percent(50) => {
                    weather.lost += 1;
                    Fate::Lost
                }
                true => {
                    weather.replies_lost += 1;
                    Fate::ReplyLost
                }
            };
            (fate, weather.crowded)
        };
        Box::pin(async move {
            if steps_aside {
                StepAside(false).await;
            }
            // The sandbox makes the call as soon as it has its fate: nothing comes in between.
            self.end_call();
            let mut weather = self.weather.borrow_mut();
            weather.stores = matches!(what, "create an entry" | "replace an entry");
            if let (Some(spoil), Some(sandbox)) = (self.spoil, self.sandbox.borrow().upgrade()) {
                sandbox.meddle(|state| weather.amends = spoil(what, state));
            }
            fate
        })
    }
}

/// Gives the turn away once.
pub struct StepAside(pub bool);

impl Future for StepAside {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Who takes turns with others.
pub struct Racer<'a> {
    pub work: LocalBoxFuture<'a, ()>,
    pub may_crash: bool,
}

/// Runs futures side by side, each turn by chance, until all are through or crashed. A crash drops a future where it
/// stands. Returns how many crashed.
pub fn race(mut racers: Vec<Racer<'_>>, chance: &mut Chance) -> usize {
    let mut crashed = 0;
    let mut context = Context::from_waker(Waker::noop());
    // Every turn makes at least one call or ends a run: this many turns are a run that never ends.
    for _ in 0..1_000_000 {
        if racers.is_empty() {
            return crashed;
        }
        let turn = chance.below(racers.len());
        // A run has some tens of turns: about every third that may crash does.
        if racers[turn].may_crash && chance.below(60) == 0 {
            drop(racers.swap_remove(turn));
            crashed += 1;
            continue;
        }
        if racers[turn].work.as_mut().poll(&mut context).is_ready() {
            drop(racers.swap_remove(turn));
        }
    }
    panic!("a run does not end");
}
