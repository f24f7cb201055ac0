//! Renders a tree against a value.

use std::borrow::Cow;
use std::collections::HashMap;

use super::lex::line;
use super::parse::{Base, Branch, Command, Node, Operand, Pipe};
use super::value::null_text;
use super::{Mode, TemplateError, Value, functions};

/// Deepest nesting of `{{template}}` calls, as in Go but lower.
const CALLS_MAX: usize = 200;

/// Most bytes that a template may produce.
const OUTPUT_MAX: usize = 64 << 20;

/// Renders `nodes`.
pub(super) fn render(
    nodes: &[Node],
    source: &str,
    data: &Value,
    type_name: &str,
    mode: Mode,
) -> Result<String, TemplateError> {
    let mut definitions = HashMap::new();
    collect(nodes, &mut definitions);
    let mut scope = Scope {
        source,
        type_name,
        mode,
        root: data,
        definitions,
        variables: vec![("$".to_owned(), data.clone())],
        name: String::new(),
        calls: 0,
        out: String::new(),
    };
    scope.walk(nodes, data)?;
    Ok(scope.out)
}

/// The member that a plain pipeline such as `.Config.Env` ends with.
fn last_field(pipe: &Pipe) -> Option<&str> {
    let [command] = pipe.commands.as_slice() else { return None };
    let [word] = command.words.as_slice() else { return None };
    word.fields.last().map(|(name, _)| name.as_str())
}

fn collect<'a>(nodes: &'a [Node], definitions: &mut HashMap<&'a str, &'a [Node]>) {
    for node in nodes {
        match node {
            Node::Define(name, body) => {
                definitions.insert(name, body);
                collect(body, definitions);
            }
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => {
                collect(&branch.body, definitions);
                collect(&branch.otherwise, definitions);
            }
            _ => {}
        }
    }
}

/// How a body ended.
enum Flow {
    On,
    Break,
    Continue,
}

struct Scope<'a> {
    source: &'a str,
    type_name: &'a str,
    mode: Mode,
    root: &'a Value,
    definitions: HashMap<&'a str, &'a [Node]>,
    variables: Vec<(String, Value)>,
    name: String,
    calls: usize,
    out: String,
}

impl<'a> Scope<'a> {
    /// An error in Go's words: line, column, template, text, problem.
    fn error(&self, at: usize, text: &str, problem: impl std::fmt::Display) -> TemplateError {
        let start = self.source[..at].rfind('\n').map_or(0, |newline| newline + 1);
        TemplateError(format!(
            "{}:{}: executing \"{}\" at <{text}>: {problem}",
            line(self.source, at),
            at - start,
            self.name
        ))
    }

