//! Cases as scripts.
//!
//! ```text
//! == group/name [needs...]
//! $ docker run --rm $IMG echo hi
//! | hi
//! ```
//!
//! `$` begins a shell command, `>` continues it on the next line. What is expected of it follows:
//! `|` lines are its whole standard output (`<*>` stands for anything within a line, a `| <**>`
//! line for any number of lines), `empty` says that there is none, `+` and `-` a piece that is in
//! the output and one that is not, `!` a piece of standard error, `?` the exit status (0 if not
//! said, `? *` for any). Lines that begin with `#` do not count.
//!
//! Commands run one after the other, each in a shell of its own, with
//!
//! | variable | |
//! | --- | --- |
//! | `P` | a prefix for names that no other case has |
//! | `T` | a directory for the case's files |
//! | `IMG` | an image of busybox with `/bin/sh` as its command |
//! | `SOCK` | the path of the engine's socket |
//! | `REGISTRY` | address of a registry (with the need `registry`) |
//!
//! and with these commands beside those of the machine: `docker`; `api METHOD PATH [BODY]`, which
//! prints the answer's status and body; `py`, which runs Python with `client` and `docker` of
//! docker-py; `await COMMAND`, which waits until the command succeeds.
//!
//! Needs: `py`, `registry`, `alone` (no other case runs meanwhile), `api1.44` (the engine speaks
//! at least this version), `isopod` (what no other engine has).

use anyhow::{Result, bail};

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Area and subject, such as `containers/run-prints`.
    pub name: String,
    pub(crate) needs: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

/// A command and what is expected of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) line: usize,
    pub(crate) command: String,
    pub(crate) stdout: Option<Vec<String>>,
    pub(crate) has: Vec<String>,
    pub(crate) lacks: Vec<String>,
    pub(crate) complains: Vec<String>,
    /// `None` for any.
    pub(crate) status: Option<i32>,
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../cases/", $name, ".txt")))),*]
    };
}

const FILES: &[(&str, &str)] = files![
    "system",
    "containers",
    "create",
    "exec",
    "images",
    "volumes",
    "events",
    "logs",
    "python"
];

/// All cases, in order.
pub fn all() -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    for (file, text) in FILES {
        for case in parse(file, text)? {
            if cases.iter().any(|other| other.name == case.name) {
                bail!("{file}.txt: there are two cases {:?}", case.name);
            }
            cases.push(case);
        }
    }
    Ok(cases)
}

/// Reads a file of cases.
pub fn parse(file: &str, text: &str) -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        if mark == "==" {
            let mut words = rest.split_ascii_whitespace().map(str::to_owned);
            let Some(name) = words.next() else { bail!("{file}.txt:{number}: a case has a name") };
            cases.push(Case {
                name: format!("{file}/{name}"),
                needs: words.collect(),
                steps: Vec::new(),
            });
            continue;
        }
        let Some(case) = cases.last_mut() else {
            bail!("{file}.txt:{number}: expected a case (== NAME) first");
        };
        if mark == "$" {
            case.steps.push(Step {
                line: number,
                command: rest.to_owned(),
                status: Some(0),
                ..Step::default()
            });
            continue;
        }
        let Some(step) = case.steps.last_mut() else {
            bail!("{file}.txt:{number}: expected a command ($) first");
        };
        match mark {
            ">" => {
                step.command.push('\n');
                step.command.push_str(rest);
            }
            "|" => step.stdout.get_or_insert_default().push(rest.to_owned()),
            "empty" => step.stdout = Some(Vec::new()),
            "+" => step.has.push(rest.to_owned()),
            "-" => step.lacks.push(rest.to_owned()),
            "!" => step.complains.push(rest.to_owned()),
            "?" if rest == "*" => step.status = None,
            "?" => match rest.parse() {
                Ok(status) => step.status = Some(status),
                Err(_) => bail!("{file}.txt:{number}: {rest:?} is no exit status"),
            },
            _ => bail!("{file}.txt:{number}: expected one of == $ > | empty + - ! ? #"),
        }
    }
    Ok(cases)
}

