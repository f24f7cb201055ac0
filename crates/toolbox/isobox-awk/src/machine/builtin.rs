//! The functions of the language.

use std::rc::Rc;

use super::Machine;
use super::evaluate::too_complex;
use crate::array::Subscript;
use crate::ast::{Builtin, Expression, Place, Special};
use crate::characters;
use crate::error::Run;
use crate::number;
use crate::split::{Progress, Separator};
use crate::value::Value;

/// The numbers of `rand`: the same in every run until `srand` is called.
#[derive(Debug, Default)]
pub(super) struct Random {
    seed: f64,
    state: u64,
}

impl Random {
    fn start(&mut self, seed: f64) -> f64 {
        self.state = seed.to_bits();
        std::mem::replace(&mut self.seed, seed)
    }

    /// SplitMix64, whose upper 53 bits make a number from 0 up to, but not including, 1.
    fn next(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let upper = (bits >> 11) as f64;
        upper / 9_007_199_254_740_992.0
    }
}

fn count(length: usize) -> f64 {
    length as f64
}

impl<'p> Machine<'p, '_, '_> {
    /// A function that gives a number.
    pub(super) fn numeric_builtin(
        &mut self,
        builtin: Builtin,
        arguments: &'p [Expression],
    ) -> Run<f64> {
        let mut number = |index: usize| match arguments.get(index) {
            Some(argument) => self.number(argument),
            None => Ok(0.0),
        };
        Ok(match builtin {
            Builtin::Sin => number(0)?.sin(),
            Builtin::Cos => number(0)?.cos(),
            Builtin::Exp => number(0)?.exp(),
            Builtin::Log => number(0)?.ln(),
            Builtin::Sqrt => number(0)?.sqrt(),
            Builtin::Int => number(0)?.trunc(),
            Builtin::Atan2 => {
                let y = number(0)?;
                y.atan2(number(1)?)
            }
            Builtin::Rand => self.random.next(),
            Builtin::Srand => {
                let seed = match arguments.first() {
                    Some(seed) => self.number(seed)?,
                    None => super::time::now(),
                };
                self.random.start(seed)
            }
            Builtin::Systime => super::time::now(),
            Builtin::And | Builtin::Or | Builtin::Xor => {
                let mut bits = self.bits(&arguments[0])?;
                for argument in &arguments[1..] {
                    let more = self.bits(argument)?;
                    match builtin {
                        Builtin::And => bits &= more,
                        Builtin::Or => bits |= more,
                        _ => bits ^= more,
                    }
                }
                from_bits(bits)
            }
            Builtin::Lshift | Builtin::Rshift => {
                let bits = self.bits(&arguments[0])?;
                let by = u32::try_from(self.bits(&arguments[1])?).unwrap_or(u32::MAX);
                let shifted = if builtin == Builtin::Lshift {
                    bits.checked_shl(by)
                } else {
                    bits.checked_shr(by)
                };
                from_bits(shifted.unwrap_or(0))
            }
            // Numbers have 53 bits.
            Builtin::Compl => from_bits(!self.bits(&arguments[0])? & ((1 << 53) - 1)),
            Builtin::Strtonum => {
                let text = self.text(&arguments[0])?;
                strtonum(&text)
            }
            Builtin::Length => return self.length(arguments.first()),
            Builtin::Index => {
                let (text, part) = (self.text(&arguments[0])?, self.text(&arguments[1])?);
                match memchr::memmem::find(&text, &part) {
                    Some(at) => count(characters::count(&text[..at], self.utf8) + 1),
                    None => 0.0,
                }
            }
            Builtin::Match => return self.find_match(arguments),
            Builtin::Split => return self.split(arguments),
            Builtin::Sub | Builtin::Gsub => {
                return self.substitute(arguments, builtin == Builtin::Gsub);
            }
            Builtin::Mktime => {
                let text = self.text(&arguments[0])?;
                super::time::mktime(&String::from_utf8_lossy(&text))
            }
            Builtin::Close => {
                let name = self.text(&arguments[0])?;
                self.streams.close(&name)?
            }
            Builtin::System => {
                let command = self.text(&arguments[0])?;
                self.streams.system(self.cx, &command)?
            }
            Builtin::Fflush => {
                let name = arguments.first().map(|name| self.text(name)).transpose()?;
                match name.filter(|name| !name.is_empty()) {
                    Some(name) if !self.streams.flush_one(&name)? => -1.0,
                    Some(_) => 0.0,
                    None => {
                        self.streams.flush(self.cx)?;
                        0.0
                    }
                }
            }
            Builtin::Gensub
            | Builtin::Sprintf
            | Builtin::Strftime
            | Builtin::Substr
            | Builtin::Tolower
            | Builtin::Toupper => unreachable!("these give strings"),
        })
    }

