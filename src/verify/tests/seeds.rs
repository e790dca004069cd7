//! The mistakes of the first source document that concern manifests, each put back as it stood there and caught by name.

use super::*;

/// A mistake that was corrected: the line of the document, what was wrong, how it is put back, and the rules that say so.
type Mistake = (u32, &'static str, fn() -> Vec<Diagnostic>, &'static [Code]);

/// Not here, since no manifest shows them: names of users in databases, buckets, virtual hosts and dashboards of servers (`check` and the
/// provision document hold those), and what scripts did.
const MISTAKES: &[Mistake] = &[
    (
        150,
        "a list of tenants without goTemplate",
        application_set,
        &[Code::ArgocdCreateNamespace, Code::ApplicationSetTemplate, Code::ApplicationTool],
    ),
    (189, "CreateNamespace beside a Namespace", application, &[Code::ArgocdCreateNamespace]),
    (192, "a Namespace without a Pod Security Standard", unrestricted, &[Code::NamespaceUnrestricted]),
    (217, "a quota that 13 services do not fit", quota_too_small, &[Code::QuotaExceeded]),
    (233, "quota keys without count/", quota_keys, &[Code::ResourceQuotaKey]),
    (289, "a label that no namespace has", namespace_label, &[Code::NetworkNamespaceLabel]),
    (305, "DNS over UDP only", dns, &[Code::NetworkDnsUdpOnly]),
    (344, "the internet as namespaceSelector: {}", internet, &[Code::NetworkEveryNamespace]),
    (
        357,
        "a database cluster of the tenant in the shared namespace",
        database_elsewhere,
        &[Code::ObjectUnknownKind, Code::ObjectNamespace],
    ),
    (
        360,
        "a database cluster whose Secret lacks rootUser",
        database_without_root,
        &[Code::SecretKeyMissing, Code::ObjectUnknownKind],
    ),
    (
        435,
        "a migration that is no hook, runs latest and has no deadline",
        migration,
        &[Code::JobNotHook, Code::ImageTag],
    ),
    (440, "the same as a hook without a deadline", endless_hook, &[Code::HookDeadline]),
    (455, "a migration before its Secret", early_migration, &[Code::HookTooEarly]),
    (483, "ExternalSecrets of v1beta1", external_secret_version, &[Code::ObjectRetiredVersion]),
    (488, "a store that all tenants share", shared_store, &[Code::SecretStoreShared]),
    (594, "MinIO's password in the manifests", || plain_secret("MINIO_SECRET_KEY"), &[Code::SecretData]),
    (697, "RabbitMQ's password in the manifests", || plain_secret("RABBITMQ_PASSWORD"), &[Code::SecretData]),
    (724, "commonLabels that write into selectors", common_labels, &[Code::KustomizeLabels]),
    (726, "the tier in an immutable selector", tier_in_selector, &[Code::SelectorMutableLabel]),
    (854, "a Certificate and an Ingress for one Secret", two_certificates, &[Code::SecretTwoOwners]),
    (883, "an annotation that limits no rate", rate_limit, &[Code::IngressAnnotation]),
    (925, "a monitor by a label that the Service lacks", monitor_label, &[Code::MonitorSelectsNothing]),
    (928, "a monitor of a port that the Service lacks", monitor_port, &[Code::MonitorPort]),
    (941, "a dashboard in the envelope of the HTTP API", dashboard, &[Code::DashboardEnvelope]),
    (
        981,
        "containers counted twice",
        || alert("sum(container_memory_usage_bytes{namespace=\"shop-abc\"}) > 1"),
        &[Code::AlertContainerLabel],
    ),
    (
        1028,
        "what a quota allows and what is used added up",
        || alert("sum(kube_resourcequota{resource=\"limits.memory\"}) > 1"),
        &[Code::AlertQuotaType],
    ),
];

#[test]
fn every_mistake_is_caught_by_name() {
    for (line, what, put_back, expected) in MISTAKES {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(codes(&put_back()), expected, "S0:{line}: {what}");
    }
}

