//! Reading a script piece by piece and executing it.

use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

use crate::ast::Node;
use crate::parse::{Parser, Stop, SyntaxError};
use crate::shell::{Escape, Run, Shell};

/// Where a script comes from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// A file of its own: it may be read ahead.
    File(OwnedFd),
    /// Standard input, which commands read too: nothing may be taken from them.
    Stdin,
}

/// A script that is being read.
#[derive(Debug)]
pub(crate) struct Script {
    origin: Origin,
    text: Vec<u8>,
    position: usize,
    line: u32,
    ended: bool,
    /// How much to read at once.
    step: usize,
}

const FILE_STEP_BYTES: usize = 64 * 1024;
const STDIN_STEP_BYTES: usize = 512;

impl Script {
    pub(crate) fn new(origin: Origin) -> Self {
        let step = match origin {
            Origin::File(_) => FILE_STEP_BYTES,
            Origin::Stdin => STDIN_STEP_BYTES,
        };
        Self { origin, text: Vec::new(), position: 0, line: 1, ended: false, step }
    }
}

impl Shell {
    /// Executes text that is all there. The last command may take the shell's place (`tail`).
    pub(crate) fn run_text(&mut self, mut text: Vec<u8>, line: u32, tail: bool) -> Run {
        let mut position = 0;
        let mut line = line;
        let mut status = 0;
        if self.stack_is_short() {
            return self.fail("nesting too deep");
        }
        loop {
            let mut parser =
                Parser::new(&mut text, position, &mut self.names, &self.aliases).at_line(line);
            let parsed = parser.command();
            (position, line) = (parser.position, parser.line);
            match parsed {
                Ok(None) => return Ok(status),
                Ok(Some(Node::Empty)) => {}
                Ok(Some(node)) => {
                    if self.options.noexec() && !self.interactive {
                        continue;
                    }
                    let last = tail && text[position..].iter().all(u8::is_ascii_whitespace);
                    status = self.exec(&node, last)?;
                }
                Err(Stop::Syntax(error)) => return self.syntax_error(&error),
                Err(Stop::Incomplete) => unreachable!("all of the text was there"),
            }
        }
    }

    /// `eval`, traps, and the like.
    pub(crate) fn eval(&mut self, text: Vec<u8>) -> Run {
        let line = self.vars.line;
        let outcome = self.run_text(text, line, false);
        self.vars.line = line;
        outcome
    }

    pub(crate) fn syntax_error(&mut self, error: &SyntaxError) -> Run {
        self.vars.line = error.line;
        self.fail([b"syntax error: ", &error.message[..]].concat())
    }

    /// The next command of a script.
    fn next_command(&mut self, script: &mut Script) -> Run<Option<Node>> {
        loop {
            // An alias changes the text, which must be as it was if the command is incomplete.
            let before = if self.aliases.is_empty() { None } else { Some(script.text.clone()) };
            let mut parser =
                Parser::new(&mut script.text, script.position, &mut self.names, &self.aliases)
                    .at_line(script.line)
                    .more(!script.ended);
            match parser.command() {
                Ok(Some(node)) => {
                    let (position, line) = (parser.position, parser.line);
                    self.taken(script, position, line);
                    return Ok(Some(node));
                }
                Ok(None) if script.ended => {
                    let (position, line) = (parser.position, parser.line);
                    self.taken(script, position, line);
                    return Ok(None);
                }
                Err(Stop::Syntax(error)) => {
                    script.position = script.text.len();
                    self.syntax_error(&error)?;
                }
                Ok(None) | Err(Stop::Incomplete) => {
                    if let Some(before) = before {
                        script.text = before;
                    }
                    self.fill(script)?;
                }
            }
        }
    }

    fn taken(&mut self, script: &mut Script, position: usize, line: u32) {
        if self.options.verbose() {
            let text = script.text[script.position..position].to_vec();
            self.write_error(&text);
        }
        script.position = position;
        script.line = line;
        if matches!(script.origin, Origin::Stdin) && !script.ended {
            // What was read too far is for the commands, if it can be given back.
            let unread = (script.text.len() - position) as i64;
            if unread > 0
                && let Some(fd) = self.files.descriptor(0)
                && seek(fd, SeekFrom::Current(-unread)).is_ok()
            {
                script.text.truncate(position);
            }
            script.step = STDIN_STEP_BYTES;
        }
        if position > FILE_STEP_BYTES {
            script.text.drain(..position);
            script.position = 0;
        }
    }

    /// Reads more of a script.
    fn fill(&mut self, script: &mut Script) -> Run<()> {
        let start = script.text.len();
        let outcome = match &script.origin {
            Origin::File(file) => {
                script.text.reserve(script.step);
                read(file.as_fd(), script.step, &mut script.text)
            }
            Origin::Stdin => match self.files.descriptor(0) {
                None => Ok(()),
                Some(fd) if seek(fd, SeekFrom::Current(0)).is_ok() => {
                    read(fd, script.step, &mut script.text)
                }
                // One byte at a time up to the line's end.
                Some(fd) => loop {
                    let before = script.text.len();
                    match read(fd, 1, &mut script.text) {
                        Ok(()) if script.text.len() == before || script.text.ends_with(b"\n") => {
                            break Ok(());
                        }
                        Ok(()) => {}
                        Err(error) => break Err(error),
                    }
                },
            },
        };
        script.step = (script.step * 2).min(16 << 20);
        if let Err(error) = outcome {
            return self.fail(format!("read error: {}", crate::shell::errno_text(error)));
        }
        script.ended = script.text.len() == start;
        if start == 0 && is_binary(&script.text) {
            return self.fail("not a script: it holds zero bytes");
        }
        Ok(())
    }

