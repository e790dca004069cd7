//! What happened in schedules: an invariant that was never tried proves nothing.

use std::{collections::BTreeMap, fmt};

use super::estate::KINDS;

type Counts = BTreeMap<&'static str, usize>;

/// What must have happened at least once in a run of many schedules.
const EVENTS: [&str; 16] = [
    "schedules",
    "tenants added",
    "born again under an old name",
    "edits",
    "drifts",
    "foreign objects",
    "tenants that put data in during runs",
    "tenants destroyed",
    "runs",
    "runs beside others",
    "runs with an older document",
    "runs that roll back",
    "crashes",
    "calls",
    "requests lost",
    "replies lost",
];

/// The invariants that are looked at, each with where.
const CHECKS: [&str; 10] = [
    "I1 settled after two further runs",
    "I1 I3 compared with what was never disturbed",
    "I2 a further run writes nothing",
    "I3 nothing left of a removed tenant",
    "I4 stored credentials after every write to the store",
    "I4 I5 every credential on every resource, at the end",
    "I5 no credential reaches another tenant, between events",
    "I6 tenants' data, after every event",
    "I8 foreign objects, after every event",
    "I8 a tenant with a foreign object is left alone",
];

#[derive(Debug, Default)]
pub struct Tally {
    events: Counts,
    checks: Counts,
    /// Calls to the stand-ins by what they are for.
    pub calls: Counts,
    /// By kind: tenants that have it, foreign objects, drifts, data put in.
    kinds: BTreeMap<&'static str, [usize; 4]>,
}

/// What happened to a kind.
#[derive(Debug, Clone, Copy)]
pub enum Happened {
    Added,
    Foreign,
    Drifted,
    Filled,
}

impl Tally {
    pub fn event(&mut self, what: &'static str, count: usize) {
        assert!(EVENTS.contains(&what), "{what}");
        *self.events.entry(what).or_default() += count;
    }

    pub fn check(&mut self, what: &'static str, count: usize) {
        assert!(CHECKS.contains(&what), "{what}");
        *self.checks.entry(what).or_default() += count;
    }

    pub fn kind(&mut self, kind: usize, happened: Happened) {
        self.kinds.entry(KINDS[kind].name).or_default()[happened as usize] += 1;
    }

    pub fn add(&mut self, other: Tally) {
        let Tally { events, checks, calls, kinds } = other;
        for (mine, others) in [(&mut self.events, events), (&mut self.checks, checks), (&mut self.calls, calls)] {
            for (what, count) in others {
                *mine.entry(what).or_default() += count;
            }
        }
        for (kind, counts) in kinds {
            let mine = self.kinds.entry(kind).or_default();
            counts.into_iter().enumerate().for_each(|(at, count)| mine[at] += count);
        }
    }

    pub fn assert_that_everything_happened(&self) {
        let never = EVENTS.iter().filter(|what| !self.events.contains_key(*what));
        let never = never.chain(CHECKS.iter().filter(|what| !self.checks.contains_key(*what)));
        let kinds = KINDS.iter().map(|kind| &kind.name).filter(|kind| !self.kinds.contains_key(*kind));
        let never: Vec<&&str> = never.chain(kinds).collect();
        assert!(never.is_empty(), "never happened: {never:?}\n{self}");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { events, checks, calls, kinds } = self;
        for (title, names, counts) in [("events", EVENTS.as_slice(), events), ("checks", CHECKS.as_slice(), checks)] {
            writeln!(f, "{title}")?;
            for name in names {
                writeln!(f, "{:>12}  {name}", counts.get(name).unwrap_or(&0))?;
            }
        }
        writeln!(f, "kinds: tenants that had it, foreign objects, drifts, data put in")?;
        for (kind, [added, foreign, drifted, filled]) in kinds {
            writeln!(f, "{added:>12} {foreign:>9} {drifted:>9} {filled:>9}  {kind}")?;
        }
        writeln!(f, "calls to the stand-ins")?;
        for (what, count) in calls {
            writeln!(f, "{count:>12}  {what}")?;
        }
        Ok(())
    }
}
