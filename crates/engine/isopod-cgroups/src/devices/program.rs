//! Device rules as an eBPF program of type `BPF_PROG_TYPE_CGROUP_DEVICE`.
//!
//! The program gets a pointer to `{ access_type: u32, major: u32, minor: u32 }`, with the type
//! (1 block, 2 character) in the lower half of `access_type` and the access (1 make, 2 read,
//! 4 write) in the upper one, and returns 1 to allow. Each exception is a block of compares
//! that falls through to the next one; the default comes last.

use isopod_sys::bpf::Instruction;

use super::rules::{Access, Devices, Kind, Rules};

/// A program ready to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    instructions: Vec<Instruction>,
}

// Registers. R1 holds the context at first and is scratch afterwards.
const R0: u8 = 0;
const R1: u8 = 1;
const TYPE: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

// Operation codes, from linux/bpf_common.h and linux/bpf.h.
const LOAD_WORD: u8 = 0x61; // BPF_LDX | BPF_W | BPF_MEM
const AND_IMM: u8 = 0x54; // BPF_ALU | BPF_AND | BPF_K
const SHIFT_RIGHT_IMM: u8 = 0x74; // BPF_ALU | BPF_RSH | BPF_K
const MOVE_IMM: u8 = 0xb4; // BPF_ALU | BPF_MOV | BPF_K
const MOVE_REG: u8 = 0xbc; // BPF_ALU | BPF_MOV | BPF_X
const JUMP_NOT_EQUAL_IMM: u8 = 0x56; // BPF_JMP32 | BPF_JNE | BPF_K
const JUMP_NOT_EQUAL_REG: u8 = 0x5e; // BPF_JMP32 | BPF_JNE | BPF_X
const EXIT: u8 = 0x95; // BPF_JMP | BPF_EXIT

impl Program {
    /// Compiles a set of rules.
    pub(crate) fn compile(rules: &Rules) -> Self {
        let mut code = vec![
            op(LOAD_WORD, TYPE, R1, 0, 0),
            op(AND_IMM, TYPE, 0, 0, 0xffff),
            op(LOAD_WORD, ACCESS, R1, 0, 0),
            op(SHIFT_RIGHT_IMM, ACCESS, 0, 0, 16),
            op(LOAD_WORD, MAJOR, R1, 4, 0),
            op(LOAD_WORD, MINOR, R1, 8, 0),
        ];
        let default = i32::from(rules.allows_by_default());
        for (devices, access) in rules.exceptions() {
            if rules.allows_by_default() {
                // A denied letter forbids a request that holds it, whatever else it holds.
                push_block(&mut code, devices, deny_test(access), 0);
            } else {
                push_block(&mut code, devices, allow_test(access), 1);
            }
        }
        code.extend([op(MOVE_IMM, R0, 0, 0, default), op(EXIT, 0, 0, 0, 0)]);
        Self { instructions: code }
    }

    pub(crate) fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }
}

/// Goes on to the next block unless every letter asked for is in `access`.
fn allow_test(access: Access) -> Vec<Instruction> {
    if access == Access::ALL {
        return Vec::new();
    }
    vec![
        op(MOVE_REG, R1, ACCESS, 0, 0),
        op(AND_IMM, R1, 0, 0, i32::from(access.bits())),
        op(JUMP_NOT_EQUAL_REG, R1, ACCESS, 0, 0),
    ]
}

/// Goes on to the next block unless some letter asked for is in `access`.
fn deny_test(access: Access) -> Vec<Instruction> {
    const JUMP_EQUAL_IMM: u8 = 0x16; // BPF_JMP32 | BPF_JEQ | BPF_K
    if access == Access::ALL {
        return Vec::new();
    }
    vec![
        op(MOVE_REG, R1, ACCESS, 0, 0),
        op(AND_IMM, R1, 0, 0, i32::from(access.bits())),
        op(JUMP_EQUAL_IMM, R1, 0, 0, 0),
    ]
}

/// Appends one exception; every jump in it leads past its end.
fn push_block(code: &mut Vec<Instruction>, devices: Devices, test: Vec<Instruction>, result: i32) {
    let kind = match devices.kind {
        Kind::Block => 1,
        Kind::Char => 2,
    };
    let mut block = vec![op(JUMP_NOT_EQUAL_IMM, TYPE, 0, 0, kind)];
    block.extend(test);
    for (register, number) in [(MAJOR, devices.major), (MINOR, devices.minor)] {
        if let Some(number) = number {
            block.push(op(JUMP_NOT_EQUAL_IMM, register, 0, 0, number.cast_signed()));
        }
    }
    block.extend([op(MOVE_IMM, R0, 0, 0, result), op(EXIT, 0, 0, 0, 0)]);
    let end = block.len();
    for (index, instruction) in block.iter_mut().enumerate() {
        let jumps = instruction.code & 0x07 == 0x06;
        if jumps {
            instruction.offset = i16::try_from(end - index - 1).expect("a block is short");
        }
    }
    code.extend(block);
}

fn op(code: u8, destination: u8, source: u8, offset: i16, immediate: i32) -> Instruction {
    Instruction { code, registers: destination | source << 4, offset, immediate }
}

#[cfg(test)]
mod tests;
