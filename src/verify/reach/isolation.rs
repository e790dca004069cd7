//! Whether policies isolate the tenant's Pods at all, and from whom.

use serde_json::Value;

use super::{Net, titles};
use crate::{
    diag::Code,
    kubernetes::network::{Answer, Direction, Namespace, Peer, Ranges, Selector},
    raw::estate::Routing,
    verify::{
        findings::Findings,
        object::{Object, below},
        tenant::Tenant,
    },
};

/// Groups whose policies have a say beside those of `networking.k8s.io`, with the words that their kinds end with.
const ENGINES: [(&str, &str); 5] = [
    ("cilium.io", "NetworkPolicy"),
    ("crd.projectcalico.org", "NetworkPolicy"),
    ("crd.antrea.io", "NetworkPolicy"),
    ("policy.networking.k8s.io", "NetworkPolicy"),
    ("projectcalico.org", "NetworkPolicy"),
];

/// Reports policies of other engines: they may allow and deny what ours do not.
pub(super) fn is_decided_elsewhere(tenant: &Tenant<'_>, findings: &mut Findings<'_>) -> bool {
    let foreign = |object: &&Object<'_>| {
        ENGINES.iter().any(|(group, kind)| object.group == *group && object.kind.ends_with(kind))
    };
    let Some(object) = tenant.objects.iter().find(foreign) else { return false };
    findings.add(
        Code::NetworkNotEvaluated,
        object,
        "/kind",
        format!("{} is a policy of another engine: what the tenant's Pods may reach was not decided", object.title()),
        "write it as a NetworkPolicy of networking.k8s.io/v1, or review by hand who reaches whom",
    );
    true
}

/// Reports Pods that nothing isolates. Returns whether there is no policy at all, and so nothing else to say.
pub(super) fn is_open(net: &Net<'_>, findings: &mut Findings<'_>) -> bool {
    let help = "add a NetworkPolicy with `podSelector: {}`, `policyTypes: [Ingress, Egress]` and no rule, and beside it one for each thing that is allowed";
    if net.policies.is_empty() {
        let namespace = net.tenant.of_kind("", "Namespace").find(|object| object.name == net.own.name);
        let place = namespace.or_else(|| net.workloads.first().map(|workload| workload.object));
        if let Some(object) = place {
            let message = format!(
                "no NetworkPolicy is in the namespace `{}`: everybody may connect to {}",
                net.own.name,
                titles(&net.workloads)
            );
            findings.add(Code::NetworkNoPolicy, object, "/metadata/name", message, help);
        }
        return true;
    }
    let open: Vec<_> = net.workloads.iter().filter(|workload| !workload.ingress.is_isolated()).collect();
    if let [first, ..] = open.as_slice() {
        let message = format!("no policy about ingress selects the Pods of {}", titles(open.iter().copied()));
        let pointer = format!("{}/metadata/labels", first.template.pointer);
        findings.add(Code::NetworkNotIsolated, first.object, &pointer, message, help);
    }
    false
}

/// Returns the namespaces whose Pods may connect to a tenant's.
pub(super) fn admitted<'t>(net: &Net<'t>) -> Vec<&'t str> {
    let platform = &net.tenant.plan.platform;
    let (Routing::Gateway { namespace, .. } | Routing::Ingress { namespace, .. }) = &platform.routing;
    let admits = platform.network.admits.namespaces.iter().chain(&platform.network.monitoring);
    [net.own.name, namespace].into_iter().chain(admits.map(String::as_str)).collect()
}

/// Reports rules that let somebody in whom the estate does not name.
pub(super) fn sources(net: &Net<'_>, findings: &mut Findings<'_>) {
    let network = &net.tenant.plan.platform.network;
    let admitted = admitted(net);
    let addresses = Ranges::blocks(network.admits.addresses.iter().map(String::as_str)).unwrap_or_default();
    let stranger = Namespace::other_than(admitted.clone());
    for (policy, read) in net.policies.iter().zip(net.read) {
        for (index, rule) in read.rules(Direction::Ingress).unwrap_or_default().iter().enumerate() {
            for (place, peer) in rule.peers().unwrap_or_default().iter().enumerate() {
                let pointer = format!("/spec/ingress/{index}/from/{place}");
                let whom = match peer {
                    Peer::Pods { namespaces: Some(selector), pods } => {
                        if is_said_elsewhere(policy.value, &pointer, selector, pods) {
                            continue;
                        }
                        match stranger_of(net, selector, &stranger, &admitted) {
                            Some(whom) => whom,
                            None => continue,
                        }
                    }
                    Peer::Addresses(block) if !block.is_empty() && addresses.holds(block) != Answer::Yes => {
                        "addresses that `spec.network.admits` does not name".to_owned()
                    }
                    Peer::Pods { namespaces: None, .. } | Peer::Addresses(_) | Peer::Nobody => continue,
                };
                findings.add(
                    Code::NetworkIngress,
                    policy,
                    &pointer,
                    format!("{} lets in {whom}", policy.title()),
                    "name the gateway's namespace, or Prometheus's (`spec.network.monitoring` of tenantry.yaml), by `kubernetes.io/metadata.name`; whoever else shall come in belongs under `spec.network.admits`",
                );
            }
        }
    }
}

