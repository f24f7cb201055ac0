//! What a word begun could become.

use std::os::unix::ffi::OsStrExt;

use crate::names;
use crate::shell::Shell;
use crate::{builtins, glob, pattern};

/// More candidates are not shown.
const MAX_CANDIDATES: usize = 500;

impl Shell {
    /// The words that the one before the cursor could become, and where it begins.
    pub(super) fn candidates(&mut self, text: &[u8]) -> (usize, Vec<Vec<u8>>) {
        let start = text
            .iter()
            .enumerate()
            .rev()
            .find(|&(at, byte)| {
                b" \t;|&()<>`=".contains(byte) && (at == 0 || text[at - 1] != b'\\')
            })
            .map_or(0, |(at, _)| at + 1);
        let word = unescape(&text[start..]);
        let before = text[..start].trim_ascii_end();
        let command =
            before.is_empty() || before.last().is_some_and(|byte| b";|&(`".contains(byte));
        let mut found = if let Some(name) = word.strip_prefix(b"$") {
            self.variables_like(name)
        } else if command && !word.contains(&b'/') {
            self.commands_like(&word)
        } else {
            self.files_like(&word)
        };
        found.sort();
        found.dedup();
        found.truncate(MAX_CANDIDATES);
        (start, found)
    }

    fn variables_like(&mut self, name: &[u8]) -> Vec<Vec<u8>> {
        let all: Vec<names::Name> = self.vars.names().collect();
        all.into_iter()
            .map(|known| self.names.text(known))
            .filter(|text| text.starts_with(name))
            .map(|text| [b"$", &text[..]].concat())
            .collect()
    }

    fn commands_like(&mut self, word: &[u8]) -> Vec<Vec<u8>> {
        let mut found: Vec<Vec<u8>> = Vec::new();
        let mut add = |name: &[u8]| {
            if name.starts_with(word) {
                found.push([name, b" "].concat());
            }
        };
        builtins::TABLE.iter().for_each(|builtin| add(builtin.name.as_bytes()));
        self.aliases.keys().for_each(|name| add(name));
        self.registry.sorted().iter().for_each(|applet| add(applet.name.as_bytes()));
        for (index, slot) in self.functions.iter().enumerate() {
            if slot.is_some() {
                add(self.names.text(names::Name(u32::try_from(index).unwrap_or(0))));
            }
        }
        let path = self.vars.value(names::PATH).unwrap_or_default();
        for directory in path.split(|&byte| byte == b':') {
            let Ok(entries) = std::fs::read_dir(crate::expand::path(directory)) else { continue };
            entries.flatten().for_each(|entry| add(entry.file_name().as_bytes()));
        }
        found
    }

    fn files_like(&mut self, word: &[u8]) -> Vec<Vec<u8>> {
        let home = self.variable(names::HOME).unwrap_or_default();
        let full = match word.strip_prefix(b"~/") {
            Some(rest) => [&home[..], b"/", rest].concat(),
            None => word.to_vec(),
        };
        let mut wanted = Vec::new();
        pattern::escape(&full, &mut wanted);
        wanted.push(b'*');
        glob::expand(&wanted)
            .into_iter()
            .map(|name| {
                let directory = std::fs::metadata(crate::expand::path(&name))
                    .is_ok_and(|status| status.is_dir());
                let shown = if full.len() == word.len() {
                    name
                } else {
                    [b"~", &name[home.len()..]].concat()
                };
                let mut shown = escape(&shown);
                shown.push(if directory { b'/' } else { b' ' });
                shown
            })
            .collect()
    }
}

fn escape(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in name {
        if b" \t\\'\"$`;&|()<>*?[#!{}".contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}

fn unescape(word: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = word.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => out.extend(bytes.next()),
            b'"' | b'\'' => {}
            byte => out.push(byte),
        }
    }
    out
}

/// What all candidates begin with.
pub(super) fn common_start(candidates: &[Vec<u8>]) -> usize {
    let Some(first) = candidates.first() else { return 0 };
    candidates
        .iter()
        .map(|other| first.iter().zip(other).take_while(|(left, right)| left == right).count())
        .min()
        .unwrap_or(0)
}
