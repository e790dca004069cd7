//! Resources of one kind on one connection: looked at together, decided one by one, worked on side by side.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use futures::{
    StreamExt,
    future::{LocalBoxFuture, join_all},
    stream,
};
use tokio::time::Instant;

use super::{
    Look, Observe, Perform, Probe, Trouble, TroubleKind,
    gate::{Gate, Outcome, PER_CONNECTION},
    isolation::{Finding, Matrix, Named, Tries},
    listing::Listings,
    member::{Member, Progress, Stake, told},
    points::{self, Side},
    report::{Event, ResourceReport, StepOutcome, StepReport, TroubleReport, Watch},
    run::Settings,
    service::Answers,
    store::Store,
};
use crate::{
    provision::Wanted,
    steps::{Action, Kind, Standing, credential, credential::CredentialAction},
};

/// What the loop does with a group, whatever its kind.
pub trait Group {
    /// Looks at all members, or at those that something was done or failed for. Credentials are read, or only looked for
    /// in the listings of their stores.
    fn observe<'a>(&'a mut self, listings: Option<&'a Listings>, all: bool) -> LocalBoxFuture<'a, ()>;

    /// Returns the entries of secret stores that belong to members.
    fn entries(&self) -> Vec<(Rc<dyn Store>, String)>;

    /// Decides for all members that were seen; returns the tenants that something was refused for.
    fn decide(&mut self, settings: &Settings) -> BTreeSet<String>;

    /// Returns whether something was refused that only one look has shown.
    fn has_doubts(&self) -> bool;

    /// Returns whether another round can bring something, tenants that are held back left out.
    fn is_open(&self, held_back: &BTreeSet<String>) -> bool;

    /// Says of what is still not as wanted that it is so.
    fn give_up(&mut self, held_back: &BTreeSet<String>);

    /// Performs what was decided, each member's steps in order.
    fn perform<'a>(
        &'a mut self,
        settings: &'a Settings,
        gate: &'a Gate,
        watch: &'a dyn Watch,
    ) -> LocalBoxFuture<'a, ()>;

    /// Takes back, newest first, what this run created for `tenants`.
    fn roll_back<'a>(&'a mut self, settings: &'a Settings, tenants: &'a BTreeSet<String>) -> LocalBoxFuture<'a, ()>;

    /// Tries the credentials of `tenants` on their own and on all others' resources of the group.
    fn probe<'a>(&'a mut self, tenants: &'a BTreeSet<String>) -> Tries<'a>;

    /// Returns what was seen and done.
    fn report(&self) -> Vec<ResourceReport>;

    /// Returns the kind of its members.
    fn kind(&self) -> crate::provision::Kind;

    /// Returns tenants with a member that is not as wanted.
    fn unsettled(&self) -> BTreeSet<String>;
}

/// Resources of one kind on one connection, with the observer and the performer of that connection.
pub(super) struct KindGroup<K: Kind, O, P, T> {
    pub(super) observer: O,
    pub(super) performer: P,
    pub(super) prober: T,
    pub(super) members: Vec<Member<K>>,
}

impl<K: Kind, O: Observe<K>, P: Perform<K>, T: Probe<K>> KindGroup<K, O, P, T> {
    /// Does the steps of one member, and tells the others what came of it.
    async fn chain(member: &mut Member<K>, performer: &P, settings: &Settings, gate: &Gate, watch: &dyn Watch) {
        let key = (member.claim.tenant.clone(), member.wanted.id.clone());
        let outcome = Self::steps(member, performer, settings, gate, watch).await;
        watch.event(Event::Settled { tenant: &key.0, id: &key.1 });
        gate.tell(key, outcome);
    }

