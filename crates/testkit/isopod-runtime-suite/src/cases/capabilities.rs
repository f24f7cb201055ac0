//! `process.capabilities`: five sets.

use serde_json::json;

use crate::bed::same;
use crate::case::Case;
use crate::case::Expect::{Has, Out};
use crate::config::capabilities;

/// Prints the five sets on one line: inheritable, permitted, effective, bounding, ambient.
const SETS: &str = "grep ^Cap /proc/self/status | cut -f2 | sed s/^0*// | tr '\\n' ' '";

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::inside("capabilities/default", |_| {}, SETS, Out("a80425fb a80425fb a80425fb")),
        Case::inside(
            "capabilities/all-sets",
            |c| capabilities(c, &["CAP_KILL", "CAP_NET_RAW"]),
            SETS,
            Out("2020 2020 2020 2020 2020"),
        ),
        Case::inside("capabilities/none", |c| capabilities(c, &[]), SETS, Out("")),
        Case::inside(
            "capabilities/missing-object",
            |c| {
                if let Some(process) = c["process"].as_object_mut() {
                    process.remove("capabilities");
                }
            },
            "grep CapBnd /proc/self/status",
            Has(&["CapBnd"]),
        ),
        Case::inside(
            "capabilities/bounding-only",
            |c| {
                capabilities(c, &[]);
                c["process"]["capabilities"]["bounding"] = json!(["CAP_CHOWN"]);
                c["process"]["user"] = json!({"uid": 1000, "gid": 1000});
            },
            SETS,
            Out("1"),
        ),
        Case::inside(
            "capabilities/ambient-for-a-user",
            |c| {
                capabilities(c, &["CAP_NET_BIND_SERVICE"]);
                c["process"]["user"] = json!({"uid": 1000, "gid": 1000});
            },
            SETS,
            Out("400 400 400 400 400"),
        ),
        Case::inside(
            "capabilities/work",
            |c| capabilities(c, &["CAP_CHOWN"]),
            "touch /f && chown 7 /f && stat -c %u /f; chroot / /bin/true 2>/dev/null || echo no chroot",
            Out("7\nno chroot"),
        ),
        Case::inside(
            "capabilities/bounding-holds-over-exec",
            |c| capabilities(c, &["CAP_KILL"]),
            "/bin/sh -c 'grep CapEff /proc/self/status' | cut -f2 | sed s/^0*//",
            Out("20"),
        ),
        Case::bed("capabilities/unknown-is-left-out", |bed| {
            let mut config = bed.script("grep CapBnd /proc/self/status | cut -f2 | sed s/^0*//");
            capabilities(&mut config, &["CAP_KILL", "CAP_TIME_TRAVEL"]);
            // A warning may tell of it.
            let called = bed.run(&config)?.status(0)?;
            same("bounding", called.stdout.trim(), "20")
        }),
    ]
}
