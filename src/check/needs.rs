//! Rules on the order among `httpResource`s: each `after` names another one of the tier, and they form no circle.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    places::{Finder, below},
    shape::shown,
    suggest,
};
use crate::{
    diag::Code,
    provision::http::{HttpResourceSpec, Need},
};

/// The ids of a tier's `httpResource`s, and what each comes after.
pub(super) type Order = BTreeMap<String, BTreeSet<String>>;

/// Finds what is wrong with what one of them comes after.
pub(super) fn check(finder: &mut Finder<'_>, id: &str, spec: &HttpResourceSpec, order: &Order) {
    for (name, Need { after, lookup: _ }) in &spec.needs {
        let Some(after) = after else { continue };
        let at = below(&below("/needs", name), "after");
        if !order.contains_key(after) {
            let message = format!("{} is no `httpResource` of this tier", shown(after));
            let others = order.keys().map(String::as_str).filter(|other| *other != id);
            let help = suggest::help(after, "others", others, "take `after` out: there is no other");
            finder.value(Code::UnknownNeed, &at, message, help);
        } else if reaches(after, id, order, &mut BTreeSet::new()) {
            let message = format!("{} comes after this one itself", shown(after));
            finder.value(Code::UnknownNeed, &at, message, "take one `after` out of the circle");
        }
    }
}

fn reaches<'o>(from: &'o str, to: &str, order: &'o Order, passed: &mut BTreeSet<&'o str>) -> bool {
    from == to
        || passed.insert(from)
            && order.get(from).is_some_and(|next| next.iter().any(|next| reaches(next, to, order, passed)))
}
