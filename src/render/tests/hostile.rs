//! No value changes structure: hostile texts in every text field of a plan, at every kind of place in a template.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::estate::{estate, plan};
use crate::{
    estate::Estate,
    plan::Plan,
    render::{Renderer, write},
    rendered::Rendered,
    yaml,
};

/// Values as whole scalars, in quotes, within longer texts, in block scalars, as keys, through macros, set blocks, filters
/// and JSON.
const TEMPLATE: &str = r#"{% macro pair(name, value) %}
macro:
  {{ name }}: {{ value }}
  list: [{{ value }}, "{{ value }}"]
{% endmacro %}
{% macro word(value) %}w-{{ value }}{% endmacro %}
kind: Hostile
# a comment with {{ VALUE }}
plain: {{ VALUE }}
double: "{{ VALUE }}"
single: '{{ VALUE }}'
longer: a {{ VALUE }} b {{ VALUE }}
url: https://{{ VALUE }}/{{ VALUE }}
flow: { a: {{ VALUE }}, "b": [ {{ VALUE }}, x{{ VALUE }} ] }
literal: |
  first {{ VALUE }}
    {{ VALUE }}
folded: >-
  {{ VALUE }} and
  more
keys:
  {{ VALUE }}: 1
  k-{{ VALUE }}: 2
  "{{ VALUE }}-q": 3
{{ pair("name", VALUE) }}
written: {{ word(VALUE) }}
joined: {{ word(VALUE) ~ "-end" }}
inner: {{ { "key": word(VALUE), "list": [VALUE] } }}
{% set block %}
  - {{ VALUE }}
  - fixed
{% endset %}
block:
{{ block }}
json: {{ { "a": VALUE } | tojson }}
upper: {{ word(VALUE) | upper }}
map: {{ PARENT }}
---
kind: Last
"#;

/// A field of the plan: its name in templates, the map or list that it stands in, and how it is changed.
struct Field {
    value: &'static str,
    parent: &'static str,
    set: fn(&mut Plan, String),
}

const FIELDS: &[Field] = &[
    Field { value: "tenant.displayName", parent: "tenant", set: |plan, text| plan.tenant.display_name = text },
    Field { value: "tenant.subscription", parent: "tenant", set: |plan, text| plan.tenant.subscription = text },
    Field {
        value: "tenant.contacts.admin",
        parent: "tenant.contacts",
        set: |plan, text| plan.tenant.contacts.admin = text,
    },
    Field {
        value: "annotations.note",
        parent: "annotations",
        set: |plan, text| {
            plan.annotations.insert("note".to_owned(), text);
        },
    },
    Field {
        value: "tenant.values.deep[0].text",
        parent: "tenant.values",
        set: |plan, text| {
            plan.tenant.values.insert("deep".to_owned(), json!([{ "text": text }]));
        },
    },
    Field {
        value: "services.auth.env.NOTE",
        parent: "services.auth.env",
        set: |plan, text| {
            let auth = plan.services.get_mut("auth").unwrap();
            auth.env = BTreeMap::from([("NOTE".to_owned(), text)]);
        },
    },
    Field { value: "hosts.primary", parent: "hosts", set: |plan, text| plan.hosts.primary = text },
    Field { value: "namespace", parent: "[namespace]", set: |plan, text| plan.namespace = text },
    Field {
        value: "tier.quota.pods",
        parent: "tier.quota",
        set: |plan, text| {
            plan.tier.quota.insert("pods".to_owned(), text);
        },
    },
];

