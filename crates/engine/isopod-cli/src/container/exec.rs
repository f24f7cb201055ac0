//! `exec`.

use std::rc::Rc;

use anyhow::Result;
use http::Method;
use isopod_docker_types::{ExecCreateRequest, ExecInspect, ExecStartRequest, IdResponse};

use super::attach::{inspect, left};
use super::terminal::{Resized, check_input, console_size, follow_size};
use super::values::{check, environment};
use crate::args::{Flag, Parsed, boolean, list, text};
use crate::commands::{Command, Names, Operands};
use crate::session::{Exit, Session};
use crate::stream::{Attached, Ended};
use crate::terminal::DetachKeys;
use isopod_client::{ClientError, Payload, segment};

static FLAGS: &[Flag] = &[
    boolean("detach", 'd', "Run in the background"),
    text("detach-keys", ' ', "Keys that leave the command running").default("ctrl-p,ctrl-q"),
    list("env", 'e', "Environment variable: NAME=VALUE, or NAME to pass it on").check(check::env),
    list("env-file", ' ', "File of environment variables"),
    boolean("interactive", 'i', "Keep standard input open"),
    boolean("privileged", ' ', "Give the command the host's privileges"),
    boolean("tty", 't', "Give the command a terminal"),
    text("user", 'u', "User, and group after a colon"),
    text("workdir", 'w', "Working directory"),
];

pub(super) static EXEC: Command = Command {
    names: &["container exec", "exec"],
    usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
    summary: "Run a command in a running container",
    details: "The exit code is that of the command; 126 if it cannot be run, 127 if there is no such \
              command.",
    examples: &[
        ("exec -it web sh", "Work in a shell in a container"),
        ("exec -u nobody -w /tmp web id", "Run a command as another user"),
        ("exec -i web sh -c 'cat > /tmp/x'", "Send a file into a command"),
    ],
    flags: &[FLAGS],
    operands: Operands::AtLeast(2),
    complete: Names::Running,
    operand_ends_flags: true,
    run: |session, flags| Box::pin(exec(session, flags)),
};

/// The exit code of a command that could not even be started tells why, as a shell's does.
fn refused(error: ClientError) -> anyhow::Error {
    let text = isopod_base::chain(&error).to_string();
    match error.refusal() {
        Some(_) if text.contains("executable file not found") => Exit::error(127, text),
        Some(_) if text.contains("no such file or directory") => Exit::error(127, text),
        Some(_) if text.contains("permission denied") => Exit::error(126, text),
        _ => error.into(),
    }
}

async fn exec(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let (container, command) = flags.operands.split_first().expect("two operands or more");
    let attached = !flags.on("detach");
    let detach_keys = session.detach_keys(flags.get("detach-keys"))?;
    DetachKeys::parse(&detach_keys)?;
    let tty = flags.on("tty");
    let console_size = if tty { console_size() } else { None };
    let body = ExecCreateRequest {
        user: flags.text("user"),
        privileged: flags.on("privileged"),
        tty,
        console_size,
        attach_stdin: attached && flags.on("interactive"),
        attach_stdout: attached,
        attach_stderr: attached,
        detach_keys: detach_keys.clone(),
        env: environment(flags.list("env-file"), flags.list("env"))?,
        working_dir: flags.text("workdir"),
        cmd: command.to_vec(),
    };
    if let Err(no_terminal) = check_input(body.attach_stdin, tty) {
        // That there is no such container is the more useful thing to know.
        inspect(&session, container).await?;
        return Err(no_terminal);
    }
    let path = format!("/containers/{}/exec", segment(container));
    let id = session.client.post::<IdResponse>(&path, &body).await?.id;
    let start = ExecStartRequest { detach: !attached, tty, console_size };
    let path = format!("/exec/{}/start", segment(&id));
    if !attached {
        session.client.call(Method::POST, &path, Payload::json(&start)?).await?;
        return Ok(0);
    }
    let stream = session.client.hijack(&path, Payload::json(&start)?).await.map_err(refused)?;
    if tty {
        follow_size(&session, Resized::Exec(id.clone()), false)?;
    }
    let attached = Attached { tty, stdin: body.attach_stdin, output: true, detach_keys };
    if attached.run(stream).await? == Ended::Detached {
        return Err(left());
    }
    let ended: ExecInspect = session.client.get(&format!("/exec/{}/json", segment(&id))).await?;
    Ok(ended.exit_code.and_then(|code| i32::try_from(code).ok()).unwrap_or(0))
}
