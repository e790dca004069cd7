//! Rendering the flagship estate: one Deployment, and one tenant as a whole.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::{hint::black_box, path::Path};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tenantry::{
    check::check,
    estate::Estate,
    load,
    plan::Plan,
    render::{Renderer, write},
    resolve::Resolver,
};

/// A Deployment of some 40 lines with 10 values, as the design's numbers are for.
const DEPLOYMENT: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ services.auth.name }}
  namespace: {{ namespace }}
  labels: {{ labels }}
spec:
  replicas: {{ services.auth.replicas }}
  revisionHistoryLimit: 3
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  selector:
    matchLabels:
      app.kubernetes.io/name: auth
  template:
    metadata:
      labels:
        app.kubernetes.io/name: auth
        tenantry.dev/tenant: {{ tenant.name }}
    spec:
      serviceAccountName: auth
      automountServiceAccountToken: false
      containers:
        - name: {{ services.auth.name }}
          image: {{ services.auth.image }}
          ports:
            - name: http
              containerPort: {{ services.auth.port }}
          envFrom:
            - configMapRef:
                name: tenant-settings
          livenessProbe:
            httpGet:
              path: {{ services.auth.health.liveness }}
              port: http
          resources: {{ services.auth.resources }}
      volumes:
        - name: tmp
          emptyDir: {}
"#;

/// The flagship estate, with one bundle in the place of its own where `template` is given.
fn estate(template: Option<&str>) -> Estate {
    let mut sources = load::directory(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    if let Some(template) = template {
        let bundle =
            "apiVersion: tenantry.dev/v1\nkind: Bundle\nspec:\n  files:\n    - { template: deployment.yaml.j2 }\n";
        let old: Vec<String> = sources.under("templates/").map(|(path, _)| path.to_owned()).collect();
        for path in old {
            sources.remove(&path);
        }
        sources.insert("templates/commerce/bundle.yaml", Ok(bundle.as_bytes().into()));
        sources.insert("templates/commerce/deployment.yaml.j2", Ok(template.as_bytes().into()));
    }
    let checked = check(&sources);
    checked.estate.unwrap_or_else(|| panic!("{:#?}", checked.report.findings()))
}

fn plan(estate: &Estate) -> Plan {
    Resolver::new(estate).plan(estate.tenants().values().next().unwrap())
}

fn deployment(c: &mut Criterion) {
    // The difference between the two is the Deployment: the rest of a tenant is the plan's conversion and generated files.
    for (name, template) in [("nothing", "# nothing\n"), ("a Deployment of 40 lines", DEPLOYMENT)] {
        let estate = estate(Some(template));
        let plan = plan(&estate);
        let renderer = Renderer::new(&estate).unwrap();
        c.bench_function(name, |b| b.iter(|| renderer.tenant(black_box(&plan)).unwrap()));
    }
}

fn tenant(c: &mut Criterion) {
    let estate = estate(None);
    let resolver = Resolver::new(&estate);
    let renderer = Renderer::new(&estate).unwrap();
    let tenant = estate.tenants().values().next().unwrap();
    let plan = resolver.plan(tenant);
    let rendered = renderer.tenant(&plan).unwrap();
    let mut group = c.benchmark_group("a flagship tenant");
    group.throughput(Throughput::Elements(u64::try_from(rendered.objects.len()).unwrap()));
    group.bench_function("resolve", |b| b.iter(|| resolver.plan(black_box(tenant))));
    group.bench_function("render", |b| b.iter(|| renderer.tenant(black_box(&plan)).unwrap()));
    group.bench_function("write", |b| b.iter(|| write(black_box(&rendered))));
    group.finish();
    c.bench_function("compile the flagship templates", |b| b.iter(|| Renderer::new(black_box(&estate)).unwrap()));
}

criterion_group!(benches, deployment, tenant);
criterion_main!(benches);
