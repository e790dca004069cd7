//! The report as one page: no network, no script, and everything that a tree holds is text in it.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context, value::Serde};

use super::view::View;

const NAME: &str = "report.html";
const TEMPLATE: &str = include_str!("report.html.j2");
const STYLE: &str = include_str!("report.css");

/// Returns the page.
pub(super) fn html(view: &View) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template(NAME, TEMPLATE)?;
    let version = env!("CARGO_PKG_VERSION");
    environment
        .get_template(NAME)?
        .render(context! { report => Value::from(Serde(view)), style => STYLE, version => version })
}
