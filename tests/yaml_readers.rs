//! What we write means the same to readers of both YAML versions: PyYAML (1.1) and ruamel.yaml (1.2).
//!
//! Needs a Python with both; its path is in `TENANTRY_TEST_PYTHON`.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests run programs, read clocks and write files"
)]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::{Map, Number, Value, json};
use tenantry::yaml;

/// Values that are compared in one run of the child.
const VALUES: usize = 10_000;

/// Reads lines of `{"text", "value"}` and prints each that a reader takes for another value.
///
/// Numbers are compared with their type, since `1` and `1.0` are equal in Python.
/// libyaml is asked too: tools read with it, and it differs from pure PyYAML in its scanner.
const CHILD: &str = r#"
import json, sys
import yaml
from ruamel.yaml import YAML

def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(type(k) is str and same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b

def ruamel(text):
    return YAML(typ="safe", pure=True).load(text)

readers = {"PyYAML": lambda text: yaml.load(text, yaml.SafeLoader), "ruamel.yaml": ruamel}
if yaml.__with_libyaml__:
    readers["libyaml"] = lambda text: yaml.load(text, yaml.CSafeLoader)
count = 0
for line in sys.stdin:
    case = json.loads(line)
    for name, read in readers.items():
        try:
            got = read(case["text"])
        except Exception as error:
            got = error
        if not same(got, case["value"]):
            print(json.dumps([name, case["text"], repr(got)]))
    count += 1
print(json.dumps({"read": count, "readers": sorted(readers)}))
"#;

#[test]
#[ignore = "needs yaml-readers: run by tests/run"]
fn yaml_readers_of_both_versions_agree() {
    let Ok(python) = std::env::var("TENANTRY_TEST_PYTHON") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "TENANTRY_TEST_PYTHON is not set");
        eprintln!("skipped: TENANTRY_TEST_PYTHON names no Python with PyYAML and ruamel.yaml");
        return;
    };
    let mut random = Random(20_260_801);
    let values: Vec<Value> = (0..VALUES).map(|_| random.value(4)).collect();
    let lines: String =
        values.iter().map(|value| format!("{}\n", json!({ "text": yaml::write(value), "value": value }))).collect();

    let mut child = Command::new(python)
        .args(["-X", "utf8", "-c", CHILD])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the Python of TENANTRY_TEST_PYTHON starts");
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let (differences, summary) = text.trim_end().rsplit_once('\n').unwrap_or(("", text.trim_end()));
    assert_eq!(differences, "", "readers disagree");
    let summary: Value = serde_json::from_str(summary).unwrap();
    assert_eq!(summary["read"], VALUES);
    eprintln!("{summary}");
}

/// Texts that some YAML reader takes for something else, and pieces to build such texts from.
const PIECES: &[&str] = &[
    "",
    "a",
    "b c",
    "no",
    "No",
    "yes",
    "on",
    "OFF",
    "y",
    "N",
    "true",
    "False",
    "null",
    "~",
    "0",
    "1",
    "12",
    "017",
    "0o17",
    "0x1F",
    "0b1",
    "1_000",
    "1,000",
    ".",
    ".5",
    "-.5",
    "5.",
    "1.2.3",
    "1e3",
    "1.5e3",
    "1.0e+3",
    "1:30",
    "12:30:45",
    "190:20:30.15",
    "+1",
    "-1",
    "+",
    "-",
    "_",
    "=",
    "<<",
    ".inf",
    "-.INF",
    ".nan",
    "2001-01-01",
    "2001-1-1",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43.10 -5",
    ":",
    ": ",
    "a: b",
    "a:",
    "#",
    " #",
    "a #b",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\n ",
    "\n  ",
    "\t",
    "\n\t",
    "\r",
    "\r\n",
    "---",
    "...",
    "--- a",
    "- ",
    "- a",
    "? ",
    "?a",
    ",",
    "[",
    "]",
    "{",
    "}",
    "{{ a }}",
    "&a",
    "*a",
    "!",
    "!a",
    "!!str",
    "|",
    ">",
    "|-",
    "'",
    "\"",
    "\\",
    "\\n",
    "%",
    "%YAML 1.1",
    "@",
    "`",
    "é",
    "東京",
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
    "\u{10ffff}",
    "\u{1f600}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{fdd0}",
    "\0",
    "\u{1b}",
    "\u{7f}",
    "\u{80}",
    "\u{9f}",
    "key:\n  x: 1\n",
    "line one\nline two\n",
    "#!/bin/sh\nset -e\n\techo\n",
    "trailing \nspace",
    "x\n\n\n",
    "\n\nx",
    "  x\ny",
    "x\n   \ny\n",
];

/// A small generator (xorshift): the same values in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn text(&mut self) -> String {
        match self.below(8) {
            0 => (0..self.below(12)).map(|_| self.number_character()).collect(),
            1 => {
                (0..self.below(30)).filter_map(|_| char::from_u32(u32::try_from(self.below(0x300)).unwrap())).collect()
            }
            // Longer than the 1,024 characters in which readers look for the colon of a key.
            2 if self.below(20) == 0 => format!("{}{}", "k".repeat(1_500), self.piece()),
            3 => self.piece().to_owned(),
            _ => (0..self.below(6)).map(|_| self.piece()).collect(),
        }
    }

    fn piece(&mut self) -> &'static str {
        PIECES[self.below(PIECES.len())]
    }

    fn number_character(&mut self) -> char {
        char::from(b"0123456789+-._:eExob, "[self.below(22)])
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 8 } else { 12 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 0),
            2 => Value::from(self.0.cast_signed() >> self.below(64)),
            3 => Number::from_f64(f64::from_bits(self.0)).map_or(Value::Null, Value::Number),
            4..8 => Value::String(self.text()),
            8 | 9 => Value::Array((0..self.below(5)).map(|_| self.value(depth - 1)).collect()),
            _ => Value::Object((0..self.below(5)).map(|_| (self.text(), self.value(depth - 1))).collect::<Map<_, _>>()),
        }
    }
}
