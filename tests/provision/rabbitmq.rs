//! `rabbitmqVhost` on a real RabbitMQ; the oracle asks the management API with curl. The names of virtual hosts hold a `/`
//! and a space: each request shows whether they are encoded.

mod access;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    env, fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    rc::Rc,
    thread,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tenantry::{
    engine::{
        Access, Entry, Look, Observe, Probe, Purpose, Secret, Settings, Trouble, TroubleKind,
        connections::Login,
        gate::Stop,
        rabbitmq::{
            Observer, Prober, Server,
            amqp::{Address, Answer},
        },
        report::{ResourceReport, Unwatched},
    },
    provision::{Document, Kind, Wanted, rabbitmq::RabbitmqVhostSpec},
    steps::{Allow, Asked, Standing, claim::Claim},
};

use super::{
    battery::{self, Battery, Case, UID, assert_done, block_on, settings},
    wire::{Proxy, http::usual_reads},
};

struct Rabbitmq {
    vhost: String,
    user: String,
    proxy: Proxy,
    store: RefCell<PathBuf>,
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is set by tests/run"))
}

fn administrator() -> Login {
    let password = Secret::new(variable("TENANTRY_TEST_RABBITMQ_PASSWORD"));
    Login { username: variable("TENANTRY_TEST_RABBITMQ_USERNAME"), password }
}

fn amqp() -> (String, u16) {
    (variable("TENANTRY_TEST_RABBITMQ_HOST"), variable("TENANTRY_TEST_RABBITMQ_PORT").parse().unwrap())
}

/// What the API answers to a user. The password stays out of curl's arguments.
fn ask(user: &str, password: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let body: Vec<String> = body.map(|body| ["--data".to_owned(), body.to_string()]).into_iter().flatten().collect();
    curl(user, password, method, &[path.to_owned()], &body).remove(0)
}

