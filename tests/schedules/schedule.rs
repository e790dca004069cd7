//! One schedule: what happens, by chance, and the invariants that must hold after it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    env,
    rc::Rc,
    sync::OnceLock,
};

use futures::{FutureExt, executor::block_on};
use serde_json::Value;
use tenantry::{
    engine::{
        Purpose, Secret, Settings,
        connections::Connections,
        gate::Stop,
        isolation::{self, Matrix},
        kinds as services,
        report::{ResourceReport, Unwatched},
        run::{self, Depth},
        sandbox::{Sandbox, State},
    },
    provision::Document,
    steps::{Allow, Standing},
};

use super::{
    chance::Chance,
    estate::{self, Chosen, KINDS, NAMES},
    oracle,
    planted::Mistake,
    scheduler::{Racer, StepAside, Storm, Weathered, race},
    tally::{Happened, Tally},
};

struct Tenant {
    uid: u64,
    variant: usize,
    /// Kinds that somebody else's object stands in the way of: where it is, and what it was.
    foreign: BTreeMap<usize, (String, Value)>,
}

struct World {
    chance: Chance,
    storm: Rc<Storm>,
    sandbox: Rc<Sandbox>,
    kinds: Chosen,
    allow: Allow,
    /// What is there before any tenant.
    ground: State,
    tenants: BTreeMap<&'static str, Tenant>,
    /// Uids whose resources must be gone in the end.
    dying: Vec<(&'static str, u64, usize)>,
    /// Uids and kinds that hold a tenant's data.
    sentinels: Rc<RefCell<BTreeSet<(u64, usize)>>>,
    /// Whether anything was changed by hand: then access may be wider than wanted until the next run.
    is_meddled: bool,
    next_uid: u64,
    tally: Tally,
}

/// Runs the schedule of a seed, with the kinds that it chooses.
pub fn run(seed: u64) -> Result<Tally, String> {
    let mut chance = Chance::new(seed);
    let kinds = estate::choose(&mut chance);
    let settlers = 1 + chance.below(2);
    play(seed, chance, kinds, settlers, None)
}

/// Runs the schedule of a seed with those kinds, over land that nobody has settled.
pub fn run_of(seed: u64, kinds: Chosen) -> Result<Tally, String> {
    play(seed, Chance::new(seed), kinds, 0, None)
}

/// Runs the schedule of a seed over stand-ins that make a mistake.
pub fn run_with(seed: u64, mistake: &Mistake) -> Result<Tally, String> {
    let kinds = estate::chosen(mistake.kinds.iter().copied());
    play(seed, Chance::new(seed), kinds, 2, Some(mistake))
}

fn play(
    seed: u64,
    mut chance: Chance,
    kinds: Chosen,
    settlers: usize,
    mistake: Option<&Mistake>,
) -> Result<Tally, String> {
    let storm = Storm::new(Chance::new(seed ^ 0xdead_beef), mistake.map(|mistake| mistake.spoil));
    let sandbox = Rc::new(Sandbox::in_memory(Some(Rc::clone(&storm) as _)));
    storm.over(&sandbox);
    sandbox.meddle(|state| estate::prepare(state, &mut chance));
    let events = 3 + chance.below(8);
    let mut world = World {
        chance,
        storm,
        ground: sandbox.state(),
        sandbox,
        allow: mistake.filter(|mistake| mistake.adopts).map(|_| everything(&kinds)).unwrap_or_default(),
        kinds,
        tenants: BTreeMap::new(),
        dying: Vec::new(),
        sentinels: Rc::default(),
        is_meddled: false,
        next_uid: 1,
        tally: Tally::default(),
    };
    (0..settlers).for_each(|_| world.add());
    for _ in 0..events {
        world.event()?;
    }
    world.settle()?;
    world.tally.event("schedules", 1);
    let Weathered { calls, lost, replies_lost, looks } = world.storm.counts();
    world.tally.event("calls", calls.values().sum());
    world.tally.event("requests lost", lost);
    world.tally.event("replies lost", replies_lost);
    world.tally.check("I4 stored credentials after every write to the store", looks);
    world.tally.calls = calls;
    Ok(world.tally)
}

/// Permission to take over whatever has a name that could be ours.
fn everything(kinds: &Chosen) -> Allow {
    let documents = NAMES.map(|name| estate::document(kinds, name, 0, 0));
    let heads = documents.iter().flat_map(|document| &document.resources).map(|resource| resource.head());
    Allow { adopt: heads.map(|head| (head.kind, head.name.to_owned())).collect(), replace: false }
}

pub fn settings(purpose: Purpose, allow: &Allow, roll_back: bool) -> Settings {
    Settings {
        purpose,
        depth: Depth::Proven,
        allow: allow.clone(),
        roll_back,
        make: Secret::random,
        stop: Stop::default(),
        pause: |_| Box::pin(async {}),
    }
}

/// One run of the engine.
pub async fn engine(sandbox: Rc<Sandbox>, documents: Vec<Document>, settings: Settings) -> Vec<ResourceReport> {
    let connections = Connections::stand_ins(sandbox);
    let mut groups = services::open(&documents, &connections, settings.purpose).await.unwrap();
    run::apply(&mut groups, &settings, &Unwatched).await
}

/// Tries every credential on everything.
pub fn probe(sandbox: &Rc<Sandbox>, documents: &[Document]) -> Matrix {
    block_on(async {
        let connections = Connections::stand_ins(Rc::clone(sandbox));
        let mut groups = services::open(documents, &connections, Purpose::Apply).await.unwrap();
        isolation::probe(&mut groups, &BTreeSet::new()).await
    })
}

/// Whether one schedule is to be told event by event.
fn is_told() -> bool {
    static TOLD: OnceLock<bool> = OnceLock::new();
    *TOLD.get_or_init(|| env::var_os("TENANTRY_TRACE").is_some())
}

impl World {
    fn event(&mut self) -> Result<(), String> {
        let event = self.chance.below(12);
        match event {
            0..=1 => self.add(),
            2 => self.edit(),
            3 => self.drift(),
            4 => self.destroy()?,
            _ => self.disturbed_runs(),
        }
        self.storm.end_call();
        if is_told() {
            let tenants = self.tenants.iter().map(|(name, one)| (name, one.uid, one.variant, one.foreign.keys()));
            let kinds = self.kinds.iter().map(|kind| KINDS[*kind].name);
            println!("event {event} of {:?} {:?}", kinds.collect::<Vec<_>>(), tenants.collect::<Vec<_>>());
            println!("{}", serde_json::to_string(&self.sandbox.state()).unwrap());
        }
        self.look()
    }

