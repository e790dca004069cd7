//! Tests of the edge: with programs that misbehave, and, where they are there, with the real ones.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Map, json};

use super::*;
use crate::{
    plan::{Hosts, PlatformPlan, RegionPlan, TenantPlan, TierPlan},
    provision::{Document, Metadata},
    raw::tenant::State,
};

fn plan(tier: Value) -> Plan {
    let text = str::to_owned;
    let tier: TierLike = serde_json::from_value(tier).unwrap();
    Plan {
        platform: Arc::new(PlatformPlan {
            name: text("shops"),
            display_name: text("Shops"),
            domain: text("example.com"),
            routing: serde_json::from_value(json!({ "kind": "gateway", "name": "public", "namespace": "gateway" }))
                .unwrap(),
            network: Default::default(),
            argocd: serde_json::from_value(json!({ "project": "tenants", "repoUrl": "https://git.example.com/x.git" }))
                .unwrap(),
            provisioning: serde_json::from_value(json!({
                "namespace": "platform", "image": "tenantry:v1", "serviceAccount": "t", "credentialsSecret": "c",
            }))
            .unwrap(),
            settings: Map::new(),
        }),
        region: Arc::new(RegionPlan { name: text("us-east"), server: String::new(), settings: Map::new() }),
        tenant: TenantPlan {
            name: "abc".parse().unwrap(),
            uid: String::new(),
            display_name: text("ABC"),
            subdomain: text("abc"),
            contacts: serde_json::from_value(json!({ "admin": "a@abc.example" })).unwrap(),
            subscription: String::new(),
            state: State::Active,
            running: true,
            trial_ends: None,
            delete_after: None,
            values: Map::new(),
        },
        tier: TierPlan {
            name: "standard".parse().unwrap(),
            format: tier.format,
            bundles: vec![],
            quota: BTreeMap::new(),
            limits: serde_json::from_value(json!({})).unwrap(),
            settings: Map::new(),
            kustomize: tier.kustomize,
            chart: None,
        },
        namespace: text("shop-abc"),
        application: text("shop-abc"),
        release: text("shop-abc"),
        hosts: Hosts { primary: text("abc.example.com"), custom: vec![], all: vec![] },
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        services: BTreeMap::new(),
        provisions: BTreeMap::new(),
        document: Document {
            api_version: text("tenantry.dev/v1"),
            kind: text("Provision"),
            metadata: Metadata { tenant: text("abc"), uid: String::new(), state: text("active"), delete_after: None },
            connections: BTreeMap::new(),
            resources: vec![],
        },
    }
}

/// What of a tier decides who has the last word.
#[derive(serde::Deserialize)]
struct TierLike {
    format: Format,
    #[serde(default)]
    kustomize: crate::raw::tier::Kustomize,
}

fn patched() -> Plan {
    let patch = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: changed, namespace: shop-abc }\ndata: { a: '2' }\n";
    plan(json!({ "format": "kustomize", "kustomize": { "patches": [{ "patch": patch }] } }))
}

fn config_map(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": "shop-abc" }, "data": { "a": "1" } })
}

/// Two ConfigMaps, and their files.
fn rendered(folder: &str) -> (Rendered, Tree) {
    let mut tree = Tree::new();
    let mut objects = Vec::new();
    for (entry, name) in ["changed", "kept"].into_iter().enumerate() {
        let path = format!("tenants/abc/manifests/{folder}{name}.yaml");
        tree.insert(path.clone(), yaml::write(&config_map(name)));
        let origin = Origin::Template { file: "templates/a.yaml.j2".to_owned(), entry, item: 0, document: 0 };
        objects.push(RenderedObject { path, origin, value: config_map(name) });
    }
    (Rendered { tenant: "abc".parse().unwrap(), objects, files: Tree::new() }, tree)
}

#[test]
fn nobody_is_asked_where_our_objects_are_final() {
    let (rendered, files) = rendered("");
    for tier in [json!({ "format": "plain" }), json!({ "format": "kustomize" })] {
        let plan = plan(tier);
        assert!(!has_last_word(&plan));
        assert_eq!(Programs::default().inflate(&plan, &rendered, &files), (None, vec![]));
    }
}

#[test]
fn a_missing_program_is_a_warning_that_says_what_to_install() {
    let (rendered, files) = rendered("");
    for (plan, name) in [(patched(), "kustomize"), (plan(json!({ "format": "helm" })), "helm")] {
        assert!(has_last_word(&plan));
        let (inflated, findings) = Programs::default().inflate(&plan, &rendered, &files);
        assert_eq!(inflated, None);
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        assert_eq!((finding.code, finding.place.file.as_str()), (Code::NotInflated, "tiers/standard.yaml"));
        assert_eq!(finding.tenant.as_deref(), Some("abc"));
        assert!(finding.help.starts_with(&format!("install {name}")), "{}", finding.help);
    }
}

