//! Nginx Proxy Manager: proxy hosts, for a token that a login gives.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Answer, Api, Request};

/// All fields of a proxy host that may be sent; others are refused.
const FIELDS: [&str; 18] = [
    "domain_names",
    "forward_scheme",
    "forward_host",
    "forward_port",
    "certificate_id",
    "ssl_forced",
    "hsts_enabled",
    "hsts_subdomains",
    "http2_support",
    "block_exploits",
    "caching_enabled",
    "allow_websocket_upgrade",
    "access_list_id",
    "advanced_config",
    "enabled",
    "meta",
    "locations",
    "trust_forwarded_proto",
];

/// The proxy manager.
pub struct NginxProxyManager {
    identity: String,
    secret: String,
    /// Tokens that are valid now; a test expires one by taking it out.
    pub tokens: Vec<String>,
    /// Proxy hosts by id, as they are shown.
    pub hosts: BTreeMap<u64, Map<String, Value>>,
    /// What nginx says to configurations from now on; it takes them where `None`.
    pub nginx_error: Option<String>,
    next_id: u64,
}

impl NginxProxyManager {
    /// A proxy manager without hosts, and with one account.
    pub fn new(identity: &str, secret: &str) -> Self {
        Self {
            identity: identity.to_owned(),
            secret: secret.to_owned(),
            tokens: Vec::new(),
            hosts: BTreeMap::new(),
            nginx_error: None,
            next_id: 0,
        }
    }

    /// Adds somebody's host, past the API.
    pub fn add(&mut self, domain: &str, forward_host: &str) -> u64 {
        let body = json!({
            "domain_names": [domain], "forward_scheme": "http", "forward_host": forward_host, "forward_port": 80,
        });
        self.insert(body.as_object().unwrap())
    }

    /// Returns the hosts that answer for a domain: never more than one.
    pub fn of(&self, domain: &str) -> Vec<(u64, &Map<String, Value>)> {
        let answers = |host: &Map<String, Value>| domains(host).any(|name| name == domain);
        self.hosts.iter().filter(|(_, host)| answers(host)).map(|(id, host)| (*id, host)).collect()
    }

    fn log_in(&mut self, request: &Request) -> Answer {
        let given = (request.text("identity"), request.text("secret"));
        if given != (Some(&self.identity), Some(&self.secret)) {
            // The login refuses with 400, unlike everything behind it.
            return refusal(400, "Invalid email or password");
        }
        let token = format!("eyJ.{}.{}", self.identity.len(), self.tokens.len() + 1);
        self.tokens.push(token.clone());
        Answer::json(200, json!({"token": token, "expires": "2026-11-22T12:00:00.000Z"}))
    }

    fn list(&self, request: &Request) -> Answer {
        let search = request.query.get("query").cloned().unwrap_or_default();
        let fits = |host: &&Map<String, Value>| search.is_empty() || domains(host).any(|name| name.contains(&search));
        let mut hosts: Vec<&Map<String, Value>> = self.hosts.values().filter(fits).collect();
        hosts.sort_by_key(|host| host["domain_names"].to_string());
        Answer::json(200, json!(hosts))
    }