fn estate_of(field: &Field) -> Estate {
    let template = TEMPLATE.replace("VALUE", field.value).replace("PARENT", field.parent);
    estate().template("a.yaml.j2", &template, json!({})).build()
}

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n"),
        Just("\r\n"),
        Just("\t"),
        Just(" "),
        Just(":"),
        Just(": "),
        Just("#"),
        Just(" #"),
        Just("\""),
        Just("'"),
        Just("---"),
        Just("\n---\n"),
        Just("..."),
        Just("{{ 7 * 7 }}"),
        Just("{% if %}"),
        Just("{#"),
        Just("&a"),
        Just("*a"),
        Just("!!python/object"),
        Just("<<"),
        Just("- "),
        Just("? "),
        Just("|"),
        Just(">"),
        Just("%YAML"),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(","),
        Just("yes"),
        Just("null"),
        Just("~"),
        Just("017"),
        Just("1e3"),
        Just("\u{85}"),
        Just("\u{2028}"),
        Just("\u{feff}"),
        Just("é"),
        Just("日本"),
        Just("🎉"),
        Just("\\"),
        Just("\u{0}"),
        Just("\u{1b}"),
        Just("evil: true"),
        Just("a"),
        Just("`"),
        Just("@"),
    ];
    prop_oneof![
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat()),
        "[^\u{E000}-\u{F8FF}\u{F0000}-\u{10FFFF}]{0,20}",
    ]
}

/// Returns what the template must make of a text, written without any template.
fn expected(text: &str, parent: &Value) -> Value {
    let joined = format!("w-{text}-end");
    json!({
        "kind": "Hostile",
        "plain": text, "double": text, "single": text,
        "longer": format!("a {text} b {text}"),
        "url": format!("https://{text}/{text}"),
        "flow": { "a": text, "b": [text, format!("x{text}")] },
        "literal": format!("first {text}\n  {text}\n"),
        "folded": format!("{text} and more"),
        "keys": { text: 1, format!("k-{text}"): 2, format!("{text}-q"): 3 },
        "macro": { "name": text, "list": [text, text] },
        "written": format!("w-{text}"), "joined": joined,
        "inner": { "key": format!("w-{text}"), "list": [text] },
        "block": [text, "fixed"],
        "json": json!({ "a": text }).to_string(),
        "upper": format!("w-{text}").to_uppercase(),
        "map": parent,
    })
}

fn render(renderer: &Renderer<'_>, plan: &Plan) -> Rendered {
    renderer.tenant(plan).unwrap()
}

/// Returns the value at a template's path in the plan, by way of the plan's own JSON.
fn parent(plan: &Plan, path: &str) -> Value {
    match path.strip_prefix('[').and_then(|path| path.strip_suffix(']')) {
        Some(field) => json!([parent(plan, field)]),
        None => path.split('.').fold(json!(plan), |value, name| value[name].clone()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_value_never_changes_structure(text in hostile(), index in 0..FIELDS.len()) {
        // The keys of the template would meet.
        prop_assume!(!["k-", "-q"].iter().any(|part| text.contains(part)));
        let field = &FIELDS[index];
        let estate = estate_of(field);
        let renderer = Renderer::new(&estate).unwrap();
        let mut plan = plan(&estate);
        (field.set)(&mut plan, text.clone());
        let rendered = render(&renderer, &plan);
        let tree = write(&rendered);
        let written = yaml::read_documents(tree.get("tenants/acme/manifests/a.yaml").unwrap()).unwrap();
        prop_assert_eq!(&written, &[expected(&text, &parent(&plan, field.parent)), json!({ "kind": "Last" })]);
        // The same bytes again, with skeletons and shared values at hand.
        prop_assert_eq!(&tree, &write(&render(&renderer, &plan)));
        // The document is data too.
        let document = tree.get("tenants/acme/provision.yaml").unwrap();
        prop_assert_eq!(yaml::read_documents(document).unwrap(), &[json!(plan.document)]);
    }
}

#[test]
fn texts_that_are_no_text_of_yaml_stay_what_they_are() {
    for text in [
        "a\nevil: true",
        "{{ 7*7 }}",
        "\"",
        "#",
        ": ",
        "---",
        "a\n---\nkind: Evil",
        "no",
        "017",
        "'",
        "",
        " ",
        "\n",
        "\u{2028}",
    ] {
        for field in FIELDS {
            let estate = estate_of(field);
            let renderer = Renderer::new(&estate).unwrap();
            let mut plan = plan(&estate);
            (field.set)(&mut plan, text.to_owned());
            let rendered = render(&renderer, &plan);
            let tree = write(&rendered);
            let written = yaml::read_documents(tree.get("tenants/acme/manifests/a.yaml").unwrap()).unwrap();
            assert_eq!(written, [expected(text, &parent(&plan, field.parent)), json!({ "kind": "Last" })], "{text:?}");
        }
    }
}
