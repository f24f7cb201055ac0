//! Matching by a program that tries one way after the other: for what no automaton can do.
//!
//! A program is a list of instructions; `Branch` remembers where else to go on. The stack holds
//! such places and the values that assignments since then have overwritten, so that going back
//! restores them. In POSIX mode all ways are tried and the longest match is kept.

use crate::ast::{Assert, Ast, Greed, Node};
use crate::bracket::decode;
use crate::class::{Set, is_word};
use crate::error::{Error, TooComplex};
use crate::{STEP_LIMIT, Span};

/// The longest program, in instructions.
const PROGRAM_MAX: usize = 1 << 20;

#[derive(Debug)]
enum Instruction {
    Byte(u8),
    Set(usize),
    Assert(Assert),
    /// Goes on at the first; if that fails, at the second.
    Branch(usize, usize),
    Jump(usize),
    Save(usize),
    /// Notes the place at which a round of a loop begins.
    Mark(usize),
    /// Fails if the round has not moved: another one would not either.
    Moved(usize),
    Backref {
        slot: usize,
        fold: bool,
    },
    /// The part up to `end`, tried from here or from so many characters back.
    Look {
        negative: bool,
        widths: Option<Vec<usize>>,
        end: usize,
    },
    Atomic {
        end: usize,
    },
    /// The end of a part.
    End,
    Keep,
    Match,
}

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Program {
    code: Vec<Instruction>,
    sets: Vec<Set>,
    slots: usize,
    marks: usize,
    utf8: bool,
    longest: bool,
}

impl Program {
    pub(crate) fn new(ast: &Ast, utf8: bool, longest: bool) -> Result<Self, Error> {
        let slots = (ast.groups as usize + 1) * 2;
        let mut program =
            Self { code: Vec::new(), sets: Vec::new(), slots, marks: 0, utf8, longest };
        program.emit(&ast.root)?;
        program.push(Instruction::Match)?;
        Ok(program)
    }

    fn push(&mut self, instruction: Instruction) -> Result<usize, Error> {
        if self.code.len() >= PROGRAM_MAX {
            return Err(Error::new(0, "Regular expression too big"));
        }
        self.code.push(instruction);
        Ok(self.code.len() - 1)
    }

    fn emit(&mut self, node: &Node) -> Result<(), Error> {
        match node {
            Node::Empty => {}
            Node::Byte(byte) => drop(self.push(Instruction::Byte(*byte))?),
            Node::Set(set) => {
                let index = self.sets.iter().rposition(|known| known == set);
                let index = index.unwrap_or_else(|| {
                    self.sets.push(set.clone());
                    self.sets.len() - 1
                });
                self.push(Instruction::Set(index))?;
            }
            Node::Assert(assert) => drop(self.push(Instruction::Assert(*assert))?),
            Node::Group(number, node) => {
                let slot = *number as usize * 2;
                self.push(Instruction::Save(slot))?;
                self.emit(node)?;
                self.push(Instruction::Save(slot + 1))?;
            }
            Node::Concat(nodes) => nodes.iter().try_for_each(|node| self.emit(node))?,
            Node::Alternate(nodes) => self.emit_alternatives(nodes)?,
            Node::Repeat { node, min, max, greed } => {
                if *greed == Greed::Possessive {
                    let start = self.push(Instruction::Atomic { end: 0 })?;
                    self.emit_repeat(node, *min, *max, true)?;
                    return self.close(start);
                }
                self.emit_repeat(node, *min, *max, *greed == Greed::Greedy)?;
            }
            Node::Backref { group, fold } => {
                self.push(Instruction::Backref { slot: *group as usize * 2, fold: *fold })?;
            }
            Node::Look { node, negative, behind } => {
                let widths = behind.then(|| widths(node)).transpose()?;
                let start = self.push(Instruction::Look { negative: *negative, widths, end: 0 })?;
                self.emit(node)?;
                self.close(start)?;
            }
            Node::Atomic(node) => {
                let start = self.push(Instruction::Atomic { end: 0 })?;
                self.emit(node)?;
                self.close(start)?;
            }
            Node::Keep => drop(self.push(Instruction::Keep)?),
        }
        Ok(())
    }

