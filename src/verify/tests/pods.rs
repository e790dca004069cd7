//! What Pods need to start: images, accounts, settings, and a security context that admission lets through.

use super::*;

/// Changes the Pod of the Deployment.
fn pod(change: Value) -> Vec<Diagnostic> {
    changed("deployment", json!({ "spec": { "template": { "spec": change } } }))
}

/// Changes the container of the Deployment.
fn contained(change: Value) -> Vec<Diagnostic> {
    let mut changed = container("auth");
    merge(&mut changed, change);
    pod(json!({ "containers": [changed] }))
}

#[test]
fn images_name_a_version() {
    let pointer = "/spec/template/spec/containers/0/image";
    let images = |found: Vec<Diagnostic>| -> Vec<Diagnostic> {
        // The migration's image then stands in the hook alone.
        found.into_iter().filter(|finding| finding.code != Code::HookAlone).collect()
    };
    let with_image = |image: &str| images(contained(json!({ "image": image })));
    assert_only(&with_image("shops/auth"), Code::ImageTag, pointer, "names no tag");
    assert_only(&with_image("shops/auth:latest"), Code::ImageTag, pointer, "`latest`");
    assert_only(&with_image("shops/auth:main"), Code::ImageTag, pointer, "`main`");
    let mut first = container("wait");
    first["image"] = json!("busybox:latest");
    let found = pod(json!({ "initContainers": [first] }));
    assert_only(&found, Code::ImageTag, "/spec/template/spec/initContainers/0/image", "`busybox:latest`");
    let mounted = json!({ "volumes": [{ "name": "v", "image": { "reference": "shops/themes:stable" } }] });
    assert_only(&pod(mounted), Code::ImageTag, "/spec/template/spec/volumes/0/image/reference", "`stable`");
    let mut hook = job("hook");
    hook["spec"]["template"]["spec"]["containers"][0]["image"] = json!("shops/auth:latest");
    let found = images(with(hook));
    assert_only(&found, Code::ImageTag, "/spec/template/spec/containers/0/image", "Job `hook`");
}

#[test]
fn images_of_custom_resources_name_a_version() {
    let pooler = |image: &str| {
        let container = json!({ "name": "pgbouncer", "image": image });
        with(object(
            "postgresql.cnpg.io/v1",
            "Pooler",
            "pool",
            json!({ "spec": {
            "cluster": { "name": "db" }, "pgbouncer": { "poolMode": "session" },
            "template": { "spec": { "containers": [container] } },
        } }),
        ))
    };
    assert_only(&pooler("pgbouncer"), Code::ImageTag, "/spec/template/spec/containers/0/image", "Pooler `pool`");
    assert_none(&pooler("pgbouncer:1.24.0"));
    let cluster = |image: &str| {
        with(object(
            "postgresql.cnpg.io/v1",
            "Cluster",
            "db",
            json!({ "spec": { "instances": 1, "imageName": image } }),
        ))
    };
    assert_only(&cluster("postgres:latest"), Code::ImageTag, "/spec/imageName", "Cluster `db`");
    assert_none(&cluster("postgres:17.5"));
}

#[test]
fn probes_ask_ports_of_their_own_container() {
    let probed = |probe: Value| contained(json!({ "readinessProbe": probe }));
    let pointer = "/spec/template/spec/containers/0/readinessProbe/httpGet/port";
    assert_only(&probed(json!({ "httpGet": { "path": "/", "port": "web" } })), Code::ProbePort, pointer, "`web`");
    let found = probed(json!({ "tcpSocket": { "port": "web" } }));
    assert_only(&found, Code::ProbePort, &pointer.replace("httpGet", "tcpSocket"), "`readinessProbe`");
    assert_none(&probed(json!({ "httpGet": { "path": "/", "port": "http" } })));
    assert_none(&probed(json!({ "httpGet": { "path": "/", "port": 9999 } })));
    assert_none(&probed(json!({ "grpc": { "port": 9000 } })));
    let stop = json!({ "lifecycle": { "preStop": { "httpGet": { "path": "/", "port": "admin" } } } });
    assert_only(
        &contained(stop),
        Code::ProbePort,
        "/spec/template/spec/containers/0/lifecycle/preStop/httpGet/port",
        "`lifecycle.preStop`",
    );
    // The port of a neighbour does not count.
    let mut sidecar = container("sidecar");
    sidecar["ports"] = json!([{ "name": "admin", "containerPort": 9901 }]);
    sidecar["livenessProbe"] = json!({ "httpGet": { "path": "/", "port": "http" } });
    sidecar["restartPolicy"] = json!("Always");
    let found = pod(json!({ "initContainers": [sidecar] }));
    assert_only(
        &found,
        Code::ProbePort,
        "/spec/template/spec/initContainers/0/livenessProbe/httpGet/port",
        "`sidecar`",
    );
}

