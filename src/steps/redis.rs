//! `redisUser`: an ACL user that reaches keys and channels under its own prefix only.
//!
//! Redis keeps no comment on a user, and `ACL SETUSER` makes or changes without a condition. The claim is therefore a
//! channel pattern among the user's rules, `tenantry:<tenant>:<uid>`: it comes into being in the same command as the
//! user, and gives a right to nothing that anybody publishes to.
//!
//! Nor does a server tell whether its ACL file holds what its memory does. So once the file is written, the user gets a
//! second such pattern, [`SAVED`] and a digest of what was seen before the file was written. Where the digest is not that
//! of the user as it is now, the file may hold an earlier state: after a crash, or when another run came in between. A
//! third pattern, [`GENERATION`], is new with every change, so that a state which comes back is not taken for the one
//! that was saved.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use serde::Serialize;

use super::{
    Action, Allow, Asked, Kind, Refusal, Verb,
    claim::{Claim, Owner},
};
use crate::provision::{self, redis::RedisUserSpec};

/// The kind `redisUser`.
#[derive(Debug)]
pub struct RedisUser;

/// What the server says of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The user, if there is one.
    pub user: Option<User>,
    /// Whether the server keeps its users in an ACL file.
    pub has_file: bool,
    /// The commands of each category, by the server's own list.
    pub categories: Arc<Categories>,
}

/// Categories of commands without their `@`, `all` among them.
pub type Categories = BTreeMap<String, BTreeSet<String>>;

/// How the channel pattern starts that says which state of a user the ACL file holds. It must not read as a claim: there
/// may be a tenant of any name.
pub const SAVED: &str = "tenantry-saved:";

/// How the channel pattern starts that is new with every change of a user.
pub const GENERATION: &str = "tenantry-generation:";

/// An ACL user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Whose it is.
    pub owner: Owner,
    /// Its rules, as they are compared: see [`rules`].
    pub rules: Rules,
    /// A digest of all that the server says of it, [`SAVED`] left out.
    pub digest: String,
    /// The digests that are marked as being in the ACL file.
    pub saved: BTreeSet<String>,
    /// Whether the stored password is its only one and lets it in; none where no password is stored yet.
    pub login: Option<bool>,
}

/// The rules of a user, normalised by the server's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Whether the user may log in.
    pub on: bool,
    /// Key patterns.
    pub keys: BTreeSet<String>,
    /// Channel patterns, the claim, [`SAVED`] and [`GENERATION`] left out.
    pub channels: BTreeSet<String>,
    /// Command rules, in the order in which they count. A server rewrites them, so what they allow is compared.
    pub commands: Vec<String>,
    /// Whether it gets in without a password, or has selectors: more than any rule of ours gives.
    pub excess: bool,
}

/// One command to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum RedisAction {
    /// Make the user, whole.
    Create {
        /// The user.
        user: String,
    },
    /// Reset the user to exactly the wanted rules and the stored password.
    Reset {
        /// The user.
        user: String,
        /// What differs.
        differences: Vec<String>,
    },
    /// Write the users to the server's ACL file.
    Save,
    /// Mark the state of the user that was seen before the file was written.
    MarkSaved {
        /// The user.
        user: String,
        /// The digest of that state.
        digest: String,
    },
    /// Let the user in no more, with no password at all.
    Disable {
        /// The user.
        user: String,
    },
    /// Remove the user, and with it its connections.
    Delete {
        /// The user.
        user: String,
    },
}

impl Action for RedisAction {
    fn verb(&self) -> Verb {
        match self {
            RedisAction::Create { .. } => Verb::Create,
            RedisAction::Reset { .. } | RedisAction::Save | RedisAction::MarkSaved { .. } => Verb::Change,
            RedisAction::Disable { .. } | RedisAction::Delete { .. } => Verb::Remove,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            RedisAction::Create { .. } => "redis-create-user",
            RedisAction::Reset { .. } => "redis-reset-user",
            RedisAction::Save => "redis-save",
            RedisAction::MarkSaved { .. } => "redis-mark-saved",
            RedisAction::Disable { .. } => "redis-disable-user",
            RedisAction::Delete { .. } => "redis-delete-user",
        }
    }
}

impl fmt::Display for RedisAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RedisAction::Create { user } => write!(f, "create user `{user}`"),
            RedisAction::Reset { user, differences } => {
                write!(f, "reset user `{user}`: {}", differences.join(", "))
            }
            RedisAction::Save => f.write_str("save all users to the server's ACL file"),
            RedisAction::MarkSaved { user, digest: _ } => write!(f, "mark user `{user}` as saved"),
            RedisAction::Disable { user } => write!(f, "disable user `{user}`"),
            RedisAction::Delete { user } => write!(f, "delete user `{user}`"),
        }
    }
}

