//! `httpResource`: an object behind a JSON API, as a document declares it.
//!
//! An observer reports only what the declaration speaks of: values at its pointers, and what its `${…}` refer to. So
//! nothing else of an answer, whatever an API puts there, is kept, compared or shown.
//!
//! The claim stands in the object, at `claimAt`, and comes into being with it. Where an object has no place for it the
//! secret store is the ledger: the entry of the resource, which is written before the object is made and only if its
//! key is free, holds the claim. An object that is there before that entry is not ours. What remains is a window
//! between that write and the creation: whoever makes an object of that very name then, makes it ours.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;
use serde_json::Value;

use super::{Action, Allow, Asked, Kind, Refusal, Verb, claim::Owner};
use crate::provision::{
    self, Wanted,
    http::{Call, HttpResourceSpec, Login, Lookup, Need, ReadyWhen, Reveal},
    variables::{self, Scope},
};

#[cfg(test)]
mod tests;

/// The kind `httpResource`.
#[derive(Debug)]
pub struct HttpResource;

/// What the API says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// The objects that match: one, or none yet.
    pub objects: Vec<Object>,
    /// What references to needed objects stand for, for those that were found: `needs.org.id` → 5.
    pub needs: Values,
}

/// References, or pointers, and their values.
pub type Values = BTreeMap<String, Value>;

/// An object that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Whose it is.
    pub owner: Owner,
    /// The values at the pointers of `wanted` and `readyWhen`; `null` where there is none.
    pub at: Values,
    /// What references to it stand for: `found.id` → 789.
    pub found: Values,
    /// Whether the stored password lets it in; none where that is not to be tried.
    pub login: Option<bool>,
    /// Fields of the secret that come with an answer and are not stored; empty where that is not known.
    pub awaited: Vec<String>,
}

/// One request that writes; or one that waits, or asks again for what must be stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum HttpAction {
    /// Make the object.
    Create {
        /// The resource.
        name: String,
        /// What the references in the request stand for.
        values: Values,
    },
    /// Change it.
    Update {
        /// The resource.
        name: String,
        /// What differs, from → to.
        differences: Vec<String>,
        /// What the references in the request stand for.
        values: Values,
    },
    /// Set its password to the stored one.
    SetPassword {
        /// The resource.
        name: String,
        /// What the references in the request stand for.
        values: Values,
    },
    /// Ask again for fields of the secret whose answer was lost.
    Reveal {
        /// The resource.
        name: String,
        /// The fields.
        fields: Vec<String>,
        /// What the references in the request stand for.
        values: Values,
    },
    /// Wait until it is ready.
    Await {
        /// The resource.
        name: String,
        /// What it waits for.
        until: Vec<String>,
    },
    /// Remove it.
    Delete {
        /// The resource.
        name: String,
        /// What the references in the request stand for.
        values: Values,
    },
    /// Remove what this run made, if it is still exactly that.
    Withdraw {
        /// The resource.
        name: String,
    },
}

impl Action for HttpAction {
    fn verb(&self) -> Verb {
        match self {
            HttpAction::Create { .. } => Verb::Create,
            HttpAction::Update { .. }
            | HttpAction::SetPassword { .. }
            | HttpAction::Reveal { .. }
            | HttpAction::Await { .. } => Verb::Change,
            HttpAction::Delete { .. } | HttpAction::Withdraw { .. } => Verb::Remove,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            HttpAction::Create { .. } => "http-create-object",
            HttpAction::Update { .. } => "http-update-object",
            HttpAction::SetPassword { .. } => "http-set-password",
            HttpAction::Reveal { .. } => "http-reveal-fields",
            HttpAction::Await { .. } => "http-await-object",
            HttpAction::Delete { .. } => "http-delete-object",
            HttpAction::Withdraw { .. } => "http-withdraw-object",
        }
    }
}

