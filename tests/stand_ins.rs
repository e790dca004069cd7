//! The stand-ins keep their word: what they refuse, what they repeat, how they page, move on and fail on request.

#![cfg(feature = "provision")]
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

#[path = "stand_ins/mod.rs"]
mod stand_ins;

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use stand_ins::{
    Api, Fault, On, Server,
    cloudflare::{Cloudflare, Outcome},
    grafana::Grafana,
    neon::Neon,
    nginx_proxy_manager::NginxProxyManager,
    websites::Websites,
};
use tokio::runtime::Runtime;

/// A plain client of one server, which shares nothing with the engine but the library.
struct Client<'s, A> {
    server: &'s Server<A>,
    runtime: Runtime,
    http: reqwest::Client,
    authorise: fn(RequestBuilder) -> RequestBuilder,
}

impl<'s, A: Api> Client<'s, A> {
    fn new(server: &'s Server<A>, authorise: fn(RequestBuilder) -> RequestBuilder) -> Self {
        // The library takes the process's provider when a client is made, even for plain HTTP.
        rustls::crypto::ring::default_provider().install_default().ok();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { server, runtime, http, authorise }
    }

    fn send(&self, build: impl FnOnce(RequestBuilder) -> RequestBuilder, method: Method, path: &str) -> (u16, Value) {
        let request = (self.authorise)(self.http.request(method, format!("{}{path}", self.server.url())));
        self.runtime.block_on(async {
            let answer = build(request).send().await.unwrap();
            let status = answer.status().as_u16();
            (status, answer.json().await.unwrap_or_default())
        })
    }

    fn get(&self, path: &str) -> (u16, Value) {
        self.send(|request| request, Method::GET, path)
    }

    fn delete(&self, path: &str) -> u16 {
        self.send(|request| request, Method::DELETE, path).0
    }

    fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        self.send(|request| request.json(&body), method, path)
    }
}

fn shop(tenant: &str, domain: &str) -> Value {
    json!({"name": "S", "domain": domain, "tenant_id": tenant, "tier": "basic", "status": "active"})
}

fn token(request: RequestBuilder) -> RequestBuilder {
    request.bearer_auth("token")
}

