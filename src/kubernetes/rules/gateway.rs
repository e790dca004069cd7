//! HTTPRoutes and GRPCRoutes: the CEL rules and bounds of the published definitions.

use std::time::Duration;

use super::{super::fault::Fault, spot::Spot};

/// The filters, each with the field that belongs to it, and whether GRPCRoutes have it.
const FILTERS: [(&str, &str, bool); 7] = [
    ("RequestHeaderModifier", "requestHeaderModifier", true),
    ("ResponseHeaderModifier", "responseHeaderModifier", true),
    ("RequestMirror", "requestMirror", true),
    ("ExtensionRef", "extensionRef", true),
    ("RequestRedirect", "requestRedirect", false),
    ("URLRewrite", "urlRewrite", false),
    ("CORS", "cors", false),
];

/// Filters that a list holds once.
const ONCE: [&str; 5] = ["RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", "CORS"];

/// What a redirect may answer.
const REDIRECTS: [i64; 5] = [301, 302, 303, 307, 308];

/// The most matches of all rules together.
const MATCHES_MAX: usize = 128;

pub(super) fn check(grpc: bool, root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(spec) = root.field("spec") else { return };
    parents(&spec, faults);
    let Some(rules) = spec.field("rules") else { return };
    if rules.items().map(|rule| rule.count("matches")).sum::<usize>() > MATCHES_MAX {
        rules.refuse(faults, format!("the rules hold more than {MATCHES_MAX} matches together"), "split the route");
    }
    for rule in rules.items() {
        self::rule(grpc, &rule, faults);
    }
}

/// Several references to one parent name different sections of it.
fn parents(spec: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(parents) = spec.field("parentRefs") else { return };
    let identity = |parent: &Spot<'_, '_>| {
        let text = |name, default| parent.text(name).unwrap_or(default).to_owned();
        [text("group", "gateway.networking.k8s.io"), text("kind", "Gateway"), text("namespace", ""), text("name", "")]
    };
    for (index, parent) in parents.items().enumerate() {
        let part =
            |parent: &Spot<'_, '_>| (parent.text("sectionName").unwrap_or_default().to_owned(), parent.number("port"));
        let clash = parents.items().take(index).any(|other| {
            let (mine, theirs) = (part(&parent), part(&other));
            let unnamed = |part: &(String, Option<i64>)| part.0.is_empty() && part.1.is_none();
            identity(&parent) == identity(&other) && (mine == theirs || unnamed(&mine) || unnamed(&theirs))
        });
        if clash {
            parent.refuse(
                faults,
                "the parent is in the list already",
                "give both a different `sectionName`, or take one out",
            );
        }
    }
}

fn rule(grpc: bool, rule: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let prefix = rule.field("matches").is_none_or(|matches| {
        matches.items().count() == 1
            && matches
                .items()
                .all(|one| one.field("path").is_none_or(|path| matches!(path.text("type"), None | Some("PathPrefix"))))
    });
    if let Some(matches) = rule.field("matches") {
        for one in matches.items() {
            if let Some(path) = one.field("path") {
                self::path(&path, faults);
            }
            if grpc && let Some(method) = one.field("method") {
                self::method(&method, faults);
            }
            for list in ["headers", "queryParams"] {
                if let Some(list) = one.field(list) {
                    header_names(&list, faults);
                }
            }
        }
    }
    if let Some(filters) = rule.field("filters") {
        self::filters(grpc, &filters, prefix, faults);
        if rule.count("backendRefs") > 0 && filters.items().any(|filter| filter.has("requestRedirect")) {
            filters.refuse(faults, "a rule that redirects has no backends", "take `backendRefs` out, or the filter");
        }
    }
    if let Some(backends) = rule.field("backendRefs") {
        for backend in backends.items() {
            self::backend(&backend, faults);
            if let Some(filters) = backend.field("filters") {
                self::filters(grpc, &filters, prefix, faults);
            }
        }
    }
    if let Some(timeouts) = rule.field("timeouts")
        && let (Some(request), Some(backend)) =
            (timeouts.text("request").and_then(duration), timeouts.text("backendRequest").and_then(duration))
        && !request.is_zero()
        && backend > request
    {
        timeouts.refuse_field(
            faults,
            "backendRequest",
            "the backend gets longer than the request",
            "write at most as long as `request`",
        );
    }
}

fn path(path: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if !matches!(path.text("type"), None | Some("Exact" | "PathPrefix")) {
        return;
    }
    let Some(value) = path.field("value") else { return };
    if value.as_text().is_some_and(|text| !is_path(text)) {
        value.wrong_form(
            faults,
            "is no path",
            "write an absolute path without `//`, `/./`, `/../`, `#` and encoded slashes",
        );
    }
}

fn is_path(text: &str) -> bool {
    let bytes = text.as_bytes();
    let allowed = |at: usize| match bytes[at] {
        b'%' => bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        byte => byte.is_ascii_alphanumeric() || b"-/._~!$&'()*+,;=:@".contains(&byte),
    };
    text.starts_with('/')
        && !["//", "/./", "/../", "%2f", "%2F"].iter().any(|part| text.contains(part))
        && !text.ends_with("/..")
        && !text.ends_with("/.")
        && (0..bytes.len()).all(allowed)
}

