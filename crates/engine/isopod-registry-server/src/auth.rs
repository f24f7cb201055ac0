//! Who may do what: users of an htpasswd file, by basic authentication or by tokens.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, header};
use isopod_base::Digest;
use isopod_base::id::random_bytes;

use crate::error::{ApiError, Code, ServeError};
use crate::path::Resource;
use crate::scope::{Action, Scope};
use crate::settings::{AuthKind, Settings};

/// What tokens are made out for.
pub(crate) const SERVICE: &str = "isopod-registry";
/// How long a token is good.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(300);
const MAX_TOKENS: usize = 16_384;
const MAX_USERS: usize = 65_536;
/// Passwords that were right are remembered by their hash, since bcrypt is slow on purpose.
const MAX_REMEMBERED: usize = 1024;
const REMEMBER: Duration = Duration::from_secs(60);

/// Access to a registry.
#[derive(Debug)]
pub(crate) struct Access {
    users: Option<HashMap<String, String>>,
    kind: AuthKind,
    anonymous_pull: bool,
    tokens: Mutex<HashMap<String, Token>>,
    remembered: Mutex<HashMap<Digest, Instant>>,
    salt: [u8; 32],
}

#[derive(Debug)]
struct Token {
    ends: Instant,
    scopes: Vec<Scope>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// Nobody in particular.
    Anonymous,
    /// A user who showed the password.
    User(String),
}

impl Access {
    pub(crate) fn new(settings: &Settings) -> Result<Self, ServeError> {
        let users = settings.htpasswd.as_deref().map(read_users).transpose()?;
        Ok(Self {
            users,
            kind: settings.auth,
            anonymous_pull: settings.anonymous_pull,
            tokens: Mutex::default(),
            remembered: Mutex::default(),
            salt: random_bytes(),
        })
    }

    /// Lets a request pass, or says what it lacks.
    pub(crate) async fn check(
        &self,
        headers: &HeaderMap,
        resource: &Resource,
        needs: &[Scope],
        base: &str,
    ) -> Result<(), ApiError> {
        if self.users.is_none() {
            return Ok(());
        }
        let pulls = needs.iter().all(|scope| scope.actions == [Action::Pull]);
        // `/v2/` is where clients learn that they need credentials.
        let open = self.anonymous_pull && pulls && *resource != Resource::Base;
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match (self.kind, given) {
            (_, None) if open => Ok(()),
            (_, None) => Err(self.challenge("authentication required", needs, base)),
            (AuthKind::Basic, Some(_)) => match self.user(headers).await? {
                Who::User(_) => Ok(()),
                Who::Anonymous => Err(self.challenge("expected basic credentials", needs, base)),
            },
            (AuthKind::Token, Some(given)) => {
                let token = strip(given, "bearer")
                    .ok_or_else(|| self.challenge("expected a bearer token", needs, base))?;
                self.check_token(token, needs)
                    .map_err(|message| self.challenge(message, needs, base))
            }
        }
    }

    /// The user of a request's basic credentials. Wrong ones are an error.
    pub(crate) async fn user(&self, headers: &HeaderMap) -> Result<Who, ApiError> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(encoded) = given.and_then(|given| strip(given, "basic")) else {
            return Ok(Who::Anonymous);
        };
        let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
        match pair {
            Some((name, password)) if self.verify(name, password).await => {
                Ok(Who::User(name.to_owned()))
            }
            _ => Err(self.challenge("wrong user or password", &[], "")),
        }
    }

    /// Whether the password is the user's.
    pub(crate) async fn verify(&self, name: &str, password: &str) -> bool {
        let Some(users) = &self.users else { return false };
        let mut seen = self.salt.to_vec();
        seen.extend_from_slice(name.as_bytes());
        seen.push(0);
        seen.extend_from_slice(password.as_bytes());
        let seen = Digest::sha256(&seen);
        let known = lock(&self.remembered).get(&seen).is_some_and(|at| at.elapsed() < REMEMBER);
        if known {
            return true;
        }
        // For an unknown user the same work is done, so that the time tells nothing.
        const NOBODY: &str = "$2b$10$CwTycUXWue0Thq9StjUM0uJ8.l2nA7v0F3Cq3F1QJ0Z6E4Cj8b2aW";
        let hash = users.get(name).map_or(NOBODY, String::as_str).to_owned();
        let exists = users.contains_key(name);
        let password = password.to_owned();
        let right =
            tokio::task::spawn_blocking(move || bcrypt::verify(password, &hash).unwrap_or(false))
                .await
                .unwrap_or(false);
        if right && exists {
            let mut remembered = lock(&self.remembered);
            if remembered.len() >= MAX_REMEMBERED {
                remembered.clear();
            }
            remembered.insert(seen, Instant::now());
        }
        right && exists
    }

    /// Makes a token for what `who` may do of what is wanted.
    pub(crate) fn grant(&self, who: &Who, wanted: Vec<Scope>) -> String {
        let mut scopes = wanted;
        if *who == Who::Anonymous {
            for scope in &mut scopes {
                let pull = self.anonymous_pull;
                scope.actions.retain(|action| pull && *action == Action::Pull);
            }
        }
        scopes.retain(|scope| !scope.actions.is_empty());
        let text = URL_SAFE_NO_PAD.encode(random_bytes::<32>());
        let mut tokens = lock(&self.tokens);
        if tokens.len() >= MAX_TOKENS {
            let now = Instant::now();
            tokens.retain(|_, token| token.ends > now);
            if tokens.len() >= MAX_TOKENS {
                tokens.clear();
            }
        }
        tokens.insert(text.clone(), Token { ends: Instant::now() + TOKEN_LIFE, scopes });
        text
    }

    /// Whether tokens are given here.
    pub(crate) fn gives_tokens(&self) -> bool {
        self.users.is_some() && self.kind == AuthKind::Token
    }

    /// Whether somebody without credentials may get a token.
    pub(crate) fn anonymous(&self) -> bool {
        self.anonymous_pull
    }

    fn check_token(&self, token: &str, needs: &[Scope]) -> Result<(), &'static str> {
        let tokens = lock(&self.tokens);
        let Some(known) = tokens.get(token).filter(|token| token.ends > Instant::now()) else {
            return Err("the token is unknown or has run out");
        };
        let allowed = needs.iter().all(|need| known.scopes.iter().any(|has| has.covers(need)));
        if allowed { Ok(()) } else { Err("the token does not allow this") }
    }

    /// `401`, with how to do better.
    pub(crate) fn challenge(&self, message: &str, needs: &[Scope], base: &str) -> ApiError {
        let value = match self.kind {
            AuthKind::Basic => format!("Basic realm=\"{SERVICE}\""),
            AuthKind::Token if base.is_empty() => format!("Basic realm=\"{SERVICE}\""),
            AuthKind::Token => {
                let mut value = format!("Bearer realm=\"{base}/v2/_token\",service=\"{SERVICE}\"");
                if !needs.is_empty() {
                    let scopes: Vec<String> = needs.iter().map(Scope::to_string).collect();
                    value += &format!(",scope=\"{}\"", scopes.join(" "));
                }
                value
            }
        };
        ApiError::new(Code::Unauthorized, message).header(header::WWW_AUTHENTICATE, &value)
    }
}

