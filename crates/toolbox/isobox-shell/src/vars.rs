//! Variables: values, attributes, scopes, and the environment made of them.

use std::rc::Rc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use isopod_sys::spawn::Strings;

use crate::names::{self, Name, Names};

/// A variable.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variable {
    /// Its value; a variable may have attributes without being set.
    pub value: Option<Vec<u8>>,
    /// Programs get it.
    pub exported: bool,
    /// It cannot change.
    pub readonly: bool,
    /// Reading it computes it; lost when it is unset.
    dynamic: bool,
    /// The journal that has its former state, see [`Vars::begin_journal`].
    journal: u32,
}

/// A variable that is read only was to change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReadOnly(pub Name);

/// All variables.
#[derive(Debug)]
pub(crate) struct Vars {
    slots: Vec<Variable>,
    /// For each running function, what its local variables were outside.
    scopes: Vec<Vec<(Name, Variable)>>,
    journals: Vec<Journal>,
    journal_count: u32,
    environment: Option<Strings>,
    random: u32,
    started: Instant,
    /// The line of the command that runs.
    pub line: u32,
    /// The running function's name.
    pub function: Option<Name>,
    /// The separators, kept ready.
    ifs: Option<Vec<u8>>,
    /// Every assignment exports (`set -a`).
    pub export_all: bool,
}

#[derive(Debug)]
struct Journal {
    number: u32,
    entries: Vec<(Name, Variable)>,
    random: u32,
}

const DYNAMIC: &[Name] = &[
    names::LINENO,
    names::RANDOM,
    names::SECONDS,
    names::EPOCHSECONDS,
    names::EPOCHREALTIME,
    names::FUNCNAME,
];

impl Vars {
    /// No variables but the computed ones.
    #[must_use]
    pub(crate) fn new() -> Self {
        let mut vars = Self {
            slots: Vec::new(),
            scopes: Vec::new(),
            journals: Vec::new(),
            journal_count: 0,
            environment: None,
            random: 0,
            started: Instant::now(),
            line: 0,
            function: None,
            ifs: None,
            export_all: false,
        };
        for &name in DYNAMIC {
            vars.slot(name).dynamic = true;
        }
        vars
    }

    #[inline]
    fn slot(&mut self, name: Name) -> &mut Variable {
        if name.index() >= self.slots.len() {
            self.slots.resize_with(name.index() + 16, Variable::default);
        }
        &mut self.slots[name.index()]
    }

    /// What is known of a variable.
    #[inline]
    #[must_use]
    pub(crate) fn get(&self, name: Name) -> Option<&Variable> {
        self.slots.get(name.index())
    }

    /// A variable's value, if it is set.
    #[inline]
    pub(crate) fn value(&mut self, name: Name) -> Option<&[u8]> {
        if self.slots.get(name.index()).is_some_and(|slot| slot.dynamic) {
            self.compute(name);
        }
        self.slots.get(name.index()).and_then(|slot| slot.value.as_deref())
    }

    /// Gives a computed variable its present value.
    fn compute(&mut self, name: Name) {
        let since_epoch = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let value = match name {
            names::LINENO => self.line.to_string(),
            names::RANDOM => self.next_random().to_string(),
            names::SECONDS => self.started.elapsed().as_secs().to_string(),
            names::EPOCHSECONDS => since_epoch().as_secs().to_string(),
            names::EPOCHREALTIME => {
                let now = since_epoch();
                format!("{}.{:06}", now.as_secs(), now.subsec_micros())
            }
            // Kept up to date by the shell.
            _ => return,
        };
        self.slot(name).value = Some(value.into_bytes());
    }

    fn next_random(&mut self) -> u32 {
        if self.random == 0 {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.random = (now.subsec_nanos() ^ std::process::id().wrapping_mul(0x9e37_79b9)) | 1;
        }
        // xorshift32
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random & 0x7fff
    }

