//! `fmt` and `column`: text in paragraphs and in tables.

use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Result, Spec, Status, number};

/// See the usage text.
pub(crate) const FMT: Applet = Applet::new(
    "fmt",
    fmt,
    "[-csu] [-w WIDTH] [-g GOAL] [-p PREFIX] [FILE]...\n\n\
     Fill paragraphs\n\n\
     \t-w N\tLines of at most N columns (75)\n\
     \t-g N\tLines of about N columns\n\
     \t-s\tOnly break long lines\n\
     \t-u\tOne blank between words, two after sentences\n\
     \t-c\tKeep the indent of the first two lines\n\
     \t-p STR\tOnly lines that begin with STR",
);

/// See the usage text.
pub(crate) const COLUMN: Applet = Applet::new(
    "column",
    column,
    "[-tx] [-c COLUMNS] [-s CHARS] [-o STRING] [FILE]...\n\n\
     Print lines in columns\n\n\
     \t-t\tAs a table: what blanks separate is aligned\n\
     \t-s CHARS\tWhat separates, instead of blanks\n\
     \t-o STR\tWhat is printed between (two blanks)\n\
     \t-c N\tWidth of all\n\
     \t-x\tRow by row",
);

const FMT_OPTIONS: Spec = Spec::new(
    "csuw:g:p:0123456789",
    &[
        ("crown-margin", 'c'),
        ("split-only", 's'),
        ("uniform-spacing", 'u'),
        ("width=", 'w'),
        ("goal=", 'g'),
        ("prefix=", 'p'),
    ],
);
const COLUMN_OPTIONS: Spec = Spec::new(
    "txc:s:o:",
    &[
        ("table", 't'),
        ("fillrows", 'x'),
        ("output-width=", 'c'),
        ("separator=", 's'),
        ("output-separator=", 'o'),
    ],
);

struct Filling {
    width: usize,
    goal: usize,
    split_only: bool,
    uniform: bool,
    crown: bool,
    prefix: Vec<u8>,
}

fn fmt(cx: &mut Context<'_>) -> Result<Status> {
    let mut style = Filling {
        width: 75,
        goal: 0,
        split_only: false,
        uniform: false,
        crown: false,
        prefix: Vec::new(),
    };
    let (mut digits, mut goal) = (String::new(), None);
    let mut arguments = cx.parse(&FMT_OPTIONS);
    let count = |value: &std::ffi::OsStr| {
        number::unsigned(value).map(|value| usize::try_from(value).unwrap_or(2500).min(2500))
    };
    while let Some(option) = arguments.next()? {
        match option {
            'c' => style.crown = true,
            's' => style.split_only = true,
            'u' => style.uniform = true,
            'w' => style.width = count(&arguments.value())?,
            'g' => goal = Some(count(&arguments.value())?),
            'p' => style.prefix = arguments.value().as_bytes().to_vec(),
            digit => digits.push(digit),
        }
    }
    if !digits.is_empty() {
        style.width = count(digits.as_ref())?;
    }
    style.goal = goal.unwrap_or(style.width * 187 / 200).min(style.width);
    let operands = arguments.operands();
    let mut paragraph = Paragraph::default();
    cx.each_input(&operands, |cx, input, name| {
        while let Some(line) = input.line(b'\n').map_err(|error| Error::path(name, error))? {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let Some(text) = line.strip_prefix(style.prefix.as_slice()) else {
                paragraph.flush(cx, &style)?;
                cx.stdout.put(line)?;
                cx.stdout.put(b"\n")?;
                continue;
            };
            let indent = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).fold(
                0,
                |column, &byte| {
                    if byte == b'\t' { (column | 7) + 1 } else { column + 1 }
                },
            );
            if text.trim_ascii().is_empty() {
                paragraph.flush(cx, &style)?;
                cx.stdout.put(style.prefix.trim_ascii_end())?;
                cx.stdout.put(b"\n")?;
                continue;
            }
            if !paragraph.takes(indent, &style) {
                paragraph.flush(cx, &style)?;
            }
            paragraph.add(text, indent, &style);
        }
        paragraph.flush(cx, &style)
    })?;
    Ok(cx.status())
}

