//! `test` and `[`, and the operators that `[[` shares with them.

use rustix::fs::{Access, AtFlags, CWD, FileType, Stat, accessat, lstat, stat};

use crate::arith;
use crate::expand::path;
use crate::shell::Shell;

/// What a test needs of the shell.
pub(crate) trait World {
    /// Whether a descriptor is a terminal.
    fn is_terminal(&self, number: usize) -> bool;
    /// Whether a variable is set.
    fn is_set(&mut self, name: &[u8]) -> bool;
    /// Whether an option is on.
    fn option(&self, name: &[u8]) -> bool;
    /// The status of a file by name; descriptors' names mean the shell's own.
    fn status(&self, name: &[u8]) -> Option<Stat> {
        stat(path(name)).ok()
    }
}

impl World for Shell {
    fn is_terminal(&self, number: usize) -> bool {
        crate::jobs::is_terminal(number, &self.files)
    }

    fn is_set(&mut self, name: &[u8]) -> bool {
        self.names.find(name).is_some_and(|name| self.vars.value(name).is_some())
    }

    fn option(&self, name: &[u8]) -> bool {
        self.options.all().any(|(known, on)| known.as_bytes() == name && on)
    }

    fn status(&self, name: &[u8]) -> Option<Stat> {
        match crate::files::number_of_path(name) {
            Some(number) => self.files.descriptor(number).and_then(|fd| rustix::fs::fstat(fd).ok()),
            None => stat(path(name)).ok(),
        }
    }
}

/// The world of an applet.
#[derive(Debug)]
pub(crate) struct Process;

impl World for Process {
    fn is_terminal(&self, number: usize) -> bool {
        i32::try_from(number)
            .is_ok_and(|number| rustix::termios::isatty(isopod_sys::descriptor::numbered(number)))
    }

    fn is_set(&mut self, name: &[u8]) -> bool {
        std::env::var_os(path(name)).is_some()
    }

    fn option(&self, _: &[u8]) -> bool {
        false
    }
}

type Result = std::result::Result<bool, Vec<u8>>;

const UNARY: &[u8] = b"bcdefghknoprstuvwxzGLNOS";
const BINARY: &[&str] = &[
    "=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef", "=~",
];

fn is_binary(word: &[u8]) -> bool {
    BINARY.iter().any(|op| op.as_bytes() == word)
}

fn is_unary(word: &[u8]) -> bool {
    matches!(word, [b'-', op] if UNARY.contains(op))
}

/// Evaluates the words between the brackets. By POSIX, up to four words are understood by their
/// number; more are an expression with `!`, `-a`, `-o` and parentheses.
pub(crate) fn evaluate(words: &[&[u8]], world: &mut dyn World) -> Result {
    match words {
        [] => Ok(false),
        [word] => Ok(!word.is_empty()),
        [b"!", word] => Ok(word.is_empty()),
        [left, op, right] if is_binary(op) => binary(left, op, right),
        [b"!", rest @ ..] if words.len() == 3 || words.len() == 4 => {
            evaluate(rest, world).map(|truth| !truth)
        }
        [b"(", inner @ .., b")"] if words.len() == 3 || words.len() == 4 => evaluate(inner, world),
        _ => {
            let mut parser = Parser { words, next: 0, world, depth: 0 };
            let truth = parser.either()?;
            match words.get(parser.next) {
                None => Ok(truth),
                Some(word) => Err([word, &b": unknown operand"[..]].concat()),
            }
        }
    }
}

struct Parser<'a> {
    words: &'a [&'a [u8]],
    next: usize,
    world: &'a mut dyn World,
    depth: u32,
}

const MAX_DEPTH: u32 = 500;

impl Parser<'_> {
    fn take(&mut self, word: &[u8]) -> bool {
        let found = self.words.get(self.next) == Some(&word);
        self.next += usize::from(found);
        found
    }

    fn either(&mut self) -> Result {
        let mut truth = self.both()?;
        while self.take(b"-o") {
            truth |= self.both()?;
        }
        Ok(truth)
    }

    fn both(&mut self) -> Result {
        let mut truth = self.term()?;
        while self.take(b"-a") {
            truth &= self.term()?;
        }
        Ok(truth)
    }

    fn term(&mut self) -> Result {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(b"expression too deep".to_vec());
        }
        let truth = self.term_inner();
        self.depth -= 1;
        truth
    }

    fn term_inner(&mut self) -> Result {
        let rest = &self.words[self.next..];
        match rest {
            [] => Err(b"argument expected".to_vec()),
            [left, op, right, ..] if is_binary(op) => {
                self.next += 3;
                binary(left, op, right)
            }
            [b"!", ..] => {
                self.next += 1;
                Ok(!self.term()?)
            }
            [b"(", ..] => {
                self.next += 1;
                if self.take(b")") {
                    return Ok(false);
                }
                let truth = self.either()?;
                if self.take(b")") { Ok(truth) } else { Err(b"closing paren expected".to_vec()) }
            }
            [op, operand, ..] if is_unary(op) => {
                self.next += 2;
                Ok(unary(self.world, op[1], operand))
            }
            [word, ..] => {
                self.next += 1;
                Ok(!word.is_empty())
            }
        }
    }
}

