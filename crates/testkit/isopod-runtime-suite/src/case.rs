//! What a case is.

use anyhow::Result;

use crate::bed::Bed;
use crate::config::Config;
use crate::machine;

/// A change of the base configuration.
pub(crate) type Edit = fn(&mut Config);

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Area and subject, such as `process/cwd`.
    pub name: &'static str,
    pub(crate) needs: &'static [Need],
    pub(crate) check: Check,
}

/// What a case needs of the machine; without it the case is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A controller mounted as a v1 hierarchy.
    V1(&'static str),
    /// A controller of a pure v2 tree.
    V2(&'static str),
    /// A kind of namespace, by its name under `/proc/self/ns`.
    Namespace(&'static str),
    /// A file that exists, and why.
    File(&'static str, &'static str),
    /// A file that does not exist, and why.
    NoFile(&'static str, &'static str),
    /// A program on the machine.
    Program(&'static str),
    /// A kernel of at least this version.
    Kernel(u32, u32),
    /// File systems that support id-mapped mounts under the temporary directory.
    IdmappedMounts,
    /// A capability of this process itself.
    Capability(&'static str, u8),
}

impl Need {
    /// Why the need is not met here, if so.
    pub fn unmet(self) -> Option<String> {
        machine::unmet(self)
    }
}

/// How a case is carried out.
#[derive(Debug, Clone)]
pub(crate) enum Check {
    /// Run a shell script inside and look at how it went.
    Inside { edit: Edit, script: &'static str, expect: Expect },
    /// The runtime has to refuse the configuration, with one of these words, and leave nothing.
    Refused { edit: Edit, words: &'static [&'static str] },
    /// Anything else.
    Bed(fn(&Bed) -> Result<()>),
}

/// What a script has to show.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expect {
    /// Exactly this on its standard output, apart from space at both ends; status 0.
    Out(&'static str),
    /// All of these somewhere in its output; status 0.
    Has(&'static [&'static str]),
    /// This exit status.
    Status(i32),
}

impl Case {
    /// A script that runs inside a container with an edited configuration.
    pub(crate) fn inside(
        name: &'static str,
        edit: Edit,
        script: &'static str,
        expect: Expect,
    ) -> Self {
        Self { name, needs: &[], check: Check::Inside { edit, script, expect } }
    }

    /// A configuration that has to be refused. The words are alternatives and case does not count.
    pub(crate) fn refused(name: &'static str, edit: Edit, words: &'static [&'static str]) -> Self {
        Self { name, needs: &[], check: Check::Refused { edit, words } }
    }

    /// A case with code of its own.
    pub(crate) fn bed(name: &'static str, check: fn(&Bed) -> Result<()>) -> Self {
        Self { name, needs: &[], check: Check::Bed(check) }
    }

    /// Says what the case needs.
    pub(crate) fn needs(mut self, needs: &'static [Need]) -> Self {
        self.needs = needs;
        self
    }
}
