//! Rules on `tenantry.yaml`: the platform around all tenants.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    endpoints,
    files::Files,
    hosts, images, naming, network,
    places::{Finder, below},
    provisions, quantities,
    shape::{Shapes, shown},
    suggest, text,
};
use crate::{
    diag::{Code, Diagnostic},
    estate::{Naming, Platform},
    kubernetes::is_schedule,
    name::ItemName,
    provision::connection::{Connection, is_store},
    raw::estate::{EstateFile, EstateSpec, Routing},
    sources::ESTATE_FILE,
};

/// What the rules on tiers and tenants need to know. `None` is unknown, and then nothing is concluded from it.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub regions: Option<BTreeSet<String>>,
    /// Connections and their kinds.
    pub connections: Option<BTreeMap<String, String>>,
    /// Whether a secret store is named.
    pub has_store: Option<bool>,
    /// The platform's domain as A-labels.
    pub domain: Option<String>,
    pub reserved: BTreeSet<String>,
    pub settings: Option<Value>,
    pub naming: Option<Naming>,
    /// Namespaces that are not a tenant's, each with what it is for.
    pub namespaces: BTreeMap<String, String>,
}

/// What is known of the platform.
pub(super) struct Outcome {
    pub facts: Facts,
    /// The platform, if its file has the right shape.
    pub platform: Option<Platform>,
}

/// Checks `tenantry.yaml`.
pub(super) fn check(files: &Files<'_>, shapes: &Shapes, findings: &mut Vec<Diagnostic>) -> Outcome {
    let nothing = Outcome { facts: Facts::default(), platform: None };
    let Some((path, _)) = files.under(ESTATE_FILE).find(|(path, _)| *path == ESTATE_FILE) else { return nothing };
    let Some(document) = files.document(path, findings) else { return nothing };
    let value = document.node.to_json();
    let mut facts = facts(&value);
    let mut finder = Finder::new(&document);
    let (file, _) = shapes.estate.read::<EstateFile>(value, &mut finder);
    let platform = file.map(|file| {
        let patterns = rules(&mut finder, &file);
        facts.naming = Some(patterns.clone());
        platform(file, patterns)
    });
    findings.extend(finder.finish());
    Outcome { facts, platform }
}

/// Takes what can be taken from the file, whatever else is wrong with it.
fn facts(value: &Value) -> Facts {
    let spec = value.get("spec");
    let text = |pointer: &str| spec.and_then(|spec| spec.pointer(pointer)).and_then(Value::as_str);
    let map = |key: &str| spec.and_then(|spec| spec.get(key)).and_then(Value::as_object);
    // A kind that does not exist is a finding of its own, and nothing follows from it.
    let kind = |connection: &Value| {
        let kind = connection.get("kind").and_then(Value::as_str).unwrap_or_default();
        if provisions::SERVERS.contains(&kind) || is_store(kind) { kind.to_owned() } else { String::new() }
    };
    let reserved = spec.and_then(|spec| spec.get("reservedSubdomains")).and_then(Value::as_array);
    let connections = map("connections").map(|map| map.iter().map(|(name, c)| (name.clone(), kind(c))).collect());
    let mut namespaces = BTreeMap::new();
    for (pointer, what, default) in [
        ("/argocd/namespace", "Argo CD", Some("argocd")),
        ("/provisioning/namespace", "the provisioning Jobs", None),
        ("/routing/namespace", "the gateway or the ingress controller", None),
        ("/network/monitoring", "Prometheus", None),
    ] {
        if let Some(name) = text(pointer).or(default) {
            namespaces.insert(name.to_owned(), what.to_owned());
        }
    }
    for connection in map("connections").into_iter().flatten().map(|(_, connection)| connection) {
        if let Some(name) = connection.get("namespace").and_then(Value::as_str) {
            namespaces.insert(name.to_owned(), "the secret store".to_owned());
        }
    }
    Facts {
        regions: map("regions").map(|regions| regions.keys().cloned().collect()),
        // Without the key there are no connections; of another type they are unknown.
        connections: connections.or_else(|| spec.filter(|s| s.get("connections").is_none()).map(|_| BTreeMap::new())),
        has_store: spec.map(|spec| spec.get("secrets").is_some()),
        domain: text("/domain").and_then(|domain| hosts::parse(domain).ok()),
        reserved: reserved.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        settings: spec.map(|spec| spec.get("settings").cloned().unwrap_or_default()),
        naming: None,
        namespaces,
    }
}

