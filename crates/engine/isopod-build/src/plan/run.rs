//! Planning a `RUN`.

use super::config::{shell, words_of};
use super::scope::set_env;
use super::stage::Context;
use super::{Input, Op, PlanError, RunStep, history};
use isopod_dockerfile::{Command, Heredoc, Instruction, MountKind, Run, Security, parse_mount};

/// What every container has in its path.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) fn plan(
    context: &mut Context<'_>,
    instruction: &Instruction,
    run: &Run,
    resolve: &mut dyn FnMut(&str, &Instruction) -> Result<Input, PlanError>,
) -> Result<(Op, String), PlanError> {
    if run.security == Security::Insecure && !context.arguments.allows_insecure() {
        return Err(context.error(
            instruction,
            "security.insecure is not allowed: allow it with --allow security.insecure",
        ));
    }
    let shell = shell(context);
    let (args, script) = command(&run.command, &run.heredocs, &shell);
    let mut mounts = Vec::new();
    for text in &run.mounts {
        let text = context.word(instruction, &format!("\"{}\"", text.replace('"', "\\\"")))?;
        let mut mount = parse_mount(&text).map_err(|reason| context.error(instruction, reason))?;
        if mount.kind == MountKind::Secret && mount.target.is_empty() && mount.env.is_none() {
            mount.target =
                format!("/run/secrets/{}", base_name(mount.id.as_deref().unwrap_or_default()));
        }
        if !mount.target.is_empty() {
            mount.target = super::absolute(&context.config.working_dir, &mount.target);
        }
        let from = match (&mount.from, mount.kind) {
            (Some(name), _) => Some(resolve(name, instruction)?),
            (None, MountKind::Bind) => Some(Input::Context(None)),
            _ => None,
        };
        mounts.push((mount, from));
    }
    let build_args = context.scope.for_run(&context.config.env);
    let mut env = context.config.env.clone();
    if !env.iter().any(|entry| entry.starts_with("PATH=")) {
        set_env(&mut env, "PATH", PATH);
    }
    env.extend(build_args.iter().cloned());
    let cwd = match context.config.working_dir.as_str() {
        "" => "/".to_owned(),
        own => own.to_owned(),
    };
    let created_by = history::run(&args, &build_args);
    let step = RunStep {
        args,
        script,
        env,
        hidden_env: context.arguments.predefined(&context.scope),
        user: context.config.user.clone(),
        cwd,
        network: run.network,
        security: run.security,
        mounts,
    };
    Ok((Op::Run(Box::new(step)), created_by))
}

/// The command, and the program that a here-document is if nothing else is said.
fn command(
    command: &Command,
    heredocs: &[Heredoc],
    shell: &[String],
) -> (Vec<String>, Option<(String, String)>) {
    let (Command::Shell(text), [first, ..]) = (command, heredocs) else {
        return (words_of(command, shell), None);
    };
    let alone = heredocs.len() == 1 && {
        let word: String = text.chars().filter(|c| !matches!(c, '"' | '\'')).collect();
        word == format!("<<{}", first.name) || word == format!("<<-{}", first.name)
    };
    if alone {
        // What begins with `#!` is a program of its own, the rest is for the shell.
        if first.content.starts_with("#!") {
            let path = format!("/dev/pipes/{}", first.name);
            return (vec![path], Some((first.name.clone(), first.content.clone())));
        }
        return (words_of(&Command::Shell(first.content.clone()), shell), None);
    }
    let mut whole = text.clone();
    for heredoc in heredocs {
        whole.push('\n');
        whole.push_str(&heredoc.content);
        whole.push_str(&heredoc.name);
    }
    (words_of(&Command::Shell(whole), shell), None)
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
