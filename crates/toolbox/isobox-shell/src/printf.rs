//! `printf`

use crate::escape::{Style, one};

/// Formats words; returns the exit status. What was wrong goes to `problems`.
pub(crate) fn printf(words: &[&[u8]], out: &mut Vec<u8>, problems: &mut Vec<Vec<u8>>) -> i32 {
    let words = if words.first() == Some(&&b"--"[..]) { &words[1..] } else { words };
    let Some((format, arguments)) = words.split_first() else {
        problems.push(b"usage: printf FORMAT [ARGUMENT...]".to_vec());
        return 1;
    };
    let mut run = Formatting { arguments, next: 0, out, problems, status: 0 };
    loop {
        let before = run.next;
        match run.format(format) {
            Go::On if run.next < arguments.len() && run.next > before => {}
            _ => return run.status,
        }
    }
}

enum Go {
    On,
    Stop,
}

struct Formatting<'a> {
    arguments: &'a [&'a [u8]],
    next: usize,
    out: &'a mut Vec<u8>,
    problems: &'a mut Vec<Vec<u8>>,
    status: i32,
}

/// What stands between a percent sign and its letter.
#[derive(Default)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// Wider fields are refused: nobody means them.
const MAX_WIDTH: i64 = 1 << 20;

impl Formatting<'_> {
    fn format(&mut self, format: &[u8]) -> Go {
        let mut rest = format;
        while let Some(&byte) = rest.first() {
            rest = &rest[1..];
            match byte {
                b'\\' if rest.first() == Some(&b'c') => return Go::Stop,
                b'\\' => rest = &rest[one(rest, Style::Format, self.out)..],
                b'%' if rest.first() == Some(&b'%') => {
                    self.out.push(b'%');
                    rest = &rest[1..];
                }
                b'%' => match self.directive(rest) {
                    Some((after, Go::On)) => rest = after,
                    Some((_, Go::Stop)) => return Go::Stop,
                    None => {
                        let shown: Vec<u8> = [b"%", rest].concat();
                        let shown = if rest.is_empty() { b"%".to_vec() } else { shown };
                        let end = shown
                            .iter()
                            .skip(1)
                            .position(u8::is_ascii_alphabetic)
                            .map_or(shown.len(), |at| at + 2);
                        self.problems.push([&shown[..end], b": invalid format"].concat());
                        self.status = 1;
                        return Go::Stop;
                    }
                },
                byte => self.out.push(byte),
            }
        }
        Go::On
    }

    fn argument(&mut self) -> Option<&[u8]> {
        let argument = self.arguments.get(self.next).copied();
        self.next += usize::from(argument.is_some());
        argument
    }

    fn directive<'f>(&mut self, mut rest: &'f [u8]) -> Option<(&'f [u8], Go)> {
        let mut spec = Spec::default();
        loop {
            match rest.first()? {
                b'-' => spec.left = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'#' => spec.alternate = true,
                b'0' => spec.zero = true,
                _ => break,
            }
            rest = &rest[1..];
        }
        let (width, after) = self.size(rest)?;
        rest = after;
        if let Some(width) = width {
            spec.left |= width < 0;
            spec.width = usize::try_from(width.unsigned_abs()).ok()?;
        }
        if rest.first() == Some(&b'.') {
            let (precision, after) = self.size(&rest[1..])?;
            rest = after;
            spec.precision = match precision {
                None => Some(0),
                Some(precision) => usize::try_from(precision).ok(),
            };
        }
        while matches!(rest.first(), Some(b'l' | b'h' | b'j' | b'z' | b'L' | b'q' | b't'))
            && rest.get(1).is_some_and(u8::is_ascii_alphabetic)
        {
            rest = &rest[1..];
        }
        let letter = *rest.first()?;
        rest = &rest[1..];
        match letter {
            b's' => {
                let text = self.argument().unwrap_or_default().to_vec();
                self.text(&spec, &text);
            }
            b'c' => {
                let text = self.argument().unwrap_or_default();
                let text = text[..text.len().min(1)].to_vec();
                self.text(&Spec { precision: None, ..spec }, &text);
            }
            b'b' => {
                let mut text = Vec::new();
                let word = self.argument().unwrap_or_default().to_vec();
                let goes_on = crate::echo::escaped(&word, &mut text);
                self.text(&spec, &text);
                if !goes_on {
                    return Some((rest, Go::Stop));
                }
            }
            b'd' | b'i' => {
                let value = self.integer();
                let digits = value.unsigned_abs().to_string();
                let sign = if value < 0 {
                    "-"
                } else if spec.plus {
                    "+"
                } else if spec.space {
                    " "
                } else {
                    ""
                };
                self.number(&spec, sign, &digits);
            }
            b'u' | b'o' | b'x' | b'X' => {
                let value = self.integer() as u64;
                let (prefix, digits) = match letter {
                    b'u' => ("", value.to_string()),
                    b'o' if spec.alternate && value != 0 => ("", format!("0{value:o}")),
                    b'o' => ("", format!("{value:o}")),
                    b'x' => {
                        (if spec.alternate && value != 0 { "0x" } else { "" }, format!("{value:x}"))
                    }
                    _ => {
                        (if spec.alternate && value != 0 { "0X" } else { "" }, format!("{value:X}"))
                    }
                };
                self.number(&spec, prefix, &digits);
            }
            b'f' | b'F' | b'e' | b'E' | b'g' | b'G' | b'a' | b'A' => {
                let value = self.float();
                self.real(&spec, letter, value);
            }
            _ => return None,
        }
        Some((rest, Go::On))
    }

    /// A width or precision: digits, `*`, or nothing.
    fn size<'f>(&mut self, rest: &'f [u8]) -> Option<(Option<i64>, &'f [u8])> {
        if rest.first() == Some(&b'*') {
            let value = self.integer();
            return (value.abs() <= MAX_WIDTH).then_some((Some(value), &rest[1..]));
        }
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 {
            return Some((None, rest));
        }
        let value: i64 = std::str::from_utf8(&rest[..length]).ok()?.parse().ok()?;
        (value <= MAX_WIDTH).then_some((Some(value), &rest[length..]))
    }

    fn bad_number(&mut self, text: &[u8]) {
        self.problems.push([b"invalid number '", text, b"'"].concat());
        self.status = 1;
    }

    fn integer(&mut self) -> i64 {
        let Some(text) = self.argument() else { return 0 };
        if let [b'"' | b'\'', rest @ ..] = text {
            return character(rest);
        }
        let text = text.to_vec();
        match integer(&text) {
            Some(value) => value,
            None => {
                self.bad_number(&text);
                0
            }
        }
    }

    fn float(&mut self) -> f64 {
        let Some(text) = self.argument() else { return 0.0 };
        if let [b'"' | b'\'', rest @ ..] = text {
            return character(rest) as f64;
        }
        let text = text.to_vec();
        let value = std::str::from_utf8(&text).ok().and_then(|text| {
            let text = text.trim_start();
            text.parse::<f64>().ok().or_else(|| integer(text.as_bytes()).map(|value| value as f64))
        });
        value.unwrap_or_else(|| {
            self.bad_number(&text);
            0.0
        })
    }

    fn pad(&mut self, spec: &Spec, text: &[u8]) {
        let missing = spec.width.saturating_sub(text.len());
        if !spec.left {
            self.out.extend(std::iter::repeat_n(b' ', missing));
        }
        self.out.extend_from_slice(text);
        if spec.left {
            self.out.extend(std::iter::repeat_n(b' ', missing));
        }
    }

    fn text(&mut self, spec: &Spec, text: &[u8]) {
        let length = spec.precision.unwrap_or(text.len()).min(text.len());
        self.pad(spec, &text[..length]);
    }

    fn number(&mut self, spec: &Spec, prefix: &str, digits: &str) {
        let digits = if spec.precision == Some(0) && digits == "0" { "" } else { digits };
        let mut zeros = spec.precision.unwrap_or(0).saturating_sub(digits.len());
        if spec.zero && !spec.left && spec.precision.is_none() {
            zeros = spec.width.saturating_sub(prefix.len() + digits.len());
        }
        let text = format!("{prefix}{}{digits}", "0".repeat(zeros));
        self.pad(spec, text.as_bytes());
    }

    fn real(&mut self, spec: &Spec, letter: u8, value: f64) {
        let sign = if value.is_sign_negative() && !value.is_nan() {
            "-"
        } else if spec.plus {
            "+"
        } else if spec.space {
            " "
        } else {
            ""
        };
        let magnitude = value.abs();
        let mut digits = if magnitude.is_nan() {
            "nan".to_string()
        } else if magnitude.is_infinite() {
            "inf".to_string()
        } else {
            finite(letter.to_ascii_lowercase(), magnitude, spec.precision, spec.alternate)
        };
        if letter.is_ascii_uppercase() {
            digits.make_ascii_uppercase();
        }
        let zeros = if spec.zero && !spec.left && magnitude.is_finite() {
            spec.width.saturating_sub(sign.len() + digits.len())
        } else {
            0
        };
        let text = format!("{sign}{}{digits}", "0".repeat(zeros));
        self.pad(spec, text.as_bytes());
    }
}

