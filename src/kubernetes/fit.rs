//! Whether the objects of a namespace fit into its ResourceQuota and LimitRange, at the moment when most of them exist at once.
//!
//! The sums are those of the API server's quota evaluators (k8s.io/kubernetes, pkg/quota/v1/evaluator/core): a Pod counts with the greater of its
//! containers together and each init container alone; what a rolling update adds, an autoscaler may add and a wave of hooks runs is there as well.

mod limits;
mod pods;
mod quota;
mod schedule;
mod scopes;
mod workloads;

use std::collections::BTreeMap;

use serde_json::Value;

pub use limits::{LimitViolation, check_limit_range};
pub use quota::{KeyFault, QuotaExcess, check_quota, check_quota_key};
pub use scopes::{Traits, has_scopes};

use super::{
    identity::ObjectId,
    quantity::{Quantity, QuantityError},
    schemas::Schemas,
};

/// What an object that cannot be counted is refused with. Objects that passed validation and have an identity cannot cause one, but for sums
/// beyond 128 bits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to count {object}: {reason}")]
pub struct FitError {
    /// The object, as its identity shows it.
    pub object: String,
    /// What is wrong with it.
    pub reason: String,
}

/// An amount for each quota key: `requests.cpu`, `pods`, `count/deployments.apps`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Amounts(BTreeMap<String, Quantity>);

impl Amounts {
    /// Returns the amount for a key; nothing where it is not counted.
    pub fn get(&self, key: &str) -> Quantity {
        self.0.get(key).copied().unwrap_or_default()
    }

    /// Returns all keys that are counted, with their amounts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Quantity)> {
        self.0.iter().map(|(key, amount)| (key.as_str(), *amount))
    }

    fn add(&mut self, key: &str, amount: Quantity) -> Result<(), QuantityError> {
        if amount.is_zero() {
            return Ok(());
        }
        match self.0.get_mut(key) {
            Some(sum) => *sum = sum.checked_add(amount)?,
            None => {
                self.0.insert(key.to_owned(), amount);
            }
        }
        Ok(())
    }

    fn add_all(&mut self, other: &Amounts, times: u64) -> Result<(), QuantityError> {
        other.iter().try_for_each(|(key, amount)| self.add(key, amount.checked_mul(times)?))
    }

    fn at_least(&mut self, other: &Amounts) {
        for (key, amount) in other.iter() {
            let most = self.get(key).max(amount);
            self.0.insert(key.to_owned(), most);
        }
    }
}

/// When a Job runs: Argo CD starts the hooks of one phase and wave together, and ends them before the next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// With everything else, as long as it likes.
    Always,
    /// In a phase (`PreSync`, `Sync`, `PostSync`, …) and wave.
    Hook {
        /// The phase.
        phase: String,
        /// The wave within it.
        wave: i64,
    },
}

/// What one workload or claim adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The object.
    pub object: ObjectId,
    /// The most Pods at once: replicas and surge. Zero for objects that run none.
    pub pods: u64,
    /// How many of them a rolling update adds.
    pub surge: u64,
    /// When they exist.
    pub moment: Moment,
    /// What scopes of a quota ask about its Pods.
    pub traits: Traits,
    /// The amounts of all its Pods together.
    pub amounts: Amounts,
}

/// The most that the objects of a namespace ask for at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    /// The sums by quota key.
    pub total: Amounts,
    /// What each object adds, in the order of the objects. Of hooks, only those of the greatest moment are in the sum, key by key.
    pub shares: Vec<Share>,
}

/// Sums up what the objects of one namespace ask for at most.
///
/// `schemas` gives the plurals for `count/…` keys. LimitRanges among the objects fill in requests and limits that containers leave out.
/// The Pods of DaemonSets are left out: how many there are is the number of nodes. Counted are also the ReplicaSets, Jobs and Secrets that
/// Deployments, CronJobs, ExternalSecrets and Certificates make, and what every namespace has from the start: the ConfigMap with the
/// cluster's certificate, and the account `default`. Other objects that Kubernetes makes itself are not.
///
/// # Errors
///
/// An object without an identity, a quantity that cannot be read, or a sum beyond 128 bits.
pub fn demand<'o>(
    schemas: &Schemas,
    objects: impl IntoIterator<Item = &'o Value, IntoIter: Clone>,
) -> Result<Demand, FitError> {
    let objects = objects.into_iter();
    let defaults = limits::Defaults::of(objects.clone())?;
    let scalers = workloads::autoscaled(objects.clone());
    let mut demand = Demand::default();
    for key in ["configmaps", "count/configmaps", "count/serviceaccounts"] {
        demand.total.0.insert(key.to_owned(), Quantity::whole(1));
    }
    let mut hooks: BTreeMap<Moment, Amounts> = BTreeMap::new();
    for object in objects {
        let id = ObjectId::of(object).map_err(|fault| failure(object, fault))?;
        let counted = |error: QuantityError| failure(object, error);
        let counts = counts(schemas, &id, object).map_err(counted)?;
        let share = workloads::share(id, object, &defaults, &scalers).map_err(counted)?;
        let (moment, pods) = match &share {
            Some(share) => (share.moment.clone(), share.amounts.clone()),
            None => (workloads::moment(object), Amounts::default()),
        };
        // A hook stays until the next sync, unless Argo CD takes it away at once; its Pods end with their phase and wave.
        let stays = moment == Moment::Always || !workloads::goes_at_once(object);
        let sum = if stays { &mut demand.total } else { hooks.entry(moment.clone()).or_default() };
        sum.add_all(&counts, 1).map_err(counted)?;
        match moment {
            Moment::Always => demand.total.add_all(&pods, 1).map_err(counted)?,
            moment @ Moment::Hook { .. } => {
                for moment in std::iter::once(moment).chain(workloads::further_moments(object)) {
                    hooks.entry(moment).or_default().add_all(&pods, 1).map_err(counted)?;
                }
            }
        }
        demand.shares.extend(share);
    }
    let mut most = Amounts::default();
    for amounts in hooks.values() {
        most.at_least(amounts);
    }
    demand
        .total
        .add_all(&most, 1)
        .map_err(|error| FitError { object: "the hooks".to_owned(), reason: error.to_string() })?;
    Ok(demand)
}

