//! The loop: observe, decide, perform, observe again, until nothing is left to decide.

use std::collections::BTreeSet;

use futures::future::{LocalBoxFuture, join_all};

use super::{
    Secret, Trouble,
    gate::{Gate, Stop},
    group::Group,
    listing::Listings,
    points,
    report::{ResourceReport, Watch},
};
use crate::steps::Allow;

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Make reality match the documents.
    Apply,
    /// Take everything of the documents' tenants away.
    Destroy,
}

/// How closely things are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Credentials are read and proven by logins.
    Proven,
    /// Credentials need only be there: for looking at thousands of tenants.
    Bulk,
}

/// What a run may do, and how it looks.
pub struct Settings {
    /// What it is for.
    pub purpose: Purpose,
    /// How closely things are looked at.
    pub depth: Depth,
    /// What is allowed beyond the ordinary.
    pub allow: Allow,
    /// Whether what this run created is taken back where a tenant could not be finished.
    pub roll_back: bool,
    /// Makes generated texts.
    pub make: fn(u16) -> Result<Secret, Trouble>,
    /// The wish to stop.
    pub stop: Stop,
    /// Waits before the n-th further look; at once where nothing is to be waited for.
    pub pause: fn(usize) -> LocalBoxFuture<'static, ()>,
}

/// How often what is not as wanted yet is looked at and worked on again. The second round is the proof; further ones
/// are for lost replies and lost races.
const ROUNDS: usize = 5;

/// Looks, and decides what would be done. Writes nothing.
pub async fn plan(groups: &mut [Box<dyn Group>], settings: &Settings) -> Vec<ResourceReport> {
    observe(groups.iter_mut(), settings, true).await;
    decide(groups, settings).await;
    reports(groups)
}

/// Makes reality match.
///
/// Where something of a tenant is not ours, nothing of that tenant is changed.
pub async fn apply(groups: &mut [Box<dyn Group>], settings: &Settings, watch: &dyn Watch) -> Vec<ResourceReport> {
    // observe (reads)
    observe(groups.iter_mut(), settings, true).await;
    for round in 1..=ROUNDS {
        let held_back = decide(groups, settings).await;
        let held_back = if points::planted("held-back-ignored") { BTreeSet::new() } else { held_back };
        let open = groups.iter().any(|group| group.is_open(&held_back));
        if round == ROUNDS && open {
            groups.iter_mut().for_each(|group| group.give_up(&held_back));
        }
        if !open || settings.stop.is_asked() || round == ROUNDS {
            break;
        }
        // perform (writes), each step at most once a round
        let gate = Gate::new(held_back, settings.stop.clone());
        join_all(groups.iter_mut().map(|group| group.perform(settings, &gate, watch))).await;
        if points::planted("second-look-skipped") || points::planted("reply-trusted") {
            break;
        }
        if round > 1 {
            (settings.pause)(round).await;
        }
        // observe again: what was done is believed when it is seen
        observe(groups.iter_mut(), settings, false).await;
    }
    if settings.roll_back {
        roll_back(groups, settings).await;
    }
    reports(groups)
}

/// Looks at the members of groups side by side, at all of them or where there is news.
async fn observe(groups: impl Iterator<Item = &mut Box<dyn Group>>, settings: &Settings, all: bool) {
    let groups: Vec<_> = groups.collect();
    let listings = match settings.depth {
        Depth::Proven => None,
        Depth::Bulk => Some(Listings::new(groups.iter().flat_map(|group| group.entries()))),
    };
    join_all(groups.into_iter().map(|group| group.observe(listings.as_ref(), all))).await;
}

/// Decides, without I/O; returns the tenants that something was refused for.
///
/// What is refused is looked at once more first, from its credential on: where an object gets its claim after it was
/// made, or is proven by a credential, another run that was in between is no stranger.
async fn decide(groups: &mut [Box<dyn Group>], settings: &Settings) -> BTreeSet<String> {
    let refused = groups.iter_mut().flat_map(|group| group.decide(settings)).collect();
    if !groups.iter().any(|group| group.has_doubts()) {
        return refused;
    }
    (settings.pause)(1).await;
    observe(groups.iter_mut().filter(|group| group.has_doubts()), settings, false).await;
    groups.iter_mut().flat_map(|group| group.decide(settings)).collect()
}

/// Takes back what this run created for tenants that could not be finished: users before what they use.
async fn roll_back(groups: &mut [Box<dyn Group>], settings: &Settings) {
    let tenants: BTreeSet<String> = groups.iter().flat_map(|group| group.unsettled()).collect();
    if tenants.is_empty() {
        return;
    }
    let mut order: Vec<&mut Box<dyn Group>> = groups.iter_mut().collect();
    order.sort_by_key(|group| std::cmp::Reverse(crate::steps::order::rank(group.kind())));
    for group in order {
        group.roll_back(settings, &tenants).await;
    }
}

fn reports(groups: &[Box<dyn Group>]) -> Vec<ResourceReport> {
    let mut reports: Vec<ResourceReport> = groups.iter().flat_map(|group| group.report()).collect();
    reports.sort_by(|one, other| (&one.tenant, &one.id).cmp(&(&other.tenant, &other.id)));
    reports
}
