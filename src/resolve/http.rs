//! Settings of an `httpResource` with the plan filled in: where any JSON may stand a value keeps its type, in a path it
//! is one part, elsewhere it is text.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::provision::{
    http::{Call, HttpResourceSpec, Login, Lookup, Need, Reveal},
    secret::SecretField,
    variables,
};

/// Returns the settings without any reference to the plan.
pub(super) fn filled(spec: &HttpResourceSpec, look_up: &impl Fn(&str) -> Option<Value>) -> HttpResourceSpec {
    let call = |wanted: &Call| call(wanted, look_up);
    let HttpResourceSpec { needs, lookup, create, update, delete, wanted, claim_at, ready_when, secret, login, reveal } =
        spec;
    let need = |Need { after, lookup }: &Need| Need { after: after.clone(), lookup: self::lookup(lookup, look_up) };
    HttpResourceSpec {
        needs: needs.iter().map(|(name, wanted)| (name.clone(), need(wanted))).collect(),
        lookup: self::lookup(lookup, look_up),
        create: call(create),
        update: update.as_ref().map(call),
        delete: delete.as_ref().map(call),
        wanted: values(wanted, look_up),
        claim_at: claim_at.clone(),
        ready_when: ready_when.clone(),
        secret: fields(secret, look_up),
        login: login.as_ref().map(|Login { username, password, proof, refused, set }| Login {
            username: username.clone(),
            password: password.clone(),
            proof: call(proof),
            refused: refused.clone(),
            set: call(set),
        }),
        reveal: reveal.as_ref().map(|Reveal { call: ask, fields }| Reveal { call: call(ask), fields: fields.clone() }),
    }
}

fn lookup(wanted: &Lookup, look_up: &impl Fn(&str) -> Option<Value>) -> Lookup {
    let Lookup { call: search, items, matching, containing, pages, detail, absent } = wanted;
    Lookup {
        call: call(search, look_up),
        items: items.clone(),
        matching: values(matching, look_up),
        containing: values(containing, look_up),
        pages: pages.clone(),
        detail: detail.as_ref().map(|detail| call(detail, look_up)),
        absent: absent.clone(),
    }
}

fn call(wanted: &Call, look_up: &impl Fn(&str) -> Option<Value>) -> Call {
    let Call { method, path, query, headers, body, expect, taken, idempotency_header, repeatable } = wanted;
    let texts = |map: &BTreeMap<String, String>| {
        map.iter().map(|(key, text)| (key.clone(), variables::fill_text(text, look_up))).collect()
    };
    Call {
        method: *method,
        path: variables::fill_path(path, look_up),
        query: texts(query),
        headers: texts(headers),
        body: body.clone().map(|body| variables::fill(body, look_up)),
        expect: expect.clone(),
        taken: taken.clone(),
        idempotency_header: idempotency_header.clone(),
        repeatable: *repeatable,
    }
}

fn values(map: &BTreeMap<String, Value>, look_up: &impl Fn(&str) -> Option<Value>) -> BTreeMap<String, Value> {
    map.iter().map(|(key, value)| (key.clone(), variables::fill(value.clone(), look_up))).collect()
}

/// Returns the fields of an entry with their texts as they are stored: nothing is left for the engine in them.
pub(super) fn fields(
    fields: &BTreeMap<String, SecretField>,
    look_up: &impl Fn(&str) -> Option<Value>,
) -> BTreeMap<String, SecretField> {
    let known = |reference: &str| Some(look_up(reference).unwrap_or_default());
    let field = |field: &SecretField| match field {
        SecretField::Value(text) => SecretField::Value(variables::complete_text(text, &known).unwrap_or_default()),
        SecretField::Generated(_) | SecretField::Answer(_) => field.clone(),
    };
    fields.iter().map(|(key, wanted)| (key.clone(), field(wanted))).collect()
}
