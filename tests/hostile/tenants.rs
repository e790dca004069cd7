//! Hostile tenant files are refused with a place, and files that only look hostile are accepted.

use std::sync::Arc;

use tenantry::{
    check,
    diag::{Diagnostic, Severity},
};

use crate::base::{FILE, TENANT, base};

/// Findings about one more tenant file beside those of the base.
fn findings(file: &str, bytes: &[u8]) -> Vec<Diagnostic> {
    let mut sources = base();
    sources.insert(file, Ok(Arc::from(bytes)));
    let checked = check::check(&sources);
    assert_eq!(checked.estate.is_some(), checked.report.errors() == 0);
    checked.report.findings().to_vec()
}

/// Returns why a hostile file was not refused as it should be.
fn survives(file: &str, bytes: &[u8]) -> Option<String> {
    let found = findings(file, bytes);
    let Some(error) = found.iter().find(|f| f.severity == Severity::Error && f.place.file == file) else {
        return Some(format!("accepted; findings: {found:?}"));
    };
    let (start, end) = (error.place.span.start, error.place.span.end);
    if start.line == 0 || start.column == 0 || end < start {
        return Some(format!("no place: {error:?}"));
    }
    let hidden = |text: &str| text.chars().any(|c| c.is_control() || tenantry::yaml::is_hidden(c));
    found
        .iter()
        .find(|f| {
            hidden(&f.message) || hidden(&f.help) || f.message.is_empty() || f.help.is_empty() || f.message.len() > 600
        })
        .map(|f| format!("a message that a terminal cannot be trusted with: {f:?}"))
}

/// Runs cases that must all be refused; each is what it is and the bytes of the file.
fn all_are_refused(cases: Vec<(String, Vec<u8>)>, at_least: usize) {
    assert!(cases.len() >= at_least, "{} cases", cases.len());
    let survivors: Vec<String> = cases
        .iter()
        .filter_map(|(what, bytes)| Some(format!("{}: {}", what.escape_debug(), survives(FILE, bytes)?)))
        .collect();
    assert!(survivors.is_empty(), "{} of {}:\n{}", survivors.len(), cases.len(), survivors.join("\n"));
}

/// The good tenant with one text in the place of another.
fn with(from: &str, to: &str) -> (String, Vec<u8>) {
    assert_eq!(TENANT.matches(from).count(), 1, "{from}");
    (format!("{to} for {from}"), TENANT.replace(from, to).into_bytes())
}

/// The good tenant with other values of one key, written as they are.
fn values(line: &str, values: &[&str]) -> Vec<(String, Vec<u8>)> {
    let key = line.split_once(':').unwrap().0;
    values.iter().map(|value| with(line, &format!("{key}: {value}"))).collect()
}

/// The same, as double-quoted scalars.
fn quoted(line: &str, texts: &[&str]) -> Vec<(String, Vec<u8>)> {
    let quoted: Vec<String> = texts.iter().map(|text| serde_json::to_string(text).unwrap()).collect();
    values(line, &quoted.iter().map(String::as_str).collect::<Vec<_>>())
}

const NAME: &str = "displayName: Cobalt";
const DOMAINS: &str = "customDomains: [shop.cobalt.example]";
const REGION: &str = "region: eu-central";

#[test]
fn the_tenant_that_all_cases_start_from_is_good() {
    assert_eq!(findings(FILE, TENANT.as_bytes()), []);
}

#[test]
fn hidden_characters_are_refused_raw() {
    let hidden = "\0\u{1}\u{7}\u{8}\u{b}\u{c}\u{1b}\u{7f}\u{80}\u{85}\u{9b}\u{ad}\u{34f}\u{61c}\u{115f}\u{17b4}\u{180e}\
        \u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2066}\
        \u{2067}\u{2068}\u{2069}\u{206a}\u{3164}\u{e000}\u{f8ff}\u{feff}\u{ffa0}\u{fff9}\u{fffe}\u{e0001}\u{e0041}\
        \u{f0000}\u{10fffd}\r";
    let inside = hidden.chars().map(|c| with(NAME, &format!("displayName: Co{c}balt")));
    let commented = hidden.chars().filter(|c| *c != '\r').map(|c| with(NAME, &format!("displayName: Cobalt # {c}")));
    let mut cases: Vec<_> = inside.chain(commented).collect();
    cases.push(("BOM in front".to_owned(), format!("\u{feff}{TENANT}").into_bytes()));
    all_are_refused(cases, 90);
}

