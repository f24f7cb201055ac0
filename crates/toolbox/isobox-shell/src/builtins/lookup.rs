//! Builtins about what names mean: `type`, `command`, `hash`, `alias`, `help`, `history`.

use super::{Args, Letters};
use crate::command::DEFAULT_PATH;
use crate::hash::Found;
use crate::names;
use crate::parse::is_reserved;
use crate::shell::{Run, Shell};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// `command -v`
    Short,
    /// `command -V`, `type`
    Long,
}

/// `type name…`
pub(super) fn describe(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut first = 1;
    // Options of other shells' `type` mean nothing here.
    while matches!(args.at(first), Some(b"-a" | b"-p" | b"-t" | b"--")) {
        first += 1;
    }
    let mut status = 0;
    for name in args.from(first) {
        if !shell.describe(name, Style::Long, None) {
            status = 127;
        }
    }
    Ok(status)
}

/// `command -v name`, `command -V name`; without these it does not get here.
pub(super) fn command(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut letters = Letters::new(args, "vVp");
    let mut style = None;
    let mut path = None;
    while let Some((letter, _)) = letters.option(shell)? {
        match letter {
            b'v' => style = Some(Style::Short),
            b'V' => style = Some(Style::Long),
            _ => path = Some(DEFAULT_PATH),
        }
    }
    let Some(style) = style else { return Ok(0) };
    let mut status = if letters.next < args.len() { 0 } else { 127 };
    for name in args.from(letters.next) {
        if !shell.describe(name, style, path) {
            status = 127;
        }
    }
    Ok(status)
}

impl Shell {
    /// Says what a name means; false if nothing.
    fn describe(&mut self, name: &[u8], style: Style, path: Option<&[u8]>) -> bool {
        let long = style == Style::Long;
        let text: Vec<u8> = if is_reserved(name) {
            if long { [name, b" is a shell keyword"].concat() } else { name.to_vec() }
        } else if let Some(value) = self.aliases.get(name).cloned() {
            if long {
                [name, b" is an alias for ", &value].concat()
            } else {
                let mut text = [b"alias ", name, b"="].concat();
                crate::quote::single(&value, &mut text);
                text
            }
        } else if super::find(name).is_some_and(|builtin| builtin.special) {
            if long { [name, b" is a special shell builtin"].concat() } else { name.to_vec() }
        } else if self.names.find(name).is_some_and(|name| self.function(name).is_some()) {
            if long { [name, b" is a function"].concat() } else { name.to_vec() }
        } else if super::find(name).is_some() {
            if long { [name, b" is a shell builtin"].concat() } else { name.to_vec() }
        } else {
            let path =
                path.map_or_else(|| self.variable(names::PATH).unwrap_or_default(), <[u8]>::to_vec);
            match self.hash.search(name, &path, self.registry) {
                Found::Program(program) => {
                    if long {
                        [name, b" is ", program.as_bytes()].concat()
                    } else {
                        program.as_bytes().to_vec()
                    }
                }
                Found::Applet(_) => {
                    if long {
                        [name, b" is ", name].concat()
                    } else {
                        name.to_vec()
                    }
                }
                Found::Denied | Found::Missing => {
                    if long {
                        self.warn_missing(name);
                    }
                    return false;
                }
            }
        };
        self.put(&[&text[..], b"\n"].concat());
        true
    }

    fn warn_missing(&mut self, name: &[u8]) {
        self.put(&[name, b": not found\n"].concat());
    }
}

/// `hash [-r] [name]…`
pub(super) fn hash(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut letters = Letters::new(args, "rv");
    while let Some((letter, _)) = letters.option(shell)? {
        if letter == b'r' {
            shell.hash.clear();
            if letters.next >= args.len() {
                return Ok(0);
            }
        }
    }
    if letters.next >= args.len() {
        for (name, found, _) in shell.hash.all() {
            let line = match found {
                Found::Program(path) => [path.as_bytes(), b"\n"].concat(),
                _ => [&name[..], b"\n"].concat(),
            };
            shell.put(&line);
        }
        return Ok(0);
    }
    let path = shell.variable(names::PATH).unwrap_or_default();
    let mut status = 0;
    for name in args.from(letters.next) {
        if super::find(name).is_some()
            || shell.names.find(name).is_some_and(|name| shell.function(name).is_some())
        {
            continue;
        }
        shell.hash.forget(name);
        if matches!(shell.hash.find(name, &path, shell.registry), Found::Missing | Found::Denied) {
            shell.warn(&[name, b": not found"].concat());
            status = 1;
        }
    }
    Ok(status)
}

/// `alias [name[=value]]…`
pub(super) fn alias(shell: &mut Shell, args: Args<'_>) -> Run {
    if args.len() == 1 {
        let mut all: Vec<(Vec<u8>, Vec<u8>)> =
            shell.aliases.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        all.sort();
        for (name, value) in all {
            shell.print_alias(&name, &value);
        }
        return Ok(0);
    }
    let mut status = 0;
    for word in args.from(1) {
        match memchr::memchr(b'=', word).filter(|&at| at > 0) {
            Some(at) => {
                shell.aliases.insert(word[..at].to_vec(), word[at + 1..].to_vec());
            }
            None => match shell.aliases.get(word).cloned() {
                Some(value) => shell.print_alias(word, &value),
                None => {
                    shell.write_error(&[b"alias: ", word, b" not found\n"].concat());
                    status = 1;
                }
            },
        }
    }
    Ok(status)
}

impl Shell {
    fn print_alias(&mut self, name: &[u8], value: &[u8]) {
        let mut line = [name, b"="].concat();
        crate::quote::single(value, &mut line);
        line.push(b'\n');
        self.put(&line);
    }
}

/// `unalias [-a] [name]…`
pub(super) fn unalias(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut letters = Letters::new(args, "a");
    while letters.option(shell)?.is_some() {
        shell.aliases.clear();
    }
    let mut status = 0;
    for name in args.from(letters.next) {
        if shell.aliases.remove(name).is_none() {
            shell.write_error(&[b"unalias: ", name, b" not found\n"].concat());
            status = 1;
        }
    }
    Ok(status)
}

/// `help`
pub(super) fn help(shell: &mut Shell, _: Args<'_>) -> Run {
    let mut names: Vec<&str> = super::TABLE.iter().map(|builtin| builtin.name).collect();
    names.extend(shell.registry.sorted().iter().map(|applet| applet.name));
    let mut text = String::from("Built-in commands:\n------------------\n");
    let mut column = 0;
    for name in names {
        if column == 0 {
            text.push('\t');
            column = 8;
        } else if column + name.len() >= 70 {
            text.push_str("\n\t");
            column = 8;
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(name);
        column += name.len();
    }
    text.push_str("\n\n");
    shell.put(text.as_bytes());
    Ok(0)
}

/// `history`
pub(super) fn history(shell: &mut Shell, _: Args<'_>) -> Run {
    let lines: Vec<Vec<u8>> = shell.history.lines().to_vec();
    for (number, line) in lines.iter().enumerate() {
        let line = [format!("{number:4} ").as_bytes(), line, b"\n"].concat();
        shell.put(&line);
    }
    Ok(0)
}
