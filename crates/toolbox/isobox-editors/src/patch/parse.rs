//! Patches as text: which files, and which lines of them.

use isobox_applet::{Error, Result};

/// What a line of a hunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Context,
    Removed,
    Added,
}

/// Lines to be replaced, with those around them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hunk {
    /// The first line, from 1; for no lines at all the one before.
    pub(crate) old_start: usize,
    pub(crate) new_start: usize,
    /// Lines with their newline, which the last of a file may lack.
    pub(crate) lines: Vec<(Kind, Vec<u8>)>,
}

/// The changes of one file.
#[derive(Debug, Clone, Default)]
pub(crate) struct FilePatch {
    pub(crate) old_name: Option<Vec<u8>>,
    pub(crate) new_name: Option<Vec<u8>>,
    pub(crate) hunks: Vec<Hunk>,
    /// The permissions that git gives the file before and after.
    pub(crate) old_mode: Option<u32>,
    pub(crate) new_mode: Option<u32>,
    /// git renames the old name to the new one.
    pub(crate) rename: bool,
    /// git copies it.
    pub(crate) copy: bool,
}

const NOTHING: &[u8] = b"/dev/null";

impl Hunk {
    fn lines_of(&self, other: Kind) -> impl Iterator<Item = &[u8]> {
        let lines = self.lines.iter().filter(move |(kind, _)| *kind != other);
        lines.map(|(_, line)| line.as_slice())
    }

    /// The lines that are to be found.
    pub(crate) fn old(&self) -> Vec<&[u8]> {
        self.lines_of(Kind::Added).collect()
    }

    /// The lines that are to be there afterwards.
    pub(crate) fn made(&self) -> Vec<&[u8]> {
        self.lines_of(Kind::Removed).collect()
    }

    /// As text, with the header of the unified format.
    fn write(&self, out: &mut Vec<u8>) {
        let range = |start: usize, count: usize| match count {
            1 => start.to_string(),
            count => format!("{start},{count}"),
        };
        let old = range(self.old_start, self.old().len());
        let new = range(self.new_start, self.made().len());
        out.extend_from_slice(format!("@@ -{old} +{new} @@\n").as_bytes());
        self.write_lines(out);
    }

    pub(crate) fn write_lines(&self, out: &mut Vec<u8>) {
        for (kind, line) in &self.lines {
            out.push(match kind {
                Kind::Context => b' ',
                Kind::Removed => b'-',
                Kind::Added => b'+',
            });
            out.extend_from_slice(line);
            if !line.ends_with(b"\n") {
                out.extend_from_slice(b"\n\\ No newline at end of file\n");
            }
        }
    }

    pub(crate) fn reverse(&mut self) {
        std::mem::swap(&mut self.old_start, &mut self.new_start);
        for (kind, _) in &mut self.lines {
            *kind = match kind {
                Kind::Context => Kind::Context,
                Kind::Removed => Kind::Added,
                Kind::Added => Kind::Removed,
            };
        }
    }
}

impl FilePatch {
    pub(crate) fn reverse(&mut self) {
        std::mem::swap(&mut self.old_name, &mut self.new_name);
        std::mem::swap(&mut self.old_mode, &mut self.new_mode);
        self.hunks.iter_mut().for_each(Hunk::reverse);
    }

    /// Whether there was no file before.
    pub(crate) fn creates(&self) -> bool {
        self.old_name.as_deref() == Some(NOTHING)
            || matches!(self.hunks.as_slice(), [hunk] if hunk.old_start == 0 && hunk.old().is_empty())
    }

    /// Whether there is no file afterwards.
    pub(crate) fn deletes(&self) -> bool {
        self.new_name.as_deref() == Some(NOTHING)
    }
}

/// Hunks of a patch as a unified diff, for the file of rejects.
pub(crate) fn unified(patch: &FilePatch, hunks: &[Hunk]) -> Vec<u8> {
    let mut out = Vec::new();
    for (mark, name) in [("--- ", &patch.old_name), ("+++ ", &patch.new_name)] {
        out.extend_from_slice(mark.as_bytes());
        out.extend_from_slice(name.as_deref().unwrap_or(b"-"));
        out.push(b'\n');
    }
    hunks.iter().for_each(|hunk| hunk.write(&mut out));
    out
}

