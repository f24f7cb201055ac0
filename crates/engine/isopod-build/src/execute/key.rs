//! Keys of the cache: a digest over everything that a step's result depends on.

use isopod_base::{Algorithm, Hasher};

/// Changes whenever steps come to mean something else.
const VERSION: &str = "isopod-build 1";

/// Collects what a result depends on. Each part is written with its length, so that no two
/// lists of parts are written alike.
#[derive(Debug)]
pub(super) struct Key(Hasher);

impl Key {
    pub(super) fn new(kind: &str) -> Self {
        let mut key = Self(Hasher::new(Algorithm::Sha256));
        key.text(VERSION).text(kind);
        key
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        self.0.update(&number.to_le_bytes());
        self
    }

    pub(super) fn list<'a>(&mut self, list: impl IntoIterator<Item = &'a String>) -> &mut Self {
        let list: Vec<&String> = list.into_iter().collect();
        self.number(list.len() as u64);
        for text in list {
            self.text(text);
        }
        self
    }

    pub(super) fn optional(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            None => self.number(0),
            Some(text) => self.number(1).text(text),
        }
    }

    pub(super) fn finish(self) -> String {
        self.0.finish().hex().to_owned()
    }
}