    /// Ends the part that began at `start`.
    fn close(&mut self, start: usize) -> Result<(), Error> {
        let last = self.push(Instruction::End)?;
        match &mut self.code[start] {
            Instruction::Look { end, .. } | Instruction::Atomic { end } => *end = last + 1,
            _ => unreachable!("a part begins with one of these"),
        }
        Ok(())
    }

    fn emit_alternatives(&mut self, nodes: &[Node]) -> Result<(), Error> {
        let mut jumps = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            if index + 1 == nodes.len() {
                self.emit(node)?;
                break;
            }
            let branch = self.push(Instruction::Branch(0, 0))?;
            self.emit(node)?;
            jumps.push(self.push(Instruction::Jump(0))?);
            self.code[branch] = Instruction::Branch(branch + 1, self.code.len());
        }
        let end = self.code.len();
        jumps.into_iter().for_each(|jump| self.code[jump] = Instruction::Jump(end));
        Ok(())
    }

    fn emit_repeat(
        &mut self,
        node: &Node,
        min: u32,
        max: Option<u32>,
        greedy: bool,
    ) -> Result<(), Error> {
        for _ in 0..min {
            self.emit(node)?;
        }
        let choose = |inside, outside| match greedy {
            true => Instruction::Branch(inside, outside),
            false => Instruction::Branch(outside, inside),
        };
        let Some(max) = max else {
            let branch = self.push(Instruction::Branch(0, 0))?;
            let mark = self.marks;
            self.marks += 1;
            self.push(Instruction::Mark(mark))?;
            self.emit(node)?;
            self.push(Instruction::Moved(mark))?;
            let jump = self.push(Instruction::Jump(branch))?;
            self.code[branch] = choose(branch + 1, jump + 1);
            return Ok(());
        };
        let mut branches = Vec::new();
        for _ in min..max {
            branches.push(self.push(Instruction::Branch(0, 0))?);
            self.emit(node)?;
        }
        let end = self.code.len();
        branches.into_iter().for_each(|branch| self.code[branch] = choose(branch + 1, end));
        Ok(())
    }

    /// The groups of the first match from `start` on; the first of them is the whole.
    pub(crate) fn search(
        &self,
        text: &[u8],
        start: usize,
    ) -> Result<Option<Vec<Option<Span>>>, TooComplex> {
        let mut run = Run {
            program: self,
            text,
            values: vec![None; self.slots + self.marks],
            steps: STEP_LIMIT,
        };
        for at in start..=text.len() {
            // A match does not begin within a character.
            if self.utf8 && at < text.len() && (0x80..0xc0).contains(&text[at]) && at > start {
                continue;
            }
            if self.longest {
                if let Some(found) = run.longest(at)? {
                    return Ok(Some(found));
                }
                continue;
            }
            run.values.fill(None);
            run.values[0] = Some(at);
            if let Some(end) = run.part(0, at, None)? {
                run.values[1] = Some(end);
                return Ok(Some(run.spans()));
            }
        }
        Ok(None)
    }
}

/// How many characters each alternative of a look-behind has.
fn widths(node: &Node) -> Result<Vec<usize>, Error> {
    fn width(node: &Node) -> Option<usize> {
        match node {
            Node::Empty | Node::Assert(_) | Node::Look { .. } | Node::Keep => Some(0),
            Node::Byte(_) | Node::Set(_) => Some(1),
            Node::Group(_, node) | Node::Atomic(node) => width(node),
            Node::Concat(nodes) => nodes.iter().map(width).sum(),
            Node::Alternate(nodes) => {
                let mut all = nodes.iter().map(width);
                let first = all.next()??;
                all.all(|other| other == Some(first)).then_some(first)
            }
            Node::Repeat { node, min, max, .. } => {
                (*max == Some(*min)).then(|| width(node)).flatten().map(|one| one * *min as usize)
            }
            Node::Backref { .. } => None,
        }
    }
    let alternatives = match node {
        Node::Alternate(nodes) => nodes.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut widths = alternatives
        .iter()
        .map(width)
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| Error::new(0, "lookbehind assertion is not fixed length"))?;
    widths.sort_unstable();
    widths.dedup();
    Ok(widths)
}

