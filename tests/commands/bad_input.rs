//! Bad input at the command line: a clear error, the right exit code, nothing half-written.

use std::fs;

use crate::estate::{FIRST, Scratch, stderr, stdout, tenantry};

#[test]
fn without_an_estate_the_error_says_where_it_looked() {
    let folder = tempfile::tempdir().unwrap();
    let none = tenantry(folder.path()).arg("check").assert().code(2);
    assert!(stderr(&none).contains("tenantry.yaml") && stderr(&none).contains("tenantry init"), "{}", stderr(&none));
    let wrong = tenantry(folder.path()).args(["check", "--estate", "nowhere"]).assert().code(2);
    assert!(stderr(&wrong).contains("`nowhere` is no estate"), "{}", stderr(&wrong));
}

#[test]
fn an_empty_tenants_folder_never_means_that_all_are_gone() {
    let scratch = Scratch::repository();
    let _ = scratch.run(&["commit", "--author", "A <a@example.com>"]).success();
    fs::remove_file(scratch.path().join(format!("tenants/{FIRST}.yaml"))).unwrap();
    scratch.record("all gone");
    let before = scratch.git(&["rev-parse", "rendered"]);
    let _ = scratch.run(&["check"]).code(1);
    let _ = scratch.run(&["commit", "--author", "A <a@example.com>"]).code(1);
    assert_eq!(scratch.git(&["rev-parse", "rendered"]), before);
}

#[test]
fn a_template_that_never_ends_is_stopped_at_its_line() {
    for (template, word) in [
        ("{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}", "end"),
        ("{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}", "recurs"),
        ("{% for a in range(9999) %}{{ 'x' * 9999 }}{% endfor %}", "large"),
    ] {
        let scratch = Scratch::starter();
        scratch.write("templates/app/route.yaml.j2", format!("kind: X\nname: a\ntext: {template}\n"));
        let found = scratch.run(&["check", "--rendered"]).code(1);
        let text = stdout(&found);
        assert!(text.contains("templates/app/route.yaml.j2:"), "{word}: {text}");
    }
}

#[test]
fn what_a_template_must_not_make_is_refused() {
    let metadata = "metadata:\n  name: x\n  namespace: {{ namespace }}\n";
    for (object, code) in [
        (format!("apiVersion: v1\nkind: Secret\n{metadata}stringData:\n  password: hunter2\n"), "secret"),
        (
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: x\nrules: []\n".into(),
            "kind",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  namespace: my-platform-neighbour\n".into(),
            "namespace",
        ),
        (
            format!("apiVersion: v1\nkind: ConfigMap\n{metadata}---\napiVersion: v1\nkind: ConfigMap\n{metadata}"),
            "identity",
        ),
        (format!("apiVersion: v1\nkind: ConfigMap\n{metadata}dta: {{}}\n"), "data"),
    ] {
        let scratch = Scratch::starter();
        scratch.write("templates/app/route.yaml.j2", &object);
        let out = scratch.beside("out");
        let found = scratch.run(&["render", "--out", out.to_str().unwrap()]).code(1);
        let text = stderr(&found);
        assert!(text.contains("templates/app/route.yaml.j2:"), "{code}: {text}");
        assert!(!text.contains("hunter2"), "a secret was shown: {text}");
        assert!(!out.exists());
    }
}

#[test]
fn a_link_an_executable_or_a_submodule_in_a_revision_is_refused() {
    let scratch = Scratch::repository();
    std::os::unix::fs::symlink("/etc/hostname", scratch.path().join("tenants/link-000001.yaml")).unwrap();
    scratch.record("a link");
    for arguments in [&["check"][..], &["check", "--revision", "HEAD"]] {
        let found = scratch.run(arguments).code(1);
        assert!(stdout(&found).contains("tenants/link-000001.yaml"), "{}", stdout(&found));
    }
}

#[test]
fn a_file_in_place_of_the_output_directory_is_an_error_of_the_disk() {
    let scratch = Scratch::starter();
    let out = scratch.beside("out");
    fs::write(&out, "a file").unwrap();
    let failed = scratch.run(&["render", "--out", out.to_str().unwrap()]).code(5);
    assert!(stderr(&failed).contains("out"), "{}", stderr(&failed));
    assert_eq!(fs::read_to_string(&out).unwrap(), "a file");
}

#[test]
fn hostile_text_cannot_steer_a_terminal() {
    let scratch = Scratch::starter();
    scratch.edit(&format!("tenants/{FIRST}.yaml"), "First Customer", "\u{1b}[2Jx\u{202e}y");
    let found = scratch.run(&["check"]).code(1);
    assert!(!stdout(&found).contains('\u{1b}') && !stdout(&found).contains('\u{202e}'), "{:?}", stdout(&found));
}
