//! Races of real processes: several start at once on the same tenant, some with an older commit, some are held up and
//! some are killed. One plain run afterwards ends as if there had been one run alone.

use std::{
    collections::BTreeMap,
    env,
    io::Write,
    process::{Child, Command},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    administrator,
    chance::Chance,
    documents::{self, Tenant, Variant},
    isolation::destroy,
    program::{Ended, Program},
    servers::Servers,
    stores::{self, Store},
    tenants,
};
use crate::arguments;

/// How many races there are unless `TENANTRY_RACES` says otherwise.
const RACES: usize = 100;

/// How many races go on at once: most of a race is waiting.
const AT_ONCE: usize = 4;

/// Nothing takes so long: steps have deadlines of seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long servers may still work on what a killed process had sent.
const AFTERMATH: Duration = Duration::from_millis(300);

/// What happens to one process of a race.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// Nothing.
    Runs,
    /// It stands still for a while.
    IsHeldUp,
    /// It is killed.
    IsKilled,
}

/// The estate that races are about.
struct Course<'s> {
    servers: &'s Servers,
    program: Program,
    tenant: Tenant,
    store: Store,
    trees: BTreeMap<bool, std::path::PathBuf>,
    last: Value,
}

impl<'s> Course<'s> {
    fn new(servers: &'s Servers, folder: &std::path::Path, number: usize) -> Self {
        let tenant = tenants::alone(number);
        // Every other race keeps its credentials in OpenBao.
        let store = if number.is_multiple_of(2) { Store::Openbao } else { Store::Directory(folder.join("store")) };
        let made = |variant| documents::document(&tenant, variant, &servers.connections(), &store.connection());
        let trees = BTreeMap::from([(true, folder.join("last")), (false, folder.join("older"))]);
        let last = made(Variant::Last);
        documents::write_tree(&trees[&true], [&last]);
        documents::write_tree(&trees[&false], [&made(Variant::Older)]);
        let temporary = folder.join("temporary");
        std::fs::create_dir_all(&temporary).unwrap();
        Self { servers, program: Program::new(servers.environment(), &temporary), tenant, store, trees, last }
    }

    fn apply(&self, is_last: bool) -> Ended {
        let tree = &self.trees[&is_last];
        self.program.run(arguments!["provision", "apply", "--all", "--from", tree, "--format", "json"])
    }

    /// Starts a process that waits for the signal.
    fn start(&self, is_last: bool) -> Child {
        let tree = &self.trees[&is_last];
        let arguments = arguments!["provision", "apply", "--all", "--from", tree, "--format", "json"];
        self.program.held(arguments).spawn().unwrap()
    }

    /// Returns how many credentials log in; each that could must.
    #[track_caller]
    fn assert_logins(&self, race: usize) -> usize {
        let entries = self.store.entries(&self.tenant.name);
        let mut logins = 0;
        for resource in self.last["resources"].as_array().unwrap() {
            if !resource["secret"].is_null() {
                assert!(entries.contains_key(resource["secret"]["key"].as_str().unwrap()), "race {race}: {resource}");
            }
            if let Some(is_in) = administrator::logs_in(self.servers, resource, &entries) {
                assert!(is_in, "race {race}: the stored credential of {} does not log in", resource["kind"]);
                logins += 1;
            }
        }
        logins
    }
}

/// What a race came to.
#[derive(Debug, Default)]
struct Counts {
    processes: usize,
    older: usize,
    fates: BTreeMap<Fate, usize>,
    /// Exit codes of those that were not killed.
    exits: BTreeMap<i32, usize>,
    /// Steps that the plain run afterwards still had to do.
    mended: usize,
    logins: usize,
}

impl Counts {
    fn add(&mut self, other: Counts) {
        let Counts { processes, older, fates, exits, mended, logins } = other;
        self.processes += processes;
        self.older += older;
        fates.into_iter().for_each(|(fate, number)| *self.fates.entry(fate).or_default() += number);
        exits.into_iter().for_each(|(code, number)| *self.exits.entry(code).or_default() += number);
        self.mended += mended;
        self.logins += logins;
    }
}

fn signal(child: &Child, name: &str) {
    // One that has ended already gets none.
    let _ = Command::new("kill").args([name, &child.id().to_string()]).output().unwrap();
}

