//! The verify step: the rendered objects of one tenant → findings. Stage 5 of checking.
//!
//! What passes here is taken by the API server, stays in the tenant's own namespace, fits its quota, runs, and says what its author means.
//! Each file holds one family of rules. No I/O; a tenant without a fault costs a few microseconds an object.

mod across;
mod applications;
mod chart;
mod components;
mod credentials;
mod findings;
mod hooks;
mod identity;
mod keys;
mod kinds;
mod monitoring;
mod network;
mod object;
mod overlaps;
mod pods;
mod ports;
mod quota;
mod reach;
mod references;
mod releases;
mod roles;
mod routes;
mod scaling;
mod security;
mod selector;
mod services;
mod shape;
mod sync;
mod tenant;
mod texts;
mod tokens;
mod workloads;

pub use across::Across;
use findings::Findings;
use object::Object;
use serde_json::Value;
use tenant::Tenant;

use crate::{
    diag::{Code, Diagnostic, Place},
    estate::Estate,
    kubernetes::{IdentityFault, Schemas},
    plan::Plan,
    raw::{estate::KubernetesVersion, tier::Format},
    rendered::{Origin, Rendered, RenderedObject},
};

/// Finds the line of a template that made a field. Any function of that form will do.
pub trait Places {
    /// Returns the place in the estate that made the field at a JSON pointer of an object of `plan`.
    fn place(&self, plan: &Plan, origin: &Origin, pointer: &str) -> Place;
}

impl<F: Fn(&Plan, &Origin, &str) -> Place> Places for F {
    fn place(&self, plan: &Plan, origin: &Origin, pointer: &str) -> Place {
        self(plan, origin, pointer)
    }
}

/// Verifies the tenants of one estate; what all of them share is prepared once. Threads may share it.
pub struct Verifier {
    schemas: Schemas,
    kinds: kinds::Allowed,
    charts: chart::Charts,
    components: components::Components,
    /// The minor release of Kubernetes, where the estate says it.
    minor: Option<u8>,
}

impl Verifier {
    /// Prepares the schemas of all kinds and charts.
    ///
    /// # Errors
    ///
    /// Every definition under `schemas/crds/` and every `values.schema.json` of a chart that cannot be used.
    pub fn new(estate: &Estate) -> Result<Self, Vec<Diagnostic>> {
        let mut findings = Vec::new();
        let schemas = schemas(estate.definitions(), &mut findings);
        let charts = chart::Charts::read(estate, &mut findings);
        let kinds = kinds::Allowed::new(&estate.platform().allowed_kinds);
        let minor = estate.platform().kubernetes_version.map(KubernetesVersion::minor);
        if findings.is_empty() {
            Ok(Self { schemas, kinds, charts, components: components::Components::read(estate), minor })
        } else {
            Err(findings)
        }
    }

    /// Returns everything that is wrong with what was rendered for a tenant.
    ///
    /// Each finding stands at the line of the template, at `tenantry.yaml` for what tenantry makes itself, and at the tier's file for what
    /// kustomize or helm made. References and sums are left out where one of these has the last word and did not speak yet.
    pub fn verify(&self, plan: &Plan, rendered: &Rendered, places: &impl Places) -> Vec<Diagnostic> {
        self.verify_one(plan, rendered, places, None)
    }

    /// Does the same as [`Verifier::verify`], and takes a digest of the tenant for what only several together can get wrong.
    pub fn verify_among(
        &self,
        plan: &Plan,
        rendered: &Rendered,
        places: &impl Places,
        across: &Across,
    ) -> Vec<Diagnostic> {
        self.verify_one(plan, rendered, places, Some(across))
    }

    /// Returns everything that is wrong with the tenants of which digests were taken, together.
    ///
    /// Whoever is concerned is rendered again by `again`, with the last word of kustomize or helm: a tenant that cannot be is
    /// left out. Findings are the same in whatever order the digests were taken.
    pub fn conclude(
        &self,
        across: Across,
        again: impl Fn(&str) -> Option<(Plan, Rendered)>,
        places: &impl Places,
    ) -> Vec<Diagnostic> {
        let again = |name: &str, call: &mut dyn FnMut(&Tenant<'_>)| {
            if let Some((plan, rendered)) = again(name) {
                call(&self.tenant(&plan, &rendered, |_, _| {}));
            }
        };
        across::conclude(across, &across::Look { again: &again, schemas: &self.schemas, places })
    }

