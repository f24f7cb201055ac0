//! Messages in the form that logrus gives them, which containerd, dockerd and podman parse.

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::time::SystemTime;

use isopod_base::times::Timestamp;

/// The form of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
}

/// Where messages go.
#[derive(Debug, Default)]
pub(crate) struct Log {
    file: Option<File>,
    format: Format,
    debug: bool,
}

impl Log {
    pub(crate) fn new(file: Option<File>, format: Format, debug: bool) -> Self {
        Self { file, format, debug }
    }

    /// The last word of a command that failed: to the log, and to people.
    pub(crate) fn failure(&self, text: &str) {
        self.write("error", text);
        if self.file.is_some() {
            // With standard error closed nobody is there to read it.
            let _unheard = writeln!(std::io::stderr(), "{text}");
        }
    }

    pub(crate) fn error(&self, text: &str) {
        self.write("error", text);
    }

    pub(crate) fn warn(&self, text: &str) {
        self.write("warning", text);
    }

    pub(crate) fn debug(&self, text: &str) {
        if self.debug {
            self.write("debug", text);
        }
    }

    fn write(&self, level: &str, text: &str) {
        let time = now();
        let terminal = self.file.is_none() && std::io::stderr().is_terminal();
        let line = match self.format {
            Format::Json => json(level, text, &time),
            Format::Text if terminal => short(level, text),
            Format::Text => plain(level, text, &time),
        };
        // A full disk or a closed stream must not change what the command does.
        let _unheard = match &self.file {
            Some(file) => (&mut &*file).write_all(line.as_bytes()),
            None => std::io::stderr().write_all(line.as_bytes()),
        };
    }
}

/// `2026-11-24T12:40:29Z`.
fn now() -> String {
    let seconds = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs());
    Timestamp::from_nanos(i128::from(seconds) * 1_000_000_000).rfc3339()
}

fn json(level: &str, text: &str, time: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    format!("{{\"level\":{},\"msg\":{},\"time\":{}}}\n", quoted(level), quoted(text), quoted(time))
}

fn plain(level: &str, text: &str, time: &str) -> String {
    let needs_quotes = text.is_empty()
        || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._/@^+".contains(&b));
    let text = if needs_quotes { format!("{text:?}") } else { text.to_owned() };
    format!("time=\"{time}\" level={level} msg={text}\n")
}

/// For people: `ERRO[0000] text`.
fn short(level: &str, text: &str) -> String {
    let (word, colour) = match level {
        "error" => ("ERRO", 31),
        "warning" => ("WARN", 33),
        _ => ("DEBU", 37),
    };
    format!("\x1b[{colour}m{word}\x1b[0m[0000] {text}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let time = "2026-11-24T12:40:29Z";
        assert_eq!(
            json("error", "exec failed: \"x\"\n", time),
            "{\"level\":\"error\",\"msg\":\"exec failed: \\\"x\\\"\\n\",\"time\":\"2026-11-24T12:40:29Z\"}\n"
        );
        assert_eq!(
            plain("error", "container does not exist", time),
            "time=\"2026-11-24T12:40:29Z\" level=error msg=\"container does not exist\"\n"
        );
        assert_eq!(
            plain("warning", "x/y", time),
            "time=\"2026-11-24T12:40:29Z\" level=warning msg=x/y\n"
        );
        assert_eq!(now().len(), time.len());
    }
}
