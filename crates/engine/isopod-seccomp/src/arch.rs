//! Architectures: their names in profiles and how the kernel tells them apart.

use crate::Error;

/// An architecture whose system calls the compiler knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 32-bit x86, run by an x86_64 kernel, too.
    X86,
    /// x86_64 with 32-bit pointers: the same kernel entry, with bit 30 of the number set.
    X32,
    /// 64-bit ARM.
    Aarch64,
    /// 32-bit ARM (EABI), run by an aarch64 kernel, too.
    Arm,
}

/// Names that the specification lists for machines on which this compiler cannot run: a profile
/// may carry them, and no kernel of ours ever executes their calls.
const FOREIGN: &[&str] = &[
    "SCMP_ARCH_LOONGARCH64",
    "SCMP_ARCH_M68K",
    "SCMP_ARCH_MIPS",
    "SCMP_ARCH_MIPS64",
    "SCMP_ARCH_MIPS64N32",
    "SCMP_ARCH_MIPSEL",
    "SCMP_ARCH_MIPSEL64",
    "SCMP_ARCH_MIPSEL64N32",
    "SCMP_ARCH_PARISC",
    "SCMP_ARCH_PARISC64",
    "SCMP_ARCH_PPC",
    "SCMP_ARCH_PPC64",
    "SCMP_ARCH_PPC64LE",
    "SCMP_ARCH_RISCV64",
    "SCMP_ARCH_S390",
    "SCMP_ARCH_S390X",
    "SCMP_ARCH_SH",
    "SCMP_ARCH_SHEB",
];

impl Arch {
    /// The architecture that this binary was built for, where it is one of ours.
    pub const fn native() -> Option<Self> {
        if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) {
            Some(Self::X86_64)
        } else if cfg!(target_arch = "aarch64") {
            Some(Self::Aarch64)
        } else {
            None
        }
    }

    /// The name in profiles.
    pub const fn scmp_name(self) -> &'static str {
        match self {
            Self::X86_64 => "SCMP_ARCH_X86_64",
            Self::X86 => "SCMP_ARCH_X86",
            Self::X32 => "SCMP_ARCH_X32",
            Self::Aarch64 => "SCMP_ARCH_AARCH64",
            Self::Arm => "SCMP_ARCH_ARM",
        }
    }

    /// The architectures that a kernel of this one executes, itself first.
    pub const fn family(self) -> &'static [Self] {
        match self {
            Self::X86_64 => &[Self::X86_64, Self::X86, Self::X32],
            Self::Aarch64 => &[Self::Aarch64, Self::Arm],
            Self::X86 => &[Self::X86],
            Self::X32 => &[Self::X32],
            Self::Arm => &[Self::Arm],
        }
    }

    /// Reads a profile's name: `None` for a known machine that is not ours.
    pub(crate) fn parse(name: &str) -> Result<Option<Self>, Error> {
        let ours = [Self::X86_64, Self::X86, Self::X32, Self::Aarch64, Self::Arm]
            .into_iter()
            .find(|arch| arch.scmp_name() == name);
        match ours {
            Some(arch) => Ok(Some(arch)),
            None if FOREIGN.contains(&name) => Ok(None),
            None => Err(Error::UnknownArchitecture(name.to_owned())),
        }
    }

    /// `AUDIT_ARCH_*` of `linux/audit.h`, as the kernel puts it into `seccomp_data.arch`.
    pub const fn audit(self) -> u32 {
        match self {
            Self::X86_64 | Self::X32 => 0xc000_003e,
            Self::X86 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
            Self::Arm => 0x4000_0028,
        }
    }

    /// Whether conditions look at all 64 bits of an argument. The kernel zero-extends the
    /// arguments of 32-bit calls, so there only the low half of a profile's value can count.
    pub(crate) const fn is_64_bit(self) -> bool {
        matches!(self, Self::X86_64 | Self::Aarch64)
    }

    /// Column in the table of system calls.
    pub(crate) const fn column(self) -> usize {
        match self {
            Self::X86_64 => 0,
            Self::X86 => 1,
            Self::X32 => 2,
            Self::Aarch64 => 3,
            Self::Arm => 4,
        }
    }
}