    async fn steps(
        member: &mut Member<K>,
        performer: &P,
        settings: &Settings,
        gate: &Gate,
        watch: &dyn Watch,
    ) -> Outcome {
        if member.progress.trouble.is_some() || gate.held_back.contains(&member.claim.tenant) {
            return Outcome::Failed;
        }
        let (credential, actions) = std::mem::take(&mut member.progress.decided);
        if credential.is_empty() && actions.is_empty() {
            return Outcome::Done;
        }
        if let Some(id) = gate.wait_for(&member.claim.tenant, &member.after).await {
            let message = format!("waits for `{id}`, which is not as wanted yet");
            member.progress.trouble =
                Some(TroubleReport { message, help: "mend that one first".to_owned(), passes: true });
            return Outcome::Failed;
        }
        let bound = gate.of_connection(&member.wanted.connection);
        let Ok(_permit) = bound.acquire().await else { return Outcome::Failed };
        member.progress.touched = true;
        let (is_contested, makes_anew) = (K::is_contested(&actions), K::makes_anew(&actions));
        let is_forgotten_first = points::planted("forget-first");
        let (first, last): (Vec<_>, Vec<_>) = credential
            .into_iter()
            .partition(|action| !matches!(action, CredentialAction::Forget { .. }) || is_forgotten_first);
        for action in &first {
            if !Self::store_step(member, action, Stake { is_contested, makes_anew }, settings, gate, watch).await {
                return Outcome::Failed;
            }
        }
        for action in &actions {
            if gate.stop.is_asked() {
                return Outcome::Failed;
            }
            points::pass(action.name(), Side::Before);
            let result = performer.perform(member.look(), action).await;
            points::pass(action.name(), Side::After);
            let result = match result {
                Ok(answers) => member.keep(answers, is_contested, settings).await,
                Err(trouble)
                    if matches!(trouble.kind(), TroubleKind::Unreachable | TroubleKind::Deadline)
                        && points::planted("reply-trusted") =>
                {
                    Ok(())
                }
                Err(trouble) => Err(trouble),
            };
            if result.is_err() && points::planted("rollback-drops-what-it-found") {
                member.progress.done.push(action.clone());
            }
            if !Self::ended(member, action, result, watch) {
                return Outcome::Failed;
            }
            member.progress.done.push(action.clone());
        }
        if points::planted("generate-before-store") {
            member.store_late().await;
        }
        for action in &last {
            if !Self::store_step(member, action, Stake::default(), settings, gate, watch).await {
                return Outcome::Failed;
            }
        }
        Outcome::Done
    }

    async fn store_step(
        member: &mut Member<K>,
        action: &CredentialAction,
        stake: Stake,
        settings: &Settings,
        gate: &Gate,
        watch: &dyn Watch,
    ) -> bool {
        if gate.stop.is_asked() {
            return false;
        }
        points::pass(action.name(), Side::Before);
        let result = member.credential(action, stake, settings).await;
        points::pass(action.name(), Side::After);
        Self::ended(member, action, result, watch)
    }

    /// Takes back what one action made. Answers that it brought go from the entry before what they speak of goes: another
    /// run may be about to make that anew, and finds none. They come back where it stays, which only a look can tell: of
    /// a request that was lost, nobody knows whether it was heard.
    async fn undo(
        member: &mut Member<K>,
        observer: &O,
        performer: &P,
        action: &K::Action,
        settings: &Settings,
    ) -> Result<(), Trouble> {
        let undo = K::undo(action);
        let answers = match K::makes_anew(std::slice::from_ref(action)) && !undo.is_empty() {
            true => member.take_out_answers(settings).await?,
            false => Answers::new(),
        };
        for undo in undo {
            points::pass(undo.name(), Side::Before);
            let result = performer.perform(member.look(), &undo).await;
            points::pass(undo.name(), Side::After);
            match result {
                Err(trouble) if trouble.kind() != TroubleKind::Exists => {
                    member.note(&undo, StepOutcome::Failed);
                    let seen = observer.observe(&[member.look()]).await.pop();
                    if seen.is_some_and(|seen| seen.is_ok_and(|seen| K::exists(member.asked(), &seen))) {
                        // The first trouble says more than a further one.
                        let _ = member.keep(answers, false, settings).await;
                    }
                    return Err(trouble);
                }
                Ok(_) | Err(_) => drop(member.note(&undo, StepOutcome::Undone)),
            }
        }
        Ok(())
    }

    fn ended(member: &mut Member<K>, action: &impl Action, result: Result<(), Trouble>, watch: &dyn Watch) -> bool {
        let outcome = if result.is_ok() { StepOutcome::Done } else { StepOutcome::Failed };
        let step = member.note(action, outcome);
        watch.event(Event::Step { tenant: &member.claim.tenant, id: &member.wanted.id, step: &step });
        match result {
            Ok(()) => true,
            Err(trouble) => {
                member.progress.trouble = Some(told(&trouble));
                false
            }
        }
    }
}

