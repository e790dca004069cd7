//! What every kind must stand, on its real server: made once, found as wanted, changed, mended, left alone where it is
//! not ours, and finished after a stop at any step.

use std::{
    cell::{Cell, OnceCell},
    collections::BTreeMap,
    path::Path,
    time::Duration,
};

use tenantry::{
    engine::{
        Purpose, Secret, Settings,
        connections::Connections,
        gate::Stop,
        kinds,
        report::{Event, ResourceReport, StepOutcome, StepReport, Unwatched, Watch},
        run::{self, Depth},
        within,
    },
    provision::Document,
    steps::{Allow, Standing, Verb, credential::CLAIM_FIELD},
};

use super::wire::{At, Class, Fault, Protocol, Proxy};

/// One kind on one server. Each test has a case of its own, with names of its own: tests run side by side.
pub trait Case {
    /// Returns the document with the wanted resources for the tenant of `uid`; `updated` has other settings under the
    /// same names. Its secret store is `store`, a directory.
    fn document(&self, uid: &str, updated: bool, store: &Path) -> Document;

    /// Returns all that the server has of the case, by the server's own client, in a form that two runs share: no
    /// times, no salts. Nothing there is the empty text.
    fn dump(&self) -> String;

    /// Changes something on the server as an administrator would in a hurry.
    fn drift(&self);

    /// Makes an object of a wanted name as somebody else would.
    fn foreign(&self);

    /// Returns the writes that went over the wire since the last call, by the proxy's count.
    fn writes(&self) -> Vec<String> {
        self.proxy().new_writes()
    }

    /// Returns the proxy that the engine's requests go through.
    fn proxy(&self) -> &Proxy;

    /// Returns whether the server has the tenant's user, where the case has one.
    fn has_user(&self) -> bool {
        false
    }

    /// Returns whether a stored entry opens the server, by the server's own client; nothing where the case cannot tell.
    fn logs_in(&self, _entry: &BTreeMap<String, String>) -> Option<bool> {
        None
    }

    /// Makes something of a neighbour, with data in it, that no run of this tenant may touch.
    fn settle_neighbour(&self) {}

    /// Returns all that the neighbour has, by the server's own client.
    fn neighbour(&self) -> String {
        String::new()
    }

    /// Returns all stored entries, by the store's own client, where the store is no directory.
    fn entries(&self) -> Option<Entries> {
        None
    }

    /// Returns how many points a creation, a change and a removal pass together at least.
    #[cfg(feature = "faults")]
    fn least_points(&self) -> usize {
        60
    }

    /// Returns how long a call may take while requests are stalled: well above what the slowest one takes.
    fn patience(&self) -> Duration {
        Duration::from_secs(1)
    }
}

/// A case with a secret store of its own.
pub struct Battery<'c> {
    pub(super) case: &'c dyn Case,
    pub(super) store: tempfile::TempDir,
}

pub const UID: &str = "0192f0c1-0000-7000-8000-000000000001";

/// Stored entries: key → field → text.
pub type Entries = BTreeMap<String, BTreeMap<String, String>>;

/// Asks for a stop after some steps.
struct StopAfter {
    left: Cell<usize>,
    stop: Stop,
}

impl Watch for StopAfter {
    fn event(&self, event: Event<'_>) {
        if let Event::Step { .. } = event {
            let left = self.left.get().saturating_sub(1);
            self.left.set(left);
            if left == 0 {
                self.stop.ask();
            }
        }
    }
}

/// Lets somebody else make an object of a wanted name after the first step, when all looks have been had.
struct Meanwhile<'c> {
    case: &'c dyn Case,
    theirs: OnceCell<String>,
}

impl Watch for Meanwhile<'_> {
    fn event(&self, event: Event<'_>) {
        if let (Event::Step { .. }, None) = (event, self.theirs.get()) {
            let before = self.case.dump();
            self.case.foreign();
            let theirs = self.case.dump();
            let lines = theirs.lines().filter(|line| !before.lines().any(|had| had == *line));
            self.theirs.set(lines.collect::<Vec<_>>().join("\n")).unwrap();
        }
    }
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn settings(purpose: Purpose, stop: Stop, allow: Allow) -> Settings {
    Settings {
        purpose,
        depth: Depth::Proven,
        allow,
        roll_back: false,
        make: Secret::random,
        stop,
        pause: |_| Box::pin(tokio::time::sleep(std::time::Duration::from_millis(50))),
    }
}

