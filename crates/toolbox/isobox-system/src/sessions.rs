//! Who is logged in, as `/run/utmp` records it: `who`, `users`.

use isobox_applet::time::Civil;
use isobox_applet::{Applet, Context, Result, Spec, Status};

/// A user's session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) user: String,
    pub(crate) line: String,
    pub(crate) host: String,
    pub(crate) since: i64,
}

/// The size of one record, the same on every machine that is supported.
const RECORD: usize = 384;
/// The type of a record that is a user's session.
const USER_PROCESS: i16 = 7;

/// All sessions.
pub(crate) fn users() -> Vec<Session> {
    let bytes = std::fs::read("/run/utmp").or_else(|_| std::fs::read("/var/run/utmp"));
    parse(&bytes.unwrap_or_default())
}

fn parse(bytes: &[u8]) -> Vec<Session> {
    let text = |field: &[u8]| {
        let end = memchr::memchr(0, field).unwrap_or(field.len());
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    bytes
        .chunks_exact(RECORD)
        .filter(|record| i16::from_le_bytes([record[0], record[1]]) == USER_PROCESS)
        .map(|record| Session {
            line: text(&record[8..40]),
            user: text(&record[44..76]),
            host: text(&record[76..332]),
            since: i64::from(i32::from_le_bytes([
                record[340],
                record[341],
                record[342],
                record[343],
            ])),
        })
        .filter(|session| !session.user.is_empty())
        .collect()
}

/// `users`
pub(crate) const USERS: Applet =
    Applet::new("users", list_users, "\n\nShow the names of those who are logged in");

const NONE: Spec = Spec::new("", &[]);

fn list_users(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&NONE);
    while arguments.next()?.is_some() {}
    arguments.operands_between(0, 0)?;
    let mut names: Vec<String> = users().into_iter().map(|session| session.user).collect();
    names.sort();
    if !names.is_empty() {
        writeln!(cx.stdout, "{}", names.join(" "))?;
    }
    Ok(Status::SUCCESS)
}

/// `who`
pub(crate) const WHO: Applet = Applet::new(
    "who",
    who,
    "[-Hq]\n\nShow who is logged in\n\n\t-H\tHeaders\n\t-q\tNames and their number only",
);

const WHO_SPEC: Spec = Spec::new("aHq", &[("all", 'a'), ("heading", 'H'), ("count", 'q')]);

fn who(cx: &mut Context<'_>) -> Result<Status> {
    let (mut headers, mut count) = (false, false);
    let mut arguments = cx.parse(&WHO_SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'H' => headers = true,
            'q' => count = true,
            _ => {}
        }
    }
    arguments.operands_between(0, 0)?;
    let sessions = users();
    if count {
        let names: Vec<&str> = sessions.iter().map(|session| session.user.as_str()).collect();
        writeln!(cx.stdout, "{}\n# users={}", names.join(" "), names.len())?;
        return Ok(Status::SUCCESS);
    }
    if headers {
        writeln!(cx.stdout, "USER            TTY             TIME             HOST")?;
    }
    for session in sessions {
        let time = Civil::local(session.since, 0).format("%F %H:%M");
        writeln!(cx.stdout, "{:<15} {:<15} {time} {}", session.user, session.line, session.host)?;
    }
    Ok(Status::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_sessions_are_read_and_others_passed_over() {
        let mut record = vec![0; RECORD];
        record[0] = 7;
        record[8..13].copy_from_slice(b"pts/1");
        record[44..48].copy_from_slice(b"anna");
        record[76..80].copy_from_slice(b"host");
        record[340..344].copy_from_slice(&1_700_000_000_i32.to_le_bytes());
        let mut bytes = vec![0; RECORD];
        bytes.extend_from_slice(&record);
        bytes.extend_from_slice(&record[..100]);
        let session = Session {
            user: "anna".into(),
            line: "pts/1".into(),
            host: "host".into(),
            since: 1_700_000_000,
        };
        assert_eq!(parse(&bytes), [session]);
    }
}
