//! Eyes on a running program: the processes that it starts, with their arguments and environment, and the temporary
//! files that come and go.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use walkdir::WalkDir;

/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(1);

/// What was seen.
#[derive(Debug, Default)]
pub struct Sights {
    /// The program's own arguments.
    pub arguments: Vec<u8>,
    /// The processes below it: their arguments and environment, by process id. A process that has not yet become
    /// another program than its parent is left out.
    pub descendants: BTreeMap<u32, Vec<u8>>,
    /// Temporary files, with all contents that they had.
    pub files: BTreeMap<PathBuf, BTreeSet<Vec<u8>>>,
    /// How often it was looked.
    pub looks: usize,
}

/// Looks again and again, in a thread of its own.
pub struct Watcher {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Sights>,
}

impl Watcher {
    pub fn start(process: u32, temporary: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, temporary) = (Arc::clone(&stop), temporary.to_owned());
        let thread = thread::spawn(move || {
            let mut sights = Sights::default();
            while !stopped.load(Ordering::Relaxed) {
                sights.look(process, &temporary);
                thread::sleep(PAUSE);
            }
            sights.look(process, &temporary);
            sights
        });
        Self { stop, thread }
    }

    pub fn stop(self) -> Sights {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

impl Sights {
    fn look(&mut self, process: u32, temporary: &Path) {
        self.looks += 1;
        let own = read(process, "cmdline");
        if !own.is_empty() {
            self.arguments.clone_from(&own);
        }
        let mut parents = vec![process];
        while let Some(parent) = parents.pop() {
            for child in children(parent) {
                let arguments = read(child, "cmdline");
                if !arguments.is_empty() && arguments != own {
                    let all = [arguments, read(child, "environ")].join(&0);
                    self.descendants.insert(child, all);
                }
                parents.push(child);
            }
        }
        for file in WalkDir::new(temporary).into_iter().filter_map(Result::ok) {
            if let Ok(bytes) = fs::read(file.path()) {
                self.files.entry(file.into_path()).or_default().insert(bytes);
            }
        }
    }
}

fn read(process: u32, file: &str) -> Vec<u8> {
    fs::read(format!("/proc/{process}/{file}")).unwrap_or_default()
}

fn children(process: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}