/// The number of a character, or of a byte that is none.
fn character(text: &[u8]) -> i64 {
    let Some(&first) = text.first() else { return 0 };
    match text.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()) {
        Some(character) => i64::from(u32::from(character)),
        None => i64::from(first),
    }
}

fn integer(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.trim_start();
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, radix) =
        if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            (hex, 16)
        } else if digits.len() > 1 && digits.starts_with('0') {
            (&digits[1..], 8)
        } else {
            (digits, 10)
        };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    Some(if negative { (value as i64).wrapping_neg() } else { value as i64 })
}

/// A number that is neither infinite nor negative.
fn finite(letter: u8, value: f64, precision: Option<usize>, alternate: bool) -> String {
    let places = precision.unwrap_or(6).min(1100);
    match letter {
        b'f' => {
            let mut text = format!("{value:.places$}");
            if alternate && places == 0 {
                text.push('.');
            }
            text
        }
        b'e' => scientific(value, places),
        b'a' => hexadecimal(value, precision),
        _ => {
            let places = places.max(1);
            let exponent: i32 = scientific(value, places - 1)
                .rsplit('e')
                .next()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0);
            if exponent < -4 || exponent >= places as i32 {
                let text = scientific(value, places - 1);
                let (digits, exponent) = text.split_once('e').unwrap_or((&text, ""));
                format!("{}e{exponent}", if alternate { digits } else { trim_zeros(digits) })
            } else {
                let after = (places as i32 - 1 - exponent).max(0) as usize;
                let text = format!("{value:.after$}");
                if alternate { text } else { trim_zeros(&text).to_string() }
            }
        }
    }
}

