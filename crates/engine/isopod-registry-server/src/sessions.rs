//! Uploads under way. Their bytes are in the store; one that the process lost sight of is taken up
//! again from there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use isopod_base::Digest;
use isopod_base::id::random_bytes;
use isopod_images::{Images, Ingest};

use crate::error::{ApiError, Code};

/// Uploads that are open at once.
const MAX_OPEN: usize = 512;
/// How long an open one may rest; its bytes stay for a week.
const REST: Duration = Duration::from_secs(600);
/// How long a request waits for another one on the same upload to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// The uploads of a registry.
#[derive(Debug)]
pub(crate) struct Sessions {
    images: Images,
    open: Mutex<HashMap<String, Arc<Session>>>,
}

/// An upload.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    /// The content so far; gone once the upload has ended.
    ingest: tokio::sync::Mutex<Option<Ingest>>,
    used: Mutex<Instant>,
}

/// The right to write to an upload.
pub(crate) type Turn<'a> = tokio::sync::MutexGuard<'a, Option<Ingest>>;

impl Sessions {
    pub(crate) fn new(images: Images) -> Self {
        Self { images, open: Mutex::default() }
    }

    /// Begins an upload to a repository.
    pub(crate) fn begin(&self, repository: &str) -> Result<Arc<Session>, ApiError> {
        let random: String =
            random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        let id = format!("{}-{random}", mark(repository));
        self.make_room()?;
        let ingest = self.images.content().begin_upload(&id)?;
        Ok(self.keep(id, ingest))
    }

    /// The upload of an id, if it is this repository's.
    pub(crate) fn find(&self, repository: &str, id: &str) -> Result<Arc<Session>, ApiError> {
        let unknown = || {
            ApiError::new(Code::BlobUploadUnknown, "no such upload: it has ended, or never was")
                .detail(serde_json::json!({ "id": id.chars().take(100).collect::<String>() }))
        };
        let own = id.split_once('-').is_some_and(|(first, rest)| {
            first == mark(repository)
                && rest.len() == 32
                && rest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        });
        if !own {
            return Err(unknown());
        }
        if let Some(session) = self.lock().get(id) {
            *session.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            return Ok(session.clone());
        }
        self.make_room()?;
        let ingest = self.images.content().resume_upload(id)?.ok_or_else(unknown)?;
        Ok(self.keep(id.to_owned(), ingest))
    }

    /// Forgets an upload that has ended.
    pub(crate) fn end(&self, session: &Session) {
        self.lock().remove(&session.id);
    }

    /// Closes uploads that rest; they can be taken up again.
    pub(crate) fn rest(&self) {
        self.lock().retain(|_, session| {
            let used = *session.used.lock().unwrap_or_else(PoisonError::into_inner);
            used.elapsed() < REST || session.ingest.try_lock().is_err()
        });
    }

    fn make_room(&self) -> Result<(), ApiError> {
        if self.lock().len() >= MAX_OPEN {
            self.rest();
        }
        if self.lock().len() >= MAX_OPEN {
            return Err(ApiError::new(
                Code::TooManyRequests,
                format!("{MAX_OPEN} uploads are under way: try again later"),
            ));
        }
        Ok(())
    }

    fn keep(&self, id: String, ingest: Ingest) -> Arc<Session> {
        let session = Arc::new(Session {
            id: id.clone(),
            ingest: tokio::sync::Mutex::new(Some(ingest)),
            used: Mutex::new(Instant::now()),
        });
        self.lock().insert(id, session.clone());
        session
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Waits for the right to write. A request before this one, whose connection broke, may take a
    /// moment to notice.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, ApiError> {
        match tokio::time::timeout(PATIENCE, self.ingest.lock()).await {
            Ok(turn) if turn.is_some() => Ok(turn),
            Ok(_) => Err(ApiError::new(Code::BlobUploadUnknown, "this upload has ended")),
            Err(_) => Err(ApiError::new(
                Code::BlobUploadInvalid,
                "another request is writing to this upload",
            )
            .status(http::StatusCode::CONFLICT)),
        }
    }
}

/// Sixteen digits that tell uploads of one repository from those of another.
fn mark(repository: &str) -> String {
    Digest::sha256(repository.as_bytes()).hex()[..16].to_owned()
}
