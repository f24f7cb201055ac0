//! `api`: requests of plain HTTP in scripts.
//!
//! ```text
//! api [OPTIONS] METHOD PATH [BODY]
//!   -q POINTER   print what the JSON pointer finds in the body, not the body; may be repeated
//!   -H HEADER    send a header; may be repeated
//!   -h HEADER    print a header of the answer
//!   -f FILE      send a file as the body
//!   -s           print no status
//! api --raw      send standard input as it is, print what comes
//! ```

use std::io::{Read, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use isopod_testkit::http::{self, Address};
use serde_json::Value;

/// Runs the command; `args` are those behind its name.
pub(crate) fn main(args: Vec<std::ffi::OsString>) -> Result<()> {
    use lexopt::prelude::*;
    let socket = std::env::var_os("SOCK").context("SOCK is not set")?;
    let socket = Address::Unix(PathBuf::from(socket));
    let (mut pointers, mut headers, mut shown, mut words) = (vec![], vec![], vec![], vec![]);
    let (mut silent, mut body) = (false, None);
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Short('q') => pointers.push(parser.value()?.string()?),
            Short('H') => headers.push(parser.value()?.string()?),
            Short('h') => shown.push(parser.value()?.string()?),
            Short('f') => body = Some(std::fs::read(PathBuf::from(parser.value()?))?),
            Short('s') => silent = true,
            Long("raw") => return raw(&socket),
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let mut words = words.into_iter();
    let (method, path) = (words.next().context("no method")?, words.next().context("no path")?);
    let body = body.or(words.next().map(String::into_bytes));
    let answer = http::request(&socket, &method, &path, &headers, body.as_deref())?;
    let mut out = std::io::stdout();
    if !silent {
        writeln!(out, "{}", answer.status)?;
    }
    for name in &shown {
        let value = answer.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        writeln!(out, "{}", value.map_or("(none)", |(_, value)| value))?;
    }
    if pointers.is_empty() {
        if shown.is_empty() {
            out.write_all(&answer.body)?;
        }
        return Ok(());
    }
    let document: serde_json::Value = serde_json::from_slice(&answer.body)
        .with_context(|| format!("no JSON: {:?}", String::from_utf8_lossy(&answer.body)))?;
    for pointer in &pointers {
        writeln!(out, "{}", show(document.pointer(pointer)))?;
    }
    Ok(())
}

fn show(value: Option<&Value>) -> String {
    match value {
        None => "(none)".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn raw(socket: &Address) -> Result<()> {
    let mut request = Vec::new();
    std::io::stdin().read_to_end(&mut request)?;
    std::io::stdout().write_all(&http::exchange(socket, &request)?)?;
    Ok(())
}
