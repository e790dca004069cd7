//! Findings for people: the line that is wrong, what is wrong with it, and what to do.

use std::fmt::Write;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{count, escape, findings::Result};
use crate::{
    diag::{Diagnostic, Place, Position, Severity},
    review::without_commands,
    sources::Sources,
    yaml::is_hidden,
};

/// Longest source line that is shown; a longer one would push the message off the screen.
const LONGEST_LINE: usize = 300;

/// Returns all findings and a last line that counts them.
pub(super) fn text(result: &Result<'_>, colored: bool) -> String {
    let Result { report, sources, tenants } = result;
    let renderer = if colored { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for finding in report.findings() {
        out.push_str(&show(finding, sources, &renderer));
        out.push_str("\n\n");
    }
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{} in {}",
        match (report.errors(), report.warnings()) {
            (0, 0) => "no findings".to_owned(),
            (errors, 0) => count(errors, "error"),
            (0, warnings) => count(warnings, "warning"),
            (errors, warnings) => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
        },
        count(*tenants, "tenant"),
    );
    // Lines of sources stand here as they are.
    without_commands(&out).into_owned()
}

fn show(finding: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let Diagnostic { code, severity, place, message, help, tenant, related } = finding;
    // The name of a file is a text of the user's like any other.
    let file = escape(&place.file);
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = escape(message);
    let title = match tenant {
        // The file name already says which tenant it is.
        Some(tenant) if !place.file.contains(tenant.as_str()) => format!("{message} (tenant {})", escape(tenant)),
        _ => message,
    };
    let mut group = Group::with_title(level.primary_title(title).id(code.name()));
    match source(sources, place) {
        Some(text) => {
            let annotation = AnnotationKind::Primary.span(bytes(text, place));
            let mut snippet = Snippet::source(text).path(file.as_str()).fold(true).annotation(annotation);
            for (other, label) in related.iter().filter(|(other, _)| other.file == place.file) {
                snippet = snippet.annotation(AnnotationKind::Context.span(bytes(text, other)).label(label.as_str()));
            }
            group = group.element(snippet);
        }
        None => {
            let origin = Origin::path(file.as_str()).line(place.span.start.line as usize);
            group = group.element(origin.char_column(place.span.start.column as usize));
        }
    }
    for (other, label) in related.iter().filter(|(other, _)| other.file != place.file) {
        group = group.element(Level::NOTE.message(escape(&format!("{label}: {other}"))));
    }
    renderer.render(&[group.element(Level::HELP.message(escape(help)))])
}

/// The text of a place's file, where it is text and its line can be shown.
fn source<'s>(sources: &'s Sources, place: &Place) -> Option<&'s str> {
    let bytes = sources.get(&place.file)?.as_ref().ok()?;
    let text = std::str::from_utf8(bytes).ok()?;
    let line = text.lines().nth(place.span.start.line as usize - 1)?;
    // The renderer shows ASCII controls as pictures, and hands the others to the terminal.
    let is_safe = |text: &str| !text.chars().any(|letter| letter > '\u{7f}' && is_hidden(letter));
    (line.len() <= LONGEST_LINE && is_safe(text)).then_some(text)
}

/// The bytes of a place: at least one character wide, so that there is something to point at.
fn bytes(text: &str, place: &Place) -> std::ops::Range<usize> {
    let start = offset(text, place.span.start);
    let end = offset(text, place.span.end).max(start);
    let end = if end == start { start + text[start..].chars().next().map_or(0, char::len_utf8) } else { end };
    start..end
}

fn offset(text: &str, position: Position) -> usize {
    let mut start = 0;
    for line in text.split_inclusive('\n').take(position.line.saturating_sub(1) as usize) {
        start += line.len();
    }
    let column = position.column.saturating_sub(1) as usize;
    let line = &text[start..];
    start + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
}
