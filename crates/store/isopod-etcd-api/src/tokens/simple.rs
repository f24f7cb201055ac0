//! Random words that a member remembers: valid on that member, for some time after each use.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use isopod_mvcc::{Auth, PasswordHash};

/// Characters of a token before its index, as etcd has them.
const LENGTH: usize = 16;
/// Tokens at once; when there are more, the one longest unused goes.
const MAX_TOKENS: usize = 100_000;

/// The tokens that were given out.
#[derive(Debug)]
pub(crate) struct SimpleTokens {
    life: Duration,
    known: Mutex<HashMap<String, Token>>,
}

#[derive(Debug)]
struct Token {
    user: String,
    /// The password that was checked: another one makes the token worthless.
    password: PasswordHash,
    expires: Instant,
}

impl SimpleTokens {
    /// Tokens live for `life` after each use.
    pub(crate) fn new(life: Duration) -> Self {
        Self { life, known: Mutex::default() }
    }

    pub(crate) fn issue(&self, user: &str, auth: &Auth) -> String {
        let now = Instant::now();
        let word: String = isopod_base::id::random_bytes::<LENGTH>()
            .iter()
            .map(|byte| {
                let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
                char::from(letters[usize::from(*byte) % letters.len()])
            })
            .collect();
        let text = format!("{word}.{}", auth.revision());
        let password = auth.user(user).map(|it| it.password.clone()).unwrap_or_default();
        let token = Token { user: user.to_owned(), password, expires: now + self.life };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_TOKENS {
            known.retain(|_, token| token.expires > now);
        }
        if known.len() >= MAX_TOKENS {
            let oldest = known.iter().min_by_key(|(_, token)| token.expires);
            let oldest = oldest.map(|(text, _)| text.clone());
            oldest.and_then(|oldest| known.remove(&oldest));
        }
        known.insert(text.clone(), token);
        text
    }

    pub(crate) fn user(&self, text: &str, auth: &Auth) -> Option<String> {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let token = known.get_mut(text)?;
        if token.expires <= now
            || auth.user(&token.user).map(|it| &it.password) != Some(&token.password)
        {
            known.remove(text);
            return None;
        }
        token.expires = now + self.life;
        Some(token.user.clone())
    }
}
