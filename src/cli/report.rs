//! The only place that prints: results on stdout, messages on stderr, colours where a terminal shows them.

pub(super) mod findings;
mod github;
mod sarif;
mod text;

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::error::CommandError;
use crate::{
    review::{text::Style, without_commands},
    yaml::is_hidden,
};

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR says otherwise
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How to write log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// How to show what a command found or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// One document; `tenantry schema` shows its shape
    Json,
}

/// Returns a document as the text that is printed of it.
pub(super) fn json(document: &impl Serialize) -> Result<String, CommandError> {
    let text = serde_json::to_string_pretty(document).map_err(CommandError::internal)?;
    Ok(format!("{}\n", visible(&text)))
}

/// Writes characters that a terminal hides or obeys as escapes of JSON, which mean the same. They stand in texts alone.
fn visible(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    // In a log, `##[` and `##vso[` begin commands wherever they stand.
    let json = json.replace("##[", "#\\u0023[").replace("##vso[", "#\\u0023vso[");
    for letter in json.chars() {
        if letter != '\n' && (letter.is_control() || is_hidden(letter)) {
            let mut units = [0; 2];
            out.extend(letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(letter);
        }
    }
    out
}

/// Where results and messages go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ui {
    color: Color,
}

impl Ui {
    /// Returns the process's own stdout and stderr.
    pub(super) fn new(color: Color) -> Self {
        Self { color }
    }

    /// Returns whether results on stdout may hold colours.
    pub(super) fn colored(&self) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
        }
    }

    /// Returns how reports of changes look on stdout.
    pub(super) fn style(&self) -> Style {
        Style { color: self.colored(), ..Style::default() }
    }

    /// Prints a result. A reader that went away (`| head`) ends the output, not the command.
    pub(super) fn print(&self, text: &str) {
        let mut out = io::stdout().lock();
        // Nothing can be told to a reader that is gone.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Prints a result as people or as programs want it.
    pub(super) fn show<T: Serialize>(
        &self,
        format: Format,
        document: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), CommandError> {
        self.print(&match format {
            Format::Text => without_commands(&text(document)).into_owned(),
            Format::Json => json(document)?,
        });
        Ok(())
    }

    /// Says something about the work, on stderr.
    pub(super) fn say(&self, text: &str) {
        self.say_styled(&escape(text));
    }

    /// Says what is escaped already, and may have colours.
    fn say_styled(&self, text: &str) {
        // Without stderr there is nobody to tell.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Returns a progress bar over `length` things: on a terminal only, and gone when it is done.
    pub(super) fn progress(&self, length: usize, doing: &'static str) -> ProgressBar {
        if !io::stderr().is_terminal() || length < 2 {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg:>12} [{bar:40}] {pos}/{len}")
            .expect("the template is constant and tested by every progress bar");
        let bar = ProgressBar::new(length as u64).with_style(style.progress_chars("=> ")).with_message(doing);
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Prints why a command failed, and what to do about it.
    pub(super) fn error(&self, error: &CommandError) {
        let mut out = io::stderr().lock();
        let mut chain = error.chain();
        let first = chain.next().unwrap_or_default();
        // Without stderr there is nobody to tell.
        let _ = writeln!(out, "error: {}", escape(&first));
        for cause in chain {
            let _ = writeln!(out, "  because: {}", escape(&cause));
        }
        for hint in error.hints() {
            let _ = writeln!(out, "  help: {}", escape(hint));
        }
    }
}

/// Prints clap's own help or complaint.
pub(super) fn usage(error: &clap::Error) {
    // Without a terminal there is nobody to tell.
    let _ = error.print();
}

/// Sends events to stderr: warnings, or what TENANTRY_LOG asks for.
pub(super) fn start_log(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::WARN.into())
        .with_env_var("TENANTRY_LOG")
        .from_env_lossy();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    // A second subscriber can only be there in tests; the first one stays.
    let _ = match format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}

/// Makes control characters visible, so that a hostile text cannot steer a terminal or a runner of CI; line breaks stay.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in without_commands(text).chars() {
        if (c.is_control() && c != '\n') || is_hidden(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Returns rows under headings, each column as wide as its widest cell.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: &[[&str; N]]) -> String {
    let mut widths = headings.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in std::iter::once(&headings).chain(rows) {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{:<width$}", escape(cell)));
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// Returns `1 tenant`, `2 tenants`.
pub(super) fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}
