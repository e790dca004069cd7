//! Rules on databases, buckets and users: what their server would refuse, or what would grant too little or too much.

use std::collections::BTreeMap;

use super::{
    places::{Finder, below},
    quantities,
    shape::shown,
    suggest,
};
use crate::{
    diag::Code,
    provision::{
        Kind,
        mysql::MysqlDatabaseSpec,
        object_store::{BucketSpec, ObjectStoreUserSpec},
        postgres::{PostgresDatabaseSpec, PostgresSchemaSpec},
        redis::RedisUserSpec,
    },
    raw::tier::TierSpec,
};

/// Finds what is wrong with a `mysqlDatabase`.
pub(super) fn mysql(finder: &mut Finder<'_>, spec: &MysqlDatabaseSpec) {
    let MysqlDatabaseSpec { character_set, collation, privileges, host, require_tls: _, max_user_connections: _ } =
        spec;
    if privileges.is_empty() {
        nothing(finder, "/privileges", "the user may do nothing", "list the privileges that the service needs");
    }
    identifier(finder, "/characterSet", character_set, "_");
    identifier(finder, "/collation", collation, "_");
    identifier(finder, "/host", host, "%_.-:/");
    let fits =
        collation.strip_prefix(character_set.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
    if !fits {
        let message =
            format!("the collation {} does not belong to the character set {}", shown(collation), shown(character_set));
        finder.value(
            Code::CollationMismatch,
            "/collation",
            message,
            "write a collation that starts with the character set",
        );
    }
}

/// Finds what is wrong with a `postgresDatabase`.
pub(super) fn postgres_database(finder: &mut Finder<'_>, spec: &PostgresDatabaseSpec) {
    let PostgresDatabaseSpec { extensions, connection_limit: _, settings, role_settings } = spec;
    for (index, extension) in extensions.iter().enumerate() {
        identifier(finder, &format!("/extensions/{index}"), extension, "_-");
    }
    for (pointer, map) in [("/settings", settings), ("/roleSettings", role_settings)] {
        for key in map.keys().filter(|key| !is_identifier(key, "_.")) {
            let message = format!("{} is no name of a parameter", shown(key));
            finder.key(Code::InvalidIdentifier, &below(pointer, key), message, "write letters, digits, `_` and `.`");
        }
    }
}

/// Finds what is wrong with a `postgresSchema`.
pub(super) fn postgres_schema(finder: &mut Finder<'_>, spec: &PostgresSchemaSpec) {
    let PostgresSchemaSpec { database, connection_limit: _, migrations, require_row_level_security: _ } = spec;
    identifier(finder, "/database", database, "_-");
    let leads_out = |path: &&str| path.starts_with('/') || path.split('/').any(|part| matches!(part, "" | "." | ".."));
    if let Some(path) = migrations.as_deref().filter(leads_out) {
        let message = format!("{} is no path below the folder of migrations", shown(path));
        finder.value(Code::UnsafePath, "/migrations", message, "write a path such as `app/migrations`, without `..`");
    }
}

/// Finds what is wrong with a `bucket`.
pub(super) fn bucket(finder: &mut Finder<'_>, spec: &BucketSpec) {
    if spec.noncurrent_days.is_some() && !spec.versioning {
        let help = "add `versioning: true`, or take `noncurrentDays` out; live objects never expire";
        let message = "`noncurrentDays` has no effect without versions";
        finder.key(Code::VersioningNeeded, "/noncurrentDays", message, help);
    }
    if let Some(quota) = &spec.quota {
        quantities::read(finder, "/quota", quota);
    }
}

/// Finds what is wrong with an `objectStoreUser`.
pub(super) fn object_store_user(
    finder: &mut Finder<'_>,
    tier: &TierSpec,
    connection: &str,
    spec: &ObjectStoreUserSpec,
) {
    let ObjectStoreUserSpec { buckets, actions } = spec;
    if buckets.is_empty() {
        nothing(
            finder,
            "/buckets",
            "the user reaches no bucket",
            "list groups of buckets (`files`) or single ones (`files/products`)",
        );
    }
    if actions.is_empty() {
        nothing(
            finder,
            "/actions",
            "the user may do nothing",
            "list the actions, or leave the key out for reading and writing",
        );
    }
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    for (name, group) in tier.provisions.iter().filter(|(_, group)| group.kind == Kind::Bucket) {
        known.insert(name.clone(), &group.connection);
        for item in group.items.iter().flat_map(BTreeMap::keys) {
            known.insert(format!("{name}/{item}"), &group.connection);
        }
    }
    for (index, reference) in buckets.iter().enumerate() {
        let pointer = format!("/buckets/{index}");
        match known.get(reference) {
            None => {
                let help = suggest::help(
                    reference,
                    "buckets",
                    known.keys().map(String::as_str),
                    "add a group of kind `bucket`",
                );
                finder.value(
                    Code::UnknownBucket,
                    &pointer,
                    format!("the tier has no bucket {}", shown(reference)),
                    help,
                );
            }
            Some(other) if *other != connection => {
                let message = format!(
                    "the bucket {} is on the connection `{other}`, this user on `{connection}`",
                    shown(reference)
                );
                finder.value(Code::UnknownBucket, &pointer, message, "make a user on that connection");
            }
            Some(_) => {}
        }
    }
}

/// Finds what is wrong with a `redisUser`: rules about commands only, since keys and channels are the tenant's own.
pub(super) fn redis(finder: &mut Finder<'_>, spec: &RedisUserSpec) {
    for (index, rule) in spec.commands.iter().enumerate() {
        let name = rule.strip_prefix(['+', '-']).map(|rest| rest.strip_prefix('@').unwrap_or(rest));
        let fits = name.is_some_and(|name| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'|' | b'.'))
        });
        if !fits {
            let help = "write `+command`, `-command`, `+@category` or `-@category`; keys, channels and passwords are set for each tenant";
            finder.value(
                Code::RedisRule,
                &format!("/commands/{index}"),
                format!("{} is no rule about a command", shown(rule)),
                help,
            );
        }
    }
}

fn nothing(finder: &mut Finder<'_>, pointer: &str, message: &str, help: &str) {
    finder.key(Code::NothingGranted, pointer, message, help);
}

/// What goes into a statement is quoted there as well; this only keeps texts out that no server would take.
pub(super) fn identifier(finder: &mut Finder<'_>, pointer: &str, text: &str, signs: &str) {
    if !is_identifier(text, signs) {
        let message = format!("{} is no name that the server takes here", shown(text));
        let signs = signs.chars().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
        finder.value(Code::InvalidIdentifier, pointer, message, format!("write letters, digits and {signs}"));
    }
}

fn is_identifier(text: &str, signs: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || signs.contains(c))
}
