//! `join`: lines of two sorted files that share a field.

use std::cmp::Ordering;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Input, Result, Spec, Status, number};

/// See the usage text.
pub(crate) const JOIN: Applet = Applet::new(
    "join",
    join,
    "[-iz] [-a N] [-v N] [-e STR] [-j N] [-1 N] [-2 N] [-o LIST] [-t CHAR] FILE1 FILE2\n\n\
     Join lines of sorted files that are equal in a field\n\n\
     \t-1 N, -2 N, -j N\tThe field of FILE1, of FILE2, of both (1)\n\
     \t-a N\tPrint also lines of file N without a partner\n\
     \t-v N\tPrint only those\n\
     \t-o LIST\tFields to print: 0, 1.N, 2.N with commas, or auto\n\
     \t-e STR\tIn place of missing fields\n\
     \t-t CHAR\tWhat separates fields\n\
     \t-i\tIgnore case\n\
     \t--header\tThe first lines are headers\n\
     \t--check-order, --nocheck-order\tWhether unsorted input is an error\n\
     \t-z\tLines end in NUL",
);

const OPTIONS: Spec = Spec::new(
    "1:2:j:a:v:e:o:t:iz",
    &[
        ("ignore-case", 'i'),
        ("header", 'H'),
        ("check-order", 'C'),
        ("nocheck-order", 'N'),
        ("zero-terminated", 'z'),
    ],
);

#[derive(Default)]
struct Style {
    fields: [usize; 2],
    alone: [bool; 2],
    paired: bool,
    empty: Vec<u8>,
    format: Option<Vec<(usize, usize)>>,
    auto: bool,
    separator: Option<u8>,
    ignore_case: bool,
    header: bool,
    check: Option<bool>,
    end: u8,
}

/// A line and where its fields are.
#[derive(Default, Clone)]
struct Line {
    text: Vec<u8>,
    fields: Vec<(usize, usize)>,
}

impl Line {
    fn field(&self, index: usize) -> &[u8] {
        self.fields.get(index).map_or(b"", |&(start, end)| &self.text[start..end])
    }
}

struct Side<'a> {
    name: std::ffi::OsString,
    input: Input<'a>,
    current: Option<Line>,
    number: u64,
}

fn join(cx: &mut Context<'_>) -> Result<Status> {
    let mut style = Style { paired: true, end: b'\n', ..Style::default() };
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            '1' | '2' | 'j' => {
                let field = field_number(&arguments.text()?)?;
                for (side, letter) in ['1', '2'].into_iter().enumerate() {
                    if option == letter || option == 'j' {
                        style.fields[side] = field;
                    }
                }
            }
            'a' | 'v' => {
                match arguments.text()?.as_str() {
                    "1" => style.alone[0] = true,
                    "2" => style.alone[1] = true,
                    other => return Err(number::invalid(other.as_ref())),
                }
                style.paired &= option == 'a';
            }
            'e' => style.empty = arguments.value().as_bytes().to_vec(),
            'o' => {
                let text = arguments.text()?;
                if text == "auto" {
                    style.auto = true;
                } else {
                    style.format.get_or_insert_default().extend(parse_format(&text)?);
                }
            }
            't' => {
                style.separator = Some(match arguments.value().as_bytes() {
                    [byte] => *byte,
                    b"\\0" => 0,
                    [] => b'\n',
                    _ => return Err(Error::message("the separator must be a single character")),
                });
            }
            'i' => style.ignore_case = true,
            'H' => style.header = true,
            'C' => style.check = Some(true),
            'N' => style.check = Some(false),
            _ => style.end = 0,
        }
    }
    let names = arguments.operands_between(2, 2)?;
    let mut sides = Vec::new();
    for name in &names {
        let input = cx.open(name)?;
        sides.push(Side { name: name.clone(), input, current: None, number: 0 });
    }
    let [left, right] = &mut sides[..] else { unreachable!("two names make two sides") };
    left.advance(&style, 0)?;
    right.advance(&style, 1)?;
    merge(cx, left, right, &mut style)?;
    Ok(cx.status())
}

fn field_number(text: &str) -> Result<usize> {
    text.parse::<usize>()
        .ok()
        .and_then(|number| number.checked_sub(1))
        .ok_or_else(|| Error::message(format!("invalid field number '{text}'")))
}

/// Pairs of side and field; side 2 is the joined field itself.
fn parse_format(text: &str) -> Result<Vec<(usize, usize)>> {
    text.split([',', ' ', '\t'])
        .filter(|part| !part.is_empty())
        .map(|part| match part.split_once('.') {
            None if part == "0" => Ok((2, 0)),
            Some(("1", field)) => Ok((0, field_number(field)?)),
            Some(("2", field)) => Ok((1, field_number(field)?)),
            _ => Err(Error::message(format!("invalid field '{part}': expected 0, 1.N or 2.N"))),
        })
        .collect()
}

