//! The walk through an object, side by side with its compiled schema.

use serde_json::{Map, Value};

use super::{
    arena::{Arena, Fields, Node, NodeId, Others, Shape},
    bounds,
    fault::{Fault, FaultKind, Path},
    metadata,
    retired::{Retirement, retirement},
    rules,
    schemas::{Schemas, group},
    words::{nearest, shown, type_of},
};

/// Real objects nest some 20 levels; the bound keeps a hostile one from exhausting the stack.
const MAX_DEPTH: usize = 64;

/// Returns the faults of an object.
pub(super) fn object(schemas: &Schemas, object: &Value) -> Vec<Fault> {
    let text = |field| object.get(field).and_then(Value::as_str);
    let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else {
        let message = format!("{} does not say what it is", type_of(object));
        let help = "every object has the texts `apiVersion` and `kind`";
        return vec![Path::ROOT.fault(FaultKind::UnknownKind, message, help)];
    };
    let Some((layer, info, root)) = schemas.find(api_version, kind) else {
        // What is known of a kind beside its schema holds without one, too.
        let mut faults = vec![unknown_kind(schemas, api_version, kind)];
        rules::check(group(api_version), kind, object, &mut faults);
        return faults;
    };
    let mut walk = Walk { schemas, faults: Vec::new() };
    walk.value(&layer.arena, root, object, &Path::ROOT, 0);
    metadata::check_name(info, object, &mut walk.faults);
    rules::check(&info.group, kind, object, &mut walk.faults);
    walk.faults
}

fn unknown_kind(schemas: &Schemas, api_version: &str, kind: &str) -> Fault {
    let at = Path::ROOT;
    let field = at.field("apiVersion");
    match retirement(api_version, kind) {
        Some(Retirement::Instead(instead)) => field.fault(
            FaultKind::RetiredVersion,
            format!("`{api_version}` {kind} is no longer served"),
            format!("use `apiVersion: {instead}`"),
        ),
        Some(Retirement::Removed) => field.fault(
            FaultKind::RetiredVersion,
            format!("`{api_version}` {kind} is no longer served"),
            "the kind was removed and has no successor",
        ),
        None => {
            let mut versions: Vec<&str> =
                schemas.kinds().filter(|info| info.kind == kind).map(|info| info.api_version.as_str()).collect();
            versions.sort_unstable();
            let help = match versions.as_slice() {
                [] => match nearest(kind, schemas.kinds().map(|info| info.kind.as_str())) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "put its CustomResourceDefinition under schemas/crds/".to_owned(),
                },
                versions => format!("{kind} is known in {}", versions.join(", ")),
            };
            field.fault(FaultKind::UnknownKind, format!("no schema is known for `{api_version}` {kind}"), help)
        }
    }
}

/// A walk: what it found so far.
pub(super) struct Walk<'s> {
    schemas: &'s Schemas,
    pub faults: Vec<Fault>,
}

