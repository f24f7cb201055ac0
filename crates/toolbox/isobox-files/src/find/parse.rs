//! The command line of `find`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::mode::ModeChange;
use isobox_applet::{Context, Error, Result, dates, users};
use isobox_regex::{Options as Matching, Regex, Syntax};
use rustix::fs::{Access, AtFlags, FileType, Mode, OFlags};

use super::actions::{Batch, Target};
use super::tests_of_files::{Clock, Count, Test};
use super::{Expression, Follow, Plan};

/// How deep parentheses may be.
const DEPTH: usize = 200;

struct Parser<'c, 'a> {
    cx: &'c Context<'a>,
    words: std::iter::Peekable<std::vec::IntoIter<OsString>>,
    plan: Options,
    targets: Vec<Target>,
    batches: Vec<Batch>,
    extended: bool,
    acts: bool,
    depth: usize,
}

struct Options {
    follow: Follow,
    depth_first: bool,
    one_system: bool,
    least: usize,
    most: usize,
}

type Parsed = (Vec<OsString>, Plan, Vec<Target>, Vec<Batch>);

pub(super) fn parse(cx: &Context<'_>, words: Vec<OsString>) -> Result<Parsed> {
    let mut words = words.into_iter().peekable();
    let mut options = Options {
        follow: Follow::None,
        depth_first: false,
        one_system: false,
        least: 0,
        most: usize::MAX,
    };
    while let Some(word) = words.next_if(|word| word == "-H" || word == "-L" || word == "-P") {
        options.follow = match word.as_bytes() {
            b"-H" => Follow::Named,
            b"-L" => Follow::All,
            _ => Follow::None,
        };
    }
    let mut paths = Vec::new();
    let is_path = |word: &OsString| {
        let bytes = word.as_bytes();
        !(bytes.starts_with(b"-") && bytes.len() > 1 || matches!(bytes, b"(" | b")" | b"!" | b","))
    };
    while let Some(path) = words.next_if(is_path) {
        paths.push(path);
    }
    if paths.is_empty() {
        paths.push(".".into());
    }
    let standard = Target { name: "standard output".into(), file: None, pending: Vec::new() };
    let mut parser = Parser {
        cx,
        words,
        plan: options,
        targets: vec![standard],
        batches: Vec::new(),
        extended: false,
        acts: false,
        depth: 0,
    };
    let print = || Expression::Print { target: 0, end: b'\n' };
    let expression = if parser.words.peek().is_none() {
        print()
    } else {
        let parsed = parser.list()?;
        if let Some(word) = parser.words.next() {
            return Err(Error::about("unexpected", word));
        }
        if parser.acts { parsed } else { Expression::And(Box::new(parsed), Box::new(print())) }
    };
    let Options { follow, depth_first, one_system, least, most } = parser.plan;
    let plan = Plan { expression, follow, depth_first, one_system, least, most };
    Ok((paths, plan, parser.targets, parser.batches))
}

impl Parser<'_, '_> {
    fn take(&mut self, names: &[&str]) -> bool {
        self.words.next_if(|word| names.iter().any(|name| word == name)).is_some()
    }

    fn list(&mut self) -> Result<Expression> {
        let mut left = self.either()?;
        while self.take(&[","]) {
            left = Expression::Then(Box::new(left), Box::new(self.either()?));
        }
        Ok(left)
    }

