//! Pipelines and background commands: several processes at once.

use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;

use isopod_sys::spawn::Fork;

use crate::ast::{Node, Simple};
use crate::builtins::Args;
use crate::command::{Meaning, arguments};
use crate::expand::Fields;
use crate::files::{Slot, pipe};
use crate::hash::Found;
use crate::names;
use crate::shell::{Escape, Run, Shell, errno_text};
use crate::subshell::has_effects;

/// What starting an element of a pipeline came to.
enum Started {
    /// A process.
    Process(i32),
    /// It is over, with this status.
    Over(i32),
}

impl Shell {
    /// Executes commands connected by pipes.
    pub(crate) fn pipeline(&mut self, elements: &[Node]) -> Run {
        let pump = match self.files.pipes_for_captures() {
            Ok(pump) => pump,
            Err(error) => return self.fail(format!("can't make a pipe: {}", errno_text(error))),
        };
        let kept = self.close_in_copy.len();
        self.close_in_copy.extend(pump.readers());
        let mut processes = Vec::with_capacity(elements.len());
        let mut statuses = Vec::with_capacity(elements.len());
        let mut input: Option<OwnedFd> = None;
        let mut failure = None;
        for (index, element) in elements.iter().enumerate() {
            let last = index + 1 == elements.len();
            let (next, output) = if last {
                (None, None)
            } else {
                match pipe() {
                    Ok((reader, writer)) => (Some(reader), Some(writer)),
                    Err(error) => {
                        failure =
                            Some(self.fail(format!("can't make a pipe: {}", errno_text(error))));
                        break;
                    }
                }
            };
            let group = processes.first().copied().unwrap_or(0);
            // The next element's end: a copy that keeps it open would never notice that it ends.
            self.close_in_copy.extend(next.as_ref().map(AsRawFd::as_raw_fd));
            let started = self.element(element, input.take(), output, group);
            if next.is_some() {
                self.close_in_copy.pop();
            }
            match started {
                Ok(Started::Process(pid)) => {
                    processes.push(pid);
                    statuses.push(None);
                }
                Ok(Started::Over(status)) => statuses.push(Some(status)),
                Err(escape) => {
                    failure = Some(Err(escape));
                    break;
                }
            }
            input = next;
        }
        drop(input);
        self.close_in_copy.truncate(kept);
        self.files.pump(pump);
        if let Some(failure) = failure {
            return failure;
        }
        self.wait_pipeline(&processes, &statuses)
    }

    /// Starts one element with its ends of the pipes.
    fn element(
        &mut self,
        node: &Node,
        input: Option<OwnedFd>,
        output: Option<OwnedFd>,
        group: i32,
    ) -> Run<Started> {
        if input.is_none()
            && let Some(output) = &output
            && let Some(status) = self.print_into_pipe(node, output)
        {
            return Ok(Started::Over(status));
        }
        let mut saved = Vec::new();
        for (number, end) in [(0, input), (1, output)] {
            if let Some(end) = end {
                saved.push((number, self.files.put(number, Slot::Owned(Rc::new(end)))));
                self.files.hold(1);
            }
        }
        let outcome = match node {
            Node::Simple(command) => self.simple_element(node, command, group),
            node => self.forked_element(node, group),
        };
        self.files.put_back(&mut saved);
        outcome
    }

    /// `echo` and `printf` at the beginning of a pipeline fill the pipe without a process, if
    /// what they print fits into it.
    fn print_into_pipe(&mut self, node: &Node, output: &OwnedFd) -> Option<i32> {
        let Node::Simple(command) = node else { return None };
        let prints = command.builtin.is_some_and(|builtin| builtin.prints);
        if !prints
            || !command.redirections.is_empty()
            || !command.assignments.is_empty()
            || self.options.monitor()
            || self.options.xtrace()
            || command.name.is_some_and(|name| self.function(name).is_some())
            || command.words.iter().any(has_effects)
        {
            return None;
        }
        let mut fields = Fields::default();
        self.expand_words(command, &mut fields).ok()?;
        let length: usize = fields.from(0).map(<[u8]>::len).sum();
        if length > LONGEST_PRINT {
            return None;
        }
        let index = self.files.captures.len();
        self.files.captures.push(Vec::new());
        let mut saved = vec![(1, self.files.put(1, Slot::Capture(index)))];
        self.files.hold(1);
        let outcome = self.builtin(command.builtin?, Args::new(&fields, 0), false);
        self.files.put_back(&mut saved);
        let text = self.files.captures.pop().unwrap_or_default();
        if text.len() > SMALLEST_PIPE
            && rustix::pipe::fcntl_getpipe_size(output).is_ok_and(|size| size < text.len())
        {
            // It would wait for a reader that has not started: the rest is for a copy. Printing
            // has no other effect, so it may be done again.
            return None;
        }
        use std::os::fd::AsFd;
        crate::files::write_all(output.as_fd(), &text).ok()?;
        Some(match outcome {
            Ok(status)
            | Err(Escape::Abort(status) | Escape::Exit(status) | Escape::Return(status)) => status,
            Err(_) => 0,
        })
    }

