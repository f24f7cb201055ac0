//! `grep`, `egrep`, `fgrep`: lines that match.

mod files;
mod options;
mod search;

use isobox_applet::{Applet, Context, Place, Result, Status};

use options::Grep;

/// See the usage text.
pub(crate) const GREP: Applet = Applet::new(
    "grep",
    grep,
    "[-HhnlLoqvsrRiwFEPxcz] [-m N] [-A|B|C N] { PATTERN | -e PATTERN... | -f FILE... } [FILE]...\n\n\
     Search for PATTERN in FILEs (or stdin)\n\n\
     \t-H\tAdd 'filename:' prefix\n\
     \t-h\tDo not add 'filename:' prefix\n\
     \t-n\tAdd 'line_no:' prefix\n\
     \t-b\tAdd byte offset prefix\n\
     \t-l\tShow only names of files that match\n\
     \t-L\tShow only names of files that don't match\n\
     \t-c\tShow only count of matching lines\n\
     \t-o\tShow only the matching part of line\n\
     \t-q\tQuiet. Return 0 if PATTERN is found, 1 otherwise\n\
     \t-v\tSelect non-matching lines\n\
     \t-s\tSuppress open and read errors\n\
     \t-r\tRecurse\n\
     \t-R\tRecurse and dereference symlinks\n\
     \t-i\tIgnore case\n\
     \t-w\tMatch whole words only\n\
     \t-x\tMatch whole lines only\n\
     \t-F\tPATTERN is a literal (not regexp)\n\
     \t-E\tPATTERN is an extended regexp\n\
     \t-P\tPATTERN is a Perl regexp\n\
     \t-z\tNUL terminated input\n\
     \t-Z\tEnd file names with NUL\n\
     \t-I\tSkip files with NUL bytes\n\
     \t-m N\tMatch up to N times per file\n\
     \t-A N\tPrint N lines of trailing context\n\
     \t-B N\tPrint N lines of leading context\n\
     \t-C N\tSame as '-A N -B N'\n\
     \t-e PTRN\tPattern to match\n\
     \t-f FILE\tRead pattern from file\n\
     \t--include GLOB, --exclude GLOB, --exclude-dir GLOB\n\
     \t\tWith -r: files to search, to leave out, directories to leave out\n\
     \t--color[=always|auto|never]\n\
     \t\tMark what matches",
)
.at(Place::Bin)
.fails_with(2);

/// `grep -E`.
pub(crate) const EGREP: Applet = GREP.named("egrep");

/// `grep -F`.
pub(crate) const FGREP: Applet = GREP.named("fgrep");

fn grep(cx: &mut Context<'_>) -> Result<Status> {
    let mut grep = Grep::from_arguments(cx)?;
    files::search_all(cx, &mut grep)?;
    let found = grep.found;
    Ok(match (found && grep.quiet, cx.failed, found) {
        (true, ..) | (false, false, true) => Status::SUCCESS,
        (false, true, _) => Status(2),
        (false, false, false) => Status::FAILURE,
    })
}
