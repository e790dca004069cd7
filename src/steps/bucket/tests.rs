//! Decisions about buckets.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use super::*;
use crate::steps::{Action, claim::Claim, policy::Policy};

fn wanted() -> Wanted<BucketSpec> {
    let spec = serde_json::from_value(serde_json::json!({
        "versioning": true, "noncurrentDays": 30, "publicPrefix": "public/", "quota": "1Gi", "encryption": "AES256",
    }));
    Wanted {
        id: "files".to_owned(),
        connection: "objects".to_owned(),
        name: "abc-files".to_owned(),
        user: None,
        secret: None,
        spec: spec.unwrap(),
    }
}

fn store(flavour: ObjectStoreFlavour) -> Store {
    Store {
        flavour,
        region: "eu-central-1".to_owned(),
        ledger: LEDGER.to_owned(),
        has_ledger: true,
        default_key: Some("key".to_owned()),
    }
}

fn as_wanted(flavour: ObjectStoreFlavour) -> Bucket {
    let wanted = wanted();
    let Goal { versioning, lifecycle, policy, quota, encryption, public_access } =
        Goal::of(&wanted.name, &wanted.spec, flavour);
    let versioning = if versioning { Versioning::Enabled } else { Versioning::Off };
    Bucket { versioning, lifecycle, policy, quota, encryption, public_access, ..Bucket::new(&store(flavour)) }
}

fn decide_with(wanted: &Wanted<BucketSpec>, seen: &Seen, allow: &Allow) -> Result<Vec<BucketAction>, Refusal> {
    let claim = Claim { tenant: "abc".to_owned(), uid: "1".to_owned() };
    S3Bucket::decide(Asked { wanted, claim: &claim, stored: false }, seen, allow)
}

fn decide(flavour: ObjectStoreFlavour, bucket: Presence, intent: Option<Owner>) -> Result<Vec<BucketAction>, Refusal> {
    let seen = Seen { store: store(flavour), intent, bucket };
    decide_with(&wanted(), &seen, &Allow::default())
}

fn here(flavour: ObjectStoreFlavour, change: impl FnOnce(&mut Bucket)) -> Vec<&'static str> {
    let mut bucket = as_wanted(flavour);
    change(&mut bucket);
    let actions = decide(flavour, Presence::Here(Box::new(bucket)), None).unwrap();
    actions.iter().map(Action::name).collect()
}

use ObjectStoreFlavour::{Aws, Minio};

#[test]
fn what_is_as_wanted_needs_nothing() {
    for flavour in [Minio, Aws] {
        assert_eq!(here(flavour, |_| {}), [""; 0]);
    }
}

#[test]
fn a_new_bucket_is_claimed_before_it_is_set_up() {
    let actions = decide(Minio, Presence::Absent, None).unwrap();
    let names: Vec<&str> = actions.iter().map(Action::name).collect();
    assert_eq!(
        names,
        [
            "s3-declare-intent",
            "s3-create-bucket",
            "s3-tag-bucket",
            "s3-forget-intent",
            "s3-set-versioning",
            "s3-set-lifecycle",
            "s3-set-quota",
            "s3-set-encryption",
            "s3-set-bucket-policy",
        ]
    );
}

#[test]
fn on_aws_a_missing_quota_is_said() {
    let actions = decide(Aws, Presence::Absent, None).unwrap();
    assert!(actions.iter().any(|action| action.to_string().contains("without its quota")), "{actions:?}");
}

#[test]
fn every_difference_has_its_action() {
    let change = |change: fn(&mut Bucket)| here(Minio, change);
    assert_eq!(change(|bucket| bucket.versioning = Versioning::Suspended), ["s3-set-versioning"]);
    assert_eq!(change(|bucket| bucket.lifecycle.clear()), ["s3-set-lifecycle"]);
    assert_eq!(change(|bucket| bucket.quota = None), ["s3-set-quota"]);
    assert_eq!(change(|bucket| bucket.encryption = None), ["s3-set-encryption"]);
    assert_eq!(change(|bucket| bucket.policy = None), ["s3-set-bucket-policy"]);
    let live = |bucket: &mut Bucket| bucket.lifecycle[0].further.push("live objects expire".to_owned());
    assert_eq!(here(Minio, live), ["s3-set-lifecycle"]);
    assert_eq!(here(Minio, |bucket| bucket.lifecycle.push(Rule::default())), ["s3-set-lifecycle"]);
    assert_eq!(here(Aws, |bucket| bucket.encryption = Some(Encryption::Kms)), ["s3-set-encryption"]);
}

#[test]
fn what_is_not_wanted_is_taken_away() {
    let mut wanted = wanted();
    wanted.spec = serde_json::from_value(serde_json::json!({})).unwrap();
    let bucket = Presence::Here(Box::new(as_wanted(Minio)));
    let seen = Seen { store: store(Minio), intent: None, bucket };
    let actions = decide_with(&wanted, &seen, &Allow::default()).unwrap();
    let names: Vec<&str> = actions.iter().map(Action::name).collect();
    let expected =
        ["s3-remove-bucket-policy", "s3-set-versioning", "s3-remove-lifecycle", "s3-set-quota", "s3-remove-encryption"];
    assert_eq!(names, expected);
}

