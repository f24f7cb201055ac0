//! The parser: recursive descent over tokens, which resolves names as it goes.

mod expression;
mod infer;
mod statement;

use std::collections::HashMap;

use crate::ast::{Function, Global, Pattern, Program, Rule, Special, Variable};
use crate::error::SyntaxError;
use crate::lexer::{Lexer, Token};
use crate::source::Source;

use infer::Facts;

type Parsed<T> = Result<T, SyntaxError>;

/// How deep statements and expressions may nest: they are walked by recursion.
const DEPTH_MAX: u32 = 200;

/// How many operators of one precedence may follow each other.
const CHAIN_MAX: u32 = 2_000;

pub(crate) struct Parser<'s> {
    lexer: Lexer<'s>,
    token: Token,
    utf8: bool,
    program: Program,
    globals: HashMap<String, usize>,
    functions: HashMap<String, usize>,
    /// The function that is being read, and its parameters.
    function: Option<(usize, Vec<String>)>,
    facts: Facts,
    loops: u32,
    depth: u32,
    /// In `print a > b` the sign is no comparison, unless in parentheses.
    in_print: bool,
    /// In BEGIN and END there is no record to leave.
    in_rule: bool,
}

impl<'s> Parser<'s> {
    pub(crate) fn new(source: &'s Source, utf8: bool) -> Self {
        let mut parser = Self {
            lexer: Lexer::new(source),
            token: Token::Newline,
            utf8,
            program: Program::default(),
            globals: HashMap::new(),
            functions: HashMap::new(),
            function: None,
            facts: Facts::default(),
            loops: 0,
            depth: 0,
            in_print: false,
            in_rule: false,
        };
        for (name, special) in Special::ALL {
            let slot = parser.global(name);
            debug_assert_eq!(slot, special.slot());
        }
        for special in [Special::Argv, Special::Environ] {
            parser.facts.note(infer::Slot::Global(special.slot()), infer::Use::Array, 0);
        }
        parser
    }

    pub(crate) fn program(mut self) -> Parsed<Program> {
        self.advance()?;
        loop {
            while self.eat(";")? || self.eat_newline()? {}
            if self.token == Token::End {
                break;
            }
            self.item()?;
        }
        self.facts.solve(&mut self.program).map_err(|(line, message)| {
            self.lexer.line = line;
            self.lexer.error(message)
        })?;
        Ok(self.program)
    }

    fn item(&mut self) -> Parsed<()> {
        if self.eat("function")? {
            return self.function();
        }
        for begin in [true, false] {
            if self.eat(if begin { "BEGIN" } else { "END" })? {
                self.newlines()?;
                let body = self.block()?;
                let list = if begin { &mut self.program.begin } else { &mut self.program.end };
                list.push(body);
                return Ok(());
            }
        }
        self.in_rule = true;
        let line = self.lexer.line;
        let pattern = self.pattern()?;
        let body = match (&self.token, &pattern) {
            (Token::Fixed("{"), _) => Some(self.block()?),
            (Token::Newline | Token::End | Token::Fixed(";"), _) => None,
            _ => return Err(self.unexpected()),
        };
        self.in_rule = false;
        self.program.rules.push(Rule { line, pattern, body });
        Ok(())
    }

    fn pattern(&mut self) -> Parsed<Pattern> {
        if self.is("{") {
            return Ok(Pattern::Always);
        }
        let first = self.single()?;
        if !self.eat(",")? {
            return Ok(Pattern::When(first));
        }
        self.newlines()?;
        let last = self.single()?;
        self.program.ranges += 1;
        Ok(Pattern::Range(first, last, self.program.ranges - 1))
    }

    fn function(&mut self) -> Parsed<()> {
        let (Token::Name(name) | Token::CalledName(name)) = self.take()? else {
            return Err(self.unexpected());
        };
        let id = self.function_named(&name);
        if self.program.functions[id].body.is_some() {
            return Err(self.lexer.error(format!("function {name} is defined twice")));
        }
        self.expect("(")?;
        let mut parameters: Vec<String> = Vec::new();
        while !self.is(")") {
            if !parameters.is_empty() {
                self.expect(",")?;
                self.newlines()?;
            }
            let Token::Name(parameter) = self.take()? else { return Err(self.unexpected()) };
            if parameters.contains(&parameter) || parameter == name {
                let message = format!("parameter {parameter} of function {name}: name in use");
                return Err(self.lexer.error(message));
            }
            parameters.push(parameter);
        }
        self.expect(")")?;
        self.newlines()?;
        self.program.functions[id].parameters = vec![false; parameters.len()];
        self.function = Some((id, parameters));
        self.in_rule = true;
        let body = self.block()?;
        self.in_rule = false;
        self.function = None;
        self.program.functions[id].body = Some(body);
        Ok(())
    }

    fn function_named(&mut self, name: &str) -> usize {
        if let Some(&id) = self.functions.get(name) {
            return id;
        }
        let id = self.program.functions.len();
        self.program.functions.push(Function { name: name.to_owned(), ..Function::default() });
        self.functions.insert(name.to_owned(), id);
        id
    }

