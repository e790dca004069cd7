//! What an API has of resources.

use std::rc::Rc;

use futures::{StreamExt, stream};
use serde_json::Value;

use super::{request::Request, search::Search, server::Server};
use crate::{
    engine::{Look, Observe, Trouble, TroubleKind, connections::Login, points},
    provision::{
        http::{self, HttpResourceSpec},
        secret::SecretField,
        variables,
    },
    steps::{
        claim::Owner,
        credential::CLAIM_FIELD,
        http::{HttpResource, Object, Seen, Values, pointers, references, references_of},
    },
};

/// How many resources are looked for at a time.
const AT_ONCE: usize = 8;

/// Reads objects.
pub struct Observer(Rc<Server>);

impl Observer {
    /// Returns the reader of an API.
    pub fn new(server: &Rc<Server>) -> Self {
        Self(Rc::clone(server))
    }
}

impl Observe<HttpResource> for Observer {
    async fn observe(&self, looks: &[Look<'_, HttpResourceSpec>]) -> Vec<Result<Seen, Trouble>> {
        // Resources that look into one list read it once.
        let search = Search::new(&self.0);
        stream::iter(looks).map(|look| seen(&self.0, &search, *look)).buffered(AT_ONCE).collect().await
    }
}

/// Looks for one resource.
pub(super) async fn seen(
    server: &Server,
    search: &Search<'_>,
    look: Look<'_, HttpResourceSpec>,
) -> Result<Seen, Trouble> {
    let spec = &look.wanted().spec;
    let verb = format!("look for `{}`", look.wanted().name);
    let needs = needs(search, look).await?;
    let known = |reference: &str| needs.get(reference).cloned();
    let asks_for_missing = {
        let lookup = &spec.lookup;
        let values = lookup.matching.values().chain(lookup.containing.values()).flat_map(variables::references);
        let mut asked = references_of(&lookup.call).into_iter().chain(values);
        asked.any(|reference| reference.starts_with("needs.") && !needs.contains_key(reference))
    };
    // What lies within an object that is not there is not there either.
    let found = if asks_for_missing { Vec::new() } else { search.find(&spec.lookup, &verb, &known).await? };
    let mut objects = Vec::with_capacity(found.len());
    for found in &found {
        objects.push(object(server, look, found, &needs).await?);
    }
    Ok(Seen { objects, needs })
}

/// Looks for the objects that a resource needs. One that is not there leaves its references without a value.
pub(super) async fn needs(search: &Search<'_>, look: Look<'_, HttpResourceSpec>) -> Result<Values, Trouble> {
    let spec = &look.wanted().spec;
    let mut values = Values::new();
    for (name, http::Need { after: _, lookup }) in &spec.needs {
        let verb = format!("look for `{name}`, which `{}` needs", look.wanted().name);
        let found = search.find(lookup, &verb, &|_| None).await?;
        let [object] = found.as_slice() else {
            if found.is_empty() {
                continue;
            }
            let why = format!("{} objects match", found.len());
            return Err(Trouble::new(TroubleKind::Refused, format!("failed to {verb}")).because(why));
        };
        for reference in references(spec) {
            let of_some = reference.strip_prefix("needs.").and_then(|rest| rest.split_once('.'));
            if let Some((_, keys)) = of_some.filter(|(of, _)| of == name)
                && let Some(value) = variables::follow(object, keys)
            {
                values.insert(reference.to_owned(), value.clone());
            }
        }
    }
    Ok(values)
}

async fn object(
    server: &Server,
    look: Look<'_, HttpResourceSpec>,
    found: &Value,
    needs: &Values,
) -> Result<Object, Trouble> {
    let spec = &look.wanted().spec;
    let at = pointers(spec).into_iter().map(|pointer| {
        let value = found.pointer(pointer).cloned().unwrap_or_default();
        (pointer.to_owned(), value)
    });
    let values = references(spec).into_iter().filter_map(|reference| {
        let value = variables::follow(found, reference.strip_prefix("found.")?)?;
        Some((reference.to_owned(), value.clone()))
    });
    let (at, values): (Values, Values) = (at.collect(), values.collect());
    let owner = owner(look, found);
    // Nobody's password but our own tenant's is tried.
    let login = match (&spec.login, &owner) {
        (Some(login), Owner::Ours) => proof(server, look, login, &values, needs).await?,
        _ => None,
    };
    Ok(Object { owner, at, found: values, login, awaited: awaited(look) })
}

/// Whose an object is, by its own word, or by the ledger where it has no place for one.
fn owner(look: Look<'_, HttpResourceSpec>, found: &Value) -> Owner {
    let claim = look.asked.claim;
    if points::planted("http-skip-claim") {
        return Owner::Ours;
    }
    match &look.wanted().spec.claim_at {
        Some(pointer) => Owner::of(found.pointer(pointer).and_then(Value::as_str), claim),
        None => owner_by_ledger(look),
    }
}

/// Whose an object is that has no place for a claim, by the entry of its resource.
pub fn owner_by_ledger(look: Look<'_, HttpResourceSpec>) -> Owner {
    match look.entry {
        Some(entry) => Owner::of(entry.get(CLAIM_FIELD).map(|secret| secret.expose()), look.asked.claim),
        // Looking at thousands of tenants, entries are not read; that there is one has to do.
        None if look.asked.stored => Owner::Ours,
        None => Owner::Unmarked,
    }
}

/// Fields of the secret that come with an answer, and are not stored.
pub fn awaited(look: Look<'_, HttpResourceSpec>) -> Vec<String> {
    let (Some(entry), Some(secret)) = (look.entry, &look.wanted().secret) else { return Vec::new() };
    let fields = secret.fields.iter().filter(|(_, field)| matches!(field, SecretField::Answer(_)));
    fields.map(|(name, _)| name.clone()).filter(|name| entry.get(name).is_none()).collect()
}

/// Tries the stored password.
async fn proof(
    server: &Server,
    look: Look<'_, HttpResourceSpec>,
    login: &http::Login,
    found: &Values,
    needs: &Values,
) -> Result<Option<bool>, Trouble> {
    let Some(request) = as_tenant(look, &login.proof, found, needs)? else { return Ok(None) };
    let answer = server.read(&request).await?;
    let status = answer.status.as_u16();
    if login.proof.expect.contains(&status) {
        Ok(Some(true))
    } else if login.refused.contains(&status) {
        Ok(Some(false))
    } else {
        Err(server.refusal(&answer, &request))
    }
}

/// Returns a request that the tenant's own user sends; nothing where no password is stored yet.
pub(super) fn as_tenant(
    look: Look<'_, HttpResourceSpec>,
    call: &http::Call,
    found: &Values,
    needs: &Values,
) -> Result<Option<Request>, Trouble> {
    let (Some(entry), Some(login)) = (look.entry, &look.wanted().spec.login) else { return Ok(None) };
    let (Some(username), Some(password)) = (entry.get(&login.username), entry.get(&login.password)) else {
        return Ok(None);
    };
    let value = |reference: &str| found.get(reference).or_else(|| needs.get(reference)).cloned();
    let mut request = Request::new(call, &format!("log in as `{}`", look.wanted().name), &value, None)?;
    request.basic = Some(Login { username: username.expose().to_owned(), password: password.clone() });
    request.confidential = true;
    Ok(Some(request))
}
