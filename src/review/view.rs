//! The report as data, for the formats that are laid out: Markdown and HTML. All texts in it are plain and on one line;
//! what they may not do in a format is the format's business.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    Review,
    alike::{Alike, alike},
    escape::escaped,
    values::{block, whole},
    words::{count, heading, kind, objects, sign, title, titles, totals, verb},
};
use crate::{
    diag::{Diagnostic, Report, Severity},
    diff::{Change, ChangeSet, Entry, FieldChange, Level, Line, Sign},
};

/// A report.
#[derive(Debug, Serialize)]
pub(super) struct View {
    /// How much there is, in sentences; empty where nothing changes.
    pub totals: Vec<String>,
    /// Each kind of object with what happens to it: `Deployment ~13`.
    pub kinds: Vec<String>,
    /// What must not be overlooked, the worst first.
    pub dangers: Vec<DangerView>,
    /// What was found, errors first.
    pub findings: Vec<FindingView>,
    /// `2 errors, 1 warning`; empty where there are none.
    pub found: String,
    /// Whether something was found that keeps the target from being rendered or merged.
    pub refused: bool,
    /// What changes, by whom it concerns.
    pub groups: Vec<Group>,
    /// The plan against the servers as they stand.
    pub live: Option<String>,
}

/// A danger, with what it is about.
#[derive(Debug, Clone, Serialize)]
pub(super) struct DangerView {
    #[serde(skip)]
    pub level: Level,
    /// `data loss`.
    pub words: &'static str,
    /// `delete`.
    pub verb: &'static str,
    /// `Namespace`.
    pub kind: String,
    /// `Namespace shop-abc`.
    pub title: String,
    /// Why.
    pub reason: String,
    /// Whom it concerns.
    pub tenants: Vec<String>,
}

/// A finding, with all tenants that have it.
#[derive(Debug, Serialize)]
pub(super) struct FindingView {
    /// `error`, `warning`.
    pub severity: &'static str,
    pub code: &'static str,
    /// `templates/app/service.yaml.j2:3:7`.
    pub place: String,
    /// Of the first tenant.
    pub message: String,
    pub help: String,
    pub tenants: Vec<String>,
}

/// What changes for one tenant, for several alike, or for the platform.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    /// `tenant abc`, `40 tenants: a, b and 38 more`.
    pub heading: String,
    /// All of them.
    pub tenants: Vec<String>,
    /// `13 changes, 1 of them dangerous`.
    pub summary: String,
    pub dangerous: bool,
    pub entries: Vec<EntryView>,
}

/// One change of one thing, or of several alike.
#[derive(Debug, Serialize)]
pub(super) struct EntryView {
    /// How many of the group's changes it tells.
    #[serde(skip)]
    pub told: usize,
    /// `create`, `change`, `replace`, `delete`.
    pub op: &'static str,
    pub sign: &'static str,
    pub title: String,
    /// Empty where it is about several things.
    pub file: String,
    pub dangers: Vec<String>,
    pub notes: Vec<&'static str>,
    pub fields: Vec<FieldView>,
}

/// One changed field.
#[derive(Debug, Serialize)]
pub(super) struct FieldView {
    pub path: String,
    pub rows: Vec<Row>,
}

/// One line of the base beside one of the target. Where one side is absent, the line comes or goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    pub kind: RowKind,
    pub before: Option<String>,
    pub after: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RowKind {
    /// The same on both sides.
    Kept,
    /// Not the same.
    Changed,
    /// Equal lines are left out.
    Gap,
}

impl View {
    pub fn new(review: &Review<'_>) -> Self {
        let Review { changes, findings, live } = review;
        let changes = changes.folded();
        let groups = changes.by_tenants().into_iter().map(|(tenants, entries)| Group::new(tenants, &entries)).collect();
        Self {
            totals: if changes.is_empty() { Vec::new() } else { totals(&changes) },
            kinds: objects(&changes.kinds),
            dangers: dangers(&changes),
            findings: folded(findings),
            found: found(findings),
            refused: findings.errors() > 0,
            groups,
            live: live.map(|text| text.lines().map(|line| escaped(line) + "\n").collect()),
        }
    }
}

fn dangers(changes: &ChangeSet) -> Vec<DangerView> {
    let all = changes.dangers().into_iter().map(|(danger, entry)| DangerView {
        level: danger.level,
        words: danger.level.words(),
        verb: verb(entry.op),
        kind: kind(&entry.subject),
        title: title(&entry.subject),
        reason: escaped(&danger.reason),
        tenants: entry.tenants.iter().map(|tenant| escaped(tenant)).collect(),
    });
    all.collect()
}