    /// A function that gives a string, which is appended to `out`.
    pub(super) fn textual_builtin(
        &mut self,
        builtin: Builtin,
        arguments: &'p [Expression],
        out: &mut Vec<u8>,
    ) -> Run<()> {
        match builtin {
            Builtin::Substr => return self.substr(arguments, out),
            Builtin::Sprintf => return self.format(arguments, out),
            Builtin::Gensub => return self.gensub(arguments, out),
            Builtin::Strftime => return self.strftime(arguments, out),
            _ => {}
        }
        let start = out.len();
        self.append(&arguments[0], out)?;
        let text = &mut out[start..];
        if !self.utf8 || text.is_ascii() {
            if builtin == Builtin::Toupper {
                text.make_ascii_uppercase();
            } else {
                text.make_ascii_lowercase();
            }
            return Ok(());
        }
        let text = out.split_off(start);
        for chunk in text.utf8_chunks() {
            let changed = match builtin {
                Builtin::Toupper => chunk.valid().to_uppercase(),
                _ => chunk.valid().to_lowercase(),
            };
            out.extend_from_slice(changed.as_bytes());
            out.extend_from_slice(chunk.invalid());
        }
        Ok(())
    }

    fn bits(&mut self, argument: &'p Expression) -> Run<u64> {
        let number = self.number(argument)?;
        Ok(if number < 0.0 { number as i64 as u64 } else { number as u64 })
    }

    fn length(&mut self, argument: Option<&'p Expression>) -> Run<f64> {
        let utf8 = self.utf8;
        let Some(argument) = argument else {
            let text = self.record.text(&self.output_separator, &self.convert);
            return Ok(count(characters::count(text, utf8)));
        };
        if let Expression::Place(Place::Variable(variable)) = argument
            && let Value::Array(array) = self.slot(*variable)
        {
            return Ok(count(array.borrow().len()));
        }
        let mut text = self.buffer();
        self.append(argument, &mut text)?;
        let length = characters::count(&text, utf8);
        self.release(text);
        Ok(count(length))
    }

    fn substr(&mut self, arguments: &'p [Expression], out: &mut Vec<u8>) -> Run<()> {
        let mut text = self.buffer();
        self.append(&arguments[0], &mut text)?;
        // All awks cut fractions off, and begin before the text at its first character.
        let first = self.number(&arguments[1])?.max(1.0);
        let length = match arguments.get(2) {
            Some(length) => self.number(length)?,
            None => f64::INFINITY,
        };
        let (skipped, wanted) = (first as usize - 1, length as usize);
        let rest = &text[characters::offset(&text, skipped, self.utf8)..];
        out.extend_from_slice(&rest[..characters::offset(rest, wanted, self.utf8)]);
        self.release(text);
        Ok(())
    }

