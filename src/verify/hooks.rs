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
    if object.is_hook() && object.pod.is_some() {
        deadline(object, findings);
        removal(object, findings);
    }
}

/// Checks that a hook that runs Pods comes to an end.
fn deadline(object: &Object<'_>, findings: &mut Findings<'_>) {
    if !object.at(&["spec", "activeDeadlineSeconds"]).is_some_and(Value::is_number) && object.kind != "CronJob" {
        findings.add(
            Code::HookDeadline,
            object,
            "/spec",
            format!("the hook {} has no deadline", object.title()),
            "add `activeDeadlineSeconds`: Argo CD waits for a hook, and one that hangs holds up every later sync",
        );
    }
}

/// A hook of fixed name that is still there is neither made anew nor run again.
fn removal(object: &Object<'_>, findings: &mut Findings<'_>) {
    // Without a policy it is BeforeHookCreation, and what runs at the end of a tenant runs once.
    let (Some(policies), Some(_)) = (object.annotation(POLICY), Turn::of(object)) else { return };
    let has = |wanted: &str| policies.split(',').any(|policy| policy.trim() == wanted);
    let known = policies.split(',').all(|policy| POLICIES.contains(&policy.trim()));
    if known && !has("BeforeHookCreation") && !(has("HookSucceeded") && has("HookFailed")) {
        let left = if has("HookSucceeded") { "fails" } else { "succeeds" };
        findings.add(
            Code::HookDeletePolicy,
            object,
            &below("/metadata/annotations", POLICY),
            format!("the hook {} stays once it {left}, and is never run again", object.title()),
            "write `BeforeHookCreation`, alone or beside the others: Argo CD then takes the old one away before each sync",
        );
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