/// Returns the rules that a user shall have. Its name is its prefix, and globs in it are escaped.
pub fn rules(user: &str, spec: &RedisUserSpec) -> Rules {
    let RedisUserSpec { commands } = spec;
    let pattern = format!("{}:*", escape(user));
    Rules {
        on: true,
        keys: BTreeSet::from([pattern.clone()]),
        channels: BTreeSet::from([pattern]),
        commands: commands.clone(),
        excess: false,
    }
}

/// Returns the channel pattern that is the claim.
pub fn claim_channel(claim: &Claim) -> String {
    escape(&claim.to_string())
}

/// Escapes what Redis takes for a pattern.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

impl Kind for RedisUser {
    const KIND: provision::Kind = provision::Kind::RedisUser;
    type Spec = RedisUserSpec;
    type Seen = Seen;
    type Action = RedisAction;

    fn decide(asked: Asked<'_, RedisUserSpec>, seen: &Seen, allow: &Allow) -> Result<Vec<RedisAction>, Refusal> {
        let Asked { wanted, claim: _, stored: _ } = asked;
        let name = wanted.name.clone();
        let Some(user) = &seen.user else { return Ok(vec![RedisAction::Create { user: name }]) };
        if let Some(refusal) = Refusal::of(&user.owner, Self::KIND, wanted, allow.adopts(Self::KIND, &name)) {
            return Err(refusal);
        }
        let differences = differences(user, &rules(&name, &wanted.spec), &seen.categories);
        if !differences.is_empty() {
            return Ok(vec![RedisAction::Reset { user: name, differences }]);
        }
        // Only a state that was seen as wanted is marked as saved; the look after a change brings us here.
        Ok(match seen.has_file && !user.saved.contains(&user.digest) {
            true => vec![RedisAction::Save, RedisAction::MarkSaved { user: name, digest: user.digest.clone() }],
            false => Vec::new(),
        })
    }

    /// The user is disabled in memory and in the file before it goes: a restart must not bring back one that gets in.
    ///
    /// A user that is gone may still be in the file. As long as its credential is stored, which goes last, the removal
    /// did not come to its end.
    fn destroy(asked: Asked<'_, RedisUserSpec>, seen: &Seen) -> Result<Vec<RedisAction>, Refusal> {
        let Some(user) = &seen.user else {
            return Ok(if seen.has_file && asked.stored { vec![RedisAction::Save] } else { Vec::new() });
        };
        if let Some(refusal) = Refusal::of(&user.owner, Self::KIND, asked.wanted, false) {
            return Err(refusal);
        }
        let name = asked.wanted.name.clone();
        let (disable, delete) = (RedisAction::Disable { user: name.clone() }, RedisAction::Delete { user: name });
        Ok(match seen.has_file {
            true => vec![disable, RedisAction::Save, delete, RedisAction::Save],
            false => vec![delete],
        })
    }

    fn undo(action: &RedisAction) -> Vec<RedisAction> {
        match action {
            RedisAction::Create { user } => vec![RedisAction::Delete { user: user.clone() }],
            RedisAction::Save => vec![RedisAction::Save],
            RedisAction::Reset { .. }
            | RedisAction::MarkSaved { .. }
            | RedisAction::Disable { .. }
            | RedisAction::Delete { .. } => Vec::new(),
        }
    }

    fn exists(_: Asked<'_, RedisUserSpec>, seen: &Seen) -> bool {
        seen.user.is_some()
    }
}

fn differences(user: &User, wanted: &Rules, categories: &Categories) -> Vec<String> {
    let User { owner, rules, digest: _, saved: _, login } = user;
    let Rules { on, keys, channels, commands, excess } = rules;
    let mut differences = Vec::new();
    let mut differ = |is: bool, what: String| {
        if is {
            differences.push(what);
        }
    };
    differ(*owner != Owner::Ours, "claim".to_owned());
    differ(on != &wanted.on, "disabled → enabled".to_owned());
    differ(keys != &wanted.keys, format!("keys {} → {}", list(keys), list(&wanted.keys)));
    differ(channels != &wanted.channels, format!("channels {} → {}", list(channels), list(&wanted.channels)));
    let (has, shall) = (allowed(commands, categories), allowed(&wanted.commands, categories));
    differ(has != shall, format!("commands `{}` → `{}`", commands.join(" "), wanted.commands.join(" ")));
    differ(*excess, "rules beyond its own".to_owned());
    differ(*login == Some(false), "password".to_owned());
    differences
}

