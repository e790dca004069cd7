//! Label selectors over labels of which some may not be known.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Answer;

/// Labels of a namespace or a Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels<'a> {
    known: BTreeMap<&'a str, &'a str>,
    /// Whether it has no others.
    all: bool,
    /// Values that a label, which is not known, does not have.
    never: Option<(&'a str, Vec<&'a str>)>,
}

impl<'a> Labels<'a> {
    /// Returns labels that are all there are.
    pub fn all(labels: Option<&'a Map<String, Value>>) -> Self {
        let texts = labels.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
        Self { known: texts.collect(), all: true, never: None }
    }

    /// Returns labels beside which there may be others.
    pub fn some(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self { known: labels.into_iter().collect(), all: false, never: None }
    }

    /// Sets a label.
    pub fn set(&mut self, key: &'a str, value: &'a str) {
        self.known.insert(key, value);
    }

    /// Says what the value of a label is not.
    pub(super) fn never(&mut self, key: &'a str, values: Vec<&'a str>) {
        self.never = Some((key, values));
    }

    /// Returns the labels that are known, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.known.iter().map(|(key, value)| (*key, *value))
    }

    fn is_one_of(&self, key: &str, values: &[&str]) -> Answer {
        match self.known.get(key) {
            Some(value) => values.contains(value).into(),
            None if self.all => Answer::No,
            None => match &self.never {
                Some((of, never)) if *of == key && values.iter().all(|value| never.contains(value)) => Answer::No,
                _ => Answer::Maybe,
            },
        }
    }

    fn has(&self, key: &str) -> Answer {
        match self.known.contains_key(key) {
            true => Answer::Yes,
            false if self.all => Answer::No,
            // A label that is said to have other values is there.
            false if self.never.as_ref().is_some_and(|(of, _)| *of == key) => Answer::Yes,
            false => Answer::Maybe,
        }
    }
}

/// A label selector. An empty one selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector<'a>(Vec<Requirement<'a>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Requirement<'a> {
    In(&'a str, Vec<&'a str>),
    NotIn(&'a str, Vec<&'a str>),
    Exists(&'a str),
    DoesNotExist(&'a str),
    /// An operator that the API does not have: the API server refuses it, and it selects nothing here.
    Nothing,
}

impl<'a> Selector<'a> {
    /// Reads `matchLabels` and `matchExpressions`; an absent selector is an empty one.
    pub fn read(selector: Option<&'a Value>) -> Self {
        let field = |name: &str| selector.and_then(|selector| selector.get(name));
        let labels = field("matchLabels").and_then(Value::as_object).into_iter().flatten();
        let wanted = labels.map(|(key, value)| match value.as_str() {
            Some(value) => Requirement::In(key, vec![value]),
            None => Requirement::Nothing,
        });
        let expressions = field("matchExpressions").and_then(Value::as_array).into_iter().flatten();
        Self(wanted.chain(expressions.map(Requirement::read)).collect())
    }

    /// Returns whether it has no condition.
    pub fn is_empty(&self) -> bool {
        let Self(requirements) = self;
        requirements.is_empty()
    }

    /// Returns whether it selects what has these labels.
    pub fn selects(&self, labels: &Labels<'_>) -> Answer {
        self.0.iter().map(|requirement| requirement.holds(labels)).min().unwrap_or(Answer::Yes)
    }
}

impl<'a> Requirement<'a> {
    fn read(expression: &'a Value) -> Self {
        let text = |field: &str| expression.get(field).and_then(Value::as_str);
        let Some(key) = text("key") else { return Requirement::Nothing };
        let values = || {
            let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
            values.filter_map(Value::as_str).collect()
        };
        match text("operator") {
            Some("In") => Requirement::In(key, values()),
            Some("NotIn") => Requirement::NotIn(key, values()),
            Some("Exists") => Requirement::Exists(key),
            Some("DoesNotExist") => Requirement::DoesNotExist(key),
            _ => Requirement::Nothing,
        }
    }

    fn holds(&self, labels: &Labels<'_>) -> Answer {
        match self {
            Requirement::In(key, values) => labels.is_one_of(key, values),
            Requirement::NotIn(key, values) => not(labels.is_one_of(key, values)),
            Requirement::Exists(key) => labels.has(key),
            Requirement::DoesNotExist(key) => not(labels.has(key)),
            Requirement::Nothing => Answer::No,
        }
    }
}

fn not(answer: Answer) -> Answer {
    match answer {
        Answer::No => Answer::Yes,
        Answer::Maybe => Answer::Maybe,
        Answer::Yes => Answer::No,
    }
}
