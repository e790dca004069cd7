//! What is wrong with an object, and where in it.

use std::fmt::Write as _;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// A field that the schema does not have.
    UnknownField,
    /// A field that must be there and is not.
    MissingField,
    /// A value of another type.
    WrongType,
    /// A word that is not one of the allowed ones.
    NotOneOf,
    /// A number outside its bounds.
    OutOfRange,
    /// Too few or too many items, characters or fields.
    WrongLength,
    /// A text of the wrong form: a pattern, a quantity, base64.
    WrongForm,
    /// Two items of a list with the same key.
    Duplicate,
    /// A value that breaks an `allOf`, `anyOf`, `oneOf` or `not` of its schema.
    Combination,
    /// A name that the API server refuses for this kind.
    InvalidName,
    /// A label or an annotation that the API server refuses.
    InvalidLabel,
    /// An apiVersion that clusters no longer serve.
    RetiredVersion,
    /// A kind without a schema, or an object that does not say what it is.
    UnknownKind,
    /// More levels than any real object has.
    TooDeep,
}

/// One fault of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where: a JSON pointer (RFC 6901) into the object.
    pub path: String,
    /// What kind of thing is wrong.
    pub kind: FaultKind,
    /// What is wrong: lower case, no full stop, with the offending value.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// The way from the root of an object to a value, kept on the stack: it costs nothing until a fault asks for it.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Item(usize),
}

impl<'a> Path<'a> {
    pub(super) const ROOT: Path<'static> = Path { parent: None, step: Step::Root };

    pub(super) fn field(&'a self, name: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Field(name) }
    }

    pub(super) fn item(&'a self, index: usize) -> Path<'a> {
        Path { parent: Some(self), step: Step::Item(index) }
    }

    /// Returns the JSON pointer.
    pub(super) fn pointer(&self) -> String {
        let mut steps = Vec::new();
        let mut at = Some(self);
        while let Some(path) = at {
            steps.push(path.step);
            at = path.parent;
        }
        let mut pointer = String::new();
        for step in steps.iter().rev() {
            match step {
                Step::Root => {}
                Step::Field(name) => {
                    pointer.push('/');
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                }
                Step::Item(index) => {
                    // Writing to a string cannot fail.
                    let _ = write!(pointer, "/{index}");
                }
            }
        }
        pointer
    }

    /// Returns a fault at this place.
    pub(super) fn fault(&self, kind: FaultKind, message: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault { path: self.pointer(), kind, message: message.into(), help: help.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_escapes_slashes_and_tildes() {
        let metadata = Path::ROOT.field("metadata");
        let labels = metadata.field("labels");
        assert_eq!(labels.field("app.kubernetes.io/n~me").pointer(), "/metadata/labels/app.kubernetes.io~1n~0me");
        assert_eq!(labels.item(3).pointer(), "/metadata/labels/3");
        assert_eq!(Path::ROOT.pointer(), "");
    }
}
