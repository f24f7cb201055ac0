//! Statements.

use super::Machine;
use crate::array::Subscript;
use crate::ast::{Expression, For, Kind, Place, Redirection, Statement, Variable};
use crate::error::{Reason, Run};
use crate::value::Value;

/// What follows a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Go,
    Break,
    Continue,
    Next,
    NextFile,
    Exit,
    Return,
}

impl<'p> Machine<'p, '_, '_> {
    pub(super) fn block(&mut self, statements: &'p [Statement]) -> Run<Flow> {
        for statement in statements {
            match self.statement(statement)? {
                Flow::Go => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Go)
    }

    fn statement(&mut self, statement: &'p Statement) -> Run<Flow> {
        self.line = statement.line;
        match &statement.kind {
            Kind::Expression(expression) => self.effect(expression)?,
            Kind::Print(arguments, redirection) => self.print(arguments, redirection.as_ref())?,
            Kind::Printf(arguments, redirection) => self.printf(arguments, redirection.as_ref())?,
            Kind::Block(statements) => return self.block(statements),
            Kind::If(branches, otherwise) => {
                for (condition, then) in branches {
                    if self.truth(condition)? {
                        return self.statement(then);
                    }
                }
                if let Some(otherwise) = otherwise {
                    return self.statement(otherwise);
                }
            }
            Kind::While(condition, body) => {
                while self.truth(condition)? {
                    match self.statement(body)? {
                        Flow::Go | Flow::Continue => {}
                        Flow::Break => break,
                        flow => return Ok(flow),
                    }
                    self.line = statement.line;
                }
            }
            Kind::DoWhile(body, condition) => loop {
                match self.statement(body)? {
                    Flow::Go | Flow::Continue => {}
                    Flow::Break => break,
                    flow => return Ok(flow),
                }
                if !self.truth(condition)? {
                    break;
                }
            },
            Kind::For(parts) => return self.for_loop(parts),
            Kind::ForIn(place, array, body) => return self.for_in(place, *array, body),
            Kind::Next => return Ok(Flow::Next),
            Kind::NextFile => return Ok(Flow::NextFile),
            Kind::Break => return Ok(Flow::Break),
            Kind::Continue => return Ok(Flow::Continue),
            Kind::Exit(status) => {
                if let Some(status) = status {
                    let status = self.number(status)? as i64;
                    self.status = u8::try_from(status & 0xff).expect("a byte");
                }
                return Ok(Flow::Exit);
            }
            Kind::Return(value) => {
                self.returned = match value {
                    Some(value) => self.value(value)?,
                    None => Value::Unset,
                };
                return Ok(Flow::Return);
            }
            Kind::Delete(array, subscripts) => self.delete(*array, subscripts.as_deref())?,
        }
        Ok(Flow::Go)
    }

    fn for_loop(&mut self, parts: &'p For) -> Run<Flow> {
        if let Some(first) = &parts.first {
            self.statement(first)?;
        }
        loop {
            if let Some(condition) = &parts.condition
                && !self.truth(condition)?
            {
                return Ok(Flow::Go);
            }
            match self.statement(&parts.body)? {
                Flow::Go | Flow::Continue => {}
                Flow::Break => return Ok(Flow::Go),
                flow => return Ok(flow),
            }
            if let Some(step) = &parts.step {
                self.statement(step)?;
            }
        }
    }

    fn for_in(&mut self, place: &'p Place, array: Variable, body: &'p Statement) -> Run<Flow> {
        let keys = self.array(array)?.borrow().keys();
        for key in keys {
            self.assign(place, key.to_value())?;
            match self.statement(body)? {
                Flow::Go | Flow::Continue => {}
                Flow::Break => break,
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Go)
    }

    fn delete(&mut self, array: Variable, subscripts: Option<&'p [Expression]>) -> Run<()> {
        let array = self.array(array)?;
        match subscripts {
            None => array.borrow_mut().clear(),
            Some(subscripts) => {
                let mut text = self.buffer();
                match self.subscript(subscripts, &mut text)? {
                    Some(integer) => array.borrow_mut().remove(Subscript::Integer(integer)),
                    None => array.borrow_mut().remove(Subscript::of(&text)),
                }
                self.release(text);
            }
        }
        Ok(())
    }

    fn print(
        &mut self,
        arguments: &'p [Expression],
        redirection: Option<&'p (Redirection, Expression)>,
    ) -> Run<()> {
        if arguments.is_empty() {
            return self.print_record(redirection);
        }
        let mut out = self.buffer();
        for (index, argument) in arguments.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(&self.output_separator);
            }
            self.append_printed(argument, &mut out)?;
        }
        out.extend_from_slice(&self.output_end);
        self.emit(redirection, &out)?;
        self.release(out);
        Ok(())
    }

