//! Accepts connections and speaks HTTP/1.1 on them, until one is hijacked.

use crate::api::Api;
use crate::body::Body;
use crate::call::Reply;
use crate::connection::{Accepted, Connection};
use crate::extension::Extension;
use crate::gate::{self, Gate, Pass, Peer};
use crate::hijack::Hijack;
use crate::listen::Listener;
use http::{HeaderValue, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use isopod_engine::Engine;
use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

/// Connections at once; more wait in the socket's backlog.
const CONNECTIONS: usize = 4096;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long requests may take to finish when the engine is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// Serves the API on all listeners, and on the limited sockets that there are, until `stop` is
/// ready; then lets requests finish.
pub async fn serve(
    engine: Arc<Engine>,
    listeners: Vec<Listener>,
    extensions: &'static [Extension],
    stop: impl Future<Output = ()> + Send,
) {
    let api = Arc::new(Api::new(engine, extensions));
    for listener in listeners {
        api.doors.open(&api, listener, None);
    }
    gate::open_all(&api);
    stop.await;
    if tokio::time::timeout(GRACE, api.doors.close()).await.is_err() {
        tracing::info!("stopping with requests under way");
    }
}

/// Everything that clients connect to.
#[derive(Debug)]
pub(crate) struct Doors {
    places: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
    accepting: Mutex<JoinSet<()>>,
}

impl Default for Doors {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(CONNECTIONS)),
            stopping: watch::Sender::new(false),
            accepting: Mutex::default(),
        }
    }
}

impl Doors {
    /// Lets clients in, past a gate if there is one.
    pub(crate) fn open(&self, api: &Arc<Api>, listener: Listener, gate: Option<Arc<Gate>>) {
        let visitor = Visitor { api: api.clone(), stopped: self.stopping.subscribe(), gate };
        let mut accepting = self.lock();
        while accepting.try_join_next().is_some() {}
        accepting.spawn(accept(listener, visitor, self.places.clone()));
    }

    /// Lets nobody in any more and waits for requests to finish.
    async fn close(&self) {
        let _ = self.stopping.send(true);
        let mut accepting = std::mem::take(&mut *self.lock());
        while accepting.join_next().await.is_some() {}
        let _ = self.places.acquire_many(CONNECTIONS as u32).await;
    }

    fn lock(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.accepting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a connection needs to know.
#[derive(Clone)]
struct Visitor {
    api: Arc<Api>,
    stopped: watch::Receiver<bool>,
    gate: Option<Arc<Gate>>,
}

impl Visitor {
    /// Waits until the gate is shut, for ever if there is none.
    async fn shut_out(gate: Option<Arc<Gate>>) {
        match gate {
            Some(gate) => gate.shut().await,
            None => std::future::pending().await,
        }
    }
}

async fn accept(listener: Listener, visitor: Visitor, places: Arc<Semaphore>) {
    let mut stopped = visitor.stopped.clone();
    let mut shut = pin!(Visitor::shut_out(visitor.gate.clone()));
    loop {
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
            () = &mut shut => return,
        };
        match accepted {
            Ok(stream) => {
                let visitor = visitor.clone();
                tokio::spawn(async move {
                    connect(stream, visitor).await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file descriptors, mostly: give the others time to close some.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connect(accepted: Accepted, visitor: Visitor) {
    let shut = Visitor::shut_out(visitor.gate.clone());
    let served = async {
        match accepted.establish().await {
            Ok(stream) => connection(stream, visitor).await,
            Err(error) => tracing::debug!(%error, "no connection"),
        }
    };
    tokio::select! {
        () = served => {}
        // Hijacked streams end as well: the permission is withdrawn.
        () = shut => {}
    }
}

async fn connection(stream: Connection, visitor: Visitor) {
    let Visitor { api, mut stopped, gate } = visitor;
    let peer = gate.is_some().then(|| Peer::of(&stream));
    let (hijacker, mut hijacked) = mpsc::channel::<Hijack>(1);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (api, hijacker) = (api.clone(), hijacker.clone());
        let pass = gate.clone().zip(peer).map(|(gate, peer)| Arc::new(Pass::new(gate, peer)));
        async move {
            match api.handle(request, pass).await {
                Reply::Http(response) => Ok::<_, Infallible>(signed(response)),
                Reply::Hijack(hijack) => {
                    // The connection's task takes the socket away from under this request.
                    let _ = hijacker.send(hijack).await;
                    std::future::pending().await
                }
            }
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .title_case_headers(true)
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let hijack = loop {
        tokio::select! {
            biased;
            Some(hijack) = hijacked.recv() => break hijack,
            result = &mut connection => {
                if let Err(error) = result {
                    tracing::debug!(error = %isopod_base::chain(&error), "a connection failed");
                }
                return;
            }
            Ok(()) = stopped.changed() => std::pin::Pin::new(&mut connection).graceful_shutdown(),
        }
    };
    let parts = connection.into_parts();
    if let Err(error) = hijack.run(parts.io.into_inner(), parts.read_buf).await {
        tracing::debug!(%error, "an attached stream broke off");
    }
}

/// Adds the headers that every response carries.
fn signed(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(
        "server",
        HeaderValue::from_static(concat!("Isopod/", env!("CARGO_PKG_VERSION"), " (linux)")),
    );
    headers.insert("api-version", HeaderValue::from_static(isopod_docker_types::API_VERSION));
    headers.insert("ostype", HeaderValue::from_static("linux"));
    headers.insert("docker-experimental", HeaderValue::from_static("false"));
    response
}
