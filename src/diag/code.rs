//! The codes of all rules: stable kebab-case names that users and pipelines may rely on.

use std::{fmt, str::FromStr};

use super::Severity;

/// Declares each code once: variant, kebab-case name, severity and the text of `check --explain`.
macro_rules! codes {
    ($($variant:ident $name:literal $severity:ident $explanation:literal)+) => {
        /// A rule, by its stable name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $explanation] $variant,)+
        }

        impl Code {
            /// All codes, in the order of their declaration.
            pub const ALL: &[Code] = &[$(Code::$variant,)+];

            /// Returns the kebab-case name.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)+ }
            }

            /// Returns how bad the finding is unless a user says otherwise.
            pub fn severity(self) -> Severity {
                match self { $(Code::$variant => Severity::$severity,)+ }
            }

            /// Returns what the rule demands and why, as `check --explain` prints it.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$variant => $explanation,)+ }
            }
        }
    };
}

codes! {
    // -- stage 1: bytes
    FileUnreadable "file-unreadable" Error
        "A file of the estate could not be read. Nothing is ever concluded from a file that cannot be read: the run stops before it could look like a deletion."
    FileTooLarge "file-too-large" Error
        "Files of an estate are at most 64 KiB. Larger ones are refused before they are parsed, so that one file cannot hold up a pipeline."
    FileNotUtf8 "file-not-utf8" Error
        "Files of an estate are UTF-8 text."
    ForbiddenCharacter "forbidden-character" Error
        "Control characters, NUL, bidirectional controls, byte order marks, private-use and default-ignorable characters are refused: they hide text from reviewers or change how a terminal, a YAML reader or a template shows it."
    FileNotRegular "file-not-regular" Error
        "Only regular files with mode 100644 are read: a symbolic link, a gitlink or an executable in the estate is refused, since it could reach files outside it."
    // -- stage 2: YAML
    YamlSyntax "yaml-syntax" Error
        "The file is not valid YAML."
    YamlDuplicateKey "yaml-duplicate-key" Error
        "A mapping holds the same key twice. YAML readers disagree on which one wins, so neither does here."
    YamlForbidden "yaml-forbidden" Error
        "Anchors, aliases, merge keys, tags, directives, further documents and keys that are lists, maps or blocks are refused: a reviewer must see what a file says without expanding it."
    YamlAmbiguous "yaml-ambiguous" Error
        "A plain scalar that YAML 1.1 and YAML 1.2 read differently (no, on, 017, 1:30, 1_000, a date) must be quoted, or written the way both agree on."
    YamlTooDeep "yaml-too-deep" Error
        "The file nests deeper than 16 levels or holds more than 5,000 nodes."
    YamlNumber "yaml-number" Error
        "A number must be finite, and an integer must fit into 64 bits: readers round, wrap or refuse others. Write a smaller one, or quote it if the text is meant."
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no rule is called `{0}`")]
pub struct UnknownCode(pub String);

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Code::ALL.iter().copied().find(|code| code.name() == text).ok_or_else(|| UnknownCode(text.to_owned()))
    }
}
