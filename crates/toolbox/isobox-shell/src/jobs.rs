//! Processes that the shell has started: waiting, and job control.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;

use isopod_sys::{caught, descriptor};
use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};

use crate::shell::{Escape, Run, Shell};
use crate::signal;

/// A process of a job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) state: State,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Stopped(i32),
    Exited(i32),
    Killed(i32),
}

impl State {
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Exited(_) | Self::Killed(_))
    }

    pub(crate) fn status(self) -> i32 {
        match self {
            Self::Running => 0,
            Self::Exited(status) => status,
            Self::Stopped(signal) | Self::Killed(signal) => 128 + signal,
        }
    }
}

/// A pipeline in the background, or one that was stopped.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) number: usize,
    pub(crate) processes: Vec<Process>,
    pub(crate) text: Rc<[u8]>,
    /// It has a process group of its own.
    pub(crate) grouped: bool,
    /// Its last change was not shown yet.
    pub(crate) changed: bool,
    /// When it last became the current job.
    pub(crate) turn: u64,
}

impl Job {
    /// What the whole job does.
    pub(crate) fn state(&self) -> State {
        if self.processes.iter().any(|process| process.state == State::Running) {
            return State::Running;
        }
        if let Some(process) =
            self.processes.iter().find(|process| matches!(process.state, State::Stopped(_)))
        {
            return process.state;
        }
        self.processes.last().map_or(State::Exited(0), |process| process.state)
    }

    pub(crate) fn group(&self) -> i32 {
        self.processes.first().map_or(0, |process| process.pid)
    }
}

/// All jobs, and the terminal that they share.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    pub(crate) list: Vec<Job>,
    turns: u64,
    terminal: Option<OwnedFd>,
    own_group: i32,
}

/// Jobs that are over are remembered for `wait` until there are this many.
const MAX_FINISHED: usize = 1024;

fn state_of(status: WaitStatus) -> State {
    if let Some(code) = status.exit_status() {
        State::Exited(code)
    } else if let Some(signal) = status.terminating_signal() {
        State::Killed(signal)
    } else if let Some(signal) = status.stopping_signal() {
        State::Stopped(signal)
    } else {
        State::Running
    }
}

