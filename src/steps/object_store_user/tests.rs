//! Decisions about users of object stores.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::{
    iam::{self, Key},
    minio::{self, Claimed},
    *,
};
use crate::{
    provision::object_store::ObjectAction,
    steps::claim::{Claim, Owner},
};

const NAME: &str = "abc-files";

fn wanted() -> Wanted<ObjectStoreUserSpec> {
    Wanted {
        id: "user".to_owned(),
        connection: "objects".to_owned(),
        name: NAME.to_owned(),
        user: Some(NAME.to_owned()),
        secret: None,
        spec: ObjectStoreUserSpec { buckets: vec!["abc-a".to_owned()], actions: vec![ObjectAction::Get] },
    }
}

fn claim() -> Claim {
    Claim { tenant: "abc".to_owned(), uid: "1".to_owned() }
}

fn goal(claim: Option<&Claim>) -> Policy {
    let wanted = wanted();
    Policy::of_user(claim, &wanted.spec.buckets, &wanted.spec.actions)
}

fn decide(seen: &Seen) -> Result<Vec<&'static str>, Refusal> {
    let (wanted, claim) = (wanted(), claim());
    let asked = Asked { wanted: &wanted, claim: &claim, stored: true };
    let actions = ObjectStoreUser::decide(asked, seen, &Allow::default())?;
    Ok(actions.iter().map(Action::name).collect())
}

fn destroy(seen: &Seen) -> Result<Vec<&'static str>, Refusal> {
    let (wanted, claim) = (wanted(), claim());
    let asked = Asked { wanted: &wanted, claim: &claim, stored: true };
    Ok(ObjectStoreUser::destroy(asked, seen)?.iter().map(Action::name).collect())
}

fn policy() -> Option<Claimed> {
    Some(Claimed { owner: Owner::Ours, policy: goal(Some(&claim())) })
}

fn user() -> minio::User {
    let policies = [NAME.to_owned()].into();
    minio::User { is_enabled: true, policies, groups: BTreeSet::new(), login: Some(true) }
}

fn on_minio(policy: Option<Claimed>, user: Option<minio::User>) -> Result<Vec<&'static str>, Refusal> {
    decide(&Seen::Minio(minio::Seen { policy, user }))
}

#[test]
fn minio_what_is_as_wanted_needs_nothing() {
    assert_eq!(on_minio(policy(), Some(user())), Ok(vec![]));
    assert_eq!(on_minio(policy(), Some(minio::User { login: None, ..user() })), Ok(vec![]));
}

#[test]
fn minio_a_user_gets_rights_last() {
    assert_eq!(on_minio(None, None), Ok(vec!["minio-create-policy", "minio-create-user", "minio-attach-policy"]));
    assert_eq!(on_minio(policy(), None), Ok(vec!["minio-create-user", "minio-attach-policy"]));
    let bare = minio::User { policies: BTreeSet::new(), ..user() };
    assert_eq!(on_minio(policy(), Some(bare)), Ok(vec!["minio-attach-policy"]));
}

#[test]
fn minio_every_difference_has_its_action() {
    let changed = |change: fn(&mut minio::User)| {
        let mut user = user();
        change(&mut user);
        on_minio(policy(), Some(user)).unwrap()
    };
    assert_eq!(changed(|user| user.login = Some(false)), ["minio-set-secret"]);
    assert_eq!(changed(|user| (user.is_enabled, user.login) = (false, None)), ["minio-enable-user"]);
    assert_eq!(changed(|user| _ = user.policies.insert("readwrite".to_owned())), ["minio-detach-policies"]);
    assert_eq!(changed(|user| _ = user.groups.insert("ops".to_owned())), ["minio-leave-group"]);
    let claim = claim();
    let wide = Policy::of_user(Some(&claim), &["abc-a".to_owned(), "abd-a".to_owned()], &[ObjectAction::Get]);
    let policy = Some(Claimed { owner: Owner::Ours, policy: wide });
    assert_eq!(on_minio(policy, Some(user())), Ok(vec!["minio-replace-policy"]));
}

#[test]
fn minio_a_user_without_a_claim_is_ours_only_by_the_stored_secret() {
    let bare = |login| minio::User { policies: BTreeSet::new(), login, ..user() };
    for login in [None, Some(false)] {
        assert!(matches!(on_minio(policy(), Some(bare(login))), Err(Refusal::Unmarked { .. })));
        assert!(matches!(on_minio(None, Some(bare(login))), Err(Refusal::Unmarked { .. })));
    }
    assert!(on_minio(None, Some(bare(Some(true)))).is_ok());
    let foreign = |owner| Some(Claimed { owner, policy: goal(None) });
    assert!(matches!(on_minio(foreign(Owner::Unmarked), Some(user())), Err(Refusal::Unmarked { .. })));
    let other = Owner::Another(Claim { tenant: "abc".to_owned(), uid: "2".to_owned() });
    assert!(matches!(on_minio(foreign(other), None), Err(Refusal::Another { .. })));
}

