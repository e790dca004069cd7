//! What `commit` keeps from the output branch's tip, when it does not, and what the cache may and may not do.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::estate::{FIRST, Scratch, git, stderr, stdout, tenantry};

const AUTHOR: &str = "Platform Bot <bot@example.com>";

/// Four tenants, and their rendering on the output branch.
fn rendered() -> Scratch {
    let scratch = Scratch::repository();
    for number in 1..=3 {
        scratch.add_tenant(&format!("customer-00000{number}"), &format!("00000000000{number}"));
    }
    scratch.record("four tenants");
    assert_eq!(commit(&scratch, &[]), None);
    scratch
}

/// Commits, and returns how many tenants were rendered where not all were.
fn commit(scratch: &Scratch, arguments: &[&str]) -> Option<usize> {
    let mut command = tenantry(&scratch.path());
    command.env("TENANTRY_LOG", "tenantry=debug").args(["commit", "--author", AUTHOR]).args(arguments);
    let said = stderr(&command.assert().success());
    let (_, rest) = said.split_once("rendered=")?;
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

fn rename_first(scratch: &Scratch, name: &str) {
    let path = format!("tenants/{FIRST}.yaml");
    let old = scratch.read(&path).lines().find(|line| line.contains("displayName")).unwrap().to_owned();
    scratch.edit(&path, &old, &format!("  displayName: {name}"));
    scratch.record(name);
}

fn tree(scratch: &Scratch, branch: &str) -> String {
    scratch.git(&["rev-parse", &format!("{branch}^{{tree}}")])
}

/// Asserts that the output branch holds what a full run makes.
fn assert_full(scratch: &Scratch) {
    let _ = commit(scratch, &["--full", "--branch", "full"]);
    assert_eq!(tree(scratch, "rendered"), tree(scratch, "full"));
}

/// Puts a commit on the output branch by hand: the tip's tree and message, as `change` makes them.
fn forge(scratch: &Scratch, change: impl Fn(String) -> String, tree: &str) {
    let message = change(scratch.git(&["log", "-1", "--format=%B", "rendered"]));
    let made = scratch.git(&["commit-tree", tree, "-p", "rendered", "-m", &message]);
    scratch.git(&["update-ref", "refs/heads/rendered", &made]);
}

/// The tip's tree with another text in a tenant's file.
fn tampered(scratch: &Scratch) -> String {
    let index = scratch.beside("index");
    let path = "tenants/customer-000002/application.json";
    let blob = scratch.beside("blob");
    fs::write(&blob, "{}\n").unwrap();
    let id = scratch.git(&["hash-object", "-w", blob.to_str().unwrap()]);
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        let output = command.arg("-C").arg(scratch.path()).args(arguments).env("GIT_INDEX_FILE", &index).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    run(&["read-tree", "rendered"]);
    run(&["update-index", "--cacheinfo", &format!("100644,{id},{path}")]);
    run(&["write-tree"])
}

#[test]
fn one_changed_tenant_is_rendered_and_the_others_are_kept() {
    let scratch = rendered();
    rename_first(&scratch, "Another Name");
    assert_eq!(commit(&scratch, &[]), Some(1));
    assert_full(&scratch);
    scratch.write("README.md", "no part of the estate");
    scratch.record("a file beside the estate");
    let tip = scratch.git(&["rev-parse", "rendered"]);
    assert_eq!(commit(&scratch, &[]), Some(0));
    assert_eq!(scratch.git(&["rev-parse", "rendered"]), tip);
    rename_first(&scratch, "A Third Name");
    assert_eq!(commit(&scratch, &["--full"]), None, "as asked for");
    assert_full(&scratch);
}

#[test]
fn a_tip_that_was_changed_by_hand_is_rendered_anew() {
    let scratch = rendered();
    let right = tree(&scratch, "rendered");
    // Amended, with the trailers of the commit that it was.
    let wrong = tampered(&scratch);
    forge(&scratch, |message| message, &wrong);
    assert_eq!(commit(&scratch, &[]), None);
    assert_eq!(tree(&scratch, "rendered"), right);
}

#[test]
fn a_tip_whose_origin_is_not_known_is_rendered_anew() {
    let scratch = rendered();
    let head = scratch.git(&["rev-parse", "HEAD"]);
    let right = tree(&scratch, "rendered");
    let wrong = tampered(&scratch);
    type Change<'c> = Box<dyn Fn(String) -> String + 'c>;
    let changes: [(&str, Change<'_>); 7] = [
        ("no trailers", Box::new(|_| "by hand".to_owned())),
        ("another build", Box::new(|text| text.replace("Tenantry-Build: ", "Tenantry-Build: 0"))),
        ("no build", Box::new(|text| text.replace("Tenantry-Build: ", "Another: "))),
        ("another version", Box::new(|text| text.replace("Tenantry-Version: ", "Tenantry-Version: 9"))),
        ("a revision that is not here", Box::new(|text| text.replace(&head, &"1".repeat(40)))),
        ("a name as the revision", Box::new(|text| text.replace(&head, "main"))),
        ("two revisions", Box::new(|text| text.replace(&head, &format!("{head}\nSource-Revision: {head}")))),
    ];
    for (name, change) in &changes {
        // The tree's own trailer fits, so only what is tried here tells that the tip is not to be kept.
        forge(&scratch, |text| change(text.replace(&right, &wrong)), &wrong);
        assert_eq!(commit(&scratch, &[]), None, "{name}");
        assert_eq!(tree(&scratch, "rendered"), right, "{name}");
    }
}

#[test]
fn another_folder_of_the_repository_is_another_estate() {
    let scratch = rendered();
    let copy = scratch.path().join("second");
    for folder in ["tenants", "tiers", "templates", "schemas"] {
        scratch.git(&["read-tree", &format!("--prefix=second/{folder}/"), "-u", &format!("HEAD:{folder}")]);
    }
    fs::copy(scratch.path().join("tenantry.yaml"), copy.join("tenantry.yaml")).unwrap();
    fs::remove_file(copy.join("tenants/customer-000003.yaml")).unwrap();
    scratch.record("a second estate");
    let second = copy.to_str().unwrap();
    assert_eq!(commit(&scratch, &["--estate", second]), None, "the tip is the rendering of the first one");
    let message = scratch.git(&["log", "-1", "--format=%B", "rendered"]);
    assert!(message.contains("\nSource-Path: \"second\"\n"), "{message}");
    assert!(!scratch.git(&["ls-tree", "--name-only", "rendered:tenants"]).contains("customer-000003"));
    assert_eq!(commit(&scratch, &["--estate", second]), Some(0));
    assert_eq!(commit(&scratch, &[]), None);
}

#[test]
fn a_shallow_clone_renders_everything() {
    let scratch = rendered();
    let clone = scratch.beside("clone");
    rename_first(&scratch, "Another Name");
    let from = format!("file://{}", scratch.path().display());
    git(&scratch.path(), &["clone", "-q", "--depth=1", "--no-single-branch", &from, clone.to_str().unwrap()]);
    git(&clone, &["branch", "-q", "rendered", "origin/rendered"]);
    let said = tenantry(&clone).env("TENANTRY_LOG", "tenantry=debug").args(["commit", "--author", AUTHOR]).assert();
    assert!(!stderr(&said.success()).contains("rendered="));
    let _ = commit(&scratch, &["--full"]);
    assert_eq!(git(&clone, &["rev-parse", "rendered^{tree}"]), tree(&scratch, "rendered"));
}

/// The one entry of a cache.
fn entry(cache: &Path) -> PathBuf {
    let mut entries = fs::read_dir(cache.join("tenantry")).unwrap();
    let entry = entries.next().unwrap().unwrap().path();
    assert!(entries.next().is_none());
    entry
}

#[test]
fn no_state_of_the_cache_changes_what_is_found_or_shown() {
    let scratch = rendered();
    rename_first(&scratch, "Another Name");
    let cache = scratch.beside("cache");
    let diff = || {
        let mut command = tenantry(&scratch.path());
        command.env("XDG_CACHE_HOME", &cache).args(["diff", "--base", "HEAD~1", "--format", "json"]);
        let run = command.assert().success();
        (stdout(&run), stderr(&run))
    };
    let right = diff();
    assert!(right.0.contains("Another Name"));
    let whole = fs::read(entry(&cache)).unwrap();
    assert!(whole.windows(FIRST.len()).any(|bytes| bytes == FIRST.as_bytes()), "it holds what was learnt");
    assert_eq!(diff(), right, "warm");
    let at = entry(&cache);
    // A text of a fact changed to one of the same length: only the checksum tells.
    let text = String::from_utf8_lossy(&whole).into_owned();
    assert!(text.contains("Another Name"));
    let mut poisoned = whole.clone();
    let place = whole.windows(12).position(|bytes| bytes == b"Another Name").unwrap();
    poisoned[place..place + 12].copy_from_slice(b"Poisoned One");
    for bad in [poisoned, whole[..whole.len() / 2].to_vec(), Vec::new(), [whole.as_slice(), b"more"].concat()] {
        fs::write(&at, bad).unwrap();
        assert_eq!(diff(), right);
        assert_eq!(fs::read(&at).unwrap(), whole, "and is made right again");
    }
    fs::remove_dir_all(&cache).unwrap();
    assert_eq!(diff(), right, "deleted");
    fs::remove_dir_all(&cache).unwrap();
    fs::write(&cache, "a file in the place of the folder").unwrap();
    assert_eq!(diff(), right, "nowhere to write");
}

#[test]
fn the_cache_is_the_users_alone_and_never_in_the_work_tree() {
    let scratch = rendered();
    // HOME is the work tree here.
    assert_eq!(scratch.git(&["status", "--porcelain"]), "");
    assert!(!scratch.path().join(".cache").exists());
    let home = scratch.beside("home");
    fs::create_dir(&home).unwrap();
    let _ = tenantry(&scratch.path()).env("HOME", &home).args(["diff"]).assert().success();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let cache = home.join(".cache");
    assert_eq!((mode(&cache.join("tenantry")), mode(&entry(&cache))), (0o700, 0o600));
}

#[test]
fn what_is_known_of_a_tenant_does_not_hide_what_another_claims_now() {
    let scratch = rendered();
    let cache = scratch.beside("cache");
    let diff = || tenantry(&scratch.path()).env("XDG_CACHE_HOME", &cache).args(["diff"]).assert();
    let _ = diff().success();
    scratch.edit("tenants/customer-000002.yaml", "000000000002", "000000000003");
    assert!(stderr(&diff().code(1)).contains("duplicate-uid"));
    // Nor what the shared files make of it now.
    scratch.git(&["checkout", "-q", "."]);
    fs::rename(scratch.path().join("tiers/standard.yaml"), scratch.path().join("tiers/gold.yaml")).unwrap();
    scratch.edit("tiers/gold.yaml", "name: standard", "name: gold");
    assert!(stderr(&diff().code(1)).contains("unknown-tier"));
}

/// Policies that are made by the tier alone: everybody may come to a tenant of `standard`, one of `business` may go anywhere.
const BY_TIER: &str = "\
{% if tier.name in ['standard', 'business'] %}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
{{ metadata('by-tier') }}
spec:
  podSelector: {}
  policyTypes: [{{ 'Ingress' if tier.name == 'standard' else 'Egress' }}]
  {{ 'ingress' if tier.name == 'standard' else 'egress' }}:
    - {}
{% endif %}
";

#[test]
fn a_changed_tenant_is_held_against_those_that_are_kept() {
    let scratch = Scratch::flagship();
    let policies = "templates/commerce/network-policies.yaml.j2";
    let open = format!("{}{BY_TIER}", scratch.read(policies));
    // Nobody of `business` is there at first, so that nobody goes to those that let everybody in.
    let business = ["tenants/polar-gear-b1657e.yaml", "tenants/summit-outdoor-c2e81f.yaml"];
    let [tenant, _] = business.map(|path| scratch.read(path));
    business.iter().for_each(|path| fs::remove_file(scratch.path().join(path)).unwrap());
    scratch.write(policies, open);
    scratch.record("open by tier");
    assert_eq!(commit(&scratch, &[]), None);
    scratch.write(business[0], tenant);
    scratch.record("one that may go anywhere");
    let refused = scratch.run(&["commit", "--author", AUTHOR]).code(1);
    let said = format!("{}{}", stdout(&refused), stderr(&refused));
    assert!(said.contains("network-across-tenants"), "{said}");
    assert!(said.contains("polar-gear-b1657e"), "{said}");
}
