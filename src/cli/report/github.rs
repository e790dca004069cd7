//! Findings as workflow commands, which annotate the lines of a pull request.

use super::findings::severity_name;
use crate::diag::{Diagnostic, Report};

/// Returns one command a line.
pub(super) fn commands(report: &Report) -> String {
    report.findings().iter().map(command).collect()
}

fn command(finding: &Diagnostic) -> String {
    let Diagnostic { code, severity, place, message, help, tenant: _, related: _ } = finding;
    let span = place.span;
    format!(
        "::{} file={},line={},col={},endLine={},endColumn={},title={}::{}\n",
        severity_name(*severity),
        property(&place.file),
        span.start.line,
        span.start.column,
        span.end.line,
        span.end.column,
        property(code.name()),
        data(&format!("{message}\n{help}")),
    )
}

/// Escapes the text of a command: `%` and line breaks would end it or start another one.
fn data(text: &str) -> String {
    super::escape(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command, which also ends at `,` and `:`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Code, Place};

    #[test]
    fn a_message_cannot_start_another_command() {
        let place = Place::file("tenants/a,b.yaml");
        let finding = Diagnostic::new(Code::YamlSyntax, place, "x\n::error::y 100%", "z");
        let text = commands(&Report::new(vec![finding]));
        assert_eq!(
            text,
            "::error file=tenants/a%2Cb.yaml,line=1,col=1,endLine=1,endColumn=1,title=yaml-syntax::x%0A\\u{3a}:error::y 100%25%0Az\n"
        );
    }
}
