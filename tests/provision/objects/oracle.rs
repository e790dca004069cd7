//! The oracle of object stores: a Python program with clients that are not ours. Starting it takes longer than what it is
//! asked, so each thread keeps one for each server.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde::Deserialize;
use serde_json::json;

use super::variable;

thread_local! {
    static RUNNING: RefCell<BTreeMap<&'static str, Oracle>> = RefCell::default();
}

struct Oracle {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct Answer {
    printed: String,
    error: Option<String>,
}

/// Lets the oracle do something; returns what it prints.
pub fn oracle(flavour: &'static str, arguments: &[&str], keys: Option<(&str, &str)>) -> String {
    ask(flavour, arguments, keys).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

/// Lets the oracle do something; returns what it prints, or its error.
pub fn ask(flavour: &'static str, arguments: &[&str], keys: Option<(&str, &str)>) -> Result<String, String> {
    RUNNING.with_borrow_mut(|running| running.entry(flavour).or_insert_with(|| start(flavour)).ask(arguments, keys))
}

fn start(flavour: &str) -> Oracle {
    let mut child = Command::new(variable("TENANTRY_TEST_S3_PYTHON"))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/provision/objects/oracle.py"))
        .arg(flavour)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (questions, answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
    Oracle { child, questions, answers }
}

impl Oracle {
    fn ask(&mut self, arguments: &[&str], keys: Option<(&str, &str)>) -> Result<String, String> {
        let mut question = json!({"arguments": arguments, "keys": keys}).to_string();
        question.push('\n');
        let send = self.questions.as_mut().map(|questions| questions.write_all(question.as_bytes()));
        assert!(matches!(send, Some(Ok(()))), "the oracle has ended before {arguments:?}");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        let Answer { printed, error } = serde_json::from_str(&answer).unwrap();
        error.map_or(Ok(printed), Err)
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // Without questions it ends.
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}
