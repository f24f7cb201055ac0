//! `RUN`.

use super::key::Key;
use super::mounts;
use super::stage::Work;
use super::stubs::Stubs;
use super::views::View;
use crate::border::Sandbox;
use crate::error::BuildError;
use crate::event::Stream;
use crate::plan::RunStep;

/// Adds to `key` what a command's result depends on.
pub(super) fn add_to_key(run: &RunStep, work: &Work<'_>, key: &mut Key) -> Result<(), BuildError> {
    key.list(&run.args).list(&run.env).text(&run.user).text(&run.cwd);
    key.text(&format!("{:?}{:?}", run.network, run.security));
    key.optional(run.script.as_ref().map(|(_, content)| content.as_str()));
    mounts::add_to_key(run, work, key)
}

/// Runs the command.
pub(super) fn carry_out(
    run: &RunStep,
    work: &Work<'_>,
    view: &View,
    output: &mut dyn FnMut(Stream, &[u8]),
) -> Result<(), BuildError> {
    let mut prepared = mounts::prepare(run, work)?;
    let stubs = Stubs::look(view.root(), prepared.mounts.iter().map(|mount| mount.target.as_str()));
    let cwd_made = super::tree::make_dirs(view.root(), &run.cwd, super::tree::Make::default());
    cwd_made.map_err(BuildError::io("make the working directory", &run.cwd))?;
    let mut env = run.env.clone();
    env.extend(run.hidden_env.iter().cloned());
    env.append(&mut prepared.env);
    let id = isopod_base::id::full();
    let sandbox = Sandbox {
        id: &id,
        root: view.share()?,
        args: run.args.clone(),
        env,
        user: run.user.clone(),
        cwd: run.cwd.clone(),
        network: run.network,
        security: run.security,
        mounts: std::mem::take(&mut prepared.mounts),
    };
    let outcome = work.border().run(sandbox, work.cancel(), output);
    drop(prepared);
    stubs.remove(view.root());
    let exit = match outcome {
        Err(_) if work.cancel().is_cancelled() => return Err(BuildError::Cancelled),
        other => other?,
    };
    if exit.code != 0 {
        return Err(BuildError::Command { command: run.args.join(" "), code: exit.code });
    }
    Ok(())
}
