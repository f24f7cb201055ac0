//! `basename`: the last part of a path.

use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Result, Spec, Status};

/// See the usage text.
pub(crate) const BASENAME: Applet = Applet::new(
    "basename",
    basename,
    "FILE [SUFFIX] | -a FILE... | -s SUFFIX FILE...\n\n\
     Strip directory path and SUFFIX from FILE\n\n\
     \t-a\tAll arguments are FILEs\n\
     \t-s SUFFIX\tRemove SUFFIX (implies -a)\n\
     \t-z\tEnd each name with NUL, not newline",
)
.in_process();

const OPTIONS: Spec = Spec::new("+as:z", &[("multiple", 'a'), ("suffix=", 's'), ("zero", 'z')]);

fn basename(cx: &mut Context<'_>) -> Result<Status> {
    let (mut multiple, mut suffix, mut end) = (false, None, b'\n');
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'a' => multiple = true,
            's' => (multiple, suffix) = (true, Some(arguments.value())),
            _ => end = 0,
        }
    }
    let most = if multiple { usize::MAX } else { 2 };
    let mut operands = arguments.operands_between(1, most)?;
    if operands.is_empty() {
        return Err(Error::usage(""));
    }
    if !multiple && operands.len() == 2 {
        suffix = operands.pop();
    }
    for operand in &operands {
        let mut name = last_part(operand.as_bytes());
        if let Some(suffix) = &suffix
            && let Some(stem) = name.strip_suffix(suffix.as_bytes())
            && !stem.is_empty()
        {
            name = stem;
        }
        cx.stdout.put(name)?;
        cx.stdout.put_byte(end)?;
    }
    Ok(cx.status())
}

/// The last part; `/` for paths of slashes only.
fn last_part(path: &[u8]) -> &[u8] {
    let Some(end) = path.iter().rposition(|&byte| byte != b'/') else {
        return &path[..path.len().min(1)];
    };
    let start = path[..end].iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    &path[start..=end]
}
