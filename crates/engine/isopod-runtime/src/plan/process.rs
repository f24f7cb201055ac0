//! `process`: everything about a process, translated; for the container's own and for exec.

use std::ffi::CString;

use isopod_oci::runtime::{ConsoleSize, CpuAffinity, IoPriorityClass, Process, Scheduler};
use isopod_sys::scheduling::SchedAttr;
use rustix::process::{Resource, Rlimit};
use rustix::thread::CpuSet;

use crate::capabilities::Sets;
use crate::error::{Error, Result};
use crate::{rlimits, state::ProcessDefaults};

/// File mode creation mask of processes that name none.
const UMASK: u32 = 0o022;

/// A checked process.
#[derive(Debug, Clone)]
pub(crate) struct ProcessPlan {
    pub(crate) args: Vec<CString>,
    /// Without doubles; the last of a name has won.
    pub(crate) env: Vec<CString>,
    pub(crate) cwd: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: Vec<u32>,
    pub(crate) umask: u32,
    pub(crate) terminal: bool,
    pub(crate) console_size: Option<ConsoleSize>,
    pub(crate) capabilities: Sets,
    pub(crate) no_new_privileges: bool,
    pub(crate) rlimits: Vec<(Resource, Rlimit)>,
    pub(crate) oom_score_adj: Option<i32>,
    pub(crate) apparmor_profile: Option<String>,
    pub(crate) selinux_label: Option<String>,
    pub(crate) scheduler: Option<SchedAttr>,
    /// Class and priority.
    pub(crate) io_priority: Option<(u8, u8)>,
    pub(crate) personality: Option<u32>,
    /// CPUs before and after the process enters the container's cgroup (exec only).
    pub(crate) affinity: (Option<CpuSet>, Option<CpuSet>),
    /// What joining processes take over, as the configuration has it.
    pub(crate) defaults: ProcessDefaults,
}

impl ProcessPlan {
    pub(crate) fn new(
        field: &str,
        process: &Process,
        personality: Option<u32>,
        warnings: &mut Vec<String>,
    ) -> Result<Self> {
        let refuse = |name: &str, reason: &str| Error::config(format!("{field}.{name}"), reason);
        if process.cwd.is_empty() {
            return Err(refuse("cwd", "Cwd property must not be empty"));
        }
        if !process.cwd.starts_with('/') || process.cwd.contains('\0') {
            return Err(refuse("cwd", "Cwd must be an absolute path"));
        }
        if process.args.is_empty() {
            return Err(refuse("args", "args must not be empty"));
        }
        if process.command_line.is_some() {
            return Err(refuse("commandLine", "is for Windows only, expected args"));
        }
        let capabilities = process.capabilities.clone().unwrap_or_default();
        let (capabilities, unknown) = Sets::parse(&capabilities);
        warnings.extend(unknown);
        let apparmor_profile = named(&process.apparmor_profile);
        let selinux_label = named(&process.selinux_label);
        if apparmor_profile.is_some() && !lsm_is_enabled("apparmor") {
            return Err(Error::unsupported(
                format!("{field}.apparmorProfile"),
                "apparmor profile is specified in config, but apparmor is disabled or not supported",
            ));
        }
        if selinux_label.is_some() && !lsm_is_enabled("selinux") {
            return Err(Error::unsupported(
                format!("{field}.selinuxLabel"),
                "selinux label is specified in config, but selinux is disabled or not supported",
            ));
        }
        if process.oom_score_adj.is_some_and(|score| !(-1000..=1000).contains(&score)) {
            return Err(refuse("oomScoreAdj", "expected -1000 to 1000"));
        }
        let at = |name: &str| format!("{field}.{name}");
        Ok(Self {
            args: strings(&at("args"), &process.args)?,
            env: environment(&at("env"), &process.env)?,
            cwd: process.cwd.clone(),
            uid: process.user.uid,
            gid: process.user.gid,
            groups: process.user.additional_gids.clone(),
            umask: process.user.umask.unwrap_or(UMASK),
            terminal: process.terminal,
            console_size: process.console_size,
            capabilities,
            no_new_privileges: process.no_new_privileges,
            rlimits: rlimits::parse(&at("rlimits"), &process.rlimits)?,
            oom_score_adj: process.oom_score_adj,
            apparmor_profile,
            selinux_label,
            scheduler: process
                .scheduler
                .as_ref()
                .map(|scheduler| scheduling(&at("scheduler"), scheduler))
                .transpose()?,
            io_priority: io_priority(&at("ioPriority"), process)?,
            personality,
            affinity: affinity(&at("execCPUAffinity"), process.exec_cpu_affinity.as_ref())?,
            defaults: ProcessDefaults {
                capabilities: process.capabilities.clone(),
                rlimits: process.rlimits.clone(),
                no_new_privileges: process.no_new_privileges,
                apparmor_profile: process.apparmor_profile.clone(),
                selinux_label: process.selinux_label.clone(),
                oom_score_adj: process.oom_score_adj,
                personality,
            },
        })
    }

