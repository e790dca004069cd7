//! Cloudflare for SaaS: custom hostnames of one zone, whose two states move on while one looks.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Api, Request};

/// What each look moves a hostname through: its own state, and that of its certificate.
const STAGES: [(&str, &str); 5] = [
    ("pending", "initializing"),
    ("pending", "pending_validation"),
    ("pending_provisioned", "pending_issuance"),
    ("active", "pending_deployment"),
    ("active", "active"),
];

/// Where validation begins again after a change.
const VALIDATION: usize = 1;

/// How it will go with a hostname.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It becomes active.
    Active,
    /// Its certificate is never validated, until the wait runs out at Cloudflare.
    ValidationTimedOut,
    /// Nobody ever sets the DNS record: it stays where it is.
    Waiting,
    /// Cloudflare will not have the name.
    Blocked,
}

/// A custom hostname.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomHostname {
    /// The name; unique in the zone.
    pub hostname: String,
    /// The certificate's settings, as they were sent.
    pub ssl: Value,
    /// The owner's own notes, as they were sent.
    pub custom_metadata: Value,
    /// How many looks it has seen.
    pub stage: usize,
    /// How it will go.
    pub outcome: Outcome,
}

impl CustomHostname {
    /// Returns its own state and that of its certificate.
    pub fn states(&self) -> (&'static str, &'static str) {
        let stage = self.stage.min(STAGES.len() - 1);
        match (self.outcome, stage) {
            (Outcome::Active, stage) | (Outcome::ValidationTimedOut | Outcome::Blocked, stage @ 0..=VALIDATION) => {
                STAGES[stage]
            }
            (Outcome::Waiting, stage) => STAGES[stage.min(VALIDATION)],
            (Outcome::ValidationTimedOut, _) => ("pending", "validation_timed_out"),
            (Outcome::Blocked, _) => ("blocked", "pending_validation"),
        }
    }
}

/// A zone's custom hostnames.
pub struct Cloudflare {
    token: String,
    zone: String,
    page_size: usize,
    next_id: u64,
    /// How it will go with the hostnames that are made from now on.
    pub outcome: Outcome,
    /// All hostnames by id.
    pub hostnames: BTreeMap<String, CustomHostname>,
}

impl Cloudflare {
    /// A zone without hostnames.
    pub fn new(token: &str, zone: &str, page_size: usize) -> Self {
        Self {
            token: token.to_owned(),
            zone: zone.to_owned(),
            page_size,
            next_id: 0,
            outcome: Outcome::Active,
            hostnames: BTreeMap::new(),
        }
    }

    /// Adds somebody's hostname, past the API.
    pub fn add(&mut self, hostname: &str) -> String {
        self.insert(hostname, json!({"method": "http", "type": "dv"}), Value::Null)
    }

    /// Returns a hostname and its id.
    pub fn hostname(&self, hostname: &str) -> Option<(&String, &CustomHostname)> {
        self.hostnames.iter().find(|(_, found)| found.hostname == hostname)
    }

    fn insert(&mut self, hostname: &str, ssl: Value, custom_metadata: Value) -> String {
        self.next_id += 1;
        let id = format!("{:032x}", 0x0d89_c70d_ad0f_u64 + self.next_id);
        let hostname = hostname.to_owned();
        let made = CustomHostname { hostname, ssl, custom_metadata, stage: 0, outcome: self.outcome };
        self.hostnames.insert(id.clone(), made);
        id
    }

    /// Gives one page of hostnames; whoever is looked at moves on afterwards.
    fn list(&mut self, request: &Request) -> Answer {
        let wanted = request.query.get("hostname");
        let found: Vec<String> = self
            .hostnames
            .iter()
            .filter(|(_, found)| wanted.is_none_or(|hostname| found.hostname == *hostname))
            .map(|(id, _)| id.clone())
            .collect();
        let page = request.number("page").unwrap_or(1).max(1);
        let size = request.number("per_page").unwrap_or(self.page_size).clamp(1, self.page_size);
        let ids: Vec<&String> = found.iter().skip((page - 1) * size).take(size).collect();
        let result: Vec<Value> = ids.iter().filter_map(|id| self.look(id)).collect();
        let info = json!({
            "page": page, "per_page": size, "count": result.len(), "total_count": found.len(),
            "total_pages": found.len().div_ceil(size),
        });
        let body = json!({"success": true, "errors": [], "messages": [], "result": result, "result_info": info});
        Answer::json(200, body)
    }

