//! The weather of the sandbox, and who runs when: one thread, and chance decides at every call.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures::future::LocalBoxFuture;
use tenantry::engine::sandbox::{Fate, Weather};

use super::chance::Chance;

/// Lets calls fail and others go first, by chance. Calm weather does neither.
pub struct Storm {
    state: RefCell<State>,
}

struct State {
    chance: Chance,
    /// Of 100 calls, how many fail.
    rough: usize,
    /// Whether other runs may go first.
    crowded: bool,
    lost: usize,
    replies_lost: usize,
    calls: usize,
}

impl Storm {
    pub fn new(chance: Chance) -> Rc<Self> {
        Rc::new(Self {
            state: RefCell::new(State { chance, rough: 0, crowded: false, lost: 0, replies_lost: 0, calls: 0 }),
        })
    }

    pub fn set(&self, rough: usize, crowded: bool) {
        let mut state = self.state.borrow_mut();
        (state.rough, state.crowded) = (rough, crowded);
    }

    /// Calls, lost requests, lost replies.
    pub fn counts(&self) -> (usize, usize, usize) {
        let state = self.state.borrow();
        (state.calls, state.lost, state.replies_lost)
    }
}

impl Weather for Storm {
    fn fate(&self, _: &'static str) -> LocalBoxFuture<'_, Fate> {
        let (fate, steps_aside) = {
            let mut state = self.state.borrow_mut();
            state.calls += 1;
            let rough = state.rough;
            let fate = match state.chance.percent(rough) {
                false => Fate::Fair,
                true if state.chance.percent(50) => {
                    state.lost += 1;
                    Fate::Lost
                }
                true => {
                    state.replies_lost += 1;
                    Fate::ReplyLost
                }
            };
            (fate, state.crowded)
        };
        Box::pin(async move {
            if steps_aside {
                StepAside(false).await;
            }
            fate
        })
    }
}

/// Gives the turn away once.
struct StepAside(bool);

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

/// Runs futures side by side, each turn by chance, until all are through or crashed. A crash drops a future where it
/// stands. Returns how many crashed.
pub fn race(mut runs: Vec<LocalBoxFuture<'_, ()>>, chance: &mut Chance, may_crash: bool) -> usize {
    let mut crashed = 0;
    let mut context = Context::from_waker(Waker::noop());
    // Every turn makes at least one call or ends a run: this many turns are a run that never ends.
    for _ in 0..1_000_000 {
        if runs.is_empty() {
            return crashed;
        }
        let turn = chance.below(runs.len());
        // A run has some tens of turns: about every third that may crash does.
        if may_crash && chance.below(60) == 0 {
            drop(runs.swap_remove(turn));
            crashed += 1;
            continue;
        }
        if runs[turn].as_mut().poll(&mut context).is_ready() {
            drop(runs.swap_remove(turn));
        }
    }
    panic!("a run does not end");
}
