//! `printf`: formats and their conversions.

use isobox_applet::float::Conversion;

use crate::characters;
use crate::value::{NumberFormat, Value};

/// The largest width and precision.
const WIDTH_MAX: usize = 1 << 24;

/// Appends the arguments as the format says; those that are missing are empty.
pub(crate) fn append(
    format: &[u8],
    arguments: &[Value],
    number_format: &NumberFormat,
    utf8: bool,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let mut printer = Printer { format, at: 0, arguments: arguments.iter(), number_format, utf8 };
    while let Some(percent) = memchr::memchr(b'%', &format[printer.at..]) {
        out.extend_from_slice(&format[printer.at..printer.at + percent]);
        printer.at += percent;
        printer.conversion(out)?;
    }
    out.extend_from_slice(&format[printer.at..]);
    Ok(())
}

/// A number in a format of CONVFMT or OFMT; what is no format stands for itself.
pub(crate) fn with_number(format: &[u8], value: f64, out: &mut Vec<u8>) {
    let start = out.len();
    let outcome = append(format, &[Value::Number(value)], &NumberFormat::default(), false, out);
    if outcome.is_err() {
        out.truncate(start);
        out.extend_from_slice(format);
    }
}

struct Printer<'f> {
    format: &'f [u8],
    at: usize,
    arguments: std::slice::Iter<'f, Value>,
    number_format: &'f NumberFormat,
    utf8: bool,
}

impl Printer<'_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    fn argument(&mut self) -> &Value {
        self.arguments.next().unwrap_or(&Value::Unset)
    }

    fn conversion(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let start = self.at;
        self.at += 1;
        let mut conversion = Conversion::default();
        while let Some(flag) = self.peek() {
            match flag {
                b'-' => conversion.left = true,
                b'+' => conversion.plus = true,
                b' ' => conversion.blank = true,
                b'#' => conversion.alternate = true,
                b'0' => conversion.zeros = true,
                _ => break,
            }
            self.at += 1;
        }
        let width = self.number()?.unwrap_or(0);
        conversion.left |= width < 0;
        conversion.width = usize::try_from(width.unsigned_abs()).unwrap_or(0);
        if self.peek() == Some(b'.') {
            self.at += 1;
            // A negative precision is none.
            conversion.precision = usize::try_from(self.number()?.unwrap_or(0)).ok();
        }
        while self.peek().is_some_and(|byte| b"hlLqjzt".contains(&byte)) {
            self.at += 1;
        }
        let letter = self.peek();
        self.at += usize::from(letter.is_some());
        match letter {
            Some(b'%') => out.push(b'%'),
            Some(b'd' | b'i') => {
                let value = self.argument().number();
                signed(value, &conversion, out);
            }
            Some(letter @ (b'o' | b'x' | b'X' | b'u')) => {
                let value = self.argument().number();
                unsigned(value, letter, &conversion, out);
            }
            Some(letter @ (b'a' | b'A' | b'e' | b'E' | b'f' | b'F' | b'g' | b'G')) => {
                conversion.letter = char::from(letter);
                let value = self.argument().number();
                out.extend_from_slice(conversion.format(value).as_bytes());
            }
            Some(b'c') => {
                conversion.precision = None;
                let text = self.character();
                self.text(&text, &conversion, out);
            }
            Some(b's') => {
                let number_format = self.number_format;
                match self.argument() {
                    Value::Text(text) | Value::Input(text) => {
                        let text = std::rc::Rc::clone(text);
                        self.text(&text, &conversion, out);
                    }
                    value => {
                        let mut text = Vec::new();
                        value.append_to(&mut text, number_format);
                        self.text(&text, &conversion, out);
                    }
                }
            }
            // Not a conversion: itself.
            _ => out.extend_from_slice(&self.format[start..self.at]),
        }
        Ok(())
    }

    /// A width or precision: digits, or `*` for an argument.
    fn number(&mut self) -> Result<Option<i64>, String> {
        let number = if self.peek() == Some(b'*') {
            self.at += 1;
            let number = self.argument().number() as i64;
            Some(number)
        } else {
            let mut number = None;
            while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
                let sum = number.unwrap_or(0_i64).saturating_mul(10);
                number = Some(sum.saturating_add(i64::from(digit - b'0')));
                self.at += 1;
            }
            number
        };
        match number {
            Some(number) if number.unsigned_abs() > WIDTH_MAX as u64 => {
                Err(format!("printf: width {number} is too large (the most is {WIDTH_MAX})"))
            }
            number => Ok(number),
        }
    }

    /// `%c`: the character of a number, or the first one of a string.
    fn character(&mut self) -> Vec<u8> {
        let utf8 = self.utf8;
        let value = self.argument();
        if let Some(number) = value.as_number() {
            let code = number as i64 as u32;
            return match char::from_u32(code).filter(|_| utf8 && code > 0x7f) {
                Some(character) => character.to_string().into_bytes(),
                None => vec![u8::try_from(code & 0xff).expect("a byte")],
            };
        }
        match value {
            Value::Text(text) | Value::Input(text) => {
                let length = characters::offset(text, 1, utf8);
                text[..length].to_vec()
            }
            _ => Vec::new(),
        }
    }

    fn text(&self, text: &[u8], conversion: &Conversion, out: &mut Vec<u8>) {
        let text = match conversion.precision {
            Some(most) => &text[..characters::offset(text, most, self.utf8)],
            None => text,
        };
        let missing = if conversion.width == 0 {
            0
        } else {
            conversion.width.saturating_sub(characters::count(text, self.utf8))
        };
        pad(if conversion.left { 0 } else { missing }, b' ', out);
        out.extend_from_slice(text);
        pad(if conversion.left { missing } else { 0 }, b' ', out);
    }
}

