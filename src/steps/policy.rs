//! Policies of object stores and of IAM, compared by what they say: order, spelling and the names of statements never
//! show as a difference.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::claim::Claim;
use crate::provision::object_store::ObjectAction;

/// The only version of the language that servers still take for new policies.
const VERSION: &str = "2012-10-17";

/// A policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Its own name for itself. Policies of users on MinIO carry the claim here.
    pub id: Option<String>,
    /// What it allows and denies.
    pub statements: BTreeSet<Statement>,
}

/// One statement of a policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// `Allow` or `Deny`.
    pub effect: String,
    /// Who: `AWS:*` is everybody. Empty in policies of users.
    pub principals: BTreeSet<String>,
    /// What may be done.
    pub actions: BTreeSet<String>,
    /// What it may be done with.
    pub resources: BTreeSet<String>,
    /// Everything else, conditions for example, as JSON text by its key.
    pub further: BTreeMap<String, String>,
}

impl Policy {
    /// Reads a policy. What is no policy becomes one that equals none of ours.
    pub fn read(text: &str) -> Self {
        match serde_json::from_str(text) {
            Ok(value) => Self::of(&value),
            Err(_) => Self::unreadable(text),
        }
    }

    /// Reads a policy that is JSON already.
    pub fn of(value: &Value) -> Self {
        let Some(map) = value.as_object() else { return Self::unreadable(&value.to_string()) };
        let id = get(map, "ID").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned);
        let statements = match get(map, "Statement") {
            Some(Value::Array(items)) => items.iter().map(Statement::of).collect(),
            Some(one) => BTreeSet::from([Statement::of(one)]),
            None => BTreeSet::new(),
        };
        Self { id, statements }
    }

    fn unreadable(text: &str) -> Self {
        let further = BTreeMap::from([(String::new(), text.to_owned())]);
        Self { id: None, statements: BTreeSet::from([Statement { further, ..Statement::default() }]) }
    }

    /// Returns the policy of a bucket that lets everybody read what is below one prefix, and nothing else.
    pub fn public_read(bucket: &str, prefix: &str) -> Self {
        let statement = Statement {
            effect: "Allow".to_owned(),
            principals: BTreeSet::from(["AWS:*".to_owned()]),
            actions: BTreeSet::from(["s3:GetObject".to_owned()]),
            resources: BTreeSet::from([format!("arn:aws:s3:::{bucket}/{prefix}*")]),
            further: BTreeMap::new(),
        };
        Self { id: None, statements: BTreeSet::from([statement]) }
    }

    /// Returns the policy of a user: `actions` with the objects of exactly these buckets, and listing the buckets.
    ///
    /// A bucket and its objects are two resources. `b*` would be one, and let the user into `b-of-a-neighbour`.
    pub fn of_user(claim: Option<&Claim>, buckets: &[String], actions: &[ObjectAction]) -> Self {
        let statement = |actions: BTreeSet<String>, resource: &dyn Fn(&String) -> String| Statement {
            effect: "Allow".to_owned(),
            actions,
            resources: buckets.iter().map(resource).collect(),
            ..Statement::default()
        };
        let mut on_bucket = vec!["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"];
        if actions.contains(&ObjectAction::GetVersion) {
            on_bucket.push("s3:ListBucketVersions");
        }
        let with_objects = actions.iter().map(|action| action.name().to_owned()).collect();
        let statements = BTreeSet::from([
            statement(with_objects, &|bucket| format!("arn:aws:s3:::{bucket}/*")),
            statement(on_bucket.into_iter().map(str::to_owned).collect(), &|bucket| format!("arn:aws:s3:::{bucket}")),
        ]);
        Self { id: claim.map(Claim::to_string), statements }
    }

    /// Returns the policy as servers take it.
    pub fn json(&self) -> Value {
        let Self { id, statements } = self;
        let statements: Vec<Value> = statements.iter().map(Statement::json).collect();
        match id {
            Some(id) => json!({"ID": id, "Version": VERSION, "Statement": statements}),
            None => json!({"Version": VERSION, "Statement": statements}),
        }
    }
}

