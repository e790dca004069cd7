//! Writing: the exact text, and that every reader of ours gets the same value back.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::yaml::{Profile, read, read_documents, write, write_to};

#[test]
fn an_object_is_written_as_people_expect_it() {
    let value = json!({
        "spec": {
            "replicas": 3,
            "template": { "spec": { "containers": [
                {
                    "ports": [{ "containerPort": 8080, "name": "http" }],
                    "name": "auth", "image": "shop/auth:1.2.3", "args": ["--port=8080", "-c", "key: value", "yes"],
                    "env": [{ "value": "true", "name": "DEBUG" }, { "name": "RATIO", "value": "0.5" }],
                    "resources": { "requests": { "cpu": "1", "memory": "256Mi" } },
                },
            ], "volumes": [], "nodeSelector": {} } },
        },
        "kind": "Deployment",
        "metadata": { "labels": { "app.kubernetes.io/name": "auth" }, "annotations": { "b": "x # y", "a": "" }, "name": "auth" },
        "apiVersion": "apps/v1",
    });
    let expected = r##"apiVersion: apps/v1
kind: Deployment
metadata:
  name: auth
  annotations:
    a: ""
    b: "x # y"
  labels:
    app.kubernetes.io/name: auth
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: auth
        args:
        - --port=8080
        - -c
        - "key: value"
        - "yes"
        env:
        - name: DEBUG
          value: "true"
        - name: RATIO
          value: "0.5"
        image: shop/auth:1.2.3
        ports:
        - name: http
          containerPort: 8080
        resources:
          requests:
            cpu: "1"
            memory: 256Mi
      nodeSelector: {}
      volumes: []
"##;
    assert_eq!(write(&value), expected);
}

#[test]
fn documents_are_appended() {
    let mut out = "a: 1\n---\n".to_owned();
    write_to(&mut out, &json!([[1, [2]], [], {}]));
    assert_eq!(out, "a: 1\n---\n- - 1\n  - - 2\n- []\n- {}\n");
}

