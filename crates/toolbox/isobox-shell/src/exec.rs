//! Executing commands: the compound ones here, the simple ones in [`crate::command`].

use std::rc::Rc;

use isopod_sys::caught;

use crate::ast::{Case, Condition, For, If, Node, While};
use crate::expand::Fields;
use crate::pattern;
use crate::shell::{Escape, Run, Shell};

impl Shell {
    /// Executes a command; its exit status is the shell's too. With `tail` the shell ends after
    /// it, so that a program may take the shell's place.
    pub(crate) fn exec(&mut self, node: &Node, tail: bool) -> Run {
        let status = match node {
            Node::Simple(command) => self.simple(command, tail)?,
            Node::Sequence(nodes) => {
                let mut status = 0;
                for (index, node) in nodes.iter().enumerate() {
                    status = self.exec(node, tail && index + 1 == nodes.len())?;
                }
                status
            }
            Node::And(left, right) => {
                let status = self.exec_tested(left)?;
                if status == 0 { self.exec(right, tail)? } else { status }
            }
            Node::Or(left, right) => {
                let status = self.exec_tested(left)?;
                if status == 0 { status } else { self.exec(right, tail)? }
            }
            Node::Not(inner) => i32::from(self.exec_tested(inner)? == 0),
            Node::If(command) => self.exec_if(command, tail)?,
            Node::While(command) => self.exec_while(command)?,
            Node::For(command) => self.exec_for(command)?,
            Node::Case(command) => self.exec_case(command, tail)?,
            Node::Group(inner) => self.exec_group(inner, tail)?,
            Node::Pipeline(elements) => {
                let status = self.pipeline(elements)?;
                self.check_exit(status)?
            }
            Node::Subshell(inner) => {
                let status = self.subshell_command(inner, tail)?;
                self.check_exit(status)?
            }
            Node::Redirected(inner, redirections) => {
                let mut saved = Vec::new();
                let outcome = match self.redirect(redirections, &mut saved) {
                    Ok(true) => self.exec(inner, tail),
                    Ok(false) => self.check_exit(1),
                    Err(escape) => Err(escape),
                };
                self.files.put_back(&mut saved);
                outcome?
            }
            Node::Background(inner, text) => self.background(inner, text)?,
            Node::Function(name, function) => {
                if self.functions.len() <= name.index() {
                    self.functions.resize(name.index() + 1, None);
                }
                self.functions[name.index()] = Some(Rc::clone(function));
                0
            }
            Node::Condition(condition, line) => {
                self.vars.line = *line;
                let status = i32::from(!self.condition(condition)?);
                self.check_exit(status)?
            }
            Node::Arithmetic(arithmetic, line) => {
                self.vars.line = *line;
                let status = i32::from(self.arithmetic(arithmetic)? == 0);
                self.check_exit(status)?
            }
            Node::Time(inner, posix) => self.timed(inner, *posix)?,
            Node::Empty => 0,
        };
        self.status = status;
        Ok(status)
    }

    /// Executes a command whose failure `set -e` forgives.
    fn exec_tested(&mut self, node: &Node) -> Run {
        self.tested += 1;
        let outcome = self.exec(node, false);
        self.tested -= 1;
        outcome
    }

    fn exec_group(&mut self, inner: &Node, tail: bool) -> Run {
        if self.stack_is_short() {
            return self.fail("nesting too deep");
        }
        self.exec(inner, tail)
    }

    /// Ends the shell after a failure if `set -e` says so.
    #[inline]
    pub(crate) fn check_exit(&mut self, status: i32) -> Run {
        if status != 0 && self.tested == 0 {
            self.failed(status)?;
        }
        if caught::pending() != 0 {
            self.status = status;
            self.run_traps()?;
        }
        if self.interactive && self.options.notify() {
            self.show_changed_jobs();
        }
        Ok(status)
    }

    #[inline]
    fn due_traps(&mut self) -> Run<()> {
        if caught::pending() == 0 { Ok(()) } else { self.run_traps() }
    }

    fn failed(&mut self, status: i32) -> Run<()> {
        self.status = status;
        self.run_error_trap()?;
        if self.options.errexit() { Err(Escape::Exit(status)) } else { Ok(()) }
    }

    fn exec_if(&mut self, command: &If, tail: bool) -> Run {
        if self.exec_tested(&command.condition)? == 0 {
            return self.exec(&command.then, tail);
        }
        match &command.otherwise {
            Some(otherwise) => self.exec(otherwise, tail),
            None => Ok(0),
        }
    }

    fn exec_while(&mut self, command: &While) -> Run {
        self.loops += 1;
        let outcome = self.while_turns(command);
        self.loops -= 1;
        outcome
    }

    fn while_turns(&mut self, command: &While) -> Run {
        let mut status = 0;
        loop {
            match turn(self.exec_tested(&command.condition))? {
                Turn::Done(condition) if (condition == 0) == command.until => return Ok(status),
                Turn::Done(_) => {}
                Turn::Break => return Ok(status),
                Turn::Continue => {
                    self.status = 0;
                    self.due_traps()?;
                    continue;
                }
            }
            match turn(self.exec(&command.body, false))? {
                Turn::Done(done) => status = done,
                Turn::Break => return Ok(0),
                Turn::Continue => {
                    status = 0;
                    self.status = 0;
                }
            }
            self.due_traps()?;
        }
    }

