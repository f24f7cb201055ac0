//! `cat`: files to standard output.

use isobox_applet::{Applet, Context, Error, Input, Place, Result, Spec, Status, copy};

/// See the usage text.
pub(crate) const CAT: Applet = Applet::new(
    "cat",
    cat,
    "[-nbvteAsu] [FILE]...\n\n\
     Print FILEs to stdout\n\n\
     \t-n\tNumber output lines\n\
     \t-b\tNumber nonempty lines\n\
     \t-s\tPrint one empty line where there are several\n\
     \t-v\tShow nonprinting characters as ^x or M-x\n\
     \t-t\t...and tabs as ^I\n\
     \t-e\t...and end lines with $\n\
     \t-T\tShow tabs as ^I\n\
     \t-E\tEnd lines with $\n\
     \t-A\tSame as -vte\n\
     \t-u\tWrite without delay (as is done anyway)",
)
.at(Place::Bin);

const OPTIONS: Spec = Spec::new(
    "nbsvteTEAu",
    &[
        ("number", 'n'),
        ("number-nonblank", 'b'),
        ("squeeze-blank", 's'),
        ("show-nonprinting", 'v'),
        ("show-tabs", 'T'),
        ("show-ends", 'E'),
        ("show-all", 'A'),
    ],
);

#[derive(Default)]
struct Style {
    number: bool,
    number_nonblank: bool,
    squeeze: bool,
    nonprinting: bool,
    tabs: bool,
    ends: bool,
}

/// What goes on from one file to the next.
#[derive(Default)]
struct State {
    line: u64,
    blank: bool,
    within: bool,
}

fn cat(cx: &mut Context<'_>) -> Result<Status> {
    let mut style = Style::default();
    let mut plain = true;
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        plain &= option == 'u';
        match option {
            'n' => style.number = true,
            'b' => style.number_nonblank = true,
            's' => style.squeeze = true,
            'v' => style.nonprinting = true,
            't' => (style.nonprinting, style.tabs) = (true, true),
            'e' => (style.nonprinting, style.ends) = (true, true),
            'T' => style.tabs = true,
            'E' => style.ends = true,
            'A' => (style.nonprinting, style.tabs, style.ends) = (true, true, true),
            _ => {}
        }
    }
    let operands = arguments.operands();
    let mut state = State::default();
    cx.each_input(&operands, |cx, input, name| {
        if plain {
            copy::to_output(input, &mut cx.stdout, name)
        } else {
            styled(cx, input, &style, &mut state).map_err(|error| error.on(name))
        }
    })?;
    Ok(cx.status())
}

fn styled(
    cx: &mut Context<'_>,
    input: &mut Input<'_>,
    style: &Style,
    state: &mut State,
) -> Result<()> {
    let mut shown = Vec::new();
    while let Some(line) = input.line(b'\n').map_err(Error::Read)? {
        let (text, ended) = match line.strip_suffix(b"\n") {
            Some(text) => (text, true),
            None => (line, false),
        };
        let starts = !std::mem::replace(&mut state.within, !ended);
        if starts {
            let blank = text.is_empty();
            if style.squeeze && blank && std::mem::replace(&mut state.blank, blank) {
                continue;
            }
            state.blank = blank;
            if if style.number_nonblank { !blank } else { style.number } {
                state.line += 1;
                write!(cx.stdout, "{:6}\t", state.line)?;
            }
        }
        if style.nonprinting || style.tabs {
            shown.clear();
            text.iter().for_each(|&byte| show(byte, style, &mut shown));
            cx.stdout.put(&shown)?;
        } else {
            cx.stdout.put(text)?;
        }
        if ended {
            cx.stdout.put(if style.ends { b"$\n" } else { b"\n" })?;
        }
    }
    Ok(())
}

/// A byte as `-v` and `-T` show it.
fn show(byte: u8, style: &Style, shown: &mut Vec<u8>) {
    match byte {
        b'\t' if style.tabs => shown.extend_from_slice(b"^I"),
        b'\t' => shown.push(byte),
        _ if !style.nonprinting => shown.push(byte),
        _ => {
            if byte >= 0x80 {
                shown.extend_from_slice(b"M-");
            }
            match byte & 0x7f {
                0x7f => shown.extend_from_slice(b"^?"),
                low if low < 0x20 => shown.extend_from_slice(&[b'^', low + 0x40]),
                low => shown.push(low),
            }
        }
    }
}
