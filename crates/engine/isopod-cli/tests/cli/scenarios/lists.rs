//! Lists, templates, events and figures.

use anyhow::{Result, ensure};

use crate::Scenario;
use crate::engines::Engine;

pub(crate) const ALL: &[Scenario] = &[
    ("ps and its formats", ps),
    ("inspect and its templates", inspect),
    ("volumes", volumes),
    ("events", events),
    ("stats, df, info, version", figures),
    ("prune", prune),
    ("logs", logs),
];

const NET: &str = "--network=none";

fn ps(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.ok(&["run", "-d", "--name", "psa", "-l", "a.b=c", NET, "demo", "sleep", "1000"])?;
    program.ok(&["run", "--name", "psb", NET, "demo", "true"])?;
    let table = program.ok(&["ps", "-a", "--filter", "name=psb"])?;
    let mut lines = table.lines();
    ensure!(
        lines.next().is_some_and(|line| {
            line.starts_with("CONTAINER ID   IMAGE     COMMAND   CREATED")
                && line.ends_with("NAMES")
        }),
        "{table}"
    );
    let row = lines.next().unwrap_or_default();
    ensure!(
        row.contains("demo      \"true\"    ")
            && row.contains("Exited (0) ")
            && row.ends_with("   psb"),
        "{table}"
    );
    let format = "table {{.Names}}\\t{{.Label \"a.b\"}}\\t{{.State}}";
    program
        .run(&["ps", "--filter", "name=psa", "--format", format])
        .code(0)?
        .prints("NAMES     b         STATE\npsa       c         running\n")?;
    let json = program.ok(&["ps", "-o", "json", "--filter", "name=psa"])?;
    let value: serde_json::Value = serde_json::from_str(&json)?;
    ensure!(
        value["Names"] == "psa"
            && value["Labels"] == "a.b=c"
            && value["Command"] == "\"sleep 1000\""
    );
    ensure!(program.ok(&["ps", "-q", "-l"])?.len() == 12);
    ensure!(program.ok(&["ps", "-aq", "-n", "1", "--format", "{{.Names}}"])? == "psb");
    program
        .run(&["ps", "--format", "{{.Foo}}"])
        .code(1)?
        .complains("can't evaluate field Foo in type")?;
    program
        .run(&["ps", "--filter", "foo"])
        .code(125)?
        .complains("bad format of filter (expected name=value)")?;
    program.run(&["ps", "foo"]).code(1)?.complains("isopod: 'isopod ps' accepts no arguments")?;
    program.ok(&["rm", "-f", "psa", "psb"])?;
    Ok(())
}

fn inspect(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.ok(&[
        "create",
        "--name",
        "ins",
        "-e",
        "X=1",
        "-l",
        "k=v",
        "-v",
        "/tmp:/mnt:ro",
        NET,
        "demo",
        "sleep",
        "5",
    ])?;
    let format = |template: &str| program.ok(&["inspect", "-f", template, "ins"]);
    ensure!(
        format("{{.State.Status}}/{{.Config.Image}}/{{json .Config.Cmd}}")?
            == r#"created/demo/["sleep","5"]"#
    );
    ensure!(
        format("{{range .Mounts}}{{.Source}}>{{.Destination}}:{{.RW}}{{end}}")?
            == "/tmp>/mnt:false"
    );
    ensure!(format("{{index .Config.Labels \"k\"}}{{index .Config.Labels \"none\"}}")? == "v");
    ensure!(format("{{if .State.Running}}up{{else}}down{{end}}")? == "down");
    ensure!(
        format("{{join .Config.Cmd \" \"}} {{len .Mounts}} {{upper .Name}}")? == "sleep 5 1 /INS"
    );
    program
        .run(&["inspect", "-f", "{{.Nothing}}", "ins"])
        .code(1)?
        .complains("template parsing error: template: :1:2")?;
    let text = program.run(&["inspect", "ins", "nosuch"]);
    text.code(1)?.complains("Error: No such object: nosuch")?;
    ensure!(text.stdout.starts_with("[\n    {\n        \"Id\": \""), "{}", text.stdout);
    let documents: serde_json::Value = serde_json::from_str(&text.stdout)?;
    ensure!(documents.as_array().map(Vec::len) == Some(1));
    ensure!(program.ok(&["inspect", "--type", "image", "-f", "{{.Os}}", "demo"])? == "linux");
    program.run(&["container", "inspect", "demo"]).code(1)?.complains("No such container: demo")?;
    program.ok(&["rm", "ins"])?;
    Ok(())
}

fn volumes(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    ensure!(program.ok(&["volume", "create", "--label", "x=y", "vola"])? == "vola");
    let script = "echo kept > /v/f";
    program.ok(&["run", "--rm", "-v", "vola:/v", NET, "demo", "sh", "-c", script])?;
    program
        .run(&["run", "--rm", "-v", "vola:/v:ro", NET, "demo", "cat", "/v/f"])
        .code(0)?
        .prints("kept\n")?;
    program
        .run(&["volume", "ls", "--filter", "name=vola"])
        .code(0)?
        .prints("DRIVER    VOLUME NAME\nlocal     vola\n")?;
    ensure!(program.ok(&["volume", "ls", "-q", "--filter", "label=x=y"])? == "vola");
    ensure!(
        program.ok(&["volume", "inspect", "-f", "{{.Driver}} {{.Labels.x}}", "vola"])? == "local y"
    );
    ensure!(program.ok(&["volume", "rm", "vola"])? == "vola");
    program.run(&["volume", "rm", "vola"]).code(1)?.complains("no such volume")?;
    program.run(&["volume", "rm", "-f", "vola"]).code(0)?;
    Ok(())
}