#[test]
fn hidden_characters_are_refused_as_escapes() {
    let escapes = [
        r"\0",
        r"\a",
        r"\b",
        r"\e",
        r"\v",
        r"\f",
        r"\x1b",
        r"\x7f",
        r"\x9b",
        r"\N",
        r"\L",
        r"\P",
        r"\u0000",
        r"\u001b",
        r"\u00ad",
        r"\u200b",
        r"\u200f",
        r"\u202e",
        r"\u2066",
        r"\ufeff",
        r"\ue000",
        r"\U000e0041",
        r"\U000f0000",
        r"\ud800",
        r"\U00110000",
        r"\xZZ",
    ];
    let mut cases: Vec<_> = escapes.iter().map(|e| with(NAME, &format!("displayName: \"Co{e}balt\""))).collect();
    cases.extend(escapes.iter().map(|e| with(NAME, &format!("\"display{e}Name\": Cobalt"))));
    all_are_refused(cases, 50);
}

#[test]
fn other_encodings_are_refused() {
    let splice = |bytes: &[u8]| {
        let mut out = TENANT.as_bytes().to_vec();
        let at = TENANT.find("Cobalt").unwrap();
        out.splice(at..at, bytes.iter().copied());
        out
    };
    let utf16 = |to: fn(u16) -> [u8; 2], bom: bool| {
        let units = bom.then_some(0xFEFF).into_iter().chain(TENANT.encode_utf16());
        units.flat_map(to).collect::<Vec<u8>>()
    };
    let cases = vec![
        ("0xFF".to_owned(), splice(b"\xff")),
        ("Latin-1".to_owned(), splice(b"\xe9")),
        ("overlong NUL".to_owned(), splice(b"\xc0\x80")),
        ("overlong slash".to_owned(), splice(b"\xc0\xaf")),
        ("surrogate".to_owned(), splice(b"\xed\xa0\x80")),
        ("beyond Unicode".to_owned(), splice(b"\xf4\x90\x80\x80")),
        ("cut short".to_owned(), [TENANT.as_bytes(), b"# \xe2\x82"].concat()),
        ("UTF-16 LE".to_owned(), utf16(u16::to_le_bytes, false)),
        ("UTF-16 BE".to_owned(), utf16(u16::to_be_bytes, false)),
        ("UTF-16 LE with BOM".to_owned(), utf16(u16::to_le_bytes, true)),
        ("UTF-16 BE with BOM".to_owned(), utf16(u16::to_be_bytes, true)),
        ("gzip".to_owned(), b"\x1f\x8b\x08\x00\x00\x00\x00\x00".to_vec()),
    ];
    all_are_refused(cases, 12);
}

