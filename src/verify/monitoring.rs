//! Alerts and dashboards: expressions that add up too much, dashboards that Grafana does not read.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::{
    findings::Findings,
    object::{Fields, Object, below, text_at},
    tenant::Tenant,
};
use crate::diag::Code;

/// The label by which Grafana's sidecar finds dashboards.
const DASHBOARD: &str = "grafana_dashboard";

/// Metrics of cAdvisor that exist for each container, and for the whole Pod once more, without a container's name.
const PER_CONTAINER: [&str; 4] = ["container_cpu_", "container_memory_", "container_fs_", "container_spec_"];

/// Labels of metrics that name an object of a kind: label, group, kind.
const NAMED: [(&str, &str, &str); 9] = [
    ("configmap", "", "ConfigMap"),
    ("cronjob", "batch", "CronJob"),
    ("daemonset", "apps", "DaemonSet"),
    ("deployment", "apps", "Deployment"),
    ("horizontalpodautoscaler", "autoscaling", "HorizontalPodAutoscaler"),
    ("persistentvolumeclaim", "", "PersistentVolumeClaim"),
    ("poddisruptionbudget", "policy", "PodDisruptionBudget"),
    ("resourcequota", "", "ResourceQuota"),
    ("statefulset", "apps", "StatefulSet"),
];

pub(super) fn check(tenant: &Tenant<'_>, object: &Object<'_>, findings: &mut Findings<'_>) {
    match (object.group, object.kind) {
        ("monitoring.coreos.com", "PrometheusRule") => {
            for (index, group) in object.items(&["spec", "groups"]).iter().enumerate() {
                let rules = group.get("rules").and_then(Value::as_array).into_iter().flatten();
                for (place, rule) in rules.enumerate() {
                    if let Some(expression) = text_at(rule, &["expr"]) {
                        let pointer = format_args!("/spec/groups/{index}/rules/{place}/expr");
                        self::expression(tenant, object, expression, &pointer, findings);
                    }
                }
            }
        }
        ("", "ConfigMap") if object.labels.is_some_and(|labels| labels.contains_key(DASHBOARD)) => {
            let data = object.at(&["data"]).and_then(Value::as_object);
            for (name, text) in data.into_iter().flat_map(Fields::iter) {
                if let Some(text) = text.as_str() {
                    dashboard(
                        object,
                        &format_args!("`{name}` of {}", object.title()),
                        || below("/data", name),
                        text,
                        findings,
                    );
                }
            }
        }
        ("grafana.integreatly.org", "GrafanaDashboard") => {
            if let Some(text) = text_at(object.value, &["spec", "json"]) {
                dashboard(
                    object,
                    &format_args!("`json` of {}", object.title()),
                    || "/spec/json".to_owned(),
                    text,
                    findings,
                );
            }
        }
        _ => {}
    }
}

fn expression(
    tenant: &Tenant<'_>,
    object: &Object<'_>,
    expression: &str,
    pointer: &std::fmt::Arguments<'_>,
    findings: &mut Findings<'_>,
) {
    if let Some(fault) = unclosed(expression) {
        findings.add(
            Code::AlertSyntax,
            object,
            &pointer.to_string(),
            format!("the expression cannot be read: {fault}"),
            "correct it: Prometheus refuses the whole PrometheusRule, and none of its alerts ever fires",
        );
        return;
    }
    for Selector { metric, labels } in selectors(expression) {
        if metric == "kube_resourcequota" && !names_label(labels, "type") {
            findings.add(
                Code::AlertQuotaType,
                object,
                &pointer.to_string(),
                "`kube_resourcequota` is taken without `type`: what is allowed and what is used are added up",
                "add `type=\"hard\"` or `type=\"used\"`",
            );
        }
        if let Some((label, name)) = missing(tenant, labels) {
            findings.add(
                Code::QuerySelectsNothing,
                object,
                &pointer.to_string(),
                format!("`{metric}` is asked for with `{label}=\"{name}\"`, and the tenant has no such object"),
                "correct the name: the expression has no value, and the alert never fires",
            );
        }
        if PER_CONTAINER.iter().any(|start| metric.starts_with(start)) && !names_label(labels, "container") {
            findings.add(
                Code::AlertContainerLabel,
                object,
                &pointer.to_string(),
                format!(
                    "`{metric}` is taken without `container`: each Pod counts twice, by its containers and as a whole"
                ),
                "add `container!=\"\"`",
            );
        }
    }
}

/// Returns what is open at the end of an expression, or closed before it was opened.
fn unclosed(expression: &str) -> Option<String> {
    let mut open: Vec<u8> = Vec::new();
    let mut bytes = expression.bytes();
    while let Some(byte) = bytes.next() {
        let opening = match byte {
            b'(' | b'[' | b'{' => {
                open.push(byte);
                continue;
            }
            b')' => b'(',
            b']' => b'[',
            b'}' => b'{',
            b'"' | b'\'' | b'`' => {
                if !skip_text(&mut bytes, byte) {
                    return Some(format!("a text that begins with {} does not end", char::from(byte)));
                }
                continue;
            }
            // A comment goes to the end of its line.
            b'#' => {
                bytes.find(|byte| *byte == b'\n');
                continue;
            }
            _ => continue,
        };
        if open.pop() != Some(opening) {
            return Some(format!("`{}` closes nothing", char::from(byte)));
        }
    }
    open.last().map(|byte| format!("`{}` is not closed", char::from(*byte)))
}

