//! Variables, fields and elements: finding, reading and writing them.

use std::rc::Rc;

use super::Machine;
use crate::array::Subscript;
use crate::ast::{Expression, Place, Variable};
use crate::error::Run;
use crate::number;
use crate::record::FIELDS_MAX;
use crate::value::{ArrayRef, Value};

/// A place whose subscripts are evaluated.
#[derive(Debug)]
pub(super) enum Located {
    Variable(Variable),
    Field(usize),
    Integer(ArrayRef, i64),
    Text(ArrayRef, Vec<u8>),
}

impl<'p> Machine<'p, '_, '_> {
    #[inline]
    pub(super) fn slot(&mut self, variable: Variable) -> &mut Value {
        match variable {
            Variable::Global(slot) => &mut self.globals[slot],
            Variable::Local(at) => &mut self.locals[self.base + at],
            Variable::Special(special) => &mut self.globals[special.slot()],
        }
    }

    /// The array that a variable is; a parameter that was not given becomes one.
    pub(super) fn array(&mut self, variable: Variable) -> Run<ArrayRef> {
        let slot = self.slot(variable);
        if matches!(slot, Value::Unset) {
            *slot = Value::new_array();
        }
        match slot {
            Value::Array(array) => Ok(Rc::clone(array)),
            _ => {
                let name = self.name(variable);
                self.fail(format!("{name} is no array"))
            }
        }
    }

    fn name(&self, variable: Variable) -> String {
        match variable {
            Variable::Global(slot) => self.program.globals[slot].name.clone(),
            Variable::Special(special) => self.program.globals[special.slot()].name.clone(),
            Variable::Local(at) => format!("parameter {}", at + 1),
        }
    }

    /// The value of a variable that is no array.
    pub(super) fn scalar(&mut self, variable: Variable) -> Run<Value> {
        if let Variable::Special(special) = variable {
            return Ok(self.read_special(special));
        }
        match self.slot(variable) {
            Value::Array(_) => {
                let name = self.name(variable);
                self.fail(format!("{name} is an array"))
            }
            value => Ok(value.clone()),
        }
    }

    /// The number of a field.
    pub(super) fn field_number(&mut self, number: &'p Expression) -> Run<usize> {
        let number = self.number(number)?;
        if number < 0.0 {
            return self.fail("Access to negative field");
        }
        let index = number as usize;
        if index > FIELDS_MAX {
            return self.fail(format!("Field {number} is too far (the last one is {FIELDS_MAX})"));
        }
        Ok(index)
    }

    /// A subscript: the whole number that it is, otherwise text in `text`.
    #[inline]
    pub(super) fn subscript(
        &mut self,
        subscripts: &'p [Expression],
        text: &mut Vec<u8>,
    ) -> Run<Option<i64>> {
        if let [subscript] = subscripts {
            let number = match subscript {
                Expression::Place(Place::Variable(
                    variable @ (Variable::Global(_) | Variable::Local(_)),
                )) => match self.slot(*variable) {
                    Value::Number(number) => Some(*number),
                    _ => None,
                },
                subscript if subscript.is_numeric() => Some(self.number(subscript)?),
                _ => None,
            };
            match number {
                Some(number) => match number::as_integer(number) {
                    // As text it would be the same.
                    Some(integer) if integer.unsigned_abs() < 1 << 53 => return Ok(Some(integer)),
                    _ => self.convert.append(number, text),
                },
                None => self.append(subscript, text)?,
            }
            return Ok(None);
        }
        for (index, subscript) in subscripts.iter().enumerate() {
            if index > 0 {
                text.extend_from_slice(&self.subscript_separator);
            }
            self.append(subscript, text)?;
        }
        Ok(None)
    }

    pub(super) fn locate(&mut self, place: &'p Place) -> Run<Located> {
        match place {
            Place::Variable(variable) => Ok(Located::Variable(*variable)),
            Place::Field(number) => self.field_number(number).map(Located::Field),
            Place::Element(array, subscripts) => {
                let mut text = self.buffer();
                let integer = self.subscript(subscripts, &mut text)?;
                let array = self.array(*array)?;
                Ok(match integer {
                    Some(integer) => {
                        self.release(text);
                        Located::Integer(array, integer)
                    }
                    None => Located::Text(array, text),
                })
            }
        }
    }

    /// Calls `look` with the value of a place.
    #[inline]
    pub(super) fn with<T>(&mut self, located: &Located, look: impl FnOnce(&Value) -> T) -> Run<T> {
        match located {
            Located::Variable(variable @ (Variable::Global(_) | Variable::Local(_))) => {
                match self.slot(*variable) {
                    Value::Array(_) => self.scalar(*variable).map(|value| look(&value)),
                    value => Ok(look(value)),
                }
            }
            Located::Variable(variable) => self.scalar(*variable).map(|value| look(&value)),
            Located::Field(index) => {
                let value = self.field(*index);
                Ok(look(&value))
            }
            Located::Integer(array, integer) => {
                Ok(look(array.borrow_mut().entry(Subscript::Integer(*integer))))
            }
            Located::Text(array, text) => Ok(look(array.borrow_mut().entry(Subscript::of(text)))),
        }
    }

    pub(super) fn store(&mut self, located: Located, value: Value) -> Run<()> {
        match located {
            Located::Variable(Variable::Special(special)) => self.write_special(special, value)?,
            Located::Variable(variable) => match self.slot(variable) {
                Value::Array(_) => {
                    self.scalar(variable)?;
                }
                slot => *slot = value,
            },
            Located::Field(index) => self.set_field(index, value)?,
            Located::Integer(array, integer) => {
                *array.borrow_mut().entry(Subscript::Integer(integer)) = value;
            }
            Located::Text(array, text) => {
                *array.borrow_mut().entry(Subscript::of(&text)) = value;
                self.release(text);
            }
        }
        Ok(())
    }

    pub(super) fn assign(&mut self, place: &'p Place, value: Value) -> Run<()> {
        let located = self.locate(place)?;
        self.store(located, value)
    }

    /// A field as a value.
    pub(super) fn field(&mut self, index: usize) -> Value {
        if index == 0 {
            return Value::input(self.record.text(&self.output_separator, &self.convert));
        }
        match self.record.field(index) {
            Ok(bytes) => Value::input(bytes),
            Err(value) => value.clone(),
        }
    }

    pub(super) fn set_field(&mut self, index: usize, value: Value) -> Run<()> {
        if index > 0 {
            self.record.set_field(index, value);
            return Ok(());
        }
        let mut text = self.buffer();
        value.append_to(&mut text, &self.convert);
        self.set_record(&mut text);
        self.release(text);
        Ok(())
    }

    /// Makes `text` the record, in exchange for the old one's memory.
    pub(super) fn set_record(&mut self, text: &mut Vec<u8>) {
        let lines = matches!(self.record_end, crate::reader::RecordEnd::Paragraph);
        self.record.replace(text, &self.separator, lines);
    }
}