/// One process for all paths: a dump is taken thousands of times.
fn curl(user: &str, password: &str, method: &str, paths: &[String], body: &[String]) -> Vec<(u16, Value)> {
    let url = variable("TENANTRY_TEST_RABBITMQ_URL");
    let mut curl = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "20", "--config", "-", "--request", method])
        .args(["--write-out", "\n%{http_code}\x1e", "--header", "content-type: application/json"])
        .args(body)
        .args(paths.iter().map(|path| format!("{url}/api/{path}")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    write!(curl.stdin.take().unwrap(), "user = \"{user}:{password}\"").unwrap();
    let output = curl.wait_with_output().unwrap();
    assert!(output.status.success(), "{method} {paths:?}: {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    let answers = text.split_terminator('\x1e').map(|answer| {
        let (body, code) = answer.rsplit_once('\n').unwrap();
        (code.parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    });
    answers.collect()
}

fn admin(method: &str, path: &str, body: Value) -> (u16, Value) {
    let Login { username, password } = administrator();
    let body = (method != "GET" && method != "DELETE").then_some(&body);
    ask(&username, password.expose(), method, path, body)
}

/// Asks as the administrator, and must succeed.
#[track_caller]
fn must(method: &str, path: &str, body: Value) -> Value {
    let (code, answer) = admin(method, path, body);
    assert!((200..300).contains(&code), "{method} {path}: {code} {answer}");
    answer
}

impl Rabbitmq {
    fn new(test: &str) -> Self {
        let url = variable("TENANTRY_TEST_RABBITMQ_URL");
        let address = url.trim_start_matches("http://").parse().unwrap();
        Self {
            vhost: format!("abc/{test} 1"),
            user: format!("abc--{test}"),
            proxy: Proxy::http(address, usual_reads),
            store: RefCell::default(),
        }
    }

    /// The path of something in the virtual host.
    fn path(&self, what: &str, rest: &str) -> String {
        format!("{what}/{}{rest}", self.vhost.replace('/', "%2F").replace(' ', "%20"))
    }

    fn stored_password(&self) -> Option<String> {
        let text = fs::read_to_string(self.store.borrow().join("tenants/abc/queue.json")).ok()?;
        Some(serde_json::from_str::<Value>(&text).unwrap()["password"].as_str().unwrap().to_owned())
    }

    fn spec(&self, updated: bool) -> Value {
        let mut spec = json!({
            "permissions": {"configure": "^own[.].*$", "write": "^events$", "read": "^orders$"},
            "topicPermissions": {"events": {"write": "^order[.].*$", "read": "^.*$"}},
            "maxConnections": 20, "maxQueues": 5,
            "exchanges": {"events": {"type": "topic"}, "dead letters": {"type": "fanout"}},
            "queues": {
                "orders": {"maxLength": 1000, "deadLetterExchange": "dead letters"},
                "lost/found": {"type": "classic", "messageTtl": 60000, "arguments": {"x-max-priority": 5}},
            },
            "bindings": [
                {"source": "events", "destination": "orders", "routingKey": "order.#"},
                {"source": "dead letters", "destination": "lost/found"},
                {"source": "events", "destination": "dead letters", "destinationType": "exchange", "routingKey": "a/~ %.#"},
            ],
            "policies": {"short": {"pattern": "^lost/found$", "applyTo": "queues", "definition": {"max-length": 10}}},
        });
        if updated {
            spec["permissions"]["read"] = json!("^(orders|more)$");
            spec["topicPermissions"] = json!({"amq.topic": {"write": "^$", "read": "^$"}});
            spec["maxConnections"] = json!(null);
            spec["maxQueues"] = json!(6);
            spec["queues"]["more"] = json!({"type": "classic"});
            spec["bindings"][0]["routingKey"] = json!("order.*");
            spec["bindings"][1]["arguments"] = json!({"x-match": "all", "n": 1});
            spec["policies"] =
                json!({"other": {"pattern": "^orders$", "priority": 3, "definition": {"max-length": 10}}});
        }
        spec
    }

    fn with_spec(&self, uid: &str, spec: Value, store: &Path) -> Document {
        *self.store.borrow_mut() = store.to_owned();
        let (host, port) = amqp();
        serde_json::from_value(json!({
            "apiVersion": "tenantry.dev/v1", "kind": "Provision",
            "metadata": {"tenant": "abc", "uid": uid, "state": "active"},
            "connections": {
                "rabbitmq": {"kind": "rabbitmq", "host": host, "port": port,
                    "managementUrl": format!("http://{}/", self.proxy.address()), "credentials": {
                        "usernameEnv": "TENANTRY_TEST_RABBITMQ_USERNAME", "passwordEnv": "TENANTRY_TEST_RABBITMQ_PASSWORD"}},
                "store": {"kind": "directory", "path": store},
            },
            "resources": [{
                "kind": "rabbitmqVhost", "id": "queue", "connection": "rabbitmq", "name": self.vhost, "user": self.user,
                "secret": {"store": "store", "key": "tenants/abc/queue",
                    "fields": {"username": {"value": self.user}, "password": {"generated": 32}}},
                "spec": spec,
            }],
        }))
        .unwrap()
    }

    fn wanted(&self) -> Wanted<RabbitmqVhostSpec> {
        Wanted {
            id: "queue".to_owned(),
            connection: "rabbitmq".to_owned(),
            name: self.vhost.clone(),
            user: Some(self.user.clone()),
            secret: None,
            spec: serde_json::from_value(self.spec(false)).unwrap(),
        }
    }
}

/// Leaves out what two runs do not share, and puts lists in order.
fn tidy(mut answer: Value) -> Value {
    if let Some(rows) = answer.as_array_mut() {
        *rows = rows.drain(..).map(tidy).collect();
        rows.sort_by_key(ToString::to_string);
    }
    if let Some(fields) = answer.as_object_mut() {
        fields
            .retain(|name, _| !name.contains("password") && !name.contains("messages") && !name.starts_with("rabbit"));
        fields.values_mut().for_each(|value| *value = tidy(value.take()));
    }
    answer
}

impl Case for Rabbitmq {
    fn document(&self, uid: &str, updated: bool, store: &Path) -> Document {
        self.with_spec(uid, self.spec(updated), store)
    }

    fn dump(&self) -> String {
        let paths = [
            self.path("vhosts", "?columns=name,description,tags,default_queue_type"),
            self.path("vhosts", "/permissions"),
            self.path("definitions", ""),
            self.path("vhost-limits", ""),
            format!("users/{}", self.user),
            format!("users/{}/permissions", self.user),
            format!("users/{}/topic-permissions", self.user),
        ];
        let mut lines: Vec<String> = Vec::new();
        let Login { username, password } = administrator();
        let answers = curl(&username, password.expose(), "GET", &paths, &[]);
        for (path, (code, answer)) in paths.iter().zip(answers) {
            let mut answer = tidy(answer);
            if let (true, Some(rows)) = (path.ends_with("topic-permissions"), answer.as_array_mut()) {
                // A row that allows everything is as good as none, and cannot be taken away by itself.
                rows.retain(|row| row["write"] != ".*" || row["read"] != ".*");
            }
            // A list of limits is there for any virtual host, made or not.
            if code == 200 && answer != json!([]) {
                lines.push(format!("{path}: {answer}"));
            }
        }
        if let (false, Some(password)) = (lines.is_empty(), self.stored_password()) {
            lines.push(format!("login: {}", ask(&self.user, &password, "GET", "whoami", None).1));
        }
        lines.join("\n")
    }

    fn drift(&self) {
        let user = &self.user;
        must(
            "PUT",
            &format!("users/{user}"),
            json!({"tags": format!("administrator,tenantry:abc:{UID}"), "password": "changed"}),
        );
        let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
        must("PUT", &self.path("permissions", &format!("/{user}")), all.clone());
        must("PUT", &format!("permissions/%2F/{user}"), all);
        must(
            "PUT",
            &self.path("topic-permissions", &format!("/{user}")),
            json!({"exchange": "events", "write": ".*", "read": ".*"}),
        );
        must("DELETE", &self.path("permissions", "/admin"), Value::Null);
        must("DELETE", &self.path("vhost-limits", "/max-connections"), Value::Null);
        must("PUT", &self.path("vhost-limits", "/max-queues"), json!({"value": -1}));
        must("PUT", &self.path("policies", "/short"), json!({"pattern": ".*", "definition": {"max-length": 1}}));
        must("PUT", &self.path("policies", "/by-hand"), json!({"pattern": ".*", "definition": {"max-length": 1}}));
        must("PUT", &self.path("permissions", "/admin"), json!({"configure": ".*", "write": ".*", "read": ".*"}));
        must("POST", &self.path("bindings", "/e/events/q/orders"), json!({"routing_key": "#"}));
        must("DELETE", &self.path("bindings", "/e/events/q/orders/order.%2523"), Value::Null);
        must("DELETE", &self.path("permissions", "/admin"), Value::Null);
    }

    fn foreign(&self) {
        must("PUT", &self.path("vhosts", ""), json!({"description": "somebody else's"}));
        must("PUT", &self.path("queues", "/orders"), json!({"durable": true, "arguments": {}}));
    }

    fn has_user(&self) -> bool {
        admin("GET", &format!("users/{}", self.user), Value::Null).0 == 200
    }

    fn logs_in(&self, entry: &BTreeMap<String, String>) -> Option<bool> {
        // Who is let in is told next that management is not for tenants.
        let (_, answer) = ask(&entry["username"], &entry["password"], "GET", "whoami", None);
        Some(answer["reason"] == "Not management user")
    }

    fn settle_neighbour(&self) {
        must("PUT", &self.path("vhosts", "x"), json!({"description": "tenantry:next:1"}));
        must("PUT", &self.path("queues", "x/sentinel"), json!({"durable": true, "arguments": {}}));
        must(
            "PUT",
            &format!("users/{}x", self.user),
            json!({"tags": "tenantry:next:1,management", "password": "neighbour"}),
        );
        let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
        must("PUT", &self.path("permissions", &format!("x/{}x", self.user)), all);
    }

    fn neighbour(&self) -> String {
        let user = format!("{}x", self.user);
        ask(&user, "neighbour", "GET", &self.path("queues", "x/sentinel?columns=name,durable"), None).1.to_string()
    }

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// A quorum queue or a virtual host takes a third of a second on a busy machine.
    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }
}