#[test]
fn websites_page_and_refuse() {
    let server = Server::start(Websites::new("token", 2));
    let client = Client::new(&server, token);
    for number in 0..5 {
        assert_eq!(client.call(Method::POST, "/api/v1/websites", shop("a", &format!("a{number}.test"))).0, 201);
    }
    server.with(|websites| websites.add("b", "b.test"));
    let page = |number: u32| client.get(&format!("/api/v1/websites?tenant_id=a&page={number}")).1;
    let sizes: Vec<usize> = (1..=4).map(|number| page(number)["data"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [2, 2, 1, 0]);
    assert_eq!(page(1)["meta"]["total"], 5);

    assert_eq!(client.call(Method::POST, "/api/v1/websites", shop("c", "b.test")).0, 409);
    assert_eq!(client.call(Method::POST, "/api/v1/websites", json!({"name": "S"})).0, 422);
    let id = server.with(|websites| websites.of("a")[0].id);
    let path = format!("/api/v1/websites/{id}");
    assert_eq!(client.call(Method::PATCH, &path, json!({"domain": "b.test"})).0, 409);
    assert_eq!(client.call(Method::PATCH, &path, json!({"status": "paused"})).0, 422);
    assert_eq!(client.call(Method::PATCH, &path, json!({"tier": "premium", "name": "T"})).1["tier"], "premium");
    assert_eq!(client.get(&path).1["name"], "T");
    assert_eq!((client.delete(&path), client.delete(&path), client.get(&path).0), (204, 404, 404));
    assert_eq!(Client::new(&server, |request| request.bearer_auth("other")).get("/api/v1/websites").0, 401);
    assert_eq!(server.writes(), 12);
}

#[test]
fn websites_know_idempotency_keys() {
    let server = Server::start(Websites::new("token", 10));
    let client = Client::new(&server, |request| request.bearer_auth("token").header("idempotency-key", "k1"));
    let first = client.call(Method::POST, "/api/v1/websites", shop("a", "a.test"));
    assert_eq!(client.call(Method::POST, "/api/v1/websites", shop("a", "a.test")), first);
    assert_eq!(server.with(|websites| websites.websites.len()), 1);
    assert_eq!(client.call(Method::POST, "/api/v1/websites", shop("a", "other.test")).0, 422);
    // A key outlives its object: the answer is repeated, and nothing is made.
    server.with(|websites| websites.websites.clear());
    assert_eq!(client.call(Method::POST, "/api/v1/websites", shop("a", "a.test")), first);
    assert!(server.with(|websites| websites.websites.is_empty()));
}

#[test]
fn grafana_wants_an_administrators_password() {
    let server = Server::start(Grafana::new("admin", "secret"));
    server.with(|grafana| {
        grafana.tokens.push("glsa_known".to_owned());
        grafana.add_user("viewer", "viewer@example.com", "their own");
    });
    let status = |authorise| Client::new(&server, authorise).get("/api/orgs/name/acme").0;
    assert_eq!(status(|request| request), 401);
    assert_eq!(status(|request| request.bearer_auth("glsa_unknown")), 401);
    assert_eq!(status(|request| request.bearer_auth("glsa_known")), 403);
    assert_eq!(status(|request| request.basic_auth("admin", Some("wrong"))), 401);
    assert_eq!(status(|request| request.basic_auth("viewer", Some("their own"))), 403);
    assert_eq!(status(|request| request.basic_auth("admin", Some("secret"))), 404);
}

#[test]
fn grafana_has_organisations_and_their_users() {
    let server = Server::start(Grafana::new("admin", "secret"));
    let client = Client::new(&server, |request| request.basic_auth("admin", Some("secret")));
    let (status, made) = client.call(Method::POST, "/api/orgs", json!({"name": "acme & co"}));
    let org = made["orgId"].as_u64().unwrap();
    assert_eq!(status, 200);
    assert_eq!(client.call(Method::POST, "/api/orgs", json!({"name": "acme & co"})).0, 409);
    assert_eq!(client.get("/api/orgs/name/acme%20%26%20co").1["id"], org);

    let user = json!({"login": "acme", "email": "a@acme.test", "password": "canary", "OrgId": org});
    let (status, made) = client.call(Method::POST, "/api/admin/users", user.clone());
    let id = made["id"].as_u64().unwrap();
    assert_eq!(status, 200);
    assert_eq!(client.call(Method::POST, "/api/admin/users", user).0, 412);
    assert_eq!(client.get("/api/users/lookup?loginOrEmail=a%40acme.test").1["id"], id);
    assert_eq!(client.get("/api/users/lookup?loginOrEmail=nobody").0, 404);
    // Whoever is made within an organisation is its viewer already, and in no other one.
    let members = format!("/api/orgs/{org}/users");
    assert_eq!(client.call(Method::POST, &members, json!({"loginOrEmail": "acme", "role": "Editor"})).0, 409);
    assert_eq!(client.call(Method::PATCH, &format!("{members}/{id}"), json!({"role": "Editor"})).0, 200);
    assert_eq!(client.get(&members).1[1]["role"], "Editor");
    assert!(!server.with(|grafana| grafana.orgs[&1].members.contains_key(&id)));
    // And whoever is made without one lands among all the others.
    client.call(Method::POST, "/api/admin/users", json!({"login": "lost", "password": "canary"}));
    assert!(server.with(|grafana| grafana.orgs[&1].members.contains_key(&(id + 1))));

    assert_eq!((client.delete(&format!("/api/orgs/{org}")), client.delete(&format!("/api/orgs/{org}"))), (200, 404));
    assert_eq!(client.delete(&format!("/api/admin/users/{id}")), 200);
    assert!(server.with(|grafana| grafana.user("acme").is_none()));
}

#[test]
fn cloudflare_hostnames_move_on_while_one_looks() {
    let server = Server::start(Cloudflare::new("token", "z1", 20));
    let client = Client::new(&server, token);
    let zone = "/client/v4/zones/z1/custom_hostnames";
    let body = |name: &str| json!({"hostname": name, "ssl": {"method": "http", "type": "dv"}});
    let (status, made) = client.call(Method::POST, zone, body("shop.acme.test"));
    assert_eq!((status, made["success"].as_bool()), (201, Some(true)));
    let (status, refused) = client.call(Method::POST, zone, body("shop.acme.test"));
    assert_eq!((status, refused["errors"][0]["code"].as_u64()), (409, Some(1406)));
    let list = format!("{zone}?hostname=shop.acme.test");
    let look = || {
        let found = &client.get(&list).1["result"][0];
        (found["status"].as_str().unwrap().to_owned(), found["ssl"]["status"].as_str().unwrap().to_owned())
    };
    let seen: Vec<_> = (0..6).map(|_| look()).collect();
    assert_eq!(seen[0], ("pending".to_owned(), "initializing".to_owned()));
    assert_eq!(seen[3], ("active".to_owned(), "pending_deployment".to_owned()));
    assert_eq!(seen[5], ("active".to_owned(), "active".to_owned()));

    let path = format!("{zone}/{}", made["result"]["id"].as_str().unwrap());
    server.with(|cloudflare| cloudflare.outcome = Outcome::ValidationTimedOut);
    assert_eq!(client.call(Method::PATCH, &path, json!({"ssl": {"method": "txt"}})).0, 200);
    let seen: Vec<_> = (0..3).map(|_| look().1).collect();
    assert_eq!(seen, ["pending_validation", "validation_timed_out", "validation_timed_out"]);
    assert_eq!((client.delete(&path), client.delete(&path)), (200, 404));
    assert_eq!(client.get(&list).1["result_info"]["total_count"], 0);
    assert_eq!(Client::new(&server, |request| request.bearer_auth("x")).get(zone).0, 403);
}

#[test]
fn neon_takes_a_name_twice_and_locks_its_project() {
    let server = Server::start(Neon::new("token", "p1"));
    let client = Client::new(&server, token);
    let branches = "/api/v2/projects/p1/branches";
    let body = json!({"branch": {"name": "acme"}, "endpoints": [{"type": "read_write"}]});
    let (status, made) = client.call(Method::POST, branches, body.clone());
    assert_eq!(status, 201);
    let uri = made["connection_uris"][0]["connection_uri"].as_str().unwrap();
    let (branch, operation) = (made["branch"]["id"].as_str().unwrap(), made["operations"][0]["id"].as_str().unwrap());
    assert_eq!(client.call(Method::POST, branches, body).0, 423);
    let status = || client.get(&format!("/api/v2/projects/p1/operations/{operation}")).1["operation"]["status"].clone();
    assert_eq!((status(), status()), (json!("running"), json!("finished")));
    // The second one of the name has no compute, and nobody can connect to it.
    let (status, second) = client.call(Method::POST, branches, json!({"branch": {"name": "acme"}}));
    assert_eq!((status, second.get("connection_uris")), (201, None));
    assert_eq!(server.with(|neon| neon.named("acme").len()), 2);

    let mut cursor = String::new();
    let mut names = Vec::new();
    loop {
        let page = client.get(&format!("{branches}?limit=2&cursor={cursor}")).1;
        names.extend(page["branches"].as_array().unwrap().iter().map(|branch| branch["name"].clone()));
        let Some(next) = page["pagination"]["next"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!(names, ["main", "acme", "acme"]);

    let revealed = client.get(&format!("{branches}/{branch}/roles/app_owner/reveal_password")).1;
    assert!(uri.contains(revealed["password"].as_str().unwrap()));
    let again = format!("/api/v2/projects/p1/connection_uri?branch_id={branch}&database_name=app&role_name=app_owner");
    assert_eq!(client.get(&again).1["uri"], uri);
    assert_eq!(client.delete(&format!("{branches}/br-main-000000")), 422);
    let branch = format!("{branches}/{branch}");
    assert_eq!((client.delete(&branch), client.delete(&branch)), (200, 204));
}

#[test]
fn the_proxy_manager_wants_a_login_and_strict_bodies() {
    let server = Server::start(NginxProxyManager::new("a@b.test", "secret"));
    let open = Client::new(&server, |request| request);
    let wrong = json!({"identity": "a@b.test", "secret": "wrong"});
    assert_eq!(open.call(Method::POST, "/api/tokens", wrong).0, 400);
    let login = json!({"identity": "a@b.test", "secret": "secret"});
    let (status, session) = open.call(Method::POST, "/api/tokens", login);
    assert_eq!((status, server.writes()), (200, 0));
    assert_eq!(session["token"], "eyJ.8.1");

    let hosts = "/api/nginx/proxy-hosts";
    let client = Client::new(&server, |request| request.bearer_auth("eyJ.8.1"));
    let body = |name: &str| json!({"domain_names": [name], "forward_scheme": "http", "forward_host": "web", "forward_port": 80});
    let (status, made) = client.call(Method::POST, hosts, body("acme.test"));
    assert_eq!((status, &made["meta"]), (201, &json!({})));
    let look = |host: &Value| client.get(&format!("{hosts}/{}", host["id"])).1["meta"]["nginx_online"].clone();
    assert_eq!(look(&made), true);
    let (status, refused) = client.call(Method::POST, hosts, body("acme.test"));
    assert_eq!((status, refused["error"]["message"].as_str()), (400, Some("acme.test is already in use")));
    let mut unknown = body("other.test");
    unknown["tenant"] = json!("acme");
    assert_eq!(client.call(Method::POST, hosts, unknown).0, 400);
    assert_eq!(client.call(Method::POST, hosts, json!({"domain_names": ["x.test"]})).0, 400);

    // Made, and dead: only `meta` tells, and only afterwards.
    server.with(|manager| manager.nginx_error = Some("unknown directive".to_owned()));
    let (status, dead) = client.call(Method::POST, hosts, body("dead.test"));
    assert_eq!((status, look(&dead)), (201, json!(false)));
    server.with(|manager| manager.nginx_error = None);
    let path = format!("{hosts}/{}", dead["id"]);
    assert_eq!(client.call(Method::PUT, &path, body("acme.test")).0, 400);
    assert_eq!(client.call(Method::PUT, &path, json!({"forward_port": 81})).1["meta"]["nginx_online"], true);
    assert_eq!(client.get(&format!("{hosts}?query=dead")).1.as_array().unwrap().len(), 1);
    assert_eq!((client.delete(&path), client.delete(&path)), (200, 404));
    server.with(|manager| manager.tokens.clear());
    assert_eq!((client.get(hosts).0, open.get(hosts).0), (400, 403));
}

/// What a client sees of a fault: the status with the body's text, or that the exchange failed.
fn exchange(server: &Server<Websites>, method: Method) -> Result<(u16, String), ()> {
    let client = Client::new(server, token);
    let request = client.http.request(method, format!("{}/api/v1/websites", server.url())).bearer_auth("token");
    let request = request.json(&shop("a", "a.test")).timeout(Duration::from_millis(300));
    client.runtime.block_on(async {
        let answer = request.send().await.map_err(|_| ())?;
        Ok((answer.status().as_u16(), answer.text().await.map_err(|_| ())?))
    })
}

#[test]
fn faults_hit_once_and_do_what_they_say() {
    let refuse = Fault::Refuse { status: 429, retry_after: Some("2") };
    let redirect = Fault::Redirect("http://127.0.0.1:1/".to_owned());
    // fault, status (none where the exchange fails), whether the text is JSON
    let cases = [
        (refuse, Some(429), true),
        (Fault::FailAfterwards, Some(500), true),
        (Fault::Stall, None, false),
        (Fault::StallAfterwards, None, false),
        (Fault::CloseBefore, None, false),
        (Fault::CloseAfterwards, None, false),
        (Fault::Page, Some(200), false),
        (Fault::Truncate, Some(201), false),
        (Fault::Cut, None, false),
        (redirect, Some(307), false),
    ];
    for (fault, status, json) in cases {
        let server = Server::start(Websites::new("token", 10));
        let works = fault.does_the_work();
        server.plant(On::Method("POST"), fault.clone());
        assert!(exchange(&server, Method::GET).is_ok_and(|(status, _)| status == 200), "{fault:?} hit a GET");
        let seen = exchange(&server, Method::POST);
        assert_eq!(seen.as_ref().ok().map(|(status, _)| *status), status, "{fault:?}");
        let text = seen.map(|(_, text)| text).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Value>(&text).is_ok(), json, "{fault:?}: {text}");
        assert_eq!(server.with(|websites| websites.websites.len()), usize::from(works), "{fault:?}");
        assert_eq!((server.faults_waiting(), server.requests(), server.writes()), (0, 2, 1), "{fault:?}");
        assert_eq!(exchange(&server, Method::GET).map(|(status, _)| status), Ok(200), "after {fault:?}");
    }
}

#[test]
fn a_flood_is_a_hundred_megabytes_of_json() {
    let server = Server::start(Websites::new("token", 10));
    server.plant(On::After(1), Fault::Flood);
    let client = Client::new(&server, token);
    assert_eq!(client.get("/api/v1/websites").1["meta"]["total"], 0);
    let (status, flood) = client.get("/api/v1/websites");
    let size: usize = flood.as_array().unwrap().iter().map(|text| text.as_str().unwrap().len()).sum();
    assert_eq!((status, size), (200, 100 * (1_000_000 - 3)));
}

#[test]
fn a_refusal_says_when_to_come_back() {
    let server = Server::start(Websites::new("token", 10));
    server.plant(On::EveryMethod("GET"), Fault::Refuse { status: 503, retry_after: Some("7") });
    let client = Client::new(&server, token);
    for _ in 0..2 {
        let answer = client.runtime.block_on(client.http.get(server.url()).send()).unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (503, "7"));
    }
    server.clear_faults();
    assert_eq!(client.get("/api/v1/websites").0, 200);
    let answered: Vec<Option<u16>> = server.log().iter().map(|logged| logged.status).collect();
    assert_eq!(answered, [None, None, Some(200)]);
    server.forget();
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_stand_in_ends_with_its_value() {
    let server = Server::start(Websites::new("token", 10));
    server.plant(On::Every, Fault::Stall);
    assert!(exchange(&server, Method::GET).is_err());
    let url = server.url();
    drop(server);
    let client = reqwest::Client::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(runtime.block_on(client.get(url).send()).unwrap_err().is_connect());
}
