//! What goes wrong in templates, as findings: where in which file, what it is, and what to do.

use std::{collections::BTreeMap, error::Error as _, ops::Range, sync::Arc};

use minijinja::{Error, ErrorKind, Value, value::ValueKind};

use super::{
    engine::{MOST_OUTPUT, TOO_MANY_VALUES},
    filters,
    holes::{HoleFault, MOST_HOLES},
    skeleton::FaultKind,
};
use crate::diag::{Code, Diagnostic, Place, Position, Span};

/// The folder of an estate that template names lie below.
pub(super) const FOLDER: &str = "templates/";

/// The sources of templates by their name.
pub(super) type Texts = BTreeMap<String, Arc<str>>;

/// Makes a finding of an error of the engine.
///
/// `fallback` is the place where the error tells none; `context` is what the template saw, for "did you mean".
pub(super) fn finding(error: &Error, texts: &Texts, fallback: &Place, context: Option<&Value>) -> Diagnostic {
    let cause = innermost(error);
    let place = cause
        .name()
        .and_then(|name| Some((name, texts.get(name)?)))
        .map_or_else(|| fallback.clone(), |(name, text)| place(name, text, cause));
    let (code, message, help) = describe(cause, context);
    Diagnostic::new(code, place, message, help)
}

/// Follows the chain of errors to the one that knows most: an include wraps the error of what it included.
fn innermost(error: &Error) -> &Error {
    let mut innermost = error;
    while let Some(source) = innermost.source().and_then(|source| source.downcast_ref::<Error>()) {
        innermost = source;
    }
    innermost
}

fn place(name: &str, text: &str, error: &Error) -> Place {
    let span = match (error.range(), error.line()) {
        (Some(range), _) if range.end <= text.len() => span(text, range),
        (_, Some(line)) => line_span(text, u32::try_from(line).unwrap_or(u32::MAX)),
        _ => Span::START,
    };
    Place::new(format!("{FOLDER}{name}"), span)
}

/// Returns lines and columns of a range of bytes.
fn span(text: &str, range: Range<usize>) -> Span {
    let position = |at: usize| {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Position { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
    };
    Span { start: position(range.start), end: position(range.end) }
}

/// Returns a whole line without its indentation; the start of the text where it has no such line.
pub(super) fn line_span(text: &str, line: u32) -> Span {
    let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
    let Some(content) = text.lines().nth(index) else { return Span::START };
    let width = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    let indentation = width(content) - width(content.trim_start());
    Span {
        start: Position { line, column: indentation + 1 },
        end: Position { line, column: width(content.trim_end()).max(indentation) + 1 },
    }
}

fn describe(error: &Error, context: Option<&Value>) -> (Code, String, String) {
    let detail = || error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.kind() {
        ErrorKind::SyntaxError | ErrorKind::BadEscape | ErrorKind::InvalidDelimiter => {
            (Code::TemplateSyntax, detail(), "correct the tag; `{% raw %}` keeps braces as they are".to_owned())
        }
        ErrorKind::UndefinedError => (Code::TemplateUndefined, detail(), undefined_help(error, context)),
        ErrorKind::UnknownFilter => unknown(&detail(), "filter", filters::FILTERS),
        ErrorKind::UnknownFunction => unknown(&detail(), "function", filters::FUNCTIONS),
        ErrorKind::TemplateNotFound => {
            (Code::TemplateError, detail(), "templates are named by their path below templates/".to_owned())
        }
        ErrorKind::OutOfFuel => (
            Code::TemplateEndless,
            "the template does not end".to_owned(),
            "one file may take 200,000 steps: look at the loops, or split the file".to_owned(),
        ),
        ErrorKind::WriteFailure => (
            Code::TemplateOutput,
            format!("the template prints more than {} KiB", MOST_OUTPUT >> 10),
            "look at the loops; Kubernetes refuses objects beyond 1.5 MiB".to_owned(),
        ),
        _ => other(error, detail()),
    }
}

fn other(error: &Error, detail: String) -> (Code, String, String) {
    if let Some(fault) = error.source().and_then(|source| source.downcast_ref::<HoleFault>()) {
        return (Code::TemplateValue, fault.to_string(), fault.help().to_owned());
    }
    if detail == TOO_MANY_VALUES {
        let help = "look at the loops, or write a list or map as one value";
        return (Code::TemplateOutput, format!("the template writes more than {MOST_HOLES} values"), help.to_owned());
    }
    if detail.contains("recursion limit") {
        let help = "a macro or include calls itself without an end; at most 50 macros or 20 includes may be open";
        return (Code::TemplateEndless, "macros or includes call each other too deeply".to_owned(), help.to_owned());
    }
    (Code::TemplateError, format!("{}: {detail}", error.kind()), "correct the expression".to_owned())
}

fn unknown(detail: &str, what: &str, known: &[&str]) -> (Code, String, String) {
    // The engine says: filter uper is unknown; env is unknown
    let name = detail.split_whitespace().find(|word| *word != what).unwrap_or_default();
    let help = match near(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}; nothing reaches files, clocks, networks or the environment", known.join(", ")),
    };
    (Code::TemplateError, format!("there is no {what} `{name}`"), help)
}

