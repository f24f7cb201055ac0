//! `linux.devices`, the default devices, and access by cgroup.

use serde_json::json;

use crate::case::Expect::{Has, Out};
use crate::case::{Case, Need};
use crate::config::{Config, array, unmount};

/// A device that root may open, and that no runtime allows unasked.
const FUSE: &[Need] = &[Need::File("/sys/class/misc/fuse", "the kernel has no fuse")];

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::inside(
            "devices/default-nodes",
            |_| {},
            "for d in null zero full random urandom tty; do stat -c '%n %F %t:%T %a' /dev/$d; done",
            Out(
                "/dev/null character special file 1:3 666\n/dev/zero character special file 1:5 666\n\
                 /dev/full character special file 1:7 666\n/dev/random character special file 1:8 666\n\
                 /dev/urandom character special file 1:9 666\n/dev/tty character special file 5:0 666",
            ),
        ),
        Case::inside(
            "devices/default-links",
            |_| {},
            "for l in fd stdin stdout stderr ptmx; do echo $l $(readlink /dev/$l); done",
            Out("fd /proc/self/fd\nstdin /proc/self/fd/0\nstdout /proc/self/fd/1\n\
                 stderr /proc/self/fd/2\nptmx pts/ptmx"),
        ),
        Case::inside(
            "devices/default-nodes-work",
            |_| {},
            "echo x > /dev/null && head -c 4 /dev/zero | wc -c && head -c 4 /dev/urandom | wc -c; \
             echo x 2>&1 > /dev/full | grep -c 'No space'; true",
            Has(&["4\n4\n"]),
        ),
        Case::inside(
            "devices/no-console-without-terminal",
            |_| {},
            "test ! -c /dev/console && echo none",
            Out("none"),
        ),
        Case::inside(
            "devices/custom",
            |c| {
                c["linux"]["devices"] = json!([{
                    "path": "/dev/mine", "type": "c", "major": 1, "minor": 5,
                    "fileMode": 0o640, "uid": 3, "gid": 4,
                }]);
            },
            "stat -c '%F %t:%T %a %u:%g' /dev/mine",
            Out("character special file 1:5 640 3:4"),
        ),
        Case::inside(
            "devices/mode-is-not-cut-by-umask",
            |c| {
                c["linux"]["devices"] = json!([{
                    "path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "fileMode": 0o666,
                }]);
            },
            "stat -c %a /dev/mine",
            Out("666"),
        ),
        Case::inside(
            "devices/block",
            |c| {
                c["linux"]["devices"] = json!([{"path": "/dev/blk", "type": "b", "major": 7, "minor": 99,
                            "fileMode": 0o600}]);
            },
            "stat -c '%F %t:%T' /dev/blk",
            Out("block special file 7:63"),
        ),
        Case::inside(
            "devices/unbuffered",
            |c| {
                c["linux"]["devices"] = json!([{"path": "/dev/unb", "type": "u", "major": 1, "minor": 3,
                            "fileMode": 0o600}]);
            },
            "stat -c '%F %t:%T' /dev/unb",
            Out("character special file 1:3"),
        ),
        Case::inside(
            "devices/fifo",
            |c| {
                c["linux"]["devices"] =
                    json!([{"path": "/dev/pipe", "type": "p", "fileMode": 0o600}]);
            },
            "stat -c %F /dev/pipe",
            Out("fifo"),
        ),
        Case::inside(
            "devices/outside-of-dev",
            |c| {
                c["linux"]["devices"] = json!([{"path": "/some/where/zero", "type": "c", "major": 1, "minor": 5,
                            "fileMode": 0o666}]);
            },
            "stat -c %t:%T /some/where/zero",
            Out("1:5"),
        ),
        Case::refused(
            "devices/unknown-type",
            |c| {
                c["linux"]["devices"] =
                    json!([{"path": "/dev/x", "type": "q", "major": 1, "minor": 5}]);
            },
            &["type", "device"],
        ),
        Case::inside(
            "devices/cgroup-denies-by-default",
            |_| {},
            "mknod /dev/f c 10 229 && (: < /dev/f) 2>&1 | grep -c 'not permitted'",
            Out("1"),
        ),
        Case::inside(
            "devices/cgroup-allows-rule",
            |c| {
                array(c, "/linux/resources/devices").push(
                    json!({"allow": true, "type": "c", "major": 10, "minor": 229, "access": "r"}),
                );
            },
            "mknod /dev/k c 10 229; (: < /dev/k) && echo read; \
             (: >> /dev/k) 2>/dev/null || echo not written",
            Out("read\nnot written"),
        )
        .needs(FUSE),
        Case::inside(
            "devices/cgroup-deny-after-allow",
            |c| {
                let rules = array(c, "/linux/resources/devices");
                rules.push(
                    json!({"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"}),
                );
                rules.push(
                    json!({"allow": false, "type": "c", "major": 10, "minor": 229, "access": "w"}),
                );
            },
            "mknod /dev/k c 10 229; (: < /dev/k) && echo read; (: >> /dev/k) 2>/dev/null || echo not written",
            Out("read\nnot written"),
        )
        .needs(FUSE),
        Case::refused(
            "devices/cgroup-cannot-make-a-hole",
            hole,
            &["devices", "device rule", "allow' exception"],
        ),
        Case::inside(
            "devices/cgroup-allow-all",
            |c| c["linux"]["resources"]["devices"] = json!([{"allow": true, "access": "rwm"}]),
            "mknod /dev/k c 10 229; (: < /dev/k) && echo read",
            Out("read"),
        )
        .needs(FUSE),
        Case::inside(
            "devices/cgroup-default-devices-stay-usable",
            |_| {},
            "for d in null zero full random urandom tty; do (: < /dev/$d) 2>&1; done; echo x > /dev/null && echo fine",
            Has(&["fine"]),
        ),
        Case::inside(
            "devices/mknod-of-anything-is-allowed",
            |_| {},
            "mknod /c c 200 200 && mknod /b b 200 200 && echo made",
            Out("made"),
        ),
        Case::inside(
            "devices/without-dev-mount",
            |c| {
                for point in ["/dev/pts", "/dev/shm", "/dev/mqueue", "/dev"] {
                    unmount(c, point);
                }
            },
            "stat -c %t:%T /dev/null",
            Out("1:3"),
        ),
    ]
}

/// All of a major number but one minor: a list of exceptions, as v1 has it, cannot say that, and
/// what holds there holds with v2.
fn hole(config: &mut Config) {
    let rules = array(config, "/linux/resources/devices");
    rules.push(json!({"allow": true, "type": "c", "major": 10, "access": "rwm"}));
    rules.push(json!({"allow": false, "type": "c", "major": 10, "minor": 229, "access": "r"}));
}