    pub(super) fn print_record(
        &mut self,
        redirection: Option<&'p (Redirection, Expression)>,
    ) -> Run<()> {
        if redirection.is_none() {
            let text = self.record.text(&self.output_separator, &self.convert);
            self.cx.stdout.put(text)?;
            self.cx.stdout.put(&self.output_end)?;
            return Ok(());
        }
        let mut out = self.buffer();
        out.extend_from_slice(self.record.text(&self.output_separator, &self.convert));
        out.extend_from_slice(&self.output_end);
        self.emit(redirection, &out)?;
        self.release(out);
        Ok(())
    }

    fn printf(
        &mut self,
        arguments: &'p [Expression],
        redirection: Option<&'p (Redirection, Expression)>,
    ) -> Run<()> {
        let mut out = self.buffer();
        self.format(arguments, &mut out)?;
        self.emit(redirection, &out)?;
        self.release(out);
        Ok(())
    }

    fn emit(
        &mut self,
        redirection: Option<&'p (Redirection, Expression)>,
        bytes: &[u8],
    ) -> Run<()> {
        let Some((redirection, target)) = redirection else {
            return Ok(self.cx.stdout.put(bytes)?);
        };
        let mut name = self.buffer();
        self.append(target, &mut name)?;
        if name.is_empty() {
            return self.fail("the name of a file to print to is empty");
        }
        self.streams.write(self.cx, *redirection, &name, bytes)?;
        self.release(name);
        Ok(())
    }

    /// Calls a function of the program.
    pub(super) fn call(&mut self, id: usize, arguments: &'p [Expression]) -> Run<Value> {
        let function = &self.program.functions[id];
        let Some(body) = &function.body else { return self.fail("Call to undefined function") };
        if self.stack.is_reached() {
            return self.fail(format!("calls of {} nest too deeply", function.name));
        }
        let start = self.locals.len();
        for (index, argument) in arguments.iter().enumerate() {
            let value = match (argument, function.parameters.get(index)) {
                // Evaluated for its effects only.
                (_, None) => {
                    self.value(argument)?;
                    continue;
                }
                (Expression::Place(Place::Variable(variable)), Some(true)) => {
                    Value::Array(self.array(*variable)?)
                }
                (Expression::Place(Place::Variable(Variable::Local(at))), Some(false)) => {
                    self.locals[self.base + at].clone()
                }
                (_, Some(true)) => {
                    let name = &function.name;
                    return self.fail(format!("argument {} of {name} is no array", index + 1));
                }
                (argument, Some(false)) => self.value(argument)?,
            };
            self.locals.push(value);
        }
        for is_array in function.parameters.iter().skip(arguments.len()) {
            self.locals.push(if *is_array { Value::new_array() } else { Value::Unset });
        }
        let (base, line) = (std::mem::replace(&mut self.base, start), self.line);
        let flow = self.block(body)?;
        self.base = base;
        self.line = line;
        self.locals.truncate(start);
        match flow {
            Flow::Return => Ok(std::mem::take(&mut self.returned)),
            Flow::Next => Err(Reason::Next.into()),
            Flow::NextFile => Err(Reason::NextFile.into()),
            Flow::Exit => Err(Reason::Exit.into()),
            Flow::Go | Flow::Break | Flow::Continue => Ok(Value::Unset),
        }
    }
}
