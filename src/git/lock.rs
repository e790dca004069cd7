//! One run at a time in a repository, and no lock that outlives its holder.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Seek, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use super::GitError;
use crate::points::planted;

/// The lock file in the git directory. It is never removed: a file that two processes make anew could be locked twice.
const NAME: &str = "tenantry.lock";

/// How often a held lock is tried: seldom enough to cost nothing, often enough that nobody notices.
const PAUSE: Duration = Duration::from_millis(20);

/// The age at which a lock file of git itself counts as left behind by a killed process. Git holds one for
/// milliseconds, to write 41 bytes; whoever is slower loses nothing, since its rename then fails.
const STALE_AFTER: Duration = Duration::from_secs(1);

/// Our lock on a repository, which the system frees when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits up to `limit` for the lock of the repository with this git directory.
    pub(super) fn acquire(git_directory: &Path, limit: Duration) -> Result<Self, GitError> {
        let path = git_directory.join(NAME);
        let open = File::options()
            .read(true)
            .write(true)
            .create(true)
            .create_new(planted("git-lock-by-existence"))
            .truncate(false)
            .open(&path);
        let mut file = open.map_err(GitError::io("open the lock file", &path))?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if start.elapsed() < limit => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(busy(path, limit)),
                Err(TryLockError::Error(source)) => return Err(GitError::io("lock", path)(source)),
            }
        }
        // Only for the message of whoever waits.
        let named = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
        named.map_err(GitError::io("write the lock file", path))?;
        Ok(Self { _file: file })
    }
}

fn busy(path: PathBuf, waited: Duration) -> GitError {
    let pid = fs::read_to_string(&path).unwrap_or_default();
    let holder = match pid.trim().parse::<u32>() {
        Ok(pid) => format!("process {pid}"),
        Err(_) => "another process".to_owned(),
    };
    GitError::Busy { path, holder, waited }
}

/// Removes the lock file of a reference that a killed process left; waits while a living one may hold it.
///
/// Call it only under [`Lock`]: then no run of ours is the holder.
pub(super) fn clear_stale(lock_file: &Path) -> Result<(), GitError> {
    let mut seen: Option<(SystemTime, Instant)> = None;
    if planted("git-stale-lock-kept") {
        return Ok(());
    }
    loop {
        let modified = match lock_file.symlink_metadata().and_then(|metadata| metadata.modified()) {
            Ok(modified) => modified,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(GitError::io("look at", lock_file)(error)),
        };
        // The clock of a file server may be ahead of ours: then count from when this very lock was first seen.
        let (_, since) = *seen.insert(seen.filter(|(time, _)| *time == modified).unwrap_or((modified, Instant::now())));
        if modified.elapsed().unwrap_or_default().max(since.elapsed()) < STALE_AFTER {
            std::thread::sleep(PAUSE);
            continue;
        }
        return match fs::remove_file(lock_file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(GitError::io("remove the stale lock", lock_file)(error))
            }
            _ => Ok(()),
        };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_second_holder_waits_and_then_learns_who_holds_it() {
        let directory = tempfile::tempdir().unwrap();
        let held = Lock::acquire(directory.path(), Duration::ZERO).unwrap();
        let error = Lock::acquire(directory.path(), Duration::from_millis(30)).unwrap_err();
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(held);
        Lock::acquire(directory.path(), Duration::ZERO).unwrap();
    }

    #[test]
    fn a_waiting_run_goes_on_when_the_lock_is_freed() {
        let directory = tempfile::tempdir().unwrap();
        let held = Lock::acquire(directory.path(), Duration::ZERO).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| Lock::acquire(directory.path(), Duration::from_secs(20)));
            std::thread::sleep(3 * PAUSE);
            assert!(!waiting.is_finished());
            drop(held);
            waiting.join().unwrap().unwrap();
        });
    }

    #[test]
    fn only_an_old_lock_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("main.lock");
        clear_stale(&path).unwrap();
        fs::write(&path, "").unwrap();
        let start = Instant::now();
        clear_stale(&path).unwrap();
        assert!(!path.exists());
        assert!(start.elapsed() + Duration::from_millis(100) >= STALE_AFTER, "a young lock is given time");
    }
}
