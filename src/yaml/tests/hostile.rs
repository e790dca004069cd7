//! Hostile texts: each is refused with the right code, quickly, and none ends the process.

use super::{codes, estate, findings, value};
use crate::{
    diag::Code::{self, *},
    yaml::{Profile, read, read_documents},
};

/// One text of each kind that broke a YAML library; the comment says what it did to some.
fn table() -> Vec<(&'static str, String, Code)> {
    let lines = |line: &str, count: usize| line.repeat(count);
    // Ten lines that expand to 9^10 nodes.
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    let text = |text: &str| text.to_owned();
    vec![
        ("alias bomb", bomb, YamlForbidden),
        // 1.9 GiB where each alias is a copy.
        ("long anchor", format!("a: &a {}\nb: [{}]\n", lines("x", 20_000), lines("*a, ", 8_000)), YamlForbidden),
        ("100k brackets", lines("[", 100_000), FileTooLarge),
        ("64k brackets", lines("[", 65_536), YamlTooDeep),
        ("5k brackets", lines("[", 5_000), YamlTooDeep),
        ("64k braces", lines("{", 65_536), YamlTooDeep),
        ("block depth", (0..300).map(|depth| format!("{}a:\n", lines(" ", depth))).collect(), YamlTooDeep),
        ("100k dashes", lines("- ", 100_000), FileTooLarge),
        ("32k dashes", lines("- ", 32_768), YamlTooDeep),
        ("duplicate key", text("tier: basic\ntier: enterprise\n"), YamlDuplicateKey),
        ("escaped duplicate key", text("tier: basic\n\"\\u0074ier\": enterprise\n"), YamlDuplicateKey),
        ("nested duplicate key", text("spec:\n  a: 1\n  b: 2\n  a: 3\n"), YamlDuplicateKey),
        ("duplicate key in braces", text("spec: { a: 1, 'a': 2 }\n"), YamlDuplicateKey),
        ("norway list", text("regions: [se, no, dk]\n"), YamlAmbiguous),
        ("no", text("region: no\n"), YamlAmbiguous),
        ("017", text("mode: 017\n"), YamlAmbiguous),
        ("yes", text("enabled: yes\n"), YamlAmbiguous),
        ("merge key", text("a: { x: 1 }\nb:\n  <<: { y: 2 }\n"), YamlForbidden),
        ("recursive alias", text("a: &a [*a]\n"), YamlForbidden),
        ("tag", text("a: !!python/object/apply:os.system [id]\n"), YamlForbidden),
        ("core tag", text("a: !!str 1\n"), YamlForbidden),
        ("tag on a map", text("!local\na: 1\n"), YamlForbidden),
        ("two documents", text("a: 1\n---\na: 2\n"), YamlForbidden),
        ("two documents behind an end", text("a: 1\n...\n---\na: 2\n"), YamlForbidden),
        ("directive", text("%YAML 1.1\n---\na: 1\n"), YamlForbidden),
        ("tag directive", text("%TAG ! tag:example.com,2000:\n---\na: 1\n"), YamlForbidden),
        ("escaped NUL", text("a: \"x\\0y\"\n"), ForbiddenCharacter),
        ("raw NUL", text("a: x\0y\n"), ForbiddenCharacter),
        ("inner byte order mark", text("a: x\u{feff}y\n"), ForbiddenCharacter),
        ("escaped bidi control", text("a: \"x\\u202ey\"\n"), ForbiddenCharacter),
        ("escaped placeholder", text("a: \"\\U000F0000\"\n"), ForbiddenCharacter),
        ("escaped carriage return", text("a: \"x\\ry\"\n"), ForbiddenCharacter),
        ("escape in a key", text("\"a\\e\": 1\n"), ForbiddenCharacter),
        // Ends the line, and with it the comment, for YAML 1.1.
        ("NEL", text("a: 1 # \u{85}b: 2\n"), ForbiddenCharacter),
        ("line separator", text("a: 1 # \u{2028}b: 2\n"), ForbiddenCharacter),
        ("ESC", text("a: x\u{1b}[31my\n"), ForbiddenCharacter),
        ("complex key", text("? [a, b]\n: c\n"), YamlForbidden),
        ("map as key", text("{ { a: 1 }: 2 }\n"), YamlForbidden),
        ("block scalar as key", text("? |\n  a\n: 1\n"), YamlForbidden),
        ("number as key", text("8080: http\n"), YamlAmbiguous),
        ("boolean as key", text("true: 1\n"), YamlAmbiguous),
        ("null as key", text("null: 1\n"), YamlAmbiguous),
        ("empty key", text(": 1\n"), YamlAmbiguous),
        ("norway as key", text("no: 1\n"), YamlAmbiguous),
        ("tab as indentation", text("a:\n\tb: 1\n"), YamlSyntax),
        ("tab behind spaces", text("a:\n  b: 1\n \tc: 2\n"), YamlSyntax),
        ("unknown alias", text("a: *nobody\n"), YamlForbidden),
        // What the bytes stage refuses first.
        ("10 MB of entries", (0..400_000).map(|n| format!("key{n}: {n:09}\n")).collect(), FileTooLarge),
        ("entries", (0..3_000).map(|n| format!("k{n}: 1\n")).collect(), YamlTooDeep),
        ("big integer", text("a: 18446744073709551616\n"), YamlNumber),
        ("small integer", text("a: -9223372036854775809\n"), YamlNumber),
        ("infinite", text("a: .inf\n"), YamlNumber),
        ("not a number", text("a: .NaN\n"), YamlNumber),
        ("overflowing decimal", text("a: 1.0e+999\n"), YamlNumber),
        ("colons", lines(":", 65_536), YamlSyntax),
        ("colons and spaces", lines(": ", 32_768), YamlAmbiguous),
        ("question marks", lines("? ", 32_768), YamlForbidden),
        ("anchors", lines("- &a x\n", 9_000), YamlForbidden),
        ("exclamation marks", lines("!", 65_536), YamlSyntax),
        ("ampersands", lines("&", 65_536), YamlSyntax),
        ("quotes", lines("\"", 65_535), YamlSyntax),
        ("backslashes", format!("\"{}", lines("\\", 65_535)), YamlSyntax),
        ("commas", format!("[{}", lines(",", 65_535)), YamlSyntax),
        ("pairs in brackets", format!("[{}", lines("a: ", 21_000)), YamlSyntax),
        ("comments", lines("#\n", 32_768), YamlSyntax),
        ("document starts", lines("---\n", 16_384), YamlForbidden),
        ("percent signs", lines("%", 65_536), YamlForbidden),
        ("long key", format!("{}: 1\n", lines("k", 60_000)), YamlSyntax),
        ("empty", String::new(), YamlSyntax),
        ("only a comment", text("# nothing\n"), YamlSyntax),
        ("only a start", text("---\n"), YamlSyntax),
        ("behind the end", text("\"a\" b\n"), YamlSyntax),
        ("lone surrogate", text("a: \"\\ud800\"\n"), YamlSyntax),
    ]
}

