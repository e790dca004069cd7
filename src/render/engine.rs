//! The template engine, strict and shut in: no files, clock, chance or environment, bounded in time and output.

use std::io;

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, syntax::SyntaxConfig,
};

use super::{filters, holes, scan};

/// The most bytes that one file may print. etcd refuses objects beyond 1.5 MiB, and no file of a tenant comes near.
pub(super) const MOST_OUTPUT: usize = 1 << 20;

/// The most instructions of one file: a Deployment takes some 300, a dashboard of 50 panels some 5,000. An endless loop
/// ends after some 10 milliseconds.
const FUEL: u64 = 200_000;

/// How deep includes (10 each) and macros (4 each) may call each other: 50 macros, well within a thread's stack.
const RECURSION: usize = 200;

/// The detail of the error of a file with too many values.
pub(super) const TOO_MANY_VALUES: &str = "the file writes too many values";

/// What is said of an expression that would nest too deeply.
pub(super) const MANY_SIGNS: &str = "too many signs stand in a row";

/// Marks captured text as text of the template and not a value: see [`format`].
const CAPTURED: &str = "skeleton";

/// Compiled templates by name.
#[derive(Debug)]
pub(super) struct Engine {
    environment: Environment<'static>,
}

/// What a template printed: its text with placeholders, and the values that they stand for.
#[derive(Debug)]
pub(super) struct Printed {
    /// The skeleton.
    pub(super) text: String,
    /// The values in the order of their placeholders.
    pub(super) holes: Vec<Value>,
}

/// The values that were written so far; lives in the state of one rendering, macros and includes share it.
#[derive(Debug, Default)]
pub(super) struct Holes {
    pub(super) values: Vec<Value>,
    /// The bytes of those that are texts.
    bytes: usize,
}

impl Engine {
    /// Returns an engine without templates.
    pub(super) fn new() -> Self {
        // `Environment::empty` has no functions, filters or tests: only those below exist.
        let mut environment = Environment::empty();
        environment.set_syntax(syntax());
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // Any mode but `None` makes the engine tell captured text from values; our formatter never escapes.
        environment.set_auto_escape_callback(|_| AutoEscape::Custom(CAPTURED.into()));
        environment.set_formatter(format);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION);
        environment.set_debug(true);
        filters::register(&mut environment);
        Self { environment }
    }

    /// Compiles a template.
    pub(super) fn add(&mut self, name: &str, source: &str) -> Result<(), Error> {
        if scan::line_of_many_signs(source).is_some() {
            return Err(many_signs());
        }
        self.environment.add_template_owned(name.to_owned(), source.to_owned())
    }

    /// Compiles an expression as a template that writes its one value.
    pub(super) fn add_expression(&mut self, name: &str, expression: &str) -> Result<(), Error> {
        // Alone first: within the template, a stray `}}` would end the tag.
        let tag = format!("{{{{ ({expression}) }}}}");
        if scan::line_of_many_signs(&tag).is_some() {
            return Err(many_signs());
        }
        self.environment.compile_expression_owned(expression.to_owned())?;
        self.add(name, &tag)
    }

    /// Returns whether a template is known.
    pub(super) fn has(&self, name: &str) -> bool {
        self.environment.get_template(name).is_ok()
    }

    /// Renders a template.
    ///
    /// # Errors
    /// Whatever the engine says; [`super::faults`] makes findings of it.
    pub(super) fn print(&self, name: &str, context: &Value) -> Result<Printed, Error> {
        let mut text = Vec::new();
        let holes = self.print_into(name, context, &mut text)?;
        let text = String::from_utf8(text).expect("the engine writes strings, and a whole one or nothing");
        Ok(Printed { text, holes })
    }

    /// Renders a template and returns its values; `text` takes what it prints, also what it prints before a fault.
    pub(super) fn print_into(&self, name: &str, context: &Value, text: &mut Vec<u8>) -> Result<Vec<Value>, Error> {
        let template = self.environment.get_template(name)?;
        let mut captured = template.render_captured_to(context.clone(), Capped(text))?;
        Ok(captured.with_state_mut(|state| {
            state.get_extension_mut::<Holes>().map(|holes| std::mem::take(&mut holes.values)).unwrap_or_default()
        }))
    }

    /// Evaluates an expression that [`Engine::add_expression`] compiled.
    pub(super) fn evaluate(&self, name: &str, context: &Value) -> Result<Value, Error> {
        let Printed { text, mut holes } = self.print(name, context)?;
        // Without a hole the value was captured text, which a macro makes.
        Ok(holes.pop().unwrap_or_else(|| Value::from(text)))
    }
}

fn many_signs() -> Error {
    Error::new(ErrorKind::SyntaxError, MANY_SIGNS)
}

fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(false)
        .build()
        .expect("the delimiters are the default ones")
}

/// Writes a placeholder for a value and puts the value aside.
///
/// Captured text (of a macro, a `set` block, `caller()`) is a part of the template whose values have placeholders
/// already, so it is written as it is. Filters see it with its values in place ([`filters`]); operators cannot be told to,
/// so `==` and `in` compare captured text by its placeholders: templates compare the values that it is made of.
fn format(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_safe() {
        return Ok(out.write_str(value.as_str().unwrap_or_default())?);
    }
    let Holes { values, bytes } = state.get_or_insert_extension_with(Holes::default);
    let value = match value.as_str() {
        // Captured text that an operator made a value of: `m.name() ~ "-db"`.
        Some(text) if holes::may_hold(text) => Value::from(holes::expand(text, values).map_err(hole_error)?.as_ref()),
        _ => value.clone(),
    };
    let Some(placeholder) = holes::placeholder(values.len()) else {
        return Err(Error::new(ErrorKind::InvalidOperation, TOO_MANY_VALUES));
    };
    // A text that stands in many places is many copies of it.
    *bytes += value.as_str().map_or(0, str::len);
    if *bytes > holes::MOST_BYTES {
        return Err(hole_error(holes::HoleFault::Many));
    }
    values.push(value);
    Ok(out.write_str(placeholder.encode_utf8(&mut [0; 4]))?)
}

/// Makes an error of the engine of a fault, so that it gets the place of the expression.
pub(super) fn hole_error(fault: holes::HoleFault) -> Error {
    Error::new(ErrorKind::InvalidOperation, fault.to_string()).with_source(fault)
}

/// A writer that refuses what goes beyond [`MOST_OUTPUT`].
struct Capped<'a>(&'a mut Vec<u8>);

impl io::Write for Capped<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_OUTPUT {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
