//! `fold`: breaks long lines.

use isobox_applet::{Applet, Context, Error, Result, Spec, Status, number};

/// See the usage text.
pub(crate) const FOLD: Applet = Applet::new(
    "fold",
    fold,
    "[-bs] [-w WIDTH] [FILE]...\n\n\
     Break lines that are longer than 80 columns\n\n\
     \t-b\tCount bytes: tabs and backspaces are nothing special\n\
     \t-s\tBreak after blanks\n\
     \t-w N\tColumns",
);

const OPTIONS: Spec = Spec::new(
    "bcsw:0123456789",
    &[("bytes", 'b'), ("characters", 'c'), ("spaces", 's'), ("width=", 'w')],
);

fn fold(cx: &mut Context<'_>) -> Result<Status> {
    let (mut bytes, mut spaces, mut width, mut digits) = (false, false, 80, String::new());
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'b' => bytes = true,
            's' => spaces = true,
            'w' => {
                let value = arguments.value();
                width = number::unsigned(&value)?;
                if width == 0 {
                    return Err(number::invalid(&value));
                }
            }
            'c' => {}
            digit => digits.push(digit),
        }
    }
    if !digits.is_empty() {
        width = number::unsigned(digits.as_ref())?;
    }
    let width = usize::try_from(width).unwrap_or(usize::MAX).max(1);
    let operands = arguments.operands();
    let utf8 = cx.utf8();
    let mut line = Vec::new();
    cx.each_input(&operands, |cx, input, name| {
        let advance = |column: usize, byte: u8| match byte {
            _ if bytes => column + 1,
            b'\t' => (column | 7) + 1,
            8 => column.saturating_sub(1),
            b'\r' => 0,
            0x80..=0xbf if utf8 => column,
            _ => column + 1,
        };
        line.clear();
        let mut column = 0;
        while let Some(byte) = input.byte().map_err(|error| Error::path(name, error))? {
            if byte == b'\n' {
                line.push(byte);
                cx.stdout.put(&line)?;
                line.clear();
                column = 0;
                continue;
            }
            let mut next = advance(column, byte);
            while next > width && !line.is_empty() {
                let last_blank = line.iter().rposition(|byte| matches!(byte, b' ' | b'\t'));
                let end = match last_blank {
                    Some(at) if spaces => at + 1,
                    _ => line.len(),
                };
                cx.stdout.put(&line[..end])?;
                cx.stdout.put_byte(b'\n')?;
                line.drain(..end);
                column = line.iter().fold(0, |column, &byte| advance(column, byte));
                next = advance(column, byte);
            }
            column = next;
            line.push(byte);
        }
        cx.stdout.put(&line)
    })?;
    Ok(cx.status())
}
