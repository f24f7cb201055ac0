//! `strings`: runs of printable characters in files.

use isobox_applet::{Applet, Context, Error, Result, Spec, Status, number};
use std::os::unix::ffi::OsStrExt;

/// See the usage text.
pub(crate) const STRINGS: Applet = Applet::new(
    "strings",
    strings,
    "[-afow] [-t o|d|x] [-n LEN] [FILE]...\n\n\
     Print runs of printable characters\n\n\
     \t-f\tName the file in front\n\
     \t-o\tThe offset in octal in front\n\
     \t-t R\tThe offset in base 8, 10 or 16\n\
     \t-n N\tRuns of at least N characters (4)\n\
     \t-w\tLine ends belong to runs\n\
     \t-a\tThe whole file (as is done anyway)",
);

const OPTIONS: Spec = Spec::new(
    "afowt:n:0123456789",
    &[
        ("all", 'a'),
        ("print-file-name", 'f'),
        ("radix=", 't'),
        ("bytes=", 'n'),
        ("include-all-whitespace", 'w'),
    ],
);

fn strings(cx: &mut Context<'_>) -> Result<Status> {
    let (mut names, mut radix, mut least, mut white) = (false, None, 4, false);
    let mut digits = String::new();
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'a' => {}
            'f' => names = true,
            'o' => radix = Some('o'),
            'w' => white = true,
            't' => {
                let text = arguments.text()?;
                radix = Some(match text.as_str() {
                    "o" => 'o',
                    "d" => 'd',
                    "x" => 'x',
                    _ => {
                        return Err(Error::message(format!(
                            "invalid radix '{text}': expected o, d or x"
                        )));
                    }
                });
            }
            'n' => least = number::unsigned(&arguments.value())?.max(1),
            digit => digits.push(digit),
        }
    }
    if !digits.is_empty() {
        least = number::unsigned(digits.as_ref())?.max(1);
    }
    let least = usize::try_from(least).unwrap_or(usize::MAX);
    let operands = arguments.operands();
    cx.each_input(&operands, |cx, input, name| {
        let (mut offset, mut run, mut shown) = (0_u64, Vec::new(), false);
        while let Some(byte) = input.byte().map_err(|error| Error::path(name, error))? {
            let printable =
                matches!(byte, b' '..=b'~' | b'\t') || white && matches!(byte, b'\n'..=b'\r');
            offset += 1;
            if !printable {
                if shown {
                    cx.stdout.put(b"\n")?;
                }
                run.clear();
                shown = false;
            } else if shown {
                cx.stdout.put_byte(byte)?;
            } else {
                run.push(byte);
                if run.len() >= least {
                    if names {
                        cx.stdout.put(if name == "-" {
                            b"{standard input}"
                        } else {
                            name.as_bytes()
                        })?;
                        cx.stdout.put(b": ")?;
                    }
                    let start = offset - run.len() as u64;
                    match radix {
                        Some('o') => write!(cx.stdout, "{start:7o} ")?,
                        Some('d') => write!(cx.stdout, "{start:7} ")?,
                        Some(_) => write!(cx.stdout, "{start:7x} ")?,
                        None => {}
                    }
                    cx.stdout.put(&run)?;
                    shown = true;
                }
            }
        }
        if shown {
            cx.stdout.put(b"\n")?;
        }
        Ok(())
    })?;
    Ok(cx.status())
}
