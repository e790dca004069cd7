//! Scopes of a ResourceQuota: which Pods it counts.
//!
//! Source: k8s.io/kubernetes v1.36.3, pkg/quota/v1/evaluator/core/pods.go, `podMatchesScopeFunc`.

use serde_json::Value;

use super::{Amounts, at};

/// What scopes ask about a Pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traits {
    /// It ends by a deadline of its own; the one of its Job does not count.
    terminating: bool,
    /// No container has a request or a limit of cpu or memory.
    best_effort: bool,
    priority_class: Option<String>,
    /// It wants to be near Pods of other namespaces.
    crosses: bool,
}

impl Traits {
    /// Looks at a Pod's specification and what it counts.
    pub(super) fn of(spec: Option<&Value>, amounts: &Amounts) -> Self {
        let Some(spec) = spec else { return Self::default() };
        let resources = ["requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];
        Self {
            terminating: spec.get("activeDeadlineSeconds").is_some_and(Value::is_number),
            best_effort: resources.iter().all(|key| amounts.get(key).is_zero()),
            priority_class: spec.get("priorityClassName").and_then(Value::as_str).map(str::to_owned),
            crosses: spec.get("affinity").is_some_and(crosses),
        }
    }

    /// Returns whether a quota counts the Pod: it is in each of its scopes.
    pub(super) fn fit(&self, quota: &Value) -> bool {
        let scopes = at(quota, &["spec", "scopes"]).and_then(Value::as_array).into_iter().flatten();
        let selected = at(quota, &["spec", "scopeSelector", "matchExpressions"]).and_then(Value::as_array);
        scopes.filter_map(Value::as_str).all(|scope| self.is_in(scope, &Value::Null))
            && selected.into_iter().flatten().all(|expression| {
                let scope = expression.get("scopeName").and_then(Value::as_str).unwrap_or_default();
                self.is_in(scope, expression)
            })
    }

    fn is_in(&self, scope: &str, expression: &Value) -> bool {
        match scope {
            "Terminating" => self.terminating,
            "NotTerminating" => !self.terminating,
            "BestEffort" => self.best_effort,
            "NotBestEffort" => !self.best_effort,
            "CrossNamespacePodAffinity" => self.crosses,
            "PriorityClass" => {
                let class = self.priority_class.as_deref();
                let listed = || {
                    let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
                    values.filter_map(Value::as_str).any(|value| Some(value) == class)
                };
                match expression.get("operator").and_then(Value::as_str) {
                    Some("In") => listed(),
                    Some("NotIn") => !listed(),
                    Some("DoesNotExist") => class.is_none(),
                    _ => class.is_some(),
                }
            }
            // Scopes of other objects than Pods.
            _ => false,
        }
    }
}

/// Returns whether a quota counts some Pods only.
pub fn has_scopes(quota: &Value) -> bool {
    let filled = |way: &[&str]| at(quota, way).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    filled(&["spec", "scopes"]) || filled(&["spec", "scopeSelector", "matchExpressions"])
}

fn crosses(affinity: &Value) -> bool {
    let terms = |side: &str, list: &str| at(affinity, &[side, list]).and_then(Value::as_array).into_iter().flatten();
    let far = |term: &Value| {
        term.get("namespaceSelector").is_some()
            || term.get("namespaces").and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    };
    ["podAffinity", "podAntiAffinity"].into_iter().any(|side| {
        terms(side, "requiredDuringSchedulingIgnoredDuringExecution").any(far)
            || terms(side, "preferredDuringSchedulingIgnoredDuringExecution")
                .any(|term| term.get("podAffinityTerm").is_some_and(far))
    })
}
