//! Expressions, by the precedence of their operators.

use std::rc::Rc;

use super::infer::Use;
use super::{CHAIN_MAX, Parsed, Parser};
use crate::ast::{Arithmetic, Builtin, Comparison, Expression, LineSource, Place, Variable};
use crate::lexer::Token;

/// How tightly operators bind, loosest first.
mod level {
    pub(super) const OR: u8 = 1;
    pub(super) const AND: u8 = 2;
    pub(super) const IN: u8 = 3;
    pub(super) const MATCH: u8 = 4;
    pub(super) const COMPARE: u8 = 5;
    pub(super) const PIPE: u8 = 6;
    pub(super) const CONCAT: u8 = 7;
    pub(super) const ADD: u8 = 8;
    pub(super) const MULTIPLY: u8 = 9;
}

impl Parser<'_> {
    /// An expression that is one value.
    pub(super) fn single(&mut self) -> Parsed<Expression> {
        let outer = std::mem::replace(&mut self.in_print, false);
        let expression = self.expression();
        self.in_print = outer;
        let expression = expression?;
        self.one(expression)
    }

    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        self.nested(|parser| {
            let condition = parser.binary(level::OR)?;
            if !parser.eat("?")? {
                return Ok(condition);
            }
            parser.newlines()?;
            let then = parser.expression()?;
            parser.newlines()?;
            parser.expect(":")?;
            parser.newlines()?;
            let otherwise = parser.expression()?;
            Ok(Expression::Choose(Box::new([condition, then, otherwise])))
        })
    }

    /// An expression up to the first comparison: where `print` prints to.
    pub(super) fn concatenation(&mut self) -> Parsed<Expression> {
        self.nested(|parser| parser.binary(level::CONCAT))
    }

    fn binary(&mut self, least: u8) -> Parsed<Expression> {
        let mut left = self.unary()?;
        for _ in 0..CHAIN_MAX {
            let Some(level) = self.operator()?.filter(|level| *level >= least) else {
                return Ok(left);
            };
            left = self.operation(left, level)?;
        }
        Err(self.lexer.error("Expression too long"))
    }

    /// The level of the operator that comes next; concatenation has none to show.
    fn operator(&mut self) -> Parsed<Option<u8>> {
        Ok(Some(match self.token {
            Token::Number(_)
            | Token::Text(_)
            | Token::Name(_)
            | Token::CalledName(_)
            | Token::Builtin(..) => level::CONCAT,
            Token::Fixed(fixed) => match fixed {
                "||" => level::OR,
                "&&" => level::AND,
                "in" => level::IN,
                "~" | "!~" => level::MATCH,
                ">" if self.in_print => return Ok(None),
                "<" | "<=" | "==" | "!=" | ">" | ">=" => level::COMPARE,
                "|" if self.lexer.clone().next()? == Token::Fixed("getline") => level::PIPE,
                "$" | "(" | "++" | "--" | "!" => level::CONCAT,
                "+" | "-" => level::ADD,
                "*" | "/" | "%" => level::MULTIPLY,
                _ => return Ok(None),
            },
            _ => return Ok(None),
        }))
    }

    fn operation(&mut self, left: Expression, level: u8) -> Parsed<Expression> {
        if left.is_list() && level != level::IN {
            return Err(self.unexpected());
        }
        if level == level::CONCAT {
            let right = self.binary(level::ADD)?;
            let mut parts = match left {
                Expression::Concat(parts) => parts,
                left => vec![left],
            };
            parts.push(right);
            return Ok(Expression::Concat(parts));
        }
        let Token::Fixed(operator) = self.take()? else { return Err(self.unexpected()) };
        if matches!(level, level::OR | level::AND) {
            self.newlines()?;
        }
        if level == level::IN {
            let array = self.array_argument()?;
            let subscripts = match left {
                Expression::Group(group) => group,
                left => vec![left],
            };
            return Ok(Expression::In(subscripts.into_boxed_slice(), array));
        }
        if level == level::PIPE {
            self.expect("getline")?;
            let target = self.optional_place()?;
            return Ok(Expression::Getline(Box::new(LineSource::Command(left)), target));
        }
        let right = self.nested(|parser| parser.binary(level + 1))?;
        let sides = Box::new([left, self.one(right)?]);
        let comparison = match operator {
            "<" => Some(Comparison::Less),
            "<=" => Some(Comparison::LessOrEqual),
            "==" => Some(Comparison::Equal),
            "!=" => Some(Comparison::NotEqual),
            ">" => Some(Comparison::Greater),
            ">=" => Some(Comparison::GreaterOrEqual),
            _ => None,
        };
        if let Some(comparison) = comparison {
            return Ok(Expression::Compare(comparison, sides));
        }
        Ok(match operator {
            "||" => Expression::Or(sides),
            "&&" => Expression::And(sides),
            "~" => Expression::Match(sides, false),
            "!~" => Expression::Match(sides, true),
            "+" => Expression::Arithmetic(Arithmetic::Add, sides),
            "-" => Expression::Arithmetic(Arithmetic::Subtract, sides),
            "*" => Expression::Arithmetic(Arithmetic::Multiply, sides),
            "/" => Expression::Arithmetic(Arithmetic::Divide, sides),
            _ => Expression::Arithmetic(Arithmetic::Modulo, sides),
        })
    }

    fn unary(&mut self) -> Parsed<Expression> {
        let Token::Fixed(sign @ ("!" | "-" | "+")) = self.token else { return self.power() };
        self.advance()?;
        let operand = Box::new(self.nested(Self::unary)?);
        Ok(match sign {
            "!" => Expression::Not(operand),
            "-" => Expression::Minus(operand),
            _ => Expression::Plus(operand),
        })
    }

    fn power(&mut self) -> Parsed<Expression> {
        let base = self.postfix()?;
        if !self.eat("^")? {
            return Ok(base);
        }
        let exponent = self.nested(Self::unary)?;
        Ok(Expression::Arithmetic(Arithmetic::Power, Box::new([base, exponent])))
    }

    /// A place may be assigned to or stepped.
    fn postfix(&mut self) -> Parsed<Expression> {
        let place = match self.primary()? {
            Expression::Place(place) => place,
            other => return Ok(other),
        };
        let Token::Fixed(operator) = self.token else { return Ok(Expression::Place(place)) };
        let update = match operator {
            "++" | "--" => {
                self.advance()?;
                let delta = if operator == "++" { 1.0 } else { -1.0 };
                return Ok(Expression::Step(place, delta, true));
            }
            "=" => {
                self.advance()?;
                self.newlines()?;
                let value = self.assigned()?;
                return Ok(assignment(place, value));
            }
            "+=" => Arithmetic::Add,
            "-=" => Arithmetic::Subtract,
            "*=" => Arithmetic::Multiply,
            "/=" => Arithmetic::Divide,
            "%=" => Arithmetic::Modulo,
            "^=" => Arithmetic::Power,
            _ => return Ok(Expression::Place(place)),
        };
        self.advance()?;
        self.newlines()?;
        let value = self.assigned()?;
        Ok(Expression::Update(place, update, Box::new(value)))
    }

    fn assigned(&mut self) -> Parsed<Expression> {
        let value = self.expression()?;
        self.one(value)
    }

    /// A list in parentheses is not one value.
    fn one(&self, value: Expression) -> Parsed<Expression> {
        if value.is_list() { Err(self.unexpected()) } else { Ok(value) }
    }

    fn primary(&mut self) -> Parsed<Expression> {
        match self.token.clone() {
            Token::Number(number) => {
                self.advance()?;
                Ok(Expression::Number(number))
            }
            Token::Text(text) => {
                self.advance()?;
                Ok(Expression::Text(Rc::new(text)))
            }
            Token::Name(name) => {
                self.advance()?;
                self.named(&name)
            }
            Token::CalledName(name) => {
                self.advance()?;
                self.call(&name)
            }
            Token::Builtin(builtin, least, most) => {
                self.advance()?;
                self.builtin(builtin, least, most)
            }
            Token::Fixed("$") => {
                self.advance()?;
                let field = self.nested(Self::tight)?;
                Ok(Expression::Place(Place::Field(Box::new(field))))
            }
            Token::Fixed(step @ ("++" | "--")) => {
                self.advance()?;
                let Some(place) = self.optional_place()? else { return Err(self.unexpected()) };
                Ok(Expression::Step(place, if step == "++" { 1.0 } else { -1.0 }, false))
            }
            Token::Fixed(slash @ ("/" | "/=")) => {
                let pattern = self.lexer.regex(slash)?;
                let regex = crate::pattern::compile(&pattern, self.utf8).map_err(|error| {
                    let pattern = String::from_utf8_lossy(&pattern);
                    self.lexer.error(format!("Invalid regular expression /{pattern}/: {error}"))
                })?;
                self.advance()?;
                Ok(Expression::Regex(Rc::new(regex)))
            }
            Token::Fixed("(") => {
                self.advance()?;
                self.parenthesised()
            }
            Token::Fixed("getline") => {
                self.advance()?;
                let target = self.optional_place()?;
                let source = if self.eat("<")? {
                    LineSource::File(self.nested(Self::tight)?)
                } else {
                    LineSource::Main
                };
                Ok(Expression::Getline(Box::new(source), target))
            }
            // Within an operation these are signs of a number: `2 * -x`, `a = !b`.
            Token::Fixed("!" | "-" | "+") => self.nested(Self::unary),
            _ => Err(self.unexpected()),
        }
    }

    /// What follows `$` and `getline <`: no operators but signs and `++` in front.
    fn tight(&mut self) -> Parsed<Expression> {
        let name = self.primary()?;
        self.one(name)
    }

    fn parenthesised(&mut self) -> Parsed<Expression> {
        if self.is(")") {
            return Err(self.lexer.error("Empty sequence"));
        }
        let outer = std::mem::replace(&mut self.in_print, false);
        let mut group = vec![self.expression()?];
        self.newlines()?;
        while self.eat(",")? {
            self.newlines()?;
            group.push(self.expression()?);
            self.newlines()?;
        }
        self.in_print = outer;
        self.expect(")")?;
        if group.iter().any(Expression::is_list) {
            return Err(self.unexpected());
        }
        // A place stays in its group, in which it is none: `$(i)++` steps the field.
        match group.as_slice() {
            [Expression::Place(_)] | [_, _, ..] => Ok(Expression::Group(group)),
            _ => Ok(group.pop().expect("one expression")),
        }
    }

    pub(super) fn subscripts(&mut self) -> Parsed<Box<[Expression]>> {
        self.expect("[")?;
        let outer = std::mem::replace(&mut self.in_print, false);
        let mut subscripts = Vec::new();
        loop {
            subscripts.push(self.assigned()?);
            if !self.eat(",")? {
                break;
            }
            self.newlines()?;
        }
        self.in_print = outer;
        self.expect("]")?;
        Ok(subscripts.into_boxed_slice())
    }

    fn named(&mut self, name: &str) -> Parsed<Expression> {
        let variable = self.variable(name);
        if self.is("[") {
            self.note(variable, Use::Array);
            let subscripts = self.subscripts()?;
            return Ok(Expression::Place(Place::Element(variable, subscripts)));
        }
        self.note(variable, Use::Scalar);
        Ok(Expression::Place(Place::Variable(variable)))
    }

    /// A place, if one comes next, for `getline` and `++`.
    fn optional_place(&mut self) -> Parsed<Option<Place>> {
        if !matches!(self.token, Token::Name(_) | Token::Fixed("$")) {
            return Ok(None);
        }
        match self.primary()? {
            Expression::Place(place) => Ok(Some(place)),
            _ => Err(self.unexpected()),
        }
    }

    fn call(&mut self, name: &str) -> Parsed<Expression> {
        let function = self.function_named(name);
        self.expect("(")?;
        let outer = std::mem::replace(&mut self.in_print, false);
        let mut arguments = Vec::new();
        while !self.is(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
                self.newlines()?;
            }
            let (mark, line) = (self.facts.mark(), self.lexer.line);
            let argument = self.assigned()?;
            if let Expression::Place(Place::Variable(variable)) = &argument {
                self.facts.forget(mark);
                let slot = self.slot(*variable);
                self.facts.note_pass(slot, function, arguments.len(), line);
            }
            arguments.push(argument);
            self.newlines()?;
        }
        self.in_print = outer;
        self.expect(")")?;
        Ok(Expression::Call(function, arguments.into_boxed_slice()))
    }

    fn builtin(&mut self, builtin: Builtin, least: usize, most: usize) -> Parsed<Expression> {
        if !self.is("(") {
            if builtin == Builtin::Length {
                return Ok(Expression::Builtin(builtin, Box::default()));
            }
            return Err(self.unexpected());
        }
        self.advance()?;
        let outer = std::mem::replace(&mut self.in_print, false);
        let mut arguments = Vec::new();
        while !self.is(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
                self.newlines()?;
            }
            arguments.push(self.builtin_argument(builtin, arguments.len())?);
            self.newlines()?;
        }
        self.in_print = outer;
        if arguments.len() < least {
            return Err(self.lexer.error("Too few arguments"));
        }
        if arguments.len() > most {
            return Err(self.lexer.error("Too many arguments"));
        }
        self.expect(")")?;
        let target = matches!(builtin, Builtin::Sub | Builtin::Gsub) && arguments.len() == 3;
        if target && !matches!(arguments[2], Expression::Place(_)) {
            // gawk and others change a copy, which nobody sees.
            let copy = arguments.pop().expect("three");
            arguments.push(Expression::Group(vec![copy]));
        }
        Ok(Expression::Builtin(builtin, arguments.into_boxed_slice()))
    }

    fn builtin_argument(&mut self, builtin: Builtin, position: usize) -> Parsed<Expression> {
        if matches!((builtin, position), (Builtin::Split, 1) | (Builtin::Match, 2)) {
            let array = self.array_argument()?;
            return Ok(Expression::Place(Place::Variable(array)));
        }
        let mark = self.facts.mark();
        let argument = self.assigned()?;
        if builtin == Builtin::Length && matches!(argument, Expression::Place(Place::Variable(_))) {
            self.facts.forget(mark);
        }
        Ok(argument)
    }
}

/// `s = s x` appends in place if evaluating `x` cannot change `s`.
fn assignment(place: Place, value: Expression) -> Expression {
    if let Place::Variable(variable @ (Variable::Global(_) | Variable::Local(_))) = place
        && let Expression::Concat(parts) = &value
        && let [Expression::Place(Place::Variable(first)), rest @ ..] = parts.as_slice()
        && *first == variable
        && !rest.is_empty()
        && rest.iter().all(Expression::is_pure)
    {
        let Expression::Concat(mut parts) = value else { unreachable!("just matched") };
        parts.remove(0);
        return Expression::Append(variable, parts.into_boxed_slice());
    }
    Expression::Assign(place, Box::new(value))
}
