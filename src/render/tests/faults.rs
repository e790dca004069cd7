//! Faults of templates: each at its line, saying what to do, and none that hangs or panics.

use serde_json::json;

use super::estate::{estate, fault, plan, shown};
use crate::{diag::Position, render::Renderer, rendered::Origin};

#[test]
fn an_undefined_name_is_refused_with_what_was_meant() {
    insta::assert_snapshot!(fault("kind: A\nname: {{ tenant.dispalyName }}\n"), @"template-undefined templates/shop/a.yaml.j2:2:10-2:28 `tenant.dispalyName` is undefined | did you mean `displayName`? give it a `| default(…)`, or ask `is defined` first");
    insta::assert_snapshot!(fault("kind: A\nname: {{ tenannt.name }}\n"), @"template-undefined templates/shop/a.yaml.j2:2:10-2:22 `tenannt` is undefined | did you mean `tenant`? give it a `| default(…)`, or ask `is defined` first");
    insta::assert_snapshot!(fault("kind: A\nname: {{ services.auth.settings.colour }}\n"), @"template-undefined templates/shop/a.yaml.j2:2:23-2:39 `services.auth.settings.colour` is undefined | give it a `| default(…)`, or ask `is defined` first");
    insta::assert_snapshot!(fault("kind: A\nname: {{ { \"a\": tenant.nmae } }}\n"), @"template-value templates/shop/a.yaml.j2:2:1-2:33 `a` inside of the value is undefined | correct the name that its value comes from, or give that a `| default(…)`");
    insta::assert_snapshot!(fault("kind: A\nname: {{ \"a\" if not tenant.running }}\n"), @"template-value templates/shop/a.yaml.j2:2:1-2:38 the expression has no value | give the expression an `else`");
}

#[test]
fn faults_of_the_engine_have_their_place() {
    insta::assert_snapshot!(fault("kind: A\n\n  name: {{ x\n"), @"template-syntax templates/shop/a.yaml.j2:3:12-3:13 unexpected end of input, expected end of variable block | correct the tag; `{% raw %}` keeps braces as they are");
    insta::assert_snapshot!(fault("kind: A\n{% if %}\n"), @"template-syntax templates/shop/a.yaml.j2:2:7-2:9 unexpected end of block | correct the tag; `{% raw %}` keeps braces as they are");
    insta::assert_snapshot!(fault("kind: A\n{% include \"shop/nope.j2\" %}\n"), @"template-error templates/shop/a.yaml.j2:2:4-2:26 tried to include non-existing template 'shop/nope.j2' | templates are named by their path below templates/");
    insta::assert_snapshot!(fault("kind: A\na: {{ tenant.name | uper }}\n"), @"template-error templates/shop/a.yaml.j2:2:21-2:25 there is no filter `uper` | did you mean `upper`?");
    insta::assert_snapshot!(fault("kind: A\na: {{ env(\"HOME\") }}\n"), @"template-error templates/shop/a.yaml.j2:2:7-2:18 there is no function `env` | there are dict, range; nothing reaches files, clocks, networks or the environment");
    insta::assert_snapshot!(fault("kind: A\na: {{ debug() }}\n"), @"template-error templates/shop/a.yaml.j2:2:7-2:14 there is no function `debug` | there are dict, range; nothing reaches files, clocks, networks or the environment");
    insta::assert_snapshot!(fault("kind: A\na: {{ tenant.displayName | safe }}\n"), @"template-error templates/shop/a.yaml.j2:2:28-2:32 there is no filter `safe` | there are abs, attr, bool, capitalize, chain, count, d, default, dictsort, digest, first, float, groupby, indent, int, items, join, last, length, lines, list, lower, map, max, min, reject, rejectattr, replace, reverse, round, select, selectattr, sort, split, string, sum, title, tojson, trim, unique, upper, zip; nothing reaches files, clocks, networks or the environment");
    insta::assert_snapshot!(fault("kind: A\na: {{ \"ä\" }}{{ 1 + \"a\" }}\n"), @"template-error templates/shop/a.yaml.j2:2:16-2:23 invalid operation: tried to use + operator on unsupported types number and string | correct the expression");
}

