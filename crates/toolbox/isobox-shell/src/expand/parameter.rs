//! `$x` and all that braces can do with it.

use std::borrow::Cow;

use super::Builder;
use crate::ast::{Operation, Param, Parameter, Word};
use crate::pattern;
use crate::shell::{Run, Shell};

impl Shell {
    /// Adds what a parameter becomes.
    pub(super) fn parameter(
        &mut self,
        param: &Param,
        quoted: bool,
        builder: &mut Builder<'_>,
    ) -> Run<()> {
        if let Parameter::Special(which @ (b'@' | b'*')) = param.parameter {
            return self.all_positional(which, param, quoted, builder);
        }
        if matches!(param.operation, Operation::Value) {
            return self.value(param.parameter, quoted, builder);
        }
        let value = self.parameter_value(param.parameter);
        match &param.operation {
            Operation::Value => {}
            Operation::Length => {
                let Some(value) = value.or_else(|| (!self.options.nounset()).then(Vec::new)) else {
                    return self.unset(param.parameter);
                };
                self.give(character_count(&value).to_string().as_bytes(), quoted, builder);
            }
            Operation::Default { colon, word } => match given(value, *colon) {
                Some(value) => self.give(&value, quoted, builder),
                None => self.operand(word, quoted, builder)?,
            },
            Operation::Alternative { colon, word } => {
                if given(value, *colon).is_some() {
                    self.operand(word, quoted, builder)?;
                } else if quoted {
                    builder.quoted(b"");
                }
            }
            Operation::Assign { colon, word } => {
                let value = match given(value, *colon) {
                    Some(value) => value,
                    None => {
                        let Parameter::Variable(name) = param.parameter else {
                            let text = self.parameter_text(param.parameter);
                            return self.fail([&text[..], b": bad variable name"].concat());
                        };
                        let value = self.expand_text(word)?;
                        self.assign(name, &value)?;
                        value
                    }
                };
                self.give(&value, quoted, builder);
            }
            Operation::Error { colon, word } => match given(value, *colon) {
                Some(value) => self.give(&value, quoted, builder),
                None => return self.parameter_error(param.parameter, *colon, word),
            },
            Operation::Bad => return self.fail("syntax error: bad substitution"),
            operation => {
                if value.is_none() && self.options.nounset() {
                    return self.unset(param.parameter);
                }
                match value {
                    Some(value) => {
                        let value = self.transform(&value, operation)?;
                        self.give(&value, quoted, builder);
                    }
                    None if quoted => builder.quoted(b""),
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// Adds a parameter's value.
    #[inline]
    fn value(&mut self, parameter: Parameter, quoted: bool, builder: &mut Builder<'_>) -> Run<()> {
        if !quoted && builder.splits && builder.separators.is_none() {
            builder.separators = Some(self.separators());
        }
        let value = match parameter {
            Parameter::Variable(name) => self.vars.value(name).map(Cow::Borrowed),
            Parameter::Positional(index) => {
                self.positional.get(index - 1).map(|value| Cow::Borrowed(&value[..]))
            }
            Parameter::Special(which) => self.special(which),
        };
        match value {
            Some(value) if quoted => builder.quoted(&value),
            Some(value) => builder.unquoted(&value),
            None if self.options.nounset() => return self.unset(parameter),
            None if quoted => builder.quoted(b""),
            None => {}
        }
        Ok(())
    }

    fn parameter_value(&mut self, parameter: Parameter) -> Option<Vec<u8>> {
        match parameter {
            Parameter::Variable(name) => self.variable(name),
            Parameter::Positional(index) => self.positional.get(index - 1).cloned(),
            Parameter::Special(which) => self.special(which).map(Cow::into_owned),
        }
    }

    fn parameter_text(&self, parameter: Parameter) -> Vec<u8> {
        match parameter {
            Parameter::Variable(name) => self.names.text(name).to_vec(),
            Parameter::Positional(index) => index.to_string().into_bytes(),
            Parameter::Special(which) => vec![which],
        }
    }

    fn unset<T>(&mut self, parameter: Parameter) -> Run<T> {
        let text = self.parameter_text(parameter);
        self.fail([&text[..], b": parameter not set"].concat())
    }

    fn parameter_error(&mut self, parameter: Parameter, colon: bool, word: &Word) -> Run<()> {
        let mut message = self.parameter_text(parameter);
        message.extend_from_slice(b": ");
        if word.parts.is_empty() {
            message.extend_from_slice(b"parameter not set");
            if colon {
                message.extend_from_slice(b" or null");
            }
        } else {
            message.extend(self.expand_text(word)?);
        }
        self.fail(message)
    }

    /// The word after an operator, in its place.
    fn operand(&mut self, word: &Word, quoted: bool, builder: &mut Builder<'_>) -> Run<()> {
        if quoted && word.parts.is_empty() {
            builder.quoted(b"");
        }
        self.parts(&word.parts, builder, true)
    }

    /// `$@` and `$*`
    fn all_positional(
        &mut self,
        which: u8,
        param: &Param,
        quoted: bool,
        builder: &mut Builder<'_>,
    ) -> Run<()> {
        let values = std::rc::Rc::clone(&self.positional);
        match &param.operation {
            Operation::Value => self.give_all(which, &values, quoted, builder),
            Operation::Length => {
                let separators =
                    usize::from(self.separators().first.is_some()) * values.len().saturating_sub(1);
                let length =
                    values.iter().map(|value| character_count(value)).sum::<usize>() + separators;
                self.give(length.to_string().as_bytes(), quoted, builder);
            }
            Operation::Default { colon, word } | Operation::Assign { colon, word } => {
                if missing(&values, *colon) {
                    self.operand(word, quoted, builder)?;
                } else {
                    self.give_all(which, &values, quoted, builder);
                }
            }
            Operation::Alternative { colon, word } => {
                if !missing(&values, *colon) {
                    self.operand(word, quoted, builder)?;
                }
            }
            Operation::Error { colon, word } => {
                if missing(&values, *colon) {
                    return self.parameter_error(param.parameter, *colon, word);
                }
                self.give_all(which, &values, quoted, builder);
            }
            Operation::Bad => return self.fail("syntax error: bad substitution"),
            operation => {
                let mut changed = Vec::with_capacity(values.len());
                for value in values.iter() {
                    changed.push(self.transform(value, operation)?);
                }
                self.give_all(which, &changed, quoted, builder);
            }
        }
        Ok(())
    }

    fn give_all(&mut self, which: u8, values: &[Vec<u8>], quoted: bool, builder: &mut Builder<'_>) {
        let joined = (quoted && which == b'*') || !builder.splits;
        if joined {
            let separator = self.separators().first;
            let mut text = Vec::new();
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    text.extend(separator);
                }
                text.extend_from_slice(value);
            }
            self.give(&text, quoted, builder);
            return;
        }
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                builder.finish();
            }
            self.give(value, quoted, builder);
        }
    }

