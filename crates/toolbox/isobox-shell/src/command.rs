//! Simple commands: expansion, redirection, assignment, and what then runs.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use isobox_applet::{Applet, Context, Output, ShellUse};
use isopod_sys::spawn::{self, Setup, Strings};

use crate::ast::{Function, Simple};
use crate::builtins::{self, Args, Builtin};
use crate::expand::Fields;
use crate::files::{Slot, Target};
use crate::hash::Found;
use crate::names::{self, Name};
use crate::shell::{Escape, Run, Shell};
use crate::vars::Variable;

/// What a command's name means.
pub(crate) enum Meaning {
    Builtin(&'static Builtin),
    Function(Name, Rc<Function>),
    /// A program or an applet.
    Other,
}

/// Where a function's or builtin's temporary variables get their values back from.
type Saved = Vec<(Name, Variable)>;

impl Shell {
    /// Executes a simple command.
    pub(crate) fn simple(&mut self, command: &Simple, tail: bool) -> Run {
        if self.options.noexec() && !self.interactive {
            return Ok(0);
        }
        self.vars.line = command.line;
        self.substitution_status = None;
        if command.words.is_empty() {
            return self.without_name(command);
        }
        let mut fields = self.spare_fields.pop().unwrap_or_default();
        let outcome = match self.expand_words(command, &mut fields) {
            Ok(()) if fields.is_empty() => self.without_name(command),
            Ok(()) => self.named_command(command, &fields, tail),
            Err(escape) => Err(escape),
        };
        self.finish_process_substitutions();
        fields.clear();
        if self.spare_fields.len() < SPARE_FIELDS {
            self.spare_fields.push(fields);
        }
        outcome
    }

    pub(crate) fn expand_words(&mut self, command: &Simple, fields: &mut Fields) -> Run<()> {
        for word in &command.words {
            if command.declares && word.constant.is_none() && crate::parse::is_assignment(word) {
                let text = self.expand_text(word)?;
                fields.push(&text);
            } else {
                self.expand(word, fields)?;
            }
        }
        Ok(())
    }

    /// Only assignments and redirections.
    fn without_name(&mut self, command: &Simple) -> Run {
        let mut traced = Vec::new();
        if !command.redirections.is_empty() {
            let mut saved = Vec::new();
            let opened = self.redirect(&command.redirections, &mut saved);
            self.files.put_back(&mut saved);
            if !opened? {
                return self.check_exit(1);
            }
        }
        for assignment in &command.assignments {
            let value = self.expand_text(&assignment.value)?;
            if self.options.xtrace() {
                self.trace_assignment(assignment.name, &value, &mut traced);
            }
            if assignment.append {
                if let Err(error) = self.vars.append(assignment.name, &value) {
                    return self.read_only(&error);
                }
                self.assigned(assignment.name);
            } else {
                self.assign(assignment.name, &value)?;
            }
        }
        if !traced.is_empty() {
            self.trace(&traced)?;
        }
        let status = self.substitution_status.unwrap_or(0);
        self.check_exit(status)
    }

    /// What a command's name means, if functions count.
    pub(crate) fn meaning(&self, command: Option<&Simple>, text: &[u8]) -> Meaning {
        let (name, builtin) = match command {
            Some(Simple { name: Some(name), builtin, .. }) => (Some(*name), *builtin),
            _ => (self.names.find(text), builtins::find(text)),
        };
        if let Some(builtin) = builtin.filter(|builtin| builtin.special) {
            return Meaning::Builtin(builtin);
        }
        if let Some(name) = name
            && let Some(function) = self.function(name)
        {
            return Meaning::Function(name, function);
        }
        builtin.map_or(Meaning::Other, Meaning::Builtin)
    }

