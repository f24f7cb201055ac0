//! What a case needs of the server and the client.

use anyhow::{Context, Result, bail};

/// A version as far as cases care: major and minor number.
pub(crate) type Version = (u32, u32);

/// Reads the beginning of a version such as `3.5.1`.
pub(crate) fn version(text: &str) -> Result<Version> {
    let mut numbers = text.trim().split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok((major, minor)),
        _ => bail!("{text:?} is no version"),
    }
}

/// What there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Provided {
    pub(crate) server: Version,
    /// Unless the machine has none.
    pub(crate) etcdctl: Option<Version>,
    pub(crate) etcdutl: bool,
}

impl Provided {
    /// Why a need is not met, if so.
    pub(crate) fn unmet(&self, need: &str) -> Result<Option<String>> {
        if need == "etcdutl" {
            return Ok((!self.etcdutl).then(|| "etcdutl is not installed".into()));
        }
        let at = need.find(['<', '>']).with_context(|| format!("no such need: {need:?}"))?;
        let (subject, relation) = need.split_at(at);
        let there = match subject {
            "server" => Some(self.server),
            "etcdctl" => self.etcdctl,
            _ => bail!("no such need: {need:?}"),
        };
        let Some(there) = there else { return Ok(Some(format!("{subject} is not installed"))) };
        let met = match (relation.strip_prefix(">="), relation.strip_prefix('<')) {
            (Some(least), _) => there >= version(least)?,
            (None, Some(limit)) => there < version(limit)?,
            (None, None) => bail!("no such need: {need:?}"),
        };
        let shown = format!("{}.{}", there.0, there.1);
        Ok((!met).then(|| format!("needs {need}, this one is {shown}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared() {
        let provided = Provided { server: (3, 4), etcdctl: Some((3, 10)), etcdutl: false };
        let met = |need| provided.unmet(need).map(|reason| reason.is_none()).ok();
        assert_eq!(met("server>=3.4"), Some(true));
        assert_eq!(met("server>=3.5"), Some(false));
        assert_eq!(met("server<3.5"), Some(true));
        assert_eq!(met("etcdctl>=3.5"), Some(true));
        assert_eq!(met("etcdutl"), Some(false));
        assert_eq!(met("server=3.5"), None);
        assert_eq!(met("moon>=3.5"), None);
    }
}
