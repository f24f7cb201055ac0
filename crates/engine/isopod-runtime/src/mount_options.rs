//! Mount options: which are attributes, which propagation, which go to the file system.

use isopod_sys::mount_attr::{
    ATIME, MountAttr, NOATIME, NODEV, NODIRATIME, NOEXEC, NOSUID, NOSYMFOLLOW, PRIVATE, RDONLY,
    SHARED, SLAVE, STRICTATIME, UNBINDABLE,
};

/// The options of one mount, sorted by what they act on.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct MountOptions {
    /// `bind` (false) or `rbind` (true).
    pub(crate) bind: Option<bool>,
    /// Changes an existing mount instead of making one.
    pub(crate) remount: bool,
    /// Attributes of the mount itself.
    pub(crate) attr: MountAttr,
    /// Attributes of the mount and all below it.
    pub(crate) recursive_attr: MountAttr,
    /// Propagations to set in order: kind and whether recursive.
    pub(crate) propagation: Vec<(u64, bool)>,
    /// Copies what lies under the mount point into the new file system.
    pub(crate) copy_up: bool,
    /// `idmap` (false) or `ridmap` (true).
    pub(crate) idmap: Option<bool>,
    /// Options for the file system: key, and value if there is one.
    pub(crate) data: Vec<(String, Option<String>)>,
}

/// What a word does to attributes.
#[derive(Clone, Copy)]
enum Effect {
    Set(u64),
    Clear(u64),
    /// One of the exclusive ways to keep access times.
    Atime(u64),
}

/// Words about attributes; each also exists with an `r` before it, for the whole tree.
const ATTRIBUTES: [(&str, Effect); 18] = [
    ("ro", Effect::Set(RDONLY)),
    ("rw", Effect::Clear(RDONLY)),
    ("nosuid", Effect::Set(NOSUID)),
    ("suid", Effect::Clear(NOSUID)),
    ("nodev", Effect::Set(NODEV)),
    ("dev", Effect::Clear(NODEV)),
    ("noexec", Effect::Set(NOEXEC)),
    ("exec", Effect::Clear(NOEXEC)),
    ("nodiratime", Effect::Set(NODIRATIME)),
    ("diratime", Effect::Clear(NODIRATIME)),
    ("noatime", Effect::Atime(NOATIME)),
    ("atime", Effect::Atime(0)),
    ("relatime", Effect::Atime(0)),
    ("norelatime", Effect::Atime(0)),
    ("strictatime", Effect::Atime(STRICTATIME)),
    ("nostrictatime", Effect::Atime(0)),
    ("nosymfollow", Effect::Set(NOSYMFOLLOW)),
    ("symfollow", Effect::Clear(NOSYMFOLLOW)),
];

const PROPAGATION: [(&str, u64); 4] =
    [("private", PRIVATE), ("shared", SHARED), ("slave", SLAVE), ("unbindable", UNBINDABLE)];

/// Words that file systems take as flags of the super block, and those that undo them (which
/// are what a new super block has anyway, so nothing is passed on).
const SUPER_BLOCK: [(&str, &str); 5] = [
    ("sync", "async"),
    ("dirsync", ""),
    ("lazytime", "nolazytime"),
    ("mand", "nomand"),
    ("iversion", "noiversion"),
];

/// Words without meaning for a container's mounts.
const IGNORED: [&str; 3] = ["defaults", "silent", "loud"];

/// The kind that a word such as `rslave` names, and whether it is recursive.
pub(crate) fn propagation(word: &str) -> Option<(u64, bool)> {
    let named = |word: &str| PROPAGATION.iter().find(|(name, _)| *name == word).map(|(_, p)| *p);
    named(word)
        .map(|kind| (kind, false))
        .or_else(|| word.strip_prefix('r').and_then(named).map(|kind| (kind, true)))
}

impl MountOptions {
    pub(crate) fn parse(words: &[String]) -> Self {
        let mut options = Self::default();
        for word in words {
            options.take(word);
        }
        options
    }