    fn exec_for(&mut self, command: &For) -> Run {
        self.vars.line = command.line;
        let mut fields = Fields::default();
        match &command.words {
            Some(words) => {
                for word in words {
                    self.expand(word, &mut fields)?;
                }
            }
            None => {
                for value in Rc::clone(&self.positional).iter() {
                    fields.push(value);
                }
            }
        }
        self.finish_process_substitutions();
        self.loops += 1;
        let outcome = self.for_turns(command, &fields);
        self.loops -= 1;
        outcome
    }

    fn for_turns(&mut self, command: &For, fields: &Fields) -> Run {
        let mut status = 0;
        for value in fields.from(0) {
            self.assign(command.variable, value)?;
            match turn(self.exec(&command.body, false))? {
                Turn::Done(done) => status = done,
                Turn::Break => return Ok(0),
                Turn::Continue => {
                    status = 0;
                    self.status = 0;
                }
            }
            self.due_traps()?;
        }
        Ok(status)
    }

    fn exec_case(&mut self, command: &Case, tail: bool) -> Run {
        self.vars.line = command.line;
        let text = self.expand_text(&command.word)?;
        let mut status = 0;
        let mut falls = false;
        for arm in &command.arms {
            let mut chosen = falls;
            for pattern in &arm.patterns {
                if chosen {
                    break;
                }
                chosen = match &pattern.constant {
                    Some(constant) => **constant == *text,
                    None => pattern::matches(&self.expand_pattern(pattern)?, &text),
                };
            }
            if chosen {
                status = self.exec(&arm.body, tail && !arm.falls_through)?;
                falls = arm.falls_through;
                if !falls {
                    return Ok(status);
                }
            }
        }
        Ok(status)
    }

    fn timed(&mut self, inner: &Node, posix: bool) -> Run {
        let start = std::time::Instant::now();
        let before = isopod_sys::descriptor::processor_times();
        let status = self.exec(inner, false)?;
        let after = isopod_sys::descriptor::processor_times();
        let real = start.elapsed();
        let spent =
            |first: usize| after[first] + after[first + 2] - before[first] - before[first + 2];
        let mut text = String::new();
        for (name, micros) in
            [("real", real.as_micros() as u64), ("user", spent(0)), ("sys", spent(1))]
        {
            let hundredths = micros / 10_000;
            if posix {
                text += &format!("{name} {}.{:02}\n", hundredths / 100, hundredths % 100);
            } else {
                text += &format!(
                    "{name}\t{}m {}.{:02}s\n",
                    hundredths / 6000,
                    hundredths / 100 % 60,
                    hundredths % 100
                );
            }
        }
        self.write_error(text.as_bytes());
        Ok(status)
    }

    fn condition(&mut self, condition: &Condition) -> Run<bool> {
        Ok(match condition {
            Condition::Not(inner) => !self.condition(inner)?,
            Condition::And(left, right) => self.condition(left)? && self.condition(right)?,
            Condition::Or(left, right) => self.condition(left)? || self.condition(right)?,
            Condition::NonEmpty(word) => !self.expand_text(word)?.is_empty(),
            Condition::Unary(op, word) => {
                let operand = self.expand_text(word)?;
                crate::test::unary(self, *op, &operand)
            }
            Condition::Pattern { left, pattern, negated } => {
                let left = self.expand_text(left)?;
                let pattern = self.expand_pattern(pattern)?;
                pattern::matches(&pattern, &left) != *negated
            }
            Condition::Regex(left, regex) => {
                let left = self.expand_text(left)?;
                let regex = self.expand_regex(regex)?;
                match crate::test::has_match(&left, &regex) {
                    Ok(truth) => truth,
                    Err(message) => return self.fail([b"[[: ", &message[..]].concat()),
                }
            }
            Condition::Binary(left, op, right) => {
                let (left, right) = (self.expand_text(left)?, self.expand_text(right)?);
                if matches!(&op[..], b"<" | b">" | b"-nt" | b"-ot" | b"-ef") {
                    crate::test::compare(op, &left, &right)
                } else {
                    let (left, right) =
                        (self.arithmetic_text(&left)?, self.arithmetic_text(&right)?);
                    crate::test::compare_numbers(op, left, right)
                }
            }
        })
    }
}

/// What becomes of a loop after one turn.
enum Turn {
    Done(i32),
    Break,
    Continue,
}

fn turn(outcome: Run) -> Run<Turn> {
    match outcome {
        Ok(status) => Ok(Turn::Done(status)),
        Err(Escape::Break(1)) => Ok(Turn::Break),
        Err(Escape::Break(levels)) => Err(Escape::Break(levels - 1)),
        Err(Escape::Continue(1)) => Ok(Turn::Continue),
        Err(Escape::Continue(levels)) => Err(Escape::Continue(levels - 1)),
        Err(other) => Err(other),
    }
}
