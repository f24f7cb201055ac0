//! Archives: load, save, import. The store's side blocks, so bytes cross by bounded channels.

use super::names;
use super::progress::{self, Counter, Reporter};
use super::pull::parse_platform;
use crate::Engine;
use crate::byte_stream::{StreamReader, written_by};
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::model::{ByteStream, ImportImage, Progress, ProgressStream};
use isopod_images::{Image, Images, ImportOptions, LoadOptions, Progress as Step, SaveItem};
use isopod_oci::image::Platform;
use isopod_registry::Reference;
use std::io;
use std::sync::{Arc, PoisonError};

impl Engine {
    /// Loads the images of an archive. Nothing of it stays when it is broken.
    pub async fn load_images(self: &Arc<Self>, archive: ByteStream) -> Result<ProgressStream> {
        let (reporter, stream) = progress::channel();
        let engine = Arc::clone(self);
        let report = reporter.clone();
        reporter.run(async move {
            let store = Images::clone(engine.images_store());
            let teller = report.clone();
            let loaded = blocking(move || {
                let mut input = StreamReader::new(archive);
                let options = LoadOptions { canonical: &names::canonical_text, platform: None };
                let teller = std::sync::Mutex::new(Teller::new(teller, "Loading layer"));
                let tell = |step: Step<'_>| {
                    teller.lock().unwrap_or_else(PoisonError::into_inner).tell(&step);
                };
                Ok(store.load(&mut input, &options, &tell)?)
            })
            .await?;
            for isopod_images::Loaded { image, names } in loaded {
                let id = image.id.to_string();
                engine.image_event("load", &id, &id, &image);
                if names.is_empty() {
                    say(&report, format!("Loaded image ID: {id}\n")).await;
                }
                for name in names {
                    say(&report, format!("Loaded image: {}\n", names::familiar(&name))).await;
                }
            }
            Ok(())
        });
        Ok(stream)
    }

    /// Writes images into one archive, with the names by which they were asked for.
    pub async fn save_images(
        self: &Arc<Self>,
        wanted: Vec<String>,
        platform: Option<String>,
    ) -> Result<ByteStream> {
        let platform = parse_platform(platform.as_deref())?;
        let store = Images::clone(self.images_store());
        let items = blocking(move || {
            let mut items: Vec<SaveItem> = Vec::new();
            for text in &wanted {
                for (image, names) in named(&store, text, platform.as_ref())? {
                    let names = names.into_iter().map(|name| (name.to_string(), name.familiar()));
                    match items.iter_mut().find(|item| item.image.target == image.target) {
                        Some(item) => item.names.extend(names),
                        None => items.push(SaveItem { image, names: names.collect() }),
                    }
                }
            }
            for item in &mut items {
                item.names.sort();
                item.names.dedup();
            }
            Ok(items)
        })
        .await?;
        for item in &items {
            let id = item.image.id.to_string();
            self.image_event("save", &id, &id, &item.image);
        }
        let store = Images::clone(self.images_store());
        Ok(written_by(move |out| {
            let saved = store.save(&items, out);
            saved.map_err(|error| io::Error::other(isopod_base::chain(&error).to_string()))
        }))
    }

    /// Makes an image of one layer of a root file system.
    pub async fn import_image(
        self: &Arc<Self>,
        request: ImportImage,
        archive: ByteStream,
    ) -> Result<ProgressStream> {
        let name = match request.reference.as_str() {
            "" => None,
            text => {
                let reference = names::parse(text)?;
                if reference.digest().is_some() {
                    return Err(Error::invalid("cannot import digest reference"));
                }
                Some(names::canonical(&reference))
            }
        };
        let platform = parse_platform(request.platform.as_deref())?;
        let (reporter, stream) = progress::channel();
        let engine = Arc::clone(self);
        let report = reporter.clone();
        reporter.run(async move {
            let store = Images::clone(engine.images_store());
            let options = ImportOptions {
                changes: request.changes,
                // As Docker has it, for an archive that comes with the request.
                message: if request.message.is_empty() {
                    "Imported from -".into()
                } else {
                    request.message
                },
                platform,
                name,
            };
            let teller = std::sync::Mutex::new(Teller::new(report.clone(), "Importing"));
            let image = blocking(move || {
                let tell = |step: Step<'_>| {
                    teller.lock().unwrap_or_else(PoisonError::into_inner).tell(&step);
                };
                Ok(store.import(&mut StreamReader::new(archive), &options, &tell)?)
            })
            .await?;
            let id = image.id.to_string();
            engine.image_event("import", &id, &id, &image);
            report.line(id).await;
            Ok(())
        });
        Ok(stream)
    }
}

/// The images that one argument of `save` means, with the names to write: a tag, all tags of a
/// repository, or an id without a name.
fn named(
    store: &isopod_images::Images,
    text: &str,
    platform: Option<&Platform>,
) -> Result<Vec<(Image, Vec<Reference>)>> {
    let bare = Reference::parse(text).ok().filter(|r| r.tag().is_none() && r.digest().is_none());
    if let Some(repository) = bare {
        let mut found = Vec::new();
        for image in store.list()? {
            let own = image.names.iter().filter_map(|name| Reference::parse(name).ok());
            let names: Vec<Reference> = own
                .filter(|name| name.repository() == repository && name.tag().is_some())
                .collect();
            // By a name of this repository: others of the image may go at any time.
            if let Some(name) = names.first() {
                found.push((store.resolve(&names::canonical(name), platform)?, names));
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let image = names::find(store, text, platform)?;
    let name = Reference::parse(text).ok().filter(|reference| {
        reference.tag().is_some() && image.names.contains(&names::canonical(reference))
    });
    Ok(vec![(image, name.into_iter().collect())])
}

/// Passes on what the store says of one layer after the other.
struct Teller {
    report: Reporter,
    status: &'static str,
    current: Option<(String, Counter)>,
}

impl Teller {
    fn new(report: Reporter, status: &'static str) -> Self {
        Self { report, status, current: None }
    }

    fn tell(&mut self, step: &Step<'_>) {
        let Step::Layer { name, current, total } = step else { return };
        if self.current.as_ref().is_none_or(|(known, _)| known != name) {
            let digits = name.trim_start_matches("blobs/sha256/").trim_start_matches("sha256:");
            let id: String = digits.chars().take(12).collect();
            self.current =
                Some(((*name).to_owned(), self.report.counter(&id, self.status, *total)));
        }
        if let Some((_, counter)) = &mut self.current {
            counter.at(*current);
        }
    }
}

async fn say(report: &Reporter, line: String) {
    report.send(Progress { stream: Some(line), ..Progress::default() }).await;
}
