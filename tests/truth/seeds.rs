//! The mistakes of the first source document, put back into the flagship estate one at a time: the program names each.

use std::{collections::BTreeSet, fs, path::Path};

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value;
use tempfile::TempDir;

/// What an estate is made of.
const PARTS: [&str; 5] = ["tenantry.yaml", "tiers", "tenants", "templates", "schemas"];

/// What was wrong, where it is put back, what is replaced by what, and the codes of all findings then.
struct Mistake {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    codes: &'static [&'static str],
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        name: "an identifier that starts with a hyphen",
        file: "tenants/abc-corporation-7f3a9c.yaml",
        from: "subdomain: abc-corporation",
        to: "subdomain: -orporation",
        codes: &["invalid-subdomain"],
    },
    Mistake {
        name: "Deployments in a quota without count",
        file: "tiers/base.yaml",
        from: "count/deployments.apps:",
        to: "deployments.apps:",
        codes: &["quota-key"],
    },
    Mistake {
        name: "StatefulSets in a quota without count",
        file: "tiers/base.yaml",
        from: "count/statefulsets.apps:",
        to: "statefulsets.apps:",
        codes: &["quota-key"],
    },
    Mistake {
        name: "a quota smaller than the services",
        file: "tiers/standard.yaml",
        from: "requests.cpu: 2500m",
        to: "requests.cpu: \"1\"",
        codes: &["quota-exceeded"],
    },
    Mistake {
        name: "a label that no namespace has by itself",
        file: "templates/commerce/network-policies.yaml.j2",
        from: "              kubernetes.io/metadata.name: {{ platform.routing.namespace }}\n      ports:\n        - { protocol: TCP, port: 8089 }",
        to: "              name: ingress-nginx\n      ports:\n        - { protocol: TCP, port: 8089 }",
        codes: &["network-namespace-label"],
    },
    Mistake {
        name: "names over UDP only",
        file: "templates/commerce/network-policies.yaml.j2",
        from: "        - { protocol: TCP, port: 53 }\n",
        to: "",
        codes: &["network-dns-udp-only"],
    },
    Mistake {
        name: "every namespace, meant as the internet",
        file: "templates/commerce/network-policies.yaml.j2",
        from: "        - ipBlock:\n            cidr: 0.0.0.0/0\n            except: {{ platform.settings.internetExcept.ipv4 }}\n",
        to: "        - namespaceSelector: {}\n",
        codes: &["network-every-namespace"],
    },
    Mistake {
        name: "the tier in a selector",
        file: "templates/commerce/deployment.yaml.j2",
        from: "      app.kubernetes.io/name: {{ item.name }}\n  template:\n    metadata:\n      labels:\n",
        to: "      app.kubernetes.io/name: {{ item.name }}\n      tenantry.dev/tier: {{ tier.name }}\n  template:\n    metadata:\n      labels:\n        tenantry.dev/tier: {{ tier.name }}\n",
        codes: &["selector-mutable-label"],
    },
    Mistake {
        name: "a migration that is no hook",
        file: "templates/commerce/migration.yaml.j2",
        from: "    argocd.argoproj.io/hook: Sync\n    argocd.argoproj.io/hook-delete-policy: BeforeHookCreation\n",
        to: "",
        codes: &["job-not-hook"],
    },
    Mistake {
        name: "a migration without a deadline",
        file: "templates/commerce/migration.yaml.j2",
        from: "  activeDeadlineSeconds: {{ item.migration.deadlineSeconds }}\n",
        to: "",
        codes: &["hook-deadline"],
    },
    Mistake {
        name: "the image of the day",
        file: "tiers/base.yaml",
        from: "    tag: v1.2.3\n",
        to: "    tag: latest\n",
        codes: &["image-latest"],
    },
    Mistake {
        name: "a retired version of ExternalSecret",
        file: "templates/commerce/external-secrets.yaml.j2",
        from: "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\n{{ metadata(\"minio-credentials\") }}",
        to: "apiVersion: external-secrets.io/v1beta1\nkind: ExternalSecret\n{{ metadata(\"minio-credentials\") }}",
        codes: &["object-retired-version"],
    },
    Mistake {
        name: "a store that all tenants share",
        file: "templates/commerce/external-secrets.yaml.j2",
        from: "    kind: SecretStore\n",
        to: "    kind: ClusterSecretStore\n",
        codes: &["secret-store-shared"],
    },
    Mistake {
        name: "a Secret with its values",
        file: "templates/commerce/settings.yaml.j2",
        from: "data: {{ settings }}\n",
        to: "data: {{ settings }}\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: admin\n  namespace: {{ namespace }}\nstringData:\n  user: admin\n",
        codes: &["secret-data"],
    },
    Mistake {
        name: "a password in the settings",
        file: "templates/commerce/_settings.j2",
        from: "  \"APP_DEBUG\": \"false\",\n",
        to: "  \"APP_DEBUG\": \"false\",\n  \"RABBITMQ_PASSWORD\": \"admin\",\n",
        codes: &["secret-literal"],
    },
    Mistake {
        name: "two owners of one certificate's Secret, and an annotation that nobody reads",
        file: "templates/commerce/certificates.yaml.j2",
        from: "    rotationPolicy: Always\n",
        to: "    rotationPolicy: Always\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {{ host }}\n  namespace: {{ namespace }}\n  annotations:\n    cert-manager.io/cluster-issuer: letsencrypt-prod\n    nginx.ingress.kubernetes.io/rate-limit: \"100\"\nspec:\n  tls:\n    - hosts:\n        - {{ host }}\n      secretName: {{ host }}\n  rules:\n    - host: {{ host }}\n      http:\n        paths:\n          - path: /\n            pathType: Prefix\n            backend:\n              service:\n                name: api-gateway\n                port:\n                  name: http\n",
        codes: &["ingress-annotation", "secret-two-owners"],
    },
    Mistake {
        name: "a monitor of a port that no Service has",
        file: "templates/commerce/service.yaml.j2",
        from: "    - name: metrics\n      port: {{ item.metricsPort }}\n      targetPort: metrics\n",
        to: "",
        codes: &["monitor-port"],
    },
    Mistake {
        name: "a monitor by a label that Services lack",
        file: "templates/commerce/service-monitor.yaml.j2",
        from: "      tenantry.dev/tenant: {{ tenant.name }}\n",
        to: "      tenant: {{ tenant.name }}\n",
        codes: &["monitor-selects-nothing"],
    },
    Mistake {
        name: "a dashboard in the envelope of the HTTP API",
        file: "templates/commerce/dashboard.yaml.j2",
        from: "{{ dashboard | tojson(true) }}",
        to: "{{ dict(dashboard=dashboard, overwrite=true) | tojson(true) }}",
        codes: &["dashboard-envelope"],
    },
    Mistake {
        name: "a quota that is taken as hard and used together",
        file: "templates/commerce/prometheus-rule.yaml.j2",
        from: ",type=\"hard\"",
        to: "",
        codes: &["alert-quota-type"],
    },
    Mistake {
        name: "memory that is counted twice",
        file: "templates/commerce/prometheus-rule.yaml.j2",
        from: ",container!=\"\"",
        to: "",
        codes: &["alert-container-label"],
    },
];

