//! Which test catches which bug, and what it says.

use super::Bug;

const fn bug(name: &'static str, test: &'static str, says: &'static str) -> Bug {
    Bug { name, test, says }
}

/// What the loop itself says when reality is not what the document wants after all steps.
const NOT_AS_WANTED: &str = "is still not as wanted after every step was done";

/// What the loop says of an object without a claim.
const NO_CLAIM: &str = "exists and carries no claim";

/// Those that tests of `tests/provision` catch.
pub const PROVISION: &[Bug] = &[
    // The loop.
    bug(
        "generate-before-store",
        "mysql::mysql_database_crash_after_n",
        "the service has a user, and no store its credential",
    ),
    bug("password-regenerated", "redis::redis_user_completed", "a stored password was lost"),
    bug("forget-first", "redis::redis_user_crash_after_n", "the service has a user, and no store its credential"),
    bug("reply-trusted", "redis::redis_user_lost_writes", "the run says that all is done, and it is not"),
    bug(
        "second-look-skipped",
        "http::creation::a_post_whose_answer_is_lost_is_not_sent_again_and_its_answer_is_asked_for",
        "the run must look again",
    ),
    bug("claim-of-another-uid-accepted", "redis::redis_user_another_uid", "what is somebody else's was taken for ours"),
    bug("held-back-ignored", "objects::object_store_user_foreign", "nothing is written beside what is not ours"),
    bug(
        "rollback-drops-what-it-found",
        "objects::object_store_user_made_in_between",
        "what somebody made in between is not as they made it",
    ),
    // Redis.
    bug("redis-skip-claim", "redis::redis_user_create", NO_CLAIM),
    // MySQL.
    bug("mysql-grant-unescaped", "mysql::mysql_database_neighbours", NOT_AS_WANTED),
    bug("mysql-skip-claim", "mysql::mysql_database_create", NO_CLAIM),
    bug(
        "mysql-exists-is-success",
        "mysql::mysql_database_made_in_between",
        "what was there already was taken for made",
    ),
    bug(
        "mysql-undo-drops-data",
        "mysql::runs::mysql_database_rollback_takes_back_what_holds_nothing",
        "what holds data stays",
    ),
    bug("forget-revoke", "mysql::mysql_database_drift", NOT_AS_WANTED),
    // PostgreSQL.
    bug("postgres-login-untested", "postgres::database::postgres_database_drift", "a stored password opens nothing"),
    bug(
        "postgres-ledger-apart",
        "postgres::migrations::postgres_migrations_are_noted_with_what_they_do",
        "what a file did stays though nothing notes it",
    ),
    bug("postgres-public-kept", "postgres::database::postgres_database_create", NOT_AS_WANTED),
    bug("postgres-skip-claim", "postgres::database::postgres_database_create", NO_CLAIM),
    bug(
        "postgres-exists-is-success",
        "postgres::database::postgres_database_made_in_between",
        "what somebody made in between is not as they made it",
    ),
    // RabbitMQ.
    bug("rabbitmq-name-unencoded", "rabbitmq::rabbitmq_vhost_create", "failed to read limits: the server answers 405"),
    bug(
        "rabbitmq-exists-is-success",
        "rabbitmq::rabbitmq_vhost_made_in_between",
        "what somebody made in between is not as they made it",
    ),
    bug("rabbitmq-password-left-out", "rabbitmq::rabbitmq_vhost_create", NOT_AS_WANTED),
    bug(
        "rabbitmq-elsewhere-unseen",
        "rabbitmq::access::rabbitmq_vhost_lets_go_of_others",
        "right: [\"rabbitmq-lock-permissions\"",
    ),
    // HTTP.
    bug(
        "http-blind-retry",
        "http::creation::a_post_that_never_arrived_is_sent_by_the_next_run",
        "a POST was sent again whose answer is not known",
    ),
    bug(
        "http-exists-is-success",
        "http::creation::a_domain_that_somebody_else_holds_stops_that_resource_for_good",
        NOT_AS_WANTED,
    ),
    bug(
        "http-first-page-only",
        "http::ownership::our_shop_is_found_behind_pages_of_others_of_the_same_tenant_id",
        NO_CLAIM,
    ),
    bug(
        "http-skip-claim",
        "http::battery_runs::http_resource_flagship_foreign",
        "what is somebody else's was taken for ours",
    ),
    // Buckets and their users
    bug(
        "intent-overwritten",
        "objects::bucket_intent_of_another_is_not_written_over",
        "another's intent was written over",
    ),
    bug("tags-of-others-lost", "objects::bucket_keeps_tags_of_others", "the tags of others"),
    bug("all-public", "objects::bucket_shows_its_public_prefix_to_anybody_and_nothing_else", NOT_AS_WANTED),
    bug("delete-markers-left", "objects::aws_bucket_goes_with_all_versions", "BucketNotEmpty"),
    bug("policies-left-attached", "objects::object_store_user_drift", NOT_AS_WANTED),
    bug("policy-of-prefix", "objects::object_store_user_reaches_no_neighbour", NOT_AS_WANTED),
];

/// Those that tests of `tests/stores` catch.
pub const STORES: &[Bug] = &[
    bug("vault-without-cas", "openbao::replace", "left: Done"),
    bug("aws-stage-unguarded", "aws::replace", "left: Done"),
    bug("kubernetes-exists-is-done", "kubernetes::round_trip", "left: Done"),
];
