//! Services of a plan: the tier's, in the size that the tenant's overrides and lifecycle give them.

use std::collections::BTreeMap;

use crate::{
    estate::{Tenant, Tier},
    plan::{MigrationPlan, ServicePlan},
    raw::{
        service::{Autoscaling, Migration, Service},
        tenant::ServiceOverride,
    },
};

/// Returns the services by name.
pub(super) fn services(tier: &Tier, tenant: &Tenant) -> BTreeMap<String, ServicePlan> {
    let running = tenant.lifecycle.state.runs();
    let services = tier.spec().services.iter();
    services
        .map(|(name, service)| (name.clone(), plan(name, service, tenant.overrides.services.get(name), running)))
        .collect()
}

fn plan(name: &str, service: &Service, change: Option<&ServiceOverride>, running: bool) -> ServicePlan {
    let Service {
        image,
        tag,
        replicas,
        port,
        metrics_port,
        resources,
        database,
        public,
        autoscaling,
        disruption_budget,
        health,
        migration,
        env,
        settings,
    } = service;
    let replicas = change.map_or(*replicas, |change| change.replicas);
    // A suspended tenant keeps every object but runs nothing: an autoscaler would start it again, a budget would
    // guard nothing, and a migration would find no database user who may log in.
    let while_running = |count: u32| if running { count } else { 0 };
    ServicePlan {
        name: name.to_owned(),
        image: format!("{image}:{tag}"),
        version: tag.clone(),
        replicas: while_running(replicas),
        port: *port,
        metrics_port: metrics_port.unwrap_or(*port),
        resources: resources.clone(),
        database: *database,
        public: *public,
        autoscaling: autoscaling.as_ref().filter(|_| running).map(|scaling| at_least(scaling, change)),
        disruption_budget: disruption_budget.clone().filter(|_| running),
        health: health.clone(),
        migration: migration.as_ref().filter(|_| running).map(|migration| {
            let Migration { command, deadline_seconds, resources: own } = migration;
            MigrationPlan {
                command: command.clone(),
                deadline_seconds: *deadline_seconds,
                resources: own.clone().unwrap_or_else(|| resources.clone()),
            }
        }),
        env: env.clone(),
        settings: settings.clone(),
    }
}

/// An override of the number of Pods raises the floor of a service that scales by itself, and its ceiling if needed.
fn at_least(scaling: &Autoscaling, change: Option<&ServiceOverride>) -> Autoscaling {
    let Autoscaling { min_replicas, max_replicas, target_cpu_percent } = *scaling;
    let min_replicas = change.map_or(min_replicas, |change| change.replicas.max(1));
    Autoscaling { min_replicas, max_replicas: max_replicas.max(min_replicas), target_cpu_percent }
}
