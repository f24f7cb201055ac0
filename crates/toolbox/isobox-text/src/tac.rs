//! `tac`: lines in reverse order.

use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Result, Spec, Status};

/// See the usage text.
pub(crate) const TAC: Applet = Applet::new(
    "tac",
    tac,
    "[-b] [-s STRING] [FILE]...\n\n\
     Print FILEs, the last line first\n\n\
     \t-b\tThe separator stands before a record\n\
     \t-s STRING\tSTRING ends a record, not newline",
);

const OPTIONS: Spec = Spec::new("bs:", &[("before", 'b'), ("separator=", 's')]);

fn tac(cx: &mut Context<'_>) -> Result<Status> {
    let (mut before, mut separator) = (false, b"\n".to_vec());
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'b' => before = true,
            _ => separator = arguments.value().as_bytes().to_vec(),
        }
    }
    if separator.is_empty() {
        separator.push(0);
    }
    let operands = arguments.operands();
    cx.each_input(&operands, |cx, input, name| {
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes).map_err(|error| Error::path(name, error))?;
        let mut end = bytes.len();
        let finder = memchr::memmem::FinderRev::new(&separator);
        // Where the search for the separator in front of the last record ends.
        let mut limit = if before { end } else { end.saturating_sub(separator.len()) };
        if !before && !bytes.ends_with(&separator) {
            limit = end;
        }
        while let Some(at) = finder.rfind(&bytes[..limit]) {
            let start = if before { at } else { at + separator.len() };
            cx.stdout.put(&bytes[start..end])?;
            end = start;
            limit = at;
        }
        cx.stdout.put(&bytes[..end])
    })?;
    Ok(cx.status())
}
