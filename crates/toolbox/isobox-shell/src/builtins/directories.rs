//! Builtins about the process: `cd`, `pwd`, `umask`, `ulimit`.

use rustix::fs::{CWD, FileType, Mode, stat, statat};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};

use super::{Args, Letters, count};
use crate::expand::path;
use crate::names;
use crate::shell::{Run, Shell, errno_text};

/// `cd [-LP] [directory]`
pub(super) fn change(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut letters = Letters::new(args, "LP");
    let mut physical = false;
    while let Some((letter, _)) = letters.option(shell)? {
        physical = letter == b'P';
    }
    let mut print = false;
    let target = match args.at(letters.next) {
        None => match shell.variable(names::HOME) {
            Some(home) => home,
            // There is nowhere to go.
            None => return Ok(0),
        },
        Some(b"-") => {
            print = true;
            match shell.variable(names::OLDPWD) {
                Some(old) => old,
                None => return shell.fail("OLDPWD not set"),
            }
        }
        Some(word) => word.to_vec(),
    };
    let (target, through_path) = shell.through_cdpath(target);
    print |= through_path;
    let logical = if physical { None } else { shell.logical(&target) };
    if !shell.remember_directory() {
        return shell.fail("can't remember the directory to come back to");
    }
    let mut outcome = rustix::process::chdir(path(logical.as_deref().unwrap_or(&target)));
    let mut kept = logical;
    if outcome.is_err() && kept.is_some() {
        // The name that was kept may be too long, or a directory above unreadable.
        outcome = rustix::process::chdir(path(&target));
        kept = None;
    }
    if let Err(error) = outcome {
        return shell
            .fail([b"can't cd to ", &target[..], b": ", errno_text(error).as_bytes()].concat());
    }
    let new = match kept {
        Some(new) => new,
        None => physical_directory().unwrap_or(target),
    };
    shell.set_directory(new);
    if print {
        let line = [&shell.pwd[..], b"\n"].concat();
        shell.put(&line);
    }
    Ok(0)
}

fn physical_directory() -> Option<Vec<u8>> {
    rustix::process::getcwd(Vec::new()).ok().map(|path| path.into_bytes())
}

impl Shell {
    fn through_cdpath(&mut self, target: Vec<u8>) -> (Vec<u8>, bool) {
        let local = target.starts_with(b"/")
            || target == b"."
            || target == b".."
            || target.starts_with(b"./")
            || target.starts_with(b"../");
        if local {
            return (target, false);
        }
        let Some(list) = self.variable(names::CDPATH) else { return (target, false) };
        for directory in list.split(|&byte| byte == b':') {
            if directory.is_empty() {
                if is_directory(&target) {
                    return (target, false);
                }
                continue;
            }
            let full = [directory, b"/", &target].concat();
            if is_directory(&full) {
                return (full, true);
            }
        }
        (target, false)
    }

    /// The directory by the names that led to it: `..` takes a name away.
    fn logical(&mut self, target: &[u8]) -> Option<Vec<u8>> {
        let mut whole = if target.starts_with(b"/") {
            Vec::new()
        } else {
            if !self.pwd.starts_with(b"/") {
                return None;
            }
            let mut base = self.pwd.clone();
            base.push(b'/');
            base
        };
        whole.extend_from_slice(target);
        let mut kept: Vec<&[u8]> = Vec::new();
        for part in whole.split(|&byte| byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    let so_far = join(&kept);
                    if !is_directory(&so_far) {
                        return None;
                    }
                    kept.pop();
                }
                part => kept.push(part),
            }
        }
        Some(join(&kept))
    }

    /// Notes the directory that the shell is in.
    pub(crate) fn set_directory(&mut self, new: Vec<u8>) {
        let old = std::mem::replace(&mut self.pwd, new);
        let new = self.pwd.clone();
        // That they are read only is no reason not to change the directory.
        self.vars.set(names::OLDPWD, &old).ok();
        self.vars.set(names::PWD, &new).ok();
        if self.vars.get(names::PWD).is_some_and(|variable| variable.exported) {
            self.vars.mark(names::OLDPWD, Some(true), false);
        }
    }

    /// Finds out where the shell was started: `PWD` is believed if it is true.
    pub(crate) fn find_directory(&mut self) {
        let told = self.variable(names::PWD).filter(|told| told.starts_with(b"/"));
        let same = told.as_ref().is_some_and(|told| {
            match (stat(path(told)), statat(CWD, ".", rustix::fs::AtFlags::empty())) {
                (Ok(left), Ok(right)) => (left.st_dev, left.st_ino) == (right.st_dev, right.st_ino),
                _ => false,
            }
        });
        self.pwd = match told {
            Some(told) if same => told,
            _ => physical_directory().unwrap_or_default(),
        };
        let pwd = self.pwd.clone();
        self.vars.set(names::PWD, &pwd).ok();
    }
}