impl Jobs {
    /// The terminal's descriptor, in job control.
    pub(crate) fn terminal(&self) -> Option<RawFd> {
        self.terminal.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// In a copy of the shell there are no jobs to wait for.
    pub(crate) fn enter_copy(&mut self) {
        self.list.clear();
        self.terminal = None;
    }

    /// Puts a process into a group (0: its own), and the group into the foreground.
    pub(crate) fn join_group(&self, pid: i32, group: i32, foreground: bool) {
        let group = if group == 0 { None } else { Pid::from_raw(group) };
        // The process may have done so itself, or be over already.
        rustix::process::setpgid(Pid::from_raw(pid), group).ok();
        if foreground && let Some(terminal) = &self.terminal {
            rustix::termios::tcsetpgrp(terminal, rustix::process::getpgrp()).ok();
        }
    }

    /// Adds a job; returns its number.
    pub(crate) fn add(&mut self, pids: Vec<i32>, text: &Rc<[u8]>, grouped: bool) -> usize {
        let finished = self.list.iter().filter(|job| job.state().is_over()).count();
        if finished > MAX_FINISHED
            && let Some(oldest) = self.list.iter().position(|job| job.state().is_over())
        {
            self.list.remove(oldest);
        }
        let number = self.list.iter().map(|job| job.number).max().unwrap_or(0) + 1;
        self.turns += 1;
        let processes =
            pids.into_iter().map(|pid| Process { pid, state: State::Running }).collect();
        self.list.push(Job {
            number,
            processes,
            text: Rc::clone(text),
            grouped,
            changed: false,
            turn: self.turns,
        });
        number
    }

    pub(crate) fn make_current(&mut self, number: usize) {
        self.turns += 1;
        let turn = self.turns;
        if let Some(job) = self.list.iter_mut().find(|job| job.number == number) {
            job.turn = turn;
        }
    }

    /// Jobs' numbers, the current one first, stopped ones before others.
    pub(crate) fn order(&self) -> Vec<usize> {
        let mut order: Vec<&Job> = self.list.iter().collect();
        order.sort_by_key(|job| {
            std::cmp::Reverse((
                matches!(job.state(), State::Stopped(_)),
                !job.state().is_over(),
                job.turn,
            ))
        });
        order.iter().map(|job| job.number).collect()
    }

    /// Asks after all running processes without waiting.
    pub(crate) fn reap(&mut self) {
        for job in &mut self.list {
            for process in &mut job.processes {
                if process.state.is_over() {
                    continue;
                }
                let options = WaitOptions::NOHANG | WaitOptions::UNTRACED | WaitOptions::CONTINUED;
                match waitpid(Pid::from_raw(process.pid), options) {
                    Ok(Some((_, status))) => {
                        process.state = state_of(status);
                        job.changed = true;
                    }
                    Ok(None) | Err(rustix::io::Errno::INTR) => {}
                    // Somebody else has waited for it.
                    Err(_) => process.state = State::Exited(127),
                }
            }
        }
    }

    /// The number of the job that `%…` means.
    pub(crate) fn find(&self, text: &[u8]) -> Result<usize, &'static str> {
        let order = self.order();
        match text {
            b"%" | b"%%" | b"%+" => order.first().copied().ok_or("no current job"),
            b"%-" => order.get(1).or(order.first()).copied().ok_or("no previous job"),
            [b'%', rest @ ..] => {
                if let Some(number) =
                    std::str::from_utf8(rest).ok().and_then(|text| text.parse::<usize>().ok())
                {
                    return self
                        .list
                        .iter()
                        .any(|job| job.number == number)
                        .then_some(number)
                        .ok_or("no such job");
                }
                let fits = |job: &&Job| match rest.strip_prefix(b"?") {
                    Some(part) => memchr::memmem::find(&job.text, part).is_some(),
                    None => job.text.starts_with(rest),
                };
                let mut found = self.list.iter().filter(fits);
                match (found.next(), found.next()) {
                    (Some(job), None) => Ok(job.number),
                    (Some(_), Some(_)) => Err("ambiguous"),
                    (None, _) => Err("no such job"),
                }
            }
            _ => {
                let pid = std::str::from_utf8(text).ok().and_then(|text| text.parse::<i32>().ok());
                self.list
                    .iter()
                    .find(|job| job.processes.iter().any(|process| Some(process.pid) == pid))
                    .map(|job| job.number)
                    .ok_or("no such job")
            }
        }
    }

    pub(crate) fn get(&mut self, number: usize) -> Option<&mut Job> {
        self.list.iter_mut().find(|job| job.number == number)
    }

    pub(crate) fn remove(&mut self, number: usize) {
        self.list.retain(|job| job.number != number);
    }

    /// A line about a job.
    pub(crate) fn line(&self, job: &Job, pids: bool) -> Vec<u8> {
        let order = self.order();
        let mark = if order.first() == Some(&job.number) {
            '+'
        } else if order.get(1) == Some(&job.number) {
            '-'
        } else {
            ' '
        };
        let state = match job.state() {
            State::Running => "Running".to_string(),
            State::Stopped(_) => "Stopped".to_string(),
            State::Exited(0) => "Done".to_string(),
            State::Exited(status) => format!("Done({status})"),
            State::Killed(which) => signal::description(which),
        };
        let head = if pids {
            format!("[{}]{mark}  {} {state}", job.number, job.group())
        } else {
            format!("[{}]{mark}  {state}", job.number)
        };
        let mut line = format!("{head:<33}").into_bytes();
        line.extend_from_slice(&job.text);
        line.push(b'\n');
        line
    }

    /// Takes the terminal for the shell's own group.
    pub(crate) fn take_terminal(&self) {
        if let Some(terminal) = &self.terminal {
            // It fails only if the terminal is gone.
            rustix::termios::tcsetpgrp(
                terminal,
                Pid::from_raw(self.own_group).unwrap_or(rustix::process::getpgrp()),
            )
            .ok();
        }
    }

