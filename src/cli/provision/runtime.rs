//! The one thread that the engine runs on, its settings, its progress bar, and how it is stopped.

use std::{cell::RefCell, future::Future, path::Path, time::Duration};

use futures::future::LocalBoxFuture;
use indicatif::ProgressBar;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli::error::CommandError,
    engine::{
        Purpose, Secret, Settings, Trouble,
        connections::Connections,
        gate::Stop,
        group::Group,
        kinds,
        report::{Event, ResourceReport, Watch},
        run::{self, Depth},
    },
    provision::Document,
    steps::Allow,
};

/// How long steps that have begun may still take once a stop was asked for: Kubernetes kills after 30 s, people after
/// fewer.
const LAST_STEPS: Duration = Duration::from_secs(9);

/// Returns the settings of a run.
pub(in crate::cli) fn settings(purpose: Purpose, depth: Depth, allow: Allow, roll_back: bool) -> Settings {
    Settings { purpose, depth, allow, roll_back, make: Secret::random, stop: Stop::default(), pause }
}

/// Waits a little longer each round, and never equally long in two runs that met.
fn pause(round: usize) -> LocalBoxFuture<'static, ()> {
    let mut byte = [0_u8; 1];
    // Without chance the pause is as good, only less apart.
    let _ = getrandom::fill(&mut byte);
    let jitter = u64::from(byte[0]);
    let base = 200_u64 << round.min(4);
    Box::pin(tokio::time::sleep(Duration::from_millis(base + jitter * base / 255)))
}

/// Makes reality match documents, or takes away what they are about.
pub(in crate::cli) fn work(
    documents: &[Document],
    sandbox: Option<&Path>,
    settings: &Settings,
    watch: &dyn Watch,
) -> Result<Option<Vec<ResourceReport>>, CommandError> {
    opened(documents, sandbox, settings, async |_, groups| run::apply(groups, settings, watch).await)
}

/// Does something with the resources of documents and their connections; gives nothing where it was cut short.
pub(in crate::cli) fn opened<T>(
    documents: &[Document],
    sandbox: Option<&Path>,
    settings: &Settings,
    work: impl AsyncFnOnce(&Connections, &mut [Box<dyn Group>]) -> T,
) -> Result<Option<T>, CommandError> {
    let all = async {
        let connections = Connections::new(sandbox.map(Path::to_owned));
        let mut groups = kinds::open(documents, &connections, settings.purpose).await?;
        Ok(work(&connections, &mut groups).await)
    };
    execute(&settings.stop, all)?.transpose().map_err(setup_error)
}

/// Runs to the end, or until SIGTERM or SIGINT: then steps that have begun are finished, and no new one begins.
///
/// Returns nothing where even that took too long; the run is then cut, as a crash would, and the next one goes on.
fn execute<T>(stop: &Stop, work: impl Future<Output = T>) -> Result<Option<T>, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CommandError::external)?;
    runtime.block_on(async {
        let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        let mut work = std::pin::pin!(work);
        tokio::select! {
            done = &mut work => return Ok(Some(done)),
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.ask();
        Ok(tokio::time::timeout(LAST_STEPS, work).await.ok())
    })
}

fn listen(kind: SignalKind) -> Result<tokio::signal::unix::Signal, CommandError> {
    signal(kind).map_err(CommandError::external)
}

/// Shows how far a run is.
pub(in crate::cli) struct Progress {
    bar: ProgressBar,
    settled: RefCell<std::collections::BTreeSet<(String, String)>>,
}

impl Progress {
    pub(in crate::cli) fn new(bar: ProgressBar) -> Self {
        Self { bar, settled: RefCell::default() }
    }

    pub(in crate::cli) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Progress {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Step { tenant, id, step } => {
                tracing::debug!(tenant, id, action = step.action, outcome = ?step.outcome, "{}", step.text);
            }
            // A resource settles once a round.
            Event::Settled { tenant, id } => {
                if self.settled.borrow_mut().insert((tenant.to_owned(), id.to_owned())) {
                    self.bar.inc(1);
                }
            }
        }
    }
}

/// Turns what keeps a run from its first look into how the command ends.
pub(in crate::cli) fn setup_error(trouble: Trouble) -> CommandError {
    let help = trouble.kind().help();
    let error = match trouble.kind().passes() {
        true => CommandError::later(trouble),
        false => CommandError::external(trouble),
    };
    error.hint(help)
}