    fn create(&mut self, request: &Request) -> Answer {
        let body = match self.valid(request, None) {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        if let Some(missing) = FIELDS[..4].iter().find(|field| !body.contains_key(**field)) {
            return refusal(400, &format!("data must have required property '{missing}'"));
        }
        let id = self.insert(&body);
        let mut shown = self.hosts[&id].clone();
        // The answer is made before nginx has spoken: only a later look tells whether the host is up.
        shown.insert("meta".to_owned(), body.get("meta").cloned().unwrap_or_else(|| json!({})));
        Answer::json(201, json!(shown))
    }

    fn insert(&mut self, body: &Map<String, Value>) -> u64 {
        self.next_id += 1;
        let defaults = json!({
            "id": self.next_id, "owner_user_id": 1, "certificate_id": 0, "access_list_id": 0, "ssl_forced": false,
            "hsts_enabled": false, "hsts_subdomains": false, "http2_support": false, "block_exploits": false,
            "caching_enabled": false, "allow_websocket_upgrade": false, "advanced_config": "", "enabled": true,
            "meta": {}, "locations": [], "trust_forwarded_proto": false,
        });
        let Value::Object(mut host) = defaults else { unreachable!("an object stands above") };
        host.extend(body.clone());
        self.configure(&mut host);
        self.hosts.insert(self.next_id, host);
        self.next_id
    }

    fn update(&mut self, id: u64, request: &Request) -> Answer {
        let body = match self.valid(request, Some(id)) {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        let Some(mut host) = self.hosts.get(&id).cloned() else { return absent(id) };
        host.extend(body);
        if host["enabled"] == json!(true) {
            self.configure(&mut host);
        }
        self.hosts.insert(id, host.clone());
        Answer::json(200, json!(host))
    }

    /// Hands the host to nginx, whose word lands in `meta`: a refused configuration is removed, and the host is dead.
    fn configure(&self, host: &mut Map<String, Value>) {
        let meta = host.entry("meta").or_insert_with(|| json!({}));
        meta["nginx_online"] = json!(self.nginx_error.is_none());
        meta["nginx_err"] = json!(self.nginx_error);
    }

    fn valid(&self, request: &Request, id: Option<u64>) -> Result<Map<String, Value>, Answer> {
        let Some(body) = request.body.as_ref().and_then(Value::as_object) else {
            return Err(refusal(400, "data must be object"));
        };
        if body.is_empty() {
            return Err(refusal(400, "data must NOT have fewer than 1 properties"));
        }
        if body.keys().any(|key| !FIELDS.contains(&key.as_str())) {
            return Err(refusal(400, "data must NOT have additional properties"));
        }
        let type_fault = body.iter().find_map(|(key, value)| match key.as_str() {
            "domain_names" if !value.as_array().is_some_and(|names| (1..=100).contains(&names.len())) => {
                Some("data/domain_names must be an array of 1 to 100 items")
            }
            "forward_scheme" if !matches!(value.as_str(), Some("http" | "https")) => {
                Some("data/forward_scheme must be equal to one of the allowed values")
            }
            "forward_host" if !value.as_str().is_some_and(|host| !host.is_empty() && !host.contains("://")) => {
                Some("data/forward_host must be a host")
            }
            "forward_port" if !value.as_u64().is_some_and(|port| (1..=65535).contains(&port)) => {
                Some("data/forward_port must be integer")
            }
            "meta" if !value.is_object() => Some("data/meta must be object"),
            _ => None,
        });
        if let Some(fault) = type_fault {
            return Err(refusal(400, fault));
        }
        for name in domains(body) {
            if self.of(name).iter().any(|(other, _)| Some(*other) != id) {
                return Err(refusal(400, &format!("{name} is already in use")));
            }
        }
        Ok(body.clone())
    }

    fn switch(&mut self, id: u64, enabled: bool) -> Answer {
        let Some(host) = self.hosts.get_mut(&id) else { return absent(id) };
        if host["enabled"] == json!(enabled) {
            return refusal(400, &format!("Host is already {}", if enabled { "enabled" } else { "disabled" }));
        }
        host.insert("enabled".to_owned(), json!(enabled));
        if enabled {
            let mut host = host.clone();
            self.configure(&mut host);
            self.hosts.insert(id, host);
        }
        Answer::json(200, json!(true))
    }
}

impl Api for NginxProxyManager {
    fn answer(&mut self, request: &Request) -> Answer {
        let (method, segments) = request.route();
        if (method, &segments[..]) == ("POST", &["api", "tokens"]) {
            return self.log_in(request);
        }
        match request.bearer() {
            None => return refusal(403, "Permission Denied"),
            Some(token) if !self.tokens.iter().any(|valid| valid == token) => {
                return refusal(400, "Token has expired");
            }
            Some(_) => {}
        }
        let ["api", "nginx", "proxy-hosts", rest @ ..] = &segments[..] else { return refusal(404, "Not Found") };
        let id = rest.first().and_then(|id| id.parse().ok()).unwrap_or(0);
        match (method, rest) {
            ("GET", []) => self.list(request),
            ("POST", []) => self.create(request),
            ("GET", [_]) => self.hosts.get(&id).map_or_else(|| absent(id), |host| Answer::json(200, json!(host))),
            ("PUT", [_]) => self.update(id, request),
            ("DELETE", [_]) => match self.hosts.remove(&id) {
                Some(_) => Answer::json(200, json!(true)),
                None => absent(id),
            },
            ("POST", [_, "enable"]) => self.switch(id, true),
            ("POST", [_, "disable"]) => self.switch(id, false),
            _ => refusal(404, "Not Found"),
        }
    }

    fn only_reads(&self, request: &Request) -> bool {
        request.method == "GET" || request.path == "/api/tokens"
    }
}

fn domains(host: &Map<String, Value>) -> impl Iterator<Item = &str> {
    host.get("domain_names").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn absent(id: u64) -> Answer {
    refusal(404, &format!("Not Found - {id}"))
}

fn refusal(code: u16, message: &str) -> Answer {
    Answer::json(code, json!({"error": {"code": code, "message": message}}))
}
