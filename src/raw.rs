//! What people write: the shapes of the files of an estate, as serde reads them and schemars describes them.
//!
//! Names are plain texts here: `check` turns these shapes into [`crate::estate`]. Tier files are layers, so each
//! holds a part only: their schema demands nothing (see [`schema`]), and the merged tier is read as [`tier::TierSpec`].

pub mod bundle;
pub mod estate;
pub mod network;
pub mod schema;
pub mod service;
pub mod tenant;
pub mod tier;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The only version of estate files.
pub const API_VERSION: &str = "tenantry.dev/v1";

/// `apiVersion` of every file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The first version.
    #[serde(rename = "tenantry.dev/v1")]
    V1,
}

/// `metadata` of files that have no more than a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// The name: lower-case letters, digits and single hyphens, at most 30.
    pub name: String,
}