    fn either(&mut self) -> Result<Expression> {
        let mut left = self.both()?;
        while self.take(&["-o", "-or"]) {
            left = Expression::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Expression> {
        let mut left = self.negation()?;
        loop {
            let explicit = self.take(&["-a", "-and"]);
            let ends = self
                .words
                .peek()
                .is_none_or(|word| word == ")" || word == "-o" || word == "-or" || word == ",");
            if ends && !explicit {
                return Ok(left);
            }
            left = Expression::And(Box::new(left), Box::new(self.negation()?));
        }
    }

    fn negation(&mut self) -> Result<Expression> {
        let mut negated = false;
        while self.take(&["!", "-not"]) {
            negated = !negated;
        }
        let inner = self.primary()?;
        Ok(if negated { Expression::Not(Box::new(inner)) } else { inner })
    }

    fn value(&mut self, name: &str) -> Result<OsString> {
        self.words.next().ok_or_else(|| Error::message(format!("{name} requires an argument")))
    }

    fn number(&mut self, name: &str) -> Result<Count> {
        let value = self.value(name)?;
        count(&value.to_string_lossy())
            .ok_or_else(|| Error::message(format!("{name}: '{}' is not a number", value.display())))
    }

    fn primary(&mut self) -> Result<Expression> {
        let Some(word) = self.words.next() else {
            return Err(Error::message("an expression is missing at the end"));
        };
        let name = word.to_string_lossy().into_owned();
        if name == "(" {
            self.depth += 1;
            if self.depth > DEPTH {
                return Err(Error::message("parentheses are too deep"));
            }
            let inner = self.list()?;
            if !self.take(&[")"]) {
                return Err(Error::message("expected ')'"));
            }
            self.depth -= 1;
            return Ok(inner);
        }
        if let Some(option) = self.option(&name)? {
            return Ok(option);
        }
        if let Some(test) = self.test(&name)? {
            return Ok(Expression::Test(test));
        }
        match self.action(&name)? {
            Some(action) => {
                self.acts |= !matches!(action, Expression::Prune);
                Ok(action)
            }
            None => Err(Error::message(format!("unrecognized: {name}"))),
        }
    }

    /// Options hold for the whole walk, and are always true.
    fn option(&mut self, name: &str) -> Result<Option<Expression>> {
        let levels = |parser: &mut Self| -> Result<usize> {
            let value = parser.value(name)?;
            isobox_applet::number::unsigned(&value)
                .map(|value| usize::try_from(value).unwrap_or(usize::MAX))
        };
        match name {
            "-maxdepth" => self.plan.most = levels(self)?,
            "-mindepth" => self.plan.least = levels(self)?,
            "-depth" | "-d" => self.plan.depth_first = true,
            "-xdev" | "-mount" => self.plan.one_system = true,
            "-follow" => self.plan.follow = Follow::All,
            "-noleaf" | "-warn" | "-nowarn" | "-ignore_readdir_race" | "-noignore_readdir_race" => {
            }
            "-regextype" => {
                let value = self.value(name)?;
                self.extended = match value.to_str() {
                    Some(
                        "posix-extended" | "posix-egrep" | "egrep" | "awk" | "posix-awk"
                        | "gnu-awk",
                    ) => true,
                    Some(
                        "emacs"
                        | "findutils-default"
                        | "posix-basic"
                        | "grep"
                        | "sed"
                        | "ed"
                        | "posix-minimal-basic",
                    ) => false,
                    _ => return Err(Error::about("unknown type of regular expressions", value)),
                };
            }
            _ => return Ok(None),
        }
        Ok(Some(Expression::Test(Test::True)))
    }

    fn pattern(&mut self, name: &str) -> Result<Vec<u8>> {
        Ok(self.value(name)?.as_bytes().to_vec())
    }

    fn test(&mut self, name: &str) -> Result<Option<Test>> {
        const DAY: i64 = 86_400;
        let age = |parser: &mut Self, clock, unit| -> Result<Test> {
            Ok(Test::Age { clock, unit, count: parser.number(name)? })
        };
        Ok(Some(match name {
            "-true" => Test::True,
            "-false" => Test::False,
            "-name" => Test::Name(self.pattern(name)?, false),
            "-iname" => Test::Name(self.pattern(name)?, true),
            "-path" | "-wholename" => Test::Path(self.pattern(name)?, false),
            "-ipath" | "-iwholename" => Test::Path(self.pattern(name)?, true),
            "-lname" => Test::Link(self.pattern(name)?, false),
            "-ilname" => Test::Link(self.pattern(name)?, true),
            "-regex" | "-iregex" => {
                let (pattern, fold) = (self.pattern(name)?, name == "-iregex");
                // The longest match reaches the end if any does.
                let options = Matching { ignore_case: fold, ..Matching::default() };
                let regex = if self.extended {
                    Regex::new(&pattern, Syntax::Extended, options)
                } else {
                    Regex::new(&emacs(&pattern), Syntax::Basic, options)
                };
                Test::Regex(regex.map_err(|error| Error::message(error.to_string()))?)
            }
            "-type" | "-xtype" => {
                let value = self.value(name)?;
                Test::Type(types(&value)?, name == "-xtype")
            }
            "-perm" => self.permissions()?,
            "-readable" => Test::Accessible(Access::READ_OK),
            "-writable" => Test::Accessible(Access::WRITE_OK),
            "-executable" => Test::Accessible(Access::EXEC_OK),
            "-mtime" => age(self, Clock::Modification, DAY)?,
            "-atime" => age(self, Clock::Access, DAY)?,
            "-ctime" => age(self, Clock::Change, DAY)?,
            "-mmin" => age(self, Clock::Modification, 60)?,
            "-amin" => age(self, Clock::Access, 60)?,
            "-cmin" => age(self, Clock::Change, 60)?,
            "-newer" | "-mnewer" => {
                Test::Newer { clock: Clock::Modification, than: self.time_of(name, 'm')? }
            }
            "-anewer" => Test::Newer { clock: Clock::Access, than: self.time_of(name, 'm')? },
            "-cnewer" => Test::Newer { clock: Clock::Change, than: self.time_of(name, 'm')? },
            "-user" => {
                let value = self.value(name)?.to_string_lossy().into_owned();
                let uid = users::uid_of(&value)
                    .ok_or_else(|| Error::message(format!("unknown user {value}")))?;
                Test::Uid(Count { sign: None, value: uid.into() })
            }
            "-group" => {
                let value = self.value(name)?.to_string_lossy().into_owned();
                let gid = users::gid_of(&value)
                    .ok_or_else(|| Error::message(format!("unknown group {value}")))?;
                Test::Gid(Count { sign: None, value: gid.into() })
            }
            "-uid" => Test::Uid(self.number(name)?),
            "-gid" => Test::Gid(self.number(name)?),
            "-nouser" => Test::NoUser,
            "-nogroup" => Test::NoGroup,
            "-size" => self.size()?,
            "-empty" => Test::Empty,
            "-links" => Test::Links(self.number(name)?),
            "-inum" => Test::Inode(self.number(name)?),
            "-samefile" => {
                let stat = self.stat_of(name)?;
                Test::Same(stat.st_dev, stat.st_ino)
            }
            "-fstype" => {
                let kind = self.value(name)?;
                Test::FileSystem(devices(&kind.to_string_lossy()))
            }
            _ => match name
                .strip_prefix("-newer")
                .map(|rest| rest.chars().collect::<Vec<_>>())
                .as_deref()
            {
                Some([clock, reference]) => {
                    let clock = match clock {
                        'a' => Clock::Access,
                        'm' => Clock::Modification,
                        'c' => Clock::Change,
                        _ => return Ok(None),
                    };
                    Test::Newer { clock, than: self.time_of(name, *reference)? }
                }
                _ => return Ok(None),
            },
        }))
    }

    fn stat_of(&mut self, name: &str) -> Result<rustix::fs::Stat> {
        let file = self.value(name)?;
        let flags = if self.plan.follow == Follow::None {
            AtFlags::SYMLINK_NOFOLLOW
        } else {
            AtFlags::empty()
        };
        rustix::fs::statat(self.cx.dir, &file, flags).map_err(|errno| Error::path(&file, errno))
    }

    fn time_of(&mut self, name: &str, which: char) -> Result<(i64, u64)> {
        if which == 't' {
            let text = self.value(name)?.to_string_lossy().into_owned();
            let (seconds, nano) = dates::parse(&text, isobox_applet::time::now(), false)
                .ok_or_else(|| Error::message(format!("{name}: invalid date '{text}'")))?;
            return Ok((seconds, nano.into()));
        }
        let stat = self.stat_of(name)?;
        Ok(match which {
            'a' => (stat.st_atime, stat.st_atime_nsec),
            'c' => (stat.st_ctime, stat.st_ctime_nsec),
            'm' => (stat.st_mtime, stat.st_mtime_nsec),
            _ => return Err(Error::message(format!("unrecognized: {name}"))),
        })
    }

    fn permissions(&mut self) -> Result<Test> {
        let value = self.value("-perm")?.to_string_lossy().into_owned();
        let invalid = || Error::message(format!("-perm: invalid mode '{value}'"));
        let (how, text) = match value.as_bytes().first() {
            Some(&sign @ (b'-' | b'/')) => (Some(sign), &value[1..]),
            // `+x` is a mode, `+111` an old way to write `/111`.
            Some(b'+') if value[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                (Some(b'/'), &value[1..])
            }
            _ => (None, value.as_str()),
        };
        let change = ModeChange::parse(text).ok_or_else(invalid)?;
        Ok(Test::Permissions { mode: change.apply(0, false, 0), how })
    }

    fn size(&mut self) -> Result<Test> {
        let value = self.value("-size")?.to_string_lossy().into_owned();
        let invalid = || Error::message(format!("-size: invalid size '{value}'"));
        let (digits, unit) = match value.as_bytes().last().ok_or_else(invalid)? {
            b'c' => (&value[..value.len() - 1], 1),
            b'w' => (&value[..value.len() - 1], 2),
            b'b' => (&value[..value.len() - 1], 512),
            b'k' => (&value[..value.len() - 1], 1 << 10),
            b'M' => (&value[..value.len() - 1], 1 << 20),
            b'G' => (&value[..value.len() - 1], 1 << 30),
            _ => (value.as_str(), 512),
        };
        Ok(Test::Size { count: count(digits).ok_or_else(invalid)?, unit })
    }

    fn target(&mut self, name: &str) -> Result<usize> {
        let file = self.value(name)?;
        if let Some(index) =
            self.targets.iter().position(|target| target.file.is_some() && target.name == file)
        {
            return Ok(index);
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
        let opened = self.cx.open_with(&file, flags, Mode::from_raw_mode(0o666))?;
        self.targets.push(Target { name: file, file: Some(opened), pending: Vec::new() });
        Ok(self.targets.len() - 1)
    }

    fn action(&mut self, name: &str) -> Result<Option<Expression>> {
        Ok(Some(match name {
            "-print" => Expression::Print { target: 0, end: b'\n' },
            "-print0" => Expression::Print { target: 0, end: 0 },
            "-printf" => Expression::PrintFormat { target: 0, format: self.pattern(name)? },
            "-ls" => Expression::List { target: 0 },
            "-fprint" => Expression::Print { target: self.target(name)?, end: b'\n' },
            "-fprint0" => Expression::Print { target: self.target(name)?, end: 0 },
            "-fprintf" => {
                let target = self.target(name)?;
                Expression::PrintFormat { target, format: self.pattern(name)? }
            }
            "-fls" => Expression::List { target: self.target(name)? },
            "-exec" => self.execution(name, false, false)?,
            "-execdir" => self.execution(name, false, true)?,
            "-ok" => self.execution(name, true, false)?,
            "-okdir" => self.execution(name, true, true)?,
            "-delete" => {
                self.plan.depth_first = true;
                Expression::Delete
            }
            "-prune" => Expression::Prune,
            "-quit" => Expression::Quit,
            _ => return Ok(None),
        }))
    }

    fn execution(&mut self, name: &str, ask: bool, in_directory: bool) -> Result<Expression> {
        let mut words: Vec<OsString> = Vec::new();
        loop {
            let word = self.value(name)?;
            if word == ";" {
                break;
            }
            if word == "+" && !ask && words.last().is_some_and(|last| last == "{}") {
                words.pop();
                if words.is_empty() {
                    break;
                }
                let length = words.iter().map(|word| word.len() + 9).sum();
                self.batches.push(Batch {
                    words,
                    in_directory,
                    files: Vec::new(),
                    length,
                    directory: None,
                });
                return Ok(Expression::ExecuteMany(self.batches.len() - 1));
            }
            words.push(word);
        }
        if words.is_empty() {
            return Err(Error::message(format!("{name} requires a program")));
        }
        Ok(Expression::Execute { words, ask, in_directory })
    }
}

fn count(text: &str) -> Option<Count> {
    let (sign, digits) = match text.as_bytes().first()? {
        sign @ (b'+' | b'-') => (Some(*sign), &text[1..]),
        _ => (None, text),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some(Count { sign, value: digits.parse().ok()? })
}

/// In the default type of expressions `+` and `?` repeat, as in Emacs.
fn emacs(pattern: &[u8]) -> Vec<u8> {
    let (mut basic, mut bytes, mut bracket) =
        (Vec::new(), pattern.iter().copied().peekable(), false);
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' if !bracket => {
                bracket = true;
                basic.push(byte);
                if let Some(next) = bytes.next_if(|next| matches!(next, b'^')) {
                    basic.push(next);
                }
                if let Some(next) = bytes.next_if(|next| matches!(next, b']')) {
                    basic.push(next);
                }
            }
            b']' if bracket => {
                bracket = false;
                basic.push(byte);
            }
            b'+' | b'?' if !bracket => basic.extend([b'\\', byte]),
            b'\\' if !bracket => match bytes.next() {
                Some(next @ (b'+' | b'?')) => basic.push(next),
                Some(next) => basic.extend([byte, next]),
                None => basic.push(byte),
            },
            _ => basic.push(byte),
        }
    }
    basic
}

fn types(text: &OsStr) -> Result<Vec<FileType>> {
    text.as_bytes()
        .iter()
        .filter(|&&letter| letter != b',')
        .map(|letter| match letter {
            b'f' => Ok(FileType::RegularFile),
            b'd' => Ok(FileType::Directory),
            b'l' => Ok(FileType::Symlink),
            b'b' => Ok(FileType::BlockDevice),
            b'c' => Ok(FileType::CharacterDevice),
            b'p' => Ok(FileType::Fifo),
            b's' => Ok(FileType::Socket),
            _ => Err(Error::about("unknown type of files", text)),
        })
        .collect()
}

/// The devices on which file systems of a type are mounted.
fn devices(kind: &str) -> Vec<u64> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts
        .lines()
        .filter_map(|line| {
            let (front, back) = line.split_once(" - ")?;
            let (major, minor) = front.split(' ').nth(2)?.split_once(':')?;
            (back.split(' ').next()? == kind)
                .then(|| Some(rustix::fs::makedev(major.parse().ok()?, minor.parse().ok()?)))
                .flatten()
        })
        .collect()
}
