//! A template's text, cut into plain text and tags, as the template engine cuts it.
//!
//! Needed where the engine tells too little: which line of a template made a line of its output (see [`super::marks`]), and
//! which expressions stand in it.

use std::ops::Range;

/// What a tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// `{{ … }}`
    Value,
    /// `{% … %}`
    Block,
    /// `{# … #}`
    Comment,
}

/// A tag and its bytes in the text, delimiters included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) tag: Tag,
    pub(super) range: Range<usize>,
}

/// Returns the tags of a template in order. A tag that never ends reaches to the end of the text; between `{% raw %}` and
/// `{% endraw %}` there are none.
pub(super) fn tags(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find('{').map(|offset| at + offset) {
        let tag = match text.as_bytes().get(start + 1) {
            Some(b'{') => Tag::Value,
            Some(b'%') => Tag::Block,
            Some(b'#') => Tag::Comment,
            _ => {
                at = start + 1;
                continue;
            }
        };
        let end = end(text, start + 2, tag);
        found.push(Found { tag, range: start..end });
        at = end;
        if tag == Tag::Block && word(&text[start..end]) == "raw" {
            at = find_endraw(text, end);
        }
    }
    found
}

/// The most signs in a row: `- - -1` nests as deep as it is long, and the engine's parser has no limit for it.
const MOST_SIGNS: usize = 32;

/// Returns the line of a tag in which more than [`MOST_SIGNS`] signs stand in a row.
pub(super) fn line_of_many_signs(text: &str) -> Option<usize> {
    tags(text)
        .into_iter()
        .find(|found| found.tag != Tag::Comment && has_many_signs(&text[found.range.clone()]))
        .map(|found| text[..found.range.start].bytes().filter(|byte| *byte == b'\n').count() + 1)
}

fn has_many_signs(tag: &str) -> bool {
    let mut signs = 0;
    tag.bytes().any(|byte| {
        signs = match byte {
            b'-' | b'+' => signs + 1,
            byte if byte.is_ascii_whitespace() => signs,
            _ => 0,
        };
        signs > MOST_SIGNS
    })
}

/// Returns the place behind the end of a tag whose inside starts at `from`.
fn end(text: &str, from: usize, tag: Tag) -> usize {
    let close: &[u8; 2] = match tag {
        Tag::Value => b"}}",
        Tag::Block => b"%}",
        Tag::Comment => b"#}",
    };
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut depth = 0_usize;
    let mut at = from;
    while at < bytes.len() {
        let byte = bytes[at];
        match quote {
            Some(_) if byte == b'\\' => at += 1,
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if depth == 0 && bytes[at..].starts_with(close) => return at + 2,
            None if tag == Tag::Comment => {}
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            // A map inside of a tag: its brace is not the end.
            None if byte == b'{' => depth += 1,
            None if byte == b'}' => depth = depth.saturating_sub(1),
            None => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Returns the first word of a block tag.
fn word(tag: &str) -> &str {
    let inside = tag.trim_start_matches(['{', '%', '-', '+']).trim_start();
    let length = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
    &inside[..length]
}

/// Returns where the `{% endraw %}` behind `from` starts.
fn find_endraw(text: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(start) = text[at..].find("{%").map(|offset| at + offset) {
        if word(&text[start..]) == "endraw" {
            return start;
        }
        at = start + 2;
    }
    text.len()
}