#[test]
fn accounts_are_made() {
    let found = pod(json!({ "serviceAccountName": "orders" }));
    assert_only(&found, Code::ServiceAccountMissing, "/spec/template/spec/serviceAccountName", "`orders`");
    assert_none(&pod(json!({ "serviceAccountName": "default" })));
}

#[test]
fn config_maps_and_secrets_are_made() {
    let from = |source: Value| contained(json!({ "envFrom": [source] }));
    let pointer = "/spec/template/spec/containers/0/envFrom/0";
    assert_only(
        &from(json!({ "configMapRef": { "name": "setings" } })),
        Code::ConfigMapMissing,
        &format!("{pointer}/configMapRef/name"),
        "`setings`",
    );
    assert_only(
        &from(json!({ "secretRef": { "name": "x" } })),
        Code::SecretMissing,
        &format!("{pointer}/secretRef/name"),
        "`x`",
    );
    assert_none(&from(json!({ "secretRef": { "name": "x", "optional": true } })));

    let volume = |source: Value| pod(json!({ "volumes": [source] }));
    let pointer = "/spec/template/spec/volumes/0";
    for (source, code, rest) in [
        (json!({ "configMap": { "name": "x" } }), Code::ConfigMapMissing, "configMap/name"),
        (json!({ "secret": { "secretName": "x" } }), Code::SecretMissing, "secret/secretName"),
        (
            json!({ "persistentVolumeClaim": { "claimName": "x" } }),
            Code::ClaimMissing,
            "persistentVolumeClaim/claimName",
        ),
        (
            json!({ "projected": { "sources": [{ "configMap": { "name": "x" } }] } }),
            Code::ConfigMapMissing,
            "projected/sources/0/configMap/name",
        ),
    ] {
        let mut named = json!({ "name": "v" });
        merge(&mut named, source);
        assert_only(&volume(named), code, &format!("{pointer}/{rest}"), "`x`");
    }
    assert_none(&volume(json!({ "name": "v", "configMap": { "name": "kube-root-ca.crt" } })));
}

#[test]
fn what_pods_need_is_applied_before_them() {
    let wave = |wave: &str| json!({ "metadata": { "annotations": { "argocd.argoproj.io/sync-wave": wave } } });
    let found = changed("settings", wave("3"));
    let codes: Vec<_> = found.iter().map(|finding| finding.code).collect();
    // Both the Deployment and the migration read it.
    assert_eq!(codes, [Code::HookTooEarly, Code::HookTooEarly], "{found:#?}");
    assert_none(&changed("settings", wave("-1")));
    let early = json!({ "metadata": { "annotations": { "argocd.argoproj.io/hook": "PreSync" } } });
    let found = changed("migration", early);
    assert_eq!(found.len(), 3, "account, settings and credentials come later: {found:#?}");
    assert!(found.iter().all(|finding| finding.code == Code::HookTooEarly));
}