/// Goes behind the quote that ends a text; backquotes know no escapes.
fn skip_text(bytes: &mut std::str::Bytes<'_>, quote: u8) -> bool {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if quote != b'`' => drop(bytes.next()),
            byte if byte == quote => return true,
            _ => {}
        }
    }
    false
}

/// Returns a label that names an object of the tenant's namespace which is not there.
fn missing<'e>(tenant: &Tenant<'_>, labels: &'e str) -> Option<(&'static str, &'e str)> {
    if labels.is_empty() || !tenant.complete || value_of(labels, "namespace") != Some(tenant.plan.namespace.as_str()) {
        return None;
    }
    NAMED.iter().find_map(|(label, group, kind)| {
        let name = value_of(labels, label)?;
        tenant.find(group, kind, name).is_none().then_some((*label, name))
    })
}

/// Returns the text that a label must equal: `namespace="shop-abc"`.
fn value_of<'e>(labels: &'e str, name: &str) -> Option<&'e str> {
    labels.match_indices(name).find_map(|(at, _)| {
        let before = labels[..at].trim_end();
        let behind = labels[at + name.len()..].trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?;
        let (value, _) = behind.split_once('"')?;
        (before.is_empty() || before.ends_with(',')).then_some(value)
    })
}

/// A metric and what stands in the braces behind it.
struct Selector<'e> {
    metric: &'e str,
    labels: &'e str,
}

/// Returns the words of an expression, each with the braces behind it. Functions and keywords are words too: no rule is about them.
fn selectors(expression: &str) -> impl Iterator<Item = Selector<'_>> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let mut rest = expression;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find(|c: char| is_word(c) || matches!(c, '"' | '\''))?;
            rest = &rest[start..];
            if let quote @ ('"' | '\'') = rest.chars().next()? {
                // A text of its own holds no metric.
                rest = rest[1..].split_once(quote).map_or("", |(_, behind)| behind);
                continue;
            }
            let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            let (metric, behind) = rest.split_at(end);
            let braces = behind.trim_start().strip_prefix('{');
            let (labels, behind) = match braces {
                Some(inside) => inside.split_at(closing(inside)),
                None => ("", behind),
            };
            rest = behind;
            return Some(Selector { metric, labels });
        }
    })
}

/// Returns where the braces end: texts in them may hold braces too.
fn closing(inside: &str) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return at,
            _ => {}
        }
    }
    inside.len()
}

/// Returns whether the labels in braces name a label: `container!=""`, `container=~"php"`.
fn names_label(labels: &str, name: &str) -> bool {
    labels.match_indices(name).any(|(at, _)| {
        let before = labels[..at].trim_end();
        let behind = labels[at + name.len()..].trim_start();
        (before.is_empty() || before.ends_with(',')) && behind.starts_with(['=', '!'])
    })
}

/// As much of a dashboard as tells a file from an envelope.
#[derive(Deserialize)]
struct Outline {
    dashboard: Option<IgnoredAny>,
}

fn dashboard(
    object: &Object<'_>,
    what: &std::fmt::Arguments<'_>,
    pointer: impl Fn() -> String,
    text: &str,
    findings: &mut Findings<'_>,
) {
    match serde_json::from_str::<Outline>(text) {
        Err(error) => findings.add(
            Code::DashboardJson,
            object,
            &pointer(),
            format!("{what} is no dashboard: {error}"),
            "build it as data in the template and write it with `| tojson`",
        ),
        Ok(Outline { dashboard: Some(_) }) => findings.add(
            Code::DashboardEnvelope,
            object,
            &pointer(),
            format!("{what} has the envelope of the HTTP API"),
            "write what is inside `dashboard`: from files Grafana reads the dashboard itself",
        ),
        Ok(Outline { dashboard: None }) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_metric_by_metric() {
        let found: Vec<_> = selectors(
            r#"sum(rate(a_b{x="}",y!=''}[5m])) / on(ns) c:d > 0.9 and label_replace(e, "f", "$1", "g", "h")"#,
        )
        .map(|Selector { metric, labels }| (metric, labels))
        .collect();
        assert!(found.contains(&("a_b", r#"x="}",y!=''"#)), "{found:?}");
        assert!(found.contains(&("c:d", "")) && found.contains(&("e", "")), "{found:?}");
        assert!(!found.iter().any(|(metric, _)| matches!(*metric, "f" | "g" | "h")), "{found:?}");
    }

    #[test]
    fn labels_are_found_by_their_whole_name() {
        assert!(names_label(r#"namespace="a",container!="""#, "container"));
        assert!(names_label(r#"container =~ "php""#, "container"));
        assert!(!names_label(r#"container_name="a""#, "container"));
        assert!(!names_label(r#"namespace="container=""#, "container"));
    }

    #[test]
    fn brackets_and_texts_close() {
        for right in ["sum(rate(a{b=\"}\"}[5m])) > 0", "a{b='\\''} # (", "`\\` == 1", ""] {
            assert_eq!(unclosed(right), None, "{right}");
        }
        for (wrong, fault) in [
            ("sum(rate(a[5m]) > 0", "`(` is not closed"),
            ("a{b=\"c\"", "`{` is not closed"),
            ("a) > 1", "`)` closes nothing"),
            ("sum(a]", "`]` closes nothing"),
            ("a{b=\"c}", "a text that begins with \" does not end"),
        ] {
            assert_eq!(unclosed(wrong).as_deref(), Some(fault), "{wrong}");
        }
    }

    #[test]
    fn values_of_labels_are_literal() {
        let labels = r#"kube_namespace="x", namespace = "a",deployment=~"b.*""#;
        assert_eq!((value_of(labels, "namespace"), value_of(labels, "deployment")), (Some("a"), None));
    }
}