#[test]
fn floods_and_bombs_are_refused() {
    let bomb = {
        let mut text = "a: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let inner = vec![format!("*a{}", level - 1); 9].join(", ");
            text.push_str(&format!("b{level}: &a{level} [{inner}]\n"));
        }
        text
    };
    let keys = |count: usize| (0..count).map(|n| format!("k{n}: {n}\n")).collect::<String>();
    let nest = |open: &str, close: &str, depth: usize| format!("a: {}1{}\n", open.repeat(depth), close.repeat(depth));
    let cases: Vec<(&str, String)> = vec![
        ("1 MB", format!("{TENANT}# {}\n", "x".repeat(1 << 20))),
        ("one byte too many", format!("{TENANT}#{}", "x".repeat((64 << 10) - TENANT.len()))),
        ("200 KB of [", "[".repeat(200 << 10)),
        ("60 KB of [", "[".repeat(60 << 10)),
        ("60 KB of {", "{".repeat(60 << 10)),
        ("20 KB of - ", "- ".repeat(20 << 10)),
        ("20 KB of ? ", "? ".repeat(20 << 10)),
        ("20 KB of : ", ": ".repeat(20 << 10)),
        ("60 KB of quotes", "\"".repeat(60 << 10)),
        ("60 KB of !", "!".repeat(60 << 10)),
        ("60 KB of &", "&".repeat(60 << 10)),
        ("60 KB of *", "*".repeat(60 << 10)),
        ("60 KB of |", "|".repeat(60 << 10)),
        ("60 KB of tabs", "\t".repeat(60 << 10)),
        ("60 KB of backslashes", format!("a: \"{}\"", "\\\\".repeat(30 << 10))),
        ("alias bomb", bomb),
        ("one anchor, many aliases", format!("a: &a {}\nb: [{}]\n", "x".repeat(9 << 10), "*a,".repeat(9 << 10))),
        ("an alias to itself", "a: &a [*a]\n".to_owned()),
        ("17 levels", nest("[", "]", 17)),
        ("100 levels of maps", nest("{a: ", "}", 100)),
        ("block levels", (0..100).map(|n| format!("{}a:\n", " ".repeat(n))).collect()),
        ("5,001 keys", keys(5_001)),
        ("4,000 unknown keys", keys(4_000)),
        ("a long key", format!("{}: 1\n", "k".repeat(60_000))),
        ("a long unknown key", format!("{TENANT}{}: 1\n", "k".repeat(1_000))),
        ("a long name", TENANT.replace("Cobalt", &"C".repeat(60_000))),
        ("many domains", TENANT.replace("[shop", &format!("[{} shop", "a.example, ".repeat(2_000)))),
        ("empty", String::new()),
        ("blank", " \n \n".to_owned()),
        ("comments", "# nothing\n# at all\n".to_owned()),
        ("a marker", "---\n".to_owned()),
        ("null", "null\n".to_owned()),
        ("a list", "- a\n- b\n".to_owned()),
        ("a text", "tenant\n".to_owned()),
        ("a number", "42\n".to_owned()),
        ("an empty map", "{}\n".to_owned()),
        ("JSON of another kind", "{\"apiVersion\": \"v1\", \"kind\": \"Secret\"}\n".to_owned()),
    ];
    all_are_refused(cases.into_iter().map(|(what, text)| (what.to_owned(), text.into_bytes())).collect(), 35);
}

#[test]
fn constructs_that_readers_disagree_on_are_refused() {
    let mut cases = vec![
        with("  tier: standard\n", "  tier: standard\n  tier: premium\n"),
        with("  tier: standard\n", "  tier: standard\n  \"t\\u0069er\": premium\n"),
        with("  tier: standard\n", "  tier: standard\n  'tier': standard\n"),
        with("{ admin: admin@cobalt.example }", "{ admin: admin@cobalt.example, admin: evil@x.example }"),
        with("metadata:\n", "metadata: &m\n"),
        with("Cobalt", "&n Cobalt"),
        with("Cobalt", "*n"),
        with("Cobalt", "!!str Cobalt"),
        with("Cobalt", "! Cobalt"),
        with("Cobalt", "!!python/object/apply:os.system [id]"),
        with("Cobalt", "!<tag:yaml.org,2002:str> Cobalt"),
        with("Cobalt", "!local Cobalt"),
        with("Cobalt", "!!binary Q29iYWx0"),
        with("  tier: standard\n", "  <<: { tier: standard }\n"),
        with("  tier: standard\n", "  ? tier\n  : standard\n  ? [a, b]\n  : c\n"),
        with("  tier: standard\n", "  tier: standard\n  1: a\n"),
        with("  tier: standard\n", "  tier: standard\n  true: a\n"),
        with("  tier: standard\n", "  tier: standard\n  null: a\n"),
        with("  tier: standard\n", "  tier: standard\n  : a\n"),
        with("  tier: standard\n", "\ttier: standard\n"),
        with("  tier: standard\n", "   tier: standard\n"),
        with("  tier: standard\n", " tier: standard\n"),
        with("  tier: standard\n", "  tier:standard\n"),
        with("  tier: standard\n", "  tier: standard: premium\n"),
        with("  tier: standard\n", "  tier: \"standard\n"),
        with("  tier: standard\n", "  tier: 'standard\n"),
        with("  tier: standard\n", "  tier: [standard\n"),
        with("  tier: standard\n", "  tier: {standard\n"),
        with("  tier: standard\n", "  tier: @standard\n"),
        with("  tier: standard\n", "  tier: `standard`\n"),
        with("  tier: standard\n", "  tier: %standard\n"),
        with("  tier: standard\n", "  tier: \"\\standard\"\n"),
        with("apiVersion", "%YAML 1.1\n---\napiVersion"),
        with("apiVersion", "%TAG ! tag:example.com,2000:\n---\napiVersion"),
    ];
    for tail in ["---\n", "---\na: 1\n", "...\n---\na: 1\n", "--- {}\n", "]\n", "- a\n"] {
        cases.push((format!("{tail} behind"), format!("{TENANT}{tail}").into_bytes()));
    }
    all_are_refused(cases, 40);
}

