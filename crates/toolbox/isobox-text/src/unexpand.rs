//! `unexpand`: spaces to tabs.

use isobox_applet::{Applet, Context, Error, Result, Spec, Status};

use crate::tabs::Tabs;

/// See the usage text.
pub(crate) const UNEXPAND: Applet = Applet::new(
    "unexpand",
    unexpand,
    "[-af] [-t STOPS] [FILE]...\n\n\
     Replace blanks at the start of lines by tabs\n\n\
     \t-a\tAll runs of two and more blanks\n\
     \t-f\tOnly those at the start, even with -t\n\
     \t-t N\tTab stops every N columns, or at N,N,N... (implies -a)",
);

const OPTIONS: Spec = Spec::new("aft:", &[("all", 'a'), ("first-only", 'f'), ("tabs=", 't')]);

fn unexpand(cx: &mut Context<'_>) -> Result<Status> {
    let (mut all, mut first_only, mut stops) = (false, false, String::new());
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'a' => all = true,
            'f' => first_only = true,
            _ => (all, stops) = (true, arguments.text()?),
        }
    }
    let all = all && !first_only;
    let tabs = Tabs::parse(&stops)?;
    let utf8 = cx.utf8();
    let operands = arguments.operands();
    let mut packed = Vec::new();
    cx.each_input(&operands, |cx, input, name| {
        while let Some(line) = input.line(b'\n').map_err(|error| Error::path(name, error))? {
            packed.clear();
            pack(line, &tabs, all, utf8, &mut packed);
            cx.stdout.put(&packed)?;
        }
        Ok(())
    })?;
    Ok(cx.status())
}

fn pack(line: &[u8], tabs: &Tabs, all: bool, utf8: bool, packed: &mut Vec<u8>) {
    let (mut column, mut at, mut converting) = (0, 0, true);
    while at < line.len() {
        let byte = line[at];
        if converting && matches!(byte, b' ' | b'\t') {
            let start = column;
            let blanks = line[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let run = &line[at..at + blanks];
            for &blank in run {
                column = if blank == b'\t' {
                    tabs.next(column).unwrap_or(column + 1)
                } else {
                    column + 1
                };
            }
            at += blanks;
            // A single space within a line stays one even if it reaches a stop.
            if run == b" "
                && start > 0
                && tabs.next(start) == Some(column)
                && line.get(at) != Some(&b'\t')
            {
                packed.push(b' ');
            } else {
                fill(start, column, tabs, packed);
            }
            continue;
        }
        match byte {
            8 => column = column.saturating_sub(1),
            0x80..=0xbf if utf8 => {}
            _ => column += 1,
        }
        converting &= all;
        packed.push(byte);
        at += 1;
    }
}

/// Tabs as far as they lead, then spaces.
fn fill(mut from: usize, to: usize, tabs: &Tabs, packed: &mut Vec<u8>) {
    while let Some(stop) = tabs.next(from).filter(|&stop| stop <= to) {
        packed.push(b'\t');
        from = stop;
    }
    packed.resize(packed.len() + to - from, b' ');
}
