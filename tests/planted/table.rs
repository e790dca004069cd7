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

/// Those that tests of `tests/git_edge` catch.
pub const GIT: &[Bug] = &[
    // The remote's answer.
    bug(
        "git-refusal-dropped",
        "connection::a_refusing_hook_is_told_and_cannot_steer_the_terminal",
        "a refused push is called a success",
    ),
    bug(
        "git-lost-reply-trusted",
        "connection::a_push_that_never_arrived_is_no_success",
        "the run says what the remote does not have",
    ),
    bug(
        "git-lost-reply-not-looked-up",
        "connection::a_push_whose_answer_is_lost_is_found_by_asking",
        "what the server took is called a failure",
    ),
    // Races.
    bug("git-force-push", "race::a_loser_builds_on_what_the_winner_left", "what the others committed is lost"),
    bug("git-retry-without-fetch", "race::a_loser_builds_on_what_the_winner_left", "the loser gives up"),
    bug(
        "git-race-without-rendering",
        "race::a_loser_reads_checks_and_renders_anew",
        "what was rendered before the race was lost is pushed",
    ),
    bug(
        "git-older-revision-wins",
        "race::an_older_revision_does_not_overwrite_a_newer_one",
        "an older revision has overwritten a newer one",
    ),
    bug(
        "git-no-compare-and-swap",
        "commit::a_branch_that_moves_during_the_commit_is_not_overwritten",
        "a branch that had moved was overwritten",
    ),
    bug("git-brake-off", "brake::an_estate_without_its_tenants_deletes_nothing", "the brake does not hold"),
    // Kills and disks.
    bug("git-fsync-off", "durable::what_a_branch_names_is_on_the_disk", "is not on the disk when"),
    bug(
        "git-lock-by-existence",
        "commit::locks_and_packs_that_a_killed_run_left_need_nobody",
        "action: \"open the lock file\"",
    ),
    bug(
        "git-stale-lock-kept",
        "commit::locks_and_packs_that_a_killed_run_left_need_nobody",
        "action: \"move the branch `deploy`\"",
    ),
    // Credentials.
    bug(
        "git-token-in-argv",
        "credentials::a_token_proves_who_asks_and_is_kept_nowhere",
        "the token is an argument of a program",
    ),
    bug(
        "git-token-for-every-host",
        "credentials::a_token_does_not_follow_a_redirect_to_another_host",
        "the token went to another host",
    ),
    bug(
        "git-token-over-open-http",
        "credentials::a_token_does_not_cross_a_network_in_the_open",
        "the token crossed the network in the open",
    ),
    bug(
        "git-host-key-accepted",
        "credentials::a_host_that_nobody_knows_is_refused",
        "the key of an unknown host was taken",
    ),
    bug("git-signature-skipped", "signing::a_key_of_ssh_signs", "the commit has no signature"),
];
