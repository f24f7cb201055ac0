//! The terminal: reads keys, shows the line.

use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize,
    tcsetattr,
};

use super::complete::common_start;
use super::line::{Line, width};
use crate::shell::Shell;

/// What a person did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A line, without its newline.
    Line(Vec<u8>),
    /// Control-C.
    Interrupted,
    /// Control-D, or the input's end.
    End,
}

/// A key, or a combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Byte(u8),
    Meta(u8),
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    Delete,
    Unknown,
}

enum Outcome {
    GoesOn,
    Typed(Typed),
}

impl Shell {
    /// Reads a line, edited if it comes from a terminal.
    pub(crate) fn type_line(&mut self, first: bool) -> Typed {
        if first {
            self.show_changed_jobs();
        }
        let prompt = self.prompt(first);
        let Some(fd) = self.files.descriptor(0) else { return Typed::End };
        let raw_number = std::os::fd::AsRawFd::as_raw_fd(&fd);
        let fd = isopod_sys::descriptor::numbered(raw_number);
        let Ok(old) = tcgetattr(fd) else {
            self.write_error(&prompt);
            return plain_line(fd);
        };
        if tcsetattr(fd, OptionalActions::Drain, &raw(&old)).is_err() {
            return Typed::End;
        }
        let mut editor = Editor {
            fd,
            prompt,
            line: Line::default(),
            place: self.history.lines().len(),
            kept: Vec::new(),
        };
        let typed = editor.run(self);
        tcsetattr(fd, OptionalActions::Drain, &old).ok();
        self.write_error(b"\r\n");
        if let Typed::Line(line) = &typed {
            self.history.add(line);
        }
        typed
    }
}

fn raw(old: &Termios) -> Termios {
    let mut new = old.clone();
    new.local_modes
        .remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN);
    new.input_modes.remove(InputModes::ICRNL | InputModes::IXON);
    new.special_codes[SpecialCodeIndex::VMIN] = 1;
    new.special_codes[SpecialCodeIndex::VTIME] = 0;
    new
}

/// A line from what is no terminal.
fn plain_line(fd: BorrowedFd<'_>) -> Typed {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        match rustix::io::read(fd, &mut byte) {
            Ok(0) | Err(_) if line.is_empty() => return Typed::End,
            Ok(0) | Err(_) => return Typed::Line(line),
            Ok(_) if byte[0] == b'\n' => return Typed::Line(line),
            Ok(_) => line.push(byte[0]),
        }
    }
}

struct Editor {
    fd: BorrowedFd<'static>,
    prompt: Vec<u8>,
    line: Line,
    /// Which line of the history is shown; their number for the new one.
    place: usize,
    /// The new line, while one of the history is shown.
    kept: Vec<u8>,
}

impl Editor {
    fn run(&mut self, shell: &mut Shell) -> Typed {
        loop {
            self.show(shell);
            let Some(key) = self.key() else { return Typed::End };
            if let Outcome::Typed(typed) = self.press(shell, key) {
                self.line.cursor = self.line.text.len();
                self.show(shell);
                return typed;
            }
        }
    }

    fn byte(&self) -> Option<u8> {
        let mut byte = [0];
        loop {
            match rustix::io::read(self.fd, &mut byte) {
                Ok(1) => return Some(byte[0]),
                Err(Errno::INTR) => {}
                _ => return None,
            }
        }
    }

    fn key(&self) -> Option<Key> {
        let byte = self.byte()?;
        if byte != 0x1b {
            return Some(Key::Byte(byte));
        }
        let second = self.byte()?;
        if second != b'[' && second != b'O' {
            return Some(Key::Meta(second));
        }
        let mut parameter = Vec::new();
        loop {
            let byte = self.byte()?;
            return Some(match byte {
                b'0'..=b'9' | b';' if parameter.len() < 8 => {
                    parameter.push(byte);
                    continue;
                }
                b'A' => Key::Up,
                b'B' => Key::Down,
                b'C' if parameter.ends_with(b";5") => Key::Meta(b'f'),
                b'D' if parameter.ends_with(b";5") => Key::Meta(b'b'),
                b'C' => Key::Right,
                b'D' => Key::Left,
                b'H' => Key::Home,
                b'F' => Key::End,
                b'~' => match &parameter[..] {
                    b"1" | b"7" => Key::Home,
                    b"4" | b"8" => Key::End,
                    b"3" => Key::Delete,
                    _ => Key::Unknown,
                },
                _ => Key::Unknown,
            });
        }
    }

