//! One command line.

use super::address::{Cursor, Range};
use super::{Editor, Next, Outcome, wrong};

impl Editor<'_, '_> {
    pub(super) fn command(&mut self, line: &[u8]) -> Outcome<Next> {
        let warned = std::mem::take(&mut self.warned);
        let mut cursor = Cursor::new(line);
        let range = self.range(&mut cursor)?;
        cursor.skip_blanks();
        let Some(letter) = cursor.next() else {
            // A line number alone, or nothing: the next line.
            let line = if range.given > 0 { range.last } else { self.buffer.current + 1 };
            if line == 0 || line > self.buffer.len() {
                return wrong("Invalid address");
            }
            self.print(line, line, b'p')?;
            return Ok(Next::Go);
        };
        match letter {
            b'a' | b'i' | b'c' => self.input_lines(&mut cursor, range, letter)?,
            b'd' => {
                let suffix = suffix(&mut cursor)?;
                let range = self.existing(range)?;
                self.change();
                self.buffer.delete(range.first, range.last);
                self.print_current(&suffix)?;
            }
            b'e' | b'E' => {
                self.refuse_address(range)?;
                let name = self.file_name(&mut cursor)?;
                if letter == b'e' && self.buffer.modified && !warned {
                    return self.warn();
                }
                self.edit(&name)?;
                self.keep_name(&name);
            }
            b'f' => {
                self.refuse_address(range)?;
                if cursor.peek().is_some() {
                    let name = self.file_name(&mut cursor)?;
                    self.name = Some(name);
                }
                let Some(name) = self.name.clone() else { return wrong("No current filename") };
                self.cx.stdout.put(&name)?;
                self.cx.stdout.put(b"\n")?;
            }
            b'g' | b'v' | b'G' | b'V' => {
                let range = self.or_all(range);
                return self.global(&mut cursor, range, letter);
            }
            b'h' | b'H' => {
                self.refuse_address(range)?;
                nothing_more(&cursor)?;
                self.explain ^= letter == b'H';
                if (letter == b'h' || self.explain) && !self.explanation.is_empty() {
                    writeln!(self.cx.stdout, "{}", self.explanation)?;
                }
            }
            b'j' => {
                let suffix = suffix(&mut cursor)?;
                self.join(range)?;
                self.print_current(&suffix)?;
            }
            b'k' => {
                let letter = cursor.next().filter(u8::is_ascii_lowercase);
                let Some(letter) = letter else { return wrong("Invalid mark character") };
                nothing_more(&cursor)?;
                let range = self.existing(range)?;
                self.buffer.mark(letter, range.last);
            }
            b'l' | b'n' | b'p' => {
                let mut how = suffix(&mut cursor)?;
                how.push(letter);
                let range = self.existing(range)?;
                self.print(range.first, range.last, strongest(&how))?;
            }
            b'm' | b't' => self.move_or_copy(&mut cursor, range, letter)?,
            b'P' => {
                self.refuse_address(range)?;
                nothing_more(&cursor)?;
                self.prompting = !self.prompting;
                self.prompt.get_or_insert_with(|| b"*".to_vec());
            }
            b'q' | b'Q' => {
                self.refuse_address(range)?;
                nothing_more(&cursor)?;
                if letter == b'q' && self.buffer.modified && !warned {
                    return self.warn();
                }
                return Ok(Next::Quit);
            }
            b'r' => {
                let after = if range.given > 0 { range.last } else { self.buffer.len() };
                let name = self.file_name(&mut cursor)?;
                self.read(&name, after)?;
                if self.name.is_none() {
                    self.keep_name(&name);
                }
            }
            b's' => {
                let range = self.existing(range)?;
                let print = self.substitute(&mut cursor, range)?;
                self.print_current(&print)?;
            }
            b'u' => {
                self.refuse_address(range)?;
                nothing_more(&cursor)?;
                if !self.buffer.undo() {
                    return wrong("Nothing to undo");
                }
            }
            b'w' | b'W' => return self.write_command(&mut cursor, range, letter, warned),
            b'z' => self.scroll(&mut cursor, range)?,
            b'=' => {
                let suffix = suffix(&mut cursor)?;
                let line = if range.given > 0 { range.last } else { self.buffer.len() };
                writeln!(self.cx.stdout, "{line}")?;
                self.print_current(&suffix)?;
            }
            b'!' => {
                self.refuse_address(range)?;
                self.shell_escape(cursor.rest())?;
            }
            b'#' => {}
            _ => return wrong("Unknown command"),
        }
        Ok(Next::Go)
    }

