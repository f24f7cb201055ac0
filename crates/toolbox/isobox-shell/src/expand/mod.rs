//! From words to fields: parameters, substitutions, splitting, names of files.

mod fields;
mod number;
mod parameter;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

pub(crate) use fields::Fields;
pub(crate) use fields::{Builder, Separators};

use crate::ast::{Part, Word};
use crate::names;
use crate::shell::{Run, Shell};

impl Shell {
    /// The separators that are in force.
    pub(crate) fn separators(&mut self) -> Box<Separators> {
        Box::new(Separators::new(self.vars.ifs()))
    }

    /// Adds the fields that a word becomes.
    pub(crate) fn expand(&mut self, word: &Word, fields: &mut Fields) -> Run<()> {
        if let Some(text) = &word.constant {
            fields.push(text);
            return Ok(());
        }
        let globs = !self.options.noglob();
        let mut builder = Builder::new(fields, true, globs);
        self.parts(&word.parts, &mut builder, false)?;
        builder.finish();
        Ok(())
    }

    /// The text that a word becomes where it is not split.
    pub(crate) fn expand_text(&mut self, word: &Word) -> Run<Vec<u8>> {
        if let Some(text) = &word.constant {
            return Ok(text.to_vec());
        }
        let mut fields = Fields::default();
        let mut builder = Builder::new(&mut fields, false, false);
        self.parts(&word.parts, &mut builder, false)?;
        Ok(builder.take_text())
    }

    /// The pattern that a word becomes.
    pub(crate) fn expand_pattern(&mut self, word: &Word) -> Run<Vec<u8>> {
        let mut fields = Fields::default();
        let mut builder = Builder::new(&mut fields, false, false);
        self.parts(&word.parts, &mut builder, false)?;
        Ok(builder.pattern())
    }

    /// The regular expression that a word becomes.
    pub(crate) fn expand_regex(&mut self, word: &Word) -> Run<Vec<u8>> {
        let mut fields = Fields::default();
        let mut builder = Builder::new(&mut fields, false, false);
        builder.all_active = true;
        self.parts(&word.parts, &mut builder, false)?;
        Ok(builder.regex())
    }

    /// Adds what parts of a word become. `operand`: within `${x:-…}`, where literal text is split.
    pub(crate) fn parts(
        &mut self,
        parts: &[Part],
        builder: &mut Builder<'_>,
        operand: bool,
    ) -> Run<()> {
        for part in parts {
            match part {
                Part::Text(text) if operand && builder.splits => {
                    self.need_separators(builder);
                    builder.unquoted(text);
                }
                Part::Text(text) => builder.plain(text),
                Part::Quoted(text) => builder.quoted(text),
                Part::Tilde(user) => match self.home(user) {
                    Some(home) => builder.quoted(&home),
                    None => builder.plain(&[b"~", &user[..]].concat()),
                },
                Part::Param(param, quoted) => self.parameter(param, *quoted, builder)?,
                Part::Command(node, quoted) => {
                    let text = self.substitute(node)?;
                    self.give(&text, *quoted, builder);
                }
                Part::Arithmetic(arithmetic, quoted) => {
                    let value = self.arithmetic(arithmetic)?;
                    let mut buffer = [0; 20];
                    self.give(crate::vars::decimal(value, &mut buffer), *quoted, builder);
                }
                Part::Process(node, reads) => {
                    let path = self.process_substitution(node, *reads)?;
                    builder.quoted(&path);
                }
            }
        }
        Ok(())
    }

    fn need_separators(&mut self, builder: &mut Builder<'_>) {
        if builder.splits && builder.separators.is_none() {
            builder.separators = Some(self.separators());
        }
    }

    /// Adds the outcome of an expansion.
    fn give(&mut self, text: &[u8], quoted: bool, builder: &mut Builder<'_>) {
        if quoted {
            builder.quoted(text);
        } else {
            self.need_separators(builder);
            builder.unquoted(text);
        }
    }

    fn home(&mut self, user: &[u8]) -> Option<Vec<u8>> {
        if user.is_empty() {
            return self.variable(names::HOME);
        }
        let table = std::fs::read("/etc/passwd").ok()?;
        table.split(|&byte| byte == b'\n').find_map(|line| {
            let mut columns = line.split(|&byte| byte == b':');
            (columns.next() == Some(user)).then(|| columns.nth(4).unwrap_or_default().to_vec())
        })
    }
}

/// Bytes as a path.
pub(crate) fn path(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}
