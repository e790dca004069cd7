//! Rules on one provision document, as a rendered tree holds it: what `render` writes passes, and nothing else is
//! performed. A document is input: it may come from another version, another tool or another person.

mod names;
mod resources;

use std::sync::OnceLock;

use serde_json::Value;

use super::{
    endpoints, naming,
    places::{self, Finder, Places, below},
    shape::{Shape, shown},
    suggest,
    tenant::uid,
    times,
};
use crate::{
    diag::{Code, Diagnostic, Place},
    name::TenantName,
    provision::{API_VERSION, Document, Metadata, connection::Connection},
    raw::{schema, tenant::State},
    yaml::{self, Profile},
};

/// What every document says it is.
const KIND: &str = "Provision";

/// The states of a tenant's life, as documents name them.
const STATES: [State; 4] = [State::Trial, State::Active, State::Suspended, State::Deleting];

/// A document, and what it was read from.
pub(crate) struct Read<'f> {
    /// What it says, as far as it can be understood.
    pub document: Document,
    path: &'f str,
    text: &'f str,
}

impl Read<'_> {
    /// Returns the place of the value at a JSON pointer into the document. The text is read once more for it: most
    /// documents are never asked, and to remember all places of thousands takes more memory than all else.
    pub(crate) fn place(&self, pointer: &str) -> Place {
        match yaml::read(self.path, self.text, Profile::Document) {
            Ok(node) => places::Document { path: self.path, node }.value(pointer),
            Err(_) => Place::file(self.path),
        }
    }
}

/// Reads and checks one document; what is read may be judged further even where something is wrong with it.
pub(crate) fn read<'f>(path: &'f str, text: &'f str) -> (Option<Read<'f>>, Vec<Diagnostic>) {
    let node = match yaml::read(path, text, Profile::Document) {
        Ok(node) => node,
        Err(findings) => return (None, findings),
    };
    let value = node.to_json();
    let places = places::Document { path, node };
    let mut finder = Finder::new(&places);
    // Of another version nothing is known, so nothing more is said.
    if !header(&mut finder, &value) {
        return (None, finder.finish());
    }
    let (document, _) = shape().read::<Document>(value, &mut finder);
    let Some(document) = document else { return (None, finder.finish()) };
    metadata(&mut finder, path, &document.metadata);
    for (name, connection) in &document.connections {
        let pointer = below("/connections", name);
        endpoints::check(&mut finder, &pointer, connection);
        entry(&mut finder, &pointer, &document, name, connection);
    }
    let mut findings = Vec::new();
    resources::check(&mut finder, &places, &document, &mut findings);
    findings.extend(finder.finish());
    let tenant = &document.metadata.tenant;
    for finding in &mut findings {
        finding.tenant = Some(tenant.clone());
    }
    (Some(Read { document, path, text }), findings)
}

/// The schema of documents, compiled when it is first asked for: it never changes while the program runs.
fn shape() -> &'static Shape {
    static SHAPE: OnceLock<Shape> = OnceLock::new();
    SHAPE.get_or_init(|| Shape::new(schema::provision()).expect("the schema made from our own types compiles"))
}

/// Returns whether this is a document that can be read on.
fn header(finder: &mut Finder<'_>, value: &Value) -> bool {
    let version = value.get("apiVersion").and_then(Value::as_str);
    if let Some(version) = version.filter(|version| *version != API_VERSION) {
        let message = format!("the document is of version {}", shown(version));
        let help = format!(
            "this tenantry reads `{API_VERSION}` alone: use the one that rendered the document, or render it again"
        );
        finder.value(Code::DocumentVersion, "/apiVersion", message, help);
        return false;
    }
    let kind = value.get("kind").and_then(Value::as_str);
    if let Some(kind) = kind.filter(|kind| *kind != KIND) {
        let message = format!("this is a {}, not a provision document", shown(kind));
        finder.value(Code::DocumentKind, "/kind", message, format!("give a file whose `kind` is `{KIND}`"));
        return false;
    }
    true
}

fn metadata(finder: &mut Finder<'_>, path: &str, metadata: &Metadata) {
    let Metadata { tenant, uid, state, delete_after } = metadata;
    let _: Option<TenantName> = naming::value(finder, "/metadata/tenant", tenant);
    let _: Option<String> = uid::check(finder, uid);
    if let Some(folder) = folder(path).filter(|folder| folder != tenant) {
        let message = format!("the document of {} lies in the folder of {}", shown(tenant), shown(folder));
        let help = "render the tree again: what is in a tenant's folder is that tenant's alone";
        finder.value(Code::DocumentFolder, "/metadata/tenant", message, help);
    }
    let known = STATES.into_iter().find(|known| known.name() == state);
    if known.is_none() {
        let help = suggest::help(state, "states", STATES.map(State::name), "");
        finder.value(Code::NotAChoice, "/metadata/state", format!("{} is no state of a tenant", shown(state)), help);
    }
    match (known, delete_after) {
        (Some(State::Deleting), None) => {
            let help = "add `deleteAfter`: without it nobody knows when the data may be destroyed";
            finder.value(Code::LifecycleMismatch, "/metadata/state", "the state `deleting` needs `deleteAfter`", help);
        }
        (Some(State::Trial | State::Active | State::Suspended), Some(_)) => {
            let message = format!("`deleteAfter` has no meaning in the state `{state}`");
            finder.key(
                Code::LifecycleMismatch,
                "/metadata/deleteAfter",
                message,
                "take it out, or write `state: deleting`",
            );
        }
        (Some(State::Deleting), Some(_)) | (None, _) | (Some(_), None) => {}
    }
    if let Some(date) = delete_after.as_deref().filter(|date| !times::is_utc(date)) {
        let help = "write a real date in UTC, to the second: \"2027-01-31T00:00:00Z\"";
        finder.value(Code::InvalidTime, "/metadata/deleteAfter", format!("{} is no point in time", shown(date)), help);
    }
}

/// Finds an administrator's credential that is an entry of a store which cannot be opened before it.
fn entry(finder: &mut Finder<'_>, pointer: &str, document: &Document, name: &str, connection: &Connection) {
    let Some(key) = connection.entry() else { return };
    let mut stores = document.resources.iter().filter_map(|resource| Some(&resource.head().secret?.store));
    if stores.any(|store| !document.connections.contains_key(store)) {
        // Which store it is, is not known then.
        return;
    }
    let credential = format!("the credential of {} is the entry {} of the secret store", shown(name), shown(key));
    let (message, help) = match document.secret_store() {
        None => (
            format!("{credential}, and the document has none"),
            "render the tree again, with `spec.secrets` in `tenantry.yaml`",
        ),
        Some((store, found)) if store == name || found.entry().is_some() => (
            format!("{credential} {}, whose own credential is an entry", shown(store)),
            "let the credential of the secret store come from variables or files",
        ),
        Some(_) => return,
    };
    finder.key(Code::SecretStoreMissing, pointer, message, help);
}

/// Returns the tenant whose folder of a rendered tree holds the file; a file from elsewhere has none.
fn folder(path: &str) -> Option<&str> {
    path.strip_prefix("tenants/")?.strip_suffix("/provision.yaml").filter(|folder| !folder.contains('/'))
}