#[test]
fn the_restricted_standard_is_kept() {
    let context = |change: Value| contained(json!({ "securityContext": change }));
    let at = "/spec/template/spec/containers/0/securityContext";
    for (found, pointer, message) in [
        (
            context(json!({ "allowPrivilegeEscalation": null })),
            format!("{at}/allowPrivilegeEscalation"),
            "may gain privileges",
        ),
        (
            context(json!({ "capabilities": { "drop": ["NET_RAW"] } })),
            format!("{at}/capabilities"),
            "keeps capabilities",
        ),
        (context(json!({ "capabilities": { "add": ["SYS_ADMIN"] } })), format!("{at}/capabilities/add"), "SYS_ADMIN"),
        (context(json!({ "capabilities": { "add": ["CHOWN"] } })), format!("{at}/capabilities/add"), "CHOWN"),
        (context(json!({ "runAsNonRoot": false })), format!("{at}/runAsNonRoot"), "may run as root"),
        (context(json!({ "runAsUser": 0 })), format!("{at}/runAsUser"), "runs as root"),
        (context(json!({ "privileged": true })), format!("{at}/privileged"), "is privileged"),
        (context(json!({ "procMount": "Unmasked" })), format!("{at}/procMount"), "Unmasked"),
        (context(json!({ "appArmorProfile": { "type": "Unconfined" } })), format!("{at}/appArmorProfile"), "AppArmor"),
        (
            context(json!({ "seLinuxOptions": { "type": "spc_t" } })),
            format!("{at}/seLinuxOptions/type"),
            "SELinux type `spc_t`",
        ),
        (
            context(json!({ "seLinuxOptions": { "user": "system_u" } })),
            format!("{at}/seLinuxOptions/user"),
            "SELinux user",
        ),
        (
            contained(json!({ "livenessProbe": { "httpGet": { "port": 8080, "host": "10.0.0.1" } } })),
            "/spec/template/spec/containers/0/livenessProbe/httpGet/host".to_owned(),
            "asks the host",
        ),
        (pod(json!({ "hostNetwork": true })), "/spec/template/spec/hostNetwork".to_owned(), "hostNetwork"),
        (
            pod(json!({ "securityContext": { "seccompProfile": null } })),
            format!("{at}/seccompProfile"),
            "no seccomp profile",
        ),
        (pod(json!({ "securityContext": { "runAsNonRoot": null } })), format!("{at}/runAsNonRoot"), "may run as root"),
        (
            pod(json!({ "securityContext": { "sysctls": [{ "name": "kernel.msgmax", "value": "1" }] } })),
            "/spec/template/spec/securityContext/sysctls/0".to_owned(),
            "kernel.msgmax",
        ),
        (
            pod(json!({ "volumes": [{ "name": "v", "hostPath": { "path": "/" } }] })),
            "/spec/template/spec/volumes/0/hostPath".to_owned(),
            "path of the node",
        ),
        (
            pod(json!({ "volumes": [{ "name": "v", "nfs": { "server": "a", "path": "/" } }] })),
            "/spec/template/spec/volumes/0/nfs".to_owned(),
            "`nfs`",
        ),
        (
            contained(json!({ "ports": [{ "name": "http", "containerPort": 8080, "hostPort": 80 }] })),
            "/spec/template/spec/containers/0/ports/0/hostPort".to_owned(),
            "port of the node",
        ),
    ] {
        assert_only(&found, Code::PodSecurity, &pointer, message);
    }
    assert_none(&context(json!({ "runAsNonRoot": true, "capabilities": { "add": ["NET_BIND_SERVICE"] } })));
    assert_none(&context(
        json!({ "seLinuxOptions": { "level": "s0:c1", "type": "container_t" }, "appArmorProfile": { "type": "RuntimeDefault" } }),
    ));
    assert_none(&pod(json!({ "volumes": [{ "name": "v", "image": { "reference": "shops/themes:v3" } }] })));
    assert_none(&pod(json!({ "volumes": [{ "name": "v", "emptyDir": {} }] })));
}

#[test]
fn the_standard_is_the_one_of_the_release() {
    let pinned = |version: &str, spec: Value| {
        changed_by(|objects| {
            let label = json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce-version": version } } });
            merge(objects.get_mut("namespace").unwrap(), label);
            merge(objects.get_mut("deployment").unwrap(), json!({ "spec": { "template": { "spec": spec } } }));
        })
    };
    let root = || json!({ "hostUsers": false, "securityContext": { "runAsNonRoot": null, "runAsUser": 0 } });
    assert_none(&pinned("latest", root()));
    assert_none(&pinned("v1.35", root()));
    assert_eq!(pinned("v1.34", root()).len(), 2);
    let memory = || json!({ "securityContext": { "sysctls": [{ "name": "net.ipv4.tcp_rmem", "value": "1" }] } });
    assert_none(&pinned("v1.32", memory()));
    assert_eq!(pinned("v1.31", memory()).len(), 1);
    let mut probed = container("auth");
    probed["livenessProbe"] = json!({ "httpGet": { "port": 8080, "host": "10.0.0.1" } });
    assert_none(&pinned("v1.33", json!({ "containers": [probed] })));
}

#[test]
fn the_baseline_standard_refuses_less() {
    let with_level = |level: Value, context: Value| {
        changed_by(|objects| {
            merge(
                objects.get_mut("namespace").unwrap(),
                json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": level } } }),
            );
            objects.get_mut("deployment").unwrap()["spec"]["template"]["spec"]["containers"][0]["securityContext"] =
                context;
        })
    };
    assert_none(&with_level(json!("baseline"), json!({})));
    let found = with_level(json!("baseline"), json!({ "privileged": true }));
    assert_only(&found, Code::PodSecurity, "/spec/template/spec/containers/0/securityContext/privileged", "`baseline`");
    for level in [json!("privileged"), json!(null)] {
        assert_only(
            &with_level(level, json!({ "privileged": true })),
            Code::NamespaceUnrestricted,
            "/metadata/labels",
            "does not enforce",
        );
    }
}
