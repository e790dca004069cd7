//! Half of a resource is gone, or it belongs to another tenant than it seems.

use serde_json::{Value, json};

use crate::{
    day::{ALL, Day, resource},
    shared::{
        administrator::{done, mariadb, minio, psql, rabbitmq, redis},
        documents::{POOL, Tenant, Variant},
        stores,
    },
};

/// What somebody took away by hand: the resource, what of it, and how.
type Damage = (&'static str, &'static str, fn(&Day, &str, &str));

fn gone((code, answer): (u16, String)) {
    assert!((200..300).contains(&code), "{code} {answer}");
}

const DAMAGES: &[Damage] = &[
    ("mysql", "database", |_, name, _| drop(done(&mariadb(None, "", &format!("DROP DATABASE `{name}`"))))),
    ("mysql", "user", |_, _, user| drop(done(&mariadb(None, "", &format!("DROP USER '{user}'@'%'"))))),
    ("postgres", "database", |_, name, _| {
        done(&psql(None, "postgres", &format!("DROP DATABASE \"{name}\" WITH (FORCE)")));
    }),
    ("postgres", "user", |_, name, user| {
        done(&psql(None, "postgres", &format!("ALTER DATABASE \"{name}\" OWNER TO postgres")));
        done(&psql(None, name, &format!("REASSIGN OWNED BY \"{user}\" TO postgres")));
        done(&psql(None, name, &format!("DROP OWNED BY \"{user}\"")));
        done(&psql(None, "postgres", &format!("DROP OWNED BY \"{user}\"")));
        done(&psql(None, "postgres", &format!("DROP ROLE \"{user}\"")));
    }),
    ("slot", "schema", |_, name, _| drop(done(&psql(None, POOL, &format!("DROP SCHEMA \"{name}\" CASCADE"))))),
    ("files", "bucket", |_, name, _| gone(minio(None, "DELETE", name, ""))),
    ("vhost", "virtual host", |_, name, _| gone(rabbitmq(None, "DELETE", &format!("vhosts/{name}"), &Value::Null))),
    ("vhost", "user", |_, _, user| gone(rabbitmq(None, "DELETE", &format!("users/{user}"), &Value::Null))),
    ("vhost", "queue", |_, name, _| gone(rabbitmq(None, "DELETE", &format!("queues/{name}/orders"), &Value::Null))),
    ("redis", "user", |_, _, user| drop(done(&redis(None, &["ACL", "DELUSER", user])))),
    ("grafana", "organisation", |day, _, _| {
        day.servers.grafana.with(|grafana| {
            let (id, _) = grafana.org(&day.tenant.name).unwrap();
            grafana.orgs.remove(&id);
        });
    }),
];

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn what_is_half_gone_is_planned_and_repaired_with_the_password_that_is_stored() {
    let day = Day::new();
    let good = day.document(&ALL);
    let kept = day.made(&good);
    for (id, what, damage) in DAMAGES {
        let wanted = resource(&good, id);
        let name = |key: &str| wanted[key].as_str().unwrap_or_default().to_owned();
        damage(&day, &name("name"), &name("user"));
        let ended = day.run("plan", &good, &["--exit-code"]);
        day.assert_told(&ended, 3, &[]);
        let report = ended.report(3);
        let found = resource(&report, id);
        // That a bucket was there once nobody can tell: it has no credential.
        let standing = if *id == "files" { ["create"; 2] } else { ["change", "gone"] };
        assert!(standing.contains(&found["standing"].as_str().unwrap()), "{what} of {id}: {found:#}");
        assert_ne!(found["steps"], json!([]), "{what} of {id}");
        day.assert_told(&day.apply(&good), 0, &[]);
        assert_eq!(day.entries(), *kept.entries(), "{what} of {id}: every password is the stored one");
        day.assert_good(kept.entries(), &good);
    }
    day.leave(&good);
}

/// Checks that documents of another tenant under the same names are refused, and do nothing.
#[track_caller]
fn assert_not_ours(day: &Day, other: &Tenant, words: &[&str]) {
    let good = day.document(&ALL);
    let kept = day.made(&good);
    let mut theirs = day.document_of(other, Variant::Last, &ALL);
    // Objects are called after what stays the same; credentials lie under the tenant's name.
    for (mine, theirs) in good["resources"].as_array().unwrap().iter().zip(theirs["resources"].as_array_mut().unwrap())
    {
        if ["mysqlDatabase", "postgresDatabase", "postgresSchema", "bucket", "rabbitmqVhost", "redisUser"]
            .contains(&mine["kind"].as_str().unwrap())
        {
            assert_eq!(mine["id"], theirs["id"]);
            theirs["name"] = mine["name"].clone();
        }
    }
    for id in ["mysql", "postgres", "slot", "files", "vhost", "redis"] {
        let mut one = theirs.clone();
        one["resources"].as_array_mut().unwrap().retain(|made| made["id"] == id || made["id"] == "session");
        one["connections"]
            .as_object_mut()
            .unwrap()
            .retain(|name, _| name == "store" || *name == resource(&theirs, id)["connection"]);
        for verb in ["plan", "apply"] {
            let ended = day.run(verb, &one, &[]);
            day.assert_told(&ended, 4, words);
            assert_eq!(resource(&ended.report(4), id)["standing"], "notOurs", "{id}");
        }
        let ended = day.run(
            "destroy",
            &crate::shared::documents::leaving(one),
            &["--without-backup", "--yes-destroy", &other.name],
        );
        // Of an earlier tenant of the name nothing is there any more; what is another's is named as such.
        match other.name == day.tenant.name {
            true => day.assert_told(&ended, 0, &["gone"]),
            false => day.assert_told(&ended, 4, words),
        }
        day.assert_untouched(&kept, &good);
    }
    let stored = day.store.entries(&other.name);
    // Nothing of a tenant is done where something is not its own, its password included.
    assert!(other.name == day.tenant.name || stored.is_empty(), "{:?}", stored.keys());
    assert_eq!(stores::lost(kept.entries(), &day.entries()), [""; 0]);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_tenant_that_was_made_again_under_its_name_is_another_tenant() {
    let day = Day::new();
    let other = Tenant { uid: "0192f0c1-0000-7000-8000-0000000fffff".to_owned(), ..day.tenant.clone() };
    assert_not_ours(
        &day,
        &other,
        &["belongs to tenant", &day.tenant.uid, "a tenant that was made again is a new tenant"],
    );
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_tenant_that_was_renamed_does_not_take_its_old_objects_along() {
    let day = Day::new();
    let other = Tenant { name: format!("{}x", day.tenant.name), ..day.tenant.clone() };
    assert_not_ours(&day, &other, &["belongs to tenant", &day.tenant.name]);
}
