//! Schedules that showed faults of the engine, each by its kinds and seed. Their names say what was wrong.

use super::{estate, schedule};

/// Runs a schedule of those kinds.
fn holds(kinds: &[&str], seed: u64) {
    let kinds = estate::chosen(kinds.iter().copied());
    schedule::run_of(seed, kinds).unwrap_or_else(|violation| panic!("{violation}"));
}

/// Runs a schedule with the kinds that its seed chooses.
fn holds_by_itself(seed: u64) {
    schedule::run(seed).unwrap_or_else(|violation| panic!("{violation}"));
}

/// A run that is to be rolled back noted a database as not made yet before it found that it holds something.
#[test]
fn a_database_on_mysql_that_holds_data_stays_its_tenants_after_a_roll_back() {
    holds(&["mysqlDatabase", "bucket"], 917);
}

/// An object that was rolled back left the key that came with it in the entry, and the next one's was not stored.
#[test]
fn a_key_that_came_with_an_object_goes_with_it() {
    holds(&["httpResource/account"], 912);
    holds(&["httpResource/account"], 1073);
    holds(&["httpResource/account", "redisUser"], 301);
}

/// A roll-back took away the intent that another run had just declared, which crashed before it could tag its bucket.
#[test]
fn a_roll_back_leaves_the_intent_to_make_a_bucket() {
    for seed in [286, 751, 1409] {
        holds(&["bucket"], seed);
    }
    for seed in [421, 909, 3899] {
        holds(&["objectStoreUser"], seed);
    }
}

/// A run took a bucket and its intent away again, and another one that had seen the intent made the bucket and crashed.
#[test]
fn a_bucket_that_is_taken_away_again_leaves_an_intent() {
    [134_696, 94_338].into_iter().for_each(holds_by_itself);
}

/// A bucket that a new tenant was about to tag kept what was left of the old tenant of that name.
#[test]
fn a_bucket_without_tags_is_the_intents() {
    [75_960, 196_917, 593_364, 609_743].into_iter().for_each(holds_by_itself);
}

/// A run made an object while another one stored the key of its own and took that object away again.
#[test]
fn a_key_of_an_object_that_is_taken_away_again_goes_first() {
    [97_079, 98_603, 285_334, 295_453, 419_449].into_iter().for_each(holds_by_itself);
}

/// An account that another run had made opened a database before a note said whose it was, and the tenant used it.
#[test]
fn nobody_gets_into_a_database_before_it_is_noted() {
    [717_493, 863_602].into_iter().for_each(holds_by_itself);
}

/// The stand-in granted something to a role that another run had just dropped.
#[test]
fn a_role_that_is_not_there_is_granted_nothing() {
    holds_by_itself(725_048);
}