#[test]
fn a_program_that_cannot_be_run_is_an_error() {
    let (rendered, files) = rendered("");
    let programs = Programs::at(Some(PathBuf::from("/nowhere/kustomize")), None);
    let (inflated, findings) = programs.inflate(&patched(), &rendered, &files);
    assert_eq!((inflated, findings[0].code), (None, Code::InflateFailed));
    assert!(
        findings[0].message.starts_with("failed to run the program for kustomize of an unknown version: "),
        "{}",
        findings[0].message
    );
}

#[test]
fn the_first_file_on_the_path_is_found() {
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let file = second.path().join(format!("helm{}", env::consts::EXE_SUFFIX));
    fs::write(&file, "").unwrap();
    let path = env::join_paths([first.path(), second.path()]).unwrap();
    assert_eq!(on_path(&path, "helm"), Some(file));
    assert_eq!(on_path(&path, "kustomize"), None);
}

#[test]
fn no_file_leaves_the_folder() {
    let home = TempDir::new().unwrap();
    for file in ["../escaped", "/etc/escaped", "a/../../escaped", "./a"] {
        let refused = write(home.path(), file, "").is_err();
        assert_eq!(
            refused,
            file != "./a" || !Path::new(file).components().all(|part| matches!(part, Component::Normal(_))),
            "{file}"
        );
    }
    write(home.path(), "a/b.yaml", "x").unwrap();
    assert_eq!(fs::read_to_string(home.path().join("a/b.yaml")).unwrap(), "x");
}

#[test]
fn words_are_one_line_without_our_paths() {
    let home = Path::new("/tmp/tenantry-x");
    let shown = words(b"Error: accumulating /tmp/tenantry-x/manifests/a.yaml\n\n  bad \x1b[31mfield\n", home);
    assert_eq!(shown, "Error: accumulating manifests/a.yaml; bad \\u{1b}[31mfield");
    assert_eq!(words(b"", home), "it says nothing");
    assert!(words(&[b'x'; 5_000], home).chars().count() <= 1_001);
}

#[test]
fn unchanged_objects_keep_their_origin_and_one_says_that_the_program_spoke() {
    let (rendered, _) = rendered("");
    let origins = |values: Vec<Value>| -> Vec<bool> {
        matched(&patched(), &rendered, values).objects.iter().map(|object| object.origin == Origin::Inflated).collect()
    };
    let mut changed = config_map("changed");
    changed["data"]["a"] = json!("2");
    assert_eq!(origins(vec![changed, config_map("kept")]), [true, false]);
    assert_eq!(origins(vec![config_map("changed"), config_map("kept")]), [true, false]);
    assert_eq!(origins(vec![config_map("kept")]), [true]);
}

#[cfg(unix)]
mod scripts {
    //! Programs that misbehave, as shell scripts.

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Writes a script and returns it with the folder that it lies in.
    fn script(text: &str) -> (TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("kustomize");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        (folder, path)
    }

    fn inflate(text: &str) -> (Option<Rendered>, Vec<Diagnostic>) {
        let (_folder, path) = script(text);
        let (rendered, files) = rendered("");
        Programs::at(Some(path), None).inflate(&patched(), &rendered, &files)
    }

    #[test]
    fn what_the_program_prints_is_read() {
        let (inflated, findings) =
            inflate("[ $1 = version ] || cat manifests/*.yaml | sed 's/^apiVersion/---\\napiVersion/'");
        assert_eq!(findings, []);
        assert_eq!(inflated.unwrap().objects.len(), 2);
    }

    #[test]
    fn a_refusal_shows_the_programs_words_and_version() {
        let (inflated, findings) =
            inflate("[ $1 = version ] && { echo v5.8.1; exit; }; echo 'no such field: $PWD' >&2; exit 1");
        assert_eq!((inflated, findings[0].code), (None, Code::InflateFailed));
        assert_eq!(findings[0].message, "kustomize 5.8.1 refused the tenant's files: no such field: $PWD");
    }

    #[test]
    fn no_object_and_no_yaml_are_refused() {
        for text in ["true", "echo 'a: b: c'", "printf '\\377'"] {
            let (inflated, findings) = inflate(text);
            assert_eq!((inflated, findings[0].code), (None, Code::InflateFailed), "{text}");
        }
    }

    #[test]
    fn the_environment_of_the_caller_is_not_handed_on() {
        let (_folder, path) = script("env");
        let home = TempDir::new().unwrap();
        let run = Run { program: &path, arguments: &[], directory: home.path(), variables: &[] };
        let Ended::Done { success: true, stdout, .. } = run.until_end().unwrap() else { panic!("it did not end well") };
        let text = String::from_utf8(stdout).unwrap();
        // PWD, SHLVL and _ are the shell's own.
        let mut names: Vec<&str> = text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        names.retain(|name| !matches!(*name, "PWD" | "OLDPWD" | "SHLVL" | "_"));
        names.sort_unstable();
        assert_eq!(names, ["HOME", "HTTPS_PROXY", "HTTP_PROXY", "LC_ALL", "PATH", "http_proxy", "https_proxy"]);
    }

