//! Hooks, waves and Jobs: when things run, and whether a second sync still works.

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Object, below},
};
use crate::diag::Code;

const HOOK: &str = "argocd.argoproj.io/hook";
const POLICY: &str = "argocd.argoproj.io/hook-delete-policy";
const WAVE: &str = "argocd.argoproj.io/sync-wave";

/// The phases of Argo CD. A word that is none of them makes the object an ordinary one, without a word.
const PHASES: [&str; 7] = ["PreSync", "Sync", "Skip", "PostSync", "SyncFail", "PreDelete", "PostDelete"];

const POLICIES: [&str; 3] = ["HookSucceeded", "HookFailed", "BeforeHookCreation"];

/// When Argo CD applies an object: its phase, then its wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    phase: u8,
    wave: i64,
}

impl Turn {
    /// Returns an object's turn in a sync, `None` for what a sync does not apply.
    pub fn of(object: &Object<'_>) -> Option<Self> {
        let phase = match object.annotation(HOOK) {
            None => 1,
            // An object that is a hook of several phases exists from the first of them on.
            Some(phases) => phases
                .split(',')
                .filter_map(|phase| match phase.trim() {
                    "PreSync" => Some(0),
                    "Sync" => Some(1),
                    "PostSync" => Some(2),
                    _ => None,
                })
                .min()?,
        };
        let wave = object.annotation(WAVE).and_then(|wave| wave.trim().parse().ok()).unwrap_or(0);
        Some(Self { phase, wave })
    }
}

pub(super) fn check(object: &Object<'_>, findings: &mut Findings<'_>) {
    if object.annotations.is_some() {
        annotations(object, findings);
    }
    if object.is("batch", "Job") {
        job(object, findings);
    }
}

fn annotations(object: &Object<'_>, findings: &mut Findings<'_>) {
    for (key, allowed) in [(HOOK, &PHASES[..]), (POLICY, &POLICIES[..])] {
        let words = object.annotation(key).into_iter().flat_map(|words| words.split(','));
        for word in words.map(str::trim).filter(|word| !allowed.contains(word)) {
            let message = format!("`{word}` is no word of `{key}`: Argo CD passes over it");
            findings.add(
                Code::HookAnnotation,
                object,
                &below("/metadata/annotations", key),
                message,
                format!("write one of {}", allowed.join(", ")),
            );
        }
    }
    if let Some(wave) = object.annotation(WAVE)
        && wave.trim().parse::<i32>().is_err()
    {
        findings.add(
            Code::HookAnnotation,
            object,
            &below("/metadata/annotations", WAVE),
            format!("the wave `{wave}` is not a whole number: Argo CD takes it for 0"),
            "write a number in quotes, \"-1\" for example",
        );
    }
}

fn job(object: &Object<'_>, findings: &mut Findings<'_>) {
    if object.is_hook() {
        if !object.at(&["spec", "activeDeadlineSeconds"]).is_some_and(Value::is_number) {
            findings.add(
                Code::HookDeadline,
                object,
                "/spec",
                format!("the hook {} has no deadline", object.title()),
                "add `activeDeadlineSeconds`: Argo CD waits for a hook, and one that hangs holds up every later sync",
            );
        }
        return;
    }
    findings.add(
        Code::JobNotHook,
        object,
        "/metadata/annotations",
        format!("{} is no hook", object.title()),
        "annotate it `argocd.argoproj.io/hook: Sync`: a Job cannot be changed, so the sync fails as soon as its image does, and it never runs again",
    );
    if object.at(&["spec", "ttlSecondsAfterFinished"]).is_some() {
        findings.add(
            Code::JobTtl,
            object,
            "/spec/ttlSecondsAfterFinished",
            format!("{} deletes itself and is no hook", object.title()),
            "take `ttlSecondsAfterFinished` out, or make it a hook: Argo CD makes a missing Job anew, and it runs again and again",
        );
    }
}