#[test]
fn what_does_not_end_ends() {
    insta::assert_snapshot!(
        fault("kind: A\n{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}\n"), @"template-endless templates/shop/a.yaml.j2:2:40-2:52 the template does not end | one file may take 200,000 steps: look at the loops, or split the file");
    insta::assert_snapshot!(fault("kind: A\n{% macro m() %}{{ m() }}{% endmacro %}\na: {{ m() }}\n"), @"template-endless templates/shop/a.yaml.j2:2:19-2:22 macros or includes call each other too deeply | a macro or include calls itself without an end; at most 50 macros or 20 includes may be open");
    insta::assert_snapshot!(fault("kind: A\n{% include \"shop/a.yaml.j2\" %}\n"), @"template-endless templates/shop/a.yaml.j2:2:4-2:28 macros or includes call each other too deeply | a macro or include calls itself without an end; at most 50 macros or 20 includes may be open");
    let big = format!("kind: A\n# start\n{{% for i in range(10000) %}}\n# {}\n{{% endfor %}}\n", "x".repeat(1000));
    insta::assert_snapshot!(fault(&big), @"template-output templates/shop/a.yaml.j2:4:1-4:1003 the template prints more than 1024 KiB | look at the loops; Kubernetes refuses objects beyond 1.5 MiB");
    insta::assert_snapshot!(
        fault("kind: A\nlist:\n{% for a in range(10) %}\n{% for b in range(10000) %}\n- {{ b }}\n{% endfor %}\n{% endfor %}\n"), @"template-endless templates/shop/a.yaml.j2:5:6-5:7 the template does not end | one file may take 200,000 steps: look at the loops, or split the file");
    insta::assert_snapshot!(fault("kind: A\na: {{ (\"a\" * 1000) | replace(\"a\", \"b\" * 100000) }}\n"), @"template-value templates/shop/a.yaml.j2:2:22-2:48 the text has more than 1048576 bytes | no text of a Kubernetes object comes near 1 MiB");
    insta::assert_snapshot!(fault("kind: A\na: {{ \"a\nb\" | indent(99999999999) }}\n"), @"template-error templates/shop/a.yaml.j2:3:6-3:25 invalid operation: an indentation has at most 128 spaces | correct the expression");
}

#[test]
fn values_out_of_place_are_refused() {
    insta::assert_snapshot!(fault("kind: A\nname: x-{{ services.auth.resources }}\n"), @"template-value templates/shop/a.yaml.j2:2:1-2:38 a map cannot stand in a text | let the value stand alone behind `key: `, take one field of it, or make it text with `| join` or `| tojson`");
    insta::assert_snapshot!(fault("kind: A\nname: \"{{ hosts.all }}\"\n"), @"template-value templates/shop/a.yaml.j2:2:1-2:24 a list cannot stand in a text | let the value stand alone behind `key: `, take one field of it, or make it text with `| join` or `| tojson`");
    insta::assert_snapshot!(fault("kind: A\nends: {{ tenant.trialEnds }}\n"), @"template-value templates/shop/a.yaml.j2:2:1-2:29 the value is null | leave the line out with `{% if … %}`, or give the expression a `| default(…, true)`");
    insta::assert_snapshot!(fault("kind: A\nmap:\n  {{ services.auth.resources }}: 1\n"), @"template-value templates/shop/a.yaml.j2:3:3-3:35 a map cannot stand in a text | let the value stand alone behind `key: `, take one field of it, or make it text with `| join` or `| tojson`");
    insta::assert_snapshot!(fault("kind: A\nmap:\n  acme: 1\n  {{ tenant.name }}: 2\n"), @"template-value templates/shop/a.yaml.j2:4:3-4:23 the key `acme` is there twice | two expressions gave the same key, or one gave a key that is written out too");
    insta::assert_snapshot!(fault("kind: A\nname: {{ dict }}\n"), @"template-value templates/shop/a.yaml.j2:2:1-2:17 a macro or function is not data | call the macro or function, or take a field of the value");
    insta::assert_snapshot!(fault("kind: A\nname: {{ 100000000000000000000 }}\n"), @"template-value templates/shop/a.yaml.j2:2:1-2:34 the number 100000000000000000000 has no JSON form | numbers are finite and integers have at most 64 bits");
    insta::assert_snapshot!(fault("kind: A\nname: {{ 1e308 * 10 }}\n"), @"template-value templates/shop/a.yaml.j2:2:1-2:23 the number inf has no JSON form | numbers are finite and integers have at most 64 bits");
}