    /// `sprintf`: the first argument is the format.
    pub(super) fn format(&mut self, arguments: &'p [Expression], out: &mut Vec<u8>) -> Run<()> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in &arguments[1..] {
            values.push(self.value(argument)?);
        }
        let format = self.text(&arguments[0])?;
        match crate::printf::append(&format, &values, &self.convert, self.utf8, out) {
            Ok(()) => Ok(()),
            Err(message) => self.fail(message),
        }
    }

    /// `match`: sets RSTART and RLENGTH, and with an array what the groups matched.
    fn find_match(&mut self, arguments: &'p [Expression]) -> Run<f64> {
        let text = self.text(&arguments[0])?;
        let regex = self.regex(&arguments[1])?;
        let groups = if arguments.len() > 2 {
            regex.groups_at(&text, 0).map_err(too_complex)?
        } else {
            regex.find_at(&text, 0).map_err(too_complex)?.map(|span| vec![Some(span)])
        };
        let utf8 = self.utf8;
        let place = |(start, end): (usize, usize)| {
            let before = characters::count(&text[..start], utf8);
            (count(before + 1), count(characters::count(&text[start..end], utf8)))
        };
        let (start, length) = match groups.as_deref() {
            Some([Some(span), ..]) => place(*span),
            _ => (0.0, -1.0),
        };
        self.globals[Special::Rstart.slot()] = Value::Number(start);
        self.globals[Special::Rlength.slot()] = Value::Number(length);
        if let Some(Expression::Place(Place::Variable(array))) = arguments.get(2) {
            let array = self.array(*array)?;
            let mut array = array.borrow_mut();
            array.clear();
            for (group, number) in groups.iter().flatten().zip(0..) {
                let Some((from, to)) = *group else { continue };
                *array.entry(Subscript::Integer(number)) = Value::input(&text[from..to]);
                let (start, length) = place((from, to));
                for (word, value) in [("start", start), ("length", length)] {
                    let mut key = number.to_string().into_bytes();
                    key.extend_from_slice(&self.subscript_separator);
                    key.extend_from_slice(word.as_bytes());
                    *array.entry(Subscript::of(&key)) = Value::Number(value);
                }
            }
        }
        Ok(start)
    }

    fn split(&mut self, arguments: &'p [Expression]) -> Run<f64> {
        let text = self.text(&arguments[0])?;
        let separator = match arguments.get(2) {
            None => Rc::clone(&self.separator),
            Some(Expression::Regex(regex)) => Rc::new(Separator::Regex(Rc::clone(regex))),
            Some(separator) => {
                let text = self.text(separator)?;
                let separator = self.cache.separator(&text);
                separator.or_else(|error| self.bad_regex(&text, &error))?
            }
        };
        let mut fields = Vec::new();
        separator.split(&text, false, &mut Progress::At(0), usize::MAX, &mut fields);
        let Expression::Place(Place::Variable(array)) = &arguments[1] else {
            unreachable!("the parser asked for an array")
        };
        let array = self.array(*array)?;
        let mut array = array.borrow_mut();
        array.clear();
        for (&(start, end), number) in fields.iter().zip(1..) {
            *array.entry(Subscript::Integer(number)) = Value::input(&text[start..end]);
        }
        Ok(count(fields.len()))
    }

    fn strftime(&mut self, arguments: &'p [Expression], out: &mut Vec<u8>) -> Run<()> {
        let format = match arguments.first() {
            Some(format) => String::from_utf8_lossy(&self.text(format)?).into_owned(),
            None => "%a %b %e %H:%M:%S %Z %Y".to_owned(),
        };
        let time = match arguments.get(1) {
            Some(time) => self.number(time)?,
            None => super::time::now(),
        };
        let utc = match arguments.get(2) {
            Some(utc) => self.truth(utc)?,
            None => false,
        };
        out.extend_from_slice(super::time::format(&format, time, utc).as_bytes());
        Ok(())
    }
}

fn from_bits(bits: u64) -> f64 {
    bits as f64
}

/// A number in C's notation: `0x1f`, `017`, or decimal.
fn strtonum(text: &[u8]) -> f64 {
    let trimmed = text.trim_ascii_start();
    let (negative, digits) = match trimmed {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (base, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) => (8, rest),
        _ => return number::prefix(trimmed).0,
    };
    let values = digits.iter().map_while(|digit| char::from(*digit).to_digit(base));
    let sum = values.fold(0.0, |sum, digit| sum * f64::from(base) + f64::from(digit));
    if negative { -sum } else { sum }
}
