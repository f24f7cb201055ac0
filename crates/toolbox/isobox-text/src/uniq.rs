//! `uniq`: repeated lines once.

use std::os::fd::AsFd;

use isobox_applet::{Applet, Context, Error, Output, Result, Spec, Status, number};

/// See the usage text.
pub(crate) const UNIQ: Applet = Applet::new(
    "uniq",
    uniq,
    "[-cduiDz] [-f N] [-s N] [-w N] [FILE [OUTFILE]]\n\n\
     Print one of adjacent lines that are equal\n\n\
     \t-c\tWith their number in front\n\
     \t-d\tOnly lines that are repeated\n\
     \t-D\tOnly those, all of them\n\
     \t-u\tOnly lines that are not\n\
     \t-i\tIgnore case\n\
     \t-f N\tIgnore the first N fields\n\
     \t-s N\t...and then N characters\n\
     \t-w N\tCompare at most N characters\n\
     \t-z\tLines end in NUL",
);

const OPTIONS: Spec = Spec::new(
    "cduiDzf:s:w:",
    &[
        ("count", 'c'),
        ("repeated", 'd'),
        ("all-repeated=?", 'D'),
        ("unique", 'u'),
        ("ignore-case", 'i'),
        ("skip-fields=", 'f'),
        ("skip-chars=", 's'),
        ("check-chars=", 'w'),
        ("zero-terminated", 'z'),
    ],
);

#[derive(Default)]
struct Style {
    count: bool,
    repeated: bool,
    all_repeated: bool,
    separate: Option<Separate>,
    unique: bool,
    ignore_case: bool,
    skip_fields: usize,
    skip_chars: usize,
    width: Option<usize>,
    end: u8,
}

#[derive(PartialEq, Eq)]
enum Separate {
    Prepend,
    Between,
}

fn uniq(cx: &mut Context<'_>) -> Result<Status> {
    let mut style = Style { end: b'\n', ..Style::default() };
    let mut arguments = cx.parse(&OPTIONS);
    let count = |value: std::ffi::OsString| {
        number::unsigned(&value).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
    };
    while let Some(option) = arguments.next()? {
        match option {
            'c' => style.count = true,
            'd' => style.repeated = true,
            'D' => {
                style.all_repeated = true;
                style.separate = match arguments.optional_value() {
                    Some(how) if how == "prepend" => Some(Separate::Prepend),
                    Some(how) if how == "separate" => Some(Separate::Between),
                    Some(how) if how != "none" => {
                        return Err(Error::about("expected none, prepend or separate, not", how));
                    }
                    _ => None,
                };
            }
            'u' => style.unique = true,
            'i' => style.ignore_case = true,
            'f' => style.skip_fields = count(arguments.value())?,
            's' => style.skip_chars = count(arguments.value())?,
            'w' => style.width = Some(count(arguments.value())?),
            _ => style.end = 0,
        }
    }
    let names = arguments.operands_between(0, 2)?;
    let stdin = std::ffi::OsString::from("-");
    let name = names.first().unwrap_or(&stdin);
    let mut input = cx.open(name)?;
    let file = match names.get(1) {
        Some(target) if target != "-" => Some(cx.create(target)?),
        _ => None,
    };
    match &file {
        Some(file) => {
            let mut output = Output::new(file.as_fd());
            filter(&mut output, &mut input, &style).map_err(|error| error.on(name))?;
            output.flush()?;
        }
        None => filter(&mut cx.stdout, &mut input, &style).map_err(|error| error.on(name))?,
    }
    Ok(cx.status())
}

fn filter(
    output: &mut Output<'_>,
    input: &mut isobox_applet::Input<'_>,
    style: &Style,
) -> Result<()> {
    let mut held: Vec<u8> = Vec::new();
    let (mut repeats, mut groups) = (0_u64, 0_u64);
    while let Some(line) = input.line(style.end).map_err(Error::Read)? {
        let line = line.strip_suffix(&[style.end]).unwrap_or(line);
        if repeats > 0 && same(&held, line, style) {
            repeats += 1;
            if style.all_repeated {
                if repeats == 2 {
                    let blank = match style.separate {
                        Some(Separate::Prepend) => true,
                        Some(Separate::Between) => groups > 0,
                        None => false,
                    };
                    if blank {
                        output.put_byte(style.end)?;
                    }
                    groups += 1;
                    output.put(&held)?;
                    output.put_byte(style.end)?;
                }
                output.put(line)?;
                output.put_byte(style.end)?;
            }
            continue;
        }
        print(output, &held, repeats, style)?;
        held.clear();
        held.extend_from_slice(line);
        repeats = 1;
    }
    print(output, &held, repeats, style)
}

fn print(output: &mut Output<'_>, line: &[u8], repeats: u64, style: &Style) -> Result<()> {
    if repeats == 0
        || style.all_repeated
        || style.repeated && repeats == 1
        || style.unique && repeats > 1
    {
        return Ok(());
    }
    if style.count {
        write!(output, "{repeats:7} ")?;
    }
    output.put(line)?;
    output.put_byte(style.end)
}

fn same(a: &[u8], b: &[u8], style: &Style) -> bool {
    if style.skip_fields == 0 && style.skip_chars == 0 && style.width.is_none() {
        return if style.ignore_case { a.eq_ignore_ascii_case(b) } else { a == b };
    }
    let (a, b) = (key(a, style), key(b, style));
    if style.ignore_case { a.eq_ignore_ascii_case(b) } else { a == b }
}

fn key<'l>(mut line: &'l [u8], style: &Style) -> &'l [u8] {
    for _ in 0..style.skip_fields {
        let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let text = line[blanks..].iter().take_while(|byte| !matches!(byte, b' ' | b'\t')).count();
        line = &line[blanks + text..];
    }
    line = &line[style.skip_chars.min(line.len())..];
    &line[..style.width.unwrap_or(usize::MAX).min(line.len())]
}
