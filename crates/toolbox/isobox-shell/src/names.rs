//! Names of variables and functions as small numbers, so that finding one is indexing a table.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

/// A name, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(pub(crate) u32);

impl Name {
    /// Its place in a table.
    #[must_use]
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

macro_rules! known {
    ($($constant:ident = $number:literal $text:literal),* $(,)?) => {
        $(pub(crate) const $constant: Name = Name($number);)*
        const KNOWN: &[&str] = &[$($text),*];
    };
}

known! {
    IFS = 0 "IFS", PATH = 1 "PATH", HOME = 2 "HOME", PWD = 3 "PWD", OLDPWD = 4 "OLDPWD",
    PS1 = 5 "PS1", PS2 = 6 "PS2", PS4 = 7 "PS4", OPTIND = 8 "OPTIND", OPTARG = 9 "OPTARG",
    LINENO = 10 "LINENO", RANDOM = 11 "RANDOM", SECONDS = 12 "SECONDS", PPID = 13 "PPID",
    ENV = 14 "ENV", CDPATH = 15 "CDPATH", HISTFILE = 16 "HISTFILE", REPLY = 17 "REPLY",
    EPOCHSECONDS = 18 "EPOCHSECONDS", EPOCHREALTIME = 19 "EPOCHREALTIME",
    FUNCNAME = 20 "FUNCNAME", SHLVL = 21 "SHLVL",
}

/// FNV-1a: names are short, and nobody gains from making them collide in their own shell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// A map by [`Fnv`].
pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Fnv>>;

/// All names seen so far.
#[derive(Debug)]
pub(crate) struct Names {
    numbers: Map<Rc<[u8]>, Name>,
    texts: Vec<Rc<[u8]>>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Self { numbers: Map::default(), texts: Vec::new() };
        for text in KNOWN {
            names.intern(text.as_bytes());
        }
        names
    }
}

impl Names {
    /// The number of a name, given out at first sight.
    pub(crate) fn intern(&mut self, text: &[u8]) -> Name {
        if let Some(&name) = self.numbers.get(text) {
            return name;
        }
        let name = Name(u32::try_from(self.texts.len()).expect("memory ends before names do"));
        let text: Rc<[u8]> = Rc::from(text);
        self.texts.push(Rc::clone(&text));
        self.numbers.insert(text, name);
        name
    }

    /// The number of a name that was seen.
    #[must_use]
    pub(crate) fn find(&self, text: &[u8]) -> Option<Name> {
        self.numbers.get(text).copied()
    }

    /// The name's text.
    #[must_use]
    pub(crate) fn text(&self, name: Name) -> &Rc<[u8]> {
        &self.texts[name.index()]
    }
}

/// Whether text can name a variable.
#[must_use]
pub(crate) fn is_name(text: &[u8]) -> bool {
    text.first().is_some_and(|&byte| is_name_start(byte))
        && text.iter().all(|&byte| is_name_byte(byte))
}

/// A letter or underscore.
#[must_use]
#[inline]
pub(crate) fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// A letter, digit or underscore.
#[must_use]
#[inline]
pub(crate) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
