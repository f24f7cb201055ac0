//! Integer arithmetic: C's operators on 64 bits that wrap.

use crate::ast::{Operation, Param, Parameter, Part};
use crate::names::{Name, Names, is_name_byte, is_name_start};

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    Number(i64),
    Variable(Name),
    /// `$x`, which may be taken as an operand only while its value is all digits.
    Parameter(Parameter),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Ternary(Box<(Expr, Expr, Expr)>),
    /// `x = e`, `x += e`
    Assign(Name, Option<Binary>, Box<Expr>),
    /// `++x`, `x--`: the difference, and whether the new value counts.
    Step(Name, i64, bool),
    Comma(Box<Expr>, Box<Expr>),
}

/// An operator before its operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Plus,
    Minus,
    Not,
    Complement,
}

/// An operator between operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Multiply,
    Divide,
    Remainder,
    Power,
    Add,
    Subtract,
    ShiftLeft,
    ShiftRight,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    BitAnd,
    BitXor,
    BitOr,
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// It is not an expression.
    #[error("arithmetic syntax error")]
    Syntax,
    /// `x / 0`
    #[error("divide by zero")]
    DivideByZero,
    /// `x ** -1`
    #[error("exponent less than 0")]
    Exponent,
    /// A variable whose value is an expression that needs the variable itself.
    #[error("expression recursion loop detected")]
    Recursion,
    /// Too many parentheses.
    #[error("expression too complex")]
    Depth,
    /// What the shell says of a variable: read only, or not set.
    #[error("{}", String::from_utf8_lossy(.0))]
    Variable(Vec<u8>),
    /// Must be expanded as text first.
    #[error("not an operand")]
    NotOperand,
}

type Result<T> = std::result::Result<T, Error>;

/// Where values live.
pub(crate) trait Variables {
    /// A variable's value, as a number.
    fn number(&mut self, name: Name) -> Result<i64>;
    /// A parameter's value if it is all digits.
    fn digits(&mut self, parameter: Parameter) -> Result<i64>;
    /// Sets a variable.
    fn assign(&mut self, name: Name, value: i64) -> Result<()>;
}

/// The expression of a word's parts, if it is one whatever the parameters in it stand for.
pub(crate) fn compile(parts: &[Part], names: &mut Names) -> Option<Expr> {
    let mut text = Vec::new();
    let mut parameters = Vec::new();
    for part in parts {
        match part {
            Part::Text(piece) | Part::Quoted(piece) => {
                let joins = text.last() == Some(&PLACEHOLDER)
                    && piece.first().is_some_and(|&byte| is_name_byte(byte) || byte == b'#');
                if joins || piece.contains(&PLACEHOLDER) {
                    return None;
                }
                text.extend_from_slice(piece);
            }
            Part::Param(param, _) => match **param {
                Param { parameter, operation: Operation::Value }
                    if !matches!(parameter, Parameter::Special(b'@' | b'*' | b'-'))
                        && !text.last().is_some_and(|&byte| {
                            is_name_byte(byte) || byte == b'#' || byte == PLACEHOLDER
                        }) =>
                {
                    parameters.push(parameter);
                    text.push(PLACEHOLDER);
                }
                _ => return None,
            },
            _ => return None,
        }
    }
    let fixed = parameters.is_empty();
    let mut reader = Reader {
        text: &text,
        position: 0,
        names,
        parameters: parameters.into_iter(),
        depth: 0,
        assigns: false,
    };
    let expression = reader.whole().ok()?;
    // A parameter's value is that before any assignment in the same expression.
    (fixed || !reader.assigns).then_some(expression)
}

/// Stands for a parameter in the text to compile.
const PLACEHOLDER: u8 = 1;

/// Parses text that was expanded.
pub(crate) fn parse(text: &[u8], names: &mut Names) -> Result<Expr> {
    let mut reader = Reader {
        text,
        position: 0,
        names,
        parameters: Vec::new().into_iter(),
        depth: 0,
        assigns: false,
    };
    reader.whole()
}

