//! From a request to its handler.

use crate::call::{Call, Reply};
use crate::error::{ApiError, ApiResult};
use crate::extension::Extension;
use crate::gate::{self, Gates, Pass};
use crate::query::{Query, decode};
use crate::server::Doors;
use crate::{router, version};
use http::{Method, StatusCode};
use hyper::body::Incoming;
use isopod_engine::Engine;
use std::sync::Arc;

/// The API over an engine.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) engine: Arc<Engine>,
    pub(crate) extensions: &'static [Extension],
    pub(crate) doors: Doors,
    pub(crate) gates: Gates,
}

impl Api {
    pub(crate) fn new(engine: Arc<Engine>, extensions: &'static [Extension]) -> Self {
        Self { engine, extensions, doors: Doors::default(), gates: Gates::default() }
    }

    /// Handles a request, which came through a limited socket if there is a pass. Failures are
    /// answers too.
    pub(crate) async fn handle(
        self: Arc<Self>,
        request: http::Request<Incoming>,
        pass: Option<Arc<Pass>>,
    ) -> Reply {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let reply = self.answer(request, pass.clone()).await;
        if let Some(pass) = pass {
            pass.record(&method, &path, reply.status());
        }
        reply
    }

    async fn answer(
        self: Arc<Self>,
        request: http::Request<Incoming>,
        pass: Option<Arc<Pass>>,
    ) -> Reply {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        match self.dispatch(request, pass).await {
            Ok(reply) => reply,
            Err(error) => {
                if error.status.is_server_error() {
                    tracing::error!(%method, path, status = error.status.as_u16(), "{error}");
                } else {
                    tracing::debug!(%method, path, status = error.status.as_u16(), "{error}");
                }
                Reply::Http(error.into_response())
            }
        }
    }

    async fn dispatch(
        self: Arc<Self>,
        request: http::Request<Incoming>,
        pass: Option<Arc<Pass>>,
    ) -> ApiResult<Reply> {
        let (head, body) = request.into_parts();
        let path = decode(head.uri.path(), false)?;
        let (version, path) = version::split_path(&path)?;
        let (handler, rule, name) = router::find(&head.method, path)
            .ok_or_else(|| ApiError::not_found("page not found"))?;
        tracing::debug!(method = %head.method, path, "request");
        let mut call = Call {
            api: self,
            version,
            name: name.to_owned(),
            query: Query::parse(head.uri.query().unwrap_or_default())?,
            headers: head.headers,
            body,
            pass,
        };
        if let Err(refusal) = gate::admit(rule, &mut call).await {
            call.discard_body().await;
            return Err(refusal);
        }
        if matches!(head.method, Method::GET | Method::HEAD) {
            return handler(call).await;
        }
        // What changes something runs to its end even if the client leaves meanwhile.
        match tokio::spawn(handler(call)).await {
            Ok(result) => result,
            Err(_panicked) => Err(ApiError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the engine failed to handle this request; its log tells more",
            )),
        }
    }
}
