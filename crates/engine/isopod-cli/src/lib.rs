//! The command line for people: docker's commands as a client of the Docker Engine API.
//!
//! ```no_run
//! let code = isopod_cli::main(std::env::args_os().collect());
//! std::process::exit(code);
//! ```
//!
//! It talks to the engine over its socket only, starts one if none runs, and knows nothing of
//! how the engine does its work. Called under the name `docker` it calls itself so in what
//! it prints.

mod args;
mod build;
mod cert;
mod commands;
mod completion;
mod compose;
mod container;
mod engine;
mod image;
mod network;
mod output;
mod overview;
mod prompt;
mod reference;
mod session;
mod socket;
mod stream;
mod system;
mod template;
mod terminal;
mod volume;

use std::env;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, anyhow};

use args::{Flag, Parsed, Problem, boolean, text};
use commands::{Command, Operands};
use output::{stderr, stdout};
use session::{Exit, Session};

/// Flags before the command.
static GLOBAL: &[&[Flag]] = &[OWN_FLAGS, engine::FLAGS];

static OWN_FLAGS: &[Flag] = &[
    text("config", ' ', "Directory of the user's configuration").default("~/.docker"),
    text("log-level", 'l', "Accepted as docker has it; this program keeps no log"),
    boolean("debug", 'D', "Accepted as docker has it"),
    boolean("version", 'v', "Print the version and quit"),
];

/// Exit code for wrong flags, as docker has it.
const WRONG_FLAGS: i32 = 125;

/// Runs the command line; `args` begin with the program's name. Returns the exit code.
pub fn main(args: Vec<OsString>) -> i32 {
    let program = program_name(args.first());
    let mut words = vec![];
    for word in args.into_iter().skip(1) {
        match word.into_string() {
            Ok(word) => words.push(word),
            Err(word) => {
                let _ = writeln!(stderr(), "{program}: argument {word:?} is not UTF-8");
                return WRONG_FLAGS;
            }
        }
    }
    match dispatch(&program, &words) {
        Ok(code) => code,
        Err(error) if output::is_broken_pipe(&error) => 128 + 13,
        Err(error) => {
            let (code, message) = match error.downcast_ref::<Exit>() {
                Some(exit) => (exit.code, exit.message.clone()),
                None => (1, isopod_base::chain(error.as_ref()).to_string()),
            };
            if !message.is_empty() {
                let _ = writeln!(stderr(), "{message}");
            }
            code
        }
    }
}

/// `docker` if called so, else `isopod`.
fn program_name(argument: Option<&OsString>) -> String {
    let name = argument.and_then(|path| Path::new(path).file_name());
    match name {
        Some(name) if name == "docker" => "docker",
        _ => "isopod",
    }
    .to_owned()
}

fn dispatch(program: &str, words: &[String]) -> Result<i32> {
    let wrong = |problem| {
        let text = format!(
            "{problem}\n\nUsage:  {program} [OPTIONS] COMMAND [ARG...]\n\n\
             Run '{program} --help' for more information"
        );
        Exit::error(WRONG_FLAGS, text)
    };
    let global = match args::parse(GLOBAL, words, false) {
        Ok(global) => global,
        Err(Problem::Help) => return overview::print(program, GLOBAL),
        Err(Problem::Wrong(problem)) => return Err(wrong(problem)),
    };
    if global.on("version") {
        writeln!(stdout(), "{program} version {}", env!("CARGO_PKG_VERSION"))?;
        return Ok(0);
    }
    let words = compose::rewrite(&global.operands);
    let words = words.as_slice();
    match words.first().map(String::as_str) {
        None => return overview::print(program, GLOBAL),
        Some("help") => return help(program, &words[1..]),
        Some(_) => {}
    }
    let (command, rest) = match split_name(words) {
        Some(found) => found,
        None => return overview::print_group(program, words),
    };
    let path = format!("{program} {}", words[..words.len() - rest.len()].join(" "));
    let parsed = match args::parse(command.flags, rest, !command.operand_ends_flags) {
        Ok(parsed) => parsed,
        Err(Problem::Help) => return print_help(program, &path, command),
        Err(Problem::Wrong(problem)) => {
            let usage = args::usage_line(&path, command);
            let text = format!("{problem}\n\n{usage}\n\nRun '{path} --help' for more information");
            return Err(Exit::error(WRONG_FLAGS, text));
        }
    };
    check_operands(command, program, &path, &parsed.operands)?;
    run(command, session(program, &global)?, parsed)
}

/// `isopod help COMMAND`.
fn help(program: &str, words: &[String]) -> Result<i32> {
    match split_name(words) {
        None if words.is_empty() => overview::print(program, GLOBAL),
        None => overview::print_group(program, words),
        Some((command, rest)) => {
            let path = format!("{program} {}", words[..words.len() - rest.len()].join(" "));
            print_help(program, &path, command)
        }
    }
}

fn print_help(program: &str, path: &str, command: &Command) -> Result<i32> {
    let columns = stdout().size().map_or(80, |(_, columns)| columns as usize);
    let text = args::command_help(program, path, command, columns);
    stdout().write_all(text.as_bytes()).context("write to standard output")?;
    Ok(0)
}

/// The command that `words` begin with, and the words after its name.
fn split_name(words: &[String]) -> Option<(&'static Command, &[String])> {
    let first = words.first()?;
    if let Some(second) = words.get(1)
        && let Some(command) = commands::find(&format!("{first} {second}"))
    {
        return Some((command, &words[2..]));
    }
    commands::find(first).map(|command| (command, &words[1..]))
}

/// Refuses a wrong number of operands, in docker's words.
fn check_operands(command: &Command, program: &str, path: &str, operands: &[String]) -> Result<()> {
    let count = operands.len();
    let plural = |count: usize| if count == 1 { "argument" } else { "arguments" };
    let (problem, verb) = match command.operands {
        Operands::None if count > 0 => ("accepts no arguments".to_owned(), "Run"),
        Operands::Exactly(wanted) if count != wanted => {
            (format!("requires {wanted} {}", plural(wanted)), "Run")
        }
        Operands::AtLeast(least) if count < least => {
            (format!("requires at least {least} {}", plural(least)), "See")
        }
        Operands::AtMost(most) if count > most => {
            (format!("requires at most {most} {}", plural(most)), "Run")
        }
        Operands::Between(least, most) if count < least || count > most => {
            (format!("requires at least {least} and at most {most} {}", plural(most)), "Run")
        }
        _ => return Ok(()),
    };
    let usage = args::usage_line(path, command);
    Err(anyhow!(
        "{program}: '{path}' {problem}\n\n{usage}\n\n{verb} '{path} --help' for more information"
    ))
}

fn session(program: &str, global: &Parsed) -> Result<Rc<Session>> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let config = global
        .get("config")
        .map(PathBuf::from)
        .or_else(|| variable("DOCKER_CONFIG").map(PathBuf::from))
        .unwrap_or_else(|| {
            PathBuf::from(variable("HOME").unwrap_or_else(|| "/root".to_owned())).join(".docker")
        });
    let client = engine::client(program, global, &config)?;
    Ok(Rc::new(Session::new(program.to_owned(), client, config)))
}

fn run(command: &Command, session: Rc<Session>, parsed: Parsed) -> Result<i32> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("set up for talking to the engine")?;
    let local = tokio::task::LocalSet::new();
    let result = local.block_on(&runtime, (command.run)(session, parsed));
    // A thread that waits for input is not waited for.
    runtime.shutdown_background();
    result
}
