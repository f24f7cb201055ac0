//! Cases as scripts, for suites whose subject is driven by commands.
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
//! Commands run one after the other, each in a shell of its own, with variables and tools that the
//! suite gives them; `${NAME}` in what is expected stands for a variable, too. What a case needs
//! beyond that are words that the suite knows.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::Limited;

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Area and subject, such as `containers/run-prints`.
    pub name: String,
    /// Words that the suite knows.
    pub needs: Vec<String>,
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

/// The cases of all files, in order. A file is its name and its text; its name comes before those
/// of its cases.
pub fn all(files: &[(&str, &str)]) -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    for (file, text) in files {
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
            let name = format!("{file}/{name}");
            cases.push(Case { name, needs: words.collect(), steps: Vec::new() });
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

const AWAIT: &str = "\
#!/bin/sh
i=0
until sh -c \"$*\" >/dev/null 2>&1; do
    i=$((i + 1))
    [ $i -lt 300 ] || { echo \"not within 15 s: $*\" >&2; exit 1; }
    sleep 0.05
done
";

/// Makes the tool `await COMMAND`, which waits until the command succeeds.
pub fn install_await(directory: &Path) -> Result<()> {
    install(&directory.join("await"), AWAIT)
}

/// Makes a shell script.
pub fn install(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text)
        .and_then(|()| std::fs::set_permissions(path, Permissions::from_mode(0o755)))
        .with_context(|| format!("cannot make {}", path.display()))
}

/// How long one command of a case may take.
const COMMAND_SECONDS: u64 = 60;

impl Case {
    /// The commands, without what is expected of them.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.command.as_str())
    }

    /// Runs the commands in `directory`, until one does not do what is expected of it. Those that
    /// `own` answers are the suite's own and are seen by no shell.
    pub fn carry_out(
        &self,
        directory: &Path,
        environment: &[(&str, String)],
        mut own: impl FnMut(&str) -> Option<Result<()>>,
    ) -> Result<()> {
        let expand = |text: &str| {
            environment.iter().fold(text.to_owned(), |text, (key, value)| {
                text.replace(&format!("${{{key}}}"), value)
            })
        };
        for step in &self.steps {
            if let Some(done) = own(&step.command) {
                done.with_context(|| format!("line {}: {}", step.line, step.command))?;
                continue;
            }
            let mut command = Command::new("sh");
            command.arg("-c").arg(&step.command).current_dir(directory);
            command.envs(environment.iter().map(|(key, value)| (*key, value)));
            let output = match Limited::seconds(COMMAND_SECONDS).output(&mut command) {
                Ok(output) => output,
                Err(error) => bail!("line {}: {}: {error:#}", step.line, step.command),
            };
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
            step.judge(output.status.code(), &stdout, &stderr, expand)?;
        }
        Ok(())
    }
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
    fn a_name_is_there_once() {
        assert_eq!(all(&[("a", "== n\n$ x"), ("b", "== n\n$ x")]).expect("two names").len(), 2);
        assert!(all(&[("a", "== n\n$ x\n== n\n$ y")]).is_err());
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
