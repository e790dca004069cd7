//! Texts of users stay texts in every report: no markup, no command, no escape sequence, no reordering.

use std::{collections::BTreeSet, path::Path, process::Command};

use serde_json::{Value, json};
use tenantry::{
    diag::{Code, Diagnostic, Place, Report},
    diff::diff,
    review::{Review, text::text},
    tree::Tree,
    yaml,
};

use crate::{base, limits};

/// What each reader's program would take for more than letters.
const PAYLOADS: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "</title></style></pre><h1>x",
    "<!-- x",
    "&lt;b&gt;&#60;",
    "javascript:alert(1)",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "https://evil.example",
    "@everyone #1 !2 ~3",
    "``` ` `` ~~~",
    "</details></summary>",
    "| a | b |",
    "# heading",
    "***x*** __y__",
    "\u{1b}[31mred\u{1b}[0m",
    "\u{1b}]8;;https://evil.example\u{7}link",
    "\u{9b}2J",
    "\u{202e}desrever\u{202c}",
    "\u{2066}x\u{2069}\u{200b}\u{feff}",
    "\u{2028}\u{2029}\u{85}",
    "=cmd|'/C calc'!A0",
    "+1 -1 @SUM(A1)",
    "::error file=x::y",
    "%0A::set-output name=x::y",
    "##vso[task.complete]",
    "##[add-mask]x",
    "   ::stop-commands::x",
    "{{ 7*7 }} {% raw %} ${x} $(id)",
    "a\rb",
    "\\u001b[31m",
];

/// The text in each place where a tree or a finding may hold one.
fn trees(text: &str) -> [Tree; 2] {
    let objects = |word: &str| {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("n{text}"), "namespace": text,
                "annotations": {text: word}},
            "data": {"value": format!("{word}{text}"), text: word, "lines": format!("a\n{text}{word}\nb")},
        });
        let other =
            json!({"apiVersion": text, "kind": format!("K{text}"), "metadata": {"name": word}, "list": [text, word]});
        let files = [
            ("tenants/a/manifests/a.yaml".to_owned(), object),
            (format!("tenants/a/manifests/{}.yaml", text.replace('/', "_")), other.clone()),
            (format!("tenants/{}/manifests/b.yaml", text.replace('/', "_")), other),
        ];
        files.into_iter().map(|(path, value)| (path, yaml::write(&value).into())).collect()
    };
    [objects("old"), objects("new")]
}

fn found(text: &str) -> Report {
    let place = Place::file(format!("tenants/{text}.yaml"));
    Report::new(vec![Diagnostic::new(Code::ServiceSelectsNothing, place, text, text).of_tenant(text)])
}

/// The elements of a page with the names of their attributes, each once, as a browser builds them.
fn elements(html: &str) -> BTreeSet<String> {
    let all = scraper::Html::parse_document(html);
    let elements = all.tree.values().filter_map(|node| node.as_element());
    let described = elements.map(|element| {
        let mut names: Vec<&str> = element.attrs().map(|(name, _)| name).collect();
        names.sort_unstable();
        format!("{} {}", element.name(), names.join(" "))
    });
    described.collect()
}

/// The comments of a page; its template has none.
fn comments(html: &str) -> usize {
    scraper::Html::parse_document(html).tree.values().filter(|node| node.is_comment()).count()
}

#[test]
fn the_page_holds_the_elements_of_its_template_alone() {
    let html = |text: &str| {
        let [before, after] = trees(text);
        let (changes, findings) = (diff(&before, &after).unwrap(), found(text));
        Review { changes: &changes, findings: &findings, live: Some(text) }.html().unwrap()
    };
    let known = elements(&html("plain"));
    assert!(known.len() > 20, "{known:?}");
    for payload in PAYLOADS {
        let page = html(payload);
        let more: Vec<String> = elements(&page).difference(&known).cloned().collect();
        assert!(more.is_empty(), "{payload:?}: {more:?}");
        assert_eq!(comments(&page), 0, "{payload:?}");
        assert_eq!(page.chars().find(|letter| yaml::is_hidden(*letter)), None, "{payload:?}");
        // What it says arrives as it was written, if nothing in it had to be made visible.
        let is_plain = !payload.chars().any(yaml::is_hidden)
            && !payload.contains(['\r', '\n'])
            && command_of_a_runner(payload).is_none();
        let shown = scraper::Html::parse_document(&page).root_element().text().collect::<String>();
        assert!(!is_plain || shown.contains(payload), "{payload:?} is not in the page");
    }
}