impl fmt::Display for HttpAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HttpAction::Create { name, values: _ } => write!(f, "create object `{name}`"),
            HttpAction::Update { name, differences, values: _ } => {
                write!(f, "update object `{name}`: {}", differences.join(", "))
            }
            HttpAction::SetPassword { name, values: _ } => write!(f, "set the password of `{name}`"),
            HttpAction::Reveal { name, fields, values: _ } => {
                write!(f, "ask `{name}` again for {}", fields.join(", "))
            }
            HttpAction::Await { name, until } => write!(f, "wait until `{name}` is ready: {}", until.join(", ")),
            HttpAction::Delete { name, values: _ } => write!(f, "delete object `{name}`"),
            HttpAction::Withdraw { name } => write!(f, "delete object `{name}`, which was made just now"),
        }
    }
}

/// Returns the pointers whose values an observer reports.
pub fn pointers(spec: &HttpResourceSpec) -> BTreeSet<&str> {
    let ready = spec.ready_when.iter().flat_map(|ReadyWhen { ready, failed, .. }| ready.keys().chain(failed.keys()));
    spec.wanted.keys().chain(ready).map(String::as_str).collect()
}

/// Returns the references, of all requests and wanted values, that an observer finds the values of.
pub fn references(spec: &HttpResourceSpec) -> BTreeSet<&str> {
    let HttpResourceSpec {
        // A need is looked up before anything is known.
        needs: _,
        lookup: Lookup { call: search, items: _, matching, containing, pages: _, detail: _, absent: _ },
        create,
        update,
        delete,
        wanted,
        claim_at: _,
        ready_when: _,
        secret: _,
        login,
        reveal,
    } = spec;
    let login = login.iter().flat_map(|Login { username: _, password: _, proof, refused: _, set }| [proof, set]);
    let reveal = reveal.iter().map(|Reveal { call, fields: _ }| call);
    let calls = [search, create].into_iter().chain(update).chain(delete).chain(login).chain(reveal);
    let values = wanted.values().chain(matching.values()).chain(containing.values());
    calls
        .flat_map(references_of)
        .chain(values.flat_map(variables::references))
        .filter(|reference| variables::scope(reference) == Scope::Seen)
        .collect()
}

/// Returns the references of a request.
pub fn references_of(call: &Call) -> BTreeSet<&str> {
    let Call { method: _, path, query, headers, body, expect: _, taken: _, idempotency_header: _, repeatable: _ } =
        call;
    let texts = std::iter::once(path).chain(query.values()).chain(headers.values());
    texts.flat_map(|text| variables::references_in(text)).chain(body.iter().flat_map(variables::references)).collect()
}

/// How far an object is from being ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It is ready.
    Ready,
    /// It is not yet, and this is what is missing.
    Waiting(Vec<String>),
    /// It never will be, and this is what says so.
    Failed(String),
}

/// Returns how far an object with these values at its pointers is from being ready.
pub fn readiness(ready_when: Option<&ReadyWhen>, at: &Values) -> Readiness {
    let Some(ReadyWhen { ready, failed, interval_seconds: _, timeout_seconds: _ }) = ready_when else {
        return Readiness::Ready;
    };
    let value = |pointer: &str| at.get(pointer).unwrap_or(&Value::Null);
    if let Some((pointer, _)) = failed.iter().find(|(pointer, values)| values.contains(value(pointer))) {
        return Readiness::Failed(format!("`{pointer}` is {}", shown(value(pointer))));
    }
    let missing = ready.iter().filter(|(pointer, values)| !values.contains(value(pointer)));
    let missing: Vec<String> =
        missing.map(|(pointer, _)| format!("`{pointer}` is {}", shown(value(pointer)))).collect();
    if missing.is_empty() { Readiness::Ready } else { Readiness::Waiting(missing) }
}

