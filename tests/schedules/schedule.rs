//! One schedule: what happens, by chance, and the invariants that must hold after it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    rc::Rc,
};

use futures::{FutureExt, executor::block_on};
use serde_json::Value;
use tenantry::{
    engine::{
        Purpose, Secret, Settings,
        connections::Connections,
        gate::Stop,
        isolation, kinds as services,
        report::{ResourceReport, Unwatched},
        run::{self, Depth},
        sandbox::{Sandbox, State},
    },
    provision::Document,
    steps::{Allow, Standing},
};

use super::{
    chance::Chance,
    estate::{self, KINDS, NAMES},
    kinds,
    scheduler::{Storm, race},
};

/// What happened in all schedules: an invariant that was never tried proves nothing.
#[derive(Debug, Default)]
pub struct Tally {
    runs: usize,
    crashes: usize,
    calls: usize,
    lost: usize,
    replies_lost: usize,
    foreign: usize,
    drifts: usize,
    destroyed: usize,
    born_again: usize,
    races: usize,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        let Tally { runs, crashes, calls, lost, replies_lost, foreign, drifts, destroyed, born_again, races } = other;
        self.runs += runs;
        self.crashes += crashes;
        self.calls += calls;
        self.lost += lost;
        self.replies_lost += replies_lost;
        self.foreign += foreign;
        self.drifts += drifts;
        self.destroyed += destroyed;
        self.born_again += born_again;
        self.races += races;
    }

    pub fn assert_that_everything_happened(&self) {
        let Tally { runs, crashes, calls, lost, replies_lost, foreign, drifts, destroyed, born_again, races } = self;
        let all = [runs, crashes, calls, lost, replies_lost, foreign, drifts, destroyed, born_again, races];
        assert!(all.iter().all(|number| **number > 0), "{self}");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { runs, crashes, calls, lost, replies_lost, foreign, drifts, destroyed, born_again, races } = self;
        write!(
            f,
            "{runs} runs ({races} of them beside others), {crashes} crashes, {calls} calls, {lost} lost, {replies_lost} replies lost, \
             {foreign} foreign objects, {drifts} drifts, {destroyed} tenants destroyed, {born_again} born again under an old name"
        )
    }
}

struct Tenant {
    uid: u64,
    variant: usize,
    /// Kinds (by index) that somebody else's object stands in the way of.
    foreign: BTreeSet<usize>,
}

struct World {
    chance: Chance,
    storm: Rc<Storm>,
    sandbox: Rc<Sandbox>,
    tenants: BTreeMap<&'static str, Tenant>,
    /// Uids whose resources must be gone in the end.
    dying: Vec<(&'static str, u64, usize)>,
    /// Credentials that have been stored, and must not be lost while their tenant lives.
    stored: BTreeMap<(u64, String), String>,
    /// Databases that hold a tenant's data.
    sentinels: BTreeSet<(u64, String)>,
    next_uid: u64,
    tally: Tally,
}

pub fn run(seed: u64) -> Result<Tally, String> {
    let mut chance = Chance::new(seed);
    let storm = Storm::new(Chance::new(seed ^ 0xdead_beef));
    let sandbox = Rc::new(Sandbox::in_memory(Some(Rc::clone(&storm) as _)));
    sandbox.meddle(kinds::postgres::prepare);
    let events = 3 + chance.below(8);
    let mut world = World {
        chance,
        storm,
        sandbox,
        tenants: BTreeMap::new(),
        dying: Vec::new(),
        stored: BTreeMap::new(),
        sentinels: BTreeSet::new(),
        next_uid: 1,
        tally: Tally::default(),
    };
    for _ in 0..events {
        world.event()?;
    }
    world.settle()?;
    let (calls, lost, replies_lost) = world.storm.counts();
    (world.tally.calls, world.tally.lost, world.tally.replies_lost) = (calls, lost, replies_lost);
    Ok(world.tally)
}

fn settings(purpose: Purpose, roll_back: bool) -> Settings {
    Settings {
        purpose,
        depth: Depth::Proven,
        allow: Allow::default(),
        roll_back,
        make: Secret::random,
        stop: Stop::default(),
        pause: |_| Box::pin(async {}),
    }
}

async fn engine(sandbox: Rc<Sandbox>, documents: Vec<Document>, settings: Settings) -> Vec<ResourceReport> {
    let connections = Connections::stand_ins(sandbox);
    let mut groups = services::open(&documents, &connections, settings.purpose).await.unwrap();
    run::apply(&mut groups, &settings, &Unwatched).await
}

impl World {
    fn event(&mut self) -> Result<(), String> {
        let event = self.chance.below(12);
        if std::env::var_os("TENANTRY_TRACE").is_some() {
            println!(
                "event {event} tenants {:?}",
                self.tenants.iter().map(|(n, t)| (n, t.uid, t.variant, &t.foreign)).collect::<Vec<_>>()
            );
        }
        match event {
            0..=1 => self.add(),
            2 => self.edit(),
            3 => self.drift(),
            4 => self.destroy()?,
            _ => self.disturbed_runs(),
        }
        if std::env::var_os("TENANTRY_TRACE").is_some() {
            let state = self.sandbox.state();
            println!("  http {:?} entries {:?}", state.http.objects, state.secrets.entries.keys().collect::<Vec<_>>());
        }
        self.look_after_stored()
    }