#[test]
fn hostile_texts_are_refused_with_their_code() {
    for (name, text, code) in table() {
        let found = codes(&text);
        assert!(found.contains(&code), "{name}: {found:?}");
        assert!(found.len() <= 100, "{name}: {} findings", found.len());
    }
}

#[test]
fn hostile_texts_do_not_break_the_other_readers() {
    for (name, text, _) in table() {
        // The outcome differs by text; what counts is that there is one.
        let (template, documents) = (read("t", &text, Profile::Template), read_documents(&text));
        assert!(template.is_ok() || template.is_err(), "{name}");
        assert!(documents.is_ok() || documents.is_err(), "{name}");
    }
}

#[test]
fn look_alikes_are_accepted() {
    for text in [
        "a: \"no\"\nb: 'yes'\nc: \"017\"\nd: '1:30'\n",
        "a: norway\nb: nope\nc: one\nd: yesterday\ne: offline\nf: nil\n",
        "a: 1.2.3\nb: v1.2.3\nc: 10.0.0.0/8\nd: 8.0.30-debian\ne: 100m\nf: 1.5Gi\ng: 1h30m\nh: 8080:80\ni: ::1\n",
        "a: 0192f0c1-aaaa-7bbb-8ccc-0123456789ab\nb: 2001-01-01-backup\nc: .\nd: ..\ne: -\u{e9}\nf: +x\n",
        "'8080': http\n\"true\": 1\n\"<<\": 1\n",
        "a: x & y\nb: x * y\nc: x ! y\nd: 'a: b'\ne: a#b\nf: http://x\n",
        "---\na: 1\n",
        "a: 1\n...\n",
        "a: \"tab\\tand\\nbreak, \\u00e9, \\\"quotes\\\"\"\n",
        "a: Café ☕\u{fe0f} 東京\n",
        "a: b\r\nc:\r\n- d\r\n",
    ] {
        value(text);
    }
}

#[test]
fn all_faults_of_a_file_come_at_once() {
    let text = "a: no\nb: &x 1\nc: *x\nd: !t 2\nd: 017\n8080: on\n<<: 1\n? [k]\n: 0x1F\ne: \"\\0\"\nf: [1, 2\n";
    assert_eq!(
        findings(text),
        [
            "1:4-1:6 `no` is false for YAML 1.1 readers and text for YAML 1.2 readers",
            "2:4-2:6 the anchor `&x` is not allowed",
            "3:4-3:6 the alias `*x` is not allowed",
            "4:4-4:6 the tag `!t` is not allowed",
            "5:4-5:7 `017` is not the same number for all YAML readers",
            "6:1-6:5 the key `8080` is a number for YAML readers",
            "6:7-6:9 `on` is true for YAML 1.1 readers and text for YAML 1.2 readers",
            "7:1-7:3 the merge key `<<` is not allowed",
            "8:3-8:3 the key is not a string on one line",
            "9:3-9:7 `0x1F` is not the same number for all YAML readers",
            "10:4-10:8 an escape stands for the character U+0000",
            "11:4-11:4 unclosed bracket '['",
        ]
    );
}

