//! Expressions. Each is evaluated as what is wanted of it: a number, a truth, text at the end of
//! a buffer, or a value; so that no string is made of a number that is only added, and none is
//! allocated for a field that is only printed.

use std::cmp::Ordering;
use std::rc::Rc;

use isobox_applet::Error;
use isobox_regex::Regex;

use super::Machine;
use super::place::Located;
use crate::array::Subscript;
use crate::ast::{Arithmetic, Comparison, Expression, Place, Special, Variable};
use crate::error::Run;
use crate::number;
use crate::value::{self, Side, Text, Value};

impl<'p> Machine<'p, '_, '_> {
    /// Evaluates for what it does.
    #[inline]
    pub(super) fn effect(&mut self, expression: &'p Expression) -> Run<()> {
        match expression {
            Expression::Assign(Place::Variable(variable), value)
                if !matches!(variable, Variable::Special(_)) =>
            {
                let value = self.value(value)?;
                match self.slot(*variable) {
                    Value::Array(_) => self.scalar(*variable).map(|_| ()),
                    slot => {
                        *slot = value;
                        Ok(())
                    }
                }
            }
            Expression::Assign(place, value) => {
                let located = self.locate(place)?;
                let value = self.value(value)?;
                self.store(located, value)
            }
            Expression::Append(variable, parts) => self.append_in_place(*variable, parts),
            expression if expression.is_numeric() => self.number(expression).map(|_| ()),
            expression => self.value(expression).map(|_| ()),
        }
    }

    pub(super) fn number(&mut self, expression: &'p Expression) -> Run<f64> {
        Ok(match expression {
            Expression::Number(number) => *number,
            Expression::Place(place) => return self.place_number(place),
            Expression::Arithmetic(operation, sides) => {
                let left = self.number(&sides[0])?;
                let right = self.number(&sides[1])?;
                return self.compute(*operation, left, right);
            }
            Expression::Step(place, delta, old) => return self.step(place, *delta, *old),
            Expression::Update(
                Place::Variable(variable @ (Variable::Global(_) | Variable::Local(_))),
                operation,
                value,
            ) => {
                let right = self.number(value)?;
                let left = self.variable_number(*variable)?;
                let result = self.compute(*operation, left, right)?;
                *self.slot(*variable) = Value::Number(result);
                result
            }
            Expression::Update(place, operation, value) => {
                let located = self.locate(place)?;
                let right = self.number(value)?;
                let left = self.with(&located, Value::number)?;
                let result = self.compute(*operation, left, right)?;
                self.store(located, Value::Number(result))?;
                result
            }
            Expression::Minus(operand) => -self.number(operand)?,
            Expression::Plus(operand) => self.number(operand)?,
            Expression::Not(_)
            | Expression::Compare(..)
            | Expression::Match(..)
            | Expression::Regex(_)
            | Expression::And(_)
            | Expression::Or(_)
            | Expression::In(..) => f64::from(u8::from(self.truth(expression)?)),
            Expression::Choose(parts) => {
                let chosen = if self.truth(&parts[0])? { &parts[1] } else { &parts[2] };
                return self.number(chosen);
            }
            Expression::Getline(source, target) => return self.getline(source, target.as_ref()),
            Expression::Builtin(builtin, arguments) if !builtin.is_textual() => {
                return self.numeric_builtin(*builtin, arguments);
            }
            Expression::Group(group) if group.len() == 1 => return self.number(&group[0]),
            Expression::Text(text) => number::prefix(text).0,
            Expression::Concat(_) => {
                let mut text = self.buffer();
                self.append(expression, &mut text)?;
                let number = number::prefix(&text).0;
                self.release(text);
                number
            }
            _ => self.value(expression)?.number(),
        })
    }

    fn place_number(&mut self, place: &'p Place) -> Run<f64> {
        match place {
            Place::Variable(Variable::Special(
                special @ (Special::Nf | Special::Nr | Special::Fnr),
            )) => Ok(self.count(*special)),
            Place::Variable(variable) => self.variable_number(*variable),
            Place::Field(index) => match self.field_number(index)? {
                0 => Ok(number::prefix(self.record.text(&self.output_separator, &self.convert)).0),
                index => Ok(match self.record.field(index) {
                    Ok(bytes) => number::prefix(bytes).0,
                    Err(value) => value.number(),
                }),
            },
            Place::Element(..) => {
                let located = self.locate(place)?;
                let number = self.with(&located, Value::number);
                self.release_located(located);
                number
            }
        }
    }

