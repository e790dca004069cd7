//! The flagship estate through the library: one tenant rendered, and what `verify` says when one of its objects is another.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;
use tenantry::{
    check,
    diag::{Code, Diagnostic, Severity},
    estate::Estate,
    load,
    plan::Plan,
    render::Renderer,
    rendered::{Origin, Rendered, RenderedObject},
    resolve::Resolver,
    verify::Verifier,
};

use crate::cases::{Case, title};

/// The tenant with most of everything.
const TENANT: &str = "abc-corporation-7f3a9c";

/// One tenant of the flagship estate.
pub struct Flagship {
    pub plan: Plan,
    pub rendered: Rendered,
    verifier: Verifier,
}

impl Flagship {
    pub fn new() -> Self {
        let estate = estate();
        let plan = Resolver::new(&estate).plan(&estate.tenants()[TENANT]);
        Self::of(&estate, plan)
    }

    /// Returns a tenant that runs of each tier that can be bought.
    pub fn of_each_tier() -> Vec<Self> {
        let estate = estate();
        let resolver = Resolver::new(&estate);
        let plans: BTreeMap<String, Plan> = estate
            .tenants()
            .values()
            .map(|tenant| resolver.plan(tenant))
            .filter(|plan| plan.tenant.running)
            .map(|plan| (plan.tier.name.to_string(), plan))
            .collect();
        let sold = estate.tiers().values().filter(|tier| !tier.spec().r#abstract).count();
        assert_eq!(plans.len(), sold, "a tier has no tenant that runs");
        plans.into_values().map(|plan| Self::of(&estate, plan)).collect()
    }

    fn of(estate: &Estate, plan: Plan) -> Self {
        let rendered = Renderer::new(estate).unwrap().tenant(&plan).unwrap();
        let flagship = Self { plan, rendered, verifier: Verifier::new(estate).unwrap() };
        assert_eq!(flagship.errors(&flagship.rendered), [], "the estate is sound before anything is changed");
        flagship
    }

    pub fn namespace(&self) -> &str {
        &self.plan.namespace
    }

    /// Returns the codes of all errors, were the case's object among the tenant's.
    pub fn verdict(&self, case: &Case) -> Vec<Code> {
        let mut rendered = self.rendered.clone();
        // Quotas are counted by other tests: here they would refuse each object that is one too many.
        rendered.objects.retain(|object| object.value["kind"] != "ResourceQuota" || title(&object.value) == case.base);
        let value = case.object.clone();
        match rendered.objects.iter_mut().find(|object| title(&object.value) == case.base) {
            Some(object) => object.value = value,
            None => rendered.objects.push(RenderedObject {
                path: "tenants/x/manifests/added.yaml".to_owned(),
                origin: Origin::Template { file: "templates/added".to_owned(), entry: 0, item: 0, document: 0 },
                value,
            }),
        }
        self.codes(&rendered)
    }

    /// Returns the codes of all errors in what could have been rendered for the tenant.
    pub fn codes(&self, rendered: &Rendered) -> Vec<Code> {
        let mut codes: Vec<Code> = self.errors(rendered).into_iter().map(|finding| finding.code).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    fn errors(&self, rendered: &Rendered) -> Vec<Diagnostic> {
        let place = |_: &Plan, _: &Origin, pointer: &str| tenantry::diag::Place::file(pointer);
        let mut findings = self.verifier.verify(&self.plan, rendered, &place);
        findings.retain(|finding| finding.severity == Severity::Error);
        findings
    }
}

fn estate() -> Estate {
    let sources = load::directory(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    check::check(&sources).estate.unwrap()
}

/// The Pod that a controller would make of an object's template.
pub fn pod_of(object: &Value) -> Option<Value> {
    let template = object.pointer("/spec/template").or_else(|| object.pointer("/spec/jobTemplate/spec/template"))?;
    template.pointer("/spec/containers")?;
    let mut spec = template["spec"].clone();
    for claim in object["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
        let volume =
            serde_json::json!({ "name": claim["metadata"]["name"], "persistentVolumeClaim": { "claimName": "claim" } });
        match &mut spec["volumes"] {
            Value::Array(volumes) => volumes.push(volume),
            volumes => *volumes = vec![volume].into(),
        }
    }
    let mut metadata = template["metadata"].clone();
    metadata["namespace"] = object["metadata"]["namespace"].clone();
    metadata["name"] = "pod".into();
    Some(serde_json::json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec }))
}
