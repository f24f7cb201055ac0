//! The record and its fields. It is split only as far as somebody asks for fields, and put
//! together again only when somebody asks for `$0`.

use std::rc::Rc;

use isobox_regex::Span;

use crate::split::{Progress, Separator};
use crate::value::{NumberFormat, Value};

/// The largest number of a field.
pub(crate) const FIELDS_MAX: usize = 1 << 24;

#[derive(Debug)]
pub(crate) struct Record {
    text: Vec<u8>,
    fields: Vec<Span>,
    progress: Progress,
    separator: Rc<Separator>,
    /// Whether newlines separate fields whatever the separator is.
    lines: bool,
    /// Values of fields that were assigned; none at all while none was.
    assigned: Vec<Value>,
    /// Whether the text is not yet what the fields say.
    stale: bool,
    spare: Vec<u8>,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self {
            text: Vec::new(),
            fields: Vec::new(),
            progress: Progress::Done,
            separator: Rc::new(Separator::Blanks),
            lines: false,
            assigned: Vec::new(),
            stale: false,
            spare: Vec::new(),
        }
    }

    /// Takes a new record out of `text`, which gets the old one's memory.
    pub(crate) fn replace(&mut self, text: &mut Vec<u8>, separator: &Rc<Separator>, lines: bool) {
        std::mem::swap(&mut self.text, text);
        self.fields.clear();
        self.assigned.clear();
        self.stale = false;
        self.lines = lines;
        self.progress = Progress::At(0);
        if !Rc::ptr_eq(&self.separator, separator) {
            self.separator = Rc::clone(separator);
        }
    }

    fn split(&mut self, limit: usize) {
        let separator = &self.separator;
        separator.split(&self.text, self.lines, &mut self.progress, limit, &mut self.fields);
    }

    /// Splits all of it: the separator is about to change, and holds for later records only.
    pub(crate) fn split_all(&mut self) {
        if self.progress != Progress::Done {
            self.split(usize::MAX);
        }
    }

    pub(crate) fn count(&mut self) -> usize {
        self.split_all();
        self.fields.len()
    }

    /// `$0`.
    #[inline]
    pub(crate) fn text(&mut self, separator: &[u8], format: &NumberFormat) -> &[u8] {
        if self.stale {
            self.join(separator, format);
        }
        &self.text
    }

    fn join(&mut self, separator: &[u8], format: &NumberFormat) {
        self.stale = false;
        self.spare.clear();
        for number in 0..self.fields.len() {
            if number > 0 {
                self.spare.extend_from_slice(separator);
            }
            let start = self.spare.len();
            match self.assigned.get(number) {
                None | Some(Value::Unset) => {
                    let (from, to) = self.fields[number];
                    self.spare.extend_from_slice(&self.text[from..to]);
                }
                Some(value) => value.append_to(&mut self.spare, format),
            }
            self.fields[number] = (start, self.spare.len());
        }
        std::mem::swap(&mut self.text, &mut self.spare);
    }

    /// The value that was assigned to a field, counted from 1; otherwise its bytes.
    #[inline]
    pub(crate) fn field(&mut self, number: usize) -> Result<&[u8], &Value> {
        if self.fields.len() < number && self.progress != Progress::Done {
            self.split(number);
        }
        match self.assigned.get(number - 1) {
            Some(value) if !matches!(value, Value::Unset) => Err(value),
            _ => match self.fields.get(number - 1) {
                Some(&(from, to)) => Ok(&self.text[from..to]),
                None => Err(&Value::Unset),
            },
        }
    }

    pub(crate) fn set_field(&mut self, number: usize, value: Value) {
        if self.count() < number {
            self.fields.resize(number, (0, 0));
        }
        self.assigned.resize(self.fields.len(), Value::Unset);
        self.assigned[number - 1] = match value {
            Value::Unset => Value::text(""),
            value => value,
        };
        self.stale = true;
    }

    pub(crate) fn set_count(&mut self, count: usize) {
        self.split_all();
        self.fields.resize(count, (0, 0));
        if !self.assigned.is_empty() {
            self.assigned.resize(count, Value::Unset);
        }
        self.stale = true;
    }
}
