//! `login` and `logout`.

use std::io::{BufRead, Read, Write};
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use isopod_docker_types::{AuthConfig, AuthResponse};

use crate::args::{Flag, Parsed, boolean, text};
use crate::commands::{Command, Names, Operands};
use crate::image::{DEFAULT_REGISTRY, forget_credentials, store_credentials};
use crate::output::{stderr, stdout};
use crate::session::Session;
use crate::terminal::{ChangedMode, stdin_is_terminal};

static LOGIN_FLAGS: &[Flag] = &[
    text("password", 'p', "Password or token"),
    boolean("password-stdin", ' ', "Read the password or token from standard input"),
    text("username", 'u', "User"),
];

pub(super) static LOGIN: Command = Command {
    names: &["login"],
    usage: "[OPTIONS] [SERVER]",
    summary: "Check credentials for a registry and keep them",
    details: "Without a server, this is Docker Hub. Credentials are kept where docker keeps them.",
    examples: &[("login -u me --password-stdin localhost:5000 < token", "Log in with a token")],
    flags: &[LOGIN_FLAGS],
    operands: Operands::AtMost(1),
    complete: Names::Files,
    run: |session, flags| Box::pin(login(session, flags)),
    ..Command::DEFAULT
};

pub(super) static LOGOUT: Command = Command {
    names: &["logout"],
    usage: "[SERVER]",
    summary: "Forget the credentials for a registry",
    examples: &[("logout localhost:5000", "Forget them")],
    operands: Operands::AtMost(1),
    complete: Names::Files,
    run: |session, flags| Box::pin(logout(session, flags)),
    ..Command::DEFAULT
};

/// Longest password.
const SECRET_MAX: u64 = 64 * 1024;

/// A server as it is kept: without the scheme, or Docker Hub.
fn server(flags: &Parsed) -> String {
    let given = flags.operands.first().map_or("", String::as_str);
    let bare = given.trim_start_matches("https://").trim_start_matches("http://");
    match bare.trim_end_matches('/') {
        "" | "docker.io" | "index.docker.io" | "index.docker.io/v1" => DEFAULT_REGISTRY.to_owned(),
        bare => bare.to_owned(),
    }
}

async fn login(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let server = server(&flags);
    let (username, password) = credentials(&flags)?;
    let auth =
        AuthConfig { username, password, server_address: server.clone(), ..AuthConfig::default() };
    let answer: AuthResponse = session.client.post("/auth", &auth).await?;
    let auth = match answer.identity_token.as_str() {
        "" => auth,
        token => AuthConfig { password: String::new(), identity_token: token.to_owned(), ..auth },
    };
    store_credentials(&session, &auth).await?;
    let status = if answer.status.is_empty() { "Login Succeeded" } else { &answer.status };
    writeln!(stdout(), "{status}").context("write to standard output")?;
    Ok(0)
}

fn credentials(flags: &Parsed) -> Result<(String, String)> {
    let username = flags.text("username");
    if flags.on("password-stdin") {
        if flags.given("password") {
            bail!("conflicting options: cannot specify both --password and --password-stdin");
        }
        if username.is_empty() {
            bail!("the --password-stdin option requires --username to be set");
        }
        let mut password = String::new();
        std::io::stdin()
            .take(SECRET_MAX)
            .read_to_string(&mut password)
            .context("read the password")?;
        return Ok((username, password.trim_end_matches(['\r', '\n']).to_owned()));
    }
    if flags.given("password") {
        writeln!(
            stderr(),
            "WARNING! Using --password via the CLI is insecure. Use --password-stdin."
        )
        .context("write to standard error")?;
    }
    let password = flags.text("password");
    if (username.is_empty() || password.is_empty()) && !stdin_is_terminal() {
        bail!("Error: Cannot perform an interactive login from a non TTY device");
    }
    let username = match username.as_str() {
        "" => ask("Username: ")?,
        _ => username,
    };
    if username.is_empty() {
        bail!("username is required");
    }
    let password = match password.as_str() {
        "" => {
            let _quiet = ChangedMode::without_echo()?;
            let password = ask("Password: ")?;
            writeln!(stderr()).context("write to standard error")?;
            password
        }
        _ => password,
    };
    if password.is_empty() {
        bail!("password is required");
    }
    Ok((username, password))
}

fn ask(prompt: &str) -> Result<String> {
    write!(stderr(), "{prompt}").context("write to standard error")?;
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .take(SECRET_MAX)
        .read_line(&mut line)
        .context("read from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn logout(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let server = server(&flags);
    writeln!(stdout(), "Removing login credentials for {server}")
        .context("write to standard output")?;
    forget_credentials(&session, &server).await?;
    Ok(0)
}