fn join(parts: &[&[u8]]) -> Vec<u8> {
    let mut whole = Vec::new();
    for part in parts {
        whole.push(b'/');
        whole.extend_from_slice(part);
    }
    if whole.is_empty() {
        whole.push(b'/');
    }
    whole
}

fn is_directory(name: &[u8]) -> bool {
    stat(path(name))
        .is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Directory)
}

pub(super) fn print(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut letters = Letters::new(args, "LP");
    let mut physical = false;
    while let Some((letter, _)) = letters.option(shell)? {
        physical = letter == b'P';
    }
    let mut line =
        if physical { physical_directory().unwrap_or_default() } else { shell.pwd.clone() };
    line.push(b'\n');
    shell.put(&line);
    Ok(0)
}

/// `umask [-S] [mode]`
pub(super) fn mask(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut letters = Letters::new(args, "Sp");
    let mut symbolic = false;
    while let Some((letter, _)) = letters.option(shell)? {
        symbolic |= letter == b'S';
    }
    // There is no call that only asks.
    let old = umask(Mode::empty());
    umask(old);
    let bits = old.as_raw_mode();
    let Some(text) = args.at(letters.next) else {
        let line = if symbolic {
            let part = |shift: u32| {
                let allowed = !(bits >> shift) & 7;
                [(4, 'r'), (2, 'w'), (1, 'x')]
                    .iter()
                    .filter(|(bit, _)| allowed & bit != 0)
                    .map(|(_, letter)| *letter)
                    .collect::<String>()
            };
            format!("u={},g={},o={}\n", part(6), part(3), part(0))
        } else {
            format!("{bits:04o}\n")
        };
        shell.put(line.as_bytes());
        return Ok(0);
    };
    let new = if text.first().is_some_and(u8::is_ascii_digit) {
        std::str::from_utf8(text)
            .ok()
            .and_then(|text| u32::from_str_radix(text, 8).ok())
            .filter(|new| *new <= 0o777)
    } else {
        symbolic_mode(text, !bits & 0o777).map(|allowed| !allowed & 0o777)
    };
    match new {
        Some(new) => {
            umask(Mode::from_raw_mode(new));
            Ok(0)
        }
        None => shell.fail([b"illegal mode: ", text].concat()),
    }
}

/// The permissions that a symbolic mode makes of others.
fn symbolic_mode(text: &[u8], mut mode: u32) -> Option<u32> {
    for clause in text.split(|&byte| byte == b',') {
        let who_length = clause.iter().take_while(|byte| b"ugoa".contains(byte)).count();
        let mut who = 0;
        for byte in &clause[..who_length] {
            who |= match byte {
                b'u' => 0o700,
                b'g' => 0o070,
                b'o' => 0o007,
                _ => 0o777,
            };
        }
        if who == 0 {
            who = 0o777;
        }
        let mut rest = &clause[who_length..];
        if rest.is_empty() {
            return None;
        }
        while let Some(&op) = rest.first() {
            if !b"=+-".contains(&op) {
                return None;
            }
            let length = rest[1..].iter().take_while(|byte| b"rwxXstugo".contains(byte)).count();
            let mut bits = 0;
            for byte in &rest[1..=length] {
                bits |= match byte {
                    b'r' => 0o444,
                    b'w' => 0o222,
                    b'x' | b'X' => 0o111,
                    b'u' => (mode >> 6 & 7) * 0o111,
                    b'g' => (mode >> 3 & 7) * 0o111,
                    b'o' => (mode & 7) * 0o111,
                    _ => 0,
                };
            }
            mode = match op {
                b'=' => mode & !who | bits & who,
                b'+' => mode | bits & who,
                _ => mode & !(bits & who),
            };
            rest = &rest[1 + length..];
        }
    }
    Some(mode)
}

