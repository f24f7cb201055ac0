//! Parts of a script that must leave no trace: subshells and command substitutions.
//!
//! Most of them need no process of their own. Where everything they can do to the shell is known
//! to be undone (variables are journaled, options, parameters and the directory are put back),
//! they run in this process, and what they print is kept in memory. Otherwise they run in a copy
//! of the shell (`fork`).

use std::os::fd::OwnedFd;
use std::rc::Rc;

use isopod_sys::spawn::Fork;
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::ast::{Node, Operation, Param, Part, RedirectionKind, Simple, Word};
use crate::builtins;
use crate::files::Slot;
use crate::options::Options;
use crate::shell::{Escape, Run, Shell};
use crate::vars::Positional;

/// What a contained part may change and gets put back.
struct Before {
    options: Options,
    positional: Positional,
    background: Option<i32>,
    getopts_offset: usize,
    loops: u32,
    tested: u32,
    directory: Option<OwnedFd>,
    pwd: Vec<u8>,
    line: u32,
    export_all: bool,
}

impl Shell {
    /// `$(…)`: what the commands print, without the newlines at the end.
    pub(crate) fn substitute(&mut self, node: &Node) -> Run<Vec<u8>> {
        if self.stack_is_short() {
            return self.fail("nesting too deep");
        }
        let mut text = if self.is_containable(node, 0) {
            self.capture(node)
        } else {
            self.capture_from_copy(node)?
        };
        let end = text.iter().rposition(|&byte| byte != b'\n').map_or(0, |last| last + 1);
        text.truncate(end);
        if memchr::memchr(0, &text).is_some() {
            text.retain(|&byte| byte != 0);
        }
        Ok(text)
    }

    fn capture(&mut self, node: &Node) -> Vec<u8> {
        let index = self.files.captures.len();
        self.files.captures.push(Vec::new());
        let mut saved = vec![(1, self.files.put(1, Slot::Capture(index)))];
        self.files.hold(1);
        let status = self.contain(node, 0);
        self.files.put_back(&mut saved);
        self.substitution_status = Some(status);
        self.status = status;
        self.files.captures.pop().unwrap_or_default()
    }

    fn capture_from_copy(&mut self, node: &Node) -> Run<Vec<u8>> {
        let index = self.files.captures.len();
        self.files.captures.push(Vec::new());
        let mut saved = vec![(1, self.files.put(1, Slot::Capture(index)))];
        self.files.hold(1);
        self.substitution_depth += 1;
        let outcome = self.in_copy(|shell| {
            shell.tested = 0;
            shell.finish_copy(node)
        });
        self.substitution_depth -= 1;
        self.files.put_back(&mut saved);
        let text = self.files.captures.pop().unwrap_or_default();
        let status = outcome?;
        self.substitution_status = Some(status);
        self.status = status;
        Ok(text)
    }

    /// `( … )`
    pub(crate) fn subshell_command(&mut self, node: &Rc<Node>, tail: bool) -> Run {
        if self.stack_is_short() {
            return self.fail("nesting too deep");
        }
        if !self.options.monitor() && self.is_containable(node, 0) {
            let tested = self.tested;
            return Ok(self.contain(node, tested));
        }
        if tail && self.may_give_way() && !self.subshell {
            // Nothing comes after it: this process is as good as a copy.
            self.enter_copy();
            self.finish_copy(node);
        }
        self.in_copy(|shell| shell.finish_copy(node))
    }

