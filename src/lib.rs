//! tenantry: one YAML file per tenant in git, made real and kept real.
//!
//! ```text
//! files / git revision ─load→ Sources ─check→ Estate ─resolve→ Plan ─render→ Tree ─diff→ ChangeSet ─commit→ git
//!                                  └→ Diagnostics          │              └verify→ Diagnostics
//!                                                          └─ provisions, written into the Tree
//! ```
//!
//! The middle is pure: `check resolve render verify reach diff review admit steps` know no async, no I/O, no clock and no chance.
//! Edges do one kind of I/O each. `tests/architecture.rs` holds the import table.

// -- words
pub mod diag;
pub mod estate;
pub mod kubernetes;
pub mod name;
pub mod plan;
pub mod provision;
pub mod raw;
pub mod rendered;
pub mod sources;
pub mod tree;
pub mod yaml;

// -- the pure core, in the order of the pipeline: no async, no I/O, no clock, no chance
pub mod check;
pub mod resolve;
pub mod render;
pub mod verify;
pub mod reach;
pub mod diff;
pub mod review;
pub mod admit;
pub mod steps;

// -- edges: each does one kind of I/O
pub mod cache;
#[cfg(feature = "git")]
pub mod git;
#[cfg(feature = "provision")]
pub mod engine;
pub mod inflate;
pub mod load;
pub mod output;
pub mod points;

// -- top
#[cfg(feature = "cli")]
pub mod cli;