    /// The value of a variable of the environment.
    pub(crate) fn variable(&self, name: &str) -> Option<&[u8]> {
        self.env.iter().find_map(|variable| {
            variable.as_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")
        })
    }
}

fn named(text: &Option<String>) -> Option<String> {
    text.clone().filter(|text| !text.is_empty())
}

fn strings(field: &str, list: &[String]) -> Result<Vec<CString>> {
    list.iter()
        .enumerate()
        .map(|(index, text)| {
            CString::new(text.as_str())
                .map_err(|_| Error::config(format!("{field}[{index}]"), "contains a NUL byte"))
        })
        .collect()
}

fn environment(field: &str, list: &[String]) -> Result<Vec<CString>> {
    let mut kept: Vec<(&str, &String)> = Vec::with_capacity(list.len());
    for (index, variable) in list.iter().enumerate() {
        let name = match variable.split_once('=') {
            Some((name, _)) if !name.is_empty() => name,
            _ => {
                return Err(Error::config(
                    format!("{field}[{index}]"),
                    format!("invalid environment variable {variable:?}: expected NAME=value"),
                ));
            }
        };
        match kept.iter_mut().find(|(known, _)| *known == name) {
            Some((_, value)) => *value = variable,
            None => kept.push((name, variable)),
        }
    }
    let list: Vec<String> = kept.into_iter().map(|(_, variable)| variable.clone()).collect();
    strings(field, &list)
}

/// Whether the security module is there and switched on.
pub(crate) fn lsm_is_enabled(name: &str) -> bool {
    match name {
        "apparmor" => std::fs::read("/sys/module/apparmor/parameters/enabled")
            .is_ok_and(|text| text.starts_with(b"Y")),
        _ => std::fs::metadata("/sys/fs/selinux/enforce").is_ok(),
    }
}

fn scheduling(field: &str, scheduler: &Scheduler) -> Result<SchedAttr> {
    let refuse = |name: &str, reason: String| Error::config(format!("{field}.{name}"), reason);
    let policy = match scheduler.policy.as_str() {
        "SCHED_OTHER" => 0,
        "SCHED_FIFO" => 1,
        "SCHED_RR" => 2,
        "SCHED_BATCH" => 3,
        "SCHED_ISO" => 4,
        "SCHED_IDLE" => 5,
        "SCHED_DEADLINE" => 6,
        other => {
            return Err(refuse("policy", format!("invalid scheduler policy: {other:?}")));
        }
    };
    if !(-20..=19).contains(&scheduler.nice) {
        return Err(refuse(
            "nice",
            format!("invalid scheduler.nice: {}, expected -20 to 19", scheduler.nice),
        ));
    }
    let real_time = matches!(policy, 1 | 2);
    if scheduler.priority != 0 && !real_time {
        return Err(refuse(
            "priority",
            "can only be specified for SCHED_FIFO or SCHED_RR policy".into(),
        ));
    }
    let priority = u32::try_from(scheduler.priority)
        .map_err(|_| refuse("priority", format!("{} is negative", scheduler.priority)))?;
    if policy != 6 && (scheduler.runtime, scheduler.deadline, scheduler.period) != (0, 0, 0) {
        return Err(refuse(
            "runtime",
            "runtime, deadline and period can only be specified for SCHED_DEADLINE policy".into(),
        ));
    }
    let mut flags = 0;
    for (index, flag) in scheduler.flags.iter().enumerate() {
        flags |= match flag.as_str() {
            "SCHED_FLAG_RESET_ON_FORK" => 0x01,
            "SCHED_FLAG_RECLAIM" => 0x02,
            "SCHED_FLAG_DL_OVERRUN" => 0x04,
            "SCHED_FLAG_KEEP_POLICY" => 0x08,
            "SCHED_FLAG_KEEP_PARAMS" => 0x10,
            "SCHED_FLAG_UTIL_CLAMP_MIN" => 0x20,
            "SCHED_FLAG_UTIL_CLAMP_MAX" => 0x40,
            other => {
                return Err(refuse(
                    &format!("flags[{index}]"),
                    format!("invalid scheduler flag: {other:?}"),
                ));
            }
        };
    }
    Ok(SchedAttr {
        policy,
        flags,
        nice: scheduler.nice,
        priority,
        runtime: scheduler.runtime,
        deadline: scheduler.deadline,
        period: scheduler.period,
    })
}