/// Says which names there are where the undefined one was looked for.
fn undefined_help(error: &Error, context: Option<&Value>) -> String {
    const SILENT: &str = "give it a `| default(…)`, or ask `is defined` first";
    // The engine says: `item.nmae` is undefined
    let expression = error.detail().and_then(|detail| detail.split('`').nth(1)).unwrap_or_default();
    let Some(mut value) = context.cloned() else { return SILENT.to_owned() };
    for segment in expression.split('.') {
        let next = value.get_attr(segment).unwrap_or_default();
        if !next.is_undefined() {
            value = next;
            continue;
        }
        let names: Vec<String> = match value.kind() {
            ValueKind::Map => value.try_iter().into_iter().flatten().map(|key| key.to_string()).collect(),
            _ => Vec::new(),
        };
        return match near(segment, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`? {SILENT}"),
            None if names.is_empty() => SILENT.to_owned(),
            None => format!("there are {}; {SILENT}", shorten(&names)),
        };
    }
    SILENT.to_owned()
}

/// At most twelve names, so that the help stays one line.
fn shorten(names: &[String]) -> String {
    const MOST: usize = 12;
    let shown = names[..names.len().min(MOST)].join(", ");
    if names.len() > MOST { format!("{shown} and {} more", names.len() - MOST) } else { shown }
}

/// Returns the name that was most likely meant: at most a third of it differs.
pub(super) fn near<'n>(wanted: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|known| (strsim::osa_distance(wanted, known), known))
        .filter(|(distance, known)| *distance <= known.chars().count().max(3) / 3)
        .min()
        .map(|(_, known)| known)
}

/// Makes a finding of a fault in what a template printed.
pub(super) fn of_skeleton(kind: &FaultKind, place: Place) -> Diagnostic {
    match kind {
        FaultKind::Yaml(finding) => Diagnostic::new(
            Code::TemplateYaml,
            place,
            format!("the template makes no valid YAML: {}", finding.message),
            finding.help.clone(),
        ),
        FaultKind::Hole(fault) => Diagnostic::new(Code::TemplateValue, place, fault.to_string(), fault.help()),
        FaultKind::DuplicateKey(key) => Diagnostic::new(
            Code::TemplateValue,
            place,
            format!("the key `{}` is there twice", key.escape_debug()),
            "two expressions gave the same key, or one gave a key that is written out too",
        ),
        FaultKind::NoObject => Diagnostic::new(
            Code::TemplateYaml,
            place,
            "the template makes something that is no Kubernetes object",
            "each document is a map with `apiVersion`, `kind` and `metadata`",
        ),
    }
}
