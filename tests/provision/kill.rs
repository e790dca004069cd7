//! SIGKILL of the real process at every point before and after every external call and durable write.

use std::{
    env, fs,
    os::unix::process::ExitStatusExt,
    process::{Command, Output},
};

use super::battery::{Battery, Entries, UID, assert_done, assert_untouched};

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    Creation,
    Change,
    Removal,
}

impl Battery<'_> {
    /// Killed at points of a creation, a change and a removal, one plain run ends where an undisturbed one does. Prints
    /// how many points there were.
    pub fn kill_at_every_point(&self) {
        assert_done(&self.apply(true));
        let updated = self.case.dump();
        assert_done(&self.destroy());
        assert_done(&self.apply(false));
        let wanted = self.case.dump();
        assert_done(&self.destroy());
        self.case.settle_neighbour();
        let neighbour = self.case.neighbour();

        let (mut all, mut tried) = (0, 0);
        for run in [Run::Creation, Run::Change, Run::Removal] {
            if run != Run::Creation {
                assert_done(&self.apply(false));
            }
            let points = self.points(run);
            assert_done(&self.destroy());
            // Each begins at another point, so that names that come in a rhythm are all tried.
            for point in (1 + run as usize % stride()..=points).step_by(stride()) {
                if run != Run::Creation {
                    assert_done(&self.apply(false));
                }
                let what = format!("killed at point {point} of a {run:?}");
                // What is looked at side by side passes not always as many: then the run ends well.
                tried += usize::from(self.is_killed(run, point));
                let stored = self.stored();
                self.assert_stored_first(&stored, &what);
                match run {
                    Run::Creation => self.assert_heals(&wanted, &stored, &what),
                    Run::Change => self.assert_heals_to_update(&updated, &stored, &what),
                    Run::Removal => self.assert_goes(&what),
                }
                assert_eq!(self.case.neighbour(), neighbour, "{what}: the neighbour's");
            }
            all += points;
        }
        println!("kill points: {tried} of {all} tried, 0 violations");
        assert!(all >= self.case.least_points(), "{all} points");
        assert!(tried * stride() * 2 > all, "{tried} of {all} points tried");
    }

    /// Returns how many points an undisturbed run passes.
    fn points(&self, run: Run) -> usize {
        let list = self.store.path().join(".points");
        let output = self.program(run, &format!("list:{}", list.display()));
        assert!(output.status.success(), "{run:?}: {}", String::from_utf8_lossy(&output.stderr));
        let points = fs::read_to_string(&list).unwrap().lines().count();
        fs::remove_file(&list).unwrap();
        points
    }

    fn assert_heals_to_update(&self, updated: &str, stored: &Entries, what: &str) {
        assert_done(&self.apply(true));
        assert_eq!(self.case.dump(), updated, "{what}");
        self.assert_kept(stored, what);
        drop(self.case.writes());
        assert_untouched(&self.apply(true));
        assert_eq!(self.case.writes(), Vec::<String>::new(), "{what}: the next run writes nothing");
        assert_done(&self.destroy());
        assert_eq!(self.case.dump(), "", "{what}");
    }

    fn assert_goes(&self, what: &str) {
        assert_done(&self.destroy());
        assert_eq!(self.case.dump(), "", "{what}");
        assert_eq!(self.stored(), Entries::new(), "{what}: a credential is left");
    }

    /// Runs the real program with a death sentence; returns whether it was carried out. Otherwise it must have ended well.
    fn is_killed(&self, run: Run, point: usize) -> bool {
        let output = self.program(run, &format!("kill@{point}"));
        let killed = output.status.signal() == Some(9);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(killed || output.status.success(), "{run:?} at point {point}: {}\n{words}", output.status);
        killed
    }

    fn program(&self, run: Run, order: &str) -> Output {
        let mut document = self.document(UID, run == Run::Change);
        let mut arguments = vec!["provision", if run == Run::Removal { "destroy" } else { "apply" }];
        if run == Run::Removal {
            document.metadata.state = "deleting".to_owned();
            document.metadata.delete_after = Some("2026-01-01T00:00:00Z".to_owned());
            arguments.extend(["--without-backup", "--yes-destroy", &document.metadata.tenant]);
        }
        let file = self.store.path().join(".document.yaml");
        fs::write(&file, serde_json::to_string(&document).unwrap()).unwrap();
        Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .args(&arguments)
            .arg("--document")
            .arg(&file)
            .env("TENANTRY_POINT", order)
            .output()
            .unwrap()
    }
}

/// Every how many points the program is killed: TENANTRY_KILL_STRIDE=1 takes all, and then a kind takes minutes.
fn stride() -> usize {
    env::var("TENANTRY_KILL_STRIDE").map_or(7, |text| text.parse().unwrap())
}
