//! One fault at a time, at every call of a run: a crash before it, a request that is lost, a reply that is lost. Chance
//! leaves gaps; this leaves none.

use std::{
    cell::Cell,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures::{
    FutureExt,
    executor::block_on,
    future::{self, LocalBoxFuture},
};
use tenantry::{
    engine::{
        Purpose,
        report::ResourceReport,
        sandbox::{Fate, Sandbox, State, Weather},
    },
    steps::{Allow, credential::TURN_FIELD, mysql::Flavour},
};

use super::{
    chance::Chance,
    estate::{self, Chosen, KINDS},
    oracle, schedule,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Crash,
    Lost,
    ReplyLost,
}

/// A fault at one call, counted from 1.
struct Strike {
    left: Cell<usize>,
    fault: Fault,
    has_struck: Cell<bool>,
}

impl Weather for Strike {
    fn fate(&self, _: &'static str) -> LocalBoxFuture<'_, Fate> {
        self.left.set(self.left.get().wrapping_sub(1));
        if self.left.get() != 0 {
            return Box::pin(future::ready(Fate::Fair));
        }
        self.has_struck.set(true);
        match self.fault {
            // Whoever crashes waits for ever, and is dropped.
            Fault::Crash => Box::pin(future::pending()),
            Fault::Lost => Box::pin(future::ready(Fate::Lost)),
            Fault::ReplyLost => Box::pin(future::ready(Fate::ReplyLost)),
        }
    }
}

const TENANT: &str = "abc";
const UID: u64 = 1;
const NEIGHBOUR: (&str, u64) = ("abcxd", 2);

/// What a run is to do.
#[derive(Debug, Clone, Copy)]
enum Task {
    Make,
    Edit,
    Remove,
}

fn run(
    sandbox: &Rc<Sandbox>,
    kinds: &Chosen,
    variant: usize,
    purpose: Purpose,
    strike: Option<&Strike>,
) -> Option<Vec<ResourceReport>> {
    let documents = vec![estate::document(kinds, TENANT, UID, variant)];
    let settings = schedule::settings(purpose, &Allow::default(), false);
    let mut run = pin!(schedule::engine(Rc::clone(sandbox), documents, settings));
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match run.as_mut().poll_unpin(&mut context) {
            Poll::Ready(reports) => return Some(reports),
            Poll::Pending if strike.is_some_and(Strike::has_crashed) => return None,
            Poll::Pending => {}
        }
    }
}

impl Strike {
    fn has_crashed(&self) -> bool {
        self.fault == Fault::Crash && self.has_struck.get()
    }
}

/// A sandbox with a state.
fn sandbox(state: &State, weather: Option<Rc<dyn Weather>>) -> Rc<Sandbox> {
    let sandbox = Rc::new(Sandbox::in_memory(weather));
    sandbox.meddle(|kept| kept.clone_from(state));
    sandbox
}

/// Returns what is there before the task.
fn before(kinds: &Chosen, task: Task, flavour: Flavour) -> State {
    let ground = Rc::new(Sandbox::in_memory(None));
    ground.meddle(|state| {
        estate::prepare(state, &mut Chance::new(0));
        state.mysql.flavour = flavour;
    });
    let documents = vec![estate::document(kinds, NEIGHBOUR.0, NEIGHBOUR.1, 0)];
    let settings = schedule::settings(Purpose::Apply, &Allow::default(), false);
    block_on(schedule::engine(Rc::clone(&ground), documents, settings));
    if !matches!(task, Task::Make) {
        run(&ground, kinds, 0, Purpose::Apply, None).unwrap();
    }
    ground.state()
}

/// Does a task with one fault after the other; returns how many there were.
fn strike_everywhere(kinds: &Chosen, task: Task, fault: Fault, flavour: Flavour) -> usize {
    let before = before(kinds, task, flavour);
    let purpose = if matches!(task, Task::Remove) { Purpose::Destroy } else { Purpose::Apply };
    let variant = usize::from(matches!(task, Task::Edit));
    let undisturbed = sandbox(&before, None);
    run(&undisturbed, kinds, variant, purpose, None).unwrap();
    for call in 1.. {
        let names: Vec<&str> = kinds.iter().map(|kind| KINDS[*kind].name).collect();
        let at = format!("{names:?} {task:?}: {fault:?} at call {call}");
        let strike = Rc::new(Strike { left: Cell::new(call), fault, has_struck: Cell::new(false) });
        let disturbed = sandbox(&before, Some(Rc::clone(&strike) as _));
        let first = run(&disturbed, kinds, variant, purpose, Some(&strike));
        if !strike.has_struck.get() {
            return call - 1;
        }
        assert_eq!(first.is_none(), fault == Fault::Crash, "{at}");
        // The engine looks again: one lost request or reply it gets over by itself.
        if let Some(report) = first.iter().flatten().find(|report| report.trouble.is_some()) {
            panic!("{at}: {report:?}");
        }
        let stored = disturbed.state().secrets.entries;
        let reports = run(&disturbed, kinds, variant, purpose, None).unwrap();
        assert!(reports.iter().all(|report| report.trouble.is_none()), "{at}: {reports:?}");
        let state = disturbed.state();
        oracle::differences(&state, &undisturbed.state()).unwrap_or_else(|difference| panic!("{at}: {difference}"));
        if matches!(task, Task::Remove) {
            let left = serde_json::to_string(&state).unwrap();
            assert!(!left.contains(&estate::claim(TENANT, UID)), "{at}: {left}");
            continue;
        }
        for (key, entry) in stored {
            let lasting = entry.fields.iter().filter(|(field, _)| !["issuer", TURN_FIELD].contains(&field.as_str()));
            for (field, text) in lasting {
                assert_eq!(state.secrets.entries[&key].fields.get(field), Some(text), "{at}: {field} of {key}");
            }
        }
        run(&disturbed, kinds, variant, purpose, None).unwrap();
        assert!(disturbed.state() == state, "{at}: a further run wrote something");
        let documents = [(TENANT, UID, variant), (NEIGHBOUR.0, NEIGHBOUR.1, 0)]
            .map(|(name, uid, variant)| estate::document(kinds, name, uid, variant));
        let matrix = schedule::probe(&disturbed, &documents);
        assert!(
            matrix.holes.is_empty() && matrix.locked_out.is_empty() && matrix.unknown.is_empty(),
            "{at}: {matrix:?}"
        );
        for kind in kinds {
            assert!((KINDS[*kind].agrees)(&state, TENANT), "{at}: what is stored is not what is there");
        }
    }
    unreachable!("the calls of a run have an end");
}

#[test]
fn one_fault_at_any_call_is_overcome() {
    for kind in KINDS {
        let kinds = estate::chosen([kind.name]);
        let mut counts = Vec::new();
        for task in [Task::Make, Task::Edit, Task::Remove] {
            for fault in [Fault::Crash, Fault::Lost, Fault::ReplyLost] {
                let both = [Flavour::MariaDb, Flavour::MySql];
                let both = both.map(|flavour| strike_everywhere(&kinds, task, fault, flavour));
                counts.push(both.iter().sum::<usize>());
            }
        }
        println!("{}: faults while made, edited, removed (crash, request lost, reply lost each) {counts:?}", kind.name);
        assert!(counts.iter().all(|count| *count > 0), "{}: {counts:?}", kind.name);
    }
}

/// Returns what a crash at a call leaves; none where the run ends before.
fn crashed(before: &State, kinds: &Chosen, purpose: Purpose, call: usize) -> Option<State> {
    let strike = Rc::new(Strike { left: Cell::new(call), fault: Fault::Crash, has_struck: Cell::new(false) });
    let sandbox = sandbox(before, Some(Rc::clone(&strike) as _));
    let ended = run(&sandbox, kinds, 0, purpose, Some(&strike));
    ended.is_none().then(|| sandbox.state())
}

#[test]
fn a_removal_takes_away_what_two_crashes_have_left() {
    let mut pairs = 0;
    for (kind, flavour) in KINDS.iter().flat_map(|kind| [(kind, Flavour::MariaDb), (kind, Flavour::MySql)]) {
        if flavour == Flavour::MySql && kind.name != "mysqlDatabase" {
            continue;
        }
        let kinds = estate::chosen([kind.name]);
        let ground = before(&kinds, Task::Make, flavour);
        for half_made in (1..).map_while(|call| crashed(&ground, &kinds, Purpose::Apply, call)) {
            for half_removed in (1..).map_while(|call| crashed(&half_made, &kinds, Purpose::Destroy, call)) {
                pairs += 1;
                let sandbox = sandbox(&half_removed, None);
                let reports = run(&sandbox, &kinds, 0, Purpose::Destroy, None).unwrap();
                let troubled = reports.iter().find(|report| report.trouble.is_some());
                let state = sandbox.state();
                oracle::differences(&state, &ground)
                    .and_then(|()| troubled.map_or(Ok(()), |report| Err(format!("{report:?}"))))
                    .unwrap_or_else(|why| panic!("{}: {why}\nafter {half_made:?}\nand {half_removed:?}", kind.name));
                let left = serde_json::to_string(&state).unwrap();
                assert!(!left.contains(&estate::claim(TENANT, UID)), "{}: {left}", kind.name);
            }
        }
    }
    println!("{pairs} pairs of crashes");
}
