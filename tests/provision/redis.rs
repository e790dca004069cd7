//! `redisUser` on a real Redis with an ACL file; the oracle is redis-cli.

use std::{
    collections::BTreeMap,
    env,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;
use tenantry::provision::Document;

use super::{
    battery::{Battery, Case},
    wire::Proxy,
};

struct Redis {
    user: String,
    proxy: Proxy,
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is set by tests/run"))
}

impl Redis {
    fn new(user: &str) -> Self {
        let address = format!("{}:{}", variable("TENANTRY_TEST_REDIS_HOST"), variable("TENANTRY_TEST_REDIS_PORT"));
        Self { user: user.to_owned(), proxy: Proxy::redis(address.parse().unwrap()) }
    }

    /// What the server answers to an administrator's command.
    fn cli(&self, arguments: &[&str]) -> String {
        let output = Command::new(variable("TENANTRY_TEST_REDIS_CLI"))
            .args(["-h", &variable("TENANTRY_TEST_REDIS_HOST"), "-p", &variable("TENANTRY_TEST_REDIS_PORT")])
            .args(["--user", &variable("TENANTRY_TEST_REDIS_USERNAME"), "--no-auth-warning"])
            .args(arguments)
            .env("REDISCLI_AUTH", variable("TENANTRY_TEST_REDIS_PASSWORD"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command as a user; what the server answers, or what redis-cli complains of.
    fn cli_as(&self, user: &str, password: &str, arguments: &[&str]) -> String {
        let output = Command::new(variable("TENANTRY_TEST_REDIS_CLI"))
            .args(["-h", &variable("TENANTRY_TEST_REDIS_HOST"), "-p", &variable("TENANTRY_TEST_REDIS_PORT")])
            .args(["--user", user, "--no-auth-warning"])
            .args(arguments)
            .env("REDISCLI_AUTH", password)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    /// Another tenant's user: its name begins with this one's.
    fn next(&self) -> String {
        format!("{}-next", self.user)
    }

    /// The line of a user without its password.
    fn line(&self, text: &str) -> String {
        let line = text.lines().find(|line| line.split(' ').nth(1) == Some(&self.user)).unwrap_or_default();
        line.split(' ').filter(|word| !word.starts_with('#')).collect::<Vec<_>>().join(" ")
    }
}

impl Case for Redis {
    fn document(&self, uid: &str, updated: bool, store: &Path) -> Document {
        let address = self.proxy.address();
        let commands = if updated { json!(["+@all", "-@admin"]) } else { json!(["+@all", "-@admin", "-@dangerous"]) };
        serde_json::from_value(json!({
            "apiVersion": "tenantry.dev/v1", "kind": "Provision",
            "metadata": {"tenant": "abc", "uid": uid, "state": "active"},
            "connections": {
                "redis": {"kind": "redis", "host": address.ip().to_string(), "port": address.port(), "tls": {"mode": "off"},
                    "credentials": {"usernameEnv": "TENANTRY_TEST_REDIS_USERNAME", "passwordEnv": "TENANTRY_TEST_REDIS_PASSWORD"}},
                "store": {"kind": "directory", "path": store},
            },
            "resources": [{
                "kind": "redisUser", "id": "cache", "connection": "redis", "name": self.user, "user": self.user,
                "secret": {"store": "store", "key": "tenants/abc/cache",
                    "fields": {"username": {"value": self.user}, "password": {"generated": 32}}},
                "spec": {"commands": commands},
            }],
        }))
        .unwrap()
    }

    fn dump(&self) -> String {
        let memory = self.line(&self.cli(&["ACL", "LIST"]));
        let file = self.line(&std::fs::read_to_string(variable("TENANTRY_TEST_REDIS_ACL_FILE")).unwrap());
        // The mark that tells what the file holds comes after the file; the other is new with every change.
        let unmarked = |line: &str| {
            let marks = ["&tenantry-saved:", "&tenantry-generation:"];
            let words = line.split(' ').filter(|word| !marks.iter().any(|mark| word.starts_with(mark)));
            words.collect::<Vec<_>>().join(" ")
        };
        let (memory, file) = (unmarked(&memory), unmarked(&file));
        if memory == file { memory } else { format!("{memory}\nin the file: {file}") }
    }

    fn drift(&self) {
        self.cli(&["ACL", "SETUSER", &self.user, "~*", "+config"]);
    }

    fn foreign(&self) {
        self.cli(&["ACL", "SETUSER", &self.user, "on", ">somebody-elses", "~shop:*", "+get"]);
        self.cli(&["ACL", "SAVE"]);
    }

    fn has_user(&self) -> bool {
        !self.line(&self.cli(&["ACL", "LIST"])).is_empty()
    }

    fn logs_in(&self, entry: &BTreeMap<String, String>) -> Option<bool> {
        let answer = self.cli_as(&entry["username"], &entry["password"], &["PING"]);
        Some(answer.trim() == "PONG")
    }

    fn settle_neighbour(&self) {
        let (user, claim) = (self.next(), "&tenantry:next:0192f0c1-0000-7000-8000-00000000000e");
        let keys = format!("~{user}:*");
        self.cli(&["ACL", "SETUSER", &user, "on", ">neighbour", &keys, claim, "+@all", "-@admin"]);
        self.cli(&["SET", &format!("{user}:sentinel"), "1"]);
    }

    fn neighbour(&self) -> String {
        let user = self.next();
        self.cli_as(&user, "neighbour", &["GET", &format!("{user}:sentinel")])
    }

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.cli(&["ACL", "DELUSER", &self.user, &self.next()]);
        self.cli(&["DEL", &format!("{}:sentinel", self.next())]);
    }
}

macro_rules! battery {
    ($($name:ident $test:ident)+) => {$(
        #[test]
        #[ignore = "needs redis: run by tests/run"]
        fn $name() {
            let redis = Redis::new(concat!("abc--", stringify!($name)));
            Battery::new(&redis).$test();
        }
    )+};
}

battery! {
    redis_user_create create
    redis_user_repeat repeat
    redis_user_noop noop
    redis_user_update update
    redis_user_crash_after_n crash_after_n
    redis_user_foreign foreign
    redis_user_another_uid another_uid
    redis_user_drift drift
    redis_user_completed completed
    redis_user_lost_writes lost_writes
    redis_user_wire_faults wire_faults
}

#[cfg(feature = "faults")]
battery! {
    redis_user_kill_at_every_point kill_at_every_point
}
