//! The parts of the product that the tests run as processes: what an engine starts, and an engine
//! itself, told what to do line by line, that can be killed.

use isopod_engine::{
    Config, CreateContainer, Engine, NetworkMode, PullImage, RemoveContainer, WaitCondition,
};
use std::ffi::OsString;
use std::io::{BufRead, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let code = match args.first().and_then(|part| part.to_str()) {
        Some("supervisor") => isopod_supervisor::main(args),
        Some("container-init") => isopod_supervisor::init_main(args),
        Some("engine") => engine(Path::new(&args[1]), &args[2].to_string_lossy()),
        _ => 2,
    };
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

/// `engine DIRECTORY CGROUP-PARENT`: answers every line with one.
fn engine(directory: &Path, cgroup_parent: &str) -> i32 {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let mut config = Config::in_directories(directory.join("data"), directory.join("exec"));
    config.cgroup_parent = cgroup_parent.to_owned();
    config.default_network = NetworkMode::None;
    let engine = runtime.block_on(Engine::open(config)).expect("the engine opens");
    let mut out = std::io::stdout();
    writeln!(out, "ready").expect("writes");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let answer = match runtime.block_on(obey(&engine, &line)) {
            Ok(answer) => answer,
            Err(error) => format!("error: {}", error.full_message()),
        };
        writeln!(out, "{}", answer.replace('\n', " ")).expect("writes");
    }
    0
}

async fn obey(engine: &Arc<Engine>, line: &str) -> isopod_engine::Result<String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        // create NAME SCRIPT: a container with a volume that goes with it.
        "create" => {
            let (name, script) = rest.split_once(' ').expect("a script");
            let mut request =
                CreateContainer { name: Some(name.to_owned()), ..CreateContainer::default() };
            request.config.image = "box".into();
            request.config.cmd = Some(["sh", "-c", script].map(str::to_owned).to_vec());
            request.config.volumes.insert("/volume".into());
            request.host.network_mode = NetworkMode::None;
            engine.create_container(request).await.map(|created| created.id)
        }
        "start" => engine.start_container(rest).await.map(|()| "started".into()),
        "wait" => {
            let wait = engine.wait_container(rest, WaitCondition::NotRunning).await?;
            Ok(wait.result().await.exit_code.to_string())
        }
        "kill" => engine.kill_container(rest, None).await.map(|()| "killed".into()),
        "state" => {
            let details = engine.container(rest, false).await?;
            let state = details.state;
            Ok(format!("{} {} {}", state.status.as_str(), state.exit_code, state.pid))
        }
        "remove" => {
            let options = RemoveContainer { force: true, volumes: true };
            engine.remove_container(rest, options).await.map(|()| "removed".into())
        }
        "pull" => {
            let request = PullImage { reference: rest.to_owned(), ..PullImage::default() };
            let mut steps = engine.pull_image(request).await?;
            while let Some(step) = steps.recv().await {
                step?;
            }
            Ok("pulled".into())
        }
        "log" => Ok(engine.container(rest, false).await?.log_path.display().to_string()),
        other => panic!("unknown word {other}"),
    }
}
