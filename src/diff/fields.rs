//! Semantic comparison of two values: which fields differ, and how.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{
    change_set::{Change, FieldChange, Line, Sign},
    lists,
};

/// Unchanged lines shown around a changed one.
const CONTEXT: usize = 2;

/// Texts with more lines are shown as a whole: comparing them line by line takes time that grows with their square.
const LONGEST: usize = 20_000;

/// Returns the fields that differ, in the order of their keys; none if and only if the values are equal.
pub(super) fn changes(base: &Value, target: &Value) -> Vec<FieldChange> {
    let mut walk = Walk { path: String::new(), out: Vec::new() };
    walk.values(base, target, "");
    walk.out
}

/// Returns the comparison of two texts line by line.
pub(super) fn lines(base: &str, target: &str) -> Change {
    let (old, new): (Vec<&str>, Vec<&str>) = (base.split('\n').collect(), target.split('\n').collect());
    if old.len().max(new.len()) > LONGEST {
        return Change::Changed { from: base.into(), to: target.into() };
    }
    let ops = capture_diff_slices(Algorithm::Myers, &old, &new);
    let mut lines = Vec::new();
    let mut reached = 0;
    for group in similar::group_diff_ops(ops, CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        if first.old_range().start > reached {
            lines.push(Line { sign: Sign::Gap, text: String::new() });
        }
        reached = last.old_range().end;
        for op in &group {
            let (removed, added) = match op {
                DiffOp::Equal { .. } => (Sign::Kept, &[][..]),
                _ => (Sign::Removed, &new[op.new_range()]),
            };
            lines.extend(old[op.old_range()].iter().map(|text| Line { sign: removed, text: (*text).to_owned() }));
            lines.extend(added.iter().map(|text| Line { sign: Sign::Added, text: (*text).to_owned() }));
        }
    }
    if reached < old.len() {
        lines.push(Line { sign: Sign::Gap, text: String::new() });
    }
    Change::Lines { lines }
}

pub(super) struct Walk {
    path: String,
    out: Vec<FieldChange>,
}

impl Walk {
    /// Compares two values; `field` is the key that they, or the list that holds them, stand under.
    pub(super) fn values(&mut self, base: &Value, target: &Value, field: &str) {
        if base == target {
            return;
        }
        match (base, target) {
            (Value::Object(base), Value::Object(target)) => self.maps(base, target),
            (Value::Array(base), Value::Array(target)) => lists::compare(self, base, target, field),
            (Value::String(base), Value::String(target)) if base.contains('\n') || target.contains('\n') => {
                self.push(lines(base, target));
            }
            _ => self.push(Change::Changed { from: base.clone(), to: target.clone() }),
        }
    }

    fn maps(&mut self, base: &Map<String, Value>, target: &Map<String, Value>) {
        let keys: BTreeSet<&String> = base.keys().chain(target.keys()).collect();
        for key in keys {
            self.below(&segment(key), |walk| match (base.get(key), target.get(key)) {
                (Some(base), Some(target)) => walk.values(base, target, key),
                (None, Some(to)) => walk.push(Change::Added { to: to.clone() }),
                (Some(from), None) => walk.push(Change::Removed { from: from.clone() }),
                (None, None) => {}
            });
        }
    }

    /// Runs `then` with the path one segment longer.
    pub(super) fn below(&mut self, segment: &str, then: impl FnOnce(&mut Self)) {
        let before = self.path.len();
        if before > 0 && !segment.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(segment);
        then(self);
        self.path.truncate(before);
    }

    /// Records a change at the path reached.
    pub(super) fn push(&mut self, change: Change) {
        self.out.push(FieldChange { path: self.path.clone(), change });
    }
}

/// Returns a key as a segment of a path: as it is, or quoted in brackets where its signs would mislead.
pub(super) fn segment(key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'));
    if plain { key.to_owned() } else { format!("[{}]", Value::from(key)) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn paths(base: &Value, target: &Value) -> Vec<String> {
        changes(base, target).into_iter().map(|field| field.path).collect()
    }

    #[test]
    fn keys_with_signs_are_quoted() {
        let base = json!({"metadata": {"annotations": {"tenantry.dev/uid": "1"}}});
        let target = json!({"metadata": {"annotations": {"tenantry.dev/uid": "2"}}});
        assert_eq!(paths(&base, &target), [r#"metadata.annotations["tenantry.dev/uid"]"#]);
    }

    #[test]
    fn long_texts_are_compared_by_lines() {
        let base = "a\nb\nc\nd\ne\nf\n";
        let target = "a\nb\nc\nd\nE\nf\n";
        let Change::Lines { lines } = lines(base, target) else { panic!() };
        let shown: Vec<(Sign, &str)> = lines.iter().map(|line| (line.sign, line.text.as_str())).collect();
        assert_eq!(
            shown,
            [
                (Sign::Gap, ""),
                (Sign::Kept, "c"),
                (Sign::Kept, "d"),
                (Sign::Removed, "e"),
                (Sign::Added, "E"),
                (Sign::Kept, "f"),
                (Sign::Kept, "")
            ]
        );
    }

    #[test]
    fn a_lost_line_break_at_the_end_is_seen() {
        assert_eq!(paths(&json!({"a": "x\n"}), &json!({"a": "x"})), ["a"]);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3i64).prop_map(Value::from),
            "[ab\\n]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let keys = prop_oneof![Just("name"), Just("ports"), Just("port"), Just("a"), Just("x.y")];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(keys.prop_map(str::to_owned), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_change_if_and_only_if_equal(base in values(), target in values()) {
            prop_assert!(changes(&base, &base).is_empty());
            prop_assert_eq!(changes(&base, &target).is_empty(), base == target);
        }
    }
}
