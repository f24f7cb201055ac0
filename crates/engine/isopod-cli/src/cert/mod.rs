//! Commands about certificates: what an engine behind TCP and its clients prove themselves with.

mod files;
mod show;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use isopod_base::times::Timestamp;
use isopod_certificates::{Authority, Description, Purpose, Request};
use isopod_tls::{SERVER_DIRECTORY, SideFiles};

use crate::args::{Flag, Parsed, text, typed};
use crate::commands::{Command, Names, Operands};
use crate::output::stdout;
use crate::session::Session;
use files::{Made, install, replace_certificate};

/// Days that a server or a client is certified for: what clients accept at most of public ones.
const DAYS: u32 = 825;
/// Days of an authority.
const AUTHORITY_DAYS: u32 = 3650;

static DIRECTORY_FLAGS: &[Flag] =
    &[text("dir", ' ', "Directory of the authority and the server").default(SERVER_DIRECTORY)];

static CLIENT_FLAGS: &[Flag] =
    &[text("client-dir", ' ', "Directory of the client's files").default("~/.docker")];

static DAYS_FLAGS: &[Flag] =
    &[typed("days", ' ', "uint", "Days that certificates are valid").default("825")];

static CREATE_FLAGS: &[Flag] =
    &[typed("ca-days", ' ', "uint", "Days that a new authority is valid").default("3650")];

/// All of them.
pub(crate) const COMMANDS: &[&Command] = &[&CREATE, &CLIENT, &RENEW, &show::SHOW];

static CREATE: Command = Command {
    names: &["cert create"],
    usage: "[OPTIONS] [NAME...]",
    summary: "Create an authority, a server's and a client's certificate",
    details: "NAME is a host name or an address that clients reach this machine by; its own name \
              and localhost are always among them. What is there already stays as it is.",
    examples: &[
        ("cert create", "For clients that call this machine by its name"),
        ("cert create box.example.com 10.0.0.7", "By other names and addresses too"),
    ],
    flags: &[DIRECTORY_FLAGS, CLIENT_FLAGS, DAYS_FLAGS, CREATE_FLAGS],
    operands: Operands::AtLeast(0),
    complete: Names::Files,
    run: |session, flags| Box::pin(async move { create(&session, &flags) }),
    ..Command::DEFAULT
};

static CLIENT: Command = Command {
    names: &["cert client"],
    usage: "[OPTIONS] NAME DIR",
    summary: "Create a certificate for one more client",
    details: "DIR gets ca.pem, cert.pem and key.pem, to be copied to the client's ~/.docker.",
    examples: &[("cert client alice ./alice", "For a person called alice")],
    flags: &[DIRECTORY_FLAGS, DAYS_FLAGS],
    operands: Operands::Exactly(2),
    complete: Names::Files,
    run: |_session, flags| Box::pin(async move { client(&flags) }),
    ..Command::DEFAULT
};

static RENEW: Command = Command {
    names: &["cert renew"],
    usage: "[OPTIONS]",
    summary: "Sign the server's and the client's certificate anew",
    details: "Names and keys stay. The engine reads certificates when it starts.",
    examples: &[("cert renew", "Before the certificates end, as 'cert show' tells")],
    flags: &[DIRECTORY_FLAGS, CLIENT_FLAGS, DAYS_FLAGS],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(async move { renew(&session, &flags) }),
    ..Command::DEFAULT
};

/// The authority's key, beside the server's files.
fn authority_key(directory: &Path) -> PathBuf {
    directory.join("ca-key.pem")
}

fn directory(flags: &Parsed) -> &Path {
    Path::new(flags.get("dir").unwrap_or(SERVER_DIRECTORY))
}

fn client_directory<'a>(session: &'a Session, flags: &'a Parsed) -> &'a Path {
    flags.get("client-dir").map_or_else(|| session.config_directory(), Path::new)
}

/// The value of a flag that counts days.
fn days(flags: &Parsed, name: &str, default: u32) -> Result<u32> {
    let Some(text) = flags.get(name) else { return Ok(default) };
    text.parse().ok().filter(|days| *days > 0).with_context(|| {
        format!("invalid argument \"{text}\" for \"--{name}\" flag: expected a number of days")
    })
}

