//! The way of a request: the member it goes to, and the token it carries.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use http::HeaderValue;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower_service::Service;

use crate::dial::Dialer;
use crate::error::Error;
use crate::options::Options;

/// A transport for the stubs in [`crate::proto`]: sends to one member until that cannot be
/// reached, then to the next, with the token of the user.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

struct Shared {
    channels: Vec<Channel>,
    current: AtomicUsize,
    token: RwLock<Option<HeaderValue>>,
}

impl Session {
    pub(crate) fn new(options: &Options) -> Result<Self, Error> {
        if options.endpoints.is_empty() {
            return Err(Error::NoEndpoint);
        }
        let channels = options.endpoints.iter().map(|endpoint| channel(endpoint, options));
        let channels = channels.collect::<Result<Vec<_>, _>>()?;
        let shared = Shared { channels, current: AtomicUsize::new(0), token: RwLock::default() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// How many endpoints there are to try.
    pub(crate) fn endpoints(&self) -> usize {
        self.shared.channels.len()
    }

    /// Sends later requests to the next endpoint.
    pub(crate) fn turn(&self) {
        self.shared.current.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set_token(&self, token: Option<HeaderValue>) {
        *self.shared.token.write().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

fn channel(endpoint: &str, options: &Options) -> Result<Channel, Error> {
    let dialer = Dialer::new(endpoint, options.tls.as_ref(), options.connect_timeout)?;
    let invalid = |error: &dyn std::fmt::Display| Error::Endpoint {
        endpoint: endpoint.to_owned(),
        reason: error.to_string(),
    };
    let origin = dialer.origin().parse().map_err(|error| invalid(&error))?;
    // The dialer speaks TLS itself, so the channel is told of a plain destination.
    let mut channel = Endpoint::from_static("http://endpoint").origin(origin).tcp_nodelay(true);
    if let Some(interval) = options.keep_alive_interval {
        channel = channel
            .http2_keep_alive_interval(interval)
            .keep_alive_timeout(options.keep_alive_timeout)
            .keep_alive_while_idle(true);
    }
    Ok(channel.connect_with_connector_lazy(dialer))
}

impl Service<http::Request<Body>> for Session {
    type Response = http::Response<Body>;
    type Error = tonic::transport::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let shared = &self.shared;
        if let Some(token) = &*shared.token.read().unwrap_or_else(PoisonError::into_inner) {
            request.headers_mut().insert("token", token.clone());
        }
        let index = shared.current.load(Ordering::Relaxed) % shared.channels.len();
        let mut channel = shared.channels[index].clone();
        Box::pin(async move {
            poll_fn(|context| channel.poll_ready(context)).await?;
            channel.call(request).await
        })
    }
}