    fn look(&mut self, id: &str) -> Option<Value> {
        let shown = self.show(id)?;
        self.hostnames.get_mut(id)?.stage += 1;
        Some(shown)
    }

    fn show(&self, id: &str) -> Option<Value> {
        let found = self.hostnames.get(id)?;
        let (status, certificate) = found.states();
        let mut ssl = found.ssl.clone();
        ssl["status"] = json!(certificate);
        ssl["id"] = json!(format!("ssl-{id}"));
        if certificate == "pending_validation" {
            let url = format!("http://{}/.well-known/pki-validation/{id}.txt", found.hostname);
            ssl["validation_records"] = json!([{"http_url": url, "http_body": "token"}]);
        }
        let record = format!("_cf-custom-hostname.{}", found.hostname);
        let mut shown = json!({
            "id": id, "hostname": found.hostname, "status": status, "ssl": ssl,
            "ownership_verification": {"type": "txt", "name": record, "value": id},
        });
        if !found.custom_metadata.is_null() {
            shown["custom_metadata"] = found.custom_metadata.clone();
        }
        Some(shown)
    }

    fn create(&mut self, request: &Request) -> Answer {
        let Some(hostname) = request.text("hostname").filter(|hostname| hostname.contains('.')) else {
            return refusal(400, 1411, "The hostname is invalid.");
        };
        if self.hostname(hostname).is_some() {
            return refusal(409, 1406, "Duplicate custom hostname found.");
        }
        let body = request.body.clone().unwrap_or_default();
        let ssl = if body["ssl"].is_object() { body["ssl"].clone() } else { json!({}) };
        let id = self.insert(hostname, ssl, body["custom_metadata"].clone());
        success(201, self.show(&id))
    }

    /// A change of anything starts validation again.
    fn update(&mut self, id: &str, request: &Request) -> Answer {
        let outcome = self.outcome;
        let Some(found) = self.hostnames.get_mut(id) else { return absent() };
        let body = request.body.clone().unwrap_or_default();
        if body["ssl"].is_object() {
            found.ssl = body["ssl"].clone();
        }
        if !body["custom_metadata"].is_null() {
            found.custom_metadata = body["custom_metadata"].clone();
        }
        (found.stage, found.outcome) = (VALIDATION, outcome);
        success(200, self.show(id))
    }
}

impl Api for Cloudflare {
    fn answer(&mut self, request: &Request) -> Answer {
        if request.bearer() != Some(&self.token) {
            return refusal(403, 10000, "Authentication error");
        }
        let (method, segments) = request.route();
        let ["client", "v4", "zones", zone, "custom_hostnames", rest @ ..] = &segments[..] else {
            return refusal(404, 7003, "Could not route to the requested object.");
        };
        if *zone != self.zone {
            return refusal(404, 7003, "Could not route to the requested zone.");
        }
        match (method, rest) {
            ("GET", []) => self.list(request),
            ("POST", []) => self.create(request),
            ("GET", [id]) => self.look(id).map_or_else(absent, |found| success(200, Some(found))),
            ("PATCH", [id]) => self.update(id, request),
            ("DELETE", [id]) => match self.hostnames.remove(*id) {
                Some(_) => success(200, Some(json!({"id": id}))),
                None => absent(),
            },
            _ => refusal(405, 10000, "Method not allowed for this endpoint."),
        }
    }
}

fn success(status: u16, result: Option<Value>) -> Answer {
    Answer::json(status, json!({"success": true, "errors": [], "messages": [], "result": result}))
}

fn absent() -> Answer {
    refusal(404, 1436, "The custom hostname was not found.")
}

fn refusal(status: u16, code: u32, message: &str) -> Answer {
    let errors = [json!({"code": code, "message": message})];
    Answer::json(status, json!({"success": false, "errors": errors, "messages": [], "result": null}))
}