    #[inline]
    fn variable_number(&mut self, variable: Variable) -> Run<f64> {
        match self.slot(variable) {
            Value::Number(number) => Ok(*number),
            Value::Array(_) => self.scalar(variable).map(|value| value.number()),
            value => Ok(value.number()),
        }
    }

    /// Whether the value is a number, by what the variables hold now.
    #[inline]
    fn holds_number(&mut self, expression: &Expression) -> bool {
        match expression {
            Expression::Place(Place::Variable(
                variable @ (Variable::Global(_) | Variable::Local(_)),
            )) => matches!(self.slot(*variable), Value::Number(_)),
            expression => expression.is_numeric(),
        }
    }

    fn release_located(&mut self, located: Located) {
        if let Located::Text(_, text) = located {
            self.release(text);
        }
    }

    fn step(&mut self, place: &'p Place, delta: f64, old: bool) -> Run<f64> {
        // The commonest of all: a counter.
        if let Place::Variable(variable @ (Variable::Global(_) | Variable::Local(_))) = place
            && let Value::Number(number) = self.slot(*variable)
        {
            let before = *number;
            *number += delta;
            return Ok(if old { before } else { before + delta });
        }
        let located = self.locate(place)?;
        let before = self.with(&located, Value::number)?;
        self.store(located, Value::Number(before + delta))?;
        Ok(if old { before } else { before + delta })
    }

    #[inline]
    fn compute(&self, operation: Arithmetic, left: f64, right: f64) -> Run<f64> {
        Ok(match operation {
            Arithmetic::Add => left + right,
            Arithmetic::Subtract => left - right,
            Arithmetic::Multiply => left * right,
            Arithmetic::Divide if right == 0.0 => return self.fail("Division by zero"),
            Arithmetic::Divide => left / right,
            Arithmetic::Modulo if right == 0.0 => return self.fail("Division by zero in %"),
            Arithmetic::Modulo => left % right,
            Arithmetic::Power => left.powf(right),
        })
    }

    pub(super) fn truth(&mut self, expression: &'p Expression) -> Run<bool> {
        Ok(match expression {
            Expression::Compare(comparison, sides) => {
                return self.compare(*comparison, &sides[0], &sides[1]);
            }
            Expression::Regex(regex) => {
                let text = self.record.text(&self.output_separator, &self.convert);
                regex.is_match(text).map_err(too_complex)?
            }
            Expression::Match(sides, negated) => self.matches(&sides[0], &sides[1])? != *negated,
            Expression::Not(operand) => !self.truth(operand)?,
            Expression::And(sides) => self.truth(&sides[0])? && self.truth(&sides[1])?,
            Expression::Or(sides) => self.truth(&sides[0])? || self.truth(&sides[1])?,
            Expression::In(subscripts, array) => {
                let mut text = self.buffer();
                let integer = self.subscript(subscripts, &mut text)?;
                let array = self.array(*array)?;
                let found = match integer {
                    Some(integer) => array.borrow().contains(Subscript::Integer(integer)),
                    None => array.borrow().contains(Subscript::of(&text)),
                };
                self.release(text);
                found
            }
            Expression::Place(Place::Field(index)) => {
                let index = self.field_number(index)?;
                let bytes = if index == 0 {
                    Ok(self.record.text(&self.output_separator, &self.convert))
                } else {
                    self.record.field(index)
                };
                match bytes {
                    Ok(bytes) => {
                        number::whole(bytes).map_or(!bytes.is_empty(), |number| number != 0.0)
                    }
                    Err(value) => value.truth(),
                }
            }
            Expression::Group(group) if group.len() == 1 => return self.truth(&group[0]),
            expression if expression.is_numeric() => self.number(expression)? != 0.0,
            expression => self.value(expression)?.truth(),
        })
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        left: &'p Expression,
        right: &'p Expression,
    ) -> Run<bool> {
        let order = self.order(left, right)?;
        Ok(match comparison {
            Comparison::Less => order == Some(Ordering::Less),
            Comparison::LessOrEqual => order.is_some_and(Ordering::is_le),
            Comparison::Equal => order == Some(Ordering::Equal),
            Comparison::NotEqual => order != Some(Ordering::Equal),
            Comparison::Greater => order == Some(Ordering::Greater),
            Comparison::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        })
    }

