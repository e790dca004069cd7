//! The review step: change set × findings × live plan → what a reviewer reads. It returns texts and prints nothing.
//!
//! Every format is made from one [`view`], so that they say the same in the same order: how much there is, what is
//! dangerous, what was found, then what changes for whom. A text of a tree is data in each of them: it cannot colour a
//! terminal, become markup, a link or a mention, or reorder what is around it.

mod alike;
mod escape;
mod html;
mod markdown;
pub mod text;
mod values;
mod view;
mod words;

use crate::{diag::Report, diff::ChangeSet};

pub use escape::without_commands;
pub use markdown::LIMIT;

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Review<'r> {
    /// What differs; empty where the target cannot be rendered.
    pub changes: &'r ChangeSet,
    /// What was found in the target. With an error in it, nothing is rendered and nothing may be merged.
    pub findings: &'r Report,
    /// The plan against the servers as they stand, as text, where they were asked.
    pub live: Option<&'r str>,
}

impl Review<'_> {
    /// Returns the report for a comment at a pull request: at most [`LIMIT`] bytes, whatever changed. Dangers are never
    /// left out; what is left out is counted, and `whole` says where all of it can be read.
    pub fn markdown(&self, whole: Option<&str>) -> String {
        markdown::markdown(&view::View::new(self), whole)
    }

    /// Returns the report as one page that needs nothing else: no network, no script.
    ///
    /// # Errors
    ///
    /// The page's own template fails, which its tests exclude.
    pub fn html(&self) -> Result<String, minijinja::Error> {
        html::html(&view::View::new(self))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