    fn take(&mut self, word: &str) {
        let attribute =
            |word: &str| ATTRIBUTES.iter().find(|(name, _)| *name == word).map(|(_, e)| *e);
        match word {
            "bind" => self.bind = Some(self.bind.unwrap_or(false)),
            "rbind" => self.bind = Some(true),
            "remount" => self.remount = true,
            "tmpcopyup" => self.copy_up = true,
            "idmap" => self.idmap = Some(false),
            "ridmap" => self.idmap = Some(true),
            _ if IGNORED.contains(&word) => {}
            _ => {
                if let Some(effect) = attribute(word) {
                    apply(&mut self.attr, effect);
                } else if let Some(kind) = propagation(word) {
                    self.propagation.push(kind);
                } else if let Some(effect) = word.strip_prefix('r').and_then(attribute) {
                    apply(&mut self.recursive_attr, effect);
                } else if let Some((on, _)) = SUPER_BLOCK.iter().find(|(_, off)| *off == word) {
                    self.data.retain(|(key, _)| key != on);
                } else if !word.is_empty() {
                    self.take_data(word);
                }
            }
        }
    }

    /// One element may hold several options separated by commas, as fstab has them.
    fn take_data(&mut self, word: &str) {
        for option in split_unquoted(word) {
            if option.is_empty() {
                continue;
            }
            self.data.push(match option.split_once('=') {
                Some((key, value)) => (key.to_owned(), Some(value.trim_matches('"').to_owned())),
                None => (option.to_owned(), None),
            });
        }
    }

    /// Whether the mount is to be read-only by either kind of attribute.
    pub(crate) fn is_readonly(&self) -> bool {
        (self.attr.set | self.recursive_attr.set) & RDONLY != 0
    }
}

fn apply(attr: &mut MountAttr, effect: Effect) {
    match effect {
        Effect::Set(bit) => {
            attr.set |= bit;
            attr.clear &= !bit;
        }
        Effect::Clear(bit) => {
            attr.set &= !bit;
            attr.clear |= bit;
        }
        Effect::Atime(value) => {
            attr.set = attr.set & !ATIME | value;
            attr.clear |= ATIME;
        }
    }
}

/// Splits at commas that are neither inside double quotes nor escaped by a backslash.
fn split_unquoted(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Every word with a meaning of its own, for `features`.
pub(crate) fn names() -> Vec<String> {
    let mut names: Vec<String> = ["bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap"]
        .into_iter()
        .chain(IGNORED)
        .map(str::to_owned)
        .collect();
    for name in ATTRIBUTES.iter().map(|(name, _)| *name).chain(PROPAGATION.map(|(name, _)| name)) {
        names.push(name.to_owned());
        names.push(format!("r{name}"));
    }
    for (on, off) in SUPER_BLOCK {
        names.push(on.to_owned());
        if !off.is_empty() {
            names.push(off.to_owned());
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> MountOptions {
        MountOptions::parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn words_are_sorted() {
        let options = parse("rbind ro nosuid rnoexec rslave mode=755 size=64k,nr_inodes=5");
        assert_eq!(options.bind, Some(true));
        assert_eq!(options.attr.set, RDONLY | NOSUID);
        assert_eq!(options.recursive_attr.set, NOEXEC);
        assert_eq!(options.propagation, [(SLAVE, true)]);
        let keys: Vec<&str> = options.data.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["mode", "size", "nr_inodes"]);
    }

    #[test]
    fn the_last_word_wins() {
        let options = parse("ro rw noexec exec noatime strictatime sync async");
        assert_eq!(options.attr.set, STRICTATIME);
        assert_eq!(options.attr.clear, RDONLY | NOEXEC | ATIME);
        assert!(options.data.is_empty());
    }

    #[test]
    fn words_that_begin_with_r_are_not_taken_apart_wrongly() {
        let options = parse("relatime rrelatime rro rw rprivate");
        assert_eq!(options.attr.clear, ATIME | RDONLY);
        assert_eq!(options.recursive_attr.clear, ATIME);
        assert_eq!(options.recursive_attr.set, RDONLY);
        assert_eq!(options.propagation, [(PRIVATE, true)]);
        assert!(options.data.is_empty());
    }

    #[test]
    fn commas_inside_quotes_stay() {
        assert_eq!(split_unquoted("a=\"x,y\",b,c\\,d"), ["a=\"x,y\"", "b", "c\\,d"]);
    }
}
