//! Traps: what a script does when a signal comes, or when it ends.

use std::rc::Rc;

use isopod_sys::caught::{self, Action};

use crate::shell::{Escape, Run, Shell};
use crate::signal;

/// What is trapped.
#[derive(Debug, Default)]
pub(crate) struct Traps {
    /// By signal, EXIT being 0; an empty text ignores the signal.
    actions: Vec<Option<Rc<[u8]>>>,
    /// Runs after a command that `set -e` would end the shell for.
    error: Option<Rc<[u8]>>,
    /// In a copy of the shell, what the original would do: `trap` lists it until it is changed.
    listed: Option<Vec<(i32, Rc<[u8]>)>>,
    /// Signals that were ignored when the shell was started, once somebody asked (a bit pair).
    ignored_at_start: u64,
    asked_at_start: u64,
    /// Signals with our handler.
    caught: u64,
    /// Signals that the shell, not the script, ignores.
    ignored: u64,
}

fn bit(signal: i32) -> u64 {
    if signal > 0 { 1 << (signal - 1) } else { 0 }
}

impl Traps {
    /// Whether a signal has commands to run.
    pub(crate) fn has_commands(&self) -> bool {
        self.actions.iter().flatten().any(|text| !text.is_empty())
    }

    /// Whether there is an ERR trap.
    pub(crate) fn watches_errors(&self) -> bool {
        self.error.is_some()
    }

    /// Signals whose action a program must not get from us.
    pub(crate) fn caught_mask(&self) -> u64 {
        self.caught | self.ignored
    }

    fn ignored_at_start(&mut self, signal: i32) -> bool {
        if self.asked_at_start & bit(signal) == 0 {
            self.asked_at_start |= bit(signal);
            if caught::is_ignored(signal) {
                self.ignored_at_start |= bit(signal);
            }
        }
        self.ignored_at_start & bit(signal) != 0
    }

    /// Sets (`Some`, empty to ignore) or takes away a trap.
    pub(crate) fn set(&mut self, which: i32, text: Option<&[u8]>, interactive: bool) {
        self.listed = None;
        let index = usize::try_from(which).unwrap_or(0);
        if self.actions.len() <= index {
            self.actions.resize(index + 1, None);
        }
        if which > 0 && !interactive && self.ignored_at_start(which) {
            // What was ignored at the start stays so, also if the script would have it otherwise.
            return;
        }
        self.actions[index] = text.map(Rc::from);
        if which > 0 {
            self.apply(which, interactive);
        }
    }

    /// Gives the kernel a signal's action.
    fn apply(&mut self, which: i32, interactive: bool) {
        let text = self.actions.get(which as usize).and_then(Option::as_ref);
        let own = interactive && which == signal::INT;
        let shields = interactive && matches!(which, signal::TERM | signal::QUIT);
        let action = match text {
            Some(text) if text.is_empty() => Action::Ignore,
            Some(_) => Action::Catch,
            None if own || (which == signal::CHLD && self.caught & bit(which) != 0) => {
                Action::Catch
            }
            None if shields => Action::Ignore,
            None => Action::Default,
        };
        self.caught &= !bit(which);
        self.ignored &= !bit(which);
        match action {
            Action::Catch => self.caught |= bit(which),
            Action::Ignore if text.is_none() => self.ignored |= bit(which),
            _ => {}
        }
        // SIGKILL and SIGSTOP cannot be caught; a trap on them never runs.
        caught::set_action(which, action).ok();
    }

    /// Sets the ERR trap.
    pub(crate) fn set_error(&mut self, text: Option<&[u8]>) {
        self.error = text.filter(|text| !text.is_empty()).map(Rc::from);
    }

    /// The signals that a shell with a person at it does not die of.
    pub(crate) fn shield(&mut self) {
        for which in [signal::INT, signal::TERM, signal::QUIT] {
            self.apply(which, true);
        }
    }

    /// Stop signals from the terminal are for jobs, not for the shell that controls them.
    pub(crate) fn shield_job_control(&mut self, on: bool) {
        for which in [signal::TSTP, signal::TTIN, signal::TTOU] {
            if self.actions.get(which as usize).is_some_and(Option::is_some) {
                continue;
            }
            if on {
                self.ignored |= bit(which);
                caught::set_action(which, Action::Ignore).ok();
            } else if self.ignored & bit(which) != 0 {
                self.ignored &= !bit(which);
                caught::set_action(which, Action::Default).ok();
            }
        }
    }

    /// Children's ends are noticed from now on.
    pub(crate) fn watch_children(&mut self) {
        if self.caught & bit(signal::CHLD) == 0 {
            self.caught |= bit(signal::CHLD);
            caught::set_action(signal::CHLD, Action::Catch).ok();
        }
    }

    /// In a copy of the shell signals do what they do by default, unless they are ignored.
    pub(crate) fn enter_copy(&mut self) {
        let mut listed = Vec::new();
        for (which, slot) in self.actions.iter_mut().enumerate() {
            if let Some(text) = slot {
                listed.push((which as i32, Rc::clone(text)));
                if which == 0 || !text.is_empty() {
                    *slot = None;
                }
            }
        }
        if !listed.is_empty() {
            self.listed = Some(listed);
        }
        self.error = None;
        self.default_for_program();
        caught::clear();
    }