    fn named_command(&mut self, command: &Simple, fields: &Fields, tail: bool) -> Run {
        let meaning = self.meaning(Some(command), fields.get(0));
        let special = matches!(&meaning, Meaning::Builtin(builtin) if builtin.special);
        let keeps = matches!(&meaning, Meaning::Builtin(builtin) if builtin.name == "exec");
        let mut slots = Vec::new();
        if !command.redirections.is_empty() {
            match self.redirect(&command.redirections, &mut slots) {
                Ok(true) => {}
                outcome => {
                    self.files.put_back(&mut slots);
                    outcome?;
                    if special {
                        self.status = 1;
                        return Err(Escape::Abort(1));
                    }
                    return self.check_exit(1);
                }
            }
            if keeps {
                self.keep_redirections(&mut slots);
            }
        }
        let mut traced = Vec::new();
        let mut saved = Saved::new();
        let outcome = match self.assign_before(command, special, &mut saved, &mut traced) {
            Ok(()) => self.traced_command(fields, meaning, tail, &traced),
            Err(escape) => Err(escape),
        };
        while let Some((name, state)) = saved.pop() {
            self.vars.restore(name, state);
            self.assigned(name);
        }
        self.files.put_back(&mut slots);
        let status = outcome?;
        self.check_exit(status)
    }

    /// Assigns what is written before a command: for good before a special builtin, else for the
    /// command only.
    fn assign_before(
        &mut self,
        command: &Simple,
        special: bool,
        saved: &mut Saved,
        traced: &mut Vec<u8>,
    ) -> Run<()> {
        for assignment in &command.assignments {
            let mut value = self.expand_text(&assignment.value)?;
            if assignment.append {
                value = [self.vars.value(assignment.name).unwrap_or_default(), &value].concat();
            }
            if self.options.xtrace() {
                self.trace_assignment(assignment.name, &value, traced);
            }
            if !special {
                let state = self.vars.state(assignment.name);
                self.assign(assignment.name, &value)?;
                self.vars.mark(assignment.name, Some(true), false);
                saved.push((assignment.name, state));
            } else {
                self.assign(assignment.name, &value)?;
            }
        }
        Ok(())
    }

    fn traced_command(
        &mut self,
        fields: &Fields,
        meaning: Meaning,
        tail: bool,
        traced: &[u8],
    ) -> Run {
        if self.options.xtrace() {
            let mut text = traced.to_vec();
            for (index, field) in fields.from(0).enumerate() {
                if index > 0 || !text.is_empty() {
                    text.push(b' ');
                }
                if index == 0 && crate::parse::is_reserved(field) {
                    crate::quote::single(field, &mut text);
                } else {
                    crate::quote::for_trace(field, &mut text);
                }
            }
            self.trace(&text)?;
        }
        match meaning {
            Meaning::Builtin(builtin) => self.builtin(builtin, Args::new(fields, 0), tail),
            Meaning::Function(name, function) => self.call(name, &function, fields),
            Meaning::Other => self.program(Args::new(fields, 0), tail, None),
        }
    }

    fn trace_assignment(&mut self, name: Name, value: &[u8], text: &mut Vec<u8>) {
        if !text.is_empty() {
            text.push(b' ');
        }
        text.extend_from_slice(self.names.text(name));
        text.push(b'=');
        crate::quote::for_trace(value, text);
    }

    /// Shows a command before it runs (`set -x`).
    fn trace(&mut self, text: &[u8]) -> Run<()> {
        let prompt = self.variable(names::PS4).unwrap_or_else(|| b"+ ".to_vec());
        let trace = self.options;
        self.options.set_letter(b'x', false);
        let status = self.substitution_status;
        let prompt = self.expand_prompt(&prompt);
        self.substitution_status = status;
        self.options = trace;
        self.write_error(&[&prompt[..], text, b"\n"].concat());
        Ok(())
    }

    /// Runs a builtin and hands on what it wrote.
    pub(crate) fn builtin(&mut self, builtin: &'static Builtin, args: Args<'_>, tail: bool) -> Run {
        if builtin.name == "command" {
            return self.command_builtin(builtin, args, tail);
        }
        let outer = self.builtin_name.replace(builtin.name);
        let outcome = (builtin.run)(self, args);
        let flushed = if self.out.is_empty() { Ok(()) } else { self.flush() };
        let status = match flushed {
            Ok(()) => outcome,
            Err(error) => {
                let message = format!("write error: {}", crate::shell::errno_text(error));
                self.warn_plain(message.as_bytes());
                outcome.map(|_| 1)
            }
        };
        self.builtin_name = outer;
        match status {
            // `command` takes from special builtins what makes them special.
            Err(Escape::Abort(status)) if !builtin.special => Ok(status),
            other => other,
        }
    }

