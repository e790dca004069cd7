//! The report as a comment at a pull request: Markdown as GitHub, GitLab and Gitea read it.
//!
//! Every text of a tree stands in a code span, in a fence or, escaped, in a `<code>` element. There nothing is markup, a
//! link, a mention or a reference to another issue.

use std::collections::BTreeMap;

use super::{
    values::cut,
    view::{DangerView, EntryView, FieldView, FindingView, Group, Row, RowKind, View},
    words::{count, names},
};
/// The most that a comment may have, in bytes. GitHub takes 65,536 characters, of which none has less than a byte.
pub const LIMIT: usize = 65_536;

/// What is kept for the last lines, which say what was left out.
const CLOSING: usize = 1_024;

/// What dangers may take before they are told more shortly.
const DANGERS: usize = 32 * 1024;

/// What findings may take, and what the plan against the servers may.
const FINDINGS: usize = 12 * 1024;

/// Characters of a line of a diff, and lines of one field.
const WIDTH: usize = 240;
const LINES: usize = 60;

/// Returns the comment; `whole` is where the whole report can be read.
pub(super) fn markdown(view: &View, whole: Option<&str>) -> String {
    let mut out = head(view);
    let mut left_out = Vec::new();
    out.push_str(&dangers(&view.dangers));
    findings(&view.findings, &view.found, &mut out, &mut left_out);
    if let Some(live) = &view.live {
        plan(live, &mut out, &mut left_out);
    }
    changes(&view.groups, &mut out, &mut left_out);
    closing(&left_out, whole, &mut out);
    out
}

fn head(view: &View) -> String {
    let mut lines = view.totals.iter();
    let mut out = format!("### tenantry: {}\n", lines.next().map_or("no changes", String::as_str));
    // Kinds of outside resources that this version does not know may have any name.
    lines.for_each(|line| out.push_str(&format!("\n{}\n", code(&cut(line, 2_000)))));
    if view.refused {
        out.push_str("\n**The change has errors: it cannot be rendered or committed.**\n");
    }
    if !view.kinds.is_empty() {
        let kinds: Vec<String> = view.kinds.iter().map(|kind| code(&cut(kind, 200))).collect();
        out.push_str(&format!("\n{}\n", kinds.join(" ")));
    }
    out
}

/// Returns all dangers: each by itself with whom it concerns if there is room, else by kind and reason, by kind, or by
/// level with how many there are.
fn dangers(all: &[DangerView]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let heading = format!("\n#### ⚠️ {}\n\n", count(all.len(), "danger"));
    let listed = |lines: Vec<String>| lines.iter().map(|line| format!("- {line}\n")).collect::<String>();
    let longer = [each_danger, dangers_by_reason, dangers_by_kind].into_iter().map(|way| listed(way(all)));
    let fitting = longer.into_iter().find(|lines| lines.len() <= DANGERS);
    heading + &fitting.unwrap_or_else(|| listed(dangers_by_level(all)))
}

fn each_danger(all: &[DangerView]) -> Vec<String> {
    let line = |danger: &DangerView| {
        let DangerView { level: _, words, verb, kind: _, title, reason, tenants } = danger;
        let whom = if tenants.len() > 1 || !tenants.iter().all(|tenant| title.contains(tenant.as_str())) {
            format!(" ({})", code(&tenants.join(", ")))
        } else {
            String::new()
        };
        format!("**{words}**: {verb} {}{whom}: {}", code(title), code(reason))
    };
    all.iter().map(line).collect()
}

fn dangers_by_reason(all: &[DangerView]) -> Vec<String> {
    summed(all, |danger| (danger.level, danger.words, danger.verb, danger.kind.clone(), danger.reason.clone()))
        .into_iter()
        .map(|((_, words, verb, kind, reason), sum)| {
            format!("**{words}**: {verb} {} × {}{}: {}", sum.number, code(&kind), sum.whom(), code(&reason))
        })
        .collect()
}

