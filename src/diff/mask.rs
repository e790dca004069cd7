//! Masking: secret values are replaced before anything is compared, so that no later step can show one.
//!
//! A value becomes `<value not shown (#n)>`; the number counts the different secret values of one object in the order of
//! their appearance, the base before the target. Equal numbers mean equal values, so a change is seen though no value is.
//! When in doubt a value is hidden.

use serde_json::{Map, Value};

use super::words;

/// What a hidden value starts with. A text that holds it already is hidden too: it could pass for another one.
const MARK: &str = "<value not shown (#";

/// Hides the secret values of both sides of one object of the given kind.
pub(super) fn hide(kind: &str, base: Option<&mut Value>, target: Option<&mut Value>) {
    let mut mask = Mask { kind: kind.to_owned(), seen: Vec::new() };
    for value in base.into_iter().chain(target) {
        mask.walk(value, Care::Open);
    }
}

/// Hides the secret values of both sides of a text that is no YAML.
pub(super) fn hide_texts(base: &mut String, target: &mut String) {
    let mut mask = Mask { kind: String::new(), seen: Vec::new() };
    for text in [base, target] {
        *text = mask.text(text);
    }
}

struct Mask {
    kind: String,
    seen: Vec<Value>,
}

/// Whether a value lies below a key that says that it is secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    Open,
    Secret,
}

impl Mask {
    fn hidden(&mut self, value: &Value) -> String {
        let number = match self.seen.iter().position(|seen| seen == value) {
            Some(index) => index + 1,
            None => {
                self.seen.push(value.clone());
                self.seen.len()
            }
        };
        format!("{MARK}{number})>")
    }

    fn hide(&mut self, value: &mut Value) {
        *value = Value::String(self.hidden(value));
    }

    fn everything(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) => map.values_mut().for_each(|value| self.everything(value)),
            Value::Array(items) => items.iter_mut().for_each(|value| self.everything(value)),
            Value::Null | Value::Bool(_) => {}
            Value::String(_) | Value::Number(_) => self.hide(value),
        }
    }

    fn walk(&mut self, value: &mut Value, care: Care) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(_) if care == Care::Open => {}
            Value::Number(_) => self.hide(value),
            Value::String(text) if care == Care::Open => *text = self.text(text),
            Value::String(text) if text.is_empty() || is_reference(text) => {}
            Value::String(_) => self.hide(value),
            Value::Array(items) => self.list(items, care),
            Value::Object(map) => self.map(map, care),
        }
    }

    fn map(&mut self, map: &mut Map<String, Value>, care: Care) {
        // Also inside a List, or a template that makes one.
        let secret = map.get("kind").and_then(Value::as_str) == Some("Secret");
        // `{name: DB_PASSWORD, value: …}`: environment variables, headers, parameters.
        let named =
            ["name", "key"].iter().any(|key| map.get(*key).and_then(Value::as_str).is_some_and(words::is_secret));
        for (key, value) in map {
            match key.as_str() {
                "data" | "stringData" if secret => self.everything(value),
                // kubectl keeps the whole object in it, values and all.
                "kubectl.kubernetes.io/last-applied-configuration" => self.hide(value),
                "value" if named => self.walk(value, Care::Secret),
                key => {
                    let care = self.care_of(key, value, care);
                    self.walk(value, care);
                }
            }
        }
    }

    fn care_of(&self, key: &str, value: &Value, above: Care) -> Care {
        // An ExternalSecret's `secretKey` is the name of a field, as `remoteRef.property` is.
        let field_name = key == "secretKey" && self.kind.ends_with("ExternalSecret");
        // A Certificate's `privateKey` says how the key is made, and never what it is.
        let how = key == "privateKey" && self.kind == "Certificate";
        if words::is_secret(key) && !field_name && !how {
            // `secret: {secretName: …}`, `secret: {store: …, key: …}`: these say where a secret is kept.
            let place = matches!(value, Value::Object(_) | Value::Array(_)) && words::is_place(key);
            return if place { above } else { Care::Secret };
        }
        if above == Care::Secret && (field_name || words::is_reference(key)) { Care::Open } else { above }
    }

    fn list(&mut self, items: &mut [Value], care: Care) {
        let mut after_flag = false;
        for item in items {
            let flag = item.as_str().is_some_and(|text| text.starts_with('-') && words::is_secret(text));
            self.walk(item, if after_flag && !flag { Care::Secret } else { care });
            after_flag = flag;
        }
    }

    /// Hides what looks like a secret inside a text that is none as a whole.
    fn text(&mut self, text: &str) -> String {
        if text.contains("PRIVATE KEY-----") || text.contains(MARK) || holds_secret_object(text) {
            return self.hidden(&Value::String(text.to_owned()));
        }
        if !text.contains([':', '=']) {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        // How far the line of a secret key is indented whose value stands below it.
        let mut above: Option<usize> = None;
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                out.push('\n');
            }
            let content = line.trim_start();
            let indent = line.len() - content.len();
            let below = above.is_some_and(|above| indent > above || indent == above && content.starts_with("- "));
            if below || content.is_empty() {
                let shown = if content.is_empty() { String::new() } else { self.hidden(&content.into()) };
                out.push_str(&line[..indent]);
                out.push_str(&shown);
                continue;
            }
            above = opens_secret(content).then_some(indent);
            let line = self.address(line);
            self.assignments(&line, &mut out);
        }
        out
    }

    /// Hides the password of `scheme://user:password@host`.
    fn address(&mut self, line: &str) -> String {
        let mut out = String::new();
        let mut rest = line;
        while let Some(at) = rest.find("://") {
            let (before, after) = rest.split_at(at + 3);
            out.push_str(before);
            let end = after.find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'')).unwrap_or(after.len());
            let (authority, tail) = after.split_at(end);
            match authority.rfind('@').and_then(|at| Some((authority[..at].find(':')?, at))) {
                Some((colon, at)) if colon + 1 < at && !is_reference(&authority[colon + 1..at]) => {
                    out.push_str(&authority[..=colon]);
                    out.push_str(&self.hidden(&Value::String(authority[colon + 1..at].to_owned())));
                    out.push_str(&authority[at..]);
                }
                _ => out.push_str(authority),
            }
            rest = tail;
        }
        out.push_str(rest);
        out
    }

    /// Hides the values of `password=…`, `--token=…`, `"apiKey": "…"` in a line: up to the closing quote, else the whole
    /// rest, because a password may hold anything.
    fn assignments(&mut self, line: &str, out: &mut String) {
        let mut rest = line;
        while let Some(at) = rest.find([':', '=']) {
            let (before, after) = rest.split_at(at + 1);
            out.push_str(before);
            rest = after;
            let key = before[..at].trim_end_matches(['"', '\'', ' ', '\t', ':', '\\']);
            let start = key
                .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
                .map_or(0, |at| at + key[at..].chars().next().map_or(0, char::len_utf8));
            if !words::is_secret(&key[start..]) || !assigns(&before[..at], before.ends_with(':'), after) {
                continue;
            }
            let value = after.trim_start_matches(['=', ':', '>', ' ', '\t', '\\']);
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            let value = if quote.is_some() { &value[1..] } else { value };
            let end = quote.and_then(|quote| closing(value, quote)).unwrap_or(value.len());
            let (secret, tail) = value.split_at(end);
            out.push_str(&after[..after.len() - value.len()]);
            if matches!(secret.trim(), "" | "|" | ">" | "|-" | ">-" | "|+" | ">+") || is_reference(secret.trim()) {
                out.push_str(secret);
            } else {
                out.push_str(&self.hidden(&Value::String(secret.to_owned())));
            }
            rest = tail;
        }
        out.push_str(rest);
    }
}