fn trim_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

fn scientific(value: f64, places: usize) -> String {
    let text = format!("{value:.places$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn hexadecimal(value: f64, precision: Option<usize>) -> String {
    const FRACTION_BITS: u32 = 52;
    let bits = value.to_bits();
    let mut exponent = ((bits >> FRACTION_BITS) & 0x7ff) as i32 - 1023;
    let mut fraction = bits & ((1 << FRACTION_BITS) - 1);
    let mut whole = 1u64;
    if exponent == -1023 {
        whole = 0;
        exponent = if fraction == 0 { 0 } else { -1022 };
    }
    let mut digits = 13;
    if let Some(precision) = precision.filter(|&precision| precision < 13) {
        let drop = 4 * (13 - precision as u32);
        let all = whole << FRACTION_BITS | fraction;
        let half = 1u64 << (drop - 1);
        let mut rounded = all >> drop;
        let rest = all & ((1 << drop) - 1);
        if rest > half || (rest == half && rounded & 1 == 1) {
            rounded += 1;
        }
        whole = rounded >> (4 * precision);
        fraction = rounded & ((1u64 << (4 * precision)) - 1);
        digits = precision;
    }
    let mut text = if digits == 0 { String::new() } else { format!("{fraction:0digits$x}") };
    match precision {
        None => text = text.trim_end_matches('0').to_string(),
        Some(precision) => {
            while text.len() < precision {
                text.push('0');
            }
        }
    }
    let point = if text.is_empty() { "" } else { "." };
    format!("0x{whole}{point}{text}p{exponent:+}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn formats() {
        let check = |words: &[&str], expected: &str| {
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            let (mut out, mut problems) = (Vec::new(), Vec::new());
            super::printf(&words, &mut out, &mut problems);
            assert_eq!(String::from_utf8_lossy(&out), expected, "{words:?}");
        };
        check(&["%s-%s\\n", "a", "b", "c"], "a-b\nc-\n");
        check(
            &["%05d|%-5d|%+d|% d|%x|%#o", "42", "42", "5", "5", "255", "8"],
            "00042|42   |+5| 5|ff|010",
        );
        check(
            &["%5.1f|%e|%g|%g|%G", "3.14159", "12345.678", "0.0001", "1e10", "1e-10"],
            "  3.1|1.234568e+04|0.0001|1e+10|1E-10",
        );
        check(&["%d %d %d", "0x10", "010", "'A"], "16 8 65");
        check(&["%b|%5.2s|%c", "a\\tb", "xyz", "hello"], "a\tb|   xy|h");
        check(&["%*d|%-*d|", "5", "1", "5", "2"], "    1|2    |");
        check(&["a\\cb"], "a");
        check(&["%a", "1.5"], "0x1.8p+0");
        check(&["%.3d|%.0d|", "5", "0"], "005||");
        check(&["%d", "-9223372036854775808"], "-9223372036854775808");
    }
}
