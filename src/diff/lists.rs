//! Comparison of lists: by the key of their elements where they have one, else by what stayed.

use std::collections::BTreeMap;

use serde_json::Value;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{change_set::Change, fields::Walk};

/// The keys of elements, by the field that holds the list. Only the first part must be present. Sources: the merge keys
/// of the Kubernetes API (`x-kubernetes-list-map-keys`) and of the custom resources that tenants use.
const KEYS: [(&str, &[&str]); 12] = [
    ("ports", &["containerPort", "protocol"]),
    ("ports", &["port", "protocol"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("hostAliases", &["ip"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("data", &["secretKey"]),
    ("parentRefs", &["name", "namespace", "sectionName"]),
    ("rules", &["alert"]),
    ("rules", &["record"]),
    ("rules", &["host"]),
    ("tls", &["secretName"]),
];

/// The keys of elements of any list, tried in this order after [`KEYS`].
const ANY: [&[&str]; 5] = [&["name"], &["id"], &["type"], &["key"], &["path"]];

/// Lists with more elements that have no key are shown as a whole: comparing them takes time that grows with their square.
const LONGEST: usize = 20_000;

/// Compares two lists that differ.
pub(super) fn compare(walk: &mut Walk, base: &[Value], target: &[Value], field: &str) {
    let known = KEYS.iter().filter(|(of, _)| *of == field).map(|(_, keys)| *keys);
    for keys in known.chain(ANY) {
        if let (Some(base), Some(target)) = (keyed(base, keys), keyed(target, keys)) {
            return by_key(walk, &base, &target, field);
        }
    }
    if base.len().max(target.len()) > LONGEST {
        return walk.push(Change::Changed { from: base.into(), to: target.into() });
    }
    by_place(walk, base, target, field);
}

/// Returns each element with its key as a segment of a path, or `None` if one has no key or two have the same.
fn keyed<'a>(list: &'a [Value], keys: &[&str]) -> Option<Vec<(String, &'a Value)>> {
    let mut seen = BTreeMap::new();
    let mut out = Vec::with_capacity(list.len());
    for item in list {
        let map = item.as_object()?;
        let mut label = String::new();
        for (index, key) in keys.iter().enumerate() {
            let value = match map.get(*key) {
                Some(Value::String(text)) if is_simple(text) => text.clone(),
                Some(value @ (Value::String(_) | Value::Number(_))) => value.to_string(),
                None if index > 0 => continue,
                _ => return None,
            };
            label.push_str(if index == 0 { "" } else { "," });
            label.push_str(key);
            label.push('=');
            label.push_str(&value);
        }
        if seen.insert(label.clone(), ()).is_some() {
            return None;
        }
        out.push((format!("[{label}]"), item));
    }
    Some(out)
}

/// Such a text needs no quotes, and is no number: `name: "80"` and `name: 80` are two elements.
fn is_simple(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':'))
        && text.bytes().any(|b| b.is_ascii_alphabetic() || b == b'/')
        && text.parse::<f64>().is_err()
}

fn by_key(walk: &mut Walk, base: &[(String, &Value)], target: &[(String, &Value)], field: &str) {
    let before: BTreeMap<&str, &Value> = base.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    let after: BTreeMap<&str, &Value> = target.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    for (key, from) in base {
        if !after.contains_key(key.as_str()) {
            walk.below(key, |walk| walk.push(Change::Removed { from: (*from).clone() }));
        }
    }
    for (key, to) in target {
        walk.below(key, |walk| match before.get(key.as_str()) {
            Some(from) => walk.values(from, to, field),
            None => walk.push(Change::Added { to: (*to).clone() }),
        });
    }
    let common = |list: &[(String, &Value)], other: &BTreeMap<&str, &Value>| -> Vec<String> {
        list.iter().filter(|(key, _)| other.contains_key(key.as_str())).map(|(key, _)| key.clone()).collect()
    };
    let (from, to) = (common(base, &after), common(target, &before));
    if from != to {
        walk.push(Change::Reordered { from, to });
    }
}

fn by_place(walk: &mut Walk, base: &[Value], target: &[Value], field: &str) {
    for op in capture_diff_slices(Algorithm::Myers, base, target) {
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let (old, new) = (op.old_range(), op.new_range());
        // Elements that changed in their place are shown as changed, not as gone and come.
        let pairs = old.len().min(new.len());
        for (from, to) in old.clone().zip(new.clone()) {
            walk.below(&format!("[{to}]"), |walk| walk.values(&base[from], &target[to], field));
        }
        for from in old.skip(pairs) {
            walk.below(&format!("[{from}]"), |walk| walk.push(Change::Removed { from: base[from].clone() }));
        }
        for to in new.skip(pairs) {
            walk.below(&format!("[{to}]"), |walk| walk.push(Change::Added { to: target[to].clone() }));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::{super::fields::changes, *};

    fn shown(base: Value, target: Value) -> Vec<(String, Change)> {
        changes(&base, &target).into_iter().map(|field| (field.path, field.change)).collect()
    }

    #[test]
    fn elements_are_matched_by_name() {
        let base = json!({"containers": [{"name": "auth", "image": "a:1"}, {"name": "proxy", "image": "p:1"}]});
        let target = json!({"containers": [{"name": "init", "image": "i:1"}, {"name": "auth", "image": "a:2"}]});
        assert_eq!(
            shown(base, target),
            [
                (
                    "containers[name=proxy]".to_owned(),
                    Change::Removed { from: json!({"name": "proxy", "image": "p:1"}) }
                ),
                ("containers[name=init]".to_owned(), Change::Added { to: json!({"name": "init", "image": "i:1"}) }),
                ("containers[name=auth].image".to_owned(), Change::Changed { from: json!("a:1"), to: json!("a:2") }),
            ]
        );
    }

    #[test]
    fn ports_are_matched_by_number_and_protocol() {
        let base = json!({"ports": [{"port": 53, "protocol": "UDP", "name": "dns"}, {"port": 53, "protocol": "TCP", "name": "tcp"}]});
        let mut target = base.clone();
        target["ports"][1]["name"] = json!("dns-tcp");
        assert_eq!(shown(base, target)[0].0, "ports[port=53,protocol=TCP].name");
    }

    #[test]
    fn another_order_is_one_change() {
        let base = json!({"initContainers": [{"name": "a"}, {"name": "b"}]});
        let target = json!({"initContainers": [{"name": "b"}, {"name": "a"}]});
        let order = |keys: [&str; 2]| keys.map(|key| format!("[name={key}]")).to_vec();
        assert_eq!(
            shown(base, target),
            [("initContainers".to_owned(), Change::Reordered { from: order(["a", "b"]), to: order(["b", "a"]) })]
        );
    }

    #[test]
    fn elements_without_a_key_are_matched_by_what_stayed() {
        let base = json!({"args": ["a", "b", "c"]});
        let target = json!({"args": ["b", "x", "c"]});
        assert_eq!(
            shown(base, target),
            [
                ("args[0]".to_owned(), Change::Removed { from: json!("a") }),
                ("args[1]".to_owned(), Change::Added { to: json!("x") }),
            ]
        );
    }
}
