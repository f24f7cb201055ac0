//! The table of commands: what parsing, help and completion share.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use anyhow::Result;

use crate::args::{Flag, Parsed};
use crate::session::Session;
use crate::{build, cert, compose, container, image, network, socket, system, volume};

/// A command at work; its result is the exit code.
pub(crate) type Running = Pin<Box<dyn Future<Output = Result<i32>>>>;

/// Which operands a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operands {
    /// None.
    None,
    /// This many.
    Exactly(usize),
    /// This many or more.
    AtLeast(usize),
    /// This many or fewer.
    AtMost(usize),
    /// Between these.
    Between(usize, usize),
}

/// What completion offers for operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// Nothing in particular: files.
    Files,
    /// All containers.
    Containers,
    /// Running containers.
    Running,
    /// Images.
    Images,
    /// Volumes.
    Volumes,
    /// Networks.
    Networks,
}

/// A command.
pub(crate) struct Command {
    /// Every way to call it, the one within a group first: `container ls`, `ps`.
    pub(crate) names: &'static [&'static str],
    /// What follows the name in its usage line; further lines are further forms.
    pub(crate) usage: &'static str,
    /// What it does, in one line.
    pub(crate) summary: &'static str,
    /// What else there is to know.
    pub(crate) details: &'static str,
    /// Examples: the line without the program's name, and what it does.
    pub(crate) examples: &'static [(&'static str, &'static str)],
    /// Flags, in several tables where commands share some.
    pub(crate) flags: &'static [&'static [Flag]],
    /// Operands.
    pub(crate) operands: Operands,
    /// What completion offers.
    pub(crate) complete: Names,
    /// Whether the first operand ends the flags.
    pub(crate) operand_ends_flags: bool,
    /// Does it.
    pub(crate) run: fn(Rc<Session>, Parsed) -> Running,
}

impl Command {
    /// What fields are where nothing is said.
    pub(crate) const DEFAULT: Command = Command {
        names: &[],
        usage: "[OPTIONS]",
        summary: "",
        details: "",
        examples: &[],
        flags: &[],
        operands: Operands::None,
        complete: Names::Files,
        operand_ends_flags: false,
        run: |_, _| Box::pin(async { Ok(0) }),
    };
}

/// A group of commands, such as `container`.
pub(crate) struct Group {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is about.
    pub(crate) summary: &'static str,
}

/// The groups.
pub(crate) const GROUPS: &[Group] = &[
    Group { name: "builder", summary: "Manage builds" },
    Group { name: "cert", summary: "Manage certificates of an engine behind TCP" },
    Group { name: "compose", summary: "Manage what compose files describe" },
    Group { name: "container", summary: "Manage containers" },
    Group { name: "image", summary: "Manage images" },
    Group { name: "network", summary: "Manage networks" },
    Group { name: "socket", summary: "Manage sockets that permit some operations only" },
    Group { name: "system", summary: "Manage the engine" },
    Group { name: "volume", summary: "Manage volumes" },
];

/// Titles of the overview, and the commands under them; the rest is found in the groups.
pub(crate) const OVERVIEW: &[(&str, &[&str])] = &[
    ("Run projects", &["up", "down", "watch"]),
    ("Run containers", &["run", "exec", "ps", "logs", "stop", "rm"]),
    (
        "Containers",
        &[
            "attach", "commit", "cp", "create", "diff", "export", "inspect", "kill", "pause",
            "port", "rename", "restart", "start", "stats", "top", "unpause", "update", "wait",
        ],
    ),
    (
        "Images",
        &["build", "history", "images", "import", "load", "pull", "push", "rmi", "save", "tag"],
    ),
    (
        "Engine and registries",
        &["completion", "df", "events", "info", "login", "logout", "prune", "version"],
    ),
];

/// Commands that are not ours but of the same program, for the overview.
pub(crate) const ELSEWHERE: &[(&str, &str)] = &[
    ("engine", "Run the engine that owns containers (started by itself on first use)"),
    ("registry", "Serve images to docker, podman and others from the engine's store"),
    ("runtime", "OCI runtime: create, start and delete containers from bundles"),
];

/// All commands.
pub(crate) fn all() -> impl Iterator<Item = &'static Command> {
    [
        build::COMMANDS,
        container::COMMANDS,
        image::COMMANDS,
        volume::COMMANDS,
        network::COMMANDS,
        socket::COMMANDS,
        system::COMMANDS,
        compose::COMMANDS,
        cert::COMMANDS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The command called `name`.
pub(crate) fn find(name: &str) -> Option<&'static Command> {
    all().find(|command| command.names.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_flags_are_unique_and_described() {
        let mut names = HashSet::new();
        for command in all() {
            for name in command.names {
                assert!(names.insert(*name), "two commands are called {name}");
            }
            let name = command.names[0];
            assert!(!command.summary.is_empty(), "{name} has no summary");
            assert!(!command.examples.is_empty(), "{name} has no example");
            let mut flags = HashSet::new();
            for flag in command.flags.iter().flat_map(|flags| flags.iter()) {
                assert!(flags.insert(flag.long.to_owned()), "{name}: two flags --{}", flag.long);
                assert!(!flag.help.is_empty(), "{name}: --{} has no help", flag.long);
                if let Some(short) = flag.short {
                    assert!(flags.insert(short.to_string()), "{name}: two flags -{short}");
                }
            }
        }
    }

    #[test]
    fn the_overview_names_every_command_once() {
        let listed: Vec<&str> = OVERVIEW.iter().flat_map(|(_, names)| *names).copied().collect();
        for name in &listed {
            assert!(find(name).is_some(), "{name} is in the overview only");
        }
        for command in all() {
            let short = command.names.iter().filter(|name| !name.contains(' ')).count();
            let shown = command.names.iter().filter(|name| listed.contains(name)).count();
            assert!(short == 0 || shown == 1, "{:?} is shown {shown} times", command.names);
        }
    }

    #[test]
    fn examples_parse() {
        for command in all() {
            for (line, _) in command.examples {
                let (first, _) = line.split_once(" | ").unwrap_or((line, ""));
                let words = shell_words(first);
                let (found, rest) = crate::split_name(&words).expect("the example's command");
                assert!(std::ptr::eq(found, command), "{line} is an example of another command");
                let parsed = crate::args::parse(command.flags, rest, !command.operand_ends_flags)
                    .unwrap_or_else(|problem| panic!("{line}: {problem:?}"));
                crate::check_operands(command, "isopod", line, &parsed.operands)
                    .unwrap_or_else(|problem| panic!("{line}: {problem}"));
            }
        }
    }

    /// Enough of a shell for examples: blanks, and two kinds of quotes.
    fn shell_words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quote = None;
        for c in line.chars() {
            let word = words.last_mut().expect("never empty");
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (None, '\'' | '"') => quote = Some(c),
                (None, '<' | '>') => break,
                (None, ' ') if word.is_empty() => {}
                (None, ' ') => words.push(String::new()),
                (_, c) => word.push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }
}