/// Reads the files of a patch one by one. What is between them is skipped.
pub(crate) struct Parser<'t> {
    lines: Vec<&'t [u8]>,
    at: usize,
}

impl<'t> Parser<'t> {
    pub(crate) fn new(text: &'t [u8]) -> Self {
        let mut lines: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').collect();
        // Mail turns line ends into CR LF; the headers tell.
        lines.shrink_to_fit();
        Self { lines, at: 0 }
    }

    fn peek(&self) -> Option<&'t [u8]> {
        self.lines.get(self.at).copied()
    }

    fn error(&self, what: &str) -> Error {
        let line = self.peek().unwrap_or(b"end of input").trim_ascii_end();
        let shown = String::from_utf8_lossy(&line[..line.len().min(60)]).into_owned();
        Error::Status(format!("malformed patch at line {}: {shown}: {what}", self.at + 1), 2)
    }

    /// The next file's changes; nothing at the end.
    pub(crate) fn next_file(&mut self) -> Result<Option<FilePatch>> {
        let mut patch = FilePatch::default();
        let mut git = false;
        while let Some(line) = self.peek() {
            if git && line.starts_with(b"diff --git ") {
                return Ok(Some(patch));
            }
            if self.header(line, &mut patch, &mut git)? {
                self.at += 1;
                continue;
            }
            let next = self.lines.get(self.at + 1).copied().unwrap_or_default();
            if line.starts_with(b"--- ") && next.starts_with(b"+++ ") {
                patch.old_name = Some(name(&line[4..]));
                patch.new_name = Some(name(&next[4..]));
                self.at += 2;
                self.hunks(&mut patch, Self::unified_hunk)?;
                return Ok(Some(patch));
            }
            if line.starts_with(b"*** ") && next.starts_with(b"--- ") {
                patch.old_name = Some(name(&line[4..]));
                patch.new_name = Some(name(&next[4..]));
                self.at += 2;
                self.hunks(&mut patch, Self::context_hunk)?;
                return Ok(Some(patch));
            }
            if normal_header(line).is_some() && !git {
                self.hunks(&mut patch, Self::normal_hunk)?;
                return Ok(Some(patch));
            }
            self.at += 1;
        }
        Ok(git.then_some(patch))
    }

    /// A line of git's, or the name that `Index:` gives; whether it is one.
    fn header(&mut self, line: &[u8], patch: &mut FilePatch, git: &mut bool) -> Result<bool> {
        let after = |prefix: &[u8]| line.strip_prefix(prefix).map(<[u8]>::trim_ascii_end);
        let mode = |digits: &[u8]| {
            let digits = std::str::from_utf8(digits).ok()?;
            u32::from_str_radix(digits, 8).ok().map(|mode| mode & 0o777)
        };
        if let Some(names) = after(b"diff --git ") {
            *git = true;
            // `a/NAME b/NAME`: the same name twice, unless other lines say otherwise.
            if let Some(at) = memchr::memmem::find(names, b" b/") {
                patch.old_name = Some(names[..at].to_vec());
                patch.new_name = Some(names[at + 1..].to_vec());
            }
        } else if !*git {
            return Ok(false);
        } else if let Some(mode_text) = after(b"new mode ") {
            patch.new_mode = mode(mode_text);
        } else if let Some(mode_text) = after(b"old mode ") {
            patch.old_mode = mode(mode_text);
        } else if let Some(mode_text) = after(b"new file mode ") {
            patch.new_mode = mode(mode_text);
            patch.old_name = Some(NOTHING.to_vec());
        } else if let Some(mode_text) = after(b"deleted file mode ") {
            patch.old_mode = mode(mode_text);
            patch.new_name = Some(NOTHING.to_vec());
        } else if let Some(from) = after(b"rename from ").or_else(|| after(b"copy from ")) {
            patch.rename = line.starts_with(b"rename");
            patch.copy = !patch.rename;
            patch.old_name = Some([b"a/", from].concat());
        } else if let Some(to) = after(b"rename to ").or_else(|| after(b"copy to ")) {
            patch.new_name = Some([b"b/", to].concat());
        } else if line.starts_with(b"GIT binary patch") {
            return Err(self.error("binary patches are not supported"));
        } else {
            return Ok(line.starts_with(b"index ") || line.starts_with(b"similarity index "));
        }
        Ok(true)
    }

    fn hunks(
        &mut self,
        patch: &mut FilePatch,
        read: fn(&mut Self) -> Result<Option<Hunk>>,
    ) -> Result<()> {
        while let Some(hunk) = read(self)? {
            patch.hunks.push(hunk);
        }
        Ok(())
    }

    fn unified_hunk(&mut self) -> Result<Option<Hunk>> {
        let Some(line) = self.peek().filter(|line| line.starts_with(b"@@ -")) else {
            return Ok(None);
        };
        let mut numbers = Numbers(&line[4..]);
        let header = (|| {
            let old = numbers.start_and_count()?;
            numbers.skip(b" +")?;
            let new = numbers.start_and_count()?;
            numbers.skip(b" @@")?;
            Some((old, new))
        })();
        let Some(((old_start, mut old), (new_start, mut new))) = header else {
            return Err(self.error("expected @@ -LINE,COUNT +LINE,COUNT @@"));
        };
        self.at += 1;
        let mut hunk = Hunk { old_start, new_start, lines: Vec::new() };
        while old > 0 || new > 0 {
            let Some(line) = self.peek() else {
                return Err(self.error("the hunk ends too early"));
            };
            let (kind, text) = match line.first() {
                Some(b' ') => (Kind::Context, &line[1..]),
                Some(b'-') => (Kind::Removed, &line[1..]),
                Some(b'+') => (Kind::Added, &line[1..]),
                // A blank at the end of a line gets lost in mail.
                Some(b'\n') | Some(b'\t') => (Kind::Context, line),
                Some(b'\\') => {
                    self.no_newline(&mut hunk);
                    continue;
                }
                _ => return Err(self.error("expected a line that begins with ' ', '-' or '+'")),
            };
            let enough = match kind {
                Kind::Context => old > 0 && new > 0,
                Kind::Removed => old > 0,
                Kind::Added => new > 0,
            };
            if !enough {
                return Err(self.error("more lines than the hunk's header says"));
            }
            old -= usize::from(kind != Kind::Added);
            new -= usize::from(kind != Kind::Removed);
            hunk.lines.push((kind, text.to_vec()));
            self.at += 1;
        }
        if self.peek().is_some_and(|line| line.starts_with(b"\\ ")) {
            self.no_newline(&mut hunk);
        }
        self.end_lines(&mut hunk);
        Ok(Some(hunk))
    }

    /// `\ No newline at end of file`: of the line before.
    fn no_newline(&mut self, hunk: &mut Hunk) {
        if let Some((_, line)) = hunk.lines.last_mut() {
            line.pop_if(|byte| *byte == b'\n');
        }
        self.at += 1;
    }

    /// The patch itself may lack its last newline.
    fn end_lines(&self, hunk: &mut Hunk) {
        let cut = self.at == self.lines.len()
            && self.lines.last().is_some_and(|line| !line.ends_with(b"\n") && line[0] != b'\\');
        if let Some((_, line)) = hunk.lines.last_mut().filter(|_| cut) {
            line.push(b'\n');
        }
    }

    fn context_hunk(&mut self) -> Result<Option<Hunk>> {
        if !self.peek().is_some_and(|line| line.starts_with(b"***************")) {
            return Ok(None);
        }
        self.at += 1;
        let (old_start, old_count) = self.context_header(b"*** ", b" ****")?;
        let old = self.context_lines(old_count, b'-')?;
        let (new_start, new_count) = self.context_header(b"--- ", b" ----")?;
        let new = self.context_lines(new_count, b'+')?;
        let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
        let only_old = new.peek().is_none();
        let mut hunk = Hunk { old_start, new_start, lines: Vec::new() };
        loop {
            while let Some((_, line)) = old.next_if(|(mark, _)| *mark != b' ') {
                hunk.lines.push((Kind::Removed, line));
            }
            while let Some((_, line)) = new.next_if(|(mark, _)| *mark != b' ') {
                hunk.lines.push((Kind::Added, line));
            }
            // Context that one side does not repeat is the other's.
            match (old.next(), new.next()) {
                (None, None) => return Ok(Some(hunk)),
                (Some((_, line)), Some((_, same))) if line == same => {
                    hunk.lines.push((Kind::Context, line));
                }
                (Some((_, line)), None) if only_old => hunk.lines.push((Kind::Context, line)),
                (None, Some((_, line))) => hunk.lines.push((Kind::Context, line)),
                _ => return Err(self.error("the two sides of the hunk have different context")),
            }
        }
    }

    /// `*** 1,5 ****`: the first line and how many.
    fn context_header(&mut self, front: &[u8], back: &[u8]) -> Result<(usize, usize)> {
        let line = self.peek().unwrap_or_default().trim_ascii_end();
        let inner = line.strip_prefix(front).and_then(|line| line.strip_suffix(back));
        let range = inner.and_then(|inner| {
            let mut numbers = Numbers(inner);
            let first = numbers.number()?;
            let last = if numbers.skip(b",").is_some() { numbers.number()? } else { first };
            Some(if first == 0 { (0, 0) } else { (first, (last + 1).checked_sub(first)?) })
        });
        let range = range.ok_or_else(|| self.error("expected the range of a context hunk"))?;
        self.at += 1;
        Ok(range)
    }

    fn context_lines(&mut self, count: usize, mark: u8) -> Result<Vec<(u8, Vec<u8>)>> {
        let mut lines: Vec<(u8, Vec<u8>)> = Vec::new();
        while let Some(line) = self.peek() {
            if line.starts_with(b"\\ ") {
                if let Some((_, last)) = lines.last_mut() {
                    last.pop_if(|byte| *byte == b'\n');
                }
                self.at += 1;
                continue;
            }
            let (own, text) = match line {
                [own, b' ' | b'\t', text @ ..] => (*own, text),
                [own, b'\n'] => (*own, &line[1..]),
                _ => break,
            };
            if lines.len() == count || !(own == b' ' || own == b'!' || own == mark) {
                break;
            }
            lines.push((own, text.to_vec()));
            self.at += 1;
        }
        if !lines.is_empty() && lines.len() < count {
            return Err(self.error("the hunk ends too early"));
        }
        Ok(lines)
    }

    fn normal_hunk(&mut self) -> Result<Option<Hunk>> {
        let Some(line) = self.peek() else { return Ok(None) };
        let Some((old, letter, new)) = normal_header(line) else { return Ok(None) };
        self.at += 1;
        let mut hunk = Hunk { old_start: old.0, new_start: new.0, lines: Vec::new() };
        if letter != b'a' {
            self.normal_lines(&mut hunk, old.1, b"< ", Kind::Removed)?;
        }
        if letter == b'c' {
            if !self.peek().is_some_and(|line| line.starts_with(b"---")) {
                return Err(self.error("expected ---"));
            }
            self.at += 1;
        }
        if letter != b'd' {
            self.normal_lines(&mut hunk, new.1, b"> ", Kind::Added)?;
        }
        Ok(Some(hunk))
    }

    fn normal_lines(
        &mut self,
        hunk: &mut Hunk,
        count: usize,
        mark: &[u8],
        kind: Kind,
    ) -> Result<()> {
        for _ in 0..count {
            let Some(line) = self.peek().and_then(|line| line.strip_prefix(mark)) else {
                return Err(self.error("expected a line that begins with '< ' or '> '"));
            };
            hunk.lines.push((kind, line.to_vec()));
            self.at += 1;
        }
        if self.peek().is_some_and(|line| line.starts_with(b"\\ ")) {
            self.no_newline(hunk);
        }
        Ok(())
    }
}

