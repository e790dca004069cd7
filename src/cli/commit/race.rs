//! Lost races: when to try again, and when to leave it to a later run.

#![expect(clippy::disallowed_types, reason = "a race has a last moment")]

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::anyhow;

use crate::{
    cli::{error::CommandError, input::git_error},
    git::GitError,
};

/// How often it is tried: whoever is newest among fifty loses some ten times, since each newer winner ends the older ones.
const TRIES: u32 = 50;

/// The shortest and the longest that the pause may become; each one is anything between nothing and twice the one before.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// Why a try ended without a result.
#[derive(Debug)]
pub(super) enum Stop {
    /// Somebody else was first: the same on the new state may succeed.
    Lost(GitError),
    /// It cannot succeed.
    Failed(CommandError),
}

impl From<CommandError> for Stop {
    fn from(error: CommandError) -> Self {
        Self::Failed(error)
    }
}

impl From<GitError> for Stop {
    fn from(error: GitError) -> Self {
        match error {
            GitError::LostRace { .. } | GitError::RefMoved { .. } => Self::Lost(error),
            _ => Self::Failed(git_error(error)),
        }
    }
}

/// The tries of one run.
#[derive(Debug)]
pub(super) struct Race {
    tries: u32,
    start: Instant,
    limit: Duration,
}

impl Race {
    /// Starts; no try begins later than `limit` from now.
    pub(super) fn start(limit: Duration) -> Self {
        Self { tries: 1, start: Instant::now(), limit }
    }

    /// Waits for a random while before the next try.
    ///
    /// # Errors
    /// There was the last one: somebody else is always first.
    pub(super) fn pause(&mut self, lost: GitError) -> Result<(), CommandError> {
        let longest = (PAUSES[0] * (1 << self.tries.min(8))).min(PAUSES[1]);
        let pause = longest.mul_f64(chance()?);
        if self.tries == TRIES || self.start.elapsed() + pause >= self.limit {
            let tries = self.tries;
            let lost = anyhow!(lost).context(format!("others were first {tries} times in a row"));
            return Err(CommandError::later(lost).hint("nothing is lost: run again when fewer runs push at once"));
        }
        self.tries += 1;
        thread::sleep(pause);
        Ok(())
    }
}

/// Returns a random part of one, so that runs that met once do not meet again.
fn chance() -> Result<f64, CommandError> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|error| CommandError::external(anyhow!("failed to draw a number: {error}")))?;
    Ok(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::error::Exit;

    fn lost() -> GitError {
        GitError::LostRace {
            branch: "rendered".to_owned(),
            remote: "origin".to_owned(),
            reason: "(fetch first)".to_owned(),
        }
    }

    #[test]
    fn a_race_that_is_always_lost_ends() {
        let mut race = Race { tries: TRIES, start: Instant::now(), limit: Duration::from_secs(3600) };
        assert_eq!(race.pause(lost()).expect_err("the last try").exit(), Exit::Later);
        let mut race = Race { tries: 1, start: Instant::now(), limit: Duration::ZERO };
        assert_eq!(race.pause(lost()).expect_err("no time").exit(), Exit::Later);
    }
}