/// The address of the whole report, the only one that a comment leads to.
const WHOLE: &str = "https://ci.example/report";

/// What a reader of CommonMark with GitHub's extensions makes of a comment, our own markup left out: any other one.
fn foreign_markup(markdown: &str) -> Vec<String> {
    use pulldown_cmark::{Event, Options, Parser, Tag};
    const OURS: [&str; 8] =
        ["<details>", "<details open>", "</details>", "<summary>", "</summary>", "<code>", "</code>", "\n"];
    let mut foreign = Vec::new();
    let mut words = String::new();
    let mut code = 0;
    for event in Parser::new_ext(markdown, Options::all()) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => code += 1,
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => code -= 1,
            Event::Html(html) | Event::InlineHtml(html) => {
                let mut rest = html.to_string();
                OURS.iter().for_each(|tag| rest = rest.replace(tag, ""));
                foreign.extend(rest.contains(['<', '>']).then(|| format!("element in {html}")));
            }
            Event::Start(Tag::Link { dest_url, .. }) if &*dest_url == WHOLE => {}
            Event::Start(
                tag @ (Tag::Link { .. }
                | Tag::Image { .. }
                | Tag::Table(_)
                | Tag::BlockQuote(_)
                | Tag::FootnoteDefinition(_)
                | Tag::MetadataBlock(_)
                | Tag::Emphasis
                | Tag::Strikethrough
                | Tag::DefinitionList),
            ) => foreign.push(format!("{tag:?}")),
            Event::Text(text) if code == 0 => words.push_str(&text),
            Event::FootnoteReference(_) | Event::TaskListMarker(_) | Event::InlineMath(_) | Event::DisplayMath(_) => {
                foreign.push(format!("{event:?}"));
            }
            _ => {}
        }
    }
    // Outside of code, readers make links of addresses, mentions and numbers by themselves.
    let linked = ["evil.example", "@everyone", "#1", "javascript:"].into_iter().filter(|word| words.contains(word));
    foreign.extend(linked.map(|word| format!("`{word}` outside of code")));
    foreign
}

#[test]
fn a_comment_holds_the_markup_of_the_report_alone() {
    for payload in PAYLOADS {
        let [before, after] = trees(payload);
        let (changes, findings) = (diff(&before, &after).unwrap(), found(payload));
        for live in [None, Some(*payload)] {
            let comment = Review { changes: &changes, findings: &findings, live }.markdown(Some(WHOLE));
            assert_eq!(foreign_markup(&comment), [""; 0], "{payload:?}:\n{comment}");
        }
    }
    assert!(!foreign_markup("a <b>bold</b> [link](https://x.example) @everyone").is_empty());
}

#[test]
fn no_report_obeys_or_hides() {
    for payload in PAYLOADS {
        let [before, after] = trees(payload);
        let (changes, findings) = (diff(&before, &after).unwrap(), found(payload));
        let review = Review { changes: &changes, findings: &findings, live: None };
        let plain = text(&changes, tenantry::review::text::Style::default());
        for report in [plain, review.markdown(None)] {
            assert_eq!(report.chars().find(|letter| yaml::is_hidden(*letter)), None, "{payload:?}: {report}");
            assert_eq!(command_of_a_runner(&report), None, "{report}");
        }
    }
}

/// The first line that a runner of CI would take for a command, as those of GitHub and Azure look for it.
fn command_of_a_runner(log: &str) -> Option<&str> {
    log.lines().find(|line| {
        let rest = line.trim_start().strip_prefix("::");
        rest.is_some_and(|rest| rest.contains("::")) || line.contains("##[") || line.contains("##vso[")
    })
}

/// Runs `check` in a format over an estate whose names of files, keys and values hold a payload.
fn checked(payload: &str, format: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    base::lay_out(folder.path());
    let quoted = serde_json::to_string(payload).unwrap();
    let tenant = base::TENANT
        .replace("tier: standard", &format!("tier: {quoted}"))
        .replace("spec:", &format!("spec:\n  {quoted}: 1"));
    let name = payload.replace('/', "_").trim_start_matches('.').to_owned();
    std::fs::write(folder.path().join("tenants/cobalt.yaml"), &tenant).unwrap();
    std::fs::write(folder.path().join(format!("tenants/{name}.yaml")), tenant).unwrap();
    std::fs::write(folder.path().join("templates/shop/x.yaml.j2"), format!("a: {{{{ {payload} }}}}\n")).unwrap();
    output(folder.path(), &["check", "--rendered", "--format", format])
}

