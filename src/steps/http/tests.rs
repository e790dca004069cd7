//! Decisions about objects behind JSON APIs.

#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::json;

use super::*;
use crate::steps::claim::Claim;

fn spec(more: Value) -> HttpResourceSpec {
    let mut spec = json!({
        "needs": {"org": {"lookup": {"call": {"method": "GET", "path": "/orgs"}}}},
        "lookup": {"call": {"method": "GET", "path": "/things"}, "items": ""},
        "create": {"method": "POST", "path": "/things", "body": {"org": "${needs.org.id}", "pw": "${secret.password}"}},
        "update": {"method": "PATCH", "path": "/things/${found.id}", "body": {"tier": "basic"}},
        "delete": {"method": "DELETE", "path": "/things/${found.id}"},
        "wanted": {"/tier": "basic", "/sites": 3},
        "readyWhen": {"ready": {"/state": ["active"]}, "failed": {"/state": ["blocked"]}},
    });
    more.as_object().unwrap().iter().for_each(|(key, value)| spec[key] = value.clone());
    let Value::Object(mut map) = spec else { unreachable!("an object stands above") };
    map.retain(|_, value| !value.is_null());
    serde_json::from_value(Value::Object(map)).unwrap()
}

fn asked<R>(spec: HttpResourceSpec, ask: impl FnOnce(Asked<'_, HttpResourceSpec>) -> R) -> R {
    let claim = Claim { tenant: "abc".to_owned(), uid: "1".to_owned() };
    let wanted = Wanted {
        id: "thing".to_owned(),
        connection: "api".to_owned(),
        name: "abc/thing".to_owned(),
        user: None,
        secret: None,
        spec,
    };
    ask(Asked { wanted: &wanted, claim: &claim, stored: true })
}

fn decide(more: Value, objects: Vec<Object>, allow: &Allow) -> Result<Vec<HttpAction>, Refusal> {
    let needs = Values::from([("needs.org.id".to_owned(), json!(5))]);
    asked(spec(more), |asked| HttpResource::decide(asked, &Seen { objects, needs }, allow))
}

fn with(state: &str, tier: &str) -> Object {
    let at = [("/tier", json!(tier)), ("/sites", json!(3)), ("/state", json!(state))];
    Object {
        owner: Owner::Ours,
        at: at.into_iter().map(|(pointer, value)| (pointer.to_owned(), value)).collect(),
        found: Values::from([("found.id".to_owned(), json!(789))]),
        login: None,
        awaited: Vec::new(),
    }
}

fn names(actions: &Result<Vec<HttpAction>, Refusal>) -> Vec<&'static str> {
    actions.as_ref().unwrap().iter().map(Action::name).collect()
}

fn replace() -> Allow {
    Allow { replace: true, ..Allow::default() }
}

fn adopt() -> Allow {
    Allow { adopt: BTreeSet::from([(HttpResource::KIND, "abc/thing".to_owned())]), ..Allow::default() }
}

#[test]
fn what_is_as_wanted_needs_nothing() {
    assert_eq!(decide(json!({}), vec![with("active", "basic")], &Allow::default()), Ok(vec![]));
}

#[test]
fn what_is_missing_is_made_and_waited_for() {
    let actions = decide(json!({}), vec![], &Allow::default()).unwrap();
    let values = Values::from([("needs.org.id".to_owned(), json!(5))]);
    let until = vec!["`/state` becomes \"active\"".to_owned()];
    let name = "abc/thing".to_owned();
    assert_eq!(actions, [HttpAction::Create { name: name.clone(), values }, HttpAction::Await { name, until }]);
    assert_eq!(names(&decide(json!({"readyWhen": null}), vec![], &Allow::default())), ["http-create-object"]);
}

#[test]
fn values_are_compared_with_their_type() {
    let mut object = with("active", "basic");
    object.at.insert("/sites".to_owned(), json!("3"));
    let actions = decide(json!({"readyWhen": null}), vec![object], &Allow::default()).unwrap();
    assert_eq!(actions[0].to_string(), "update object `abc/thing`: `/sites` \"3\" → 3");
    let HttpAction::Update { values, .. } = &actions[0] else { panic!("{actions:?}") };
    assert_eq!(values["found.id"], json!(789));
    // A missing value is `null`, and no other value.
    let wanted = json!({"wanted": {"/note": null}, "readyWhen": null});
    assert_eq!(decide(wanted, vec![with("active", "basic")], &Allow::default()), Ok(vec![]));
}

#[test]
fn a_change_is_waited_for_again() {
    let actions = decide(json!({}), vec![with("active", "premium")], &Allow::default());
    assert_eq!(names(&actions), ["http-update-object", "http-await-object"]);
    assert_eq!(names(&decide(json!({}), vec![with("pending", "basic")], &Allow::default())), ["http-await-object"]);
    let failed = decide(json!({}), vec![with("blocked", "basic")], &Allow::default()).unwrap();
    assert_eq!(failed[0].to_string(), "wait until `abc/thing` is ready: `/state` is \"blocked\"");
}