/// What going back does.
enum Undo {
    Restore(usize, Option<usize>),
    Continue(usize, usize),
}

struct Run<'a> {
    program: &'a Program,
    text: &'a [u8],
    /// Slots of groups, then marks of loops.
    values: Vec<Option<usize>>,
    steps: u64,
}

impl Run<'_> {
    fn spans(&self) -> Vec<Option<Span>> {
        let pairs = self.values[..self.program.slots].chunks(2);
        pairs.map(|pair| pair[0].zip(pair[1]).filter(|(a, b)| a <= b)).collect()
    }

    /// The longest of all matches from `at`.
    fn longest(&mut self, at: usize) -> Result<Option<Vec<Option<Span>>>, TooComplex> {
        self.values.fill(None);
        self.values[0] = Some(at);
        let mut stack = vec![Undo::Continue(0, at)];
        let mut best: Option<(usize, Vec<Option<Span>>)> = None;
        while let Some(end) = self.next_end(&mut stack, None)? {
            if best.as_ref().is_none_or(|(longest, _)| end > *longest) {
                self.values[1] = Some(end);
                best = Some((end, self.spans()));
            }
            if end == self.text.len() {
                break;
            }
        }
        Ok(best.map(|(_, spans)| spans))
    }

    /// Runs from an instruction to the end of its part; the end must be `required` if given.
    fn part(
        &mut self,
        at: usize,
        position: usize,
        required: Option<usize>,
    ) -> Result<Option<usize>, TooComplex> {
        let mut stack = vec![Undo::Continue(at, position)];
        self.next_end(&mut stack, required)
    }

    /// Goes back to the last place that is left, and on from there until the part ends.
    fn next_end(
        &mut self,
        stack: &mut Vec<Undo>,
        required: Option<usize>,
    ) -> Result<Option<usize>, TooComplex> {
        while let Some(undo) = stack.pop() {
            match undo {
                Undo::Restore(slot, value) => self.values[slot] = value,
                Undo::Continue(at, position) => {
                    if let Some(end) = self.forward(at, position, stack)?
                        && required.is_none_or(|required| required == end)
                    {
                        return Ok(Some(end));
                    }
                }
            }
        }
        Ok(None)
    }

    fn set(&mut self, slot: usize, value: Option<usize>, stack: &mut Vec<Undo>) {
        let old = std::mem::replace(&mut self.values[slot], value);
        stack.push(Undo::Restore(slot, old));
    }

    /// Runs until the part ends, or until something does not match.
    fn forward(
        &mut self,
        mut at: usize,
        mut position: usize,
        stack: &mut Vec<Undo>,
    ) -> Result<Option<usize>, TooComplex> {
        let program = self.program;
        loop {
            self.steps = self.steps.checked_sub(1).ok_or(TooComplex)?;
            let mut next = at + 1;
            let matched = match &program.code[at] {
                Instruction::Byte(byte) => {
                    let matched = self.text.get(position) == Some(byte);
                    position += 1;
                    matched
                }
                Instruction::Set(set) => match self.character(position) {
                    Some((character, length)) => {
                        position += length;
                        program.sets[*set].contains(character)
                    }
                    None => false,
                },
                Instruction::Assert(assert) => self.holds(*assert, position),
                Instruction::Branch(first, second) => {
                    stack.push(Undo::Continue(*second, position));
                    next = *first;
                    true
                }
                Instruction::Jump(target) => {
                    next = *target;
                    true
                }
                Instruction::Save(slot) => {
                    self.set(*slot, Some(position), stack);
                    true
                }
                Instruction::Mark(mark) => {
                    self.set(program.slots + mark, Some(position), stack);
                    true
                }
                Instruction::Moved(mark) => self.values[program.slots + mark] != Some(position),
                Instruction::Backref { slot, fold } => match self.again(*slot, *fold, position) {
                    Some(end) => {
                        position = end;
                        true
                    }
                    None => false,
                },
                Instruction::Look { negative, widths, end } => {
                    next = *end;
                    self.look(at + 1, position, widths.as_deref(), *negative, stack)?
                }
                Instruction::Atomic { end } => {
                    next = *end;
                    match self.apart(at + 1, position, None, stack)? {
                        Some(end) => {
                            position = end;
                            true
                        }
                        None => false,
                    }
                }
                Instruction::Keep => {
                    self.set(0, Some(position), stack);
                    true
                }
                Instruction::End | Instruction::Match => return Ok(Some(position)),
            };
            if !matched {
                return Ok(None);
            }
            at = next;
        }
    }

    /// Runs a part to its first end. What it has assigned stays, and is undone with the rest.
    fn apart(
        &mut self,
        at: usize,
        position: usize,
        required: Option<usize>,
        stack: &mut Vec<Undo>,
    ) -> Result<Option<usize>, TooComplex> {
        let before = self.values.clone();
        let end = self.part(at, position, required)?;
        if end.is_none() {
            self.values = before;
            return Ok(None);
        }
        for (slot, old) in before.into_iter().enumerate() {
            if self.values[slot] != old {
                stack.push(Undo::Restore(slot, old));
            }
        }
        Ok(end)
    }

    fn look(
        &mut self,
        at: usize,
        position: usize,
        widths: Option<&[usize]>,
        negative: bool,
        stack: &mut Vec<Undo>,
    ) -> Result<bool, TooComplex> {
        let before = stack.len();
        let mut found = false;
        match widths {
            None => found = self.apart(at, position, None, stack)?.is_some(),
            Some(widths) => {
                for &width in widths {
                    let Some(start) = self.back(position, width) else { continue };
                    found = self.apart(at, start, Some(position), stack)?.is_some();
                    if found {
                        break;
                    }
                }
            }
        }
        if negative {
            // What was assigned in there is of no use outside.
            while stack.len() > before {
                if let Some(Undo::Restore(slot, value)) = stack.pop() {
                    self.values[slot] = value;
                }
            }
        }
        Ok(found != negative)
    }

    /// So many characters before a position.
    fn back(&self, position: usize, characters: usize) -> Option<usize> {
        let mut at = position;
        for _ in 0..characters {
            at = at.checked_sub(1)?;
            while self.program.utf8
                && (0x80..0xc0).contains(&self.text[at])
                && at > 0
                && position - at < 4 * characters
            {
                at -= 1;
            }
        }
        Some(at)
    }

    fn character(&self, position: usize) -> Option<(u32, usize)> {
        if self.program.utf8 {
            return decode(self.text.get(position..)?);
        }
        self.text.get(position).map(|&byte| (byte.into(), 1))
    }

    /// Where a group's text, repeated at `position`, ends.
    fn again(&self, slot: usize, fold: bool, position: usize) -> Option<usize> {
        let text = &self.text[self.values[slot]?..self.values[slot + 1]?];
        let here = self.text.get(position..position + text.len())?;
        let same = if fold { text.eq_ignore_ascii_case(here) } else { text == here };
        same.then_some(position + text.len())
    }

    fn holds(&self, assert: Assert, position: usize) -> bool {
        let text = self.text;
        let before = position.checked_sub(1).and_then(|at| text.get(at));
        let after = text.get(position);
        let word_before = before.is_some_and(is_word);
        let word_after = after.is_some_and(is_word);
        match assert {
            Assert::TextStart => position == 0,
            Assert::TextEnd => position == text.len(),
            Assert::TextEndNewline => {
                position == text.len() || (after == Some(&b'\n') && position + 1 == text.len())
            }
            Assert::LineStart => before.is_none_or(|&byte| byte == b'\n'),
            Assert::LineEnd => after.is_none_or(|&byte| byte == b'\n'),
            Assert::WordBoundary => word_before != word_after,
            Assert::NotWordBoundary => word_before == word_after,
            Assert::WordStart => !word_before && word_after,
            Assert::WordEnd => word_before && !word_after,
            Assert::NotWordBefore => !word_before,
            Assert::NotWordAfter => !word_after,
        }
    }
}
