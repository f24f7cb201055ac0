//! Tests of the parser that need no shell.

use super::*;

fn parse(text: &str) -> std::result::Result<String, String> {
    let mut text = text.as_bytes().to_vec();
    let mut names = Names::default();
    let aliases = Aliases::default();
    match Parser::new(&mut text, 0, &mut names, &aliases).all() {
        Ok(node) => Ok(format!("{node:?}")),
        Err(Stop::Syntax(error)) => Err(error.to_string()),
        Err(Stop::Incomplete) => Err("incomplete".into()),
    }
}

#[test]
fn errors_say_what_was_found() {
    let check = |text, message: &str| {
        assert_eq!(parse(text).unwrap_err(), format!("syntax error: {message}"), "{text}");
    };
    check("if true; then", "unexpected end of file");
    check("echo )", "unexpected \")\"");
    check("done", "unexpected \"done\"");
    check("echo 'x", "unterminated quoted string");
    check("for 1 in x; do :; done", "bad for loop variable");
    check("a/b() { :; }", "bad function name");
    check("while :; do", "unexpected end of file (expecting \"done\")");
}

#[test]
fn text_that_may_go_on_is_incomplete() {
    for text in
        ["if x\n", "echo 'a\n", "cat <<E\nx\n", "echo \\\n", "a &&\n", "echo $(x\n", "{ a\n", "x"]
    {
        let mut text = text.as_bytes().to_vec();
        let (mut names, aliases) = (Names::default(), Aliases::default());
        let stop = Parser::new(&mut text, 0, &mut names, &aliases).more(true).command();
        assert!(matches!(stop, Err(Stop::Incomplete)), "{stop:?}");
    }
}

#[test]
fn nesting_is_bounded() {
    // On a stack as large as a program's, which is larger than that of a test.
    let parse_all = || {
        for open in ["$(", "(", "{ ", "${x:-", "if ", "! ", "\"$(", "[[ ! (", "$((", "(("] {
            parse(&open.repeat(10_000)).unwrap_err();
        }
    };
    std::thread::Builder::new().stack_size(8 << 20).spawn(parse_all).unwrap().join().unwrap();
}