struct Limit {
    letter: u8,
    name: &'static str,
    resource: Resource,
    unit: u64,
}

const LIMITS: &[Limit] = &[
    Limit { letter: b'c', name: "core file size (blocks)", resource: Resource::Core, unit: 512 },
    Limit { letter: b'd', name: "data seg size (kb)", resource: Resource::Data, unit: 1024 },
    Limit { letter: b'e', name: "scheduling priority", resource: Resource::Nice, unit: 1 },
    Limit { letter: b'f', name: "file size (blocks)", resource: Resource::Fsize, unit: 512 },
    Limit { letter: b'i', name: "pending signals", resource: Resource::Sigpending, unit: 1 },
    Limit { letter: b'l', name: "max locked memory (kb)", resource: Resource::Memlock, unit: 1024 },
    Limit { letter: b'm', name: "max memory size (kb)", resource: Resource::Rss, unit: 1024 },
    Limit { letter: b'n', name: "open files", resource: Resource::Nofile, unit: 1 },
    Limit {
        letter: b'q',
        name: "POSIX message queues (bytes)",
        resource: Resource::Msgqueue,
        unit: 1,
    },
    Limit { letter: b'r', name: "real-time priority", resource: Resource::Rtprio, unit: 1 },
    Limit { letter: b's', name: "stack size (kb)", resource: Resource::Stack, unit: 1024 },
    Limit { letter: b't', name: "cpu time (seconds)", resource: Resource::Cpu, unit: 1 },
    Limit { letter: b'u', name: "max user processes", resource: Resource::Nproc, unit: 1 },
    Limit { letter: b'v', name: "virtual memory (kb)", resource: Resource::As, unit: 1024 },
    Limit { letter: b'x', name: "file locks", resource: Resource::Locks, unit: 1 },
];

/// `ulimit [-HS] [-a | -LETTER] [limit]`
pub(super) fn limits(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut letters = Letters::new(args, "HSacdefilmnpqrstuvx");
    let (mut hard, mut soft, mut all) = (false, false, false);
    let mut which = Vec::new();
    while let Some((letter, _)) = letters.option(shell)? {
        match letter {
            b'H' => hard = true,
            b'S' => soft = true,
            b'a' => all = true,
            letter => which.push(if letter == b'p' { b'u' } else { letter }),
        }
    }
    let value = args.at(letters.next);
    if all {
        for limit in LIMITS {
            let line = format!(
                "{:<32}(-{}) {}\n",
                limit.name,
                char::from(limit.letter),
                shown(limit, hard && !soft)
            );
            shell.put(line.as_bytes());
        }
        return Ok(0);
    }
    if which.is_empty() {
        which.push(b'f');
    }
    for letter in which {
        let Some(limit) = LIMITS.iter().find(|limit| limit.letter == letter) else { continue };
        let Some(value) = value else {
            let line = format!("{}\n", shown(limit, hard && !soft));
            shell.put(line.as_bytes());
            continue;
        };
        let old = getrlimit(limit.resource);
        let new = match value {
            b"unlimited" => None,
            b"hard" => old.maximum,
            b"soft" => old.current,
            text => {
                Some(u64::try_from(count(shell, text)?).unwrap_or(0).saturating_mul(limit.unit))
            }
        };
        let both = hard == soft;
        let new = Rlimit {
            current: if both || soft { new } else { old.current },
            maximum: if both || hard { new } else { old.maximum },
        };
        if let Err(error) = setrlimit(limit.resource, new) {
            return shell.fail(format!("error setting limit: {}", errno_text(error)));
        }
    }
    Ok(0)
}

fn shown(limit: &Limit, hard: bool) -> String {
    let values = getrlimit(limit.resource);
    match if hard { values.maximum } else { values.current } {
        Some(value) => (value / limit.unit).to_string(),
        None => "unlimited".into(),
    }
}
