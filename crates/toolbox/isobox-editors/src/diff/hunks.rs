//! Changes as ranges of lines, and those that are shown together.

use std::ops::Range;

use super::changes::changed;
use super::lines::{Ignore, Text, classes};

/// Lines of the old text and those of the new one in their place; one of the two may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) old: Range<usize>,
    pub(crate) new: Range<usize>,
}

/// The changes from one text to another, in order.
pub(crate) fn script<'t>(
    old: &Text<'t>,
    new: &Text<'t>,
    ignore: &Ignore,
    minimal: bool,
) -> Vec<Change> {
    let (front, back) = old.common(new);
    // A run may move over lines that are the same; a few are kept so that it can.
    let (front, back) = (front.saturating_sub(64), back.saturating_sub(64));
    let (old_range, new_range) = (front..old.len() - back, front..new.len() - back);
    let (old_numbers, new_numbers) = classes((old, old_range), (new, new_range), ignore);
    let changed = changed(&old_numbers, &new_numbers, minimal);
    let (mut script, mut i, mut j) = (Vec::new(), 0, 0);
    while i < changed.old.len() || j < changed.new.len() {
        let (old_start, new_start) = (i, j);
        while changed.old.get(i) == Some(&true) {
            i += 1;
        }
        while changed.new.get(j) == Some(&true) {
            j += 1;
        }
        if i > old_start || j > new_start {
            script.push(Change {
                old: old_start + front..i + front,
                new: new_start + front..j + front,
            });
        }
        (i, j) = (i + 1, j + 1);
    }
    script
}

/// Changes whose contexts meet, with the lines that are shown of each text.
#[derive(Debug)]
pub(crate) struct Hunk<'s> {
    pub(crate) changes: &'s [Change],
    pub(crate) old: Range<usize>,
    pub(crate) new: Range<usize>,
}

/// Groups changes, each with so many lines around it.
pub(crate) fn hunks<'s>(
    script: &'s [Change],
    context: usize,
    (old_len, new_len): (usize, usize),
) -> Vec<Hunk<'s>> {
    let groups = script.chunk_by(|a, b| b.old.start - a.old.end <= context.saturating_mul(2));
    groups
        .map(|changes| {
            let (first, last) = (&changes[0], &changes[changes.len() - 1]);
            let before = context.min(first.old.start).min(first.new.start);
            let after = context.min(old_len - last.old.end).min(new_len - last.new.end);
            Hunk {
                changes,
                old: first.old.start - before..last.old.end + after,
                new: first.new.start - before..last.new.end + after,
            }
        })
        .collect()
}
