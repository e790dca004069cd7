//! The change set and its text report on small trees, through the public door only.
#![allow(clippy::unwrap_used)]

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};
use tenantry::{
    diff::{ChangeSet, DiffError, Level, Note, Op, Subject, diff},
    review::text::{Style, text},
    tree::Tree,
    yaml,
};

const CANARY: &str = "canary-hunter2";

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new();
    for (path, text) in files {
        tree.insert(*path, *text);
    }
    tree
}

fn with(tree: &Tree, path: &str, edit: impl FnOnce(&str) -> String) -> Tree {
    let mut tree = tree.clone();
    let text = edit(tree.get(path).unwrap());
    tree.insert(path, text);
    tree
}

fn changes(base: &Tree, target: &Tree) -> ChangeSet {
    diff(base, target).unwrap()
}

fn report(base: &Tree, target: &Tree) -> String {
    text(&changes(base, target), Style::default())
}

/// The whole rendered tree of a small tenant.
fn tenant(name: &str) -> Tree {
    let namespace = format!("shop-{name}");
    let under = name.replace('-', "_");
    let provision = json!({
        "apiVersion": "tenantry.dev/v1", "kind": "Provision",
        "metadata": {"tenant": name, "uid": format!("uid-of-{name}"), "state": "active"},
        "resources": [
            {"id": "databases/auth", "kind": "mysqlDatabase", "connection": "mysql", "name": format!("{under}_auth"), "user": format!("{under}_auth"),
             "secret": {"store": "vault", "key": format!("tenants/{name}/auth"), "fields": {"password": {"generated": 32}}},
             "spec": {"characterSet": "utf8mb4", "requireTls": true}},
            {"id": "files/products", "kind": "bucket", "connection": "objects", "name": format!("{name}-products"), "spec": {"versioning": true}},
        ]
    });
    let object = |kind: &str, version: &str, meta: Value, rest: Value| {
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": meta});
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        yaml::write(&object)
    };
    let deployment = object(
        "Deployment",
        "apps/v1",
        json!({"name": "auth", "namespace": namespace, "labels": {"tenantry.dev/tenant": name}}),
        json!({"spec": {"replicas": 3, "selector": {"matchLabels": {"app": "auth"}}, "template": {
            "metadata": {"labels": {"app": "auth"}, "annotations": {"checksum/settings": "aaaa"}},
            "spec": {"containers": [
                {"name": "auth", "image": "ecommerce/auth-service:v1.2.3", "resources": {"limits": {"cpu": "500m"}},
                 "env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "auth-db", "key": "password"}}}]},
                {"name": "proxy", "image": "envoy:v1"}]}}}}),
    );
    let job = object(
        "Job",
        "batch/v1",
        json!({"name": format!("provision-{name}"), "namespace": "provisioning", "annotations": {"argocd.argoproj.io/hook": "PreSync"}}),
        json!({"spec": {"backoffLimit": 3, "template": {"spec": {"containers": [{"name": "provision", "env": [{"name": "DOCUMENT", "value": yaml::write(&provision)}]}]}}}}),
    );
    let digest = object(
        "ConfigMap",
        "v1",
        json!({"name": "provision-digest", "namespace": namespace}),
        json!({"data": {"digest": format!("{:x}", provision.to_string().len())}}),
    );
    let files = [
        ("application.json", json!({"tenant": name, "namespace": namespace, "uid": format!("uid-of-{name}")}).to_string()),
        ("provision.yaml", yaml::write(&provision)),
        ("manifests/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- namespace.yaml\n- services/auth.yaml\n- storage.yaml\n- hooks/provision.yaml\n- provision-digest.yaml\n".to_owned()),
        ("manifests/namespace.yaml", object("Namespace", "v1", json!({"name": namespace, "annotations": {"tenantry.dev/uid": format!("uid-of-{name}")}, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}), json!({}))),
        ("manifests/services/auth.yaml", deployment),
        ("manifests/storage.yaml", object("PersistentVolumeClaim", "v1", json!({"name": "media", "namespace": namespace}), json!({"spec": {"resources": {"requests": {"storage": "10Gi"}}}}))),
        ("manifests/hooks/provision.yaml", job),
        ("manifests/provision-digest.yaml", digest),
    ];
    files.into_iter().map(|(path, text)| (format!("tenants/{name}/{path}"), text.into())).collect()
}

fn tenants(names: &[&str]) -> Tree {
    let mut all = tree(&[(
        "argocd/project.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: shop, namespace: argocd}\nspec: {sourceRepos: [a]}\n",
    )]);
    names.iter().for_each(|name| all.extend(tenant(name)));
    all
}

/// Changes the provision document, the Job that carries it and the digest, as `render` would.
fn provisioned(tree: &Tree, name: &str, edit: impl Fn(&str) -> String) -> Tree {
    let folder = format!("tenants/{name}/");
    let next = with(tree, &format!("{folder}provision.yaml"), &edit);
    let document = next.get(&format!("{folder}provision.yaml")).unwrap().to_string();
    let next = with(&next, &format!("{folder}manifests/hooks/provision.yaml"), |job| {
        let mut job = yaml::read_documents(job).unwrap().remove(0);
        *job.pointer_mut("/spec/template/spec/containers/0/env/0/value").unwrap() = json!(document);
        yaml::write(&job)
    });
    with(&next, &format!("{folder}manifests/provision-digest.yaml"), |text| text.replace("digest: ", "digest: f"))
}

#[test]
fn equal_trees_have_no_changes() {
    let all = tenants(&["abc", "xyz"]);
    assert!(changes(&all, &all).is_empty());
    assert_eq!(report(&all, &all), "no changes\n");
}

#[test]
fn formatting_order_and_comments_are_no_change() {
    let base = tree(&[(
        "tenants/abc/manifests/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: n\ndata:\n  x: \"1\"\n  y: two\n",
    )]);
    let target = tree(&[(
        "tenants/abc/manifests/a.yaml",
        "# new\nkind: ConfigMap\napiVersion: \"v1\"\ndata: {y: 'two', x: '1'}\nmetadata: {namespace: n, name: a} # here\n",
    )]);
    assert!(changes(&base, &target).is_empty());
}

#[test]
fn an_object_in_another_file_is_no_change() {
    let base = tenants(&["abc"]);
    let mut target = with(&base, "tenants/abc/manifests/kustomization.yaml", |text| {
        text.replace("storage.yaml", "volumes/media.yaml")
    });
    let moved = target.remove("tenants/abc/manifests/storage.yaml").unwrap();
    target.insert("tenants/abc/manifests/volumes/media.yaml", moved);
    assert!(changes(&base, &target).is_empty(), "{}", report(&base, &target));
}

#[test]
fn a_list_of_files_is_shown_where_files_do_not_explain_it() {
    let base = tenants(&["abc"]);
    let path = "tenants/abc/manifests/kustomization.yaml";
    let left_out = with(&base, path, |text| text.replace("- storage.yaml\n", ""));
    let remote =
        with(&base, path, |text| text.replace("- storage.yaml\n", "- storage.yaml\n- https://example.com/x\n"));
    assert_snapshot!(report(&base, &left_out));
    assert_snapshot!(report(&base, &remote));
}

#[test]
fn one_changed_tenant() {
    let base = tenants(&["abc", "xyz"]);
    let target = with(&base, "tenants/abc/manifests/services/auth.yaml", |text| {
        text.replace("v1.2.3", "v1.3.0").replace("500m", "750m").replace("aaaa", "bbbb")
    });
    assert_snapshot!(report(&base, &target));
}

#[test]
fn a_changed_checksum_alone_rolls_pods() {
    let base = tenants(&["abc"]);
    let target = with(&base, "tenants/abc/manifests/services/auth.yaml", |text| text.replace("aaaa", "bbbb"));
    let changes = changes(&base, &target);
    assert_eq!(changes.entries.len(), 1);
    assert_eq!(changes.entries[0].notes, [Note::PodsRoll]);
    assert!(changes.entries[0].fields.is_empty());
}

#[test]
fn a_new_tenant() {
    assert_snapshot!(report(&tenants(&["xyz"]), &tenants(&["abc", "xyz"])));
}

#[test]
fn a_deleted_tenant_comes_first() {
    let base = tenants(&["abc", "xyz"]);
    let mut target =
        with(&tenants(&["abc"]), "tenants/abc/manifests/services/auth.yaml", |text| text.replace("v1.2.3", "v1.3.0"));
    target.insert("argocd/project.yaml", target.get("argocd/project.yaml").unwrap().replace("[a]", "[b]"));
    let changes = changes(&base, &target);
    assert!(matches!(&changes.entries[0].subject, Subject::Tenant { name } if name == "xyz"));
    assert_eq!(changes.entries[0].op, Op::Delete);
    assert_snapshot!(report(&base, &target));
}

#[test]
fn trees_of_differing_files_alone_give_the_same() {
    let base = tenants(&["abc", "xyz"]);
    let mut target = with(&base, "tenants/abc/manifests/services/auth.yaml", |text| text.replace("v1.2.3", "v1.3.0"));
    target.insert(
        "tenants/abc/manifests/extra.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra, namespace: shop-abc}\n",
    );
    let differing = |tree: &Tree, other: &Tree| -> Tree {
        tree.clone().into_iter().filter(|(path, text)| other.get(path) != Some(text)).collect()
    };
    let whole = changes(&base, &target);
    let part = changes(&differing(&base, &target), &differing(&target, &base));
    assert_eq!(serde_json::to_string(&whole).unwrap(), serde_json::to_string(&part).unwrap());
}

#[test]
fn an_emptied_tenant_is_a_danger() {
    let base = tenants(&["abc"]);
    let mut target = base.clone();
    let paths: Vec<String> = base.under("tenants/abc/manifests/").map(|(path, _)| path.to_owned()).collect();
    paths.iter().for_each(|path| drop(target.remove(path)));
    let changes = changes(&base, &target);
    assert!(matches!(&changes.entries[0].subject, Subject::Tenant { .. }));
    assert_eq!(changes.dangers()[0].0.reason, "nothing of the tenant is left in the cluster");
}

#[test]
fn a_renamed_database_is_a_new_one() {
    let base = tenants(&["abc"]);
    let target = provisioned(&base, "abc", |text| text.replace("name: abc_auth", "name: abc_authn"));
    assert_snapshot!(report(&base, &target));
}

#[test]
fn resources_outside_come_change_and_go() {
    let base = tenants(&["abc"]);
    let target = provisioned(&base, "abc", |text| {
        let mut document = yaml::read_documents(text).unwrap().remove(0);
        let resources = document["resources"].as_array_mut().unwrap();
        resources[0]["spec"]["requireTls"] = json!(false);
        resources[1]["id"] = json!("files/sav");
        resources[1]["name"] = json!("abc-sav");
        yaml::write(&document)
    });
    assert_snapshot!(report(&base, &target));
}

#[test]
fn a_job_with_another_document_is_a_danger() {
    let base = tenants(&["abc"]);
    let target = with(&base, "tenants/abc/manifests/hooks/provision.yaml", |text| text.replace("abc_auth", "xyz_auth"));
    let changes = changes(&base, &target);
    assert_eq!(changes.dangers()[0].0.level, Level::Loss);
    assert!(!changes.entries[0].fields.is_empty(), "it must be shown");
}

#[test]
fn another_uid_is_a_danger_wherever_it_stands() {
    let base = tenants(&["abc"]);
    let mut target = Tree::new();
    for (path, text) in base.iter() {
        target.insert(path, text.replace("uid-of-abc", "uid-of-eve"));
    }
    let changes = changes(&base, &target);
    let files: Vec<&str> = changes.dangers().iter().map(|(_, entry)| entry.file.as_str()).collect();
    assert_eq!(
        files,
        ["tenants/abc/application.json", "tenants/abc/provision.yaml", "tenants/abc/manifests/namespace.yaml"]
    );
}

#[test]
fn a_tag_bump_over_fifty_tenants_is_one_entry() {
    let names: Vec<String> =
        (0..50).map(|number| if number % 2 == 0 { format!("t{number}") } else { format!("t-{number}") }).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let base = tenants(&names);
    let mut target = base.clone();
    for name in &names {
        target = with(&target, &format!("tenants/{name}/manifests/services/auth.yaml"), |text| {
            text.replace("v1.2.3", "v1.3.0")
        });
        target = provisioned(&target, name, |text| text.replace("_auth\n", "_login\n"));
    }
    let whole = changes(&base, &target);
    let folded = whole.folded();
    assert_eq!(folded.counts, whole.counts);
    assert_eq!(folded.folded(), folded);
    assert_eq!(whole.counts.tenants.changed, 50);
    assert_snapshot!(text(&folded, Style { color: false, width: 100 }));
}

#[test]
fn folding_keeps_apart_what_differs() {
    let base = tenants(&["abc", "xyz"]);
    let target = with(&base, "tenants/abc/manifests/services/auth.yaml", |text| text.replace("v1.2.3", "v1.3.0"));
    let target = with(&target, "tenants/xyz/manifests/services/auth.yaml", |text| text.replace("v1.2.3", "v1.4.0"));
    assert_eq!(changes(&base, &target).folded().entries, changes(&base, &target).entries);
}

/// Trees that hold a secret in every place that we know one may stand in.
fn with_secrets(secret: &str) -> Tree {
    let object = |kind: &str, rest: Value| {
        let mut object =
            json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": kind.to_lowercase(), "namespace": "n"}});
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        yaml::write(&object)
    };
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n");
    let config = json!({"data": {
        "dbPassword": secret, "app.properties": format!("user=abc\ndb.password={secret}\n"), "url": format!("amqp://abc:{secret}@mq:5672/abc"),
        "settings.json": format!("{{\"apiKey\": \"{secret}\"}}"), "tls.key": pem,
    }});
    let pod = json!({"spec": {"containers": [{"name": "a", "args": ["--token", secret, format!("--password={secret}")], "env": [{"name": "API_KEY", "value": secret}]}]}});
    tree(&[
        (
            "tenants/abc/manifests/secret.yaml",
            &object("Secret", json!({"data": {"a": secret}, "stringData": {"b": {"c": secret}}})),
        ),
        ("tenants/abc/manifests/config.yaml", &object("ConfigMap", config)),
        ("tenants/abc/manifests/pod.yaml", &object("Pod", pod)),
        ("tenants/abc/application.json", &json!({"token": secret}).to_string()),
        ("tenants/abc/manifests/values.yaml", &format!("postgres: {{auth: {{password: {secret}}}}}\n")),
        ("tenants/abc/manifests/templates/x.yaml", &format!("kind: Secret\ndata: {{{{ x }}}}\n  a: {secret}\n")),
        ("tenants/abc/manifests/notes.txt", &format!("password: {secret}\n")),
        (
            "tenants/abc/provision.yaml",
            &yaml::write(
                &json!({"kind": "Provision", "resources": [{"id": "x", "kind": "httpResource", "spec": {"create": {"body": {"password": secret}}}}]}),
            ),
        ),
    ])
}

#[test]
fn secrets_appear_nowhere() {
    let (one, two) = (with_secrets(CANARY), with_secrets(&format!("{CANARY}-2")));
    for (base, target) in [(&one, &two), (&one, &Tree::new()), (&Tree::new(), &one)] {
        let changes = changes(base, target);
        assert!(!changes.is_empty());
        for shown in [
            format!("{changes:?}"),
            serde_json::to_string(&changes).unwrap(),
            text(&changes, Style { color: true, width: 10_000 }),
            text(&changes, Style::default()),
            format!("{:?}", changes.folded()),
        ] {
            assert!(!shown.contains(CANARY), "{shown}");
        }
    }
    // Nothing but the secrets differs, and each file still shows that it changed.
    let changed = changes(&one, &two);
    assert_eq!(changed.entries.len(), 8, "{}", report(&one, &two));
    assert_snapshot!(report(&one, &two));
}

#[test]
fn an_error_names_the_file_and_not_its_content() {
    let base = tree(&[("tenants/abc/manifests/a.yaml", "a: 1\n")]);
    let target = tree(&[("tenants/abc/manifests/a.yaml", &format!("a: [{CANARY}\n"))]);
    let error = diff(&base, &target).unwrap_err();
    assert!(matches!(error, DiffError::Yaml { .. }));
    assert_eq!(error.to_string(), "failed to read `tenants/abc/manifests/a.yaml` of the target tree");
    assert!(!format!("{error:?}").contains(CANARY));
}

#[test]
fn hostile_texts_are_escaped() {
    let object = |text: &str| {
        yaml::write(
            &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}, "data": {"x": text, "y\u{1b}[2J": "1"}}),
        )
    };
    let base = tree(&[("tenants/abc/manifests/a.yaml", &object("harmless"))]);
    let hostile = "\u{1b}[31mred\u{202e}\r\u{9b}0m **@team** `x` | <script>\u{200b}";
    let target = tree(&[("tenants/abc/manifests/a.yaml", &object(hostile))]);
    let one_line = report(&base, &target);
    let many = tree(&[("tenants/abc/manifests/a.yaml", &object(&format!("a\n{hostile}\n+ Namespace forged")))]);
    for shown in [&one_line, &report(&base, &many), &report(&Tree::new(), &many)] {
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        assert!(!shown.contains(['\u{202e}', '\u{200b}']), "{shown:?}");
        assert!(shown.lines().all(|line| !line.starts_with("  + Namespace forged")), "{shown}");
    }
    assert_snapshot!(one_line);
}

