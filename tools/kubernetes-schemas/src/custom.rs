//! The custom resources that platforms of tenants use, from the types of the kcr crates.
//!
//! Structs of equal content share the definition of the one that comes first, so the better known kinds come first.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use kube::{CustomResourceExt, core::object::HasSpec};
use serde::Deserialize;
use serde_json::json;

use crate::{
    document::{Document, Kind},
    trace::{Definitions, schema_of},
};

/// Returns the documents by name of the API group.
pub fn documents() -> BTreeMap<&'static str, Document> {
    macro_rules! group {
        ($($kind:ty),+ $(,)?) => {{
            let definitions = Rc::default();
            let kinds = vec![$(kind::<$kind>(&definitions)),+];
            document(kinds, definitions)
        }};
    }
    BTreeMap::from([
        (
            "argoproj.io",
            group![
                kcr_argoproj_io::v1alpha1::applications::Application,
                kcr_argoproj_io::v1alpha1::applicationsets::ApplicationSet,
                kcr_argoproj_io::v1alpha1::appprojects::AppProject,
            ],
        ),
        (
            "cert-manager.io",
            group![
                kcr_cert_manager_io::v1::certificates::Certificate,
                kcr_cert_manager_io::v1::issuers::Issuer,
                kcr_cert_manager_io::v1::clusterissuers::ClusterIssuer,
            ],
        ),
        (
            "external-secrets.io",
            group![
                kcr_external_secrets_io::v1::externalsecrets::ExternalSecret,
                kcr_external_secrets_io::v1::secretstores::SecretStore,
                kcr_external_secrets_io::v1::clusterexternalsecrets::ClusterExternalSecret,
                kcr_external_secrets_io::v1::clustersecretstores::ClusterSecretStore,
                kcr_external_secrets_io::v1alpha1::pushsecrets::PushSecret,
            ],
        ),
        (
            "gateway.networking.k8s.io",
            group![
                kcr_gateway_networking_k8s_io::v1::gatewayclasses::GatewayClass,
                kcr_gateway_networking_k8s_io::v1::gateways::Gateway,
                kcr_gateway_networking_k8s_io::v1::httproutes::HttpRoute,
                kcr_gateway_networking_k8s_io::v1::listenersets::ListenerSet,
                kcr_gateway_networking_k8s_io::v1::referencegrants::ReferenceGrant,
                kcr_gateway_networking_k8s_io::v1beta1::referencegrants::ReferenceGrant,
            ],
        ),
        (
            "monitoring.coreos.com",
            group![
                kcr_monitoring_coreos_com::v1::podmonitors::PodMonitor,
                kcr_monitoring_coreos_com::v1::prometheusrules::PrometheusRule,
                kcr_monitoring_coreos_com::v1::servicemonitors::ServiceMonitor,
            ],
        ),
        (
            "postgresql.cnpg.io",
            group![
                kcr_postgresql_cnpg_io::v1::backups::Backup,
                kcr_postgresql_cnpg_io::v1::clusters::Cluster,
                kcr_postgresql_cnpg_io::v1::poolers::Pooler,
                kcr_postgresql_cnpg_io::v1::scheduledbackups::ScheduledBackup,
            ],
        ),
    ])
}

fn document(kinds: Vec<Kind>, definitions: Rc<RefCell<Definitions>>) -> Document {
    Document { kinds, definitions: definitions.take().into_map().into_iter().collect() }
}

fn kind<T>(definitions: &Rc<RefCell<Definitions>>) -> Kind
where
    T: CustomResourceExt + HasSpec<Spec: for<'de> Deserialize<'de>>,
{
    let spec = schema_of::<T::Spec>(definitions);
    let published = T::crd().spec;
    Kind {
        api_version: T::api_resource().api_version,
        kind: published.names.kind,
        plural: published.names.plural,
        namespaced: published.scope == "Namespaced",
        schema: json!({
            "type": "object",
            "required": ["spec"],
            "properties": { "spec": spec, "status": { "x-kubernetes-preserve-unknown-fields": true } },
        }),
    }
}
