//! What templates may say and what comes of it.

use serde_json::json;

use super::estate::{estate, object};
use crate::rendered::Origin;

#[test]
fn a_value_alone_keeps_its_type() {
    let made = object(
        "text: {{ tenant.displayName }}\nnumber: {{ services.auth.port }}\nflag: {{ services.auth.database }}\n\
         map: {{ services.auth.resources }}\nlist: {{ hosts.all }}\nnested: [{{ tenant.name }}, { a: {{ 1.5 }} }]\n\
         empty: {{ tenant.values }}\nbig: {{ 18446744073709551615 }}\n",
    );
    assert_eq!(
        made,
        json!({
            "text": "Café & Söhne", "number": 8100, "flag": true,
            "map": { "requests": { "cpu": "100m" }, "limits": { "memory": "128Mi" } },
            "list": ["acme.shops.example", "shop.acme.example"],
            "nested": ["acme", { "a": 1.5 }],
            "empty": {},
            "big": 18_446_744_073_709_551_615_u64,
        })
    );
}

#[test]
fn a_value_in_quotes_or_in_a_longer_text_is_text() {
    let made = object(
        "a: \"{{ services.auth.port }}\"\nb: '{{ services.auth.database }}'\nc: {{ tenant.name }}-db\n\
         d: http://{{ hosts.primary }}:{{ services.auth.port }}/\ne: |\n  name = {{ tenant.displayName }}\n  end\n\
         f: >-\n  {{ services.auth.port }}\n{{ tenant.name }}.json: 1\n{{ services.auth.port }}: 2\n",
    );
    assert_eq!(
        made,
        json!({
            "a": "8100", "b": "true", "c": "acme-db", "d": "http://acme.shops.example:8100/",
            "e": "name = Café & Söhne\nend\n", "f": "8100", "acme.json": 1, "8100": 2,
        })
    );
}

#[test]
fn values_that_look_like_yaml_stay_values() {
    let made =
        estate().template("a.yaml.j2", "a: {{ tenant.displayName }}\nb: x {{ tenant.displayName }}\n", json!({}));
    let made = super::estate::Builder { display_name: "evil\nb: {{ 7 * 7 }} # \"' ---".to_owned(), ..made };
    let object = &made.render().unwrap().objects[0].value;
    assert_eq!(object["a"], "evil\nb: {{ 7 * 7 }} # \"' ---");
    assert_eq!(object["b"], "x evil\nb: {{ 7 * 7 }} # \"' ---");
}

#[test]
fn macros_and_set_blocks_make_structure_and_their_values_stay_values() {
    let made = estate()
        .library(
            "shop/_macros.j2",
            "{% macro metadata(name) %}\nmetadata:\n  name: {{ name }}\n  labels: {{ labels }}\n{% endmacro %}\n\
             {% macro name(item) %}{{ item.name }}-{{ item.port }}{% endmacro %}\n{% macro port(item) %}{{ item.port }}{% endmacro %}\n",
        )
        .template(
            "a.yaml.j2",
            "{% import \"shop/_macros.j2\" as m %}\nkind: A\n{{ m.metadata(tenant.displayName) }}\n\
             full: {{ m.name(services.auth) }}\nport: {{ m.port(services.auth) }}\n\
             upper: {{ m.name(services.auth) | upper }}\njoined: {{ m.name(services.auth) ~ \"-db\" }}\n\
             inside: {{ { \"key\": m.name(services.auth) } }}\nquoted: \"{{ m.name(services.auth) }}\"\n\
             {% set block %}\n- {{ tenant.displayName }}\n- fixed\n{% endset %}\nlist:\n  {{ block | indent(2) }}\n\
             json: {{ { \"a\": m.name(services.auth) } | tojson }}\nlength: {{ m.name(services.auth) | length }}\n",
            json!({}),
        )
        .render()
        .unwrap();
    let object = &made.objects[0].value;
    assert_eq!(object["metadata"]["name"], "Café & Söhne");
    assert_eq!(object["metadata"]["labels"]["tenantry.dev/tenant"], "acme");
    assert_eq!(object["full"], "auth-8100");
    assert_eq!(object["port"], 8100);
    assert_eq!(object["upper"], "AUTH-8100");
    assert_eq!(object["joined"], "auth-8100-db");
    assert_eq!(object["inside"], json!({ "key": "auth-8100" }));
    assert_eq!(object["quoted"], "auth-8100");
    assert_eq!(object["list"], json!(["Café & Söhne", "fixed"]));
    assert_eq!(object["json"], r#"{"a":"auth-8100"}"#);
    assert_eq!(object["length"], 9);
}

#[test]
fn each_when_and_output_choose_the_files() {
    let rendered = estate()
        .template(
            "service.yaml.j2",
            "kind: Service\nname: {{ item.name }}\n---\n# nothing\n---\nkind: Second\n",
            json!({ "each": "services", "output": "services/{{ item.name }}.yaml" }),
        )
        .template(
            "one.yaml.j2",
            "kind: One\n",
            json!({ "each": "hosts.custom", "when": "item is endingwith(\".example\")" }),
        )
        .template("never.yaml.j2", "kind: Never\n", json!({ "when": "tier.settings.missing is defined" }))
        .template("empty.yaml.j2", "{% if not tenant.running %}\nkind: Empty\n{% endif %}\n# no object\n", json!({}))
        .render()
        .unwrap();
    #[expect(clippy::type_complexity, reason = "a row of a table")]
    let made: Vec<(&str, &str, Option<(usize, usize)>)> = rendered
        .objects
        .iter()
        .filter_map(|object| {
            let Origin::Template { item, document, .. } = object.origin else { return None };
            Some((object.path.as_str(), object.value["kind"].as_str().unwrap(), Some((item, document))))
        })
        .collect();
    assert_eq!(
        made,
        [
            ("tenants/acme/manifests/one.yaml", "One", Some((0, 0))),
            ("tenants/acme/manifests/services/auth.yaml", "Service", Some((0, 0))),
            ("tenants/acme/manifests/services/auth.yaml", "Second", Some((0, 2))),
            ("tenants/acme/manifests/services/orders.yaml", "Service", Some((1, 0))),
            ("tenants/acme/manifests/services/orders.yaml", "Second", Some((1, 2))),
        ]
    );
}

#[test]
fn digests_depend_on_the_value_alone() {
    let a = object("a: {{ { \"x\": 1, \"y\": [true] } | digest }}\n");
    let b = object("a: {{ dict(y=[true], x=1) | digest }}\n");
    assert_eq!(a, b);
    // printf '{"x":1,"y":[true]}' | sha256sum
    assert_eq!(a["a"], "d729e37e945a4d10");
}

#[test]
fn the_same_bytes_twice() {
    let tree = || {
        estate().template("a.yaml.j2", "kind: A\nlabels: {{ labels }}\nservices: {{ services }}\n", json!({})).tree()
    };
    assert_eq!(tree(), tree());
}

#[test]
fn tags_leave_no_trace_in_the_lines() {
    let made = object(
        "{% for host in hosts.all %}\n  {% if loop.first %}\nfirst: {{ host }}\n  {% else %}\nother: {{ host }}\n  {% endif %}\n{% endfor %}\n\
         raw: {% raw %}\"{{ not.ours }}\"{% endraw %}\n\nlast: true\n",
    );
    assert_eq!(
        made,
        json!({ "first": "acme.shops.example", "other": "shop.acme.example", "raw": "{{ not.ours }}", "last": true })
    );
}
