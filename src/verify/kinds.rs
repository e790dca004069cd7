//! Which kinds templates may make.

use super::object::Object;
use crate::{kubernetes::Schemas, render::kinds::BUILT_IN};

/// The kinds that templates may make.
pub(super) struct Allowed {
    /// `apiVersion/Kind` of the platform's own choice.
    platform: Vec<String>,
}

impl Allowed {
    pub fn new(platform: &[String]) -> Self {
        Self { platform: platform.to_vec() }
    }

    pub fn contains(&self, object: &Object<'_>) -> bool {
        let built_in = BUILT_IN.iter().any(|(group, kinds)| *group == object.group && kinds.contains(&object.kind));
        built_in
            || (object.group.is_empty() && object.kind == "Namespace")
            || self.platform.iter().any(|allowed| {
                allowed
                    .rsplit_once('/')
                    .is_some_and(|(version, kind)| kind == object.kind && version == object.api_version)
            })
    }
}

/// Returns whether an object lives in a namespace. A kind without a schema is taken for one that does: the stricter of the two.
pub(super) fn is_namespaced(schemas: &Schemas, object: &Object<'_>) -> bool {
    schemas.kind(object.api_version, object.kind).is_none_or(|info| info.namespaced)
}
