//! Line marks: which line of which template made a line of the output.
//!
//! The engine does not tell, so a second engine holds the same templates with a mark at the end of every line: two
//! characters of plane 16, the file and the line. They travel with the text through macros, includes and loops, and are
//! taken out of the output again. Only used once something is wrong, or to explain a field.

use super::scan::{self, Tag};

/// The first character of plane 16, which is private use as a whole.
const FIRST: u32 = 0x10_0000;

/// The last one that is a character.
const LAST: u32 = 0x10_FFFD;

/// A line of a template: the number of the file, and the line from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) file: usize,
    pub(super) line: u32,
}

/// Returns whether a character is half of a mark.
pub(super) fn is_mark(c: char) -> bool {
    (FIRST..=LAST).contains(&u32::from(c))
}

/// Returns a template's text with a mark at the end of every line whose end is printed.
///
/// A line that ends in a block or comment tag has none: `trim_blocks` takes its line break only if nothing stands between;
/// nor has one that ends in `-}}`, which takes all white space behind it.
pub(super) fn mark(source: &str, file: usize) -> String {
    let tags = scan::tags(source);
    let mut marked = String::with_capacity(source.len() + source.len() / 4);
    let mut at = 0;
    let mut next_tag = 0;
    for (number, line) in (1..).zip(source.split_inclusive('\n')) {
        let content = line.trim_end_matches('\n');
        let end = at + content.len();
        while tags.get(next_tag).is_some_and(|tag| tag.range.end < end) {
            next_tag += 1;
        }
        let printed = tags.get(next_tag).is_none_or(|tag| {
            let inside = tag.range.start < end && end < tag.range.end;
            let trims = tag.range.end == end && (tag.tag != Tag::Value || content.ends_with("-}}"));
            !inside && !trims
        });
        marked.push_str(content);
        if printed && let (Some(file), Some(line)) = (character(file), character(number)) {
            marked.push(file);
            marked.push(line);
        }
        marked.push_str(&line[content.len()..]);
        at += line.len();
    }
    marked
}

fn character(n: usize) -> Option<char> {
    u32::try_from(n).ok().and_then(|n| FIRST.checked_add(n)).filter(|n| *n <= LAST).and_then(char::from_u32)
}

/// Takes the marks out of a text, and returns it with the origin of each of its lines.
///
/// A line without a mark of its own ends in a tag; what stands in it goes on in the next line that has one.
pub(super) fn strip(marked: &str) -> (String, Vec<Option<Origin>>) {
    let mut text = String::with_capacity(marked.len());
    let mut origins: Vec<Option<Origin>> = Vec::new();
    for line in marked.split_inclusive('\n') {
        let mut origin = None;
        let mut characters = line.chars();
        while let Some(c) = characters.next() {
            if !is_mark(c) {
                text.push(c);
            } else if let Some(second) = characters.next() {
                origin = origin.or(Some(Origin { file: number(c), line: u32::from(second) - FIRST }));
            }
        }
        origins.push(origin);
    }
    let mut next = None;
    for origin in origins.iter_mut().rev() {
        next = origin.or(next);
        *origin = next;
    }
    (text, origins)
}

fn number(c: char) -> usize {
    // Fits: plane 16 has 65,534 characters.
    (u32::from(c) - FIRST) as usize
}