fn method(method: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if !method.has("service") && !method.has("method") {
        method.refuse(faults, "neither `service` nor `method` is there", "give it one of them, or both");
    }
    if !matches!(method.text("type"), None | Some("Exact")) {
        return;
    }
    let is_word = |text: &str| {
        !text.is_empty()
            && !text.starts_with(|c: char| c.is_ascii_digit())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if let Some(service) = method.field("service")
        && service.as_text().is_some_and(|text| !text.strip_prefix('.').unwrap_or(text).split('.').all(is_word))
    {
        service.wrong_form(faults, "is no name of a service", "write it as in the protocol: `shop.v1.Orders`");
    }
    if let Some(name) = method.field("method")
        && name.as_text().is_some_and(|text| !is_word(text))
    {
        name.wrong_form(faults, "is no name of a method", "write it as in the protocol: `List`");
    }
}

fn header_names(list: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    for header in list.items() {
        if let Some(name) = header.field("name")
            && name.as_text().is_some_and(|text| {
                text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
            })
        {
            name.wrong_form(faults, "is no name of a header", "write letters, digits and `-`");
        }
    }
}

fn filters(grpc: bool, filters: &Spot<'_, '_>, prefix: bool, faults: &mut Vec<Fault>) {
    for (index, filter) in filters.items().enumerate() {
        let kind = filter.text("type").unwrap_or_default();
        if grpc && FILTERS.iter().any(|(name, _, both)| *name == kind && !both) {
            filter.refuse_field(
                faults,
                "type",
                format!("a GRPCRoute has no filter `{kind}`"),
                "take it out, or make an HTTPRoute",
            );
        }
        let earlier = |kind: &str| filters.items().take(index).any(|other| other.text("type") == Some(kind));
        if ONCE.contains(&kind) && earlier(kind) {
            filter.refuse_field(
                faults,
                "type",
                format!("there is a filter `{kind}` already"),
                "make one filter of the two",
            );
        }
        let opposite = match kind {
            "RequestRedirect" => "URLRewrite",
            "URLRewrite" => "RequestRedirect",
            _ => "",
        };
        if !opposite.is_empty() && earlier(opposite) {
            filter.refuse_field(
                faults,
                "type",
                format!("`{kind}` and `{opposite}` exclude each other"),
                "keep one of them",
            );
        }
        for (name, field, _) in FILTERS {
            match (name == kind, filter.has(field)) {
                (true, false) => filter.missing(faults, field, &format!("the type is `{kind}`")),
                (false, true) => filter.refuse_field(
                    faults,
                    field,
                    format!("a filter `{kind}` has no `{field}`"),
                    "correct `type`, or take it out",
                ),
                _ => {}
            }
        }
        self::filter(&filter, prefix, faults);
    }
}

fn filter(filter: &Spot<'_, '_>, prefix: bool, faults: &mut Vec<Fault>) {
    if let Some(redirect) = filter.field("requestRedirect")
        && redirect.number("statusCode").is_some_and(|code| !REDIRECTS.contains(&code))
    {
        redirect.refuse_field(faults, "statusCode", "it is no code of a redirect", "write 301, 302, 303, 307 or 308");
    }
    for name in ["requestRedirect", "urlRewrite"] {
        let Some(change) = filter.field(name) else { continue };
        let Some(path) = change.field("path") else { continue };
        for (kind, field) in [("ReplaceFullPath", "replaceFullPath"), ("ReplacePrefixMatch", "replacePrefixMatch")] {
            match (path.text("type") == Some(kind), path.has(field)) {
                (true, false) => path.missing(faults, field, &format!("the type is `{kind}`")),
                (false, true) => path.refuse_field(
                    faults,
                    field,
                    "the type says another field",
                    format!("write `type: {kind}`, or take it out"),
                ),
                _ => {}
            }
        }
        if path.has("replacePrefixMatch") && !prefix {
            path.refuse_field(
                faults,
                "replacePrefixMatch",
                "the rule does not match by one prefix",
                "give the rule one match of the type `PathPrefix`",
            );
        }
    }
    if let Some(mirror) = filter.field("requestMirror") {
        mirror.at_most_one(faults, &["percent", "fraction"]);
        if let Some(fraction) = mirror.field("fraction")
            && fraction.number("numerator").is_some_and(|part| part > fraction.number("denominator").unwrap_or(100))
        {
            fraction.refuse_field(faults, "numerator", "it is more than the whole", "write at most the denominator");
        }
        if let Some(backend) = mirror.field("backendRef") {
            self::backend(&backend, faults);
        }
    }
    if let Some(cors) = filter.field("cors") {
        for name in ["allowHeaders", "allowMethods", "allowOrigins"] {
            if cors.count(name) > 1
                && cors.field(name).is_some_and(|list| list.items().any(|item| item.as_text() == Some("*")))
            {
                cors.refuse_field(faults, name, "`*` stands alone", "take the others out");
            }
        }
    }
}

fn backend(backend: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let service =
        matches!(backend.text("group"), None | Some("")) && matches!(backend.text("kind"), None | Some("Service"));
    if service && !backend.has("port") {
        backend.missing(faults, "port", "a Service is reached by a port");
    }
}

/// Gateway API's durations: `1h30m`, `500ms`.
fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u32 = rest.get(..digits)?.parse().ok()?;
        rest = &rest[digits..];
        let (unit, millis) = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
            .into_iter()
            .find(|(unit, _)| rest.starts_with(unit))?;
        rest = &rest[unit.len()..];
        total = total.checked_add(Duration::from_millis(millis).checked_mul(number)?)?;
    }
    Some(total)
}