    fn order(&mut self, left: &'p Expression, right: &'p Expression) -> Run<Option<Ordering>> {
        let (mut left_text, mut right_text);
        let left = if self.holds_number(left) {
            let left = self.number(left)?;
            if self.holds_number(right) {
                return Ok(left.partial_cmp(&self.number(right)?));
            }
            left_text = self.buffer();
            Side::Number(left)
        } else {
            left_text = self.buffer();
            self.side(left, &mut left_text)?
        };
        right_text = self.buffer();
        let right = self.side(right, &mut right_text)?;
        let sides = ((left, &mut left_text), (right, &mut right_text));
        let order = value::compare(sides.0, sides.1, &self.convert);
        self.release(left_text);
        self.release(right_text);
        Ok(order)
    }

    /// A side of a comparison.
    fn side(&mut self, expression: &'p Expression, text: &mut Vec<u8>) -> Run<Side> {
        if expression.is_numeric() {
            return self.number(expression).map(Side::Number);
        }
        let mut look = |value: &Value| match value {
            Value::Unset | Value::Array(_) => Side::Unset,
            Value::Number(number) => Side::Number(*number),
            Value::Text(bytes) => {
                text.extend_from_slice(bytes);
                Side::Text
            }
            Value::Input(bytes) => {
                text.extend_from_slice(bytes);
                Side::Input
            }
        };
        match expression {
            Expression::Text(bytes) => {
                text.extend_from_slice(bytes);
                Ok(Side::Text)
            }
            Expression::Place(Place::Field(index)) => {
                let index = self.field_number(index)?;
                if index == 0 {
                    text.extend_from_slice(self.record.text(&self.output_separator, &self.convert));
                    return Ok(Side::Input);
                }
                match self.record.field(index) {
                    Ok(bytes) => {
                        text.extend_from_slice(bytes);
                        Ok(Side::Input)
                    }
                    Err(value) => Ok(look(value)),
                }
            }
            Expression::Place(place) => {
                let located = self.locate(place)?;
                let side = self.with(&located, look)?;
                self.release_located(located);
                Ok(side)
            }
            Expression::Concat(_) => {
                self.append(expression, text)?;
                Ok(Side::Text)
            }
            Expression::Group(group) if group.len() == 1 => self.side(&group[0], text),
            _ => {
                let value = self.value(expression)?;
                Ok(look(&value))
            }
        }
    }

    fn matches(&mut self, text: &'p Expression, pattern: &'p Expression) -> Run<bool> {
        if let (Expression::Regex(regex), Expression::Place(Place::Field(index))) = (pattern, text)
        {
            let index = self.field_number(index)?;
            let bytes = if index == 0 {
                Ok(self.record.text(&self.output_separator, &self.convert))
            } else {
                self.record.field(index)
            };
            if let Ok(bytes) = bytes {
                return Ok(regex.is_match(bytes).map_err(too_complex)?);
            }
        }
        let mut buffer = self.buffer();
        self.append(text, &mut buffer)?;
        let regex = self.regex(pattern)?;
        let found = regex.is_match(&buffer).map_err(too_complex)?;
        self.release(buffer);
        Ok(found)
    }

    /// The regular expression that an argument is, or whose text it is.
    pub(super) fn regex(&mut self, pattern: &'p Expression) -> Run<Rc<Regex>> {
        match pattern {
            Expression::Regex(regex) => Ok(Rc::clone(regex)),
            Expression::Text(text) => self.regex_of(text),
            pattern => {
                let mut text = self.buffer();
                self.append(pattern, &mut text)?;
                let regex = self.regex_of(&text)?;
                self.release(text);
                Ok(regex)
            }
        }
    }

    fn regex_of(&mut self, text: &[u8]) -> Run<Rc<Regex>> {
        let regex = self.cache.regex(text);
        regex.or_else(|error| self.bad_regex(text, &error))
    }