/// `3,4c3`: the first line and the count of both sides, and the letter.
type NormalHeader = ((usize, usize), u8, (usize, usize));

fn normal_header(line: &[u8]) -> Option<NormalHeader> {
    let mut numbers = Numbers(line.trim_ascii_end());
    let old = numbers.first_to_last()?;
    let letter = *numbers.0.first().filter(|letter| b"acd".contains(letter))?;
    numbers.0 = &numbers.0[1..];
    let new = numbers.first_to_last()?;
    numbers.0.is_empty().then_some((old, letter, new))
}

/// The name in a header: up to a tab, or a date behind blanks.
fn name(text: &[u8]) -> Vec<u8> {
    let text = text.trim_ascii_end();
    let end = memchr::memchr(b'\t', text).unwrap_or(text.len());
    let name = &text[..end];
    match name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")) {
        Some(quoted) => unquote(quoted),
        None => name.to_vec(),
    }
}

/// A name as git quotes it.
fn unquote(text: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let digits =
            text[at..].iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
        if digits == 3 {
            let code =
                text[at..at + 3].iter().fold(0_u32, |sum, digit| sum * 8 + u32::from(digit - b'0'));
            out.push(u8::try_from(code & 0xff).expect("a byte"));
            at += 3;
        } else if let Some(&letter) = text.get(at) {
            out.push(match letter {
                b'n' => b'\n',
                b't' => b'\t',
                letter => letter,
            });
            at += 1;
        }
    }
    out
}