/// A value as people read it in a step: short, on one line.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl Kind for HttpResource {
    const KIND: provision::Kind = provision::Kind::HttpResource;
    type Spec = HttpResourceSpec;
    type Seen = Seen;
    type Action = HttpAction;

    fn decide(asked: Asked<'_, HttpResourceSpec>, seen: &Seen, allow: &Allow) -> Result<Vec<HttpAction>, Refusal> {
        let wanted = asked.wanted;
        let adopts = allow.adopts(Self::KIND, &wanted.name);
        let Some(object) = the_one(wanted, seen, adopts)? else { return Ok(creation(wanted, seen)) };
        let (name, spec) = (wanted.name.clone(), &wanted.spec);
        let mut actions = Vec::new();
        let differences = differences(spec, object, &seen.needs);
        let lost: Vec<String> = match &spec.reveal {
            Some(Reveal { call: _, fields }) => {
                object.awaited.iter().filter(|field| !fields.contains_key(*field)).cloned().collect()
            }
            None => object.awaited.clone(),
        };
        let unreachable = if !lost.is_empty() {
            Some(format!("the answer that held {} was lost", lost.join(", ")))
        } else if !differences.is_empty() && spec.update.is_none() {
            Some(differences.join(", "))
        } else {
            None
        };
        if let Some(difference) = unreachable {
            if !allow.replace || spec.delete.is_none() {
                return Err(Refusal::Replacement { what: format!("object `{name}`"), difference });
            }
            actions.push(deletion(wanted, object, seen));
            actions.extend(creation(wanted, seen));
            return Ok(actions);
        }
        if !differences.is_empty()
            && let Some(update) = &spec.update
        {
            actions.push(HttpAction::Update { name: name.clone(), differences, values: values(update, object, seen) });
        }
        if object.login == Some(false)
            && let Some(login) = &spec.login
        {
            actions.push(HttpAction::SetPassword { name: name.clone(), values: values(&login.set, object, seen) });
        }
        if !object.awaited.is_empty()
            && let Some(Reveal { call, fields: _ }) = &spec.reveal
        {
            let (fields, values) = (object.awaited.clone(), values(call, object, seen));
            actions.push(HttpAction::Reveal { name: name.clone(), fields, values });
        }
        // A change may take it out of its state: the wait then comes after it.
        let until = match readiness(spec.ready_when.as_ref(), &object.at) {
            Readiness::Ready if actions.is_empty() => Vec::new(),
            Readiness::Ready => awaited(spec),
            Readiness::Waiting(missing) => missing,
            Readiness::Failed(why) => vec![why],
        };
        if !until.is_empty() {
            actions.push(HttpAction::Await { name, until });
        }
        Ok(actions)
    }

    fn destroy(asked: Asked<'_, HttpResourceSpec>, seen: &Seen) -> Result<Vec<HttpAction>, Refusal> {
        let wanted = asked.wanted;
        let ours: Vec<&Object> = seen.objects.iter().filter(|object| object.owner == Owner::Ours).collect();
        if let (Some(other), true) = (seen.objects.first(), ours.is_empty())
            && let Some(refusal) = Refusal::of(&other.owner, Self::KIND, wanted, false)
        {
            return Err(refusal);
        }
        if !ours.is_empty() && wanted.spec.delete.is_none() {
            return Err(Refusal::Impossible {
                what: format!("object `{}` is there, and nothing says how to delete it", wanted.name),
                help: "delete it by hand, or declare `delete` in the tier".to_owned(),
            });
        }
        Ok(ours.into_iter().map(|object| deletion(wanted, object, seen)).collect())
    }

    fn undo(action: &HttpAction) -> Vec<HttpAction> {
        match action {
            HttpAction::Create { name, values: _ } => vec![HttpAction::Withdraw { name: name.clone() }],
            HttpAction::Update { .. }
            | HttpAction::SetPassword { .. }
            | HttpAction::Reveal { .. }
            | HttpAction::Await { .. }
            | HttpAction::Delete { .. }
            | HttpAction::Withdraw { .. } => Vec::new(),
        }
    }

    fn makes_anew(actions: &[HttpAction]) -> bool {
        actions.iter().any(|action| matches!(action, HttpAction::Create { .. }))
    }

    fn exists(_: Asked<'_, HttpResourceSpec>, seen: &Seen) -> bool {
        !seen.objects.is_empty()
    }
}