    /// Runs commands here and undoes what they did.
    fn contain(&mut self, node: &Node, tested: u32) -> i32 {
        let before = Before {
            options: self.options,
            positional: Rc::clone(&self.positional),
            background: self.last_background,
            getopts_offset: self.getopts_offset,
            loops: self.loops,
            tested: std::mem::replace(&mut self.tested, tested),
            directory: self.directory.take(),
            pwd: self.pwd.clone(),
            line: self.vars.line,
            export_all: self.vars.export_all,
        };
        self.vars.begin_journal();
        self.contained += 1;
        let outcome = self.exec(node, false);
        self.flush().ok();
        self.contained -= 1;
        let path_changed = self.vars.end_journal();
        if path_changed {
            self.hash.clear();
        }
        if let Some(directory) = std::mem::replace(&mut self.directory, before.directory) {
            // It was open all the time, so there is nothing that could fail.
            rustix::process::fchdir(&directory).ok();
        }
        self.options = before.options;
        self.positional = before.positional;
        self.last_background = before.background;
        self.getopts_offset = before.getopts_offset;
        self.loops = before.loops;
        self.tested = before.tested;
        self.pwd = before.pwd;
        self.vars.line = before.line;
        self.vars.export_all = before.export_all;
        match outcome {
            Ok(status)
            | Err(Escape::Exit(status) | Escape::Return(status) | Escape::Abort(status)) => status,
            Err(Escape::Break(_) | Escape::Continue(_)) => self.status,
        }
    }