    fn text(&self, span: (usize, usize)) -> &'a str {
        self.source[span.0..span.1].trim_end()
    }

    fn walk(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow, TemplateError> {
        for node in nodes {
            if self.out.len() > OUTPUT_MAX {
                return Err(TemplateError(format!("1: output exceeds {OUTPUT_MAX} bytes")));
            }
            match node {
                Node::Text(text) => self.out.push_str(text),
                Node::Action(pipe) => {
                    let value = self.pipe(pipe, dot)?;
                    if pipe.variables.is_empty() {
                        match value.as_ref() {
                            Value::Null => self.out.push_str(null_text(last_field(pipe))),
                            value => self.out.push_str(&value.to_string()),
                        }
                    }
                }
                Node::If(branch) => {
                    let flow = self.scoped(branch, dot, |scope, value| {
                        let body = if value.is_true() { &branch.body } else { &branch.otherwise };
                        scope.walk(body, dot)
                    })?;
                    if !matches!(flow, Flow::On) {
                        return Ok(flow);
                    }
                }
                Node::With(branch) => {
                    let flow = self.scoped(branch, dot, |scope, value| match value.is_true() {
                        true => scope.walk(&branch.body, value),
                        false => scope.walk(&branch.otherwise, dot),
                    })?;
                    if !matches!(flow, Flow::On) {
                        return Ok(flow);
                    }
                }
                Node::Range(branch) => {
                    self.scoped(branch, dot, |scope, value| scope.range(branch, value, dot))?;
                }
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
                Node::Define(..) => {}
                Node::Call(at, name, pipe) => self.call(*at, name, pipe.as_ref(), dot)?,
            }
        }
        Ok(Flow::On)
    }

    /// Evaluates a branch's pipeline and runs `body`; variables declared within go afterwards.
    fn scoped(
        &mut self,
        branch: &Branch,
        dot: &Value,
        body: impl FnOnce(&mut Self, &Value) -> Result<Flow, TemplateError>,
    ) -> Result<Flow, TemplateError> {
        let known = self.variables.len();
        let value = self.pipe(&branch.pipe, dot)?.into_owned();
        let flow = body(self, &value);
        self.variables.truncate(known);
        flow
    }

    fn range(
        &mut self,
        branch: &Branch,
        value: &Value,
        dot: &Value,
    ) -> Result<Flow, TemplateError> {
        let entries: Vec<(Value, Cow<'_, Value>)> = match value {
            Value::List(items) => items
                .iter()
                .enumerate()
                .map(|(at, item)| (Value::Int(at as i64), Cow::Borrowed(item)))
                .collect(),
            Value::Map(_) => value
                .sorted_members()
                .into_iter()
                .map(|(key, value)| (Value::text(key), Cow::Borrowed(value)))
                .collect(),
            Value::Int(count) => (0..(*count).clamp(0, 1_000_000))
                .map(|at| (Value::Int(at), Cow::Owned(Value::Int(at))))
                .collect(),
            Value::Null => vec![],
            other => {
                let span = branch.pipe.commands[0].span;
                let problem = format!("range can't iterate over {other}");
                return Err(self.error(span.0, self.text(span), problem));
            }
        };
        if entries.is_empty() {
            return self.walk(&branch.otherwise, dot);
        }
        let known = self.variables.len();
        for (key, item) in entries {
            match branch.pipe.variables.as_slice() {
                [element] => self.assign(element, branch.pipe.declares, item.clone().into_owned()),
                [index, element] => {
                    self.assign(index, branch.pipe.declares, key);
                    self.assign(element, branch.pipe.declares, item.clone().into_owned());
                }
                _ => {}
            }
            let flow = self.walk(&branch.body, &item)?;
            self.variables.truncate(known);
            if matches!(flow, Flow::Break) {
                break;
            }
        }
        Ok(Flow::On)
    }

    fn call(
        &mut self,
        at: usize,
        name: &str,
        pipe: Option<&Pipe>,
        dot: &Value,
    ) -> Result<(), TemplateError> {
        let text = format!("{{{{template {name:?}}}}}");
        let Some(body) = self.definitions.get(name).copied() else {
            return Err(self.error(at, &text, format!("template {name:?} not defined")));
        };
        if self.calls >= CALLS_MAX {
            let problem = format!("exceeded maximum template depth ({CALLS_MAX})");
            return Err(self.error(at, &text, problem));
        }
        let value = match pipe {
            Some(pipe) => self.pipe(pipe, dot)?.into_owned(),
            None => Value::Null,
        };
        self.calls += 1;
        let variables =
            std::mem::replace(&mut self.variables, vec![("$".to_owned(), value.clone())]);
        let caller = std::mem::replace(&mut self.name, name.to_owned());
        self.walk(body, &value)?;
        self.name = caller;
        self.variables = variables;
        self.calls -= 1;
        Ok(())
    }

    fn assign(&mut self, name: &str, declares: bool, value: Value) {
        let known = self.variables.iter_mut().rev().find(|(known, _)| known == name);
        match known {
            Some((_, known)) if !declares => *known = value,
            _ => self.variables.push((name.to_owned(), value)),
        }
    }

    fn pipe<'v>(&mut self, pipe: &Pipe, dot: &'v Value) -> Result<Cow<'v, Value>, TemplateError> {
        let mut value: Option<Cow<'v, Value>> = None;
        for command in &pipe.commands {
            let last = value.take().map(Cow::into_owned);
            value = Some(self.command(command, dot, last)?);
        }
        let value = value.unwrap_or(Cow::Owned(Value::Null));
        // The variables of a range are set anew for each item.
        if let [name] = pipe.variables.as_slice() {
            self.assign(name, pipe.declares, value.clone().into_owned());
        }
        Ok(value)
    }

    fn command<'v>(
        &mut self,
        command: &Command,
        dot: &'v Value,
        last: Option<Value>,
    ) -> Result<Cow<'v, Value>, TemplateError> {
        let (first, words) = command.words.split_first().expect("a command has a word");
        if let (Base::Function(name), true) = (&first.base, first.fields.is_empty()) {
            return self.function(name, command, words, dot, last).map(Cow::Owned);
        }
        if words.is_empty() && last.is_none() {
            return self.operand(first, dot);
        }
        let mut arguments = words
            .iter()
            .map(|word| self.operand(word, dot).map(Cow::into_owned))
            .collect::<Result<Vec<_>, _>>()?;
        arguments.extend(last);
        match (self.operand(first, dot)?.as_ref(), arguments.as_slice()) {
            (Value::Lookup(members), [Value::Text(key)]) => {
                let found = members.iter().find(|(name, _)| name == key);
                Ok(Cow::Owned(match (found, self.mode) {
                    (Some((_, value)), _) => value.clone(),
                    (None, Mode::Data) => Value::text(""),
                    (None, Mode::Titles) => Value::text(label_title(key)),
                }))
            }
            _ => Err(self.error(
                first.span.0,
                self.text(first.span),
                format!("can't give argument to non-function {}", self.text(first.span)),
            )),
        }
    }

    fn function(
        &mut self,
        name: &str,
        command: &Command,
        words: &[Operand],
        dot: &Value,
        last: Option<Value>,
    ) -> Result<Value, TemplateError> {
        let mut arguments = vec![];
        for word in words {
            let value = self.operand(word, dot)?.into_owned();
            // These two look no further than they need.
            let settled = match name {
                "and" => !value.is_true(),
                "or" => value.is_true(),
                _ => false,
            };
            if settled {
                return Ok(value);
            }
            arguments.push(value);
        }
        arguments.extend(last);
        functions::call(name, &arguments, self.mode).map_err(|problem| {
            let text = self.text(command.span);
            self.error(command.span.0, text, format!("error calling {name}: {problem}"))
        })
    }

    fn operand<'v>(
        &mut self,
        operand: &Operand,
        dot: &'v Value,
    ) -> Result<Cow<'v, Value>, TemplateError> {
        let mut value: Cow<'v, Value> = match &operand.base {
            Base::Dot => Cow::Borrowed(dot),
            Base::Variable(name) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                Cow::Owned(known.map_or(Value::Null, |(_, value)| value.clone()))
            }
            Base::Literal(value) => Cow::Owned(value.clone()),
            Base::Pipe(pipe) => Cow::Owned(self.pipe(pipe, dot)?.into_owned()),
            Base::Function(name) => {
                let result = functions::call(name, &[], self.mode).map_err(|problem| {
                    let text = self.text(operand.span);
                    self.error(operand.span.0, text, format!("error calling {name}: {problem}"))
                })?;
                Cow::Owned(result)
            }
        };
        for (name, at) in &operand.fields {
            value = match value {
                Cow::Borrowed(value) => Cow::Borrowed(self.field(value, name, *at, operand)?),
                Cow::Owned(value) => Cow::Owned(self.field(&value, name, *at, operand)?.clone()),
            };
        }
        Ok(value)
    }

    fn field<'v>(
        &self,
        value: &'v Value,
        name: &str,
        at: usize,
        operand: &Operand,
    ) -> Result<&'v Value, TemplateError> {
        if let Some(found) = value.member(name) {
            return Ok(found);
        }
        // Go quotes the whole chain, and places it where its second field begins.
        let text = self.text(operand.span);
        let second = usize::from(matches!(operand.base, Base::Dot));
        let at = operand.fields.get(second).map_or(at, |(_, at)| *at);
        Err(match value {
            Value::Map(_) if std::ptr::eq(value, self.root) && !self.type_name.is_empty() => self
                .error(at, text, format!("can't evaluate field {name} in type {}", self.type_name)),
            Value::Map(_) => self.error(at, text, format!("map has no entry for key {name:?}")),
            Value::Null => {
                self.error(at, text, format!("nil pointer evaluating interface {{}}.{name}"))
            }
            value => self.error(
                at,
                text,
                format!("can't evaluate field {name} in type {}", value.type_name()),
            ),
        })
    }
}

/// The title of a column of labels: the last part of the label's name, in words.
fn label_title(label: &str) -> String {
    label.rsplit('.').next().unwrap_or_default().replace(['-', '_'], " ")
}