impl Step {
    /// Compares what a command gave with what is expected; `expand` fills in variables.
    pub(crate) fn judge(
        &self,
        status: Option<i32>,
        stdout: &str,
        stderr: &str,
        expand: impl Fn(&str) -> String,
    ) -> Result<()> {
        let fail = |what: String| -> Result<()> {
            bail!(
                "line {}: {}\n  {what}\n  status {status:?}\n  stdout {stdout:?}\n  stderr {stderr:?}",
                self.line,
                self.command
            )
        };
        if self.status.is_some() && self.status != status {
            return fail(format!("the status is not {}", self.status.unwrap_or_default()));
        }
        if let Some(expected) = &self.stdout {
            let expected: Vec<String> = expected.iter().map(|line| expand(line)).collect();
            let lines: Vec<&str> = stdout.lines().map(|line| line.trim_end_matches('\r')).collect();
            if !lines_match(&expected, &lines) {
                return fail(format!("expected the output {expected:?}"));
            }
        }
        for text in self.has.iter().map(|text| expand(text)) {
            if !has(stdout, &text) {
                return fail(format!("{text:?} is not in the output"));
            }
        }
        for text in self.lacks.iter().map(|text| expand(text)) {
            if has(stdout, &text) {
                return fail(format!("{text:?} is in the output"));
            }
        }
        for text in self.complains.iter().map(|text| expand(text)) {
            if !has(stderr, &text) {
                return fail(format!("{text:?} is not in the complaint"));
            }
        }
        Ok(())
    }
}

const ANY: &str = "<*>";
const ANY_LINES: &str = "<**>";

fn has(text: &str, pattern: &str) -> bool {
    text.lines().any(|line| matches(&format!("{ANY}{pattern}{ANY}"), line))
}

fn lines_match(expected: &[String], lines: &[&str]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first == ANY_LINES => {
            (0..=lines.len()).any(|skipped| lines_match(rest, &lines[skipped..]))
        }
        Some((first, rest)) => lines
            .split_first()
            .is_some_and(|(line, more)| matches(first, line) && lines_match(rest, more)),
    }
}

/// Whether a line is like a pattern with `<*>` in it.
fn matches(pattern: &str, line: &str) -> bool {
    let Some((first, others)) = pattern.split_once(ANY) else { return pattern == line };
    let (middle, last) = others.rsplit_once(ANY).unwrap_or(("", others));
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    for piece in middle.split(ANY) {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read() {
        let cases = all().expect("well-formed");
        assert!(cases.len() > 100);
        assert!(cases.iter().all(|case| !case.steps.is_empty()));
    }

    #[test]
    fn patterns() {
        for (pattern, line, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("<*>", "", true),
            ("a<*>c", "abc", true),
            ("a<*>c", "ac", true),
            ("a<*>b<*>c", "a1b2c", true),
            ("a<*>b<*>c", "a1c", false),
        ] {
            assert_eq!(matches(pattern, line), expected, "{pattern} {line}");
        }
        let expected = ["a".to_owned(), "<**>".to_owned(), "z".to_owned()];
        assert!(lines_match(&expected, &["a", "b", "c", "z"]));
        assert!(lines_match(&expected, &["a", "z"]));
        assert!(!lines_match(&expected, &["a", "b"]));
    }

    #[test]
    fn a_script_is_read() {
        let text = "== n py\n$ a\n> b\n| x\n|\n+ y\n! z\n? 3\n";
        let cases = parse("f", text).expect("well-formed");
        let step = &cases[0].steps[0];
        assert_eq!((cases[0].name.as_str(), &cases[0].needs[..]), ("f/n", &["py".to_owned()][..]));
        assert_eq!(step.command, "a\nb");
        assert_eq!(step.stdout.as_deref(), Some(&["x".to_owned(), String::new()][..]));
        assert!(step.judge(Some(3), "x\n\n", "az\n", str::to_owned).is_err(), "no y");
        assert!(parse("f", "$ a").is_err());
        assert!(parse("f", "== a\n| b").is_err());
        assert!(parse("f", "== a\n$ b\n? c").is_err());
    }
}
