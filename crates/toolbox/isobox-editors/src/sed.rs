//! `sed`: edits a stream by a script.

mod escape;
mod execute;
mod output;
mod parse;
mod script;
mod source;
mod substitute;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status};

pub(crate) use escape::bracket_end;
pub(crate) use script::{Part, Substitute};
pub(crate) use substitute::apply;

use execute::Machine;
use parse::{Dialect, Parser};
use source::Sources;

/// See the usage text.
pub(crate) const SED: Applet = Applet::new(
    "sed",
    sed,
    "[-i[SFX]] [-nrEsuz] [-f FILE]... [-e CMD]... [FILE]...\n\
     or: sed [-i[SFX]] [-nrEsuz] CMD [FILE]...\n\n\
     \t-e CMD\tAdd CMD to sed commands to be executed\n\
     \t-f FILE\tAdd FILE contents to sed commands to be executed\n\
     \t-i[SFX]\tEdit files in-place (otherwise write to stdout)\n\
     \t\tOptionally back files up, appending SFX\n\
     \t-n\tSuppress automatic printing of pattern space\n\
     \t-r,-E\tUse extended regex syntax\n\
     \t-s\tFiles are separate: line numbers and $ are each file's own\n\
     \t-u\tWrite every line at once\n\
     \t-z\tLines end with NUL\n\
     \t-l N\tLength of lines that 'l' prints\n\n\
     If no -e or -f, the first non-option argument is the sed command string.\n\
     Remaining arguments are input files (stdin if none).",
)
.at(Place::Bin);

const OPTIONS: Spec = Spec::new(
    "e:f:i::nrEsuzl:",
    &[
        ("expression=", 'e'),
        ("file=", 'f'),
        ("in-place=?", 'i'),
        ("quiet", 'n'),
        ("silent", 'n'),
        ("regexp-extended", 'E'),
        ("separate", 's'),
        ("unbuffered", 'u'),
        ("null-data", 'z'),
        ("zero-terminated", 'z'),
        ("line-length=", 'l'),
        ("posix", 'P'),
        ("follow-symlinks", 'F'),
        ("sandbox", 'S'),
    ],
);

/// How the script is run.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) quiet: bool,
    pub(crate) separate: bool,
    pub(crate) unbuffered: bool,
    pub(crate) in_place: Option<OsString>,
    pub(crate) line_end: u8,
    pub(crate) line_length: usize,
    pub(crate) sandbox: bool,
}

fn sed(cx: &mut Context<'_>) -> Result<Status> {
    let mut settings = Settings {
        quiet: false,
        separate: false,
        unbuffered: false,
        in_place: None,
        line_end: b'\n',
        line_length: 70,
        sandbox: false,
    };
    let mut script: Option<Vec<u8>> = None;
    let mut dialect = Dialect { utf8: cx.utf8(), ..Dialect::default() };
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'e' => add(&mut script, arguments.value().as_bytes()),
            'f' => {
                let name = arguments.value();
                let mut text = Vec::new();
                let mut file = cx.open(&name)?;
                file.read_to_end(&mut text).map_err(|error| Error::path(&name, error))?;
                add(&mut script, text.strip_suffix(b"\n").unwrap_or(&text));
            }
            'i' => {
                settings.in_place = Some(arguments.optional_value().unwrap_or_default());
                settings.separate = true;
            }
            'n' => settings.quiet = true,
            'r' | 'E' => dialect.extended = true,
            's' => settings.separate = true,
            'u' => settings.unbuffered = true,
            'z' => settings.line_end = 0,
            'l' => {
                let text = arguments.text()?;
                let invalid = || Error::message(format!("invalid line length '{text}'"));
                settings.line_length = text.parse().map_err(|_| invalid())?;
            }
            'S' => settings.sandbox = true,
            _ => {}
        }
    }
    let mut files = arguments.operands();
    if script.is_none() {
        if files.is_empty() {
            return Err(Error::usage(""));
        }
        add(&mut script, files.remove(0).as_bytes());
    }
    if files.is_empty() {
        files.push("-".into());
    }
    let script = script.unwrap_or_default();
    // `#n` on a line of its own in front is the option -n.
    if script == b"#n" || script.starts_with(b"#n\n") {
        settings.quiet = true;
    }
    let script = Parser::new(&script, dialect, settings.sandbox).script()?;
    let sources = Sources::new(files, &settings);
    Machine::new(cx, &script, &settings, sources)?.run()
}

fn add(script: &mut Option<Vec<u8>>, text: &[u8]) {
    match script {
        Some(script) => {
            script.push(b'\n');
            script.extend_from_slice(text);
        }
        None => *script = Some(text.to_vec()),
    }
}