/// Returns the object that is meant: ours, or the only one where it may be taken over.
fn the_one<'s>(wanted: &Wanted<HttpResourceSpec>, seen: &'s Seen, adopts: bool) -> Result<Option<&'s Object>, Refusal> {
    let in_object = wanted.spec.claim_at.is_some();
    let ours: Vec<&Object> = seen.objects.iter().filter(|object| object.owner == Owner::Ours).collect();
    match (ours.as_slice(), seen.objects.as_slice()) {
        (_, []) => Ok(None),
        // Where objects carry their claim, others may match beside ours; where they do not, nobody can tell which is.
        ([one], all) if in_object || all.len() == 1 => Ok(Some(one)),
        ([], [one]) => match Refusal::of(&one.owner, HttpResource::KIND, wanted, adopts) {
            Some(refusal) => Err(refusal),
            None => Ok(Some(one)),
        },
        ([], [first, ..]) if !adopts && in_object => {
            Refusal::of(&first.owner, HttpResource::KIND, wanted, false).map_or(Ok(Some(first)), Err)
        }
        (_, all) => Err(Refusal::Impossible {
            what: format!("{} objects match the lookup of `{}`", all.len(), wanted.name),
            help: "remove all but one by hand, or let `matching` tell them apart".to_owned(),
        }),
    }
}

fn creation(wanted: &Wanted<HttpResourceSpec>, seen: &Seen) -> Vec<HttpAction> {
    let (name, spec) = (wanted.name.clone(), &wanted.spec);
    let create = HttpAction::Create { name: name.clone(), values: known(&spec.create, &seen.needs) };
    let until = awaited(spec);
    let wait = (!until.is_empty()).then_some(HttpAction::Await { name, until });
    std::iter::once(create).chain(wait).collect()
}

fn deletion(wanted: &Wanted<HttpResourceSpec>, object: &Object, seen: &Seen) -> HttpAction {
    let values = wanted.spec.delete.as_ref().map(|delete| values(delete, object, seen)).unwrap_or_default();
    HttpAction::Delete { name: wanted.name.clone(), values }
}

/// What is waited for when nothing is known of the object yet.
fn awaited(spec: &HttpResourceSpec) -> Vec<String> {
    let ready = spec.ready_when.iter().flat_map(|ready_when| &ready_when.ready);
    let either = |values: &[Value]| values.iter().map(shown).collect::<Vec<_>>().join(" or ");
    ready.map(|(pointer, values)| format!("`{pointer}` becomes {}", either(values))).collect()
}

/// Returns what the references of a request stand for.
pub fn values(call: &Call, object: &Object, seen: &Seen) -> Values {
    let mut values = known(call, &seen.needs);
    values.extend(known(call, &object.found));
    values
}

fn known(call: &Call, values: &Values) -> Values {
    let found = references_of(call).into_iter().filter_map(|reference| values.get_key_value(reference));
    found.map(|(reference, value)| (reference.clone(), value.clone())).collect()
}

/// Returns whether an object is exactly what is wanted.
pub fn unchanged(spec: &HttpResourceSpec, object: &Object, seen: &Seen) -> bool {
    differences(spec, object, &seen.needs).is_empty()
}

fn differences(spec: &HttpResourceSpec, object: &Object, needs: &Values) -> Vec<String> {
    let look_up = |reference: &str| needs.get(reference).or_else(|| object.found.get(reference)).cloned();
    let mut differences = Vec::new();
    if object.owner != Owner::Ours && spec.claim_at.is_some() {
        differences.push("claim".to_owned());
    }
    for (pointer, wanted) in &spec.wanted {
        let found = object.at.get(pointer).unwrap_or(&Value::Null);
        let to = match variables::complete(wanted, &look_up) {
            Ok(wanted) if wanted == *found => continue,
            Ok(wanted) => shown(&wanted),
            // What it refers to is not there yet: the performer looks again.
            Err(_) => shown(wanted),
        };
        differences.push(format!("`{pointer}` {} → {to}", shown(found)));
    }
    differences
}

/// Returns the ids of the resources that a resource comes after.
pub fn after(spec: &HttpResourceSpec) -> impl Iterator<Item = &str> {
    spec.needs.values().filter_map(|Need { after, lookup: _ }| after.as_deref())
}