    fn documents(&self) -> Vec<Document> {
        self.tenants.iter().map(|(name, tenant)| estate::document(name, tenant.uid, tenant.variant)).collect()
    }

    fn add(&mut self) {
        let free: Vec<&'static str> = NAMES.iter().copied().filter(|name| !self.tenants.contains_key(name)).collect();
        if free.is_empty() {
            return;
        }
        let name = free[self.chance.below(free.len())];
        let mut foreign = BTreeSet::new();
        if self.chance.percent(15) {
            let kind = self.chance.below(KINDS.len());
            let mut made = false;
            self.sandbox.meddle(|state| made = (KINDS[kind].foreign)(state, name));
            if made {
                foreign.insert(kind);
                self.tally.foreign += 1;
            }
        }
        if self.dying.iter().any(|(old, ..)| *old == name) {
            self.tally.born_again += 1;
        }
        self.tenants.insert(name, Tenant { uid: self.next_uid, variant: self.chance.below(2), foreign });
        self.next_uid += 1;
    }

    fn some_tenant(&mut self) -> Option<&'static str> {
        let names: Vec<&'static str> = self.tenants.keys().copied().collect();
        (!names.is_empty()).then(|| names[self.chance.below(names.len())])
    }

    fn edit(&mut self) {
        if let Some(name) = self.some_tenant() {
            self.tenants.get_mut(name).unwrap().variant += 1;
        }
    }

    fn drift(&mut self) {
        let Some(name) = self.some_tenant() else { return };
        let kind = self.chance.below(KINDS.len());
        if self.tenants[name].foreign.contains(&kind) {
            return;
        }
        let chance = &mut self.chance;
        self.sandbox.meddle(|state| (KINDS[kind].drift)(state, name, chance));
        self.tally.drifts += 1;
        let uid = self.tenants[name].uid;
        let state = self.sandbox.state();
        let database = state.postgres.databases.get_key_value(&format!("{name}_db"));
        if let Some((database, _)) = database.filter(|(_, found)| found.objects.contains("orders")) {
            self.sentinels.insert((uid, database.clone()));
        }
    }

    /// A tenant's time has come; its removal may be disturbed, and is finished in the end.
    fn destroy(&mut self) -> Result<(), String> {
        let Some(name) = self.some_tenant() else { return Ok(()) };
        let tenant = self.tenants.remove(name).unwrap();
        for kind in &tenant.foreign {
            self.sandbox.meddle(|state| (KINDS[*kind].remove_foreign)(state, name));
        }
        self.stored.retain(|(uid, _), _| *uid != tenant.uid);
        let documents = vec![estate::document(name, tenant.uid, tenant.variant)];
        self.storm.set(10, false);
        let sandbox = Rc::clone(&self.sandbox);
        let work = engine(sandbox, documents, settings(Purpose::Destroy, false)).map(drop).boxed_local();
        self.tally.crashes += race(vec![work], &mut self.chance, true);
        self.storm.set(0, false);
        self.tally.destroyed += 1;
        if self.chance.percent(50) {
            return self.finish_removal(name, tenant.uid, tenant.variant);
        }
        self.dying.push((name, tenant.uid, tenant.variant));
        Ok(())
    }

