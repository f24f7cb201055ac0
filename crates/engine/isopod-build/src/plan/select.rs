//! Which stages are needed, and what names after `FROM` and `--from` mean.

use super::PlanError;
use isopod_dockerfile::{Dockerfile, Kind, Lex, Stage};
use std::collections::BTreeSet;

/// The number of the target stage.
pub(super) fn target(file: &Dockerfile, wanted: Option<&str>) -> Result<usize, PlanError> {
    let Some(name) = wanted.filter(|name| !name.is_empty()) else {
        return Ok(file.stages.len() - 1);
    };
    file.stage(name).ok_or_else(|| {
        let names: Vec<String> = file
            .stages
            .iter()
            .enumerate()
            .map(|(number, stage)| stage.name.clone().unwrap_or_else(|| number.to_string()))
            .collect();
        PlanError::NoTarget { name: name.to_owned(), stages: names.join(", ") }
    })
}

/// A stage before `limit` that a name means.
pub(super) fn earlier(file: &Dockerfile, name: &str, limit: usize, numbers: bool) -> Option<usize> {
    if !numbers && name.parse::<usize>().is_ok() {
        return None;
    }
    let named = file.stages[..limit]
        .iter()
        .rposition(|stage| stage.name.as_deref() == Some(&name.to_ascii_lowercase()));
    named.or_else(|| name.parse().ok().filter(|number| numbers && *number < limit))
}

/// The stages that `target` needs, itself among them, in the file's order. `lookup` expands the
/// variables of `FROM`; `contexts` are names that stand before stages.
pub(super) fn needed(
    file: &Dockerfile,
    target: usize,
    contexts: &[String],
    lookup: &dyn Fn(&str) -> Option<String>,
) -> BTreeSet<usize> {
    let mut needed = BTreeSet::from([target]);
    let mut pending = vec![target];
    while let Some(number) = pending.pop() {
        let stage = &file.stages[number];
        for name in names(file, stage, lookup) {
            if contexts.contains(&name) {
                continue;
            }
            let numbers = name != stage.from.image;
            if let Some(other) = earlier(file, &name, number, numbers)
                && needed.insert(other)
            {
                pending.push(other);
            }
        }
    }
    needed
}

/// Names in a stage that may be those of other stages.
fn names(file: &Dockerfile, stage: &Stage, lookup: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let lex = Lex::new(file.escape);
    let mut names = vec![lex.word(&stage.from.image, lookup).unwrap_or_default()];
    for instruction in &stage.instructions {
        match &instruction.kind {
            Kind::Copy(copy) => names.extend(copy.from.clone()),
            // A variable may be anything: every stage whose name could be meant is built.
            Kind::Run(run) => {
                for text in &run.mounts {
                    if text.contains('$') {
                        let all = file.stages.iter().filter_map(|stage| stage.name.clone());
                        names.extend(
                            all.filter(|name| text.contains("from=$") || text.contains(name)),
                        );
                    }
                    names.extend(
                        isopod_dockerfile::parse_mount(text).ok().and_then(|mount| mount.from),
                    );
                }
            }
            _ => {}
        }
    }
    names
}