    #[test]
    fn a_program_without_end_is_ended() {
        let (_folder, path) = script("exec sleep 60");
        let home = TempDir::new().unwrap();
        let run = Run { program: &path, arguments: &[], directory: home.path(), variables: &[] };
        assert!(matches!(run.until(Duration::from_millis(50), 100).unwrap(), Ended::Deadline));
    }

    #[test]
    fn output_without_end_is_cut_off() {
        let (_folder, path) = script("exec yes");
        let home = TempDir::new().unwrap();
        let run = Run { program: &path, arguments: &[], directory: home.path(), variables: &[] };
        assert!(matches!(run.until(Duration::from_secs(30), 1 << 16).unwrap(), Ended::TooMuch));
    }
}

/// Returns the program that `tests/run` names.
fn real(variable: &str) -> Option<PathBuf> {
    Some(env::var_os(variable).unwrap_or_else(|| panic!("{variable} names the program")).into())
}

#[test]
#[ignore = "needs kustomize, helm: run by tests/run"]
fn real_kustomize_has_the_last_word() {
    let programs = Programs::at(real("TENANTRY_TEST_KUSTOMIZE"), None);
    let plan = patched();
    let (rendered, mut files) = rendered("");
    let kustomization = json!({ "resources": ["changed.yaml", "kept.yaml"], "patches": plan.tier.kustomize.patches });
    files.insert("tenants/abc/manifests/kustomization.yaml", yaml::write(&kustomization));
    let (inflated, findings) = programs.inflate(&plan, &rendered, &files);
    assert_eq!(findings, []);
    let objects = inflated.unwrap().objects;
    assert_eq!(objects[0].value["data"]["a"], "2");
    assert_eq!(objects[0].origin, Origin::Inflated);
    assert_eq!(objects[1], rendered.objects[1]);
    assert!(programs.version(Program::Kustomize).unwrap().starts_with(|c: char| c.is_ascii_digit()));

    for (resource, word) in [
        ("missing.yaml", "missing.yaml"),
        ("../outside.yaml", "outside"),
        ("https://example.com/a.yaml", "example.com"),
    ] {
        let kustomization = json!({ "resources": [resource] });
        files.insert("tenants/abc/manifests/kustomization.yaml", yaml::write(&kustomization));
        let (inflated, findings) = programs.inflate(&plan, &rendered, &files);
        assert_eq!((inflated, findings[0].code), (None, Code::InflateFailed));
        assert!(
            findings[0].message.contains(word) && !findings[0].message.contains("tenantry-"),
            "{}",
            findings[0].message
        );
    }
}

#[test]
#[ignore = "needs kustomize, helm: run by tests/run"]
fn real_helm_has_the_last_word() {
    let programs = Programs::at(None, real("TENANTRY_TEST_HELM"));
    let plan = plan(json!({ "format": "helm" }));
    let (rendered, mut files) = rendered("objects/");
    let manifests = "tenants/abc/manifests";
    for (file, text) in [
        ("Chart.yaml", "apiVersion: v2\nname: abc\nversion: 0.1.0\ndependencies:\n- { name: web, version: 1.0.0 }\n"),
        ("values.yaml", "web: { size: 3 }\n"),
        (
            "templates/objects.yaml",
            "{{- range $path, $_ := .Files.Glob \"objects/**\" }}\n---\n{{ $.Files.Get $path }}\n{{- end }}\n",
        ),
        ("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        (
            "charts/web/values.schema.json",
            "{ \"properties\": { \"size\": { \"type\": \"integer\" }, \"global\": { \"type\": \"object\" } }, \"required\": [\"size\", \"global\"], \"additionalProperties\": false }",
        ),
        (
            "charts/web/templates/web.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-web }\ndata: { size: {{ .Values.size | quote }}, namespace: {{ .Release.Namespace }} }\n",
        ),
    ] {
        files.insert(format!("{manifests}/{file}"), text);
    }
    let (inflated, findings) = programs.inflate(&plan, &rendered, &files);
    assert_eq!(findings, []);
    let objects = inflated.unwrap().objects;
    assert_eq!(objects.len(), 3);
    assert_eq!(objects[0].value["metadata"]["name"], "shop-abc-web");
    assert_eq!(objects[0].value["data"], json!({ "size": "3", "namespace": "shop-abc" }));
    assert_eq!(objects[1..], rendered.objects[..]);

    files.insert(format!("{manifests}/values.yaml"), "web: { size: three }\n");
    let (inflated, findings) = programs.inflate(&plan, &rendered, &files);
    assert_eq!((inflated, findings[0].code), (None, Code::InflateFailed));
    assert!(findings[0].message.contains("size"), "{}", findings[0].message);
}