#[test]
fn scalars_of_two_meanings_are_refused() {
    let words = [
        "no",
        "No",
        "NO",
        "yes",
        "on",
        "off",
        "y",
        "n",
        "Y",
        "N",
        "true",
        "false",
        "True",
        "null",
        "Null",
        "~",
        "",
        "017",
        "0o17",
        "0x1F",
        "0b1",
        "1:30",
        "190:20:30",
        "1_000",
        "1e3",
        "1.0",
        "12",
        "-1",
        "+1",
        ".5",
        ".inf",
        "-.inf",
        ".nan",
        ".NaN",
        "2001-01-01",
        "2001-01-01T00:00:00Z",
        "=",
        "<<",
    ];
    let mut cases = values(REGION, &words);
    cases.extend(values("displayName: Cobalt", &["no", "017", "1:30", "2001-01-01", "12", "1.10", "true", "~", ""]));
    all_are_refused(cases, 45);
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let long = "a".repeat(31);
    let names = [
        "../../argocd",
        ".",
        "..",
        "../cobalt",
        "a/b",
        "/etc/passwd",
        "a\\b",
        "-rf",
        "--help",
        "",
        " ",
        "cobalt ",
        "a b",
        "a--b",
        "-a",
        "a-",
        "A",
        "Cobalt",
        "a_b",
        "a.b",
        "cobalt.yaml",
        "7up",
        "cоbalt",
        "ｃobalt",
        "cobałt",
        "ﬁn",
        "a\nb",
        "$(id)",
        "`id`",
        "a;b",
        "{{ 7*7 }}",
        "%2e%2e",
        "kube-system/x",
        "*",
        "~",
        "a:b",
        "a@b",
        "ı",
        &long,
    ];
    all_are_refused(quoted("name: cobalt", &names), 35);
}

#[test]
fn names_of_files_are_refused_like_names() {
    for file in [
        "tenants/Cobalt.yaml",
        "tenants/co_balt.yaml",
        "tenants/co--balt.yaml",
        "tenants/-cobalt.yaml",
        "tenants/cоbalt.yaml",
        "tenants/co balt.yaml",
        "tenants/co\u{202e}balt.yaml",
        "tenants/cobalt\u{1b}[31m.yaml",
        "tenants/cobalt.yml",
        "tenants/cobalt.yaml.bak",
        "tenants/cobalt",
        "tenants/cobalt.json",
        "tenants/cobalt.YAML",
        "tenants/eu/cobalt.yaml",
        "tenants/.yaml",
    ] {
        let stem = file.trim_start_matches("tenants/").trim_end_matches(".yaml");
        let text = TENANT.replace("name: cobalt", &format!("name: {}", serde_json::to_string(stem).unwrap()));
        assert_eq!(survives(file, text.as_bytes()), None, "{file:?}");
    }
}

#[test]
fn identities_that_are_none_are_refused() {
    let uids = [
        "",
        "1",
        "cobalt",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "0192f0c17d3e7abc8def0123456789ff",
        "{0192f0c1-7d3e-7abc-8def-0123456789ff}",
        "urn:uuid:0192f0c1-7d3e-7abc-8def-0123456789ff",
        "0192f0c1-7d3e-7abc-8def-0123456789fg",
        "0192f0c1-7d3e-7abc-8def-0123456789ff ",
        "0192f0c1-7d3e-7abc-8def-0123456789f",
        "../0192f0c1",
        "' OR '1'='1",
        "０192f0c1-7d3e-7abc-8def-0123456789ff",
    ];
    let mut cases = quoted("uid: 0192f0c1-7d3e-7abc-8def-0123456789ff", &uids);
    cases.push(with("0123456789ff", "0123456789AC"));
    all_are_refused(cases, 15);
}

