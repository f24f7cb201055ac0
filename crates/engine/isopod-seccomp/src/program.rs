//! A compiled filter.

/// The kernel's `BPF_MAXINSNS`.
pub(crate) const MAX_INSTRUCTIONS: usize = 4096;

/// One instruction, as `struct sock_filter` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions to skip when the condition holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

/// A filter ready for `seccomp(SECCOMP_SET_MODE_FILTER, flags, program)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) flags: u32,
    pub(crate) wants_listener: bool,
    pub(crate) ignored: Vec<String>,
}

impl Program {
    pub(crate) fn new(
        instructions: Vec<Instruction>,
        flags: u32,
        wants_listener: bool,
        ignored: Vec<String>,
    ) -> Self {
        let mut bytes = Vec::with_capacity(instructions.len() * 8);
        for instruction in &instructions {
            bytes.extend_from_slice(&instruction.code.to_ne_bytes());
            bytes.extend_from_slice(&[instruction.jt, instruction.jf]);
            bytes.extend_from_slice(&instruction.k.to_ne_bytes());
        }
        Self { instructions, bytes, flags, wants_listener, ignored }
    }

    /// The instructions.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// The same as the kernel reads them: an array of `struct sock_filter` of 8 bytes each, in the
    /// machine's byte order. Its length divided by 8 is `sock_fprog.len`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bits for the flags argument of `seccomp(2)`, `SECCOMP_FILTER_FLAG_NEW_LISTENER` included
    /// when a listener is wanted.
    pub fn flags(&self) -> u32 {
        self.flags
    }

    /// Whether a rule notifies, so that loading the program returns a listener that has to be
    /// sent to the profile's `listenerPath`.
    pub fn wants_listener(&self) -> bool {
        self.wants_listener
    }

    /// Names of system calls that no architecture of this profile has; their rules were left out.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }
}
