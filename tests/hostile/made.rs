//! Cases that are too large, or too dull, to be read as files: floods, bombs and deep nesting, made by their rule.

use crate::{
    base::{FILE, TENANT},
    case::Case,
};

/// Returns all made cases.
pub fn cases() -> Vec<Case> {
    [floods_of_a_tenant(), sizes(), depths(), bombs(), floods_of_estates(), floods_of_templates(), long_words()]
        .concat()
}

/// One character again and again: what brings scanners to their knees.
fn floods_of_a_tenant() -> Vec<Case> {
    let floods = [
        "[",
        "{",
        "- ",
        "? ",
        ": ",
        "\"",
        "'",
        "!",
        "&",
        "*",
        "|",
        ">",
        "%",
        "\t",
        "\\",
        ",",
        "a: ",
        "[]",
        "{}",
        "- - ",
        "#\n",
        "\n",
        " \n",
        "\r\n",
        "...\n",
        "---\n",
        "a\n",
        "&a ",
        "!!a ",
        "*a ",
        "{[",
        "? - ",
        "\u{1F600}",
    ];
    let flood = |word: &&str| {
        let text = word.repeat((60 << 10) / word.len());
        Case::refused("floods", &format!("60 KB of {word:?}")).file(FILE, text)
    };
    floods.iter().map(flood).collect()
}

fn sizes() -> Vec<Case> {
    let padded = |size: usize| format!("{TENANT}#{}\n", "x".repeat(size - TENANT.len() - 2));
    let refused = |name: &str| Case::refused("sizes", name);
    let keys = |count: usize| (0..count).map(|number| format!("k{number}: {number}\n")).collect::<String>();
    vec![
        refused("one byte too many").file(FILE, padded((64 << 10) + 1)),
        refused("100 MB").file(FILE, padded(100 << 20)),
        refused("a tier of 1 MB").edit(
            "tiers/base.yaml",
            "abstract: true\n",
            format!("abstract: true # {}\n", "x".repeat(1 << 20)),
        ),
        refused("an estate file of 1 MB").edit(
            "tenantry.yaml",
            "kind: Estate\n",
            format!("kind: Estate # {}\n", "x".repeat(1 << 20)),
        ),
        refused("a template of 1 MB").file("templates/shop/extra.yaml.j2", "x".repeat(1 << 20)),
        refused("a bundle of 1 MB").file("templates/shop/bundle.yaml", "#".repeat(1 << 20)),
        refused("a schema of 5 MB")
            .file("schemas/values.schema.json", format!("{{\"title\": \"{}\"}}", "x".repeat(5 << 20))),
        refused("a definition of 5 MB").file("schemas/crds/x.yaml", "x".repeat(5 << 20)),
        refused("zeros").file(FILE, vec![0; 60 << 10]),
        refused("bytes of all values").file(FILE, (0..60 << 10).map(|n| (n % 251) as u8).collect::<Vec<_>>()),
        refused("gzip").file(FILE, b"\x1f\x8b\x08\x00\x00\x00\x00\x00".as_slice()),
        refused("UTF-16").file(FILE, TENANT.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()),
        refused("4,000 unknown keys").file(FILE, format!("{TENANT}{}", keys(4_000))),
        refused("5,001 nodes").file(FILE, keys(5_001)),
        refused("4,000 unknown keys in the spec").edit(
            FILE,
            "  tier: standard\n",
            format!("  tier: standard\n{}", keys(4_000).lines().map(|line| format!("  {line}\n")).collect::<String>()),
        ),
        Case::accepted("sizes", "exactly 64 KiB").file(FILE, padded(64 << 10)),
        Case::accepted("sizes", "no last line end").file(FILE, TENANT.trim_end()),
        Case::accepted("sizes", "Windows line ends").file(FILE, TENANT.replace('\n', "\r\n")),
        Case::accepted("sizes", "a schema of 3 MB")
            .file("schemas/values.schema.json", format!("{{\"title\": \"{}\"}}", "x".repeat(3 << 20))),
    ]
}

