//! `rabbitmqVhost` on a real RabbitMQ; the oracle asks the management API with curl. The names of virtual hosts hold a `/`
//! and a space: each request shows whether they are encoded.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    env, fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    rc::Rc,
    time::Duration,
};

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
    seen: RefCell<usize>,
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
            seen: RefCell::default(),
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

    fn writes(&self) -> Vec<String> {
        let writes = self.proxy.writes();
        let before = self.seen.replace(writes.len());
        writes[before.min(writes.len())..].iter().map(|write| format!("{write:?}")).collect()
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

/// Reads the next method of a broker: class and method, and the rest.
fn method(socket: &mut TcpStream) -> (u16, u16, Vec<u8>) {
    let mut head = [0; 7];
    socket.read_exact(&mut head).unwrap();
    let mut payload = vec![0; u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize + 1];
    socket.read_exact(&mut payload).unwrap();
    let number = |at: usize| u16::from_be_bytes([payload[at], payload[at + 1]]);
    (number(0), number(2), payload[4..].to_vec())
}

/// Opens a connection as an application does, and keeps it.
fn connected(user: &str, password: &str, vhost: &str) -> TcpStream {
    let mut socket = TcpStream::connect(amqp()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let send = |method: [u8; 4], rest: Vec<u8>, socket: &mut TcpStream| {
        let payload = [&method[..], &rest].concat();
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        socket.write_all(&[&[1, 0, 0][..], &length, &payload, &[0xce]].concat()).unwrap();
    };
    let short = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    socket.write_all(b"AMQP\x00\x00\x09\x01").unwrap();
    assert_eq!(method(&mut socket).1, 10);
    let login = format!("\0{user}\0{password}");
    let length = u32::try_from(login.len()).unwrap().to_be_bytes();
    let start = [&[0; 4][..], &short("PLAIN"), &length, login.as_bytes(), &short("en_US")].concat();
    send([0, 10, 0, 11], start, &mut socket);
    let (_, _, tune) = method(&mut socket);
    send([0, 10, 0, 31], tune[..8].to_vec(), &mut socket);
    send([0, 10, 0, 40], [short(vhost), vec![0, 0]].concat(), &mut socket);
    assert_eq!(method(&mut socket).1, 41);
    socket
}

#[test]
#[ignore = "needs rabbitmq: run by tests/run"]
fn rabbitmq_vhost_lets_go_of_others() {
    let (rabbitmq, other) = (Rabbitmq::new("lets_go"), Rabbitmq::new("lets_go_other"));
    let store = made(&rabbitmq);
    let _store = made(&other);
    let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
    must("PUT", &other.path("permissions", &format!("/{}", rabbitmq.user)), all);
    let mut inside = connected(&rabbitmq.user, &rabbitmq.stored_password().unwrap(), &other.vhost);

    let report = run(&rabbitmq.document(UID, false, store.path()), &allowing(Allow::default()));
    let names: Vec<_> = report.steps.iter().map(|step| step.action.as_str()).collect();
    let steps = ["rabbitmq-lock-permissions", "rabbitmq-close-connections", "rabbitmq-delete-permissions"];
    assert_eq!(names, steps);
    assert_done(&[report]);
    assert_eq!(method(&mut inside).1, 50, "the connection that was open is closed");
    let rights = must("GET", &format!("users/{}/permissions", rabbitmq.user), Value::Null);
    assert_eq!(rights.as_array().unwrap().len(), 1, "{rights}");
}

#[test]
#[ignore = "needs rabbitmq: run by tests/run"]
fn rabbitmq_vhost_isolation() {
    let (rabbitmq, other) = (Rabbitmq::new("isolation"), Rabbitmq::new("isolation_other"));
    let stores = [made(&rabbitmq), made(&other)];
    let server = Rc::new(server(&rabbitmq));
    let (own, neighbour) = (rabbitmq.wanted(), other.wanted());
    let root = Wanted { name: "/".to_owned(), ..own.clone() };
    let nowhere = Wanted { name: "abc/nowhere".to_owned(), ..own.clone() };
    let claim = Claim { tenant: "abc".to_owned(), uid: UID.to_owned() };
    let asked = Asked { wanted: &own, claim: &claim, stored: true };
    let try_all = |password: &str| {
        let fields = [("password".to_owned(), Secret::new(password))].into();
        let entry = Entry::new(fields, "1");
        let look = Look { asked, entry: Some(&entry) };
        block_on(Prober::new(&server).probe(look, &[&own, &neighbour, &root, &nowhere]))
    };
    let password = rabbitmq.stored_password().unwrap();
    let found = try_all(&password).unwrap();
    let opened = Access::Allowed(format!("opened the virtual host `{}`", own.name));
    assert_eq!(found[0].as_ref().unwrap(), &opened);
    assert_eq!([found[1].as_ref().unwrap(), found[2].as_ref().unwrap()], [&Access::Denied, &Access::Denied]);
    assert!(found[3].is_err(), "what is not there proves nothing");
    assert!(try_all("wrong").is_err());
    // A hole is seen.
    let all = json!({"configure": "^$", "write": "^$", "read": "^$"});
    must("PUT", &format!("permissions/%2F/{}", rabbitmq.user), all);
    assert!(matches!(try_all(&password).unwrap()[2], Ok(Access::Allowed(_))));
    // A limit that is reached is no refusal of the right.
    must("PUT", &rabbitmq.path("vhost-limits", "/max-connections"), json!({"value": 0}));
    assert!(try_all(&password).unwrap()[0].is_err());
    drop(stores);
}

fn server(rabbitmq: &Rabbitmq) -> Server {
    let url = format!("http://{}", rabbitmq.proxy.address());
    let (host, port) = amqp();
    Server::new("rabbitmq", &url, (&host, port), None, &administrator()).unwrap()
}

/// Over TLS as over TCP; and who cannot be trusted, or speaks no TLS, gets no password.
#[test]
#[ignore = "needs rabbitmq: run by tests/run"]
fn rabbitmq_vhost_tls() {
    let rabbitmq = Rabbitmq::new("tls");
    let _store = made(&rabbitmq);
    let (wanted, claim) = (rabbitmq.wanted(), Claim { tenant: "abc".to_owned(), uid: UID.to_owned() });
    let look = Look { asked: Asked { wanted: &wanted, claim: &claim, stored: true }, entry: None };
    let (ca, url) = (variable("TENANTRY_TEST_CA"), variable("TENANTRY_TEST_RABBITMQ_TLS_URL"));
    let (host, plain_port) = amqp();
    let port = variable("TENANTRY_TEST_RABBITMQ_TLS_PORT").parse().unwrap();
    let observe = |url: &str, ca: Option<&str>| {
        let server = Server::new("rabbitmq", url, (&host, port), ca, &administrator()).unwrap();
        let seen = block_on(Observer::new(&Rc::new(server)).observe(&[look])).remove(0);
        seen.map(|seen| seen.vhost.is_some()).map_err(|trouble| trouble.kind())
    };
    let plain = variable("TENANTRY_TEST_RABBITMQ_URL").replace("http://", "https://");
    assert_eq!(observe(&url, Some(&ca)), Ok(true));
    assert_eq!(observe(&url, None), Err(TroubleKind::Tls), "the system does not know this authority");
    assert_eq!(observe(&url.replace("127.0.0.1", "127.0.0.2"), Some(&ca)), Err(TroubleKind::Unreachable));
    assert_eq!(observe(&plain, Some(&ca)), Err(TroubleKind::Tls));

    let password = Secret::new(rabbitmq.stored_password().unwrap());
    let open = |host: &str, port, ca: Option<&str>| {
        let address = Address::new("rabbitmq", host, port, ca).with_tls(true);
        block_on(address.open(&rabbitmq.user, &password, &rabbitmq.vhost)).map_err(|trouble: Trouble| trouble.kind())
    };
    assert_eq!(open(&host, port, Some(&ca)), Ok(Answer::Open));
    assert_eq!(open("localhost", port, Some(&ca)), Ok(Answer::Open));
    assert_eq!(open(&host, port, Some(&variable("TENANTRY_TEST_CA_EXPIRED_CERTIFICATE"))), Err(TroubleKind::Tls));
    assert_eq!(open(&host, port, None), Err(TroubleKind::Setup));
    assert!(open(&host, plain_port, Some(&ca)).is_err());
}

/// Many looks at once read the server's listings, few ask for each: they must see the same.
#[test]
#[ignore = "needs rabbitmq: run by tests/run"]
fn rabbitmq_vhost_bulk() {
    let cases: Vec<Rabbitmq> = (0..12).map(|number| Rabbitmq::new(&format!("bulk_{number}"))).collect();
    let _stores: Vec<_> = cases[..3].iter().map(made).collect();
    // A virtual host without a user, and a user without one.
    must("DELETE", &format!("users/{}", cases[1].user), Value::Null);
    must("DELETE", &cases[2].path("vhosts", ""), Value::Null);
    let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
    must("PUT", &cases[0].path("permissions", &format!("/{}", cases[2].user)), all);
    let wanted: Vec<_> = cases.iter().map(Rabbitmq::wanted).collect();
    let claim = Claim { tenant: "abc".to_owned(), uid: UID.to_owned() };
    let looks: Vec<_> = wanted
        .iter()
        .map(|wanted| Look { asked: Asked { wanted, claim: &claim, stored: true }, entry: None })
        .collect();
    let observer = Observer::new(&Rc::new(server(&cases[0])));
    cases[0].proxy.reset();
    let (together, asked, single) = block_on(async {
        let together = observer.observe(&looks).await;
        let asked = cases[0].proxy.requests().len();
        let mut single = Vec::new();
        for look in &looks {
            single.extend(observer.observe(std::slice::from_ref(look)).await);
        }
        (together, asked, single)
    });
    assert_eq!(asked, 9, "one request for each listing, however many are looked at");
    for (number, (one, other)) in together.into_iter().zip(single).enumerate() {
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(one, other, "{number}");
        assert_eq!((one.vhost.is_some(), one.user.is_some()), (number < 2, number == 0 || number == 2), "{number}");
    }
}