fn create(session: &Rc<Session>, flags: &Parsed) -> Result<i32> {
    let now = Timestamp::now();
    let (directory, clients) = (directory(flags), client_directory(session, flags));
    let server_files = SideFiles::of_server(directory);
    let client_files = SideFiles::of_client(clients);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let own = [host.as_str(), "localhost", "127.0.0.1", "::1"];
    let mut names: Vec<String> = vec![];
    for name in own.into_iter().chain(flags.operands.iter().map(String::as_str)) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    let days = days(flags, "days", DAYS)?;
    let user = std::env::var("USER").ok().filter(|user| !user.is_empty());
    let server = Request { purpose: Purpose::Server, name: host.clone(), names, days };
    let client = Request {
        purpose: Purpose::Client,
        name: user.unwrap_or_else(|| "root".to_owned()),
        names: vec![],
        days,
    };
    let authority = own_authority(directory, &server_files, &host, flags, now)?;
    for (request, files) in [(&server, &server_files), (&client, &client_files)] {
        report(&install(&authority, request, files, now)?)?;
    }
    Ok(0)
}

/// The authority of a directory, made if there is none.
fn own_authority(
    directory: &Path,
    files: &SideFiles,
    host: &str,
    flags: &Parsed,
    now: Timestamp,
) -> Result<Authority> {
    let key = authority_key(directory);
    if files.authority.exists() {
        report(&[Made::Kept(files.authority.clone())])?;
        return Ok(Authority::load(&files.authority, &key)?);
    }
    let name = format!("isopod on {host}");
    let authority = Authority::create(&name, now, days(flags, "ca-days", AUTHORITY_DAYS)?)?;
    report(&files::install_authority(&authority, &files.authority, &key)?)?;
    Ok(authority)
}

fn client(flags: &Parsed) -> Result<i32> {
    let [name, target] = flags.operands.as_slice() else { bail!("expected NAME and DIR") };
    let authority = load(directory(flags))?;
    let request = Request {
        purpose: Purpose::Client,
        name: name.clone(),
        names: vec![],
        days: days(flags, "days", DAYS)?,
    };
    let files = SideFiles::of_client(Path::new(target));
    if files.certificate.exists() {
        bail!("{} exists: choose another directory, or renew", files.certificate.display());
    }
    report(&install(&authority, &request, &files, Timestamp::now())?)?;
    Ok(0)
}

fn renew(session: &Rc<Session>, flags: &Parsed) -> Result<i32> {
    let directory = directory(flags);
    let authority = load(directory)?;
    let days = days(flags, "days", DAYS)?;
    let client_files = SideFiles::of_client(client_directory(session, flags));
    let mut renewed = 0;
    for files in [SideFiles::of_server(directory), client_files] {
        if !files.certificate.exists() {
            continue;
        }
        let old = Description::of_file(&files.certificate)?;
        files::check_authority(&authority, &files)?;
        let Some(purpose) = old.purposes.first().copied() else {
            bail!("{} is for no purpose that is known here", files.certificate.display());
        };
        let request = Request { purpose, name: old.subject, names: old.names, days };
        report(&[replace_certificate(&authority, &request, &files, Timestamp::now())?])?;
        renewed += 1;
    }
    if renewed == 0 {
        bail!("there is no certificate in {}: create some by 'cert create'", directory.display());
    }
    Ok(0)
}

fn load(directory: &Path) -> Result<Authority> {
    let files = SideFiles::of_server(directory);
    if !files.authority.exists() {
        bail!("there is no authority in {}: create one by 'cert create'", directory.display());
    }
    Ok(Authority::load(&files.authority, &authority_key(directory))?)
}

fn report(made: &[Made]) -> Result<()> {
    for made in made {
        let (word, path) = match made {
            Made::Created(path) => ("created", path),
            Made::Renewed(path) => ("renewed", path),
            Made::Kept(path) => ("kept", path),
        };
        writeln!(stdout(), "{word} {}", path.display()).context("write to standard output")?;
    }
    Ok(())
}