    /// Undoes what the shell did to signals' actions, before a program runs in this process.
    pub(crate) fn default_for_program(&mut self) {
        for which in 1..=signal::LAST {
            if (self.caught | self.ignored) & bit(which) != 0 {
                caught::set_action(which, Action::Default).ok();
            }
        }
        self.caught = 0;
        self.ignored = 0;
    }

    /// A background command is not for the terminal's signals.
    pub(crate) fn ignore_in_background(&mut self) {
        for which in [signal::INT, signal::QUIT] {
            if self.actions.get(which as usize).is_none_or(Option::is_none) {
                caught::set_action(which, Action::Ignore).ok();
                self.ignored_at_start |= bit(which);
                self.asked_at_start |= bit(which);
            }
        }
    }

    /// All traps, for `trap` without arguments.
    pub(crate) fn list(&self, of_original: bool) -> Vec<(i32, Rc<[u8]>)> {
        if let Some(listed) = self.listed.as_ref().filter(|_| of_original) {
            return listed.clone();
        }
        let mut list: Vec<(i32, Rc<[u8]>)> = Vec::new();
        for (which, slot) in self.actions.iter().enumerate() {
            if let Some(text) = slot {
                list.push((which as i32, Rc::clone(text)));
            }
        }
        list
    }

    pub(crate) fn error_text(&self) -> Option<Rc<[u8]>> {
        self.error.clone()
    }

    /// Whether a caught signal that came has commands to run.
    pub(crate) fn is_due(&self) -> bool {
        let pending = caught::pending();
        pending != 0
            && (1..=signal::LAST).any(|which| {
                pending & bit(which) != 0
                    && self
                        .actions
                        .get(which as usize)
                        .and_then(Option::as_ref)
                        .is_some_and(|text| !text.is_empty())
            })
    }

    /// The lowest signal that is due.
    pub(crate) fn due(&self) -> Option<i32> {
        let pending = caught::pending();
        (1..=signal::LAST).find(|&which| {
            pending & bit(which) != 0
                && self
                    .actions
                    .get(which as usize)
                    .and_then(Option::as_ref)
                    .is_some_and(|text| !text.is_empty())
        })
    }
}

impl Shell {
    /// Runs the commands of the signals that came.
    pub(crate) fn run_traps(&mut self) -> Run<()> {
        if self.contained > 0 {
            // A subshell has no traps, and this part of the script is meant to be one.
            let interrupted = caught::pending() & bit(signal::INT) != 0;
            return if interrupted { Err(Escape::Exit(128 + signal::INT)) } else { Ok(()) };
        }
        for which in 1..=signal::LAST {
            if caught::pending() & bit(which) == 0 {
                continue;
            }
            caught::take(which);
            let text = self.traps.actions.get(which as usize).and_then(Clone::clone);
            match text {
                Some(text) if !text.is_empty() => {
                    self.run_trap(&text)?;
                }
                None if which == signal::INT && self.interactive => {
                    self.status = 128 + signal::INT;
                    return Err(Escape::Abort(self.status));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn run_trap(&mut self, text: &Rc<[u8]>) -> Run<()> {
        let status = self.status;
        let outer = self.trap_status.replace((status, self.functions_running));
        let (tested, loops) = (std::mem::take(&mut self.tested), self.loops);
        let outcome = self.eval(text.to_vec());
        self.tested = tested;
        self.loops = loops;
        self.trap_status = outer;
        self.status = status;
        outcome.map(drop)
    }

    pub(crate) fn run_error_trap(&mut self) -> Run<()> {
        let Some(text) = self.traps.error_text() else { return Ok(()) };
        if self.functions_running > 0 && !self.options.errtrace() {
            return Ok(());
        }
        self.traps.error = None;
        let outcome = self.run_trap(&text);
        if self.traps.error.is_none() {
            self.traps.error = Some(text);
        }
        outcome
    }

    /// The exit status of a shell that ends, after the commands of its EXIT trap.
    pub(crate) fn end(&mut self, outcome: Run) -> i32 {
        let mut status = match outcome {
            Ok(status)
            | Err(Escape::Exit(status) | Escape::Return(status) | Escape::Abort(status)) => status,
            Err(Escape::Break(_) | Escape::Continue(_)) => self.status,
        };
        self.status = status;
        if caught::pending() != 0
            && let Err(Escape::Exit(other)) = self.run_traps()
        {
            status = other;
        }
        let action = self.traps.actions.first_mut().and_then(Option::take);
        if let Some(text) = action
            && !text.is_empty()
        {
            self.traps.listed = None;
            self.tested = 0;
            self.loops = 0;
            self.status = status;
            let outer = self.trap_status.replace((status, self.functions_running));
            if let Err(Escape::Exit(other)) = self.eval(text.to_vec()) {
                status = other;
            }
            self.trap_status = outer;
        }
        self.flush().ok();
        status
    }
}
