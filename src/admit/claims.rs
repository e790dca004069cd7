//! What documents claim for themselves alone: a tenant, its uid, and names on servers, by whatever connection.

use std::collections::BTreeMap;

use crate::{
    check::{documents::Read, targets},
    diag::{Code, Diagnostic},
    name::Target,
    provision::{Document, Head, Kind, Resource, connection::Connection},
};

/// A name on a server. Two connections that reach one server are one server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    server: String,
    /// Databases, users and entries are name spaces of their own.
    space: &'static str,
    name: String,
}

/// Where something is said: the number of the document, and a JSON pointer into it.
type At = (usize, String);

/// Finds claims that were made before.
pub(super) fn check(documents: &[Read<'_>], findings: &mut Vec<Diagnostic>) {
    let mut tenants: BTreeMap<&str, At> = BTreeMap::new();
    let mut uids: BTreeMap<String, At> = BTreeMap::new();
    let mut claims: BTreeMap<Claim, (String, At)> = BTreeMap::new();
    let twice = |code, second: &At, first: &At, message: String, help: &str| {
        let [place, first] = [second, first].map(|(document, pointer)| documents[*document].place(pointer));
        let tenant = documents[second.0].document.metadata.tenant.clone();
        Diagnostic::new(code, place, message, help).of_tenant(tenant).with_related(first, "the first one")
    };
    for (at, read) in documents.iter().enumerate() {
        let metadata = &read.document.metadata;
        let (name, uid) = ((at, "/metadata/tenant".to_owned()), (at, "/metadata/uid".to_owned()));
        if let Some(first) = tenants.get(metadata.tenant.as_str()) {
            let message = format!("there is another document of tenant `{}`", metadata.tenant.escape_debug());
            let help = "keep one: which of two would be right, nobody could tell";
            findings.push(twice(Code::DuplicateDocument, &name, first, message, help));
            // What they claim is the same, and was said with that.
            continue;
        }
        tenants.insert(&metadata.tenant, name);
        let text = metadata.uid.to_ascii_lowercase();
        match uids.get(&text) {
            Some(first) if !text.is_empty() => {
                let help = "render the tree again: the uid decides whose an outside object is";
                let message = "another tenant has this uid";
                findings.push(twice(Code::DuplicateUid, &uid, first, message.to_owned(), help));
            }
            _ => drop(uids.insert(text, uid)),
        }
        for (number, resource) in read.document.resources.iter().enumerate() {
            for (claim, part) in claimed(&read.document, resource) {
                let place = (at, format!("/resources/{number}/{part}"));
                let owner = format!("`{}` of tenant `{}`", resource.id(), metadata.tenant);
                let Some((other, first)) = claims.get(&claim) else {
                    claims.insert(claim, (owner, place));
                    continue;
                };
                let message = format!("`{}` is claimed by {other} already", claim.name.escape_debug());
                let help = "give them names of their own: see `naming` in `tenantry.yaml`, and render the tree again";
                findings.push(twice(Code::ClaimedTwice, &place, first, message, help));
            }
        }
    }
}

/// Returns what a document claims: what it is, its name, and what tells it from claims of other documents.
pub(super) fn of(document: &Document) -> impl Iterator<Item = (&'static str, String, String)> {
    document.resources.iter().flat_map(|resource| claimed(document, resource)).map(|(claim, _)| {
        let Claim { server, space, name } = claim;
        let key = format!("{server} {space} {name}");
        (space, name, key)
    })
}

/// Returns what a resource claims, each with where in the resource it says so.
fn claimed(document: &Document, resource: &Resource) -> Vec<(Claim, &'static str)> {
    let Head { kind, id: _, connection, name, user, secret } = resource.head();
    let mut claims = Vec::new();
    if let Some(found) = document.connections.get(connection) {
        let server = server(connection, found);
        let claim = |space, name: &str| Claim { server: server.clone(), space, name: name.to_owned() };
        match targets(kind) {
            [first, rest @ ..] => {
                let space = first.key();
                // Schemas of two databases of one server are two schemas.
                claims.push(match resource {
                    Resource::PostgresSchema(wanted) => (
                        Claim { server: format!("{server}/{}", wanted.spec.database), space, name: name.to_owned() },
                        "name",
                    ),
                    _ => (claim(space, name), "name"),
                });
                let users = rest.last().unwrap_or(first).key();
                if let Some(user) = user.filter(|user| users != space || *user != name) {
                    claims.push((claim(users, user), "user"));
                }
            }
            // The entry is the resource.
            [] if kind == Kind::Secret => {}
            [] => claims.push((claim(kind.name(), name), "name")),
        }
    }
    if let Some(secret) = secret
        && let Some(found) = document.connections.get(&secret.store)
    {
        let server = server(&secret.store, found);
        claims.push((Claim { server, space: Target::Secret.key(), name: secret.key.clone() }, "secret/key"));
    }
    claims
}

/// Returns what tells a server from others, whatever the connection is called.
fn server(name: &str, connection: &Connection) -> String {
    let kind = connection.kind();
    let at = |address: &str| format!("{kind} {}", address.trim_end_matches('/').to_ascii_lowercase());
    match connection {
        Connection::Mysql { host, port, .. }
        | Connection::Postgres { host, port, .. }
        | Connection::Redis { host, port, .. } => at(&format!("{host}:{port}")),
        Connection::ObjectStore { endpoint, .. } => at(endpoint),
        Connection::Rabbitmq { management_url, .. } => at(management_url),
        Connection::Http { url, .. } => at(url),
        Connection::Vault { url, mount, .. } => format!("{}/{}", at(url), mount.trim_matches('/')),
        Connection::AwsSecretsManager { region, endpoint, .. } => {
            format!("{} {region}", at(endpoint.as_deref().unwrap_or_default()))
        }
        Connection::KubernetesSecrets { namespace } => at(namespace),
        Connection::Directory { path } => format!("{kind} {}", path.trim_end_matches('/')),
        // Each connection of a sandbox is a server of its own.
        Connection::Sandbox { path } => format!("{kind} {} {name}", path.trim_end_matches('/')),
    }
}
