//! The report as text, for a terminal or a log.

mod paint;

use std::fmt::Write as _;

use super::{
    alike::{Alike, alike},
    escape::{escaped, without_commands},
    values::{self, block, pair, scalar},
    words::{Tone, heading, sign, title, titles, totals, verb},
};
use crate::diff::{Change, ChangeSet, Danger, Entry, FieldChange, Op, Sign, Subject};
use paint::Paint;

/// How a report looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI colours are used.
    pub color: bool,
    /// The number of columns that values are shortened to; paths and names are never cut.
    pub width: usize,
}

/// Without colours, 120 columns: what a log of CI shows well.
impl Default for Style {
    fn default() -> Self {
        Self { color: false, width: 120 }
    }
}

/// Lines of one value that are shown before the report says how many more there are.
const LINES: usize = 40;

/// Columns before the sign of a field.
const INDENT: &str = "      ";

/// Returns the report of a change set; what tenants share is said only once, as [`ChangeSet::folded`] does.
///
/// No text of a tree reaches a terminal as a command: control characters, and characters that reorder or hide others, are
/// written as escapes.
pub fn text(changes: &ChangeSet, style: Style) -> String {
    if changes.is_empty() {
        return "no changes\n".to_owned();
    }
    let changes = changes.folded();
    let mut report = Report { out: String::new(), paint: Paint { color: style.color }, width: style.width.max(40) };
    for line in totals(&changes) {
        report.line(&line);
    }
    report.dangers(&changes.dangers());
    for (tenants, entries) in changes.by_tenants() {
        report.group(tenants, &entries);
    }
    // A line may begin with what two texts make together.
    without_commands(&report.out).into_owned()
}

struct Report {
    out: String,
    paint: Paint,
    width: usize,
}

impl Report {
    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn dangers(&mut self, dangers: &[(&Danger, &Entry)]) {
        if dangers.is_empty() {
            return;
        }
        let heading = format!("{} {}", dangers.len(), if dangers.len() == 1 { "danger" } else { "dangers" });
        self.out.push('\n');
        self.line(&self.paint.tone(Tone::Heading, &heading));
        for (danger, entry) in dangers {
            // Never shortened: nobody must miss whom a deletion hits.
            let whom = match (&entry.subject, entry.tenants.as_slice()) {
                (_, []) | (Subject::Tenant { .. }, [_]) => String::new(),
                (_, tenants) => {
                    format!(" ({})", tenants.iter().map(|tenant| escaped(tenant)).collect::<Vec<_>>().join(", "))
                }
            };
            let level = self.paint.tone(Tone::of_level(danger.level), &format!("! {:<10}", danger.level.words()));
            let line =
                format!("  {level}  {} {}{whom}: {}", verb(entry.op), title(&entry.subject), escaped(&danger.reason));
            self.line(&line);
        }
    }

    fn group(&mut self, tenants: &[String], entries: &[&Entry]) {
        self.out.push('\n');
        self.line(&self.paint.tone(Tone::Heading, &heading(tenants)));
        let mut inside = true;
        for alike in alike(entries) {
            if inside && alike.is_outside() {
                inside = false;
                self.line(&self.paint.tone(Tone::Faint, "  outside the cluster"));
            }
            self.alike(&alike);
        }
    }

    fn alike(&mut self, alike: &Alike<'_>) {
        let Alike { op, subjects, file: _, told: _, fields, notes, dangers } = alike;
        let mut line = format!("  {} {}", self.paint.tone(Tone::of_op(*op), sign(*op)), titles(subjects));
        let inline = *op == Op::Create && fields.iter().all(is_scalar);
        if inline && !fields.is_empty() {
            let shown: Vec<String> = fields.iter().map(|field| self.short(field)).collect();
            let separator = if subjects.len() > 1 { ";" } else { ":" };
            let _ = write!(line, "{separator} {}", shown.join(", "));
        }
        self.line(&line);
        for danger in *dangers {
            let text = format!("! {}", escaped(&danger.reason));
            let tone = Tone::of_level(danger.level);
            self.line(&format!("{INDENT}{}", self.paint.tone(tone, &text)));
        }
        for note in *notes {
            self.line(&format!("{INDENT}{}", self.paint.tone(Tone::Faint, note.words())));
        }
        if !inline {
            fields.iter().for_each(|field| self.field(field));
        }
    }

    /// Returns the last name of a field's path and its value.
    fn short(&self, field: &FieldChange) -> String {
        let name = field.path.rsplit('.').next().unwrap_or_default();
        match &field.change {
            Change::Added { to } => format!("{} {}", escaped(name), scalar(to, self.width / 2)),
            _ => escaped(name),
        }
    }

    fn field(&mut self, field: &FieldChange) {
        let FieldChange { path, change } = field;
        let path = if path.is_empty() { "content".to_owned() } else { escaped(path) };
        // A value has the rest of the line, but never so little that nothing can be told from it.
        let room = self.width.saturating_sub(INDENT.len() + path.chars().count() + 4).max(24);
        match change {
            Change::Added { to } => self.value(Op::Create, &path, to, room),
            Change::Removed { from } => self.value(Op::Delete, &path, from, room),
            Change::Changed { from, to } => {
                let (from, to) = pair(from, to, room / 2);
                self.marked(Op::Change, &format!("{path}: {from} → {to}"));
            }
            Change::Lines { lines } => {
                self.marked(Op::Change, &format!("{path}:"));
                let all: Vec<(Option<Op>, String)> = lines
                    .iter()
                    .map(|line| match line.sign {
                        Sign::Gap => (None, "  ⋮".to_owned()),
                        Sign::Kept => (None, format!("  {}", escaped(&line.text))),
                        Sign::Added => (Some(Op::Create), format!("+ {}", escaped(&line.text))),
                        Sign::Removed => (Some(Op::Delete), format!("- {}", escaped(&line.text))),
                    })
                    .collect();
                self.lines(&all);
            }
            Change::Reordered { from, to } => {
                let list = |keys: &[String]| escaped(&keys.join(" "));
                self.marked(Op::Change, &format!("{path}: another order: {} → {}", list(from), list(to)));
            }
        }
    }

    fn value(&mut self, op: Op, path: &str, value: &serde_json::Value, room: usize) {
        let lines = block(value);
        if lines.is_empty() {
            return self.marked(op, &format!("{path}: {}", scalar(value, room)));
        }
        self.marked(op, &format!("{path}:"));
        let lines: Vec<_> = lines.iter().map(|line| (Some(op), format!("  {}", escaped(line)))).collect();
        self.lines(&lines);
    }

    fn marked(&mut self, op: Op, text: &str) {
        let sign = self.paint.tone(Tone::of_op(op), sign(op));
        self.line(&format!("{INDENT}{sign} {text}"));
    }

    fn lines(&mut self, lines: &[(Option<Op>, String)]) {
        let room = self.width.saturating_sub(INDENT.len() + 2).max(24);
        for (op, line) in lines.iter().take(LINES) {
            let line = values::cut(line, room);
            let line = op.map_or_else(|| line.clone(), |op| self.paint.tone(Tone::of_op(op), &line));
            self.line(&format!("{INDENT}  {line}"));
        }
        if lines.len() > LINES {
            self.line(&format!("{INDENT}  … and {} more lines", lines.len() - LINES));
        }
    }
}

fn is_scalar(field: &FieldChange) -> bool {
    matches!(&field.change, Change::Added { to } if block(to).is_empty())
}
