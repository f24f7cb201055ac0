//! Lays a filter out: architecture first, then a balanced tree over the numbers of calls.
//!
//! Numbers that are next to each other and share a decision are one range, so the tree has as
//! many leaves as the profile has changes of mind; a call costs about log2 of that in
//! comparisons. (For calls that are always allowed, Linux 5.11 and later does not even run the
//! program: it keeps a bitmap.)

use std::collections::BTreeMap;

use isopod_oci::runtime::LinuxSeccomp;

use crate::action::ENOSYS;
use crate::assemble::{Assembler, Label};
use crate::program::MAX_INSTRUCTIONS;
use crate::rules::{ARM_PRIVATE, Checked, Condition, Decision, check};
use crate::syscalls::X32_BIT;
use crate::{Action, Arch, Error, Program, flags};

/// `-1` is what a tracer sets to skip a call: the default decides, and no range swallows it.
const SKIPPED: u32 = u32::MAX;

/// Numbers from `start` to the next range's start.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    start: u32,
    decision: Decision,
    wide: bool,
}

/// Compiles a profile for a kernel of the architecture `native`.
///
/// The semantics are those of runc with libseccomp:
/// - the native architecture is always part of the filter; calls of architectures that are not
///   kill the thread;
/// - names that an architecture lacks are left out ([`Program::ignored`] lists those that none
///   has);
/// - an unconditional rule outweighs conditional ones for the same call; among conditional ones
///   the first that matches decides; several conditions on the same argument are alternatives;
/// - where the default action refuses, calls with numbers above all that the profile mentions
///   fail with `ENOSYS`, so that programs fall back to older calls.
pub fn compile(profile: &LinuxSeccomp, native: Arch) -> Result<Program, Error> {
    let checked = check(profile)?;
    let mut archs = vec![native];
    for name in &profile.architectures {
        match Arch::parse(name)? {
            Some(arch) if native.family().contains(&arch) && !archs.contains(&arch) => {
                archs.push(arch);
            }
            _ => {}
        }
    }
    let flags = flags::parse(&profile.flags, checked.wants_listener)?;

    let mut assembler = Assembler::default();
    let bad_arch = assembler.answer(Action::KillThread);
    let mut entries = Vec::new();
    for &arch in archs.iter().rev().filter(|&&arch| arch != Arch::X32) {
        let x32 = archs.contains(&Arch::X32);
        let ranges = ranges(&checked, arch, x32);
        let tree = tree(&mut assembler, &ranges, checked.default);
        let entry = assembler.load_number(tree);
        entries.push((arch.audit(), entry));
    }
    let mut dispatch = bad_arch;
    for (audit, entry) in entries {
        dispatch = assembler.arch_is(audit, entry, dispatch);
    }
    let entry = assembler.load_arch(dispatch);
    if assembler.len() > MAX_INSTRUCTIONS {
        return Err(Error::TooLong { instructions: assembler.len(), max: MAX_INSTRUCTIONS });
    }
    let instructions = assembler.finish(entry);
    Ok(Program::new(instructions, flags, checked.wants_listener, checked.ignored(&archs)))
}

/// The ranges that cover every number of one kernel entry, x32 calls included for x86_64.
fn ranges(checked: &Checked<'_>, arch: Arch, x32: bool) -> Vec<Range> {
    let mut ranges = Vec::new();
    let (decisions, newest) = checked.decisions(arch);
    // Where the table of an architecture ends and something else begins.
    let end = match arch {
        Arch::X86_64 => X32_BIT,
        Arch::Arm => ARM_PRIVATE,
        _ => SKIPPED,
    };
    push_table(&mut ranges, checked, arch, 0, &decisions, newest, end);
    match arch {
        Arch::X86_64 if x32 => {
            let (decisions, newest) = checked.decisions(Arch::X32);
            let table = (X32_BIT, SKIPPED);
            push_table(&mut ranges, checked, Arch::X32, table.0, &decisions, newest, table.1);
        }
        Arch::X86_64 => ranges.push(Range {
            start: X32_BIT,
            decision: Decision::Always(Action::KillThread),
            wide: true,
        }),
        Arch::Arm => push_table(&mut ranges, checked, arch, ARM_PRIVATE, &decisions, None, SKIPPED),
        _ => {}
    }
    ranges.push(Range { start: SKIPPED, decision: Decision::Always(checked.default), wide: true });
    // Of two ranges at the same place the later one counts; neighbours that agree are one.
    let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        if merged.last().is_some_and(|last| last.start == range.start) {
            merged.pop();
        }
        if merged.last().is_none_or(|last| {
            last.decision != range.decision
                || (last.wide != range.wide && matches!(range.decision, Decision::FirstOf(_)))
        }) {
            merged.push(range);
        }
    }
    merged
}

/// Appends the ranges of one table, `[begin, end)`.
fn push_table(
    ranges: &mut Vec<Range>,
    checked: &Checked<'_>,
    arch: Arch,
    begin: u32,
    decisions: &BTreeMap<u32, Decision>,
    newest: Option<u32>,
    end: u32,
) {
    let wide = arch.is_64_bit();
    let mut push = |start, decision| {
        if start < end {
            ranges.push(Range { start, decision, wide });
        }
    };
    let default = Decision::Always(checked.default);
    push(begin, default.clone());
    for (&number, decision) in decisions.range(begin..end) {
        push(number, decision.clone());
        push(number + 1, default.clone());
    }
    if let Some(newest) = newest
        && !checked.default.is_permissive()
    {
        push(newest + 1, Decision::Always(Action::Errno(ENOSYS)));
    }
}

/// A balanced tree that finds the range of the loaded number.
fn tree(assembler: &mut Assembler, ranges: &[Range], default: Action) -> Label {
    if let [range] = ranges {
        return decide(assembler, range, default);
    }
    let (left, right) = ranges.split_at(ranges.len() / 2);
    // A single odd number between two ranges that agree needs one comparison instead of two.
    if let [before, odd, after] = ranges
        && before.decision == after.decision
        && before.wide == after.wide
        && odd.start.checked_add(1) == Some(after.start)
    {
        let other = decide(assembler, before, default);
        let odd_one = decide(assembler, odd, default);
        return assembler.number_is(odd.start, odd_one, other);
    }
    let right_tree = tree(assembler, right, default);
    let left_tree = tree(assembler, left, default);
    assembler.number_at_least(right[0].start, right_tree, left_tree)
}

fn decide(assembler: &mut Assembler, range: &Range, default: Action) -> Label {
    match &range.decision {
        Decision::Always(action) => assembler.answer(*action),
        Decision::FirstOf(alternatives) => {
            let mut otherwise = assembler.answer(default);
            for (conditions, action) in alternatives.iter().rev() {
                otherwise = all_of(assembler, conditions, range.wide, *action, otherwise);
            }
            otherwise
        }
    }
}

/// `action` if all conditions hold, else what is at `otherwise`.
fn all_of(
    assembler: &mut Assembler,
    conditions: &[Condition],
    wide: bool,
    action: Action,
    otherwise: Label,
) -> Label {
    let mut yes = assembler.answer(action);
    for condition in conditions.iter().rev() {
        yes = assembler.condition(*condition, wide, yes, otherwise);
    }
    yes
}
