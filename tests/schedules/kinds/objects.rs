//! `bucket` and `objectStoreUser` in schedules, the latter on MinIO and on AWS IAM.

use std::collections::BTreeMap;

use serde_json::json;
use tenantry::{
    engine::sandbox::{State, iam, object_store, object_store_users},
    steps::policy::Policy,
};

use crate::{
    chance::Chance,
    estate::{Meddler, pointer, secret},
};

/// What stands for a secret, or a policy, that is not the tenant's.
const SOMEBODYS: &str = "somebody's";

pub const BUCKET: Meddler = Meddler {
    name: "bucket",
    resource: |tenant, variant| {
        let spec = [
            json!({"versioning": true, "noncurrentDays": 30, "quota": "1Gi"}),
            json!({"versioning": false, "publicPrefix": "public/", "quota": "2Gi", "encryption": "AES256"}),
        ];
        json!({"kind": "bucket", "id": "files", "connection": "server", "name": bucket(tenant),
            "spec": spec[variant % 2]})
    },
    foreign: |state, tenant, chance| {
        let (name, server) = (bucket(tenant), &mut state.objects);
        if server.buckets.contains_key(&name) {
            return None;
        }
        // Beside the intent of an earlier run an empty one could be that run's own.
        let objects = if server.intents.contains_key(&name) { 1 } else { chance.below(2) as u64 };
        let (created, tags) = (server.clock, BTreeMap::from([("by".to_owned(), SOMEBODYS.to_owned())]));
        server.buckets.insert(name.clone(), object_store::Bucket { created, objects, tags, ..Default::default() });
        Some(pointer(["objects", "buckets", &name]))
    },
    remove_foreign: |state, tenant| {
        state.objects.buckets.retain(|name, kept| *name != bucket(tenant) || !kept.tags.contains_key("by"));
    },
    drift: |state, tenant, chance| {
        let found = state.objects.buckets.get_mut(&bucket(tenant)).filter(|found| found.claim.is_some());
        let Some(found) = found else { return };
        match chance.below(6) {
            0 => found.versioning = Some(false),
            1 => found.policy = Some(Policy::public_read(&bucket(tenant), "").json().to_string()),
            2 => found.quota = None,
            3 => found.expires_after = Some(1),
            4 => found.noncurrent_days = None,
            _ => found.encryption = None,
        }
    },
    fill: |state, tenant, claim| {
        let found = state.objects.buckets.get_mut(&bucket(tenant));
        let found = found.filter(|found| found.claim.as_deref() == Some(claim));
        found.map(|found| found.objects = 7).is_some()
    },
    holds: |state, tenant| state.objects.buckets.get(&bucket(tenant)).is_some_and(|found| found.objects == 7),
    ..Meddler::QUIET
};

pub const MINIO: Meddler = Meddler {
    name: "objectStoreUser",
    needs: &["bucket"],
    resource: |tenant, variant| {
        let name = user(tenant);
        let fields = json!({"accessKey": {"value": name}, "secretKey": {"generated": 40}});
        json!({"kind": "objectStoreUser", "id": "files-user", "connection": "server", "name": name,
            "secret": secret(tenant, "files-user", &fields), "spec": spec(tenant, variant)})
    },
    foreign: |state, tenant, chance| {
        let (name, server) = (user(tenant), &mut state.objects);
        if server.users.contains_key(&name) || server.policies.contains_key(&name) {
            return None;
        }
        if chance.percent(50) {
            server.policies.insert(name.clone(), Policy::public_read(SOMEBODYS, "x/").json().to_string());
            return Some(pointer(["objects", "policies", &name]));
        }
        let policies = ["readwrite".to_owned()].into();
        let made =
            object_store_users::User { secret: SOMEBODYS.to_owned(), is_enabled: true, policies, ..Default::default() };
        server.users.insert(name.clone(), made);
        Some(pointer(["objects", "users", &name]))
    },
    remove_foreign: |state, tenant| {
        let name = user(tenant);
        state.objects.users.retain(|found, kept| *found != name || kept.secret != SOMEBODYS);
        state.objects.policies.retain(|found, text| *found != name || !text.contains(SOMEBODYS));
    },
    drift: drift_minio,
    ..Meddler::QUIET
};