/// Folds what one place of a template has for many tenants.
fn folded(report: &Report) -> Vec<FindingView> {
    let mut groups: BTreeMap<_, Vec<&Diagnostic>> = BTreeMap::new();
    for finding in report.findings() {
        groups.entry((finding.severity, &finding.place, finding.code)).or_default().push(finding);
    }
    let all = groups.into_values().map(|group| {
        let Diagnostic { code, severity, place, message, help, tenant: _, related: _ } = group[0];
        let mut tenants: Vec<String> =
            group.iter().filter_map(|finding| finding.tenant.as_deref()).map(escaped).collect();
        tenants.sort();
        tenants.dedup();
        FindingView {
            severity: match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: code.name(),
            place: escaped(&place.to_string()),
            message: escaped(message),
            help: escaped(help),
            tenants,
        }
    });
    all.collect()
}

fn found(report: &Report) -> String {
    let parts = [(report.errors(), "error"), (report.warnings(), "warning")];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0).map(|(number, noun)| count(number, noun));
    parts.collect::<Vec<_>>().join(", ")
}

impl Group {
    fn new(tenants: &[String], entries: &[&Entry]) -> Self {
        let dangerous = entries.iter().filter(|entry| !entry.dangers.is_empty()).count();
        let changes = count(entries.len(), "change");
        let summary = if dangerous > 0 { format!("{changes}, {dangerous} dangerous") } else { changes };
        Self {
            heading: heading(tenants),
            tenants: tenants.iter().map(|tenant| escaped(tenant)).collect(),
            summary,
            dangerous: dangerous > 0,
            entries: alike(entries).iter().map(EntryView::new).collect(),
        }
    }
}

impl EntryView {
    fn new(alike: &Alike<'_>) -> Self {
        let Alike { op, subjects, file, told, fields, notes, dangers } = alike;
        Self {
            told: *told,
            op: verb(*op),
            sign: sign(*op),
            title: titles(subjects),
            file: if subjects.len() == 1 { escaped(file) } else { String::new() },
            dangers: dangers.iter().map(|danger| escaped(&danger.reason)).collect(),
            notes: notes.iter().map(|note| note.words()).collect(),
            fields: fields.iter().map(FieldView::new).collect(),
        }
    }
}

impl FieldView {
    fn new(field: &FieldChange) -> Self {
        let FieldChange { path, change } = field;
        let rows = match change {
            Change::Added { to } => lines(to).into_iter().map(|line| Row::changed(None, Some(line))).collect(),
            Change::Removed { from } => lines(from).into_iter().map(|line| Row::changed(Some(line), None)).collect(),
            Change::Changed { from, to } => side_by_side(lines(from), lines(to)),
            Change::Lines { lines } => of_lines(lines),
            Change::Reordered { from, to } => {
                let list = |keys: &[String]| Some(escaped(&keys.join(" ")));
                vec![Row::changed(list(from), list(to))]
            }
        };
        let path = if path.is_empty() { "content".to_owned() } else { escaped(path) };
        Self { path, rows }
    }
}

impl Row {
    fn changed(before: Option<String>, after: Option<String>) -> Self {
        Self { kind: RowKind::Changed, before, after }
    }
}

/// Returns the lines of a value: one, or a block of YAML.
fn lines(value: &Value) -> Vec<String> {
    let lines = block(value);
    if lines.is_empty() { vec![whole(value)] } else { lines.iter().map(|line| escaped(line)).collect() }
}

/// Puts lines that go beside lines that come.
fn side_by_side(before: Vec<String>, after: Vec<String>) -> Vec<Row> {
    let length = before.len().max(after.len());
    let (mut before, mut after) = (before.into_iter(), after.into_iter());
    (0..length).map(|_| Row::changed(before.next(), after.next())).collect()
}

/// Puts each run of removed lines beside the run of added ones that follows it.
fn of_lines(lines: &[Line]) -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    for Line { sign, text } in lines {
        let text = escaped(text);
        match sign {
            Sign::Removed if added.is_empty() => removed.push(text),
            Sign::Removed => {
                rows.extend(side_by_side(std::mem::take(&mut removed), std::mem::take(&mut added)));
                removed.push(text);
            }
            Sign::Added => added.push(text),
            Sign::Kept | Sign::Gap => {
                rows.extend(side_by_side(std::mem::take(&mut removed), std::mem::take(&mut added)));
                rows.push(match sign {
                    Sign::Gap => Row { kind: RowKind::Gap, before: None, after: None },
                    _ => Row { kind: RowKind::Kept, before: Some(text.clone()), after: Some(text) },
                });
            }
        }
    }
    rows.extend(side_by_side(removed, added));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_lines_stand_beside_the_added_ones_that_follow() {
        let line = |sign, text: &str| Line { sign, text: text.to_owned() };
        let lines = [
            line(Sign::Kept, "a"),
            line(Sign::Removed, "b"),
            line(Sign::Removed, "c"),
            line(Sign::Added, "d"),
            line(Sign::Removed, "e"),
            line(Sign::Gap, ""),
        ];
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            of_lines(&lines),
            [
                Row { kind: RowKind::Kept, before: text("a"), after: text("a") },
                Row::changed(text("b"), text("d")),
                Row::changed(text("c"), None),
                Row::changed(text("e"), None),
                Row { kind: RowKind::Gap, before: None, after: None },
            ]
        );
    }
}
