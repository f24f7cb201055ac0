//! The shell and those of its builtins that are commands of their own.

use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Place, Result, Status};

/// `sh`, `ash`, and the commands that the shell has as builtins.
pub static APPLETS: &[Applet] = &[
    SH,
    SH.named("ash"),
    Applet::new("echo", echo, "[-neE] [ARG]...\n\nPrint ARGs to stdout\n\n\t-n\tNo trailing newline\n\t-e\tInterpret backslash escapes\n\t-E\tDon't interpret them (default)")
        .at(Place::Bin)
        .in_process()
        .with_own_help(),
    Applet::new("printf", printf, "FORMAT [ARG]...\n\nFormat and print ARG(s) according to FORMAT (a-la C printf)").in_process(),
    TEST,
    TEST.named("["),
    TEST.named("[["),
    Applet::new("true", success, "\n\nReturn an exit code of TRUE (0)").at(Place::Bin).in_process().with_own_help(),
    Applet::new("false", failure, "\n\nReturn an exit code of FALSE (1)").at(Place::Bin).in_process().with_own_help(),
];

const SH: Applet = Applet::new(
    "sh",
    crate::start::applet,
    "[-il] [-abCefhmnuvx] [-o OPTION] [-c 'SCRIPT' [ARG0 ARGS] | FILE ARGS | -s ARGS]\n\nUnix shell interpreter",
)
.at(Place::Bin)
.fails_with(2);

const TEST: Applet = Applet::new("test", test, "EXPRESSION\n\nCheck file types, compare values etc. Return a 0/1 exit code\ndepending on logical value of EXPRESSION")
    .in_process()
    .fails_with(2)
    .with_own_help();

fn echo(cx: &mut Context<'_>) -> Result<Status> {
    let mut out = Vec::new();
    crate::echo::echo(cx.args.iter().map(|word| word.as_bytes()), &mut out);
    cx.stdout.put(&out)?;
    Ok(Status::SUCCESS)
}

fn printf(cx: &mut Context<'_>) -> Result<Status> {
    let words: Vec<&[u8]> = cx.args.iter().map(|word| word.as_bytes()).collect();
    let (mut out, mut problems) = (Vec::new(), Vec::new());
    let status = crate::printf::printf(&words, &mut out, &mut problems);
    cx.stdout.put(&out)?;
    for problem in problems {
        cx.warn(&Error::Bytes(problem));
    }
    Ok(Status(u8::try_from(status).unwrap_or(1)))
}

fn test(cx: &mut Context<'_>) -> Result<Status> {
    let mut words: Vec<&[u8]> = cx.args.iter().map(|word| word.as_bytes()).collect();
    let closing: Option<&[u8]> = match cx.applet.name {
        "[" => Some(b"]"),
        "[[" => Some(b"]]"),
        _ => None,
    };
    if let Some(closing) = closing
        && words.pop() != Some(closing)
    {
        let message = [b"missing ", closing].concat();
        cx.warn(&Error::Bytes(message));
        return Ok(Status(2));
    }
    match crate::test::evaluate(&words, &mut crate::test::Process) {
        Ok(truth) => Ok(Status::failed_if(!truth)),
        Err(message) => {
            cx.warn(&Error::Bytes(message));
            Ok(Status(2))
        }
    }
}

fn success(_: &mut Context<'_>) -> Result<Status> {
    Ok(Status::SUCCESS)
}

fn failure(_: &mut Context<'_>) -> Result<Status> {
    Ok(Status::FAILURE)
}