    fn finish_removal(&mut self, name: &str, uid: u64, variant: usize) -> Result<(), String> {
        let documents = vec![estate::document(name, uid, variant)];
        block_on(engine(Rc::clone(&self.sandbox), documents, settings(Purpose::Destroy, false)));
        let left = serde_json::to_string(&self.sandbox.state()).unwrap();
        match left.contains(&format!("tenantry:{name}:{}", estate::uid_text(uid))) {
            false => Ok(()),
            true => Err(format!("I3: something of {name} (uid {uid}) is left after its removal: {left}")),
        }
    }

    /// One to three runs at once, in bad weather, some of which crash.
    fn disturbed_runs(&mut self) {
        let count = 1 + self.chance.below(3);
        let rough = [0, 3, 15, 40][self.chance.below(4)];
        let crashes = self.chance.percent(60);
        self.storm.set(rough, count > 1 || crashes);
        let runs = (0..count).map(|_| {
            let mut documents = self.documents();
            // A run may still have an older document.
            if self.chance.percent(20) {
                for document in &mut documents {
                    let uid = document.metadata.uid.rsplit('-').next().unwrap().parse().unwrap();
                    *document = estate::document(&document.metadata.tenant.clone(), uid, self.chance.below(2));
                }
            }
            let roll_back = self.chance.percent(10);
            engine(Rc::clone(&self.sandbox), documents, settings(Purpose::Apply, roll_back)).map(drop).boxed_local()
        });
        let runs: Vec<_> = runs.collect();
        self.tally.runs += count;
        self.tally.races += if count > 1 { count } else { 0 };
        self.tally.crashes += race(runs, &mut self.chance, crashes);
        self.storm.set(0, false);
    }

    /// I4, I6: what was stored once stays what it is, and what a tenant put into its database stays there.
    fn look_after_stored(&mut self) -> Result<(), String> {
        let state = self.sandbox.state();
        for (uid, database) in &self.sentinels {
            let is_alive = self.tenants.values().any(|tenant| tenant.uid == *uid);
            let holds = state.postgres.databases.get(database).is_some_and(|found| found.objects.contains("orders"));
            if is_alive && !holds {
                return Err(format!("I6: the data in {database} was lost"));
            }
        }
        for (name, tenant) in &self.tenants {
            for (key, kept) in &state.secrets.entries {
                let claim = format!("tenantry:{name}:{}", estate::uid_text(tenant.uid));
                if kept.fields.get("tenantry-claim") != Some(&claim) {
                    continue;
                }
                for field in ["password", "key", "secretKey"] {
                    let Some(text) = kept.fields.get(field) else { continue };
                    let known =
                        self.stored.entry((tenant.uid, format!("{key} {field}"))).or_insert_with(|| text.clone());
                    if known != text {
                        return Err(format!("I4: the stored {field} of {key} was made again"));
                    }
                }
            }
        }
        let lost = self.stored.keys().find(|(uid, place)| {
            let key = place.split(' ').next().unwrap();
            self.tenants.values().any(|tenant| tenant.uid == *uid) && !state.secrets.entries.contains_key(key)
        });
        lost.map_or(Ok(()), |(_, place)| Err(format!("I4: {place} was lost")))
    }

