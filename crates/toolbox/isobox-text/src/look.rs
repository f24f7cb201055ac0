//! `look`: lines of a sorted file that begin with a string.

use std::cmp::Ordering;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Result, Spec, Status};

/// See the usage text.
pub(crate) const LOOK: Applet = Applet::new(
    "look",
    look,
    "[-dfab] [-t CHAR] STRING [FILE]\n\n\
     Print lines of the sorted FILE that begin with STRING\n\n\
     \t-d\tCompare letters, digits and blanks only\n\
     \t-f\tIgnore case\n\
     \t-t C\tSTRING ends at C\n\
     \t-b\tSearch by halves (as is done anyway)\n\n\
     Without FILE, /usr/share/dict/words with -df",
);

const OPTIONS: Spec = Spec::new(
    "dfabt:",
    &[
        ("alphanum", 'd'),
        ("ignore-case", 'f'),
        ("alternative", 'a'),
        ("binary", 'b'),
        ("terminate=", 't'),
    ],
);

fn look(cx: &mut Context<'_>) -> Result<Status> {
    let (mut alphanumeric, mut fold, mut terminator, mut alternative) = (false, false, None, false);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'd' => alphanumeric = true,
            'f' => fold = true,
            'a' => alternative = true,
            't' => terminator = arguments.value().as_bytes().first().copied(),
            _ => {}
        }
    }
    let operands = arguments.operands_between(1, 2)?;
    let file = match operands.get(1) {
        Some(file) => file.clone(),
        None => {
            (alphanumeric, fold) = (true, true);
            if alternative { "/usr/share/dict/web2".into() } else { "/usr/share/dict/words".into() }
        }
    };
    let mut wanted = operands[0].as_bytes();
    if let Some(at) = terminator.and_then(|end| memchr::memchr(end, wanted)) {
        wanted = &wanted[..=at];
    }
    let normal = |text: &[u8]| -> Vec<u8> {
        text.iter()
            .filter(|byte| {
                !alphanumeric || byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'\t')
            })
            .map(|byte| if fold { byte.to_ascii_lowercase() } else { *byte })
            .collect()
    };
    let wanted = normal(wanted);
    let mut bytes = Vec::new();
    cx.open_file(&file)?.read_to_end(&mut bytes).map_err(|error| Error::path(&file, error))?;
    let compare = |start: usize| {
        let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
        let line = normal(&bytes[start..end]);
        let length = line.len().min(wanted.len());
        (line[..length].cmp(&wanted), end)
    };
    // The first line that is not before what is wanted.
    let (mut low, mut high) = (0, bytes.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = memchr::memrchr(b'\n', &bytes[low..middle]).map_or(low, |at| low + at + 1);
        let (order, end) = compare(start);
        if order == Ordering::Less { low = (end + 1).min(bytes.len()) } else { high = start }
    }
    let mut found = false;
    while low < bytes.len() {
        let (order, end) = compare(low);
        if order != Ordering::Equal {
            break;
        }
        found = true;
        cx.stdout.put(&bytes[low..end])?;
        cx.stdout.put(b"\n")?;
        low = end + 1;
    }
    Ok(Status::failed_if(!found))
}