    fn warn(&mut self) -> Outcome<Next> {
        self.warned = true;
        wrong("Warning: buffer modified")
    }

    /// To be called before a change; the commands of `g` are undone as one.
    fn change(&mut self) {
        if !self.in_global {
            self.buffer.remember();
        }
    }

    fn refuse_address(&self, range: Range) -> Outcome<()> {
        if range.given > 0 { wrong("Unexpected address") } else { Ok(()) }
    }

    /// The range, if its lines exist.
    fn existing(&self, range: Range) -> Outcome<Range> {
        if range.first == 0 { wrong("Invalid address") } else { Ok(range) }
    }

    fn or_all(&self, range: Range) -> Range {
        if range.given > 0 {
            return range;
        }
        Range { first: usize::from(self.buffer.len() > 0), last: self.buffer.len(), given: 2 }
    }

    /// A file's name after a command's letter; without one the remembered name.
    fn file_name(&mut self, cursor: &mut Cursor<'_>) -> Outcome<Vec<u8>> {
        if cursor.peek().is_some_and(|byte| !matches!(byte, b' ' | b'\t')) {
            return wrong("Unexpected command suffix");
        }
        cursor.skip_blanks();
        let name = cursor.rest().to_vec();
        if !name.is_empty() {
            return Ok(name);
        }
        match &self.name {
            Some(name) => Ok(name.clone()),
            None => wrong("No current filename"),
        }
    }

    fn keep_name(&mut self, name: &[u8]) {
        if !name.starts_with(b"!") {
            self.name = Some(name.to_vec());
        }
    }

    /// `a`, `i` and `c`: lines up to a dot.
    fn input_lines(&mut self, cursor: &mut Cursor<'_>, range: Range, letter: u8) -> Outcome<()> {
        let suffix = suffix(cursor)?;
        // An insertion before line 0 is one before the first.
        let range = match letter {
            b'c' => Range { first: range.first.max(1), ..range },
            _ => range,
        };
        let mut lines = Vec::new();
        while let Some(line) = self.read_line()? {
            if line == b"." {
                break;
            }
            lines.push(line);
        }
        self.change();
        let after = match letter {
            b'a' => range.last,
            b'i' => range.last.saturating_sub(1),
            _ => {
                if range.last > 0 {
                    self.buffer.delete(range.first, range.last);
                }
                range.first - 1
            }
        };
        if !lines.is_empty() {
            self.buffer.insert(after, lines);
        } else if letter != b'c' {
            self.buffer.current = range.last;
        }
        self.print_current(&suffix)
    }

    fn join(&mut self, range: Range) -> Outcome<()> {
        let range = match range.given {
            0 => Range { first: range.last, last: range.last + 1, given: 2 },
            _ => range,
        };
        let range = self.existing(range)?;
        if range.last > self.buffer.len() {
            return wrong("Invalid address");
        }
        if range.first < range.last {
            self.change();
            let joined = self.buffer.lines(range.first, range.last).iter();
            let joined: Vec<u8> = joined.flat_map(|line| line.iter().copied()).collect();
            self.buffer.delete(range.first, range.last);
            self.buffer.insert(range.first - 1, vec![joined]);
        }
        Ok(())
    }

    fn move_or_copy(&mut self, cursor: &mut Cursor<'_>, range: Range, letter: u8) -> Outcome<()> {
        cursor.skip_blanks();
        let target = self.address(cursor)?.unwrap_or(self.buffer.current);
        let suffix = suffix(cursor)?;
        let range = self.existing(range)?;
        if letter == b't' {
            self.change();
            let lines = self.buffer.lines(range.first, range.last);
            let lines = lines.iter().map(|line| line.to_vec()).collect();
            self.buffer.insert(target, lines);
        } else if (range.first..range.last).contains(&target) {
            return wrong("Invalid destination");
        } else if target + 1 != range.first && target != range.last {
            self.change();
            self.buffer.move_lines(range.first, range.last, target);
        } else {
            self.buffer.current = range.last;
        }
        self.print_current(&suffix)
    }

