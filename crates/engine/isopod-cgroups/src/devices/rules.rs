//! Device rules as the version 1 controller understands them, emulated.
//!
//! A set of rules is a default, allow or deny, and exceptions to it. The kernel's semantics are
//! followed, with one hardening: an exception cannot be taken back in part, which the kernel
//! would silently ignore ("deny c 1:3" after "allow c *:*"), so that is an error here.
//! Version 2 programs are made from the same sets, so both versions behave alike.

use std::collections::BTreeMap;
use std::fmt;

use isopod_oci::runtime::LinuxDeviceCgroup;

use crate::error::{Error, Result};

/// What may be done with a device: `r`, `w`, `m` as bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Access(u8);

impl Access {
    pub(crate) const MAKE: u8 = 1;
    pub(crate) const READ: u8 = 2;
    pub(crate) const WRITE: u8 = 4;
    pub(crate) const ALL: Self = Self(7);

    fn parse(text: &str) -> Option<Self> {
        let mut bits = 0;
        for letter in text.bytes() {
            bits |= match letter {
                b'r' => Self::READ,
                b'w' => Self::WRITE,
                b'm' => Self::MAKE,
                _ => return None,
            };
        }
        (bits != 0).then_some(Self(bits))
    }

    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// Character or block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Block,
    Char,
}

/// The devices that an exception is for; an absent number stands for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Devices {
    pub(crate) kind: Kind,
    pub(crate) major: Option<u32>,
    pub(crate) minor: Option<u32>,
}

impl Devices {
    fn overlaps(self, other: Self) -> bool {
        let numbers = |a: Option<u32>, b: Option<u32>| a.is_none() || b.is_none() || a == b;
        self.kind == other.kind
            && numbers(self.major, other.major)
            && numbers(self.minor, other.minor)
    }
}

/// One line for `devices.allow` or `devices.deny`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) allow: bool,
    /// Nothing for all devices, which also drops every exception.
    devices: Option<Devices>,
    access: Access,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(devices) = self.devices else { return f.write_str("a *:* rwm") };
        let number = |n: Option<u32>| n.map_or("*".to_owned(), |n| n.to_string());
        let kind = match devices.kind {
            Kind::Block => 'b',
            Kind::Char => 'c',
        };
        write!(f, "{kind} {}:{} ", number(devices.major), number(devices.minor))?;
        for (bit, letter) in [(Access::READ, "r"), (Access::WRITE, "w"), (Access::MAKE, "m")] {
            if self.access.0 & bit != 0 {
                f.write_str(letter)?;
            }
        }
        Ok(())
    }
}

/// A default and its exceptions. Starts as "nothing is allowed".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    allow: bool,
    exceptions: BTreeMap<Devices, Access>,
}

impl Rules {
    /// The outcome of `linux.resources.devices`, applied in order.
    pub(crate) fn from_spec(list: &[LinuxDeviceCgroup]) -> Result<Self> {
        let mut rules = Self::default();
        for (index, rule) in list.iter().enumerate() {
            rules.add_spec(rule, index)?;
        }
        Ok(rules)
    }