/// Numbers of a header that is being read.
struct Numbers<'t>(&'t [u8]);

impl Numbers<'_> {
    fn number(&mut self) -> Option<usize> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        // Lines are counted in memory: anything longer is none.
        std::str::from_utf8(number).ok()?.parse().ok().filter(|number| *number <= usize::MAX / 4)
    }

    fn skip(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// `5,2`, or `5` for one line.
    fn start_and_count(&mut self) -> Option<(usize, usize)> {
        let start = self.number()?;
        let count = if self.skip(b",").is_some() { self.number()? } else { 1 };
        Some((start, count))
    }

    /// `5,6`, or `5`: the first line and how many.
    fn first_to_last(&mut self) -> Option<(usize, usize)> {
        let first = self.number()?;
        let last = if self.skip(b",").is_some() { self.number()? } else { first };
        Some((first, (last + 1).checked_sub(first)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> Result<Vec<FilePatch>> {
        let mut parser = Parser::new(text.as_bytes());
        std::iter::from_fn(|| parser.next_file().transpose()).collect()
    }

    #[test]
    fn the_three_formats_say_the_same() {
        let unified = "--- f\t2024-01-01\n+++ g\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n";
        let context = "*** f\n--- g\n***************\n*** 1,3 ****\n  a\n! b\n  c\n--- 1,3 ----\n  a\n! x\n  c\n";
        let (unified, context) = (files(unified).unwrap(), files(context).unwrap());
        assert_eq!(unified[0].hunks, context[0].hunks);
        assert_eq!(unified[0].old_name.as_deref(), Some(&b"f"[..]));
        let normal = files("2c2\n< b\n---\n> x\n").unwrap();
        assert_eq!(normal[0].hunks[0].old(), [b"b\n"]);
        assert_eq!(normal[0].hunks[0].made(), [b"x\n"]);
    }

    #[test]
    fn what_is_malformed_is_said_with_its_line() {
        for (text, expected) in [
            (
                "--- f\n+++ g\n@@ -1,2 +1,2 @@\n a\n*b\n",
                "malformed patch at line 5: *b: expected a line that begins with ' ', '-' or '+'",
            ),
            (
                "--- f\n+++ g\n@@ -1,2 +1 @@\n a\n",
                "malformed patch at line 5: end of input: the hunk ends too early",
            ),
            (
                "--- f\n+++ g\n@@ -x @@\n",
                "malformed patch at line 3: @@ -x @@: expected @@ -LINE,COUNT +LINE,COUNT @@",
            ),
        ] {
            assert_eq!(files(text).unwrap_err().to_string(), expected);
        }
    }
}
