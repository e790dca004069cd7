//! Writes to an API, one request for each.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use super::{
    observe::{needs, seen},
    request::Request,
    search::Search,
    server::Server,
};
use crate::{
    engine::{Look, Perform, Secret, Trouble, TroubleKind, points, service::Answers, web::Answer},
    provision::{
        http::{Call, HttpResourceSpec, Method, ReadyWhen, Reveal},
        secret::SecretField,
    },
    steps::{
        Action,
        claim::Owner,
        http::{HttpAction, HttpResource, Object, Readiness, Seen, Values, readiness, unchanged, values},
    },
};

/// The first pause between two looks at an object that is not ready; each is twice as long, up to the declared one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The header of an answer that was given before to the same idempotency key, as Stripe names it.
const REPEATED: &str = "idempotent-replayed";

/// How often an object can go and be made anew while the server remembers its keys, a day usually.
const MOST_KEYS: usize = 100;

/// What this run knows of a resource from its own requests.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Memory {
    /// It was asked to be made, and what came of it is not known.
    Unknown,
    /// It was made, by the server's word.
    Made,
    /// It is there already, by the server's words.
    Taken(String),
    /// The wait for it was given up.
    NotReady,
}

/// Writes objects.
pub struct Performer {
    server: Rc<Server>,
    memory: RefCell<BTreeMap<(String, String), Memory>>,
}

impl Performer {
    /// Returns the writer of an API.
    pub fn new(server: &Rc<Server>) -> Self {
        Self { server: Rc::clone(server), memory: RefCell::default() }
    }

    fn memory(&self, look: Look<'_, HttpResourceSpec>) -> Option<Memory> {
        self.memory.borrow().get(&key(look)).cloned()
    }

    fn remember(&self, look: Look<'_, HttpResourceSpec>, memory: Memory) {
        self.memory.borrow_mut().insert(key(look), memory);
    }

    async fn create(
        &self,
        look: Look<'_, HttpResourceSpec>,
        action: &HttpAction,
        known: &Values,
    ) -> Result<Answers, Trouble> {
        let call = &look.wanted().spec.create;
        let mut request = self.request(look, call, action, known).await?;
        self.may_create(call, self.memory(look).as_ref(), &request.what)?;
        let Some(header) = &call.idempotency_header else {
            return self.create_once(look, &request).await.map(|made| made.0);
        };
        let mut key = idempotency_key(look, action, call, known);
        for _ in 0..MOST_KEYS {
            request.headers.retain(|(name, _)| name != header);
            request.headers.push((header.clone(), key.clone()));
            let (answers, answer) = self.create_once(look, &request).await?;
            // Nothing was made now, but once before: by another run that is there at the same time, or for an object
            // that has gone since.
            let repeated = answer.headers.get(REPEATED).is_some_and(|value| value == "true");
            if !repeated || !seen(&self.server, &Search::new(&self.server), look).await?.objects.is_empty() {
                return Ok(answers);
            }
            key = next_key(&key, &answer);
        }
        let why = format!("{MOST_KEYS} idempotency keys have been used up for it");
        Err(self.server.trouble(TroubleKind::Busy, &request.what).because(why))
    }

    /// Asks once for the object to be made, and remembers what came of it.
    async fn create_once(
        &self,
        look: Look<'_, HttpResourceSpec>,
        request: &Request,
    ) -> Result<(Answers, Answer), Trouble> {
        self.remember(look, Memory::Unknown);
        let answer = self.server.send(request).await?;
        if let Err(trouble) = self.judge(&answer, &look.wanted().spec.create, request) {
            match trouble.kind() {
                TroubleKind::Exists => self.remember(look, Memory::Taken(trouble.line())),
                // It was refused: nothing was made, and it may be tried again.
                _ if answer.status.is_client_error() => drop(self.memory.borrow_mut().remove(&key(look))),
                _ => {}
            }
            return Err(trouble);
        }
        let body = self.server.body(&answer, request)?;
        self.remember(look, Memory::Made);
        Ok((answers(look, &body), answer))
    }