    /// Before the directory changes in a contained part, remembers where to come back to. False
    /// if that is impossible.
    pub(crate) fn remember_directory(&mut self) -> bool {
        if self.contained == 0 || self.directory.is_some() {
            return true;
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        self.directory = openat(CWD, ".", flags, Mode::empty()).ok();
        self.directory.is_some()
    }

    /// Runs `child` in a copy of the shell and waits for it.
    pub(crate) fn in_copy(&mut self, child: impl FnOnce(&mut Self)) -> Run {
        let pump = match self.files.pipes_for_captures() {
            Ok(pump) => pump,
            Err(error) => {
                return self
                    .fail(format!("can't make a pipe: {}", crate::shell::errno_text(error)));
            }
        };
        let kept = self.close_in_copy.len();
        self.close_in_copy.extend(pump.readers());
        let forked = self.fork(Some(0), true);
        self.close_in_copy.truncate(kept);
        match forked {
            Ok(Fork::Child(_guard)) => {
                child(self);
                isopod_sys::clone::exit_now(self.status)
            }
            Ok(Fork::Parent(pid)) => {
                self.files.pump(pump);
                self.wait_foreground(&[pid])
            }
            Err(error) => {
                self.files.pump(pump);
                self.fail(format!("can't fork: {}", isobox_applet::errno_text(&error)))
            }
        }
    }

    /// Copies the shell. In job control the copy begins or joins a process group.
    pub(crate) fn fork(&mut self, group: Option<i32>, foreground: bool) -> std::io::Result<Fork> {
        self.flush().ok();
        let monitor = self.options.monitor() && !self.subshell;
        let forked = isopod_sys::spawn::fork()?;
        match &forked {
            Fork::Child(_) => {
                if monitor && let Some(group) = group {
                    self.jobs.join_group(0, group, foreground);
                }
                self.enter_copy();
            }
            Fork::Parent(pid) => {
                if monitor && let Some(group) = group {
                    self.jobs.join_group(*pid, if group == 0 { *pid } else { group }, false);
                }
            }
        }
        Ok(forked)
    }

    /// This process is a copy from now on: what belongs to the original is forgotten.
    pub(crate) fn enter_copy(&mut self) {
        self.subshell = true;
        self.interactive = false;
        let closed: Vec<(i32, i32)> = self.close_in_copy.drain(..).map(|end| (-1, end)).collect();
        isopod_sys::spawn::set_descriptors(&closed).ok();
        self.contained = 0;
        self.directory = None;
        self.options.set_letter(b'm', false);
        self.traps.enter_copy();
        self.jobs.enter_copy();
    }

    /// Executes a command in a copy and ends it.
    pub(crate) fn finish_copy(&mut self, node: &Node) {
        let outcome = self.exec(node, true);
        let status = self.end(outcome);
        isopod_sys::clone::exit_now(status);
    }

    /// Whether everything that a command can do to the shell can be undone.
    pub(crate) fn is_containable(&self, node: &Node, depth: u32) -> bool {
        if depth > MAX_DEPTH || self.traps.watches_errors() {
            return false;
        }
        let all = |nodes: &[Node]| nodes.iter().all(|node| self.is_containable(node, depth + 1));
        match node {
            Node::Empty => true,
            Node::Simple(command) => self.simple_is_containable(command, depth),
            // Its elements run in processes of their own.
            Node::Pipeline(_) | Node::Subshell(_) => true,
            Node::Not(inner) | Node::Group(inner) => self.is_containable(inner, depth + 1),
            Node::And(left, right) | Node::Or(left, right) => {
                self.is_containable(left, depth + 1) && self.is_containable(right, depth + 1)
            }
            Node::Sequence(nodes) => all(nodes),
            Node::If(command) => {
                self.is_containable(&command.condition, depth + 1)
                    && self.is_containable(&command.then, depth + 1)
                    && command
                        .otherwise
                        .as_ref()
                        .is_none_or(|other| self.is_containable(other, depth + 1))
            }
            Node::While(command) => {
                self.is_containable(&command.condition, depth + 1)
                    && self.is_containable(&command.body, depth + 1)
            }
            Node::For(command) => self.is_containable(&command.body, depth + 1),
            Node::Case(command) => {
                command.arms.iter().all(|arm| self.is_containable(&arm.body, depth + 1))
            }
            Node::Redirected(inner, redirections) => {
                redirections
                    .iter()
                    .all(|redirection| !matches!(redirection.kind, RedirectionKind::Both(..)))
                    && self.is_containable(inner, depth + 1)
            }
            Node::Condition(..) | Node::Arithmetic(..) => true,
            Node::Background(..) | Node::Time(..) | Node::Function(..) => false,
        }
    }

    fn simple_is_containable(&self, command: &Simple, depth: u32) -> bool {
        let Some(name) = command.name else {
            // Which command it is shows only when it is expanded, unless there is none.
            return command.words.is_empty();
        };
        if let Some(builtin) = command.builtin.filter(|builtin| builtin.special) {
            return builtin.contained;
        }
        if let Some(function) = self.function(name) {
            return self.is_containable(&function.body, depth + 4);
        }
        match command.builtin {
            Some(builtin) if builtin.name == "command" => {
                match command.words.get(1).and_then(|word| word.constant.as_ref()) {
                    Some(inner) if inner.first() == Some(&b'-') => {
                        matches!(&inner[..], b"-v" | b"-V")
                    }
                    Some(inner) => builtins::find(inner).is_none_or(|builtin| builtin.contained),
                    None => false,
                }
            }
            Some(builtin) => builtin.contained,
            None => true,
        }
    }
}

const MAX_DEPTH: u32 = 40;

/// Whether expanding a word can change a variable, or run commands.
pub(crate) fn has_effects(word: &Word) -> bool {
    word.parts.iter().any(|part| match part {
        Part::Text(_) | Part::Quoted(_) | Part::Tilde(_) => false,
        Part::Param(param, _) => param_has_effects(param),
        Part::Command(..) | Part::Arithmetic(..) | Part::Process(..) => true,
    })
}

fn param_has_effects(param: &Param) -> bool {
    match &param.operation {
        Operation::Value | Operation::Length => false,
        Operation::Default { word, .. } | Operation::Alternative { word, .. } => has_effects(word),
        Operation::RemovePrefix { pattern, .. } | Operation::RemoveSuffix { pattern, .. } => {
            has_effects(pattern)
        }
        Operation::Replace { pattern, replacement, .. } => {
            has_effects(pattern) || has_effects(replacement)
        }
        Operation::Assign { .. }
        | Operation::Error { .. }
        | Operation::Substring { .. }
        | Operation::Bad => true,
    }
}