/// A number as scripts write it: decimal, `0x`, octal, or `base#digits`.
#[must_use]
pub(crate) fn number(text: &[u8]) -> Option<i64> {
    let (digits, base) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (rest, 16),
        [b'0', rest @ ..] if !rest.is_empty() => (rest, 8),
        _ => match text.iter().position(|&byte| byte == b'#') {
            Some(hash) => {
                let base = number(&text[..hash]).filter(|base| (2..=64).contains(base))?;
                (&text[hash + 1..], base)
            }
            None => (text, 10),
        },
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0i64;
    for &byte in digits {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            b'A'..=b'Z' if base <= 36 => byte - b'A' + 10,
            b'A'..=b'Z' => byte - b'A' + 36,
            b'@' => 62,
            b'_' => 63,
            _ => return None,
        };
        if i64::from(digit) >= base {
            return None;
        }
        value = value.wrapping_mul(base).wrapping_add(i64::from(digit));
    }
    Some(value)
}

struct Reader<'a> {
    text: &'a [u8],
    position: usize,
    names: &'a mut Names,
    parameters: std::vec::IntoIter<Parameter>,
    depth: u32,
    assigns: bool,
}

const MAX_DEPTH: u32 = 200;

/// Operators between operands, longer ones before their beginnings, with what they do and how
/// tightly they bind.
const OPERATORS: &[(&str, Binary, u8)] = &[
    ("**", Binary::Power, 12),
    ("<<", Binary::ShiftLeft, 9),
    (">>", Binary::ShiftRight, 9),
    ("<=", Binary::LessEqual, 8),
    (">=", Binary::GreaterEqual, 8),
    ("==", Binary::Equal, 7),
    ("!=", Binary::NotEqual, 7),
    ("*", Binary::Multiply, 11),
    ("/", Binary::Divide, 11),
    ("%", Binary::Remainder, 11),
    ("+", Binary::Add, 10),
    ("-", Binary::Subtract, 10),
    ("<", Binary::Less, 8),
    (">", Binary::Greater, 8),
    ("&", Binary::BitAnd, 6),
    ("^", Binary::BitXor, 5),
    ("|", Binary::BitOr, 4),
];
const LOWEST: u8 = 4;

