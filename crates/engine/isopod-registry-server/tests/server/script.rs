//! Cases as text. A case is a name, variables, requests, and what is expected of each answer:
//!
//! ```text
//! case NAME
//! except docker-registry: REASON        (the case is not run there)
//! let blob = some text                  ($blob, $blob.digest, $blob.size)
//! push $blob                            (puts it into $repo, by POST and PUT)
//! GET /v2/$repo/blobs/$blob.digest | Range: bytes=0-3
//! < body of the request
//! = 206                                 (status; several with |)
//! = Content-Range: bytes 0-3/9          (a header's value; `= Name` alone: it is there)
//! ! Name                                (a header that is not there)
//! = body some
//! = json /errors/0/code "BLOB_UNKNOWN"
//! save loc = Location                   (without scheme and host)
//! ```

use std::collections::BTreeMap;

use isopod_base::Digest;

use crate::http::{Answer, exchange};

/// A case's lines, with their numbers.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) except: Vec<(String, String)>,
    lines: Vec<(usize, String)>,
}

/// Cuts a file into cases.
pub(crate) fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("case ") {
            cases.push(Case { name: name.to_owned(), except: Vec::new(), lines: Vec::new() });
            continue;
        }
        let case = cases.last_mut().expect("a file begins with a case");
        match line.strip_prefix("except ") {
            Some(exception) => {
                let (who, why) = exception.split_once(": ").expect("except WHO: REASON");
                case.except.push((who.to_owned(), why.to_owned()));
            }
            None => case.lines.push((index + 1, line.to_owned())),
        }
    }
    cases
}

/// Runs a case in repositories of its own, and says where it failed.
pub(crate) fn run(case: &Case, address: &str, serial: usize) -> Result<(), String> {
    let mut variables = BTreeMap::from([
        ("repo".to_owned(), format!("suite/case{serial}")),
        ("other".to_owned(), format!("suite/other{serial}")),
    ]);
    let mut answer: Option<Answer> = None;
    let mut lines = case.lines.iter().peekable();
    while let Some((number, line)) = lines.next() {
        let fail = |what: String| format!("line {number}: {line}\n    {what}");
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "let" => {
                let (name, value) = rest.split_once(" = ").expect("let NAME = VALUE");
                variables.insert(name.to_owned(), fill(value, &variables));
            }
            "save" => {
                let (name, header) = rest.split_once(" = ").expect("save NAME = HEADER");
                let value = answer.as_ref().and_then(|answer| answer.header(header));
                let value = value.ok_or_else(|| fail("no such header".to_owned()))?;
                let local = value
                    .split_once("://")
                    .map_or(value, |(_, rest)| rest.find('/').map_or("/", |slash| &rest[slash..]));
                variables.insert(name.to_owned(), local.to_owned());
            }
            "push" => {
                let body = fill(rest, &variables);
                push(address, &variables["repo"], body.as_bytes()).map_err(fail)?;
            }
            "=" => {
                let answer = answer.as_ref().expect("a request comes before");
                expect(answer, &fill(rest, &variables)).map_err(fail)?;
            }
            "!" => {
                let answer = answer.as_ref().expect("a request comes before");
                if let Some(value) = answer.header(rest) {
                    return Err(fail(format!("it is {value:?}")));
                }
            }
            method => {
                let mut parts = rest.split(" | ");
                // `$loc+digest=…` adds to a query, or begins one.
                let target = fill(parts.next().expect("a target"), &variables);
                let joint = if target.contains('?') { "&digest=" } else { "?digest=" };
                let target = target.replace("+digest=", joint);
                let headers: Vec<(String, String)> = parts
                    .map(|header| {
                        let (name, value) = header.split_once(": ").expect("Name: value");
                        (name.to_owned(), fill(value, &variables))
                    })
                    .collect();
                let body = lines.next_if(|(_, next)| next.starts_with("< "));
                let body = body.map_or(String::new(), |(_, text)| fill(&text[2..], &variables));
                let got = exchange(address, method, &target, &headers, body.as_bytes());
                answer = Some(got.map_err(|error| fail(error.to_string()))?);
            }
        }
    }
    Ok(())
}

fn expect(answer: &Answer, expected: &str) -> Result<(), String> {
    let body = || String::from_utf8_lossy(&answer.body).into_owned();
    if let Some(text) = expected.strip_prefix("body") {
        let text = text.trim_start();
        return if body() == text { Ok(()) } else { Err(format!("the body is {:?}", body())) };
    }
    if let Some(rest) = expected.strip_prefix("json ") {
        let (pointer, value) = rest.split_once(' ').expect("json POINTER VALUE");
        let document: serde_json::Value = serde_json::from_slice(&answer.body)
            .map_err(|error| format!("{error} in {:?}", body()))?;
        let value: serde_json::Value = serde_json::from_str(value).expect("a JSON value");
        let found = document.pointer(pointer).cloned().unwrap_or_default();
        return if found == value { Ok(()) } else { Err(format!("it is {found} in {document}")) };
    }
    if expected.starts_with(|c: char| c.is_ascii_digit()) {
        let fits = expected.split('|').any(|status| status.trim() == answer.status.to_string());
        return if fits { Ok(()) } else { Err(format!("{}: {}", answer.status, body())) };
    }
    let (name, value) = match expected.split_once(": ") {
        Some((name, value)) => (name, Some(value)),
        None => (expected, None),
    };
    match (answer.header(name), value) {
        (Some(_), None) => Ok(()),
        (Some(found), Some(value)) if found == value => Ok(()),
        (found, _) => Err(format!("it is {found:?}")),
    }
}

/// Puts variables in.
fn fill(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut out = text.to_owned();
    // The longest names first: `$blob2` before `$blob`.
    let mut names: Vec<&String> = variables.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for name in names {
        let value = &variables[name];
        out =
            out.replace(&format!("${name}.digest"), &Digest::sha256(value.as_bytes()).to_string());
        out = out.replace(&format!("${name}.size"), &value.len().to_string());
        out = out.replace(&format!("${name}"), value);
    }
    out
}

/// Puts a blob into a repository.
pub(crate) fn push(address: &str, repository: &str, body: &[u8]) -> Result<(), String> {
    let send = |method: &str, target: &str, body: &[u8]| {
        exchange(address, method, target, &[], body).map_err(|error| error.to_string())
    };
    let begun = send("POST", &format!("/v2/{repository}/blobs/uploads/"), b"")?;
    let location = begun.header("location").ok_or("no Location")?.to_owned();
    let target = location
        .split_once("://")
        .map_or(location.as_str(), |(_, rest)| rest.find('/').map_or("/", |slash| &rest[slash..]));
    let joint = if target.contains('?') { '&' } else { '?' };
    let target = format!("{target}{joint}digest={}", Digest::sha256(body));
    let ended = send("PUT", &target, body)?;
    if ended.status == 201 { Ok(()) } else { Err(format!("push: {}", ended.status)) }
}
