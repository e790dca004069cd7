//! What the estate has once: the AppProject and the ApplicationSet.

use serde_json::Value;

use super::{estate::Builder, generated::with_namespace};
use crate::{render::Renderer, tree::Tree, yaml};

fn read(tree: &Tree, path: &str) -> Value {
    let mut documents = yaml::read_documents(tree.get(path).unwrap_or_else(|| panic!("{path} is missing"))).unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

#[test]
fn the_estate_has_a_project_and_an_application_set() {
    let platform = |naming| {
        let builder = Builder { naming, ..with_namespace() };
        let estate = builder.build();
        Renderer::new(&estate).unwrap().platform()
    };
    let tree = platform(Some("shop-{tenant}"));
    insta::assert_snapshot!(tree.get("argocd/applicationset.yaml").unwrap(), @r#"
    apiVersion: argoproj.io/v1alpha1
    kind: ApplicationSet
    metadata:
      name: shops
      labels:
        app.kubernetes.io/managed-by: tenantry
        app.kubernetes.io/part-of: shops
      namespace: argocd
    spec:
      generators:
      - git:
          files:
          - path: tenants/*/application.json
          repoURL: https://git.example/estate.git
          revision: rendered
      goTemplate: true
      goTemplateOptions:
      - missingkey=error
      syncPolicy:
        applicationsSync: create-update
        preserveResourcesOnDeletion: true
      template:
        metadata:
          name: "{{ .application }}"
          labels:
            app.kubernetes.io/managed-by: tenantry
            app.kubernetes.io/part-of: shops
            tenantry.dev/region: "{{ .region }}"
            tenantry.dev/state: "{{ .state }}"
            tenantry.dev/tenant: "{{ .tenant }}"
            tenantry.dev/tier: "{{ .tier }}"
          namespace: argocd
        spec:
          destination:
            namespace: "{{ .namespace }}"
            server: "{{ .server }}"
          project: tenants
          source:
            path: "{{ .path.path }}/manifests"
            repoURL: https://git.example/estate.git
            targetRevision: rendered
          syncPolicy:
            automated:
              prune: true
              selfHeal: true
            retry:
              backoff:
                duration: 10s
                factor: 2
                maxDuration: 3m
              limit: 5
            syncOptions:
            - ServerSideApply=true
            - PruneLast=true
            - FailOnSharedResource=true
      templatePatch: |
        {{- if eq .format "helm" -}}
        { "spec": { "source": { "helm": { "releaseName": {{ .release | toJson }} } } } }
        {{- else if eq .format "plain" -}}
        { "spec": { "source": { "directory": { "recurse": true } } } }
        {{- else -}}
        {}
        {{- end -}}
    "#);
    insta::assert_snapshot!(tree.get("argocd/project.yaml").unwrap(), @r#"
    apiVersion: argoproj.io/v1alpha1
    kind: AppProject
    metadata:
      name: tenants
      labels:
        app.kubernetes.io/managed-by: tenantry
        app.kubernetes.io/part-of: shops
      namespace: argocd
    spec:
      clusterResourceWhitelist:
      - kind: Namespace
        group: ""
      description: The tenants of Shops & More
      destinations:
      - namespace: platform
        server: https://kubernetes.default.svc
      - namespace: shop-*
        server: https://kubernetes.default.svc
      - namespace: platform
        server: https://us-east.example:6443
      - namespace: shop-*
        server: https://us-east.example:6443
      namespaceResourceWhitelist:
      - kind: ConfigMap
        group: ""
      - kind: LimitRange
        group: ""
      - kind: PersistentVolumeClaim
        group: ""
      - kind: Pod
        group: ""
      - kind: ResourceQuota
        group: ""
      - kind: Secret
        group: ""
      - kind: Service
        group: ""
      - kind: ServiceAccount
        group: ""
      - kind: Deployment
        group: apps
      - kind: StatefulSet
        group: apps
      - kind: HorizontalPodAutoscaler
        group: autoscaling
      - kind: CronJob
        group: batch
      - kind: Job
        group: batch
      - kind: Certificate
        group: cert-manager.io
      - kind: Issuer
        group: cert-manager.io
      - kind: Widget
        group: example.org
      - kind: ExternalSecret
        group: external-secrets.io
      - kind: SecretStore
        group: external-secrets.io
      - kind: GRPCRoute
        group: gateway.networking.k8s.io
      - kind: HTTPRoute
        group: gateway.networking.k8s.io
      - kind: ListenerSet
        group: gateway.networking.k8s.io
      - kind: GrafanaDashboard
        group: grafana.integreatly.org
      - kind: PodMonitor
        group: monitoring.coreos.com
      - kind: PrometheusRule
        group: monitoring.coreos.com
      - kind: ServiceMonitor
        group: monitoring.coreos.com
      - kind: Ingress
        group: networking.k8s.io
      - kind: NetworkPolicy
        group: networking.k8s.io
      - kind: PodDisruptionBudget
        group: policy
      - kind: Backup
        group: postgresql.cnpg.io
      - kind: Cluster
        group: postgresql.cnpg.io
      - kind: Database
        group: postgresql.cnpg.io
      - kind: Pooler
        group: postgresql.cnpg.io
      - kind: ScheduledBackup
        group: postgresql.cnpg.io
      - kind: Role
        group: rbac.authorization.k8s.io
      - kind: RoleBinding
        group: rbac.authorization.k8s.io
      orphanedResources:
        warn: true
      sourceRepos:
      - https://git.example/estate.git
    "#);
    let namespaces = |naming| {
        let project = read(&platform(naming), "argocd/project.yaml");
        let destinations = project["spec"]["destinations"].as_array().unwrap().clone();
        let first = destinations[0]["server"].clone();
        let of_first = destinations.into_iter().filter(move |destination| destination["server"] == first);
        of_first.map(|destination| destination["namespace"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(namespaces(Some("shop-{tenant}-x")), ["platform", "shop-*-x"]);
    assert_eq!(namespaces(None), ["platform", "*", "!kube-*", "!default", "!argocd"]);
    // Long names lose their suffix when they are shortened.
    assert_eq!(namespaces(Some("a-very-long-prefix-{tenant}-and-a-very-long-suffix"))[1], "a-very-long-prefix-*");
}