fn dangers_by_kind(all: &[DangerView]) -> Vec<String> {
    summed(all, |danger| (danger.level, danger.words, danger.verb, danger.kind.clone()))
        .into_iter()
        .map(|((_, words, verb, kind), sum)| {
            format!("**{words}**: {verb} {} × {}{}", sum.number, code(&kind), sum.whom())
        })
        .collect()
}

fn dangers_by_level(all: &[DangerView]) -> Vec<String> {
    summed(all, |danger| (danger.level, danger.words))
        .into_iter()
        .map(|((_, words), sum)| format!("**{words}**: {}{}", count(sum.number, "change"), sum.whom()))
        .collect()
}

/// How many dangers of one sort there are, and whom they concern.
#[derive(Default)]
struct Sum {
    number: usize,
    tenants: Vec<String>,
}

impl Sum {
    fn whom(&self) -> String {
        match self.tenants.len() {
            0 => String::new(),
            1 => format!(" ({})", code(&cut(&self.tenants[0], 300))),
            number => format!(" ({number} tenants: {})", code(&cut(&names(&self.tenants), 700))),
        }
    }
}

fn summed<K: Ord>(all: &[DangerView], key: impl Fn(&DangerView) -> K) -> BTreeMap<K, Sum> {
    let mut sums: BTreeMap<K, Sum> = BTreeMap::new();
    for danger in all {
        let sum = sums.entry(key(danger)).or_default();
        // A folded danger is one for each of its tenants.
        sum.number += danger.tenants.len().max(1);
        sum.tenants.extend(danger.tenants.iter().cloned());
    }
    for sum in sums.values_mut() {
        sum.tenants.sort();
        sum.tenants.dedup();
    }
    sums
}

fn findings(all: &[FindingView], found: &str, out: &mut String, left_out: &mut Vec<String>) {
    if all.is_empty() {
        return;
    }
    out.push_str(&format!("\n#### {found}\n\n"));
    let mut room = FINDINGS;
    for (index, finding) in all.iter().enumerate() {
        let FindingView { severity, code: rule, place, message, help, tenants } = finding;
        let whom = match tenants.len() {
            0 | 1 => String::new(),
            number => format!(" (of {number} tenants)"),
        };
        let text = format!(
            "- **{severity}** {} {}{whom}: {}\n  {}\n",
            code(rule),
            code(&cut(place, 300)),
            code(&cut(message, 600)),
            code(&cut(help, 600))
        );
        let Some(rest) = room.checked_sub(text.len()) else {
            left_out.push(count(all.len() - index, "finding"));
            return;
        };
        room = rest;
        out.push_str(&text);
    }
}

fn plan(live: &str, out: &mut String, left_out: &mut Vec<String>) {
    let (mut text, mut lines) = (String::new(), live.lines());
    for line in lines.by_ref() {
        let line = cut(line, WIDTH) + "\n";
        if text.len() + line.len() > FINDINGS {
            left_out.push(count(lines.count() + 1, "line") + " of the plan");
            break;
        }
        text.push_str(&line);
    }
    out.push_str(
        "\n<details><summary>Servers as they stand, and what <code>provision apply</code> would do</summary>\n\n",
    );
    out.push_str(&fenced("text", &text));
    out.push_str("\n</details>\n");
}

fn changes(groups: &[Group], out: &mut String, left_out: &mut Vec<String>) {
    let mut missing = 0;
    for group in groups {
        let room = (LIMIT - CLOSING).saturating_sub(out.len());
        let shown = shown(group, room);
        let all: usize = group.entries.iter().map(|entry| entry.told).sum();
        missing += all - shown.as_ref().map_or(0, |(_, told)| *told);
        out.push_str(shown.as_ref().map_or("", |(text, _)| text));
    }
    if missing > 0 {
        left_out.push(count(missing, "change"));
    }
}

