//! `redisUser`: an ACL user that sees its own keys only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of a `redisUser`. Its keys and channels start with the user's name and a colon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RedisUserSpec {
    /// Command rules after `reset`, `+@all -@admin -@dangerous` for example.
    #[serde(default = "everyday_commands")]
    pub commands: Vec<String>,
}

fn everyday_commands() -> Vec<String> {
    ["+@all", "-@admin", "-@dangerous"].map(str::to_owned).to_vec()
}