    fn write_command(
        &mut self,
        cursor: &mut Cursor<'_>,
        range: Range,
        letter: u8,
        warned: bool,
    ) -> Outcome<Next> {
        let quit = cursor.peek().filter(|byte| matches!(byte, b'q' | b'Q'));
        cursor.at += usize::from(quit.is_some());
        let range = self.or_all(range);
        let name = self.file_name(cursor)?;
        self.write(&name, range, letter == b'W')?;
        if self.name.is_none() {
            self.keep_name(&name);
        }
        match quit {
            Some(b'q') if self.buffer.modified && !warned => self.warn(),
            Some(_) => Ok(Next::Quit),
            None => Ok(Next::Go),
        }
    }

    /// `z`: so many lines from the next one on.
    fn scroll(&mut self, cursor: &mut Cursor<'_>, range: Range) -> Outcome<()> {
        if let Some(window) = cursor.number().filter(|window| *window > 0) {
            self.window = window;
        }
        let how = suffix(cursor)?;
        let first = if range.given > 0 { range.last } else { self.buffer.current + 1 };
        if first == 0 || first > self.buffer.len() {
            return wrong("Invalid address");
        }
        let last = first.saturating_add(self.window - 1).min(self.buffer.len());
        self.print(first, last, strongest(&how))
    }

    fn print_current(&mut self, how: &[u8]) -> Outcome<()> {
        let current = self.buffer.current;
        if how.is_empty() || current == 0 {
            return Ok(());
        }
        self.print(current, current, strongest(how))
    }

    /// Prints lines plainly, with numbers (`n`), or unambiguously (`l`).
    pub(super) fn print(&mut self, first: usize, last: usize, how: u8) -> Outcome<()> {
        for number in first..=last {
            if how == b'n' || how == b'N' {
                write!(self.cx.stdout, "{number}\t")?;
            }
            let line = self.buffer.line(number);
            if how == b'l' || how == b'N' {
                self.cx.stdout.put(&unambiguous(line))?;
            } else {
                self.cx.stdout.put(line)?;
            }
            self.cx.stdout.put(b"\n")?;
        }
        self.buffer.current = last;
        Ok(())
    }
}

/// `l`, `n` and `p` behind a command.
fn suffix(cursor: &mut Cursor<'_>) -> Outcome<Vec<u8>> {
    let suffix = cursor.rest().trim_ascii().to_vec();
    if suffix.iter().any(|byte| !matches!(byte, b'l' | b'n' | b'p')) {
        return wrong("Invalid command suffix");
    }
    cursor.at = cursor.text.len();
    Ok(suffix)
}

fn nothing_more(cursor: &Cursor<'_>) -> Outcome<()> {
    if cursor.rest().trim_ascii().is_empty() { Ok(()) } else { wrong("Invalid command suffix") }
}

/// Of several ways to print the one that holds the others: both `n` and `l` are `N`.
fn strongest(how: &[u8]) -> u8 {
    match (how.contains(&b'n'), how.contains(&b'l')) {
        (true, true) => b'N',
        (true, false) => b'n',
        (false, true) => b'l',
        (false, false) => b'p',
    }
}

/// A line with `\t`, `\\`, `\$` and octal numbers for what cannot be seen, folded at 72 columns.
fn unambiguous(line: &[u8]) -> Vec<u8> {
    let (mut out, mut column) = (Vec::new(), 0);
    for &byte in line {
        let piece = match byte {
            b'\\' => b"\\\\".to_vec(),
            b'$' => b"\\$".to_vec(),
            7 => b"\\a".to_vec(),
            8 => b"\\b".to_vec(),
            9 => b"\\t".to_vec(),
            11 => b"\\v".to_vec(),
            12 => b"\\f".to_vec(),
            b'\r' => b"\\r".to_vec(),
            0x20..=0x7e => vec![byte],
            _ => format!("\\{byte:03o}").into_bytes(),
        };
        if column + piece.len() > 71 {
            out.extend_from_slice(b"\\\n");
            column = 0;
        }
        column += piece.len();
        out.extend_from_slice(&piece);
    }
    out.push(b'$');
    out
}
