//! Planning `COPY` and `ADD`.

use super::stage::Context;
use super::{CopyStep, Input, PlanError};
use isopod_dockerfile::{Copy, CopySource, Instruction};

pub(super) fn plan(
    context: &mut Context<'_>,
    instruction: &Instruction,
    keyword: &'static str,
    copy: &Copy,
    resolve: &mut dyn FnMut(&str, &Instruction) -> Result<Input, PlanError>,
) -> Result<CopyStep, PlanError> {
    let destination = context.word(instruction, &copy.destination)?;
    if destination.is_empty() {
        return Err(context.error(
            instruction,
            format!("{keyword} has an empty destination once its variables are expanded"),
        ));
    }
    let mut step = CopyStep {
        keyword,
        link: copy.link,
        parents: copy.parents,
        chown: context.optional(instruction, copy.chown.as_ref())?,
        chmod: context.optional(instruction, copy.chmod.as_ref())?,
        unpack: keyword == "ADD" && copy.unpack != Some(false),
        ..CopyStep::default()
    };
    for source in &copy.sources {
        match source {
            CopySource::Inline(heredoc) => {
                let content = if heredoc.expand {
                    context.heredoc(instruction, &heredoc.content)?
                } else {
                    heredoc.content.clone()
                };
                step.inline.push((heredoc.name.clone(), content));
            }
            CopySource::Path(path) => {
                let path = context.word(instruction, path)?;
                if keyword == "ADD" && is_git(&path) {
                    return Err(context.error(
                        instruction,
                        format!("ADD of the git repository {path} is not supported: clone it into the context first"),
                    ));
                }
                if is_url(&path) {
                    if keyword == "COPY" {
                        return Err(context.error(instruction, "Source can't be a URL for COPY"));
                    }
                    step.urls.push(path);
                } else {
                    step.sources.push(path);
                }
            }
        }
    }
    if copy.keep_git_dir {
        return Err(context.error(
            instruction,
            "--keep-git-dir is for git repositories, which are not supported",
        ));
    }
    for pattern in &copy.exclude {
        step.exclude.push(context.word(instruction, pattern)?);
    }
    if let Some(checksum) = context.optional(instruction, copy.checksum.as_ref())? {
        if step.urls.len() != 1 || step.sources.len() + step.inline.len() > 0 {
            return Err(context.error(instruction, "checksum requires a single remote source"));
        }
        let digest = checksum.parse().map_err(|error| {
            context.error(instruction, format!("--checksum {checksum:?}: {error}"))
        })?;
        step.checksum = Some(digest);
    }
    if let Some(mode) = &step.chmod {
        crate::execute::check_mode(mode).map_err(|reason| context.error(instruction, reason))?;
    }
    let count = step.sources.len() + step.inline.len() + step.urls.len();
    let ends = destination.ends_with('/') || destination == "." || destination.ends_with("/.");
    step.into_directory = ends || copy.parents;
    if count > 1 && !ends {
        return Err(context.error(
            instruction,
            format!("When using {keyword} with more than one source file, the destination must be a directory and end with a /"),
        ));
    }
    step.destination = super::absolute(&context.config.working_dir, &destination);
    step.from = match &copy.from {
        Some(name) => {
            let name = context.word(instruction, name)?;
            Some(resolve(&name, instruction)?)
        }
        None if step.sources.is_empty() => None,
        None => Some(Input::Context(None)),
    };
    Ok(step)
}

/// What the history and progress say of a copy.
pub(super) fn shown(copy: &CopyStep) -> String {
    let mut names: Vec<&str> = copy.sources.iter().map(String::as_str).collect();
    names.extend(copy.inline.iter().map(|(name, _)| name.as_str()));
    names.extend(copy.urls.iter().map(String::as_str));
    format!("{} in {}", names.join(" "), copy.destination)
}

fn is_url(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

fn is_git(path: &str) -> bool {
    path.starts_with("git@")
        || path.starts_with("git://")
        || path.starts_with("ssh://")
        || (is_url(path)
            && (path.ends_with(".git")
                || path.contains(".git#")
                || path.starts_with("https://github.com/") && path.matches('/').count() == 4))
}