/// Returns the commands that rules allow. A command stands for its subcommands, too.
fn allowed(rules: &[String], categories: &Categories) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for rule in rules {
        let rule = rule.to_lowercase();
        let (adds, named) = match (rule.strip_prefix('+'), rule.strip_prefix('-')) {
            (Some(named), _) => (true, named),
            (_, Some(named)) => (false, named),
            _ => match rule.as_str() {
                "allcommands" => (true, "@all"),
                "nocommands" => (false, "@all"),
                _ => continue,
            },
        };
        let commands: BTreeSet<String> = match named.strip_prefix('@') {
            Some(category) => categories.get(category).cloned().unwrap_or_default(),
            None => {
                let all = categories.get("all").into_iter().flatten();
                let below = all.filter(|command| command.split('|').next() == Some(named));
                below.cloned().chain([named.to_owned()]).collect()
            }
        };
        match adds {
            true => allowed.extend(commands),
            false => allowed.retain(|command| !commands.contains(command)),
        }
    }
    allowed
}

fn list(patterns: &BTreeSet<String>) -> String {
    let quoted: Vec<String> = patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
    if quoted.is_empty() { "none".to_owned() } else { quoted.join(" ") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::provision::Wanted;

    fn wanted() -> Wanted<RedisUserSpec> {
        Wanted {
            id: "cache".to_owned(),
            connection: "redis".to_owned(),
            name: "abc--cache".to_owned(),
            user: Some("abc--cache".to_owned()),
            secret: None,
            spec: RedisUserSpec { commands: vec!["+@all".to_owned(), "-@admin".to_owned()] },
        }
    }

    fn categories() -> Arc<Categories> {
        let set = |commands: &[&str]| commands.iter().map(|command| (*command).to_owned()).collect();
        Arc::new(BTreeMap::from([
            ("all".to_owned(), set(&["get", "set", "keys", "config|get", "config|set"])),
            ("admin".to_owned(), set(&["config|get", "config|set"])),
            ("dangerous".to_owned(), set(&["keys", "config|get", "config|set"])),
        ]))
    }

    #[test]
    fn rules_are_compared_by_what_they_allow() {
        let rules = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let same =
            |one: &str, other: &str| allowed(&rules(one), &categories()) == allowed(&rules(other), &categories());
        assert!(same("+@all -@admin -@dangerous", "+@all -@dangerous"));
        assert!(same("+@all -config", "allcommands -@admin"));
        assert!(!same("+@all -@admin", "+@all -@dangerous"));
        assert!(!same("+@all -@dangerous +config|get", "+@all -@dangerous"));
    }

    fn decide(user: Option<User>) -> Result<Vec<RedisAction>, Refusal> {
        let (wanted, claim) = (wanted(), Claim { tenant: "abc".to_owned(), uid: "1".to_owned() });
        let asked = Asked { wanted: &wanted, claim: &claim, stored: true };
        RedisUser::decide(asked, &Seen { user, has_file: true, categories: categories() }, &Allow::default())
    }

    fn as_wanted() -> User {
        let wanted = wanted();
        let rules = rules(&wanted.name, &wanted.spec);
        User {
            owner: Owner::Ours,
            rules,
            digest: "d".to_owned(),
            saved: BTreeSet::from(["d".to_owned()]),
            login: Some(true),
        }
    }

    #[test]
    fn what_is_as_wanted_needs_nothing() {
        assert_eq!(decide(Some(as_wanted())), Ok(vec![]));
    }

    #[test]
    fn a_user_that_the_file_may_not_hold_is_saved() {
        for saved in [BTreeSet::new(), BTreeSet::from(["earlier".to_owned()])] {
            let steps = decide(Some(User { saved, ..as_wanted() })).unwrap();
            let mark = RedisAction::MarkSaved { user: "abc--cache".to_owned(), digest: "d".to_owned() };
            assert_eq!(steps, [RedisAction::Save, mark]);
        }
    }

    #[test]
    fn every_difference_resets() {
        let rules = as_wanted().rules;
        for changed in [
            Rules { on: false, ..rules.clone() },
            Rules { keys: BTreeSet::from(["*".to_owned()]), ..rules.clone() },
            Rules { channels: BTreeSet::new(), ..rules.clone() },
            Rules { commands: vec!["+@all".to_owned()], ..rules.clone() },
            Rules { excess: true, ..rules.clone() },
        ] {
            let steps = decide(Some(User { rules: changed.clone(), ..as_wanted() })).unwrap();
            assert!(matches!(&steps[0], RedisAction::Reset { .. }), "{changed:?}");
        }
        let steps = decide(Some(User { login: Some(false), ..as_wanted() })).unwrap();
        assert!(matches!(&steps[0], RedisAction::Reset { differences, .. } if differences == &["password"]));
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        assert!(decide(Some(User { owner: Owner::Unmarked, ..as_wanted() })).is_err());
        let other = Claim { tenant: "abc".to_owned(), uid: "2".to_owned() };
        assert!(decide(Some(User { owner: Owner::Another(other), ..as_wanted() })).is_err());
    }
}
