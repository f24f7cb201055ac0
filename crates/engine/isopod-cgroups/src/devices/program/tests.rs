//! Compiled programs, run by an interpreter that knows just the instructions they use.

use isopod_oci::runtime::LinuxDeviceCgroup;

use super::*;

/// Runs a program for one request and says whether it allows it.
fn allows(program: &Program, kind: u32, access: u32, major: u32, minor: u32) -> bool {
    let context = [kind | access << 16, major, minor];
    let mut registers = [0_u32; 11];
    let mut at = 0_usize;
    for _ in 0..program.instructions.len() {
        let i = program.instructions[at];
        let (to, from) = (usize::from(i.registers & 15), usize::from(i.registers >> 4));
        let immediate = i.immediate.cast_unsigned();
        let mut jump = false;
        match i.code {
            LOAD_WORD => registers[to] = context[usize::try_from(i.offset).expect("positive") / 4],
            AND_IMM => registers[to] &= immediate,
            SHIFT_RIGHT_IMM => registers[to] >>= immediate,
            MOVE_IMM => registers[to] = immediate,
            MOVE_REG => registers[to] = registers[from],
            JUMP_NOT_EQUAL_IMM => jump = registers[to] != immediate,
            JUMP_NOT_EQUAL_REG => jump = registers[to] != registers[from],
            0x16 => jump = registers[to] == immediate,
            EXIT => return registers[0] == 1,
            other => panic!("instruction {other:#x} is not known"),
        }
        at += 1 + if jump { usize::try_from(i.offset).expect("forwards") } else { 0 };
    }
    panic!("the program does not end");
}

fn rule(
    allow: bool,
    kind: &str,
    major: Option<i64>,
    minor: Option<i64>,
    access: &str,
) -> LinuxDeviceCgroup {
    LinuxDeviceCgroup { allow, kind: Some(kind.into()), major, minor, access: Some(access.into()) }
}

fn compile(rules: &[LinuxDeviceCgroup]) -> Program {
    Program::compile(&Rules::from_spec(rules).expect("valid"))
}

const BLOCK: u32 = 1;
const CHAR: u32 = 2;
const M: u32 = 1;
const R: u32 = 2;
const W: u32 = 4;

#[test]
fn deny_by_default() {
    let program = compile(&[
        rule(false, "a", None, None, "rwm"),
        rule(true, "c", None, None, "m"),
        rule(true, "c", Some(1), Some(3), "rwm"),
        rule(true, "c", Some(136), None, "rw"),
        rule(true, "b", Some(8), Some(0), "r"),
    ]);
    for (kind, access, major, minor, expected) in [
        (CHAR, R | W, 1, 3, true),
        (CHAR, R | W | M, 1, 3, true),
        (CHAR, M, 99, 99, true),
        (CHAR, R, 1, 1, false),
        (CHAR, R | W, 136, 7, true),
        (BLOCK, R, 136, 7, false),
        (BLOCK, R, 8, 0, true),
        (BLOCK, R | W, 8, 0, false),
        (BLOCK, R, 8, 1, false),
        (BLOCK, M, 8, 0, false),
    ] {
        assert_eq!(
            allows(&program, kind, access, major, minor),
            expected,
            "{kind} {access} {major}:{minor}"
        );
    }
}

#[test]
fn allow_by_default() {
    let program = compile(&[
        rule(true, "a", None, None, "rwm"),
        rule(false, "b", Some(8), None, "w"),
        rule(false, "c", Some(10), Some(200), "rwm"),
    ]);
    assert!(allows(&program, BLOCK, R, 8, 0));
    assert!(!allows(&program, BLOCK, W, 8, 0));
    // Part of a request denied is the request denied.
    assert!(!allows(&program, BLOCK, R | W, 8, 0));
    assert!(!allows(&program, CHAR, R, 10, 200));
    assert!(allows(&program, CHAR, R | W | M, 10, 201));
}

#[test]
fn nothing_and_everything() {
    assert!(!allows(&compile(&[]), CHAR, R, 1, 3));
    assert!(allows(&compile(&[rule(true, "a", None, None, "")]), CHAR, R, 1, 3));
}

#[test]
fn large_numbers() {
    let program = compile(&[rule(true, "c", Some(4_294_967_295), Some(0), "r")]);
    assert!(allows(&program, CHAR, R, u32::MAX, 0));
    assert!(!allows(&program, CHAR, R, 0, 0));
}
