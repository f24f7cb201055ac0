//! `expand`: tabs to spaces.

use isobox_applet::{Applet, Context, Error, Result, Spec, Status};

use crate::tabs::Tabs;

/// See the usage text.
pub(crate) const EXPAND: Applet = Applet::new(
    "expand",
    expand,
    "[-i] [-t STOPS] [FILE]...\n\n\
     Replace tabs by spaces\n\n\
     \t-i\tOnly those before other characters\n\
     \t-t N\tTab stops every N columns, or at N,N,N...",
);

const OPTIONS: Spec = Spec::new("it:0123456789", &[("initial", 'i'), ("tabs=", 't')]);

fn expand(cx: &mut Context<'_>) -> Result<Status> {
    let (mut initial, mut stops) = (false, String::new());
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'i' => initial = true,
            't' => stops = arguments.text()?,
            digit => stops.push(digit),
        }
    }
    let tabs = Tabs::parse(&stops)?;
    let utf8 = cx.utf8();
    let operands = arguments.operands();
    let mut expanded = Vec::new();
    cx.each_input(&operands, |cx, input, name| {
        while let Some(line) = input.line(b'\n').map_err(|error| Error::path(name, error))? {
            if memchr::memchr(b'\t', line).is_none() {
                cx.stdout.put(line)?;
                continue;
            }
            expanded.clear();
            let (mut column, mut within) = (0, false);
            for &byte in line {
                match byte {
                    b'\t' if !(initial && within) => {
                        let stop = tabs.next(column).unwrap_or(column + 1);
                        expanded.resize(expanded.len() + stop - column, b' ');
                        column = stop;
                        continue;
                    }
                    8 => column = column.saturating_sub(1),
                    0x80..=0xbf if utf8 => {}
                    _ => column += 1,
                }
                within |= byte != b' ';
                expanded.push(byte);
            }
            cx.stdout.put(&expanded)?;
        }
        Ok(())
    })?;
    Ok(cx.status())
}