impl Walk<'_> {
    /// Checks a value against a node.
    pub(super) fn value(&mut self, arena: &Arena, id: NodeId, value: &Value, path: &Path<'_>, depth: usize) {
        let node = &arena.nodes[id as usize];
        if depth > MAX_DEPTH {
            let message = format!("the object nests deeper than {MAX_DEPTH} levels");
            self.faults.push(path.fault(
                FaultKind::TooDeep,
                message,
                "no kind has so many levels: look for a list in a list",
            ));
            return;
        }
        match (node.shape, value) {
            (Shape::Any, _) => {}
            (_, Value::Null) if node.nullable => return,
            (Shape::Object(fields), Value::Object(map)) => {
                self.object(arena, &arena.objects[fields as usize], map, path, depth);
            }
            (Shape::List(items), Value::Array(list)) => {
                for (index, item) in list.iter().enumerate() {
                    self.value(arena, items, item, &path.item(index), depth + 1);
                }
            }
            (Shape::Metadata, value) => {
                let (arena, metadata) = self.schemas.metadata();
                self.value(arena, metadata, value, path, depth);
            }
            (Shape::Text | Shape::IntOrText, Value::String(_))
            | (Shape::Boolean, Value::Bool(_))
            | (Shape::Number, Value::Number(_)) => {}
            (Shape::Quantity, Value::String(_) | Value::Number(_)) => bounds::quantity(value, path, &mut self.faults),
            (Shape::Integer, Value::Number(number)) if number.is_i64() => {}
            (Shape::Integer32 | Shape::IntOrText, Value::Number(number)) if number.is_i64() => {
                bounds::int32(number, path, &mut self.faults);
            }
            (shape, value) => {
                self.faults.push(wrong_type(shape, value, path));
                return;
            }
        }
        if node.bounds > 0 {
            self.bounds(arena, *node, value, path, depth);
        }
    }

    fn object(&mut self, arena: &Arena, fields: &Fields, map: &Map<String, Value>, path: &Path<'_>, depth: usize) {
        let mut found = 0;
        for (name, value) in map {
            match fields.get(name) {
                Some(field) => {
                    found |= field.bit;
                    self.value(arena, field.node, value, &path.field(name), depth + 1);
                }
                None => match fields.others {
                    Others::Ignored => {}
                    Others::Like(node) => self.value(arena, node, value, &path.field(name), depth + 1),
                    Others::Refused => self.faults.push(unknown_field(fields, map, name, path)),
                },
            }
        }
        if found != fields.required || fields.many_required {
            let missing = fields.iter().filter(|field| field.required && !map.contains_key(&*field.name));
            self.faults.extend(missing.map(|field| {
                let message = format!("required field `{}` is missing", field.name);
                path.fault(FaultKind::MissingField, message, format!("add `{}`", field.name))
            }));
        }
    }

    #[cold]
    #[inline(never)]
    fn combination(&mut self, path: &Path<'_>, message: &str) {
        let help = "see the allowed combinations of fields in the documentation of the kind";
        self.faults.push(path.fault(FaultKind::Combination, message, help));
    }

    fn bounds(&mut self, arena: &Arena, node: Node, value: &Value, path: &Path<'_>, depth: usize) {
        let bounds = &arena.bounds[node.bounds as usize - 1];
        bounds::check(bounds, value, path, &mut self.faults);
        for schema in &bounds.all_of {
            self.value(arena, *schema, value, path, depth + 1);
        }
        let fits = |walk: &Self, schema: NodeId| {
            let mut inner = Walk { schemas: walk.schemas, faults: Vec::new() };
            inner.value(arena, schema, value, path, depth + 1);
            inner.faults.is_empty()
        };
        if !bounds.any_of.is_empty() && !bounds.any_of.iter().any(|schema| fits(self, *schema)) {
            self.combination(path, "the value fits none of the allowed forms");
        }
        if !bounds.one_of.is_empty() {
            match bounds.one_of.iter().filter(|schema| fits(self, **schema)).take(2).count() {
                0 => self.combination(path, "the value fits none of the allowed forms"),
                1 => {}
                _ => self.combination(path, "the value fits more than one of the forms that exclude each other"),
            }
        }
        if bounds.not.is_some_and(|schema| fits(self, schema)) {
            self.combination(path, "the value has a form that is not allowed");
        }
    }
}

#[cold]
fn wrong_type(shape: Shape, value: &Value, path: &Path<'_>) -> Fault {
    let (expected, help) = match shape {
        Shape::Any | Shape::Metadata | Shape::Object(_) => ("a mapping", "write fields below it, indented"),
        Shape::Boolean => ("true or false", "write `true` or `false` without quotes"),
        Shape::Integer | Shape::Integer32 => ("a whole number", "write it without quotes and without a fraction"),
        Shape::Number => ("a number", "write it without quotes"),
        Shape::Text => ("a text", "put it in quotes"),
        Shape::IntOrText => ("a whole number or a text", "write a number without a fraction, or a text such as `25%`"),
        Shape::Quantity => ("a quantity", "write it like `500m`, `2` or `1Gi`"),
        Shape::List(_) => ("a list", "write items below it, each after `- `"),
    };
    let help = if value.is_null() { "give it a value, or leave the field out" } else { help };
    path.fault(FaultKind::WrongType, format!("{} stands where {expected} is expected", shown(value)), help)
}

#[cold]
fn unknown_field(fields: &Fields, map: &Map<String, Value>, name: &str, path: &Path<'_>) -> Fault {
    /// More names than this help nobody.
    const LISTED: usize = 12;
    let names = || fields.iter().map(|field| &*field.name).filter(|name| !map.contains_key(*name));
    let help = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if fields.iter().len() == 0 => "no field is known here: take it out".to_owned(),
        None if fields.iter().len() <= LISTED => {
            format!("the fields here are {}", fields.iter().map(|field| &*field.name).collect::<Vec<_>>().join(", "))
        }
        None => "take it out, or look for the place where it belongs".to_owned(),
    };
    path.field(name).fault(FaultKind::UnknownField, format!("unknown field `{name}`"), help)
}
