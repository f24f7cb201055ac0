//! `gw`: calls by HTTP and JSON in scripts.
//!
//! ```text
//! gw [OPTIONS] METHOD [BODY]     POST /v3/METHOD
//! gw [OPTIONS] /PATH [BODY]      POST to the path, or GET without a body
//!   -q POINTER   print what the JSON pointer finds in the answer, not the answer; may be repeated
//!   -n COUNT     print this many lines of a stream, then close it
//!   -t TOKEN     send a token of authentication
//!   -m METHOD    another method of HTTP
//! ```
//!
//! A body `@FILE` is that file. Prints the answer's body; before it, the status unless that is 200. JSON has its fields in
//! order and is without noise.

use std::io::{BufRead, BufReader, Write};

use anyhow::{Context, Result};
use isopod_testkit::http::{self, Address};

use crate::noise;

/// Runs the command; `args` are those behind its name.
pub(crate) fn main(args: Vec<std::ffi::OsString>) -> Result<()> {
    use lexopt::prelude::*;
    let (mut pointers, mut headers, mut words) = (vec![], vec![], vec![]);
    let (mut count, mut method) = (None, None);
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Short('q') => pointers.push(parser.value()?.string()?),
            Short('n') => count = Some(parser.value()?.parse()?),
            Short('t') => headers.push(format!("Authorization: {}", parser.value()?.string()?)),
            Short('m') => method = Some(parser.value()?.string()?),
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let mut words = words.into_iter();
    let path = words.next().context("which method or path?")?;
    let (path, posted) = match path.strip_prefix('/') {
        Some(_) => (path, false),
        None => (format!("/v3/{path}"), true),
    };
    let body = match words.next().or(posted.then(|| "{}".to_owned())) {
        Some(word) if word.starts_with('@') => Some(std::fs::read(&word[1..])?),
        other => other.map(String::into_bytes),
    };
    let method = method.unwrap_or_else(|| if body.is_some() { "POST" } else { "GET" }.into());
    let address = std::env::var("EP").context("EP is not set")?;
    let address = Address::Tcp(address.parse().context("EP is no address")?);
    let body = body.as_deref();
    let mut out = std::io::stdout();
    match count {
        Some(count) => {
            let mut stream = address.connect()?;
            stream.write_all(&http::head_and_body(&method, &path, &headers, body))?;
            for line in documents(BufReader::new(stream)).take(count) {
                writeln!(out, "{}", show(&line?, &pointers))?;
            }
        }
        None => {
            let answer = http::request(&address, &method, &path, &headers, body)?;
            if answer.status != 200 {
                write!(out, "{} ", answer.status)?;
            }
            let text = String::from_utf8_lossy(&answer.body);
            for line in text.lines() {
                writeln!(out, "{}", show(line, &pointers))?;
            }
        }
    }
    Ok(())
}

fn show(line: &str, pointers: &[String]) -> String {
    match serde_json::from_str(line) {
        Ok(document) => noise::show(document, pointers),
        Err(_) => line.to_owned(),
    }
}

/// The lines of a stream that are JSON objects. A stream's chunks and its documents both are
/// lines, so what is no document is the chunks' framing.
fn documents(stream: impl BufRead) -> impl Iterator<Item = std::io::Result<String>> {
    stream
        .lines()
        .filter(|line| line.as_ref().is_ok_and(|line| line.starts_with('{')) || line.is_err())
}
