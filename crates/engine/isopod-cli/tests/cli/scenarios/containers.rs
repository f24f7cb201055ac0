//! Running containers: output, exit codes, the stages of a container's life.

use anyhow::{Result, ensure};

use crate::Scenario;
use crate::engines::Engine;

pub(crate) const ALL: &[Scenario] = &[
    ("run prints and passes the exit code on", run_prints),
    ("run says why nothing ran", run_refuses),
    ("run reads standard input", run_reads),
    ("run takes its flags", run_flags),
    ("detached containers are started and stopped", detached),
    ("start attaches", start_attaches),
    ("exec runs commands", exec),
    ("wait, kill, rename, pause, update", life),
    ("files for ids, variables and labels", files),
    ("create and remove", create_and_remove),
];

const NET: &str = "--network=none";

fn run_prints(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.run(&["run", "--rm", NET, "demo", "echo", "hi"]).code(0)?.prints("hi\n")?;
    let printed =
        program.run(&["run", "--rm", NET, "demo", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    printed.code(7)?.prints("out\n")?;
    ensure!(printed.stderr == "err\n", "{printed:?}");
    // More than any buffer on the way holds.
    let (bytes, printed) = program
        .run_bytes(&["run", "--rm", NET, "demo", "dd", "if=/dev/zero", "bs=64k", "count=160"], b"");
    printed.code(0)?;
    ensure!(bytes.len() == 160 * 65536, "{} bytes arrived", bytes.len());
    Ok(())
}

fn run_refuses(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    let hint = "Run 'isopod run --help' for more information";
    for (arguments, code, text) in [
        (&["run", "--rm", NET, "demo", "nosuch"][..], 127, "executable file not found"),
        (&["run", "--rm", NET, "demo", "/etc"][..], 126, ""),
        (&["run", "--bogus", "demo"][..], 125, "unknown flag: --bogus"),
        (
            &["run", "--rm", "--restart=always", "demo"][..],
            125,
            "cannot specify both --restart and --rm",
        ),
        (
            &["run", "--pull=never", "nosuchimage"][..],
            125,
            "isopod: Error response from daemon: No such image: nosuchimage:latest",
        ),
        (
            &["run", "--stop-signal=FOO", NET, "demo"][..],
            125,
            "isopod: Error response from daemon: ",
        ),
    ] {
        program.run(arguments).code(code)?.prints("")?.complains(text)?.complains(hint)?;
    }
    program
        .run(&["run"])
        .code(1)?
        .complains("isopod: 'isopod run' requires at least 1 argument")?;
    program
        .run(&["run", "-it", NET, "demo"])
        .code(1)?
        .complains("the input device is not a TTY")?;
    let left = program.ok(&["ps", "-aq"])?;
    // What could not be started is there, unless it was to be removed, as docker has it.
    ensure!(left.lines().count() <= 1, "left behind: {left}");
    Ok(())
}

fn run_reads(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program
        .run_with(&["run", "--rm", "-i", NET, "demo", "cat"], b"one\ntwo\n")
        .code(0)?
        .prints("one\ntwo\n")?;
    let much = vec![b'x'; 3 << 20];
    program
        .run_with(&["run", "--rm", "-i", NET, "demo", "wc", "-c"], &much)
        .code(0)?
        .prints("3145728\n")?;
    // Without -i nothing is read.
    program.run_with(&["run", "--rm", NET, "demo", "cat"], b"no").code(0)?.prints("")?;
    // A container that does not read to the end ends all the same.
    program
        .run_with(&["run", "--rm", "-i", NET, "demo", "head", "-c", "3"], b"abcdef")
        .code(0)?
        .prints("abc")?;
    Ok(())
}

fn run_flags(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    let run = |flags: &[&str], command: &[&str]| {
        let mut line = vec!["run", "--rm", NET];
        line.extend(flags);
        line.push("demo");
        line.extend(command);
        program.ok(&line)
    };
    ensure!(run(&["-e", "A=1", "--env=B=x y"], &["sh", "-c", "echo $A$B"])? == "1x y");
    ensure!(run(&["-w", "/tmp"], &["pwd"])? == "/tmp");
    ensure!(run(&["-u", "1000:10"], &["sh", "-c", "id -u; id -g"])? == "1000\n10");
    ensure!(run(&["--hostname", "box"], &["hostname"])? == "box");
    ensure!(run(&["--entrypoint", "echo"], &["a", "b"])? == "a b");
    ensure!(
        run(&["--tmpfs", "/t:size=1m"], &["sh", "-c", "grep -c ' /t tmpfs' /proc/mounts"])? == "1"
    );
    ensure!(run(&["--read-only"], &["sh", "-c", "touch /x 2>/dev/null || echo ro"])? == "ro");
    ensure!(run(&["--ulimit", "nofile=64:64"], &["sh", "-c", "ulimit -n"])? == "64");
    ensure!(
        run(&["--shm-size", "2m"], &["sh", "-c", "df -k /dev/shm | tail -1 | awk '{print $2}'"])?
            == "2048"
    );
    ensure!(
        run(&["--cap-drop=ALL"], &["grep", "CapEff", "/proc/self/status"])?
            .ends_with("0000000000000000")
    );
    ensure!(
        run(&["--mount", "type=tmpfs,dst=/m"], &["sh", "-c", "grep -c ' /m tmpfs' /proc/mounts"])?
            == "1"
    );
    ensure!(
        run(&["--add-host", "peer:10.1.2.3"], &["cat", "/etc/hosts"])?.contains("10.1.2.3\tpeer")
    );
    let here = engine.path("bind");
    std::fs::create_dir(&here)?;
    std::fs::write(here.join("file"), "from here")?;
    let bind = format!("{}:/b:ro", here.display());
    ensure!(run(&["-v", &bind], &["cat", "/b/file"])? == "from here");
    Ok(())
}

fn detached(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    let script = "trap 'echo bye; exit 4' TERM; echo hello; while :; do sleep 0.1; done";
    let id = program.ok(&["run", "-d", "--name", "det", NET, "demo", "sh", "-c", script])?;
    ensure!(id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    ensure!(program.ok(&["ps", "-q", "--no-trunc", "--filter", "name=det"])? == id);
    isopod_testkit::Limited::seconds(20)
        .until("the log is written", || program.run(&["logs", "det"]).stdout.contains("hello\n"))?;
    let follow = std::thread::spawn({
        let program = program.clone();
        move || program.run(&["logs", "-f", "det"])
    });
    ensure!(program.ok(&["stop", "det"])? == "det");
    // Following ends with the container.
    follow.join().expect("follows").code(0)?.prints("hello\nbye\n")?;
    program.run(&["logs", "--tail", "1", "det"]).code(0)?.prints("bye\n")?;
    ensure!(program.ok(&["inspect", "-f", "{{.State.ExitCode}}", "det"])? == "4");
    ensure!(program.ok(&["wait", "det"])? == "4");
    ensure!(program.ok(&["rm", "det"])? == "det");
    program
        .run(&["rm", "det"])
        .code(1)?
        .complains("Error response from daemon: No such container: det")?;
    Ok(())
}

fn start_attaches(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.ok(&["create", "-i", "--name", "att", NET, "demo", "sh", "-c", "cat; exit 5"])?;
    program.run_with(&["start", "-ai", "att"], b"again\n").code(5)?.prints("again\n")?;
    program.run_with(&["start", "-ai", "att"], b"more\n").code(5)?.prints("more\n")?;
    program
        .run(&["start", "nosuch1", "nosuch2"])
        .code(1)?
        .complains("Error: failed to start containers: nosuch1, nosuch2")?;
    program
        .run(&["attach", "att"])
        .code(1)?
        .complains("You cannot attach to a stopped container")?;
    program.ok(&["rm", "att"])?;
    Ok(())
}

fn exec(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.ok(&["run", "-d", "--name", "exe", "-e", "A=1", NET, "demo", "sleep", "1000"])?;
    program
        .run(&["exec", "exe", "sh", "-c", "echo o; echo e >&2; exit 9"])
        .code(9)?
        .prints("o\n")?;
    program.run_with(&["exec", "-i", "exe", "cat"], b"in").code(0)?.prints("in")?;
    program
        .run(&[
            "exec",
            "-e",
            "B=2",
            "-w",
            "/tmp",
            "-u",
            "1000",
            "exe",
            "sh",
            "-c",
            "echo $A$B; pwd; id -u",
        ])
        .code(0)?
        .prints("12\n/tmp\n1000\n")?;
    program.run(&["exec", "-d", "exe", "touch", "/marked"]).code(0)?.prints("")?;
    isopod_testkit::Limited::seconds(20).until("the command ran", || {
        program.run(&["exec", "exe", "test", "-e", "/marked"]).code(0).is_ok()
    })?;
    program
        .run(&["exec", "-it", "exe", "sh"])
        .code(1)?
        .complains("the input device is not a TTY")?;
    program.run(&["exec", "nosuch", "true"]).code(1)?.complains("No such container: nosuch")?;
    let missing = program.run(&["exec", "exe", "nosuch"]);
    ensure!(missing.code(127).is_ok() || missing.code(126).is_ok(), "{missing:?}");
    program.ok(&["rm", "-f", "exe"])?;
    Ok(())
}

fn life(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    let script = "trap 'exit 6' USR1; while :; do sleep 0.05; done";
    program.ok(&["run", "-d", "--name", "lif", "-m", "64m", NET, "demo", "sh", "-c", script])?;
    ensure!(program.ok(&["pause", "lif"])? == "lif");
    ensure!(
        program
            .ok(&["ps", "--filter", "name=lif", "--format", "{{.Status}}"])?
            .ends_with("(Paused)")
    );
    ensure!(program.ok(&["unpause", "lif"])? == "lif");
    ensure!(program.ok(&["update", "--memory", "96m", "--memory-swap", "192m", "lif"])? == "lif");
    ensure!(program.ok(&["inspect", "-f", "{{.HostConfig.Memory}}", "lif"])? == "100663296");
    program.run(&["update", "lif"]).code(1)?.complains("you must provide one or more flags")?;
    program.ok(&["rename", "lif", "life"])?;
    ensure!(program.ok(&["inspect", "-f", "{{.Name}}", "life"])? == "/life");
    ensure!(program.ok(&["top", "life", "-o", "pid,comm"])?.contains("sh"));
    ensure!(program.ok(&["kill", "-s", "USR1", "life"])? == "life");
    ensure!(program.ok(&["wait", "life"])? == "6");
    program.run(&["kill", "life"]).code(1)?.complains("is not running")?;
    ensure!(program.ok(&["restart", "-t", "0", "life"])? == "life");
    ensure!(program.ok(&["stop", "-t", "0", "life"])? == "life");
    ensure!(program.ok(&["rm", "-v", "life"])? == "life");
    Ok(())
}

fn files(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    let at = |name: &str| engine.path(name).display().to_string();
    std::fs::write(engine.path("vars"), "# note\nA=from file\nPATHX=/x\n")?;
    std::fs::write(engine.path("labels"), "one=1\ntwo\n")?;
    let (cid, vars, labels) = (at("cid"), at("vars"), at("labels"));
    program
        .run(&[
            "run",
            "--name",
            "fil",
            "--cidfile",
            &cid,
            "--env-file",
            &vars,
            "--label-file",
            &labels,
            "-l",
            "three=3",
            NET,
            "demo",
            "sh",
            "-c",
            "echo $A$PATHX",
        ])
        .code(0)?
        .prints("from file/x\n")?;
    let id = std::fs::read_to_string(&cid)?;
    ensure!(program.ok(&["inspect", "-f", "{{.Id}}", "fil"])? == id);
    ensure!(
        program.ok(&["inspect", "-f", "{{json .Config.Labels}}", "fil"])?
            == r#"{"one":"1","three":"3","two":""}"#
    );
    program
        .run(&["run", "--cidfile", &cid, "demo"])
        .code(125)?
        .complains("container ID file found")?;
    program
        .run(&["run", "--cidfile", &at("cid2"), NET, "--name", "fil", "demo"])
        .code(125)?
        .complains("is already in use")?;
    ensure!(!engine.path("cid2").exists(), "an empty id file stayed");
    program
        .run(&["run", "--env-file", "/nonexistent", "demo"])
        .code(125)?
        .complains("open /nonexistent: no such file")?;
    program.ok(&["rm", "fil"])?;
    Ok(())
}

fn create_and_remove(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.ok(&["create", "--name", "cre", "-v", "crevol:/data", NET, "demo", "true"])?;
    ensure!(
        program.ok(&["ps", "-a", "--filter", "name=cre", "--format", "{{.Status}} {{.Mounts}}"])?
            == "Created crevol"
    );
    program.run(&["volume", "rm", "crevol"]).code(1)?.complains("volume is in use")?;
    program.ok(&["rm", "/cre"])?;
    ensure!(program.ok(&["volume", "rm", "crevol"])? == "crevol");
    program
        .run(&["volume", "inspect", "crevol"])
        .code(1)?
        .prints("[]\n")?
        .complains("no such volume")?;
    program.run(&["rm", "-f", "nosuch"]).complains("No such container: nosuch")?;
    Ok(())
}