    /// `command name args…`: functions do not count.
    fn command_builtin(&mut self, builtin: &'static Builtin, args: Args<'_>, tail: bool) -> Run {
        let mut first = 1;
        let mut default_path = false;
        while first < args.len() {
            match args.get(first) {
                b"-p" => default_path = true,
                b"--" => {
                    first += 1;
                    break;
                }
                [b'-', _, ..] => {
                    let outer = self.builtin_name.replace(builtin.name);
                    let outcome = (builtin.run)(self, args);
                    self.flush().ok();
                    self.builtin_name = outer;
                    return outcome;
                }
                _ => break,
            }
            first += 1;
        }
        if first >= args.len() {
            return Ok(0);
        }
        let args = args.skip(first);
        match builtins::find(args.get(0)) {
            Some(inner) => match self.builtin(inner, args, tail) {
                Err(Escape::Abort(status)) => Ok(status),
                other => other,
            },
            None => self.program(args, tail, default_path.then_some(DEFAULT_PATH)),
        }
    }

    /// Calls a function.
    pub(crate) fn call(&mut self, name: Name, function: &Rc<Function>, fields: &Fields) -> Run {
        if self.stack_is_short() {
            return self.fail("function nesting too deep");
        }
        let positional = std::mem::replace(&mut self.positional, Rc::new(fields.to_vec(1)));
        let loops = std::mem::take(&mut self.loops);
        let offset = self.getopts_offset;
        let outer = self.vars.function.replace(name);
        let traced_name = self.variable(names::FUNCNAME);
        let text = self.names.text(name).to_vec();
        self.vars.set(names::FUNCNAME, &text).ok();
        self.functions_running += 1;
        self.vars.enter();
        let outcome = self.exec(&function.body, false);
        self.vars.leave();
        self.functions_running -= 1;
        self.vars.set(names::FUNCNAME, traced_name.as_deref().unwrap_or_default()).ok();
        self.vars.function = outer;
        self.getopts_offset = offset;
        self.loops = loops;
        self.positional = positional;
        match outcome {
            Err(Escape::Return(status)) => Ok(status),
            Err(Escape::Break(_) | Escape::Continue(_)) => Ok(0),
            other => other,
        }
    }

    /// Runs a program or an applet, in the shell's place if that ends with it.
    pub(crate) fn program(&mut self, args: Args<'_>, tail: bool, path: Option<&[u8]>) -> Run {
        let name = args.get(0);
        let found = match path {
            Some(path) => self.hash.search(name, path, self.registry),
            None => {
                let path = self.variable(names::PATH).unwrap_or_default();
                self.hash.find(name, &path, self.registry)
            }
        };
        match found {
            Found::Program(path) => self.start_program(&path, args, tail),
            Found::Applet(applet) => self.applet(applet, args, tail),
            Found::Denied => {
                self.warn_program(name, b"Permission denied");
                // An empty name leads to a directory, and is yet no name.
                Ok(if name.is_empty() { 127 } else { 126 })
            }
            Found::Missing => {
                self.warn_program(name, b"not found");
                Ok(127)
            }
        }
    }

    fn warn_program(&mut self, name: &[u8], why: &[u8]) {
        self.warn(&[name, b": ", why].concat());
    }

    /// Whether the shell may give its place to a program: nothing remains to be done after it.
    pub(crate) fn may_give_way(&self) -> bool {
        self.contained == 0
            && !self.interactive
            && !self.traps.has_commands()
            && !self.options.monitor()
    }

