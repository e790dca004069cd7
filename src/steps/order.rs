//! The graph between resources: what must be there before what.

use std::collections::BTreeSet;

use super::http;
use crate::provision::{Kind, Resource};

/// Returns the ids of the resources that must stand before `resource` is touched. There can be no cycle: a kind waits
/// for kinds of a lower rank only, and an `httpResource` for such others as do not wait for it.
///
/// - A user of an object store comes after its buckets: its policy names them.
/// - A JSON API may be told of databases and buckets, and may try them: it comes last.
/// - One `httpResource` may say that it comes after another. `check` refuses a circle of them; a document that has one
///   all the same is worked through as if they did not know of each other.
pub fn after<'r>(resource: &Resource, all: &'r [Resource]) -> BTreeSet<&'r str> {
    let waits_for = |other: &Resource| {
        rank(other.kind()) < rank(resource.kind())
            && (resource.kind() != Kind::ObjectStoreUser
                || (other.kind() == Kind::Bucket && other.head().connection == resource.head().connection))
    };
    let declared = declared(resource).into_iter().filter(|id| !reaches(id, resource.id(), all, &mut BTreeSet::new()));
    let declared: BTreeSet<&str> = declared.collect();
    all.iter().filter(|other| waits_for(other) || declared.contains(other.id())).map(Resource::id).collect()
}

/// Returns the ids that an `httpResource` says it comes after.
fn declared(resource: &Resource) -> BTreeSet<&str> {
    match resource {
        Resource::HttpResource(wanted) => http::after(&wanted.spec).collect(),
        _ => BTreeSet::new(),
    }
}

/// Returns whether `id` says that it comes after `other`, itself or through others.
fn reaches<'r>(id: &'r str, other: &str, all: &'r [Resource], passed: &mut BTreeSet<&'r str>) -> bool {
    if id == other {
        return true;
    }
    if !passed.insert(id) {
        return false;
    }
    let of_that_id = all.iter().filter(|resource| resource.id() == id);
    let next: BTreeSet<&str> = of_that_id.flat_map(declared).collect();
    next.into_iter().any(|next| reaches(next, other, all, passed))
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
    all.iter().filter(|other| after(other, all).contains(resource.id())).map(Resource::id).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn resource(kind: &str, id: &str, spec: Value) -> Resource {
        let resource = json!({"kind": kind, "id": id, "connection": "c", "name": id, "spec": spec});
        serde_json::from_value(resource).unwrap()
    }

    fn http(id: &str, after: &str) -> Resource {
        let call = json!({"method": "GET", "path": "/"});
        let need = json!({"after": after, "lookup": {"call": call}});
        resource("httpResource", id, json!({"needs": {"x": need}, "lookup": {"call": call}, "create": call}))
    }

    #[test]
    fn http_resources_come_last_and_in_the_order_that_they_say() {
        let all = [
            resource("redisUser", "cache", json!({"commands": []})),
            http("org", "nobody"),
            http("user", "org"),
            http("member", "user"),
        ];
        assert_eq!(after(&all[1], &all), BTreeSet::from(["cache"]));
        assert_eq!(after(&all[3], &all), BTreeSet::from(["cache", "user"]));
        assert_eq!(before_removal(&all[0], &all), BTreeSet::from(["member", "org", "user"]));
        assert_eq!(before_removal(&all[1], &all), BTreeSet::from(["user"]));
    }

    #[test]
    fn a_circle_waits_for_nobody() {
        let all = [http("a", "b"), http("b", "c"), http("c", "a"), http("d", "a")];
        for resource in &all[..3] {
            assert!(after(resource, &all).is_empty(), "{}", resource.id());
        }
        assert_eq!(after(&all[3], &all), BTreeSet::from(["a"]));
        assert!(after(&http("self", "self"), &[http("self", "self")]).is_empty());
    }
}
