//! `s`: the replacement of matches.

use isobox_applet::{Error, Result};
use isobox_regex::{Regex, Span};

use super::script::{Case, Part, Substitute};

/// What the text becomes; nothing if there was no match to replace.
pub(crate) fn apply(
    substitute: &Substitute,
    regex: &Regex,
    text: &[u8],
    utf8: bool,
) -> Result<Option<Vec<u8>>> {
    let plain = match substitute.replacement.as_slice() {
        [] => Some(&[][..]),
        [Part::Text(text)] => Some(text.as_slice()),
        _ => None,
    };
    let mut result = Vec::new();
    let (mut copied, mut at, mut count, mut replaced) = (0, 0, 0, false);
    let mut previous_end = None;
    while at <= text.len() {
        let found = match plain {
            Some(_) => regex.find_at(text, at).map(|span| span.map(|span| vec![Some(span)])),
            None => regex.groups_at(text, at),
        };
        let found = found.map_err(|error| Error::message(error.to_string()))?;
        let Some((start, end, groups)) = found.and_then(whole) else { break };
        // An empty match right after another one is none.
        if start == end && previous_end == Some(start) {
            at = start + character_length(text, start, utf8);
            continue;
        }
        count += 1;
        previous_end = Some(end);
        if count >= substitute.first {
            result.extend_from_slice(&text[copied..start]);
            match plain {
                Some(plain) => result.extend_from_slice(plain),
                None => replace(&substitute.replacement, text, &groups, &mut result),
            }
            copied = end;
            replaced = true;
            if !substitute.global {
                break;
            }
        }
        at = if start == end { end + character_length(text, end, utf8) } else { end };
    }
    if !replaced {
        return Ok(None);
    }
    result.extend_from_slice(&text[copied..]);
    Ok(Some(result))
}

fn whole(groups: Vec<Option<Span>>) -> Option<(usize, usize, Vec<Option<Span>>)> {
    let (start, end) = groups.first().copied().flatten()?;
    Some((start, end, groups))
}

fn character_length(text: &[u8], at: usize, utf8: bool) -> usize {
    if !utf8 {
        return 1;
    }
    let more = text.get(at + 1..).unwrap_or_default();
    1 + more.iter().take_while(|&&byte| (0x80..0xc0).contains(&byte)).count()
}

/// Appends the replacement for one match.
fn replace(parts: &[Part], text: &[u8], groups: &[Option<Span>], result: &mut Vec<u8>) {
    let (mut case, mut next) = (None, None);
    for part in parts {
        let piece = match part {
            Part::Text(text) => text.as_slice(),
            Part::Group(group) => match groups.get(*group).copied().flatten() {
                Some((start, end)) => &text[start..end],
                None => continue,
            },
            Part::Case(Case::End) => {
                (case, next) = (None, None);
                continue;
            }
            Part::Case(one @ (Case::NextUpper | Case::NextLower)) => {
                next = Some(*one);
                continue;
            }
            Part::Case(all) => {
                case = Some(*all);
                continue;
            }
        };
        if case.is_none() && next.is_none() {
            result.extend_from_slice(piece);
        } else {
            convert(piece, case, &mut next, result);
        }
    }
}

fn convert(piece: &[u8], case: Option<Case>, next: &mut Option<Case>, result: &mut Vec<u8>) {
    for chunk in piece.utf8_chunks() {
        for character in chunk.valid().chars() {
            let text = match next.take().or(case) {
                Some(Case::Upper | Case::NextUpper) => character.to_uppercase().to_string(),
                Some(Case::Lower | Case::NextLower) => character.to_lowercase().to_string(),
                _ => character.to_string(),
            };
            result.extend_from_slice(text.as_bytes());
        }
        result.extend_from_slice(chunk.invalid());
    }
}
