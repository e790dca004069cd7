//! The parser's events under our options; the library's names end here and in the two readers.

use granit_parser::{Options, Parser, StrInput};

pub(super) use granit_parser::{ErrorKind, Event, Marker, ScalarStyle, ScanError, Span as Range, StructureStyle};

use super::node::Style;
use crate::diag::Position;

/// The parser over a text.
pub(super) type Events<'a> = Parser<'a, StrInput<'a>>;

/// Returns the events of a text that people write: strict about indentation, anchors and unknown aliases told rather than
/// resolved, directives refused, and nesting bounded before the parser's own memory grows.
pub(super) fn strict(text: &str, depth: usize) -> Events<'_> {
    let mut options = bounded(depth);
    options.strict_indentation = true;
    options.disallow_directives = true;
    options.emit_unresolved_aliases = true;
    options.emit_anchor_events = true;
    Parser::new_from_str_with_options(text, options)
}

/// Returns the events of a text that a program wrote.
pub(super) fn lenient(text: &str, depth: usize) -> Events<'_> {
    let mut options = bounded(depth);
    options.emit_unresolved_aliases = true;
    Parser::new_from_str_with_options(text, options)
}

fn bounded(depth: usize) -> Options {
    let mut options = granit_parser::options! {
        // One more than we allow, so that it is the reader that says where the text is too deep.
        flow_nesting_limit: depth + 1,
        block_nesting_limit: depth + 1,
    };
    // Another crate of the build may switch the feature on.
    options.set_emit_comments(false);
    options
}

/// Returns our position of a parser's mark.
pub(super) fn position(mark: &Marker) -> Position {
    // Texts are at most 4 MiB where positions are kept.
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position { line: count(mark.line()), column: count(mark.col()).saturating_add(1) }
}

/// Returns whether a plain scalar stands for a value that was left out; the parser gives its text as `~`.
pub(super) fn is_left_out(style: ScalarStyle, range: &Range) -> bool {
    style == ScalarStyle::Plain && range.start.index() == range.end.index()
}

/// Returns our style of a parser's.
pub(super) fn style(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
    }
}