    /// Reads the objects of a tenant; those without an identity are left out, and given away.
    fn tenant<'a>(
        &self,
        plan: &'a Plan,
        rendered: &'a Rendered,
        mut missing: impl FnMut(&'a RenderedObject, &IdentityFault),
    ) -> Tenant<'a> {
        let objects = rendered.objects.iter().filter_map(|object| match Object::read(object) {
            Ok(object) => Some(self.placed(object, plan)),
            Err(fault) => {
                missing(object, &fault);
                None
            }
        });
        Tenant::new(plan, rendered, objects.collect())
    }

    fn verify_one(
        &self,
        plan: &Plan,
        rendered: &Rendered,
        places: &impl Places,
        across: Option<&Across>,
    ) -> Vec<Diagnostic> {
        let mut findings = Findings::new(plan, places);
        if !identity::few_enough(rendered, &mut findings) {
            return findings.into_list();
        }
        let missing = |object: &RenderedObject, fault: &IdentityFault| identity::missing(object, fault, &mut findings);
        let tenant = self.tenant(plan, rendered, missing);
        if let Some(across) = across {
            across.add(&tenant, &self.schemas);
        }
        for object in &tenant.objects {
            shape::check(&self.schemas, self.minor, object, &mut findings);
            releases::check(self.minor, object, &mut findings);
            identity::check(&tenant, &self.kinds, &self.schemas, object, &mut findings);
            texts::check(object, &mut findings);
            hooks::check(object, &mut findings);
            workloads::check(&tenant, object, &mut findings);
            monitoring::check(&tenant, object, &mut findings);
            routes::check(&tenant, object, &mut findings);
        }
        identity::doubles(&tenant, &mut findings);
        pods::check(&tenant, &mut findings);
        security::check(&tenant, self.minor, &mut findings);
        network::check(&tenant, &mut findings);
        reach::check(&tenant, &mut findings);
        credentials::check(&tenant, &mut findings);
        quota::check(&tenant, &self.schemas, &mut findings);
        ports::check(&tenant, &mut findings);
        applications::check(&tenant, &mut findings);
        self.components.check(plan, &mut findings);
        if tenant.complete {
            references::check(&tenant, &mut findings);
            services::check(&tenant, &mut findings);
            scaling::check(&tenant, &mut findings);
            overlaps::check(&tenant, &mut findings);
            roles::check(&tenant, &mut findings);
            sync::check(&tenant, &mut findings);
        }
        self.charts.check(plan, rendered, &mut findings);
        findings.into_list()
    }

    /// Gives an object of a chart the namespace that Argo CD puts it in: charts leave that to the release.
    fn placed<'a>(&self, mut object: Object<'a>, plan: &'a Plan) -> Object<'a> {
        let of_chart = plan.tier.format == Format::Helm && *object.origin == Origin::Inflated;
        if of_chart && object.namespace.is_none() && kinds::is_namespaced(&self.schemas, &object) {
            object.namespace = Some(&plan.namespace);
        }
        object
    }
}

/// Adds the estate's definitions to the built-in schemas; each that cannot be used is a finding.
fn schemas(definitions: &[Value], findings: &mut Vec<Diagnostic>) -> Schemas {
    let builtin = Schemas::builtin();
    for definition in definitions {
        if let Err(error) = builtin.with_definitions(std::slice::from_ref(definition)) {
            let reason = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            findings.push(Diagnostic::new(
                Code::InvalidDefinition,
                Place::file("schemas/crds"),
                format!("{error}{reason}"),
                "put the file there as its project publishes it",
            ));
        }
    }
    match builtin.with_definitions(definitions) {
        Ok(schemas) if findings.is_empty() => schemas,
        _ => builtin.clone(),
    }
}

#[cfg(test)]
mod tests;