    /// Appends the value as a string.
    pub(super) fn append(&mut self, expression: &'p Expression, out: &mut Vec<u8>) -> Run<()> {
        match expression {
            Expression::Text(text) => out.extend_from_slice(text),
            Expression::Concat(parts) => {
                for part in parts {
                    self.append(part, out)?;
                }
            }
            Expression::Place(Place::Field(index)) => match self.field_number(index)? {
                0 => out.extend_from_slice(self.record.text(&self.output_separator, &self.convert)),
                index => match self.record.field(index) {
                    Ok(bytes) => out.extend_from_slice(bytes),
                    Err(value) => value.append_to(out, &self.convert),
                },
            },
            Expression::Place(Place::Variable(
                variable @ (Variable::Global(_) | Variable::Local(_)),
            )) => match self.slot(*variable) {
                Value::Text(text) | Value::Input(text) => out.extend_from_slice(text),
                Value::Number(number) => {
                    let number = *number;
                    self.convert.append(number, out);
                }
                Value::Unset => {}
                Value::Array(_) => {
                    self.scalar(*variable)?;
                }
            },
            Expression::Group(group) if group.len() == 1 => return self.append(&group[0], out),
            Expression::Choose(parts) => {
                let chosen = if self.truth(&parts[0])? { &parts[1] } else { &parts[2] };
                return self.append(chosen, out);
            }
            Expression::Builtin(builtin, arguments) if builtin.is_textual() => {
                return self.textual_builtin(*builtin, arguments, out);
            }
            expression if expression.is_numeric() => {
                let number = self.number(expression)?;
                self.convert.append(number, out);
            }
            expression => {
                let value = self.value(expression)?;
                value.append_to(out, &self.convert);
            }
        }
        Ok(())
    }

    /// As [`Machine::append`] for `print`, which writes numbers as OFMT says.
    pub(super) fn append_printed(
        &mut self,
        expression: &'p Expression,
        out: &mut Vec<u8>,
    ) -> Run<()> {
        if expression.is_numeric() {
            let number = self.number(expression)?;
            self.output.append(number, out);
            return Ok(());
        }
        match expression {
            Expression::Text(_) | Expression::Concat(_) => self.append(expression, out),
            Expression::Place(Place::Field(index)) => {
                let index = self.field_number(index)?;
                if index == 0 {
                    let text = self.record.text(&self.output_separator, &self.convert);
                    out.extend_from_slice(text);
                    return Ok(());
                }
                match self.record.field(index) {
                    Ok(bytes) => out.extend_from_slice(bytes),
                    Err(value) => value.append_to(out, &self.output),
                }
                Ok(())
            }
            expression => {
                let value = self.value(expression)?;
                value.append_to(out, &self.output);
                Ok(())
            }
        }
    }

    pub(super) fn value(&mut self, expression: &'p Expression) -> Run<Value> {
        if expression.is_numeric() {
            return self.number(expression).map(Value::Number);
        }
        Ok(match expression {
            Expression::Text(text) => Value::Text(Rc::clone(text)),
            Expression::Place(Place::Variable(variable)) => return self.scalar(*variable),
            Expression::Place(Place::Field(index)) => {
                let index = self.field_number(index)?;
                self.field(index)
            }
            Expression::Place(place) => {
                let located = self.locate(place)?;
                let value = self.with(&located, Value::clone)?;
                self.release_located(located);
                value
            }
            Expression::Assign(place, value) => {
                let located = self.locate(place)?;
                let value = self.value(value)?;
                self.store(located, value.clone())?;
                value
            }
            Expression::Append(variable, parts) => {
                self.append_in_place(*variable, parts)?;
                return self.scalar(*variable);
            }
            Expression::Choose(parts) => {
                let chosen = if self.truth(&parts[0])? { &parts[1] } else { &parts[2] };
                return self.value(chosen);
            }
            Expression::Call(function, arguments) => return self.call(*function, arguments),
            Expression::Group(group) if group.len() == 1 => return self.value(&group[0]),
            _ => {
                let mut text = self.buffer();
                self.append(expression, &mut text)?;
                let value = Value::text(text.as_slice());
                self.release(text);
                value
            }
        })
    }

    pub(super) fn text(&mut self, expression: &'p Expression) -> Run<Text> {
        let value = self.value(expression)?;
        Ok(value.to_text(&self.convert))
    }

    fn append_in_place(&mut self, variable: Variable, parts: &'p [Expression]) -> Run<()> {
        let mut more = self.buffer();
        for part in parts {
            self.append(part, &mut more)?;
        }
        match std::mem::take(self.slot(variable)) {
            Value::Text(mut text) => {
                Rc::make_mut(&mut text).extend_from_slice(&more);
                *self.slot(variable) = Value::Text(text);
            }
            array @ Value::Array(_) => {
                *self.slot(variable) = array;
                self.scalar(variable)?;
            }
            value => {
                let mut text = Vec::new();
                value.append_to(&mut text, &self.convert);
                text.extend_from_slice(&more);
                *self.slot(variable) = Value::text(text);
            }
        }
        self.release(more);
        Ok(())
    }
}

pub(super) fn too_complex(error: isobox_regex::TooComplex) -> Error {
    Error::message(error.to_string())
}