fn depths() -> Vec<Case> {
    let nest = |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    let name = |value: String| TENANT.replace("displayName: Cobalt", &format!("displayName: {value}"));
    let block = |depth: usize| (0..depth).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>();
    let setting = |depth: usize| format!("    theme: light\n    deep: {}\n", nest("[", "]", depth));
    let data = |text: String| format!("  LOG_LEVEL: info\n  A: {text}\n");
    let refused = |name: &str| Case::refused("depths", name);
    let extra = "templates/shop/extra.yaml.j2";
    vec![
        refused("17 lists").file(FILE, format!("a: {}\n", nest("[", "]", 17))),
        refused("100 lists in a name").file(FILE, name(nest("[", "]", 100))),
        refused("5,000 lists").file(FILE, nest("[", "]", 5_000)),
        refused("100 maps").file(FILE, nest("{a: ", "}", 100)),
        refused("100 levels of a block").file(FILE, block(100)),
        refused("330 levels of a block").file(FILE, block(330)),
        refused("1,000 items of items").file(FILE, format!("{}a\n", "- ".repeat(1_000))),
        refused("1,000 keys of keys").file(FILE, format!("{}a\n", "? ".repeat(1_000))),
        refused("30 lists in a tier").edit("tiers/base.yaml", "    theme: light\n", setting(30)),
        refused("100 lists in a template").edit(extra, "  LOG_LEVEL: info\n", data(nest("[", "]", 100))),
        refused("20,000 lists in a template").edit(extra, "  LOG_LEVEL: info\n", data(nest("[", "]", 20_000))),
        refused("a schema of 100,000 lists").file("schemas/values.schema.json", nest("[", "]", 100_000)),
        refused("a schema of 20,000 maps").file("schemas/values.schema.json", nest("{\"not\": ", "}", 20_000)),
        refused("a definition of 10,000 lists").file("schemas/crds/x.yaml", nest("[", "]", 10_000)),
        refused("an expression of 5,000 brackets").edit(
            extra,
            "  LOG_LEVEL: info\n",
            data(format!("{{{{ {} }}}}", nest("(", ")", 5_000))),
        ),
        refused("an expression of 20,000 negations").edit(
            extra,
            "  LOG_LEVEL: info\n",
            data(format!("{{{{ {}1 }}}}", "-".repeat(20_000))),
        ),
        refused("an expression of 3,000 filters").edit(
            extra,
            "  LOG_LEVEL: info\n",
            data(format!("{{{{ 1{} }}}}", " | none".repeat(3_000))),
        ),
        refused("3,000 conditions in each other").edit(
            extra,
            "  LOG_LEVEL: info\n",
            data(format!("{}x{}", "{% if 1 %}".repeat(3_000), "{% endif %}".repeat(2_999))),
        ),
        Case::accepted("depths", "ten lists in a tier").edit("tiers/base.yaml", "    theme: light\n", setting(10)),
    ]
}

