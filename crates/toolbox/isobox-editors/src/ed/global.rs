//! `g`, `v`, `G` and `V`: commands for every line that matches, or does not.

use std::rc::Rc;

use super::address::{Cursor, Range};
use super::{Editor, Next, Outcome, Trouble, wrong};

impl Editor<'_, '_> {
    pub(super) fn global(
        &mut self,
        cursor: &mut Cursor<'_>,
        range: Range,
        letter: u8,
    ) -> Outcome<Next> {
        if self.in_global {
            return wrong("Cannot nest global commands");
        }
        let Some(delimiter) = cursor.next().filter(|byte| !matches!(byte, b' ' | b'\\')) else {
            return wrong("Invalid pattern delimiter");
        };
        let (pattern, _) = cursor.pattern(delimiter);
        let regex = self.regex(&pattern)?;
        let wanted = letter.eq_ignore_ascii_case(&b'g');
        let mut lines = Vec::new();
        for line in range.first.max(1)..=range.last {
            if self.matches(&regex, line)? == wanted {
                lines.push(Rc::clone(self.buffer.line(line)));
            }
        }
        let interactive = letter.is_ascii_uppercase();
        let mut commands = Vec::new();
        if interactive {
            if cursor.peek().is_some() {
                return wrong("Invalid command suffix");
            }
        } else {
            commands.push(cursor.rest().to_vec());
            while commands.last().is_some_and(|line| line.ends_with(b"\\")) {
                commands.last_mut().expect("just seen").pop();
                match self.read_line()? {
                    Some(line) => commands.push(line),
                    None => break,
                }
            }
            if commands == [b""] {
                commands = vec![b"p".to_vec()];
            }
        }
        if lines.is_empty() {
            return Ok(Next::Go);
        }
        self.buffer.remember();
        let modified = self.buffer.modified;
        let outcome = self.each(&lines, &commands, interactive);
        self.in_global = false;
        self.pending.clear();
        self.buffer.modified = modified;
        outcome
    }

    fn each(
        &mut self,
        lines: &[super::buffer::Line],
        commands: &[Vec<u8>],
        interactive: bool,
    ) -> Outcome<Next> {
        let (mut guess, mut last) = (0, Vec::new());
        for line in lines {
            // A command before may have removed it.
            let Some(number) = self.buffer.find(line, guess) else { continue };
            self.buffer.current = number;
            if interactive {
                self.print(number, number, b'p')?;
                self.cx.stdout.flush()?;
                let Some(command) = self.read_line()? else {
                    return wrong("Unexpected end-of-file");
                };
                match command.as_slice() {
                    b"" => continue,
                    b"&" => {}
                    _ => last = command,
                }
                self.pending = vec![last.clone()];
            } else {
                self.pending = commands.to_vec();
            }
            self.in_global = true;
            while !self.pending.is_empty() {
                let command = self.pending.remove(0);
                match self.command(&command) {
                    Ok(Next::Go) => {}
                    other => return other,
                }
            }
            self.in_global = false;
            guess = self.buffer.current;
        }
        Ok(Next::Go)
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Wrong(isobox_applet::errno_text(&error))
    }
}
