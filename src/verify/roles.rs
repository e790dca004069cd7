//! RoleBindings: whether the role and the accounts that they join are there.

use super::{
    findings::Findings,
    object::{Object, text_at},
    tenant::Tenant,
};
use crate::diag::Code;

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn check(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    for binding in tenant.of_kind(GROUP, "RoleBinding").filter(|object| tenant.owns(object)) {
        role(tenant, binding, findings);
        subjects(tenant, binding, findings);
    }
}

/// A ClusterRole belongs to the platform, which is not known here.
fn role(tenant: &Tenant<'_>, binding: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(name) = text_at(binding.value, &["roleRef", "name"]) else { return };
    if text_at(binding.value, &["roleRef", "kind"]) == Some("Role") && tenant.find(GROUP, "Role", name).is_none() {
        dangling(binding, "/roleRef/name", &format!("the Role `{name}`"), findings);
    }
}

fn subjects(tenant: &Tenant<'_>, binding: &Object<'_>, findings: &mut Findings<'_>) {
    for (index, subject) in binding.items(&["subjects"]).iter().enumerate() {
        let Some(name) = text_at(subject, &["name"]).filter(|name| *name != "default") else { continue };
        let here = text_at(subject, &["namespace"]).is_none_or(|namespace| namespace == tenant.plan.namespace);
        let account = text_at(subject, &["kind"]) == Some("ServiceAccount");
        if account && here && tenant.find("", "ServiceAccount", name).is_none() {
            dangling(binding, &format!("/subjects/{index}/name"), &format!("the ServiceAccount `{name}`"), findings);
        }
    }
}

fn dangling(binding: &Object<'_>, pointer: &str, what: &str, findings: &mut Findings<'_>) {
    findings.add(
        Code::RoleBindingDangling,
        binding,
        pointer,
        format!("{} names {what}, which nothing makes", binding.title()),
        "make it in a template, or correct the name: the binding gives nobody any right",
    );
}