impl Drop for Rabbitmq {
    fn drop(&mut self) {
        for next in ["", "x"] {
            admin("DELETE", &format!("users/{}{next}", self.user), Value::Null);
            admin("DELETE", &self.path("vhosts", next), Value::Null);
        }
    }
}

macro_rules! battery {
    ($($name:ident $test:ident)+) => {$(
        #[test]
        #[ignore = "needs rabbitmq: run by tests/run"]
        fn $name() {
            let rabbitmq = Rabbitmq::new(stringify!($name));
            Battery::new(&rabbitmq).$test();
        }
    )+};
}

battery! {
    rabbitmq_vhost_create create
    rabbitmq_vhost_repeat repeat
    rabbitmq_vhost_noop noop
    rabbitmq_vhost_update update
    rabbitmq_vhost_crash_after_n crash_after_n
    rabbitmq_vhost_foreign foreign
    rabbitmq_vhost_another_uid another_uid
    rabbitmq_vhost_drift drift
    rabbitmq_vhost_completed completed
    rabbitmq_vhost_made_in_between made_in_between
    rabbitmq_vhost_wire_faults wire_faults
}

/// The program takes no names that hold a `/` or a space.
#[cfg(feature = "faults")]
#[test]
#[ignore = "needs rabbitmq: run by tests/run"]
fn rabbitmq_vhost_kill_at_every_point() {
    let mut rabbitmq = Rabbitmq::new("rabbitmq_vhost_kill_at_every_point");
    rabbitmq.vhost = "abc-kill-at-every-point".to_owned();
    Battery::new(&rabbitmq).kill_at_every_point();
}