    /// Executes a script to its end.
    pub(crate) fn run_script(&mut self, mut script: Script) -> Run {
        let mut status = 0;
        while let Some(node) = self.next_command(&mut script)? {
            if matches!(node, Node::Empty) || self.options.noexec() {
                continue;
            }
            status = self.exec(&node, false)?;
        }
        Ok(status)
    }

    /// Executes what a person types, until they leave.
    pub(crate) fn run_typed(&mut self) -> Run {
        let mut ends = 0;
        loop {
            match self.typed_command() {
                Ok(Some(node)) => {
                    ends = 0;
                    match self.exec(&node, false) {
                        Ok(_) => {}
                        Err(Escape::Exit(status)) => return Err(Escape::Exit(status)),
                        Err(Escape::Abort(status) | Escape::Return(status)) => {
                            self.status = status;
                            self.recover();
                        }
                        Err(Escape::Break(_) | Escape::Continue(_)) => {}
                    }
                }
                Ok(None) => {
                    ends += 1;
                    let stopped = self
                        .jobs
                        .list
                        .iter()
                        .any(|job| matches!(job.state(), crate::jobs::State::Stopped(_)));
                    if self.options.ignoreeof() && ends < 50 {
                        self.write_error(b"\nUse \"exit\" to leave shell.\n");
                    } else if stopped && ends < 2 {
                        self.write_error(b"You have stopped jobs.\n");
                    } else {
                        return Ok(self.status);
                    }
                }
                Err(Escape::Exit(status)) => return Err(Escape::Exit(status)),
                Err(_) => {
                    self.status = if self.status == 0 { 2 } else { self.status };
                    self.recover();
                }
            }
        }
    }

    /// After an error the shell of a person goes on, in no loop, function or condition.
    fn recover(&mut self) {
        self.loops = 0;
        self.tested = 0;
        self.functions_running = 0;
        self.sources_running = 0;
        self.builtin_name = None;
        self.out.clear();
        self.finish_process_substitutions();
    }

    /// A command from as many lines as it takes; nothing at the end of input.
    fn typed_command(&mut self) -> Run<Option<Node>> {
        let mut text = Vec::new();
        loop {
            let line = match self.type_line(text.is_empty()) {
                crate::edit::Typed::Line(line) => line,
                crate::edit::Typed::Interrupted => {
                    self.status = 128 + crate::signal::INT;
                    isopod_sys::caught::take(crate::signal::INT);
                    return Ok(Some(Node::Empty));
                }
                crate::edit::Typed::End if text.is_empty() => return Ok(None),
                crate::edit::Typed::End => {
                    return self
                        .syntax_error(&SyntaxError {
                            line: 1,
                            message: b"unexpected end of file".to_vec(),
                        })
                        .map(|_| None);
                }
            };
            self.run_traps()?;
            text.extend_from_slice(&line);
            text.push(b'\n');
            let mut copy = text.clone();
            let mut nodes = Vec::new();
            let mut position = 0;
            let outcome = loop {
                let mut parser =
                    Parser::new(&mut copy, position, &mut self.names, &self.aliases).more(true);
                match parser.command() {
                    Ok(Some(node)) => nodes.push(node),
                    Ok(None) => break Ok(()),
                    Err(stop) => break Err(stop),
                }
                position = parser.position;
            };
            match outcome {
                Ok(()) => {
                    self.text = Rc::from(text.trim_ascii());
                    return Ok(Some(if nodes.len() == 1 {
                        nodes.remove(0)
                    } else {
                        Node::Sequence(nodes)
                    }));
                }
                Err(Stop::Incomplete) => {}
                Err(Stop::Syntax(error)) => {
                    self.status = 2;
                    self.syntax_error(&error)?;
                }
            }
        }
    }

    /// A whole file's text; the names of the shell's own descriptors mean those of its table.
    pub(crate) fn read_path(&self, name: &[u8]) -> std::io::Result<Vec<u8>> {
        let own =
            crate::files::number_of_path(name).and_then(|number| self.files.descriptor(number));
        let opened;
        let fd = match own {
            Some(fd) => fd,
            None => {
                opened = std::fs::File::open(crate::expand::path(name))?;
                opened.as_fd()
            }
        };
        let mut text = Vec::new();
        loop {
            let before = text.len();
            read(fd, FILE_STEP_BYTES, &mut text)?;
            if text.len() == before {
                return Ok(text);
            }
        }
    }
}

fn read(fd: std::os::fd::BorrowedFd<'_>, most: usize, text: &mut Vec<u8>) -> Result<(), Errno> {
    let mut buffer = vec![0; most];
    loop {
        match rustix::io::read(fd, &mut buffer[..]) {
            Err(Errno::INTR) => {}
            Ok(count) => {
                text.extend_from_slice(&buffer[..count]);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether a file's beginning is no text: a zero byte before the first line's end, as POSIX says.
fn is_binary(text: &[u8]) -> bool {
    let line = memchr::memchr(b'\n', text).unwrap_or(text.len());
    memchr::memchr(0, &text[..line]).is_some()
}