    fn start_program(&mut self, path: &CString, args: Args<'_>, tail: bool) -> Run {
        let strings = arguments(args);
        if tail && self.may_give_way() {
            let error = self.become_program(path, &strings);
            return self.program_failed(args, path, &error);
        }
        let pump = match self.files.pipes_for_captures() {
            Ok(pump) => pump,
            Err(error) => {
                return self
                    .fail(format!("can't make a pipe: {}", crate::shell::errno_text(error)));
            }
        };
        let outcome = self.spawn(path, &strings, &self.files.actions(), 0);
        match outcome {
            Ok(pid) => {
                self.files.pump(pump);
                self.wait_foreground(&[pid])
            }
            Err(error) => {
                self.files.pump(pump);
                self.program_failed(args, path, &error)
            }
        }
    }

    /// Starts a program; in job control it begins or joins (`group`) a process group.
    pub(crate) fn spawn(
        &mut self,
        path: &CString,
        args: &Strings,
        actions: &[(i32, i32)],
        group: i32,
    ) -> std::io::Result<i32> {
        let monitor = self.options.monitor() && !self.subshell;
        let default = self.traps.caught_mask();
        let setup = Setup {
            descriptors: actions,
            group: monitor.then_some(group),
            terminal: if monitor { self.jobs.terminal() } else { None },
            default,
            ignore: 0,
        };
        let environment = self.vars.environment(&self.names);
        spawn::spawn(path, args, environment, setup)
    }

    /// Becomes the program; returns why not.
    pub(crate) fn become_program(&mut self, path: &CString, args: &Strings) -> std::io::Error {
        let actions = self.files.actions();
        let setup =
            Setup { descriptors: &actions, default: self.traps.caught_mask(), ..Setup::default() };
        let environment = self.vars.environment(&self.names);
        spawn::exec(path, args, environment, setup)
    }

    /// A program that was found could not be executed.
    pub(crate) fn program_failed(
        &mut self,
        args: Args<'_>,
        path: &CString,
        error: &std::io::Error,
    ) -> Run {
        match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
            Some(rustix::io::Errno::NOEXEC) => self.script_without_interpreter(args, path),
            Some(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => {
                if self.hash.forget(args.get(0)) {
                    // It was there before: look again.
                    return self.program(args, false, None);
                }
                self.warn_program(args.get(0), b"not found");
                Ok(127)
            }
            _ => {
                let why = isobox_applet::errno_text(error);
                self.warn_program(args.get(0), why.as_bytes());
                Ok(126)
            }
        }
    }

    /// A file that the kernel knows no interpreter for is a script of this shell.
    fn script_without_interpreter(&mut self, args: Args<'_>, path: &CString) -> Run {
        let mut strings = Strings::new();
        strings.push(&[b"sh"]);
        strings.push(&[path.as_bytes()]);
        for index in 1..args.len() {
            strings.push(&[args.get(index)]);
        }
        strings.seal();
        let own = CString::new("/proc/self/exe").expect("no zero byte");
        let pump = match self.files.pipes_for_captures() {
            Ok(pump) => pump,
            Err(error) => {
                return self
                    .fail(format!("can't make a pipe: {}", crate::shell::errno_text(error)));
            }
        };
        let outcome = self.spawn(&own, &strings, &self.files.actions(), 0);
        self.files.pump(pump);
        match outcome {
            Ok(pid) => self.wait_foreground(&[pid]),
            Err(error) => {
                let why = isobox_applet::errno_text(&error);
                self.warn_program(args.get(0), why.as_bytes());
                Ok(126)
            }
        }
    }

    /// Runs an applet of this binary: here if it may, else in a copy of the shell.
    fn applet(&mut self, applet: &'static Applet, args: Args<'_>, tail: bool) -> Run {
        if applet.shell == ShellUse::InProcess {
            return self.applet_here(applet, args);
        }
        let words: Vec<Vec<u8>> = (0..args.len()).map(|index| args.get(index).to_vec()).collect();
        if tail && self.may_give_way() {
            self.become_applet(applet, &words);
        }
        self.in_copy(|shell| shell.become_applet(applet, &words))
    }

