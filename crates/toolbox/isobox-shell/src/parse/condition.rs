//! `[[ … ]]`

use super::words::{Mode, with_tilde};
use super::{Parser, Result, Token, literal};
use crate::ast::{Condition, Word};

const UNARY: &[u8] = b"abcdefghknoprstuwxzGLNOS";
const BINARY: &[&str] =
    &["-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef", "=", "==", "!=", "=~"];

impl Parser<'_> {
    /// After `[[`; takes `]]`.
    pub(super) fn condition(&mut self) -> Result<Condition> {
        let outer = std::mem::replace(&mut self.in_condition, true);
        let condition = self.either();
        self.in_condition = outer;
        let condition = condition?;
        let token = self.condition_token()?;
        match &token {
            Token::Word(word) if literal(word) == Some(b"]]") => Ok(condition),
            _ => self.unexpected(&token, Some("]]")),
        }
    }

    fn condition_token(&mut self) -> Result<Token> {
        loop {
            match self.token()? {
                Token::Newline => {}
                token => return Ok(token),
            }
        }
    }

    fn either(&mut self) -> Result<Condition> {
        let mut left = self.both()?;
        while self.condition_op("||")? {
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Condition> {
        let mut left = self.term()?;
        while self.condition_op("&&")? {
            left = Condition::And(Box::new(left), Box::new(self.term()?));
        }
        Ok(left)
    }

    fn condition_op(&mut self, wanted: &str) -> Result<bool> {
        let (position, line) = (self.position, self.line);
        let found = matches!(self.condition_token()?, Token::Op(op) if op == wanted);
        if !found {
            (self.position, self.line) = (position, line);
        }
        Ok(found)
    }

    fn term(&mut self) -> Result<Condition> {
        self.deeper(|parser| parser.term_inner())
    }

    fn term_inner(&mut self) -> Result<Condition> {
        match self.condition_token()? {
            Token::Op("(") => {
                let inner = self.either()?;
                let token = self.condition_token()?;
                if !matches!(token, Token::Op(")")) {
                    return self.unexpected(&token, Some(")"));
                }
                Ok(inner)
            }
            Token::Word(word) => match literal(&word) {
                Some(b"!") => Ok(Condition::Not(Box::new(self.term()?))),
                Some(b"]]") => self.unexpected(&Token::Word(word), None),
                Some([b'-', op]) if UNARY.contains(op) => {
                    let op = *op;
                    match self.operand_ahead()? {
                        Some(operand) => Ok(Condition::Unary(op, operand)),
                        None => self.binary(word),
                    }
                }
                _ => self.binary(word),
            },
            token => self.unexpected(&token, None),
        }
    }

    /// The operand of a unary operator, unless what follows makes the operator an operand itself.
    fn operand_ahead(&mut self) -> Result<Option<Word>> {
        let (position, line) = (self.position, self.line);
        let token = self.token()?;
        if let Token::Word(word) = token {
            let text = literal(&word);
            let other = text == Some(b"]]")
                || text.is_some_and(|text| BINARY.iter().any(|op| op.as_bytes() == text));
            if !other {
                return Ok(Some(Word::new(with_tilde(word.parts, false))));
            }
        }
        (self.position, self.line) = (position, line);
        Ok(None)
    }

    fn binary(&mut self, left: Word) -> Result<Condition> {
        let left = Word::new(with_tilde(left.parts, false));
        let (position, line) = (self.position, self.line);
        let op: Vec<u8> = match self.token()? {
            Token::Op(op @ ("<" | ">")) => op.as_bytes().to_vec(),
            Token::Word(word) => match literal(&word) {
                Some(text) if BINARY.iter().any(|op| op.as_bytes() == text) => text.to_vec(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        if op.is_empty() {
            (self.position, self.line) = (position, line);
            return Ok(Condition::NonEmpty(left));
        }
        if op == b"=~" {
            while matches!(self.peek()?, Some(b' ' | b'\t')) {
                self.position += 1;
            }
            let regex = Word::new(self.word_parts(Mode::Regex)?);
            return Ok(Condition::Regex(left, regex));
        }
        let right = match self.token()? {
            Token::Word(word) => Word::new(with_tilde(word.parts, false)),
            token => return self.unexpected(&token, None),
        };
        Ok(match &op[..] {
            b"=" | b"==" => Condition::Pattern { left, pattern: right, negated: false },
            b"!=" => Condition::Pattern { left, pattern: right, negated: true },
            _ => Condition::Binary(left, op.into(), right),
        })
    }
}
