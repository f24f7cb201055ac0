//! Command lines, read as `getopt_long` reads them: clusters of short options, long options that
//! may be abbreviated, operands anywhere unless `POSIXLY_CORRECT` is set.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::{Error, Result};

/// The options of an applet.
///
/// `short` is `getopt`'s string: a letter, followed by `:` if it needs an argument and by `::` if
/// it may have one in the same word; `+` in front ends the options at the first operand. `long`
/// pairs a name, with `=` at its end if it needs an argument and `=?` if it may have one, with the
/// letter that [`Arguments::next`] returns for it; letters that are not in `short` make options
/// that are long only.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    short: &'static str,
    long: &'static [(&'static str, char)],
}

impl Spec {
    /// See [`Spec`].
    #[must_use]
    pub const fn new(short: &'static str, long: &'static [(&'static str, char)]) -> Self {
        Self { short, long }
    }

    fn takes(&self, letter: char) -> Option<Takes> {
        if matches!(letter, ':' | '+') {
            return None;
        }
        let (_, after) = self.short.split_once(letter)?;
        Some(if after.starts_with("::") {
            Takes::Optional
        } else if after.starts_with(':') {
            Takes::Required
        } else {
            Takes::Nothing
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Required,
    Optional,
}

/// A command line that is being read.
#[derive(Debug)]
pub struct Arguments {
    spec: &'static Spec,
    words: std::vec::IntoIter<OsString>,
    /// The rest of a cluster such as `-xvf`.
    cluster: Vec<u8>,
    at: usize,
    value: Option<OsString>,
    operands: Vec<OsString>,
    stop_at_operand: bool,
}

impl Arguments {
    /// Reads `words`, the applet's name not among them.
    #[must_use]
    pub fn new(spec: &'static Spec, words: Vec<OsString>, posixly_correct: bool) -> Self {
        Self {
            spec,
            words: words.into_iter(),
            cluster: Vec::new(),
            at: 0,
            value: None,
            operands: Vec::new(),
            stop_at_operand: posixly_correct || spec.short.starts_with('+'),
        }
    }

    /// The next option; its argument, if it has one, is then in [`Arguments::value`].
    #[allow(clippy::should_implement_trait, reason = "it fails, and lends what it read")]
    pub fn next(&mut self) -> Result<Option<char>> {
        self.value = None;
        if self.at < self.cluster.len() {
            return self.short_option().map(Some);
        }
        while let Some(word) = self.words.next() {
            let bytes = word.as_bytes();
            if bytes == b"--" {
                self.operands.extend(self.words.by_ref());
            } else if let Some(long) = bytes.strip_prefix(b"--") {
                return self.long_option(long).map(Some);
            } else if bytes.len() > 1 && bytes[0] == b'-' {
                self.cluster = word.into_vec();
                self.at = 1;
                return self.short_option().map(Some);
            } else {
                self.operands.push(word);
                if self.stop_at_operand {
                    self.operands.extend(self.words.by_ref());
                }
            }
        }
        Ok(None)
    }

    fn short_option(&mut self) -> Result<char> {
        let letter = char::from(self.cluster[self.at]);
        self.at += 1;
        let takes = if letter.is_ascii() { self.spec.takes(letter) } else { None };
        let Some(takes) = takes else {
            return Err(Error::usage(format!("invalid option -- '{letter}'")));
        };
        if takes == Takes::Nothing {
            return Ok(letter);
        }
        let rest = &self.cluster[self.at..];
        if !rest.is_empty() {
            self.value = Some(OsStr::from_bytes(rest).to_owned());
        } else if takes == Takes::Required {
            self.value = Some(self.words.next().ok_or_else(|| {
                Error::usage(format!("option requires an argument -- '{letter}'"))
            })?);
        }
        self.at = self.cluster.len();
        Ok(letter)
    }

    fn long_option(&mut self, word: &[u8]) -> Result<char> {
        let (name, given) = match memchr::memchr(b'=', word) {
            Some(at) => (&word[..at], Some(&word[at + 1..])),
            None => (word, None),
        };
        let (found, letter) = self.find_long(name)?;
        let full = found.trim_end_matches(['=', '?']);
        match (found.len() - full.len(), given) {
            (0, Some(_)) => {
                return Err(Error::usage(format!("option '--{full}' doesn't allow an argument")));
            }
            (1, None) => {
                self.value = Some(self.words.next().ok_or_else(|| {
                    Error::usage(format!("option '--{full}' requires an argument"))
                })?);
            }
            _ => self.value = given.map(|value| OsStr::from_bytes(value).to_owned()),
        }
        Ok(letter)
    }

    fn find_long(&self, name: &[u8]) -> Result<(&'static str, char)> {
        let mut found: Option<(&'static str, char)> = None;
        let mut others = Vec::new();
        for &(candidate, letter) in self.spec.long {
            let full = candidate.trim_end_matches(['=', '?']);
            if full.as_bytes() == name {
                return Ok((candidate, letter));
            }
            if full.as_bytes().starts_with(name) {
                others.push(full);
                // Two names of one option are not ambiguous.
                if found.is_none_or(|(_, same)| same == letter) {
                    found = Some((candidate, letter));
                } else {
                    found = Some((candidate, '\0'));
                }
            }
        }
        let shown = String::from_utf8_lossy(name);
        match found {
            None => Err(Error::usage(format!("unrecognized option '--{shown}'"))),
            Some((_, '\0')) => {
                let list: String = others.iter().map(|name| format!(" '--{name}'")).collect();
                Err(Error::usage(format!("option '--{shown}' is ambiguous; possibilities:{list}")))
            }
            Some(found) => Ok(found),
        }
    }

    /// The argument of the option that [`Arguments::next`] returned last.
    pub fn value(&mut self) -> OsString {
        self.value.take().unwrap_or_default()
    }

    /// The same for an option whose argument may be left out.
    pub fn optional_value(&mut self) -> Option<OsString> {
        self.value.take()
    }

    /// The argument as text: a number, a keyword.
    pub fn text(&mut self) -> Result<String> {
        self.value().into_string().map_err(|value| {
            Error::message(format!("invalid argument '{}': not UTF-8", value.display()))
        })
    }

    /// How many operands stand before the option that [`Arguments::next`] returned last, for
    /// options that concern only what follows them.
    #[must_use]
    pub fn operands_so_far(&self) -> usize {
        self.operands.len()
    }

    /// What is not an option, once all options are read.
    #[must_use]
    pub fn operands(self) -> Vec<OsString> {
        self.operands
    }

    /// The same where an applet needs at least `least` and takes at most `most` operands.
    pub fn operands_between(self, least: usize, most: usize) -> Result<Vec<OsString>> {
        if self.operands.len() < least || self.operands.len() > most {
            return Err(Error::usage(""));
        }
        Ok(self.operands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: Spec = Spec::new(
        "ab:c::",
        &[("alpha", 'a'), ("beta=", 'b'), ("gamma=?", 'c'), ("begin", 'B'), ("alphabet", 'A')],
    );

    /// Options as `letter` or `letter=value`, then `|`, then operands.
    fn read(words: &[&str], posix: bool) -> String {
        let words = words.iter().map(OsString::from).collect();
        let mut arguments = Arguments::new(&SPEC, words, posix);
        let mut seen = Vec::new();
        loop {
            match arguments.next() {
                Ok(Some(letter)) => match arguments.optional_value() {
                    Some(value) => seen.push(format!("{letter}={}", value.display())),
                    None => seen.push(letter.to_string()),
                },
                Ok(None) => break,
                Err(error) => return error.to_string(),
            }
        }
        seen.push("|".into());
        seen.extend(arguments.operands().iter().map(|word| word.display().to_string()));
        seen.join(" ")
    }

    #[test]
    fn options_are_read_as_getopt_long_reads_them() {
        for (words, expected) in [
            (&["x", "-ab", "1", "y"][..], "a b=1 | x y"),
            (&["-ab1", "--", "-a"], "a b=1 | -a"),
            (&["-c", "x", "-cx"], "c c=x | x"),
            (&["--beta=2", "--bet", "3", "--gamma", "--g=4"], "b=2 b=3 c c=4 |"),
            (&["--alpha", "-"], "a | -"),
            (&["--be"], "option '--be' is ambiguous; possibilities: '--beta' '--begin'"),
            (&["--zeta"], "unrecognized option '--zeta'"),
            (&["--alpha=1"], "option '--alpha' doesn't allow an argument"),
            (&["--beta"], "option '--beta' requires an argument"),
            (&["-az"], "invalid option -- 'z'"),
            (&["-b"], "option requires an argument -- 'b'"),
            (&["-:"], "invalid option -- ':'"),
        ] {
            assert_eq!(read(words, false), expected, "{words:?}");
        }
        assert_eq!(read(&["x", "-a"], true), "| x -a");
    }
}
