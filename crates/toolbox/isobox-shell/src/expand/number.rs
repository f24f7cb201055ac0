//! Arithmetic expansion: expressions that meet variables.

use crate::arith::{self, Error, Variables};
use crate::ast::{Arithmetic, Parameter};
use crate::names::Name;
use crate::shell::{Run, Shell};

impl Shell {
    /// The value of an expression; an error is reported and ends the script.
    pub(crate) fn arithmetic(&mut self, arithmetic: &Arithmetic) -> Run<i64> {
        if let Some(expression) = &arithmetic.expression {
            match arith::evaluate(expression, self) {
                Ok(value) => return Ok(value),
                // Some parameter is no plain number: the text decides.
                Err(Error::NotOperand) => {}
                Err(error) => return self.arithmetic_error(&error),
            }
        }
        let text = self.expand_text(&arithmetic.text)?;
        self.arithmetic_text(&text)
    }

    /// The value of expanded text.
    pub(crate) fn arithmetic_text(&mut self, text: &[u8]) -> Run<i64> {
        match arith::parse(text, &mut self.names).and_then(|parsed| arith::evaluate(&parsed, self))
        {
            Ok(value) => Ok(value),
            Err(error) => self.arithmetic_error(&error),
        }
    }

    fn arithmetic_error(&mut self, error: &Error) -> Run<i64> {
        self.arithmetic_stack.clear();
        match error {
            Error::Variable(message) => self.fail(message),
            error => self.fail(error.to_string()),
        }
    }
}

impl Variables for Shell {
    fn number(&mut self, name: Name) -> Result<i64, Error> {
        let Some(value) = self.vars.value(name) else {
            if self.options.nounset() {
                let message = [&self.names.text(name)[..], b": parameter not set"].concat();
                return Err(Error::Variable(message));
            }
            return Ok(0);
        };
        if let Some(value) = plain_number(value) {
            return Ok(value);
        }
        let value = value.to_vec();
        if self.arithmetic_stack.contains(&name) {
            return Err(Error::Recursion);
        }
        self.arithmetic_stack.push(name);
        let outcome =
            arith::parse(&value, &mut self.names).and_then(|parsed| arith::evaluate(&parsed, self));
        self.arithmetic_stack.pop();
        outcome
    }

    fn digits(&mut self, parameter: Parameter) -> Result<i64, Error> {
        let value = match parameter {
            Parameter::Variable(name) => self.vars.value(name).and_then(digits),
            Parameter::Positional(index) => index
                .checked_sub(1)
                .and_then(|index| self.positional.get(index))
                .and_then(|value| digits(value)),
            Parameter::Special(which) => self.special(which).and_then(|value| digits(&value)),
        };
        value.ok_or(Error::NotOperand)
    }

    fn assign(&mut self, name: Name, value: i64) -> Result<(), Error> {
        match self.vars.set_number(name, value) {
            Ok(()) => {
                self.assigned(name);
                Ok(())
            }
            Err(_) => {
                let message = [&self.names.text(name)[..], b": is read only"].concat();
                Err(Error::Variable(message))
            }
        }
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    if text.first().is_some_and(u8::is_ascii_digit) { arith::number(text) } else { None }
}

/// A variable's value that is a number and nothing else.
#[inline]
fn plain_number(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 || (digits[0] == b'0' && digits.len() > 1) {
        return None;
    }
    let mut value = 0i64;
    for &byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Some(if negative { -value } else { value })
}
