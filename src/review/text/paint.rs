//! Colours of a terminal.

use crate::review::words::Tone;

/// Colours, or none.
pub(super) struct Paint {
    pub(super) color: bool,
}

impl Paint {
    /// Returns the text in its colour; `text` must be escaped already.
    pub(super) fn tone(&self, tone: Tone, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Heading => "1",
            Tone::Faint => "2",
            Tone::Good => "32",
            Tone::Change => "33",
            Tone::Bad => "1;31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