impl<K: Kind, O: Observe<K>, P: Perform<K>, T: Probe<K>> Group for KindGroup<K, O, P, T> {
    fn observe<'a>(&'a mut self, listings: Option<&'a Listings>, all: bool) -> LocalBoxFuture<'a, ()> {
        Box::pin(async move {
            let Self { observer, performer: _, prober: _, members } = self;
            let mut asked: Vec<&mut Member<K>> = members.iter_mut().filter(|member| all || member.has_news()).collect();
            asked.iter_mut().for_each(|member| member.begin_look());
            let start = Instant::now();
            match listings {
                Some(listings) => look_for_credentials(&mut asked, listings).await,
                None => read_credentials(&mut asked).await,
            }
            let credentials = start.elapsed();
            let ready: Vec<usize> = (0..asked.len()).filter(|at| asked[*at].progress.trouble.is_none()).collect();
            let looks: Vec<Look<'_, K::Spec>> = ready.iter().map(|at| asked[*at].look()).collect();
            if looks.is_empty() {
                return;
            }
            let seen = observer.observe(&looks).await;
            let (kind, looks, all) = (K::KIND.name(), looks.len(), start.elapsed());
            tracing::debug!(kind, looks, ?credentials, ?all, "looked");
            for (at, seen) in ready.into_iter().zip(seen) {
                let progress = &mut asked[at].progress;
                match seen {
                    Ok(seen) => progress.seen = Some(seen),
                    Err(trouble) => (progress.seen, progress.trouble) = (None, Some(told(&trouble))),
                }
            }
        })
    }

    fn entries(&self) -> Vec<(Rc<dyn Store>, String)> {
        let entry =
            |member: &Member<K>| Some((Rc::clone(member.store.as_ref()?), member.wanted.secret.as_ref()?.key.clone()));
        self.members.iter().filter_map(entry).collect()
    }

    fn decide(&mut self, settings: &Settings) -> BTreeSet<String> {
        for member in &mut self.members {
            member.decide(settings);
        }
        let refused = self.members.iter().filter(|member| member.progress.refusal.is_some());
        refused.map(|member| member.claim.tenant.clone()).collect()
    }

    fn has_doubts(&self) -> bool {
        self.members.iter().any(Member::is_doubtful)
    }

    fn is_open(&self, held_back: &BTreeSet<String>) -> bool {
        self.members.iter().filter(|member| !held_back.contains(&member.claim.tenant)).any(Member::is_open)
    }

    fn give_up(&mut self, held_back: &BTreeSet<String>) {
        for member in self.members.iter_mut().filter(|member| !held_back.contains(&member.claim.tenant)) {
            if member.is_open() && member.progress.trouble.is_none() {
                let unfinished = || TroubleReport {
                    message: "is still not as wanted after every step was done".to_owned(),
                    help: "something else changes it, or the server takes settings without keeping them".to_owned(),
                    passes: true,
                };
                // Where the last round failed, what it failed of says more.
                member.progress.trouble = Some(member.progress.earlier.take().unwrap_or_else(unfinished));
            }
        }
    }

    fn perform<'a>(
        &'a mut self,
        settings: &'a Settings,
        gate: &'a Gate,
        watch: &'a dyn Watch,
    ) -> LocalBoxFuture<'a, ()> {
        let Self { observer: _, performer, prober: _, members } = self;
        Box::pin(async move {
            join_all(members.iter_mut().map(|member| Self::chain(member, performer, settings, gate, watch))).await;
        })
    }

    fn roll_back<'a>(&'a mut self, settings: &'a Settings, tenants: &'a BTreeSet<String>) -> LocalBoxFuture<'a, ()> {
        let Self { observer, performer, prober: _, members } = self;
        Box::pin(async move {
            for member in members.iter_mut().filter(|member| tenants.contains(&member.claim.tenant)) {
                for action in std::mem::take(&mut member.progress.done).iter().rev() {
                    if settings.stop.is_asked() {
                        return;
                    }
                    // What cannot be taken back stays claimed; the next run finds it.
                    if let Err(trouble) = Self::undo(member, observer, performer, action, settings).await {
                        member.progress.trouble.get_or_insert(told(&trouble));
                        break;
                    }
                }
            }
        })
    }

    fn probe<'a>(&'a mut self, tenants: &'a BTreeSet<String>) -> Tries<'a> {
        Box::pin(async move {
            let Self { observer: _, performer: _, prober, members } = self;
            let mut mine: Vec<&mut Member<K>> = members.iter_mut().collect();
            read_credentials(&mut mine).await;
            let members: &Vec<Member<K>> = members;
            // Without a stored credential there is nothing to try, and nothing that could be reached yet.
            let made: Vec<&Member<K>> = members.iter().filter(|member| member.progress.entry.is_some()).collect();
            let tried =
                made.iter().copied().filter(|member| tenants.is_empty() || tenants.contains(&member.claim.tenant));
            let tries = tried.map(async |own| {
                let others = made.iter().copied().filter(|other| other.claim.tenant != own.claim.tenant);
                let targets: Vec<&Member<K>> = [own].into_iter().chain(others).collect();
                let wanted: Vec<&Wanted<K::Spec>> = targets.iter().map(|target| &target.wanted).collect();
                (own, prober.probe(own.look(), &wanted).await, targets)
            });
            let mut matrix = Matrix::default();
            for unread in members.iter() {
                if let Some(trouble) = &unread.progress.trouble {
                    matrix.unknown.push(Finding { message: trouble.message.clone(), ..tried_on(unread, unread) });
                }
            }
            let mut tries = stream::iter(tries).buffer_unordered(PER_CONNECTION);
            while let Some((own, found, targets)) = tries.next().await {
                match found {
                    Ok(found) => {
                        for (target, access) in targets.into_iter().zip(found) {
                            matrix.add(tried_on(own, target), access);
                        }
                    }
                    Err(trouble) => matrix.add(tried_on(own, own), Err(trouble)),
                }
            }
            matrix
        })
    }

    fn report(&self) -> Vec<ResourceReport> {
        self.members.iter().map(report).collect()
    }

    fn kind(&self) -> crate::provision::Kind {
        K::KIND
    }

    fn unsettled(&self) -> BTreeSet<String> {
        let unsettled = self.members.iter().filter(|member| {
            let Progress { trouble, decided, .. } = &member.progress;
            trouble.is_some() || !decided.0.is_empty() || !decided.1.is_empty()
        });
        unsettled.map(|member| member.claim.tenant.clone()).collect()
    }
}

