//! One rendered object as the rules see it: its identity, metadata and Pod are looked up once.

use serde_json::{Map, Value};

use crate::{
    kubernetes::{IdentityFault, ObjectId},
    rendered::{Origin, RenderedObject},
};

/// The fields of a mapping.
pub(super) type Fields = Map<String, Value>;

/// An object that has an identity.
pub(super) struct Object<'a> {
    pub origin: &'a Origin,
    pub path: &'a str,
    pub value: &'a Value,
    pub api_version: &'a str,
    pub group: &'a str,
    pub kind: &'a str,
    pub name: &'a str,
    pub namespace: Option<&'a str>,
    pub labels: Option<&'a Fields>,
    pub annotations: Option<&'a Fields>,
    pub pod: Option<Pod<'a>>,
}

impl<'a> Object<'a> {
    /// Looks at an object.
    ///
    /// # Errors
    ///
    /// It has no identity.
    pub fn read(rendered: &'a RenderedObject) -> Result<Self, IdentityFault> {
        let RenderedObject { path, origin, value } = rendered;
        let metadata = value.get("metadata");
        let text = |value: Option<&'a Value>| value.and_then(Value::as_str).filter(|text| !text.is_empty());
        let namespace = metadata.and_then(|metadata| metadata.get("namespace"));
        let identity = (
            text(value.get("apiVersion")),
            text(value.get("kind")),
            text(metadata.and_then(|metadata| metadata.get("name"))),
            namespace.map(|namespace| text(Some(namespace))),
        );
        let (Some(api_version), Some(kind), Some(name), None | Some(Some(_))) = identity else {
            return Err(ObjectId::of(value).err().unwrap_or(IdentityFault::NotAnObject));
        };
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let fields = |name: &str| metadata.and_then(|metadata| metadata.get(name)).and_then(Value::as_object);
        Ok(Self {
            origin,
            path,
            value,
            api_version,
            group,
            kind,
            name,
            namespace: identity.3.flatten(),
            labels: fields("labels"),
            annotations: fields("annotations"),
            pod: Pod::of(group, kind, value),
        })
    }

    /// Returns whether it is of this kind, in any version.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.kind == kind && self.group == group
    }

    /// Returns how messages call it: ``Deployment `auth` ``.
    pub fn title(&self) -> String {
        format!("{} `{}`", self.kind, self.name)
    }

    /// Returns the value at a way of fields.
    pub fn at(&self, way: &[&str]) -> Option<&'a Value> {
        at(self.value, way)
    }

    /// Returns the items of the list at a way of fields; of anything else, none.
    pub fn items(&self, way: &[&str]) -> &'a [Value] {
        self.at(way).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Returns the text of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&'a str> {
        self.annotations.and_then(|all| all.get(key)).and_then(Value::as_str)
    }

    /// Returns whether Argo CD, or Helm's name for it, runs the object as a hook.
    pub fn is_hook(&self) -> bool {
        self.annotation("argocd.argoproj.io/hook").is_some() || self.annotation("helm.sh/hook").is_some()
    }
}

/// The Pods that a workload makes.
#[derive(Clone, Copy)]
pub(super) struct Pod<'a> {
    /// The JSON pointer of the template in its object.
    pub pointer: &'static str,
    pub labels: Option<&'a Fields>,
    pub annotations: Option<&'a Fields>,
    pub spec: &'a Value,
}

impl<'a> Pod<'a> {
    fn of(group: &str, kind: &str, object: &'a Value) -> Option<Self> {
        let (pointer, template) = match (group, kind) {
            ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => {
                ("/spec/template", at(object, &["spec", "template"])?)
            }
            ("batch", "CronJob") => {
                ("/spec/jobTemplate/spec/template", at(object, &["spec", "jobTemplate", "spec", "template"])?)
            }
            ("", "Pod") => ("", object),
            _ => return None,
        };
        let metadata = |field: &str| at(template, &["metadata", field]).and_then(Value::as_object);
        Some(Self {
            pointer,
            labels: metadata("labels"),
            annotations: metadata("annotations"),
            spec: template.get("spec")?,
        })
    }

    /// Returns all containers, those that run before the others first.
    pub fn containers(&self) -> impl Iterator<Item = Container<'a>> + use<'a> {
        let (spec, pointer) = (self.spec, self.pointer);
        ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(move |list| {
            let items = spec.get(list).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            items.iter().enumerate().map(move |(index, value)| Container { pointer, list, index, value })
        })
    }

    /// Returns the JSON pointer of a field of the Pod's specification.
    pub fn pointer_to(&self, field: &str) -> String {
        format!("{}/spec/{field}", self.pointer)
    }
}

/// What a container is asked by: its name and its way.
const HANDLERS: [(&str, &[&str]); 5] = [
    ("livenessProbe", &["livenessProbe"]),
    ("readinessProbe", &["readinessProbe"]),
    ("startupProbe", &["startupProbe"]),
    ("lifecycle/postStart", &["lifecycle", "postStart"]),
    ("lifecycle/preStop", &["lifecycle", "preStop"]),
];

/// Where in a container something is asked over HTTP or TCP.
pub(super) struct Way {
    pub handler: &'static str,
    kind: &'static str,
}

impl Way {
    /// Returns the way to a field: `livenessProbe/httpGet/port`.
    pub fn to(&self, field: &str) -> String {
        format!("{}/{}/{field}", self.handler, self.kind)
    }
}

/// One container of a Pod.
pub(super) struct Container<'a> {
    pointer: &'static str,
    list: &'static str,
    index: usize,
    pub value: &'a Value,
}

impl<'a> Container<'a> {
    /// Returns what the container's probes and hooks ask over HTTP or TCP, each with its way.
    pub fn handlers(&self) -> impl Iterator<Item = (Way, &'a Value)> + use<'a> {
        let value = self.value;
        let handlers = HANDLERS.iter().filter_map(move |(name, way)| Some((*name, at(value, way)?)));
        handlers.flat_map(|(handler, value)| {
            let kinds = ["httpGet", "tcpSocket"].into_iter();
            kinds.filter_map(move |kind| Some((Way { handler, kind }, value.get(kind)?)))
        })
    }

    /// Returns its name, empty where it has none.
    pub fn name(&self) -> &str {
        self.value.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the JSON pointer of one of its fields.
    pub fn pointer_to(&self, field: &str) -> String {
        let Self { pointer, list, index, value: _ } = self;
        format!("{pointer}/spec/{list}/{index}/{field}")
    }
}

/// Returns the value at a way of fields. `Value::pointer` does the same and allocates at each step.
pub(super) fn at<'a>(value: &'a Value, way: &[&str]) -> Option<&'a Value> {
    way.iter().try_fold(value, |value, field| value.get(field))
}

/// Returns the text at a way of fields.
pub(super) fn text_at<'a>(value: &'a Value, way: &[&str]) -> Option<&'a str> {
    at(value, way).and_then(Value::as_str)
}

/// Returns a JSON pointer with a further field, whatever characters its name has.
pub(super) fn below(pointer: &str, field: &str) -> String {
    format!("{pointer}/{}", field.replace('~', "~0").replace('/', "~1"))
}
