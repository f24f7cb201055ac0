//! What instructions do to a configuration.

use super::history::{nop, quoted};
use super::scope::set_env;
use super::stage::Context;
use super::{Op, PlanError};
use isopod_dockerfile::{Arg, Command, Health, Instruction, KeyValue, Kind};
use isopod_images::exposed_ports;
use isopod_oci::image::{Empty, Healthcheck};

/// The shell that commands in shell form run in.
pub(super) fn shell(context: &Context<'_>) -> Vec<String> {
    match context.config.shell.as_slice() {
        [] => vec!["/bin/sh".to_owned(), "-c".to_owned()],
        own => own.to_vec(),
    }
}

/// Applies an instruction that only changes the configuration; returns what the history says.
pub(super) fn apply(
    context: &mut Context<'_>,
    instruction: &Instruction,
) -> Result<String, PlanError> {
    let shell = shell(context);
    let what = match &instruction.kind {
        Kind::Env(pairs) => env(context, instruction, pairs)?,
        Kind::Label(pairs) => label(context, instruction, pairs)?,
        Kind::Arg(args) => arg(context, instruction, args)?,
        Kind::Expose(words) => expose(context, instruction, words)?,
        Kind::Volume(words) => {
            let mut paths = Vec::new();
            for word in words {
                paths.push(context.word(instruction, word)?);
            }
            for path in &paths {
                if path.trim().is_empty() {
                    return Err(
                        context.error(instruction, "VOLUME specified can not be an empty string")
                    );
                }
                context.config.volumes.insert(path.clone(), Empty {});
            }
            format!(" VOLUME [{}]", paths.join(" "))
        }
        Kind::User(user) => {
            let user = context.word(instruction, user)?;
            context.config.user.clone_from(&user);
            format!(" USER {user}")
        }
        Kind::Cmd(command) => {
            let words = words_of(command, &shell);
            context.config.cmd = Some(words.clone());
            context.config.args_escaped = false;
            context.cmd_set = true;
            format!(" CMD {}", quoted(&words))
        }
        Kind::Entrypoint(command) => {
            let words = words_of(command, &shell);
            context.config.entrypoint = Some(words.clone()).filter(|words| !words.is_empty());
            // A command of the base was meant for another entry point.
            if !context.cmd_set {
                context.config.cmd = None;
            }
            format!(" ENTRYPOINT {}", quoted(&words))
        }
        Kind::Shell(words) => {
            context.config.shell.clone_from(words);
            format!(" SHELL [{}]", words.join(" "))
        }
        Kind::StopSignal(signal) => {
            let signal = context.word(instruction, signal)?;
            check_signal(&signal).map_err(|reason| context.error(instruction, reason))?;
            context.config.stop_signal = Some(signal.clone());
            format!(" STOPSIGNAL {signal}")
        }
        Kind::Healthcheck(health) => healthcheck(context, health, &shell),
        Kind::Onbuild(trigger) => {
            context.config.on_build.push(trigger.clone());
            format!(" ONBUILD {trigger}")
        }
        Kind::Maintainer(name) => {
            context.author = Some(name.clone());
            format!(" MAINTAINER {name}")
        }
        Kind::From(_) | Kind::Run(_) | Kind::Copy(_) | Kind::Add(_) | Kind::Workdir(_) => {
            unreachable!("handled where files change")
        }
    };
    Ok(nop(&shell, &what))
}

/// `WORKDIR`, which also makes the directory.
pub(super) fn workdir(
    context: &mut Context<'_>,
    instruction: &Instruction,
    path: &str,
) -> Result<(Op, String), PlanError> {
    let path = context.word(instruction, path)?;
    if path.is_empty() {
        return Err(
            context.error(instruction, "WORKDIR is an empty path once its variables are expanded")
        );
    }
    let path = absolute(&context.config.working_dir, &path);
    context.config.working_dir.clone_from(&path);
    let history = nop(&shell(context), &format!("WORKDIR {path}"));
    Ok((Op::Workdir { path, user: context.config.user.clone() }, history))
}