    /// Remembers a variable's state where somebody will want it back, and forgets what was made
    /// of it. Before every change.
    #[inline]
    fn touch(&mut self, name: Name) {
        if self.slot(name).exported {
            self.environment = None;
        }
        if name == names::IFS {
            self.ifs = None;
        }
        if let Some(journal) = self.journals.last_mut() {
            let slot = &mut self.slots[name.index()];
            if slot.journal != journal.number {
                journal.entries.push((name, slot.clone()));
                slot.journal = journal.number;
            }
        }
    }

    /// Sets a variable.
    #[inline]
    pub(crate) fn set(&mut self, name: Name, value: &[u8]) -> Result<(), ReadOnly> {
        self.touch(name);
        let export = self.export_all;
        let slot = &mut self.slots[name.index()];
        if slot.readonly {
            return Err(ReadOnly(name));
        }
        match &mut slot.value {
            Some(old) => {
                old.clear();
                old.extend_from_slice(value);
            }
            none => *none = Some(value.to_vec()),
        }
        if export {
            slot.exported = true;
            self.environment = None;
        }
        if name == names::RANDOM {
            self.random =
                std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(1) | 1;
        }
        Ok(())
    }

    /// Appends to a variable.
    pub(crate) fn append(&mut self, name: Name, value: &[u8]) -> Result<(), ReadOnly> {
        let mut whole = self.value(name).unwrap_or_default().to_vec();
        whole.extend_from_slice(value);
        self.set(name, &whole)
    }

    /// Sets a variable to a number.
    #[inline]
    pub(crate) fn set_number(&mut self, name: Name, value: i64) -> Result<(), ReadOnly> {
        let mut buffer = [0; 20];
        self.set(name, decimal(value, &mut buffer))
    }

    /// Unsets a variable with its attributes.
    pub(crate) fn unset(&mut self, name: Name) -> Result<(), ReadOnly> {
        self.touch(name);
        let slot = &mut self.slots[name.index()];
        if slot.readonly {
            return Err(ReadOnly(name));
        }
        let journal = slot.journal;
        *slot = Variable { journal, ..Variable::default() };
        Ok(())
    }

    /// Takes a variable's value away, and leaves its attributes.
    pub(crate) fn unset_value(&mut self, name: Name) -> Result<(), ReadOnly> {
        self.touch(name);
        let slot = &mut self.slots[name.index()];
        if slot.readonly {
            return Err(ReadOnly(name));
        }
        slot.value = None;
        Ok(())
    }

    /// Sets or takes away attributes.
    pub(crate) fn mark(&mut self, name: Name, exported: Option<bool>, readonly: bool) {
        self.touch(name);
        self.environment = None;
        let slot = &mut self.slots[name.index()];
        slot.exported = exported.unwrap_or(slot.exported);
        slot.readonly |= readonly;
    }

    /// Puts a variable into a state it had.
    pub(crate) fn restore(&mut self, name: Name, mut state: Variable) {
        self.touch(name);
        let slot = &mut self.slots[name.index()];
        state.journal = slot.journal;
        if state.exported {
            self.environment = None;
        }
        *slot = state;
    }

    /// A variable's present state.
    pub(crate) fn state(&mut self, name: Name) -> Variable {
        self.slot(name).clone()
    }

