//! The filters, tests and functions that templates may use, and no others.
//!
//! Left out on purpose: `safe` and `escape` (every value is data here), `debug` and `pprint` (nothing to look at),
//! `namespace` (state that outlives loop rounds is what makes endless growth possible, and the name is the tenant's
//! namespace), `format`, `batch` and `slice` (sizes from a number; nobody needs them for manifests).

use minijinja::{
    Environment, Error, ErrorKind, State, Value, filters, functions, tests,
    value::{Rest, ValueKind},
};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::{
    engine::{Holes, MOST_OUTPUT, hole_error},
    holes,
};

/// Characters of `digest`: 64 bits tell apart whatever states one object ever has, and it fits everywhere.
const DIGEST_LENGTH: usize = 16;

/// The widest indentation of `indent`; the deepest YAML that we read has 64 levels of two.
const WIDEST: usize = 128;

/// The names of all filters, for "did you mean".
pub(super) const FILTERS: &[&str] = &[
    "abs",
    "attr",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "default",
    "dictsort",
    "digest",
    "first",
    "float",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "zip",
];

/// The names of all functions, for "did you mean".
pub(super) const FUNCTIONS: &[&str] = &["dict", "range"];

/// Puts everything into an environment that has nothing.
pub(super) fn register(environment: &mut Environment<'static>) {
    register_filters(environment);
    register_tests(environment);
    environment.add_function("dict", functions::dict);
    environment.add_function("range", range);
}

fn register_filters(environment: &mut Environment<'static>) {
    macro_rules! add {
        ($($name:literal $function:expr;)+) => {
            $(add(environment, $name, Value::from_function($function));)+
        };
    }
    add! {
        "abs" filters::abs;
        "attr" filters::attr;
        "bool" filters::bool;
        "capitalize" filters::capitalize;
        "chain" filters::chain;
        "count" filters::length;
        "d" filters::default;
        "default" filters::default;
        "dictsort" filters::dictsort;
        "digest" digest;
        "first" filters::first;
        "float" filters::float;
        "groupby" filters::groupby;
        "int" filters::int;
        "items" filters::items;
        "join" filters::join;
        "last" filters::last;
        "length" filters::length;
        "lines" filters::lines;
        "list" filters::list;
        "lower" filters::lower;
        "map" filters::map;
        "max" filters::max;
        "min" filters::min;
        "reject" filters::reject;
        "rejectattr" filters::rejectattr;
        "replace" replace;
        "reverse" filters::reverse;
        "round" filters::round;
        "select" filters::select;
        "selectattr" filters::selectattr;
        "sort" filters::sort;
        "split" filters::split;
        "string" filters::string;
        "sum" filters::sum;
        "title" filters::title;
        "tojson" tojson;
        "unique" filters::unique;
        "upper" filters::upper;
        "zip" filters::zip;
    }
    // These two only move captured text about, so its placeholders may stay.
    environment.add_filter("indent", indent);
    environment.add_filter("trim", filters::trim);
}

/// Adds a filter that sees captured text with its values in place: `{{ m.name(item) | upper }}` must not leave the
/// values behind the placeholders as they were.
fn add(environment: &mut Environment<'static>, name: &'static str, filter: Value) {
    environment.add_filter(name, move |state: &mut State<'_, '_>, Rest(mut arguments): Rest<Value>| {
        for argument in &mut arguments {
            if let Some(text) = argument.as_str()
                && holes::may_hold(text)
            {
                let values = state.get_extension::<Holes>().map(|holes| holes.values.as_slice()).unwrap_or_default();
                *argument = Value::from(holes::expand(text, values).map_err(hole_error)?.as_ref());
            }
        }
        let result = filter.call(state, &arguments)?;
        if result.as_str().is_some_and(|text| text.len() > MOST_OUTPUT) {
            return Err(hole_error(holes::HoleFault::TooLong));
        }
        Ok(result)
    });
}