/// What a request needs.
pub(crate) fn needs(method: &Method, resource: &Resource, from: Option<&str>) -> Vec<Scope> {
    let mut needs = match resource {
        Resource::Base | Resource::Token => Vec::new(),
        Resource::Catalog => vec![Scope::catalog()],
        _ => {
            let name = resource.repository().unwrap_or_default();
            let actions = match *method {
                Method::GET | Method::HEAD if !matches!(resource, Resource::Upload(..)) => {
                    vec![Action::Pull]
                }
                // Giving up an upload is a pusher's business.
                Method::DELETE if !matches!(resource, Resource::Upload(..)) => {
                    vec![Action::Delete]
                }
                _ => vec![Action::Pull, Action::Push],
            };
            vec![Scope::repository(name, actions)]
        }
    };
    needs.extend(from.map(|from| Scope::repository(from, vec![Action::Pull])));
    needs
}

fn strip<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (given, rest) = value.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads `name:$2y$…` lines.
fn read_users(path: &Path) -> Result<HashMap<String, String>, ServeError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ServeError::File { path: path.to_owned(), source })?;
    let refuse = |line: usize, reason: &str| ServeError::Contents {
        path: path.to_owned(),
        reason: format!("line {line}: {reason}"),
    };
    let mut users = HashMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, hash) = line
            .split_once(':')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| refuse(index + 1, "expected USER:HASH"))?;
        let bcrypt = ["$2y$", "$2b$", "$2a$", "$2x$"].iter().any(|kind| hash.starts_with(kind));
        if !bcrypt || hash.len() != 60 {
            return Err(refuse(
                index + 1,
                &format!("user {name}: expected a bcrypt hash, as `htpasswd -B` makes it"),
            ));
        }
        if users.len() >= MAX_USERS {
            return Err(refuse(index + 1, &format!("more than {MAX_USERS} users")));
        }
        users.insert(name.to_owned(), hash.to_owned());
    }
    Ok(users)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read_or_refused() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("htpasswd");
        let read = |text: &str| {
            std::fs::write(&path, text).expect("writable");
            read_users(&path).map(|users| users.len()).map_err(|error| error.to_string())
        };
        let hash = "$2b$04$0MapDfwWyedwSQvD0uRlw.jCQ9VJsN5UrDxvf1y7JdZnPDa3wPG96";
        assert_eq!(read(&format!("# users\n\namelie:{hash}\nbo:{hash}\n")), Ok(2));
        for (text, words) in [
            ("amelie", "line 1: expected USER:HASH"),
            (":x", "line 1: expected USER:HASH"),
            ("\nbo:$apr1$x$y\n", "line 2: user bo: expected a bcrypt hash"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(words), "{error}");
        }
    }

    #[tokio::test]
    async fn passwords() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("htpasswd");
        let line = "amelie:$2b$04$0MapDfwWyedwSQvD0uRlw.jCQ9VJsN5UrDxvf1y7JdZnPDa3wPG96\n";
        std::fs::write(&path, line).expect("writable");
        let settings = Settings { htpasswd: Some(path), ..Settings::default() };
        let access = Access::new(&settings).expect("valid");
        for (name, password, right) in [
            ("amelie", "hunter2", true),
            ("amelie", "hunter2", true),
            ("amelie", "hunter3", false),
            ("nobody", "hunter2", false),
            ("", "", false),
        ] {
            assert_eq!(access.verify(name, password).await, right, "{name} {password}");
        }
    }
}