fn tried_on<K: Kind>(own: &Member<K>, target: &Member<K>) -> Finding {
    let named = |member: &Member<K>| Named {
        tenant: member.claim.tenant.clone(),
        id: member.wanted.id.clone(),
        name: member.wanted.name.clone(),
    };
    Finding {
        kind: K::KIND,
        connection: own.wanted.connection.clone(),
        credential: named(own),
        target: named(target),
        message: String::new(),
    }
}

/// Reads the credentials of members.
async fn read_credentials<K: Kind>(members: &mut [&mut Member<K>]) {
    // A store that did not answer once is not waited for again and again in one look.
    let silent: RefCell<Vec<(Rc<dyn Store>, Trouble)>> = RefCell::default();
    let reads = members.iter_mut().map(async |member| {
        let known = member.store.as_ref().and_then(|own| {
            let silent = silent.borrow();
            silent.iter().find(|(store, _)| Rc::ptr_eq(store, own)).map(|(_, trouble)| trouble.again())
        });
        let read = match known {
            Some(trouble) => Err(trouble),
            None => member.read_credential().await,
        };
        let Err(trouble) = read else { return };
        member.progress.trouble = Some(told(&trouble));
        if let (TroubleKind::Deadline, Some(store)) = (trouble.kind(), &member.store) {
            silent.borrow_mut().push((Rc::clone(store), trouble));
        }
    });
    // A store is asked for some at a time: each call has a deadline, and a connection of its own.
    stream::iter(reads).for_each_concurrent(PER_CONNECTION, |read| read).await;
}

/// Looks which credentials of members their stores have.
async fn look_for_credentials<K: Kind>(members: &mut [&mut Member<K>], listings: &Listings) {
    for member in members {
        let (Some(secret), Some(store)) = (&member.wanted.secret, &member.store) else { continue };
        let Some(listing) = listings.of(store).await else { continue };
        match listing.as_ref() {
            Ok(present) if present.contains(&secret.key) => {
                member.progress.credential = credential::Seen::COMPLETE;
            }
            Ok(_) => member.progress.credential = credential::Seen::Absent,
            Err(trouble) => member.progress.trouble = Some(told(trouble)),
        }
    }
}

fn report<K: Kind>(member: &Member<K>) -> ResourceReport {
    let Member { wanted, claim, store: _, after, progress } = member;
    let planned = |action: &dyn std::fmt::Display, verb, name: &str| StepReport {
        verb,
        action: name.to_owned(),
        text: action.to_string(),
        outcome: StepOutcome::Planned,
    };
    let (credential, actions) = &progress.decided;
    let left = credential.iter().map(|action| planned(action, action.verb(), action.name()));
    let left = left.chain(actions.iter().map(|action| planned(action, action.verb(), action.name())));
    ResourceReport {
        tenant: claim.tenant.clone(),
        id: wanted.id.clone(),
        kind: K::KIND,
        name: wanted.name.clone(),
        connection: wanted.connection.clone(),
        standing: progress.standing.unwrap_or(Standing::Unreachable),
        after: after.iter().cloned().collect(),
        steps: progress.steps.iter().cloned().chain(left).collect(),
        trouble: progress.trouble.clone(),
    }
}