/// Runs the engine on a document.
pub fn run(document: &Document, settings: &Settings, watch: &dyn Watch) -> Vec<ResourceReport> {
    block_on(async {
        let connections = Connections::new(None);
        let mut groups = kinds::open(std::slice::from_ref(document), &connections, settings.purpose).await.unwrap();
        run::apply(&mut groups, settings, watch).await
    })
}

/// Looks only.
pub fn plan(document: &Document) -> Vec<ResourceReport> {
    block_on(async {
        let connections = Connections::new(None);
        let mut groups = kinds::open(std::slice::from_ref(document), &connections, Purpose::Apply).await.unwrap();
        run::plan(&mut groups, &settings(Purpose::Apply, Stop::default(), Allow::default())).await
    })
}

#[track_caller]
pub fn assert_done(reports: &[ResourceReport]) {
    for report in reports {
        assert_eq!(report.trouble, None, "{report:#?}");
        assert!(report.steps.iter().all(|step| step.outcome == StepOutcome::Done), "{report:#?}");
    }
}

#[track_caller]
pub fn assert_not_ours(reports: &[ResourceReport]) {
    let refused = reports.iter().any(|report| report.standing == Standing::NotOurs);
    assert!(refused, "what is somebody else's was taken for ours: {reports:#?}");
}

pub fn is_done(reports: &[ResourceReport]) -> bool {
    let mut steps = reports.iter().flat_map(|report| &report.steps);
    reports.iter().all(|report| report.trouble.is_none()) && steps.all(|step| step.outcome == StepOutcome::Done)
}

#[track_caller]
pub fn assert_untouched(reports: &[ResourceReport]) {
    for report in reports {
        assert_eq!(
            (report.standing, report.steps.as_slice(), &report.trouble),
            (Standing::Ok, [].as_slice(), &None),
            "{report:#?}"
        );
    }
}

impl<'c> Battery<'c> {
    pub fn new(case: &'c dyn Case) -> Self {
        Self { case, store: tempfile::tempdir().unwrap() }
    }

    pub fn document(&self, uid: &str, updated: bool) -> Document {
        self.case.document(uid, updated, self.store.path())
    }

    pub fn apply(&self, updated: bool) -> Vec<ResourceReport> {
        run(&self.document(UID, updated), &settings(Purpose::Apply, Stop::default(), Allow::default()), &Unwatched)
    }

    pub fn destroy(&self) -> Vec<ResourceReport> {
        run(&self.document(UID, false), &settings(Purpose::Destroy, Stop::default(), Allow::default()), &Unwatched)
    }

    /// From nothing to what is wanted, and back to nothing.
    pub fn create(&self) {
        assert_eq!(self.case.dump(), "", "the test must start with nothing");
        let planned = plan(&self.document(UID, false));
        assert!(planned.iter().all(|report| report.standing == Standing::Create), "{planned:#?}");
        assert_eq!(self.case.dump(), "", "a plan writes nothing");
        assert_done(&self.apply(false));
        assert_ne!(self.case.dump(), "");
        assert_done(&self.destroy());
        assert_eq!(self.case.dump(), "", "a removal leaves nothing");
    }

    /// A second run writes nothing, counted on the wire, and changes nothing.
    pub fn repeat(&self) {
        assert_done(&self.apply(false));
        let before = self.case.dump();
        drop(self.case.writes());
        assert_untouched(&self.apply(false));
        assert_eq!(self.case.writes(), Vec::<String>::new(), "the second run writes nothing");
        assert_eq!(self.case.dump(), before);
        assert_done(&self.destroy());
    }

    /// A plan of what is as wanted has nothing to say, and writes nothing.
    pub fn noop(&self) {
        assert_done(&self.apply(false));
        drop(self.case.writes());
        assert_untouched(&plan(&self.document(UID, false)));
        assert_eq!(self.case.writes(), Vec::<String>::new());
        assert_done(&self.destroy());
    }

