//! Builtins about variables: `export`, `readonly`, `local`, `unset`, `let`, `getopts`.

use super::{Args, Letters};
use crate::names::{self, Name, is_name};
use crate::shell::{Run, Shell};

/// `export` and `readonly`.
pub(super) fn export(shell: &mut Shell, args: Args<'_>) -> Run {
    let exports = args.get(0) == b"export";
    let mut letters = Letters::new(args, if exports { "np" } else { "p" });
    let mut off = false;
    let mut print = false;
    while let Some((letter, _)) = letters.option(shell)? {
        off |= letter == b'n';
        print |= letter == b'p';
    }
    if letters.next >= args.len() || print {
        shell.print_marked(exports);
        return Ok(0);
    }
    for word in args.from(letters.next) {
        let (name, value) = shell.named_value(word)?;
        if let Some(value) = value {
            shell.assign(name, value)?;
        }
        if exports {
            shell.vars.mark(name, Some(!off), false);
        } else {
            shell.vars.mark(name, None, true);
        }
    }
    Ok(0)
}

impl Shell {
    /// Splits `name=value`; a name that is none ends the script.
    fn named_value<'a>(&mut self, word: &'a [u8]) -> Run<(Name, Option<&'a [u8]>)> {
        let (name, value) = match memchr::memchr(b'=', word) {
            Some(at) => (&word[..at], Some(&word[at + 1..])),
            None => (word, None),
        };
        if !is_name(name) {
            return self.fail([name, b": bad variable name"].concat());
        }
        Ok((self.names.intern(name), value))
    }

    fn sorted_names(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.vars.names().collect();
        names.sort_by(|left, right| self.names.text(*left).cmp(self.names.text(*right)));
        names
    }

    fn print_marked(&mut self, exported: bool) {
        for name in self.sorted_names() {
            let Some(variable) = self.vars.get(name) else { continue };
            if if exported { variable.exported } else { variable.readonly } {
                let mut line = if exported { b"export ".to_vec() } else { b"readonly ".to_vec() };
                line.extend_from_slice(self.names.text(name));
                if let Some(value) = &variable.value {
                    line.push(b'=');
                    crate::quote::single(value, &mut line);
                }
                line.push(b'\n');
                self.put(&line);
            }
        }
    }

    /// All variables, for `set`.
    pub(super) fn print_variables(&mut self) {
        for name in self.sorted_names() {
            let Some(value) = self.vars.get(name).and_then(|variable| variable.value.as_ref())
            else {
                continue;
            };
            let mut line = self.names.text(name).to_vec();
            line.push(b'=');
            crate::quote::single(value, &mut line);
            line.push(b'\n');
            self.put(&line);
        }
    }
}

pub(super) fn local(shell: &mut Shell, args: Args<'_>) -> Run {
    if !shell.vars.in_function() {
        return shell.fail("not in a function");
    }
    for word in args.from(1) {
        let (name, value) = shell.named_value(word)?;
        let new = shell.vars.make_local(name);
        match value {
            Some(value) => shell.assign(name, value)?,
            None if !new => {}
            None => {
                if let Err(error) = shell.vars.unset_value(name) {
                    return shell.read_only(&error);
                }
            }
        }
    }
    Ok(0)
}

pub(super) fn unset(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut letters = Letters::new(args, "vf");
    let mut functions = false;
    while let Some((letter, _)) = letters.option(shell)? {
        functions = letter == b'f';
    }
    for word in args.from(letters.next) {
        if functions {
            if let Some(name) = shell.names.find(word)
                && let Some(slot) = shell.functions.get_mut(name.index())
            {
                *slot = None;
            }
            continue;
        }
        if !is_name(word) {
            return shell.fail([word, b": bad variable name"].concat());
        }
        let name = shell.names.intern(word);
        match shell.vars.unset(name) {
            Ok(()) => shell.assigned(name),
            Err(error) => return shell.read_only(&error),
        }
    }
    Ok(0)
}

pub(super) fn evaluate(shell: &mut Shell, args: Args<'_>) -> Run {
    if args.len() < 2 {
        return shell.fail("expression expected");
    }
    let mut value = 0;
    for text in args.from(1) {
        value = shell.arithmetic_text(text)?;
    }
    Ok(i32::from(value == 0))
}

