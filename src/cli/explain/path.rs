//! Paths as people write them: keys with dots between, where a key may hold dots itself (`tier.quota.requests.cpu`).

use serde_json::Value;

/// Returns the keys that `text` means in `value`.
///
/// # Errors
/// The nearest path that exists, or the empty text.
pub(super) fn find(value: &Value, text: &str) -> Result<Vec<String>, String> {
    let mut keys = Vec::new();
    let mut rest = text;
    let mut here = value;
    while !rest.is_empty() {
        let Some((key, next)) = step(here, rest) else { return Err(near(&keys, here, rest)) };
        rest = rest[key.len()..].trim_start_matches(['.', ']']).trim_start_matches('[');
        keys.push(key);
        here = next;
    }
    Ok(keys)
}

/// The longest key of `here` that `rest` begins with; `name` of a list's elements counts as a key (`containers.auth`).
fn step<'v>(here: &'v Value, rest: &str) -> Option<(String, &'v Value)> {
    let fits =
        |key: &str| rest.strip_prefix(key).is_some_and(|after| after.is_empty() || after.starts_with(['.', '[', ']']));
    match here {
        Value::Object(map) => {
            let (key, next) = map.iter().filter(|(key, _)| fits(key)).max_by_key(|(key, _)| key.len())?;
            Some((key.clone(), next))
        }
        Value::Array(items) => {
            let digits = rest.split(['.', '[', ']']).next()?;
            Some((digits.to_owned(), items.get(digits.parse::<usize>().ok()?)?))
        }
        _ => None,
    }
}

fn near(keys: &[String], here: &Value, rest: &str) -> String {
    let Value::Object(map) = here else { return String::new() };
    let wanted = rest.split('.').next().unwrap_or_default();
    let near = map.keys().min_by_key(|key| strsim::osa_distance(key, wanted));
    let near = near.filter(|key| strsim::osa_distance(key, wanted) <= 4);
    near.map(|key| keys.iter().chain([key]).cloned().collect::<Vec<_>>().join(".")).unwrap_or_default()
}

/// Returns the value at `keys`.
pub(super) fn at<'v>(value: &'v Value, keys: &[String]) -> Option<&'v Value> {
    keys.iter().try_fold(value, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => value.get(key),
    })
}

/// Returns the keys as a JSON pointer.
pub(super) fn pointer(keys: &[String]) -> String {
    keys.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_with_dots_and_lists_are_found() {
        let value = json!({"quota": {"requests": 1, "requests.cpu": "6"}, "containers": [{"name": "auth"}]});
        assert_eq!(find(&value, "quota.requests.cpu").unwrap(), ["quota", "requests.cpu"]);
        assert_eq!(find(&value, "containers[0].name").unwrap(), ["containers", "0", "name"]);
        assert_eq!(find(&value, "containers.0.name").unwrap(), ["containers", "0", "name"]);
        assert_eq!(find(&value, "quota.request.cpu").unwrap_err(), "quota.requests");
    }
}
