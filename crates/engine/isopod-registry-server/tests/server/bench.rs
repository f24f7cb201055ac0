//! A registry for a test: this one in the test's process, with a store in a temporary directory.

use std::sync::Arc;

use isopod_images::{Images, Options, SnapshotterKind};
use isopod_registry_server::{Registry, Settings};
use isopod_testkit::{TempDir, temp_dir};
use tokio::sync::oneshot;

/// A running registry; it ends when this is dropped.
pub(crate) struct Bench {
    pub(crate) address: String,
    pub(crate) images: Arc<Images>,
    stop: Option<oneshot::Sender<()>>,
    runtime: Option<tokio::runtime::Runtime>,
    directory: Option<TempDir>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        Self::at(temp_dir("registry-server").expect("temporary directory"), settings)
    }

    /// On a store that may have been there before.
    pub(crate) fn at(directory: TempDir, settings: Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads");
        let options = Options {
            snapshotter: SnapshotterKind::Copy,
            ..Options::new(directory.path().join("images"))
        };
        let images = Arc::new(Images::open(options).expect("a store"));
        let settings = Settings { listen: vec![([127, 0, 0, 1], 0).into()], ..settings };
        let registry =
            runtime.block_on(Registry::bind(&images, settings)).expect("the registry starts");
        let address = registry.addresses()[0].to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        runtime.spawn(registry.serve(async {
            let _ = stopped.await;
        }));
        let directory = Some(directory);
        Self { address, images, stop: Some(stop), runtime: Some(runtime), directory }
    }

    /// Runs a client beside it.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.as_ref().expect("running").block_on(work)
    }

    /// Ends the registry; the store stays.
    pub(crate) fn end(mut self) -> TempDir {
        self.close();
        self.directory.take().expect("kept until now")
    }

    fn close(&mut self) {
        drop(self.stop.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(std::time::Duration::from_secs(5));
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.close();
    }
}
