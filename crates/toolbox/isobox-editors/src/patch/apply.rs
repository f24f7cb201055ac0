//! Hunks applied to lines: at the place that they name, or near it, or with some of their context
//! left out.

use std::borrow::Cow;

use super::Settings;
use super::parse::{Hunk, Kind};

/// What became of a text.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub(crate) text: Vec<u8>,
    pub(crate) rejected: Vec<Hunk>,
    /// Whether every hunk was where it should be.
    pub(crate) exact: bool,
    /// Of hunks that were found elsewhere.
    pub(crate) notes: Vec<String>,
    /// Of hunks that were not found, whole lines.
    pub(crate) messages: Vec<String>,
}

/// Where a hunk fits.
struct Fit {
    /// The first line that is replaced.
    at: usize,
    /// Lines of context that are left out in front and at the end.
    front: usize,
    back: usize,
    fuzz: usize,
}

/// Applies hunks in order.
pub(crate) fn apply(old: &[u8], hunks: &[Hunk], settings: &Settings) -> Applied {
    let lines: Vec<&[u8]> = old.split_inclusive(|byte| *byte == b'\n').collect();
    let mut applied = Applied { exact: true, ..Applied::default() };
    // Lines that are done, and how far the last hunk was from where it should be.
    let (mut done, mut offset) = (0_usize, 0_isize);
    for (hunk, number) in hunks.iter().zip(1..) {
        let wanted = hunk.old();
        let expected = expected_line(hunk, wanted.len());
        let guess = expected.saturating_add_signed(offset);
        if settings.forward && is_applied(hunk, &lines, guess, done, settings) {
            continue;
        }
        let exact = Settings { fuzz: 0, ..settings.clone() };
        let fit = find(hunk, &wanted, &lines, guess, done, &exact).or_else(|| {
            // What is there already is not applied once more by leaving out context.
            let again = is_applied(hunk, &lines, guess, done, &exact);
            if again { None } else { find(hunk, &wanted, &lines, guess, done, settings) }
        });
        let Some(fit) = fit else {
            applied.exact = false;
            applied.fail(hunk, number, &lines, guess, done, settings);
            continue;
        };
        let at = isize::try_from(fit.at - fit.front.min(fit.at)).unwrap_or(isize::MAX);
        offset = at - isize::try_from(expected).unwrap_or(isize::MAX);
        if offset != 0 || fit.fuzz > 0 {
            applied.exact = false;
            applied.notes.push(note(number, fit.at - fit.front.min(fit.at) + 1, offset, fit.fuzz));
        }
        lines[done..fit.at].iter().for_each(|line| applied.text.extend_from_slice(line));
        let kept = &hunk.lines[fit.front..hunk.lines.len() - fit.back];
        let mut source = fit.at;
        for (kind, line) in kept {
            match kind {
                // The file's own line: blanks may differ from the patch's.
                Kind::Context => {
                    applied.text.extend_from_slice(lines[source]);
                    source += 1;
                }
                Kind::Removed => source += 1,
                Kind::Added => applied.text.extend_from_slice(line),
            }
        }
        done = source;
    }
    lines[done..].iter().for_each(|line| applied.text.extend_from_slice(line));
    applied
}

impl Applied {
    fn fail(
        &mut self,
        hunk: &Hunk,
        number: usize,
        lines: &[&[u8]],
        guess: usize,
        done: usize,
        settings: &Settings,
    ) {
        if is_applied(hunk, lines, guess, done, settings) {
            let end = lines.len() + 1;
            self.messages.push(format!("Possibly reversed hunk {number} at {end}\n"));
        }
        let mut text = Vec::new();
        hunk.write_lines(&mut text);
        let text = String::from_utf8_lossy(&text);
        let (old, new) = (hunk.old_start, hunk.new_start);
        self.messages.push(format!("Hunk {number} FAILED {old}/{new}.\n{text}"));
        self.rejected.push(hunk.clone());
    }
}

/// The line, from 0, that a hunk says it begins at.
fn expected_line(hunk: &Hunk, wanted: usize) -> usize {
    if wanted == 0 { hunk.old_start } else { hunk.old_start.saturating_sub(1) }
}

fn note(number: usize, line: usize, offset: isize, fuzz: usize) -> String {
    let fuzz = if fuzz > 0 { format!(" with fuzz {fuzz}") } else { String::new() };
    let offset = match offset {
        0 => String::new(),
        1 | -1 => format!(" (offset {offset} line)"),
        _ => format!(" (offset {offset} lines)"),
    };
    format!("Hunk #{number} succeeded at {line}{fuzz}{offset}.\n")
}

/// Whether what a hunk makes is there already.
fn is_applied(
    hunk: &Hunk,
    lines: &[&[u8]],
    guess: usize,
    done: usize,
    settings: &Settings,
) -> bool {
    let mut reversed = hunk.clone();
    reversed.reverse();
    let wanted = reversed.old();
    !wanted.is_empty() && find(&reversed, &wanted, lines, guess, done, settings).is_some()
}

fn find(
    hunk: &Hunk,
    wanted: &[&[u8]],
    lines: &[&[u8]],
    guess: usize,
    done: usize,
    settings: &Settings,
) -> Option<Fit> {
    let is_context = |(kind, _): &&(Kind, Vec<u8>)| *kind == Kind::Context;
    let before = hunk.lines.iter().take_while(is_context).count();
    let after = hunk.lines.iter().rev().take_while(is_context).count();
    if before == hunk.lines.len() && wanted.is_empty() {
        return None;
    }
    let context = before.max(after);
    for fuzz in 0..=settings.fuzz.min(context) {
        // The longer context loses lines first.
        let front = (fuzz + before).saturating_sub(context).min(before);
        let back = (fuzz + after).saturating_sub(context).min(after);
        let rest = &wanted[front..wanted.len() - back];
        // A hunk with less context on one side is at that end of the file.
        let at_start = fuzz == 0 && before < after && hunk.old_start <= 1;
        let at_end = fuzz == 0 && after < before;
        let first = done;
        let Some(last) = lines.len().checked_sub(rest.len()).filter(|last| *last >= first) else {
            continue;
        };
        let fits = |at: usize| {
            (!at_start || at == 0)
                && (!at_end || at == last)
                && rest.iter().zip(&lines[at..]).all(|(a, b)| same(a, b, settings))
        };
        let middle = (guess + front).clamp(first, last);
        let mut distance = 0;
        while distance <= last - first {
            if middle + distance <= last && fits(middle + distance) {
                return Some(Fit { at: middle + distance, front, back, fuzz });
            }
            if distance > 0 && middle >= first + distance && fits(middle - distance) {
                return Some(Fit { at: middle - distance, front, back, fuzz });
            }
            // Lines to insert without context go where the hunk says.
            if rest.is_empty() {
                break;
            }
            distance += 1;
        }
    }
    None
}

fn same(a: &[u8], b: &[u8], settings: &Settings) -> bool {
    if settings.ignore_blanks { squeezed(a) == squeezed(b) } else { a == b }
}

/// A line with runs of blanks as one, and none at the end.
fn squeezed(line: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::with_capacity(line.len());
    for &byte in line.trim_ascii_end() {
        let blank = matches!(byte, b' ' | b'\t');
        if !blank {
            out.push(byte);
        } else if out.last() != Some(&b' ') {
            out.push(b' ');
        }
    }
    Cow::Owned(out)
}
