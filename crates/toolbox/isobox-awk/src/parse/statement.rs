//! Statements.

use super::infer::Use;
use super::{Parsed, Parser};
use crate::ast::{Expression, For, Kind, Place, Redirection, Statement, Variable};
use crate::lexer::Token;

impl Parser<'_> {
    /// `{ … }`
    pub(super) fn block(&mut self) -> Parsed<Vec<Statement>> {
        self.expect("{")?;
        let mut statements = Vec::new();
        loop {
            while self.eat(";")? || self.eat_newline()? {}
            if self.eat("}")? {
                return Ok(statements);
            }
            statements.push(self.statement()?);
        }
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let line = self.lexer.line;
        let kind = self.nested(Self::kind)?;
        Ok(Statement { line, kind })
    }

    fn kind(&mut self) -> Parsed<Kind> {
        let Token::Fixed(word) = self.token else { return self.simple() };
        match word {
            "{" => Ok(Kind::Block(self.block()?)),
            ";" => {
                self.advance()?;
                Ok(Kind::Block(Vec::new()))
            }
            "if" => {
                self.advance()?;
                self.if_chain()
            }
            "while" => {
                self.advance()?;
                let condition = self.condition()?;
                Ok(Kind::While(condition, Box::new(self.loop_body()?)))
            }
            "do" => {
                self.advance()?;
                let body = Box::new(self.loop_body()?);
                while self.eat(";")? || self.eat_newline()? {}
                self.expect("while")?;
                let condition = self.condition()?;
                self.terminator()?;
                Ok(Kind::DoWhile(body, condition))
            }
            "for" => {
                self.advance()?;
                self.for_loop()
            }
            _ => self.simple(),
        }
    }

    /// `else if` goes on in the same statement, so that long chains do not nest.
    fn if_chain(&mut self) -> Parsed<Kind> {
        let mut branches = Vec::new();
        loop {
            let condition = self.condition()?;
            branches.push((condition, self.body()?));
            self.newlines()?;
            if !self.eat("else")? {
                return Ok(Kind::If(branches, None));
            }
            self.newlines()?;
            if !self.eat("if")? {
                return Ok(Kind::If(branches, Some(Box::new(self.statement()?))));
            }
        }
    }

    /// A statement of one line, with what ends it.
    fn simple(&mut self) -> Parsed<Kind> {
        let kind = self.simple_unended()?;
        self.terminator()?;
        Ok(kind)
    }

    fn terminator(&mut self) -> Parsed<()> {
        if self.eat(";")? || self.eat_newline()? || self.is("}") || self.token == Token::End {
            return Ok(());
        }
        Err(self.unexpected())
    }

    fn simple_unended(&mut self) -> Parsed<Kind> {
        let Token::Fixed(word) = self.token else {
            return Ok(Kind::Expression(self.single()?));
        };
        match word {
            "print" | "printf" => {
                self.advance()?;
                self.print(word == "printf")
            }
            "next" | "nextfile" => {
                if !self.in_rule {
                    return Err(self.lexer.error(format!("'{word}' used in BEGIN or END")));
                }
                self.advance()?;
                Ok(if word == "next" { Kind::Next } else { Kind::NextFile })
            }
            "break" | "continue" => {
                if self.loops == 0 {
                    return Err(self.lexer.error(format!("'{word}' not in a loop")));
                }
                self.advance()?;
                Ok(if word == "break" { Kind::Break } else { Kind::Continue })
            }
            "exit" => {
                self.advance()?;
                Ok(Kind::Exit(self.optional_expression()?))
            }
            "return" => {
                if self.function.is_none() {
                    return Err(self.lexer.error("'return' not in a function"));
                }
                self.advance()?;
                Ok(Kind::Return(self.optional_expression()?))
            }
            "delete" => {
                self.advance()?;
                self.delete()
            }
            _ => Ok(Kind::Expression(self.single()?)),
        }
    }

    fn optional_expression(&mut self) -> Parsed<Option<Expression>> {
        if matches!(self.token, Token::Newline | Token::End | Token::Fixed(";" | "}")) {
            return Ok(None);
        }
        self.single().map(Some)
    }

    fn delete(&mut self) -> Parsed<Kind> {
        let parenthesis = self.eat("(")?;
        let (Token::Name(name) | Token::CalledName(name)) = &self.token else {
            return Err(self.lexer.error("Too few arguments"));
        };
        let name = name.clone();
        self.advance()?;
        let variable = self.variable(&name);
        self.note(variable, Use::Array);
        let subscripts = if self.is("[") { Some(self.subscripts()?) } else { None };
        if parenthesis {
            self.expect(")")?;
        }
        Ok(Kind::Delete(variable, subscripts))
    }

    fn condition(&mut self) -> Parsed<Expression> {
        self.expect("(")?;
        let condition = self.single()?;
        self.expect(")")?;
        Ok(condition)
    }

    /// What follows a condition.
    fn body(&mut self) -> Parsed<Statement> {
        self.newlines()?;
        self.statement()
    }

    fn loop_body(&mut self) -> Parsed<Statement> {
        self.loops += 1;
        let body = self.body();
        self.loops -= 1;
        body
    }

    fn for_loop(&mut self) -> Parsed<Kind> {
        self.expect("(")?;
        if let Some((name, array)) = self.for_in_names()? {
            let (variable, array) = (self.variable(&name), self.variable(&array));
            self.note(variable, Use::Scalar);
            self.note(array, Use::Array);
            return Ok(Kind::ForIn(Place::Variable(variable), array, Box::new(self.loop_body()?)));
        }
        let first = self.for_part(";")?;
        // `for (a[i] in b)`: the variable may be any place.
        if self.is(")")
            && let Some(Statement {
                kind: Kind::Expression(Expression::In(subscripts, array)), ..
            }) = first
        {
            self.advance()?;
            let mut subscripts = subscripts.into_vec();
            let (Some(Expression::Place(place)), true) = (subscripts.pop(), subscripts.is_empty())
            else {
                return Err(self.unexpected());
            };
            return Ok(Kind::ForIn(place, array, Box::new(self.loop_body()?)));
        }
        self.expect(";")?;
        self.newlines()?;
        let condition = if self.is(";") { None } else { Some(self.single()?) };
        self.expect(";")?;
        self.newlines()?;
        let step = self.for_part(")")?;
        self.expect(")")?;
        let body = self.loop_body()?;
        Ok(Kind::For(Box::new(For { first, condition, step, body })))
    }

    fn for_part(&mut self, end: &str) -> Parsed<Option<Statement>> {
        if self.is(end) {
            return Ok(None);
        }
        let line = self.lexer.line;
        Ok(Some(Statement { line, kind: self.simple_unended()? }))
    }

    /// `x in a)`, if that is what follows.
    fn for_in_names(&mut self) -> Parsed<Option<(String, String)>> {
        let Token::Name(name) = &self.token else { return Ok(None) };
        let mut ahead = self.lexer.clone();
        if ahead.next()? != Token::Fixed("in") {
            return Ok(None);
        }
        let Token::Name(array) = ahead.next()? else { return Ok(None) };
        if ahead.next()? != Token::Fixed(")") {
            return Ok(None);
        }
        let names = (name.clone(), array);
        self.lexer = ahead;
        self.advance()?;
        Ok(Some(names))
    }

    fn print(&mut self, formatted: bool) -> Parsed<Kind> {
        let outer = std::mem::replace(&mut self.in_print, true);
        let mut arguments = Vec::new();
        while !matches!(
            self.token,
            Token::Newline | Token::End | Token::Fixed(";" | "}" | ">" | ">>" | "|")
        ) {
            if !arguments.is_empty() {
                self.expect(",")?;
                self.newlines()?;
            }
            arguments.push(self.expression()?);
        }
        let redirection = match self.token {
            Token::Fixed(">") => Some(Redirection::Truncate),
            Token::Fixed(">>") => Some(Redirection::Append),
            Token::Fixed("|") => Some(Redirection::Pipe),
            _ => None,
        };
        let redirection = match redirection {
            Some(redirection) => {
                self.advance()?;
                Some((redirection, self.concatenation()?))
            }
            None => None,
        };
        self.in_print = outer;
        // `print (a, b)`
        if let [Expression::Group(_)] = arguments.as_slice()
            && let Some(Expression::Group(group)) = arguments.pop()
        {
            arguments = group;
        }
        if arguments.iter().any(Expression::is_list) {
            return Err(self.unexpected());
        }
        if formatted && arguments.is_empty() {
            return Err(self.lexer.error("Too few arguments"));
        }
        let arguments = arguments.into_boxed_slice();
        Ok(if formatted {
            Kind::Printf(arguments, redirection)
        } else {
            Kind::Print(arguments, redirection)
        })
    }

    /// A variable that is an array, as an argument.
    pub(super) fn array_argument(&mut self) -> Parsed<Variable> {
        let (Token::Name(name) | Token::CalledName(name)) = self.take()? else {
            return Err(self.unexpected());
        };
        let variable = self.variable(&name);
        self.note(variable, Use::Array);
        Ok(variable)
    }
}
