//! Argo CD's own objects, where a tenant may have them: who chooses the project, and who owns what.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Object, at, text_at},
    tenant::Tenant,
};
use crate::{
    diag::{Code, Diagnostic},
    raw::tier::Format,
};

const GROUP: &str = "argoproj.io";

pub(super) fn check(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    let mut owners = BTreeMap::new();
    for application in tenant.of_kind(GROUP, "Application") {
        let Some(spec) = application.at(&["spec"]) else { continue };
        specification(tenant, application, (spec, "/spec"), findings);
        shared(tenant, application, spec, &mut owners, findings);
    }
    for set in tenant.of_kind(GROUP, "ApplicationSet") {
        template(set, findings);
        if let Some(spec) = set.at(&["spec", "template", "spec"]) {
            specification(tenant, set, (spec, "/spec/template/spec"), findings);
        }
    }
}

/// What goes for an Application and for the template of many.
fn specification(
    tenant: &Tenant<'_>,
    object: &Object<'_>,
    (spec, pointer): (&Value, &str),
    findings: &mut Findings<'_>,
) {
    let namespace = text_at(spec, &["destination", "namespace"]).unwrap_or_default();
    let options = at(spec, &["syncPolicy", "syncOptions"]).and_then(Value::as_array);
    let creates = options.into_iter().flatten().position(|option| option.as_str() == Some("CreateNamespace=true"));
    let own = tenant.of_kind("", "Namespace").any(|object| object.name == tenant.plan.namespace);
    if let Some(index) = creates.filter(|_| own && means(namespace, &tenant.plan.namespace)) {
        findings.add(
            Code::ArgocdCreateNamespace,
            object,
            &format!("{pointer}/syncPolicy/syncOptions/{index}"),
            format!("{} makes the namespace, and so does the tenant's Namespace object", object.title()),
            "take `CreateNamespace=true` out: the object wins, and its labels and its deletion are then Argo CD's",
        );
    }
    let Some(source) = spec.get("source") else { return };
    let ours = text_at(source, &["repoURL"]) == Some(tenant.plan.platform.argocd.repo_url.as_str())
        && text_at(source, &["path"]).is_some_and(|path| path.starts_with("tenants/"));
    let forced = [("helm", Format::Helm), ("kustomize", Format::Kustomize), ("directory", Format::Plain)];
    for (tool, _) in
        forced.iter().filter(|(tool, format)| ours && *format != tenant.plan.tier.format && source.get(tool).is_some())
    {
        findings.add(
            Code::ApplicationTool,
            object,
            &format!("{pointer}/source/{tool}"),
            format!(
                "{} reads the tenant's folder with `{tool}`, and the folder is made for another tool",
                object.title()
            ),
            "take the section out: it forces the tool on a folder that the tool cannot read",
        );
    }
}

/// Returns whether a text, a template perhaps, can stand for a namespace.
fn means(text: &str, namespace: &str) -> bool {
    match (text.split_once("{{"), text.rsplit_once("}}")) {
        (Some((start, _)), Some((_, end))) => {
            namespace.len() >= start.len() + end.len() && namespace.starts_with(start) && namespace.ends_with(end)
        }
        _ => text == namespace,
    }
}

/// Whoever may write what the generator reads chooses whatever is a template.
fn template(set: &Object<'_>, findings: &mut Findings<'_>) {
    if let Some(project) =
        text_at(set.value, &["spec", "template", "spec", "project"]).filter(|project| project.contains("{{"))
    {
        findings.add(
            Code::ApplicationSetProject,
            set,
            "/spec/template/spec/project",
            format!("the Applications of {} choose their project: `{project}`", set.title()),
            "write the name of the project: whoever may write the generator's files could otherwise choose one that allows more",
        );
    }
    if !set.at(&["spec", "template"]).is_some_and(has_template) {
        return;
    }
    let go = set.at(&["spec", "goTemplate"]) == Some(&Value::Bool(true));
    let strict =
        set.items(&["spec", "goTemplateOptions"]).iter().any(|option| option.as_str() == Some("missingkey=error"));
    if !go || !strict {
        findings.add(
            Code::ApplicationSetTemplate,
            set,
            if go { "/spec/goTemplateOptions" } else { "/spec" },
            format!("{} makes Applications with empty texts where a key is missing", set.title()),
            "write `goTemplate: true` and `goTemplateOptions: [missingkey=error]`, and `{{ .tenant }}` with a dot",
        );
    }
}

fn has_template(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{"),
        Value::Array(items) => items.iter().any(has_template),
        Value::Object(fields) => fields.values().any(has_template),
        _ => false,
    }
}

/// Where an Application's objects come from and where they go.
type Ownership<'a> = (&'a str, &'a str, &'a str);

fn shared<'t, 'a: 't>(
    tenant: &'t Tenant<'a>,
    application: &'t Object<'a>,
    spec: &'a Value,
    owners: &mut BTreeMap<Ownership<'a>, &'t Object<'a>>,
    findings: &mut Findings<'_>,
) {
    let text = |way: &[&str]| text_at(spec, way).unwrap_or_default();
    let ownership = (
        text(&["source", "repoURL"]),
        text(&["source", "path"]).trim_matches('/'),
        text(&["destination", "namespace"]),
    );
    let plan = tenant.plan;
    let folder = format!("tenants/{}/manifests", plan.tenant.name);
    let message = if ownership.0 == plan.platform.argocd.repo_url
        && (folder == ownership.1 || folder.starts_with(&format!("{}/", ownership.1)))
    {
        format!(
            "{} applies the tenant's own folder, which the Application `{}` owns",
            application.title(),
            plan.application
        )
    } else if let Some(other) = owners.get(&ownership).filter(|_| !ownership.0.is_empty()) {
        format!("{} and {} apply one folder into one namespace", other.title(), application.title())
    } else {
        owners.insert(ownership, application);
        return;
    };
    let place = findings.place(application.origin, "/spec/source");
    let help =
        "leave each object to one Application: two change it to and fro, and whichever is deleted takes it along";
    let finding = Diagnostic::new(Code::ApplicationOverlap, place, message, help);
    findings.push(finding);
}
