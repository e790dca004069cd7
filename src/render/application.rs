//! `application.json`: the parameters that the ApplicationSet makes a tenant's Application of.

use serde_json::{Value, json};

use crate::plan::Plan;

/// Returns the file's text: texts only, since the templates of an ApplicationSet know nothing else.
///
/// The keys are those of [`super::applicationset`]. `path` is the generator's own, and `name` and `metadata` are left to
/// generators that people may put around it.
pub(super) fn parameters(plan: &Plan) -> String {
    let Plan { region, tenant, tier, namespace, application, release, .. } = plan;
    let parameters: Value = json!({
        "application": application,
        "format": tier.format,
        "namespace": namespace,
        "region": region.name,
        "release": release,
        "server": region.server,
        "state": tenant.state.name(),
        "tenant": tenant.name,
        "tier": tier.name,
    });
    format!("{parameters:#}\n")
}
