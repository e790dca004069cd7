//! What decides whether a tenant's Pods reach others': the labels of its namespace and its Pods, and its policies.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::identities;
use crate::{
    kubernetes::network::{Protocol, Ranges},
    plan::Plan,
    verify::{
        reach::{self, named_ports, policies, ranges, spec},
        tenant::Tenant,
    },
};

/// A tenant as an example of its class. It outlives the tenant's objects.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub tenant: String,
    /// The cluster: policies select nobody of another one.
    pub server: String,
    pub namespace: String,
    /// None where the namespace is not rendered and its labels are not known.
    pub labels: Option<Map<String, Value>>,
    pub ranges: Ranges,
    /// Names and specifications.
    pub policies: Vec<(String, Value)>,
    pub pods: Vec<SamplePod>,
}

/// Pods that differ in nothing that policies see.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SamplePod {
    /// One of the objects that make them.
    pub title: String,
    pub labels: Map<String, Value>,
    pub ports: Vec<(String, Protocol, u16)>,
}

impl Sample {
    pub fn of(tenant: &Tenant<'_>) -> Self {
        let name = tenant.plan.namespace.as_str();
        let namespace = tenant.of_kind("", "Namespace").find(|object| object.name == name);
        let mut seen = BTreeSet::new();
        let mut pods = Vec::new();
        for (object, pod) in tenant.pods() {
            let ports: Vec<_> =
                named_ports(&pod).iter().map(|port| (port.name.to_owned(), port.protocol, port.number)).collect();
            let labels = pod.labels.cloned().unwrap_or_default();
            let mut canonical = Canonical::new(&[]);
            canonical.pod(Some(&labels), &ports);
            if seen.insert(canonical.text) {
                pods.push(SamplePod { title: object.title(), labels, ports });
            }
        }
        Self {
            tenant: tenant.plan.tenant.name.to_string(),
            server: tenant.plan.region.server.clone(),
            namespace: name.to_owned(),
            labels: namespace.map(|object| object.labels.cloned().unwrap_or_default()),
            ranges: ranges(tenant),
            policies: policies(tenant).iter().map(|policy| (policy.name.to_owned(), spec(policy).clone())).collect(),
            pods,
        }
    }

    /// Returns every text that a selector may ask for or a label may have.
    pub fn texts(&self) -> BTreeSet<&str> {
        let mut texts = BTreeSet::new();
        let labels = self.labels.iter().chain(self.pods.iter().map(|pod| &pod.labels));
        labels.for_each(|labels| labels.values().for_each(|value| gather(value, &mut texts)));
        self.policies.iter().for_each(|(_, spec)| gather(spec, &mut texts));
        texts
    }
}

fn gather<'v>(value: &'v Value, texts: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(text) => drop(texts.insert(text)),
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| gather(field, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns the texts that are a tenant's own.
pub(super) fn own(plan: &Plan) -> impl Iterator<Item = &str> {
    identities(plan).into_iter().filter(|text| !text.is_empty())
}

/// Returns the class of a tenant: the same for two tenants that differ in nothing that policies see but their own texts.
pub(super) fn class(tenant: &Tenant<'_>) -> [u8; 32] {
    let own = identities(tenant.plan);
    let mut canonical = Canonical::new(&own);
    canonical.text(&tenant.plan.region.server);
    let namespace = reach::namespace(tenant);
    for (key, value) in namespace.labels.iter() {
        canonical.text(key);
        canonical.text(value);
    }
    for policy in policies(tenant) {
        canonical.text(policy.name);
        canonical.value(spec(policy));
    }
    let pods: BTreeSet<Vec<u8>> = tenant
        .pods()
        .map(|(_, pod)| {
            let ports: Vec<_> =
                named_ports(&pod).iter().map(|port| (port.name.to_owned(), port.protocol, port.number)).collect();
            let mut canonical = Canonical::new(&own);
            canonical.pod(pod.labels, &ports);
            canonical.text
        })
        .collect();
    let mut digest = Sha256::new();
    digest.update((canonical.text.len() as u64).to_le_bytes());
    digest.update(&canonical.text);
    for pod in pods {
        digest.update((pod.len() as u64).to_le_bytes());
        digest.update(pod);
    }
    digest.finalize().into()
}

/// Values written so that two of them read alike only where they are alike, a tenant's own texts apart.
struct Canonical<'o> {
    own: &'o [&'o str],
    text: Vec<u8>,
}

impl<'o> Canonical<'o> {
    fn new(own: &'o [&'o str]) -> Self {
        Self { own, text: Vec::new() }
    }

    fn text(&mut self, text: &str) {
        match self.own.iter().position(|own| *own == text && !text.is_empty()) {
            Some(which) => self.text.extend([b'o', which as u8]),
            None => {
                self.text.push(b't');
                self.text.extend((text.len() as u64).to_le_bytes());
                self.text.extend(text.as_bytes());
            }
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                self.text.push(b'[');
                items.iter().for_each(|item| self.value(item));
                self.text.push(b']');
            }
            Value::Object(fields) => self.fields(fields),
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                self.text.push(b'v');
                self.text(&value.to_string());
            }
        }
    }

    fn fields(&mut self, fields: &Map<String, Value>) {
        self.text.push(b'{');
        for (key, value) in fields {
            self.text(key);
            self.value(value);
        }
        self.text.push(b'}');
    }

    fn pod(&mut self, labels: Option<&Map<String, Value>>, ports: &[(String, Protocol, u16)]) {
        let nothing = Map::new();
        self.fields(labels.unwrap_or(&nothing));
        for (name, protocol, number) in ports {
            self.text(name);
            self.text(protocol.name());
            self.text.extend(number.to_le_bytes());
        }
    }
}
