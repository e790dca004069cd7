//! A log at its finest, of all libraries, kept in memory.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing_subscriber::fmt::MakeWriter;

/// What was logged.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Log;

    fn make_writer(&'w self) -> Log {
        self.clone()
    }
}

impl Log {
    /// Keeps what is logged while `work` runs, on this thread.
    pub fn listen(&self, work: impl FnOnce()) {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!("the log is open");
            work();
        });
    }

    /// Asserts that something was logged, and none of `secrets`.
    pub fn holds_none_of(&self, secrets: &[&str]) {
        let bytes = self.0.lock().unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("the log is open"));
        for secret in secrets {
            let line = text.lines().find(|line| line.contains(secret) || line.contains(&in_bytes(secret)));
            assert!(line.is_none(), "a secret is logged: {}", line.unwrap_or_default());
        }
    }
}

/// A text as a list of its bytes, which is how some print what they do not know.
fn in_bytes(text: &str) -> String {
    text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ")
}
