//! The flagship's register of shops: one record per shop, below `/api/v1/websites`, for a service token.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Answer, Api, Request};

const STATES: [&str; 4] = ["trial", "active", "suspended", "deleting"];

/// A shop's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Website {
    /// Given by the register.
    pub id: u64,
    /// What customers read.
    pub name: String,
    /// Unique.
    pub domain: String,
    /// Who owns it; not unique: a tenant may have several shops.
    pub tenant_id: String,
    /// Who owns it, for ever; kept as it was sent.
    pub owner: Option<String>,
    /// The subscription that pays for it.
    pub subscription_id: Option<String>,
    /// What was bought.
    pub tier: String,
    /// One of `trial active suspended deleting`.
    pub status: String,
}

/// The register.
pub struct Websites {
    token: String,
    page_size: usize,
    next_id: u64,
    /// All shops by id.
    pub websites: BTreeMap<u64, Website>,
    /// What each idempotency key was used for, and what was answered.
    keys: BTreeMap<String, (Option<Value>, Answer)>,
}

impl Websites {
    /// An empty register that takes `token`, and gives at most `page_size` records per page.
    pub fn new(token: &str, page_size: usize) -> Self {
        Self { token: token.to_owned(), page_size, next_id: 789, websites: BTreeMap::new(), keys: BTreeMap::new() }
    }

    /// Adds somebody's shop, past the API.
    pub fn add(&mut self, tenant_id: &str, domain: &str) -> u64 {
        let id = self.next_id();
        let website = Website {
            id,
            name: format!("{tenant_id} Store"),
            domain: domain.to_owned(),
            tenant_id: tenant_id.to_owned(),
            owner: None,
            subscription_id: None,
            tier: "basic".to_owned(),
            status: "active".to_owned(),
        };
        self.websites.insert(id, website);
        id
    }

    /// Lets a day pass: what idempotency keys were used for is forgotten.
    pub fn a_day_passes(&mut self) {
        self.keys.clear();
    }

    /// Returns the shops of a tenant.
    pub fn of(&self, tenant_id: &str) -> Vec<Website> {
        self.websites.values().filter(|website| website.tenant_id == tenant_id).cloned().collect()
    }

    fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn list(&self, request: &Request) -> Answer {
        let wanted = request.query.get("tenant_id");
        let found: Vec<&Website> =
            self.websites.values().filter(|website| wanted.is_none_or(|id| website.tenant_id == *id)).collect();
        let page = request.number("page").unwrap_or(1).max(1);
        let data: Vec<_> = found.iter().skip((page - 1) * self.page_size).take(self.page_size).collect();
        let last = found.len().div_ceil(self.page_size).max(1);
        let meta = json!({"current_page": page, "last_page": last, "per_page": self.page_size, "total": found.len()});
        Answer::json(200, json!({"data": data, "meta": meta}))
    }

    /// The same key with the same body gets the same answer, even after the record has gone.
    fn create_once(&mut self, request: &Request) -> Answer {
        let Some(key) = request.headers.get("idempotency-key") else { return self.create(request) };
        match self.keys.get(key) {
            Some((body, _)) if *body != request.body => refusal(422, "this idempotency key was used with another body"),
            Some((_, answer)) => {
                let mut answer = answer.clone();
                answer.headers.push(("idempotent-replayed", "true".to_owned()));
                answer
            }
            None => {
                let answer = self.create(request);
                self.keys.insert(key.clone(), (request.body.clone(), answer.clone()));
                answer
            }
        }
    }

    fn create(&mut self, request: &Request) -> Answer {
        let Some(body) = request.body.as_ref().and_then(Value::as_object) else {
            return refusal(400, "the body must be a JSON object");
        };
        if let Some(missing) =
            ["name", "domain", "tenant_id", "tier", "status"].into_iter().find(|key| !body.contains_key(*key))
        {
            return invalid(missing, "is required");
        }
        let mut website = Website {
            id: 0,
            name: String::new(),
            domain: String::new(),
            tenant_id: String::new(),
            owner: None,
            subscription_id: None,
            tier: String::new(),
            status: String::new(),
        };
        if let Err(answer) = self.change(&mut website, body) {
            return answer;
        }
        website.id = self.next_id();
        self.websites.insert(website.id, website.clone());
        Answer::json(201, json!(website))
    }

    fn update(&mut self, id: u64, request: &Request) -> Answer {
        let Some(mut website) = self.websites.get(&id).cloned() else { return absent() };
        let Some(body) = request.body.as_ref().and_then(Value::as_object) else {
            return refusal(400, "the body must be a JSON object");
        };
        if let Err(answer) = self.change(&mut website, body) {
            return answer;
        }
        self.websites.insert(id, website.clone());
        Answer::json(200, json!(website))
    }

    /// Takes the fields of a body over; fields that the register does not know are left out, as it does.
    fn change(&self, website: &mut Website, body: &Map<String, Value>) -> Result<(), Answer> {
        for (key, value) in body {
            let text = || value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            let required = || text().ok_or_else(|| invalid(key, "must be a text"));
            match key.as_str() {
                "name" => website.name = required()?,
                "domain" => website.domain = required()?,
                "tenant_id" => website.tenant_id = required()?,
                "tier" => website.tier = required()?,
                "status" => website.status = required()?,
                "owner" => website.owner = text(),
                "subscription_id" => website.subscription_id = text(),
                _ => {}
            }
        }
        if !STATES.contains(&website.status.as_str()) {
            return Err(invalid("status", "is none of trial, active, suspended, deleting"));
        }
        if self.websites.values().any(|other| other.domain == website.domain && other.id != website.id) {
            return Err(refusal(409, "the domain is taken"));
        }
        Ok(())
    }
}

impl Api for Websites {
    fn answer(&mut self, request: &Request) -> Answer {
        if request.bearer() != Some(&self.token) {
            return refusal(401, "unauthenticated");
        }
        let (method, segments) = request.route();
        let Some(rest) = segments.strip_prefix(&["api", "v1", "websites"]) else { return absent() };
        let id = rest.first().and_then(|id| id.parse().ok());
        match (method, rest.len(), id) {
            ("GET", 0, _) => self.list(request),
            ("POST", 0, _) => self.create_once(request),
            ("GET", 1, Some(id)) => self.websites.get(&id).map_or_else(absent, |found| Answer::json(200, json!(found))),
            ("PATCH", 1, Some(id)) => self.update(id, request),
            ("DELETE", 1, Some(id)) => match self.websites.remove(&id) {
                Some(_) => Answer::empty(204),
                None => absent(),
            },
            (_, 0, _) | (_, 1, Some(_)) => refusal(405, "method not allowed"),
            _ => absent(),
        }
    }
}

fn refusal(status: u16, message: &str) -> Answer {
    Answer::json(status, json!({"message": message}))
}

fn absent() -> Answer {
    refusal(404, "not found")
}

fn invalid(field: &str, why: &str) -> Answer {
    let message = format!("the {field} {why}");
    Answer::json(422, json!({"message": message, "errors": {field: [message]}}))
}
