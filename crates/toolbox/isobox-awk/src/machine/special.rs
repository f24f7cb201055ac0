//! Variables that awk itself reads or writes.

use std::rc::Rc;

use super::Machine;
use crate::ast::Special;
use crate::error::Run;
use crate::reader::RecordEnd;
use crate::record::FIELDS_MAX;
use crate::value::{NumberFormat, Value};

impl Machine<'_, '_, '_> {
    pub(super) fn read_special(&mut self, special: Special) -> Value {
        match special {
            Special::Nf | Special::Nr | Special::Fnr => Value::Number(self.count(special)),
            _ => self.globals[special.slot()].clone(),
        }
    }

    /// NF, NR or FNR.
    #[inline]
    pub(super) fn count(&mut self, special: Special) -> f64 {
        match special {
            Special::Nr => self.records,
            Special::Fnr => self.file_records,
            _ => self.record.count() as f64,
        }
    }

    pub(super) fn write_special(&mut self, special: Special, value: Value) -> Run<()> {
        let mut text = self.buffer();
        value.append_to(&mut text, &self.convert);
        match special {
            Special::Nr => self.records = value.number(),
            Special::Fnr => self.file_records = value.number(),
            Special::Nf => {
                let count = value.number();
                let whole = count as usize;
                if count < 0.0 || whole > FIELDS_MAX {
                    return self.fail(format!("NF set to {count}: expected 0 to {FIELDS_MAX}"));
                }
                self.record.set_count(whole);
            }
            Special::Fs => {
                let separator = self.cache.separator(&text);
                self.record.split_all();
                self.separator = separator.or_else(|error| self.bad_regex(&text, &error))?;
            }
            Special::Rs => self.record_end = self.record_end(&text)?,
            Special::Ofs => {
                // A record that is to be put together yet was changed with the old one.
                self.record.text(&self.output_separator, &self.convert);
                self.output_separator.clone_from(&text);
            }
            Special::Ors => self.output_end.clone_from(&text),
            Special::Subsep => self.subscript_separator.clone_from(&text),
            Special::Convfmt => self.convert = NumberFormat::new(&text),
            Special::Ofmt => self.output = NumberFormat::new(&text),
            _ => {}
        }
        self.globals[special.slot()] = value;
        self.release(text);
        Ok(())
    }

    fn record_end(&mut self, text: &[u8]) -> Run<RecordEnd> {
        Ok(match text {
            [] => RecordEnd::Paragraph,
            [byte] => RecordEnd::Byte(*byte),
            [b'\\', byte] if !byte.is_ascii_alphanumeric() => RecordEnd::Byte(*byte),
            _ => {
                let regex = self.cache.regex(text);
                let regex = regex.or_else(|error| self.bad_regex(text, &error))?;
                RecordEnd::Regex(Rc::clone(&regex))
            }
        })
    }

    pub(super) fn bad_regex<T>(&self, text: &[u8], error: &isobox_regex::Error) -> Run<T> {
        let text = String::from_utf8_lossy(text);
        self.fail(format!("Invalid regular expression /{text}/: {error}"))
    }
}
