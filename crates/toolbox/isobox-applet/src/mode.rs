//! Permissions: as `chmod` takes them and as `ls -l` shows them.

/// A change of permissions: `u+rwx,go-w`, `=`, `755`.
#[derive(Debug, Clone)]
pub struct ModeChange(Vec<Clause>);

#[derive(Debug, Clone)]
struct Clause {
    /// Whom it is for, as a mask of all bits of these classes.
    who: u32,
    /// Whether nobody was named, so that the umask holds.
    umasked: bool,
    operator: char,
    permissions: u32,
    /// `X`: execution where it is a directory or somebody may execute.
    conditional: bool,
    /// `u`, `g` or `o`: what this class has.
    copied: Option<u32>,
    /// An octal mode, which a directory's set-id bits give way to as well, as in BusyBox.
    absolute: bool,
}

const USER: u32 = 0o4700;
const GROUP: u32 = 0o2070;
const OTHER: u32 = 0o1007;

impl ModeChange {
    /// Reads a mode; nothing if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let mode = u32::from_str_radix(text, 8).ok().filter(|&mode| mode <= 0o7777)?;
            let clause = Clause {
                who: 0o7777,
                umasked: false,
                operator: '=',
                permissions: mode,
                conditional: false,
                copied: None,
                absolute: true,
            };
            return Some(Self(vec![clause]));
        }
        let mut clauses = Vec::new();
        for part in text.split(',') {
            let mut letters = part.chars().peekable();
            let mut who = 0;
            while let Some(letter) = letters.next_if(|letter| "ugoa".contains(*letter)) {
                who |= match letter {
                    'u' => USER,
                    'g' => GROUP,
                    'o' => OTHER,
                    _ => 0o7777,
                };
            }
            let umasked = who == 0;
            let who = if umasked { 0o7777 } else { who };
            letters.peek()?;
            while let Some(operator) = letters.next() {
                if !"+-=".contains(operator) {
                    return None;
                }
                let mut clause = Clause {
                    who,
                    umasked,
                    operator,
                    permissions: 0,
                    conditional: false,
                    copied: None,
                    absolute: false,
                };
                if let Some(letter) = letters.next_if(|letter| "ugo".contains(*letter)) {
                    clause.copied = Some(match letter {
                        'u' => 6,
                        'g' => 3,
                        _ => 0,
                    });
                } else {
                    while let Some(letter) = letters.next_if(|letter| "rwxXst".contains(*letter)) {
                        match letter {
                            'r' => clause.permissions |= 0o444,
                            'w' => clause.permissions |= 0o222,
                            'x' => clause.permissions |= 0o111,
                            'X' => clause.conditional = true,
                            's' => clause.permissions |= 0o6000,
                            _ => clause.permissions |= 0o1000,
                        }
                    }
                }
                clauses.push(clause);
            }
        }
        Some(Self(clauses))
    }

    /// The permissions of a file that has `mode` after the change.
    #[must_use]
    pub fn apply(&self, mode: u32, directory: bool, umask: u32) -> u32 {
        let mut mode = mode & 0o7777;
        for clause in &self.0 {
            let mut bits = clause.permissions;
            if let Some(shift) = clause.copied {
                bits = (mode >> shift & 7) * 0o111;
            }
            if clause.conditional && (directory || mode & 0o111 != 0) {
                bits |= 0o111;
            }
            let mut who = clause.who;
            // `t` is for all, whoever is named.
            if clause.permissions & 0o1000 != 0 && clause.umasked {
                who |= 0o1000;
            }
            let mut value = bits & who;
            if clause.umasked {
                value &= !umask | 0o7000;
            }
            match clause.operator {
                '+' => mode |= value,
                '-' => mode &= !value,
                _ => {
                    let mut cleared = who;
                    if directory && !clause.absolute && clause.permissions & 0o6000 == 0 {
                        // A directory's set-id bits stay unless they are named.
                        cleared &= !0o6000;
                    }
                    mode = mode & !cleared | value;
                }
            }
        }
        mode
    }
}

/// The mask of this process, which can only be read by setting it.
#[must_use]
pub fn umask() -> u32 {
    let mask = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    rustix::process::umask(mask);
    mask.as_raw_mode()
}

/// `drwxr-xr-x`
#[must_use]
pub fn text(mode: u32) -> String {
    let kind = match mode & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'l',
        0o020_000 => 'c',
        0o060_000 => 'b',
        0o010_000 => 'p',
        0o140_000 => 's',
        0o100_000 => '-',
        _ => '?',
    };
    let mut text = String::with_capacity(10);
    text.push(kind);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift & 7;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_change_as_posix_says() {
        for (change, mode, directory, expected) in [
            ("755", 0o600, false, 0o755),
            ("u+x", 0o644, false, 0o744),
            ("+x", 0o644, false, 0o755),
            ("+w", 0o444, false, 0o644),
            ("a+w", 0o444, false, 0o666),
            ("go-rwx", 0o777, false, 0o700),
            ("g=u", 0o740, false, 0o770),
            ("u=rw,go=r", 0o777, false, 0o644),
            ("a+X", 0o644, false, 0o644),
            ("a+X", 0o744, false, 0o755),
            ("a+X", 0o644, true, 0o755),
            ("u+s", 0o755, false, 0o4755),
            ("+t", 0o755, true, 0o1755),
            ("o=", 0o777, false, 0o770),
            ("u+r-w", 0o200, false, 0o400),
            ("755", 0o2700, true, 0o755),
            ("u=rwx", 0o2700, true, 0o2700),
        ] {
            let parsed = ModeChange::parse(change).unwrap();
            assert_eq!(parsed.apply(mode, directory, 0o022), expected, "{change} of {mode:o}");
        }
        for bad in ["", "8", "u", "u+q", "77777", "+x,", "x"] {
            assert!(ModeChange::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(text(0o041_777), "drwxrwxrwt");
        assert_eq!(text(0o104_644), "-rwSr--r--");
    }
}