    pub(crate) fn give_terminal(&self, group: i32) {
        if let (Some(terminal), Some(group)) = (&self.terminal, Pid::from_raw(group)) {
            rustix::termios::tcsetpgrp(terminal, group).ok();
        }
    }
}

impl Shell {
    /// Turns job control on or off. On needs a terminal for a shell with a person at it.
    pub(crate) fn set_job_control(&mut self, on: bool) {
        if on {
            if self.interactive && self.jobs.terminal.is_none() {
                let terminal = std::fs::OpenOptions::new().read(true).write(true).open("/dev/tty");
                match terminal {
                    Ok(file) => self.jobs.terminal = Some(file.into()),
                    Err(_) => {
                        self.warn_plain(b"can't access tty; job control turned off");
                        self.options.set_letter(b'm', false);
                        return;
                    }
                }
                self.wait_for_foreground();
                self.traps.shield_job_control(true);
                let own = Pid::from_raw(self.pid);
                // A session's leader has its own group already.
                rustix::process::setpgid(own, own).ok();
                self.jobs.own_group = rustix::process::getpgrp().as_raw_nonzero().get();
                self.jobs.take_terminal();
            }
        } else if self.jobs.terminal.take().is_some() {
            self.traps.shield_job_control(false);
        }
    }

    /// A shell that was started in the background waits until it is brought to the foreground.
    fn wait_for_foreground(&mut self) {
        for _ in 0..100 {
            let Some(terminal) = &self.jobs.terminal else { return };
            let own = rustix::process::getpgrp();
            match rustix::termios::tcgetpgrp(terminal) {
                Ok(group) if group != own => {
                    caught::kill(0, signal::TTIN).ok();
                }
                _ => return,
            }
        }
    }

    /// Waits for the processes of a foreground command; the last one's status counts.
    pub(crate) fn wait_foreground(&mut self, pids: &[i32]) -> Run {
        let statuses = vec![None; pids.len()];
        self.wait_pipeline(pids, &statuses)
    }

    /// Waits for the processes of a pipeline. `statuses` holds those of elements that had none.
    pub(crate) fn wait_pipeline(&mut self, pids: &[i32], statuses: &[Option<i32>]) -> Run {
        let monitor = self.options.monitor() && !self.subshell;
        let mut processes: Vec<Process> =
            pids.iter().map(|&pid| Process { pid, state: State::Running }).collect();
        let mut stopped = false;
        for process in &mut processes {
            process.state = wait_for(process.pid, monitor);
            if matches!(process.state, State::Stopped(_)) {
                stopped = true;
                break;
            }
        }
        if monitor {
            self.jobs.take_terminal();
        }
        if stopped {
            return self.stopped(processes);
        }
        let mut ends = processes.iter().map(|process| process.state);
        let all: Vec<State> = statuses
            .iter()
            .map(|status| {
                status.map_or_else(|| ends.next().unwrap_or(State::Exited(0)), State::Exited)
            })
            .collect();
        if let Some(State::Killed(which)) = all.last() {
            self.tell_killed(*which)?;
        }
        let mut status = all.last().map_or(0, |state| state.status());
        if self.options.pipefail()
            && let Some(failed) =
                all.iter().rev().map(|state| state.status()).find(|&status| status != 0)
        {
            status = failed;
        }
        Ok(status)
    }

    fn stopped(&mut self, processes: Vec<Process>) -> Run {
        let status = processes
            .iter()
            .find(|process| matches!(process.state, State::Stopped(_)))
            .map_or(0, |process| process.state.status());
        let text = Rc::clone(&self.text);
        let number = self.jobs.add(Vec::new(), &text, true);
        if let Some(job) = self.jobs.get(number) {
            job.processes = processes;
        }
        if let Some(job) = self.jobs.list.iter().find(|job| job.number == number) {
            let line = [b"\n", &self.jobs.line(job, false)[..]].concat();
            self.write_error(&line);
        }
        Ok(status)
    }

