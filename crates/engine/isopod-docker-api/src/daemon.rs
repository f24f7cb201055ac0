//! The daemon's outside: command line, configuration, sockets, signals, one instance a data
//! directory. What it does lies in [`isopod_engine`], how it is asked in the rest of this crate.

mod directives;
mod error;
mod file;
mod flags;
mod instance;
mod networks;
mod notify;
pub(crate) mod settings;
mod tls;

use crate::extension::Extension;
use crate::listen::{Listener, Owner};
use crate::server::serve;
use error::DaemonError;
use flags::Command;
use instance::{Instance, PidFile};
use isopod_engine::Engine;
use settings::{Host, Settings};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Threads that serve requests; what blocks runs elsewhere.
const WORKERS: usize = 4;

/// How long blocking work may go on at the end.
const LAST_WORK: Duration = Duration::from_secs(1);

/// `isopod engine …`, also under the name `dockerd`. Returns the exit code.
///
/// `args[0]` is the name of the part. Starts threads: to be called once, from `main`.
pub fn engine_main(args: Vec<OsString>, extensions: &'static [Extension]) -> i32 {
    let settings = match flags::parse(args).and_then(|command| match command {
        Command::Print(text) => Ok(Err(text)),
        Command::Run(given) => Settings::load(given).map(Ok),
    }) {
        Ok(Ok(settings)) => settings,
        Ok(Err(text)) => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            return 0;
        }
        Err(error) => return fail(&error),
    };
    if settings.validate_only {
        let _ = writeln!(std::io::stderr(), "configuration OK");
        return 0;
    }
    log_to_stderr(settings.log_level);
    match run(settings, extensions) {
        Ok(()) => 0,
        Err(error) => fail(&error),
    }
}

fn fail(error: &DaemonError) -> i32 {
    let _ = writeln!(std::io::stderr(), "isopod: {}", isopod_base::chain(error));
    error.exit_code()
}

fn log_to_stderr(level: tracing::level_filters::LevelFilter) {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(level >= tracing::level_filters::LevelFilter::DEBUG)
        .with_max_level(level)
        .init();
}

fn run(settings: Settings, extensions: &'static [Extension]) -> Result<(), DaemonError> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(DaemonError::Runtime)?;
    let result = runtime.block_on(daemon(settings, extensions));
    // Blocking work that is still under way is cut short, which the engine must survive anyway.
    runtime.shutdown_timeout(LAST_WORK);
    result
}

async fn daemon(settings: Settings, extensions: &'static [Extension]) -> Result<(), DaemonError> {
    // The lock comes first: only its holder may touch the data, the sockets and the pid file.
    let _instance = Instance::lock(&settings.engine.data_root)?;
    let stop = stop_signals()?;
    let _pid_file = PidFile::write(&settings.pid_file)?;
    // Clients may connect from here on; they are answered once the engine is open.
    let listeners = bind(&settings).await?;
    let names: Vec<String> = listeners.iter().map(Listener::to_string).collect();
    tracing::info!(
        data_root = %settings.engine.data_root.display(),
        exec_root = %settings.engine.exec_root.display(),
        version = env!("CARGO_PKG_VERSION"),
        "starting up"
    );
    let engine = Engine::open(settings.engine).await.map_err(DaemonError::Open)?;
    for name in &names {
        tracing::info!("API listen on {name}");
    }
    notify::send("READY=1");
    serve(engine.clone(), listeners, extensions, stop).await;
    notify::send("STOPPING=1");
    engine.shutdown().await;
    tracing::info!("stopped; containers keep running");
    Ok(())
}

async fn bind(settings: &Settings) -> Result<Vec<Listener>, DaemonError> {
    let mut listeners = Vec::new();
    for host in &settings.hosts {
        match host {
            Host::Unix(path) => {
                let owner = Owner { user: None, group: settings.group };
                listeners.push(Listener::bind(path, owner)?);
            }
            Host::Tcp { address, tls } => {
                listeners.push(Listener::bind_tls(*address, tls.clone()).await?);
            }
            Host::Activated => listeners.extend(Listener::activated()?),
        }
    }
    Ok(listeners)
}

/// Ready at the first SIGTERM or SIGINT; a second one ends the process at once. SIGHUP and
/// SIGQUIT do nothing but a line in the log.
fn stop_signals() -> Result<impl Future<Output = ()> + Send, DaemonError> {
    let listen = |kind| signal(kind).map_err(DaemonError::Runtime);
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let mut quit = listen(SignalKind::quit())?;
    let (first, stopped) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut first = Some(first);
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {
                    tracing::info!("SIGHUP: the configuration is read at the start only");
                    continue;
                }
                _ = quit.recv() => continue,
            }
            match first.take() {
                Some(first) => {
                    tracing::info!("stopping");
                    let _ = first.send(());
                }
                None => std::process::exit(1),
            }
        }
    });
    Ok(async move {
        let _ = stopped.await;
    })
}