#[test]
fn a_text_that_is_no_yaml_points_at_the_template() {
    insta::assert_snapshot!(
        fault("{% if tenant.running %}\nkind: A\n{% endif %}\nname: [{{ tenant.name }}\nb: 1\n"), @"template-yaml templates/shop/a.yaml.j2:5:1-5:5 the template makes no valid YAML: invalid indentation | check the indentation: two spaces a level, the same for all keys of a map");
    insta::assert_snapshot!(fault("kind: A\n{% for host in hosts.all %}\nhost: {{ host }}\n{% endfor %}\n"), @"template-yaml templates/shop/a.yaml.j2:3:1-3:17 the template makes no valid YAML: the key `host` is given twice | keep one of the two");
    insta::assert_snapshot!(fault("kind: A\nanswer: yes\n"), @r#"template-yaml templates/shop/a.yaml.j2:2:1-2:12 the template makes no valid YAML: `yes` is true for YAML 1.1 readers and text for YAML 1.2 readers | write "yes" for the text, or true for the boolean"#);
    insta::assert_snapshot!(fault("kind: A\n---\n- {{ tenant.name }}\n"), @"template-yaml templates/shop/a.yaml.j2:3:1-3:20 the template makes something that is no Kubernetes object | each document is a map with `apiVersion`, `kind` and `metadata`");
}

#[test]
fn faults_in_imported_files_point_there() {
    let faults = estate()
        .library(
            "shop/_m.j2",
            "{% macro good() %}\na: 1\n{% endmacro %}\n{% macro m(x) %}\nmap:\n  name: \"{{ x }}\"\n{% endmacro %}\n",
        )
        .template("a.yaml.j2", "{% from \"shop/_m.j2\" import m %}\nkind: A\n{{ m(hosts.all) }}\n", json!({}))
        .template("b.yaml.j2", "kind: B\n{% include \"shop/_i.j2\" %}\n", json!({}))
        .library("shop/_i.j2", "a: 1\nb: {{ tenant.nothing }}\n")
        .faults();
    insta::assert_snapshot!(faults.join("\n"), @r#"
    template-undefined templates/shop/_i.j2:2:7-2:21 `tenant.nothing` is undefined | there are name, uid, displayName, subdomain, contacts, subscription, state, running, trialEnds, deleteAfter, values; give it a `| default(…)`, or ask `is defined` first
    template-value templates/shop/_m.j2:6:3-6:18 a list cannot stand in a text | let the value stand alone behind `key: `, take one field of it, or make it text with `| join` or `| tojson`
    "#);
}

#[test]
fn every_fault_of_a_tenant_is_told_once() {
    let findings = estate()
        .template(
            "a.yaml.j2",
            "kind: A\na: {{ nothing }}\n",
            json!({ "each": "services", "output": "a/{{ item.name }}.yaml" }),
        )
        .template("b.yaml.j2", "kind: B\nb: {{ tenant.nothing }}\n", json!({}))
        .render()
        .unwrap_err();
    assert_eq!(findings.len(), 2, "{findings:#?}");
    assert!(findings.iter().all(|finding| finding.tenant.as_deref() == Some("acme")));
}

#[test]
fn expressions_of_bundles_point_into_the_bundle_file() {
    let faults = estate()
        .template("a.yaml.j2", "kind: A\n", json!({ "each": "tenant.name" }))
        .template("b.yaml.j2", "kind: B\n", json!({ "each": "tenant.names" }))
        .template("c.yaml.j2", "kind: C\n", json!({ "each": "services", "when": "item.nope" }))
        .template("d.yaml.j2", "kind: D\n", json!({ "output": "{{ hosts.all }}.yaml" }))
        .faults();
    insta::assert_snapshot!(faults.join("\n"), @r#"
    template-error templates/shop/bundle.yaml:5:11-5:22 `each` gives a text, not a list or a map | name a list or map of the plan, `services` for example
    template-undefined templates/shop/bundle.yaml:7:11-7:23 `tenant.names` is undefined | did you mean `name`? give it a `| default(…)`, or ask `is defined` first
    template-undefined templates/shop/bundle.yaml:11:11-11:20 `item.nope` is undefined | there are name, image, version, replicas, port, metricsPort, resources, database, public, autoscaling, disruptionBudget, health and 3 more; give it a `| default(…)`, or ask `is defined` first
    template-path templates/shop/bundle.yaml:12:13-12:35 a list cannot stand in a text | let the value stand alone behind `key: `, take one field of it, or make it text with `| join` or `| tojson`
    "#);
    let estate = estate()
        .template("a.yaml.j2", "kind: A\n", json!({ "when": "a }} {{ b" }))
        .template("b.yaml.j2", "kind: B\n", json!({ "output": "../b.yaml" }))
        .entry(json!({ "template": "bb.yaml.j2" }))
        .build();
    let faults: Vec<String> = Renderer::new(&estate).unwrap_err().iter().map(shown).collect();
    insta::assert_snapshot!(faults.join("\n"), @r#"
    template-syntax templates/shop/bundle.yaml:6:11-6:20 unexpected input after expression | correct the tag; `{% raw %}` keeps braces as they are
    template-path templates/shop/bundle.yaml:7:13-7:22 the output `../b.yaml` is refused: a part of the path is empty, `.` or `..`, or starts with a dot or a hyphen | a path such as `services/{{ item.name }}.yaml`: letters, digits, `.`, `_` and `-`, with `/` between
    template-error templates/shop/bundle.yaml:9:15-9:25 there is no template `bb.yaml.j2` in the bundle `shop` | did you mean `b.yaml.j2`?
    "#);
}

#[test]
fn outputs_are_plain_relative_paths() {
    for output in [
        "/a.yaml",
        "../a.yaml",
        "a//b.yaml",
        "a/./b.yaml",
        "a.yml",
        "a",
        "",
        "a\n.yaml",
        "ä.yaml",
        ".a.yaml",
        "-a.yaml",
        "kustomization.yaml",
        "Kustomization.yaml",
        "hooks/provision.yaml",
        "Hooks/x.yaml",
        "provision-digest.yaml",
        "values.yaml",
        "Chart.yaml",
        "charts/x.yaml",
        "components/x.yaml",
        "objects/x.yaml",
        "a b.yaml",
        "a:b.yaml",
    ] {
        let literal = estate().template("a.yaml.j2", "kind: A\n", json!({ "output": output })).faults();
        let made = format!("{{{{ {} }}}}", serde_json::to_string(output).unwrap());
        let made = estate().template("a.yaml.j2", "kind: A\n", json!({ "output": made })).faults();
        for faults in [literal, made] {
            assert!(
                faults.len() == 1 && faults[0].starts_with("template-path templates/shop/bundle.yaml:"),
                "{faults:?}"
            );
        }
    }
    let twice = estate()
        .template("a.yaml.j2", "kind: A\n", json!({ "each": "services", "output": "x.yaml" }))
        .template("b.yaml.j2", "kind: B\n", json!({ "output": "{{ 'X' }}.yaml" }))
        .faults();
    assert!(twice.iter().all(|fault| fault.contains("two outputs of the tenant are called")), "{twice:?}");
    assert_eq!(twice.len(), 2, "{twice:?}");
}

#[test]
fn private_use_characters_are_refused() {
    let estate = estate().template("a.yaml.j2", "kind: A\nb: \u{F0000}\n", json!({})).build();
    let faults: Vec<String> = Renderer::new(&estate).unwrap_err().iter().map(shown).collect();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].starts_with("forbidden-character templates/shop/a.yaml.j2:2:1-2:5"), "{faults:?}");
    for character in ['\u{E000}', '\u{F0000}', '\u{F0003}', '\u{FFFFD}', '\u{100000}'] {
        let builder =
            super::estate::estate().template("a.yaml.j2", "kind: A\nb: {{ tenant.displayName }}\n", json!({}));
        let builder = super::estate::Builder { display_name: format!("a{character}"), ..builder };
        let faults = builder.faults();
        assert!(faults[0].starts_with("forbidden-character tenants/acme.yaml:1:1"), "{faults:?}");
    }
    // A template that makes one itself.
    assert!(fault("kind: A\nb: {{ \"\\udb80\\udc07\" }}\n").starts_with("template-"));
}

#[test]
fn a_field_of_an_object_leads_to_its_line() {
    let estate = estate()
        .library("shop/_m.j2", "{% macro probe(item) %}\nlivenessProbe:\n  port: {{ item.port }}\n{% endmacro %}\n")
        .template(
            "a.yaml.j2",
            "{% from \"shop/_m.j2\" import probe %}\n# first\nkind: A\n---\nkind: B\nspec:\n  {% if item.database %}\n  db: x\n  {% endif %}\n  \
             replicas: {{ item.replicas }}   # {{ item.name }}\n  list:\n    - a: 1\n    - {{ item.name }}: {{ item.resources }}\n  {{ probe(item) | indent(2) }}\n",
            json!({ "each": "services", "output": "{{ item.name }}.yaml" }),
        )
        .build();
    let renderer = Renderer::new(&estate).unwrap();
    let plan = plan(&estate);
    let origin =
        |item, document| Origin::Template { file: "templates/shop/a.yaml.j2".to_owned(), entry: 0, item, document };
    let at = |item, document, pointer: &str| {
        let place = renderer.place(&plan, &origin(item, document), pointer);
        format!("{place}-{}", place.span.end.column)
    };
    assert_eq!(at(0, 0, "/kind"), "templates/shop/a.yaml.j2:3:1-8");
    assert_eq!(at(0, 1, ""), "templates/shop/a.yaml.j2:5:1-8");
    assert_eq!(at(0, 1, "/spec/db"), "templates/shop/a.yaml.j2:8:3-8");
    assert_eq!(at(1, 1, "/spec/replicas"), "templates/shop/a.yaml.j2:10:3-52");
    assert_eq!(at(1, 1, "/spec/list/1/orders/requests/cpu"), "templates/shop/a.yaml.j2:13:5-44");
    assert_eq!(at(0, 1, "/spec/livenessProbe/port"), "templates/shop/_m.j2:3:3-24");
    assert_eq!(at(0, 1, "/spec/missing/deeper"), "templates/shop/a.yaml.j2:6:1-6");
    let source = renderer.source(&plan, &origin(1, 1), "/spec/replicas").unwrap();
    assert_eq!(source.line_text, "replicas: {{ item.replicas }}   # {{ item.name }}");
    assert_eq!(source.expressions, ["item.replicas", "item.name"]);
    assert_eq!(source.item.as_deref(), Some("orders"));
    assert_eq!(source.place.span.start, Position { line: 10, column: 3 });
    assert_eq!(renderer.source(&plan, &Origin::Generated, "/kind"), None);
    assert!(renderer.place(&plan, &Origin::Generated, "/kind").file.ends_with("hooks/provision.yaml"));
}
