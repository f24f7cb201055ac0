//! `shuf`: lines in random order.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Output, Result, Spec, Status, number};

use crate::random::Random;

/// See the usage text.
pub(crate) const SHUF: Applet = Applet::new(
    "shuf",
    shuf,
    "[-rz] [-n NUM] [-o FILE] [--random-source FILE] [FILE | -e [ARG...] | -i L-H]\n\n\
     Print lines in random order\n\n\
     \t-e\tThe arguments are the lines\n\
     \t-i L-H\tThe numbers L to H are the lines\n\
     \t-n N\tAt most N lines\n\
     \t-o FILE\tWrite to FILE\n\
     \t-r\tLines may be repeated\n\
     \t--random-source FILE\tTake random bytes from FILE\n\
     \t-z\tLines end in NUL",
);

const OPTIONS: Spec = Spec::new(
    "ei:n:o:rz",
    &[
        ("echo", 'e'),
        ("input-range=", 'i'),
        ("head-count=", 'n'),
        ("output=", 'o'),
        ("repeat", 'r'),
        ("random-source=", 'R'),
        ("zero-terminated", 'z'),
    ],
);

fn shuf(cx: &mut Context<'_>) -> Result<Status> {
    let (mut echo, mut range, mut most) = (false, None, u64::MAX);
    let (mut target, mut source, mut repeat, mut end) = (None, None, false, b'\n');
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'e' => echo = true,
            'i' => {
                let text = arguments.text()?;
                range = Some(parse_range(&text).ok_or_else(|| {
                    Error::message(format!("invalid range '{text}': expected LOW-HIGH"))
                })?);
            }
            'n' => most = most.min(number::unsigned(&arguments.value())?),
            'o' => target = Some(arguments.value()),
            'r' => repeat = true,
            'R' => source = Some(arguments.value()),
            _ => end = 0,
        }
    }
    let mut random = match source {
        Some(source) => Random::from_file(cx.open(&source)?),
        None => Random::from_kernel(),
    };
    let operands = arguments.operands();
    let mut bytes = Vec::new();
    let lines = if let Some((low, high)) = range {
        if echo || !operands.is_empty() {
            return Err(Error::usage("-i takes no FILE and no -e"));
        }
        Lines::Numbers(low, high)
    } else if echo {
        Lines::Texts(operands.iter().map(|word| word.as_bytes()).collect())
    } else {
        if operands.len() > 1 {
            return Err(Error::usage("one FILE at most"));
        }
        let stdin = std::ffi::OsString::from("-");
        let name = operands.first().unwrap_or(&stdin);
        cx.open(name)?.read_to_end(&mut bytes).map_err(|error| Error::path(name, error))?;
        let text = bytes.strip_suffix(&[end]).unwrap_or(&bytes);
        if bytes.is_empty() {
            Lines::Texts(Vec::new())
        } else {
            Lines::Texts(text.split(|&byte| byte == end).collect())
        }
    };
    let file = target.map(|target| cx.create(&target)).transpose()?;
    match &file {
        Some(file) => {
            let mut output = Output::new(file.as_fd());
            print(&mut output, &lines, most, repeat, end, &mut random)?;
            output.flush()?;
        }
        None => print(&mut cx.stdout, &lines, most, repeat, end, &mut random)?,
    }
    Ok(cx.status())
}

fn parse_range(text: &str) -> Option<(u64, u64)> {
    let (low, high) = text.split_once('-')?;
    let (low, high): (u64, u64) = (low.parse().ok()?, high.parse().ok()?);
    (low <= high || low - 1 == high).then_some((low, high))
}

enum Lines<'l> {
    Texts(Vec<&'l [u8]>),
    Numbers(u64, u64),
}

impl Lines<'_> {
    fn count(&self) -> u64 {
        match self {
            Self::Texts(lines) => lines.len() as u64,
            Self::Numbers(low, high) => (high + 1).saturating_sub(*low),
        }
    }

    fn print(&self, output: &mut Output<'_>, index: u64, end: u8) -> Result<()> {
        match self {
            Self::Texts(lines) => output.put(lines[usize::try_from(index).unwrap_or(0)])?,
            Self::Numbers(low, _) => write!(output, "{}", low + index)?,
        }
        output.put_byte(end)
    }
}

fn print(
    output: &mut Output<'_>,
    lines: &Lines<'_>,
    most: u64,
    repeat: bool,
    end: u8,
    random: &mut Random<'_>,
) -> Result<()> {
    let count = lines.count();
    if repeat {
        if count == 0 && most > 0 {
            return Err(Error::message("there are no lines to repeat"));
        }
        for _ in 0..most {
            lines.print(output, random.below(count)?, end)?;
        }
        return Ok(());
    }
    let most = most.min(count);
    // Few out of very many are drawn without a table of all.
    if most < count / 64 {
        let mut moved = std::collections::HashMap::new();
        for index in 0..most {
            let other = index + random.below(count - index)?;
            let drawn = moved.get(&other).copied().unwrap_or(other);
            let here = moved.get(&index).copied().unwrap_or(index);
            moved.insert(other, here);
            lines.print(output, drawn, end)?;
        }
        return Ok(());
    }
    let mut order: Vec<u64> = (0..count).collect();
    for index in 0..most {
        let other = index + random.below(count - index)?;
        let (a, b) = (usize::try_from(index).unwrap_or(0), usize::try_from(other).unwrap_or(0));
        order.swap(a, b);
        lines.print(output, order[a], end)?;
    }
    Ok(())
}