fn register_tests(environment: &mut Environment<'static>) {
    macro_rules! add {
        ($($name:literal $function:expr;)+) => { $(environment.add_test($name, $function);)+ };
    }
    add! {
        "!=" tests::is_ne;
        "<" tests::is_lt;
        "<=" tests::is_le;
        "==" tests::is_eq;
        ">" tests::is_gt;
        ">=" tests::is_ge;
        "boolean" tests::is_boolean;
        "defined" tests::is_defined;
        "divisibleby" tests::is_divisibleby;
        "endingwith" tests::is_endingwith;
        "eq" tests::is_eq;
        "equalto" tests::is_eq;
        "even" tests::is_even;
        "false" tests::is_false;
        "float" tests::is_float;
        "ge" tests::is_ge;
        "gt" tests::is_gt;
        "in" tests::is_in;
        "integer" tests::is_integer;
        "iterable" tests::is_iterable;
        "le" tests::is_le;
        "lower" tests::is_lower;
        "lt" tests::is_lt;
        "mapping" tests::is_mapping;
        "ne" tests::is_ne;
        "none" tests::is_none;
        "number" tests::is_number;
        "odd" tests::is_odd;
        "sameas" tests::is_sameas;
        "sequence" tests::is_sequence;
        "startingwith" tests::is_startingwith;
        "string" tests::is_string;
        "true" tests::is_true;
        "undefined" tests::is_undefined;
        "upper" tests::is_upper;
    }
}

/// The first 16 hexadecimal digits of the SHA-256 of a value's canonical JSON: no spaces, keys sorted.
fn digest(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    let mut text = hex::encode(Sha256::digest(compact(&json(state, value)?)));
    text.truncate(DIGEST_LENGTH);
    Ok(text)
}

/// A value as a text of JSON, for places that want JSON in a string; two spaces a level with `indent=true`.
fn tojson(state: &State<'_, '_>, value: &Value, indent: Option<bool>) -> Result<String, Error> {
    let json = json(state, value)?;
    Ok(if indent == Some(true) { format!("{json:#}") } else { compact(&json) })
}

/// Quicker than `Display`, which goes through a formatter byte by byte.
fn compact(json: &Json) -> String {
    serde_json::to_string(json).expect("a value has text keys only")
}

fn json(state: &State<'_, '_>, value: &Value) -> Result<Json, Error> {
    if value.kind() == ValueKind::None {
        return Ok(Json::Null);
    }
    let values = state.get_extension::<Holes>().map(|holes| holes.values.as_slice()).unwrap_or_default();
    holes::to_json(value, values, &mut holes::Room::new()).map_err(hole_error)
}

/// `replace` of the engine, without its way to make a text of a million times a million bytes.
fn replace(value: &str, from: &str, to: &str) -> Result<String, Error> {
    let places = value.matches(from).count();
    if places.saturating_mul(to.len()) > MOST_OUTPUT {
        return Err(hole_error(holes::HoleFault::TooLong));
    }
    Ok(value.replace(from, to))
}

/// The most elements of a range: fuel for one loop over it is gone by then.
const LONGEST_RANGE: i64 = 100_000;

/// `range` of the engine, which overflows with numbers near the ends of their type.
fn range(lower: i64, upper: Option<i64>, step: Option<i64>) -> Result<Value, Error> {
    let refuse = |what: &'static str| Error::new(ErrorKind::InvalidOperation, what);
    let (start, end) = upper.map_or((0, lower), |upper| (lower, upper));
    let step = step.unwrap_or(1);
    let distance = match step {
        0 => return Err(refuse("cannot create range with step of 0")),
        1.. => end.checked_sub(start),
        _ => start.checked_sub(end),
    };
    let steps =
        distance.zip(step.checked_abs()).and_then(|(distance, step)| distance.checked_add(step - 1)?.checked_div(step));
    let length =
        steps.filter(|length| *length <= LONGEST_RANGE).ok_or_else(|| refuse("range has too many elements"))?;
    // Within the distance, so nothing overflows.
    Ok(Value::make_iterable(move || (0..length.max(0)).map(move |n| start + n * step)))
}

/// Indents every line but the first by `width` spaces; empty lines stay empty. Captured text stays captured text.
fn indent(value: &Value, width: Option<usize>, first: Option<bool>) -> Result<Value, Error> {
    let width = width.unwrap_or(4);
    if width > WIDEST {
        let message = format!("an indentation has at most {WIDEST} spaces");
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    let text = value
        .as_str()
        .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "only text can be indented"))?
        .trim_end_matches('\n');
    let mut out = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        if !line.is_empty() && (number > 0 || first == Some(true)) {
            out.extend(std::iter::repeat_n(' ', width));
        }
        out.push_str(line);
    }
    if out.len() > MOST_OUTPUT {
        return Err(hole_error(holes::HoleFault::TooLong));
    }
    Ok(if value.is_safe() { Value::from_safe_string(out) } else { Value::from(out) })
}
