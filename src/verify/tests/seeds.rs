//! The mistakes of the first source document, each as it stood there.

use super::*;

fn codes(findings: &[Diagnostic]) -> Vec<Code> {
    let mut codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn s0_quota_keys_without_count() {
    let found = changed("quota", json!({ "spec": { "hard": { "deployments.apps": "20", "statefulsets.apps": "5" } } }));
    assert_eq!(codes(&found), [Code::ResourceQuotaKey]);
    assert_eq!(found[0].help, "write `count/deployments.apps`");
    assert_eq!(found[1].help, "write `count/statefulsets.apps`");
}

#[test]
fn s0_quota_too_small_for_13_services() {
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
    let found = findings(&plan(), all);
    assert_eq!(codes(&found), [Code::QuotaExceeded]);
    let keys: Vec<&str> = found.iter().map(|finding| finding.place.file.as_str()).collect();
    assert_eq!(keys, ["/spec/hard/limits.cpu", "/spec/hard/requests.cpu"]);
    assert!(
        found[1].message.contains("Deployment `service-0` 2 (4 Pods with 1 more while it is updated)"),
        "{}",
        found[1].message
    );
    assert!(found[1].message.ends_with(", 11 more"), "{}", found[1].message);
}

#[test]
fn s0_namespace_label_that_no_namespace_has() {
    let policy = object(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "allow-ingress",
        json!({
            "spec": { "podSelector": {}, "ingress": [{ "from": [{ "namespaceSelector": { "matchLabels": { "name": "ingress-nginx" } } }] }] },
        }),
    );
    assert_eq!(codes(&with(policy)), [Code::NetworkNamespaceLabel]);
}

#[test]
fn s0_dns_udp_only() {
    let mut policy = right().remove("network").unwrap();
    policy["spec"]["egress"][0]["ports"] = json!([{ "protocol": "UDP", "port": 53 }]);
    let found = changed("network", policy);
    assert_only(&found, Code::NetworkDnsUdpOnly, "/spec/egress/0/ports", "UDP only");
}

#[test]
fn s0_external_https_by_namespace_selector() {
    let policy = object(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "allow-external-https",
        json!({
            "spec": { "podSelector": {}, "policyTypes": ["Egress"], "egress": [{ "to": [{ "namespaceSelector": {} }], "ports": [{ "protocol": "TCP", "port": 443 }] }] },
        }),
    );
    assert_eq!(codes(&with(policy)), [Code::NetworkEveryNamespace]);
}

#[test]
fn s0_tier_in_an_immutable_selector() {
    let label = json!({ "tier": "standard" });
    let found = changed(
        "deployment",
        json!({ "spec": { "selector": { "matchLabels": label }, "template": { "metadata": { "labels": label } } } }),
    );
    assert_eq!(codes(&found), [Code::SelectorMutableLabel]);
}

#[test]
fn s0_migration_job_is_no_hook_and_runs_latest() {
    let mut migration = job("migration");
    merge(&mut migration, json!({ "metadata": { "annotations": null }, "spec": { "activeDeadlineSeconds": null } }));
    migration["spec"]["template"]["spec"]["containers"][0]["image"] = json!("ecommerce/auth-service:latest");
    assert_eq!(
        codes(&changed_by(|objects| drop(objects.insert("migration", migration)))),
        [Code::JobNotHook, Code::ImageTag]
    );
}

#[test]
fn s0_external_secrets_v1beta1_from_a_shared_store() {
    let found = changed("credentials", json!({ "apiVersion": "external-secrets.io/v1beta1" }));
    assert_eq!(codes(&found), [Code::ObjectRetiredVersion]);
    let found = changed(
        "credentials",
        json!({ "spec": { "secretStoreRef": { "name": "aws-secrets-manager", "kind": "ClusterSecretStore" } } }),
    );
    assert_eq!(codes(&found), [Code::SecretStoreShared]);
}

#[test]
fn s0_plain_secrets_in_the_manifests() {
    let secret = object(
        "v1",
        "Secret",
        "minio-credentials",
        json!({ "type": "Opaque", "stringData": { "MINIO_SECRET_KEY": "x" } }),
    );
    assert_eq!(codes(&with(secret)), [Code::SecretData]);
}

#[test]
fn s0_certificate_and_ingress_shim_on_one_secret() {
    let found = changed_by(|objects| {
        objects.insert("certificate", object("cert-manager.io/v1", "Certificate", "tenant-tls", json!({
            "spec": { "secretName": "tenant-tls-secret", "dnsNames": ["abc.example.com"], "issuerRef": { "name": "letsencrypt-prod", "kind": "ClusterIssuer" } },
        })));
        objects.insert("ingress", object("networking.k8s.io/v1", "Ingress", "tenant-ingress", json!({
            "metadata": { "annotations": { "cert-manager.io/cluster-issuer": "letsencrypt-prod", "nginx.ingress.kubernetes.io/rate-limit": "100" } },
            "spec": {
                "tls": [{ "hosts": ["abc.example.com"], "secretName": "tenant-tls-secret" }],
                "rules": [{ "host": "abc.example.com", "http": { "paths": [{
                    "path": "/", "pathType": "Prefix", "backend": { "service": { "name": "auth", "port": { "number": 80 } } },
                }] } }],
            },
        })));
    });
    assert_eq!(codes(&found), [Code::SecretTwoOwners, Code::IngressAnnotation]);
}

#[test]
fn s0_service_monitor_wants_a_port_that_the_service_lacks() {
    let found = changed("monitor", json!({ "spec": { "endpoints": [{ "port": "metrics" }] } }));
    assert_eq!(codes(&found), [Code::MonitorPort]);
}

#[test]
fn s0_dashboard_in_the_envelope_of_the_http_api() {
    let found = changed(
        "dashboard",
        json!({ "data": { "abc.json": "{\"dashboard\":{\"title\":\"Tenant\"},\"overwrite\":true}" } }),
    );
    assert_eq!(codes(&found), [Code::DashboardEnvelope]);
}

#[test]
fn s0_alerts_that_add_up_twice() {
    let expr = "sum(container_memory_usage_bytes{namespace=\"shop-abc\"}) / sum(kube_resourcequota{namespace=\"shop-abc\",resource=\"limits.memory\"}) > 0.9";
    let rule = json!({ "alert": "HighMemoryUsage", "expr": expr });
    let found = changed("alerts", json!({ "spec": { "groups": [{ "name": "tenant", "rules": [rule] }] } }));
    assert_eq!(codes(&found), [Code::AlertQuotaType, Code::AlertContainerLabel]);
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