    /// The weather is calm again: everything must end as if nothing had ever been disturbed.
    fn settle(&mut self) -> Result<(), String> {
        self.storm.set(0, false);
        // I8: what is somebody else's stops its tenant, and stays as it is.
        let blocked: Vec<(&'static str, BTreeSet<usize>)> = self
            .tenants
            .iter()
            .filter(|(_, tenant)| !tenant.foreign.is_empty())
            .map(|(name, tenant)| (*name, tenant.foreign.clone()))
            .collect();
        for (name, foreign) in blocked {
            let before = self.sandbox.state();
            let tenant = &self.tenants[name];
            let documents = vec![estate::document(name, tenant.uid, tenant.variant)];
            let reports = block_on(engine(Rc::clone(&self.sandbox), documents, settings(Purpose::Apply, false)));
            if !reports.iter().any(|report| report.standing == Standing::NotOurs) || self.sandbox.state() != before {
                return Err(format!("I8: {name} was provisioned over somebody else's object: {reports:?}"));
            }
            for kind in foreign {
                self.sandbox.meddle(|state| (KINDS[kind].remove_foreign)(state, name));
            }
            self.tenants.get_mut(name).unwrap().foreign.clear();
        }
        for (name, uid, variant) in std::mem::take(&mut self.dying) {
            self.finish_removal(name, uid, variant)?;
        }
        // I1: at most two further runs, with nothing left to complain of.
        let mut reports = Vec::new();
        for _ in 0..2 {
            reports = block_on(engine(Rc::clone(&self.sandbox), self.documents(), settings(Purpose::Apply, false)));
        }
        if let Some(report) = reports.iter().find(|report| report.trouble.is_some() || !report.steps.is_empty()) {
            return Err(format!("I1: not settled after two runs: {report:?}"));
        }
        // I2: a further run writes nothing.
        let before = self.sandbox.state();
        block_on(engine(Rc::clone(&self.sandbox), self.documents(), settings(Purpose::Apply, false)));
        if self.sandbox.state() != before {
            return Err("I2: a run with nothing to do changed something".to_owned());
        }
        self.look_after_stored()?;
        self.compare_with_undisturbed(&before)?;
        self.isolation()
    }

    /// I1, I3: what is there is what a run from nothing makes: no more, no less.
    fn compare_with_undisturbed(&self, state: &State) -> Result<(), String> {
        let fresh = Rc::new(Sandbox::in_memory(None));
        fresh.meddle(kinds::postgres::prepare);
        block_on(engine(Rc::clone(&fresh), self.documents(), settings(Purpose::Apply, false)));
        let (left, right) = (canonical(state), canonical(&fresh.state()));
        let mut differences = Vec::new();
        compare("", &left, &right, &mut differences);
        if differences.is_empty() { Ok(()) } else { Err(format!("I1: {}", differences.join("; "))) }
    }

    /// I4, I5: every stored credential opens its own, and nobody else's.
    fn isolation(&self) -> Result<(), String> {
        let matrix = block_on(async {
            let connections = Connections::stand_ins(Rc::clone(&self.sandbox));
            let mut groups = services::open(&self.documents(), &connections, Purpose::Apply).await.unwrap();
            isolation::probe(&mut groups, &settings(Purpose::Apply, false), &BTreeSet::new()).await
        });
        match (matrix.holes.first(), matrix.locked_out.first().or(matrix.unknown.first())) {
            (Some(hole), _) => Err(format!("I5: {hole:?}")),
            (_, Some(locked_out)) => Err(format!("I4: {locked_out:?}")),
            _ => Ok(()),
        }
    }
}

/// The state without what differs between two equal runs: passwords, versions, salts and serial numbers.
fn canonical(state: &State) -> Value {
    let mut value = serde_json::to_value(state).unwrap();
    strip(&mut value);
    value
}

/// Finds where two states differ.
fn compare(at: &str, disturbed: &Value, undisturbed: &Value, differences: &mut Vec<String>) {
    match (disturbed, undisturbed) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let (left, right) = (left.get(key).unwrap_or(&Value::Null), right.get(key).unwrap_or(&Value::Null));
                compare(&format!("{at}/{key}"), left, right, differences);
            }
        }
        // A map that lost its last entry is as good as none.
        (Value::Object(map), Value::Null) | (Value::Null, Value::Object(map)) if map.is_empty() => {}
        (left, right) if left != right => {
            differences.push(format!("{at} is {left}, and {right} where nothing was disturbed"))
        }
        _ => {}
    }
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match key.as_str() {
                    "password" | "password_hash" | "secret" | "secretKey" | "key" | "token" | "version" | "salt" | "serial" | "id" | "last_id"
                    // Redis: another run may have saved before or after the mark came.
                    | "saved" => {
                        *value = Value::Null
                    }
                    // What a tenant put into its database: looked after by I6.
                    "objects" if value.is_array() => *value = Value::Null,
                    _ => strip(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}