    /// Other settings replace the first ones, to exactly what they would have been from nothing.
    pub fn update(&self) {
        assert_done(&self.apply(true));
        let wanted = self.case.dump();
        assert_done(&self.apply(false));
        assert_ne!(self.case.dump(), wanted, "the two documents must differ on the server");
        assert_done(&self.apply(true));
        assert_eq!(self.case.dump(), wanted);
        assert_untouched(&self.apply(true));
        assert_done(&self.destroy());
    }

    /// Stopped after any number of steps, one plain run ends where an undisturbed one does, with the first password.
    pub fn crash_after_n(&self) {
        assert_done(&self.apply(false));
        let wanted = self.case.dump();
        assert_done(&self.destroy());
        for steps in 1.. {
            let stop = Stop::default();
            let watch = StopAfter { left: Cell::new(steps), stop: stop.clone() };
            run(&self.document(UID, false), &settings(Purpose::Apply, stop, Allow::default()), &watch);
            let was_cut = watch.left.get() == 0;
            let (stored, what) = (self.stored(), format!("after a stop at step {steps}"));
            self.assert_stored_first(&stored, &what);
            assert_done(&self.apply(false));
            assert_eq!(self.case.dump(), wanted, "{what}");
            self.assert_kept(&stored, &what);
            assert_untouched(&self.apply(false));
            assert_done(&self.destroy());
            assert_eq!(self.case.dump(), "");
            if !was_cut {
                assert!(steps > 2, "the run must have several steps");
                break;
            }
        }
        self.removal_crash_after_n();
    }

    /// Stopped after any number of steps of a removal, the next one finishes it, with the credential up to the end.
    fn removal_crash_after_n(&self) {
        for steps in 1.. {
            assert_done(&self.apply(false));
            let stop = Stop::default();
            let watch = StopAfter { left: Cell::new(steps), stop: stop.clone() };
            run(&self.document(UID, false), &settings(Purpose::Destroy, stop, Allow::default()), &watch);
            let what = format!("after a stop at step {steps} of a removal");
            self.assert_stored_first(&self.stored(), &what);
            assert_done(&self.destroy());
            assert_eq!(self.case.dump(), "", "{what}");
            assert_eq!(self.stored(), Entries::new(), "{what}: a credential is left");
            if watch.left.get() > 0 {
                return;
            }
        }
    }

    /// What somebody makes between our look and our request is theirs: nothing is done beside it, and taking back what
    /// this run made leaves it as it is.
    pub fn made_in_between(&self) {
        let watch = Meanwhile { case: self.case, theirs: OnceCell::new() };
        let settings = Settings { roll_back: true, ..settings(Purpose::Apply, Stop::default(), Allow::default()) };
        let reports = run(&self.document(UID, false), &settings, &watch);
        let theirs = watch.theirs.get().unwrap();
        assert_ne!(theirs, "", "the oracle must see what somebody made");
        let after = self.case.dump();
        let lost: Vec<&str> = theirs.lines().filter(|line| !after.lines().any(|left| left == *line)).collect();
        assert!(
            lost.is_empty(),
            "what somebody made in between is not as they made it: {lost:#?}\n{after}\n{reports:#?}"
        );
        let failed = reports.iter().find_map(|report| {
            let refused = |step: &StepReport| (step.verb, step.outcome) == (Verb::Create, StepOutcome::Failed);
            let at = report.steps.iter().position(refused)?;
            Some(&report.steps[at..])
        });
        let Some(failed) = failed else { panic!("what was there already was taken for made: {reports:#?}") };
        let beside: Vec<_> = failed.iter().filter(|step| step.outcome == StepOutcome::Done).collect();
        assert!(beside.is_empty(), "steps were done beside what somebody made in between: {beside:#?}");
    }

