//! What a broker keeps, in one form for all ways of reading it: the listings of a server, and the stand-in.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    engine::{Look, Secret, Trouble, TroubleKind, points},
    provision::rabbitmq::RabbitmqVhostSpec,
    steps::{
        claim::{Claim, Owner},
        rabbitmq::{
            self as steps, About, Limit, Rights, Seen, Topics,
            topology::{Binding, Exchange, Policy, Queue},
        },
    },
};

/// All that is known of a broker.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Broker {
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// Virtual hosts by name.
    pub vhosts: BTreeMap<String, Vhost>,
    /// Rights, by user and by virtual host.
    pub rights: BTreeMap<String, BTreeMap<String, Rights>>,
    /// Rights over routing keys, by user, virtual host and exchange.
    pub topics: BTreeMap<String, BTreeMap<String, BTreeMap<String, Topics>>>,
}

/// A user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Tags.
    pub tags: Vec<String>,
    /// Salt and hash of the password in base64; empty where it has none.
    pub password_hash: String,
    /// How it was hashed.
    pub hashing_algorithm: String,
}

/// A virtual host.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Vhost {
    /// Free text.
    pub description: String,
    /// Settings.
    pub about: About,
    /// Limits by name; a negative one is none.
    pub limits: BTreeMap<String, i64>,
    /// Exchanges by name, those of the server itself left out.
    pub exchanges: BTreeMap<String, Exchange>,
    /// Queues by name.
    pub queues: BTreeMap<String, Queue>,
    /// Bindings, those of the default exchange left out.
    pub bindings: Vec<Binding>,
    /// Policies by name.
    pub policies: BTreeMap<String, Policy>,
    /// Whether the server never came to the end of making it.
    #[serde(default)]
    pub is_half_made: bool,
}

/// The one algorithm that we send, and take for ours.
pub const SHA_256: &str = "rabbit_password_hashing_sha256";

/// Bytes of the salt in front of a hash.
const SALT: usize = 4;

impl User {
    /// Returns a user with our claim and a freshly salted password.
    ///
    /// # Errors
    /// The machine gives no random numbers.
    pub fn new(claim: &Claim, password: &Secret) -> Result<Self, Trouble> {
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).map_err(|error| {
            Trouble::new(TroubleKind::Setup, "failed to get random numbers").because(error.to_string())
        })?;
        Ok(Self {
            tags: vec![claim.to_string()],
            password_hash: salted(&salt, password),
            hashing_algorithm: SHA_256.to_owned(),
        })
    }

    /// Returns whether a password is this user's, told by the salt that is stored: another hash is another password.
    pub fn has(&self, password: &Secret) -> bool {
        let Ok(stored) = STANDARD.decode(&self.password_hash) else { return false };
        let Some((salt, _)) = stored.split_at_checked(SALT) else { return false };
        self.hashing_algorithm == SHA_256 && salted(salt, password) == self.password_hash
    }

    fn claims(&self) -> Vec<Claim> {
        self.tags.iter().filter_map(|tag| Claim::read(tag)).collect()
    }

    fn owner(&self, claim: &Claim) -> Owner {
        let claims = self.claims();
        match claims.iter().find(|found| *found != claim) {
            Some(other) => Owner::Another(other.clone()),
            None if claims.is_empty() => Owner::Unmarked,
            None => Owner::Ours,
        }
    }
}

fn salted(salt: &[u8], password: &Secret) -> String {
    let hash = Sha256::new().chain_update(salt).chain_update(password.expose()).finalize();
    STANDARD.encode([salt, hash.as_slice()].concat())
}

impl Broker {
    /// Adds a right.
    pub fn add_right(&mut self, user: &str, vhost: &str, rights: Rights) {
        self.rights.entry(user.to_owned()).or_default().insert(vhost.to_owned(), rights);
    }

    /// Adds a right over routing keys.
    pub fn add_topics(&mut self, user: &str, vhost: &str, exchange: &str, topics: Topics) {
        let vhosts = self.topics.entry(user.to_owned()).or_default();
        vhosts.entry(vhost.to_owned()).or_default().insert(exchange.to_owned(), topics);
    }

    /// Returns the users that have rights in each virtual host.
    pub fn users_of(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (user, vhosts) in &self.rights {
            for vhost in vhosts.keys() {
                users.entry(vhost).or_default().insert(user);
            }
        }
        users
    }

