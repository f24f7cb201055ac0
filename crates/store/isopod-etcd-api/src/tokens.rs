//! What stands for a user's password after it was checked once.

mod simple;

use isopod_mvcc::Auth;

pub(crate) use simple::SimpleTokens;

/// How tokens are made and recognised.
pub(crate) enum Tokens {
    /// Random words that this member remembers.
    Simple(SimpleTokens),
}

impl Tokens {
    /// A new token for a user whose password is known to be right.
    pub(crate) fn issue(&self, user: &str, auth: &Auth) -> String {
        match self {
            Self::Simple(tokens) => tokens.issue(user, auth),
        }
    }

    /// Whose token it is, if it still counts.
    pub(crate) fn user(&self, token: &str, auth: &Auth) -> Option<String> {
        match self {
            Self::Simple(tokens) => tokens.user(token, auth),
        }
    }
}