/// Lets processes loose and sees to their fates; returns how those ended that were not killed.
fn race(course: &Course<'_>, chance: &mut Chance, counts: &mut Counts) {
    let number = 2 + chance.below(7) as usize;
    let mut runners: Vec<(Child, Fate)> = (0..number)
        .map(|_| {
            let is_last = chance.below(4) > 0;
            let fate = match chance.below(4) {
                0 => Fate::IsKilled,
                1 => Fate::IsHeldUp,
                _ => Fate::Runs,
            };
            counts.older += usize::from(!is_last);
            *counts.fates.entry(fate).or_default() += 1;
            (course.start(is_last), fate)
        })
        .collect();
    counts.processes += number;
    // The barrier: all are there before the first one begins.
    for (child, _) in &mut runners {
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
    }
    let start = Instant::now();
    let mut events: Vec<(Duration, usize, &str)> = Vec::new();
    for (at, (_, fate)) in runners.iter().enumerate() {
        let first = chance.milliseconds(0..1500);
        match fate {
            Fate::Runs => {}
            Fate::IsKilled => events.push((first, at, "-KILL")),
            Fate::IsHeldUp => {
                events.push((first, at, "-STOP"));
                events.push((first + chance.milliseconds(50..2500), at, "-CONT"));
            }
        }
    }
    events.sort();
    for (when, at, name) in events {
        thread::sleep(when.saturating_sub(start.elapsed()));
        signal(&runners[at].0, name);
    }
    for (child, _) in runners {
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert!(start.elapsed() < PATIENCE, "{}", ended.troubles());
        if let Some(code) = ended.status.code() {
            *counts.exits.entry(code).or_default() += 1;
            // Whoever loses may have to come again; nobody finds anything that needs a person.
            assert!(matches!(code, 0 | 75), "{}", ended.troubles());
        }
    }
}

fn steps(report: &Value) -> usize {
    let resources = report["resources"].as_array().unwrap();
    resources.iter().map(|resource| resource["steps"].as_array().unwrap().len()).sum()
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn races_of_processes_end_as_one_run() {
    let races = env::var("TENANTRY_RACES").map_or(RACES, |text| text.parse().unwrap());
    let first = env::var("TENANTRY_RACES_FIRST").map_or(0, |text| text.parse().unwrap());
    let servers = Servers::find();
    administrator::make_pool();
    let (next, total) = (AtomicUsize::new(first), Mutex::new(Counts::default()));
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let mut counts = Counts::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= first + races {
                        break;
                    }
                    from_start_to_end(&servers, number, &mut counts);
                }
                total.lock().unwrap().add(counts);
            });
        }
    });
    println!("races: {races} from {first} in {:.0?}: {:?}", start.elapsed(), total.lock().unwrap());
}

/// One race, and what must hold after it.
fn from_start_to_end(servers: &Servers, number: usize, counts: &mut Counts) {
    let folder = tempfile::tempdir().unwrap();
    let course = Course::new(servers, folder.path(), number);
    let mut chance = Chance::new(number as u64);
    // From nothing, or from an earlier commit, or from the last one.
    match chance.below(4) {
        0 => drop(course.apply(false).report(0)),
        1 => drop(course.apply(true).report(0)),
        _ => {}
    }
    let before = course.store.entries(&course.tenant.name);
    race(&course, &mut chance, counts);
    thread::sleep(AFTERMATH);
    let raced = course.store.entries(&course.tenant.name);
    assert_eq!(stores::lost(&before, &raced), [""; 0], "race {number}: a race loses no password");
    let report = course.apply(true).report(0);
    counts.mended += steps(&report);
    let after = course.store.entries(&course.tenant.name);
    assert_eq!(stores::lost(&raced, &after), [""; 0], "race {number}: the plain run loses no password");
    let report = course.apply(true).report(0);
    assert_eq!(steps(&report), 0, "race {number}: the next run writes nothing: {report:#}");
    assert_eq!(report["counts"], json!({"ok": report["resources"].as_array().unwrap().len()}), "race {number}");
    counts.logins += course.assert_logins(number);
    destroy(&course.program, &course.last);
    assert_eq!(course.store.entries(&course.tenant.name), stores::Entries::new(), "race {number}");
}
