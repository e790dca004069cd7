//! What `plan`, `apply` and `destroy` print: the same lines, resource by resource.

use std::{collections::BTreeMap, fmt::Write};

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    cli::{
        error::{CommandError, Exit},
        report::{Format, Ui, count, escape},
    },
    engine::report::{ResourceReport, StepOutcome},
    steps::Standing,
};

/// `provision plan|apply|destroy --format json`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "ProvisionReport")]
pub(in crate::cli) struct Document {
    /// The version of this document's shape.
    version: u8,
    /// The resources by tenant and id.
    resources: Vec<ResourceReport>,
    /// How many resources stand how.
    counts: BTreeMap<Standing, usize>,
    /// Tenants that nothing is done for: they are being deleted.
    left: Vec<String>,
}

impl Document {
    pub(in crate::cli) fn new(resources: Vec<ResourceReport>, left: Vec<String>) -> Self {
        let mut counts = BTreeMap::new();
        for resource in &resources {
            *counts.entry(resource.standing).or_default() += 1;
        }
        Self { version: 1, resources, counts, left }
    }

    /// Returns the resources by tenant and id.
    pub(in crate::cli) fn resources(&self) -> &[ResourceReport] {
        &self.resources
    }

    /// Prints the report.
    pub(in crate::cli) fn print(&self, ui: &Ui, format: Format) -> Result<(), CommandError> {
        ui.show(format, self, Self::text)
    }

    /// Returns the report for people: what is as wanted is counted, everything else is shown.
    pub(in crate::cli) fn text(&self) -> String {
        let mut out = String::new();
        let mut tenant = "";
        for resource in self.resources.iter().filter(|resource| !is_quiet(resource)) {
            if resource.tenant != tenant {
                tenant = &resource.tenant;
                line(&mut out, &escape(tenant));
            }
            show(&mut out, resource);
        }
        if !out.is_empty() {
            out.push('\n');
        }
        for tenant in &self.left {
            line(&mut out, &format!("{}: is being deleted; its resources are left as they are", escape(tenant)));
        }
        let counts: Vec<String> =
            self.counts.iter().map(|(standing, number)| format!("{number} {}", standing.name())).collect();
        let counts = if counts.is_empty() { "no resources".to_owned() } else { counts.join(", ") };
        let done = self.resources.iter().flat_map(|resource| &resource.steps);
        let done = done.filter(|step| step.outcome == StepOutcome::Done).count();
        let done = if done > 0 { format!("; {} done", count(done, "step")) } else { String::new() };
        line(&mut out, &format!("{}: {counts}{done}", count(self.resources.len(), "resource")));
        out
    }

    /// Returns whether a resource stands so.
    pub(in crate::cli) fn has(&self, standing: Standing) -> bool {
        self.counts.contains_key(&standing)
    }

    /// Returns how a command ends that was to make everything as wanted.
    pub(in crate::cli) fn exit(&self) -> Exit {
        let mut exit = Exit::Done;
        for resource in &self.resources {
            let found = match &resource.trouble {
                _ if resource.standing == Standing::NotOurs => Exit::Refused,
                Some(trouble) if trouble.passes => Exit::Later,
                Some(_) => Exit::External,
                None if resource.steps.iter().any(|step| step.outcome == StepOutcome::Planned) => Exit::Later,
                None => Exit::Done,
            };
            // What needs a person is told before what goes away by itself.
            let rank = |exit: Exit| match exit {
                Exit::Refused => 3,
                Exit::External => 2,
                Exit::Later => 1,
                _ => 0,
            };
            if rank(found) > rank(exit) {
                exit = found;
            }
        }
        exit
    }

    /// Returns how a command ends that only looked.
    pub(in crate::cli) fn exit_of_look(&self, exit_code: bool) -> Exit {
        let has = |wanted: &dyn Fn(&ResourceReport) -> bool| self.resources.iter().any(wanted);
        if has(&|resource| resource.standing == Standing::Unreachable) {
            let passes = |resource: &ResourceReport| resource.trouble.as_ref().is_none_or(|trouble| trouble.passes);
            let all_pass = self.resources.iter().filter(|r| r.standing == Standing::Unreachable).all(passes);
            return if all_pass { Exit::Later } else { Exit::External };
        }
        if has(&|resource| resource.standing == Standing::NotOurs) {
            return Exit::Refused;
        }
        if exit_code && has(&|resource| resource.standing != Standing::Ok) { Exit::Pending } else { Exit::Done }
    }
}

fn is_quiet(resource: &ResourceReport) -> bool {
    resource.standing == Standing::Ok && resource.steps.is_empty() && resource.trouble.is_none()
}

fn show(out: &mut String, resource: &ResourceReport) {
    let ResourceReport { tenant: _, id, kind, name, connection, standing, after, steps, trouble } = resource;
    let (word, kind) = (standing.name(), kind.name());
    line(out, &format!("  {word:<11} {kind} {}  `{}` on {}", escape(id), escape(name), escape(connection)));
    if *standing == Standing::Gone && !steps.is_empty() {
        line(
            out,
            "              its credential was stored before, and it is not there: if it held data, restore a backup",
        );
    }
    if !after.is_empty() && !steps.is_empty() {
        line(out, &format!("              after {}", escape(&after.join(", "))));
    }
    for step in steps {
        let sign = match step.outcome {
            StepOutcome::Planned => "·",
            StepOutcome::Done => "✓",
            StepOutcome::Failed => "✗",
            StepOutcome::Undone => "↶",
        };
        line(out, &format!("            {sign} {}", escape(&step.text)));
    }
    if let Some(trouble) = trouble {
        line(out, &format!("            {}", escape(&trouble.message)));
        line(out, &format!("            help: {}", escape(&trouble.help)));
    }
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("writing to a String cannot fail");
}