fn codes(findings: &[Diagnostic]) -> Vec<Code> {
    let mut codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn quota_keys() -> Vec<Diagnostic> {
    changed("quota", json!({ "spec": { "hard": { "deployments.apps": "20", "statefulsets.apps": "5" } } }))
}

#[test]
fn quota_keys_are_named_as_they_should_be() {
    let found = quota_keys();
    assert_eq!(found[0].help, "write `count/deployments.apps`");
    assert_eq!(found[1].help, "write `count/statefulsets.apps`");
}

fn quota_too_small() -> Vec<Diagnostic> {
    let mut objects = right();
    merge(
        objects.get_mut("quota").unwrap(),
        json!({ "spec": { "hard": {
        "requests.cpu": "6", "limits.cpu": "12", "requests.memory": "1Ti", "limits.memory": "1Ti", "count/deployments.apps": "20",
    } } }),
    );
    merge(
        objects.get_mut("limits").unwrap(),
        json!({ "spec": { "limits": [{ "type": "Container", "max": { "cpu": "4", "memory": "8Gi" } }] } }),
    );
    let mut all: Vec<Value> = objects.into_values().collect();
    for n in 0..13 {
        let name = format!("service-{n}");
        let mut template = template(&name);
        template["spec"]["containers"][0]["resources"] =
            json!({ "requests": { "cpu": "500m", "memory": "1Gi" }, "limits": { "cpu": "2", "memory": "2Gi" } });
        all.push(object(
            "apps/v1",
            "Deployment",
            &name,
            json!({
                "spec": { "replicas": 3, "selector": { "matchLabels": { "app": name } }, "template": template },
            }),
        ));
    }
    findings(&plan(), all)
}

#[test]
fn a_sum_is_told_by_its_greatest_shares() {
    let found = quota_too_small();
    let keys: Vec<&str> = found.iter().map(|finding| finding.place.file.as_str()).collect();
    assert_eq!(keys, ["/spec/hard/limits.cpu", "/spec/hard/requests.cpu"]);
    assert!(
        found[1].message.contains("Deployment `service-0` 2 (4 Pods with 1 more while it is updated)"),
        "{}",
        found[1].message
    );
    assert!(found[1].message.ends_with(", 11 more"), "{}", found[1].message);
}

fn policy(spec: Value) -> Vec<Diagnostic> {
    with(object("networking.k8s.io/v1", "NetworkPolicy", "more", json!({ "spec": spec })))
}

fn namespace_label() -> Vec<Diagnostic> {
    let from = json!([{ "from": [{ "namespaceSelector": { "matchLabels": { "name": "ingress-nginx" } } }] }]);
    policy(json!({ "podSelector": {}, "ingress": from }))
}

fn dns() -> Vec<Diagnostic> {
    let mut policy = right().remove("network").unwrap();
    policy["spec"]["egress"][0]["ports"] = json!([{ "protocol": "UDP", "port": 53 }]);
    changed("network", policy)
}

fn internet() -> Vec<Diagnostic> {
    let to = json!([{ "to": [{ "namespaceSelector": {} }], "ports": [{ "protocol": "TCP", "port": 443 }] }]);
    policy(json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": to }))
}

fn tier_in_selector() -> Vec<Diagnostic> {
    let label = json!({ "tier": "standard" });
    let template = json!({ "metadata": { "labels": label } });
    changed("deployment", json!({ "spec": { "selector": { "matchLabels": label }, "template": template } }))
}

fn migration() -> Vec<Diagnostic> {
    let mut migration = job("migration");
    merge(&mut migration, json!({ "metadata": { "annotations": null }, "spec": { "activeDeadlineSeconds": null } }));
    migration["spec"]["template"]["spec"]["containers"][0]["image"] = json!("ecommerce/auth-service:latest");
    changed_by(|objects| drop(objects.insert("migration", migration)))
}

fn endless_hook() -> Vec<Diagnostic> {
    changed("migration", json!({ "spec": { "activeDeadlineSeconds": null } }))
}

/// The account and the settings are there before it, the Secret is not.
fn early_migration() -> Vec<Diagnostic> {
    let early = json!({ "metadata": { "annotations": { "argocd.argoproj.io/hook": "PreSync" } } });
    changed_by(|objects| {
        for name in ["migration", "account", "settings"] {
            merge(objects.get_mut(name).unwrap(), early.clone());
        }
    })
}

fn external_secret_version() -> Vec<Diagnostic> {
    changed("credentials", json!({ "apiVersion": "external-secrets.io/v1beta1" }))
}

fn shared_store() -> Vec<Diagnostic> {
    let store = json!({ "name": "aws-secrets-manager", "kind": "ClusterSecretStore" });
    changed("credentials", json!({ "spec": { "secretStoreRef": store } }))
}

fn plain_secret(key: &str) -> Vec<Diagnostic> {
    with(object(
        "v1",
        "Secret",
        "credentials",
        json!({ "type": "Opaque", "stringData": { key: "generated_secure_password" } }),
    ))
}

fn unrestricted() -> Vec<Diagnostic> {
    changed("namespace", json!({ "metadata": { "labels": null } }))
}

/// Verifies the right tenant and one more object for an estate that allows some further kinds.
fn beside(object: Value) -> Vec<Diagnostic> {
    let mut estate = estate::estate();
    let kinds = [
        "argoproj.io/v1alpha1/Application",
        "argoproj.io/v1alpha1/ApplicationSet",
        "mysql.oracle.com/v2/InnoDBCluster",
    ];
    Arc::get_mut(&mut estate.platform).unwrap().allowed_kinds.extend(kinds.map(str::to_owned));
    let places = |_: &Plan, _: &Origin, pointer: &str| Place::file(pointer);
    Verifier::new(&estate).unwrap().verify(&plan(), &rendered(right().into_values().chain([object])), &places)
}

fn application_spec(tenant: &str) -> Value {
    json!({
        "project": "tenants",
        "source": {
            "repoURL": "https://git.example.com/x.git", "targetRevision": "HEAD", "path": format!("tenants/{tenant}"),
            "helm": { "parameters": [{ "name": "tenant.id", "value": tenant }] },
        },
        "destination": { "server": "https://kubernetes.default.svc", "namespace": format!("shop-{tenant}") },
        "syncPolicy": { "automated": { "prune": true, "selfHeal": true }, "syncOptions": ["CreateNamespace=true"] },
    })
}

fn application_set() -> Vec<Diagnostic> {
    let elements = json!([{ "tenant": "abc", "tier": "premium" }]);
    beside(object(
        "argoproj.io/v1alpha1",
        "ApplicationSet",
        "tenants",
        json!({ "spec": {
        "generators": [{ "list": { "elements": elements } }],
        "template": { "metadata": { "name": "tenant-{{tenant}}" }, "spec": application_spec("{{tenant}}") },
    } }),
    ))
}

fn application() -> Vec<Diagnostic> {
    let mut spec = application_spec("abc");
    merge(
        &mut spec,
        json!({ "source": { "helm": null, "repoURL": "https://github.com/company/e-commerce-manifests" } }),
    );
    beside(object("argoproj.io/v1alpha1", "Application", "tenant-abc", json!({ "spec": spec })))
}

fn database(namespace: &str, secret: &str) -> Vec<Diagnostic> {
    beside(object(
        "mysql.oracle.com/v2",
        "InnoDBCluster",
        "tenant-abc",
        json!({
            "metadata": { "namespace": namespace }, "spec": { "secretName": secret, "instances": 3 },
        }),
    ))
}

fn database_elsewhere() -> Vec<Diagnostic> {
    database("e-commerce-shared", "mysql-root-credentials")
}

fn database_without_root() -> Vec<Diagnostic> {
    database("shop-abc", "auth-credentials")
}

fn common_labels() -> Vec<Diagnostic> {
    let mut estate = estate::estate();
    estate
        .components
        .insert("labels/kustomization.yaml", "kind: Component\ncommonLabels: { tenant: abc, tier: premium }\n");
    let mut plan = plan();
    plan.tier.kustomize.components.push("labels".to_owned());
    let places = |_: &Plan, _: &Origin, pointer: &str| Place::file(pointer);
    Verifier::new(&estate).unwrap().verify(&plan, &rendered(right().into_values()), &places)
}

fn ingress(annotations: Value) -> Value {
    object(
        "networking.k8s.io/v1",
        "Ingress",
        "tenant-ingress",
        json!({
            "metadata": { "annotations": annotations },
            "spec": {
                "tls": [{ "hosts": ["abc.example.com"], "secretName": "tenant-tls-secret" }],
                "rules": [{ "host": "abc.example.com", "http": { "paths": [{
                    "path": "/", "pathType": "Prefix", "backend": { "service": { "name": "auth", "port": { "number": 80 } } },
                }] } }],
            },
        }),
    )
}

fn two_certificates() -> Vec<Diagnostic> {
    changed_by(|objects| {
        let issuer = json!({ "name": "letsencrypt-prod", "kind": "ClusterIssuer" });
        let spec = json!({ "secretName": "tenant-tls-secret", "dnsNames": ["abc.example.com"], "issuerRef": issuer });
        objects
            .insert("certificate", object("cert-manager.io/v1", "Certificate", "tenant-tls", json!({ "spec": spec })));
        objects.insert("ingress", ingress(json!({ "cert-manager.io/cluster-issuer": "letsencrypt-prod" })));
    })
}

fn rate_limit() -> Vec<Diagnostic> {
    with(ingress(json!({
        "cert-manager.io/cluster-issuer": "letsencrypt-prod", "nginx.ingress.kubernetes.io/rate-limit": "100",
    })))
}

fn monitor_label() -> Vec<Diagnostic> {
    changed("monitor", json!({ "spec": { "selector": { "matchLabels": { "app": null, "tenant": "abc" } } } }))
}

fn monitor_port() -> Vec<Diagnostic> {
    changed("monitor", json!({ "spec": { "endpoints": [{ "port": "metrics" }] } }))
}

fn dashboard() -> Vec<Diagnostic> {
    let text = "{\"dashboard\":{\"title\":\"Tenant\"},\"overwrite\":true}";
    changed("dashboard", json!({ "data": { "abc.json": text } }))
}

fn alert(expr: &str) -> Vec<Diagnostic> {
    let rule = json!({ "alert": "A", "expr": expr });
    changed("alerts", json!({ "spec": { "groups": [{ "name": "tenant", "rules": [rule] }] } }))
}

#[test]
fn s0_common_labels_in_the_selectors_of_shared_servers() {
    let policy = object(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "allow-rabbitmq",
        json!({ "spec": { "podSelector": {}, "policyTypes": ["Egress"], "egress": [{
            "to": [{
                "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "e-commerce-shared" } },
                "podSelector": { "matchLabels": { "app": "rabbitmq", "tenant": "abc" } },
            }],
            "ports": [{ "port": 5672 }],
        }] } }),
    );
    let pointer = "/spec/egress/0/to/0/podSelector/matchLabels/tenant";
    assert_only(&with(policy), Code::NetworkSelectsNothing, pointer, "the tenant's own label `tenant`");
}

#[test]
fn s0_no_ingress_for_prometheus_and_no_egress_for_mail() {
    let gateway = json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "gateway" } } });
    let found = changed_by(|objects| {
        objects.get_mut("network").unwrap()["spec"]["ingress"] = json!([{ "from": [{ "podSelector": {} }, gateway] }]);
        objects.get_mut("settings").unwrap()["data"] = json!({ "MAIL_HOST": "smtp.example.org", "MAIL_PORT": "587", "OIDC_ISSUER": "https://login.example.org/realm" });
    });
    assert_eq!(codes(&found), [Code::NetworkAddressUnreachable, Code::NetworkMonitorUnreachable]);
    assert_eq!(found.len(), 3, "{found:#?}");
}