fn run(document: &Document, settings: &Settings) -> ResourceReport {
    battery::run(document, settings, &Unwatched).remove(0)
}

fn allowing(allow: Allow) -> Settings {
    settings(Purpose::Apply, Stop::default(), allow)
}

/// Makes a case, and returns its store.
fn made(rabbitmq: &Rabbitmq) -> tempfile::TempDir {
    let store = tempfile::tempdir().unwrap();
    let report = run(&rabbitmq.document(UID, false, store.path()), &allowing(Allow::default()));
    assert_done(&[report]);
    store
}

#[test]
#[ignore = "needs rabbitmq: run by tests/run"]
fn rabbitmq_vhost_adopt() {
    let (rabbitmq, store) = (Rabbitmq::new("adopt"), tempfile::tempdir().unwrap());
    must("PUT", &rabbitmq.path("vhosts", ""), json!({"description": "by hand", "tags": "blue,green"}));
    let user = format!("users/{}", rabbitmq.user);
    must("PUT", &user, json!({"tags": "monitoring", "password": "by hand"}));
    let document = rabbitmq.document(UID, false, store.path());
    let report = run(&document, &allowing(Allow::default()));
    assert_eq!(report.standing, Standing::NotOurs, "{report:#?}");
    assert!(report.trouble.unwrap().help.contains(&format!("--adopt rabbitmqVhost/{}", rabbitmq.vhost)));

    let adopt = [(Kind::RabbitmqVhost, rabbitmq.vhost.clone())].into();
    assert_done(&[run(&document, &allowing(Allow { adopt, replace: false }))]);
    let claim = format!("tenantry:abc:{UID}");
    let vhost = must("GET", &rabbitmq.path("vhosts", ""), Value::Null);
    assert_eq!((&vhost["description"], &vhost["tags"]), (&json!(claim), &json!(["blue", "green"])));
    assert_eq!(must("GET", &user, Value::Null)["tags"], json!([claim]));
    // The stored password is the user's, and the tag gives no right over the server.
    let (code, answer) = ask(&rabbitmq.user, &rabbitmq.stored_password().unwrap(), "GET", "whoami", None);
    assert_eq!((code, &answer["reason"]), (401, &json!("Not management user")));
}

#[test]
#[ignore = "needs rabbitmq: run by tests/run"]
fn rabbitmq_vhost_replaces_only_with_leave() {
    let rabbitmq = Rabbitmq::new("replace");
    let store = made(&rabbitmq);
    let publish = json!({"properties": {}, "routing_key": "orders", "payload": "kept", "payload_encoding": "string"});
    must("POST", &rabbitmq.path("exchanges", "/amq.default/publish"), publish);
    let peek = || {
        let body = json!({"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"});
        must("POST", &rabbitmq.path("queues", "/orders/get"), body).as_array().unwrap().len()
    };
    let mut spec = rabbitmq.spec(false);
    spec["queues"]["orders"]["maxLength"] = json!(2000);
    let document = rabbitmq.with_spec(UID, spec.clone(), store.path());

    let report = run(&document, &allowing(Allow::default()));
    assert!(
        report.trouble.unwrap().message.contains("queue `orders` cannot be changed in place: x-max-length 1000 → 2000")
    );
    assert_eq!(peek(), 1);

    assert_done(&[run(&document, &allowing(Allow { replace: true, ..Allow::default() }))]);
    assert_eq!(peek(), 0);
    let queue = must("GET", &rabbitmq.path("queues", "/orders"), Value::Null);
    assert_eq!(queue["arguments"]["x-max-length"], json!(2000));
    let bindings = must("GET", &rabbitmq.path("bindings", "/e/events/q/orders"), Value::Null);
    assert_eq!(bindings[0]["routing_key"], json!("order.#"));

    // A queue that the document drops is fed no longer, and keeps what it has.
    spec["queues"].as_object_mut().unwrap().remove("lost/found");
    spec["bindings"].as_array_mut().unwrap().remove(1);
    let report = run(&rabbitmq.with_spec(UID, spec.clone(), store.path()), &allowing(Allow::default()));
    assert_eq!(report.steps.len(), 1, "{report:#?}");
    assert_done(&[report]);
    must("GET", &rabbitmq.path("queues", "/lost%2Ffound"), Value::Null);
    let document = rabbitmq.with_spec(UID, spec, store.path());
    assert_done(&[run(&document, &allowing(Allow { replace: true, ..Allow::default() }))]);
    assert_eq!(admin("GET", &rabbitmq.path("queues", "/lost%2Ffound"), Value::Null).0, 404);
}

