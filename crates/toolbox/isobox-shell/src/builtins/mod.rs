//! The commands that are part of the shell.

mod control;
mod directories;
mod jobs;
mod lookup;
mod print;
mod read;
mod variables;

use crate::expand::Fields;
use crate::shell::{Run, Shell};

/// A builtin.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub name: &'static str,
    pub(crate) run: fn(&mut Shell, Args<'_>) -> Run,
    /// POSIX's special ones: found before functions, and their errors end a script.
    pub special: bool,
    /// Arguments of the form `name=value` are expanded as assignments are.
    pub declares: bool,
    /// What it does to the shell is undone after a contained subshell.
    pub contained: bool,
    /// All it does is print its arguments.
    pub prints: bool,
}

const fn plain(name: &'static str, run: fn(&mut Shell, Args<'_>) -> Run) -> Builtin {
    Builtin { name, run, special: false, declares: false, contained: true, prints: false }
}

const fn escaping(name: &'static str, run: fn(&mut Shell, Args<'_>) -> Run) -> Builtin {
    Builtin { contained: false, ..plain(name, run) }
}

const fn printing(name: &'static str, run: fn(&mut Shell, Args<'_>) -> Run) -> Builtin {
    Builtin { prints: true, ..plain(name, run) }
}

const fn special(name: &'static str, run: fn(&mut Shell, Args<'_>) -> Run) -> Builtin {
    Builtin { special: true, ..plain(name, run) }
}

const fn declaring(name: &'static str, run: fn(&mut Shell, Args<'_>) -> Run) -> Builtin {
    Builtin { declares: true, ..special(name, run) }
}

/// All builtins, sorted by name.
pub(crate) static TABLE: &[Builtin] = &[
    Builtin { contained: false, ..special(".", control::source) },
    special(":", control::success),
    plain("[", print::test),
    escaping("alias", lookup::alias),
    escaping("bg", jobs::background),
    special("break", control::leave_loop),
    plain("cd", directories::change),
    plain("chdir", directories::change),
    plain("command", lookup::command),
    special("continue", control::leave_loop),
    printing("echo", print::echo),
    Builtin { contained: false, ..special("eval", control::eval) },
    Builtin { contained: false, ..special("exec", control::exec) },
    special("exit", control::exit),
    declaring("export", variables::export),
    plain("false", control::failure),
    escaping("fg", jobs::foreground),
    plain("getopts", variables::getopts),
    escaping("hash", lookup::hash),
    plain("help", lookup::help),
    plain("history", lookup::history),
    plain("jobs", jobs::list),
    plain("kill", jobs::kill),
    plain("let", variables::evaluate),
    declaring("local", variables::local),
    printing("printf", print::printf),
    plain("pwd", directories::print),
    plain("read", read::read),
    declaring("readonly", variables::export),
    special("return", control::return_from),
    Builtin { contained: false, ..special("set", control::set) },
    special("shift", control::shift),
    Builtin { contained: false, ..special("source", control::source) },
    plain("test", print::test),
    special("times", control::times),
    Builtin { contained: false, ..special("trap", control::trap) },
    plain("true", control::success),
    plain("type", lookup::describe),
    escaping("ulimit", directories::limits),
    escaping("umask", directories::mask),
    escaping("unalias", lookup::unalias),
    special("unset", variables::unset),
    escaping("wait", jobs::wait),
];

/// The builtin of a name.
#[must_use]
pub(crate) fn find(name: &[u8]) -> Option<&'static Builtin> {
    TABLE
        .binary_search_by(|builtin| builtin.name.as_bytes().cmp(name))
        .ok()
        .map(|index| &TABLE[index])
}

/// A builtin's name and arguments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Args<'a> {
    fields: &'a Fields,
    first: usize,
}

impl<'a> Args<'a> {
    /// The fields from one on.
    #[must_use]
    pub(crate) fn new(fields: &'a Fields, first: usize) -> Self {
        Self { fields, first }
    }

    /// Without the first `count`.
    #[must_use]
    pub(crate) fn skip(self, count: usize) -> Self {
        Self { fields: self.fields, first: self.first + count }
    }

    /// How many there are, the name included.
    #[must_use]
    pub(crate) fn len(self) -> usize {
        self.fields.len() - self.first
    }

    /// Whether not even the name is there.
    #[must_use]
    pub(crate) fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// One of them; 0 is the name.
    #[must_use]
    pub(crate) fn get(self, index: usize) -> &'a [u8] {
        self.fields.get(self.first + index)
    }

    /// One that may be missing.
    #[must_use]
    pub(crate) fn at(self, index: usize) -> Option<&'a [u8]> {
        (index < self.len()).then(|| self.get(index))
    }

    /// Those from one on.
    pub(crate) fn from(self, index: usize) -> impl Iterator<Item = &'a [u8]> {
        self.fields.from(self.first + index)
    }
}

/// Reads single-letter options, as `getopt` does.
pub(crate) struct Letters<'a> {
    args: Args<'a>,
    spec: &'static [u8],
    /// The next argument.
    pub(crate) next: usize,
    offset: usize,
}

impl<'a> Letters<'a> {
    /// `spec`: the letters; a colon after one that takes a value.
    pub(crate) fn new(args: Args<'a>, spec: &'static str) -> Self {
        Self { args, spec: spec.as_bytes(), next: 1, offset: 0 }
    }

    /// The next option with its value. An unknown one is an error.
    pub(crate) fn option(&mut self, shell: &mut Shell) -> Run<Option<(u8, &'a [u8])>> {
        if self.offset == 0 {
            match self.args.at(self.next) {
                Some(b"--") => {
                    self.next += 1;
                    return Ok(None);
                }
                Some([b'-', _, ..]) => self.offset = 1,
                _ => return Ok(None),
            }
        }
        let word = self.args.get(self.next);
        let letter = word[self.offset];
        self.offset += 1;
        let ended = self.offset == word.len();
        let place = self.spec.iter().position(|&known| known == letter && letter != b':');
        let Some(place) = place else {
            return shell.fail([b"illegal option -", &[letter][..]].concat());
        };
        if self.spec.get(place + 1) != Some(&b':') {
            if ended {
                self.next += 1;
                self.offset = 0;
            }
            return Ok(Some((letter, b"")));
        }
        let value = if ended {
            self.next += 1;
            match self.args.at(self.next) {
                Some(value) => value,
                None => return shell.fail([b"no arg for -", &[letter][..], b" option"].concat()),
            }
        } else {
            &word[self.offset..]
        };
        self.next += 1;
        self.offset = 0;
        Ok(Some((letter, value)))
    }
}

/// A number that is not negative.
pub(crate) fn count(shell: &mut Shell, text: &[u8]) -> Run<i64> {
    let value = std::str::from_utf8(text)
        .ok()
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse::<i64>().ok())
        .filter(|value| *value <= i64::from(i32::MAX));
    match value {
        Some(value) => Ok(value),
        None => shell.fail([b"Illegal number: ", text].concat()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_sorted() {
        assert!(super::TABLE.is_sorted_by(|left, right| left.name < right.name));
        assert!(super::find(b"cd").is_some());
        assert!(super::find(b"ls").is_none());
    }
}
