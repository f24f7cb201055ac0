//! `ed`: the line editor.

mod address;
mod buffer;
mod command;
mod file;
mod global;
mod substitute;

use isobox_applet::{Applet, Context, Error, Input, Place, Result, Spec, Status};

use buffer::Buffer;
use substitute::Replacement;

/// See the usage text.
pub(crate) const ED: Applet = Applet::new(
    "ed",
    ed,
    "[-s] [-p PROMPT] [FILE]\n\n\
     Edit lines of text\n\n\
     \t-s\tDon't write byte counts and the prompt of !\n\
     \t-p PROMPT\tWrite PROMPT when a command is expected",
)
.at(Place::Bin);

const OPTIONS: Spec =
    Spec::new("sp:", &[("quiet", 's'), ("silent", 's'), ("script", 's'), ("prompt=", 'p')]);

/// What a command ends with.
#[derive(Debug)]
enum Trouble {
    /// A question mark, and the explanation that `h` gives.
    Wrong(String),
    /// The editor cannot go on.
    Fatal(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Output(_) | Error::Silent(_) => Self::Fatal(error),
            error => Self::Wrong(String::from_utf8_lossy(&error.text()).into_owned()),
        }
    }
}

type Outcome<T> = std::result::Result<T, Trouble>;

fn wrong<T>(why: impl Into<String>) -> Outcome<T> {
    Err(Trouble::Wrong(why.into()))
}

/// Whether the editor goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Go,
    Quit,
}

/// A running editor.
struct Editor<'c, 'a> {
    cx: &'c mut Context<'a>,
    input: Input<'a>,
    /// Commands of `g` that are being carried out, before those of the input.
    pending: Vec<Vec<u8>>,
    buffer: Buffer,
    name: Option<Vec<u8>>,
    quiet: bool,
    prompt: Option<Vec<u8>>,
    prompting: bool,
    /// Whether errors are explained at once (`H`), and the last explanation.
    explain: bool,
    explanation: String,
    pattern: Option<std::rc::Rc<isobox_regex::Regex>>,
    replacement: Option<Replacement>,
    shell_command: Vec<u8>,
    /// Whether the last command was refused for the sake of changes; the next one is not.
    warned: bool,
    in_global: bool,
    window: usize,
    utf8: bool,
}

fn ed(cx: &mut Context<'_>) -> Result<Status> {
    let (mut quiet, mut prompt) = (false, None);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            's' => quiet = true,
            'p' => prompt = Some(arguments.value().into_encoded_bytes()),
            _ => unreachable!("not in the table of options"),
        }
    }
    let mut operands = arguments.operands();
    // POSIX's older way to say -s.
    if operands.first().is_some_and(|operand| operand == "-") {
        operands.remove(0);
        quiet = true;
    }
    if operands.len() > 1 {
        return Err(Error::usage(""));
    }
    let utf8 = cx.utf8();
    let mut editor = Editor {
        input: Input::from(cx.stdin),
        cx,
        pending: Vec::new(),
        buffer: Buffer::default(),
        name: None,
        quiet,
        prompting: prompt.is_some(),
        prompt,
        explain: false,
        explanation: String::new(),
        pattern: None,
        replacement: None,
        shell_command: Vec::new(),
        warned: false,
        in_global: false,
        window: 22,
        utf8,
    };
    editor.run(operands.pop().map(std::ffi::OsString::into_encoded_bytes))
}

impl Editor<'_, '_> {
    fn run(&mut self, name: Option<Vec<u8>>) -> Result<Status> {
        let regular = rustix::fs::fstat(self.cx.stdin)
            .is_ok_and(|status| rustix::fs::FileType::from_raw_mode(status.st_mode).is_file());
        let mut failed = false;
        if let Some(name) = name {
            match self.edit(&name) {
                Ok(()) => {}
                Err(Trouble::Fatal(error)) => return Err(error),
                // A file that is not there yet is made by `w`.
                Err(Trouble::Wrong(why)) => self.say_error(&why)?,
            }
            self.name = Some(name);
        }
        loop {
            if let Some(prompt) = self.prompt.as_ref().filter(|_| self.prompting) {
                self.cx.stdout.put(prompt)?;
            }
            self.cx.stdout.flush()?;
            let outcome = match self.read_line()? {
                Some(line) => self.command(&line),
                None if self.buffer.modified && !self.warned => {
                    self.warned = true;
                    wrong("Warning: buffer modified")
                }
                None => break,
            };
            match outcome {
                Ok(Next::Go) => {}
                Ok(Next::Quit) => break,
                Err(Trouble::Fatal(error)) => return Err(error),
                Err(Trouble::Wrong(why)) => {
                    failed = true;
                    self.pending.clear();
                    self.in_global = false;
                    self.cx.stdout.put(b"?\n")?;
                    self.explanation = why;
                    if self.explain {
                        writeln!(self.cx.stdout, "{}", self.explanation)?;
                    }
                    // A script in a file ends where it goes wrong.
                    if regular {
                        return Ok(Status::FAILURE);
                    }
                }
            }
        }
        Ok(Status::failed_if(failed))
    }

    fn say_error(&mut self, why: &str) -> Result<()> {
        self.cx.stdout.flush()?;
        let line = format!("{why}\n");
        isobox_applet::write_all(self.cx.stderr, line.as_bytes()).map_err(Error::Output)
    }

    /// The next line of a command list or of the input, without its end.
    fn read_line(&mut self) -> Result<Option<Vec<u8>>> {
        if !self.pending.is_empty() {
            return Ok(Some(self.pending.remove(0)));
        }
        if self.in_global {
            return Ok(None);
        }
        let line = self.input.line(b'\n').map_err(Error::Read)?;
        Ok(line.map(|line| line.strip_suffix(b"\n").unwrap_or(line).to_vec()))
    }
}
