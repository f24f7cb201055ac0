//! Starting a shell: its command line, environment and profiles.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::rc::Rc;

use isobox_applet::{Context, Registry};

use crate::names::{self, is_name};
use crate::run::{Origin, Script};
use crate::shell::{Escape, Run, Shell};

/// What the command line asks for.
#[derive(Default)]
struct Wanted {
    command: bool,
    stdin: bool,
    interactive: Option<bool>,
    login: bool,
}

/// Runs a shell with the arguments of a command line (the first is its name); returns its exit
/// status.
#[must_use]
pub fn main(registry: Registry, name: &[u8], arguments: &[OsString]) -> i32 {
    run(registry, name, arguments, std::env::vars_os().collect())
}

fn run(
    registry: Registry,
    name: &[u8],
    arguments: &[OsString],
    environment: Vec<(OsString, OsString)>,
) -> i32 {
    let mut shell = Shell::new(registry, name);
    shell.import_environment(environment);
    let outcome = shell.start(arguments, name.first() == Some(&b'-'));
    let status = shell.end(outcome);
    shell.history.save();
    status & 0xff
}

/// The shell as an applet.
pub(crate) fn applet(cx: &mut Context<'_>) -> isobox_applet::Result<isobox_applet::Status> {
    // As it was called, if that is by this applet's name.
    let called = std::env::args_os().next().unwrap_or_default().into_vec();
    let base = called.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let base = base.strip_prefix(b"-").unwrap_or(base);
    let name =
        if base == cx.applet.name.as_bytes() { called } else { cx.applet.name.as_bytes().to_vec() };
    let arguments = std::mem::take(&mut cx.args);
    let status = run(cx.registry, &name, &arguments, cx.variables.all());
    Ok(isobox_applet::Status(u8::try_from(status).unwrap_or(u8::MAX)))
}

impl Shell {
    /// Variables from the environment, and those that a shell always has.
    fn import_environment(&mut self, environment: Vec<(OsString, OsString)>) {
        for (name, value) in environment {
            // `IFS` from outside would change what scripts mean.
            if is_name(name.as_bytes()) && name != "IFS" {
                let name = self.names.intern(name.as_bytes());
                self.vars.set(name, value.as_bytes()).ok();
                self.vars.mark(name, Some(true), false);
            }
        }
        let parent = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
        let defaults: [(names::Name, &[u8]); 5] = [
            (names::IFS, b" \t\n"),
            (names::OPTIND, b"1"),
            (names::PS2, b"> "),
            (names::PS4, b"+ "),
            (names::PPID, parent.to_string().into_bytes().leak()),
        ];
        for (name, value) in defaults {
            let keep = matches!(name, names::PS2 | names::PS4) && self.vars.value(name).is_some();
            if !keep {
                self.vars.set(name, value).ok();
                self.vars.mark(name, Some(false), false);
            }
        }
        if self.vars.value(names::PATH).is_none() {
            self.vars.set(names::PATH, b"/sbin:/usr/sbin:/bin:/usr/bin").ok();
        }
        if self.vars.value(names::PS1).is_none() {
            self.vars.set(names::PS1, b"\\w \\$ ").ok();
        }
        let level = self
            .vars
            .value(names::SHLVL)
            .and_then(|text| std::str::from_utf8(text).ok()?.parse::<u32>().ok());
        let level = level.unwrap_or(0).saturating_add(1);
        self.vars.set(names::SHLVL, level.to_string().as_bytes()).ok();
        self.vars.mark(names::SHLVL, Some(true), false);
        self.find_directory();
    }

    fn start(&mut self, arguments: &[OsString], login: bool) -> Run {
        let mut wanted = Wanted { login, ..Wanted::default() };
        let mut words = arguments.iter().map(|word| word.as_bytes()).peekable();
        self.read_options(&mut words, &mut wanted)?;
        let mut command = None;
        if wanted.command {
            let Some(text) = words.next() else {
                return self.fail("-c requires an argument");
            };
            command = Some(text.to_vec());
            if let Some(name) = words.next() {
                self.arg0 = name.to_vec();
                self.script_name = Some(name.to_vec());
            }
        }
        let mut file = None;
        if command.is_none()
            && !wanted.stdin
            && let Some(name) = words.next()
        {
            file = Some(name.to_vec());
        }
        self.positional = Rc::new(words.map(<[u8]>::to_vec).collect());
        let from_stdin = command.is_none() && file.is_none();
        let terminals =
            || crate::jobs::is_terminal(0, &self.files) && crate::jobs::is_terminal(2, &self.files);
        self.interactive = wanted.interactive.unwrap_or_else(|| from_stdin && terminals());
        for (letter, on) in [(b's', from_stdin), (b'c', wanted.command), (b'i', self.interactive)] {
            if on {
                self.options.started_with(letter);
            }
        }
        if self.interactive {
            self.traps.shield();
            if wanted.interactive.is_none() || crate::jobs::is_terminal(2, &self.files) {
                self.options.set_letter(b'm', true);
            }
            self.set_job_control(self.options.monitor());
        }
        self.vars.export_all = self.options.allexport();
        self.profiles(wanted.login)?;
        match (command, file) {
            (Some(text), _) => self.run_text(text, 0, !self.interactive),
            (None, Some(name)) => self.run_file(&name),
            (None, None) if self.interactive => {
                let history = self.variable(names::HISTFILE).or_else(|| {
                    self.variable(names::HOME).map(|home| [&home[..], b"/.ash_history"].concat())
                });
                self.history.load(history);
                self.run_typed()
            }
            (None, None) => self.run_script(Script::new(Origin::Stdin)),
        }
    }