    /// Ends this process by running an applet in it.
    pub(crate) fn become_applet(&mut self, applet: &'static Applet, words: &[Vec<u8>]) -> ! {
        self.traps.default_for_program();
        if spawn::set_descriptors(&self.files.actions()).is_err() {
            isopod_sys::clone::exit_now(126);
        }
        let pairs = self.environment_pairs();
        let environment = Environment(pairs);
        let mut cx = Context {
            applet,
            args: words[1..].iter().map(|word| OsStr::from_bytes(word).to_owned()).collect(),
            stdin: rustix::stdio::stdin(),
            stdout: Output::new(rustix::stdio::stdout()),
            stderr: rustix::stdio::stderr(),
            variables: &environment,
            dir: rustix::fs::CWD,
            registry: self.registry,
            failed: false,
        };
        let status = applet.run(&mut cx);
        isopod_sys::clone::exit_now(i32::from(status))
    }

    fn environment_pairs(&mut self) -> Vec<(OsString, OsString)> {
        let exported: Vec<Name> = self.vars.names().collect();
        exported
            .into_iter()
            .filter_map(|name| {
                let variable = self.vars.get(name)?;
                let value = variable.value.as_ref().filter(|_| variable.exported)?;
                let name = OsStr::from_bytes(self.names.text(name)).to_owned();
                Some((name, OsStr::from_bytes(value).to_owned()))
            })
            .collect()
    }

    fn applet_here(&mut self, applet: &'static Applet, args: Args<'_>) -> Run {
        // Memory cannot be written to by an applet: a file in memory is, and is read back.
        let capture = match self.files.target(1) {
            Target::Capture(index) => {
                match rustix::fs::memfd_create("output", rustix::fs::MemfdFlags::CLOEXEC) {
                    Ok(file) => Some((index, self.files.put(1, Slot::Owned(Rc::new(file))))),
                    Err(error) => {
                        return self.fail(format!(
                            "can't make a file: {}",
                            crate::shell::errno_text(error)
                        ));
                    }
                }
            }
            _ => None,
        };
        let environment = Environment(self.environment_pairs());
        let status = {
            let closed = || isopod_sys::descriptor::numbered(CLOSED);
            let stdin = self.files.descriptor(0).unwrap_or_else(closed);
            let stdout = self.files.descriptor(1).unwrap_or_else(closed);
            let stderr = self.files.descriptor(2).unwrap_or_else(closed);
            let mut cx = Context {
                applet,
                args: (1..args.len())
                    .map(|index| OsStr::from_bytes(args.get(index)).to_owned())
                    .collect(),
                stdin,
                stdout: Output::new(stdout),
                stderr,
                variables: &environment,
                dir: rustix::fs::CWD,
                registry: self.registry,
                failed: false,
            };
            applet.run(&mut cx)
        };
        if let Some((index, slot)) = capture
            && let Slot::Owned(file) = self.files.put(1, slot)
        {
            let buffer = &mut self.files.captures[index];
            rustix::fs::seek(&*file, rustix::fs::SeekFrom::Start(0)).ok();
            loop {
                buffer.reserve(4096);
                match rustix::io::read(&*file, rustix::buffer::spare_capacity(buffer)) {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
            }
        }
        Ok(i32::from(status))
    }
}

/// A number that no descriptor has, for streams that are closed.
const CLOSED: i32 = i32::MAX;
const SPARE_FIELDS: usize = 8;
/// Where `command -p` looks.
pub(crate) const DEFAULT_PATH: &[u8] =
    b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program's arguments.
pub(crate) fn arguments(args: Args<'_>) -> Strings {
    let mut strings = Strings::new();
    for index in 0..args.len() {
        strings.push(&[args.get(index)]);
    }
    strings.seal();
    strings
}

struct Environment(Vec<(OsString, OsString)>);

impl isobox_applet::Variables for Environment {
    fn get(&self, name: &str) -> Option<OsString> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    fn all(&self) -> Vec<(OsString, OsString)> {
        self.0.clone()
    }
}
