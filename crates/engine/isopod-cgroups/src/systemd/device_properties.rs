//! Device rules in systemd's words: `DevicePolicy` and `DeviceAllow`.

use isopod_oci::runtime::LinuxDeviceCgroup;

use super::dbus::Value;
use crate::devices::{Access, Kind, Rules};
use crate::error::Result;

/// systemd can say "these and no others", and "all", but not "all but these"; for that it is
/// told "all", and the rules written to the group afterwards confine the container.
pub(super) fn generate(rules: &[LinuxDeviceCgroup]) -> Result<Vec<(String, Value)>> {
    let rules = Rules::from_spec(rules)?;
    let policy = |text: &str| ("DevicePolicy".to_owned(), Value::Str(text.to_owned()));
    let allow = |list| ("DeviceAllow".to_owned(), Value::Pairs(list));
    if rules.allows_by_default() {
        return Ok(vec![policy("auto"), allow(Vec::new())]);
    }
    let groups = std::fs::read_to_string("/proc/devices").unwrap_or_default();
    let list = rules
        .exceptions()
        .filter_map(|(devices, access)| {
            let word = match devices.kind {
                Kind::Block => "block",
                Kind::Char => "char",
            };
            let name = match (devices.major, devices.minor) {
                (None, None) => format!("{word}-*"),
                (Some(major), None) => {
                    format!("{word}-{}", driver(&groups, devices.kind, major)?)
                }
                (Some(major), Some(minor)) => format!("/dev/{word}/{major}:{minor}"),
                // "Minor 5 of every major" has no name.
                (None, Some(_)) => return None,
            };
            Some((name, letters(access)))
        })
        .collect();
    // The empty list first drops what an earlier call has set.
    Ok(vec![policy("strict"), allow(Vec::new()), allow(list)])
}

fn letters(access: Access) -> String {
    [(Access::READ, 'r'), (Access::WRITE, 'w'), (Access::MAKE, 'm')]
        .into_iter()
        .filter(|(bit, _)| access.bits() & bit != 0)
        .map(|(_, letter)| letter)
        .collect()
}

/// The name of a major number in `/proc/devices`.
pub(super) fn driver(text: &str, kind: Kind, major: u32) -> Option<String> {
    let heading = match kind {
        Kind::Block => "Block devices:",
        Kind::Char => "Character devices:",
    };
    text.lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.trim().split_once(' '))
        .find(|(number, _)| number.parse() == Ok(major))
        .map(|(_, name)| name.to_owned())
}
