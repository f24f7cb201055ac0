//! Commands that do one thing to each container named: `stop`, `kill`, `rm` and their like.

use std::future::Future;
use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow};
use http::Method;

use crate::args::{Flag, Parsed, boolean, text, typed};
use crate::commands::{Command, Names, Operands};
use crate::output::{stderr, stdout};
use crate::session::{Session, answered};
use isopod_client::{Payload, query, segment};

static STOP_FLAGS: &[Flag] = &[
    text("signal", 's', "Signal to send instead of the container's own"),
    typed("timeout", 't', "int", "Seconds to wait before it is killed; -1 waits for ever"),
    // Docker's older name for it.
    typed("time", ' ', "int", "Same as --timeout"),
];

static KILL_FLAGS: &[Flag] = &[text("signal", 's', "Signal to send").default("KILL")];

static REMOVE_FLAGS: &[Flag] = &[
    boolean("force", 'f', "Kill it first if it runs"),
    boolean("link", 'l', "Remove the link"),
    boolean("volumes", 'v', "Remove its anonymous volumes too"),
];

pub(super) static STOP: Command = Command {
    names: &["container stop", "stop"],
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    summary: "Stop running containers",
    details: "Sends the stop signal, waits, and kills what is left.",
    examples: &[("stop web", "Stop a container"), ("stop -t 2 web", "Give it two seconds")],
    flags: &[STOP_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Running,
    run: |session, flags| {
        let query = stop_query(&flags);
        Box::pin(post_each(session, flags.operands, "stop", query))
    },
    ..Command::DEFAULT
};

pub(super) static RESTART: Command = Command {
    names: &["container restart", "restart"],
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    summary: "Stop containers and start them again",
    examples: &[("restart web", "Restart a container")],
    flags: &[STOP_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Containers,
    run: |session, flags| {
        let query = stop_query(&flags);
        Box::pin(post_each(session, flags.operands, "restart", query))
    },
    ..Command::DEFAULT
};

pub(super) static KILL: Command = Command {
    names: &["container kill", "kill"],
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    summary: "Send a signal to running containers",
    examples: &[("kill web", "Kill a container"), ("kill -s HUP web", "Make it read its settings")],
    flags: &[KILL_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Running,
    run: |session, flags| {
        let query = query(&[("signal", flags.get("signal").unwrap_or("KILL"))]);
        Box::pin(post_each(session, flags.operands, "kill", query))
    },
    ..Command::DEFAULT
};

pub(super) static PAUSE: Command = Command {
    names: &["container pause", "pause"],
    usage: "CONTAINER [CONTAINER...]",
    summary: "Freeze all processes of containers",
    examples: &[("pause web", "Freeze a container")],
    operands: Operands::AtLeast(1),
    complete: Names::Running,
    run: |session, flags| Box::pin(post_each(session, flags.operands, "pause", String::new())),
    ..Command::DEFAULT
};

pub(super) static UNPAUSE: Command = Command {
    names: &["container unpause", "unpause"],
    usage: "CONTAINER [CONTAINER...]",
    summary: "Let frozen containers go on",
    examples: &[("unpause web", "Let a container go on")],
    operands: Operands::AtLeast(1),
    complete: Names::Running,
    run: |session, flags| Box::pin(post_each(session, flags.operands, "unpause", String::new())),
    ..Command::DEFAULT
};

pub(super) static REMOVE: Command = Command {
    names: &["container rm", "container remove", "rm"],
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    summary: "Remove containers",
    examples: &[
        ("rm job", "Remove a stopped container"),
        ("rm -fv web", "Kill and remove one, with its anonymous volumes"),
    ],
    flags: &[REMOVE_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Containers,
    run: |session, flags| Box::pin(remove(session, flags)),
    ..Command::DEFAULT
};

pub(super) static RENAME: Command = Command {
    names: &["container rename", "rename"],
    usage: "CONTAINER NEW_NAME",
    summary: "Rename a container",
    examples: &[("rename web old-web", "Rename a container")],
    operands: Operands::Exactly(2),
    complete: Names::Containers,
    run: |session, flags| {
        Box::pin(async move {
            let (old, new) = (flags.operands[0].trim(), flags.operands[1].trim());
            let path = format!("/containers/{}/rename{}", segment(old), query(&[("name", new)]));
            if let Err(error) = session.client.call(Method::POST, &path, Payload::Empty).await {
                let error = isopod_base::chain(&error);
                return Err(anyhow!("{error}\nError: failed to rename container named {old}"));
            }
            Ok(0)
        })
    },
    ..Command::DEFAULT
};

fn stop_query(flags: &Parsed) -> String {
    let timeout = flags.get("timeout").or(flags.get("time")).unwrap_or_default();
    query(&[("signal", &flags.text("signal")), ("t", timeout)])
}

async fn post_each(
    session: Rc<Session>,
    names: Vec<String>,
    action: &'static str,
    query: String,
) -> Result<i32> {
    each(&session, names, move |session, name| {
        let path = format!("/containers/{}/{action}{query}", segment(&name));
        async move {
            session.client.call(Method::POST, &path, Payload::Empty).await?;
            writeln!(stdout(), "{name}").context("write to standard output")
        }
    })
    .await
}

async fn remove(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let on = |name: &str| if flags.on(name) { "1" } else { "" };
    let query = query(&[("v", on("volumes")), ("link", on("link")), ("force", on("force"))]);
    let force = flags.on("force");
    each(&session, flags.operands, move |session, name| {
        // Docker's habit: a name may be pasted from inspect, with its slash.
        let bare = name.trim_matches('/').to_owned();
        let path = format!("/containers/{}{query}", segment(&bare));
        async move {
            match session.client.call(Method::DELETE, &path, Payload::Empty).await {
                Err(error) if force && answered(&error, 404) => {
                    writeln!(stderr(), "{error}").context("write to standard error")
                }
                Err(error) => Err(error.into()),
                Ok(()) => writeln!(stdout(), "{name}").context("write to standard output"),
            }
        }
    })
    .await
}

/// How many containers are worked on at once.
const AT_ONCE: usize = 32;

/// Does something to each of `names`, several at once, and reports failures in the names' order.
/// The exit code tells whether all went well.
pub(super) async fn each<F>(
    session: &Rc<Session>,
    names: Vec<String>,
    action: impl Fn(Rc<Session>, String) -> F,
) -> Result<i32>
where
    F: Future<Output = Result<()>> + 'static,
{
    let mut code = 0;
    for some in names.chunks(AT_ONCE) {
        let tasks: Vec<_> = some
            .iter()
            .map(|name| tokio::task::spawn_local(action(session.clone(), name.clone())))
            .collect();
        for task in tasks {
            if let Err(error) = task.await.context("a task broke off")? {
                if crate::output::is_broken_pipe(&error) {
                    return Err(error);
                }
                writeln!(stderr(), "{}", isopod_base::chain(error.as_ref()))
                    .context("write to standard error")?;
                code = 1;
            }
        }
    }
    Ok(code)
}