fn integer(text: &[u8]) -> std::result::Result<i64, Vec<u8>> {
    let trimmed = text.trim_ascii();
    let (negative, digits) = match trimmed {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let value = (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
        .then(|| std::str::from_utf8(digits).ok()?.parse::<i64>().ok())
        .flatten();
    match value {
        Some(value) if negative => Ok(-value),
        Some(value) => Ok(value),
        None if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            Err([text, b": out of range"].concat())
        }
        None => Err([text, b": bad number"].concat()),
    }
}

fn binary(left: &[u8], op: &[u8], right: &[u8]) -> Result {
    Ok(match op {
        b"=" | b"==" => left == right,
        b"!=" => left != right,
        b"=~" => has_match(left, right)?,
        b"<" | b">" | b"-nt" | b"-ot" | b"-ef" => compare(op, left, right),
        _ => compare_numbers(op, integer(left)?, integer(right)?),
    })
}

/// `text =~ regular expression`
pub(crate) fn has_match(text: &[u8], regex: &[u8]) -> Result {
    let options = isobox_regex::Options { utf8: true, ..isobox_regex::Options::default() };
    isobox_regex::Regex::new(regex, isobox_regex::Syntax::Extended, options)
        .map_err(|error| error.to_string().into_bytes())?
        .find_at(text, 0)
        .map(|found| found.is_some())
        .map_err(|error| error.to_string().into_bytes())
}

/// `<`, `>`, `-nt`, `-ot`, `-ef`
pub(crate) fn compare(op: &[u8], left: &[u8], right: &[u8]) -> bool {
    let times = |status: &Stat| (status.st_mtime, status.st_mtime_nsec);
    match op {
        b"<" => left < right,
        b">" => left > right,
        b"-ef" => match (stat(path(left)), stat(path(right))) {
            (Ok(left), Ok(right)) => (left.st_dev, left.st_ino) == (right.st_dev, right.st_ino),
            _ => false,
        },
        _ => {
            let (left, right) = (stat(path(left)).ok(), stat(path(right)).ok());
            let (newer, older) = if op == b"-nt" { (left, right) } else { (right, left) };
            match (newer, older) {
                (Some(newer), Some(older)) => times(&newer) > times(&older),
                // A file is newer than none.
                (newer, None) => newer.is_some(),
                (None, _) => false,
            }
        }
    }
}

/// `-eq` and its like.
pub(crate) fn compare_numbers(op: &[u8], left: i64, right: i64) -> bool {
    match op {
        b"-eq" => left == right,
        b"-ne" => left != right,
        b"-lt" => left < right,
        b"-le" => left <= right,
        b"-gt" => left > right,
        _ => left >= right,
    }
}

/// `-f file` and its like.
pub(crate) fn unary(world: &mut dyn World, op: u8, operand: &[u8]) -> bool {
    match op {
        b'n' => return !operand.is_empty(),
        b'z' => return operand.is_empty(),
        b't' => {
            return arith::number(operand)
                .and_then(|number| usize::try_from(number).ok())
                .is_some_and(|number| world.is_terminal(number));
        }
        b'v' => return world.is_set(operand),
        b'o' => return world.option(operand),
        b'r' => return may(operand, Access::READ_OK),
        b'w' => return may(operand, Access::WRITE_OK),
        b'x' => return may(operand, Access::EXEC_OK),
        b'L' | b'h' => {
            return lstat(path(operand))
                .is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Symlink);
        }
        _ => {}
    }
    let Some(status) = world.status(operand) else { return false };
    let kind = FileType::from_raw_mode(status.st_mode);
    match op {
        b'e' | b'a' => true,
        b'f' => kind == FileType::RegularFile,
        b'd' => kind == FileType::Directory,
        b'b' => kind == FileType::BlockDevice,
        b'c' => kind == FileType::CharacterDevice,
        b'p' => kind == FileType::Fifo,
        b'S' => kind == FileType::Socket,
        b's' => status.st_size > 0,
        b'u' => status.st_mode & 0o4000 != 0,
        b'g' => status.st_mode & 0o2000 != 0,
        b'k' => status.st_mode & 0o1000 != 0,
        b'O' => status.st_uid == rustix::process::geteuid().as_raw(),
        b'G' => status.st_gid == rustix::process::getegid().as_raw(),
        b'N' => (status.st_mtime, status.st_mtime_nsec) > (status.st_atime, status.st_atime_nsec),
        _ => false,
    }
}

fn may(name: &[u8], access: Access) -> bool {
    accessat(CWD, path(name), access, AtFlags::EACCESS).is_ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn expressions() {
        let check = |text: &str, expected: Result<bool, &str>| {
            let words: Vec<&[u8]> = text
                .split_whitespace()
                .map(|word| if word == "''" { &b""[..] } else { word.as_bytes() })
                .collect();
            let outcome = super::evaluate(&words, &mut super::Process);
            let expected = expected.map_err(|text| text.as_bytes().to_vec());
            assert_eq!(outcome, expected, "{text}");
        };
        check("", Ok(false));
        check("x", Ok(true));
        check("! x", Ok(false));
        check("-n = -n", Ok(true));
        check("( = (", Ok(true));
        check("! = !", Ok(true));
        check("1 -lt 2 -a 3 -gt 4", Ok(false));
        check("! x -o y", Ok(false));
        check("( x -a '' ) -o y", Ok(true));
        check("-d / -a -e /dev/null", Ok(true));
        check("1 -eq a", Err("a: bad number"));
        check("a b c", Err("b: unknown operand"));
        check("-z ''", Ok(true));
        check("! ( x )", Ok(false));
    }
}
