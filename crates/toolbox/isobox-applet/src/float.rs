//! Floating-point numbers as the conversions `%e`, `%f`, `%g` of `printf` write them.

/// The parts of a conversion such as `%-+08.3f`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conversion {
    /// `-`
    pub left: bool,
    /// `+`
    pub plus: bool,
    /// a blank
    pub blank: bool,
    /// `#`
    pub alternate: bool,
    /// `0`
    pub zeros: bool,
    /// Least width.
    pub width: usize,
    /// After the point.
    pub precision: Option<usize>,
    /// One of `aAeEfFgG`.
    pub letter: char,
}

impl Conversion {
    /// A value as this conversion writes it.
    #[must_use]
    pub fn format(&self, value: f64) -> String {
        let upper = self.letter.is_ascii_uppercase();
        let magnitude = value.abs();
        let mut body = if !magnitude.is_finite() {
            (if magnitude.is_nan() { "nan" } else { "inf" }).to_owned()
        } else {
            match self.letter.to_ascii_lowercase() {
                'e' => exponent(magnitude, self.precision.unwrap_or(6), self.alternate),
                'g' => general(magnitude, self.precision.unwrap_or(6).max(1), self.alternate),
                'a' => hexadecimal(magnitude, self.precision),
                _ => {
                    let digits = self.precision.unwrap_or(6);
                    let point = if digits == 0 && self.alternate { "." } else { "" };
                    format!("{magnitude:.digits$}{point}")
                }
            }
        };
        if upper {
            body.make_ascii_uppercase();
        }
        let sign = match (value.is_sign_negative() && !value.is_nan(), self.plus, self.blank) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            _ => "",
        };
        let missing = self.width.saturating_sub(sign.len() + body.len());
        if self.left {
            format!("{sign}{body}{}", " ".repeat(missing))
        } else if self.zeros && magnitude.is_finite() {
            let (prefix, digits) = match body.strip_prefix("0x") {
                Some(digits) => ("0x", digits),
                None => ("", body.as_str()),
            };
            format!("{sign}{prefix}{}{digits}", "0".repeat(missing))
        } else {
            format!("{}{sign}{body}", " ".repeat(missing))
        }
    }
}

fn exponent(value: f64, precision: usize, alternate: bool) -> String {
    let text = format!("{value:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let point = if precision == 0 && alternate { "." } else { "" };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}{point}e{sign}{:02}", exponent.unsigned_abs())
}

fn general(value: f64, precision: usize, alternate: bool) -> String {
    let rounded = exponent(value, precision - 1, false);
    let power: i64 =
        rounded.rsplit_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let wide = i64::try_from(precision).unwrap_or(i64::MAX);
    let trim = |digits: &str| {
        if alternate || !digits.contains('.') {
            return digits.to_owned();
        }
        digits.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if power < -4 || power >= wide {
        let (digits, power) = rounded.split_once('e').unwrap_or((&rounded, "+00"));
        format!("{}e{power}", trim(digits))
    } else {
        let digits = usize::try_from(wide - 1 - power).unwrap_or(0);
        trim(&format!("{value:.digits$}"))
    }
}

fn hexadecimal(value: f64, precision: Option<usize>) -> String {
    let bits = value.to_bits();
    let (mut mantissa, mut power) =
        (bits & ((1 << 52) - 1), i64::try_from(bits >> 52).unwrap_or(0));
    let mut whole = 1;
    if power == 0 {
        (whole, power) = if mantissa == 0 { (0, 0) } else { (0, -1022) };
    } else {
        power -= 1023;
    }
    if let Some(digits) = precision.filter(|&digits| digits < 13) {
        let shift = (13 - digits) * 4;
        let all = (whole << 52) | mantissa;
        let half = 1_u64 << (shift - 1);
        let mut kept = all >> shift;
        let rest = all & ((1 << shift) - 1);
        if rest > half || rest == half && kept & 1 == 1 {
            kept += 1;
        }
        let all = kept << shift;
        (whole, mantissa) = (all >> 52, all & ((1 << 52) - 1));
    }
    let mut digits = format!("{mantissa:013x}");
    match precision {
        Some(precision) => {
            while digits.len() < precision {
                digits.push('0');
            }
            digits.truncate(precision);
        }
        None => digits.truncate(digits.trim_end_matches('0').len()),
    }
    let point = if digits.is_empty() { "" } else { "." };
    let sign = if power < 0 { '-' } else { '+' };
    format!("0x{whole}{point}{digits}p{sign}{}", power.unsigned_abs())
}

/// A format with one conversion, and text around it.
pub fn format_one(format: &str, value: f64) -> Result<String, String> {
    let bad = || format!("invalid format '{format}': expected one of %e, %f, %g, %a");
    let (mut text, mut characters, mut done) = (String::new(), format.chars().peekable(), false);
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        if characters.next_if_eq(&'%').is_some() {
            text.push('%');
            continue;
        }
        let mut conversion = Conversion::default();
        while let Some(flag) = characters.next_if(|flag| "-+ #0'".contains(*flag)) {
            match flag {
                '-' => conversion.left = true,
                '+' => conversion.plus = true,
                ' ' => conversion.blank = true,
                '#' => conversion.alternate = true,
                '0' => conversion.zeros = true,
                _ => {}
            }
        }
        let mut number = || {
            let mut digits = String::new();
            while let Some(digit) = characters.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            (characters.next_if_eq(&'.').is_some(), digits.parse::<usize>().unwrap_or(0).min(4096))
        };
        let (point, width) = number();
        conversion.width = width;
        if point {
            conversion.precision = Some(number().1);
        }
        conversion.letter =
            characters.next().filter(|c| "aAeEfFgG".contains(*c)).ok_or_else(bad)?;
        if std::mem::replace(&mut done, true) {
            return Err(bad());
        }
        text.push_str(&conversion.format(value));
    }
    if done { Ok(text) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_printf_writes_them() {
        for (format, value, expected) in [
            ("%g", 100_000.0, "100000"),
            ("%g", 1_000_000.0, "1e+06"),
            ("%g", 0.0001, "0.0001"),
            ("%g", 0.00001, "1e-05"),
            ("%g", 0.1, "0.1"),
            ("%.3g", 1234.0, "1.23e+03"),
            ("%#g", 1.0, "1.00000"),
            ("%e", 12345.678, "1.234568e+04"),
            ("%.0e", 5.0, "5e+00"),
            ("%08.2f", -2.71494, "-0002.71"),
            ("%+.1f|", 2.0, "+2.0|"),
            ("%-6g|", 1.5, "1.5   |"),
            ("%a", 1.0, "0x1p+0"),
            ("%a", 0.5, "0x1p-1"),
            ("%.1a", 1.96875, "0x2.0p+0"),
            ("%f", f64::INFINITY, "inf"),
            ("%G", 1e-10, "1E-10"),
        ] {
            assert_eq!(format_one(format, value).as_deref(), Ok(expected), "{format} {value}");
        }
        assert!(format_one("%d", 1.0).is_err());
        assert!(format_one("none", 1.0).is_err());
    }
}
