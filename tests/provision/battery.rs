//! What every kind must stand, on its real server: made once, found as wanted, changed, mended, left alone where it is
//! not ours, and finished after a stop at any step.

use std::{cell::Cell, collections::BTreeMap, path::Path, time::Duration};

use tenantry::{
    engine::{
        Purpose, Secret, Settings,
        connections::Connections,
        gate::Stop,
        kinds,
        report::{Event, ResourceReport, StepOutcome, Unwatched, Watch},
        run::{self, Depth},
        within,
    },
    provision::Document,
    steps::{Allow, Standing},
};

use super::wire::{At, Fault, Protocol, Proxy};

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
    fn writes(&self) -> Vec<String>;

    /// Returns the proxy that the engine's requests go through.
    fn proxy(&self) -> &Proxy;

    /// Returns how long a call may take while requests are stalled: well above what the slowest one takes.
    fn patience(&self) -> Duration {
        Duration::from_millis(300)
    }
}

/// A case with a secret store of its own.
pub struct Battery<'c> {
    case: &'c dyn Case,
    store: tempfile::TempDir,
}

pub const UID: &str = "0192f0c1-0000-7000-8000-000000000001";

/// A field of a stored entry: path, name and text.
type Field = (String, String, String);

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
            let stored = self.stored();
            assert_done(&self.apply(false));
            assert_eq!(self.case.dump(), wanted, "after a stop at step {steps}");
            assert!(
                stored.iter().all(|entry| self.stored().contains(entry)),
                "a stored password was lost at step {steps}"
            );
            assert_untouched(&self.apply(false));
            assert_done(&self.destroy());
            assert_eq!(self.case.dump(), "");
            if !was_cut {
                assert!(steps > 2, "the run must have several steps");
                return;
            }
        }
    }

    /// An object of somebody else stops everything, and stays as it is.
    pub fn foreign(&self) {
        self.case.foreign();
        let before = self.case.dump();
        drop(self.case.writes());
        let reports = self.apply(false);
        assert!(reports.iter().any(|report| report.standing == Standing::NotOurs), "{reports:#?}");
        assert_eq!(self.case.writes(), Vec::<String>::new(), "nothing is written beside what is not ours");
        let reports = self.destroy();
        assert!(reports.iter().any(|report| report.standing == Standing::NotOurs), "{reports:#?}");
        assert_eq!(self.case.dump(), before);
    }

    /// What belongs to an earlier tenant of the same name is not taken over.
    pub fn another_uid(&self) {
        assert_done(&self.apply(false));
        let before = self.case.dump();
        let other = self.document("0192f0c1-0000-7000-8000-00000000000f", false);
        let reports = run(&other, &settings(Purpose::Apply, Stop::default(), Allow::default()), &Unwatched);
        assert!(reports.iter().any(|report| report.standing == Standing::NotOurs), "{reports:#?}");
        assert_eq!(self.case.dump(), before);
        assert_done(&self.destroy());
    }

    /// What somebody changed by hand is as wanted again.
    pub fn drift(&self) {
        assert_done(&self.apply(false));
        let wanted = self.case.dump();
        self.case.drift();
        assert_ne!(self.case.dump(), wanted, "the drift must be seen by the oracle");
        let planned = plan(&self.document(UID, false));
        assert!(planned.iter().any(|report| report.standing == Standing::Change), "{planned:#?}");
        assert_done(&self.apply(false));
        assert_eq!(self.case.dump(), wanted);
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
        let mut cases = 0;
        let stride = stride();
        let fitting = faults().into_iter().filter(|fault| speaks_http || !fault.is_for_http());
        for (number, fault) in fitting.enumerate() {
            // Each fault begins at another request, so that together they reach all.
            for ordinal in (1 + number % stride..).step_by(stride) {
                let proxy = self.case.proxy();
                proxy.reset();
                proxy.arm(At::nth(ordinal), fault.clone());
                self.apply(false);
                let (hit, requests) = (proxy.fired(), proxy.requests());
                proxy.reset();
                let stored = self.stored();
                if hit {
                    cases += 1;
                    let what = || format!("{fault:?} at request {ordinal}: {:?}", requests.get(ordinal - 1));
                    self.assert_heals(&wanted, &stored, &what());
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

    /// One plain run converges, the next writes nothing, no stored password is lost, and a removal leaves nothing.
    fn assert_heals(&self, wanted: &str, stored: &[Field], what: &str) {
        let reports = self.apply(false);
        let trouble = reports.iter().find_map(|report| report.trouble.as_ref());
        assert_eq!(trouble, None, "{what}: one plain run mends it: {reports:#?}");
        assert_eq!(self.case.dump(), wanted, "{what}");
        let kept = self.stored();
        assert!(stored.iter().all(|entry| kept.contains(entry)), "{what}: a stored password was lost");
        drop(self.case.writes());
        assert_untouched(&self.apply(false));
        assert_eq!(self.case.writes(), Vec::<String>::new(), "{what}: the next run writes nothing");
        assert_done(&self.destroy());
        assert_eq!(self.case.dump(), "", "{what}");
    }

    /// Killed at every point before and after every external call and durable write, in a creation, a change and a
    /// removal, by SIGKILL of the real process. Prints how many points there were.
    #[cfg(feature = "faults")]
    pub fn kill_at_every_point(&self) {
        assert_done(&self.apply(true));
        let updated = self.case.dump();
        assert_done(&self.destroy());
        assert_done(&self.apply(false));
        let wanted = self.case.dump();
        assert_done(&self.destroy());
        let mut points = 0;
        for number in 1.. {
            if !self.is_killed(&["provision", "apply"], false, number) {
                break;
            }
            points += 1;
            let stored = self.stored();
            self.assert_heals(&wanted, &stored, &format!("killed at point {number} of a creation"));
        }
        for number in 1.. {
            assert_done(&self.apply(false));
            let killed = self.is_killed(&["provision", "apply"], true, number);
            let stored = self.stored();
            if killed {
                points += 1;
                self.assert_heals_to_update(&updated, &stored, number);
            }
            assert_done(&self.destroy());
            if !killed {
                break;
            }
        }
        for number in 1.. {
            assert_done(&self.apply(false));
            let killed = self.is_killed(&["provision", "destroy"], false, number);
            assert_done(&self.destroy());
            assert_eq!(self.case.dump(), "", "killed at point {number} of a removal");
            if !killed {
                break;
            }
            points += 1;
        }
        println!("kill points: {points}");
    }

    #[cfg(feature = "faults")]
    fn assert_heals_to_update(&self, updated: &str, stored: &[Field], number: usize) {
        let what = format!("killed at point {number} of a change");
        assert_done(&self.apply(true));
        assert_eq!(self.case.dump(), updated, "{what}");
        let kept = self.stored();
        assert!(stored.iter().all(|entry| kept.contains(entry)), "{what}: a stored password was lost");
        drop(self.case.writes());
        assert_untouched(&self.apply(true));
        assert_eq!(self.case.writes(), Vec::<String>::new(), "{what}: the next run writes nothing");
    }

    /// Runs the real program with a death sentence; returns whether it was carried out. Otherwise it must have ended well.
    #[cfg(feature = "faults")]
    fn is_killed(&self, command: &[&str], updated: bool, point: usize) -> bool {
        use std::os::unix::process::ExitStatusExt;
        let mut document = self.document(UID, updated);
        let mut arguments: Vec<&str> = command.to_vec();
        if command[1] == "destroy" {
            document.metadata.state = "deleting".to_owned();
            document.metadata.delete_after = Some("2026-01-01T00:00:00Z".to_owned());
            arguments.extend(["--without-backup", "--yes-destroy", &document.metadata.tenant]);
        }
        let file = self.store.path().join(".document.yaml");
        std::fs::write(&file, serde_json::to_string(&document).unwrap()).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .args(&arguments)
            .arg("--document")
            .arg(&file)
            .env("TENANTRY_POINT", format!("kill@{point}"))
            .output()
            .unwrap();
        let killed = output.status.signal() == Some(9);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(killed || output.status.success(), "{command:?} at point {point}: {}\n{words}", output.status);
        killed
    }

    /// Returns all stored fields, as path, name and text.
    fn stored(&self) -> Vec<Field> {
        let files = walkdir::WalkDir::new(self.store.path()).sort_by_file_name().into_iter().map(Result::unwrap);
        let files = files.filter(|file| file.path().extension().is_some_and(|end| end == "json"));
        let fields = files.flat_map(|file| {
            let path = file.path().display().to_string();
            let text = std::fs::read_to_string(file.path()).unwrap();
            let fields: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
            fields.into_iter().map(move |(name, text)| (path.clone(), name, text))
        });
        fields.collect()
    }
}

/// Of how many requests one suffers each fault: TENANTRY_WIRE_STRIDE=1 takes all, and then a kind takes minutes.
fn stride() -> usize {
    std::env::var("TENANTRY_WIRE_STRIDE").map_or(11, |text| text.parse().unwrap())
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