/// Few bytes that stand for many.
fn bombs() -> Vec<Case> {
    let laughs = |open: char, close: char| {
        let mut text = format!("a0: &a0 {open}x{close}\n");
        for level in 1..30 {
            let inner = vec![format!("*a{}", level - 1); 9].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        text
    };
    let refused = |name: &str| Case::refused("bombs", name);
    let extra = "templates/shop/extra.yaml.j2";
    vec![
        refused("a billion laughs").file(FILE, laughs('[', ']')),
        refused("a billion laughs in a tier").file("tiers/base.yaml", laughs('[', ']')),
        refused("a billion laughs in the estate file").file("tenantry.yaml", laughs('[', ']')),
        refused("a billion laughs in a template").file(extra, laughs('[', ']')),
        refused("a billion laughs in a definition").file("schemas/crds/x.yaml", laughs('[', ']')),
        refused("a billion laughs of merged keys")
            .file(FILE, laughs('{', '}').replace("{x}", "{x: 1}").replace(": &", ":\n  <<: &")),
        refused("one long anchor, many aliases")
            .file(FILE, format!("a: &a {}\nb: [{}]\n", "x".repeat(9 << 10), "*a,".repeat(9 << 10))),
        refused("anchors without end").file(FILE, (0..6_000).map(|n| format!("- &a{n} 1\n")).collect::<String>()),
        refused("blocks of a folded text").file(FILE, format!("a: >9\n{}", "         x\n".repeat(5_000))),
    ]
}

/// Estates with too much in them.
fn floods_of_estates() -> Vec<Case> {
    let tiers = |count: usize| {
        (0..count).fold(Case::refused("floods of files", &format!("{count} tiers on top of each other")), |case, n| {
            let (name, below) = (format!("t{n}"), if n == 0 { "base".to_owned() } else { format!("t{}", n - 1) });
            let text = format!(
                "apiVersion: tenantry.dev/v1\nkind: Tier\nmetadata: {{ name: {name} }}\nspec: {{ extends: {below} }}\n"
            );
            case.file(&format!("tiers/{name}.yaml"), text)
        })
    };
    let broken = (0..400).fold(Case::refused("floods of files", "400 broken tenants"), |case, n| {
        case.file(&format!("tenants/t{n}.yaml"), "[".repeat(2_000))
    });
    let stray = (0..2_000).fold(Case::refused("floods of files", "2,000 stray files"), |case, n| {
        case.file(&format!("tenants/t{n}.txt"), "x")
    });
    let deep = Case::refused("floods of files", "a folder of 60 levels")
        .file(&format!("tenants/{}x.yaml", "d/".repeat(60)), "x");
    let twins = (0..300).fold(Case::refused("floods of files", "300 tenants of one identity"), |case, n| {
        let text = TENANT.replace("name: cobalt", &format!("name: t{n}")).replace("subdomain: cobalt", "subdomain: x");
        case.file(&format!("tenants/t{n}.yaml"), text)
    });
    let domains: String = (0..3_000).map(|n| format!("d{n}.example, ")).collect();
    vec![
        tiers(5),
        tiers(200),
        broken,
        stray,
        deep,
        twins,
        Case::refused("floods of files", "3,000 domains").edit(
            FILE,
            "[shop.cobalt.example]",
            format!("[{domains}x.example]"),
        ),
    ]
}

fn floods_of_templates() -> Vec<Case> {
    let refused = |name: &str| Case::refused("floods in templates", name);
    let (extra, data) = ("templates/shop/extra.yaml.j2", "  LOG_LEVEL: info\n");
    let flood = |word: &str| refused(&format!("60 KB of {word}")).file(extra, word.repeat((60 << 10) / word.len()));
    let mut cases: Vec<Case> =
        ["{{", "{%", "{#", "{{ x }}", "{% if x %}", "{% endif %}", "{% raw %}", "}}", "-%}"].map(flood).into();
    cases.extend([
        refused("6,000 values of nothing").edit(extra, data, format!("  A: {}\n", "{{ none }}".repeat(6_000))),
        refused("5,000 copies of a long text").edit(
            extra,
            data,
            "{% set a = 'a' * 90000 %}\n{% for n in range(5000) %}\n  A{{ n }}: {{ a ~ n }}\n{% endfor %}\n",
        ),
        refused("a list of 50,000 times a long text").edit(
            extra,
            data,
            "{% set a = 'a' * 90000 %}\n  A: {{ [a] * 50000 }}\n",
        ),
        refused("a captured text of a long text, printed 5,000 times").edit(
            extra,
            data,
            "{% macro m() %}{{ 'a' * 90000 }}{% endmacro %}\n{% set c = m() %}\n{% for n in range(5000) %}\n  A{{ n }}: {{ c ~ n }}\n{% endfor %}\n",
        ),
        refused("a thousand macros that call the one before").edit(
            extra,
            data,
            (0..1_000)
                .map(|n| format!("{{% macro m{n}() %}}{{{{ m{}() }}}}{{% endmacro %}}\n", n + 1))
                .chain(["  A: {{ m0() }}\n".to_owned()])
                .collect::<String>(),
        ),
        refused("a bundle of 2,000 missing templates").file(
            "templates/shop/bundle.yaml",
            format!(
                "apiVersion: tenantry.dev/v1\nkind: Bundle\nspec:\n  files:\n{}",
                "  - { template: none }\n".repeat(1_500)
            ),
        ),
        refused("a bundle that renders one template 1,000 times into one file").file(
            "templates/shop/bundle.yaml",
            format!(
                "apiVersion: tenantry.dev/v1\nkind: Bundle\nspec:\n  files:\n{}",
                "  - { template: extra.yaml.j2 }\n".repeat(1_500)
            ),
        ),
        refused("6,000 objects of one template").edit(
            "templates/shop/bundle.yaml",
            "  - { template: extra.yaml.j2 }\n",
            "  - { template: extra.yaml.j2, each: \"range(6000)\", output: \"x{{ item }}.yaml\" }\n",
        ),
    ]);
    cases
}

fn long_words() -> Vec<Case> {
    let refused = |name: &str| Case::refused("long words", name);
    let with = |from: &str, to: String| TENANT.replace(from, &to);
    vec![
        refused("a key of 60,000 letters").file(FILE, format!("{}: 1\n", "k".repeat(60_000))),
        refused("an unknown key of 1,000 letters").file(FILE, format!("{TENANT}{}: 1\n", "k".repeat(1_000))),
        refused("a quoted key of 2,000 letters").file(FILE, format!("{TENANT}\"{}\": 1\n", "k".repeat(2_000))),
        refused("a display name of 60,000 letters").file(FILE, with("Cobalt", "C".repeat(60_000))),
        refused("a tier of 60,000 letters").file(FILE, with("standard", "s".repeat(60_000))),
        refused("a domain of 60,000 letters").file(FILE, with("shop.cobalt", "a.".repeat(30_000))),
        refused("a domain of 30,000 wide letters").file(FILE, with("shop.cobalt", "ü".repeat(30_000))),
        refused("a contact of 60,000 letters")
            .file(FILE, with("admin@cobalt", format!("{}@cobalt", "a".repeat(60_000)))),
        refused("a quantity of 60,000 digits").file(
            FILE,
            with(
                "active }\n",
                format!("active }}\n  overrides: {{ quota: {{ requests.cpu: \"{}\" }} }}\n", "9".repeat(60_000)),
            ),
        ),
        refused("a name of 60,000 combining marks")
            .file(FILE, with("Cobalt", format!("C{}", "\u{301}".repeat(30_000)))),
        refused("an include of 50,000 letters").edit(
            "templates/shop/extra.yaml.j2",
            "  LOG_LEVEL: info\n",
            format!("{{% include \"{}\" %}}\n", "a/".repeat(25_000)),
        ),
        refused("a variable of 50,000 letters").edit(
            "templates/shop/extra.yaml.j2",
            "  LOG_LEVEL: info\n",
            format!("  A: {{{{ tenant.{} }}}}\n", "a".repeat(50_000)),
        ),
        refused("a hundred thousand scripts in one word")
            .file(FILE, with("tier: standard", format!("tier: {}", "аaα".repeat(6_000)))),
    ]
}