/// Returns a group with as much of it as there is room for, and how many changes that tells; nothing where there is room for
/// none.
fn shown(group: &Group, room: usize) -> Option<(String, usize)> {
    let Group { heading, tenants: _, summary, dangerous, entries } = group;
    let open = if *dangerous { " open" } else { "" };
    let start =
        format!("\n<details{open}><summary><code>{}</code> {summary}</summary>\n\n", html(&cut(heading, 2_000)));
    let end = "\n</details>\n";
    let mut lines = String::new();
    let (mut told, mut number) = (0, 0);
    for entry in entries {
        let text = diff_lines(entry);
        let all = start.len() + end.len() + fenced_length(&lines, &text);
        if all > room {
            break;
        }
        lines.push_str(&text);
        told += entry.told;
        number += 1;
    }
    (number > 0).then(|| (start + &fenced("diff", &lines) + end, told))
}

/// Returns an entry as lines of a diff.
fn diff_lines(entry: &EntryView) -> String {
    let EntryView { told: _, op: _, sign, title, file: _, dangers, notes, fields } = entry;
    let mut lines = vec![format!("@@ {sign} {title} @@")];
    lines.extend(dangers.iter().map(|danger| format!("! {danger}")));
    lines.extend(notes.iter().map(|note| format!("# {note}")));
    fields.iter().for_each(|field| of_field(field, &mut lines));
    lines.iter().map(|line| cut(line, WIDTH) + "\n").collect()
}

fn of_field(field: &FieldView, lines: &mut Vec<String>) {
    let FieldView { path, rows } = field;
    if let [Row { kind: RowKind::Changed, before, after }] = rows.as_slice() {
        lines.extend(before.iter().map(|value| format!("- {path}: {value}")));
        lines.extend(after.iter().map(|value| format!("+ {path}: {value}")));
        return;
    }
    lines.push(format!("  {path}:"));
    let mut of_rows = Vec::new();
    for Row { kind, before, after } in rows {
        match kind {
            RowKind::Kept => of_rows.extend(before.iter().map(|line| format!("    {line}"))),
            RowKind::Gap => of_rows.push("    ⋮".to_owned()),
            RowKind::Changed => {
                of_rows.extend(before.iter().map(|line| format!("-   {line}")));
                of_rows.extend(after.iter().map(|line| format!("+   {line}")));
            }
        }
    }
    let more = of_rows.len().saturating_sub(LINES);
    lines.extend(of_rows.into_iter().take(LINES));
    lines.extend((more > 0).then(|| format!("    … and {more} more lines")));
}

fn closing(left_out: &[String], whole: Option<&str>, out: &mut String) {
    if left_out.is_empty() && whole.is_none() {
        return;
    }
    out.push('\n');
    if !left_out.is_empty() {
        out.push_str(&format!("**Left out here, for want of room: {}.** ", left_out.join(", ")));
    }
    // Longer addresses are of no use in a comment.
    match whole.filter(|address| address.len() <= CLOSING / 2) {
        Some(address) => out.push_str(&format!("[The whole report]({})\n", link(address))),
        None => out.push_str("`tenantry diff --format html` has all of it.\n"),
    }
}

/// Returns a code span. The delimiter is longer than every run of backticks in it.
fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    let text = if text.is_empty() { " " } else { text };
    // Blanks beside the delimiters are taken off again, and keep backticks apart from them.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn fenced(language: &str, lines: &str) -> String {
    let fence = "`".repeat((longest_run(lines) + 1).max(3));
    format!("{fence}{language}\n{lines}{fence}\n")
}

fn fenced_length(lines: &str, more: &str) -> usize {
    let fence = (longest_run(lines).max(longest_run(more)) + 1).max(3);
    lines.len() + more.len() + 2 * fence + 8
}

/// Returns how many backticks stand side by side at most.
fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default()
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            letter => out.push(letter),
        }
    }
    out
}

/// Returns an address that ends where it should.
fn link(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    for letter in address.chars() {
        match letter {
            letter if letter.is_control() || letter.is_whitespace() => {}
            '(' => out.push_str("%28"),
            ')' => out.push_str("%29"),
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            letter => out.push(letter),
        }
    }
    out
}