    fn transform(&mut self, value: &[u8], operation: &Operation) -> Run<Vec<u8>> {
        match operation {
            Operation::RemovePrefix { longest, pattern } => {
                let pattern = self.expand_pattern(pattern)?;
                let cut = pattern::prefix(&pattern, value, *longest).unwrap_or(0);
                Ok(value[cut..].to_vec())
            }
            Operation::RemoveSuffix { longest, pattern } => {
                let pattern = self.expand_pattern(pattern)?;
                let end = pattern::suffix(&pattern, value, *longest).unwrap_or(value.len());
                Ok(value[..end].to_vec())
            }
            Operation::Replace { all, pattern, replacement } => {
                let pattern = self.expand_pattern(pattern)?;
                let replacement = self.expand_text(replacement)?;
                Ok(replace(value, &pattern, &replacement, *all))
            }
            Operation::Substring { offset, length } => {
                let offset = self.arithmetic(offset)?;
                let length = match length {
                    Some(length) => Some(self.arithmetic(length)?),
                    None => None,
                };
                Ok(substring(value, offset, length))
            }
            _ => Ok(value.to_vec()),
        }
    }
}

fn given(value: Option<Vec<u8>>, colon: bool) -> Option<Vec<u8>> {
    value.filter(|value| !colon || !value.is_empty())
}

fn missing(values: &[Vec<u8>], colon: bool) -> bool {
    values.is_empty() || (colon && values.len() == 1 && values[0].is_empty())
}

fn replace(value: &[u8], pattern: &[u8], replacement: &[u8], all: bool) -> Vec<u8> {
    if value.is_empty() && !pattern.is_empty() && pattern::matches(pattern, b"") {
        return replacement.to_vec();
    }
    let mut changed = Vec::with_capacity(value.len());
    let mut from = 0;
    while let Some((start, end)) = pattern::find(pattern, value, from) {
        changed.extend_from_slice(&value[from..start]);
        changed.extend_from_slice(replacement);
        from = end;
        if !all {
            break;
        }
    }
    changed.extend_from_slice(&value[from..]);
    changed
}

/// A part by character counts; negative ones count from the end.
fn substring(value: &[u8], offset: i64, length: Option<i64>) -> Vec<u8> {
    let places: Vec<usize> = character_starts(value).chain([value.len()]).collect();
    let count = places.len() as i64 - 1;
    let start = if offset < 0 { offset.saturating_add(count) } else { offset };
    if start < 0 || start > count {
        return Vec::new();
    }
    let end = match length {
        None => count,
        Some(length) if length < 0 => count.saturating_add(length),
        Some(length) => start.saturating_add(length).min(count),
    };
    if end <= start {
        return Vec::new();
    }
    value[places[start as usize]..places[end as usize]].to_vec()
}

/// Where characters begin. Bytes that belong to no character count each.
fn character_starts(value: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut at = 0;
    value.utf8_chunks().flat_map(move |chunk| {
        let start = at;
        let invalid = start + chunk.valid().len();
        at = invalid + chunk.invalid().len();
        let valid = chunk.valid().char_indices().map(move |(index, _)| start + index);
        valid.chain((invalid..at).collect::<Vec<_>>())
    })
}

fn character_count(value: &[u8]) -> usize {
    if value.is_ascii() { value.len() } else { character_starts(value).count() }
}