fn pad(count: usize, byte: u8, out: &mut Vec<u8>) {
    out.resize(out.len() + count, byte);
}

fn signed(value: f64, conversion: &Conversion, out: &mut Vec<u8>) {
    if !value.is_finite() {
        let conversion = Conversion { letter: 'f', zeros: false, ..conversion.clone() };
        out.extend_from_slice(conversion.format(value).as_bytes());
        return;
    }
    let value = value.trunc();
    let sign: &[u8] = match (value < 0.0, conversion.plus, conversion.blank) {
        (true, ..) => b"-",
        (false, true, _) => b"+",
        (false, false, true) => b" ",
        _ => b"",
    };
    let mut digits = Vec::new();
    match crate::number::as_integer(value.abs()) {
        Some(integer) => crate::number::append_integer(integer, &mut digits),
        None => digits.extend_from_slice(format!("{:.0}", value.abs()).as_bytes()),
    }
    integer(sign, &digits, conversion, out);
}

fn unsigned(value: f64, letter: u8, conversion: &Conversion, out: &mut Vec<u8>) {
    if !value.is_finite() {
        return signed(value, conversion, out);
    }
    let value = if value < 0.0 { value as i64 as u64 } else { value as u64 };
    let digits = match letter {
        b'o' => format!("{value:o}"),
        b'x' => format!("{value:x}"),
        b'X' => format!("{value:X}"),
        _ => value.to_string(),
    };
    let prefix: &[u8] = match letter {
        b'x' if conversion.alternate && value != 0 => b"0x",
        b'X' if conversion.alternate && value != 0 => b"0X",
        b'o' if conversion.alternate && value != 0 => b"0",
        _ => b"",
    };
    integer(prefix, digits.as_bytes(), conversion, out);
}

fn integer(prefix: &[u8], digits: &[u8], conversion: &Conversion, out: &mut Vec<u8>) {
    let digits = if conversion.precision == Some(0) && digits == b"0" { &b""[..] } else { digits };
    let mut zeros = conversion.precision.unwrap_or(0).saturating_sub(digits.len());
    let used = prefix.len() + zeros + digits.len();
    let mut missing = conversion.width.saturating_sub(used);
    if conversion.zeros && !conversion.left && conversion.precision.is_none() {
        zeros += std::mem::take(&mut missing);
    }
    pad(if conversion.left { 0 } else { missing }, b' ', out);
    out.extend_from_slice(prefix);
    pad(zeros, b'0', out);
    out.extend_from_slice(digits);
    pad(if conversion.left { missing } else { 0 }, b' ', out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_are_those_of_c() {
        let n = Value::Number;
        let t = |text: &str| Value::text(text);
        for (format, arguments, expected) in [
            ("%d|%5d|%-5d|%05d", vec![n(1.9), n(-2.0), n(3.0), n(-4.0)], "1|   -2|3    |-0004"),
            ("%.3d|%+d|% d", vec![n(5.0), n(6.0), n(7.0)], "005|+6| 7"),
            ("%x|%#o|%X|%u", vec![n(255.0), n(8.0), n(255.0), n(3.0)], "ff|010|FF|3"),
            ("%s|%5s|%-5s|%.2s", vec![t("a"), t("b"), t("c"), t("defg")], "a|    b|c    |de"),
            ("%c%c%c", vec![n(65.0), t("hello"), t("")], "Ah"),
            ("%*d|%-*s|", vec![n(4.0), n(1.0), n(3.0), t("x")], "   1|x  |"),
            ("%%|%z|%d", vec![], "%|%z|0"),
            ("%d", vec![n(1e20)], "100000000000000000000"),
            ("%5.1f|%e|%g", vec![n(2.25), n(12345.0), n(1e-5)], "  2.2|1.234500e+04|1e-05"),
        ] {
            let mut out = Vec::new();
            append(format.as_bytes(), &arguments, &NumberFormat::default(), false, &mut out)
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&out), expected, "{format}");
        }
    }
}
