//! `paste`: lines of several files side by side.

use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Input, Result, Spec, Status};

/// See the usage text.
pub(crate) const PASTE: Applet = Applet::new(
    "paste",
    paste,
    "[-sz] [-d LIST] [FILE]...\n\n\
     Join the lines of FILEs with tabs between\n\n\
     \t-d LIST\tUse the characters of LIST in turn (\\n \\t \\\\ \\0)\n\
     \t-s\tAll lines of a file in one line\n\
     \t-z\tLines end in NUL",
);

const OPTIONS: Spec =
    Spec::new("d:sz", &[("delimiters=", 'd'), ("serial", 's'), ("zero-terminated", 'z')]);

fn paste(cx: &mut Context<'_>) -> Result<Status> {
    let (mut delimiters, mut serial, mut end) = (vec![Some(b'\t')], false, b'\n');
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'd' => delimiters = parse_delimiters(arguments.value().as_bytes())?,
            's' => serial = true,
            _ => end = 0,
        }
    }
    let mut operands = arguments.operands();
    if operands.is_empty() {
        operands.push("-".into());
    }
    if serial {
        cx.each_input(&operands, |cx, input, name| {
            let mut next = 0;
            while let Some(line) = input.line(end).map_err(|error| Error::path(name, error))? {
                if next > 0 {
                    put(cx, delimiters[(next - 1) % delimiters.len()])?;
                }
                cx.stdout.put(line.strip_suffix(&[end]).unwrap_or(line))?;
                next += 1;
            }
            cx.stdout.put_byte(end)
        })?;
        return Ok(cx.status());
    }
    parallel(cx, &operands, &delimiters, end)?;
    Ok(cx.status())
}

/// `-` may be named several times: its lines are dealt out in turn.
fn parallel(
    cx: &mut Context<'_>,
    operands: &[std::ffi::OsString],
    delimiters: &[Option<u8>],
    end: u8,
) -> Result<()> {
    let mut stdin = Input::from(cx.stdin);
    let mut files: Vec<Option<Input<'_>>> = Vec::new();
    for name in operands {
        files.push(if name == "-" { None } else { Some(cx.open(name)?) });
    }
    let mut open = vec![true; files.len()];
    let mut row: Vec<u8> = Vec::new();
    loop {
        row.clear();
        let mut any = false;
        for (index, file) in files.iter_mut().enumerate() {
            if index > 0
                && let Some(delimiter) = delimiters[(index - 1) % delimiters.len()]
            {
                row.push(delimiter);
            }
            if open[index] {
                let input = file.as_mut().unwrap_or(&mut stdin);
                match input.line(end).map_err(|error| Error::path(&operands[index], error))? {
                    Some(line) => {
                        any = true;
                        row.extend_from_slice(line.strip_suffix(&[end]).unwrap_or(line));
                    }
                    None => open[index] = false,
                }
            }
        }
        if !any {
            return Ok(());
        }
        row.push(end);
        cx.stdout.put(&row)?;
    }
}

fn put(cx: &mut Context<'_>, delimiter: Option<u8>) -> Result<()> {
    delimiter.map_or(Ok(()), |byte| cx.stdout.put_byte(byte))
}

/// `\0` is no character at all.
fn parse_delimiters(text: &[u8]) -> Result<Vec<Option<u8>>> {
    let (mut delimiters, mut bytes) = (Vec::new(), text.iter());
    while let Some(&byte) = bytes.next() {
        delimiters.push(if byte == b'\\' {
            match bytes.next() {
                Some(b'n') => Some(b'\n'),
                Some(b't') => Some(b'\t'),
                Some(b'0') => None,
                Some(&other) => Some(other),
                None => return Err(Error::message("the list of delimiters ends in a backslash")),
            }
        } else {
            Some(byte)
        });
    }
    if delimiters.is_empty() {
        delimiters.push(None);
    }
    Ok(delimiters)
}