/// Lets a creation begin and goes away, again and again, until the server has left the virtual host half made.
fn leave_half_made(rabbitmq: &Rabbitmq) {
    let (url, claim) = (variable("TENANTRY_TEST_RABBITMQ_URL"), format!("tenantry:abc:{UID}"));
    let address = url.trim_start_matches("http://");
    let path = rabbitmq.path("vhosts", "");
    let Login { username, password } = administrator();
    let login = STANDARD.encode(format!("{username}:{}", password.expose()));
    let body = json!({ "description": claim }).to_string();
    let request = format!(
        "PUT /api/{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Basic {login}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let is_half_made = || {
        let (code, vhost) = admin("GET", &path, Value::Null);
        code == 200 && vhost["cluster_state"].as_object().unwrap().values().all(|state| state == "stopped")
    };
    for attempt in 0..400 {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(4 + attempt % 40));
        drop(socket);
        thread::sleep(Duration::from_millis(700));
        if is_half_made() {
            return;
        }
        admin("DELETE", &path, Value::Null);
    }
    panic!("the server always comes to the end");
}

#[test]
#[ignore = "needs rabbitmq: run by tests/run"]
fn rabbitmq_vhost_half_made() {
    let (rabbitmq, store) = (Rabbitmq::new("half_made"), tempfile::tempdir().unwrap());
    leave_half_made(&rabbitmq);
    let document = rabbitmq.document(UID, false, store.path());
    let report = run(&document, &allowing(Allow::default()));
    let steps: Vec<&str> = report.steps.iter().map(|step| step.action.as_str()).collect();
    assert!(steps.contains(&"rabbitmq-remove-half-made"), "{steps:?}");
    assert_done(&[report]);
    let vhost = must("GET", &rabbitmq.path("vhosts", ""), Value::Null);
    assert!(vhost["cluster_state"].as_object().unwrap().values().all(|state| state == "running"), "{vhost}");
    let exchanges = must("GET", &rabbitmq.path("exchanges", ""), Value::Null);
    let standard = exchanges.as_array().unwrap().iter().filter(|one| one["name"].as_str().unwrap().starts_with("amq."));
    assert_eq!(standard.count(), 6, "{exchanges}");
    assert_eq!(run(&document, &allowing(Allow::default())).steps.len(), 0);
}

#[test]
#[ignore = "needs rabbitmq: run by tests/run"]
fn rabbitmq_vhost_roll_back() {
    let (rabbitmq, store) = (Rabbitmq::new("roll_back"), tempfile::tempdir().unwrap());
    let mut spec = rabbitmq.spec(false);
    spec["queues"]["zzz"] = json!({"type": "classic", "arguments": {"x-max-priority": "no number"}});
    let document = rabbitmq.with_spec(UID, spec.clone(), store.path());
    let roll_back = Settings { roll_back: true, ..allowing(Allow::default()) };
    let report = run(&document, &roll_back);
    assert!(report.trouble.as_ref().unwrap().message.contains("invalid arg 'x-max-priority'"), "{report:#?}");
    assert_eq!(rabbitmq.dump(), "", "{report:#?}");
    // Kept, what was made stays, and the next run goes on from there.
    run(&document, &allowing(Allow::default()));
    assert_ne!(rabbitmq.dump(), "");
    assert_done(&[run(&rabbitmq.document(UID, false, store.path()), &roll_back)]);
}
