//! The good estate that hostile cases change: that of the rules, and one tenant more.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use tenantry::sources::Sources;

/// A good tenant in the shortest form, whose values the cases replace.
pub const TENANT: &str = "\
apiVersion: tenantry.dev/v1
kind: Tenant
metadata:
  name: cobalt
  uid: 0192f0c1-7d3e-7abc-8def-0123456789ff
spec:
  displayName: Cobalt
  tier: standard
  region: eu-central
  subdomain: cobalt
  customDomains: [shop.cobalt.example]
  contacts: { admin: admin@cobalt.example }
  lifecycle: { state: active }
";

/// Where that tenant stands.
pub const FILE: &str = "tenants/cobalt.yaml";

/// Returns the folder of fixtures.
pub fn fixtures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"))
}

/// Returns the files of a folder by their paths below it.
pub fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap);
    let name = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
    let files = entries.filter(|entry| entry.file_type().is_file());
    files.map(|entry| (name(entry.path()), fs::read(entry.path()).unwrap())).collect()
}

/// Returns the estate of the rules, without the further tenant.
pub fn base() -> Sources {
    let mut sources = Sources::new();
    for (path, bytes) in files(&fixtures().join("rules-base")) {
        sources.insert(path, Ok(Arc::from(bytes)));
    }
    sources
}

/// Writes the estate of the rules into a folder.
pub fn lay_out(estate: &Path) {
    for (path, bytes) in files(&fixtures().join("rules-base")) {
        let at = estate.join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, bytes).unwrap();
    }
}

/// Returns a folder for what is thrown away at once: in memory where the system has such a place.
pub fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}
