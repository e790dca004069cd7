//! Places: every key and value knows exactly where it stands.

use super::estate;
use crate::{
    diag::Span,
    yaml::{Node, Style},
};

fn at(span: Span) -> String {
    format!("{}:{}-{}:{}", span.start.line, span.start.column, span.end.line, span.end.column)
}

/// The source text that a span covers.
fn covered(text: &str, span: Span) -> String {
    let offset = |line: u32, column: u32| {
        let start: usize = text.split_inclusive('\n').take(line as usize - 1).map(str::len).sum();
        start + text[start..].chars().take(column as usize - 1).map(char::len_utf8).sum::<usize>()
    };
    text[offset(span.start.line, span.start.column)..offset(span.end.line, span.end.column)].to_owned()
}

fn read(text: &str) -> Node {
    estate(text).unwrap_or_else(|findings| panic!("{text:?}: {findings:#?}"))
}

#[test]
fn scalars_are_covered_exactly() {
    let text = "a: é x  # why\n\"b\": 'it''s'\n'c d': \"q\\n\"\ne: 12\nf: plain\n  on two\ng: [ü, { h: \"ö\" }]\n";
    let node = read(text);
    let cases = [
        ("/a", "a", "é x"),
        ("/b", "\"b\"", "'it''s'"),
        ("/c d", "'c d'", "\"q\\n\""),
        ("/e", "e", "12"),
        ("/f", "f", "plain\n  on two"),
        ("/g", "g", "[ü, { h: \"ö\" }]"),
        ("/g/1/h", "h", "\"ö\""),
    ];
    for (pointer, key, value) in cases {
        assert_eq!(covered(text, node.key_span_at(pointer).unwrap()), key, "{pointer}");
        assert_eq!(covered(text, node.at(pointer).unwrap().span), value, "{pointer}");
    }
    assert_eq!(covered(text, node.at("/g/0").unwrap().span), "ü");
    assert_eq!(covered(text, node.at("/g/1").unwrap().span), "{ h: \"ö\" }");
    assert_eq!(at(node.at("/g/1/h").unwrap().span), "7:13-7:16");
}

#[test]
fn block_collections_reach_from_first_to_last_character() {
    let text = "a:\n  b: 1\n  c:\n  - x\n  - v: z # end\n\n# more\nd:\n-   - p\n    - q\n-\n  # why\n  r: s\n";
    let node = read(text);
    let cases = [
        ("/a", "b: 1\n  c:\n  - x\n  - v: z"),
        ("/a/c", "- x\n  - v: z"),
        ("/a/c/1", "v: z"),
        ("/d", "-   - p\n    - q\n-\n  # why\n  r: s"),
        ("/d/0", "- p\n    - q"),
        ("/d/1", "r: s"),
    ];
    for (pointer, value) in cases {
        assert_eq!(covered(text, node.at(pointer).unwrap().span), value, "{pointer}");
    }
    assert_eq!(covered(text, node.span), text.trim_end());
    let flow = "a: [b: c, d: [e], ? f, { g }]\n? h\n: i\n";
    let node = read(flow);
    for (pointer, value) in [("/a/0", "b: c"), ("/a/1", "d: [e]"), ("/a/2", "? f"), ("/a/3", "{ g }"), ("/h", "i")] {
        assert_eq!(covered(flow, node.at(pointer).unwrap().span), value, "{pointer}");
    }
    let indented = "a:\n  - x\n  - z\n";
    assert_eq!(covered(indented, read(indented).at("/a").unwrap().span), "- x\n  - z");
    let windows = "a:\r\n- x\r\nb: |\r\n  y\r\n  z\r\n";
    assert_eq!(covered(windows, read(windows).at("/a").unwrap().span), "- x");
    assert_eq!(covered(windows, read(windows).at("/b").unwrap().span), "y\r\n  z");
}

#[test]
fn block_scalars_end_with_their_text() {
    let text = "a: |\n  x\n  y\n\n\nb: >-\n  z é\n  w\n# comment\nc: |\nd: 1\n";
    let node = read(text);
    assert_eq!(covered(text, node.at("/a").unwrap().span), "x\n  y");
    assert_eq!(covered(text, node.at("/b").unwrap().span), "z é\n  w");
    assert_eq!(node.at("/a").unwrap().as_str(), Some("x\ny\n"));
    assert_eq!(node.at("/b").unwrap().as_str(), Some("z é w"));
    assert_eq!(node.at("/c").unwrap().as_str(), Some(""));
}

#[test]
fn styles_are_kept() {
    let node = read("a: x\n'b': \"x\"\n\"c\": 'x'\nd: |\n  x\ne: >\n  x\n");
    let styles: Vec<_> = node
        .entries()
        .iter()
        .map(|entry| match entry.value.value {
            crate::yaml::NodeValue::String { style, .. } => (entry.key_style, style),
            _ => panic!("not a string"),
        })
        .collect();
    use Style::{Block, Plain, Quoted};
    assert_eq!(styles, [(Plain, Plain), (Quoted, Quoted), (Quoted, Quoted), (Plain, Block), (Plain, Block)]);
}

#[test]
fn left_out_values_have_an_empty_place_behind_their_key() {
    let node = read("a:\nb: 1\nc:\n  d:\n");
    assert_eq!(at(node.at("/a").unwrap().span), "1:2-1:2");
    assert!(node.at("/a").unwrap().is_null());
    assert_eq!(at(node.at("/c").unwrap().span), "4:3-4:4");
}

#[test]
fn pointers_lead_to_nodes_or_near_them() {
    let node = read("a:\n- x\n- { b/c: 1, d~e: 2, '': 3 }\nf: 4\n");
    assert_eq!(node.at("").unwrap(), &node);
    assert_eq!(node.at("/a/1/b~1c").unwrap().as_number().unwrap().as_u64(), Some(1));
    assert_eq!(node.at("/a/1/d~0e").unwrap().as_number().unwrap().as_u64(), Some(2));
    assert_eq!(node.at("/a/1/").unwrap().as_number().unwrap().as_u64(), Some(3));
    for missing in ["/a/2", "/a/01", "/a/+1", "/a/-", "/a/x", "/f/g", "/g", "a", "/"] {
        assert_eq!(node.at(missing), None, "{missing}");
        assert_eq!(node.key_span_at(missing), None, "{missing}");
    }
    assert_eq!(node.key_span_at("/a/0"), None);
    assert_eq!(at(node.span_near("/f")), "4:4-4:5");
    assert_eq!(at(node.span_near("/f/g/h")), "4:1-4:2");
    assert_eq!(at(node.span_near("/a/1/z")), at(node.at("/a/1").unwrap().span));
    assert_eq!(at(node.span_near("/a/9")), "1:1-1:2");
    assert_eq!(at(node.span_near("/z")), at(node.span));
}
