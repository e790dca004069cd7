//! One resource of a group: what is wanted, what is known of it by now, and how its credential is kept.

use std::{collections::BTreeSet, rc::Rc};

use super::{
    Entry, Look, Trouble, TroubleKind,
    points::{self, Side},
    report::{StepOutcome, StepReport, TroubleReport},
    run::{Purpose, Settings},
    service::Answers,
    store::{Held, Store, Written},
};
use crate::{
    provision::{self, Wanted, secret::SecretField},
    steps::{
        Action, Allow, Asked, Kind, Refusal, Standing,
        claim::Claim,
        credential::{self, CredentialAction, TURN_FIELD},
    },
};

/// The length of the text that tells the turns of runs at an entry apart.
const TURN: u16 = 16;

/// What of an entry's answers is at stake when a credential is written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stake {
    /// See [`Kind::is_contested`].
    pub(super) is_contested: bool,
    /// See [`Kind::makes_anew`].
    pub(super) makes_anew: bool,
}

/// One resource of a group.
pub(super) struct Member<K: Kind> {
    pub(super) wanted: Wanted<K::Spec>,
    pub(super) claim: Claim,
    pub(super) store: Option<Rc<dyn Store>>,
    pub(super) after: BTreeSet<String>,
    pub(super) progress: Progress<K>,
}

/// What is known of a member by now.
pub(super) struct Progress<K: Kind> {
    pub(super) entry: Option<Entry>,
    pub(super) credential: credential::Seen,
    pub(super) seen: Option<K::Seen>,
    pub(super) trouble: Option<TroubleReport>,
    /// What kept the last round from being finished.
    pub(super) earlier: Option<TroubleReport>,
    pub(super) refusal: Option<Refusal>,
    /// Whether what was refused is looked at for the second time.
    pub(super) is_confirmed: bool,
    pub(super) standing: Option<Standing>,
    pub(super) decided: (Vec<CredentialAction>, Vec<K::Action>),
    pub(super) steps: Vec<StepReport>,
    pub(super) done: Vec<K::Action>,
    pub(super) touched: bool,
}

// Not derived: a derive would ask for `K: Default`.
impl<K: Kind> Default for Progress<K> {
    fn default() -> Self {
        Self {
            entry: None,
            credential: credential::Seen::NotWanted,
            seen: None,
            trouble: None,
            earlier: None,
            refusal: None,
            is_confirmed: false,
            standing: None,
            decided: (Vec::new(), Vec::new()),
            steps: Vec::new(),
            done: Vec::new(),
            touched: false,
        }
    }
}

