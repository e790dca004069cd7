//! Signed commits, verified by git itself.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Output},
    time::{Duration, Instant},
};

use crate::{
    platform::{Clone, Platform, script, words},
    servers::keygen,
};

/// A clone whose user signs with a key of SSH, which git can verify.
fn with_ssh_key(platform: &Platform) -> Clone {
    let clone = platform.clone("clone");
    let key = platform.path().join("signing");
    keygen(&key);
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let allowed = platform.path().join("allowed");
    fs::write(&allowed, format!("ann@example.org {public}")).unwrap();
    clone.git(&["config", "gpg.format", "ssh"]);
    clone.git(&["config", "user.signingKey", key.to_str().unwrap()]);
    clone.git(&["config", "gpg.ssh.allowedSignersFile", allowed.to_str().unwrap()]);
    clone
}

fn is_signed(clone: &Clone) -> bool {
    clone.git(&["cat-file", "commit", "rendered"]).contains("\ngpgsig ")
}

fn commit(clone: &Clone, more: &[&str]) -> Output {
    clone.tenantry(&[&["commit"], more].concat()).output().unwrap()
}

#[test]
fn a_key_of_ssh_signs() {
    let platform = Platform::new();
    let clone = with_ssh_key(&platform);
    let output = clone.push(&["--sign"]);
    assert!(output.status.success(), "{}", words(&output));
    assert!(is_signed(&clone), "the commit has no signature");
    clone.git(&["verify-commit", "rendered"]);
    // It is in all else the commit that it would be without.
    let message = clone.git(&["log", "-1", "--format=%an <%ae> %cn <%ce>%n%B", "rendered"]);
    assert!(message.starts_with("Ann <ann@example.org> Ann <ann@example.org>\nrender: 1 tenant from"), "{message}");
    assert!(message.contains(&format!("Source-Revision: {}", clone.head())), "{message}");
    clone.fsck();
    platform.fsck();
    assert!(String::from_utf8_lossy(&clone.push(&["--sign"]).stdout).starts_with("nothing to commit"));
    // A changed commit no longer verifies: the check can fail.
    let forged = clone.git(&["cat-file", "commit", "rendered"]).replace("render: 1", "render: 2");
    let path = clone.path().join(".git/forged");
    fs::write(&path, forged + "\n").unwrap();
    let forged = clone.git(&["hash-object", "-t", "commit", "-w", path.to_str().unwrap()]);
    let mut command = Command::new("git");
    assert!(!command.current_dir(clone.path()).args(["verify-commit", &forged]).output().unwrap().status.success());
}

#[test]
fn what_git_is_configured_with_holds_unless_it_is_told_otherwise() {
    let platform = Platform::new();
    let clone = with_ssh_key(&platform);
    clone.git(&["config", "commit.gpgSign", "true"]);
    let output = commit(&clone, &[]);
    assert!(output.status.success() && is_signed(&clone), "{}", words(&output));
    clone.rename_first("Other");
    let output = commit(&clone, &["--no-sign"]);
    assert!(output.status.success() && !is_signed(&clone), "{}", words(&output));
    clone.git(&["config", "commit.gpgSign", "false"]);
    clone.rename_first("Another");
    assert!(commit(&clone, &[]).status.success() && !is_signed(&clone));
}

#[test]
fn a_key_of_gpg_signs() {
    if Command::new("gpg").arg("--version").output().is_err() {
        return; // its part is git's own: the key of SSH shows ours
    }
    let platform = Platform::new();
    let clone = platform.clone("clone");
    // Not in a deep folder: gpg-agent's socket has a short name only.
    let home = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp").unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let gpg = |arguments: &[&str]| {
        let mut command = Command::new("gpg");
        let output =
            command.env("GNUPGHOME", home.path()).args(["--batch", "--quiet"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", words(&output));
    };
    gpg(&[
        "--passphrase",
        "",
        "--pinentry-mode",
        "loopback",
        "--quick-gen-key",
        "Ann <ann@example.org>",
        "ed25519",
        "sign",
    ]);
    let mut command = clone.tenantry(&["commit", "--sign"]);
    let output = command.env("GNUPGHOME", home.path()).output().unwrap();
    assert!(output.status.success() && is_signed(&clone), "{}", words(&output));
    let mut command = Command::new("git");
    let verified = command.current_dir(clone.path()).args(["verify-commit", "rendered"]).env("GNUPGHOME", home.path());
    assert!(verified.output().unwrap().status.success());
    let mut command = Command::new("gpgconf");
    let _ = command.env("GNUPGHOME", home.path()).args(["--kill", "gpg-agent"]).output();
}

#[test]
fn a_signing_program_gets_no_secrets_and_has_an_end() {
    let platform = Platform::new();
    let clone = with_ssh_key(&platform);
    let (program, seen) = (platform.path().join("signer"), platform.path().join("seen"));
    script(&program, &format!("env >{}\nexec ssh-keygen \"$@\"", seen.display()));
    clone.git(&["config", "gpg.ssh.program", program.to_str().unwrap()]);
    let mut command = clone.tenantry(&["commit", "--sign"]);
    command.env("TENANTRY_GIT_TOKEN", "canary-1").env("MARIADB_PASSWORD", "canary-2");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let seen = fs::read_to_string(seen).unwrap();
    assert!(seen.contains("PATH=") && !seen.contains("canary"), "{seen}");

    clone.rename_first("Other");
    let before = clone.git(&["rev-parse", "rendered"]);
    for (text, words_of_it) in [("echo no key today >&2; exit 1", "no key today"), ("exit 0", "failed to sign")] {
        script(&program, text);
        let output = commit(&clone, &["--sign"]);
        assert_eq!(output.status.code(), Some(5), "{}", words(&output));
        assert!(
            words(&output).contains(words_of_it) && words(&output).contains("user.signingKey"),
            "{}",
            words(&output)
        );
        assert_eq!(clone.git(&["rev-parse", "rendered"]), before);
    }
    script(&program, "exec sleep 20");
    let start = Instant::now();
    let mut command = clone.tenantry(&["commit", "--sign"]);
    let output = command.env("TENANTRY_GIT_TIMEOUT", "1").output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", words(&output));
    assert!(words(&output).contains("within 1 s") && start.elapsed() < Duration::from_secs(15), "{}", words(&output));
    assert_eq!(clone.git(&["rev-parse", "rendered"]), before);
    clone.fsck();
}