    fn global(&mut self, name: &str) -> usize {
        if let Some(&slot) = self.globals.get(name) {
            return slot;
        }
        let slot = self.program.globals.len();
        self.program.globals.push(Global { name: name.to_owned(), is_array: false });
        self.globals.insert(name.to_owned(), slot);
        slot
    }

    fn variable(&mut self, name: &str) -> Variable {
        if let Some((_, parameters)) = &self.function
            && let Some(at) = parameters.iter().position(|parameter| parameter == name)
        {
            return Variable::Local(at);
        }
        let slot = self.global(name);
        match Special::ALL.get(slot) {
            Some((_, special)) if special.is_watched() => Variable::Special(*special),
            _ => Variable::Global(slot),
        }
    }

    fn note(&mut self, variable: Variable, usage: infer::Use) {
        let slot = self.slot(variable);
        self.facts.note(slot, usage, self.lexer.line);
    }

    fn slot(&self, variable: Variable) -> infer::Slot {
        match (variable, &self.function) {
            (Variable::Local(at), Some((function, _))) => infer::Slot::Local(*function, at),
            (Variable::Local(at) | Variable::Global(at), _) => infer::Slot::Global(at),
            (Variable::Special(special), _) => infer::Slot::Global(special.slot()),
        }
    }

    fn advance(&mut self) -> Parsed<()> {
        self.token = self.lexer.next()?;
        Ok(())
    }

    fn take(&mut self) -> Parsed<Token> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn is(&self, fixed: &str) -> bool {
        matches!(self.token, Token::Fixed(token) if token == fixed)
    }

    fn eat(&mut self, fixed: &str) -> Parsed<bool> {
        let is = self.is(fixed);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    fn expect(&mut self, fixed: &str) -> Parsed<()> {
        if self.eat(fixed)? { Ok(()) } else { Err(self.unexpected()) }
    }

    fn eat_newline(&mut self) -> Parsed<bool> {
        let is = self.token == Token::Newline;
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    fn newlines(&mut self) -> Parsed<()> {
        while self.eat_newline()? {}
        Ok(())
    }

    fn unexpected(&self) -> SyntaxError {
        self.lexer.error("Unexpected token")
    }

    /// Runs `parse` a level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH_MAX {
            return Err(self.lexer.error("Nested too deeply"));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(program: &str, expected: Result<(), &str>) {
        let mut source = Source::default();
        source.add(None, program.as_bytes());
        let outcome = Parser::new(&source, false).program();
        let outcome = outcome.map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(outcome, expected.map_err(str::to_owned), "{program}");
    }

    #[test]
    fn programs_are_read() {
        for program in [
            "",
            "1",
            "/a/,/b/ { print } ; END { print NR }",
            "function f(a, b) { return a + b }\n{ print f(1, 2) }",
            "{ a[1] /= 2 / b / c }",
            "BEGIN { while ((\"date\" | getline line) > 0) print line > \"/dev/null\" }",
            "BEGIN { for (k in a) delete a[k]; for (;;) break }",
            "BEGIN { if (1)\n print 1\n else\n print 2 }",
            "BEGIN { print (1, 2) in a; print (1, 2) > \"x\" \"y\" }",
            "BEGIN { a = b ? c : d ? e : f; x = y = 1; -x ^ 2; !x ~ y }",
        ] {
            check(program, Ok(()));
        }
    }

    #[test]
    fn errors_name_the_line() {
        for (program, expected) in [
            ("BEGIN { print( }", "cmd. line:1: Unexpected token"),
            ("BEGIN {\n  x = \"abc\n}", "cmd. line:2: Unterminated string"),
            ("BEGIN { if (1) break }", "cmd. line:1: 'break' not in a loop"),
            ("\n\n/a(/", "cmd. line:3: Invalid regular expression /a(/: Unmatched ( or \\("),
            ("BEGIN { a[1] = 1; a = 2 }", "cmd. line:1: a is used as an array and as a variable"),
            ("function f(a, a) { }", "cmd. line:1: parameter a of function f: name in use"),
            ("BEGIN { return }", "cmd. line:1: 'return' not in a function"),
            ("BEGIN { sin() }", "cmd. line:1: Too few arguments"),
        ] {
            check(program, Err(expected));
        }
    }

    #[test]
    fn depth_is_bounded() {
        // Without optimisation frames are large; a main thread has this much.
        let test = std::thread::Builder::new().stack_size(8 << 20).spawn(|| {
            let deep = format!("BEGIN {{ x = {}1{} }}", "(".repeat(1000), ")".repeat(1000));
            check(&deep, Err("cmd. line:1: Nested too deeply"));
            let long = format!("BEGIN {{ x = 1{} }}", "+1".repeat(5000));
            check(&long, Err("cmd. line:1: Expression too long"));
        });
        test.unwrap().join().unwrap();
    }
}
