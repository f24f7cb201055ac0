//! From a profile's rules to one decision for each system call of an architecture.

use std::collections::{BTreeMap, BTreeSet};

use isopod_oci::runtime::{LinuxSeccomp, SeccompArg, SeccompRule};

use crate::syscalls::{multiplexed, number};
use crate::{Action, Arch, Error};

/// How an argument is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Comparison {
    NotEqual(u64),
    Less(u64),
    LessOrEqual(u64),
    Equal(u64),
    GreaterOrEqual(u64),
    Greater(u64),
    MaskedEqual { mask: u64, value: u64 },
}

/// A condition on one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Condition {
    pub(crate) argument: u8,
    pub(crate) comparison: Comparison,
}

/// What happens to one system call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Decision {
    /// Always this.
    Always(Action),
    /// The first alternative whose conditions all hold, else the profile's default.
    FirstOf(Vec<(Vec<Condition>, Action)>),
}

/// A checked rule, not yet bound to an architecture.
#[derive(Debug)]
pub(crate) struct Rule<'a> {
    names: &'a [String],
    action: Action,
    /// Each a set of conditions that must all hold; empty for a rule without conditions.
    alternatives: Vec<Vec<Condition>>,
}

/// A profile with every string understood.
#[derive(Debug)]
pub(crate) struct Checked<'a> {
    pub(crate) default: Action,
    pub(crate) rules: Vec<Rule<'a>>,
    pub(crate) wants_listener: bool,
}

/// Checks everything that does not depend on an architecture.
pub(crate) fn check(profile: &LinuxSeccomp) -> Result<Checked<'_>, Error> {
    let default = Action::parse(&profile.default_action, profile.default_errno_ret, || {
        "seccomp.defaultAction".to_owned()
    })?;
    if default == Action::Notify {
        return Err(Error::NotifyDefault);
    }
    let mut notifies = None;
    let mut rules = Vec::with_capacity(profile.syscalls.len());
    for (index, rule) in profile.syscalls.iter().enumerate() {
        let rule = check_rule(rule, index)?;
        if rule.action == Action::Notify {
            notifies.get_or_insert_with(|| format!("seccomp.syscalls[{index}]"));
        }
        rules.push(rule);
    }
    let set = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    match &notifies {
        Some(field) if !set(&profile.listener_path) => {
            return Err(Error::ListenerMissing { field: field.clone() });
        }
        _ if set(&profile.listener_metadata) && !set(&profile.listener_path) => {
            return Err(Error::MetadataWithoutListener);
        }
        _ => {}
    }
    Ok(Checked { default, rules, wants_listener: notifies.is_some() })
}

fn check_rule(rule: &SeccompRule, index: usize) -> Result<Rule<'_>, Error> {
    let field = || format!("seccomp.syscalls[{index}]");
    let action = Action::parse(&rule.action, rule.errno_ret, || {
        format!("seccomp.syscalls[{index}].action")
    })?;
    if rule.names.is_empty() || rule.names.iter().any(String::is_empty) {
        return Err(Error::EmptyName { field: field() });
    }
    if action == Action::Notify && rule.names.iter().any(|name| name == "write") {
        return Err(Error::NotifyWrite { field: field() });
    }
    let mut conditions = Vec::with_capacity(rule.args.len());
    for (position, arg) in rule.args.iter().enumerate() {
        conditions
            .push(check_condition(arg, || format!("seccomp.syscalls[{index}].args[{position}]"))?);
    }
    let arguments: BTreeSet<u8> = conditions.iter().map(|c| c.argument).collect();
    // Several conditions on one argument are alternatives: profiles have been written for this
    // reading since libseccomp could once hold only one comparison an argument.
    let alternatives = if arguments.len() < conditions.len() {
        conditions.into_iter().map(|c| vec![c]).collect()
    } else if conditions.is_empty() {
        Vec::new()
    } else {
        vec![conditions]
    };
    Ok(Rule { names: &rule.names, action, alternatives })
}

fn check_condition(arg: &SeccompArg, field: impl Fn() -> String) -> Result<Condition, Error> {
    let comparison = match arg.op.as_str() {
        "SCMP_CMP_NE" => Comparison::NotEqual(arg.value),
        "SCMP_CMP_LT" => Comparison::Less(arg.value),
        "SCMP_CMP_LE" => Comparison::LessOrEqual(arg.value),
        "SCMP_CMP_EQ" => Comparison::Equal(arg.value),
        "SCMP_CMP_GE" => Comparison::GreaterOrEqual(arg.value),
        "SCMP_CMP_GT" => Comparison::Greater(arg.value),
        "SCMP_CMP_MASKED_EQ" => {
            Comparison::MaskedEqual { mask: arg.value, value: arg.value_two & arg.value }
        }
        _ => {
            return Err(Error::UnknownOperator { field: field(), op: arg.op.clone() });
        }
    };
    match u8::try_from(arg.index) {
        Ok(argument @ 0..=5) => Ok(Condition { argument, comparison }),
        _ => Err(Error::ArgumentIndex { field: field(), index: arg.index }),
    }
}

impl Checked<'_> {
    /// The decision for every call that the rules name, on one architecture, and the highest
    /// number among them (redundant rules count for it, too: their author knew the call). No
    /// decision is about a higher number.
    pub(crate) fn decisions(&self, arch: Arch) -> (BTreeMap<u32, Decision>, Option<u32>) {
        let mut decisions = BTreeMap::new();
        let mut newest = None;
        for rule in &self.rules {
            for name in rule.names {
                if let Some(number) = number(name, arch) {
                    newest = newest.max(Some(number).filter(|&n| !is_private(n, arch)));
                    self.add(&mut decisions, number, rule.action, &rule.alternatives);
                }
                if arch == Arch::X86
                    && rule.alternatives.is_empty()
                    && let Some((entry, call)) = multiplexed(name)
                    && let Some(number) = self::number(entry, arch)
                {
                    newest = newest.max(Some(number));
                    let by_call =
                        vec![vec![Condition { argument: 0, comparison: Comparison::Equal(call) }]];
                    self.add(&mut decisions, number, rule.action, &by_call);
                }
            }
        }
        (decisions, newest)
    }

    /// An unconditional rule outweighs conditional ones wherever it stands, and the first of
    /// several stays; what would do the same as the default is left out.
    fn add(
        &self,
        decisions: &mut BTreeMap<u32, Decision>,
        number: u32,
        action: Action,
        alternatives: &[Vec<Condition>],
    ) {
        if action == self.default {
            return;
        }
        let decision = decisions.entry(number).or_insert_with(|| Decision::FirstOf(Vec::new()));
        match decision {
            Decision::Always(_) => {}
            _ if alternatives.is_empty() => *decision = Decision::Always(action),
            Decision::FirstOf(all) => {
                all.extend(alternatives.iter().map(|set| (set.clone(), action)));
            }
        }
    }

    /// Names that none of `archs` has.
    pub(crate) fn ignored(&self, archs: &[Arch]) -> Vec<String> {
        let unknown = |name: &&String| archs.iter().all(|&arch| number(name, arch).is_none());
        let names: BTreeSet<&String> = self.rules.iter().flat_map(|rule| rule.names).collect();
        names.into_iter().filter(unknown).cloned().collect()
    }
}

/// ARM's own calls lie far above the common table and say nothing about a profile's age.
fn is_private(number: u32, arch: Arch) -> bool {
    arch == Arch::Arm && number >= ARM_PRIVATE
}

/// `__ARM_NR_BASE`.
pub(crate) const ARM_PRIVATE: u32 = 0xf_0000;
