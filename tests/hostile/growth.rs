//! Templates that grow without end: a few letters that would take all memory of a machine.

use std::process::Command;

use crate::case::Case;

/// What a process may take before the system refuses it more, in MiB: the program has to notice earlier.
const MOST: u64 = 5 << 10;

/// A name, and what stands in a template.
fn growing() -> Vec<(&'static str, String)> {
    let again = |start: &str, step: &str, times: usize| format!("{start}{}", step.repeat(times));
    let twice = "{% macro m(a, i) %}{% if i %}{{ m(a ~ a, i - 1) }}{% endif %}{% endmacro %}{{ m('x', 60) }}";
    let loops = "{% for a in ['x'] recursive %}{{ loop([a ~ a]) }}{% endfor %}";
    vec![
        ("a text that doubles", again("{% set a = 'x' %}", "{% set a = a ~ a %}", 60)),
        ("a sum of texts", again("{% set a = 'x' %}", "{% set a = a + a %}", 60)),
        (
            "two texts that hold each other",
            again("{% set a = 'x' %}{% set b = 'y' %}", "{% set a = a ~ b %}{% set b = b ~ a %}", 60),
        ),
        ("a text in a list in a text", again("{% set a = 'x' %}", "{% set a = [a, a] ~ '' %}", 60)),
        (
            "a list that keeps long texts",
            again(
                &again("{% set l = [] %}{% set x = 'x' * 90000 %}", "{% set x = x ~ x %}", 5),
                "{% set x = x ~ 1 %}{% set l = l + [x] %}",
                1_200,
            ),
        ),
        ("a macro that calls itself", twice.to_owned()),
        ("a loop that calls itself", loops.to_owned()),
    ]
}

#[test]
fn a_template_that_grows_without_end_is_stopped_with_words() {
    for (name, growing) in growing() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "{growing}\napiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: a, namespace: '{{{{ namespace }}}}' }}\n"
        );
        Case::refused("growth", name).file("templates/shop/extra.yaml.j2", text).lay_out(folder.path());
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", "120", "prlimit", &format!("--data={}", MOST << 20), "--core=0"]);
        command.arg(env!("CARGO_BIN_EXE_tenantry")).args(["check", "--rendered", "--format", "json"]);
        let output = command.current_dir(folder.path()).env("RUST_BACKTRACE", "0").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        println!(
            "{name}: {:?}: {}",
            output.status.code(),
            said.lines().find(|line| line.contains("message") || line.contains("error: ")).unwrap_or_default()
        );
        let is_stopped = output.status.code() == Some(1) && said.contains("MiB that it may");
        // Fuel, depth and the engine's own limits may be there first.
        let is_refused = output.status.code() == Some(1) && said.contains("templates/shop/extra.yaml.j2");
        assert!(is_stopped || is_refused, "{name}: {:?} {said}", output.status);
    }
}
