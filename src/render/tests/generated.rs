//! What no template makes: the hook Job, the digest, kustomization and chart, and the estate's own two files.

use serde_json::{Value, json};

use super::estate::{Builder, estate, plan};
use crate::{provision::Resource, render::Renderer, tree::Tree, yaml};

const NAMESPACE: &str = "kind: Namespace\nmetadata: { name: {{ namespace }} }\n";

fn read(tree: &Tree, path: &str) -> Value {
    let mut documents = yaml::read_documents(tree.get(path).unwrap_or_else(|| panic!("{path} is missing"))).unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

pub(super) fn with_namespace() -> Builder {
    estate().template("namespace.yaml.j2", NAMESPACE, json!({}))
}

#[test]
fn a_tenant_has_these_files_and_no_others() {
    let paths =
        |builder: Builder| builder.tree().iter().map(|(path, _)| path.to_owned()).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(paths(with_namespace()), @r#"
    tenants/acme/application.json
    tenants/acme/manifests/hooks/provision.yaml
    tenants/acme/manifests/kustomization.yaml
    tenants/acme/manifests/namespace.yaml
    tenants/acme/manifests/provision-digest.yaml
    tenants/acme/provision.yaml
    "#);
    let with = |key: &str, value: Value| {
        let mut builder = with_namespace();
        builder.tier[key] = value;
        builder
    };
    insta::assert_snapshot!(paths(with("format", json!("plain"))), @r#"
    tenants/acme/application.json
    tenants/acme/manifests/hooks/provision.yaml
    tenants/acme/manifests/namespace.yaml
    tenants/acme/manifests/provision-digest.yaml
    tenants/acme/provision.yaml
    "#);
    insta::assert_snapshot!(paths(with("provisions", json!({}))), @r#"
    tenants/acme/application.json
    tenants/acme/manifests/kustomization.yaml
    tenants/acme/manifests/namespace.yaml
    "#);
}

#[test]
fn the_hook_carries_the_document_and_the_digest_changes_with_it() {
    let tree = with_namespace().tree();
    let job = read(&tree, "tenants/acme/manifests/hooks/provision.yaml");
    let document = tree.get("tenants/acme/provision.yaml").unwrap();
    assert_eq!(job["spec"]["template"]["metadata"]["annotations"]["tenantry.dev/provision"], **document);
    insta::assert_snapshot!(tree.get("tenants/acme/manifests/hooks/provision.yaml").unwrap(), @r#"
    apiVersion: batch/v1
    kind: Job
    metadata:
      name: provision-acme
      annotations:
        argocd.argoproj.io/hook: PreSync
        argocd.argoproj.io/hook-delete-policy: BeforeHookCreation
        argocd.argoproj.io/sync-wave: "0"
      labels:
        app.kubernetes.io/managed-by: tenantry
        app.kubernetes.io/name: provision
        app.kubernetes.io/part-of: shops
        tenantry.dev/region: us-east
        tenantry.dev/state: active
        tenantry.dev/tenant: acme
        tenantry.dev/tier: basic
      namespace: platform
    spec:
      activeDeadlineSeconds: 600
      backoffLimit: 3
      template:
        metadata:
          annotations:
            tenantry.dev/provision: |
              apiVersion: tenantry.dev/v1
              kind: Provision
              metadata:
                state: active
                tenant: acme
                uid: 0192f0c1-0000-7000-8000-000000000001
              connections:
                mysql:
                  kind: mysql
                  credentials:
                    passwordEnv: P
                    usernameEnv: U
                  host: mysql.example
                  port: 3306
                store:
                  kind: vault
                  kubernetesRole: tenantry
                  mount: secret
                  url: https://vault.example
              resources:
              - kind: mysqlDatabase
                name: acme_auth
                connection: mysql
                id: databases/auth
                secret:
                  fields:
                    database:
                      value: acme_auth
                    host:
                      value: mysql.example
                    password:
                      generated: 32
                    port:
                      value: "3306"
                    username:
                      value: acme_auth
                  key: tenants/acme/databases/auth
                  store: store
                spec:
                  characterSet: utf8mb4
                  collation: utf8mb4_unicode_ci
                  host: "%"
                  privileges:
                  - SELECT
                  requireTls: true
                user: acme_auth
          labels:
            app.kubernetes.io/managed-by: tenantry
            app.kubernetes.io/name: provision
            app.kubernetes.io/part-of: shops
            tenantry.dev/region: us-east
            tenantry.dev/state: active
            tenantry.dev/tenant: acme
            tenantry.dev/tier: basic
        spec:
          automountServiceAccountToken: true
          containers:
          - name: provision
            args:
            - provision
            - apply
            - --document
            - /run/tenantry/provision.yaml
            command:
            - tenantry
            envFrom:
            - secretRef:
                name: tenantry-credentials
            image: tenantry:v1
            resources:
              limits:
                cpu: 500m
                memory: 256Mi
              requests:
                cpu: 100m
                memory: 128Mi
            securityContext:
              allowPrivilegeEscalation: false
              capabilities:
                drop:
                - ALL
              readOnlyRootFilesystem: true
            volumeMounts:
            - name: document
              mountPath: /run/tenantry
              readOnly: true
            - name: tmp
              mountPath: /tmp
          enableServiceLinks: false
          restartPolicy: Never
          securityContext:
            runAsGroup: 65532
            runAsNonRoot: true
            runAsUser: 65532
            seccompProfile:
              type: RuntimeDefault
          serviceAccountName: tenantry
          volumes:
          - name: document
            downwardAPI:
              items:
              - fieldRef:
                  fieldPath: metadata.annotations['tenantry.dev/provision']
                path: provision.yaml
          - name: tmp
            emptyDir:
              sizeLimit: 64Mi
    "#);
    insta::assert_snapshot!(tree.get("tenants/acme/manifests/provision-digest.yaml").unwrap(), @r#"
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: provision-digest
      labels:
        app.kubernetes.io/managed-by: tenantry
        app.kubernetes.io/part-of: shops
        tenantry.dev/region: us-east
        tenantry.dev/state: active
        tenantry.dev/tenant: acme
        tenantry.dev/tier: basic
      namespace: shop-acme
    data:
      digest: sha256:bc6821c0b78c811df21caf1aed0911893decfd721b39fca1b02d555fbedc3c6e
    "#);
    let mut builder = with_namespace();
    builder.tier["provisions"]["databases"]["spec"]["privileges"] = json!(["SELECT", "INSERT"]);
    let other = builder.tree();
    let path = "tenants/acme/manifests/provision-digest.yaml";
    assert_ne!(tree.get(path), other.get(path));
}

#[test]
fn a_document_that_does_not_fit_into_the_job_is_refused() {
    let estate = with_namespace().build();
    let mut plan = plan(&estate);
    let Resource::MysqlDatabase(database) = plan.document.resources[0].clone() else { unreachable!() };
    plan.document.resources = (0..400)
        .map(|n| {
            let mut database = database.clone();
            database.id = format!("databases/{n}");
            Resource::MysqlDatabase(database)
        })
        .collect();
    let findings = Renderer::new(&estate).unwrap().tenant(&plan).unwrap_err();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code.name(), "document-too-large");
    assert_eq!(findings[0].tenant.as_deref(), Some("acme"));
}

#[test]
fn parameters_are_texts_and_leave_the_generators_names_alone() {
    let tree = with_namespace().tree();
    let text = tree.get("tenants/acme/application.json").unwrap();
    insta::assert_snapshot!(text, @r#"
    {
      "application": "tenant-acme",
      "format": "kustomize",
      "namespace": "shop-acme",
      "region": "us-east",
      "release": "tenant-acme",
      "server": "https://us-east.example:6443",
      "state": "active",
      "tenant": "acme",
      "tier": "basic"
    }
    "#);
    let parameters: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
    assert!(parameters.values().all(Value::is_string));
    assert!(
        ["path", "values", "name", "nameNormalized", "metadata"].iter().all(|name| !parameters.contains_key(*name))
    );
    // Every parameter that the ApplicationSet asks for is there: `missingkey=error` would stop all tenants.
    let estate = with_namespace().build();
    let set = Renderer::new(&estate).unwrap().platform();
    for parameter in set.get("argocd/applicationset.yaml").unwrap().split("{{ .").skip(1) {
        let name = parameter.split([' ', '.']).next().unwrap();
        assert!(name == "path" || parameters.contains_key(name), "{name}");
    }
}

#[test]
fn a_kustomization_lists_the_objects_and_the_tiers_components_and_patches() {
    let tree = with_namespace()
        .template("a.yaml.j2", "kind: A\n", json!({ "each": "services", "output": "s/{{ item.name }}.yaml" }))
        .tree();
    insta::assert_snapshot!(tree.get("tenants/acme/manifests/kustomization.yaml").unwrap(), @r#"
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    resources:
    - hooks/provision.yaml
    - namespace.yaml
    - provision-digest.yaml
    - s/auth.yaml
    - s/orders.yaml
    "#);
    let mut builder = with_namespace();
    builder.tier["kustomize"] = json!({ "components": ["spot"], "patches": [{ "patch": "- op: add\n" }] });
    builder.components.insert("spot/kustomization.yaml", "kind: Component\n");
    builder.components.insert("spot/patches/a.yaml", "a: 1\n");
    builder.components.insert("spotless/kustomization.yaml", "kind: Component\n");
    let tree = builder.tree();
    insta::assert_snapshot!(tree.get("tenants/acme/manifests/kustomization.yaml").unwrap(), @r#"
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    components:
    - components/spot
    patches:
    - patch: |
        - op: add
    resources:
    - hooks/provision.yaml
    - namespace.yaml
    - provision-digest.yaml
    "#);
    let copied: Vec<&str> = tree.under("tenants/acme/manifests/components/").map(|(path, _)| path).collect();
    assert_eq!(
        copied,
        [
            "tenants/acme/manifests/components/spot/kustomization.yaml",
            "tenants/acme/manifests/components/spot/patches/a.yaml"
        ]
    );
    let mut builder = with_namespace();
    builder.tier["kustomize"] = json!({ "components": ["nope"] });
    assert!(builder.faults()[0].contains("the component `nope`, which does not exist"));
}

/// A tenant of a small chart.
fn helm() -> Builder {
    let mut builder = with_namespace()
        .template("dashboard.yaml.j2", "kind: ConfigMap\napiVersion: v1\nmetadata: { name: d, namespace: {{ namespace }} }\ndata:\n  legend: {{ \"{{ service }}\" }}\n", json!({}))
        .library("shop/values.yaml.j2", "replicas: {{ services.auth.replicas }}\nhost: {{ hosts.primary }}\n");
    builder.tier["format"] = json!("helm");
    builder.tier["chart"] = json!("mechanic");
    builder.bundles.get_mut("shop").unwrap()["values"] = json!("values.yaml.j2");
    builder.charts.insert("mechanic/Chart.yaml", "apiVersion: v2\nname: mechanic-buddy\nversion: 1.4.0\n");
    builder.charts.insert("mechanic/values.yaml", "replicas: 1\nhost: none\n");
    builder.charts.insert(
        "mechanic/templates/deployment.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  host: {{ .Values.host }}\n  replicas: {{ .Values.replicas | quote }}\n",
    );
    builder
}

#[test]
fn a_chart_is_wrapped_with_the_tenants_values_and_further_objects() {
    let tree = helm().tree();
    let paths: Vec<&str> = tree.iter().map(|(path, _)| path).collect();
    insta::assert_snapshot!(paths.join("\n"), @r#"
    tenants/acme/application.json
    tenants/acme/manifests/Chart.yaml
    tenants/acme/manifests/charts/mechanic/Chart.yaml
    tenants/acme/manifests/charts/mechanic/templates/deployment.yaml
    tenants/acme/manifests/charts/mechanic/values.yaml
    tenants/acme/manifests/objects/dashboard.yaml
    tenants/acme/manifests/objects/hooks/provision.yaml
    tenants/acme/manifests/objects/namespace.yaml
    tenants/acme/manifests/objects/provision-digest.yaml
    tenants/acme/manifests/templates/objects.yaml
    tenants/acme/manifests/values.yaml
    tenants/acme/provision.yaml
    "#);
    insta::assert_snapshot!(tree.get("tenants/acme/manifests/Chart.yaml").unwrap(), @r#"
    apiVersion: v2
    name: acme
    dependencies:
    - name: mechanic-buddy
      version: 1.4.0
    description: Made by tenantry
    version: 0.1.0
    "#);
    insta::assert_snapshot!(tree.get("tenants/acme/manifests/values.yaml").unwrap(), @r#"
    mechanic-buddy:
      host: acme.shops.example
      replicas: 3
    "#);
    let mut builder = helm();
    builder.charts.remove("mechanic/Chart.yaml");
    assert!(builder.faults()[0].starts_with("template-error charts/mechanic/Chart.yaml:1:1"));
}

#[test]
fn objects_of_one_file_stand_one_after_another() {
    let tree = estate().template("a.yaml.j2", "kind: A\n---\nkind: B\napiVersion: v1\n", json!({})).tree();
    assert_eq!(&**tree.get("tenants/acme/manifests/a.yaml").unwrap(), "kind: A\n---\napiVersion: v1\nkind: B\n");
}
