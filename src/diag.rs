//! Findings: what is wrong, where, and what to do about it. Nothing here prints.

mod code;

use std::{collections::BTreeSet, fmt};

pub use code::Code;
use serde::Serialize;

/// A position in a text: line and column count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// The first character of a file.
    pub const START: Position = Position { line: 1, column: 1 };
}

/// A range of a text: from the first character up to, and not with, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    /// The first character.
    pub start: Position,
    /// The place just behind the last character.
    pub end: Position,
}

impl Span {
    /// The empty range at the start of a file, for findings about a file as a whole.
    pub const START: Span = Span { start: Position::START, end: Position::START };
}

/// A range in a file of the estate (or of the rendered tree).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The path relative to the estate, with `/`.
    pub file: String,
    /// The range in that file.
    pub span: Span,
}

impl Place {
    /// Returns a place that means the file as a whole.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), span: Span::START }
    }

    /// Returns a range in a file.
    pub fn new(file: impl Into<String>, span: Span) -> Self {
        Self { file: file.into(), span }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.span.start.line, self.span.start.column)
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The estate cannot be rendered or must not be committed.
    Error,
    /// Worth a look; `--deny warnings` makes it an error.
    Warning,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable name of the rule.
    pub code: Code,
    /// How bad it is; the code's own severity unless the caller changed it.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// What is wrong: lower case, no full stop, with the offending value.
    pub message: String,
    /// What to do.
    pub help: String,
    /// The tenant that it concerns, where it concerns one.
    pub tenant: Option<String>,
    /// Other places that belong to it, each with a few words ("first defined here").
    pub related: Vec<(Place, String)>,
}

impl Diagnostic {
    /// Returns a finding with the code's own severity.
    pub fn new(code: Code, place: Place, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            place,
            message: message.into(),
            help: help.into(),
            tenant: None,
            related: Vec::new(),
        }
    }

    /// Adds the tenant that the finding concerns.
    #[must_use]
    pub fn of_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Returns what makes the finding the same in another version of its file.
    fn whatever_the_line(&self) -> (Code, &str, &str, Option<&str>) {
        (self.code, &self.place.file, &self.message, self.tenant.as_deref())
    }

    /// Adds another place that belongs to the finding.
    #[must_use]
    pub fn with_related(mut self, place: Place, label: impl Into<String>) -> Self {
        self.related.push((place, label.into()));
        self
    }
}

/// All findings of a run, sorted by place and code, without doubles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    findings: Vec<Diagnostic>,
}

impl Report {
    /// Sorts the findings by file, place and code, and drops exact doubles.
    pub fn new(mut findings: Vec<Diagnostic>) -> Self {
        findings.sort_by(|a, b| (&a.place, a.code, &a.message).cmp(&(&b.place, b.code, &b.message)));
        findings.dedup();
        Self { findings }
    }

    /// Returns the findings in order.
    pub fn findings(&self) -> &[Diagnostic] {
        &self.findings
    }

    /// Returns the number of errors.
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|f| f.severity == Severity::Error).count()
    }

    /// Returns the number of warnings.
    pub fn warnings(&self) -> usize {
        self.findings.len() - self.errors()
    }

    /// Returns the findings that `base` does not have, wherever in their file they stood there, and every error.
    #[must_use]
    pub fn beyond(&self, base: &Report) -> Report {
        let known: BTreeSet<_> = base.findings.iter().map(Diagnostic::whatever_the_line).collect();
        let is_news = |finding: &&Diagnostic| {
            finding.severity == Severity::Error || !known.contains(&finding.whatever_the_line())
        };
        Self { findings: self.findings.iter().filter(is_news).cloned().collect() }
    }

    /// Returns a report that also holds the findings of `other`.
    #[must_use]
    pub fn merge(self, other: Report) -> Report {
        let mut findings = self.findings;
        findings.extend(other.findings);
        Report::new(findings)
    }

    /// Returns the same report with every warning made an error.
    #[must_use]
    pub fn deny_warnings(mut self) -> Report {
        for finding in &mut self.findings {
            finding.severity = Severity::Error;
        }
        self
    }
}