/// Returns whether a line of YAML is a key whose value, a secret, stands on the lines below.
fn opens_secret(line: &str) -> bool {
    let Some((key, value)) = line.trim_start_matches("- ").split_once(':') else { return false };
    let key = key.trim_matches(['"', '\'', ' ']);
    let opens = value.trim().is_empty() || value.trim_start().starts_with(['|', '>']);
    opens && words::is_secret(key) && !(value.trim().is_empty() && words::is_place(key))
}

/// Returns whether a text holds the manifest of a Secret: its values could stand anywhere in it.
fn holds_secret_object(text: &str) -> bool {
    text.contains("\"Secret\"")
        || text.lines().any(|line| {
            let line = line.trim_matches([' ', '-', '"', '\'', ',', '\r', '\t']);
            line.starts_with("kind") && line.ends_with("Secret") && !line.ends_with("ExternalSecret")
        })
}

/// Returns whether a sign gives a value to the key before it; the colon of an image's tag (`auth-token:v1`) does not.
fn assigns(before: &str, colon: bool, after: &str) -> bool {
    let quoted = before.trim_end().ends_with(['"', '\'']);
    // `:-` and `:=` give a shell variable its default.
    !colon || quoted || after.starts_with(|c: char| c.is_whitespace() || matches!(c, '-' | '=' | '"' | '\''))
}

