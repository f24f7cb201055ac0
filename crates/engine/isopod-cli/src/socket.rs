//! Commands about limited sockets.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use http::Method;
use isopod_docker_types::{Socket, SocketCreateRequest};

use crate::args::{Flag, Parsed, boolean, list, text};
use crate::commands::{Command, Names, Operands};
use crate::output::{Columns, Listing, format_flags, print_rows, stderr, stdout};
use crate::session::Session;
use crate::system::{Kind, inspect_all};
use crate::template::Value;
use isopod_client::{Payload, segment};

static CREATE_FLAGS: &[Flag] = &[
    list("allow", ' ', "What is permitted, such as containers:list,read").named("permissions"),
    list("label", ' ', "Only objects with this label exist (KEY=VALUE)"),
    text("path", ' ', "Where the socket lies (default: a directory of its own below /run/isopod)"),
    text("user", 'u', "Owner of the socket, by name or number"),
    text("group", 'g', "Group that may connect, by name or number"),
];

static LIST_FLAGS: &[Flag] = &[boolean("quiet", 'q', "Show names only")];

static FORMAT: [Flag; 2] = format_flags();

static INSPECT_FLAGS: &[Flag] = &[
    text("format", 'f', "How to print: 'json', or a Go template"),
    text("output", 'o', "Short for --format: json"),
];

/// All of them.
pub(crate) const COMMANDS: &[&Command] = &[&CREATE, &LIST, &INSPECT, &REMOVE];

static CREATE: Command = Command {
    names: &["socket create"],
    usage: "[OPTIONS] NAME",
    summary: "Create a socket that permits some operations on some objects",
    details: "Nothing is permitted but what --allow names. Prints the socket's path.",
    examples: &[
        ("socket create watch --allow containers:list,read", "For a monitor"),
        (
            "socket create ci --label team=ci --allow containers:list,read,create,start,attach,remove \
             --allow images:list,read,pull,unlabelled",
            "For jobs that see nothing but their own containers",
        ),
    ],
    flags: &[CREATE_FLAGS],
    operands: Operands::Exactly(1),
    complete: Names::Files,
    run: |session, flags| Box::pin(create(session, flags)),
    ..Command::DEFAULT
};

static LIST: Command = Command {
    names: &["socket ls", "socket list"],
    usage: "[OPTIONS]",
    summary: "List limited sockets",
    examples: &[("socket ls", "Show what each permits")],
    flags: &[LIST_FLAGS, &FORMAT],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(list_sockets(session, flags)),
    ..Command::DEFAULT
};

static INSPECT: Command = Command {
    names: &["socket inspect"],
    usage: "[OPTIONS] SOCKET [SOCKET...]",
    summary: "Show all about limited sockets",
    examples: &[("socket inspect -f '{{.AuditLog}}' ci", "Show where requests are recorded")],
    flags: &[INSPECT_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Files,
    run: |session, flags| Box::pin(inspect_all(session, flags, &[Kind::Socket])),
    ..Command::DEFAULT
};

static REMOVE: Command = Command {
    names: &["socket rm", "socket remove"],
    usage: "SOCKET [SOCKET...]",
    summary: "Remove limited sockets, and end their connections",
    examples: &[("socket rm ci", "Take the permission back")],
    operands: Operands::AtLeast(1),
    complete: Names::Files,
    run: |session, flags| Box::pin(remove(session, flags)),
    ..Command::DEFAULT
};

const COLUMNS: Columns = Columns {
    type_name: "*formatter.socketContext",
    titles: &[
        ("Name", "NAME"),
        ("Path", "PATH"),
        ("Allow", "ALLOW"),
        ("Labels", "LABELS"),
        ("User", "USER"),
        ("Group", "GROUP"),
        ("Created", "CREATED"),
        ("AuditLog", "AUDIT LOG"),
    ],
    table: "{{.Name}}\t{{.Path}}\t{{.Labels}}\t{{.Allow}}",
};

async fn create(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let labels = flags.list("label").iter();
    let body = SocketCreateRequest {
        name: flags.operands[0].clone(),
        path: flags.text("path"),
        user: flags.text("user"),
        group: flags.text("group"),
        allow: flags.list("allow").to_vec(),
        labels: labels
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
    };
    let made: Socket = session.client.post("/isopod/sockets/create", &body).await?;
    writeln!(stdout(), "{}", made.path).context("write to standard output")?;
    Ok(0)
}

async fn list_sockets(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let listing = Listing::from_flags(&flags, COLUMNS.table)?;
    let sockets: Vec<Socket> = session.client.get("/isopod/sockets").await?;
    if flags.on("quiet") {
        for socket in &sockets {
            writeln!(stdout(), "{}", socket.name).context("write to standard output")?;
        }
        return Ok(0);
    }
    let rows: Vec<Value> = sockets.iter().map(row).collect();
    print_rows(&COLUMNS, &listing, &rows)?;
    Ok(0)
}

fn row(socket: &Socket) -> Value {
    let labels: Vec<String> =
        socket.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let number = |id: Option<u32>| id.map(|id| id.to_string()).unwrap_or_default();
    let fields = [
        ("Allow", socket.allow.join(",")),
        ("AuditLog", socket.audit_log.clone()),
        ("Created", socket.created.clone()),
        ("Group", number(socket.group)),
        ("Labels", labels.join(",")),
        ("Name", socket.name.clone()),
        ("Path", socket.path.clone()),
        ("User", number(socket.user)),
    ];
    let fields = fields.into_iter().map(|(name, text)| (name.to_owned(), Value::Text(text)));
    Value::Map(fields.collect())
}

async fn remove(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let mut code = 0;
    for name in &flags.operands {
        let path = format!("/isopod/sockets/{}", segment(name));
        match session.client.call(Method::DELETE, &path, Payload::Empty).await {
            Ok(()) => writeln!(stdout(), "{name}").context("write to standard output")?,
            Err(error) => {
                code = 1;
                writeln!(stderr(), "{}", isopod_base::chain(&error))
                    .context("write to standard error")?;
            }
        }
    }
    Ok(code)
}
