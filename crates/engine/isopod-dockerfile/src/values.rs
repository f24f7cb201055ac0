//! The arguments of instructions: lists, pairs, commands.

use crate::instruction::{Command, KeyValue};
use crate::source::raw_words;

/// A list of strings in JSON, if the text is one.
pub(crate) fn json_list(text: &str) -> Option<Vec<String>> {
    let trimmed = text.trim();
    trimmed.starts_with('[').then(|| serde_json::from_str(trimmed).ok()).flatten()
}

/// The exec form, else the shell form.
pub(crate) fn command(text: &str) -> Command {
    match json_list(text) {
        Some(words) => Command::Exec(words),
        None => Command::Shell(text.trim().to_owned()),
    }
}

/// A list in JSON, else words divided at blanks.
pub(crate) fn list(text: &str) -> Vec<String> {
    json_list(text).unwrap_or_else(|| text.split_whitespace().map(str::to_owned).collect())
}

/// `key=value` pairs, or the old form of one key and the rest of the line.
pub(crate) fn pairs(text: &str, keyword: &str, escape: char) -> Result<Vec<KeyValue>, String> {
    let words = raw_words(text, escape);
    let Some(first) = words.first() else {
        return Err(format!("{keyword} requires at least one argument"));
    };
    if !first.contains('=') {
        let (key, value) = text
            .trim()
            .split_once(char::is_whitespace)
            .ok_or_else(|| format!("{keyword} must have two arguments"))?;
        let value = value.trim_start().to_owned();
        return Ok(vec![KeyValue { key: key.to_owned(), value, legacy: true }]);
    }
    words
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some(("", _)) => Err(format!("{keyword} names can not be blank")),
            Some((key, value)) => {
                Ok(KeyValue { key: key.to_owned(), value: value.to_owned(), legacy: false })
            }
            None => Err(format!(
                "Syntax error - can't find = in {word:?}. Must be of the form: name=value"
            )),
        })
        .collect()
}