impl Side<'_> {
    fn advance(&mut self, style: &Style, side: usize) -> Result<()> {
        let line = self.input.line(style.end).map_err(|error| Error::path(&self.name, error))?;
        let Some(line) = line else {
            self.current = None;
            return Ok(());
        };
        let line = split(line.strip_suffix(&[style.end]).unwrap_or(line), style.separator);
        self.number += 1;
        let unsorted = style.check != Some(false)
            && !(style.header && self.number == 2)
            && self.current.as_ref().is_some_and(|before| {
                compare(before.field(style.fields[side]), line.field(style.fields[side]), style)
                    == Ordering::Greater
            });
        if unsorted && style.check == Some(true) {
            let mut text = self.name.as_bytes().to_vec();
            text.extend_from_slice(format!(":{}: is not sorted", self.number).as_bytes());
            return Err(Error::Bytes(text));
        }
        self.current = Some(line);
        Ok(())
    }
}

fn split(text: &[u8], separator: Option<u8>) -> Line {
    let mut fields = Vec::new();
    match separator {
        Some(separator) => {
            let mut start = 0;
            for end in memchr::memchr_iter(separator, text) {
                fields.push((start, end));
                start = end + 1;
            }
            fields.push((start, text.len()));
        }
        None => {
            let blank = |byte: u8| matches!(byte, b' ' | b'\t');
            let mut at = 0;
            while let Some(start) = text[at..].iter().position(|&byte| !blank(byte)) {
                let start = at + start;
                at = text[start..]
                    .iter()
                    .position(|&byte| blank(byte))
                    .map_or(text.len(), |end| start + end);
                fields.push((start, at));
            }
        }
    }
    Line { text: text.to_vec(), fields }
}

fn compare(a: &[u8], b: &[u8], style: &Style) -> Ordering {
    if style.ignore_case {
        return a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase());
    }
    a.cmp(b)
}

fn merge(
    cx: &mut Context<'_>,
    left: &mut Side<'_>,
    right: &mut Side<'_>,
    style: &mut Style,
) -> Result<()> {
    if style.auto {
        let mut format = vec![(2, 0)];
        for (side, line) in [&left.current, &right.current].into_iter().enumerate() {
            let count = line.as_ref().map_or(0, |line| line.fields.len());
            format.extend(
                (0..count).filter(|&field| field != style.fields[side]).map(|field| (side, field)),
            );
        }
        style.format = Some(format);
    }
    if style.header && (left.current.is_some() || right.current.is_some()) {
        let (a, b) = (left.current.clone(), right.current.clone());
        print(cx, a.as_ref(), b.as_ref(), style)?;
        left.advance(style, 0)?;
        right.advance(style, 1)?;
    }
    while let (Some(a), Some(b)) = (&left.current, &right.current) {
        match compare(a.field(style.fields[0]), b.field(style.fields[1]), style) {
            Ordering::Less => {
                if style.alone[0] {
                    print(cx, Some(a), None, style)?;
                }
                left.advance(style, 0)?;
            }
            Ordering::Greater => {
                if style.alone[1] {
                    print(cx, None, Some(b), style)?;
                }
                right.advance(style, 1)?;
            }
            Ordering::Equal => {
                let key = b.field(style.fields[1]).to_vec();
                let mut group = Vec::new();
                while let Some(line) = &right.current {
                    if compare(&key, line.field(style.fields[1]), style) != Ordering::Equal {
                        break;
                    }
                    group.push(line.clone());
                    right.advance(style, 1)?;
                }
                while let Some(line) = &left.current {
                    if compare(line.field(style.fields[0]), &key, style) != Ordering::Equal {
                        break;
                    }
                    if style.paired {
                        for other in &group {
                            print(cx, Some(line), Some(other), style)?;
                        }
                    }
                    left.advance(style, 0)?;
                }
            }
        }
    }
    while let Some(line) = &left.current {
        if style.alone[0] {
            print(cx, Some(line), None, style)?;
        }
        left.advance(style, 0)?;
    }
    while let Some(line) = &right.current {
        if style.alone[1] {
            print(cx, None, Some(line), style)?;
        }
        right.advance(style, 1)?;
    }
    Ok(())
}

fn print(cx: &mut Context<'_>, a: Option<&Line>, b: Option<&Line>, style: &Style) -> Result<()> {
    let separator = style.separator.unwrap_or(b' ');
    let joined = match (a, b) {
        (Some(line), _) => line.field(style.fields[0]),
        (None, Some(line)) => line.field(style.fields[1]),
        (None, None) => b"",
    };
    let filled = |field: &[u8]| if field.is_empty() { style.empty.clone() } else { field.to_vec() };
    let mut row: Vec<u8> = Vec::new();
    match &style.format {
        Some(format) => {
            for (index, &(side, field)) in format.iter().enumerate() {
                if index > 0 {
                    row.push(separator);
                }
                row.extend(match side {
                    0 => filled(a.map_or(b"", |line| line.field(field))),
                    1 => filled(b.map_or(b"", |line| line.field(field))),
                    _ => filled(joined),
                });
            }
        }
        None => {
            row.extend(filled(joined));
            for (side, line) in [a, b].into_iter().enumerate() {
                let Some(line) = line else { continue };
                for field in (0..line.fields.len()).filter(|&field| field != style.fields[side]) {
                    row.push(separator);
                    row.extend(filled(line.field(field)));
                }
            }
        }
    }
    row.push(style.end);
    cx.stdout.put(&row)
}
