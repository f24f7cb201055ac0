//! Builds: cases as data (`builds/*.case`), each built by the docker client's own old way.
//!
//! A case is a name, options, files of the context, and what is expected:
//! ```text
//! === name
//! only: isopod because …         (not run against dockerd)
//! args: --build-arg V=1          (for `docker build`; @ is the context's directory)
//! again: yes                     (built twice; expectations are of the second time)
//! --- path [mode]                (a file of the context; a link if it begins with `-> `)
//! content
//! >>> out | no-out | error       (lines that the build prints, or does not, or its message has)
//! >>> run COMMAND                (what a command in the image prints)
//! >>> inspect FORMAT             (what the image says)
//! ```

use crate::daemon::{Daemon, Outcome};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const CASES: [(&str, &str); 5] = [
    ("files", include_str!("builds/files.case")),
    ("config", include_str!("builds/config.case")),
    ("stages", include_str!("builds/stages.case")),
    ("run", include_str!("builds/run.case")),
    ("errors", include_str!("builds/errors.case")),
];

#[derive(Debug, Default)]
struct Case {
    name: String,
    only_isopod: bool,
    args: Vec<String>,
    again: bool,
    files: Vec<(String, u32, String)>,
    expectations: Vec<(String, String)>,
}

fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut section: Option<String> = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("=== ") {
            cases.push(Case { name: name.to_owned(), ..Case::default() });
            section = None;
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        if let Some(head) = line.strip_prefix("--- ") {
            let is_mode = |text: &str| text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
            let split = head.rsplit_once(' ').filter(|(_, mode)| is_mode(mode));
            let (path, mode) = split.unwrap_or((head, "644"));
            let mode = u32::from_str_radix(mode, 8).expect("a mode");
            case.files.push((path.to_owned(), mode, String::new()));
            section = Some("file".to_owned());
        } else if let Some(head) = line.strip_prefix(">>> ") {
            case.expectations.push((head.to_owned(), String::new()));
            section = Some("expect".to_owned());
        } else {
            let target = match section.as_deref() {
                Some("file") => case.files.last_mut().map(|file| &mut file.2),
                Some(_) => case.expectations.last_mut().map(|expected| &mut expected.1),
                None => {
                    option(case, line);
                    None
                }
            };
            if let Some(target) = target {
                target.push_str(line);
                target.push('\n');
            }
        }
    }
    cases
}

fn option(case: &mut Case, line: &str) {
    match line.split_once(": ") {
        Some(("only", _)) => case.only_isopod = true,
        Some(("args", args)) => case.args = args.split_whitespace().map(str::to_owned).collect(),
        Some(("again", _)) => case.again = true,
        _ => assert!(line.is_empty(), "{}: unknown option {line}", case.name),
    }
}

fn write_context(directory: &Path, case: &Case) {
    fs::create_dir_all(directory).expect("writable");
    for (path, mode, content) in &case.files {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().expect("below the context")).expect("writable");
        if let Some(target) = content.strip_prefix("-> ") {
            std::os::unix::fs::symlink(target.trim_end(), &path).expect("writable");
            continue;
        }
        fs::write(&path, content).expect("writable");
        fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).expect("ours");
    }
}

fn build(daemon: &Daemon, case: &Case, context: &Path) -> Outcome {
    let mut args = vec!["build", "-t"];
    let tag = format!("case-{}", case.name);
    args.push(&tag);
    let own: Vec<String> =
        case.args.iter().map(|arg| arg.replace('@', context.to_str().expect("text"))).collect();
    args.extend(own.iter().map(String::as_str));
    args.push(context.to_str().expect("text"));
    let output = daemon.command(&args).env("DOCKER_BUILDKIT", "0").output().expect("docker runs");
    crate::daemon::outcome(output)
}

