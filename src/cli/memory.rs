//! A watch on the memory that rendering takes.
//!
//! Templates are programs. Their steps, their depth and what they print are limited in the core, but an operator of minijinja
//! may make a text twice as long in one step, so that thirty steps take all memory of a machine. Nothing in the engine can
//! stop that; the process can be seen to grow, and is ended with words instead of by the system.

use std::{
    collections::BTreeSet,
    process,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use anyhow::anyhow;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::{
    error::{CommandError, Exit},
    report::{Ui, count},
};

const MIB: u64 = 1 << 20;

/// Between two looks: a machine copies some 50 MiB in that time.
const PAUSE: Duration = Duration::from_millis(10);

/// What rendering may take, beside what each tenant may: the flagship estate needs less than a tenth of it.
const BASE: u64 = 1024 * MIB;

/// What a tenant may take: one of the flagship estate leaves a tenth of that in memory.
const TENANT: u64 = 4 * MIB;

type Busy = Arc<Mutex<BTreeSet<String>>>;

/// Looks at the memory of the process as long as it lives.
pub(super) struct Watch {
    busy: Busy,
    /// The watch ends with its other end.
    _end: Sender<()>,
}

impl Watch {
    /// Starts to look. Where the system does not say how much memory is taken, nothing is watched.
    pub(super) fn start(ui: Ui, tenants: usize) -> Self {
        let busy = Busy::default();
        let (end, ended) = mpsc::channel();
        if let Ok(own) = sysinfo::get_current_pid() {
            let (system, busy) = (System::new(), Arc::clone(&busy));
            let look = move || {
                let mut memory = Memory { system, own };
                let most = memory.most(tenants);
                while ended.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                    let taken = memory.taken();
                    if taken > most {
                        let busy = busy.lock().unwrap_or_else(PoisonError::into_inner);
                        ui.error(&error(taken, most, tenants, &busy));
                        // Nothing has been written so far, and another thread is deep in a template.
                        #[expect(clippy::disallowed_methods, reason = "no thread that returns could end the process")]
                        process::exit(Exit::Findings.code().into());
                    }
                }
            };
            // Without a thread nothing is watched, as without such a system.
            let _ = thread::Builder::new().name("memory".to_owned()).spawn(look);
        }
        Self { busy, _end: end }
    }

    /// Does a tenant's work; its name is told if the work takes too much.
    pub(super) fn over<T>(&self, tenant: &str, work: impl FnOnce() -> T) -> T {
        let busy = || self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy().insert(tenant.to_owned());
        let done = work();
        busy().remove(tenant);
        done
    }
}

fn error(taken: u64, most: u64, tenants: usize, busy: &BTreeSet<String>) -> CommandError {
    let names: Vec<String> = busy.iter().map(|name| format!("`{name}`")).collect();
    CommandError::external(anyhow!(
        "rendering {} takes {} MiB, more than the {} MiB that it may; at work: {}",
        count(tenants, "tenant"),
        taken / MIB,
        most / MIB,
        names.join(", "),
    ))
    .hint("look in their templates for a text or a list that grows by itself: `{% set a = a ~ a %}`, again and again")
}

struct Memory {
    system: System,
    own: Pid,
}

impl Memory {
    /// Bytes of this process that lie in memory.
    fn taken(&mut self) -> u64 {
        let kind = ProcessRefreshKind::nothing().with_memory();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.own]), false, kind);
        self.system.process(self.own).map_or(0, sysinfo::Process::memory)
    }

    /// The most bytes that rendering so many tenants may take: never the last tenth of what the machine, or its container, has.
    fn most(&mut self, tenants: usize) -> u64 {
        self.system.refresh_memory();
        let container = self.system.cgroup_limits().map(|limits| limits.free_memory);
        let free = self.system.available_memory().min(container.unwrap_or(u64::MAX));
        (BASE + TENANT * tenants as u64).min(self.taken() + free / 10 * 9)
    }
}
