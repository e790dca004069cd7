//! One resource of a group: what is wanted, what is known of it by now, and how its credential is kept.

use std::{collections::BTreeSet, rc::Rc};

use super::{
    Entry, Look, Trouble, TroubleKind,
    points::{self, Side},
    report::{StepOutcome, StepReport, TroubleReport},
    run::{Purpose, Settings},
    store::{Held, Store, Written},
};
use crate::{
    provision::Wanted,
    steps::{Action, Allow, Asked, Kind, Refusal, Standing, claim::Claim, credential, credential::CredentialAction},
};

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
                .and_then(|credential| Ok((credential, K::decide(self.asked(), seen, allow)?))),
            Purpose::Destroy => K::destroy(self.asked(), seen).map(|actions| (self.forget(), actions)),
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
        adopt.extend(self.wanted.secret.iter().map(|secret| (crate::provision::Kind::Secret, secret.key.clone())));
        Allow { adopt, replace: false }
    }

    /// The credential goes last, and only once nothing is left that it opens.
    pub(super) fn forget(&self) -> Vec<CredentialAction> {
        match (&self.wanted.secret, &self.progress.credential) {
            (Some(secret), credential::Seen::Present { .. }) => {
                vec![CredentialAction::Forget { key: secret.key.clone() }]
            }
            _ => Vec::new(),
        }
    }

    /// Writes the credential, and reads back what is stored: another run may have been first.
    pub(super) async fn credential(&mut self, action: &CredentialAction, settings: &Settings) -> Result<(), Trouble> {
        let (Some(secret), Some(store)) = (&self.wanted.secret, &self.store) else { return Ok(()) };
        let none = super::service::Answers::new();
        match action {
            CredentialAction::Store { key } => {
                let fields = Entry::completed(None, secret, &self.claim, settings.make, &none)?;
                if points::planted("generate-before-store") {
                    self.progress.entry = Some(Entry::new(fields, ""));
                    self.progress.credential = credential::Seen::COMPLETE;
                    return Ok(());
                }
                // Lost is no trouble: what the other run stored is as good as ours.
                let _: Written = store.create(key, &fields).await?;
            }
            CredentialAction::Complete { key, fields: _ } => {
                let entry = self.progress.entry.as_ref();
                let fields = Entry::completed(entry, secret, &self.claim, settings.make, &none)?;
                let version = entry.map(|entry| entry.version.clone()).unwrap_or_default();
                let _: Written = store.replace(key, &version, &fields).await?;
            }
            CredentialAction::Forget { key } => store.remove(key).await?,
        }
        self.read_credential().await
    }

    /// What the bug `generate-before-store` does last.
    pub(super) async fn store_late(&self) {
        if let (Some(secret), Some(store), Some(entry)) = (&self.wanted.secret, &self.store, &self.progress.entry) {
            drop(store.create(&secret.key, entry.fields()).await);
        }
    }

    /// Stores what an answer brought, before anything else can go wrong.
    pub(super) async fn keep(&mut self, answers: super::service::Answers, settings: &Settings) -> Result<(), Trouble> {
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
        }
        Err(Trouble::new(
            TroubleKind::Busy,
            format!("failed to store an answer at `{}`: others write there", secret.key),
        ))
    }

    pub(super) fn note(&mut self, action: &impl Action, outcome: StepOutcome) -> StepReport {
        let step =
            StepReport { verb: action.verb(), action: action.name().to_owned(), text: action.to_string(), outcome };
        self.progress.steps.push(step.clone());
        step
    }
}

/// Puts a trouble into the words of a report.
pub(super) fn told(trouble: &Trouble) -> TroubleReport {
    TroubleReport { message: trouble.line(), help: trouble.kind().help().to_owned(), passes: trouble.kind().passes() }
}
