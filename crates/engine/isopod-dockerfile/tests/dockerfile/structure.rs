//! What is understood.

use isopod_dockerfile::{Command, CopySource, Dockerfile, Kind, Network, Security};

fn kinds(file: &str) -> Vec<Kind> {
    let text = format!("FROM base\n{file}");
    let file = Dockerfile::parse("Dockerfile", &text).expect(&text);
    file.stages
        .into_iter()
        .next()
        .expect("a stage")
        .instructions
        .into_iter()
        .map(|i| i.kind)
        .collect()
}

fn one(line: &str) -> Kind {
    kinds(line).into_iter().next().expect("an instruction")
}

#[test]
fn stages() {
    let file = Dockerfile::parse(
        "Dockerfile",
        "# syntax=docker/dockerfile:1\nARG V=1 W\nFROM --platform=$BUILDPLATFORM a:$V AS Build\nRUN x\nFROM build\nFROM scratch as last\n",
    )
    .expect("valid");
    assert_eq!(file.syntax.as_deref(), Some("docker/dockerfile:1"));
    assert_eq!(file.args.len(), 2);
    assert_eq!(file.stages.len(), 3);
    assert_eq!(file.stages[0].from.platform.as_deref(), Some("$BUILDPLATFORM"));
    assert_eq!(file.stage("BUILD"), Some(0));
    assert_eq!(file.stage("1"), Some(1));
    assert_eq!(file.stage("last"), Some(2));
    assert_eq!(file.stage("3"), None);
}

#[test]
fn commands_have_two_forms() {
    let exec = |words: &[&str]| Command::Exec(words.iter().map(|w| (*w).to_owned()).collect());
    for (line, expected) in [
        ("CMD [\"a\", \"b c\"]", exec(&["a", "b c"])),
        ("CMD a b", Command::Shell("a b".into())),
        ("CMD ['a']", Command::Shell("['a']".into())),
        ("CMD [\"a\", 1]", Command::Shell("[\"a\", 1]".into())),
        ("CMD []", exec(&[])),
    ] {
        assert_eq!(one(line), Kind::Cmd(expected), "{line}");
    }
}

#[test]
fn run_and_its_flags() {
    let Kind::Run(run) = one(
        "RUN --mount=type=cache,target=/c --network=none --security=insecure --mount=target=/s,from=$x make",
    ) else {
        panic!("no RUN")
    };
    assert_eq!((run.network, run.security), (Network::None, Security::Insecure));
    assert_eq!(run.mounts, ["type=cache,target=/c", "target=/s,from=$x"]);
    assert_eq!(run.command, Command::Shell("make".into()));
    let Kind::Run(run) = one("RUN <<EOF\necho a\necho b\nEOF\n") else { panic!("no RUN") };
    assert_eq!(run.heredocs[0].content, "echo a\necho b\n");
}

#[test]
fn copies() {
    let Kind::Copy(copy) = one(
        "COPY --from=b --chown=1:2 --chmod=u+x --link --parents --exclude=*.o --exclude=t/** a b /c/",
    ) else {
        panic!("no COPY")
    };
    assert_eq!(copy.from.as_deref(), Some("b"));
    assert_eq!((copy.chown.as_deref(), copy.chmod.as_deref()), (Some("1:2"), Some("u+x")));
    assert!(copy.link && copy.parents);
    assert_eq!(copy.exclude, ["*.o", "t/**"]);
    assert_eq!(copy.destination, "/c/");
    assert_eq!(copy.sources, [CopySource::Path("a".into()), CopySource::Path("b".into())]);
    let Kind::Copy(copy) = one("COPY [\"a b\", \"c d/\"]") else { panic!("no COPY") };
    assert_eq!(
        (copy.sources, copy.destination.as_str()),
        (vec![CopySource::Path("a b".into())], "c d/")
    );
    let Kind::Copy(copy) = one("COPY <<A <<\"B\" x /d/\n$one\nA\n$two\nB\n") else {
        panic!("no COPY")
    };
    let [CopySource::Inline(a), CopySource::Inline(b), CopySource::Path(x)] = &copy.sources[..]
    else {
        panic!("{:?}", copy.sources)
    };
    assert_eq!((a.expand, b.expand, x.as_str()), (true, false, "x"));
    let Kind::Add(add) = one("ADD --checksum=sha256:x --unpack=false http://a/b /c") else {
        panic!("no ADD")
    };
    assert_eq!((add.checksum.as_deref(), add.unpack), (Some("sha256:x"), Some(false)));
}

#[test]
fn pairs_and_lists() {
    let Kind::Env(env) = one("ENV a=1 b=\"x y\" c='z' d=e\\ f") else { panic!("no ENV") };
    let values: Vec<_> = env.iter().map(|pair| (pair.key.as_str(), pair.value.as_str())).collect();
    assert_eq!(values, [("a", "1"), ("b", "\"x y\""), ("c", "'z'"), ("d", "e\\ f")]);
    let Kind::Env(env) = one("ENV a b  c") else { panic!("no ENV") };
    assert_eq!((env[0].value.as_str(), env[0].legacy), ("b  c", true));
    assert_eq!(one("VOLUME /a /b"), Kind::Volume(vec!["/a".into(), "/b".into()]));
    assert_eq!(one("VOLUME [\"/a b\"]"), Kind::Volume(vec!["/a b".into()]));
    assert_eq!(one("expose 80 90/udp"), Kind::Expose(vec!["80".into(), "90/udp".into()]));
    let Kind::Arg(args) = one("ARG a b=c") else { panic!("no ARG") };
    assert_eq!((args[0].default.as_deref(), args[1].default.as_deref()), (None, Some("c")));
}

#[test]
fn health_checks() {
    let Kind::Healthcheck(health) =
        one("HEALTHCHECK --interval=5s --timeout=1m --retries=3 CMD curl x")
    else {
        panic!("no HEALTHCHECK")
    };
    assert_eq!((health.interval_ns, health.retries), (Some(5_000_000_000), Some(3)));
    assert_eq!(health.command, Some(Command::Shell("curl x".into())));
    let Kind::Healthcheck(health) = one("HEALTHCHECK NONE") else { panic!("no HEALTHCHECK") };
    assert_eq!(health.command, None);
}

#[test]
fn windows_line_ends_and_marks() {
    let file =
        Dockerfile::parse("Dockerfile", "\u{feff}FROM a\r\nRUN a \\\r\n  b\r\n").expect("valid");
    assert_eq!(file.stages[0].instructions[0].text, "RUN a   b");
}