/// The shape of a schedule is its schema's business; here its numbers are looked at.
fn schedule(finder: &mut Finder<'_>, pointer: &str, text: &str) {
    if !is_schedule(text) {
        let help =
            "write minute, hour, day of the month, month and day of the week: `17 3 * * *` is each night at 3:17";
        finder.value(Code::WrongForm, pointer, format!("{} is no schedule of a CronJob", shown(text)), help);
    }
}

fn rules(finder: &mut Finder<'_>, file: &EstateFile) -> Naming {
    let EstateSpec {
        display_name,
        domain,
        reserved_subdomains,
        regions,
        naming,
        argocd,
        provisioning,
        connections,
        secrets,
        routing,
        kubernetes_version: _,
        network,
        output,
        allowed_kinds,
        settings: _,
    } = &file.spec;
    naming::value::<ItemName>(finder, "/metadata/name", &file.metadata.name);
    text::check(finder, "/spec/displayName", display_name);
    if let Err(fault) = hosts::parse(domain) {
        let help = "write the domain that tenants' hosts lie under, `shops.example.com` for example";
        finder.value(Code::InvalidHost, "/spec/domain", format!("{} is no domain: {fault}", shown(domain)), help);
    }
    for (index, label) in reserved_subdomains.iter().enumerate() {
        subdomain(finder, &format!("/spec/reservedSubdomains/{index}"), label);
    }
    for (name, region) in regions {
        let pointer = below("/spec/regions", name);
        naming::key(finder, &pointer, name);
        endpoints::url(finder, &below(&pointer, "server"), &region.server, &["https"]);
    }
    let patterns = naming::patterns(finder, naming);
    naming::namespace(finder, "/spec/argocd/namespace", &argocd.namespace);
    naming::object(finder, "/spec/argocd/project", "AppProject", &argocd.project);
    repository(finder, &argocd.repo_url);
    naming::namespace(finder, "/spec/provisioning/namespace", &provisioning.namespace);
    naming::object(finder, "/spec/provisioning/serviceAccount", "ServiceAccount", &provisioning.service_account);
    naming::object(finder, "/spec/provisioning/credentialsSecret", "Secret", &provisioning.credentials_secret);
    images::check_whole(finder, "/spec/provisioning/image", &provisioning.image);
    quantities::resources(finder, "/spec/provisioning/resources", &provisioning.resources);
    schedule(finder, "/spec/provisioning/repairSchedule", &provisioning.repair_schedule);
    for (name, connection) in connections {
        let pointer = below("/spec/connections", name);
        naming::key(finder, &pointer, name);
        endpoints::check(finder, &pointer, connection);
    }
    if let Some(secrets) = secrets {
        store(finder, &secrets.store, connections);
    }
    let (Routing::Gateway { namespace, name } | Routing::Ingress { namespace, class_name: name }) = routing;
    naming::namespace(finder, "/spec/routing/namespace", namespace);
    let key = if matches!(routing, Routing::Gateway { .. }) { "name" } else { "className" };
    naming::object(finder, &below("/spec/routing", key), "Gateway", name);
    self::network::check(finder, network, connections);
    branch(finder, "/spec/output/branch", &output.branch);
    branch(finder, "/spec/output/remote", &output.remote);
    for (index, kind) in allowed_kinds.iter().enumerate() {
        allowed_kind(finder, &format!("/spec/allowedKinds/{index}"), kind);
    }
    patterns
}