fn output(directory: &Path, arguments: &[&str]) -> String {
    let mut command: Command = limits::limited(arguments);
    String::from_utf8(command.current_dir(directory).output().unwrap().stdout).unwrap()
}

#[test]
fn findings_are_inert_in_every_format() {
    use rayon::prelude::*;
    PAYLOADS.par_iter().for_each(|payload| {
        for format in ["text", "json", "sarif", "github"] {
            let report = checked(payload, format);
            assert!(!report.is_empty(), "{payload:?} {format}");
            let hidden = report.chars().find(|letter| yaml::is_hidden(*letter));
            assert_eq!(hidden, None, "{payload:?} {format}: {report}");
            match format {
                "json" | "sarif" => drop(serde_json::from_str::<Value>(&report).unwrap()),
                "github" => {
                    for line in report.lines() {
                        let command = line.strip_prefix("::error file=").or(line.strip_prefix("::warning file="));
                        let (properties, message) =
                            command.unwrap_or_else(|| panic!("{line}")).split_once("::").unwrap();
                        // The names of properties are ours alone, whatever stands in their values.
                        let names: Vec<&str> =
                            properties.split(',').skip(1).map(|part| part.split('=').next().unwrap()).collect();
                        assert_eq!(names, ["line", "col", "endLine", "endColumn", "title"], "{line}");
                        assert!(!message.is_empty(), "{line}");
                    }
                }
                _ => {
                    assert_eq!(command_of_a_runner(&report), None, "{report}")
                }
            }
        }
    });
}

/// All that commands print of an estate whose tenant is called by a payload, in a repository whose branches and commits are.
#[test]
fn what_commands_print_is_inert() {
    use rayon::prelude::*;
    let printed = PAYLOADS.par_iter().map(|payload| {
        let folder = base::scratch();
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.current_dir(folder.path()).args(["-c", "user.name=a", "-c", "user.email=a@b.example"]).args(arguments);
            git.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap()
        };
        base::lay_out(folder.path());
        let quoted = serde_json::to_string(payload).unwrap();
        let template = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: words, namespace: '{{{{ namespace }}}}' }}\ndata:\n  word: {{{{ tenant.displayName }}}}\n  lines: |\n    a\n    {}\n    b\n",
            payload.replace(['\r', '\n', '\u{85}', '\u{2028}', '\u{2029}'], " ").replace("{{", "").replace("{%", "")
        );
        std::fs::write(folder.path().join("templates/shop/words.yaml.j2"), template).unwrap();
        let bundle = folder.path().join("templates/shop/bundle.yaml");
        let more = std::fs::read_to_string(&bundle).unwrap() + "  - { template: words.yaml.j2 }\n";
        std::fs::write(&bundle, more).unwrap();
        git(&["init", "-q", "-b", "main"]);
        git(&["add", "."]);
        git(&["commit", "-q", "-m", payload]);
        git(&["branch", payload]);
        let name = format!("displayName: {quoted}");
        std::fs::write(folder.path().join("tenants/cobalt.yaml"), base::TENANT.replace("displayName: Cobalt", &name)).unwrap();
        let base = format!("--base={payload}");
        let mut commands: Vec<Vec<&str>> = vec![
            vec!["tenant", "list"],
            vec!["explain", "cobalt"],
            vec!["check", &base],
            vec!["diff", &base],
            vec!["commit", "--author", payload],
            vec!["commit", "--branch", payload],
            vec!["provision", "plan", "--all", "--sandbox", "outside"],
            vec!["render", payload],
            vec!["tenant", "new", payload],
        ];
        commands.extend(["text", "markdown", "json"].map(|format| vec!["diff", "--format", format]));
        let mut shown = 0;
        for command in commands {
            let output = limits::limited(&command).current_dir(folder.path()).output().unwrap();
            for log in [output.stdout, output.stderr] {
                let log = String::from_utf8(log).unwrap();
                shown += usize::from(log.contains("evil") || log.contains("Cobalt") || log.contains(payload));
                let hidden = log.chars().find(|letter| *letter != '\n' && yaml::is_hidden(*letter));
                assert_eq!(hidden, None, "{payload:?} {command:?}: {log}");
                // What these two print is data, which a text may be.
                let is_data = ["explain", "render"].contains(&command[0]);
                assert!(is_data || command_of_a_runner(&log).is_none(), "{payload:?} {command:?}: {log}");
            }
        }
        shown
    });
    assert!(printed.sum::<usize>() > 3 * PAYLOADS.len());
}
