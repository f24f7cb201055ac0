//! Device rules: the smallest change from the rules in force to those asked for.
//!
//! A change never passes through a state that denies what both the old and the new rules
//! allow, so a running container does not see its devices vanish for a moment.

use isopod_oci::runtime::LinuxDeviceCgroup;

use crate::devices::{Rules, in_user_namespace};
use crate::error::{Error, Result};
use crate::group::Group;

const LIST: &str = "devices.list";

///
/// A group that is `new` has nobody in it to see anything, so its rules are written anew
/// without a look at those that it inherited.
pub(super) fn apply(
    group: &Group,
    rules: &[LinuxDeviceCgroup],
    rootless: bool,
    new: bool,
) -> Result<()> {
    let target = Rules::from_spec(rules)?;
    match change(group, &target, new) {
        // Rules of the initial user namespace are not ours to change, and devices made in
        // ours cannot be opened anyway.
        Err(error) if error.is_permission() && (rootless || in_user_namespace()) => Ok(()),
        other => other,
    }
}

fn change(group: &Group, target: &Rules, new: bool) -> Result<()> {
    let steps =
        if new { target.steps_from_anything() } else { current(group)?.transition_to(target) };
    if steps.is_empty() {
        return Ok(());
    }
    let mut rest = steps.as_slice();
    while let Some(first) = rest.first() {
        let count = rest.iter().take_while(|step| step.allow == first.allow).count();
        let (run, tail) = rest.split_at(count);
        let file = if first.allow { "devices.allow" } else { "devices.deny" };
        let lines: Vec<String> = run.iter().map(ToString::to_string).collect();
        group.write_each(file, lines.iter().map(String::as_str))?;
        rest = tail;
    }
    // The list shows the exceptions of a deny-by-default group only.
    let now = current(group)?;
    let same = now.allows_by_default() == target.allows_by_default()
        && (target.allows_by_default() || now == *target);
    if same { Ok(()) } else { Err(Error::DevicesMismatch { path: group.path().to_owned() }) }
}

fn current(group: &Group) -> Result<Rules> {
    let text = group.read(LIST)?;
    Rules::from_list(&text).map_err(|line| group.content(LIST, line, "TYPE MAJOR:MINOR ACCESS"))
}