fn io_priority(field: &str, process: &Process) -> Result<Option<(u8, u8)>> {
    let Some(io) = &process.io_priority else { return Ok(None) };
    let priority =
        u8::try_from(io.priority).ok().filter(|priority| *priority < 8).ok_or_else(|| {
            Error::config(
                format!("{field}.priority"),
                format!("invalid ioPriority.Priority: {}, expected 0 to 7", io.priority),
            )
        })?;
    let class = match io.class {
        IoPriorityClass::RealTime => 1,
        IoPriorityClass::BestEffort => 2,
        IoPriorityClass::Idle => 3,
    };
    Ok(Some((class, priority)))
}

fn affinity(
    field: &str,
    affinity: Option<&CpuAffinity>,
) -> Result<(Option<CpuSet>, Option<CpuSet>)> {
    let parse = |name: &str, list: &str| {
        if list.is_empty() {
            return Ok(None);
        }
        cpu_list(list).map(Some).ok_or_else(|| {
            Error::config(
                format!("{field}.{name}"),
                format!("{list:?}: expected CPU numbers and ranges such as 0-2,7"),
            )
        })
    };
    match affinity {
        None => Ok((None, None)),
        Some(affinity) => {
            Ok((parse("initial", &affinity.initial)?, parse("final", &affinity.last)?))
        }
    }
}

fn cpu_list(list: &str) -> Option<CpuSet> {
    let mut set = CpuSet::new();
    for range in list.split(',') {
        let (first, last) = range.trim().split_once('-').unwrap_or((range.trim(), range.trim()));
        let (first, last) = (first.parse::<usize>().ok()?, last.parse::<usize>().ok()?);
        if first > last || last >= CpuSet::MAX_CPU {
            return None;
        }
        (first..=last).for_each(|cpu| set.set(cpu));
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_variable_wins_in_the_place_of_the_first() {
        let list = ["A=1", "B=2", "A=3"].map(str::to_owned);
        let env = environment("env", &list).expect("good");
        assert_eq!(env, [c"A=3".to_owned(), c"B=2".to_owned()]);
        assert!(environment("env", &["A".to_owned()]).is_err());
        assert!(environment("env", &["=x".to_owned()]).is_err());
    }

    #[test]
    fn cpu_lists() {
        let set = cpu_list("0-2,7").expect("good");
        assert_eq!(set.count(), 4);
        assert!(set.is_set(7));
        for bad in ["", "a", "2-1", "-1", "99999", "1,,2"] {
            assert!(cpu_list(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn schedulers_are_checked() {
        let of = |policy: &str, nice, priority| Scheduler {
            policy: policy.into(),
            nice,
            priority,
            ..Scheduler::default()
        };
        assert!(scheduling("s", &of("SCHED_BATCH", 5, 0)).is_ok());
        assert!(scheduling("s", &of("SCHED_FIFO", 0, 5)).is_ok());
        assert!(scheduling("s", &of("SCHED_OTHER", 0, 5)).is_err());
        assert!(scheduling("s", &of("SCHED_OTHER", 20, 0)).is_err());
        assert!(scheduling("s", &of("FIFO", 0, 0)).is_err());
    }
}
