//! The text format of Prometheus.

use std::fmt::{Display, Write};

/// Figures as text.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    /// Says what the figures of a name are; they follow.
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    /// A figure with labels, whose values need no escaping.
    pub(super) fn labelled(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<_> =
            labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        self.line(format_args!("{name}{{{}}} {value}", labels.join(",")));
    }

    /// A figure that goes up and down.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.line(format_args!("{name} {value}"));
    }

    /// A figure that only goes up.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "counter", help);
        self.line(format_args!("{name} {value}"));
    }

    pub(super) fn finish(self) -> String {
        self.0
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("writing to a string cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let mut text = Text::default();
        text.gauge("a", "What a is.", 1.5);
        text.family("b", "counter", "What b is.");
        text.labelled("b", &[("x", "1"), ("y", "2")], 3);
        let expected = "# HELP a What a is.\n# TYPE a gauge\na 1.5\n\
                        # HELP b What b is.\n# TYPE b counter\nb{x=\"1\",y=\"2\"} 3\n";
        assert_eq!(text.finish(), expected);
    }
}