    /// A program is started without a copy of the shell; what its words do to variables is undone.
    fn simple_element(&mut self, node: &Node, command: &Simple, group: i32) -> Run<Started> {
        let program =
            command.assignments.is_empty()
                && !self.options.xtrace()
                && command.words.first().and_then(|word| word.constant.as_ref()).is_some_and(
                    |name| matches!(self.meaning(Some(command), name), Meaning::Other),
                )
                && !command.words.iter().any(has_effects);
        if !program {
            return self.forked_element(node, group);
        }
        let mut fields = Fields::default();
        let mut saved = Vec::new();
        self.vars.line = command.line;
        let outcome = match self.expand_words(command, &mut fields) {
            Ok(()) => match self.redirect(&command.redirections, &mut saved) {
                Ok(true) => self.start_element(node, &fields, group),
                Ok(false) => Ok(Started::Over(1)),
                Err(escape) => Err(escape),
            },
            Err(escape) => Err(escape),
        };
        self.files.put_back(&mut saved);
        match outcome {
            // An error in an element is one in a copy of the shell.
            Err(Escape::Abort(status)) => Ok(Started::Over(status)),
            other => other,
        }
    }

    fn start_element(&mut self, node: &Node, fields: &Fields, group: i32) -> Run<Started> {
        let path = self.variable(names::PATH).unwrap_or_default();
        let args = Args::new(fields, 0);
        match self.hash.find(args.get(0), &path, self.registry) {
            Found::Program(path) => {
                let actions = self.files.actions();
                match self.spawn(&path, &arguments(args), &actions, group) {
                    Ok(pid) => {
                        if self.options.monitor() && !self.subshell {
                            self.jobs.join_group(pid, if group == 0 { pid } else { group }, false);
                        }
                        Ok(Started::Process(pid))
                    }
                    Err(error)
                        if error.raw_os_error()
                            == Some(rustix::io::Errno::NOEXEC.raw_os_error()) =>
                    {
                        self.forked_element(node, group)
                    }
                    Err(error) => self.program_failed(args, &path, &error).map(Started::Over),
                }
            }
            Found::Applet(_) => self.forked_element(node, group),
            _ => self.program(args, false, None).map(Started::Over),
        }
    }

    fn forked_element(&mut self, node: &Node, group: i32) -> Run<Started> {
        match self.fork(Some(group), true) {
            Ok(Fork::Child(_guard)) => {
                self.finish_copy(node);
                isopod_sys::clone::exit_now(self.status)
            }
            Ok(Fork::Parent(pid)) => Ok(Started::Process(pid)),
            Err(error) => self.fail(format!("can't fork: {}", isobox_applet::errno_text(&error))),
        }
    }

    /// `command &`
    pub(crate) fn background(&mut self, node: &Rc<Node>, text: &Rc<[u8]>) -> Run {
        self.jobs.reap();
        let monitor = self.options.monitor() && !self.subshell;
        match self.fork(Some(0), false) {
            Ok(Fork::Child(_guard)) => {
                if !monitor {
                    self.traps.ignore_in_background();
                    if matches!(self.files.slot(0), Slot::Inherited | Slot::Number(_))
                        && let Ok(null) = std::fs::File::open("/dev/null")
                    {
                        self.files.put(0, Slot::Owned(Rc::new(null.into())));
                    }
                }
                self.finish_copy(node);
                isopod_sys::clone::exit_now(self.status)
            }
            Ok(Fork::Parent(pid)) => {
                self.last_background = Some(pid);
                let number = self.jobs.add(vec![pid], text, monitor);
                if self.interactive {
                    let line = format!("[{number}] {pid}\n");
                    self.write_error(line.as_bytes());
                }
                Ok(0)
            }
            Err(error) => self.fail(format!("can't fork: {}", isobox_applet::errno_text(&error))),
        }
    }

    /// `<(…)` and `>(…)`: a name for a pipe whose other end the commands have.
    pub(crate) fn process_substitution(&mut self, node: &Rc<Node>, reads: bool) -> Run<Vec<u8>> {
        let (reader, writer) = match pipe() {
            Ok(ends) => ends,
            Err(error) => return self.fail(format!("can't make a pipe: {}", errno_text(error))),
        };
        let (own, theirs, their_number) =
            if reads { (reader, writer, 1) } else { (writer, reader, 0) };
        match self.fork(None, false) {
            Ok(Fork::Child(_guard)) => {
                drop(own);
                self.files.put(their_number, Slot::Owned(Rc::new(theirs)));
                self.finish_copy(node);
                isopod_sys::clone::exit_now(self.status)
            }
            Ok(Fork::Parent(_)) => {
                let number = FIRST_PROCESS_NUMBER + self.process_substitutions.len();
                self.files.put(number, Slot::Owned(Rc::new(own)));
                self.process_substitutions.push(number);
                Ok(format!("/dev/fd/{number}").into_bytes())
            }
            Err(error) => self.fail(format!("can't fork: {}", isobox_applet::errno_text(&error))),
        }
    }

    /// Closes the pipes of the process substitutions of the command that has ended.
    #[inline]
    pub(crate) fn finish_process_substitutions(&mut self) {
        while let Some(number) = self.process_substitutions.pop() {
            self.files.put(number, Slot::Inherited);
        }
    }
}

const FIRST_PROCESS_NUMBER: usize = 63;
/// Every pipe takes this much without a reader.
const SMALLEST_PIPE: usize = 4096;
/// Longer texts are not printed into a pipe without a process.
const LONGEST_PRINT: usize = 16 * 1024;