#[test]
fn a_difference_without_an_update_needs_a_permission() {
    let refused = decide(json!({"update": null}), vec![with("active", "premium")], &Allow::default());
    assert!(matches!(refused, Err(Refusal::Replacement { .. })), "{refused:?}");
    let replaced = decide(json!({"update": null}), vec![with("active", "premium")], &replace());
    assert_eq!(names(&replaced), ["http-delete-object", "http-create-object", "http-await-object"]);
    let neither = json!({"update": null, "delete": null});
    assert!(decide(neither, vec![with("active", "premium")], &replace()).is_err());
}

#[test]
fn a_password_that_does_not_hold_is_set() {
    let login = json!({
        "username": "user", "password": "password", "proof": {"method": "GET", "path": "/me"},
        "set": {"method": "PUT", "path": "/things/${found.id}/password"},
    });
    let object = |login| Object { login, ..with("active", "basic") };
    let decide = |proven| decide(json!({"login": login, "readyWhen": null}), vec![object(proven)], &Allow::default());
    assert_eq!(names(&decide(Some(false))), ["http-set-password"]);
    assert_eq!((names(&decide(Some(true))), names(&decide(None))), (vec![], vec![]));
}

#[test]
fn a_lost_answer_is_asked_for_again_or_needs_a_permission() {
    let lost = Object { awaited: vec!["uri".to_owned()], ..with("active", "basic") };
    let reveal = json!({"call": {"method": "GET", "path": "/things/${found.id}/uri"}, "fields": {"uri": "/uri"}});
    let revealed = decide(json!({"reveal": reveal, "readyWhen": null}), vec![lost.clone()], &Allow::default());
    assert_eq!(names(&revealed), ["http-reveal-fields"]);
    let refused = decide(json!({}), vec![lost.clone()], &Allow::default()).unwrap_err();
    assert_eq!(refused.to_string(), "object `abc/thing` cannot be changed in place: the answer that held uri was lost");
    assert_eq!(names(&decide(json!({}), vec![lost], &replace()))[0], "http-delete-object");
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let another = Owner::Another(Claim { tenant: "abc".to_owned(), uid: "2".to_owned() });
    for owner in [Owner::Unmarked, another] {
        let object = Object { owner: owner.clone(), ..with("active", "basic") };
        assert!(decide(json!({}), vec![object.clone()], &Allow::default()).is_err(), "{owner:?}");
        // The ledger is written by the loop; an object that carries its claim is changed.
        assert_eq!(decide(json!({}), vec![object.clone()], &adopt()), Ok(vec![]), "{owner:?}");
        let in_object = decide(json!({"claimAt": "/owner", "readyWhen": null}), vec![object.clone()], &adopt());
        assert_eq!(in_object.unwrap()[0].to_string(), "update object `abc/thing`: claim");
        let seen = Seen { objects: vec![object], needs: Values::new() };
        asked(spec(json!({})), |asked| assert!(HttpResource::destroy(asked, &seen).is_err(), "{owner:?}"));
    }
}

#[test]
fn of_several_only_our_own_is_meant() {
    let foreign = Object { owner: Owner::Unmarked, ..with("active", "premium") };
    let both = || vec![foreign.clone(), with("active", "basic")];
    assert_eq!(decide(json!({"claimAt": "/owner"}), both(), &Allow::default()), Ok(vec![]));
    for (more, objects, allow) in [
        // The ledger cannot say which of two it means.
        (json!({}), both(), Allow::default()),
        (json!({"claimAt": "/owner"}), vec![with("active", "basic"), with("active", "basic")], Allow::default()),
        (json!({"claimAt": "/owner"}), vec![foreign.clone(), foreign.clone()], adopt()),
    ] {
        let refused = decide(more, objects, &allow).unwrap_err();
        assert!(matches!(refused, Refusal::Impossible { .. }), "{refused:?}");
    }
    let foreign_only = decide(json!({"claimAt": "/owner"}), vec![foreign.clone(), foreign.clone()], &Allow::default());
    assert!(matches!(foreign_only, Err(Refusal::Unmarked { .. })), "{foreign_only:?}");
}

#[test]
fn removal_takes_all_that_is_ours() {
    let foreign = Object { owner: Owner::Unmarked, ..with("active", "basic") };
    let seen = Seen { objects: vec![with("active", "basic"), foreign, with("x", "y")], needs: Values::new() };
    let remove = |more, seen: &Seen| asked(spec(more), |asked| HttpResource::destroy(asked, seen));
    assert_eq!(names(&remove(json!({}), &seen)), ["http-delete-object", "http-delete-object"]);
    assert_eq!(remove(json!({}), &Seen::default()), Ok(vec![]));
    assert!(remove(json!({"delete": null}), &seen).is_err());
}

#[test]
fn an_observer_is_asked_for_what_is_declared_and_nothing_else() {
    let spec = spec(json!({}));
    assert_eq!(pointers(&spec), BTreeSet::from(["/sites", "/state", "/tier"]));
    assert_eq!(references(&spec), BTreeSet::from(["found.id", "needs.org.id"]));
}