/// Returns the value at a way of fields. `Value::pointer` does the same and allocates at each step.
fn at<'a>(value: &'a Value, way: &[&str]) -> Option<&'a Value> {
    way.iter().try_fold(value, |value, field| value.get(field))
}

fn failure(object: &Value, reason: impl ToString) -> FitError {
    let shown = ObjectId::of(object).map_or_else(|_| "an object".to_owned(), |id| id.to_string());
    FitError { object: shown, reason: reason.to_string() }
}

/// Returns what an object counts as such, whatever runs in it.
fn counts(schemas: &Schemas, id: &ObjectId, object: &Value) -> Result<Amounts, QuantityError> {
    const ONE: Quantity = Quantity::whole(1);
    let mut amounts = Amounts::default();
    if let Some(info) = schemas.kind(&id.api_version, &id.kind) {
        let suffix = if info.group.is_empty() { String::new() } else { format!(".{}", info.group) };
        amounts.add(&format!("count/{}{suffix}", info.plural), ONE)?;
    }
    match (id.group(), id.kind.as_str()) {
        ("", "ConfigMap") => amounts.add("configmaps", ONE)?,
        ("", "Secret") => amounts.add("secrets", ONE)?,
        ("", "PersistentVolumeClaim") => claim(&mut amounts, object, 1)?,
        ("cert-manager.io", "Certificate") => secret(&mut amounts)?,
        // Others only add to a Secret that somebody else makes.
        ("external-secrets.io", "ExternalSecret")
            if matches!(text(object, &["spec", "target", "creationPolicy"]), None | Some("Owner" | "Orphan")) =>
        {
            secret(&mut amounts)?;
        }
        ("", "Service") => {
            amounts.add("services", ONE)?;
            let ports = at(object, &["spec", "ports"]).and_then(Value::as_array).map_or(0, Vec::len) as u64;
            match at(object, &["spec", "type"]).and_then(Value::as_str) {
                Some("LoadBalancer") => {
                    amounts.add("services.loadbalancers", ONE)?;
                    // A load balancer has a node port for each port, unless it says that it needs none.
                    if object.pointer("/spec/allocateLoadBalancerNodePorts") != Some(&Value::Bool(false)) {
                        amounts.add("services.nodeports", Quantity::whole(ports))?;
                    }
                }
                Some("NodePort") => amounts.add("services.nodeports", Quantity::whole(ports))?,
                _ => {}
            }
        }
        _ => {}
    }
    Ok(amounts)
}

fn secret(amounts: &mut Amounts) -> Result<(), QuantityError> {
    amounts.add("secrets", Quantity::whole(1))?;
    amounts.add("count/secrets", Quantity::whole(1))
}

/// The annotation that named a claim's class before the field did; it has the last word to this day.
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// Adds so many volume claims of one form.
fn claim(amounts: &mut Amounts, claim: &Value, times: u64) -> Result<(), QuantityError> {
    amounts.add("persistentvolumeclaims", Quantity::whole(times))?;
    let storage = match at(claim, &["spec", "resources", "requests", "storage"]) {
        Some(storage) => Quantity::of(storage)?.checked_mul(times)?,
        None => Quantity::ZERO,
    };
    amounts.add("requests.storage", storage)?;
    let class = text(claim, &["metadata", "annotations", CLASS]).or_else(|| text(claim, &["spec", "storageClassName"]));
    if let Some(class) = class.filter(|class| !class.is_empty()) {
        amounts.add(&format!("{class}.storageclass.storage.k8s.io/requests.storage"), storage)?;
        amounts.add(&format!("{class}.storageclass.storage.k8s.io/persistentvolumeclaims"), Quantity::whole(times))?;
    }
    Ok(())
}

fn text<'a>(value: &'a Value, way: &[&str]) -> Option<&'a str> {
    at(value, way).and_then(Value::as_str)
}

#[cfg(test)]
mod tests;
