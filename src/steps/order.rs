//! The graph between resources: what must be there before what.

use std::collections::BTreeSet;

use crate::provision::{Kind, Resource};

/// Returns the ids of the resources that must stand before `resource` is touched. There can be no cycle: a kind waits
/// for kinds that wait for nothing, and an `httpResource`, which nothing waits for, for all others.
///
/// - A user of an object store comes after its buckets: its policy names them.
/// - A JSON API may be told of databases and buckets, and may try them: it comes last.
pub fn after<'r>(resource: &Resource, all: &'r [Resource]) -> BTreeSet<&'r str> {
    let waits_for = |other: &Resource| {
        rank(other.kind()) < rank(resource.kind())
            && (resource.kind() != Kind::ObjectStoreUser
                || (other.kind() == Kind::Bucket && other.head().connection == resource.head().connection))
    };
    all.iter().filter(|other| waits_for(other)).map(Resource::id).collect()
}

/// Returns how late a kind comes: a kind waits for kinds of a lower rank only.
pub fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::HttpResource => 2,
        Kind::ObjectStoreUser => 1,
        Kind::MysqlDatabase
        | Kind::PostgresDatabase
        | Kind::PostgresSchema
        | Kind::Bucket
        | Kind::RabbitmqVhost
        | Kind::RedisUser
        | Kind::Secret => 0,
    }
}

/// Returns the ids of the resources that must be gone before `resource` is removed: who uses comes before what is used.
pub fn before_removal<'r>(resource: &Resource, all: &'r [Resource]) -> BTreeSet<&'r str> {
    all.iter()
        .filter(|other| after(other, std::slice::from_ref(resource)).contains(resource.id()))
        .map(Resource::id)
        .collect()
}