#[test]
fn hosts_that_are_not_the_customers_are_refused() {
    let subdomains = [
        "",
        "www",
        "api",
        "WWW",
        "a.b",
        "*",
        "-a",
        "a-",
        "a_b",
        "xn--cobalt-9qa",
        "123",
        "cobalt.",
        "co balt",
        "cоbalt",
        "acme-shop",
        "borealis",
        "@",
        "a/b",
        "..",
        "{{ platform.domain }}",
    ];
    let domains = [
        "",
        ".",
        "localhost",
        "cobalt",
        "*.cobalt.example",
        "cobalt.example.",
        "https://cobalt.example",
        "cobalt.example/x",
        "cobalt.example:443",
        "user@cobalt.example",
        "10.0.0.1",
        "169.254.169.254",
        "0x7f.1",
        "127.1",
        "2130706433",
        "::1",
        "[::1]",
        "::ffff:169.254.169.254",
        "a..b",
        "-a.example",
        "a-.example",
        "a_b.example",
        "a b.example",
        "a\nb.example",
        "shops.example.com",
        "www.shops.example.com",
        "SHOPS.EXAMPLE.COM",
        "example.com",
        "com",
        "co.uk",
        "github.io",
        "shop.acme.de",
        "SHOP.acme.de",
        "shop。acme。de",
        "ｃobalt.example",
        "①.example",
        "xn--a.example",
        "xn--.example",
        "\u{2024}.example",
        "cobalt.123",
        "a,b.example",
        "a;b.example",
        "$(id).example",
        "{{ 7*7 }}.example",
    ];
    let longest = format!("{}.example", "a".repeat(64));
    let whole = format!("{}example", "a.".repeat(124));
    let mut cases = quoted("subdomain: cobalt", &subdomains);
    let lists = domains.iter().copied().chain([longest.as_str(), whole.as_str()]);
    cases.extend(
        lists.map(|domain| with(DOMAINS, &format!("customDomains: [{}]", serde_json::to_string(domain).unwrap()))),
    );
    cases.push(with(DOMAINS, "customDomains: [a.example, A.example]"));
    cases.push(with(
        DOMAINS,
        &format!("customDomains: [{}]", (0..11).map(|n| format!("a{n}.example")).collect::<Vec<_>>().join(", ")),
    ));
    all_are_refused(cases, 65);
}

#[test]
fn people_and_words_that_could_inject_are_refused() {
    let mails = [
        "",
        "admin",
        "@cobalt.example",
        "admin@",
        "admin@localhost",
        "Admin <admin@cobalt.example>",
        "a@b.example,c@d.example",
        "a@b.example; c@d.example",
        "a@b@c.example",
        "a@b.example\nBcc: c@d.example",
        "a@b.example\r\nBcc: c@d.example",
        "a b@c.example",
        "\"a b\"@c.example",
        "a@[10.0.0.1]",
        "a@10.0.0.1",
        ".a@b.example",
        "a.@b.example",
        "a..b@c.example",
        "mailto:a@b.example",
        "a@b.example?cc=x",
        "аdmin@cobalt.example",
        "a@-b.example",
    ];
    let names = [
        "",
        " ",
        "Cobalt\n",
        "Cobalt\nevil: true",
        "a\tb",
        " Cobalt",
        "Cobalt ",
        "\u{a0}Cobalt",
        "...",
        "--",
        "{}",
        "🎉",
    ];
    let mut cases: Vec<_> = mails
        .iter()
        .map(|mail| {
            with("{ admin: admin@cobalt.example }", &format!("{{ admin: {} }}", serde_json::to_string(mail).unwrap()))
        })
        .collect();
    cases.extend(quoted(NAME, &names));
    cases.push(with(NAME, &format!("displayName: {}", "C".repeat(101))));
    all_are_refused(cases, 30);
}

