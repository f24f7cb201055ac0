//! When old revisions are forgotten without being asked.

use std::time::Duration;

use super::duration;

/// By what the age of a revision is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// By time.
    Periodic,
    /// By number.
    Revision,
}

impl Mode {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "periodic" => Ok(Self::Periodic),
            "revision" => Ok(Self::Revision),
            _ => Err("expected periodic or revision".to_owned()),
        }
    }
}

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AutoCompaction {
    /// What was current at most so long ago.
    Periodic(Duration),
    /// So many revisions.
    Revisions(i64),
}

impl AutoCompaction {
    /// 0 is never. A bare number of a period is in hours.
    pub(super) fn parse(mode: Mode, retention: &str) -> Result<Option<Self>, String> {
        let number = retention.parse::<u32>().ok();
        match (mode, number) {
            (_, Some(0)) => Ok(None),
            (Mode::Revision, Some(number)) => Ok(Some(Self::Revisions(number.into()))),
            (Mode::Revision, None) => Err("expected a number of revisions".to_owned()),
            (Mode::Periodic, Some(hours)) => {
                Ok(Some(Self::Periodic(Duration::from_secs(u64::from(hours) * 3600))))
            }
            (Mode::Periodic, None) => match duration::parse(retention)? {
                Duration::ZERO => Ok(None),
                period => Ok(Some(Self::Periodic(period))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let periodic = |text| AutoCompaction::parse(Mode::Periodic, text);
        let hours =
            |hours: u64| Ok(Some(AutoCompaction::Periodic(Duration::from_secs(hours * 3600))));
        assert_eq!(periodic("0"), Ok(None));
        assert_eq!(periodic("2"), hours(2));
        assert_eq!(periodic("72h"), hours(72));
        assert!(periodic("x").is_err());
        let revision = |text| AutoCompaction::parse(Mode::Revision, text);
        assert_eq!(revision("1000"), Ok(Some(AutoCompaction::Revisions(1000))));
        assert!(revision("5m").is_err());
    }
}
