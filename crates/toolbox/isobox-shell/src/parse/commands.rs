//! The grammar of commands.

use std::rc::Rc;

use super::words::{Mode, with_tilde};
use super::{Parser, Result, Stop, Token, is_reserved, literal};
use crate::ast::{
    Arm, Assignment, Case, For, Function, If, Node, Part, Redirection, RedirectionKind, Simple,
    While, Word,
};
use crate::builtins;
use crate::names::{is_name, is_name_byte, is_name_start};

impl Parser<'_> {
    /// Looks at the next token without taking it.
    fn ahead(&mut self) -> Result<Token> {
        let (position, line) = (self.position, self.line);
        let token = self.token();
        (self.position, self.line) = (position, line);
        token
    }

    /// The next token if it is this operator.
    fn op(&mut self, wanted: &str) -> Result<bool> {
        let (position, line) = (self.position, self.line);
        if matches!(self.token()?, Token::Op(op) if op == wanted) {
            return Ok(true);
        }
        (self.position, self.line) = (position, line);
        Ok(false)
    }

    /// The next word if it is reserved, aliases expanded before.
    fn reserved_ahead(&mut self) -> Result<Option<&'static str>> {
        loop {
            let (position, line) = (self.position, self.line);
            self.skip_blanks()?;
            let start = self.position;
            let token = self.token()?;
            let Token::Word(word) = token else {
                (self.position, self.line) = (position, line);
                return Ok(None);
            };
            let found = literal(&word)
                .and_then(|text| super::RESERVED.iter().find(|word| word.as_bytes() == text));
            if found.is_none() && self.expand_alias(&word, start) {
                continue;
            }
            (self.position, self.line) = (position, line);
            return Ok(found.copied());
        }
    }

    fn expect_reserved(&mut self, wanted: &str) -> Result<()> {
        let token = self.token()?;
        match &token {
            Token::Word(word) if literal(word) == Some(wanted.as_bytes()) => Ok(()),
            _ => self.unexpected(&token, Some(wanted)),
        }
    }

    /// Newlines, with the here-documents that begin there.
    fn newlines(&mut self) -> Result<()> {
        loop {
            let (position, line) = (self.position, self.line);
            match self.token()? {
                Token::Newline => self.read_here_documents()?,
                Token::End if self.more => return Err(Stop::Incomplete),
                _ => {
                    (self.position, self.line) = (position, line);
                    return Ok(());
                }
            }
        }
    }

    /// Commands up to the end of the line.
    pub(super) fn complete_line(&mut self) -> Result<Node> {
        let mut nodes = Vec::new();
        loop {
            let start = self.position;
            let node = self.and_or()?;
            let end = self.position;
            match self.token()? {
                Token::Op(";") => nodes.push(node),
                Token::Op("&") => nodes.push(self.background(node, start, end)),
                Token::Newline => {
                    nodes.push(node);
                    self.read_here_documents()?;
                    break;
                }
                Token::End => {
                    if self.more {
                        return Err(Stop::Incomplete);
                    }
                    nodes.push(node);
                    self.read_here_documents()?;
                    break;
                }
                token => return self.unexpected(&token, None),
            }
            let (position, line) = (self.position, self.line);
            match self.token()? {
                Token::Newline => {
                    self.read_here_documents()?;
                    break;
                }
                Token::End => {
                    if self.more {
                        return Err(Stop::Incomplete);
                    }
                    self.read_here_documents()?;
                    break;
                }
                _ => (self.position, self.line) = (position, line),
            }
        }
        Ok(sequence(nodes))
    }

    /// Commands up to one of the reserved words or operators; an operator is taken, a word is not.
    pub(super) fn list_until(&mut self, ends: &[&'static str], may_be_empty: bool) -> Result<Node> {
        let mut nodes = Vec::new();
        loop {
            self.newlines()?;
            if let Some(node) = self.end_of_list(ends, may_be_empty, &mut nodes)? {
                return Ok(node);
            }
            let start = self.position;
            let node = self.and_or()?;
            let (position, line) = (self.position, self.line);
            match self.token()? {
                Token::Op("&") => nodes.push(self.background(node, start, position)),
                Token::Op(";") => nodes.push(node),
                Token::Newline => {
                    nodes.push(node);
                    self.read_here_documents()?;
                }
                token => {
                    nodes.push(node);
                    (self.position, self.line) = (position, line);
                    match self.end_of_list(ends, may_be_empty, &mut nodes)? {
                        Some(node) => return Ok(node),
                        None => {
                            let expected = ends.first().filter(|_| ends.len() == 1).copied();
                            return self.unexpected(&token, expected);
                        }
                    }
                }
            }
        }
    }

    fn background(&self, node: Node, start: usize, end: usize) -> Node {
        // An alias may have moved the beginning.
        let text = self.text.get(start..end).unwrap_or_default().trim_ascii();
        Node::Background(Rc::new(node), Rc::from(text))
    }

    fn end_of_list(
        &mut self,
        ends: &[&'static str],
        may_be_empty: bool,
        nodes: &mut Vec<Node>,
    ) -> Result<Option<Node>> {
        // An alias may be what ends the list.
        self.reserved_ahead()?;
        let (position, line) = (self.position, self.line);
        let token = self.token()?;
        let found = match &token {
            Token::Op(op) => ends.contains(op),
            Token::Word(word) => {
                literal(word).is_some_and(|text| ends.iter().any(|end| end.as_bytes() == text))
            }
            Token::End => {
                let expected = ends.first().filter(|_| ends.len() == 1).copied();
                return self.unexpected(&token, expected);
            }
            _ => false,
        };
        if !found {
            (self.position, self.line) = (position, line);
            return Ok(None);
        }
        if nodes.is_empty() && !may_be_empty {
            return self.unexpected(&token, None);
        }
        let keep = matches!(token, Token::Word(_)) || ends.contains(&";;");
        if keep {
            (self.position, self.line) = (position, line);
        }
        Ok(Some(sequence(std::mem::take(nodes))))
    }

    fn and_or(&mut self) -> Result<Node> {
        let mut left = self.pipeline()?;
        loop {
            let and = if self.op("&&")? {
                true
            } else if self.op("||")? {
                false
            } else {
                return Ok(left);
            };
            self.newlines()?;
            let right = self.pipeline()?;
            left = if and {
                Node::And(Box::new(left), Box::new(right))
            } else {
                Node::Or(Box::new(left), Box::new(right))
            };
        }
    }

    fn pipeline(&mut self) -> Result<Node> {
        match self.reserved_ahead()? {
            Some("!") => {
                self.token()?;
                let node = self.deeper(|parser| parser.pipeline())?;
                return Ok(Node::Not(Box::new(node)));
            }
            Some("time") => {
                self.token()?;
                let (position, line) = (self.position, self.line);
                let posix =
                    matches!(self.token()?, Token::Word(word) if literal(&word) == Some(b"-p"));
                if !posix {
                    (self.position, self.line) = (position, line);
                }
                let empty = matches!(
                    self.ahead()?,
                    Token::Newline | Token::End | Token::Op(";" | "&" | ")")
                );
                let node =
                    if empty { Node::Empty } else { self.deeper(|parser| parser.pipeline())? };
                return Ok(Node::Time(Box::new(node), posix));
            }
            _ => {}
        }
        let first = self.pipe_element()?;
        if !self.op("|")? {
            return Ok(first);
        }
        let mut elements = vec![first];
        loop {
            self.newlines()?;
            elements.push(self.pipe_element()?);
            if !self.op("|")? {
                return Ok(Node::Pipeline(elements));
            }
        }
    }

    fn pipe_element(&mut self) -> Result<Node> {
        self.deeper(|parser| parser.element())
    }

    fn element(&mut self) -> Result<Node> {
        let reserved = self.reserved_ahead()?;
        let (position, line) = (self.position, self.line);
        let node = match reserved {
            Some("if") => self.if_command()?,
            Some("while") => self.while_command(false)?,
            Some("until") => self.while_command(true)?,
            Some("for") => self.for_command()?,
            Some("case") => self.case_command()?,
            Some("{") => {
                self.token()?;
                let body = self.list_until(&["}"], false)?;
                self.token()?;
                Node::Group(Box::new(body))
            }
            Some("[[") => {
                self.token()?;
                let line = self.line;
                let condition = self.condition()?;
                Node::Condition(Box::new(condition), line)
            }
            Some("function") => return self.function_keyword(),
            Some(_) => {
                let token = self.token()?;
                return self.unexpected(&token, None);
            }
            None => {
                if !self.op("(")? {
                    return self.simple();
                }
                if self.raw() == Some(b'(')
                    && let Some(arithmetic) = self.arithmetic()?
                {
                    Node::Arithmetic(arithmetic, line)
                } else {
                    (self.position, self.line) = (position, line);
                    self.token()?;
                    let body = self.list_until(&[")"], false)?;
                    Node::Subshell(Rc::new(body))
                }
            }
        };
        let redirections = self.redirections()?;
        if redirections.is_empty() {
            return Ok(node);
        }
        Ok(Node::Redirected(Box::new(node), redirections))
    }

    fn redirections(&mut self) -> Result<Vec<Redirection>> {
        let mut redirections = Vec::new();
        loop {
            let (position, line) = (self.position, self.line);
            let token = self.token()?;
            match self.redirection(&token)? {
                Some(redirection) => redirections.push(redirection),
                None => {
                    (self.position, self.line) = (position, line);
                    return Ok(redirections);
                }
            }
        }
    }

    fn if_command(&mut self) -> Result<Node> {
        self.token()?;
        let condition = self.list_until(&["then"], false)?;
        self.token()?;
        let then = self.list_until(&["elif", "else", "fi"], false)?;
        let otherwise = match self.reserved_ahead()? {
            // An `elif` is an `if` in the other's `else` that shares its `fi`.
            Some("elif") => Some(self.deeper(|parser| parser.if_command())?),
            Some("else") => {
                self.token()?;
                let otherwise = self.list_until(&["fi"], false)?;
                self.token()?;
                Some(otherwise)
            }
            _ => {
                self.token()?;
                None
            }
        };
        Ok(Node::If(Box::new(If { condition, then, otherwise })))
    }

    fn do_group(&mut self) -> Result<Node> {
        self.expect_reserved("do")?;
        let body = self.list_until(&["done"], false)?;
        self.token()?;
        Ok(body)
    }

    fn while_command(&mut self, until: bool) -> Result<Node> {
        self.token()?;
        let condition = self.list_until(&["do"], false)?;
        let body = self.do_group()?;
        Ok(Node::While(Box::new(While { condition, body, until })))
    }

    fn for_command(&mut self) -> Result<Node> {
        self.token()?;
        let line = self.line;
        let token = self.token()?;
        let variable = match &token {
            Token::Word(word) => literal(word).filter(|text| is_name(text)).map(<[u8]>::to_vec),
            _ => None,
        };
        let Some(variable) = variable else {
            if matches!(token, Token::End) {
                return self.unexpected(&token, None);
            }
            return self.error("bad for loop variable");
        };
        let variable = self.names.intern(&variable);
        let semicolon = self.op(";")?;
        self.newlines()?;
        let mut words = None;
        if !semicolon && matches!(self.ahead()?, Token::Word(word) if literal(&word) == Some(b"in"))
        {
            self.token()?;
            let mut list = Vec::new();
            loop {
                match self.token()? {
                    Token::Word(word) => list.push(Word::new(with_tilde(word.parts, false))),
                    Token::Op(";") => break,
                    Token::Newline => {
                        self.read_here_documents()?;
                        break;
                    }
                    token => return self.unexpected(&token, None),
                }
            }
            words = Some(list);
            self.newlines()?;
        }
        let body = if matches!(self.ahead()?, Token::Word(word) if literal(&word) == Some(b"{")) {
            // Not POSIX's, but scripts have it.
            self.token()?;
            let body = self.list_until(&["}"], false)?;
            self.token()?;
            body
        } else {
            self.do_group()?
        };
        Ok(Node::For(Box::new(For { variable, words, body, line })))
    }

    fn case_command(&mut self) -> Result<Node> {
        self.token()?;
        let line = self.line;
        let word = match self.token()? {
            Token::Word(word) => Word::new(with_tilde(word.parts, false)),
            token => return self.unexpected(&token, None),
        };
        self.newlines()?;
        self.expect_reserved("in")?;
        let mut arms = Vec::new();
        loop {
            self.newlines()?;
            let mut token = self.token()?;
            if matches!(&token, Token::Word(word) if literal(word) == Some(b"esac")) {
                break;
            }
            if matches!(token, Token::Op("(")) {
                token = self.token()?;
            }
            let mut patterns = Vec::new();
            loop {
                match token {
                    Token::Word(word) => patterns.push(Word::new(with_tilde(word.parts, false))),
                    Token::Number(number) => {
                        let text = number.to_string().into_bytes().into_boxed_slice();
                        patterns.push(Word::new(vec![Part::Text(text)]));
                    }
                    token => {
                        let expected = matches!(token, Token::End).then_some(")");
                        return self.unexpected(&token, expected);
                    }
                }
                match self.token()? {
                    Token::Op("|") => token = self.token()?,
                    Token::Op(")") => break,
                    token => return self.unexpected(&token, Some(")")),
                }
            }
            let body = self.list_until(&[";;", ";&", "esac"], true)?;
            let falls_through = match self.token()? {
                Token::Op(op) => op == ";&",
                _ => {
                    arms.push(Arm { patterns, body, falls_through: false });
                    break;
                }
            };
            arms.push(Arm { patterns, body, falls_through });
        }
        Ok(Node::Case(Box::new(Case { word, arms, line })))
    }

    fn function_keyword(&mut self) -> Result<Node> {
        self.token()?;
        let token = self.token()?;
        let name = match &token {
            Token::Word(word) => literal(word).map(<[u8]>::to_vec),
            _ => None,
        };
        let Some(name) = name else { return self.unexpected(&token, None) };
        if self.op("(")? && !self.op(")")? {
            let token = self.token()?;
            return self.unexpected(&token, Some(")"));
        }
        self.function_body(&name)
    }

    fn function_body(&mut self, name: &[u8]) -> Result<Node> {
        self.newlines()?;
        let body = self.pipe_element()?;
        let name = self.names.intern(name);
        Ok(Node::Function(name, Rc::new(Function { body })))
    }

    fn simple(&mut self) -> Result<Node> {
        let mut command = Simple {
            line: self.line,
            assignments: Vec::new(),
            words: Vec::new(),
            redirections: Vec::new(),
            name: None,
            builtin: None,
            declares: false,
        };
        loop {
            self.skip_blanks()?;
            let (position, line) = (self.position, self.line);
            let token = self.token()?;
            if let Some(redirection) = self.redirection(&token)? {
                command.redirections.push(redirection);
                continue;
            }
            match token {
                Token::Word(word) => {
                    let first = command.words.is_empty();
                    let may_be_alias =
                        first || self.alias_next.is_some_and(|place| position >= place);
                    if may_be_alias && !is_assignment(&word) {
                        if !first {
                            self.alias_next = None;
                        }
                        if self.expand_alias(&word, position) {
                            if first
                                && command.assignments.is_empty()
                                && command.redirections.is_empty()
                            {
                                // An alias may begin a compound command.
                                return self.element();
                            }
                            continue;
                        }
                    }
                    self.add_word(&mut command, word);
                }
                Token::Op("(")
                    if command.words.len() == 1
                        && command.assignments.is_empty()
                        && command.redirections.is_empty() =>
                {
                    return self.function_parentheses(&command.words[0]);
                }
                token => {
                    let empty = command.words.is_empty()
                        && command.assignments.is_empty()
                        && command.redirections.is_empty();
                    if empty || matches!(token, Token::Op("(")) {
                        return self.unexpected(&token, None);
                    }
                    (self.position, self.line) = (position, line);
                    return Ok(Node::Simple(Box::new(command)));
                }
            }
        }
    }

    fn function_parentheses(&mut self, name: &Word) -> Result<Node> {
        let token = self.token()?;
        match token {
            Token::Op(")") => {}
            // A reserved word is none here.
            Token::Word(_) => return self.error("unexpected word (expecting \")\")"),
            token => return self.unexpected(&token, Some(")")),
        }
        let name = match literal(name) {
            Some(name) if !is_reserved(name) => name.to_vec(),
            _ => return self.error("bad function name"),
        };
        let special = builtins::find(&name).is_some_and(|builtin| builtin.special);
        if special || name.iter().any(|byte| b"/=".contains(byte)) {
            return self.error("bad function name");
        }
        self.function_body(&name)
    }

    fn add_word(&mut self, command: &mut Simple, word: Word) {
        if command.words.is_empty()
            && let Some(length) = assignment_prefix(&word)
        {
            let assignment = self.assignment(word, length);
            command.assignments.push(assignment);
            return;
        }
        if command.declares && is_assignment(&word) {
            let length = assignment_prefix(&word).unwrap_or(0) + 1;
            let mut parts = word.parts;
            let mut all = vec![Part::Text(cut_front(&mut parts, length).into())];
            all.extend(with_tilde(parts, true));
            command.words.push(Word::new(all));
            return;
        }
        let word = Word::new(with_tilde(word.parts, false));
        if let Some(name) = &word.constant {
            let builtin = builtins::find(name);
            if command.words.is_empty() {
                command.name = Some(self.names.intern(name));
                command.builtin = builtin;
            }
            // `command export x=$y` declares like `export` alone.
            let through_command = command.builtin.is_some_and(|builtin| builtin.name == "command");
            if command.words.is_empty() || through_command {
                command.declares |= builtin.is_some_and(|builtin| builtin.declares);
            }
        }
        command.words.push(word);
    }

    fn assignment(&mut self, word: Word, length: usize) -> Assignment {
        let mut parts = word.parts;
        let mut name = cut_front(&mut parts, length + 1);
        name.pop();
        let append = name.last() == Some(&b'+');
        if append {
            name.pop();
        }
        Assignment {
            name: self.names.intern(&name),
            value: Word::new(with_tilde(parts, true)),
            append,
        }
    }

    /// The redirection that a token begins.
    fn redirection(&mut self, token: &Token) -> Result<Option<Redirection>> {
        let (number, op) = match token {
            Token::Number(number) => {
                let Token::Op(op) = self.token()? else { return Ok(None) };
                (Some(*number), op)
            }
            Token::Op(op) => (None, *op),
            _ => return Ok(None),
        };
        let descriptor = number.unwrap_or(i32::from(!op.starts_with('<')));
        let kind = match op {
            "<<" => RedirectionKind::Here(self.here_document(false)?),
            "<<-" => RedirectionKind::Here(self.here_document(true)?),
            "<" => RedirectionKind::Read(self.target()?),
            ">" => RedirectionKind::Write(self.target()?),
            ">|" => RedirectionKind::Clobber(self.target()?),
            ">>" => RedirectionKind::Append(self.target()?),
            "<>" => RedirectionKind::ReadWrite(self.target()?),
            "<<<" => RedirectionKind::HereString(self.target()?),
            "<&" => RedirectionKind::Duplicate(self.target()?),
            ">&" => {
                let word = self.target()?;
                let names_descriptor = !matches!(&word.constant, Some(text) if &text[..] != b"-" && !text.iter().all(u8::is_ascii_digit));
                if number.is_none() && !names_descriptor {
                    RedirectionKind::Both(word, false)
                } else {
                    RedirectionKind::Duplicate(word)
                }
            }
            "&>" => RedirectionKind::Both(self.target()?, false),
            "&>>" => RedirectionKind::Both(self.target()?, true),
            _ => return Ok(None),
        };
        Ok(Some(Redirection { descriptor, kind }))
    }

    fn target(&mut self) -> Result<Word> {
        self.skip_blanks()?;
        let start = self.position;
        match self.token()? {
            Token::Word(word) => Ok(Word::new(with_tilde(word.parts, false))),
            Token::Number(_) => {
                self.position = start;
                Ok(Word::new(self.word_parts(Mode::Plain)?))
            }
            token => self.unexpected(&token, None),
        }
    }
}

fn sequence(mut nodes: Vec<Node>) -> Node {
    match nodes.len() {
        0 => Node::Empty,
        1 => nodes.remove(0),
        _ => Node::Sequence(nodes),
    }
}

/// Whether a word has the form `name=…`.
pub(crate) fn is_assignment(word: &Word) -> bool {
    assignment_prefix(word).is_some()
}

/// The place of the equals sign, if what is before it is a name (and perhaps a plus sign).
fn assignment_prefix(word: &Word) -> Option<usize> {
    let Some(Part::Text(text)) = word.parts.first() else { return None };
    let equals = memchr::memchr(b'=', text)?;
    let name = text[..equals].strip_suffix(b"+").unwrap_or(&text[..equals]);
    (name.first().is_some_and(|&byte| is_name_start(byte))
        && name.iter().all(|&byte| is_name_byte(byte)))
    .then_some(equals)
}

/// Takes the first bytes of the text that a word begins with.
fn cut_front(parts: &mut Vec<Part>, length: usize) -> Vec<u8> {
    let Some(Part::Text(text)) = parts.first() else { return Vec::new() };
    let head = text[..length].to_vec();
    let rest: Box<[u8]> = text[length..].into();
    if rest.is_empty() {
        parts.remove(0);
    } else {
        parts[0] = Part::Text(rest);
    }
    head
}