#[derive(Default)]
struct Paragraph {
    /// Words, and the blanks after each.
    words: Vec<(Vec<u8>, usize)>,
    first_indent: usize,
    other_indent: usize,
    lines: usize,
}

impl Paragraph {
    fn takes(&self, indent: usize, style: &Filling) -> bool {
        match self.lines {
            0 => true,
            _ if style.split_only => false,
            1 if style.crown => true,
            _ => indent == self.other_indent,
        }
    }

    fn add(&mut self, text: &[u8], indent: usize, style: &Filling) {
        match self.lines {
            0 => (self.first_indent, self.other_indent) = (indent, indent),
            1 => self.other_indent = indent,
            _ => {}
        }
        self.lines += 1;
        let text = text.trim_ascii();
        let mut at = 0;
        while at < text.len() {
            let end = text[at..]
                .iter()
                .position(|byte| matches!(byte, b' ' | b'\t'))
                .map_or(text.len(), |end| at + end);
            let word = text[at..end].to_vec();
            let blanks = text[end..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let bare =
                word.iter().rposition(|byte| !b"\"')]".contains(byte)).map(|last| word[last]);
            let sentence = matches!(bare, Some(b'.' | b'?' | b'!'));
            let line_end = end == text.len();
            let space = if style.uniform {
                1 + usize::from(sentence && (line_end || blanks > 1))
            } else if line_end {
                1 + usize::from(sentence)
            } else {
                blanks
            };
            self.words.push((word, space));
            at = end + blanks;
        }
    }

    /// Chooses the breaks that come nearest to the goal over the whole paragraph.
    fn flush(&mut self, cx: &mut Context<'_>, style: &Filling) -> Result<()> {
        let words = std::mem::take(&mut self.words);
        let lines = std::mem::take(&mut self.lines);
        if words.is_empty() {
            return Ok(());
        }
        let _ = lines;
        let count = words.len();
        let base = style.prefix.len();
        let width_of =
            |word: &[u8]| std::str::from_utf8(word).map_or(word.len(), |text| text.chars().count());
        let widths: Vec<usize> = words.iter().map(|(word, _)| width_of(word)).collect();
        let period = |index: usize| {
            let word: &[u8] = &words[index].0;
            let bare =
                word.iter().rposition(|byte| !b"\"')]".contains(byte)).map(|last| word[last]);
            matches!(bare, Some(b'.' | b'?' | b'!'))
        };
        // A period ends a sentence where two blanks or the end of a line followed it.
        let ends = |index: usize| period(index) && words[index].1 > 1;
        // What it costs to break in front of a word, as GNU's fmt reckons.
        let base_cost = |index: usize| -> i64 {
            let mut cost = 70 * 70;
            if index > 0 {
                if period(index - 1) {
                    cost += if ends(index - 1) { -(50 * 50) } else { 600 * 600 };
                } else if matches!(words[index - 1].0.last(), Some(b',' | b';' | b':')) {
                    cost -= 40 * 40;
                } else if index > 1 && ends(index - 2) {
                    cost += 200 * 200 / (i64::try_from(widths[index - 1]).unwrap_or(0) + 2);
                }
            }
            if matches!(words[index].0.first(), Some(b'(' | b'[' | b'{' | b'\'' | b'"')) {
                cost -= 40 * 40;
            } else if ends(index) {
                cost += 150 * 150 / (i64::try_from(widths[index]).unwrap_or(0) + 2);
            }
            cost
        };
        let short = |by: i64| (by * 10) * (by * 10);
        // Cost, end and length of the best line from each word on.
        let mut best = vec![(i64::MAX, count, 0_usize); count + 1];
        best[count] = (0, count, 0);
        for start in (0..count).rev() {
            let mut length = base + if start == 0 { self.first_indent } else { self.other_indent };
            for end in start + 1..=count {
                length += widths[end - 1];
                if end > start + 1 && length >= style.width {
                    break;
                }
                let signed = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
                let mut cost = best[end].0;
                if end < count {
                    cost += short(signed(style.goal) - signed(length));
                    if best[end].1 < count {
                        cost += short(signed(length) - signed(best[end].2)) / 2;
                    }
                }
                if cost < best[start].0 {
                    best[start] = (cost, end, length);
                }
                if end < count {
                    length += words[end - 1].1;
                }
            }
            best[start].0 += base_cost(start);
        }
        let mut start = 0;
        while start < count {
            let end = best[start].1;
            let mut line = style.prefix.clone();
            line.resize(
                line.len() + if start == 0 { self.first_indent } else { self.other_indent },
                b' ',
            );
            for (index, (word, space)) in words[start..end].iter().enumerate() {
                line.extend_from_slice(word);
                if start + index + 1 < end {
                    line.resize(line.len() + space, b' ');
                }
            }
            line.push(b'\n');
            cx.stdout.put(&line)?;
            start = end;
        }
        Ok(())
    }
}

fn column(cx: &mut Context<'_>) -> Result<Status> {
    let (mut table, mut rows_first, mut width, mut separators, mut between) =
        (false, false, None, None, b"  ".to_vec());
    let mut arguments = cx.parse(&COLUMN_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            't' => table = true,
            'x' => rows_first = true,
            'c' => {
                width = Some(usize::try_from(number::unsigned(&arguments.value())?).unwrap_or(80))
            }
            's' => separators = Some(arguments.value().as_bytes().to_vec()),
            _ => between = arguments.value().as_bytes().to_vec(),
        }
    }
    let operands = arguments.operands();
    let mut lines: Vec<Vec<u8>> = Vec::new();
    cx.each_input(&operands, |_, input, name| {
        while let Some(line) = input.line(b'\n').map_err(|error| Error::path(name, error))? {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            if !line.trim_ascii().is_empty() {
                lines.push(line.to_vec());
            }
        }
        Ok(())
    })?;
    if lines.is_empty() {
        return Ok(cx.status());
    }
    let columns =
        |text: &[u8]| std::str::from_utf8(text).map_or(text.len(), |text| text.chars().count());
    if table {
        let cells: Vec<Vec<&[u8]>> = lines
            .iter()
            .map(|line| match &separators {
                Some(separators) => line.split(|byte| separators.contains(byte)).collect(),
                None => line
                    .split(|byte| matches!(byte, b' ' | b'\t'))
                    .filter(|cell| !cell.is_empty())
                    .collect(),
            })
            .collect();
        let most = cells.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..most)
            .map(|index| {
                cells
                    .iter()
                    .filter_map(|row| row.get(index))
                    .map(|cell| columns(cell))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        for row in &cells {
            for (index, cell) in row.iter().enumerate() {
                cx.stdout.put(cell)?;
                if index + 1 < row.len() {
                    cx.stdout.put(&vec![b' '; widths[index] - columns(cell)])?;
                    cx.stdout.put(&between)?;
                }
            }
            cx.stdout.put(b"\n")?;
        }
        return Ok(cx.status());
    }
    let width = width
        .or_else(|| cx.variables.get("COLUMNS").and_then(|value| value.to_str()?.parse().ok()))
        .or_else(|| {
            rustix::termios::tcgetwinsize(cx.stdout.fd()).ok().map(|size| usize::from(size.ws_col))
        })
        .filter(|&width| width > 0)
        .unwrap_or(80);
    // Columns begin at tab stops.
    let cell = (lines.iter().map(|line| columns(line)).max().unwrap_or(0) | 7) + 1;
    let count = (width / cell).max(1);
    let rows = lines.len().div_ceil(count);
    for row in 0..rows {
        let mut at = 0;
        for index in 0..count {
            let position = if rows_first { row * count + index } else { index * rows + row };
            let Some(line) = lines.get(position) else { continue };
            while at < index * cell {
                cx.stdout.put(b"\t")?;
                at = (at | 7) + 1;
            }
            cx.stdout.put(line)?;
            at += columns(line);
        }
        cx.stdout.put(b"\n")?;
    }
    Ok(cx.status())
}
