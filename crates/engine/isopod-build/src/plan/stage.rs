//! Planning one stage.

use super::config::{self, shell};
use super::scope::{Arguments, Scope};
use super::{Op, PlanError, Step};
use isopod_dockerfile::{Instruction, Kind, Lex};
use isopod_oci::image::ExecutionConfig;
use std::collections::BTreeMap;

/// What a stage's instructions see and change.
pub(super) struct Context<'a> {
    pub(super) escape: char,
    pub(super) arguments: Arguments<'a>,
    pub(super) globals: &'a BTreeMap<String, Option<String>>,
    pub(super) scope: Scope,
    pub(super) config: ExecutionConfig,
    pub(super) author: Option<String>,
    /// Whether this stage has set a command of its own.
    pub(super) cmd_set: bool,
}

impl Context<'_> {
    pub(super) fn error(&self, instruction: &Instruction, message: impl Into<String>) -> PlanError {
        PlanError::at(&instruction.place, message)
    }

    /// Expands a word.
    pub(super) fn word(&self, instruction: &Instruction, word: &str) -> Result<String, PlanError> {
        let lookup = |name: &str| self.scope.get(&self.config.env, name);
        Lex::new(self.escape)
            .word(word, &lookup)
            .map_err(|error| self.error(instruction, error.to_string()))
    }

    /// Expands to any number of words.
    pub(super) fn words(
        &self,
        instruction: &Instruction,
        word: &str,
    ) -> Result<Vec<String>, PlanError> {
        let lookup = |name: &str| self.scope.get(&self.config.env, name);
        Lex::new(self.escape)
            .words(word, &lookup)
            .map_err(|error| self.error(instruction, error.to_string()))
    }

    /// Expands a here-document.
    pub(super) fn heredoc(
        &self,
        instruction: &Instruction,
        content: &str,
    ) -> Result<String, PlanError> {
        let lookup = |name: &str| self.scope.get(&self.config.env, name);
        Lex::heredoc(self.escape)
            .word(content, &lookup)
            .map_err(|error| self.error(instruction, error.to_string()))
    }

    /// Expands a word that may be absent.
    pub(super) fn optional(
        &self,
        instruction: &Instruction,
        word: Option<&String>,
    ) -> Result<Option<String>, PlanError> {
        word.map(|word| self.word(instruction, word)).transpose()
    }
}

/// Plans one instruction other than `FROM`; `resolve` says what a name after `--from` means.
pub(super) fn step(
    context: &mut Context<'_>,
    instruction: &Instruction,
    stage: usize,
    resolve: &mut dyn FnMut(&str, &Instruction) -> Result<super::Input, PlanError>,
) -> Result<Step, PlanError> {
    let (op, created_by) = match &instruction.kind {
        Kind::Workdir(path) => config::workdir(context, instruction, path)?,
        Kind::Run(run) => super::run::plan(context, instruction, run, resolve)?,
        Kind::Copy(copy) | Kind::Add(copy) => {
            let keyword = instruction.kind.keyword();
            let copy = super::copy::plan(context, instruction, keyword, copy, resolve)?;
            let shown = super::copy::shown(&copy);
            (
                Op::Copy(Box::new(copy)),
                super::history::nop(&shell(context), &format!("{keyword} {shown} ")),
            )
        }
        _ => (Op::Config, config::apply(context, instruction)?),
    };
    Ok(Step {
        stage,
        text: instruction.text.clone(),
        place: instruction.place.clone(),
        lines: instruction.lines,
        op,
        created_by,
        config: context.config.clone(),
        author: context.author.clone(),
        no_cache: false,
    })
}
