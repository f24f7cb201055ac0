//! `cert show`: what certificates say.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Result, bail};
use isopod_base::times::Timestamp;
use isopod_certificates::{Description, Purpose};
use isopod_tls::SideFiles;

use super::{CLIENT_FLAGS, DIRECTORY_FLAGS, client_directory, directory};
use crate::args::{Flag, Parsed};
use crate::commands::{Command, Names, Operands};
use crate::output::{Columns, Listing, format_flags, print_rows};
use crate::session::Session;
use crate::template::Value;

static FORMAT: [Flag; 2] = format_flags();

pub(super) static SHOW: Command = Command {
    names: &["cert show"],
    usage: "[OPTIONS] [FILE...]",
    summary: "Show what certificates are for, and until when",
    examples: &[
        ("cert show", "This machine's own"),
        ("cert show -o json /etc/isopod/tls/server-cert.pem", "All about one"),
    ],
    flags: &[DIRECTORY_FLAGS, CLIENT_FLAGS, &FORMAT],
    operands: Operands::AtLeast(0),
    complete: Names::Files,
    run: |session, flags| Box::pin(async move { show(&session, &flags) }),
    ..Command::DEFAULT
};

const COLUMNS: Columns = Columns {
    type_name: "*formatter.certificateContext",
    titles: &[
        ("File", "FILE"),
        ("Subject", "SUBJECT"),
        ("Issuer", "ISSUER"),
        ("Purpose", "PURPOSE"),
        ("Names", "NAMES"),
        ("NotBefore", "VALID FROM"),
        ("NotAfter", "VALID UNTIL"),
        ("State", "STATE"),
        ("Fingerprint", "FINGERPRINT"),
    ],
    table: "{{.File}}\t{{.Subject}}\t{{.Purpose}}\t{{.Names}}\t{{.NotAfter}}\t{{.State}}",
};

fn show(session: &Rc<Session>, flags: &Parsed) -> Result<i32> {
    let listing = Listing::from_flags(flags, COLUMNS.table)?;
    let files: Vec<PathBuf> = match flags.operands.as_slice() {
        [] => own_files(session, flags)?,
        given => given.iter().map(PathBuf::from).collect(),
    };
    let now = Timestamp::now();
    let rows = files.iter().map(|path| row(path, now)).collect::<Result<Vec<_>>>()?;
    print_rows(&COLUMNS, &listing, &rows)?;
    Ok(0)
}

/// The certificates that this machine has for its engine.
fn own_files(session: &Rc<Session>, flags: &Parsed) -> Result<Vec<PathBuf>> {
    let directory = directory(flags);
    let server = SideFiles::of_server(directory);
    let client = SideFiles::of_client(client_directory(session, flags));
    let files = [server.authority, server.certificate, client.certificate];
    let there: Vec<PathBuf> = files.into_iter().filter(|path| path.exists()).collect();
    if there.is_empty() {
        bail!("there is no certificate in {}: create some by 'cert create'", directory.display());
    }
    Ok(there)
}

fn row(path: &Path, now: Timestamp) -> Result<Value> {
    let description = Description::of_file(path)?;
    let purposes: Vec<&str> = match description.authority {
        true => vec!["authority"],
        false => description.purposes.iter().map(|purpose| word(*purpose)).collect(),
    };
    let state = if now < description.not_before {
        "not yet valid"
    } else if now < description.not_after {
        "valid"
    } else {
        "expired"
    };
    let fields = [
        ("File", path.display().to_string()),
        ("Fingerprint", description.fingerprint.to_string()),
        ("Issuer", description.issuer),
        ("Names", description.names.join(",")),
        ("NotAfter", description.not_after.rfc3339()),
        ("NotBefore", description.not_before.rfc3339()),
        ("Purpose", purposes.join(",")),
        ("State", state.to_owned()),
        ("Subject", description.subject),
    ];
    let row = fields.into_iter().map(|(name, text)| (name.to_owned(), Value::Text(text)));
    Ok(Value::Map(row.collect()))
}

fn word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Server => "server",
        Purpose::Client => "client",
    }
}
