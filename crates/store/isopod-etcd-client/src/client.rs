//! The client: retries, fresh tokens, and how long a call may take.

use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;

use http::HeaderValue;
use tonic::{Code, ConnectError, Status};

use crate::error::Error;
use crate::options::Options;
use crate::proto::etcdserverpb::AuthenticateRequest;
use crate::proto::etcdserverpb::auth_client::AuthClient;
use crate::session::Session;

/// Whether a call may be repeated when nobody knows if it was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It changes nothing.
    Safe,
    /// Only when it was never sent.
    Unsent,
}

/// A client of a cluster. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    session: Session,
    options: Arc<Options>,
}

impl Client {
    /// Makes a client, and logs in if the options name a user; otherwise the first call connects.
    pub async fn connect(options: Options) -> Result<Self, Error> {
        let client = Self { session: Session::new(&options)?, options: Arc::new(options) };
        client.log_in().await?;
        Ok(client)
    }

    /// The transport for the stubs in [`crate::proto`], for calls that should not be repeated.
    pub fn session(&self) -> Session {
        self.session.clone()
    }

    /// Gets a token for the user. A cluster without authentication needs none.
    async fn log_in(&self) -> Result<(), Error> {
        let Some((name, password)) = &self.options.user else { return Ok(()) };
        self.session.set_token(None);
        let request = AuthenticateRequest { name: name.clone(), password: password.clone() };
        let answer = self
            .attempts(Repeat::Safe, |session| {
                let request = request.clone();
                async move { AuthClient::new(session).authenticate(request).await }
            })
            .await;
        let token = match answer {
            Ok(answer) => answer.into_inner().token,
            Err(status) if status.message().contains("authentication is not enabled") => {
                return Ok(());
            }
            Err(status) => return Err(status.into()),
        };
        let token = HeaderValue::try_from(token)
            .map_err(|_| Status::internal("the server's token cannot stand in a header"))?;
        self.session.set_token(Some(token));
        Ok(())
    }

    /// Makes a call, and makes it again where that is safe: at the next endpoint when one cannot
    /// be reached, with a fresh token when the old one has expired.
    pub(crate) async fn call<T, F>(
        &self,
        repeat: Repeat,
        send: impl Fn(Session) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<tonic::Response<T>, Status>>,
    {
        let first = self.attempts(repeat, &send).await;
        let answer = match first {
            Err(status) if self.options.user.is_some() && is_stale_token(&status) => {
                self.log_in().await?;
                self.attempts(repeat, &send).await
            }
            other => other,
        };
        Ok(answer?.into_inner())
    }

    async fn attempts<T, F>(
        &self,
        repeat: Repeat,
        send: impl Fn(Session) -> F,
    ) -> Result<tonic::Response<T>, Status>
    where
        F: Future<Output = Result<tonic::Response<T>, Status>>,
    {
        let mut left = self.session.endpoints();
        loop {
            left -= 1;
            let status = match self.bounded(send(self.session.clone())).await {
                Ok(response) => return Ok(response),
                Err(status) => status,
            };
            let unsent = is_unsent(&status);
            if unsent || status.code() == Code::Unavailable {
                self.session.turn();
            }
            let again = unsent || (repeat == Repeat::Safe && status.code() == Code::Unavailable);
            if left == 0 || !again {
                return Err(status);
            }
        }
    }

    async fn bounded<T>(&self, call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        match self.options.call_timeout {
            None => call.await,
            Some(limit) => tokio::time::timeout(limit, call)
                .await
                .unwrap_or_else(|_| Err(Status::deadline_exceeded("context deadline exceeded"))),
        }
    }
}

fn is_stale_token(status: &Status) -> bool {
    status.message().contains("invalid auth token")
        || status.message().contains("revision of auth store is old")
}

/// Whether the request never left, because there was no connection.
fn is_unsent(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}