    /// Keeps a POST from making a second object where nothing else does.
    fn may_create(&self, call: &Call, memory: Option<&Memory>, what: &str) -> Result<(), Trouble> {
        let is_safe = call.repeatable || call.idempotency_header.is_some() || call.method != Method::Post;
        let why = match memory {
            Some(Memory::Unknown) if !is_safe && !points::planted("http-blind-retry") => {
                "what came of the request before is not known yet, and another could make a second object"
            }
            Some(Memory::Made) if !is_safe && !points::planted("http-blind-retry") => {
                "the server has made it, and the lookup does not find it yet"
            }
            Some(Memory::Taken(said)) => {
                let why = "the lookup does not find it: somebody else's object holds its name, or a setting is refused";
                return Err(Trouble::new(TroubleKind::Refused, said.clone()).because(why));
            }
            _ => return Ok(()),
        };
        Err(self.server.trouble(TroubleKind::Busy, what).because(why))
    }

    /// Sends one request that is no creation.
    async fn send(
        &self,
        look: Look<'_, HttpResourceSpec>,
        call: &Call,
        action: &HttpAction,
        known: &Values,
    ) -> Result<Value, Trouble> {
        let request = self.request(look, call, action, known).await?;
        let answer = self.server.send(&request).await?;
        self.judge(&answer, call, &request)?;
        self.server.body(&answer, &request)
    }

    /// Fills a request in. What it needs may have been made since the look that the decision was based on.
    async fn request(
        &self,
        look: Look<'_, HttpResourceSpec>,
        call: &Call,
        action: &HttpAction,
        known: &Values,
    ) -> Result<Request, Trouble> {
        let asked = crate::steps::http::references_of(call);
        let lacks = asked.iter().any(|reference| reference.starts_with("needs.") && !known.contains_key(*reference));
        let needs = if lacks { needs(&Search::new(&self.server), look).await? } else { Values::new() };
        let value = |reference: &str| known.get(reference).or_else(|| needs.get(reference)).cloned();
        Request::new(call, &verb(action), &value, look.entry)
    }

    fn judge(&self, answer: &Answer, call: &Call, request: &Request) -> Result<(), Trouble> {
        let status = answer.status.as_u16();
        if call.expect.contains(&status) {
            return Ok(());
        }
        if call.taken.contains(&status) && call.method == Method::Post {
            if points::planted("http-exists-is-success") {
                return Ok(());
            }
            return Err(Trouble::new(TroubleKind::Exists, self.server.refusal(answer, request).line()));
        }
        let trouble = self.server.refusal(answer, request);
        match trouble.kind() {
            // A conflict with something else: looking again at this object tells nothing.
            TroubleKind::Exists => Err(Trouble::new(TroubleKind::Refused, trouble.line())),
            _ => Err(trouble),
        }
    }