#[test]
fn texts_of_several_lines_are_blocks_where_a_block_is_exact() {
    let cases = [
        ("a\nb", "|-\n  a\n  b\n"),
        ("a\nb\n", "|\n  a\n  b\n"),
        ("a\n\nb\n\n", "|+\n  a\n\n  b\n\n"),
        ("  a\nb\n", "|2\n    a\n  b\n"),
        ("\n a\n", "|2\n\n   a\n"),
        ("a\n   \nb\n", "|\n  a\n     \n  b\n"),
        ("# a\n--- b\n", "|\n  # a\n  --- b\n"),
        ("key:\n  x: \"y\"\n\tz", r#""key:\n  x: \"y\"\n\tz""#),
        ("\n", r#""\n""#),
        ("a\n ", r#""a\n ""#),
        (" \na", r#"" \na""#),
        ("a\r\nb\n", r#""a\r\nb\n""#),
        ("a\u{2028}\nb", r#""a\u2028\nb""#),
    ];
    for (text, expected) in cases {
        let expected = format!("k: {}\n", expected.trim_end_matches(|c| c == '\n' && expected.starts_with('"')));
        let expected = if expected.starts_with("k: \"") { expected } else { expected[..expected.len() - 1].to_owned() };
        assert_eq!(write(&json!({ "k": text })), expected, "{text:?}");
    }
}

#[test]
fn quotes_and_escapes_stand_only_where_they_must() {
    let cases = [
        ("a b", "a b"),
        ("a:b", "a:b"),
        ("a#b", "a#b"),
        ("it's", "it's"),
        ("-c", "-c"),
        ("10.0.0.1", "10.0.0.1"),
        ("1.2.3", "1.2.3"),
        ("100m", "100m"),
        ("Café 東京", "Café 東京"),
        ("a, b [c] {d}", "a, b [c] {d}"),
        ("", r#""""#),
        ("no", r#""no""#),
        ("012", r#""012""#),
        ("1e3", r#""1e3""#),
        ("2001-01-01", r#""2001-01-01""#),
        ("12:30", r#""12:30""#),
        ("a: b", r#""a: b""#),
        ("a:", r#""a:""#),
        ("a #b", r##""a #b""##),
        (" a", r#"" a""#),
        ("a ", r#""a ""#),
        ("- a", r#""- a""#),
        ("-[", r#""-[""#),
        ("*", r#""*""#),
        ("{{ x }}", r#""{{ x }}""#),
        ("@a", r#""@a""#),
        ("%a", r#""%a""#),
        ("---", r#""---""#),
        ("... a", r#""... a""#),
        ("a\"b", "a\"b"),
        ("\"a\"\\", r#""\"a\"\\""#),
        ("a\tb", r#""a\tb""#),
        ("\0\u{7f}\u{85}", r#""\u0000\u007F\u0085""#),
        ("a\u{202e}\u{e000}\u{f0000}\u{feff}", r#""a\u202E\uE000\U000F0000\uFEFF""#),
        ("a\u{a0}", "\"a\u{a0}\""),
    ];
    for (text, expected) in cases {
        assert_eq!(write(&json!({ "k": text })), format!("k: {expected}\n"), "{text:?}");
        assert_eq!(write(&json!({ text: 1 })), format!("{expected}: 1\n"), "{text:?}");
    }
}

#[test]
fn numbers_read_the_same_in_both_versions() {
    let cases = [
        (json!(0), "0"),
        (json!(-1), "-1"),
        (json!(u64::MAX), "18446744073709551615"),
        (json!(i64::MIN), "-9223372036854775808"),
        (json!(0.5), "0.5"),
        (json!(3.0), "3.0"),
        (json!(1e30), "1.0e+30"),
        (json!(-1.5e-9), "-1.5e-9"),
        (json!(0.00001), "0.00001"),
        (json!(1e15), "1000000000000000.0"),
    ];
    for (value, expected) in cases {
        assert_eq!(write(&value), format!("{expected}\n"));
        assert_eq!(read("t", &write(&value), Profile::Template).unwrap().to_json(), value);
    }
}

#[test]
fn long_keys_stay_readable() {
    let key = "k".repeat(5_000);
    for value in [json!(1), json!("a\n b\n"), json!([1, { "a": [] }]), json!({ "a": { "b": "c" } }), json!({})] {
        let value = json!({ "a": { key.as_str(): value, "z": 1 } });
        assert_eq!(read_documents(&write(&value)).unwrap(), [value]);
    }
}

/// Pieces that mean something to some YAML reader; random texts are made of them.
const PIECES: &[&str] = &[
    "",
    "a",
    "no",
    "yes",
    "on",
    "y",
    "true",
    "null",
    "~",
    "0",
    "1",
    "7",
    "017",
    "0o",
    "0x",
    "0b",
    ".",
    "e",
    "E",
    "+",
    "-",
    "_",
    ":",
    ": ",
    "#",
    " #",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\n ",
    "\t",
    "\n\t",
    "\r",
    "\r\n",
    "---",
    "...",
    "--- ",
    "- ",
    "? ",
    "?",
    ",",
    "[",
    "]",
    "{",
    "}",
    "&a",
    "*a",
    "!",
    "!!str",
    "|",
    ">",
    "'",
    "\"",
    "\\",
    "%",
    "@",
    "`",
    "=",
    "<<",
    "2001-01-01",
    "12:30",
    ".inf",
    ".nan",
    "1e3",
    "é",
    "東",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{202e}",
    "\u{200b}",
    "\u{a0}",
    "\u{3000}",
    "\u{e000}",
    "\u{f0000}",
    "\u{1f600}",
    "\u{fffe}",
    "\u{1ffff}",
    "\0",
    "\u{1b}",
    "\u{7f}",
    "\u{9f}",
];

fn hostile_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::collection::vec(proptest::sample::select(PIECES), 0..6).prop_map(|pieces| pieces.concat()),
        1 => "[-+0-9._:eExob,]{1,8}",
        1 => "[ -~\\n]{0,40}",
        1 => any::<String>(),
    ]
}

fn hostile_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        6 => hostile_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(hostile_text(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(value in hostile_value()) {
        let text = write(&value);
        prop_assert_eq!(read_documents(&text).unwrap(), [value.clone()], "{}", text);
        prop_assert_eq!(&write(&value), &text);
        // Documents can be joined.
        let two = format!("{text}---\n{text}");
        prop_assert_eq!(read_documents(&two).unwrap(), [value.clone(), value], "{}", two);
    }

    #[test]
    fn a_plain_text_reads_as_itself_for_the_strict_reader_too(text in hostile_text()) {
        let written = write(&json!({ "k": text }));
        match read("t", &written, Profile::Estate) {
            Ok(node) => prop_assert_eq!(node.to_json(), json!({ "k": text })),
            // The only faults of a written text are characters that no estate may hold.
            Err(findings) => {
                for finding in findings {
                    prop_assert_eq!(finding.code, crate::diag::Code::ForbiddenCharacter, "{}", written);
                }
            }
        }
    }

    #[test]
    fn no_text_ends_the_process(text in hostile_text(), more in "[-\\[\\]{}:,?&*!|>'\"#% \\n\\ta1]{0,60}") {
        let text = text + &more;
        for profile in [Profile::Estate, Profile::Template] {
            if let Ok(node) = read("t", &text, profile) {
                // What the strict reader accepts, the reader for generated texts reads alike.
                let documents = read_documents(&text).unwrap();
                prop_assert_eq!(documents.first().cloned().unwrap_or_default(), node.to_json(), "{:?}", text);
            }
        }
    }
}
