//! What templates see: the plan as values of the template engine, converted once for each tenant, and what tenants share
//! once for all of them.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use minijinja::{
    Value,
    value::{Enumerator, Object, Serde, ValueKind},
};
use serde::Serialize;

use super::holes;
use crate::plan::{Plan, PlatformPlan, RegionPlan, ServicePlan, TierPlan};

/// The names that every template sees, in the order of their values in [`Fields`].
const NAMES: [&str; 12] = [
    "annotations",
    "application",
    "hosts",
    "labels",
    "namespace",
    "platform",
    "provisions",
    "region",
    "release",
    "services",
    "tenant",
    "tier",
];

/// The name of the element of `each`.
const ITEM: &str = "item";

/// The most values kept of one kind: tiers times a few overrides. What comes later is converted each time.
const MOST_SHARED: usize = 64;

/// Values that many tenants have in common.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    platforms: Shared<Arc<PlatformPlan>>,
    regions: Shared<Arc<RegionPlan>>,
    tiers: Shared<TierPlan>,
    services: Shared<ServicePlan>,
}

/// A plan as a value, without an `item`.
#[derive(Debug, Clone)]
pub(super) struct PlanValue(Arc<Fields>);

#[derive(Debug)]
struct Fields([Value; NAMES.len()]);

/// A plan and the element of `each`.
#[derive(Debug)]
struct Scope {
    fields: Arc<Fields>,
    item: Option<Value>,
}

impl Contexts {
    /// Converts a plan.
    ///
    /// # Errors
    /// The name of a field with a private-use character somewhere in it; `check` lets none into an estate.
    pub(super) fn plan(&self, plan: &Plan) -> Result<PlanValue, &'static str> {
        let Plan {
            platform,
            region,
            tenant,
            tier,
            namespace,
            application,
            release,
            hosts,
            labels,
            annotations,
            services,
            provisions,
            // Templates see `provisions`.
            document: _,
        } = plan;
        let services = services
            .iter()
            .map(|(name, service)| Ok((name.clone(), self.services.value(service)?)))
            .collect::<Result<BTreeMap<_, _>, Foreign>>();
        let fields = [
            checked(annotations),
            checked(application),
            checked(hosts),
            checked(labels),
            checked(namespace),
            self.platforms.value(platform),
            checked(provisions),
            self.regions.value(region),
            checked(release),
            services.map(Value::from),
            checked(tenant),
            self.tiers.value(tier),
        ];
        let mut values = [const { Value::UNDEFINED }; NAMES.len()];
        for ((value, field), name) in values.iter_mut().zip(fields).zip(NAMES) {
            *value = field.map_err(|Foreign| name)?;
        }
        Ok(PlanValue(Arc::new(Fields(values))))
    }
}

impl PlanValue {
    /// Returns the context of a template that is rendered once.
    pub(super) fn alone(&self) -> Value {
        Value::from_object(Scope { fields: Arc::clone(&self.0), item: None })
    }

    /// Returns the context of a template that is rendered for an element of `each`.
    pub(super) fn with_item(&self, item: Value) -> Value {
        Value::from_object(Scope { fields: Arc::clone(&self.0), item: Some(item) })
    }
}

/// Returns where a name stands in [`NAMES`]. Every variable of a template comes by here: telling names apart by their
/// length first is much quicker than comparing them.
fn index(name: &str) -> Option<usize> {
    NAMES.iter().position(|known| known.len() == name.len() && *known == name)
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if key == ITEM {
            return self.item.clone();
        }
        index(key).map(|index| self.fields.0[index].clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let item = self.item.as_ref().map(|_| ITEM);
        Enumerator::Values(NAMES.into_iter().chain(item).map(Value::from).collect())
    }
}

/// A private-use character stands somewhere in a value.
#[derive(Debug)]
struct Foreign;

fn checked<T: Serialize>(source: &T) -> Result<Value, Foreign> {
    let value = Value::from(Serde(source));
    if holds_private_use(&value) { Err(Foreign) } else { Ok(value) }
}

fn holds_private_use(value: &Value) -> bool {
    let in_text = |text: &str| !text.is_ascii() && text.chars().any(holes::is_private_use);
    match value.kind() {
        ValueKind::String => value.as_str().is_some_and(in_text),
        ValueKind::Seq | ValueKind::Iterable => {
            value.try_iter().is_ok_and(|mut items| items.any(|i| holds_private_use(&i)))
        }
        ValueKind::Map => value
            .as_object()
            .and_then(|map| map.try_iter_pairs())
            .is_some_and(|mut pairs| pairs.any(|(key, value)| holds_private_use(&key) || holds_private_use(&value))),
        _ => false,
    }
}

/// Values by what they were made of. Comparing is much cheaper than converting.
#[derive(Debug)]
struct Shared<T>(RwLock<Vec<(T, Value)>>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Clone + PartialEq + Serialize> Shared<T> {
    fn value(&self, source: &T) -> Result<Value, Foreign> {
        // A panic elsewhere leaves the list whole: entries are only ever pushed.
        let find =
            |known: &[(T, Value)]| known.iter().find(|(known, _)| known == source).map(|(_, value)| value.clone());
        if let Some(value) = find(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(value);
        }
        let value = checked(source)?;
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST_SHARED && find(&known).is_none() {
            known.push((source.clone(), value.clone()));
        }
        Ok(value)
    }
}
