//! Scopes of tokens: `repository:library/debian:pull,push`. Pure.

use std::fmt;

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Read.
    Pull,
    /// Write.
    Push,
    /// Remove.
    Delete,
    /// Everything.
    All,
}

/// What may be done to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    kind: String,
    name: String,
    pub(crate) actions: Vec<Action>,
}

impl Scope {
    pub(crate) fn repository(name: &str, actions: Vec<Action>) -> Self {
        Self { kind: "repository".to_owned(), name: name.to_owned(), actions }
    }

    pub(crate) fn catalog() -> Self {
        Self { kind: "registry".to_owned(), name: "catalog".to_owned(), actions: vec![Action::All] }
    }

    /// Reads scopes, separated by spaces. What is not understood is left out.
    pub(crate) fn parse_all(text: &str) -> Vec<Self> {
        text.split_ascii_whitespace().take(64).filter_map(Self::parse).collect()
    }

    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        // A name may have a port within.
        let (name, actions) = rest.rsplit_once(':')?;
        let actions = actions
            .split(',')
            .filter_map(|action| {
                Some(match action {
                    "pull" => Action::Pull,
                    "push" => Action::Push,
                    "delete" => Action::Delete,
                    "*" => Action::All,
                    _ => return None,
                })
            })
            .collect();
        Some(Self { kind: kind.to_owned(), name: name.to_owned(), actions })
    }

    /// Whether this allows all that `need` asks for. Who may push may pull.
    pub(crate) fn covers(&self, need: &Self) -> bool {
        self.kind == need.kind
            && self.name == need.name
            && need.actions.iter().all(|action| {
                self.actions.contains(action)
                    || self.actions.contains(&Action::All)
                    || (*action == Action::Pull && self.actions.contains(&Action::Push))
            })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions: Vec<&str> = self
            .actions
            .iter()
            .map(|action| match action {
                Action::Pull => "pull",
                Action::Push => "push",
                Action::Delete => "delete",
                Action::All => "*",
            })
            .collect();
        write!(f, "{}:{}:{}", self.kind, self.name, actions.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes() {
        let scopes = Scope::parse_all("repository:a/b:pull,push registry:catalog:* x repository:c");
        let shown: Vec<String> = scopes.iter().map(Scope::to_string).collect();
        assert_eq!(shown, ["repository:a/b:pull,push", "registry:catalog:*"]);
        let need = |text| Scope::parse(text).expect("valid");
        assert!(scopes[0].covers(&need("repository:a/b:pull")));
        assert!(!scopes[0].covers(&need("repository:a/b:delete")));
        assert!(!scopes[0].covers(&need("repository:a:pull")));
        assert!(need("repository:a:*").covers(&need("repository:a:delete")));
        assert!(need("repository:a:push").covers(&need("repository:a:pull")));
    }
}