    /// Says that a signal ended a command; an interrupt ends what a person has typed.
    pub(crate) fn tell_killed(&mut self, which: i32) -> Run<()> {
        if which == signal::INT {
            if self.interactive {
                self.write_error(b"\n");
                self.status = 128 + which;
                return Err(Escape::Abort(self.status));
            }
            return Ok(());
        }
        if which != signal::PIPE {
            let text = format!("{}\n", signal::description(which));
            self.write_error(text.as_bytes());
        }
        Ok(())
    }

    /// Brings a stopped or background job to the foreground and waits for it.
    pub(crate) fn resume(&mut self, number: usize, foreground: bool) -> Run {
        let Some(job) = self.jobs.get(number) else { return Ok(1) };
        let (group, grouped) = (job.group(), job.grouped);
        for process in &mut job.processes {
            if matches!(process.state, State::Stopped(_)) {
                process.state = State::Running;
            }
        }
        if foreground && grouped {
            self.jobs.give_terminal(group);
        }
        // It may have ended meanwhile.
        caught::kill(if grouped { -group } else { group }, signal::CONT).ok();
        if !foreground {
            return Ok(0);
        }
        let Some(index) = self.jobs.list.iter().position(|job| job.number == number) else {
            return Ok(1);
        };
        let mut job = self.jobs.list.remove(index);
        let mut stopped = false;
        for process in &mut job.processes {
            if process.state.is_over() {
                continue;
            }
            process.state = wait_for(process.pid, true);
            if matches!(process.state, State::Stopped(_)) {
                stopped = true;
                break;
            }
        }
        self.jobs.take_terminal();
        if stopped {
            let text = std::mem::replace(&mut self.text, Rc::clone(&job.text));
            let status = self.stopped(job.processes);
            self.text = text;
            return status;
        }
        let state = job.state();
        if let State::Killed(which) = state {
            self.tell_killed(which)?;
        }
        Ok(state.status())
    }

    /// Shows what became of background jobs, before the next prompt.
    pub(crate) fn show_changed_jobs(&mut self) {
        self.jobs.reap();
        let changed: Vec<usize> =
            self.jobs.list.iter().filter(|job| job.changed).map(|job| job.number).collect();
        for number in changed {
            let Some(job) = self.jobs.list.iter().find(|job| job.number == number) else {
                continue;
            };
            let (line, over) = (self.jobs.line(job, false), job.state().is_over());
            self.write_error(&line);
            if over {
                self.jobs.remove(number);
            } else if let Some(job) = self.jobs.get(number) {
                job.changed = false;
            }
        }
    }

    /// Waits until `done` finds what it looks for, or a signal with a trap comes.
    pub(crate) fn wait_until(&mut self, mut done: impl FnMut(&mut Jobs) -> Option<i32>) -> i32 {
        self.traps.watch_children();
        loop {
            caught::take(signal::CHLD);
            self.jobs.reap();
            if let Some(which) = self.traps.due() {
                return 128 + which;
            }
            if let Some(status) = done(&mut self.jobs) {
                return status;
            }
            if self.interactive && caught::pending() & (1 << (signal::INT - 1)) != 0 {
                return 128 + signal::INT;
            }
            caught::wait_unless(|| caught::pending() != 0);
        }
    }
}

/// Waits for one process of ours.
fn wait_for(pid: i32, untraced: bool) -> State {
    let options = if untraced { WaitOptions::UNTRACED } else { WaitOptions::empty() };
    loop {
        match waitpid(Pid::from_raw(pid), options) {
            Ok(Some((_, status))) => return state_of(status),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            // It was never there, or its end went to somebody else.
            Err(_) => return State::Exited(127),
        }
    }
}

/// Whether a number is that of an open terminal.
pub(crate) fn is_terminal(number: usize, files: &crate::files::Files) -> bool {
    match files.target(number) {
        crate::files::Target::Descriptor(raw) => rustix::termios::isatty(descriptor::numbered(raw)),
        _ => false,
    }
}