/// A copy of the flagship estate.
fn copy() -> TempDir {
    let copy = TempDir::new().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in PARTS {
        for entry in walkdir::WalkDir::new(root.join(part)) {
            let entry = entry.unwrap();
            let target = copy.path().join(entry.path().strip_prefix(root).unwrap());
            if entry.file_type().is_dir() {
                fs::create_dir_all(target).unwrap();
            } else {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
    copy
}

/// The codes of everything that the program finds, errors and warnings.
fn found(estate: &Path) -> BTreeSet<String> {
    let output = cargo_bin_cmd!("tenantry")
        .args(["check", "--rendered", "--format", "json", "--estate"])
        .arg(estate)
        // Without kustomize, as on any machine; a warning says so.
        .env("PATH", "")
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
#[allow(clippy::print_stdout, reason = "the figures are what the run is for")]
fn every_mistake_that_was_corrected_is_caught_by_name() {
    let estate = copy();
    // What it says of the machine: kustomize is not there.
    let before = found(estate.path());
    assert!(before.iter().all(|code| code == "not-inflated"), "sound before anything is put back: {before:?}");
    let mut faults = Vec::new();
    for Mistake { name, file, from, to, codes } in MISTAKES {
        let path = estate.path().join(file);
        let sound = fs::read_to_string(&path).unwrap();
        assert_eq!(sound.matches(from).count(), 1, "{name}: what is replaced is in {file} once");
        fs::write(&path, sound.replace(from, to)).unwrap();
        let found: BTreeSet<String> = found(estate.path()).difference(&before).cloned().collect();
        if found != codes.iter().map(|code| (*code).to_owned()).collect() {
            faults.push(format!("{name}: {found:?} instead of {codes:?}"));
        }
        fs::write(&path, sound).unwrap();
    }
    println!("{} mistakes put back, {} not caught by name", MISTAKES.len(), faults.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