#[test]
fn a_new_object_is_shown_whole() {
    let base = tenants(&["abc"]);
    let mut target = with(&base, "tenants/abc/manifests/kustomization.yaml", |text| format!("{text}- extra.yaml\n"));
    target.insert("tenants/abc/manifests/extra.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra, namespace: shop-abc, labels: {a: b}}\ndata: {x: \"1\", y: \"a\\nb\\n\"}\n");
    assert_snapshot!(report(&base, &target));
}

#[test]
fn the_same_trees_give_the_same_bytes() {
    let base = tenants(&["abc", "def", "ghi"]);
    let target = tenants(&["def", "ghi", "xyz"]);
    let once = serde_json::to_string(&changes(&base, &target)).unwrap();
    for _ in 0..8 {
        assert_eq!(serde_json::to_string(&changes(&base, &target)).unwrap(), once);
    }
}

#[test]
fn json_is_what_the_schema_says() {
    let schema = serde_json::from_str(include_str!("../schemas/diff.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let (base, target) = (tenants(&["abc", "def"]), tenants(&["def", "xyz"]));
    let target = provisioned(&target, "def", |text| text.replace("utf8mb4", "latin1"));
    for changes in [changes(&base, &target), changes(&base, &base), changes(&with_secrets("a"), &with_secrets("b"))] {
        let mut value = serde_json::to_value(&changes).unwrap();
        assert_eq!(value["version"], 1);
        // The command adds what was found.
        value["findings"] = json!([]);
        let faults: Vec<String> = validator.iter_errors(&value).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?}");
    }
}

fn objects() -> impl Strategy<Value = Vec<(u8, Value)>> {
    let data = prop::collection::btree_map("[a-c]", "[xy\\n]{0,3}", 0..3);
    let object = (0u8..3, "[pq]", data).prop_map(|(file, name, data)| {
        (file, json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}, "data": data}))
    });
    // One object of a name: doubles are numbered by their place, and moving them is a change.
    prop::collection::vec(object, 0..3).prop_map(|mut all| {
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|(_, object)| seen.insert(object["metadata"]["name"].to_string()));
        all
    })
}

fn tree_of(objects: &[(u8, Value)]) -> Tree {
    let mut tree = Tree::new();
    for (file, object) in objects {
        let path = format!("tenants/abc/manifests/{file}.yaml");
        let before = tree.get(&path).map(|text| format!("{text}---\n")).unwrap_or_default();
        tree.insert(path, format!("{before}{}", yaml::write(object)));
    }
    tree
}

proptest! {
    #[test]
    fn no_changes_if_and_only_if_the_objects_are_equal(base in objects(), target in objects()) {
        let set = |objects: &[(u8, Value)]| -> std::collections::BTreeSet<String> { objects.iter().map(|(_, object)| object.to_string()).collect() };
        prop_assert!(changes(&tree_of(&base), &tree_of(&base)).is_empty());
        prop_assert_eq!(changes(&tree_of(&base), &tree_of(&target)).is_empty(), set(&base) == set(&target));
    }
}
