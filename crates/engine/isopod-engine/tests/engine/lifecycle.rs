//! A container's life, from create to remove.

use crate::bench::{Bench, read_all, request, skip_unless_possible};
use isopod_engine::{
    AttachContainer, CommitContainer, CreateExec, ErrorKind, EventType, ListContainers, PutArchive,
    ReadLogs, RemoveContainer, RestartPolicy, StartExec, Status, SubscribeEvents, UpdateContainer,
    WaitCondition,
};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_codes_and_output_come_back() {
    skip_unless_possible!("exit_codes_and_output_come_back");
    let bench = Bench::new().await;
    let (exit, output) =
        bench.run(&["sh", "-c", "echo hello; echo oops >&2; exit 7"], |_| {}).await;
    assert_eq!((exit, output.as_str()), (7, "hello\noops\n"));
    let (exit, output) = bench.run(&["sh", "-c", "kill -9 $$"], |r| r.host.init = Some(true)).await;
    assert_eq!((exit, output.as_str()), (137, ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_that_cannot_be_run_are_told() {
    skip_unless_possible!("programs_that_cannot_be_run_are_told");
    let bench = Bench::new().await;
    for (program, kind, code) in [
        ("nothing", ErrorKind::CommandNotFound, 127),
        ("/etc/passwd", ErrorKind::CommandNotExecutable, 126),
    ] {
        let id = bench.create(&[program], |_| {}).await;
        let error = bench.engine.start_container(&id).await.expect_err("cannot start");
        assert_eq!(error.kind(), kind, "{}", error.full_message());
        let state = bench.details(&id).await.state;
        assert_eq!((state.status, state.exit_code), (Status::Created, code));
        assert!(!state.error.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_conflict_and_change() {
    skip_unless_possible!("names_conflict_and_change");
    let bench = Bench::new().await;
    let id = bench.create(&["true"], |r| r.name = Some("one".into())).await;
    let mut second = request(&["true"]);
    second.name = Some("one".into());
    let error = bench.engine.create_container(second).await.expect_err("taken");
    assert_eq!(
        error.to_string(),
        format!(
            "Conflict. The container name \"/one\" is already in use by container \"{id}\". You have to remove (or rename) that container to be able to reuse that name."
        )
    );
    bench.engine.rename_container("one", "two").await.expect("renames");
    assert_eq!(bench.details("two").await.id, id);
    let error = bench.engine.container("one", false).await.expect_err("gone");
    assert_eq!(error.to_string(), "No such container: one");
    assert_eq!(bench.details(&id[..12]).await.name, "two");
    let mut missing = request(&["true"]);
    missing.config.image = "nowhere".into();
    let error = bench.engine.create_container(missing).await.expect_err("no image");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::NotFound, "No such image: nowhere:latest")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_kill_pause_and_restart() {
    skip_unless_possible!("stop_kill_pause_and_restart");
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let trap = "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done";
    let id = bench.create(&["sh", "-c", trap], |_| {}).await;
    engine.start_container(&id).await.expect("starts");
    let error = engine.start_container(&id).await.expect_err("runs");
    assert_eq!(error.kind(), ErrorKind::NotModified);
    engine.pause_container(&id).await.expect("pauses");
    assert_eq!(bench.details(&id).await.state.status, Status::Paused);
    engine.unpause_container(&id).await.expect("resumes");
    wait_for_log(&bench, &id, "up").await;
    engine.stop_container(&id, None, Some(5)).await.expect("stops");
    assert_eq!(bench.details(&id).await.state.exit_code, 3);
    let error = engine.stop_container(&id, None, None).await.expect_err("stopped");
    assert_eq!(error.kind(), ErrorKind::NotModified);
    let error = engine.kill_container(&id, None).await.expect_err("not running");
    assert_eq!(
        error.to_string(),
        format!("cannot kill container: {id}: container {id} is not running")
    );
    engine.restart_container(&id, None, Some(0)).await.expect("restarts");
    engine.kill_container(&id, None).await.expect("kills");
    let state = bench.details(&id).await.state;
    assert_eq!((state.status, state.exit_code), (Status::Exited, 137));
    let error = engine.remove_container(&id, RemoveContainer::default()).await;
    error.expect("removes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exec_sessions_run_beside() {
    skip_unless_possible!("exec_sessions_run_beside");
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let id =
        bench.create(&["sleep", "1000"], |r| r.config.env = vec!["WHO=container".into()]).await;
    engine.start_container(&id).await.expect("starts");
    let request = CreateExec {
        cmd: ["sh", "-c", "read line; echo $line $WHO; id -u; exit 4"].map(str::to_owned).to_vec(),
        user: "web".into(),
        attach_stdin: true,
        attach_stdout: true,
        attach_stderr: true,
        ..CreateExec::default()
    };
    let exec = engine.create_exec(&id, request).await.expect("prepares");
    let mut attached =
        engine.start_exec(&exec, StartExec::default()).await.expect("starts").expect("attached");
    let mut input = attached.input.take().expect("stdin");
    input.write(b"hello\n").await.expect("writes");
    input.close().await.expect("closes");
    let (out, err) = read_all(&mut attached).await;
    assert_eq!((out.as_str(), err.as_str()), ("hello container\n33\n", ""));
    let details = engine.exec(&exec).await.expect("inspects");
    assert_eq!((details.running, details.exit_code), (false, Some(4)));
    let missing = CreateExec { cmd: vec!["nothing".into()], ..CreateExec::default() };
    let exec = engine.create_exec(&id, missing).await.expect("prepares");
    let error = engine.start_exec(&exec, StartExec::default()).await.expect_err("no such program");
    assert_eq!(error.kind(), ErrorKind::CommandNotFound, "{}", error.full_message());
    let top = engine.container_top(&id, "").await.expect("top");
    assert_eq!(top.processes.len(), 1);
    engine
        .remove_container(&id, RemoveContainer { force: true, ..RemoveContainer::default() })
        .await
        .expect("removes");
    assert!(engine.container(&id, false).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terminals_have_a_size_and_echo() {
    skip_unless_possible!("terminals_have_a_size_and_echo");
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let id = bench
        .create(&["sh", "-c", "read line; echo got $line; test -t 0 && echo tty"], |r| {
            r.config.tty = true;
            r.config.open_stdin = true;
            r.host.console_size = [33, 77];
        })
        .await;
    let options =
        AttachContainer { stdin: true, stdout: true, stream: true, ..AttachContainer::default() };
    let mut attached = engine.attach_container(&id, options).await.expect("attaches");
    assert!(attached.tty);
    engine.start_container(&id).await.expect("starts");
    engine.resize_container(&id, 40, 100).await.expect("resizes");
    attached.input.as_mut().expect("stdin").write(b"word\n").await.expect("writes");
    let (out, _) = read_all(&mut attached).await;
    assert!(out.contains("got word\r\n") && out.contains("tty\r\n"), "{out:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stdin_flows_in_and_ends() {
    skip_unless_possible!("stdin_flows_in_and_ends");
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let id = bench
        .create(&["cat"], |r| {
            r.config.open_stdin = true;
            r.config.stdin_once = true;
        })
        .await;
    let options = AttachContainer {
        stdin: true,
        stdout: true,
        stderr: true,
        stream: true,
        ..AttachContainer::default()
    };
    let mut attached = engine.attach_container(&id, options).await.expect("attaches");
    engine.start_container(&id).await.expect("starts");
    let mut input = attached.input.take().expect("stdin");
    let text: String = (0..200_000).map(|n| format!("{n}\n")).collect();
    let sent = text.clone();
    let writing = tokio::spawn(async move {
        input.write(sent.as_bytes()).await.expect("writes");
        input.close().await.expect("closes");
    });
    let (out, _) = read_all(&mut attached).await;
    writing.await.expect("writes");
    assert!(out == text, "{} of {} bytes came back", out.len(), text.len());
    let wait = engine.wait_container(&id, WaitCondition::NotRunning).await.expect("waits");
    assert_eq!(wait.result().await.exit_code, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_in_and_out() {
    skip_unless_possible!("files_go_in_and_out");
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let id =
        bench.create(&["sh", "-c", "cat /tmp/in; echo new > /data/new; sleep 1000"], |_| {}).await;
    let mut archive = isopod_images::tar::Writer::new(Vec::new());
    archive.file("in", 0, b"copied in\n").expect("writes");
    let bytes = archive.finish().expect("ends");
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    sender.try_send(Ok(bytes.into())).expect("room");
    drop(sender);
    engine.put_archive(&id, "/tmp", PutArchive::default(), receiver).await.expect("copies in");
    engine.start_container(&id).await.expect("starts");
    wait_for_log(&bench, &id, "copied in").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let stat = engine.stat_path(&id, "/data/new").await.expect("is there");
    assert_eq!((stat.name.as_str(), stat.size), ("new", 4));
    let (_, mut stream) = engine.get_archive(&id, "/data").await.expect("copies out");
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.recv().await {
        bytes.extend_from_slice(&chunk.expect("reads"));
    }
    let mut reader =
        isopod_images::tar::Reader::new(&bytes[..], &isopod_images::Limits::default().archive());
    let mut names = Vec::new();
    while let Some(entry) = reader.next_entry().expect("valid") {
        names.push(String::from_utf8(entry.path).expect("text"));
    }
    assert_eq!(names, ["data/", "data/new", "data/seed"]);
    let changes = engine.container_changes(&id).await.expect("compares");
    assert!(changes.iter().any(|change| change.path == "/data/new"), "{changes:?}");
    let error = engine.stat_path(&id, "/nothing").await.expect_err("missing");
    assert_eq!(error.to_string(), format!("Could not find the file /nothing in container {id}"));
    let image = engine
        .commit_container(
            &id,
            CommitContainer {
                reference: "changed".into(),
                pause: true,
                ..CommitContainer::default()
            },
        )
        .await
        .unwrap_or_else(|error| panic!("commits: {}", error.full_message()));
    assert!(image.starts_with("sha256:"));
    let (exit, output) =
        bench.run(&["cat", "/data/new"], |r| r.config.image = "changed".into()).await;
    assert_eq!((exit, output.as_str()), (0, "new\n"));
    let mut stream = engine.export_container(&id).await.expect("exports");
    let mut size = 0;
    while let Some(chunk) = stream.recv().await {
        size += chunk.expect("reads").len();
    }
    assert!(size > 1 << 20, "{size}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn volumes_are_filled_kept_and_pruned() {
    skip_unless_possible!("volumes_are_filled_kept_and_pruned");
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let (exit, output) = bench
        .run(&["sh", "-c", "cat /data/seed; echo more > /data/more"], |r| {
            r.host.binds = vec!["named:/data".into()]
        })
        .await;
    assert_eq!((exit, output.as_str()), (0, "from the image\n"));
    let (_, output) =
        bench.run(&["cat", "/x/more"], |r| r.host.binds = vec!["named:/x:ro".into()]).await;
    assert_eq!(output, "more\n");
    let (exit, _) =
        bench.run(&["touch", "/x/y"], |r| r.host.binds = vec!["named:/x:ro".into()]).await;
    assert_ne!(exit, 0);
    let id = bench
        .create(&["true"], |r| {
            r.config.volumes.insert("/anonymous".into());
            r.host.binds = vec!["named:/data".into()];
        })
        .await;
    assert_eq!(engine.volumes(&Default::default()).await.expect("lists").len(), 2);
    let error = engine.remove_volume("named", false).await.expect_err("in use");
    assert_eq!(error.to_string(), format!("remove named: volume is in use - [{id}]"));
    engine
        .remove_container(&id, RemoveContainer { volumes: true, ..RemoveContainer::default() })
        .await
        .expect("removes");
    assert_eq!(engine.volumes(&Default::default()).await.expect("lists").len(), 1);
    engine.remove_volume("named", false).await.expect("removes");
    assert!(engine.volume("named").await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_reach_the_container() {
    skip_unless_possible!("settings_reach_the_container");
    let bench = Bench::new().await;
    let (exit, output) = bench
        .run(&["sh", "-c", "hostname; id; echo $FOO; ls /tmp; touch /etc/x; cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; echo done"], |r| {
            r.config.hostname = "inside".into();
            r.config.user = "web".into();
            r.config.env = vec!["FOO=bar".into()];
            r.host.readonly_rootfs = true;
            r.host.tmpfs.insert("/tmp".into(), "size=1m".into());
            r.host.resources.memory_bytes = 64 << 20;
            r.host.resources.pids_limit = Some(50);
            r.host.cap_drop = vec!["ALL".into()];
            r.host.security_opt = vec!["no-new-privileges".into()];
        })
        .await;
    assert_eq!(exit, 0, "{output}");
    assert!(
        output.contains("inside\n")
            && output.contains("uid=33(web) gid=33(web) groups=33(web),101(ssl)")
            && output.contains("bar\n"),
        "{output}"
    );
    assert!(output.contains("Read-only file system"), "{output}");
    let (exit, output) = bench
        .run(&["sh", "-c", "echo $$; hostname"], |r| {
            r.host.network_mode = isopod_engine::NetworkMode::Host;
            r.host.pid_mode = isopod_engine::PidMode::Host;
        })
        .await;
    assert_eq!(exit, 0);
    assert_ne!(output.lines().next(), Some("1"), "the host's processes are seen");
    let (exit, output) = bench
        .run(&["sh", "-c", "mount -t tmpfs none /tmp && echo mounted"], |r| {
            r.host.privileged = true
        })
        .await;
    assert_eq!((exit, output.as_str()), (0, "mounted\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_events_logs_and_updates() {
    skip_unless_possible!("lists_events_logs_and_updates");
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let mut events = engine.events(SubscribeEvents::default()).await.expect("subscribes");
    let id = bench
        .create(
            &["sh", "-c", "for i in $(seq 1 20); do echo line $i; done; echo err >&2; exit 2"],
            |r| {
                r.name = Some("talker".into());
                r.config.labels.insert("tier".into(), "front".into());
            },
        )
        .await;
    let wait = engine.wait_container(&id, WaitCondition::NextExit).await.expect("waits");
    engine.start_container(&id).await.expect("starts");
    assert_eq!(wait.result().await.exit_code, 2);
    let mut actions = Vec::new();
    while actions.last().map(String::as_str) != Some("die") {
        let event = tokio::time::timeout(Duration::from_secs(5), events.recv())
            .await
            .expect("in time")
            .expect("an event");
        // Those of the network that it is connected to are told between its own.
        if event.kind != EventType::Container {
            continue;
        }
        assert_eq!(event.attributes.get("name").map(String::as_str), Some("talker"));
        actions.push(event.action);
    }
    assert_eq!(actions, ["create", "start", "die"]);
    let read = ReadLogs { stdout: true, tail: Some(3), ..ReadLogs::default() };
    let mut log = engine.container_logs(&id, read).await.expect("reads");
    let mut lines = Vec::new();
    while let Some(line) = log.lines.recv().await {
        lines.push(String::from_utf8_lossy(&line.expect("a line").data).into_owned());
    }
    assert_eq!(lines.last().map(String::as_str), Some("line 20\n"));
    let filters = isopod_engine::Filters::from([
        ("label".into(), vec!["tier=front".into()]),
        ("exited".into(), vec!["2".into()]),
    ]);
    let list = engine
        .containers(ListContainers { filters, ..ListContainers::default() })
        .await
        .expect("lists");
    assert_eq!(list.len(), 1);
    let update = UpdateContainer {
        restart_policy: Some(RestartPolicy::OnFailure { max_retries: 2 }),
        ..UpdateContainer::default()
    };
    engine.update_container(&id, update).await.expect("updates");
    engine.start_container(&id).await.expect("starts again");
    for _ in 0..100 {
        let state = bench.details(&id).await.state;
        if state.status == Status::Exited && state.restart_count == 2 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not restarted twice: {:?}", bench.details(&id).await.state);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_start_at_once_and_remove_themselves() {
    skip_unless_possible!("many_start_at_once_and_remove_themselves");
    let bench = Bench::new().await;
    let mut runs = Vec::new();
    for number in 0..16 {
        let engine = std::sync::Arc::clone(&bench.engine);
        runs.push(tokio::spawn(async move {
            let exit = format!("exit {number}");
            let mut request = request(&["sh", "-c", &exit]);
            request.host.auto_remove = true;
            let id = engine.create_container(request).await.expect("creates").id;
            let wait = engine.wait_container(&id, WaitCondition::Removed).await.expect("waits");
            engine.start_container(&id).await.expect("starts");
            let result = tokio::time::timeout(Duration::from_secs(30), wait.result())
                .await
                .expect("in time");
            (number, result)
        }));
    }
    for run in runs {
        let (number, result) = run.await.expect("runs");
        assert_eq!((result.exit_code, result.error), (number, None));
    }
    let all = ListContainers { all: true, ..ListContainers::default() };
    assert!(bench.engine.containers(all).await.expect("lists").is_empty());
    bench.assert_nothing_left();
}

pub(crate) async fn wait_for_log(bench: &Bench, id: &str, text: &str) {
    for _ in 0..200 {
        let read = ReadLogs { stdout: true, stderr: true, ..ReadLogs::default() };
        let mut log = bench.engine.container_logs(id, read).await.expect("reads");
        while let Some(line) = log.lines.recv().await {
            if String::from_utf8_lossy(&line.expect("a line").data).contains(text) {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{text:?} is not in the log of {id}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_exec_sessions_at_once_keep_their_output_and_codes() {
    skip_unless_possible!("many_exec_sessions_at_once_keep_their_output_and_codes");
    let bench = Bench::new().await;
    let id = bench.create(&["sleep", "1000"], |_| {}).await;
    bench.engine.start_container(&id).await.expect("starts");
    let mut sessions = Vec::new();
    for number in 0..40 {
        let (engine, id) = (std::sync::Arc::clone(&bench.engine), id.clone());
        sessions.push(tokio::spawn(async move {
            let script = format!("echo {number}; exit {number}");
            let request = CreateExec {
                cmd: ["sh", "-c", &script].map(str::to_owned).to_vec(),
                attach_stdout: true,
                attach_stderr: true,
                ..CreateExec::default()
            };
            let exec = engine.create_exec(&id, request).await.expect("prepares");
            let started = engine.start_exec(&exec, StartExec::default()).await;
            let mut attached = started
                .unwrap_or_else(|error| panic!("session {number}: {}", error.full_message()))
                .expect("attached");
            let (out, err) = read_all(&mut attached).await;
            let details = engine.exec(&exec).await.expect("inspects");
            (number, out, err, details.exit_code)
        }));
    }
    for session in sessions {
        let (number, out, err, exit_code) = session.await.expect("runs");
        assert_eq!((out, err), (format!("{number}\n"), String::new()));
        assert_eq!(exit_code, Some(number));
    }
    let options = RemoveContainer { force: true, ..RemoveContainer::default() };
    bench.engine.remove_container(&id, options).await.expect("removes");
    bench.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_checked() {
    skip_unless_possible!("health_is_checked");
    let bench = Bench::new().await;
    let id = bench
        .create(&["sleep", "1000"], |r| {
            r.config.healthcheck = Some(isopod_engine::Healthcheck {
                test: vec![
                    "CMD-SHELL".into(),
                    "test -e /tmp/well || { echo unwell; false; }".into(),
                ],
                interval_ns: 50_000_000,
                retries: 2,
                ..isopod_engine::Healthcheck::default()
            });
        })
        .await;
    bench.engine.start_container(&id).await.expect("starts");
    wait_for_health(&bench, &id, isopod_engine::HealthStatus::Unhealthy).await;
    let touch = CreateExec {
        cmd: ["touch", "/tmp/well"].map(str::to_owned).to_vec(),
        ..CreateExec::default()
    };
    let exec = bench.engine.create_exec(&id, touch).await.expect("prepares");
    let detached = StartExec { detach: true, ..StartExec::default() };
    bench.engine.start_exec(&exec, detached).await.expect("starts");
    wait_for_health(&bench, &id, isopod_engine::HealthStatus::Healthy).await;
    let options = RemoveContainer { force: true, ..RemoveContainer::default() };
    bench.engine.remove_container(&id, options).await.expect("removes");
}

async fn wait_for_health(bench: &Bench, id: &str, expected: isopod_engine::HealthStatus) {
    for _ in 0..200 {
        let health = bench.details(id).await.state.health.expect("is checked");
        if health.status == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never {expected:?}: {:?}", bench.details(id).await.state.health);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stdin_of_a_detached_container_stays_open() {
    skip_unless_possible!("stdin_of_a_detached_container_stays_open");
    let bench = Bench::new().await;
    let id = bench.create(&["cat"], |r| r.config.open_stdin = true).await;
    bench.engine.start_container(&id).await.expect("starts");
    for word in ["one\n", "two\n"] {
        let options = AttachContainer { stdin: true, stream: true, ..AttachContainer::default() };
        let attached = bench.engine.attach_container(&id, options).await.expect("attaches");
        let mut input = attached.input.expect("stdin");
        input.write(word.as_bytes()).await.expect("writes");
        input.close().await.expect("leaves it open");
        wait_for_log(&bench, &id, word.trim()).await;
    }
    assert_eq!(bench.details(&id).await.state.status, Status::Running);
    bench.engine.kill_container(&id, None).await.expect("kills");
}
