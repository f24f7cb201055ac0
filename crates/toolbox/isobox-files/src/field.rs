//! Flags, width and precision of a directive such as `%-10.3f`, as `find -printf` and `stat -c`
//! have them.

use std::iter::Peekable;

/// The widest field, so that a format cannot ask for all memory.
const WIDEST: usize = 4096;

/// How a value is laid out.
pub(crate) struct Field {
    left: bool,
    zeros: bool,
    width: usize,
    precision: Option<usize>,
}

impl Field {
    /// Reads what stands between `%` and the letter.
    pub(crate) fn parse(format: &mut Peekable<impl Iterator<Item = u8>>) -> Self {
        let mut field = Self { left: false, zeros: false, width: 0, precision: None };
        while let Some(flag) = format.next_if(|flag| b"-0+ #'".contains(flag)) {
            field.left |= flag == b'-';
            field.zeros |= flag == b'0';
        }
        field.width = number(format);
        if format.next_if_eq(&b'.').is_some() {
            field.precision = Some(number(format));
        }
        field
    }

    /// Appends a value.
    pub(crate) fn put(&self, text: &mut Vec<u8>, mut value: Vec<u8>) {
        if let Some(precision) = self.precision {
            value.truncate(precision);
        }
        let missing = self.width.saturating_sub(value.len());
        if self.left {
            text.append(&mut value);
            text.resize(text.len() + missing, b' ');
        } else {
            text.resize(text.len() + missing, if self.zeros { b'0' } else { b' ' });
            text.append(&mut value);
        }
    }
}

fn number(format: &mut Peekable<impl Iterator<Item = u8>>) -> usize {
    let mut number = 0;
    while let Some(digit) = format.next_if(u8::is_ascii_digit) {
        number = (number * 10 + usize::from(digit - b'0')).min(WIDEST);
    }
    number
}