/// Returns where the quoted text ends, with respect to backslashes.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// Returns whether a text only names a secret: `${secret.password}`, `$(DB_PASSWORD)`, `{{ .password }}`. A default inside
/// (`${X:-hunter2}`) is a value.
fn is_reference(text: &str) -> bool {
    [("${", "}"), ("$(", ")"), ("{{", "}}")].iter().any(|(open, close)| {
        text.strip_prefix(open)
            .and_then(|text| text.strip_suffix(close))
            .is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ')))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hidden(kind: &str, mut value: Value) -> Value {
        hide(kind, Some(&mut value), None);
        value
    }

    const ONE: &str = "<value not shown (#1)>";
    const TWO: &str = "<value not shown (#2)>";

    #[test]
    fn equal_values_have_equal_numbers_across_both_sides() {
        let mut base = json!({"kind": "Secret", "data": {"a": "eA==", "b": "eQ=="}});
        let mut target = json!({"kind": "Secret", "data": {"a": "eA==", "b": "eg=="}, "stringData": {"c": "eQ=="}});
        hide("Secret", Some(&mut base), Some(&mut target));
        assert_eq!(base["data"], json!({"a": ONE, "b": TWO}));
        assert_eq!(target["data"], json!({"a": ONE, "b": "<value not shown (#3)>"}));
        assert_eq!(target["stringData"]["c"], TWO);
    }

    #[test]
    fn secrets_inside_other_objects_are_hidden() {
        let list =
            json!({"kind": "List", "items": [{"kind": "Secret", "metadata": {"name": "a"}, "data": {"a": "x"}}]});
        assert_eq!(
            hidden("List", list)["items"][0],
            json!({"kind": "Secret", "metadata": {"name": "a"}, "data": {"a": ONE}})
        );
        let annotations =
            json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}});
        assert!(hidden("Secret", annotations).to_string().contains(ONE));
    }

    #[test]
    fn a_number_and_its_text_are_two_values() {
        assert_eq!(hidden("", json!({"aPassword": 1, "bPassword": "1"})), json!({"aPassword": ONE, "bPassword": TWO}));
    }

    #[test]
    fn values_are_hidden_by_their_keys() {
        for key in [
            "password",
            "DB_PASSWORD",
            "dbPassword2",
            "api-key",
            "APIKey",
            "apikey",
            "clientSecret",
            "auth_token",
            "privateKey",
            "secretKey",
            "accessKey",
        ] {
            assert_eq!(hidden("ConfigMap", json!({"data": {key: "hunter2"}})), json!({"data": {key: ONE}}), "{key}");
            assert_eq!(
                hidden("Deployment", json!([{"name": key, "value": "hunter2"}])),
                json!([{"name": key, "value": ONE}]),
                "{key}"
            );
        }
    }

    #[test]
    fn references_are_shown() {
        for value in [
            json!({"secretName": "db", "passwordEnv": "DB_PASSWORD", "tokenFile": "/run/token", "existingSecret": "db"}),
            json!({"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}),
            json!({"secret": {"store": "vault", "key": "tenants/abc/auth", "fields": {"password": {"generated": 32}}}}),
            json!({"volumes": [{"name": "x", "secret": {"secretName": "db", "items": [{"key": "tls.key", "path": "k"}]}}]}),
            json!({"automountServiceAccountToken": false, "serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}),
            json!({"imagePullSecrets": [{"name": "registry"}], "topologyKey": "zone", "password": "${secret.password}"}),
            json!({"body": "password={{ .password }}", "image": "ecommerce/auth-token:v1.2.3"}),
        ] {
            assert_eq!(hidden("Deployment", value.clone()), value);
        }
        let external =
            json!({"spec": {"data": [{"secretKey": "password", "remoteRef": {"key": "a/b", "property": "password"}}]}});
        assert_eq!(hidden("ExternalSecret", external.clone()), external);
    }

    #[test]
    fn secrets_inside_texts_are_hidden() {
        for (text, shown) in [
            ("user=a\ndb.password = hunter2\nport=1", format!("user=a\ndb.password = {ONE}\nport=1")),
            ("--token=hunter2", format!("--token={ONE}")),
            (r#"{"user": "a", "apiKey": "hunter2", "x": 1}"#, format!(r#"{{"user": "a", "apiKey": "{ONE}", "x": 1}}"#)),
            ("mysql://abc:hunter2@db:3306/x", format!("mysql://abc:{ONE}@db:3306/x")),
            ("-----BEGIN RSA PRIVATE KEY-----\nhunter2", ONE.to_owned()),
            ("db:\n  password: |\n    hunter2\n  port: 1", format!("db:\n  password: |\n    {ONE}\n  port: 1")),
            ("password=amqp://a:b@c hunter2", format!("password={TWO}")),
            ("tokens:\n- hunter2\nport: 1", format!("tokens:\n{ONE}\nport: 1")),
            ("kind: Secret\ndata:\n  a: hunter2", ONE.to_owned()),
            ("${X_PASSWORD:-hunter2}", "${X_PASSWORD:-hunter2}".replace("-hunter2}", ONE)),
        ] {
            let value = hidden("ConfigMap", json!({"data": {"x": text}}));
            assert!(!value.to_string().contains("hunter2"), "{value}");
            if !text.starts_with("${") {
                assert_eq!(value["data"]["x"], shown.as_str());
            }
        }
    }

    #[test]
    fn arguments_after_a_flag_are_hidden() {
        assert_eq!(
            hidden("Job", json!(["run", "--password", "hunter2", "-v"])),
            json!(["run", "--password", ONE, "-v"])
        );
    }

    #[test]
    fn a_text_that_looks_hidden_cannot_pass_for_a_secret() {
        let mut base = json!({"x": ONE});
        let mut target = json!({"x": "-----BEGIN PRIVATE KEY-----"});
        hide("ConfigMap", Some(&mut base), Some(&mut target));
        assert_ne!(base, target);
    }
}
