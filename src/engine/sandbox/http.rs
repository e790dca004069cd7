//! The stand-in of all JSON APIs of a connection: it keeps what a declaration wants of an object, gives it an id, and
//! becomes ready when it is waited for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Observer, Performer, Prober, State, digest};
use crate::{
    engine::{
        Access, Look, Observe, Perform, Probe, Secret, Trouble, TroubleKind,
        http::{awaited, owner_by_ledger},
        service::Answers,
    },
    provision::{
        Wanted,
        http::{HttpResourceSpec, ReadyWhen, Reveal},
        secret::SecretField,
        variables,
    },
    steps::{
        Action,
        claim::Owner,
        http::{HttpAction, HttpResource, Object as SeenObject, Seen, Values, pointers, references},
    },
};

/// What the APIs keep.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// Objects by the name of their resource.
    pub objects: BTreeMap<String, Object>,
    /// The id that was given last.
    pub last_id: u64,
}

/// An object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Given by the API.
    pub id: u64,
    /// The text of its claim, where it has a place for one.
    pub claim: Option<String>,
    /// Values at its pointers.
    pub values: Values,
    /// The digest of its password.
    pub password: Option<String>,
    /// Whether it is ready.
    pub ready: bool,
}

impl Server {
    /// Returns what references to needed objects stand for: the id of the one that another resource makes.
    fn needs(&self, look: Look<'_, HttpResourceSpec>) -> Values {
        let spec = &look.wanted().spec;
        let value = |reference: &str| {
            let (name, _) = reference.strip_prefix("needs.")?.split_once('.')?;
            match &spec.needs.get(name)?.after {
                Some(after) => Some(json!(self.objects.get(&format!("{}/{after}", look.asked.claim.tenant))?.id)),
                None => Some(json!(0)),
            }
        };
        references(spec).into_iter().filter_map(|reference| Some((reference.to_owned(), value(reference)?))).collect()
    }

    /// Returns the values that are wanted, with what they refer to filled in.
    fn wanted(&self, look: Look<'_, HttpResourceSpec>, id: u64) -> Values {
        let needs = self.needs(look);
        let value = |reference: &str| match reference.strip_prefix("found.") {
            Some(_) => Some(json!(id)),
            None => needs.get(reference).cloned(),
        };
        let filled = |wanted: &Value| variables::complete(wanted, &value).unwrap_or_default();
        look.wanted().spec.wanted.iter().map(|(pointer, wanted)| (pointer.clone(), filled(wanted))).collect()
    }

    fn seen(&self, look: Look<'_, HttpResourceSpec>) -> Seen {
        let spec = &look.wanted().spec;
        let found = self.objects.get(&look.wanted().name);
        let objects = found.map(|object| {
            let Object { id, claim, values, password, ready } = object;
            let at = pointers(spec).into_iter().map(|pointer| {
                let wanted = values.get(pointer).cloned();
                let value = wanted.or_else(|| state(spec, pointer, *ready)).unwrap_or_default();
                (pointer.to_owned(), value)
            });
            let references = references(spec).into_iter().filter(|reference| reference.starts_with("found."));
            let stored = spec.login.as_ref().and_then(|login| look.entry?.get(&login.password)).map(digest);
            SeenObject {
                owner: match spec.claim_at {
                    Some(_) => Owner::of(claim.as_deref(), look.asked.claim),
                    None => owner_by_ledger(look),
                },
                at: at.collect(),
                found: references.map(|reference| (reference.to_owned(), json!(id))).collect(),
                login: stored.map(|stored| password.as_ref() == Some(&stored)),
                awaited: awaited(look),
            }
        });
        Seen { objects: objects.into_iter().collect(), needs: self.needs(look) }
    }
}

/// The first of the values that mean ready, once it is.
fn state(spec: &HttpResourceSpec, pointer: &str, ready: bool) -> Option<Value> {
    let ReadyWhen { ready: values, .. } = spec.ready_when.as_ref()?;
    values.get(pointer)?.first().filter(|_| ready).cloned()
}

