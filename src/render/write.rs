//! Rendered tenants as text.

use crate::{rendered::Rendered, tree::Tree, yaml};

/// Stands between the objects of one file.
const SEPARATOR: &str = "---\n";

/// Returns all files of a tenant: each object as normalised YAML, those of one file one after another, and every other
/// file as it is.
pub fn write(rendered: &Rendered) -> Tree {
    let mut tree = rendered.files.clone();
    for objects in rendered.objects.chunk_by(|a, b| a.path == b.path) {
        let mut text = String::new();
        for object in objects {
            if !text.is_empty() {
                text.push_str(SEPARATOR);
            }
            yaml::write_to(&mut text, &object.value);
        }
        if let Some(object) = objects.first() {
            tree.insert(object.path.as_str(), text);
        }
    }
    tree
}
