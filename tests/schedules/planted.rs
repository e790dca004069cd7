//! Deliberate mistakes: of servers that do not do what they say, of observers that do not see, of decisions that do not
//! ask whose a thing is. Each must be caught by the invariant that it breaks, or the harness proves nothing.

use tenantry::{engine::sandbox::State, steps::bucket::LEDGER};

use super::schedule;

/// What takes a mistake back after the call, as far as it is not to stay.
pub type Amends = Option<Box<dyn FnOnce(&mut State)>>;

/// Spoils the state just before a call is made.
pub type Spoil = fn(what: &'static str, state: &mut State) -> Amends;

/// A mistake that the harness must catch.
pub struct Mistake {
    name: &'static str,
    /// The kinds of its schedules.
    pub kinds: &'static [&'static str],
    pub spoil: Spoil,
    /// Whether claims are not looked at.
    pub adopts: bool,
    /// The invariant that it breaks.
    breaks: &'static str,
}

/// Within how many schedules each must be caught.
const WITHIN: u64 = 2_000;

const MISTAKES: [Mistake; 11] = [
    Mistake {
        name: "the store writes over an entry that is there",
        kinds: &["redisUser"],
        spoil: |what, state| {
            let hidden = (what == "create an entry").then(|| std::mem::take(&mut state.secrets.entries))?;
            Some(Box::new(|state| {
                for (key, entry) in hidden {
                    state.secrets.entries.entry(key).or_insert(entry);
                }
            }))
        },
        adopts: false,
        breaks: "I4",
    },
    Mistake {
        name: "the store replaces whatever the version is",
        kinds: &["objectStoreUser/iam"],
        spoil: |_, state| {
            state.secrets.entries.values_mut().for_each(|entry| entry.version = 1);
            None
        },
        adopts: false,
        breaks: "I4",
    },
    Mistake {
        name: "nobody asks whose a thing is",
        kinds: &["mysqlDatabase", "bucket"],
        spoil: |_, _| None,
        adopts: true,
        breaks: "I8",
    },
    Mistake {
        name: "a roll-back drops a MySQL database that holds something",
        kinds: &["mysqlDatabase", "redisUser"],
        spoil: |what, state| {
            if what == "mysql-drop-empty-database" {
                state
                    .mysql
                    .databases
                    .values_mut()
                    .for_each(|database| database.tables.retain(|table| table != "orders"));
            }
            None
        },
        adopts: false,
        breaks: "I6",
    },
    Mistake {
        name: "removing a bucket removes those whose names it begins",
        kinds: &["bucket"],
        spoil: |what, state| {
            let before = (what == "s3-delete-bucket").then(|| state.objects.buckets.clone())?;
            Some(Box::new(move |state| {
                let gone: Vec<String> =
                    before.into_keys().filter(|name| !state.objects.buckets.contains_key(name)).collect();
                state.objects.buckets.retain(|name, _| !gone.iter().any(|gone| name.starts_with(gone)));
            }))
        },
        adopts: false,
        breaks: "I6",
    },
    Mistake {
        name: "nobody sees that everybody may connect to a PostgreSQL database",
        kinds: &["postgresDatabase"],
        spoil: |what, state| {
            let databases = (what == "read a database").then_some(&mut state.postgres.databases)?;
            let hidden: Vec<_> = databases
                .iter_mut()
                .filter_map(|(name, database)| Some((name.clone(), database.grants.remove("")?)))
                .collect();
            Some(Box::new(|state| {
                for (name, granted) in hidden {
                    state
                        .postgres
                        .databases
                        .entry(name)
                        .and_modify(|one| drop(one.grants.insert(String::new(), granted)));
                }
            }))
        },
        adopts: false,
        breaks: "I5",
    },
    Mistake {
        name: "no login is tried on Redis",
        kinds: &["redisUser"],
        spoil: |what, state| {
            let before = (what == "read a user").then(|| state.redis.users.clone())?;
            for (name, user) in &mut state.redis.users {
                let key = format!("tenants/{}/cache", name.trim_end_matches("--cache"));
                let stored = state.secrets.entries.get(&key).and_then(|entry| entry.fields.get("password"));
                if let Some(stored) = stored {
                    let stored = tenantry::engine::Secret::new(stored.as_str());
                    user.password = Some(tenantry::engine::sandbox::digest(&stored));
                }
            }
            Some(Box::new(|state| state.redis.users = before))
        },
        adopts: false,
        breaks: "I4",
    },
    Mistake {
        name: "a MySQL account that is dropped stays, and is not listed",
        kinds: &["mysqlDatabase"],
        spoil: |what, state| match what {
            "mysql-drop-user" => {
                let before = state.mysql.users.clone();
                Some(Box::new(|state| {
                    for (key, mut user) in before {
                        user.max_user_connections = LEFT;
                        state.mysql.users.entry(key).or_insert(user);
                    }
                }))
            }
            "read databases and users" => {
                let (left, listed) = std::mem::take(&mut state.mysql.users)
                    .into_iter()
                    .partition(|(_, user)| user.max_user_connections == LEFT);
                state.mysql.users = listed;
                Some(Box::new(|state| state.mysql.users.append(&mut { left })))
            }
            _ => None,
        },
        adopts: false,
        breaks: "I3",
    },
    Mistake {
        name: "a bucket is tagged by nobody",
        kinds: &["bucket"],
        spoil: |what, state| {
            let before = (what == "s3-tag-bucket").then(|| state.objects.buckets.clone())?;
            Some(Box::new(|state| state.objects.buckets = before))
        },
        adopts: false,
        breaks: "I1",
    },
    Mistake {
        name: "Redis says that it has saved, and has not",
        kinds: &["redisUser"],
        spoil: |what, state| {
            let before = (what == "redis-save").then(|| state.redis.file.clone())?;
            Some(Box::new(|state| state.redis.file = before))
        },
        adopts: false,
        breaks: "I1",
    },
    Mistake {
        name: "every look at a bucket counts in it",
        kinds: &["bucket"],
        spoil: |what, state| {
            if what == "read a bucket" {
                state.objects.intents.entry(LEDGER.to_owned()).or_default().1 += 1;
            }
            None
        },
        adopts: false,
        breaks: "I2",
    },
];

/// Marks an account that should be gone.
const LEFT: u64 = 4711;

#[test]
fn every_planted_mistake_is_caught() {
    let mut missed = Vec::new();
    for mistake in &MISTAKES {
        let violations = (0..WITHIN).filter_map(|seed| Some((seed, schedule::run_with(seed, mistake).err()?)));
        let caught = violations.into_iter().find(|(_, violation)| violation.starts_with(mistake.breaks));
        match caught {
            Some((seed, violation)) => {
                let told: String = violation.chars().take(100).collect();
                println!("{}: caught by schedule {seed}: {told}", mistake.name);
            }
            None => missed.push(format!("{}: {} holds in all of {WITHIN} schedules", mistake.name, mistake.breaks)),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