pub const IAM: Meddler = Meddler {
    name: "objectStoreUser/iam",
    needs: &["bucket"],
    resource: |tenant, variant| {
        let fields = json!({"accessKey": {"answer": "accessKey"}, "secretKey": {"answer": "secretKey"}});
        json!({"kind": "objectStoreUser", "id": "cloud-user", "connection": "server", "name": iam_user(tenant),
            "secret": secret(tenant, "cloud-user", &fields), "spec": spec(tenant, variant)})
    },
    foreign: |state, tenant, _| {
        let (name, server) = (iam_user(tenant), &mut state.iam);
        if server.users.contains_key(&name) {
            return None;
        }
        let attached = [SOMEBODYS.to_owned()].into();
        server.users.insert(name.clone(), iam::User { attached, ..Default::default() });
        Some(pointer(["iam", "users", &name]))
    },
    remove_foreign: |state, tenant| {
        state.iam.users.retain(|found, kept| *found != iam_user(tenant) || !kept.attached.contains(SOMEBODYS));
    },
    drift: |state, tenant, chance| {
        let user = state.iam.users.get_mut(&iam_user(tenant)).filter(|user| user.claim.is_some());
        let Some(user) = user else { return };
        match chance.below(5) {
            0 => drop(user.attached.insert("arn:aws:iam::aws:policy/AdministratorAccess".to_owned())),
            1 => drop(user.groups.insert("administrators".to_owned())),
            2 => drop(user.policies.insert("by-hand".to_owned(), broad())),
            3 => drop(user.policies.insert(iam_user(tenant), broad())),
            _ => user.keys.iter_mut().for_each(|(.., is_active)| *is_active = false),
        }
    },
    ..Meddler::QUIET
};

fn bucket(tenant: &str) -> String {
    format!("tenant-{tenant}")
}

fn user(tenant: &str) -> String {
    format!("{tenant}--files")
}

fn iam_user(tenant: &str) -> String {
    format!("{tenant}--cloud")
}

fn spec(tenant: &str, variant: usize) -> serde_json::Value {
    let actions = [json!(["s3:GetObject"]), json!(["s3:GetObject", "s3:PutObject"])];
    json!({"buckets": [bucket(tenant)], "actions": actions[variant % 2]})
}

/// A policy that reaches every tenant's bucket.
fn broad() -> String {
    let all = json!({"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::tenant-*"]});
    json!({"Version": "2012-10-17", "Statement": [all]}).to_string()
}

/// Whose a user is, its attached policy tells, or its secret: whoever takes both away makes it nobody's.
fn drift_minio(state: &mut State, tenant: &str, chance: &mut Chance) {
    let name = user(tenant);
    let is_claimed = state.objects.policies.get(&name).is_some_and(|text| text.contains("tenantry:"));
    let user = state.objects.users.get_mut(&name).filter(|user| user.secret != SOMEBODYS && is_claimed);
    let Some(user) = user else { return };
    let is_attached = user.policies.contains(&name);
    match chance.below(6) {
        0 if is_attached => user.is_enabled = false,
        1 if is_attached => user.secret = String::new(),
        2 if user.is_enabled && !user.secret.is_empty() => drop(user.policies.remove(&name)),
        3 => drop(user.policies.insert("consoleAdmin".to_owned())),
        4 => drop(user.groups.insert("administrators".to_owned())),
        _ => {
            let text = &state.objects.policies[&name];
            let wide = text.replace(&bucket(tenant), "tenant-*");
            state.objects.policies.insert(name, wide);
        }
    }
}
