//! From tokens to a tree.

use super::TemplateError;
use super::functions;
use super::lex::{Placed, Token};

/// A piece of the tree, with its offset in the source.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// Text.
    Text(String),
    /// `{{pipeline}}`, which prints its value unless it declares a variable.
    Action(Pipe),
    /// `{{if}}`.
    If(Branch),
    /// `{{with}}`.
    With(Branch),
    /// `{{range}}`.
    Range(Branch),
    /// `{{break}}`.
    Break,
    /// `{{continue}}`.
    Continue,
    /// `{{define "name"}}`.
    Define(String, Vec<Node>),
    /// `{{template "name" pipeline}}`.
    Call(usize, String, Option<Pipe>),
}

/// A pipeline with two bodies.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    /// What decides.
    pub(super) pipe: Pipe,
    /// Body if so.
    pub(super) body: Vec<Node>,
    /// Body of `{{else}}`.
    pub(super) otherwise: Vec<Node>,
}

/// A pipeline: commands whose results feed the next, and variables that get the last.
#[derive(Debug, Clone)]
pub(super) struct Pipe {
    /// Variables; a range may have two.
    pub(super) variables: Vec<String>,
    /// `:=` rather than `=`.
    pub(super) declares: bool,
    /// The commands.
    pub(super) commands: Vec<Command>,
}

/// A command: an operand, or a function or method with arguments.
#[derive(Debug, Clone)]
pub(super) struct Command {
    /// Its words.
    pub(super) words: Vec<Operand>,
    /// Offsets of its text, for errors.
    pub(super) span: (usize, usize),
}

/// One word of a command.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    /// What it is.
    pub(super) base: Base,
    /// Fields that are taken from it: name and offset.
    pub(super) fields: Vec<(String, usize)>,
    /// Offsets of its text.
    pub(super) span: (usize, usize),
}

/// What an operand begins with.
#[derive(Debug, Clone)]
pub(super) enum Base {
    /// The current value.
    Dot,
    /// A variable.
    Variable(String),
    /// A function.
    Function(String),
    /// A literal.
    Literal(super::Value),
    /// A pipeline in parentheses.
    Pipe(Box<Pipe>),
}

/// How a list of nodes ended.
enum Ended {
    Template,
    Body,
    Else(usize),
}

/// Deepest nesting of actions and parentheses.
const DEPTH_MAX: usize = 100;

