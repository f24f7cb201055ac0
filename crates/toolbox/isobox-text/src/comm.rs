//! `comm`: lines of two sorted files, in three columns.

use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Result, Spec, Status};

/// See the usage text.
pub(crate) const COMM: Applet = Applet::new(
    "comm",
    comm,
    "[-123z] FILE1 FILE2\n\n\
     Compare sorted files: lines in FILE1 only, in FILE2 only, in both\n\n\
     \t-1\tNot those in FILE1 only\n\
     \t-2\tNot those in FILE2 only\n\
     \t-3\tNot those in both\n\
     \t--total\tCount the lines at the end\n\
     \t--output-delimiter STR\tBetween the columns (TAB)\n\
     \t--check-order, --nocheck-order\tWhether unsorted input is an error\n\
     \t-z\tLines end in NUL",
);

const OPTIONS: Spec = Spec::new(
    "123z",
    &[
        ("total", 't'),
        ("output-delimiter=", 'd'),
        ("check-order", 'c'),
        ("nocheck-order", 'n'),
        ("zero-terminated", 'z'),
    ],
);

fn comm(cx: &mut Context<'_>) -> Result<Status> {
    let mut columns = [true; 3];
    let (mut total, mut delimiter, mut end) = (false, b"\t".to_vec(), b'\n');
    let mut check = None;
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            '1' => columns[0] = false,
            '2' => columns[1] = false,
            '3' => columns[2] = false,
            't' => total = true,
            'd' => delimiter = arguments.value().as_bytes().to_vec(),
            'c' => check = Some(true),
            'n' => check = Some(false),
            _ => end = 0,
        }
    }
    let names = arguments.operands_between(2, 2)?;
    let mut inputs = [cx.open(&names[0])?, cx.open(&names[1])?];
    let mut lines = [Vec::new(), Vec::new()];
    let mut open = [true; 2];
    let mut unsorted = [false; 2];
    let mut counts = [0_u64; 3];
    let mut due = [true; 2];
    loop {
        for side in 0..2 {
            if !std::mem::take(&mut due[side]) {
                continue;
            }
            let line = inputs[side].line(end).map_err(|error| Error::path(&names[side], error))?;
            match line {
                Some(line) => {
                    let line = line.strip_suffix(&[end]).unwrap_or(line);
                    unsorted[side] |= line < lines[side].as_slice();
                    lines[side].clear();
                    lines[side].extend_from_slice(line);
                }
                None => open[side] = false,
            }
            if unsorted[side] && check == Some(true) {
                return Err(Error::message(format!("file {} is not in sorted order", side + 1)));
            }
        }
        let column = match open {
            [false, false] => break,
            [true, false] => 0,
            [false, true] => 1,
            [true, true] => match lines[0].cmp(&lines[1]) {
                std::cmp::Ordering::Less => 0,
                std::cmp::Ordering::Greater => 1,
                std::cmp::Ordering::Equal => 2,
            },
        };
        counts[column] += 1;
        due = [column != 1, column != 0];
        if columns[column] {
            for _ in columns[..column].iter().filter(|&&shown| shown) {
                cx.stdout.put(&delimiter)?;
            }
            cx.stdout.put(&lines[usize::from(column == 1)])?;
            cx.stdout.put_byte(end)?;
        }
    }
    if total {
        for count in counts {
            write!(cx.stdout, "{count}")?;
            cx.stdout.put(&delimiter)?;
        }
        cx.stdout.put(b"total")?;
        cx.stdout.put_byte(end)?;
    }
    for (side, unsorted) in (1..).zip(unsorted) {
        // Files that pair up in spite of it are fine unless the check was asked for.
        if unsorted && check.is_none() && counts[..2] != [0, 0] {
            cx.report(&Error::message(format!("file {} is not in sorted order", side)));
        }
    }
    Ok(cx.status())
}
