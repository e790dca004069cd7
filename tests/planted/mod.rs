//! Planted bugs: a harness that cannot fail shows nothing, so each classic mistake is made on purpose, and the test that
//! is there for it must say so by name.

mod table;

use std::{
    collections::BTreeSet,
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

pub use table::{GIT, PROVISION, STORES};

/// A mistake that a switch in `src/` makes, and how it shows.
#[derive(Debug)]
pub struct Bug {
    /// What the switch is called.
    pub name: &'static str,
    /// The test that must catch it.
    pub test: &'static str,
    /// What that test must say: the violation, not merely any failure.
    pub says: &'static str,
}

/// How long a test may take with a bug: some make it wait for what never comes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Plants each bug, and sees that its test fails of it, and of nothing else.
pub fn all_are_caught(bugs: &[Bug]) {
    let mut missed = Vec::new();
    for bug in bugs {
        match missed_by(bug) {
            None => println!("caught: {} by {}: \"{}\"", bug.name, bug.test, bug.says),
            Some(why) => missed.push(format!("MISSED: {} by {}: {why}", bug.name, bug.test)),
        }
    }
    println!("planted bugs: {} of {} caught", bugs.len().saturating_sub(missed.len()), bugs.len());
    // Afterwards, so that it is seen, too, that what a failed test leaves spoils none.
    let tests: BTreeSet<&str> = bugs.iter().map(|bug| bug.test).collect();
    for test in tests {
        if let Some(why) = failure_without_a_bug(test) {
            missed.push(format!("FAILED without a bug: {test}: {why}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// The switches in `src/` are those that the table has, each once.
pub fn the_table_and_the_switches_agree() {
    let mut switches = BTreeSet::new();
    find_switches(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut switches);
    let listed: Vec<&str> = PROVISION.iter().chain(STORES).chain(GIT).map(|bug| bug.name).collect();
    let table: BTreeSet<String> = listed.iter().map(|name| (*name).to_owned()).collect();
    let untested: Vec<&String> = switches.difference(&table).collect();
    let unknown: Vec<&String> = table.difference(&switches).collect();
    assert!(untested.is_empty(), "no test is named for these planted bugs: {untested:?}");
    assert!(unknown.is_empty(), "no switch plants these bugs: {unknown:?}");
    assert_eq!(listed.len(), table.len(), "a bug is listed twice");
}

fn find_switches(folder: &Path, switches: &mut BTreeSet<String>) {
    for file in fs::read_dir(folder).unwrap() {
        let path: PathBuf = file.unwrap().path();
        if path.is_dir() {
            find_switches(&path, switches);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let names = text.split("planted(\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
        switches.extend(names.map(str::to_owned));
    }
}

/// Returns why a bug is not caught, or nothing.
fn missed_by(bug: &Bug) -> Option<String> {
    let (status, output) = run(bug.test, Some(bug.name));
    if !output.contains("running 1 test") {
        return Some(format!("there is no such test:\n{output}"));
    }
    match status {
        Some(status) if status.success() => Some("the test passes".to_owned()),
        _ if output.contains(bug.says) => None,
        None => Some(format!("the test hangs, and says nothing of \"{}\":\n{output}", bug.says)),
        Some(_) => Some(format!("the test fails of something else than \"{}\":\n{output}", bug.says)),
    }
}

fn failure_without_a_bug(test: &str) -> Option<String> {
    let (status, output) = run(test, None);
    let is_well = status.is_some_and(|status| status.success()) && output.contains("1 passed");
    (!is_well).then_some(output)
}

/// Runs one test in a process of its own; the status is absent where its time was over.
fn run(test: &str, bug: Option<&str>) -> (Option<ExitStatus>, String) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--include-ignored", "--exact", test]).env("RUST_BACKTRACE", "0");
    if let Some(bug) = bug {
        command.env("TENANTRY_PLANTED_BUG", bug);
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let readers = [reader(child.stdout.take()), reader(child.stderr.take())];
    let status = wait(&mut child);
    let output: String = readers.map(|reader| reader.join().unwrap()).concat();
    (status, output)
}

fn wait(child: &mut Child) -> Option<ExitStatus> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

/// Pipes are emptied while the test runs: a full one would stop it.
fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    let mut pipe = pipe.unwrap();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