fn subdomain(finder: &mut Finder<'_>, pointer: &str, label: &str) {
    if let Some(fault) = hosts::subdomain_fault(label) {
        let help = "write one part of a host name, without dots";
        finder.value(Code::InvalidSubdomain, pointer, format!("{} is no subdomain: {fault}", shown(label)), help);
    }
}

/// `https://…`, `ssh://…` or the short form of SSH, `git@host:path`.
fn repository(finder: &mut Finder<'_>, url: &str) {
    let short = url.split_once(':').is_some_and(|(user, path)| {
        user.split_once('@').is_some_and(|(_, host)| hosts::parse(host).is_ok()) && !path.starts_with("//")
    });
    if !short {
        endpoints::url(finder, "/spec/argocd/repoUrl", url, &["https", "ssh", "http"]);
    }
}

fn store(finder: &mut Finder<'_>, name: &str, connections: &BTreeMap<String, Connection>) {
    let stores = || connections.iter().filter(|(_, c)| is_store(c.kind())).map(|(name, _)| name.as_str());
    let none = "add a connection of kind `vault`, `awsSecretsManager`, `kubernetesSecrets` or `directory`";
    match connections.get(name) {
        None => {
            let help = suggest::help(name, "secret stores", stores().collect::<Vec<_>>(), none);
            let message = format!("there is no connection {}", shown(name));
            finder.value(Code::UnknownConnection, "/spec/secrets/store", message, help);
        }
        Some(connection) if !is_store(connection.kind()) => {
            let help = suggest::help("", "secret stores", stores().collect::<Vec<_>>(), none);
            let message =
                format!("the connection {} is of kind `{}`, which keeps no secrets", shown(name), connection.kind());
            finder.value(Code::NotASecretStore, "/spec/secrets/store", message, help);
        }
        Some(_) => {}
    }
}

/// The rules of `git check-ref-format` that a person may break.
fn branch(finder: &mut Finder<'_>, pointer: &str, name: &str) {
    let bad = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
    let parts_fit = name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"));
    if !parts_fit
        || name.chars().any(bad)
        || name.starts_with('-')
        || name.ends_with('.')
        || name.contains("..")
        || name.contains("@{")
    {
        let help = "write letters, digits, `-`, `_` and `/`";
        finder.value(Code::InvalidRef, pointer, format!("git takes no name like {}", shown(name)), help);
    }
}

fn allowed_kind(finder: &mut Finder<'_>, pointer: &str, entry: &str) {
    let fits = entry.rsplit_once('/').is_some_and(|(api_version, kind)| {
        let (group, version) = api_version.split_once('/').unwrap_or(("core", api_version));
        kind.starts_with(|c: char| c.is_ascii_uppercase())
            && kind.bytes().all(|b| b.is_ascii_alphanumeric())
            && crate::kubernetes::names::check_name("", "Any", group).is_ok()
            && version.starts_with('v')
            && version.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    if !fits {
        let help = "write `apiVersion/Kind`: `batch/v1/CronJob` or `v1/Pod`";
        finder.value(Code::InvalidAllowedKind, pointer, format!("{} names no kind", shown(entry)), help);
    }
}

fn platform(file: EstateFile, naming: Naming) -> Platform {
    let spec = file.spec;
    Platform {
        name: file.metadata.name,
        display_name: spec.display_name,
        domain: hosts::parse(&spec.domain).unwrap_or(spec.domain),
        regions: spec.regions,
        naming,
        argocd: spec.argocd,
        provisioning: spec.provisioning,
        connections: spec.connections,
        secret_store: spec.secrets.map(|secrets| secrets.store),
        routing: spec.routing,
        kubernetes_version: spec.kubernetes_version,
        network: spec.network,
        output: spec.output,
        allowed_kinds: spec.allowed_kinds,
        settings: spec.settings,
    }
}