    /// The content of `devices.list`; the line that was not understood is the error.
    pub(crate) fn from_list(text: &str) -> std::result::Result<Self, &str> {
        let mut rules = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            rules.add_line(line).ok_or(line)?;
        }
        Ok(rules)
    }

    pub(crate) fn allows_by_default(&self) -> bool {
        self.allow
    }

    /// The exceptions, those for single devices and those for many alike.
    pub(crate) fn exceptions(&self) -> impl Iterator<Item = (Devices, Access)> {
        self.exceptions.iter().map(|(devices, access)| (*devices, *access))
    }

    /// The fewest steps from these rules to `target`.
    pub(crate) fn transition_to(&self, target: &Self) -> Vec<Step> {
        let mut steps = Vec::new();
        let none = BTreeMap::new();
        let mut before = &self.exceptions;
        if self.allow != target.allow {
            steps.push(Step { allow: target.allow, devices: None, access: Access::ALL });
            before = &none;
        }
        let difference =
            |from: &BTreeMap<Devices, Access>, to: &BTreeMap<Devices, Access>, allow| {
                from.iter()
                    .map(|(devices, access)| Step {
                        allow,
                        devices: Some(*devices),
                        access: access.without(to.get(devices).copied().unwrap_or_default()),
                    })
                    .filter(|step| step.access.0 != 0)
                    .collect::<Vec<_>>()
            };
        steps.extend(difference(before, &target.exceptions, target.allow));
        steps.extend(difference(&target.exceptions, before, !target.allow));
        steps
    }

    /// The steps to these rules whatever was before.
    pub(crate) fn steps_from_anything(&self) -> Vec<Step> {
        let opposite = Self { allow: !self.allow, exceptions: BTreeMap::new() };
        opposite.transition_to(self)
    }

    fn add_spec(&mut self, rule: &LinuxDeviceCgroup, index: usize) -> Result<()> {
        let field = |name: &str| format!("linux.resources.devices[{index}].{name}");
        let kind = match rule.kind.as_deref() {
            None | Some("" | "a") => {
                self.set_default(rule.allow);
                return Ok(());
            }
            Some("c") => Kind::Char,
            Some("b") => Kind::Block,
            Some(other) => {
                return Err(Error::invalid(field("type"), other, "\"a\", \"b\" or \"c\""));
            }
        };
        let number = |name, value: Option<i64>| match value {
            None | Some(-1) => Ok(None),
            Some(n) => u32::try_from(n)
                .map(Some)
                .map_err(|_| Error::invalid(field(name), n, "-1 (all) to 4294967295")),
        };
        let devices = Devices {
            kind,
            major: number("major", rule.major)?,
            minor: number("minor", rule.minor)?,
        };
        let access = rule.access.as_deref().unwrap_or("");
        let access = Access::parse(access).ok_or_else(|| {
            Error::invalid(field("access"), access, "some of \"r\", \"w\" and \"m\"")
        })?;
        self.add(rule.allow, devices, access).map_err(|()| {
            let step = Step { allow: rule.allow, devices: Some(devices), access };
            Error::invalid(
                format!("linux.resources.devices[{index}]"),
                step,
                "a rule that takes back an earlier one as a whole (no holes in wildcards)",
            )
        })
    }

    fn set_default(&mut self, allow: bool) {
        self.allow = allow;
        self.exceptions.clear();
    }

    /// Fails if the rule would have to make a hole in a wider exception.
    fn add(
        &mut self,
        allow: bool,
        devices: Devices,
        access: Access,
    ) -> std::result::Result<(), ()> {
        if allow != self.allow {
            let known = self.exceptions.entry(devices).or_default();
            known.0 |= access.0;
            return Ok(());
        }
        let hole = self.exceptions.iter().any(|(other, theirs)| {
            *other != devices && other.overlaps(devices) && theirs.0 & access.0 != 0
        });
        if hole {
            return Err(());
        }
        if let Some(known) = self.exceptions.get_mut(&devices) {
            *known = known.without(access);
            if known.0 == 0 {
                self.exceptions.remove(&devices);
            }
        }
        Ok(())
    }

    fn add_line(&mut self, line: &str) -> Option<()> {
        let mut fields = line.split_ascii_whitespace();
        let kind = match fields.next()? {
            "a" => {
                self.set_default(true);
                return Some(());
            }
            "c" => Kind::Char,
            "b" => Kind::Block,
            _ => return None,
        };
        let (major, minor) = fields.next()?.split_once(':')?;
        let number = |text: &str| match text {
            "*" => Some(None),
            _ => text.parse().ok().map(Some),
        };
        let devices = Devices { kind, major: number(major)?, minor: number(minor)? };
        self.add(true, devices, Access::parse(fields.next()?)?).ok()
    }
}

#[cfg(test)]
mod tests;
