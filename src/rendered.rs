//! What `render` makes of one plan: final objects, and the files around them.

use serde_json::Value;

use crate::{name::TenantName, tree::Tree};

/// Everything that is rendered for one tenant. Paths are relative to the root of the rendered tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The tenant.
    pub tenant: TenantName,
    /// The Kubernetes objects, in the order of their paths, and in a file in the order of its template.
    pub objects: Vec<RenderedObject>,
    /// Every other file: `application.json`, `provision.yaml`, `kustomization.yaml`, chart values, a copied chart.
    pub files: Tree,
}

/// One Kubernetes object and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedObject {
    /// Its file, `tenants/abc/manifests/services/auth.yaml` for example; several objects may share one.
    pub path: String,
    /// What made it.
    pub origin: Origin,
    /// The object itself.
    pub value: Value,
}

/// What made an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A template of a bundle.
    Template {
        /// The template's file relative to the estate, `templates/commerce/service.yaml.j2` for example.
        file: String,
        /// Which entry of the bundle's `files`, counted from 0.
        entry: usize,
        /// Which element of `each`, counted from 0; 0 without `each`.
        item: usize,
        /// Which document of the template's output, counted from 0.
        document: usize,
    },
    /// `render` itself: the hook Job and the digest ConfigMap. It lives in the platform's namespace or the tenant's.
    Generated,
    /// The real kustomize or helm, which had the last word.
    Inflated,
}
