//! `set`'s options.

/// An option: its letter (0 if it has none), its name.
const TABLE: &[(u8, &str)] = &[
    (b'e', "errexit"),
    (b'f', "noglob"),
    (b'I', "ignoreeof"),
    (b'm', "monitor"),
    (b'n', "noexec"),
    (b'x', "xtrace"),
    (b'v', "verbose"),
    (b'C', "noclobber"),
    (b'a', "allexport"),
    (b'b', "notify"),
    (b'u', "nounset"),
    (b'E', "errtrace"),
    (0, "pipefail"),
    (b'h', "hashall"),
];

/// Those that only the command line sets, for `$-`.
const ON_START: &[u8] = b"sic";

/// Which options are on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Options {
    on: u32,
    /// `-s`, `-i`, `-c`, as bits in the order of `ON_START`.
    start: u8,
}

macro_rules! options {
    ($($index:literal $name:ident),*) => {
        impl Options {
            $(
                #[inline]
                pub(crate) fn $name(&self) -> bool {
                    self.on & (1 << $index) != 0
                }
            )*
        }
    };
}

options! {
    0 errexit, 1 noglob, 3 monitor, 4 noexec, 5 xtrace, 6 verbose, 7 noclobber, 8 allexport,
    9 notify, 10 nounset, 11 errtrace, 12 pipefail, 2 ignoreeof
}

impl Options {
    /// Turns the option of a letter on or off; false if there is none.
    pub(crate) fn set_letter(&mut self, letter: u8, on: bool) -> bool {
        match TABLE.iter().position(|(known, _)| *known == letter && letter != 0) {
            Some(index) => {
                self.set(index, on);
                true
            }
            None => false,
        }
    }

    /// Turns the option of a name on or off; false if there is none.
    pub(crate) fn set_name(&mut self, name: &[u8], on: bool) -> bool {
        match TABLE.iter().position(|(_, known)| known.as_bytes() == name) {
            Some(index) => {
                self.set(index, on);
                true
            }
            None => false,
        }
    }

    fn set(&mut self, index: usize, on: bool) {
        self.on = if on { self.on | 1 << index } else { self.on & !(1 << index) };
    }

    /// Notes an option of the command line.
    pub(crate) fn started_with(&mut self, letter: u8) {
        if let Some(index) = ON_START.iter().position(|known| *known == letter) {
            self.start |= 1 << index;
        }
    }

    /// `$-`
    #[must_use]
    pub(crate) fn letters(&self) -> Vec<u8> {
        let mut letters = Vec::new();
        for (index, letter) in ON_START.iter().enumerate() {
            if self.start & (1 << index) != 0 {
                letters.push(*letter);
            }
        }
        for (index, (letter, _)) in TABLE.iter().enumerate() {
            if *letter != 0 && self.on & (1 << index) != 0 {
                letters.push(*letter);
            }
        }
        letters
    }

    /// Names and states, for `set -o`.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, bool)> + '_ {
        TABLE.iter().enumerate().map(|(index, (_, name))| (*name, self.on & (1 << index) != 0))
    }
}