    /// Looks until the object is ready, says that it never will be, or its time is over.
    async fn wait(&self, look: Look<'_, HttpResourceSpec>, what: &str) -> Result<(), Trouble> {
        let Some(ready_when) = &look.wanted().spec.ready_when else { return Ok(()) };
        let ReadyWhen { interval_seconds, timeout_seconds, ready: _, failed: _ } = ready_when;
        let gave_up = self.memory(look) == Some(Memory::NotReady);
        let allowed = Duration::from_secs(if gave_up { 0 } else { u64::from(*timeout_seconds) });
        let (until, longest) = (Instant::now() + allowed, Duration::from_secs((*interval_seconds).into()));
        let mut pause = FIRST_PAUSE;
        loop {
            let seen = seen(&self.server, &Search::new(&self.server), look).await?;
            let missing = match ours(&seen).map(|object| readiness(Some(ready_when), &object.at)) {
                Some(Readiness::Ready) => return Ok(()),
                Some(Readiness::Failed(why)) => {
                    let why = format!("it will not become ready: {why}");
                    return Err(self.server.trouble(TroubleKind::Refused, what).because(why));
                }
                Some(Readiness::Waiting(missing)) => missing.join(", "),
                None => "it is not found".to_owned(),
            };
            if Instant::now() + pause > until {
                self.remember(look, Memory::NotReady);
                let why = format!("it is not ready after {timeout_seconds} s: {missing}");
                return Err(self.server.trouble(TroubleKind::Busy, what).because(why));
            }
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// Removes what this run made, if nobody has changed it since.
    async fn withdraw(&self, look: Look<'_, HttpResourceSpec>, action: &HttpAction) -> Result<(), Trouble> {
        let refused = |why: &str| Err(self.server.trouble(TroubleKind::Refused, &verb(action)).because(why));
        let Some(delete) = &look.wanted().spec.delete else { return refused("nothing says how to delete it") };
        let seen = seen(&self.server, &Search::new(&self.server), look).await?;
        match ours(&seen) {
            None if seen.objects.is_empty() => Ok(()),
            Some(object) if unchanged(&look.wanted().spec, object, &seen) => {
                let values = values(delete, object, &seen);
                self.send(look, delete, action, &values).await.map(drop)
            }
            _ => refused("it is not what was made any more"),
        }
    }
}

impl Perform<HttpResource> for Performer {
    async fn perform(&self, look: Look<'_, HttpResourceSpec>, action: &HttpAction) -> Result<Answers, Trouble> {
        let spec = &look.wanted().spec;
        let undeclared = || self.server.trouble(TroubleKind::Setup, &verb(action)).because("nothing says how");
        match action {
            HttpAction::Create { name: _, values } => return self.create(look, action, values).await,
            HttpAction::Update { name: _, differences: _, values } => {
                let call = spec.update.as_ref().ok_or_else(undeclared)?;
                self.send(look, call, action, values).await?;
            }
            HttpAction::SetPassword { name: _, values } => {
                let login = spec.login.as_ref().ok_or_else(undeclared)?;
                self.send(look, &login.set, action, values).await?;
            }
            HttpAction::Reveal { name: _, fields, values } => {
                let Reveal { call, fields: pointers } = spec.reveal.as_ref().ok_or_else(undeclared)?;
                let body = self.send(look, call, action, values).await?;
                let asked =
                    fields.iter().filter_map(|field| Some((field.clone(), body.pointer(pointers.get(field)?)?)));
                return Ok(asked.filter_map(|(field, value)| Some((field, secret(value)?))).collect());
            }
            HttpAction::Await { name: _, until: _ } => self.wait(look, &verb(action)).await?,
            HttpAction::Delete { name: _, values } => {
                let call = spec.delete.as_ref().ok_or_else(undeclared)?;
                self.send(look, call, action, values).await?;
            }
            HttpAction::Withdraw { name: _ } => self.withdraw(look, action).await?,
        }
        Ok(Answers::new())
    }
}

fn key(look: Look<'_, HttpResourceSpec>) -> (String, String) {
    (look.asked.claim.uid.clone(), look.wanted().id.clone())
}

/// Completes "failed to …", without what differs.
fn verb(action: &HttpAction) -> String {
    let text = action.to_string();
    text.split_once("`: ").map_or(text.clone(), |(verb, _)| format!("{verb}`"))
}

fn ours(seen: &Seen) -> Option<&Object> {
    let mut ours = seen.objects.iter().filter(|object| object.owner == Owner::Ours);
    ours.next().filter(|_| ours.next().is_none())
}

/// Values of an answer that must be stored. What it lacks is seen by the next look.
fn answers(look: Look<'_, HttpResourceSpec>, body: &Value) -> Answers {
    let fields = look.wanted().secret.iter().flat_map(|secret| &secret.fields);
    let found = fields.filter_map(|(name, field)| match field {
        SecretField::Answer(pointer) => Some((name.clone(), secret(body.pointer(pointer)?)?)),
        SecretField::Value(_) | SecretField::Generated(_) => None,
    });
    found.collect()
}

fn secret(value: &Value) -> Option<Secret> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Secret::new(text.as_str())),
        other => Some(Secret::new(other.to_string())),
    }
}

/// One key for one wish: the same tenant, resource, step and settings ask with the same key in every run.
fn idempotency_key(look: Look<'_, HttpResourceSpec>, action: &HttpAction, call: &Call, values: &Values) -> String {
    let wanted = look.wanted();
    digest(&json!([look.asked.claim.uid, wanted.connection, wanted.id, action.name(), call, values]))
}

/// Returns the key after one that has been used up: its object was made, and has gone since. It follows from that key and
/// from what was answered, so that two runs that find this at once still ask with one key.
fn next_key(key: &str, answer: &Answer) -> String {
    digest(&json!([key, String::from_utf8_lossy(&answer.body)]))
}

fn digest(value: &Value) -> String {
    hex::encode(Sha256::digest(value.to_string()))
}