    fn read_options<'a>(
        &mut self,
        words: &mut std::iter::Peekable<impl Iterator<Item = &'a [u8]>>,
        wanted: &mut Wanted,
    ) -> Run<()> {
        while let Some(word) = words.peek().copied() {
            let on = match word {
                b"--" | b"-" => {
                    words.next();
                    return Ok(());
                }
                b"--login" => {
                    words.next();
                    wanted.login = true;
                    continue;
                }
                [b'-', b'-', ..] => {
                    let text = [b"illegal option ", word].concat();
                    return self.fail(text);
                }
                [b'-', ..] => true,
                [b'+', _, ..] => false,
                _ => return Ok(()),
            };
            words.next();
            for &letter in &word[1..] {
                match letter {
                    b'c' if on => wanted.command = true,
                    b's' => wanted.stdin = on,
                    b'i' => wanted.interactive = Some(on),
                    b'l' => wanted.login = on,
                    b'o' => {
                        let Some(name) = words.next() else {
                            return self.fail("-o requires an argument");
                        };
                        if !self.options.set_name(name, on) {
                            return self.fail([b"illegal option -o ", name].concat());
                        }
                    }
                    letter if self.options.set_letter(letter, on) => {}
                    letter => {
                        let sign: &[u8] = if on { b"-" } else { b"+" };
                        return self.fail([b"illegal option ", sign, &[letter]].concat());
                    }
                }
            }
        }
        Ok(())
    }

    fn run_file(&mut self, name: &[u8]) -> Run {
        let opened = match crate::files::number_of_path(name) {
            Some(0) => None,
            _ => Some(std::fs::File::open(crate::expand::path(name))),
        };
        match opened {
            None => self.run_script(Script::new(Origin::Stdin)),
            Some(Ok(file)) => {
                // Low numbers are for the script.
                let file =
                    rustix::io::fcntl_dupfd_cloexec(&file, 100).unwrap_or_else(|_| file.into());
                self.arg0 = name.to_vec();
                self.script_name = Some(name.to_vec());
                self.run_script(Script::new(Origin::File(file)))
            }
            Some(Err(error)) => {
                let why = isobox_applet::errno_text(&error);
                self.warn(&[b"can't open '", name, b"': ", why.as_bytes()].concat());
                let missing = error.kind() == std::io::ErrorKind::NotFound;
                Err(Escape::Exit(if missing { 127 } else { 126 }))
            }
        }
    }

    /// A login shell reads the profiles, one that a person types at what `ENV` names.
    fn profiles(&mut self, login: bool) -> Run<()> {
        let mut files = Vec::new();
        if login {
            files.push(b"/etc/profile".to_vec());
            if let Some(home) = self.variable(names::HOME) {
                files.push([&home[..], b"/.profile"].concat());
            }
        }
        for file in files {
            self.profile(&file)?;
        }
        if self.interactive
            && let Some(name) = self.variable(names::ENV)
        {
            let name = self.expand_prompt(&name);
            self.profile(&name)?;
        }
        Ok(())
    }

    fn profile(&mut self, name: &[u8]) -> Run<()> {
        let Ok(text) = self.read_path(name) else { return Ok(()) };
        self.sources_running += 1;
        let outcome = self.run_text(text, 1, false);
        self.sources_running -= 1;
        match outcome {
            Err(Escape::Exit(status)) => Err(Escape::Exit(status)),
            Err(Escape::Abort(status)) if !self.interactive => Err(Escape::Abort(status)),
            _ => Ok(()),
        }
    }

    /// Expands text as within double quotes, for prompts. What cannot be expanded stays.
    pub(crate) fn expand_prompt(&mut self, text: &[u8]) -> Vec<u8> {
        let mut copy = text.to_vec();
        let parsed =
            crate::parse::Parser::new(&mut copy, 0, &mut self.names, &self.aliases).text_word();
        let status = self.status;
        let expanded = match parsed {
            Ok(word) => self.expand_text(&word).ok(),
            Err(_) => None,
        };
        self.status = status;
        expanded.unwrap_or_else(|| text.to_vec())
    }
}
