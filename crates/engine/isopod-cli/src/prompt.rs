//! Asking before something is lost.

use std::io::{BufRead, Read, Write};

use anyhow::{Context, Result};

use crate::output::stdout;
use crate::session::Exit;

/// Longest answer.
const ANSWER_MAX: u64 = 1024;

/// Asks; anything but yes is no, which ends the command quietly.
pub(crate) fn confirm(question: &str) -> Result<()> {
    write!(stdout(), "{question}\nAre you sure you want to continue? [y/N] ")
        .context("write to standard output")?;
    let mut answer = String::new();
    std::io::stdin().lock().take(ANSWER_MAX).read_line(&mut answer).context("read the answer")?;
    match answer.trim() {
        "y" | "Y" | "yes" | "Yes" | "YES" => Ok(()),
        _ => Err(Exit::error(if answer.is_empty() { 0 } else { 1 }, "")),
    }
}
