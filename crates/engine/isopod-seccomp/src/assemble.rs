//! An assembler for classic BPF that works from the end of the program to its beginning.
//!
//! Jumps of classic BPF go forward only, so when an instruction is added every target already
//! stands. A conditional jump reaches 255 instructions; beyond that the assembler puts a copy of
//! the target (if it is a return) or an unconditional jump right behind it.

use std::collections::HashMap;

use crate::Action;
use crate::program::Instruction;
use crate::rules::{Comparison, Condition};

const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
const JUMP: u16 = 0x05; // BPF_JMP | BPF_JA
const JUMP_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_GREATER: u16 = 0x25; // BPF_JMP | BPF_JGT | BPF_K
const JUMP_GREATER_OR_EQUAL: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const ARGUMENTS: u32 = 16;

/// A place in the program, counted from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label(usize);

/// The program so far, last instruction first.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    reversed: Vec<Instruction>,
    /// The copy of each return that was made last, which is the nearest.
    returns: HashMap<u32, Label>,
}

/// Both halves of a 64-bit value.
fn halves(value: u64) -> (u32, u32) {
    ((value >> 32) as u32, (value & u64::from(u32::MAX)) as u32)
}

impl Assembler {
    fn push(&mut self, code: u16, jt: u8, jf: u8, k: u32) -> Label {
        self.reversed.push(Instruction { code, jt, jf, k });
        Label(self.reversed.len())
    }

    /// How many instructions an instruction added next has to skip to get to `target`.
    fn distance(&self, target: Label) -> usize {
        self.reversed.len() - target.0
    }

    /// Makes `target` reachable for a conditional jump that is added after at most one more
    /// instruction.
    fn near(&mut self, target: Label) -> Label {
        if self.distance(target) < usize::from(u8::MAX) {
            return target;
        }
        let Instruction { code, k, .. } = self.reversed[target.0 - 1];
        if code == RETURN {
            let copy = self.push(RETURN, 0, 0, k);
            self.returns.insert(k, copy);
            return copy;
        }
        let distance = self.distance(target);
        let distance = u32::try_from(distance).expect("programs are bounded by their profile");
        self.push(JUMP, 0, 0, distance)
    }

    fn branch(&mut self, code: u16, k: u32, yes: Label, no: Label) -> Label {
        if yes == no {
            return yes;
        }
        let (yes, no) = (self.near(yes), self.near(no));
        let skip = |distance: usize| u8::try_from(distance).expect("near() saw to it");
        let (jt, jf) = (skip(self.distance(yes)), skip(self.distance(no)));
        self.push(code, jt, jf, k)
    }

    /// The return for an action; one is shared by all who ask for it.
    pub(crate) fn answer(&mut self, action: Action) -> Label {
        let value = action.return_value();
        if let Some(&label) = self.returns.get(&value) {
            return label;
        }
        let label = self.push(RETURN, 0, 0, value);
        self.returns.insert(value, label);
        label
    }

    /// `if number >= bound { yes } else { no }`, with the number loaded already.
    pub(crate) fn number_at_least(&mut self, bound: u32, yes: Label, no: Label) -> Label {
        self.branch(JUMP_GREATER_OR_EQUAL, bound, yes, no)
    }

    /// `if number == value { yes } else { no }`, with the number loaded already.
    pub(crate) fn number_is(&mut self, value: u32, yes: Label, no: Label) -> Label {
        self.branch(JUMP_EQUAL, value, yes, no)
    }

    /// Loads the call's number, then goes on at `next`.
    pub(crate) fn load_number(&mut self, next: Label) -> Label {
        self.load(NUMBER, next)
    }

    /// Loads the architecture, then goes on at `next`.
    pub(crate) fn load_arch(&mut self, next: Label) -> Label {
        self.load(ARCH, next)
    }