    /// An entry that lacks something is completed; the password in it is the one that it was.
    pub fn completed(&self) {
        assert_done(&self.apply(false));
        let stored = self.stored();
        let mut lacking = stored.clone();
        lacking.values_mut().for_each(|fields| fields.retain(|name, _| name != CLAIM_FIELD));
        assert_ne!(lacking, stored);
        for (path, fields) in &lacking {
            std::fs::write(path, serde_json::to_string(fields).unwrap()).unwrap();
        }
        let reports = self.apply(false);
        self.assert_kept(&stored, "completed");
        assert_done(&reports);
        assert_untouched(&self.apply(false));
        assert_done(&self.destroy());
    }

    /// No credential is in the service that is not in the store.
    pub(super) fn assert_stored_first(&self, stored: &Entries, what: &str) {
        assert!(
            !stored.is_empty() || !self.case.has_user(),
            "{what}: the service has a user, and no store its credential"
        );
    }

    /// What was stored is stored still, and all that is stored opens its server.
    pub(super) fn assert_kept(&self, stored: &Entries, what: &str) {
        let now = self.stored();
        for (key, fields) in stored {
            let kept = now.get(key).is_some_and(|now| fields.iter().all(|(name, text)| now.get(name) == Some(text)));
            assert!(kept, "{what}: a stored password was lost: {key}");
        }
        for (key, fields) in &now {
            assert_ne!(self.case.logs_in(fields), Some(false), "{what}: a stored password opens nothing: {key}");
        }
    }

    /// An object of somebody else stops everything, and stays as it is.
    pub fn foreign(&self) {
        self.case.foreign();
        let before = self.case.dump();
        drop(self.case.writes());
        let reports = self.apply(false);
        assert_not_ours(&reports);
        assert_eq!(self.case.writes(), Vec::<String>::new(), "nothing is written beside what is not ours");
        let reports = self.destroy();
        assert_not_ours(&reports);
        assert_eq!(self.case.dump(), before);
    }

    /// What belongs to an earlier tenant of the same name is not taken over.
    pub fn another_uid(&self) {
        assert_done(&self.apply(false));
        let before = self.case.dump();
        let other = self.document("0192f0c1-0000-7000-8000-00000000000f", false);
        let reports = run(&other, &settings(Purpose::Apply, Stop::default(), Allow::default()), &Unwatched);
        assert_not_ours(&reports);
        assert_eq!(self.case.dump(), before);
        assert_done(&self.destroy());
    }

    /// What somebody changed by hand is as wanted again.
    pub fn drift(&self) {
        assert_done(&self.apply(false));
        let wanted = self.case.dump();
        let stored = self.stored();
        self.case.drift();
        assert_ne!(self.case.dump(), wanted, "the drift must be seen by the oracle");
        let planned = plan(&self.document(UID, false));
        assert!(planned.iter().any(|report| report.standing == Standing::Change), "{planned:#?}");
        assert_done(&self.apply(false));
        assert_eq!(self.case.dump(), wanted);
        self.assert_kept(&stored, "after a drift");
        assert_done(&self.destroy());
    }

    /// Cut, stalled, garbled, delayed, doubled or without its reply: whichever request suffers, and whatever it suffers,
    /// one plain run afterwards ends as if nothing had happened. Prints how many cases there were.
    pub fn wire_faults(&self) {
        // Only stalled requests wait so long.
        within::set_call(self.case.patience());
        assert_done(&self.apply(false));
        let wanted = self.case.dump();
        assert_done(&self.destroy());
        let speaks_http =
            self.case.proxy().requests().first().is_some_and(|request| request.protocol == Protocol::Http);
        self.case.settle_neighbour();
        let neighbour = self.case.neighbour();
        let mut cases = 0;
        let stride = stride();
        let fitting = faults().into_iter().filter(|fault| speaks_http || !fault.is_for_http());
        for (number, fault) in fitting.enumerate() {
            // Each fault begins at another request, so that together they reach all.
            for ordinal in (1 + number % stride..).step_by(stride) {
                let proxy = self.case.proxy();
                proxy.reset();
                proxy.arm(At::nth(ordinal), fault.clone());
                let reports = self.apply(false);
                let (hit, requests) = (proxy.fired(), proxy.requests());
                proxy.reset();
                let stored = self.stored();
                if hit {
                    cases += 1;
                    let what = format!("{fault:?} at request {ordinal}: {:?}", requests.get(ordinal - 1));
                    if is_done(&reports) {
                        assert_eq!(self.case.dump(), wanted, "{what}: the run says that all is done, and it is not");
                    }
                    self.assert_stored_first(&stored, &what);
                    self.assert_heals(&wanted, &stored, &what);
                    assert_eq!(self.case.neighbour(), neighbour, "{what}: the neighbour's");
                }
                // Where the fault does not fit a request, the next one may suffer it.
                if ordinal >= requests.len() {
                    break;
                }
            }
        }
        println!("wire faults: {cases} cases");
        assert!(cases > 0, "the faults must hit");
    }