impl Reader<'_> {
    fn whole(&mut self) -> Result<Expr> {
        self.blanks();
        if self.position == self.text.len() {
            return Ok(Expr::Number(0));
        }
        let expression = self.comma()?;
        self.blanks();
        if self.position < self.text.len() { Err(Error::Syntax) } else { Ok(expression) }
    }

    fn blanks(&mut self) {
        while self.text.get(self.position).is_some_and(u8::is_ascii_whitespace) {
            self.position += 1;
        }
    }

    fn rest(&mut self) -> &[u8] {
        self.blanks();
        &self.text[self.position..]
    }

    fn take(&mut self, op: &str) -> bool {
        let found = self.rest().starts_with(op.as_bytes());
        if found {
            self.position += op.len();
        }
        found
    }

    fn comma(&mut self) -> Result<Expr> {
        let mut left = self.assignment()?;
        while self.take(",") {
            left = Expr::Comma(Box::new(left), Box::new(self.assignment()?));
        }
        Ok(left)
    }

    fn assignment(&mut self) -> Result<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::Depth);
        }
        let start = self.position;
        let outcome = match self.target() {
            Some((name, op)) => {
                self.assigns = true;
                Ok(Expr::Assign(name, op, Box::new(self.assignment()?)))
            }
            None => {
                self.position = start;
                self.ternary()
            }
        };
        self.depth -= 1;
        outcome
    }

    /// `name =` or `name op=`
    fn target(&mut self) -> Option<(Name, Option<Binary>)> {
        let name = self.name()?;
        let rest = self.rest();
        if rest.first() == Some(&b'=') {
            if rest.get(1) == Some(&b'=') {
                return None;
            }
            self.position += 1;
            return Some((name, None));
        }
        for (text, op, _) in OPERATORS {
            if let Some(after) = rest.strip_prefix(text.as_bytes()) {
                if after.first() != Some(&b'=') || matches!(*text, "<=" | ">=" | "==" | "!=") {
                    return None;
                }
                self.position += text.len() + 1;
                return Some((name, Some(*op)));
            }
        }
        None
    }

    fn name(&mut self) -> Option<Name> {
        let rest = self.rest();
        if !rest.first().is_some_and(|&byte| is_name_start(byte)) {
            return None;
        }
        let length = rest.iter().take_while(|&&byte| is_name_byte(byte)).count();
        let start = self.position;
        self.position += length;
        Some(self.names.intern(&self.text[start..self.position]))
    }

    fn ternary(&mut self) -> Result<Expr> {
        let condition = self.either()?;
        if !self.take("?") {
            return Ok(condition);
        }
        let then = self.comma()?;
        if !self.take(":") {
            return Err(Error::Syntax);
        }
        let otherwise = self.ternary()?;
        Ok(Expr::Ternary(Box::new((condition, then, otherwise))))
    }

    fn either(&mut self) -> Result<Expr> {
        let mut left = self.both()?;
        while self.take("||") {
            left = Expr::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Expr> {
        let mut left = self.binary(LOWEST)?;
        while self.take("&&") {
            left = Expr::And(Box::new(left), Box::new(self.binary(LOWEST)?));
        }
        Ok(left)
    }

    fn binary(&mut self, lowest: u8) -> Result<Expr> {
        let mut left = self.unary()?;
        while let Some((length, op, precedence)) = self.operator_ahead(lowest) {
            self.position += length;
            // Powers associate to the right.
            let right =
                self.binary(if op == Binary::Power { precedence } else { precedence + 1 })?;
            left = Expr::Binary(op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operator_ahead(&mut self, lowest: u8) -> Option<(usize, Binary, u8)> {
        let rest = self.rest();
        if rest.starts_with(b"&&") || rest.starts_with(b"||") {
            return None;
        }
        let (text, op, precedence) =
            OPERATORS.iter().find(|(text, ..)| rest.starts_with(text.as_bytes()))?;
        let assigns = rest.get(text.len()) == Some(&b'=') && !text.ends_with('=');
        (*precedence >= lowest && !(assigns && rest.get(text.len() + 1) != Some(&b'=')))
            .then_some((text.len(), *op, *precedence))
    }

    fn unary(&mut self) -> Result<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::Depth);
        }
        let outcome = self.unary_inner();
        self.depth -= 1;
        outcome
    }

    fn unary_inner(&mut self) -> Result<Expr> {
        for (text, step) in [("++", 1), ("--", -1)] {
            if self.rest().starts_with(text.as_bytes()) {
                let start = self.position;
                self.position += 2;
                if let Some(name) = self.name() {
                    self.assigns = true;
                    return Ok(Expr::Step(name, step, true));
                }
                // `--5` is two signs.
                self.position = start;
            }
        }
        let op = match self.rest().first() {
            Some(b'+') => Unary::Plus,
            Some(b'-') => Unary::Minus,
            Some(b'!') => Unary::Not,
            Some(b'~') => Unary::Complement,
            _ => return self.operand(),
        };
        self.position += 1;
        Ok(Expr::Unary(op, Box::new(self.unary()?)))
    }

    fn operand(&mut self) -> Result<Expr> {
        if self.take("(") {
            let inner = self.comma()?;
            return if self.take(")") { Ok(inner) } else { Err(Error::Syntax) };
        }
        if let Some(name) = self.name() {
            for (text, step) in [("++", 1), ("--", -1)] {
                if self.take(text) {
                    self.assigns = true;
                    return Ok(Expr::Step(name, step, false));
                }
            }
            return Ok(Expr::Variable(name));
        }
        if self.rest().first() == Some(&PLACEHOLDER)
            && let Some(parameter) = self.parameters.next()
        {
            self.position += 1;
            return Ok(Expr::Parameter(parameter));
        }
        let rest = self.rest();
        let length = rest
            .iter()
            .take_while(|&&byte| is_name_byte(byte) || byte == b'#' || byte == b'@')
            .count();
        let value = number(&rest[..length]).ok_or(Error::Syntax)?;
        self.position += length;
        Ok(Expr::Number(value))
    }
}

/// The value of an expression.
pub(crate) fn evaluate(expression: &Expr, variables: &mut dyn Variables) -> Result<i64> {
    Ok(match expression {
        Expr::Number(value) => *value,
        Expr::Variable(name) => variables.number(*name)?,
        Expr::Parameter(parameter) => variables.digits(*parameter)?,
        Expr::Unary(op, operand) => {
            let value = evaluate(operand, variables)?;
            match op {
                Unary::Plus => value,
                Unary::Minus => value.wrapping_neg(),
                Unary::Not => i64::from(value == 0),
                Unary::Complement => !value,
            }
        }
        Expr::Binary(op, left, right) => {
            let left = evaluate(left, variables)?;
            apply(*op, left, evaluate(right, variables)?)?
        }
        Expr::And(left, right) => {
            i64::from(evaluate(left, variables)? != 0 && evaluate(right, variables)? != 0)
        }
        Expr::Or(left, right) => {
            i64::from(evaluate(left, variables)? != 0 || evaluate(right, variables)? != 0)
        }
        Expr::Ternary(parts) => {
            let (condition, then, otherwise) = &**parts;
            let chosen = if evaluate(condition, variables)? != 0 { then } else { otherwise };
            evaluate(chosen, variables)?
        }
        Expr::Assign(name, op, value) => {
            let value = match op {
                None => evaluate(value, variables)?,
                Some(op) => {
                    let old = variables.number(*name)?;
                    apply(*op, old, evaluate(value, variables)?)?
                }
            };
            variables.assign(*name, value)?;
            value
        }
        Expr::Step(name, step, new) => {
            let old = variables.number(*name)?;
            let value = old.wrapping_add(*step);
            variables.assign(*name, value)?;
            if *new { value } else { old }
        }
        Expr::Comma(first, second) => {
            evaluate(first, variables)?;
            evaluate(second, variables)?
        }
    })
}

fn apply(op: Binary, left: i64, right: i64) -> Result<i64> {
    Ok(match op {
        Binary::Multiply => left.wrapping_mul(right),
        Binary::Divide | Binary::Remainder if right == 0 => return Err(Error::DivideByZero),
        Binary::Divide => left.wrapping_div(right),
        Binary::Remainder => left.wrapping_rem(right),
        Binary::Power if right < 0 => return Err(Error::Exponent),
        Binary::Power => power(left, right),
        Binary::Add => left.wrapping_add(right),
        Binary::Subtract => left.wrapping_sub(right),
        // As the processor does it: the count is taken modulo the width.
        Binary::ShiftLeft => left.wrapping_shl(right as u32),
        Binary::ShiftRight => left.wrapping_shr(right as u32),
        Binary::Less => i64::from(left < right),
        Binary::LessEqual => i64::from(left <= right),
        Binary::Greater => i64::from(left > right),
        Binary::GreaterEqual => i64::from(left >= right),
        Binary::Equal => i64::from(left == right),
        Binary::NotEqual => i64::from(left != right),
        Binary::BitAnd => left & right,
        Binary::BitXor => left ^ right,
        Binary::BitOr => left | right,
    })
}

fn power(mut base: i64, mut exponent: i64) -> i64 {
    let mut value = 1i64;
    while exponent > 0 {
        if exponent & 1 == 1 {
            value = value.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        exponent >>= 1;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Table(std::collections::BTreeMap<Name, i64>);

    impl Variables for Table {
        fn number(&mut self, name: Name) -> Result<i64> {
            Ok(self.0.get(&name).copied().unwrap_or(0))
        }
        fn digits(&mut self, _: Parameter) -> Result<i64> {
            Err(Error::NotOperand)
        }
        fn assign(&mut self, name: Name, value: i64) -> Result<()> {
            self.0.insert(name, value);
            Ok(())
        }
    }

    #[test]
    fn values() {
        let mut names = Names::default();
        let mut table = Table([(names.intern(b"x"), 7)].into());
        let mut check = |text: &str, expected| {
            let value = parse(text.as_bytes(), &mut names)
                .and_then(|expression| evaluate(&expression, &mut table));
            assert_eq!(value, expected, "{text}");
        };
        check("1+2*3", Ok(7));
        check("(1+2)*3", Ok(9));
        check("2**3**2", Ok(512));
        check("-2**2", Ok(4));
        check("x++ + x--", Ok(15));
        check("x<<=1, x", Ok(14));
        check("x=-x", Ok(-14));
        check("1?2:3", Ok(2));
        check("0?2:0?4:5", Ok(5));
        check("1||1/0", Ok(1));
        check("1/0", Err(Error::DivideByZero));
        check("2**-1", Err(Error::Exponent));
        check("0x1F+010", Ok(39));
        check("2#101", Ok(5));
        check("-9223372036854775808/-1", Ok(i64::MIN));
        check("08", Err(Error::Syntax));
        check("1 +", Err(Error::Syntax));
        check("a==b", Ok(1));
        check("!5 + ~5", Ok(-6));
        check("5--3", Ok(8));
        check("", Ok(0));
        check("x == 3 && 1", Ok(0));
        check("5 <= 6", Ok(1));
    }
}
