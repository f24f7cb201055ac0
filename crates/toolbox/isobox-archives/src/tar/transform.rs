//! `--transform s/EXPRESSION/REPLACEMENT/FLAGS`: other names for members.

use isobox_applet::{Error, Result};
use isobox_regex::{Options, Regex, Syntax};

/// One rule.
#[derive(Debug)]
pub(crate) struct Transform {
    regex: Regex,
    replacement: Vec<Part>,
    global: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    Group(usize),
}

impl Transform {
    /// Reads a rule: `s`, any delimiter, flags `g`, `i` and `x` (extended expressions).
    pub(super) fn parse(text: &[u8]) -> Result<Self> {
        let bad = |why: &str| {
            Error::message(format!("bad transformation '{}': {why}", String::from_utf8_lossy(text)))
        };
        let (Some(b's'), Some(&delimiter)) = (text.first(), text.get(1)) else {
            return Err(bad("expected s/EXPRESSION/REPLACEMENT/"));
        };
        let mut rest = &text[2..];
        let mut part = || {
            let mut taken = Vec::new();
            while let Some((&byte, after)) = rest.split_first() {
                rest = after;
                if byte == delimiter {
                    return Some(taken);
                }
                if byte == b'\\' && !rest.is_empty() {
                    if rest[0] != delimiter {
                        taken.push(b'\\');
                    }
                    taken.push(rest[0]);
                    rest = &rest[1..];
                } else {
                    taken.push(byte);
                }
            }
            None
        };
        let (Some(pattern), Some(replacement)) = (part(), part()) else {
            return Err(bad("the delimiter has to stand three times"));
        };
        let (mut global, mut ignore_case, mut syntax) = (false, false, Syntax::Basic);
        for flag in rest {
            match flag {
                b'g' => global = true,
                b'i' => ignore_case = true,
                b'x' => syntax = Syntax::Extended,
                _ => return Err(bad("flags are g, i and x")),
            }
        }
        let options = Options { ignore_case, ..Options::default() };
        let regex =
            Regex::new(&pattern, syntax, options).map_err(|error| bad(&error.to_string()))?;
        let replacement = parts(&replacement);
        let most = replacement.iter().map(|part| match part {
            Part::Group(group) => *group,
            Part::Text(_) => 0,
        });
        if most.max().unwrap_or(0) > regex.groups() {
            return Err(bad("the replacement names a group that is not there"));
        }
        Ok(Self { regex, replacement, global })
    }

    /// The path after the rule.
    pub(super) fn apply(&self, path: &[u8]) -> Result<Vec<u8>> {
        let mut result = Vec::with_capacity(path.len());
        let (mut copied, mut at) = (0, 0);
        while at <= path.len() {
            let found = self.regex.groups_at(path, at);
            let found = found.map_err(|error| Error::message(error.to_string()))?;
            let Some(groups) = found else { break };
            let Some((start, end)) = groups.first().copied().flatten() else { break };
            result.extend_from_slice(&path[copied..start]);
            for part in &self.replacement {
                match part {
                    Part::Text(text) => result.extend_from_slice(text),
                    Part::Group(group) => {
                        if let Some((from, to)) = groups.get(*group).copied().flatten() {
                            result.extend_from_slice(&path[from..to]);
                        }
                    }
                }
            }
            copied = end;
            // After an empty match, the next one is further on.
            at = if end == start { end + 1 } else { end };
            if !self.global {
                break;
            }
        }
        result.extend_from_slice(&path[copied.min(path.len())..]);
        Ok(result)
    }
}

fn parts(text: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut literal = Vec::new();
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        let group = match byte {
            b'&' => 0,
            b'\\' => match bytes.next() {
                Some(digit @ b'0'..=b'9') => usize::from(digit - b'0'),
                Some(other) => {
                    literal.push(if other == b'n' { b'\n' } else { other });
                    continue;
                }
                None => continue,
            },
            byte => {
                literal.push(byte);
                continue;
            }
        };
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal)));
        }
        parts.push(Part::Group(group));
    }
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_as_the_rule_says() {
        for (rule, path, expected) in [
            ("s/a/b/", "aa", "ba"),
            ("s/a/b/g", "aa", "bb"),
            ("s,^,top/,", "x/y", "top/x/y"),
            ("s/\\(.\\)\\(.\\)/\\2\\1[&]/", "ab", "ba[ab]"),
            ("s/(x+)/<\\1>/x", "axxb", "a<xx>b"),
            ("s|A|\\||i", "a", "|"),
            ("s/q/b/", "x", "x"),
        ] {
            let rule = Transform::parse(rule.as_bytes()).unwrap();
            assert_eq!(rule.apply(path.as_bytes()).unwrap(), expected.as_bytes(), "{path}");
        }
        for bad in ["", "s", "s/a", "s/a/b", "y/a/b/", "s/a/b/q", "s/a/\\1/", "s/\\(/b/"] {
            assert!(Transform::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
