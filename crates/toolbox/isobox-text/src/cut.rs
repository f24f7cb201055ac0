//! `cut`: bytes or fields of each line.

use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Input, Output, Result, Spec, Status};

use crate::positions::Positions;

/// See the usage text.
pub(crate) const CUT: Applet = Applet::new(
    "cut",
    cut,
    "{-b LIST | -c LIST | -f LIST} [-d SEP] [-O SEP] [-snDz] [FILE]...\n\n\
     Print parts of each line; LIST is N, N-M, N- or -M, with commas between\n\n\
     \t-b LIST\tBytes\n\
     \t-c LIST\tCharacters\n\
     \t-f LIST\tFields\n\
     \t-d SEP\tWhat separates fields (TAB)\n\
     \t-O SEP\tWhat is printed between them (as -d)\n\
     \t-s\tLeave out lines without SEP\n\
     \t-D\tThe same, and print fields in the order of LIST\n\
     \t--complement\tThe parts that LIST does not name\n\
     \t-n\tDo not split characters (they are bytes)\n\
     \t-z\tLines end in NUL",
);

const OPTIONS: Spec = Spec::new(
    "b:c:f:d:O:snDz",
    &[
        ("bytes=", 'b'),
        ("characters=", 'c'),
        ("fields=", 'f'),
        ("delimiter=", 'd'),
        ("output-delimiter=", 'O'),
        ("only-delimited", 's'),
        ("complement", 'C'),
        ("zero-terminated", 'z'),
    ],
);

struct Style {
    positions: Positions,
    separator: u8,
    between: Option<Vec<u8>>,
    only_delimited: bool,
    end: u8,
}

fn cut(cx: &mut Context<'_>) -> Result<Status> {
    let (mut list, mut fields, mut complement, mut ordered) = (None, false, false, false);
    let (mut separator, mut between) = (None, None);
    let (mut only_delimited, mut end) = (false, b'\n');
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'b' | 'c' | 'f' => {
                if list.replace(arguments.text()?).is_some() {
                    return Err(Error::message("only one list may be given"));
                }
                fields = option == 'f';
            }
            'd' => separator = Some(arguments.value()),
            'O' => between = Some(arguments.value().as_bytes().to_vec()),
            's' => only_delimited = true,
            'D' => (only_delimited, ordered) = (true, true),
            'C' => complement = true,
            'z' => end = 0,
            _ => {}
        }
    }
    let list =
        list.ok_or_else(|| Error::usage("expected a list of bytes, characters, or fields"))?;
    if !fields && (separator.is_some() || only_delimited) {
        return Err(Error::message("-d and -s need -f"));
    }
    let separator = match separator.as_ref().map(|text| text.as_bytes()) {
        None => b'\t',
        Some([]) => 0,
        Some([byte]) => *byte,
        Some(_) => return Err(Error::message("the delimiter must be a single character")),
    };
    let positions = if ordered {
        let parts: Result<Vec<_>> =
            list.split(',').map(|part| Ok(Positions::parse(part, false)?.0)).collect();
        Positions(parts?.concat())
    } else {
        Positions::parse(&list, complement)?
    };
    let style = Style { positions, separator, between, only_delimited, end };
    let operands = arguments.operands();
    cx.each_input(&operands, |cx, input, name| {
        let outcome = match (fields, ordered) {
            (false, _) => bytes(&mut cx.stdout, input, &style),
            (true, false) => self::fields(&mut cx.stdout, input, &style),
            (true, true) => ordered_fields(&mut cx.stdout, input, &style),
        };
        outcome.map_err(|error| error.on(name))
    })?;
    Ok(cx.status())
}

fn bytes(output: &mut Output<'_>, input: &mut Input<'_>, style: &Style) -> Result<()> {
    while let Some(line) = input.line(style.end).map_err(Error::Read)? {
        let line = line.strip_suffix(&[style.end]).unwrap_or(line);
        let mut first = true;
        for &(start, end) in &style.positions.0 {
            if start > line.len() {
                break;
            }
            if !std::mem::take(&mut first)
                && let Some(between) = &style.between
            {
                output.put(between)?;
            }
            output.put(&line[start - 1..end.min(line.len())])?;
        }
        output.put_byte(style.end)?;
    }
    Ok(())
}

fn fields(output: &mut Output<'_>, input: &mut Input<'_>, style: &Style) -> Result<()> {
    let separator = [style.separator];
    let between = style.between.as_deref().unwrap_or(&separator);
    let ranges = &style.positions.0;
    let last = ranges.last().map_or(0, |range| range.1);
    while let Some(line) = input.line(style.end).map_err(Error::Read)? {
        let line = line.strip_suffix(&[style.end]).unwrap_or(line);
        let mut separators = memchr::memchr_iter(style.separator, line);
        let Some(mut end) = separators.next() else {
            if !style.only_delimited {
                output.put(line)?;
                output.put_byte(style.end)?;
            }
            continue;
        };
        let (mut start, mut number, mut range, mut first) = (0, 1, 0, true);
        loop {
            if range < ranges.len() && number >= ranges[range].0 {
                if !std::mem::take(&mut first) {
                    output.put(between)?;
                }
                if ranges[range].1 == usize::MAX && style.between.is_none() {
                    output.put(&line[start..])?;
                    break;
                }
                output.put(&line[start..end])?;
                if number == ranges[range].1 {
                    range += 1;
                }
            }
            if end == line.len() || number == last {
                break;
            }
            start = end + 1;
            number += 1;
            end = separators.next().unwrap_or(line.len());
        }
        output.put_byte(style.end)?;
    }
    Ok(())
}

fn ordered_fields(output: &mut Output<'_>, input: &mut Input<'_>, style: &Style) -> Result<()> {
    let separator = [style.separator];
    let between = style.between.as_deref().unwrap_or(&separator);
    while let Some(line) = input.line(style.end).map_err(Error::Read)? {
        let line = line.strip_suffix(&[style.end]).unwrap_or(line);
        let parts: Vec<&[u8]> = line.split(|&byte| byte == style.separator).collect();
        if parts.len() == 1 {
            continue;
        }
        let mut first = true;
        for &(start, end) in &style.positions.0 {
            for part in parts.iter().take(end).skip(start - 1) {
                if !std::mem::take(&mut first) {
                    output.put(between)?;
                }
                output.put(part)?;
            }
        }
        output.put_byte(style.end)?;
    }
    Ok(())
}
