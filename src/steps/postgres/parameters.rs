//! Parameters that hold for a database, a role, or a role in a database: compared as the server keeps them.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::action::PostgresAction;

/// Parameters by their names in lower case, which is how the server compares names.
pub type Parameters = BTreeMap<String, String>;

/// For whom and where a parameter holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Scope {
    /// All sessions in a database.
    Database {
        /// The database.
        database: String,
    },
    /// All sessions of a role.
    Role {
        /// The role.
        role: String,
    },
    /// Sessions of a role in a database.
    RoleInDatabase {
        /// The role.
        role: String,
        /// The database.
        database: String,
    },
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Database { database } => write!(f, "database `{database}`"),
            Scope::Role { role } => write!(f, "role `{role}`"),
            Scope::RoleInDatabase { role, database } => write!(f, "role `{role}` in database `{database}`"),
        }
    }
}

/// Parameters whose value is a list of names, each of which the server quotes by itself: a list that is given as one text
/// would become one name.
const LISTS: &[&str] = &[
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// Returns the values to be given to `SET`, one after the other: one, but for lists.
pub fn values(parameter: &str, value: &str) -> Vec<String> {
    let name = parameter.to_ascii_lowercase();
    if !LISTS.contains(&name.as_str()) {
        return vec![value.to_owned()];
    }
    let folds = matches!(name.as_str(), "search_path" | "temp_tablespaces");
    let mut values = Vec::new();
    let mut rest = value.trim();
    while !rest.is_empty() {
        let (one, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_name(quoted),
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (one, after) = rest.split_at(end);
                let one = one.trim();
                (if folds { one.to_ascii_lowercase() } else { one.to_owned() }, after)
            }
        };
        values.push(one);
        rest = after.trim_start().strip_prefix(',').unwrap_or("").trim_start();
    }
    // `SET search_path = ''` is how an empty list is written.
    if values.is_empty() { vec![String::new()] } else { values }
}

/// Reads a name after its opening quote, and returns it with what follows its closing one.
fn quoted_name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut rest = text;
    while let Some(end) = rest.find('"') {
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None => return (name, rest),
        }
    }
    name.push_str(rest);
    (name, "")
}

/// Returns names in lower case, as the server compares them.
pub fn folded(parameters: &BTreeMap<String, String>) -> Parameters {
    parameters.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
}

/// Returns what leads from `found` to `wanted`; what is not wanted is reset.
pub fn differences(scope: &Scope, found: &Parameters, wanted: &Parameters) -> Vec<PostgresAction> {
    let set = |parameter: &str, from: Option<&String>, to: Option<&String>| PostgresAction::SetParameter {
        scope: scope.clone(),
        parameter: parameter.to_owned(),
        from: from.cloned(),
        to: to.cloned(),
    };
    let reset = found.iter().filter(|(name, _)| !wanted.contains_key(*name));
    let reset = reset.map(|(name, value)| set(name, Some(value), None));
    let changed = wanted
        .iter()
        .filter(|(name, value)| found.get(*name).is_none_or(|found| values(name, found) != values(name, value)));
    reset.chain(changed.map(|(name, value)| set(name, found.get(name), Some(value)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_taken_apart_as_the_server_does() {
        assert_eq!(values("search_path", r#"app, "A-b" ,"x""y", Public"#), ["app", "A-b", "x\"y", "public"]);
        assert_eq!(values("Search_Path", r#""$user""#), ["$user"]);
        assert_eq!(values("search_path", ""), [""]);
        assert_eq!(values("session_preload_libraries", "Auto_explain,b"), ["Auto_explain", "b"]);
        assert_eq!(values("datestyle", "ISO, DMY"), ["ISO, DMY"]);
        assert_eq!(values("search_path", "\"open"), ["open"]);
    }

    #[test]
    fn what_is_not_wanted_is_reset_and_equal_lists_are_equal() {
        let scope = Scope::Role { role: "r".to_owned() };
        let of = |pairs: &[(&str, &str)]| -> Parameters {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let found = of(&[("search_path", "\"a-b\", public"), ("work_mem", "64MB"), ("row_security", "off")]);
        let wanted = of(&[("search_path", "\"a-b\",public"), ("work_mem", "32MB")]);
        let texts: Vec<String> = differences(&scope, &found, &wanted).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["set `row_security` of role `r`: `off` → none", "set `work_mem` of role `r`: `64MB` → `32MB`"]
        );
        assert_eq!(differences(&scope, &wanted, &wanted), []);
    }
}
