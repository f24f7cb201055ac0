//! Which cases run, and what is known about them beforehand.

use super::{Exceptions, Record};

/// What every suite is told about its cases.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only cases whose name contains one of these; all when empty.
    pub filters: Vec<String>,
    /// Cases that are known to fail, with reasons.
    pub exceptions: Exceptions,
    /// Called after each case.
    pub progress: Option<fn(&Record)>,
}

impl Selection {
    /// Whether a case is to run.
    pub fn wants(&self, name: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| name.contains(filter.as_str()))
    }

    /// Tells whoever listens what came of a case.
    pub fn tell(&self, record: &Record) {
        if let Some(progress) = self.progress {
            progress(record);
        }
    }
}
