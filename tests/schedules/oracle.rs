//! Two states compared by what they mean.

use std::collections::BTreeSet;

use serde_json::Value;
use tenantry::engine::sandbox::State;

/// Returns how a disturbed state differs from one that was never disturbed: what is there beyond it is an orphan (I3).
pub fn differences(disturbed: &State, undisturbed: &State) -> Result<(), String> {
    let mut differences = Vec::new();
    compare("", &canonical(disturbed), &canonical(undisturbed), &mut differences);
    let Some(first) = differences.first() else { return Ok(()) };
    let invariant = if first.ends_with(BEYOND) { "I3" } else { "I1" };
    Err(format!("{invariant}: {}", differences.join("; ")))
}

const BEYOND: &str = "and nothing where nothing was disturbed";

/// The state without what differs between two equal runs: passwords, versions, salts and serial numbers.
fn canonical(state: &State) -> Value {
    let mut value = serde_json::to_value(state).unwrap();
    strip(&mut value);
    value
}

/// Finds where two states differ.
fn compare(at: &str, disturbed: &Value, undisturbed: &Value, differences: &mut Vec<String>) {
    match (disturbed, undisturbed) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let (left, right) = (left.get(key).unwrap_or(&Value::Null), right.get(key).unwrap_or(&Value::Null));
                compare(&format!("{at}/{key}"), left, right, differences);
            }
        }
        // A map that lost its last entry is as good as none.
        (Value::Object(map), Value::Null) | (Value::Null, Value::Object(map)) if map.is_empty() => {}
        (left, Value::Null) if !left.is_null() => differences.push(format!("{at} is {left}, {BEYOND}")),
        (left, right) if left != right => {
            differences.push(format!("{at} is {left}, and {right} where nothing was disturbed"));
        }
        _ => {}
    }
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match key.as_str() {
                    "password" | "password_hash" | "secret" | "secretKey" | "accessKey" | "apiKey" | "tenantry-turn" | "key" | "token"
                    | "version" | "salt" | "serial" | "id" | "last_id" | "created" | "clock"
                    // Ledgers stay when nobody is left who has something noted in them.
                    | "has_ledger" | "has_claims"
                    // The id of another object.
                    | "/site"
                    // Redis: another run may have saved before or after the mark came.
                    | "saved"
                    // What a tenant put into what it has: looked after by I6.
                    | "tables" | "messages" => *value = Value::Null,
                    "objects" if !value.is_object() => *value = Value::Null,
                    // Suspended is as good as never enabled.
                    "versioning" if *value == Value::Bool(false) => *value = Value::Null,
                    "keys" => strip_keys(value),
                    _ => strip(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// Keys of IAM: how many were ever made, or id, secret and whether it lets in. Those of Redis are patterns.
fn strip_keys(value: &mut Value) {
    match value {
        Value::Number(_) => *value = Value::Null,
        Value::Array(keys) => {
            for key in keys.iter_mut().filter_map(Value::as_array_mut) {
                key.drain(..2);
            }
        }
        _ => {}
    }
}
