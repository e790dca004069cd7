//! A small estate in code: one tier, one tenant, and the templates that a test brings.

#[cfg(test)]
use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use crate::{
    diag::Diagnostic,
    estate::{Estate, Naming, Platform, Tenant, Tier},
    name::{Pattern, Target},
    plan::Plan,
    raw::{estate::EstateSpec, tier::TierSpec},
    render::{Renderer, write},
    rendered::Rendered,
    resolve::Resolver,
    tree::Tree,
    yaml,
};

/// An estate in the making.
pub struct Builder {
    pub tier: Value,
    pub display_name: String,
    pub values: Value,
    pub naming: Option<&'static str>,
    pub templates: Tree,
    pub charts: Tree,
    pub components: Tree,
    pub bundles: BTreeMap<String, Value>,
}

pub fn estate() -> Builder {
    Builder {
        tier: json!({
            "format": "kustomize",
            "bundles": ["shop"],
            "quota": { "pods": "10" },
            "services": {
                "auth": service(json!({ "replicas": 3, "port": 8100, "database": true })),
                "orders": service(json!({ "replicas": 2, "port": 8200 })),
            },
            "provisions": {
                "databases": { "kind": "mysqlDatabase", "connection": "mysql", "each": "services.database",
                    "spec": { "privileges": ["SELECT"] } },
            },
        }),
        display_name: "Café & Söhne".to_owned(),
        values: json!({}),
        naming: Some("shop-{tenant}"),
        templates: Tree::new(),
        charts: Tree::new(),
        components: Tree::new(),
        bundles: BTreeMap::new(),
    }
}

fn service(mut value: Value) -> Value {
    value["image"] = json!("shop/service");
    value["tag"] = json!("v1.2.3");
    value["resources"] = json!({ "requests": { "cpu": "100m" }, "limits": { "memory": "128Mi" } });
    value
}

impl Builder {
    /// Adds a template to the bundle `shop` with an entry of its own; `entry` holds the other fields.
    pub fn template(mut self, name: &str, text: &str, mut entry: Value) -> Self {
        self.templates.insert(format!("shop/{name}"), text);
        entry["template"] = json!(name);
        self.entry(entry)
    }

    /// Adds an entry to the bundle `shop`.
    pub fn entry(mut self, entry: Value) -> Self {
        let bundle = self.bundles.entry("shop".to_owned()).or_insert_with(|| json!({ "files": [] }));
        bundle["files"].as_array_mut().unwrap().push(entry);
        let file = json!({ "apiVersion": "tenantry.dev/v1", "kind": "Bundle", "spec": bundle });
        self.templates.insert("shop/bundle.yaml", yaml::write(&file));
        self
    }

    /// Adds a file below `templates/` that no entry names.
    pub fn library(mut self, path: &str, text: &str) -> Self {
        self.templates.insert(path, text);
        self
    }

    pub fn build(self) -> Estate {
        let spec: EstateSpec = serde_json::from_value(json!({
            "displayName": "Shops & More",
            "domain": "shops.example",
            "regions": { "us-east": { "server": "https://us-east.example:6443" }, "eu-west": {} },
            "argocd": { "project": "tenants", "repoUrl": "https://git.example/estate.git" },
            "provisioning": {
                "namespace": "platform", "image": "tenantry:v1", "serviceAccount": "tenantry",
                "credentialsSecret": "tenantry-credentials",
            },
            "connections": {
                "mysql": { "kind": "mysql", "host": "mysql.example",
                    "credentials": { "usernameEnv": "U", "passwordEnv": "P" } },
                "store": { "kind": "vault", "url": "https://vault.example", "kubernetesRole": "tenantry" },
            },
            "routing": { "kind": "gateway", "name": "public", "namespace": "gateway" },
            "allowedKinds": ["example.org/v1/Widget"],
        }))
        .unwrap();
        let naming = self.naming.map(|text| (Target::Namespace, Pattern::parse(Target::Namespace, text).unwrap()));
        let platform = Platform {
            name: "shops".to_owned(),
            display_name: spec.display_name,
            domain: spec.domain,
            regions: spec.regions,
            naming: Naming::new(naming.into_iter().collect()),
            argocd: spec.argocd,
            provisioning: spec.provisioning,
            connections: spec.connections,
            secret_store: Some("store".to_owned()),
            routing: spec.routing,
            kubernetes_version: spec.kubernetes_version,
            network: spec.network,
            output: spec.output,
            allowed_kinds: spec.allowed_kinds,
            settings: spec.settings,
        };
        let tier_spec: TierSpec = serde_json::from_value(self.tier).unwrap();
        let tier = Tier::new("basic".parse().unwrap(), vec!["tiers/basic.yaml".to_owned()], tier_spec).unwrap();
        let tenant = Tenant {
            name: "acme".parse().unwrap(),
            uid: "0192f0c1-0000-7000-8000-000000000001".to_owned(),
            display_name: self.display_name,
            tier: "basic".parse().unwrap(),
            region: "us-east".to_owned(),
            subdomain: "acme".to_owned(),
            custom_domains: vec!["shop.acme.example".to_owned()],
            contacts: serde_json::from_value(json!({ "admin": "admin@acme.example" })).unwrap(),
            subscription: None,
            overrides: Default::default(),
            values: serde_json::from_value(self.values).unwrap(),
            lifecycle: serde_json::from_value(json!({ "state": "active" })).unwrap(),
        };
        Estate {
            platform: Arc::new(platform),
            tiers: BTreeMap::from([("basic".parse().unwrap(), Arc::new(tier))]),
            tenants: BTreeMap::from([(tenant.name.clone(), tenant)]),
            bundles: self.bundles.into_iter().map(|(k, v)| (k, serde_json::from_value(v).unwrap())).collect(),
            templates: self.templates,
            charts: self.charts,
            components: self.components,
            definitions: Vec::new(),
        }
    }

    /// Renders the one tenant.
    pub fn render(self) -> Result<Rendered, Vec<Diagnostic>> {
        let estate = self.build();
        Renderer::new(&estate)?.tenant(&plan(&estate))
    }

    /// Renders the one tenant and returns its files.
    pub fn tree(self) -> Tree {
        write(&self.render().unwrap())
    }

    /// Renders what must fail and returns each finding as `code file:line:column-line:column message | help`.
    pub fn faults(self) -> Vec<String> {
        let findings = self.render().expect_err("the rendering must fail");
        findings.iter().map(shown).collect()
    }
}

pub fn shown(finding: &Diagnostic) -> String {
    let span = finding.place.span;
    format!(
        "{} {}-{}:{} {} | {}",
        finding.code, finding.place, span.end.line, span.end.column, finding.message, finding.help
    )
}

/// The plan of the one tenant.
pub fn plan(estate: &Estate) -> Plan {
    Resolver::new(estate).plan(&estate.tenants()["acme"])
}

/// Renders one template that makes one object, and returns the object.
pub fn object(text: &str) -> Value {
    let rendered = estate().template("a.yaml.j2", text, json!({})).render().unwrap();
    rendered.objects.into_iter().find(|object| object.path.ends_with("/a.yaml")).unwrap().value
}

/// Renders one template that must fail with one finding.
pub fn fault(text: &str) -> String {
    let mut faults = estate().template("a.yaml.j2", text, json!({})).faults();
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults.remove(0)
}