    /// `if arch == value { yes } else { no }`, with the architecture loaded already.
    pub(crate) fn arch_is(&mut self, value: u32, yes: Label, no: Label) -> Label {
        self.branch(JUMP_EQUAL, value, yes, no)
    }

    fn load(&mut self, offset: u32, next: Label) -> Label {
        self.fall_through(next);
        self.push(LOAD, 0, 0, offset)
    }

    /// Makes `next` what follows the instruction added next.
    fn fall_through(&mut self, next: Label) {
        let distance = self.distance(next);
        if distance > 0 {
            let distance = u32::try_from(distance).expect("programs are bounded by their profile");
            self.push(JUMP, 0, 0, distance);
        }
    }

    /// Tests a condition on an argument.
    pub(crate) fn condition(
        &mut self,
        condition: Condition,
        wide: bool,
        yes: Label,
        no: Label,
    ) -> Label {
        use Comparison::{
            Equal, Greater, GreaterOrEqual, Less, LessOrEqual, MaskedEqual, NotEqual,
        };
        let low_at = ARGUMENTS + 8 * u32::from(condition.argument);
        let words = Words {
            // `struct seccomp_data` holds native 64-bit words; both our machines are
            // little-endian.
            low_at,
            high_at: wide.then_some(low_at + 4),
        };
        match condition.comparison {
            Equal(value) => self.masked_equal(words, u64::MAX, value, yes, no),
            NotEqual(value) => self.masked_equal(words, u64::MAX, value, no, yes),
            MaskedEqual { mask, value } => self.masked_equal(words, mask, value, yes, no),
            Greater(value) => self.ordered(words, JUMP_GREATER, value, yes, no),
            GreaterOrEqual(value) => self.ordered(words, JUMP_GREATER_OR_EQUAL, value, yes, no),
            Less(value) => self.ordered(words, JUMP_GREATER_OR_EQUAL, value, no, yes),
            LessOrEqual(value) => self.ordered(words, JUMP_GREATER, value, no, yes),
        }
    }

    fn masked_equal(
        &mut self,
        words: Words,
        mask: u64,
        value: u64,
        yes: Label,
        no: Label,
    ) -> Label {
        let (mask_high, mask_low) = halves(mask);
        let (value_high, value_low) = halves(value);
        let low = self.masked_word(words.low_at, mask_low, value_low, yes, no);
        match words.high_at {
            Some(at) => self.masked_word(at, mask_high, value_high, low, no),
            None => low,
        }
    }

    fn masked_word(&mut self, at: u32, mask: u32, value: u32, yes: Label, no: Label) -> Label {
        if mask == 0 || yes == no {
            // Nothing to look at: the value was masked with the same mask.
            return yes;
        }
        let test = self.branch(JUMP_EQUAL, value, yes, no);
        let test = if mask == u32::MAX { test } else { self.push(AND, 0, 0, mask) };
        self.load(at, test)
    }

    /// `argument > value` or `argument >= value`, by the code for the low words.
    fn ordered(&mut self, words: Words, code: u16, value: u64, yes: Label, no: Label) -> Label {
        let (high, low) = halves(value);
        let test = self.branch(code, low, yes, no);
        let low_words = self.load(words.low_at, test);
        let Some(at) = words.high_at else {
            return low_words;
        };
        let equal = self.branch(JUMP_EQUAL, high, low_words, no);
        let test = self.branch(JUMP_GREATER, high, yes, equal);
        self.load(at, test)
    }

    /// How long the program is.
    pub(crate) fn len(&self) -> usize {
        self.reversed.len()
    }

    /// The program in order, beginning at `entry`.
    pub(crate) fn finish(mut self, entry: Label) -> Vec<Instruction> {
        self.reversed.truncate(entry.0);
        self.reversed.reverse();
        self.reversed
    }
}

/// Where the halves of an argument lie; no high half for 32-bit calls.
#[derive(Debug, Clone, Copy)]
struct Words {
    low_at: u32,
    high_at: Option<u32>,
}
