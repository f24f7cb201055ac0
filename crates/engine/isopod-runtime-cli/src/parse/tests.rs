//! Command lines as the callers of runtimes write them.

use super::*;

fn parsed(line: &str) -> Result<Parsed, Error> {
    parse(line.split(' ').filter(|word| !word.is_empty()).map(OsString::from))
}

fn command(line: &str) -> Invocation {
    match parsed(line) {
        Ok(Parsed::Command(invocation)) => invocation,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn flags_stand_anywhere() {
    for line in [
        "--root /r --log=/l --log-format json create --bundle /b --pid-file /p c1",
        "create c1 --bundle /b --root /r --log /l -pid-file /p --log-format=json",
        "--log /l create -b /b --log-format json --pid-file=/p --root=/r c1",
        "--root /x create --root /r -b=/b --log /l --log-format json --pid-file /p -- c1",
    ] {
        let found = command(line);
        assert_eq!(found.command.name, "create", "{line}");
        assert_eq!(found.id().expect(line), "c1");
        assert_eq!(found.value("bundle"), Some("/b"), "{line}");
        assert_eq!(found.value("pid-file"), Some("/p"), "{line}");
        assert_eq!(found.global("root"), Some("/r"), "{line}");
        assert_eq!(found.global("log"), Some("/l"), "{line}");
        assert_eq!(found.global("log-format"), Some("json"), "{line}");
    }
}

#[test]
fn what_follows_the_id_of_an_exec_is_not_ours() {
    let found =
        command("exec -t --env A=1 -e B=x=y --cap CAP_KILL --user 1:2 c1 ls -t --env Z --root /x");
    assert_eq!(found.id().expect("id"), "c1");
    assert_eq!(found.rest(), ["ls", "-t", "--env", "Z", "--root", "/x"]);
    assert!(found.is_on("tty"));
    assert_eq!(found.values("env").collect::<Vec<_>>(), ["A=1", "B=x=y"]);
    assert_eq!(found.global("root"), None);
    assert_eq!(command("ps c1 -aux").rest(), ["-aux"]);
    assert_eq!(command("exec c1 -- ls").rest(), ["ls"]);
    assert_eq!(command("exec --process /p.json --detach c1").value("process"), Some("/p.json"));
}

#[test]
fn kill_takes_flags_and_signals_in_any_order() {
    for line in ["kill --all c1 9", "kill c1 9 --all", "kill c1 -a 9", "kill -a=true c1 9"] {
        let found = command(line);
        assert!(found.is_on("all"), "{line}");
        assert_eq!(found.rest(), ["9"], "{line}");
    }
    assert_eq!(command("kill c1 -9").rest(), ["-9"]);
    assert!(!command("kill --all=false c1").is_on("all"));
}

#[test]
fn own_flags_come_before_global_ones_of_the_same_name() {
    assert!(command("spec --rootless").is_on("rootless"));
    assert_eq!(command("--rootless false spec").global("rootless"), Some("false"));
    assert_eq!(command("state c1 --rootless auto").global("rootless"), Some("auto"));
}

#[test]
fn help_and_version() {
    for (line, topic) in [
        ("", None),
        ("help", None),
        ("-h", None),
        ("--help run", None),
        ("help run", Some("run")),
        ("run --help", Some("run")),
        ("exec -h", Some("exec")),
    ] {
        match parsed(line) {
            Ok(Parsed::Help(found)) => assert_eq!(found.as_deref(), topic, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
    for line in ["--version", "-v", "--root /r --version"] {
        assert!(matches!(parsed(line), Ok(Parsed::Version)), "{line}");
    }
}

#[test]
fn mistakes() {
    for (line, message, status) in [
        ("foo", "No help topic for 'foo'", 3),
        ("run", "isopod-runtime: \"run\" requires exactly 1 argument(s)", 1),
        ("delete a b", "isopod-runtime: \"delete\" requires exactly 1 argument(s)", 1),
        ("exec", "isopod-runtime: \"exec\" requires a minimum of 1 argument(s)", 1),
        ("kill a b c", "isopod-runtime: \"kill\" requires a maximum of 2 argument(s)", 1),
        ("list a", "isopod-runtime: \"list\" requires exactly 0 argument(s)", 1),
        ("run --bogus c1", "flag provided but not defined: -bogus", 1),
        ("--bogus", "flag provided but not defined: -bogus", 1),
        ("run c1 --bundle", "flag needs an argument: -bundle", 1),
        (
            "run --detach=maybe c1",
            "invalid value \"maybe\" for flag -detach: expected true or false",
            1,
        ),
    ] {
        let error = parsed(line).expect_err(line);
        assert_eq!(error.to_string(), message, "{line}");
        assert_eq!(error.status(), status, "{line}");
    }
}