#[test]
fn duplicate_keys_name_both_places() {
    let found = estate("tier: basic\nspec:\n  x: 1\n\"\\u0074ier\": enterprise\n").unwrap_err();
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(finding.place.to_string(), "tenants/a.yaml:4:1");
    assert_eq!(finding.message, "the key `tier` is given twice");
    assert_eq!(finding.related[0].0.to_string(), "tenants/a.yaml:1:1");

    // A large map takes another way to the same findings.
    let mut text: String = (0..100).map(|n| format!("k{n}: 1\n")).collect();
    text.push_str("k7: 2\nk7: 3\n");
    let places: Vec<_> =
        estate(&text).unwrap_err().iter().map(|f| (f.place.span.start.line, f.related[0].0.span.start.line)).collect();
    assert_eq!(places, [(101, 8), (102, 8)]);
}

#[test]
fn findings_say_how_to_write_it() {
    let help = |text: &str| estate(text).unwrap_err().remove(0).help;
    assert_eq!(help("region: no\n"), "write \"no\" for the text, or false for the boolean");
    assert_eq!(help("a: 017\n"), "write \"017\" for the text, or the number in plain decimal digits");
    assert_eq!(help("a: 2001-01-01\n"), "write \"2001-01-01\" for the text");
    assert_eq!(help("8080: x\n"), "quote the key: \"8080\"");
    assert_eq!(help("a:\n\tb: 1\n"), "indent with spaces, never with tabs");
}

#[test]
fn depth_and_nodes_are_counted_exactly() {
    let nested = |depth: usize| format!("{}1{}\n", "[".repeat(depth), "]".repeat(depth));
    assert!(estate(&nested(16)).is_ok());
    assert_eq!(codes(&nested(17)), [YamlTooDeep]);
    assert!(read("t", &nested(64), Profile::Template).is_ok());
    assert!(read("t", &nested(65), Profile::Template).is_err());
    assert!(read_documents(&nested(128)).is_ok());
    assert!(read_documents(&nested(129)).is_err());
    // The list itself is a node too.
    let flat = |items: usize| "- 1\n".repeat(items);
    assert!(estate(&flat(4_999)).is_ok());
    assert_eq!(codes(&flat(5_000)), [YamlTooDeep]);
}

#[test]
fn placeholders_of_templates_are_text() {
    let text = "a: \u{f0000}\nb: 0\u{f0001}\n\u{f0002}: 1\nc: \"x\u{e000}\\n\"\n";
    let node = read("t", text, Profile::Template).unwrap();
    let expected = serde_json::json!({"a": "\u{f0000}", "b": "0\u{f0001}", "\u{f0002}": 1, "c": "x\u{e000}\n"});
    assert_eq!(node.to_json(), expected);
    // An escape would forge one.
    let forged = read("t", "a: \"\u{f0000}\\U000F0001\"\n", Profile::Template).unwrap_err();
    assert_eq!(forged[0].code, ForbiddenCharacter);
    // A template may render nothing.
    assert_eq!(read("t", "# none\n", Profile::Template).unwrap().to_json(), serde_json::Value::Null);
}

#[test]
fn documents_are_read_as_kubernetes_reads_them() {
    let text = "---\n# Source: x\n---\na: yes\nb: 017\nc: 2001-01-01\nd: 1_000\ne: 0x1F\nf: 1e3\ng: 1:30\nh: '1'\ni: yEs\nj: 18446744073709551616\nk: 089\nl:\n---\nnull\n---\n- 0b1\n- .5\n- 0o17\n- -017\n- 1,000\n";
    let documents = read_documents(text).unwrap();
    assert_eq!(
        documents,
        [
            serde_json::json!({"a": true, "b": 15, "c": "2001-01-01", "d": 1000, "e": 31, "f": 1000.0, "g": "1:30", "h": "1",
                "i": "yEs", "j": 18_446_744_073_709_551_616.0, "k": 89.0, "l": null}),
            serde_json::Value::Null,
            serde_json::json!([1, 0.5, 15, -15, "1,000"]),
        ]
    );
    for refused in
        ["a: &x 1\nb: *x\n", "a: !t 1\n", "a: 1\na: 2\n", "<<: {a: 1}\n", "? [a]\n: 1\n", "a: .inf\n", "a: [\n"]
    {
        assert!(read_documents(refused).is_err(), "{refused:?}");
    }
    let error = read_documents("a: 1\nb: [1, 2\n").unwrap_err();
    assert_eq!(error.to_string(), "failed to read YAML at line 2, column 4: unclosed bracket '['");
}