#[test]
fn minio_the_claim_goes_last() {
    let seen = |user| Seen::Minio(minio::Seen { policy: policy(), user });
    let all = ["minio-disable-user", "minio-remove-user", "minio-remove-policy"];
    assert_eq!(destroy(&seen(Some(user()))).unwrap(), all);
    let off = minio::User { is_enabled: false, login: None, ..user() };
    assert_eq!(destroy(&seen(Some(off))).unwrap(), all[1..]);
    assert_eq!(destroy(&seen(None)).unwrap(), all[2..]);
    // Disabled, and without the policy that tells whose it is, it would be nobody's after a crash.
    let half = minio::User { policies: BTreeSet::new(), ..user() };
    assert_eq!(destroy(&seen(Some(half))).unwrap(), all[1..]);
    assert!(
        destroy(&Seen::Minio(minio::Seen { policy: None, user: Some(minio::User { login: None, ..user() }) })).is_err()
    );
}

fn key(id: &str) -> Key {
    Key { id: id.to_owned(), is_active: true }
}

fn on_iam(stored: Option<&str>, change: impl FnOnce(&mut iam::User)) -> Result<Vec<&'static str>, Refusal> {
    let mut user = iam::User {
        owner: Owner::Ours,
        policy: Some(goal(None)),
        other_policies: BTreeSet::new(),
        attached: BTreeSet::new(),
        groups: BTreeSet::new(),
        keys: vec![key("K1")],
    };
    change(&mut user);
    decide(&Seen::Iam(iam::Seen { user: Some(user), stored_key: stored.map(str::to_owned), is_entry_known: true }))
}

#[test]
fn iam_what_is_as_wanted_needs_nothing() {
    assert_eq!(on_iam(Some("K1"), |_| {}), Ok(vec![]));
}

#[test]
fn iam_every_difference_has_its_action() {
    let changed = |change: fn(&mut iam::User)| on_iam(Some("K1"), change).unwrap();
    assert_eq!(changed(|user| user.policy = None), ["iam-put-policy"]);
    assert_eq!(changed(|user| _ = user.other_policies.insert("x".to_owned())), ["iam-delete-policy"]);
    assert_eq!(changed(|user| _ = user.attached.insert("arn:x".to_owned())), ["iam-detach-policy"]);
    assert_eq!(changed(|user| _ = user.groups.insert("ops".to_owned())), ["iam-leave-group"]);
    assert_eq!(changed(|user| user.keys[0].is_active = false), ["iam-activate-key"]);
    assert_eq!(changed(|user| user.keys.push(key("K2"))), ["iam-delete-key"]);
}

#[test]
fn iam_a_key_whose_secret_was_lost_goes_once_another_is_stored() {
    assert_eq!(on_iam(None, |user| user.keys.clear()), Ok(vec!["iam-create-key"]));
    assert_eq!(on_iam(None, |_| {}), Ok(vec!["iam-create-key"]));
    assert_eq!(on_iam(None, |user| user.keys.push(key("K2"))), Ok(vec!["iam-delete-key", "iam-create-key"]));
    assert_eq!(on_iam(Some("K2"), |user| user.keys.push(key("K2"))), Ok(vec!["iam-delete-key"]));
}

#[test]
fn iam_a_stored_key_that_is_gone_is_not_made_again() {
    assert!(matches!(on_iam(Some("K9"), |_| {}), Err(Refusal::Impossible { .. })));
    let absent = iam::Seen { user: None, stored_key: Some("K1".to_owned()), is_entry_known: true };
    assert!(matches!(decide(&Seen::Iam(absent)), Err(Refusal::Impossible { .. })));
    let new = Seen::Iam(iam::Seen { user: None, stored_key: None, is_entry_known: false });
    assert_eq!(decide(&new), Ok(vec!["iam-create-user", "iam-put-policy", "iam-create-key"]));
}

#[test]
fn a_name_that_a_policy_takes_for_a_pattern_is_refused() {
    for bucket in ["*", "abc*", "ab?-a", "${aws:username}", "abc/x", ""] {
        let mut wanted = wanted();
        wanted.spec.buckets = vec![bucket.to_owned()];
        let claim = claim();
        let asked = Asked { wanted: &wanted, claim: &claim, stored: true };
        let seen = Seen::Minio(minio::Seen { policy: None, user: None });
        let refused = ObjectStoreUser::decide(asked, &seen, &Allow::default());
        assert!(matches!(refused, Err(Refusal::Impossible { .. })), "{bucket}");
    }
}