fn events(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.run(&["run", "--name", "evt", NET, "demo", "sh", "-c", "exit 2"]).code(2)?;
    program.ok(&["rm", "evt"])?;
    let line = ["events", "--since", "5m", "--until", "0s", "--filter", "container=evt"];
    let mut with_format = line.to_vec();
    with_format.extend(["--format", "{{.Type}} {{.Action}} {{.Actor.Attributes.name}}"]);
    let actions = program.ok(&with_format)?;
    let seen: Vec<&str> = actions.lines().collect();
    for action in ["create", "start", "die", "destroy"] {
        ensure!(seen.contains(&format!("container {action} evt").as_str()), "{action}: {actions}");
    }
    let mut die = line.to_vec();
    die.extend(["--filter", "event=die"]);
    let text = program.ok(&die)?;
    ensure!(
        text.lines().count() == 1
            && text.contains(" container die ")
            && text.contains("exitCode=2"),
        "{text}"
    );
    Ok(())
}

fn figures(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.ok(&["run", "-d", "--name", "fig", "-m", "64m", NET, "demo", "sleep", "1000"])?;
    let stats = program.ok(&[
        "stats",
        "--no-stream",
        "--format",
        "{{.Name}} {{.PIDs}} {{.MemUsage}}",
        "fig",
    ])?;
    ensure!(stats.starts_with("fig 1 ") && stats.ends_with(" / 64MiB"), "{stats}");
    let table = program.ok(&["df"])?;
    ensure!(
        table.starts_with("TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE\nImages  "),
        "{table}"
    );
    ensure!(table.lines().count() == 5, "{table}");
    ensure!(program.ok(&["system", "df", "-v"])?.contains("Containers space usage:"));
    ensure!(program.ok(&["info"])?.contains("\n Cgroup Version: "));
    ensure!(program.ok(&["info", "-f", "{{.OSType}}"])? == "linux");
    let version = program.ok(&["version"])?;
    ensure!(
        version.starts_with("Client:\n Version: ") && version.contains("\nServer:"),
        "{version}"
    );
    ensure!(!program.ok(&["version", "-f", "{{.Server.ApiVersion}}"])?.is_empty());
    if engine.is_own {
        ensure!(program.ok(&["info", "-f", "{{.EnginePid}}"])?.parse::<u32>()? > 1);
    }
    program.ok(&["rm", "-f", "fig"])?;
    program
        .run(&["stats", "--no-stream", "nosuch"])
        .code(1)?
        .complains("No such container: nosuch")?;
    Ok(())
}

fn prune(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    let id = program.ok(&["create", "-l", "prune=me", NET, "demo"])?;
    let asked = program.run_with(&["container", "prune", "--filter", "label=prune=me"], b"n\n");
    asked.contains("WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ")?;
    ensure!(program.ok(&["ps", "-aq", "--no-trunc", "--filter", "label=prune=me"])? == id);
    program
        .run_with(&["container", "prune", "--filter", "label=prune=me"], b"y\n")
        .code(0)?
        .contains(&format!("Deleted Containers:\n{id}\n\nTotal reclaimed space: "))?;
    program.run(&["prune", "-f"]).code(0)?.contains("Total reclaimed space: ")?;
    program.run(&["image", "prune", "-f"]).code(0)?.contains("Total reclaimed space: ")?;
    program.run(&["volume", "prune", "-f"]).code(0)?.contains("Total reclaimed space: ")?;
    Ok(())
}

fn logs(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program
        .run(&[
            "run",
            "--name",
            "log",
            NET,
            "demo",
            "sh",
            "-c",
            "echo a; sleep 0.1; echo b >&2; sleep 0.1; echo c",
        ])
        .code(0)?;
    let all = program.run(&["logs", "log"]);
    all.code(0)?.prints("a\nc\n")?;
    ensure!(all.stderr == "b\n", "{all:?}");
    let timed = program.ok(&["logs", "-t", "--tail", "1", "log"])?;
    let time = timed.split(' ').next().unwrap_or_default();
    ensure!(timed.ends_with(" c") && time.len() == 30 && time.ends_with('Z'), "{timed}");
    program.run(&["logs", "--since", time, "log"]).code(0)?.contains("c\n")?;
    program.run(&["logs", "--until", "2001-01-01", "log"]).code(0)?.prints("")?;
    program.run(&["logs", "--since", "bogus", "log"]).code(1)?;
    program.run(&["logs", "nosuch"]).code(1)?.complains("No such container: nosuch")?;
    program.ok(&["rm", "log"])?;
    program
        .run(&["run", "--name", "lot", "-t", NET, "demo", "sh", "-c", "echo tty"])
        .code(0)?
        .prints("tty\r\n")?;
    program.run(&["logs", "lot"]).code(0)?.prints("tty\r\n")?;
    program.ok(&["rm", "lot"])?;
    Ok(())
}