impl Observe<HttpResource> for Observer {
    async fn observe(&self, looks: &[Look<'_, HttpResourceSpec>]) -> Vec<Result<Seen, Trouble>> {
        let mut seen = Vec::with_capacity(looks.len());
        for look in looks {
            seen.push(self.0.read("look for an object", |state| Ok(state.http.seen(*look))).await);
        }
        seen
    }
}

impl Perform<HttpResource> for Performer {
    async fn perform(&self, look: Look<'_, HttpResourceSpec>, action: &HttpAction) -> Result<Answers, Trouble> {
        self.0.write(action.name(), |state| write(state, look, action)).await
    }
}

fn write(state: &mut State, look: Look<'_, HttpResourceSpec>, action: &HttpAction) -> Result<Answers, Trouble> {
    let (name, spec) = (&look.wanted().name, &look.wanted().spec);
    let missing = || Trouble::new(TroubleKind::Missing, format!("sandbox: there is no object `{name}`"));
    let password = || spec.login.as_ref().and_then(|login| look.entry?.get(&login.password)).map(digest);
    let claim = || spec.claim_at.is_some().then(|| look.asked.claim.to_string());
    let server = &mut state.http;
    match action {
        HttpAction::Create { .. } => {
            if server.objects.contains_key(name) {
                return Err(Trouble::new(TroubleKind::Exists, format!("sandbox: object `{name}` is there already")));
            }
            let unmet = spec.needs.values().filter_map(|need| need.after.as_ref());
            let there = |id: &String| server.objects.contains_key(&format!("{}/{id}", look.asked.claim.tenant));
            if let Some(unmet) = unmet.into_iter().find(|id| !there(id)) {
                return Err(Trouble::new(TroubleKind::Missing, format!("sandbox: `{unmet}` is not there")));
            }
            server.last_id += 1;
            let (id, values) = (server.last_id, server.wanted(look, server.last_id));
            let object = Object { id, claim: claim(), values, password: password(), ready: spec.ready_when.is_none() };
            server.objects.insert(name.clone(), object);
            Ok(answers(look, id))
        }
        HttpAction::Update { .. } => {
            let id = server.objects.get(name).ok_or_else(missing)?.id;
            let (values, claim) = (server.wanted(look, id), claim());
            let object = server.objects.get_mut(name).ok_or_else(missing)?;
            (object.values, object.claim, object.ready) = (values, claim, spec.ready_when.is_none());
            Ok(Answers::new())
        }
        HttpAction::SetPassword { .. } => {
            server.objects.get_mut(name).ok_or_else(missing)?.password = password();
            Ok(Answers::new())
        }
        HttpAction::Reveal { fields, .. } => {
            let id = server.objects.get(name).ok_or_else(missing)?.id;
            let mut answers = answers(look, id);
            let revealed = spec.reveal.as_ref().map(|Reveal { call: _, fields }| fields);
            answers.retain(|field, _| fields.contains(field) && revealed.is_some_and(|all| all.contains_key(field)));
            Ok(answers)
        }
        HttpAction::Await { .. } => {
            server.objects.get_mut(name).ok_or_else(missing)?.ready = true;
            Ok(Answers::new())
        }
        HttpAction::Delete { .. } => server.objects.remove(name).map(|_| Answers::new()).ok_or_else(missing),
        HttpAction::Withdraw { .. } => {
            let wanted = server.objects.get(name).map(|object| server.wanted(look, object.id));
            if server.objects.get(name).map(|object| &object.values) != wanted.as_ref() {
                let why = format!("sandbox: object `{name}` is not what was made any more");
                return Err(Trouble::new(TroubleKind::Refused, why));
            }
            server.objects.remove(name);
            Ok(Answers::new())
        }
    }
}

/// What the answer to a creation brings: the same text for the same object, whenever it is asked for.
fn answers(look: Look<'_, HttpResourceSpec>, id: u64) -> Answers {
    let fields = look.wanted().secret.iter().flat_map(|secret| &secret.fields);
    let answers = fields.filter(|(_, field)| matches!(field, SecretField::Answer(_)));
    answers.map(|(field, _)| (field.clone(), Secret::new(format!("sandbox-{field}-{id}")))).collect()
}

impl Probe<HttpResource> for Prober {
    async fn probe(
        &self,
        own: Look<'_, HttpResourceSpec>,
        targets: &[&Wanted<HttpResourceSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        let Some(login) = &own.wanted().spec.login else { return Ok(Vec::new()) };
        let probe = self.0.read("try objects", |state| {
            let object = state.http.objects.get(&own.wanted().name);
            let stored = own.entry.and_then(|entry| entry.get(&login.password)).map(digest);
            if object.is_none_or(|object| object.password != stored) {
                return Err(Trouble::new(TroubleKind::Credential, "the user does not get in"));
            }
            let tries = targets.iter().map(|target| match target.name == own.wanted().name {
                true => Ok(Access::Allowed(format!("log in as `{}`", target.name))),
                false => Ok(Access::Denied),
            });
            Ok(tries.collect())
        });
        probe.await
    }
}
