//! Tests of the module as a whole.

#![allow(clippy::unwrap_used)]

mod hostile;
mod places;
mod scalars;
mod writing;

use serde_json::Value;

use super::{Node, Profile, read};
use crate::diag::{Code, Diagnostic};

fn estate(text: &str) -> Result<Node, Vec<Diagnostic>> {
    read("tenants/a.yaml", text, Profile::Estate)
}

fn value(text: &str) -> Value {
    estate(text).unwrap_or_else(|findings| panic!("{text:?}: {findings:#?}")).to_json()
}

fn codes(text: &str) -> Vec<Code> {
    match estate(text) {
        Ok(node) => panic!("{:.60?} was read as {:.60}", text, node.to_json().to_string()),
        Err(findings) => findings.into_iter().map(|finding| finding.code).collect(),
    }
}

/// The findings as `line:column-line:column message`.
fn findings(text: &str) -> Vec<String> {
    let findings = estate(text).expect_err("the text has a fault");
    let line = |f: &Diagnostic| {
        let (start, end) = (f.place.span.start, f.place.span.end);
        format!("{}:{}-{}:{} {}", start.line, start.column, end.line, end.column, f.message)
    };
    findings.iter().map(line).collect()
}
