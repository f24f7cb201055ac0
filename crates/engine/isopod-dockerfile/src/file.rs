//! A whole Dockerfile: its stages, and what stands before the first.

use crate::error::{ParseError, Place};
use crate::instruction::{Arg, From, Instruction, Kind};
use crate::parse::instruction;
use crate::source::{Source, Warning};

/// Bounds on a Dockerfile.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Instructions.
    pub instructions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 << 20, instructions: 10_000 }
    }
}

/// A parsed Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// Its name, as the user knows it.
    pub name: String,
    /// Value of the `syntax` directive.
    pub syntax: Option<String>,
    /// Value of the `check` directive.
    pub check: Option<String>,
    /// The escape character.
    pub escape: char,
    /// `ARG` before the first `FROM`, which all `FROM` may use.
    pub args: Vec<(Place, Arg)>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// What is odd but no error.
    pub warnings: Vec<Warning>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The `FROM` that begins it.
    pub from: From,
    /// That instruction's text and place.
    pub head: Instruction,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What follows.
    pub instructions: Vec<Instruction>,
}

impl Dockerfile {
    /// Parses a file; `name` is what errors call it.
    pub fn parse(name: &str, text: &str) -> Result<Self, ParseError> {
        Self::parse_within(name, text, Limits::default())
    }

    /// Parses a file within bounds.
    pub fn parse_within(name: &str, text: &str, limits: Limits) -> Result<Self, ParseError> {
        let source = Source::new(name, text);
        if text.len() > limits.bytes {
            return Err(ParseError::new(
                source.place(1, 1),
                format!(
                    "the file has {} bytes, more than the {} that are read",
                    text.len(),
                    limits.bytes
                ),
            ));
        }
        let scanned = source.scan()?;
        if scanned.logical.len() > limits.instructions {
            let at = scanned.logical[limits.instructions].lines.0;
            return Err(ParseError::new(
                source.place(at, 1),
                format!("more than {} instructions", limits.instructions),
            ));
        }
        let mut file = Self {
            name: name.to_owned(),
            syntax: scanned.directives.syntax,
            check: scanned.directives.check,
            escape: scanned.directives.escape,
            args: Vec::new(),
            stages: Vec::new(),
            warnings: scanned.warnings,
        };
        if scanned.logical.is_empty() {
            return Err(ParseError::new(source.place(1, 1), "file with no instructions"));
        }
        for logical in &scanned.logical {
            file.add(instruction(&source, logical, file.escape)?)?;
        }
        if file.stages.is_empty() {
            let place = file.args.first().map(|(place, _)| place.clone());
            return Err(ParseError::new(
                place.unwrap_or_else(|| source.place(1, 1)),
                "No build stage in current context: a FROM is missing",
            ));
        }
        Ok(file)
    }

    fn add(&mut self, instruction: Instruction) -> Result<(), ParseError> {
        match (&instruction.kind, self.stages.last_mut()) {
            (Kind::From(from), _) => {
                let (from, name) = (from.clone(), from.name.clone());
                let taken = name.is_some() && self.stages.iter().any(|stage| stage.name == name);
                if taken {
                    return Err(ParseError::new(
                        instruction.place,
                        format!("duplicate name {:?} of a build stage", name.unwrap_or_default()),
                    ));
                }
                self.stages.push(Stage { from, head: instruction, name, instructions: Vec::new() });
            }
            (Kind::Arg(args), None) => {
                let place = instruction.place.clone();
                self.args.extend(args.iter().map(|arg| (place.clone(), arg.clone())));
            }
            (_, None) => {
                return Err(ParseError::new(
                    instruction.place,
                    "no build stage in current context: only ARG may stand before the first FROM",
                ));
            }
            (_, Some(stage)) => stage.instructions.push(instruction),
        }
        Ok(())
    }

    /// The stage of that name or number.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<usize> {
        let lower = name.to_ascii_lowercase();
        self.stages
            .iter()
            .position(|stage| stage.name.as_deref() == Some(&lower))
            .or_else(|| name.parse::<usize>().ok().filter(|number| *number < self.stages.len()))
    }
}
