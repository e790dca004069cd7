//! The second half of the quick start: what the new tenant has outside the cluster, made on stand-ins.

use std::{cell::Cell, path::Path};

use anyhow::anyhow;

use crate::{
    cli::{
        error::CommandError,
        provision::{report::Document as Report, runtime},
        report::{Ui, count},
    },
    engine::{
        Purpose,
        report::{Event, StepOutcome, Unwatched, Watch},
        run::Depth,
    },
    provision::{Document, document_path},
    steps::Allow,
    tree::Tree,
    yaml,
};

/// Where the stand-ins are kept, in the estate's folder.
pub(super) const SANDBOX: &str = ".sandbox";

/// After how many steps the simulated crash comes: some databases have users by then, some have none.
const CRASH_AFTER: usize = 9;

/// Asks for a stop after some steps.
struct Crash {
    left: Cell<usize>,
    stop: crate::engine::gate::Stop,
}

impl Watch for Crash {
    fn event(&self, event: Event<'_>) {
        if let Event::Step { .. } = event {
            self.left.set(self.left.get().saturating_sub(1));
            if self.left.get() == 0 {
                self.stop.ask();
            }
        }
    }
}

/// Makes what a tenant has outside, looks at it, makes it once more, and mends what a crash left of another tenant's.
pub(super) fn provision(ui: &Ui, directory: &Path, tree: &Tree, new: &str, other: &str) -> Result<(), CommandError> {
    let sandbox = directory.join(SANDBOX);
    ui.print("\n6. provision   on stand-ins of MySQL, MinIO, RabbitMQ, OpenBao and two JSON APIs: nothing outside is touched\n");
    let document = document(tree, new)?;
    let made = apply(&sandbox, &document, None)?;
    succeeded(&made)?;
    ui.print(&format!(
        "   {new}: {} made in {}\n",
        count(made.resources().len(), "resource"),
        count(done(&made), "step")
    ));
    for report in
        made.resources().iter().filter(|report| ["databases/auth", "files/products"].contains(&report.id.as_str()))
    {
        ui.print(&format!("   {:<14} {}\n", report.id, report.name));
        for step in &report.steps {
            ui.print(&format!("     ✓ {}\n", step.text));
        }
    }
    let again = apply(&sandbox, &document, None)?;
    succeeded(&again)?;
    ui.print(&format!("7. once more   {} done: everything is as wanted\n", count(done(&again), "step")));
    let document = self::document(tree, other)?;
    let cut = apply(&sandbox, &document, Some(CRASH_AFTER))?;
    ui.print(&format!("8. a crash     {other}: cut short after {}\n", count(done(&cut), "step")));
    let mended = apply(&sandbox, &document, None)?;
    succeeded(&mended)?;
    ui.print(&format!("   the same command once more does the other {}\n", count(done(&mended), "step")));
    Ok(())
}

fn document(tree: &Tree, tenant: &str) -> Result<Document, CommandError> {
    let path = document_path(tenant);
    let text = tree.get(&path).ok_or_else(|| CommandError::internal(anyhow!("{path} was not rendered")))?;
    let document = yaml::read_documents(text).map_err(CommandError::internal)?.into_iter().next().unwrap_or_default();
    serde_json::from_value(document).map_err(CommandError::internal)
}

fn apply(sandbox: &Path, document: &Document, crash_after: Option<usize>) -> Result<Report, CommandError> {
    let settings = runtime::settings(Purpose::Apply, Depth::Proven, Allow::default(), false);
    let crash = crash_after.map(|steps| Crash { left: Cell::new(steps), stop: settings.stop.clone() });
    let watch: &dyn Watch = crash.as_ref().map_or(&Unwatched, |crash| crash);
    match runtime::work(std::slice::from_ref(document), Some(sandbox), &settings, watch)? {
        Some(resources) => Ok(Report::new(resources, Vec::new())),
        None => Err(CommandError::later(anyhow!("stopped"))),
    }
}

fn succeeded(report: &Report) -> Result<(), CommandError> {
    let trouble = report.resources().iter().find_map(|resource| Some((resource, resource.trouble.as_ref()?)));
    match trouble {
        None => Ok(()),
        Some((resource, trouble)) => Err(CommandError::internal(anyhow!("{}: {}", resource.id, trouble.message))),
    }
}

fn done(report: &Report) -> usize {
    let steps = report.resources().iter().flat_map(|resource| &resource.steps);
    steps.filter(|step| step.outcome == StepOutcome::Done).count()
}