#[test]
fn a_block_is_opened_only_while_no_wider_policy_is_there() {
    let wide = || Some(Policy::public_read("abc-files", ""));
    assert_eq!(here(Minio, |bucket| bucket.policy = wide()), ["s3-set-bucket-policy"]);
    let closed = Some(PublicAccess { blocks_lists: true, blocks_policies: true });
    let names = here(Aws, |bucket| (bucket.policy, bucket.public_access) = (wide(), closed));
    assert_eq!(names, ["s3-remove-bucket-policy", "s3-set-public-access", "s3-set-bucket-policy"]);
}

#[test]
fn tags_of_others_stay() {
    let others = BTreeMap::from([("team".to_owned(), "web".to_owned())]);
    let bucket = Bucket { owner: Owner::Unmarked, tags: others.clone(), ..as_wanted(Minio) };
    let seen = Seen { store: store(Minio), intent: None, bucket: Presence::Here(Box::new(bucket)) };
    assert!(matches!(decide_with(&wanted(), &seen, &Allow::default()), Err(Refusal::Unmarked { .. })));
    let adopt = [(provision::Kind::Bucket, "abc-files".to_owned())].into();
    let actions = decide_with(&wanted(), &seen, &Allow { adopt, replace: false }).unwrap();
    assert_eq!(actions, [BucketAction::Tag { bucket: "abc-files".to_owned(), others }]);
}

#[test]
fn a_bucket_without_a_claim_is_theirs_who_were_about_to_make_it() {
    let found = |is_fresh, intent| {
        let bucket = Bucket { owner: Owner::Unmarked, is_fresh, ..as_wanted(Minio) };
        decide(Minio, Presence::Here(Box::new(bucket)), intent)
    };
    let names: Vec<&str> = found(true, Some(Owner::Ours)).unwrap().iter().map(Action::name).collect();
    assert_eq!(names, ["s3-tag-bucket", "s3-forget-intent"]);
    let another = Owner::Another(Claim { tenant: "abc".to_owned(), uid: "2".to_owned() });
    for (is_fresh, intent) in [(true, None), (false, Some(Owner::Ours)), (false, Some(another.clone()))] {
        assert!(matches!(found(is_fresh, intent), Err(Refusal::Unmarked { .. })));
    }
    assert!(matches!(found(true, Some(another.clone())), Err(Refusal::Another { .. })));
    assert!(matches!(decide(Minio, Presence::Absent, Some(another)), Err(Refusal::Another { .. })));
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_done() {
    assert!(matches!(decide(Aws, Presence::Elsewhere, None), Err(Refusal::Impossible { .. })));
    let moved = Bucket { region: "us-east-1".to_owned(), ..as_wanted(Aws) };
    assert!(matches!(decide(Aws, Presence::Here(Box::new(moved)), None), Err(Refusal::Impossible { .. })));
    let seen = Seen { store: Store { default_key: None, ..store(Minio) }, intent: None, bucket: Presence::Absent };
    assert!(matches!(decide_with(&wanted(), &seen, &Allow::default()), Err(Refusal::Impossible { .. })));
    for (name, prefix) in [(LEDGER, "public/"), ("abc-files", "*/"), ("abc*", "public/")] {
        let mut wanted = wanted();
        (wanted.name, wanted.spec.public_prefix) = (name.to_owned(), Some(prefix.to_owned()));
        let seen = Seen { store: store(Minio), intent: None, bucket: Presence::Absent };
        assert!(matches!(decide_with(&wanted, &seen, &Allow::default()), Err(Refusal::Impossible { .. })), "{name}");
    }
}

#[test]
fn a_bucket_is_closed_emptied_and_deleted() {
    let wanted = wanted();
    let claim = Claim { tenant: "abc".to_owned(), uid: "1".to_owned() };
    let asked = Asked { wanted: &wanted, claim: &claim, stored: false };
    let destroy = |bucket: Bucket| {
        S3Bucket::destroy(asked, &Seen { store: store(Minio), intent: None, bucket: Presence::Here(Box::new(bucket)) })
    };
    let names: Vec<&str> = destroy(as_wanted(Minio)).unwrap().iter().map(Action::name).collect();
    assert_eq!(names, ["s3-remove-bucket-policy", "s3-empty-bucket", "s3-delete-bucket"]);
    assert!(destroy(Bucket { owner: Owner::Unmarked, ..as_wanted(Minio) }).is_err());
}

#[test]
fn what_this_run_made_is_taken_back_without_emptying_it() {
    for action in decide(Minio, Presence::Absent, None).unwrap() {
        let undo = S3Bucket::undo(&action);
        let names: Vec<&str> = undo.iter().map(Action::name).collect();
        // Another run may be about to make what the intent speaks of.
        let wanted: &[&str] = match action {
            BucketAction::Create { .. } => &["s3-declare-intent", "s3-delete-bucket"],
            _ => &[],
        };
        assert_eq!(names, wanted, "{action:?}");
    }
}
