//! Fifty writers to one branch, each a process with a clone of its own: nothing is lost, nothing doubled, and the history is
//! one line in the order of the source.

use std::{
    collections::BTreeSet,
    process::{Output, Stdio},
    sync::{Barrier, Mutex},
    thread,
    time::Instant,
};

use crate::{
    git,
    platform::{Clone, Platform, words},
    web::Web,
};

const WRITERS: usize = 50;

/// How the writers meet.
#[derive(Debug, Clone, Copy)]
enum Meeting {
    /// Each adds its tenant to the source branch, as merges of pull requests do, and renders at once.
    AsMerged,
    /// All source revisions are there, and all runs start at the same moment.
    AtOnce,
}

fn run(clone: &Clone) -> Output {
    clone.tenantry(&["commit", "--push"]).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}

/// Adds a tenant to the source branch, behind whatever others added: one at a time, as a merge queue does.
fn merge(clone: &Clone, number: usize) {
    static QUEUE: Mutex<()> = Mutex::new(());
    let _turn = QUEUE.lock().unwrap();
    clone.git(&["pull", "-q", "--ff-only", "origin", "main"]);
    clone.add_tenant(number);
    clone.push_source();
}

/// Clones that know the source up to their own revision, or none of what is to come.
fn clones(platform: &Platform, meeting: Meeting) -> Vec<Clone> {
    let first = platform.clone("first");
    let clone = |number: usize| {
        if matches!(meeting, Meeting::AtOnce) {
            first.add_tenant(number + 1);
        }
        first.copy(&format!("writer{number}"))
    };
    let clones = (0..WRITERS).map(clone).collect();
    first.push_source();
    clones
}

fn meet(platform: &Platform, url: &str, meeting: Meeting) {
    let clones = clones(platform, meeting);
    for clone in &clones {
        clone.git(&["remote", "set-url", "origin", url]);
    }
    let start = Instant::now();
    let barrier = Barrier::new(WRITERS);
    let ends: Vec<Output> = thread::scope(|scope| {
        let write = |(number, clone)| {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                if matches!(meeting, Meeting::AsMerged) {
                    merge(clone, number + 1);
                }
                run(clone)
            })
        };
        let writers: Vec<_> = clones.iter().enumerate().map(write).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let seconds = start.elapsed().as_secs_f32();
    for end in &ends {
        assert!(end.status.success(), "a writer gave up: {}", words(end));
    }
    let landed = assert_serial(platform);
    let said = |text: &str| ends.iter().filter(|end| String::from_utf8_lossy(&end.stdout).contains(text)).count();
    let [newer, same] = [said("newer than HEAD"), said("already holds this tree")];
    eprintln!(
        "{WRITERS} writers {meeting:?} over {}: {landed} commits, {newer} found a newer revision, {same} their own; {seconds:.1} s",
        url.split(':').next().unwrap_or_default()
    );
    assert_eq!(landed + newer + same, WRITERS, "a writer did neither");
    assert!(landed >= 2, "nobody met anybody");
}

/// Proves the order from the history alone, and returns how many commits it has.
fn assert_serial(platform: &Platform) -> usize {
    let history = platform.history();
    assert_eq!(git(&platform.remote(), &["rev-list", "--count", "--merges", "rendered"]), "0");
    let revisions: Vec<&str> = history.iter().map(|(_, revision)| revision.as_str()).collect();
    let distinct: BTreeSet<&&str> = revisions.iter().collect();
    assert_eq!(distinct.len(), revisions.len(), "a revision was committed twice: {revisions:?}");
    let line = git(&platform.remote(), &["rev-list", "--first-parent", "--reverse", "main"]);
    let place = |revision: &str| line.lines().position(|known| known == revision).expect("a revision of the source");
    let places: Vec<usize> = revisions.iter().map(|revision| place(revision)).collect();
    assert!(places.is_sorted(), "an older revision came after a newer one: {places:?}");
    assert_eq!(revisions.last(), line.lines().last().as_ref(), "the newest revision is lost");
    for (commit, revision) in &history {
        assert_eq!(platform.rendered(commit), platform.wanted(revision), "{commit} is not what {revision} renders to");
    }
    assert_eq!(platform.rendered("rendered").len(), WRITERS + 1);
    platform.fsck();
    history.len()
}

/// What the last commit holds is byte for byte what one run alone makes of the newest revision.
fn assert_as_alone(platform: &Platform) {
    let alone = platform.clone("alone");
    let output = alone.tenantry(&["commit", "--branch", "alone"]).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let tree = git(&platform.remote(), &["rev-parse", "rendered^{tree}"]);
    assert_eq!(alone.git(&["rev-parse", "alone^{tree}"]), tree);
}

#[test]
fn fifty_writers_as_merged_over_file() {
    let platform = Platform::new();
    meet(&platform, &platform.file_url(), Meeting::AsMerged);
    assert_as_alone(&platform);
}

#[test]
fn fifty_writers_at_once_over_http() {
    let platform = Platform::new();
    let web = Web::open(platform.path());
    meet(&platform, &web.url(), Meeting::AtOnce);
    assert_as_alone(&platform);
}