/// Builds the tree.
pub(super) fn parse(tokens: Vec<Placed>) -> Result<Vec<Node>, TemplateError> {
    let mut parser =
        Parser { tokens, next: 0, variables: vec!["$".to_owned()], depth: 0, ranges: 0, line: 1 };
    let (nodes, end) = parser.nodes()?;
    match end {
        Ended::Template => Ok(nodes),
        Ended::Body => Err(parser.error("unexpected {{end}}")),
        Ended::Else(_) => Err(parser.error("unexpected {{else}}")),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    variables: Vec<String>,
    depth: usize,
    ranges: usize,
    line: usize,
}

impl Parser {
    fn error(&self, problem: impl std::fmt::Display) -> TemplateError {
        TemplateError(format!("{}: {problem}", self.line))
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|placed| &placed.token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |placed| placed.at)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next)?.token.clone();
        self.next += 1;
        Some(token)
    }

    fn skip_blanks(&mut self) {
        while self.peek() == Some(&Token::Blank) {
            self.next += 1;
        }
    }

    fn deeper(&mut self) -> Result<(), TemplateError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("nested too deeply"));
        }
        Ok(())
    }

    /// Nodes up to the end of the template or an unmatched `end` or `else`.
    fn nodes(&mut self) -> Result<(Vec<Node>, Ended), TemplateError> {
        self.deeper()?;
        let mut nodes = vec![];
        let end = loop {
            match self.take() {
                None => break Ended::Template,
                Some(Token::Text(text)) => {
                    self.line += text.matches('\n').count();
                    nodes.push(Node::Text(text));
                }
                Some(Token::Open) => {
                    self.skip_blanks();
                    match self.action()? {
                        Ok(node) => nodes.push(node),
                        Err(end) => break end,
                    }
                }
                Some(_) => return Err(self.error("unexpected token")),
            }
        };
        self.depth -= 1;
        Ok((nodes, end))
    }

    /// One action after its `{{`.
    fn action(&mut self) -> Result<Result<Node, Ended>, TemplateError> {
        let at = self.at();
        let word = match self.peek() {
            Some(Token::Word(word)) => word.clone(),
            _ => String::new(),
        };
        let node = match word.as_str() {
            "end" => {
                self.next += 1;
                self.close("end")?;
                return Ok(Err(Ended::Body));
            }
            "else" => {
                self.next += 1;
                self.skip_blanks();
                return Ok(Err(Ended::Else(at)));
            }
            "if" | "with" | "range" => {
                self.next += 1;
                let known = self.variables.len();
                let branch = self.branch(&word)?;
                self.variables.truncate(known);
                match word.as_str() {
                    "if" => Node::If(branch),
                    "with" => Node::With(branch),
                    _ => Node::Range(branch),
                }
            }
            "break" | "continue" => {
                self.next += 1;
                self.close(&word)?;
                if self.ranges == 0 {
                    return Err(self.error(format!("{{{{{word}}}}} outside {{{{range}}}}")));
                }
                if word == "break" { Node::Break } else { Node::Continue }
            }
            "define" | "block" => {
                self.next += 1;
                return self.define(at, word == "block").map(Ok);
            }
            "template" => {
                self.next += 1;
                let name = self.name("template clause")?;
                self.skip_blanks();
                let pipe = match self.peek() {
                    Some(Token::Close) => None,
                    _ => Some(self.pipe("template clause")?),
                };
                self.close("template clause")?;
                Node::Call(at, name, pipe)
            }
            _ => {
                let pipe = self.pipe("command")?;
                self.close("command")?;
                Node::Action(pipe)
            }
        };
        Ok(Ok(node))
    }

    fn name(&mut self, context: &str) -> Result<String, TemplateError> {
        self.skip_blanks();
        match self.take() {
            Some(Token::Text2(name)) => Ok(name),
            _ => {
                Err(self.error(format!("unexpected token in {context}: expected a name in quotes")))
            }
        }
    }

    fn define(&mut self, at: usize, block: bool) -> Result<Node, TemplateError> {
        let name = self.name("define clause")?;
        self.skip_blanks();
        let pipe = if block { Some(self.pipe("block clause")?) } else { None };
        self.close("define clause")?;
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let ranges = std::mem::take(&mut self.ranges);
        let (body, end) = self.nodes()?;
        self.variables = variables;
        self.ranges = ranges;
        if !matches!(end, Ended::Body) {
            return Err(self.error("unexpected EOF"));
        }
        let define = Node::Define(name.clone(), body);
        Ok(match block {
            false => define,
            // A block defines a template and calls it in place.
            true => Node::If(Branch {
                pipe: Pipe {
                    variables: vec![],
                    declares: false,
                    commands: vec![Command {
                        words: vec![Operand {
                            base: Base::Literal(super::Value::Bool(true)),
                            fields: vec![],
                            span: (at, at),
                        }],
                        span: (at, at),
                    }],
                },
                body: vec![define, Node::Call(at, name, pipe)],
                otherwise: vec![],
            }),
        })
    }

    /// Pipeline, body, and what follows `else`.
    fn branch(&mut self, word: &str) -> Result<Branch, TemplateError> {
        self.skip_blanks();
        let pipe = self.pipe(word)?;
        self.close(word)?;
        let range = usize::from(word == "range");
        self.ranges += range;
        let (body, end) = self.nodes()?;
        self.ranges -= range;
        let otherwise = match end {
            Ended::Body => vec![],
            Ended::Template => return Err(self.error("unexpected EOF")),
            Ended::Else(at) => match self.peek() {
                Some(Token::Word(next)) if next == word && word != "range" => {
                    self.next += 1;
                    self.deeper()?;
                    let inner = self.branch(word)?;
                    self.depth -= 1;
                    let _ = at;
                    vec![if word == "if" { Node::If(inner) } else { Node::With(inner) }]
                }
                _ => {
                    self.close("else")?;
                    let (otherwise, end) = self.nodes()?;
                    match end {
                        Ended::Body => otherwise,
                        Ended::Template => return Err(self.error("unexpected EOF")),
                        Ended::Else(_) => {
                            return Err(self.error("expected end; found {{else}}"));
                        }
                    }
                }
            },
        };
        Ok(Branch { pipe, body, otherwise })
    }

    fn close(&mut self, context: &str) -> Result<(), TemplateError> {
        self.skip_blanks();
        match self.take() {
            Some(Token::Close) => Ok(()),
            None => Err(self.error("unclosed action")),
            Some(_) => Err(self.error(format!("unexpected token in {context}"))),
        }
    }

    fn pipe(&mut self, context: &str) -> Result<Pipe, TemplateError> {
        self.deeper()?;
        let (variables, declares) = self.assigned(context)?;
        let mut commands = vec![];
        loop {
            self.skip_blanks();
            commands.push(self.command(context)?);
            self.skip_blanks();
            match self.peek() {
                Some(Token::Symbol('|')) => self.next += 1,
                _ => break,
            }
        }
        self.depth -= 1;
        if declares {
            self.variables.extend(variables.iter().cloned());
        }
        Ok(Pipe { variables, declares, commands })
    }

    /// `$a, $b :=` at the start of a pipeline, if it is there.
    fn assigned(&mut self, context: &str) -> Result<(Vec<String>, bool), TemplateError> {
        let start = self.next;
        let mut variables = vec![];
        while let Some(Token::Variable(name)) = self.peek().cloned() {
            self.next += 1;
            variables.push(name);
            self.skip_blanks();
            match self.peek() {
                Some(Token::Symbol(',')) if context == "range" && variables.len() == 1 => {
                    self.next += 1;
                    self.skip_blanks();
                }
                Some(Token::Declare) => {
                    self.next += 1;
                    return Ok((variables, true));
                }
                Some(Token::Symbol('=')) => {
                    self.next += 1;
                    if let Some(name) = variables.iter().find(|name| !self.variables.contains(name))
                    {
                        return Err(self.error(format!("undefined variable {name:?}")));
                    }
                    return Ok((variables, false));
                }
                _ => break,
            }
        }
        self.next = start;
        Ok((vec![], false))
    }

    fn command(&mut self, context: &str) -> Result<Command, TemplateError> {
        let start = self.at();
        let mut words = vec![];
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(Token::Close | Token::Symbol('|' | ')')) | None => break,
                _ => words.push(self.operand(context)?),
            }
        }
        let end = words.last().map_or(start, |word: &Operand| word.span.1);
        match words.is_empty() {
            true if self.peek().is_none() => Err(self.error("unclosed action")),
            true => Err(self.error(format!("missing value for {context}"))),
            false => Ok(Command { words, span: (start, end) }),
        }
    }

    fn operand(&mut self, context: &str) -> Result<Operand, TemplateError> {
        let start = self.at();
        let mut fields = vec![];
        let base = match self.take() {
            Some(Token::Dot) => Base::Dot,
            Some(Token::Field(name)) => {
                fields.push((name, start));
                Base::Dot
            }
            Some(Token::Variable(name)) => {
                if !self.variables.contains(&name) {
                    return Err(self.error(format!("undefined variable {name:?}")));
                }
                Base::Variable(name)
            }
            Some(Token::Text2(text)) => Base::Literal(super::Value::Text(text)),
            Some(Token::Int(number)) => Base::Literal(super::Value::Int(number)),
            Some(Token::Float(number)) => Base::Literal(super::Value::Float(number)),
            Some(Token::Word(word)) => match word.as_str() {
                "true" => Base::Literal(super::Value::Bool(true)),
                "false" => Base::Literal(super::Value::Bool(false)),
                "nil" => Base::Literal(super::Value::Null),
                _ if functions::exists(&word) => Base::Function(word),
                _ => return Err(self.error(format!("function {word:?} not defined"))),
            },
            Some(Token::Symbol('(')) => {
                self.skip_blanks();
                let pipe = self.pipe("parenthesized pipeline")?;
                self.skip_blanks();
                match self.take() {
                    Some(Token::Symbol(')')) => Base::Pipe(Box::new(pipe)),
                    _ => return Err(self.error("unclosed left paren")),
                }
            }
            None => return Err(self.error("unclosed action")),
            Some(token) => {
                return Err(self.error(format!("unexpected {token:?} in {context}")));
            }
        };
        while let Some(Token::Field(name)) = self.peek().cloned() {
            fields.push((name, self.at()));
            self.next += 1;
        }
        // The token after the operand begins where the operand's text ends.
        Ok(Operand { base, fields, span: (start, self.at()) })
    }
}
