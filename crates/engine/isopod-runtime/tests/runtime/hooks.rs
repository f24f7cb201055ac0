//! The six kinds of hooks.

use crate::Case;
use crate::fixture::Fixture;

pub(crate) const CASES: &[Case] = &[
    ("hooks::all_kinds_in_order", all_kinds_in_order),
    ("hooks::a_failure_ends_the_container", a_failure_ends_the_container),
    ("hooks::container_hooks_see_its_namespaces", container_hooks_see_its_namespaces),
    (
        "hooks::a_failing_start_hook_is_told_to_the_starter",
        a_failing_start_hook_is_told_to_the_starter,
    ),
    ("hooks::failing_poststart_kills", failing_poststart_kills),
];

/// A hook that appends a word and the state to a file of the host.
fn hook(word: &str, file: &str) -> String {
    format!(
        r#"{{"path":"/bin/sh","args":["sh","-c","(echo -n '{word} '; cat; echo) >> {file}"],"env":["PATH=/bin:/usr/bin"]}}"#
    )
}

fn all_kinds_in_order() {
    let fixture = Fixture::new("echo 'program {}' >> /shared/log")
        .mount(r#"{"destination":"/shared","source":"shared","options":["bind"]}"#);
    let shared = fixture.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    let log = shared.join("log");
    let host = |word: &str| hook(word, &log.display().to_string());
    let json = format!(
        r#"{{"hooks":{{"prestart":[{}],"createRuntime":[{}],"createContainer":[{}],
            "startContainer":[{}],"poststart":[{}],"poststop":[{}]}}}}"#,
        host("prestart"),
        host("createRuntime"),
        host("createContainer"),
        hook("startContainer", "/shared/log"),
        host("poststart"),
        host("poststop"),
    );
    let fixture = fixture.with(&json);
    fixture.run();
    let text = std::fs::read_to_string(&log).unwrap();
    let mut words = Vec::new();
    for line in text.lines() {
        let (word, state) = line.split_once(' ').unwrap();
        words.push(word.to_owned());
        let state: serde_json::Value = serde_json::from_str(state).expect(line);
        if word != "program" {
            assert_eq!(state["id"], fixture.id.as_str(), "{line}");
        }
        match word {
            "prestart" | "createRuntime" => assert_eq!(state["status"], "creating"),
            "createContainer" => assert_eq!(state["pid"], 1),
            "startContainer" => assert_eq!(state["status"], "created"),
            "poststop" => assert_eq!(state["status"], "stopped"),
            _ => {}
        }
    }
    // The program and the poststart hook run beside each other.
    words.sort_by_key(|word| match word.as_str() {
        "program" | "poststart" => (4, word.clone()),
        "prestart" => (0, String::new()),
        "createRuntime" => (1, String::new()),
        "createContainer" => (2, String::new()),
        "startContainer" => (3, String::new()),
        _ => (5, String::new()),
    });
    assert_eq!(
        words,
        [
            "prestart",
            "createRuntime",
            "createContainer",
            "startContainer",
            "poststart",
            "program",
            "poststop"
        ]
    );
}

fn a_failure_ends_the_container() {
    for name in ["prestart", "createRuntime", "createContainer", "startContainer"] {
        let fixture = Fixture::new("true").with(&format!(
            r#"{{"hooks":{{"{name}":[{{"path":"/bin/sh","args":["sh","-c","echo why; exit 9"]}}]}}}}"#
        ));
        let error = fixture.refused();
        let expected = format!("error running {name} hook #0: /bin/sh: exit status 9, stdout: why");
        assert!(error.contains(&expected), "{error}");
    }
}

fn container_hooks_see_its_namespaces() {
    let fixture = Fixture::new("true");
    let file = fixture.path().join("seen");
    let fixture = fixture.with(&format!(
        r#"{{"hooks":{{"createContainer":[{{"path":"/bin/sh","args":["sh","-c","hostname > {0}; pwd >> {0}"],
            "env":["PATH=/bin:/usr/bin"]}}]}}}}"#,
        file.display()
    ));
    fixture.run();
    let seen = std::fs::read_to_string(file).unwrap();
    assert_eq!(seen, format!("test\n{}\n", fixture.rootfs().display()));
}

fn a_failing_start_hook_is_told_to_the_starter() {
    let fixture = Fixture::new("true")
        .with(r#"{"hooks":{"startContainer":[{"path":"/bin/sh","args":["sh","-c","echo why; exit 9"]}]}}"#);
    let created = fixture.create(crate::fixture::piped().0).unwrap();
    let error = fixture.runtime.load(&fixture.id).unwrap().start().expect_err("the hook fails");
    let text = crate::fixture::chain(&error);
    assert!(text.contains("startContainer hook #0: /bin/sh: exit status 9, stdout: why"), "{text}");
    assert_eq!(crate::fixture::wait(&created.pidfd), 1);
}

fn failing_poststart_kills() {
    let fixture =
        Fixture::new("sleep 60").with(r#"{"hooks":{"poststart":[{"path":"/bin/false"}]}}"#);
    let error = fixture.refused();
    assert!(error.contains("poststart hook #0"), "{error}");
}