#[test]
fn overrides_and_times_beyond_the_tier_are_refused() {
    let line = "  lifecycle: { state: active }\n";
    let quota = |amount: &str| with(line, &format!("  overrides: {{ quota: {{ requests.cpu: {amount} }} }}\n{line}"));
    let amounts = [
        "\"9\"",
        "8001m",
        "8000001u",
        "\"-1\"",
        "\"1e9\"",
        "\"1E1\"",
        "1e0",
        "9999999Ti",
        "\"1,5\"",
        "\"1 \"",
        "\"0x1\"",
        "\"∞\"",
        "NaN",
        "\"\"",
        "1Gib",
        "1K",
        "8",
        "true",
        "[]",
        "{}",
        "\"99999999999999999999999999999999999999999\"",
        "8.0000001k",
        "++1",
        "１",
    ];
    let mut cases: Vec<_> = amounts.iter().map(|amount| quota(amount)).collect();
    for overrides in [
        "{ quota: { pods: \"1\" } }",
        "{ quota: { limits.cpu: \"1\" } }",
        "{ quota: { \"requests.cpu \": \"1\" } }",
        "{ services: { auth: { replicas: 7 } } }",
        "{ services: { auth: { replicas: -1 } } }",
        "{ services: { auth: { replicas: 1.5 } } }",
        "{ services: { auth: { replicas: 3.0 } } }",
        "{ services: { auth: { replicas: 4294967296 } } }",
        "{ services: { auth: { replicas: \"2\" } } }",
        "{ services: { auth: { image: evil } } }",
        "{ services: { catalogue: { replicas: 1 } } }",
        "{ services: { other: { replicas: 1 } } }",
        "{ settings: { theme: blue } }",
        "{ settings: { theme: [light] } }",
        "{ settings: { analytics: true } }",
        "{ limits: {} }",
        "{ provisions: {} }",
        "[]",
    ] {
        cases.push(with(line, &format!("  overrides: {overrides}\n{line}")));
    }
    for lifecycle in [
        "{}",
        "active",
        "{ state: deleted }",
        "{ state: Active }",
        "{ state: trial }",
        "{ state: deleting }",
        "{ state: active, trialEnds: \"2027-01-31T00:00:00Z\" }",
        "{ state: suspended, deleteAfter: \"2027-01-31T00:00:00Z\" }",
        "{ state: deleting, deleteAfter: 2027-01-31T00:00:00Z }",
        "{ state: deleting, deleteAfter: \"2027-01-31\" }",
        "{ state: deleting, deleteAfter: \"2027-01-31T00:00:00+00:00\" }",
        "{ state: deleting, deleteAfter: \"2027-02-29T00:00:00Z\" }",
        "{ state: deleting, deleteAfter: \"tomorrow\" }",
        "{ state: deleting, deleteAfter: 1700000000 }",
        "{ state: deleting, deleteAfter: \"now\" }",
    ] {
        cases.push(with("{ state: active }", lifecycle));
    }
    all_are_refused(cases, 55);
}

#[test]
fn other_shapes_are_refused() {
    let mut cases = vec![
        with("tenantry.dev/v1", "tenantry.dev/v2"),
        with("tenantry.dev/v1", "v1"),
        with("kind: Tenant", "kind: Tier"),
        with("kind: Tenant", "kind: tenant"),
        with("  tier: standard\n", ""),
        with("  region: eu-central\n", ""),
        with("  uid: 0192f0c1-7d3e-7abc-8def-0123456789ff\n", ""),
        with("kind: Tenant\n", ""),
        with("kind: Tenant\n", "kind: Tenant\nstatus: {}\n"),
        with("  uid:", "  labels: { argocd.argoproj.io/instance: x }\n  uid:"),
        with("  uid:", "  annotations: { a: b }\n  uid:"),
        with("  uid:", "  namespace: kube-system\n  uid:"),
        with("  tier: standard\n", "  tier: standard\n  manifests: [{ kind: ClusterRole }]\n"),
        with("  tier: standard\n", "  tier: standard\n  values: { anything: 1 }\n"),
        with("  tier: standard\n", "  tier: standard\n  values: []\n"),
    ];
    cases.extend(values(
        "tier: standard",
        &["base", "Standard", "../standard", "standard.yaml", "5", "[standard]", "{}", "''"],
    ));
    cases.extend(values(REGION, &["eu-west", "EU-CENTRAL", "eu_central", "[eu-central]", "'eu-central '", "'*'"]));
    cases.extend(values(NAME, &["[Cobalt]", "{ name: Cobalt }", "5", "null"]));
    cases.extend(values(DOMAINS, &["shop.cobalt.example", "{}", "[5]", "[null]", "[[]]", "null"]));
    all_are_refused(cases, 35);
}

