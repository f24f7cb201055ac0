//! Builtins that are applets too: `echo`, `printf`, `test`.

use super::Args;
use crate::shell::{Run, Shell};

pub(super) fn echo(shell: &mut Shell, args: Args<'_>) -> Run {
    crate::echo::echo(args.from(1), &mut shell.out);
    Ok(0)
}

pub(super) fn printf(shell: &mut Shell, args: Args<'_>) -> Run {
    let words: Vec<&[u8]> = args.from(1).collect();
    let mut problems = Vec::new();
    let status = crate::printf::printf(&words, &mut shell.out, &mut problems);
    for problem in problems {
        shell.warn_plain(&problem);
    }
    Ok(status)
}

/// `test` and `[`
pub(super) fn test(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut words: Vec<&[u8]> = args.from(1).collect();
    if args.get(0) == b"[" && words.pop() != Some(b"]") {
        shell.warn_plain(b"missing ]");
        return Ok(2);
    }
    match crate::test::evaluate(&words, shell) {
        Ok(truth) => Ok(i32::from(!truth)),
        Err(message) => {
            shell.warn_plain(&message);
            Ok(2)
        }
    }
}
