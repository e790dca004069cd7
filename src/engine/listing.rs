//! Which entries secret stores hold: asked once for all groups of a look, since tenants keep those of all kinds side by
//! side.

use std::{collections::BTreeSet, rc::Rc};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, Shared},
};

use super::{Trouble, store::Store};

/// What a store has of the entries that were asked for.
type Answer = Rc<Result<BTreeSet<String>, Trouble>>;

/// The question to a store, for whoever wants to know the answer.
type Listing = Shared<LocalBoxFuture<'static, Answer>>;

/// The listings of one look. A store is asked when the first group wants to know.
pub struct Listings(Vec<(Rc<dyn Store>, Listing)>);

impl Listings {
    /// Prepares the listings of stores for entries, each with the store that it belongs in.
    pub fn new(entries: impl Iterator<Item = (Rc<dyn Store>, String)>) -> Self {
        let mut of: Vec<(Rc<dyn Store>, BTreeSet<String>)> = Vec::new();
        for (store, key) in entries {
            match of.iter_mut().find(|(known, _)| Rc::ptr_eq(known, &store)) {
                Some((_, keys)) => drop(keys.insert(key)),
                None => of.push((store, BTreeSet::from([key]))),
            }
        }
        let listings = of.into_iter().map(|(store, keys)| {
            let asked = Rc::clone(&store);
            (store, async move { Rc::new(asked.present(&keys).await) }.boxed_local().shared())
        });
        Self(listings.collect())
    }

    /// Returns what a store has; nothing where no entry belongs in it.
    pub async fn of(&self, store: &Rc<dyn Store>) -> Option<Answer> {
        let (_, listing) = self.0.iter().find(|(known, _)| Rc::ptr_eq(known, store))?;
        Some(listing.clone().await)
    }
}
