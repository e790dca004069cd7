//! What an object is called: the four words by which Kubernetes, Argo CD and a change set tell objects apart.

use std::fmt;

use serde_json::Value;

/// What an object that cannot be told from others is refused with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityFault {
    /// A document that is no mapping.
    #[error("the document is not an object")]
    NotAnObject,
    /// A field that must be a text and is missing, empty or of another type.
    #[error("`{0}` is missing or not a text")]
    Missing(&'static str),
    /// A namespace of another type.
    #[error("`metadata.namespace` is not a text")]
    Namespace,
}

/// The identity of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// Group and version.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace that the object names itself.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl ObjectId {
    /// Reads the identity of an object.
    ///
    /// # Errors
    ///
    /// The object does not have one: a field is missing, empty or no text.
    pub fn of(object: &Value) -> Result<Self, IdentityFault> {
        let Value::Object(fields) = object else { return Err(IdentityFault::NotAnObject) };
        let metadata = fields.get("metadata");
        let text = |value: Option<&Value>, path| match value.and_then(Value::as_str) {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(IdentityFault::Missing(path)),
        };
        let namespace = match metadata.and_then(|metadata| metadata.get("namespace")) {
            None => None,
            Some(Value::String(namespace)) if !namespace.is_empty() => Some(namespace.clone()),
            Some(_) => return Err(IdentityFault::Namespace),
        };
        Ok(Self {
            api_version: text(fields.get("apiVersion"), "apiVersion")?,
            kind: text(fields.get("kind"), "kind")?,
            namespace,
            name: text(metadata.and_then(|metadata| metadata.get("name")), "metadata.name")?,
        })
    }

    /// Returns the API group, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

/// `apps/v1 Deployment e-commerce-x/auth`.
impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api_version, kind, namespace, name } = self;
        write!(f, "{api_version} {kind} ")?;
        if let Some(namespace) = namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(name)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_identity_reads_and_shows() {
        let object = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "auth", "namespace": "e-commerce-x" } });
        let id = ObjectId::of(&object).unwrap();
        assert_eq!(id.to_string(), "apps/v1 Deployment e-commerce-x/auth");
        assert_eq!(id.group(), "apps");
        let namespace =
            ObjectId::of(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "x" } })).unwrap();
        assert_eq!((namespace.to_string().as_str(), namespace.group()), ("v1 Namespace x", ""));
    }

    #[test]
    fn an_object_without_an_identity_is_refused() {
        for (object, fault) in [
            (json!([]), IdentityFault::NotAnObject),
            (json!({ "kind": "Pod", "metadata": { "name": "x" } }), IdentityFault::Missing("apiVersion")),
            (json!({ "apiVersion": "v1", "kind": 1, "metadata": { "name": "x" } }), IdentityFault::Missing("kind")),
            (json!({ "apiVersion": "v1", "kind": "Pod" }), IdentityFault::Missing("metadata.name")),
            (
                json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "" } }),
                IdentityFault::Missing("metadata.name"),
            ),
            (
                json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "x", "namespace": null } }),
                IdentityFault::Namespace,
            ),
        ] {
            assert_eq!(ObjectId::of(&object), Err(fault), "{object}");
        }
    }
}