    /// A write that is cut before it arrives is not believed in: the run does it again, or says that it is not done.
    pub fn lost_writes(&self) {
        assert_done(&self.apply(false));
        let wanted = self.case.dump();
        let requests = self.case.proxy().requests();
        let writes: Vec<usize> =
            (1..=requests.len()).filter(|ordinal| requests[ordinal - 1].class == Class::Write).collect();
        assert_done(&self.destroy());
        assert!(!writes.is_empty(), "a creation writes");
        for ordinal in writes {
            let proxy = self.case.proxy();
            proxy.reset();
            proxy.arm(At::nth(ordinal), Fault::CutBefore);
            let reports = self.apply(false);
            assert!(proxy.fired(), "the cut must hit");
            proxy.reset();
            let what = format!("cut before request {ordinal}: {:?}", requests[ordinal - 1]);
            if is_done(&reports) {
                assert_eq!(self.case.dump(), wanted, "{what}: the run says that all is done, and it is not");
            }
            self.assert_heals(&wanted, &self.stored(), &what);
        }
    }

    /// One plain run converges, the next writes nothing, no stored password is lost, and a removal leaves nothing.
    pub(super) fn assert_heals(&self, wanted: &str, stored: &Entries, what: &str) {
        let reports = self.apply(false);
        let trouble = reports.iter().find_map(|report| report.trouble.as_ref());
        assert_eq!(trouble, None, "{what}: one plain run mends it: {reports:#?}");
        assert_eq!(self.case.dump(), wanted, "{what}");
        self.assert_kept(stored, what);
        drop(self.case.writes());
        assert_untouched(&self.apply(false));
        assert_eq!(self.case.writes(), Vec::<String>::new(), "{what}: the next run writes nothing");
        assert_done(&self.destroy());
        assert_eq!(self.case.dump(), "", "{what}");
    }

    /// Returns all stored entries.
    pub(super) fn stored(&self) -> Entries {
        if let Some(entries) = self.case.entries() {
            return entries;
        }
        let files = walkdir::WalkDir::new(self.store.path()).into_iter().map(Result::unwrap);
        let files = files.filter(|file| file.path().extension().is_some_and(|end| end == "json"));
        let entries = files.map(|file| {
            let text = std::fs::read_to_string(file.path()).unwrap();
            (file.path().display().to_string(), serde_json::from_str(&text).unwrap())
        });
        entries.collect()
    }
}

/// Of how many requests one suffers each fault: TENANTRY_WIRE_STRIDE=1 takes all, and then a kind takes minutes.
fn stride() -> usize {
    std::env::var("TENANTRY_WIRE_STRIDE").map_or(5, |text| text.parse().unwrap())
}

/// What a request may suffer. A garbled answer is tried with several seeds: not every byte counts.
fn faults() -> Vec<Fault> {
    vec![
        Fault::CutBefore,
        Fault::CutAfterBytes(7),
        Fault::DropReply,
        Fault::Reset,
        Fault::Stall,
        Fault::StallReply,
        Fault::Delay(Duration::from_millis(30)),
        Fault::GarbleReply(1),
        Fault::GarbleReply(2),
        Fault::TruncateReply(3),
        Fault::DuplicateRequest,
        Fault::HttpStatus { code: 503, retry_after: Some(0), is_forwarded: false },
        Fault::HttpStatus { code: 500, retry_after: None, is_forwarded: true },
        Fault::HtmlPage,
    ]
}