    fn press(&mut self, shell: &mut Shell, key: Key) -> Outcome {
        const fn control(letter: u8) -> u8 {
            letter & 0x1f
        }
        const C_A: u8 = control(b'a');
        const C_B: u8 = control(b'b');
        const C_C: u8 = control(b'c');
        const C_D: u8 = control(b'd');
        const C_E: u8 = control(b'e');
        const C_F: u8 = control(b'f');
        const C_H: u8 = control(b'h');
        const C_K: u8 = control(b'k');
        const C_L: u8 = control(b'l');
        const C_N: u8 = control(b'n');
        const C_P: u8 = control(b'p');
        const C_R: u8 = control(b'r');
        const C_T: u8 = control(b't');
        const C_U: u8 = control(b'u');
        const C_W: u8 = control(b'w');
        const C_Y: u8 = control(b'y');
        match key {
            Key::Byte(b'\r' | b'\n') => return Outcome::Typed(Typed::Line(self.line.text.clone())),
            Key::Byte(C_C) => {
                shell.write_error(b"^C");
                return Outcome::Typed(Typed::Interrupted);
            }
            Key::Byte(C_D) if self.line.text.is_empty() => return Outcome::Typed(Typed::End),
            Key::Byte(C_D) | Key::Delete => self.line.delete(),
            Key::Byte(C_A) | Key::Home => self.line.cursor = 0,
            Key::Byte(C_E) | Key::End => self.line.cursor = self.line.text.len(),
            Key::Byte(C_B) | Key::Left => self.line.left(),
            Key::Byte(C_F) | Key::Right => self.line.right(),
            Key::Byte(C_H | 0x7f) => self.line.delete_before(),
            Key::Byte(C_K) => self.line.kill_to_end(),
            Key::Byte(C_U) => self.line.kill_to_start(),
            Key::Byte(C_W) => self.line.kill_blank_word(),
            Key::Byte(C_Y) => self.line.yank(),
            Key::Byte(C_T) => self.line.transpose(),
            Key::Byte(C_L) => shell.write_error(b"\x1b[H\x1b[2J"),
            Key::Byte(C_P) | Key::Up => self.history(shell, true),
            Key::Byte(C_N) | Key::Down => self.history(shell, false),
            Key::Byte(C_R) => return self.search(shell),
            Key::Byte(b'\t') => self.complete(shell),
            Key::Meta(b'b') => self.line.go_word_left(),
            Key::Meta(b'f') => self.line.go_word_right(),
            Key::Meta(b'd') => self.line.kill_word_right(),
            Key::Meta(0x7f | C_H) => self.line.kill_word_left(),
            Key::Byte(byte) if byte >= b' ' => self.line.insert(&[byte]),
            Key::Byte(_) | Key::Meta(_) | Key::Unknown => {}
        }
        Outcome::GoesOn
    }

    fn history(&mut self, shell: &Shell, back: bool) {
        let lines = shell.history.lines();
        let to = if back { self.place.checked_sub(1) } else { Some(self.place + 1) };
        let Some(to) = to.filter(|&to| to <= lines.len()) else { return };
        if self.place == lines.len() {
            self.kept = self.line.text.clone();
        }
        self.place = to;
        let text = lines.get(to).unwrap_or(&self.kept).clone();
        self.line.set(&text);
    }

    /// Control-R: looks for text in the history while it is typed.
    fn search(&mut self, shell: &mut Shell) -> Outcome {
        let prompt = self.prompt.clone();
        let before = self.line.clone();
        let mut wanted = Vec::new();
        let mut place = shell.history.lines().len();
        let outcome = loop {
            self.prompt = [b"(search)`", &wanted[..], b"': "].concat();
            self.show(shell);
            match self.key() {
                None => break Outcome::Typed(Typed::End),
                Some(Key::Byte(0x12)) => {}
                Some(Key::Byte(0x7f | 0x08)) => {
                    wanted.pop();
                    place = shell.history.lines().len();
                }
                Some(Key::Byte(byte)) if byte >= b' ' => {
                    wanted.push(byte);
                    place = (place + 1).min(shell.history.lines().len());
                }
                Some(Key::Byte(0x03 | 0x07)) => {
                    self.line = before;
                    break Outcome::GoesOn;
                }
                Some(key) => {
                    self.prompt.clone_from(&prompt);
                    break self.press(shell, key);
                }
            }
            if let Some(found) = shell.history.search(&wanted, place) {
                place = found;
                self.line.set(&shell.history.lines()[found].clone());
            }
        };
        self.prompt = prompt;
        outcome
    }

    fn complete(&mut self, shell: &mut Shell) {
        let (start, candidates) = shell.candidates(&self.line.text[..self.line.cursor]);
        let common = common_start(&candidates);
        if common > self.line.cursor - start || candidates.len() == 1 {
            self.line.text.drain(start..self.line.cursor);
            self.line.cursor = start;
            self.line.insert(&candidates[0][..common]);
            return;
        }
        if candidates.len() > 1 {
            let mut text = b"\r\n".to_vec();
            for candidate in &candidates {
                let name = candidate.trim_ascii_end();
                let base = name.strip_suffix(b"/").unwrap_or(name);
                let from = base.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
                text.extend_from_slice(&name[from..]);
                text.extend_from_slice(b"  ");
            }
            text.extend_from_slice(b"\r\n");
            shell.write_error(&text);
        }
    }

    /// Shows the line. One that is wider than the terminal is shown in part.
    fn show(&mut self, shell: &mut Shell) {
        let columns = tcgetwinsize(self.fd).map_or(0, |size| usize::from(size.ws_col));
        // Some terminals do not say.
        let columns = if columns == 0 { 80 } else { columns.max(20) };
        let prompt_width = width(&self.prompt);
        let room = columns.saturating_sub(prompt_width + 1).max(8);
        let cursor = self.line.column();
        let skip = cursor.saturating_sub(room - 1);
        let mut shown = Vec::new();
        let mut column = 0;
        for &byte in &self.line.text {
            let starts = byte & 0xc0 != 0x80;
            column += usize::from(starts);
            if column > skip && column <= skip + room {
                shown.push(if byte < b' ' { b'?' } else { byte });
            }
        }
        let mut text = b"\r".to_vec();
        // Only the last line of a prompt is shown again.
        let last = self.prompt.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        text.extend_from_slice(
            &self.prompt[..last]
                .iter()
                .flat_map(|&byte| if byte == b'\n' { vec![b'\r', b'\n'] } else { vec![byte] })
                .collect::<Vec<u8>>(),
        );
        text.extend_from_slice(&self.prompt[last..]);
        self.prompt.drain(..last);
        text.extend_from_slice(&shown);
        text.extend_from_slice(b"\x1b[K\r");
        let to = prompt_width + cursor - skip;
        if to > 0 {
            text.extend_from_slice(format!("\x1b[{to}C").as_bytes());
        }
        shell.write_error(&text);
    }
}