#[test]
fn look_alikes_are_accepted() {
    let mut cases: Vec<(String, Vec<u8>)> = Vec::new();
    cases.extend(quoted(
        NAME,
        &[
            "Cobalt & Söhne",
            "Café Zoë",
            "O'Brien \"Shop\"",
            "{{ 7*7 }}",
            "${tenant.name}",
            "$(id) `id`",
            "# not a comment",
            "a: b",
            "- list",
            "[1]",
            "{a}",
            "no",
            "null",
            "017",
            "1:30",
            "2001-01-01",
            "<< x",
            "!!str x",
            "&a *b",
            "%YAML",
            "---x",
            "@team",
            "<script>alert(1)</script>",
            "' OR 1=1; --",
            "../../etc",
            "日本語 株式会社",
            "עברית",
            "العربية",
            "Москва",
            "Ελλάδα",
            "한국",
            "हिन्दी",
            "ไทย",
            "🎉 Party ❤️",
            "Ａ",
            "ﬁn",
            "e\u{301}te",
            "7",
            "3M",
            "x".repeat(100).as_str(),
            "a\u{a0}b",
        ],
    ));
    cases.extend(values("subdomain: cobalt", &["cobalt-2", "7cobalt", "a", "www2", "no-1", "'null'", "acme"]));
    for domain in [
        "cobalt.example",
        "1cobalt.de",
        "a.b.c.d.example",
        "bücher.example",
        "xn--bcher-kva.de",
        "Shop.Cobalt.Example",
        "acme.de",
        "shops.example.org",
        "myshops.example.com",
        "cobalt.co.uk",
        "cobalt.github.io",
        "日本.jp",
    ] {
        cases.push(with(DOMAINS, &format!("customDomains: [{domain}]")));
    }
    for mail in [
        "a+b@cobalt.example",
        "o'brien@cobalt.example",
        "a.b@sub.cobalt.example",
        "info@bücher.example",
        "1@1cobalt.de",
    ] {
        cases.push(with("{ admin: admin@cobalt.example }", &format!("{{ admin: \"{mail}\" }}")));
    }
    let line = "  lifecycle: { state: active }\n";
    for amount in ["\"8\"", "8000m", "\"0.5\"", "7999999u", "\"0\""] {
        cases.push(with(line, &format!("  overrides: {{ quota: {{ requests.cpu: {amount} }} }}\n{line}")));
    }
    for lifecycle in [
        "{ state: trial, trialEnds: \"2027-01-31T00:00:00Z\" }",
        "{ state: deleting, deleteAfter: \"2028-02-29T23:59:59Z\" }",
        "{ state: suspended, reason: \"unpaid: two invoices\" }",
        "{ \"state\": 'active' }",
    ] {
        cases.push(with("{ state: active }", lifecycle));
    }
    cases.push(("Windows line ends".to_owned(), TENANT.replace('\n', "\r\n").into_bytes()));
    cases.push(("no last line end".to_owned(), TENANT.trim_end().as_bytes().to_vec()));
    cases.push(("comments".to_owned(), format!("# no: yes\n{TENANT}# ---\n").into_bytes()));
    cases.push(("a marker in front".to_owned(), format!("---\n{TENANT}").into_bytes()));
    cases.push(("a marker behind".to_owned(), format!("{TENANT}...\n").into_bytes()));
    cases.push((
        "exactly 64 KiB".to_owned(),
        format!("{TENANT}#{}", "x".repeat((64 << 10) - TENANT.len() - 1)).into_bytes(),
    ));
    cases.push(with("  tier: standard\n", "  \"tier\": 'standard'\n"));
    cases.push(with("  tier: standard\n", "  tier:    standard   \n"));
    cases.push(with("  tier: standard\n", "  tier:\n    standard\n"));
    cases.push(with("  tier: standard\n", "  tier: standard\n  overrides: {}\n  values: {}\n"));
    cases.push(with(NAME, "displayName: >-\n    Cobalt"));
    cases.push(with("0123456789ff", "0123456789FF"));
    let json = serde_json::json!({
        "apiVersion": "tenantry.dev/v1", "kind": "Tenant",
        "metadata": {"name": "cobalt", "uid": "0192f0c1-7d3e-7abc-8def-0123456789ff"},
        "spec": {"displayName": "Cobalt", "tier": "standard", "region": "us-east", "contacts": {"admin": "a@b.example"},
            "lifecycle": {"state": "active"}},
    });
    cases.push(("JSON".to_owned(), json.to_string().into_bytes()));

    assert!(cases.len() >= 80, "{} cases", cases.len());
    let refused: Vec<String> = cases
        .iter()
        .filter_map(|(what, bytes)| {
            let errors: Vec<_> = findings(FILE, bytes).into_iter().filter(|f| f.severity == Severity::Error).collect();
            (!errors.is_empty()).then(|| format!("{what}: {errors:?}"))
        })
        .collect();
    assert!(refused.is_empty(), "{} of {}:\n{}", refused.len(), cases.len(), refused.join("\n"));
}
