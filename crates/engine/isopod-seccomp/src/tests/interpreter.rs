//! The kernel's side: an interpreter for classic BPF over `struct seccomp_data`, which also
//! applies the kernel's own checks of a program.

use crate::Program;

/// What the kernel shows a filter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) number: u32,
    pub(crate) arch: u32,
    pub(crate) args: [u64; 6],
}

impl Call {
    fn word(&self, offset: u32) -> u32 {
        let mut data = Vec::with_capacity(64);
        data.extend_from_slice(&self.number.to_le_bytes());
        data.extend_from_slice(&self.arch.to_le_bytes());
        data.extend_from_slice(&0u64.to_le_bytes());
        for arg in self.args {
            data.extend_from_slice(&arg.to_le_bytes());
        }
        let at = offset as usize;
        assert!(at.is_multiple_of(4) && at + 4 <= data.len(), "load at {offset}");
        u32::from_le_bytes(data[at..at + 4].try_into().expect("four bytes"))
    }
}

/// Runs `program` and returns its verdict and how many instructions it took.
pub(crate) fn run(program: &Program, call: Call) -> (u32, usize) {
    let code = program.instructions();
    assert!(code.len() <= 4096, "{} instructions", code.len());
    let (mut at, mut accumulator, mut steps) = (0usize, 0u32, 0usize);
    loop {
        let instruction = code.get(at).expect("runs off the program's end");
        steps += 1;
        at += 1;
        let condition = match instruction.code {
            0x20 => {
                accumulator = call.word(instruction.k);
                continue;
            }
            0x54 => {
                accumulator &= instruction.k;
                continue;
            }
            0x05 => {
                at += instruction.k as usize;
                continue;
            }
            0x06 => return (instruction.k, steps),
            0x15 => accumulator == instruction.k,
            0x25 => accumulator > instruction.k,
            0x35 => accumulator >= instruction.k,
            other => panic!("the kernel does not take {other:#x}"),
        };
        at += usize::from(if condition { instruction.jt } else { instruction.jf });
    }
}