/// Two rules about single policies say it already: every namespace, and the label that namespaces do not have.
fn is_said_elsewhere(policy: &Value, pointer: &str, namespaces: &Selector<'_>, pods: &Selector<'_>) -> bool {
    let name = policy.pointer(&format!("{pointer}/namespaceSelector/matchLabels/name"));
    name.is_some() || namespaces.is_empty() && pods.is_empty()
}

/// Returns whom a selector of namespaces means besides those that are admitted.
fn stranger_of(net: &Net<'_>, selector: &Selector<'_>, stranger: &Namespace<'_>, admitted: &[&str]) -> Option<String> {
    let known = &net.tenant.plan.platform.network.namespaces;
    if known.is_empty() {
        let means = selector.selects(&stranger.labels) != Answer::No;
        return means.then(|| "Pods of other namespaces than the gateway's, Prometheus's and its own".to_owned());
    }
    let mut others = known.iter().filter(|(name, _)| !admitted.contains(&name.as_str()));
    let means = others.find(|(name, labels)| selector.selects(&platform(name, labels).labels) == Answer::Yes);
    means.map(|(name, _)| format!("Pods of the namespace `{name}`"))
}

/// Returns a namespace whose labels the estate gives in full.
fn platform<'n>(name: &'n str, labels: &'n std::collections::BTreeMap<String, String>) -> Namespace<'n> {
    let mut namespace = Namespace::known(name, None);
    for (key, value) in labels {
        namespace.labels.set(key, value);
    }
    namespace
}

/// Reports selectors that mean nobody: Pods elsewhere that would have to carry the tenant's own label, and, where the estate
/// names all namespaces, those that there are not.
pub(super) fn selectors(net: &Net<'_>, findings: &mut Findings<'_>) {
    let known = known(net);
    for (policy, read) in net.policies.iter().zip(net.read) {
        for direction in [Direction::Ingress, Direction::Egress] {
            let (list, peers) = direction.fields();
            for (index, rule) in read.rules(direction).unwrap_or_default().iter().enumerate() {
                for (place, peer) in rule.peers().unwrap_or_default().iter().enumerate() {
                    let Peer::Pods { namespaces: Some(selector), .. } = peer else { continue };
                    let pointer = format!("/spec/{list}/{index}/{peers}/{place}");
                    nobody(net, policy, &pointer, selector, known.as_deref(), findings);
                }
            }
        }
    }
}

/// Returns all namespaces that there are beside other tenants', where the estate names them.
fn known<'n>(net: &Net<'n>) -> Option<Vec<Namespace<'n>>> {
    let platform = &net.tenant.plan.platform.network;
    let known = &platform.namespaces;
    let named = admitted(net).into_iter().chain([platform.dns.namespace.as_str()]);
    let further = named.filter(|name| !known.contains_key(*name) && *name != net.own.name);
    let further = further.map(|name| Namespace::known(name, None));
    let given = known.iter().map(|(name, labels)| self::platform(name, labels));
    (!known.is_empty()).then(|| given.chain(further).chain([net.own.clone()]).collect())
}

fn nobody(
    net: &Net<'_>,
    policy: &Object<'_>,
    pointer: &str,
    selector: &Selector<'_>,
    known: Option<&[Namespace<'_>]>,
    findings: &mut Findings<'_>,
) {
    let at = |field: &str| policy.value.pointer(&format!("{pointer}/{field}"));
    let elsewhere = selector.selects(&net.own.labels) == Answer::No;
    let labels = at("podSelector/matchLabels").and_then(Value::as_object).filter(|_| elsewhere);
    let plan = net.tenant.plan;
    let own = [plan.tenant.name.as_str(), plan.namespace.as_str(), plan.tenant.uid.as_str()];
    let is_own = |value: &Value| value.as_str().is_some_and(|value| !value.is_empty() && own.contains(&value));
    if let Some((label, _)) = labels.into_iter().flatten().find(|(_, value)| is_own(value)) {
        findings.add(
            Code::NetworkSelectsNothing,
            policy,
            &below(&format!("{pointer}/podSelector/matchLabels"), label),
            format!("{} means Pods of another namespace that carry the tenant's own label `{label}`", policy.title()),
            "take the label out of the podSelector: Pods of the platform do not carry it (kustomize's `commonLabels` writes labels into these selectors, `labels` without `includeSelectors` does not)",
        );
    }
    // The label that namespaces do not have is a finding of its own.
    let said = at("namespaceSelector/matchLabels/name").is_some();
    let is_there = |namespace: &Namespace<'_>| selector.selects(&namespace.labels) != Answer::No;
    if known.is_some_and(|known| !said && !known.iter().any(is_there)) {
        findings.add(
            Code::NetworkSelectsNothing,
            policy,
            &format!("{pointer}/namespaceSelector"),
            format!("{} selects no namespace that there is", policy.title()),
            "correct the selector, or name the namespace with its labels under `spec.network.namespaces` of tenantry.yaml",
        );
    }
}