pub(super) fn getopts(shell: &mut Shell, args: Args<'_>) -> Run {
    if args.len() < 3 {
        return shell.fail("usage: getopts optstring var [arg]");
    }
    let spec = args.get(1);
    if !is_name(args.get(2)) {
        return shell.fail([args.get(2), b": bad variable name"].concat());
    }
    let variable = shell.names.intern(args.get(2));
    let words: Vec<Vec<u8>> = if args.len() > 3 {
        args.from(3).map(<[u8]>::to_vec).collect()
    } else {
        shell.positional.to_vec()
    };
    let index = shell
        .vars
        .value(names::OPTIND)
        .and_then(|text| std::str::from_utf8(text).ok()?.parse::<usize>().ok());
    let mut step = Step {
        spec,
        words: &words,
        index: index.unwrap_or(1).max(1),
        offset: shell.getopts_offset,
    };
    let outcome = step.next();
    let (index, offset) = (step.index, step.offset);
    let quiet = spec.first() == Some(&b':');
    let (letter, value, status) = match outcome {
        Outcome::End => (b'?', None, 1),
        Outcome::Option(letter, value) => (letter, value, 0),
        Outcome::Unknown(letter) if quiet => (b'?', Some(vec![letter]), 0),
        Outcome::Unknown(letter) => {
            let told = shell.names.find(b"OPTERR").and_then(|name| shell.variable(name));
            if told.as_deref() != Some(b"0") {
                shell.write_error(&[b"Illegal option -", &[letter][..], b"\n"].concat());
            }
            (b'?', None, 0)
        }
        Outcome::NoValue(letter) if quiet => (b':', Some(vec![letter]), 0),
        Outcome::NoValue(letter) => {
            shell.write_error(&[b"No arg for -", &[letter][..], b" option\n"].concat());
            (b'?', None, 0)
        }
    };
    match value {
        Some(value) => shell.assign(names::OPTARG, &value)?,
        None => {
            if let Err(error) = shell.vars.unset(names::OPTARG) {
                return shell.read_only(&error);
            }
        }
    }
    shell.assign(variable, &[letter])?;
    shell.assign(names::OPTIND, index.to_string().as_bytes())?;
    shell.getopts_offset = offset;
    Ok(status)
}

enum Outcome {
    End,
    Option(u8, Option<Vec<u8>>),
    Unknown(u8),
    NoValue(u8),
}

struct Step<'a> {
    spec: &'a [u8],
    words: &'a [Vec<u8>],
    /// `OPTIND`: the next word, from 1.
    index: usize,
    /// How far within the word before that; 0 at a word's beginning.
    offset: usize,
}

impl Step<'_> {
    fn next(&mut self) -> Outcome {
        let within = self.offset > 0 && self.index >= 2;
        let word = match self.words.get(if within { self.index - 2 } else { self.index - 1 }) {
            Some(word) if within && self.offset < word.len() => word,
            _ => {
                let Some(word) = self.words.get(self.index - 1) else {
                    self.offset = 0;
                    return Outcome::End;
                };
                if word.len() < 2 || word[0] != b'-' {
                    self.offset = 0;
                    return Outcome::End;
                }
                self.index += 1;
                self.offset = 1;
                if word == b"--" {
                    self.offset = 0;
                    return Outcome::End;
                }
                word
            }
        };
        let letter = word[self.offset];
        self.offset += 1;
        let rest = &word[self.offset..];
        if rest.is_empty() {
            self.offset = 0;
        }
        let place = self.spec.iter().position(|&known| known == letter).filter(|_| letter != b':');
        let Some(place) = place else { return Outcome::Unknown(letter) };
        if self.spec.get(place + 1) != Some(&b':') {
            return Outcome::Option(letter, None);
        }
        self.offset = 0;
        if !rest.is_empty() {
            return Outcome::Option(letter, Some(rest.to_vec()));
        }
        match self.words.get(self.index - 1) {
            Some(value) => {
                self.index += 1;
                Outcome::Option(letter, Some(value.clone()))
            }
            None => Outcome::NoValue(letter),
        }
    }
}
