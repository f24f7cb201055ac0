//! The escapes of prompts: `\u@\h:\w\$ `.

use crate::names;
use crate::shell::Shell;

impl Shell {
    /// `PS1` or `PS2` as it is shown.
    pub(super) fn prompt(&mut self, first: bool) -> Vec<u8> {
        let text = self.variable(if first { names::PS1 } else { names::PS2 }).unwrap_or_default();
        let text = self.prompt_escapes(&text);
        self.expand_prompt(&text)
    }

    fn prompt_escapes(&mut self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = text;
        while let Some(at) = memchr::memchr(b'\\', rest) {
            out.extend_from_slice(&rest[..at]);
            rest = &rest[at + 1..];
            let Some(&letter) = rest.first() else {
                out.push(b'\\');
                break;
            };
            let mut taken = 1;
            match letter {
                b'u' => out.extend(self.user()),
                b'h' | b'H' => {
                    let uname = rustix::system::uname();
                    let name = uname.nodename().to_bytes();
                    let short = name.split(|&byte| byte == b'.').next().unwrap_or_default();
                    out.extend_from_slice(if letter == b'h' { short } else { name });
                }
                b'w' | b'W' => {
                    let directory = self.short_directory();
                    let last = directory
                        .rsplit(|&byte| byte == b'/')
                        .next()
                        .filter(|last| !last.is_empty());
                    out.extend_from_slice(if letter == b'W' {
                        last.unwrap_or(&directory)
                    } else {
                        &directory
                    });
                }
                b'$' => {
                    // A dollar sign before a name would be expanded.
                    if rustix::process::geteuid().is_root() {
                        out.push(b'#')
                    } else {
                        out.extend_from_slice(b"\\$")
                    }
                }
                b'!' => out.extend(self.history.lines().len().to_string().bytes()),
                b's' => {
                    out.extend(self.arg0.rsplit(|&byte| byte == b'/').next().unwrap_or_default())
                }
                b'[' | b']' => {}
                _ => taken = crate::escape::one(rest, crate::escape::Style::Ansi, &mut out),
            }
            if taken == 0 {
                // No escape: the backslash is for the expansion that follows.
                out.push(letter);
                taken = 1;
            }
            rest = &rest[taken..];
        }
        out.extend_from_slice(rest);
        out
    }

    fn user(&mut self) -> Vec<u8> {
        let uid = rustix::process::getuid().as_raw().to_string();
        let table = std::fs::read("/etc/passwd").unwrap_or_default();
        let name = table.split(|&byte| byte == b'\n').find_map(|line| {
            let columns: Vec<&[u8]> = line.splitn(4, |&byte| byte == b':').collect();
            (columns.get(2) == Some(&uid.as_bytes())).then(|| columns[0].to_vec())
        });
        name.unwrap_or_else(|| uid.into_bytes())
    }

    fn short_directory(&mut self) -> Vec<u8> {
        let home = self.variable(names::HOME).unwrap_or_default();
        match self.pwd.strip_prefix(&home[..]) {
            Some(rest) if home.len() > 1 && (rest.is_empty() || rest[0] == b'/') => {
                [b"~", rest].concat()
            }
            _ => self.pwd.clone(),
        }
    }
}
