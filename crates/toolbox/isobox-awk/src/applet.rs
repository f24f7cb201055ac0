//! The applet: its options and how its parts are put together.

use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Result, Spec, Status};

use crate::machine::Machine;
use crate::parse::Parser;
use crate::source::Source;

/// See the usage text.
pub(crate) const AWK: Applet = Applet::new(
    "awk",
    awk,
    "[-F SEP] [-v VAR=VAL]... [-f FILE]... [-e TEXT]... [PROGRAM] [FILE]...\n\n\
     \t-v VAR=VAL\tSet variable\n\
     \t-F SEP\t\tUse SEP as field separator\n\
     \t-f FILE\t\tRead program from FILE\n\
     \t-e TEXT\t\tThe program, or a part of it",
);

const OPTIONS: Spec = Spec::new(
    "+F:v:f:e:",
    &[("field-separator=", 'F'), ("assign=", 'v'), ("file=", 'f'), ("source=", 'e')],
);

fn awk(cx: &mut Context<'_>) -> Result<Status> {
    let mut source = Source::default();
    let mut has_program = false;
    let mut assignments = Vec::new();
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'F' => {
                let mut assignment = b"FS=".to_vec();
                assignment.extend_from_slice(arguments.value().as_bytes());
                assignments.push(assignment);
            }
            'v' => assignments.push(arguments.value().as_bytes().to_vec()),
            'f' => {
                let name = arguments.value();
                let mut text = Vec::new();
                let mut file = cx.open(&name)?;
                file.read_to_end(&mut text).map_err(|error| Error::path(&name, error))?;
                source.add(Some(&name.to_string_lossy()), &text);
                has_program = true;
            }
            'e' => {
                source.add(None, arguments.value().as_bytes());
                has_program = true;
            }
            _ => unreachable!("not in the table of options"),
        }
    }
    let mut operands = arguments.operands();
    if !has_program {
        if operands.is_empty() {
            return Err(Error::usage(""));
        }
        source.add(None, operands.remove(0).as_bytes());
    }
    let program = Parser::new(&source, cx.utf8()).program();
    let program = program.map_err(|error| Error::message(error.to_string()))?;
    let mut machine = Machine::new(&program, &source, cx);
    machine.set_environment(&operands);
    for assignment in &assignments {
        machine.assign_first(assignment)?;
    }
    machine.run()
}
