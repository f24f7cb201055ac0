//! What is refused, with the place.

use isopod_dockerfile::Dockerfile;

fn check(file: &str, place: &str, message: &str) {
    let error = Dockerfile::parse("Dockerfile", file).expect_err(file);
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    assert!(first.starts_with(&format!("Dockerfile:{place}: ")), "{file:?}: {text}");
    assert!(text.contains(message), "{file:?}: {text}");
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (file, place, message) in [
        ("", "1:1", "file with no instructions"),
        ("# nothing\n", "1:1", "file with no instructions"),
        ("ARG A\n", "1:1", "a FROM is missing"),
        ("RUN x\nFROM a\n", "1:1", "only ARG may stand before the first FROM"),
        ("FROM a\nRUM x\n", "2:1", "unknown instruction: RUM (did you mean RUN?)"),
        ("FROM a\nFRED x\n", "2:1", "unknown instruction: FRED"),
        ("FROM a b\n", "1:6", "FROM requires either one or three arguments"),
        ("FROM a AS 9x\n", "1:11", "invalid name for build stage"),
        ("FROM a AS x\nFROM b AS X\n", "2:1", "duplicate name"),
        ("FROM --os=linux a\n", "1:6", "unknown flag: --os"),
        ("FROM a\nCOPY x\n", "2:6", "COPY requires at least two arguments"),
        ("FROM a\nCOPY --form=b x y\n", "2:6", "unknown flag: --form"),
        ("FROM a\nCOPY --link=maybe x y\n", "2:6", "expected true or false"),
        ("FROM a\nENV\n", "2:4", "ENV requires at least one argument"),
        ("FROM a\nENV x\n", "2:5", "ENV must have two arguments"),
        ("FROM a\nENV a=1 b\n", "2:5", "can't find = in \"b\""),
        ("FROM a\nLABEL =x\n", "2:7", "LABEL names can not be blank"),
        ("FROM a\nSHELL sh -c\n", "2:7", "SHELL requires the arguments to be in JSON form"),
        ("FROM a\nHEALTHCHECK sh\n", "2:13", "unknown type \"SH\" in HEALTHCHECK"),
        ("FROM a\nHEALTHCHECK --interval=x CMD a\n", "2:13", "--interval"),
        ("FROM a\nHEALTHCHECK CMD\n", "2:13", "missing command"),
        ("FROM a\nONBUILD ONBUILD RUN a\n", "2:9", "Chaining ONBUILD"),
        ("FROM a\nONBUILD FROM b\n", "2:9", "isn't allowed as an ONBUILD trigger"),
        ("FROM a\nONBUILD COPY x\n", "2:14", "COPY requires at least two"),
        ("FROM a\nRUN\n", "2:4", "RUN requires at least one argument"),
        ("FROM a\nRUN []\n", "2:5", "RUN requires at least one argument"),
        ("FROM a\nRUN --mount=type=nfs,target=/x a\n", "2:5", "unsupported mount type"),
        ("FROM a\nRUN --network=lan a\n", "2:5", "invalid network mode"),
        ("FROM a\nRUN --security=high a\n", "2:5", "security \"high\" is not valid"),
        ("FROM a\nRUN a \\\n  --x \\\n  b\nUSER\n", "5:5", "USER requires exactly one argument"),
        ("FROM a\nRUN \\\n  --network=lan \\\n  b\n", "3:3", "invalid network mode"),
        ("FROM a\nVOLUME [\"\"]\n", "2:8", "can not be an empty string"),
        ("FROM a\nRUN <<EOF\nx\n", "2:1", "unterminated heredoc"),
        ("FROM a\nARG a=1 =2\n", "2:5", "ARG names"),
    ] {
        check(file, place, message);
    }
}

#[test]
fn the_text_is_shown_with_a_caret() {
    let error = Dockerfile::parse("deep/Dockerfile", "FROM a\nCOPY --bad x y\n").expect_err("bad");
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1], "2 | COPY --bad x y");
    assert_eq!(lines[2], "  |      ^");
}
