//! The stand-in of a Redis server with an ACL file.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{Observer, Performer, Prober, digest};
use crate::{
    engine::{Access, Look, Observe, Perform, Probe, Trouble, TroubleKind, service::Answers},
    provision::{Wanted, redis::RedisUserSpec},
    steps::{
        claim::Owner,
        redis::{Categories, RedisAction, RedisUser, Rules, Seen, User as SeenUser, rules},
    },
};

/// What the server keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// Users by name, in memory.
    pub users: BTreeMap<String, User>,
    /// Users by name, in the ACL file.
    pub file: BTreeMap<String, User>,
    /// How often a user was set.
    pub serial: u64,
}

/// An ACL user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Whether it may log in.
    pub on: bool,
    /// The digest of its password.
    pub password: Option<String>,
    /// The text of its claim.
    pub claim: Option<String>,
    /// The digests that are marked as being in the file.
    pub saved: BTreeSet<String>,
    /// The number of its last change.
    pub serial: u64,
    /// Key patterns.
    pub keys: BTreeSet<String>,
    /// Channel patterns.
    pub channels: BTreeSet<String>,
    /// Command rules.
    pub commands: Vec<String>,
}

impl Server {
    /// Restarts the server: memory is what the file holds.
    pub fn restart(&mut self) {
        self.users = self.file.clone();
    }
}

impl Observe<RedisUser> for Observer {
    async fn observe(&self, looks: &[Look<'_, RedisUserSpec>]) -> Vec<Result<Seen, Trouble>> {
        let mut seen = Vec::with_capacity(looks.len());
        for look in looks {
            let found = self.0.read("read a user", |state| {
                let user = state.redis.users.get(&look.wanted().name);
                Ok(Seen { user: user.map(|user| seen_user(user, *look)), has_file: true, categories: categories() })
            });
            seen.push(found.await);
        }
        seen
    }
}

/// A server with a few commands of each category that rules speak of.
fn categories() -> Arc<Categories> {
    let set = |commands: &[&str]| commands.iter().map(|command| (*command).to_owned()).collect();
    Arc::new(BTreeMap::from([
        ("all".to_owned(), set(&["acl|setuser", "config|set", "del", "flushall", "get", "keys", "publish", "set"])),
        ("read".to_owned(), set(&["get", "keys"])),
        ("write".to_owned(), set(&["del", "flushall", "set"])),
        ("pubsub".to_owned(), set(&["publish"])),
        ("admin".to_owned(), set(&["acl|setuser", "config|set"])),
        ("dangerous".to_owned(), set(&["acl|setuser", "config|set", "flushall", "keys"])),
    ]))
}

fn seen_user(user: &User, look: Look<'_, RedisUserSpec>) -> SeenUser {
    let User { on, password, claim, saved, serial, keys, channels, commands } = user.clone();
    let digest = super::digest(&crate::engine::Secret::new(format!(
        "{on} {serial} {password:?} {keys:?} {channels:?} {commands:?}"
    )));
    let stored = look.entry.and_then(|entry| entry.get("password")).map(super::digest);
    SeenUser {
        owner: Owner::of(claim.as_deref(), look.asked.claim),
        rules: Rules { on, keys, channels, commands, excess: false },
        digest,
        saved,
        login: stored.map(|stored| on && password == Some(stored)),
    }
}

impl Perform<RedisUser> for Performer {
    async fn perform(&self, look: Look<'_, RedisUserSpec>, action: &RedisAction) -> Result<Answers, Trouble> {
        let set = |serial: u64| -> Result<User, Trouble> {
            let Wanted { name, spec, .. } = look.wanted();
            let Rules { on, keys, channels, commands, excess: _ } = rules(name, spec);
            let entry = look.entry.ok_or_else(|| Trouble::new(TroubleKind::Setup, "no stored credential"))?;
            let (password, claim) = (Some(digest(entry.need("password")?)), Some(look.asked.claim.to_string()));
            Ok(User { on, password, claim, saved: BTreeSet::new(), serial, keys, channels, commands })
        };
        let what = crate::steps::Action::name(action);
        let write = self.0.write(what, |state| {
            let server = &mut state.redis;
            match action {
                RedisAction::Create { user } | RedisAction::Reset { user, differences: _ } => {
                    let set = set(server.serial + 1)?;
                    server.users.insert(user.clone(), set);
                    server.serial += 1;
                }
                // `SETUSER` makes a user that is not there: one that may do nothing.
                RedisAction::MarkSaved { user, digest } => {
                    let user = server.users.entry(user.clone()).or_default();
                    user.claim = Some(look.asked.claim.to_string());
                    user.saved.insert(digest.clone());
                }
                RedisAction::Save => server.file = server.users.clone(),
                RedisAction::Disable { user } => {
                    let user = server.users.entry(user.clone()).or_default();
                    (user.on, user.password) = (false, None);
                }
                RedisAction::Delete { user } => drop(server.users.remove(user)),
            }
            Ok(Answers::new())
        });
        write.await
    }
}

impl Probe<RedisUser> for Prober {
    async fn probe(
        &self,
        own: Look<'_, RedisUserSpec>,
        targets: &[&Wanted<RedisUserSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        let probe = self.0.read("try keys", |state| {
            let user = state.redis.users.get(&own.wanted().name).filter(|user| user.on);
            let password = own.entry.and_then(|entry| entry.get("password")).map(digest);
            let Some(user) = user.filter(|user| user.password == password) else {
                return Err(Trouble::new(TroubleKind::Credential, "the user does not get in"));
            };
            let reaches = |name: &str| user.keys.contains("*") || user.keys.contains(&format!("{name}:*"));
            let tries = targets.iter().map(|target| match reaches(&target.name) {
                true => Ok(Access::Allowed(format!("read keys of `{}`", target.name))),
                false => Ok(Access::Denied),
            });
            Ok(tries.collect())
        });
        probe.await
    }
}
