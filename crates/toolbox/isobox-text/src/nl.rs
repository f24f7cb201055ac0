//! `nl`: numbers lines, page by page.

use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Result, Spec, Status, number};
use isobox_regex::{Options, Regex, Syntax};

/// See the usage text.
pub(crate) const NL: Applet = Applet::new(
    "nl",
    nl,
    "[-p] [-b|-h|-f STYLE] [-d CC] [-i N] [-l N] [-n FORMAT] [-s STR] [-v N] [-w N] [FILE]...\n\n\
     Number lines\n\n\
     \t-b STYLE\tWhich lines of bodies: a all, t nonempty, n none, pREGEX those that match\n\
     \t-h, -f STYLE\tThe same for headers and footers (n)\n\
     \t-d CC\tWhat marks logical pages (\\:)\n\
     \t-i N\tStep (1)\n\
     \t-l N\tN empty lines count as one\n\
     \t-n FORMAT\tln left, rn right, rz right with zeros\n\
     \t-p\tPages do not begin at the first number again\n\
     \t-s STR\tAfter the number (TAB)\n\
     \t-v N\tFirst number (1)\n\
     \t-w N\tWidth (6)",
);

const OPTIONS: Spec = Spec::new(
    "pb:h:f:d:i:l:n:s:v:w:",
    &[
        ("body-numbering=", 'b'),
        ("header-numbering=", 'h'),
        ("footer-numbering=", 'f'),
        ("section-delimiter=", 'd'),
        ("line-increment=", 'i'),
        ("join-blank-lines=", 'l'),
        ("number-format=", 'n'),
        ("no-renumber", 'p'),
        ("number-separator=", 's'),
        ("starting-line-number=", 'v'),
        ("number-width=", 'w'),
    ],
);

enum Style {
    All,
    NonEmpty,
    None,
    Matching(Regex),
}

impl Style {
    fn parse(text: &str) -> Result<Self> {
        match text {
            "a" => Ok(Self::All),
            "t" => Ok(Self::NonEmpty),
            "n" => Ok(Self::None),
            _ => match text.strip_prefix('p') {
                Some(pattern) => Regex::new(pattern.as_bytes(), Syntax::Basic, Options::default())
                    .map(Self::Matching)
                    .map_err(|error| Error::message(error.to_string())),
                None => Err(Error::message(format!(
                    "invalid style '{text}': expected a, t, n or pREGEX"
                ))),
            },
        }
    }
}

fn nl(cx: &mut Context<'_>) -> Result<Status> {
    // Header, body, footer: the order of the delimiters' lengths, three to one.
    let mut styles = [Style::None, Style::NonEmpty, Style::None];
    let (mut delimiter, mut separator) = (b"\\:".to_vec(), b"\t".to_vec());
    let (mut step, mut join, mut start, mut width) = (1, 1, 1, 6);
    let (mut format, mut renumber) = ("rn".to_owned(), true);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'h' => styles[0] = Style::parse(&arguments.text()?)?,
            'b' => styles[1] = Style::parse(&arguments.text()?)?,
            'f' => styles[2] = Style::parse(&arguments.text()?)?,
            'd' => {
                delimiter = arguments.value().as_bytes().to_vec();
                if delimiter.len() == 1 {
                    delimiter.push(b':');
                }
            }
            'i' => step = number::signed(&arguments.value())?,
            'l' => join = number::unsigned(&arguments.value())?.max(1),
            'n' => {
                format = arguments.text()?;
                if !["ln", "rn", "rz"].contains(&format.as_str()) {
                    return Err(Error::message(format!(
                        "invalid format '{format}': expected ln, rn or rz"
                    )));
                }
            }
            'p' => renumber = false,
            's' => separator = arguments.value().as_bytes().to_vec(),
            'v' => start = number::signed(&arguments.value())?,
            _ => {
                width = usize::try_from(number::unsigned(&arguments.value())?)
                    .unwrap_or(0)
                    .clamp(1, 1 << 16)
            }
        }
    }
    let operands = arguments.operands();
    let (mut section, mut count, mut blanks) = (1, start, 0);
    cx.each_input(&operands, |cx, input, name| {
        while let Some(line) = input.line(b'\n').map_err(|error| Error::path(name, error))? {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            if !delimiter.is_empty()
                && let Some(marks) = (1..=3).find(|&marks| text == delimiter.repeat(marks))
            {
                section = 3 - marks;
                if renumber {
                    count = start;
                }
                cx.stdout.put(b"\n")?;
                continue;
            }
            blanks = if text.is_empty() { blanks + 1 } else { 0 };
            let numbered = match &styles[section] {
                Style::All => {
                    let due = !text.is_empty() || blanks == join;
                    if due {
                        blanks = 0;
                    }
                    due
                }
                Style::NonEmpty => !text.is_empty(),
                Style::None => false,
                Style::Matching(regex) => {
                    regex.is_match(text).map_err(|error| Error::message(error.to_string()))?
                }
            };
            if numbered {
                match format.as_str() {
                    "ln" => write!(cx.stdout, "{count:<width$}")?,
                    "rz" => write!(cx.stdout, "{count:0width$}")?,
                    _ => write!(cx.stdout, "{count:width$}")?,
                }
                cx.stdout.put(&separator)?;
                count += step;
            } else {
                let indent = vec![b' '; width + separator.len()];
                cx.stdout.put(&indent)?;
            }
            cx.stdout.put(text)?;
            cx.stdout.put(b"\n")?;
        }
        Ok(())
    })?;
    Ok(cx.status())
}
