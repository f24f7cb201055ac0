//! The files of cases, read.

use std::path::Path;

/// One case.
#[derive(Debug, Default, Clone)]
pub(crate) struct Case {
    pub(crate) applet: String,
    pub(crate) line: usize,
    pub(crate) title: String,
    pub(crate) script: String,
    pub(crate) output: String,
    pub(crate) errors: Option<String>,
    pub(crate) status: i32,
    pub(crate) needs_root: bool,
    /// Peers that it does not hold for, with the reason.
    pub(crate) exceptions: Vec<(String, String)>,
}

impl Case {
    pub(crate) fn name(&self) -> String {
        format!("{}:{} {}", self.applet, self.line, self.title)
    }
}

/// The cases of all files in `directory`, by applet.
pub(crate) fn read_all(directory: &Path) -> Vec<Case> {
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .expect("the directory of cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "t"))
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|path| {
            let applet = path.file_stem().expect("a name").to_string_lossy();
            parse(&applet, &std::fs::read_to_string(path).expect("cases are text"))
        })
        .collect()
}

fn parse(applet: &str, text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = Case::default();
    for (number, line) in text.lines().chain([""]).enumerate() {
        if line.is_empty() {
            let done = std::mem::take(&mut case);
            if !done.script.is_empty() {
                cases.push(done);
            }
            continue;
        }
        let (mark, rest) = line.split_at_checked(line.len().min(2)).unwrap_or((line, ""));
        match mark {
            "% " => {
                assert_eq!(rest, "root", "{applet}:{}: what is needed", number + 1);
                case.needs_root = true;
            }
            "# " if case.script.is_empty() => case.title = rest.to_owned(),
            "$ " => {
                if case.script.is_empty() {
                    case.applet = applet.to_owned();
                    case.line = number + 1;
                    if case.title.is_empty() {
                        case.title = rest.to_owned();
                    }
                }
                case.script.push_str(rest);
                case.script.push('\n');
            }
            "! " => {
                let errors = case.errors.get_or_insert_default();
                errors.push_str(rest);
                errors.push('\n');
            }
            "? " => case.status = rest.trim().parse().expect("a number after `? `"),
            "~ " => {
                let (peer, reason) = rest.split_once(": ").expect("`~ PEER: REASON`");
                case.exceptions.push((peer.to_owned(), reason.to_owned()));
            }
            "\\" => {
                case.output.pop();
            }
            "| " => {
                case.output.push_str(rest);
                case.output.push('\n');
            }
            _ if line == "|" => case.output.push('\n'),
            _ => {
                assert!(
                    !case.script.is_empty(),
                    "{applet}:{}: output before a command",
                    number + 1
                );
                case.output.push_str(line);
                case.output.push('\n');
            }
        }
    }
    cases
}
