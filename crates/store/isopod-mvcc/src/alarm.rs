//! Alarms: what a member suffers from, known to all.

/// What an alarm says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlarmKind {
    /// The quota of space is used up: writes that need space are refused.
    NoSpace,
    /// A member's data differs from the others': everything is refused.
    Corrupt,
}

/// An alarm of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlarmMember {
    /// What it says.
    pub kind: AlarmKind,
    /// The member.
    pub member: u64,
}

/// A request about alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmRequest {
    /// Raise it; done twice it is raised once.
    Activate(AlarmMember),
    /// Lower it.
    Deactivate(AlarmMember),
}
