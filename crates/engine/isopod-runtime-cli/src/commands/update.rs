//! `update`.

use std::io::Read as _;
use std::path::Path;

use isopod_oci::runtime::{LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxPids, LinuxResources};

use crate::error::Error;
use crate::globals::Globals;
use crate::parse::Invocation;

/// A document with limits is short.
const DOCUMENT_LIMIT_BYTES: u64 = 4 << 20;

pub(crate) fn update(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    let container = globals.container(invocation)?;
    let mut resources = match invocation.value("resources").filter(|path| !path.is_empty()) {
        Some(path) => read(path)?,
        None => from_flags(invocation)?,
    };
    // Device rules are not changed here: what others have added to them would be lost.
    resources.devices.clear();
    for (flag, schema) in [
        ("l3-cache-schema", "Intel RDT/CAT: l3 cache schema"),
        ("mem-bw-schema", "Intel RDT/MBA: memory bandwidth schema"),
    ] {
        if invocation.value(flag).is_some_and(|value| !value.is_empty()) {
            return Err(Error::IntelRdt { schema });
        }
    }
    let kernel =
        resources.memory.as_ref().is_some_and(|m| m.kernel.is_some() || m.kernel_tcp.is_some());
    if kernel {
        globals.log.warn("Kernel memory settings have no effect on kernels without them");
    }
    container.update(&resources)?;
    Ok(0)
}

fn read(path: &str) -> Result<LinuxResources, Error> {
    let mut bytes = Vec::new();
    let name = Path::new(if path == "-" { "standard input" } else { path });
    let result = if path == "-" {
        std::io::stdin().take(DOCUMENT_LIMIT_BYTES).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(DOCUMENT_LIMIT_BYTES).read_to_end(&mut bytes))
    };
    result.map_err(Error::file("read", name))?;
    LinuxResources::parse(&bytes).map_err(|source| Error::Parse { path: name.to_owned(), source })
}

fn from_flags(invocation: &Invocation) -> Result<LinuxResources, Error> {
    let text = |name: &str| invocation.value(name).filter(|t| !t.is_empty()).map(str::to_owned);
    let cpu = LinuxCpu {
        shares: invocation.number("cpu-share")?,
        quota: invocation.number("cpu-quota")?,
        burst: invocation.number("cpu-burst")?,
        period: invocation.number("cpu-period")?,
        realtime_runtime: invocation.number("cpu-rt-runtime")?,
        realtime_period: invocation.number("cpu-rt-period")?,
        cpus: text("cpuset-cpus"),
        mems: text("cpuset-mems"),
        idle: invocation.number("cpu-idle")?,
    };
    let memory = LinuxMemory {
        limit: bytes(invocation, "memory")?,
        reservation: bytes(invocation, "memory-reservation")?,
        swap: bytes(invocation, "memory-swap")?,
        kernel: bytes(invocation, "kernel-memory")?,
        kernel_tcp: bytes(invocation, "kernel-memory-tcp")?,
        ..LinuxMemory::default()
    };
    let weight: Option<u16> = invocation.number("blkio-weight")?.filter(|weight| *weight != 0);
    Ok(LinuxResources {
        cpu: Some(cpu),
        memory: Some(memory),
        block_io: Some(LinuxBlockIo { weight, ..LinuxBlockIo::default() }),
        pids: Some(LinuxPids { limit: invocation.number("pids-limit")? }),
        ..LinuxResources::default()
    })
}

/// `512`, `64m`, `1.5GB`; -1 for no limit.
fn bytes(invocation: &Invocation, flag: &'static str) -> Result<Option<i64>, Error> {
    match invocation.value(flag) {
        None | Some("") => Ok(None),
        Some("-1") => Ok(Some(-1)),
        Some(text) => {
            let size =
                isopod_base::units::parse_bytes(text).ok().and_then(|n| i64::try_from(n).ok());
            let wrong = || Error::FlagValue {
                flag,
                value: text.to_owned(),
                expected: "a size such as 64m, or -1",
            };
            size.map(Some).ok_or_else(wrong)
        }
    }
}