/// What is not as expected of one case.
fn check(daemon: &Daemon, case: &Case) -> Result<(), String> {
    let context = daemon.scratch().join(&case.name);
    write_context(&context, case);
    let mut outcome = build(daemon, case, &context);
    if case.again {
        outcome = build(daemon, case, &context);
    }
    let fails = case.expectations.iter().any(|(kind, _)| kind == "error");
    if (outcome.code == 0) == fails {
        return Err(format!("exit code {}: {}\n{}", outcome.code, outcome.stdout, outcome.stderr));
    }
    let tag = format!("case-{}", case.name);
    for (kind, expected) in &case.expectations {
        let (word, rest) = kind.split_once(' ').unwrap_or((kind, ""));
        let expected = expected.trim_end_matches('\n');
        let found = match word {
            "out" | "no-out" => outcome.stdout.clone(),
            "error" => outcome.stderr.clone(),
            "run" => {
                let args =
                    ["run", "--rm", "--network", "none", "--entrypoint", "sh", &tag, "-c", rest];
                let run = daemon.docker(&args);
                format!("{}{}", run.stdout, run.stderr)
            }
            "cmd" => {
                let run = daemon.docker(&["run", "--rm", "--network", "none", &tag]);
                format!("{}{}", run.stdout, run.stderr)
            }
            "inspect" => daemon.docker(&["image", "inspect", "-f", rest, &tag]).stdout,
            other => return Err(format!("unknown expectation {other}")),
        };
        let fits = match word {
            "out" | "error" => expected.lines().all(|line| found.contains(line)),
            "no-out" => !expected.lines().any(|line| found.contains(line)),
            _ => found.trim_end_matches('\n') == expected,
        };
        if !fits {
            return Err(format!("{kind}: expected:\n{expected}\nfound:\n{found}"));
        }
    }
    Ok(())
}

fn run_cases(group: &str) {
    let Some(daemon) = Daemon::start() else { return };
    let (_, text) = CASES.iter().find(|(name, _)| *name == group).expect("a group");
    let cases = parse(text);
    assert!(!cases.is_empty());
    let mut failures = Vec::new();
    for case in cases.iter().filter(|case| !(case.only_isopod && daemon.is_peer())) {
        if let Err(reason) = check(&daemon, case) {
            failures.push(format!("=== {}\n{reason}", case.name));
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn cases_of_files() {
    run_cases("files");
}

#[test]
fn cases_of_configurations() {
    run_cases("config");
}

#[test]
fn cases_of_stages() {
    run_cases("stages");
}

#[test]
fn cases_of_commands() {
    run_cases("run");
}

#[test]
fn cases_of_errors() {
    run_cases("errors");
}

/// Whether a process with this argument runs.
fn runs(argument: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("proc").flatten();
    processes.into_iter().any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes())
    })
}

#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = std::time::Instant::now();
    while !holds() {
        assert!(begin.elapsed().as_secs() < 30, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_killed_engine_leaves_nothing_of_a_build() {
    let Some(mut daemon) = Daemon::start() else { return };
    if daemon.is_peer() {
        return crate::daemon::skip("dockerd leaves the container of the step");
    }
    // An argument that nothing else on this machine has.
    let argument = format!("9{}", std::process::id());
    let context = daemon.scratch().join("context");
    fs::create_dir(&context).expect("writable");
    fs::write(context.join("Dockerfile"), format!("FROM bb\nRUN [\"sleep\", \"{argument}\"]\n"))
        .expect("writable");
    let mut command = daemon.command(&["build", context.to_str().expect("text")]);
    let mut client = command.env("DOCKER_BUILDKIT", "0").spawn().expect("docker runs");
    until("the step runs", || runs(&argument));
    daemon.kill();
    until("the step's process is gone", || !runs(&argument));
    client.wait().expect("our child");
    daemon.restart();
    for directory in ["run/containers", "run/runtime", "data/containers", "data/build/scratch"] {
        // The runtime keeps compiled filters there, for all containers.
        let left: Vec<_> = fs::read_dir(daemon.path(directory))
            .expect(directory)
            .flatten()
            .filter(|entry| entry.file_name() != ".seccomp")
            .collect();
        assert!(left.is_empty(), "{directory}: {left:?}");
    }
}

#[test]
fn a_build_ends_with_its_client() {
    let Some(daemon) = Daemon::start() else { return };
    let argument = format!("8{}", std::process::id());
    let context = daemon.scratch().join("context");
    fs::create_dir(&context).expect("writable");
    fs::write(context.join("Dockerfile"), format!("FROM bb\nRUN [\"sleep\", \"{argument}\"]\n"))
        .expect("writable");
    let mut command = daemon.command(&["build", context.to_str().expect("text")]);
    let mut client = command.env("DOCKER_BUILDKIT", "0").spawn().expect("docker runs");
    until("the step runs", || runs(&argument));
    // `timeout` passes the signal on to the client.
    let killed = std::process::Command::new("kill").arg(client.id().to_string()).status();
    assert!(killed.expect("kill runs").success());
    client.wait().expect("our child");
    until("the step's process is gone", || !runs(&argument));
}

#[test]
fn case_names_are_unique() {
    let mut names = std::collections::BTreeSet::new();
    let mut count = 0;
    for case in CASES.iter().flat_map(|(_, text)| parse(text)) {
        count += 1;
        assert!(names.insert(case.name.clone()), "{}", case.name);
    }
    assert!(count >= 60, "{count}");
}
