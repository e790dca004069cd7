//! What a push says of our branch, from the lines that `git push --porcelain` prints for programs.

use super::words::presentable;

/// What became of the branch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The remote has it.
    Confirmed,
    /// The remote, or git on its behalf, refuses it.
    Rejected(String),
    /// The connection ended before the remote could say: it may have it.
    Lost,
}

/// Finds the line `<flag>\t<from>:<to>\t<summary>` of our branch.
pub(super) fn porcelain(stdout: &str, refspec: &str) -> Answer {
    let line = stdout.lines().find_map(|line| {
        let mut parts = line.splitn(3, '\t');
        let (flag, pair, summary) = (parts.next()?, parts.next()?, parts.next()?);
        (pair == refspec).then_some((flag, summary))
    });
    match line {
        Some((" " | "*" | "=" | "+", _)) => Answer::Confirmed,
        Some(("!", summary)) if !summary.starts_with("[remote failure]") => Answer::Rejected(presentable(summary)),
        _ => Answer::Lost,
    }
}

/// Says whether a rejection, with the words of the server, means that somebody else was first: by git's own check, or by the
/// server's lock of the branch.
pub(super) fn is_lost_race(words: &str) -> bool {
    const OF_GIT: [&str; 4] = ["(fetch first)", "(stale info)", "(non-fast-forward)", "(needs force)"];
    const OF_DISKS: [&str; 3] = ["Permission denied", "Read-only file system", "No space left"];
    let says = |list: &[&str]| list.iter().any(|part| words.contains(part));
    says(&OF_GIT) || (says(&["cannot lock ref", "incorrect old value"]) && !says(&OF_DISKS))
}

/// Adds what the server's hook printed, which says why.
pub(super) fn with_words_of_server(reason: String, stderr: &str) -> String {
    let words: Vec<&str> = stderr.lines().filter_map(|line| line.strip_prefix("remote:")).map(str::trim).collect();
    let words = presentable(&words.join("\n"));
    if words.is_empty() { reason } else { format!("{reason}: {words}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: &str = "0123:refs/heads/deploy";

    fn line(flag: &str, summary: &str) -> Answer {
        porcelain(&format!("To x\n{flag}\t{PAIR}\t{summary}\nDone\n"), PAIR)
    }

    #[test]
    fn only_the_line_of_our_branch_confirms() {
        for flag in [" ", "*", "=", "+"] {
            assert_eq!(line(flag, "0..1"), Answer::Confirmed);
        }
        let reason = "[remote rejected] (pre-receive hook declined)";
        assert_eq!(line("!", reason), Answer::Rejected(reason.to_owned()));
        assert_eq!(porcelain("To x\n*\trefs/heads/a:refs/heads/a\t[new branch]\nDone\n", PAIR), Answer::Lost);
        assert_eq!(porcelain("Everything up-to-date\n", PAIR), Answer::Lost);
    }

    #[test]
    fn only_a_branch_that_moved_is_a_lost_race() {
        let locked =
            "[remote rejected] (failed to update ref): error: cannot lock ref 'refs/heads/x': is at 1 but expected 2";
        for words in ["[rejected] (fetch first)", "[rejected] (non-fast-forward)", locked] {
            assert!(is_lost_race(words), "{words}");
        }
        let full =
            "[remote rejected] (failed to update ref): error: cannot lock ref 'x': Unable to create: No space left";
        for words in ["[remote rejected] (pre-receive hook declined)", "[remote rejected] (unpacker error)", full] {
            assert!(!is_lost_race(words), "{words}");
        }
    }

    #[test]
    fn a_server_that_says_nothing_has_not_refused() {
        assert_eq!(line("!", "[remote failure] (remote failed to report status)"), Answer::Lost);
    }
}