impl<K: Kind> Member<K> {
    pub(super) fn asked(&self) -> Asked<'_, K::Spec> {
        let stored = matches!(self.progress.credential, credential::Seen::Present { .. } | credential::Seen::Deleted);
        Asked { wanted: &self.wanted, claim: &self.claim, stored }
    }

    pub(super) fn look(&self) -> Look<'_, K::Spec> {
        // Another tenant's credential proves nothing.
        let is_ours = matches!(self.progress.credential, credential::Seen::Present { .. });
        Look { asked: self.asked(), entry: self.progress.entry.as_ref().filter(|_| is_ours) }
    }

    /// Reads the credential, so that the observer can prove it.
    pub(super) async fn read_credential(&mut self) -> Result<(), Trouble> {
        let (Some(secret), Some(store)) = (&self.wanted.secret, &self.store) else { return Ok(()) };
        points::pass("read-credential", Side::Before);
        let held = store.read(&secret.key).await?;
        points::pass("read-credential", Side::After);
        (self.progress.entry, self.progress.credential) = match held {
            Held::Free => (None, credential::Seen::Absent),
            Held::Deleted => (None, credential::Seen::Deleted),
            Held::Entry(entry) => {
                let seen = entry.compare(secret, &self.claim);
                (Some(entry), seen)
            }
        };
        Ok(())
    }

    /// Whether another round can bring something.
    pub(super) fn is_open(&self) -> bool {
        let Progress { trouble, decided, .. } = &self.progress;
        match trouble {
            Some(trouble) => trouble.passes,
            None => !decided.0.is_empty() || !decided.1.is_empty(),
        }
    }

    /// Whether there is news to be had: something was done, failed in a way that passes, or was refused at first sight.
    pub(super) fn has_news(&self) -> bool {
        self.progress.touched && self.progress.trouble.is_none()
            || self.progress.trouble.as_ref().is_some_and(|trouble| trouble.passes)
            || self.is_doubtful()
    }

    pub(super) fn is_doubtful(&self) -> bool {
        self.progress.refusal.is_some() && !self.progress.is_confirmed
    }

    /// Forgets what was seen, to look again.
    pub(super) fn begin_look(&mut self) {
        let Progress { trouble, earlier, touched, refusal, is_confirmed, standing, .. } = &mut self.progress;
        (*earlier, *touched) = (trouble.take(), false);
        *is_confirmed = refusal.take().is_some();
        if *is_confirmed && *standing == Some(Standing::NotOurs) {
            *standing = None;
        }
    }

    pub(super) fn decide(&mut self, settings: &Settings) {
        let progress = &self.progress;
        let Some(seen) = progress.seen.as_ref().filter(|_| progress.trouble.is_none()) else {
            self.progress.standing.get_or_insert(Standing::Unreachable);
            self.progress.decided = (Vec::new(), Vec::new());
            return;
        };
        let everything = points::planted("claim-of-another-uid-accepted").then(|| self.whatever_it_finds());
        let allow = everything.as_ref().unwrap_or(&settings.allow);
        let decided = match settings.purpose {
            Purpose::Apply => credential::decide(self.wanted.secret.as_ref(), &progress.credential, allow)
                .and_then(|credential| Ok((credential, K::decide(self.asked(), seen, allow)?)))
                .map(|(credential, actions)| (self.taking(credential, &actions), actions)),
            Purpose::Destroy => match K::destroy(self.asked(), seen) {
                // A tenant made again under the name has it already: nothing is left of the old one, and what is left of
                // it elsewhere stands in the new one's way.
                Err(Refusal::Another { owner, .. }) if owner.tenant == self.claim.tenant => Ok(Default::default()),
                decided => decided.and_then(|actions| Ok((self.forget()?, actions))),
            },
        };
        match decided {
            Ok(decided) => {
                let has_steps = !decided.0.is_empty() || !decided.1.is_empty();
                let asked = self.asked();
                let standing = match settings.purpose {
                    Purpose::Apply => Standing::wanted(has_steps, K::exists(asked, seen), asked.stored),
                    Purpose::Destroy => Standing::unwanted(has_steps),
                };
                self.progress.standing.get_or_insert(standing);
                self.progress.decided = decided;
            }
            Err(refusal) => {
                self.progress.standing.get_or_insert(Standing::NotOurs);
                let (message, help) = (refusal.to_string(), refusal.help());
                self.progress.trouble = Some(TroubleReport { message, help, passes: false });
                self.progress.refusal = Some(refusal);
                self.progress.decided = (Vec::new(), Vec::new());
            }
        }
    }

    /// What the bug `claim-of-another-uid-accepted` allows itself.
    fn whatever_it_finds(&self) -> Allow {
        let mut adopt = BTreeSet::from([(K::KIND, self.wanted.name.clone())]);
        adopt.extend(self.wanted.secret.iter().map(|secret| (provision::Kind::Secret, secret.key.clone())));
        Allow { adopt, replace: false }
    }

    /// Returns what is done with the credential before the actions. What is stored of an object that is made anew goes;
    /// and where answers are awaited that another run may be about to store, the entry is taken. Either completes it.
    fn taking(&self, credential: Vec<CredentialAction>, actions: &[K::Action]) -> Vec<CredentialAction> {
        let (Some(secret), credential::Seen::Present { awaited, .. }) =
            (&self.wanted.secret, &self.progress.credential)
        else {
            return credential;
        };
        let stale = if K::makes_anew(actions) { self.stored_answers() } else { Vec::new() };
        let key = secret.key.clone();
        if !stale.is_empty() {
            vec![CredentialAction::Renew { key, fields: stale }]
        } else if !awaited.is_empty() && K::is_contested(actions) {
            vec![CredentialAction::Take { key }]
        } else {
            credential
        }
    }

    /// Returns the fields of the entry that answers brought.
    fn stored_answers(&self) -> Vec<String> {
        let (Some(secret), Some(entry)) = (&self.wanted.secret, &self.progress.entry) else { return Vec::new() };
        let answers = secret.fields.iter().filter(|(_, field)| matches!(field, SecretField::Answer(_)));
        answers.map(|(name, _)| name.clone()).filter(|name| entry.get(name).is_some()).collect()
    }

    /// The credential goes last, and only once nothing is left that it opens. Another's entry stays, which where the entry
    /// is all there is means that the resource is not ours.
    fn forget(&self) -> Result<Vec<CredentialAction>, Refusal> {
        let Some(secret) = &self.wanted.secret else { return Ok(Vec::new()) };
        match &self.progress.credential {
            credential::Seen::Present { .. } => Ok(vec![CredentialAction::Forget { key: secret.key.clone() }]),
            credential::Seen::Another(owner)
                if K::KIND == provision::Kind::Secret && owner.tenant != self.claim.tenant =>
            {
                Err(Refusal::Another { kind: K::KIND, name: secret.key.clone(), owner: owner.clone() })
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Takes out of the entry what answers brought, and returns it.
    pub(super) async fn take_out_answers(&mut self, settings: &Settings) -> Result<Answers, Trouble> {
        let fields = self.stored_answers();
        let (Some(secret), Some(entry), false) = (&self.wanted.secret, &self.progress.entry, fields.is_empty()) else {
            return Ok(Answers::new());
        };
        let answers = fields.iter().filter_map(|field| Some((field.clone(), entry.get(field)?.clone()))).collect();
        let action = CredentialAction::Renew { key: secret.key.clone(), fields };
        points::pass(action.name(), Side::Before);
        let result = self.credential(&action, Stake::default(), settings).await;
        points::pass(action.name(), Side::After);
        self.note(&action, if result.is_ok() { StepOutcome::Undone } else { StepOutcome::Failed });
        result.map(|()| answers)
    }

    /// Writes the credential, and reads back what is stored: another run may have been first. That is no trouble, as
    /// what the other run stored is as good as ours, unless answers are at stake.
    pub(super) async fn credential(
        &mut self,
        action: &CredentialAction,
        stake: Stake,
        settings: &Settings,
    ) -> Result<(), Trouble> {
        let (Some(secret), Some(store)) = (&self.wanted.secret, &self.store) else { return Ok(()) };
        let none = Answers::new();
        let entry = self.progress.entry.as_ref();
        let version = entry.map(|entry| entry.version.clone()).unwrap_or_default();
        let completed = |entry| Entry::completed(entry, secret, &self.claim, settings.make, &none);
        let written = match action {
            CredentialAction::Store { .. } if points::planted("generate-before-store") => {
                self.progress.entry = Some(Entry::new(completed(None)?, ""));
                self.progress.credential = credential::Seen::COMPLETE;
                return Ok(());
            }
            CredentialAction::Store { key } => store.create(key, &completed(None)?).await?,
            CredentialAction::Complete { key, fields: _ } => store.replace(key, &version, &completed(entry)?).await?,
            CredentialAction::Take { key } => {
                let mut fields = completed(entry)?;
                fields.insert(TURN_FIELD.to_owned(), (settings.make)(TURN)?);
                store.replace(key, &version, &fields).await?
            }
            CredentialAction::Renew { key, fields: stale } => {
                let mut fields = completed(entry)?;
                fields.retain(|name, _| !stale.contains(name));
                store.replace(key, &version, &fields).await?
            }
            CredentialAction::Forget { key } => {
                store.remove(key).await?;
                Written::Done
            }
        };
        let is_renewed = matches!(action, CredentialAction::Renew { .. });
        let (key, Stake { is_contested, makes_anew }) = (secret.key.clone(), stake);
        if written == Written::Lost && (is_contested || is_renewed) {
            return Err(outpaced(&key));
        }
        self.read_credential().await?;
        // The other run's answers speak of what it made, and not of what this one is about to make.
        if written == Written::Lost && makes_anew && !self.stored_answers().is_empty() {
            return Err(outpaced(&key));
        }
        Ok(())
    }

    /// What the bug `generate-before-store` does last.
    pub(super) async fn store_late(&self) {
        if let (Some(secret), Some(store), Some(entry)) = (&self.wanted.secret, &self.store, &self.progress.entry) {
            drop(store.create(&secret.key, entry.fields()).await);
        }
    }

    /// Stores what an answer brought, before anything else can go wrong. Where `is_contested`, another run that has
    /// written since may have taken back what the answer speaks of.
    pub(super) async fn keep(
        &mut self,
        answers: Answers,
        is_contested: bool,
        settings: &Settings,
    ) -> Result<(), Trouble> {
        let (Some(secret), Some(store)) = (self.wanted.secret.clone(), self.store.clone()) else { return Ok(()) };
        if answers.is_empty() {
            return Ok(());
        }
        // Between our reading and writing another run may have written: its version is then the one to add to.
        for _ in 0..3 {
            let fields = Entry::completed(self.progress.entry.as_ref(), &secret, &self.claim, settings.make, &answers)?;
            points::pass("keep-answer", Side::Before);
            let written = match &self.progress.entry {
                Some(entry) => store.replace(&secret.key, &entry.version, &fields).await?,
                None => store.create(&secret.key, &fields).await?,
            };
            points::pass("keep-answer", Side::After);
            self.read_credential().await?;
            if written == Written::Done {
                return Ok(());
            }
            if is_contested {
                break;
            }
        }
        Err(outpaced(&secret.key))
    }

    pub(super) fn note(&mut self, action: &impl Action, outcome: StepOutcome) -> StepReport {
        let step =
            StepReport { verb: action.verb(), action: action.name().to_owned(), text: action.to_string(), outcome };
        self.progress.steps.push(step.clone());
        step
    }
}

fn outpaced(key: &str) -> Trouble {
    Trouble::new(TroubleKind::Busy, format!("failed to store a credential at `{key}`: another run writes there"))
}

/// Puts a trouble into the words of a report.
pub(super) fn told(trouble: &Trouble) -> TroubleReport {
    TroubleReport { message: trouble.line(), help: trouble.kind().help().to_owned(), passes: trouble.kind().passes() }
}
