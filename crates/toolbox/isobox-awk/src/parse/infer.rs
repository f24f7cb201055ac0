//! Which variables are arrays: told by their uses, and by the functions that they are passed to.

use crate::ast::Program;

/// A variable of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Global(usize),
    /// A parameter of a function.
    Local(usize, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Array,
    Scalar,
}

#[derive(Debug, Default)]
pub(crate) struct Facts {
    uses: Vec<(Slot, Use, u32)>,
    /// A variable is an argument: the function, the position, the line.
    passes: Vec<(Slot, usize, usize, u32)>,
}

impl Facts {
    pub(crate) fn note(&mut self, slot: Slot, usage: Use, line: u32) {
        self.uses.push((slot, usage, line));
    }

    pub(crate) fn note_pass(&mut self, slot: Slot, function: usize, position: usize, line: u32) {
        self.passes.push((slot, function, position, line));
    }

    /// How many uses are known, for [`Facts::forget`].
    pub(crate) fn mark(&self) -> usize {
        self.uses.len()
    }

    /// Forgets the uses since a mark: a name on its own may be either.
    pub(crate) fn forget(&mut self, mark: usize) {
        self.uses.truncate(mark);
    }

    /// Marks the arrays of a program. An error is a line and a message.
    pub(crate) fn solve(&self, program: &mut Program) -> Result<(), (u32, String)> {
        for (slot, usage, _) in &self.uses {
            if *usage == Use::Array {
                set(program, *slot);
            }
        }
        let mut changed = true;
        while changed {
            changed = false;
            for &(slot, function, position, line) in &self.passes {
                let callee = &program.functions[function];
                if callee.body.is_none() {
                    continue;
                }
                let Some(&wants) = callee.parameters.get(position) else {
                    return Err((line, format!("Too many arguments to {}", callee.name)));
                };
                if wants != get(program, slot) {
                    set(program, slot);
                    set(program, Slot::Local(function, position));
                    changed = true;
                }
            }
        }
        let conflict =
            self.uses.iter().find(|(slot, usage, _)| *usage == Use::Scalar && get(program, *slot));
        match conflict {
            None => Ok(()),
            Some((Slot::Global(slot), _, line)) => {
                let name = &program.globals[*slot].name;
                Err((*line, format!("{name} is used as an array and as a variable")))
            }
            Some((Slot::Local(function, at), _, line)) => {
                let name = &program.functions[*function].name;
                let message = format!(
                    "parameter {} of function {name} is used as an array and as a variable",
                    at + 1
                );
                Err((*line, message))
            }
        }
    }
}

fn get(program: &Program, slot: Slot) -> bool {
    match slot {
        Slot::Global(slot) => program.globals[slot].is_array,
        Slot::Local(function, at) => program.functions[function].parameters[at],
    }
}

fn set(program: &mut Program, slot: Slot) {
    match slot {
        Slot::Global(slot) => program.globals[slot].is_array = true,
        Slot::Local(function, at) => program.functions[function].parameters[at] = true,
    }
}
