//! Values: numbers, strings, and strings from outside that may turn out to be numbers.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

use isobox_applet::float::Conversion;

use crate::array::Array;
use crate::number;

/// A string. It is appended to in place while nobody else holds it.
pub(crate) type Text = Rc<Vec<u8>>;

/// An array, shared between the names that it has in functions.
pub(crate) type ArrayRef = Rc<RefCell<Array>>;

/// What a variable, an element or a field holds.
#[derive(Debug, Clone, Default)]
pub(crate) enum Value {
    /// Never assigned: the empty string and zero at once.
    #[default]
    Unset,
    Number(f64),
    Text(Text),
    /// From outside (fields, `getline`, the command line): compared as a number if it reads as one.
    Input(Text),
    /// Only in variables and parameters.
    Array(ArrayRef),
}

impl Value {
    pub(crate) fn text(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Text(Rc::new(bytes.into()))
    }

    pub(crate) fn input(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Input(Rc::new(bytes.into()))
    }

    pub(crate) fn new_array() -> Self {
        Self::Array(ArrayRef::default())
    }

    #[inline]
    pub(crate) fn number(&self) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Text(text) | Self::Input(text) => number::prefix(text).0,
            Self::Unset | Self::Array(_) => 0.0,
        }
    }

    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Input(text) => match number::whole(text) {
                Some(number) => number != 0.0,
                None => !text.is_empty(),
            },
            Self::Unset | Self::Array(_) => false,
        }
    }

    /// The number that it is, or reads as if it came from outside.
    pub(crate) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Input(text) => number::whole(text),
            _ => None,
        }
    }

    /// Appends the value as a string.
    pub(crate) fn append_to(&self, out: &mut Vec<u8>, format: &NumberFormat) {
        match self {
            Self::Number(number) => format.append(*number, out),
            Self::Text(text) | Self::Input(text) => out.extend_from_slice(text),
            Self::Unset | Self::Array(_) => {}
        }
    }

    /// The value as a string, without a copy if it is one.
    pub(crate) fn to_text(&self, format: &NumberFormat) -> Text {
        match self {
            Self::Text(text) | Self::Input(text) => Rc::clone(text),
            _ => {
                let mut text = Vec::new();
                self.append_to(&mut text, format);
                Rc::new(text)
            }
        }
    }
}

/// CONVFMT or OFMT: how numbers that are not whole become strings.
#[derive(Debug, Clone)]
pub(crate) enum NumberFormat {
    Plain(Conversion),
    /// Anything but `%.Ng`, left to `sprintf`.
    Other(Vec<u8>),
}

impl Default for NumberFormat {
    fn default() -> Self {
        Self::new(b"%.6g")
    }
}

impl NumberFormat {
    pub(crate) fn new(format: &[u8]) -> Self {
        let digits = format.strip_prefix(b"%.").and_then(|rest| rest.strip_suffix(b"g"));
        let precision = digits
            .filter(|digits| (1..=3).contains(&digits.len()))
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        match precision {
            Some(precision) => Self::Plain(Conversion {
                precision: Some(precision),
                letter: 'g',
                ..Conversion::default()
            }),
            None => Self::Other(format.to_vec()),
        }
    }

    #[inline]
    pub(crate) fn append(&self, value: f64, out: &mut Vec<u8>) {
        match number::as_integer(value) {
            Some(integer) => number::append_integer(integer, out),
            None => self.append_fraction(value, out),
        }
    }

    #[cold]
    #[inline(never)]
    fn append_fraction(&self, value: f64, out: &mut Vec<u8>) {
        match self {
            Self::Plain(conversion) if value.is_finite() => {
                out.extend_from_slice(conversion.format(value).as_bytes());
            }
            _ if value.is_nan() => {
                out.extend_from_slice(if value.is_sign_negative() { b"-nan" } else { b"nan" });
            }
            _ if value.is_infinite() => {
                out.extend_from_slice(if value < 0.0 { b"-inf" } else { b"inf" });
            }
            Self::Plain(_) => unreachable!("finite numbers came first"),
            Self::Other(format) => crate::printf::with_number(format, value, out),
        }
    }
}

/// A side of a comparison; its string, if it is one, is kept by the caller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Side {
    Unset,
    Number(f64),
    Text,
    Input,
}

/// Compares as awk does: as numbers if both are, or read as, numbers; otherwise as strings.
/// Nothing for what has no order (NaN).
pub(crate) fn compare(
    (left, left_text): (Side, &mut Vec<u8>),
    (right, right_text): (Side, &mut Vec<u8>),
    format: &NumberFormat,
) -> Option<Ordering> {
    let number = |side: Side, text: &[u8]| match side {
        Side::Unset => Some(0.0),
        Side::Number(number) => Some(number),
        Side::Input => number::whole(text),
        Side::Text => None,
    };
    if left != Side::Text
        && right != Side::Text
        && let Some(left) = number(left, left_text)
        && let Some(right) = number(right, right_text)
    {
        return left.partial_cmp(&right);
    }
    for (side, text) in [(left, &mut *left_text), (right, &mut *right_text)] {
        if let Side::Number(number) = side {
            format.append(number, text);
        }
    }
    Some(left_text.as_slice().cmp(right_text.as_slice()))
}
