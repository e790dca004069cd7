//! What the findings of the reader say.

use super::{
    ambiguous::{Ambiguity, Plain, Unfit},
    characters::shown,
    events::ErrorKind,
    write,
};
use crate::diag::Code;

/// A finding without its place.
pub(super) struct Fault {
    pub code: Code,
    pub message: String,
    pub help: String,
}

fn fault(code: Code, message: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault { code, message: message.into(), help: help.into() }
}

pub(super) fn too_large(bytes: usize, most: usize) -> Fault {
    fault(
        Code::FileTooLarge,
        format!("the text has {bytes} bytes, more than {most}"),
        "split it, or move long texts elsewhere",
    )
}

pub(super) fn too_deep(most: usize) -> Fault {
    fault(Code::YamlTooDeep, format!("nested deeper than {most} levels"), "flatten the structure")
}

pub(super) fn too_many_nodes(most: usize) -> Fault {
    fault(Code::YamlTooDeep, format!("more than {most} keys and values"), "split the file")
}

pub(super) fn empty() -> Fault {
    fault(Code::YamlSyntax, "the file holds no value", "write the resource, or delete the file")
}

pub(super) fn raw_character(c: char) -> Fault {
    fault(
        Code::ForbiddenCharacter,
        format!("the character U+{:04X} is not allowed in YAML", u32::from(c)),
        "remove it; editors show it when asked for invisible characters",
    )
}

pub(super) fn escaped_character(c: char) -> Fault {
    fault(
        Code::ForbiddenCharacter,
        format!("an escape stands for the character U+{:04X}", u32::from(c)),
        "remove the escape: control, invisible and private-use characters are refused however they are written",
    )
}

pub(super) fn second_document() -> Fault {
    fault(Code::YamlForbidden, "a second document begins here", "keep one document in a file")
}

pub(super) fn anchor(name: &str) -> Fault {
    let anchor = shown(&format!("&{name}"));
    fault(Code::YamlForbidden, format!("the anchor {anchor} is not allowed"), "write the value out where it is needed")
}

pub(super) fn alias(source: &str) -> Fault {
    let alias = shown(source);
    fault(Code::YamlForbidden, format!("the alias {alias} is not allowed"), "write the value out where it is needed")
}

pub(super) fn tag(source: &str) -> Fault {
    let tag = shown(source);
    fault(Code::YamlForbidden, format!("the tag {tag} is not allowed"), "remove the tag; quote the value if it is text")
}

pub(super) fn complex_key() -> Fault {
    fault(Code::YamlForbidden, "the key is not a string on one line", "write a plain or quoted string as the key")
}

pub(super) fn duplicate_key(key: &str) -> Fault {
    fault(Code::YamlDuplicateKey, format!("the key {} is given twice", shown(key)), "keep one of the two")
}

/// Returns what is wrong with a plain key, if anything: keys are strings for every reader.
pub(super) fn key(text: &str, meaning: &Plain, left_out: bool) -> Option<Fault> {
    let kind = match meaning {
        Plain::Text => return None,
        _ if left_out => {
            return Some(fault(Code::YamlAmbiguous, "the key is empty", "write a key in front of the colon"));
        }
        _ if text == "<<" => {
            return Some(fault(
                Code::YamlForbidden,
                "the merge key `<<` is not allowed",
                "write the merged keys out where they are needed",
            ));
        }
        Plain::Null => "null for YAML readers",
        Plain::Bool(_) => "a boolean for YAML readers",
        Plain::Number(_) | Plain::Unfit(_) => "a number for YAML readers",
        Plain::Ambiguous(_) => "not text for every YAML reader",
    };
    Some(fault(
        Code::YamlAmbiguous,
        format!("the key {} is {kind}", shown(text)),
        format!("quote the key: {}", quoted(text)),
    ))
}

pub(super) fn unfit_number(text: &str, unfit: Unfit) -> Fault {
    let (what, help) = match unfit {
        Unfit::NotFinite => ("is not a finite number", "write a finite number"),
        Unfit::TooLarge => ("does not fit into 64 bits", "write a smaller number"),
    };
    fault(
        Code::YamlNumber,
        format!("{} {what}", shown(text)),
        format!("{help}, or {} if the text is meant", quoted(text)),
    )
}

pub(super) fn ambiguous(text: &str, ambiguity: Ambiguity) -> Fault {
    let (what, instead) = match ambiguity {
        Ambiguity::Boolean(value) => (
            format!("{value} for YAML 1.1 readers and text for YAML 1.2 readers"),
            format!("or {value} for the boolean"),
        ),
        Ambiguity::Null => {
            ("null for some YAML readers and text for others".to_owned(), "or null for no value".to_owned())
        }
        Ambiguity::Integer => {
            ("not the same number for all YAML readers".to_owned(), "or the number in plain decimal digits".to_owned())
        }
        Ambiguity::Decimal => (
            "a number for some YAML readers and text for others".to_owned(),
            "or the number in plain decimal, such as 0.5".to_owned(),
        ),
        Ambiguity::Sexagesimal => (
            "a number to the base of 60 for YAML 1.1 readers and text for YAML 1.2 readers".to_owned(),
            "or the number in plain decimal digits".to_owned(),
        ),
        Ambiguity::Time => ("a time for YAML 1.1 readers and text for YAML 1.2 readers".to_owned(), String::new()),
        Ambiguity::Sign => {
            ("a special value for YAML 1.1 readers and text for YAML 1.2 readers".to_owned(), String::new())
        }
    };
    let instead = if instead.is_empty() { instead } else { format!(", {instead}") };
    fault(
        Code::YamlAmbiguous,
        format!("{} is {what}", shown(text)),
        format!("write {} for the text{instead}", quoted(text)),
    )
}

/// Returns the text as it may be written in quotes; only short ones are repeated.
fn quoted(text: &str) -> String {
    /// Longer scalars than this are not read in a line of help.
    const LONGEST: usize = 40;
    if text.len() > LONGEST {
        return "it in double quotes".to_owned();
    }
    let mut out = String::new();
    write::quote(&mut out, text);
    out
}

/// Returns what a fault of the parser means to the writer of a file; `depth` is the limit in force.
pub(super) fn syntax(kind: &ErrorKind, depth: usize) -> Fault {
    let help = match kind {
        ErrorKind::RecursionLimitExceeded => return too_deep(depth),
        ErrorKind::DirectiveDisallowed => {
            return fault(Code::YamlForbidden, "a directive is not allowed", "remove the line that starts with `%`");
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::InvalidBlockEntryWhitespace => "indent with spaces, never with tabs",
        ErrorKind::UnexpectedCharacter { .. } => "quote the value: a plain one cannot start with this character",
        ErrorKind::MappingValueNotAllowed => "quote the value if it holds `: `, or check the indentation",
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => "write `key: value`, or check the indentation",
        ErrorKind::UnclosedQuotedScalar => "close the quote",
        ErrorKind::UnknownQuotedScalarEscape => "write `\\\\` for a backslash, or use single quotes",
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::MisplacedFlowCollectionEnd
        | ErrorKind::MismatchedFlowCollectionEnd { .. } => "close each bracket once, in order",
        ErrorKind::ExpectedDocumentStart => {
            return fault(
                Code::YamlSyntax,
                "text behind the end of the value",
                "check the indentation and the quotes; write a space behind the colon of a key",
            );
        }
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::InvalidBlockScalarIndent => {
            "check the indentation: two spaces a level, the same for all keys of a map"
        }
        _ => "check the quotes, brackets and indentation at this place",
    };
    fault(Code::YamlSyntax, kind.to_string(), help)
}