/// A path, relative to a directory if it is not absolute, without `.` and `..`.
pub(crate) fn absolute(directory: &str, path: &str) -> String {
    let joined =
        if path.starts_with('/') { path.to_owned() } else { format!("{directory}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

pub(super) fn words_of(command: &Command, shell: &[String]) -> Vec<String> {
    match command {
        Command::Exec(words) => words.clone(),
        Command::Shell(text) if text.is_empty() => Vec::new(),
        Command::Shell(text) => shell.iter().cloned().chain([text.clone()]).collect(),
    }
}

fn env(
    context: &mut Context<'_>,
    instruction: &Instruction,
    pairs: &[KeyValue],
) -> Result<String, PlanError> {
    // All of one instruction see the values before it.
    let mut set = Vec::new();
    for pair in pairs {
        let key = context.word(instruction, &pair.key)?;
        if key.is_empty() {
            return Err(context.error(instruction, "ENV names can not be blank"));
        }
        set.push((key, context.word(instruction, &pair.value)?));
    }
    let shown: Vec<String> = set.iter().map(|(key, value)| format!("{key}={value}")).collect();
    for (key, value) in set {
        set_env(&mut context.config.env, &key, &value);
    }
    Ok(format!(" ENV {}", shown.join(" ")))
}

fn label(
    context: &mut Context<'_>,
    instruction: &Instruction,
    pairs: &[KeyValue],
) -> Result<String, PlanError> {
    let mut shown = Vec::new();
    for pair in pairs {
        let key = context.word(instruction, &pair.key)?;
        let value = context.word(instruction, &pair.value)?;
        if key.is_empty() {
            return Err(context.error(instruction, "LABEL names can not be blank"));
        }
        shown.push(format!("{key}={value}"));
        context.config.labels.insert(key, value);
    }
    Ok(format!(" LABEL {}", shown.join(" ")))
}

fn arg(
    context: &mut Context<'_>,
    instruction: &Instruction,
    args: &[Arg],
) -> Result<String, PlanError> {
    let mut shown = Vec::new();
    for arg in args {
        let default = match &arg.default {
            Some(default) => Some(context.word(instruction, default)?),
            None => None,
        };
        shown.push(match &default {
            Some(default) => format!("{}={default}", arg.name),
            None => arg.name.clone(),
        });
        let global = context.globals.get(&arg.name).cloned().flatten();
        let value = match context.arguments.given(&arg.name) {
            Some(given) => Some(given),
            None => default.or(global),
        };
        context.scope.args.insert(arg.name.clone(), value);
    }
    Ok(format!(" ARG {}", shown.join(" ")))
}

fn expose(
    context: &mut Context<'_>,
    instruction: &Instruction,
    words: &[String],
) -> Result<String, PlanError> {
    let mut all = Vec::new();
    for word in words {
        all.extend(context.words(instruction, word)?);
    }
    for word in &all {
        // What stands before a colon is the host's, of which an image says nothing.
        let port = word.rsplit(':').next().unwrap_or(word);
        for port in exposed_ports(port).map_err(|reason| context.error(instruction, reason))? {
            context.config.exposed_ports.insert(port, Empty {});
        }
    }
    Ok(format!(" EXPOSE {}", all.join(" ")))
}

fn healthcheck(context: &mut Context<'_>, health: &Health, shell: &[String]) -> String {
    let test = match &health.command {
        None => vec!["NONE".to_owned()],
        Some(Command::Exec(words)) => {
            std::iter::once("CMD".to_owned()).chain(words.iter().cloned()).collect()
        }
        Some(Command::Shell(text)) => vec!["CMD-SHELL".to_owned(), text.clone()],
    };
    let _ = shell;
    let shown = format!(" HEALTHCHECK {}", quoted(&test));
    context.config.healthcheck = Some(Healthcheck {
        test,
        interval: health.interval_ns,
        timeout: health.timeout_ns,
        start_period: health.start_period_ns,
        start_interval: health.start_interval_ns,
        retries: health.retries,
    });
    shown
}

fn check_signal(text: &str) -> Result<(), String> {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
        "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let number = text.parse::<u32>().is_ok_and(|number| (1..=64).contains(&number));
    let real_time = name.starts_with("RTMIN") || name.starts_with("RTMAX");
    if number || real_time || NAMES.contains(&name) {
        Ok(())
    } else {
        Err(format!("Invalid signal: {text}"))
    }
}
