//! `seq`: a sequence of numbers.

use isobox_applet::{Applet, Context, Error, Result, Status};

/// See the usage text.
pub(crate) const SEQ: Applet = Applet::new(
    "seq",
    seq,
    "[-w] [-s SEP] [-f FORMAT] [FIRST [STEP]] LAST\n\n\
     Print numbers from FIRST (1) to LAST by STEP (1)\n\n\
     \t-w\tPad with zeros to the same width\n\
     \t-s SEP\tSEP between numbers, not newline\n\
     \t-f FMT\tFormat of printf for a floating-point number",
);

fn seq(cx: &mut Context<'_>) -> Result<Status> {
    let (mut equal, mut separator, mut format) = (false, "\n".to_owned(), None);
    let mut words = std::mem::take(&mut cx.args).into_iter().peekable();
    // Negative numbers are not options, and so the options are read by hand.
    while let Some(word) = words.next_if(|word| is_option(&word.to_string_lossy())) {
        let word = word.to_string_lossy().into_owned();
        let mut value = |inline: &str| -> Result<String> {
            if !inline.is_empty() {
                return Ok(inline.to_owned());
            }
            words.next().map(|word| word.to_string_lossy().into_owned()).ok_or_else(|| {
                Error::usage(format!("option requires an argument -- '{}'", &word[1..2]))
            })
        };
        match word.as_str() {
            "--" => break,
            "--equal-width" => equal = true,
            "--separator" => separator = value("")?,
            "--format" => format = Some(value("")?),
            _ => {
                if let Some(text) = word.strip_prefix("--separator=") {
                    separator = text.to_owned();
                } else if let Some(text) = word.strip_prefix("--format=") {
                    format = Some(text.to_owned());
                } else if word.starts_with("--") {
                    return Err(Error::usage(format!("unrecognized option '{word}'")));
                } else {
                    let mut letters = word[1..].chars();
                    while let Some(letter) = letters.next() {
                        match letter {
                            'w' => equal = true,
                            's' => {
                                separator =
                                    value(std::mem::replace(&mut letters, "".chars()).as_str())?
                            }
                            'f' => {
                                format = Some(value(
                                    std::mem::replace(&mut letters, "".chars()).as_str(),
                                )?)
                            }
                            _ => return Err(Error::usage(format!("invalid option -- '{letter}'"))),
                        }
                    }
                }
            }
        }
    }
    let operands: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let (first, step, last) = match &operands[..] {
        [last] => ("1", "1", last.as_str()),
        [first, last] => (first.as_str(), "1", last.as_str()),
        [first, step, last] => (first.as_str(), step.as_str(), last.as_str()),
        _ => return Err(Error::usage("")),
    };
    let result = match (&format, integer(first), integer(step), integer(last)) {
        (None, Some(a), Some(b), Some(c)) => {
            integers(cx, [a, b, c], [first, last], equal, &separator)
        }
        _ => decimals(cx, [first, step, last], equal, &separator, format.as_deref()),
    };
    result.map(|()| cx.status())
}

fn is_option(word: &str) -> bool {
    word.len() > 1
        && word.starts_with('-')
        && !word[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && !matches!(&word[1..], "inf" | "infinity")
}

fn integer(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    // Far from the limits, so that no sum overflows.
    (number.unsigned_abs() < 1 << 62).then_some(number)
}

fn integers(
    cx: &mut Context<'_>,
    [first, step, last]: [i64; 3],
    texts: [&str; 2],
    equal: bool,
    separator: &str,
) -> Result<()> {
    if step == 0 {
        return Err(Error::message("the step is 0: the sequence would not end"));
    }
    let width = if equal {
        texts[0].trim_start_matches('+').len().max(texts[1].trim_start_matches('+').len())
    } else {
        0
    };
    let beyond = |number: i64| if step > 0 { number > last } else { number < last };
    let mut number = first;
    if beyond(number) {
        return Ok(());
    }
    let mut text = Vec::with_capacity(24);
    loop {
        text.clear();
        digits(number, width, &mut text);
        number += step;
        let done = beyond(number);
        text.extend_from_slice(if done { b"\n" } else { separator.as_bytes() });
        cx.stdout.put(&text)?;
        if done {
            return Ok(());
        }
    }
}

/// A number in decimal, with zeros up to a width. `write!` would take most of the time.
fn digits(number: i64, width: usize, text: &mut Vec<u8>) {
    let mut buffer = [0; 20];
    let (mut at, mut rest) = (buffer.len(), number.unsigned_abs());
    loop {
        at -= 1;
        buffer[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let count = buffer.len() - at;
    if number < 0 {
        text.push(b'-');
    }
    let sign = usize::from(number < 0);
    text.resize(text.len() + width.saturating_sub(count + sign), b'0');
    text.extend_from_slice(&buffer[at..]);
}

fn decimals(
    cx: &mut Context<'_>,
    texts: [&str; 3],
    equal: bool,
    separator: &str,
    format: Option<&str>,
) -> Result<()> {
    let number = |text: &str| -> Result<f64> {
        text.parse::<f64>()
            .ok()
            .filter(|number| !number.is_nan())
            .ok_or_else(|| isobox_applet::number::invalid(text.as_ref()))
    };
    let (first, step, last) = (number(texts[0])?, number(texts[1])?, number(texts[2])?);
    if step == 0.0 {
        return Err(Error::message("the step is 0: the sequence would not end"));
    }
    let fraction = |text: &str| {
        if text.contains(['e', 'E']) {
            0
        } else {
            text.split_once('.').map_or(0, |(_, digits)| digits.len())
        }
    };
    let precision = fraction(texts[0]).max(fraction(texts[1]));
    let width = if equal {
        let whole = |text: &str| text.split('.').next().unwrap_or("").len();
        let whole = whole(texts[0]).max(whole(texts[2]));
        if precision > 0 { whole + precision + 1 } else { whole }
    } else {
        0
    };
    let mut printed = false;
    // A count rather than a sum: errors do not add up; the tolerance covers one rounding.
    let steps = ((last - first) / step + 1e-9).floor();
    let mut index = 0.0;
    while index <= steps {
        let value = first + index * step;
        if std::mem::replace(&mut printed, true) {
            cx.stdout.put(separator.as_bytes())?;
        }
        match format {
            Some(format) => {
                let text =
                    isobox_applet::float::format_one(format, value).map_err(Error::message)?;
                cx.stdout.put(text.as_bytes())?;
            }
            None => write!(cx.stdout, "{value:0width$.precision$}")?,
        }
        index += 1.0;
    }
    if printed { cx.stdout.put(b"\n") } else { Ok(()) }
}