    /// Names of all variables that are set or have attributes.
    pub(crate) fn names(&self) -> impl Iterator<Item = Name> + '_ {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            (slot.value.is_some() || slot.exported || slot.readonly)
                .then_some(Name(u32::try_from(index).unwrap_or(u32::MAX)))
        })
    }

    /// Begins the scope of a function.
    pub(crate) fn enter(&mut self) {
        self.scopes.push(Vec::new());
    }

    /// Ends the scope of a function: its local variables get their outer values back.
    pub(crate) fn leave(&mut self) {
        for (name, state) in self.scopes.pop().unwrap_or_default().into_iter().rev() {
            self.restore(name, state);
        }
    }

    /// Makes a variable local to the running function; false if it was already, or none runs.
    pub(crate) fn make_local(&mut self, name: Name) -> bool {
        let state = self.state(name);
        let Some(scope) = self.scopes.last_mut() else { return false };
        if scope.iter().any(|(known, _)| *known == name) {
            return false;
        }
        scope.push((name, state));
        true
    }

    /// Whether a function runs.
    #[must_use]
    pub(crate) fn in_function(&self) -> bool {
        !self.scopes.is_empty()
    }

    /// From now on all changes can be undone, for a subshell that runs in the same process.
    pub(crate) fn begin_journal(&mut self) {
        self.journal_count += 1;
        let number = self.journal_count;
        self.journals.push(Journal { number, entries: Vec::new(), random: self.random });
    }

    /// Undoes all changes since [`Vars::begin_journal`]; returns whether `PATH` was among them.
    pub(crate) fn end_journal(&mut self) -> bool {
        let Some(journal) = self.journals.pop() else { return false };
        self.random = journal.random;
        let path = journal.entries.iter().any(|(name, _)| *name == names::PATH);
        for (name, state) in journal.entries.into_iter().rev() {
            let slot = &mut self.slots[name.index()];
            if slot.exported || state.exported {
                self.environment = None;
            }
            if name == names::IFS {
                self.ifs = None;
            }
            *slot = state;
        }
        path
    }

    /// The separators of fields.
    #[inline]
    pub(crate) fn ifs(&mut self) -> &[u8] {
        if self.ifs.is_none() {
            let value = self.slots.get(names::IFS.index()).and_then(|slot| slot.value.clone());
            self.ifs = Some(value.unwrap_or_else(|| b" \t\n".to_vec()));
        }
        self.ifs.as_deref().unwrap_or_default()
    }

    /// The environment for programs, made anew only after a change.
    pub(crate) fn environment(&mut self, names: &Names) -> &Strings {
        if self.environment.is_none() {
            let mut strings = Strings::new();
            for (index, slot) in self.slots.iter().enumerate() {
                if let (true, Some(value)) = (slot.exported, &slot.value) {
                    let name = names.text(Name(u32::try_from(index).unwrap_or(u32::MAX)));
                    strings.push(&[name, b"=", value]);
                }
            }
            strings.seal();
            self.environment = Some(strings);
        }
        self.environment.as_ref().expect("made above")
    }
}

impl Default for Vars {
    fn default() -> Self {
        Self::new()
    }
}

/// A number's digits.
#[inline]
pub(crate) fn decimal(value: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut at = buffer.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    &buffer[at..]
}

/// The positional parameters, shared until they change.
pub(crate) type Positional = Rc<Vec<Vec<u8>>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_undoes_what_happened_since() {
        let mut names = Names::default();
        let (a, b) = (names.intern(b"a"), names.intern(b"b"));
        let mut vars = Vars::new();
        vars.set(a, b"1").unwrap();
        vars.begin_journal();
        vars.set(a, b"2").unwrap();
        vars.begin_journal();
        vars.set(a, b"3").unwrap();
        vars.set(b, b"x").unwrap();
        vars.mark(b, Some(true), true);
        vars.end_journal();
        assert_eq!(vars.value(a), Some(&b"2"[..]));
        assert_eq!(vars.value(b), None);
        vars.end_journal();
        assert_eq!(vars.value(a), Some(&b"1"[..]));
        vars.set(b, b"again").unwrap();
    }

    #[test]
    fn local_variables_end_with_their_scope() {
        let mut names = Names::default();
        let a = names.intern(b"a");
        let mut vars = Vars::new();
        assert!(!vars.make_local(a));
        vars.set(a, b"outer").unwrap();
        vars.enter();
        assert!(vars.make_local(a));
        vars.set(a, b"inner").unwrap();
        vars.leave();
        assert_eq!(vars.value(a), Some(&b"outer"[..]));
        assert_eq!(decimal(i64::MIN, &mut [0; 20]), b"-9223372036854775808");
    }
}
