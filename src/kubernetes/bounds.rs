//! What restrains a value beyond its type: words, ranges, lengths, forms, items that must differ.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use super::{
    arena::{Bounds, Form, Range, Unique},
    fault::{Fault, FaultKind, Path},
    metadata, names,
    quantity::Quantity,
    words::{nearest, shown},
};

/// Checks a value against bounds; combinations are the walk's affair.
pub(super) fn check(bounds: &Bounds, value: &Value, path: &Path<'_>, faults: &mut Vec<Fault>) {
    if let Some(words) = &bounds.words
        && !words.contains(value)
    {
        faults.push(not_one_of(words, value, path));
    }
    match value {
        Value::Number(number) if bounds.minimum.is_some() || bounds.maximum.is_some() => {
            range(bounds, number, path, faults)
        }
        Value::String(text) => {
            length(bounds.length, || text.chars().count(), "characters", path, faults);
            form(bounds, text, path, faults);
        }
        Value::Array(items) => {
            length(bounds.items, || items.len(), "items", path, faults);
            unique(&bounds.unique, items, path, faults);
        }
        Value::Object(fields) => {
            length(bounds.fields, || fields.len(), "fields", path, faults);
            if bounds.metadata {
                metadata::check_labels(fields, path, faults);
            }
        }
        _ => {}
    }
}

#[cold]
fn not_one_of(words: &[Value], value: &Value, path: &Path<'_>) -> Fault {
    let listed: Vec<String> =
        words.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).collect();
    let near = value.as_str().and_then(|text| nearest(text, words.iter().filter_map(Value::as_str)));
    let help = match near.filter(|near| !near.is_empty()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write {}", listed.join(", ")),
    };
    let message = format!("{} is not one of {}", shown(value), listed.join(", "));
    path.fault(FaultKind::NotOneOf, message, help)
}

fn range(bounds: &Bounds, number: &Number, path: &Path<'_>, faults: &mut Vec<Fault>) {
    let Some(value) = number.as_f64() else { return };
    if let Some((least, excluded)) = bounds.minimum
        && (value < least || excluded && value <= least)
    {
        let relation = if excluded { "more than" } else { "at least" };
        let help = format!("write a number of {relation} {least}");
        faults.push(path.fault(
            FaultKind::OutOfRange,
            format!("`{number}` is too small, {relation} {least} is expected"),
            help,
        ));
    }
    if let Some((most, excluded)) = bounds.maximum
        && (value > most || excluded && value >= most)
    {
        let relation = if excluded { "less than" } else { "at most" };
        let help = format!("write a number of {relation} {most}");
        faults.push(path.fault(
            FaultKind::OutOfRange,
            format!("`{number}` is too large, {relation} {most} is expected"),
            help,
        ));
    }
}

/// Checks that a number fits in 32 bits.
pub(super) fn int32(number: &Number, path: &Path<'_>, faults: &mut Vec<Fault>) {
    if number.as_i64().is_some_and(|number| i32::try_from(number).is_err()) {
        let message = format!("`{number}` does not fit in 32 bits");
        faults.push(path.fault(FaultKind::OutOfRange, message, format!("write a number of at most {}", i32::MAX)));
    }
}

/// Checks that a text or a number is a quantity.
pub(super) fn quantity(value: &Value, path: &Path<'_>, faults: &mut Vec<Fault>) {
    let fits = match value {
        Value::String(text) => Quantity::parse(text),
        other => Quantity::of(other),
    };
    if let Err(error) = fits {
        let help = "write it like `500m`, `1.5`, `2Gi` or `500G`, without a space";
        faults.push(path.fault(FaultKind::WrongForm, error.to_string(), help));
    }
}

fn length(range: Range, count: impl Fn() -> usize, noun: &str, path: &Path<'_>, faults: &mut Vec<Fault>) {
    if range == Range::default() {
        return;
    }
    let count = count() as u64;
    if let Some(min) = range.min.filter(|min| count < *min) {
        let message = format!("{count} {noun} are too few, at least {min} are expected");
        faults.push(path.fault(FaultKind::WrongLength, message, format!("give it at least {min} {noun}")));
    }
    if let Some(max) = range.max.filter(|max| count > *max) {
        let message = format!("{count} {noun} are too many, at most {max} are expected");
        faults.push(path.fault(FaultKind::WrongLength, message, format!("give it at most {max} {noun}")));
    }
}