    /// Returns what is seen of one resource; `users_of` is the broker's own, made once for all looks, and
    /// `administrator` the user who asks.
    pub fn seen(
        &self,
        look: Look<'_, RabbitmqVhostSpec>,
        users_of: &BTreeMap<&str, BTreeSet<&str>>,
        administrator: &str,
        default_type_is_fixed: bool,
        login: Option<bool>,
    ) -> Seen {
        let (wanted, claim) = (look.wanted(), look.asked.claim);
        let user = steps::user(wanted);
        let strangers = users_of.get(wanted.name.as_str()).into_iter().flatten().filter_map(|stranger| {
            let is_anothers = self.users.get(*stranger)?.claims().iter().any(|found| found != claim);
            let rights = self.rights.get(*stranger)?.get(&wanted.name)?;
            (*stranger != user && is_anothers).then(|| ((*stranger).to_owned(), rights.clone()))
        });
        let vhost = self.vhosts.get(&wanted.name).map(|vhost| {
            let Vhost { description, about, limits, exchanges, queues, bindings, policies, is_half_made } =
                vhost.clone();
            steps::Vhost {
                owner: Owner::of(Some(&description), claim),
                about,
                default_type_is_fixed,
                is_half_made,
                administered: self.right(administrator, &wanted.name) == Some(&Rights::all()),
                strangers: strangers.collect(),
                limits: Limit::ALL
                    .into_iter()
                    .filter_map(|limit| Some((limit, u64::try_from(*limits.get(limit.name())?).ok()?)))
                    .collect(),
                exchanges,
                queues,
                bindings,
                policies,
            }
        });
        Seen { vhost, user: self.users.get(user).map(|found| self.seen_user(look, found, login)) }
    }

    fn seen_user(&self, look: Look<'_, RabbitmqVhostSpec>, found: &User, login: Option<bool>) -> steps::User {
        let (wanted, claim) = (look.wanted(), look.asked.claim);
        let user = steps::user(wanted);
        let ours = claim.to_string();
        let elsewhere = self.rights.get(user).into_iter().flatten().filter(|(vhost, _)| **vhost != wanted.name);
        let elsewhere = elsewhere.map(|(vhost, rights)| (vhost.clone(), rights.clone()));
        steps::User {
            owner: found.owner(claim),
            tags: found.tags.iter().filter(|tag| **tag != ours).cloned().collect(),
            rights: self.right(user, &wanted.name).cloned(),
            topics: self.topics.get(user).and_then(|vhosts| vhosts.get(&wanted.name)).cloned().unwrap_or_default(),
            elsewhere: if points::planted("rabbitmq-elsewhere-unseen") { BTreeMap::new() } else { elsewhere.collect() },
            login,
        }
    }

    fn right(&self, user: &str, vhost: &str) -> Option<&Rights> {
        self.rights.get(user)?.get(vhost)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_salt() {
        let claim = Claim { tenant: "abc".to_owned(), uid: "1".to_owned() };
        let (one, again) =
            (User::new(&claim, &Secret::new("p")).unwrap(), User::new(&claim, &Secret::new("p")).unwrap());
        assert_ne!(one.password_hash, again.password_hash);
        assert!(one.has(&Secret::new("p")) && again.has(&Secret::new("p")));
        assert!(!one.has(&Secret::new("q")));
        for damaged in ["", "AAA=", "!", "AAAA"] {
            let user = User { password_hash: damaged.to_owned(), ..one.clone() };
            assert!(!user.has(&Secret::new("p")), "{damaged}");
        }
        assert!(!User { hashing_algorithm: "rabbit_password_hashing_md5".to_owned(), ..one }.has(&Secret::new("p")));
    }

    #[test]
    fn the_hash_is_the_servers() {
        // The example of RabbitMQ's own documentation of password hashes.
        let user = User {
            tags: Vec::new(),
            password_hash: "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR".to_owned(),
            hashing_algorithm: SHA_256.to_owned(),
        };
        assert!(user.has(&Secret::new("test12")));
    }

    #[test]
    fn a_user_with_two_claims_is_not_ours() {
        let claim = Claim { tenant: "abc".to_owned(), uid: "1".to_owned() };
        let user = |tags: &[&str]| User { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..User::default() };
        assert_eq!(user(&["tenantry:abc:1"]).owner(&claim), Owner::Ours);
        assert!(matches!(user(&["tenantry:abc:1", "tenantry:abd:2"]).owner(&claim), Owner::Another(_)));
        assert_eq!(user(&["administrator"]).owner(&claim), Owner::Unmarked);
    }
}
