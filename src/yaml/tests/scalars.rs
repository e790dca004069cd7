//! Plain scalars: what all readers agree on, and what not.

use serde_json::json;

use super::{codes, value};
use crate::diag::Code::{YamlAmbiguous, YamlNumber};

#[test]
fn agreed_scalars_have_their_value() {
    let cases = [
        ("~", json!(null)),
        ("null", json!(null)),
        ("Null", json!(null)),
        ("NULL", json!(null)),
        ("true", json!(true)),
        ("True", json!(true)),
        ("FALSE", json!(false)),
        ("0", json!(0)),
        ("-0", json!(0)),
        ("12", json!(12)),
        ("+12", json!(12)),
        ("-12", json!(-12)),
        ("18446744073709551615", json!(u64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("0.5", json!(0.5)),
        ("-1.25", json!(-1.25)),
        ("1.", json!(1.0)),
        ("1.0e+3", json!(1000.0)),
        ("1.5E-3", json!(0.0015)),
    ];
    for (text, expected) in cases {
        assert_eq!(value(&format!("a: {text}\n"))["a"], expected, "{text}");
        assert_eq!(value(&format!("a: [{text}]\n"))["a"][0], expected, "{text}");
        assert_eq!(value(&format!("a: '{text}'\n"))["a"], json!(text), "{text}");
    }
}

#[test]
fn ambiguous_scalars_are_refused_and_accepted_in_quotes() {
    let cases = "y Y n N yes Yes YES yEs no No NO nO on On ON off Off OFF oFF tRUE fALSE nULL \
        00 017 -017 +017 018 089 0_7 007 0o17 0O17 -0o17 0o-7 0b1 0B1 -0b1 0b_1 0b-1 0x1F 0X1f -0x1F 0x_1 0x_ \
        1_000 1__0 1_ +_ -_1 1_000.5 1.0_0 1,000 80,443 1,000.5 ._1 \
        .5 -.5 +.5 .5e3 1e3 1E3 1e+3 1.5e3 12e03 7e10 00e1 \
        1:30 -1:30 0:30 12:30:45 1:30.5 190:20:30.15 12:34:56:10 1_1:30 \
        2001-01-01 2001-1-1 2001-12-14t21:59:43.10-05:00 '2001-12-14 21:59:43.10 -5' 2001-01-01T00:00:00Z = <<";
    let mut rest = cases;
    let mut count = 0;
    while !rest.is_empty() {
        let (case, behind) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap(),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        rest = behind.trim_start();
        assert_eq!(codes(&format!("a: {case}\n")), [YamlAmbiguous], "{case}");
        assert_eq!(value(&format!("a: \"{case}\"\n"))["a"], json!(case));
        assert_eq!(value(&format!("a: |-\n  {case}\n"))["a"], json!(case));
        count += 1;
    }
    assert!(count > 70, "only {count} cases were split from the list");
}

#[test]
fn numbers_that_json_lacks_are_refused() {
    for text in [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "18446744073709551616", "-9223372036854775809", "1.0e+400"] {
        assert_eq!(codes(&format!("a: {text}\n")), [YamlNumber], "{text}");
    }
}

#[test]
fn text_is_text() {
    for text in [
        "a",
        "yess",
        "nil",
        "None",
        "0xg",
        "0x",
        "0o8",
        "0b2",
        "1.2.3",
        "1.2.3.4",
        "1e",
        "1e+",
        "e1",
        "1:60",
        "1:300",
        "1::2",
        "8080:80",
        "12:",
        "1-2",
        "2001-01",
        "2001-01-01x",
        "2001-001-01",
        "2001-01-01 is a date",
        "-",
        "--",
        "-a",
        "+",
        ".",
        "..",
        ".a",
        "+.",
        "inf",
        "nan",
        "-inf",
        "1s",
        "1 000",
        "0192f0c1-aaaa",
        "==",
        "<<<",
        "~x",
    ] {
        if !matches!(text, "12:" | "-") {
            assert_eq!(value(&format!("a: {text}\n"))["a"], json!(text), "{text}");
        }
        assert_eq!(super::super::ambiguous::resolve(text), super::super::ambiguous::Plain::Text, "{text}");
    }
}