impl Statement {
    fn of(value: &Value) -> Self {
        let mut statement = Self::default();
        let Some(map) = value.as_object() else {
            statement.further.insert(String::new(), value.to_string());
            return statement;
        };
        for (key, value) in map {
            match key.as_str() {
                "Effect" => value.as_str().unwrap_or_default().clone_into(&mut statement.effect),
                "Action" => statement.actions = texts(value),
                "Resource" => statement.resources = texts(value),
                "Principal" => statement.principals = principals(value),
                "Sid" => {}
                other => drop(statement.further.insert(other.to_owned(), value.to_string())),
            }
        }
        statement
    }

    fn json(&self) -> Value {
        let Self { effect, principals, actions, resources, further } = self;
        let mut map = Map::from_iter([
            ("Effect".to_owned(), json!(effect)),
            ("Action".to_owned(), json!(actions)),
            ("Resource".to_owned(), json!(resources)),
        ]);
        if !principals.is_empty() {
            let names: Vec<&str> = principals.iter().map(|name| name.strip_prefix("AWS:").unwrap_or(name)).collect();
            map.insert("Principal".to_owned(), json!({"AWS": names}));
        }
        for (key, text) in further {
            map.insert(key.clone(), serde_json::from_str(text).unwrap_or(Value::Null));
        }
        Value::Object(map)
    }
}

/// Servers differ in how they write a key: `Id` and `ID` are one.
fn get<'v>(map: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    map.iter().find(|(found, _)| found.eq_ignore_ascii_case(key)).map(|(_, value)| value)
}

fn texts(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::String(text) => BTreeSet::from([text.clone()]),
        other => BTreeSet::from([other.to_string()]),
    }
}

fn principals(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(map) => {
            let named = map.iter().flat_map(|(of, value)| texts(value).into_iter().map(move |name| (of, name)));
            named.map(|(of, name)| format!("{of}:{name}")).collect()
        }
        // The short form of "everybody".
        other => texts(other).into_iter().map(|name| format!("AWS:{name}")).collect(),
    }
}

/// Returns whether a text can stand in a policy for itself: `*` and `?` are patterns there, `$` starts a variable.
pub fn is_literal(text: &str) -> bool {
    !text.is_empty() && !text.contains(['*', '?', '$'])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn how_a_policy_is_written_does_not_show() {
        let ours = Policy::public_read("b", "public/");
        for text in [
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:GetObject"],"Resource":["arn:aws:s3:::b/public/*"]}]}"#,
            r#"{"Statement":{"Sid":"x","Resource":"arn:aws:s3:::b/public/*","Principal":"*","Effect":"Allow","Action":"s3:GetObject"}}"#,
        ] {
            assert_eq!(Policy::read(text), ours, "{text}");
        }
        assert_eq!(Policy::of(&ours.json()), ours);
    }

    #[test]
    fn what_a_policy_says_shows() {
        let ours = Policy::public_read("b", "public/");
        for text in [
            "",
            "[]",
            "{}",
            r#"{"Statement":{"Resource":"arn:aws:s3:::b/*","Principal":"*","Effect":"Allow","Action":"s3:GetObject"}}"#,
            r#"{"Statement":{"Resource":"arn:aws:s3:::b/public/*","Principal":"*","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"]}}"#,
            r#"{"Statement":{"Resource":"arn:aws:s3:::b/public/*","Principal":"*","Effect":"Deny","Action":"s3:GetObject"}}"#,
            r#"{"Statement":{"Resource":"arn:aws:s3:::b/public/*","Principal":"*","Effect":"Allow","Action":"s3:GetObject","Condition":{}}}"#,
        ] {
            assert_ne!(Policy::read(text), ours, "{text}");
        }
    }

    #[test]
    fn a_user_reaches_its_buckets_and_no_neighbour() {
        let claim = Claim { tenant: "a".to_owned(), uid: "1".to_owned() };
        let policy = Policy::of_user(Some(&claim), &["tenant-a".to_owned()], &[ObjectAction::Get]);
        let resources: BTreeSet<&String> = policy.statements.iter().flat_map(|one| &one.resources).collect();
        let expected = ["arn:aws:s3:::tenant-a".to_owned(), "arn:aws:s3:::tenant-a/*".to_owned()];
        assert_eq!(resources, expected.iter().collect());
        assert_eq!(Policy::of(&policy.json()), policy);
        assert_eq!(policy.id.as_deref(), Some("tenantry:a:1"));
    }
}