    /// Reads what is there, past the engine.
    fn peek<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        self.storm.end_call();
        let mut seen = None;
        self.sandbox.meddle(|state| seen = Some(look(state)));
        seen.unwrap()
    }

    fn documents(&self) -> Vec<Document> {
        self.tenants.iter().map(|(name, tenant)| self.document(name, tenant.uid, tenant.variant)).collect()
    }

    fn document(&self, name: &str, uid: u64, variant: usize) -> Document {
        estate::document(&self.kinds, name, uid, variant)
    }

    fn settings(&self, purpose: Purpose, roll_back: bool) -> Settings {
        settings(purpose, &self.allow, roll_back)
    }

    /// A run in calm weather.
    fn calm_run(&self, documents: Vec<Document>, purpose: Purpose) -> Vec<ResourceReport> {
        let reports = block_on(engine(Rc::clone(&self.sandbox), documents, self.settings(purpose, false)));
        self.storm.end_call();
        reports
    }

    fn some_kind(&mut self) -> usize {
        *self.kinds.iter().nth(self.chance.below(self.kinds.len())).unwrap()
    }

    fn some_tenant(&mut self) -> Option<&'static str> {
        let names: Vec<&'static str> = self.tenants.keys().copied().collect();
        (!names.is_empty()).then(|| names[self.chance.below(names.len())])
    }

    fn add(&mut self) {
        let free: Vec<&'static str> = NAMES.iter().copied().filter(|name| !self.tenants.contains_key(name)).collect();
        if free.is_empty() {
            return;
        }
        let name = free[self.chance.below(free.len())];
        let mut foreign = BTreeMap::new();
        if self.chance.percent(15) {
            let kind = self.some_kind();
            let (chance, mut place) = (&mut self.chance, None);
            self.sandbox.meddle(|state| place = (KINDS[kind].foreign)(state, name, chance));
            if let Some(place) = place {
                let found = self.at(&place);
                foreign.insert(kind, (place, found));
                self.tally.event("foreign objects", 1);
                self.tally.kind(kind, Happened::Foreign);
            }
        }
        self.tally.event("tenants added", 1);
        self.kinds.iter().for_each(|kind| self.tally.kind(*kind, Happened::Added));
        if self.dying.iter().any(|(old, ..)| *old == name) {
            self.tally.event("born again under an old name", 1);
        }
        self.tenants.insert(name, Tenant { uid: self.next_uid, variant: self.chance.below(2), foreign });
        self.next_uid += 1;
    }

    /// Returns a part of the state.
    fn at(&self, pointer: &str) -> Value {
        let value = self.peek(|state| serde_json::to_value(state).unwrap());
        value.pointer(pointer).cloned().unwrap_or_default()
    }

    fn edit(&mut self) {
        if let Some(name) = self.some_tenant() {
            self.tenants.get_mut(name).unwrap().variant += 1;
            self.tally.event("edits", 1);
        }
    }

    fn drift(&mut self) {
        let Some(name) = self.some_tenant() else { return };
        let kind = self.some_kind();
        if self.tenants[name].foreign.contains_key(&kind) {
            return;
        }
        let chance = &mut self.chance;
        self.sandbox.meddle(|state| (KINDS[kind].drift)(state, name, chance));
        self.is_meddled = true;
        self.tally.event("drifts", 1);
        self.tally.kind(kind, Happened::Drifted);
    }

    /// A tenant's time has come; its removal may be disturbed, and is finished in the end.
    fn destroy(&mut self) -> Result<(), String> {
        let Some(name) = self.some_tenant() else { return Ok(()) };
        let Tenant { uid, variant, foreign } = self.tenants.remove(name).unwrap();
        for kind in foreign.keys() {
            self.sandbox.meddle(|state| (KINDS[*kind].remove_foreign)(state, name));
        }
        self.storm.forget(&estate::claim(name, uid));
        self.storm.set(10, false);
        let documents = vec![self.document(name, uid, variant)];
        let settings = self.settings(Purpose::Destroy, false);
        let work = engine(Rc::clone(&self.sandbox), documents, settings).map(drop).boxed_local();
        let crashes = race(vec![Racer { work, may_crash: true }], &mut self.chance);
        self.tally.event("crashes", crashes);
        self.storm.set(0, false);
        self.tally.event("tenants destroyed", 1);
        if self.chance.percent(50) {
            return self.finish_removal(name, uid, variant);
        }
        self.dying.push((name, uid, variant));
        Ok(())
    }

    fn finish_removal(&mut self, name: &str, uid: u64, variant: usize) -> Result<(), String> {
        self.calm_run(vec![self.document(name, uid, variant)], Purpose::Destroy);
        self.tally.check("I3 nothing left of a removed tenant", 1);
        let left = self.peek(|state| serde_json::to_string(state).unwrap());
        match left.contains(&estate::claim(name, uid)) {
            false => Ok(()),
            true => Err(format!("I3: something of {name} (uid {uid}) is left after its removal: {left}")),
        }
    }

    /// One to three runs at once, in bad weather, some of which crash, beside a tenant that uses what it has.
    fn disturbed_runs(&mut self) {
        let count = 1 + self.chance.below(3);
        let rough = [0, 3, 15, 40][self.chance.below(4)];
        let may_crash = self.chance.percent(60);
        self.storm.set(rough, count > 1 || may_crash);
        let mut racers = Vec::new();
        for _ in 0..count {
            let mut documents = self.documents();
            if self.chance.percent(20) {
                self.tally.event("runs with an older document", 1);
                let older = self.tenants.iter().map(|(name, tenant)| (*name, tenant.uid));
                let older: Vec<_> = older.collect();
                let variant = self.chance.below(2);
                documents = older.into_iter().map(|(name, uid)| self.document(name, uid, variant)).collect();
            }
            let roll_back = self.chance.percent(10);
            self.tally.event("runs that roll back", usize::from(roll_back));
            let settings = self.settings(Purpose::Apply, roll_back);
            let work = engine(Rc::clone(&self.sandbox), documents, settings).map(drop).boxed_local();
            racers.push(Racer { work, may_crash });
        }
        racers.extend(self.user());
        let count = if self.tenants.is_empty() { 0 } else { count };
        self.tally.event("runs", count);
        self.tally.event("runs beside others", if count > 1 { count } else { 0 });
        let before = self.sentinels.borrow().clone();
        let crashes = race(racers, &mut self.chance);
        self.tally.event("crashes", crashes);
        for (_, kind) in self.sentinels.borrow().difference(&before) {
            self.tally.event("tenants that put data in during runs", 1);
            self.tally.kind(*kind, Happened::Filled);
        }
        self.storm.set(0, false);
    }

    /// A tenant that puts data into what it has, as soon as it can.
    fn user(&mut self) -> Option<Racer<'static>> {
        if self.chance.percent(60) {
            return None;
        }
        let (name, kind) = (self.some_tenant()?, self.some_kind());
        let Tenant { uid, foreign, .. } = &self.tenants[name];
        if foreign.contains_key(&kind) {
            return None;
        }
        let (uid, sandbox, sentinels) = (*uid, Rc::clone(&self.sandbox), Rc::clone(&self.sentinels));
        let claim = estate::claim(name, uid);
        let (patience, storm) = (1 + self.chance.below(60), Rc::clone(&self.storm));
        let work = async move {
            for _ in 0..patience {
                storm.end_call();
                let mut filled = false;
                sandbox.meddle(|state| filled = (KINDS[kind].fill)(state, name, &claim));
                if filled {
                    sentinels.borrow_mut().insert((uid, kind));
                    return;
                }
                StepAside(false).await;
            }
        };
        Some(Racer { work: work.boxed_local(), may_crash: false })
    }

    /// What must hold after every event.
    fn look(&mut self) -> Result<(), String> {
        if let Some(violation) = self.storm.violation() {
            return Err(violation);
        }
        let claims: Vec<String> = self.tenants.iter().map(|(name, tenant)| estate::claim(name, tenant.uid)).collect();
        if let Some(missing) = self.storm.missing(&claims) {
            return Err(format!("I4: {missing} was lost"));
        }
        for (name, tenant) in &self.tenants {
            for (uid, kind) in self.sentinels.borrow().iter().filter(|(uid, _)| *uid == tenant.uid) {
                self.tally.check("I6 tenants' data, after every event", 1);
                if !self.peek(|state| (KINDS[*kind].holds)(state, name)) {
                    return Err(format!("I6: the data of {name} (uid {uid}) in its {} was lost", KINDS[*kind].name));
                }
            }
            for (place, was) in tenant.foreign.values() {
                self.tally.check("I8 foreign objects, after every event", 1);
                let is = self.at(place);
                if is != *was {
                    return Err(format!("I8: what is somebody else's at {place} was {was} and is {is}"));
                }
            }
        }
        if !self.is_meddled && self.chance.percent(20) {
            self.tally.check("I5 no credential reaches another tenant, between events", 1);
            let matrix = probe(&self.sandbox, &self.documents());
            if let Some(hole) = matrix.holes.first() {
                return Err(format!("I5: {hole:?}"));
            }
        }
        Ok(())
    }

    /// The weather is calm again: everything must end as if nothing had ever been disturbed.
    fn settle(&mut self) -> Result<(), String> {
        self.leave_foreign_alone()?;
        for (name, uid, variant) in std::mem::take(&mut self.dying) {
            self.finish_removal(name, uid, variant)?;
        }
        let mut reports = Vec::new();
        for _ in 0..2 {
            reports = self.calm_run(self.documents(), Purpose::Apply);
        }
        self.tally.check("I1 settled after two further runs", 1);
        let troubled = reports.iter().find(|report| report.trouble.is_some());
        if let Some(report) = troubled.or_else(|| reports.iter().find(|report| !report.steps.is_empty())) {
            return Err(format!("I1: not settled after two runs: {report:?}"));
        }
        let before = self.peek(State::clone);
        self.calm_run(self.documents(), Purpose::Apply);
        self.tally.check("I2 a further run writes nothing", 1);
        if self.peek(|state| *state != before) {
            return Err("I2: a run with nothing to do changed something".to_owned());
        }
        self.is_meddled = true;
        self.look()?;
        self.isolation()?;
        self.compare_with_undisturbed(&before)
    }

    /// What is somebody else's stops its tenant, and stays as it is.
    fn leave_foreign_alone(&mut self) -> Result<(), String> {
        let blocked: Vec<&'static str> =
            self.tenants.iter().filter(|(_, tenant)| !tenant.foreign.is_empty()).map(|(name, _)| *name).collect();
        for name in blocked {
            let before = self.peek(State::clone);
            let tenant = &self.tenants[name];
            let reports = self.calm_run(vec![self.document(name, tenant.uid, tenant.variant)], Purpose::Apply);
            self.tally.check("I8 a tenant with a foreign object is left alone", 1);
            let is_told = reports.iter().any(|report| report.standing == Standing::NotOurs);
            if !is_told || self.peek(|state| *state != before) {
                return Err(format!("I8: {name} was provisioned over somebody else's object: {reports:?}"));
            }
            let foreign = std::mem::take(&mut self.tenants.get_mut(name).unwrap().foreign);
            for kind in foreign.keys() {
                self.sandbox.meddle(|state| (KINDS[*kind].remove_foreign)(state, name));
            }
        }
        Ok(())
    }

    /// I1, I3: what is there is what a run from nothing makes: no more, no less.
    fn compare_with_undisturbed(&mut self, state: &State) -> Result<(), String> {
        let fresh = Rc::new(Sandbox::in_memory(None));
        fresh.meddle(|state| state.clone_from(&self.ground));
        let settings = settings(Purpose::Apply, &Allow::default(), false);
        block_on(engine(Rc::clone(&fresh), self.documents(), settings));
        self.tally.check("I1 I3 compared with what was never disturbed", 1);
        oracle::differences(state, &fresh.state())
    }

    /// I4, I5: every stored credential opens its own, and nobody else's.
    fn isolation(&mut self) -> Result<(), String> {
        let matrix = probe(&self.sandbox, &self.documents());
        self.storm.end_call();
        self.tally.check("I4 I5 every credential on every resource, at the end", matrix.own + matrix.denied);
        if let Some(hole) = matrix.holes.first() {
            return Err(format!("I5: {hole:?}"));
        }
        if let Some(locked_out) = matrix.locked_out.first().or(matrix.unknown.first()) {
            return Err(format!("I4: {locked_out:?}"));
        }
        for (name, kind) in self.tenants.keys().flat_map(|name| self.kinds.iter().map(move |kind| (name, kind))) {
            if !self.peek(|state| (KINDS[*kind].agrees)(state, name)) {
                return Err(format!("I4: what is stored for {} of {name} is not what is there", KINDS[*kind].name));
            }
        }
        Ok(())
    }
}