fn form(bounds: &Bounds, text: &str, path: &Path<'_>, faults: &mut Vec<Fault>) {
    if let Some(pattern) = &bounds.pattern
        && !pattern.is_match(text)
    {
        let message = format!("{} does not match the pattern {}", shown(&Value::from(text)), pattern.text);
        faults.push(path.fault(FaultKind::WrongForm, message, "write it in the form that the pattern says"));
    }
    match bounds.form {
        Some(Form::Base64) if !is_base64(text) => faults.push(path.fault(
            FaultKind::WrongForm,
            "the text is not base64",
            "encode it, or use the field for plain text (`stringData` of a Secret, `data` of a ConfigMap)",
        )),
        Some(Form::DnsLabel) => {
            if let Err(error) = names::check_label_name(text) {
                faults.push(path.fault(FaultKind::InvalidName, format!("`{text}` {error}"), "choose another name"));
            }
        }
        Some(Form::PortName) if !names::is_port_name(text) => faults.push(path.fault(
            FaultKind::InvalidName,
            format!("`{text}` is not the name of a port"),
            "write at most 15 lower-case letters, digits and single `-`, with a letter among them",
        )),
        _ => {}
    }
}

fn is_base64(text: &str) -> bool {
    let bytes = text.as_bytes();
    let padding = bytes.iter().rev().take_while(|b| **b == b'=').count();
    let (data, _) = bytes.split_at(bytes.len() - padding);
    bytes.len().is_multiple_of(4)
        && padding <= 2
        && data.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

fn unique(unique: &Unique, items: &[Value], path: &Path<'_>, faults: &mut Vec<Fault>) {
    /// Up to here comparing each with each is quicker than any index.
    const FEW: usize = 24;
    let Unique { whole, keys, also } = unique;
    if items.len() < 2 || !whole && keys.is_empty() && also.is_empty() {
        return;
    }
    let groups = std::iter::once(&**keys).filter(|keys| !keys.is_empty()).chain(also.chunks(1));
    for keys in groups {
        if items.len() <= FEW {
            for (index, item) in items.iter().enumerate().skip(1) {
                if let Some(first) = items[..index].iter().position(|other| same(keys, other, item)) {
                    faults.push(duplicate(keys, item, first, &path.item(index)));
                }
            }
        } else {
            let mut seen: BTreeMap<Vec<String>, usize> = BTreeMap::new();
            for (index, item) in items.iter().enumerate() {
                let Some(key) = keys.iter().map(|key| key_of(key, item).map(|value| value.to_string())).collect()
                else {
                    continue;
                };
                match seen.get(&key) {
                    Some(first) => faults.push(duplicate(keys, item, *first, &path.item(index))),
                    None => {
                        seen.insert(key, index);
                    }
                }
            }
        }
    }
    if *whole {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            if let Some(first) = seen.insert(item.to_string(), index) {
                faults.push(duplicate(&[], item, first, &path.item(index)));
            }
        }
    }
}

/// Returns the value of a key; a port without a protocol is one of TCP.
fn key_of<'a>(key: &str, item: &'a Value) -> Option<&'a Value> {
    static TCP: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| Value::from("TCP"));
    let value = item.get(key);
    if value.is_none() && key == "protocol" && item.is_object() { Some(&TCP) } else { value }
}

fn same(keys: &[Box<str>], a: &Value, b: &Value) -> bool {
    keys.iter().all(|key| key_of(key, a).is_some_and(|value| Some(value) == key_of(key, b)))
}

#[cold]
fn duplicate(keys: &[Box<str>], item: &Value, first: usize, path: &Path<'_>) -> Fault {
    let parts: Vec<String> = keys
        .iter()
        .filter_map(|key| {
            key_of(key, item)
                .map(|value| format!("{key} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        })
        .collect();
    let what = if parts.is_empty() { shown(item) } else { parts.join(" and ") };
    path.fault(
        FaultKind::Duplicate,
        format!("{what} is in the list already, as item {first}"),
        "take one of the two out, or rename it",
    )
}
