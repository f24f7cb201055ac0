//! Loading archives of images from a stream that is read once.
//!
//! Every file that looks like a layer is unpacked while it is being read, before it is known
//! which image it belongs to: in a docker-archive, that stands at the end. What no image wants
//! is dropped.

use std::collections::BTreeMap;
use std::io::Read;

use isopod_base::Digest;
use isopod_oci::image::{Descriptor, Index, Platform, media_type};

use super::archive::{self, Archive, Item};
use super::documents::{Document, is_image, read_document};
use super::{Image, Images, Transaction};
use crate::error::{ContentError, ImageError};
use crate::layer::{Compression, LayerJob, decompress};
use crate::platform;
use crate::tar::{Kind, Reader};

/// How to load.
#[derive(Clone, Copy)]
pub struct LoadOptions<'a> {
    /// Turns a name as it stands in an archive into the canonical one, or says what is wrong
    /// with it.
    pub canonical: &'a (dyn Fn(&str) -> Result<String, String> + Sync),
    /// Which platform of a multi-platform image to unpack; the store's own, else the first that
    /// there is, if absent.
    pub platform: Option<&'a Platform>,
}

impl std::fmt::Debug for LoadOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadOptions").field("platform", &self.platform).finish_non_exhaustive()
    }
}

impl Default for LoadOptions<'_> {
    /// Names are taken as they are.
    fn default() -> Self {
        Self { canonical: &|name| Ok(name.to_owned()), platform: None }
    }
}

/// An image that was loaded.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The image.
    pub image: Image,
    /// Canonical names that it was given.
    pub names: Vec<String>,
}

/// How far an operation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress<'a> {
    /// A layer is being read.
    Layer {
        /// Its file in the archive, or its digest.
        name: &'a str,
        /// Bytes read.
        current: u64,
        /// Bytes in all.
        total: u64,
    },
    /// All is read; layers are still being unpacked and made durable.
    Committing,
}

/// Bytes between two reports of progress.
const REPORT_EVERY: u64 = 1 << 20;
/// Bytes of files in the archive that are kept in memory.
const MEMORY: usize = 64 << 20;

impl Images {
    /// Loads all images of an archive: docker-archive of any age, or an OCI layout, plain or
    /// compressed. The images of one archive are published one by one.
    pub fn load(
        &self,
        input: &mut (dyn Read + Send),
        options: &LoadOptions<'_>,
        progress: &dyn Fn(Progress<'_>),
    ) -> Result<Vec<Loaded>, ImageError> {
        let transaction = self.begin("load")?;
        let (_, input) = decompress(input).map_err(ImageError::ArchiveTar)?;
        let mut loader = Loader::new(self, &transaction, options);
        let archive = loader.read(input, progress)?;
        progress(Progress::Committing);
        loader.publish(&archive)
    }
}

/// A load under way.
pub(super) struct Loader<'a> {
    images: &'a Images,
    pub(super) transaction: &'a Transaction,
    options: &'a LoadOptions<'a>,
    /// Layers being unpacked, by the digest of their blob.
    pub(super) jobs: BTreeMap<Digest, LayerJob>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(
        images: &'a Images,
        transaction: &'a Transaction,
        options: &'a LoadOptions<'a>,
    ) -> Self {
        Self { images, transaction, options, jobs: BTreeMap::new() }
    }

    /// Reads the archive to its end.
    fn read(
        &mut self,
        input: Box<dyn Read + Send + '_>,
        progress: &dyn Fn(Progress<'_>),
    ) -> Result<Archive, ImageError> {
        let limits = self.images.limits();
        let mut reader = Reader::new(input, &limits.archive());
        let mut archive = Archive::default();
        let mut memory = 0;
        while let Some(entry) =
            reader.next_entry().map_err(|error| ImageError::ArchiveTar(error.into()))?
        {
            let path = archive::clean(&entry.path)?;
            archive.check_room(limits)?;
            match entry.kind {
                Kind::File if archive::is_document(&path) => {
                    memory += usize::try_from(entry.size).unwrap_or(usize::MAX).min(MEMORY + 1);
                    if entry.size > limits.document_bytes || memory > MEMORY {
                        return Err(ImageError::Archive {
                            reason: format!(
                                "{path} has {} bytes, over the limit for documents",
                                entry.size
                            ),
                        });
                    }
                    let mut bytes = Vec::with_capacity(entry.size as usize);
                    loop {
                        let chunk =
                            reader.data().map_err(|error| ImageError::ArchiveTar(error.into()))?;
                        if chunk.is_empty() {
                            break;
                        }
                        bytes.extend_from_slice(chunk);
                    }
                    archive.insert(path, Item::Bytes(bytes));
                }
                Kind::File => {
                    let digest = self.blob(&path, entry.size, &mut reader, progress)?;
                    archive.insert(path, Item::Blob(digest, entry.size));
                }
                Kind::Symlink => {
                    let target = archive::link_target(&path, &entry.link)?;
                    archive.insert(path, Item::Link(target));
                }
                Kind::HardLink => {
                    let target = archive::clean(&entry.link)?;
                    archive.insert(path, Item::Link(target));
                }
                Kind::Directory => {}
                _ => {
                    return Err(ImageError::Archive {
                        reason: format!("{path} is neither a file nor a directory nor a link"),
                    });
                }
            }
        }
        Ok(archive)
    }

    /// Takes in one file, and begins to unpack it if it looks like a layer.
    fn blob<R: Read>(
        &mut self,
        path: &str,
        size: u64,
        reader: &mut Reader<R>,
        progress: &dyn Fn(Progress<'_>),
    ) -> Result<Digest, ImageError> {
        let named = archive::blob_digest(path);
        if let Some(digest) = &named
            && self.transaction.has_blob(digest)
        {
            return Ok(digest.clone());
        }
        let mut incoming = match &named {
            Some(digest) => {
                let mut incoming =
                    self.transaction.ingest(&Descriptor::new("", digest.clone(), size))?;
                incoming.restart()?;
                incoming
            }
            None => self.transaction.ingest_unnamed()?,
        };
        let mut job = None;
        let (mut current, mut reported) = (0, 0);
        loop {
            let chunk = reader.data().map_err(|error| ImageError::ArchiveTar(error.into()))?;
            if chunk.is_empty() {
                break;
            }
            incoming.write(chunk)?;
            if current == 0 && archive::looks_like_layer(chunk) {
                job = Some(self.transaction.unpack(&incoming, None).map_err(|source| {
                    ImageError::Layer {
                        image: "archive".to_owned(),
                        layer: path.to_owned(),
                        source,
                    }
                })?);
            }
            current += chunk.len() as u64;
            if job.is_some() && (current - reported >= REPORT_EVERY || current == size) {
                reported = current;
                progress(Progress::Layer { name: path, current, total: size });
            }
        }
        let digest = incoming.finish().map_err(|error| match error {
            // The caller knows files, not blobs.
            ContentError::WrongDigest { actual, .. } => ImageError::Archive {
                reason: format!("{path} hashes to {actual}: the file is damaged or forged"),
            },
            other => other.into(),
        })?;
        if let Some(job) = job {
            self.jobs.entry(digest.clone()).or_insert(job);
        }
        Ok(digest)
    }

    /// Publishes the images that an archive lists.
    fn publish(&mut self, archive: &Archive) -> Result<Vec<Loaded>, ImageError> {
        let docker = archive
            .bytes("manifest.json")?
            .map(|bytes| archive::DockerImage::parse_list(&bytes))
            .transpose()?;
        if let Some(index) = archive.layout_index()? {
            let mut names = BTreeMap::new();
            for image in docker.iter().flatten() {
                if let Some(digest) = archive::blob_digest(&image.config) {
                    let tags = image.repo_tags.clone().unwrap_or_default();
                    names.insert(digest, tags);
                }
            }
            return self.publish_index(&index, &names);
        }
        let Some(docker) = docker else {
            return Err(ImageError::Archive { reason: archive.why_unknown() });
        };
        docker.iter().map(|image| self.publish_docker(archive, image)).collect()
    }

    /// Publishes an image of a docker-archive: the manifest is ours, the rest is as it came.
    fn publish_docker(
        &mut self,
        archive: &Archive,
        image: &archive::DockerImage,
    ) -> Result<Loaded, ImageError> {
        let names = self.canonical(image.repo_tags.as_deref().unwrap_or_default())?;
        let label = names.first().cloned().unwrap_or_else(|| image.config.clone());
        let config = match archive.find(&image.config)? {
            Item::Bytes(bytes) => bytes.clone(),
            Item::Blob(digest, _) => self.transaction.read(digest)?,
            Item::Link(_) => unreachable!("links are resolved by find"),
        };
        let mut layers = Vec::with_capacity(image.layers.len());
        for path in &image.layers {
            let Item::Blob(digest, size) = archive.find(path)? else {
                return Err(ImageError::Archive {
                    reason: format!("{path}, a layer of {label}, is not a tar archive"),
                });
            };
            let compression = self.stage(&label, path, digest)?;
            let media_type = match compression {
                Compression::Plain => media_type::LAYER,
                Compression::Gzip => media_type::LAYER_GZIP,
                Compression::Zstd => media_type::LAYER_ZSTD,
            };
            layers.push(Descriptor::new(media_type, digest.clone(), *size));
        }
        let target = super::commit::put_image(self.transaction, &config, layers)?;
        let platform = self.options.platform.unwrap_or(&self.images.inner.platform);
        let image = self.transaction.commit(&target, platform, &names)?;
        Ok(Loaded { image, names })
    }

    /// Publishes the images of an OCI layout. `names` has further names by image id.
    pub(super) fn publish_index(
        &mut self,
        index: &Index,
        names: &BTreeMap<Digest, Vec<String>>,
    ) -> Result<Vec<Loaded>, ImageError> {
        let mut order: Vec<Descriptor> = Vec::new();
        let mut named: BTreeMap<Digest, Vec<String>> = BTreeMap::new();
        for descriptor in &index.manifests {
            if !named.contains_key(&descriptor.digest) {
                order.push(descriptor.clone());
            }
            named
                .entry(descriptor.digest.clone())
                .or_default()
                .extend(archive::name_of(descriptor).map(str::to_owned));
        }
        if order.is_empty() {
            return Err(ImageError::Archive { reason: "index.json lists no image".to_owned() });
        }
        let mut loaded = Vec::new();
        let mut referrers = Vec::new();
        for descriptor in order {
            let mut own = named.remove(&descriptor.digest).unwrap_or_default();
            let target = Descriptor { annotations: BTreeMap::new(), ..descriptor };
            if own.is_empty() && self.is_referrer(&target)? {
                referrers.push(target);
                continue;
            }
            let (platform, id) = self.stage_image(&target)?;
            own.extend(names.get(&id).into_iter().flatten().cloned());
            let names = self.canonical(&own)?;
            let image = self.transaction.commit(&target, &platform, &names)?;
            loaded.push(Loaded { image, names });
        }
        for target in referrers {
            self.transaction.commit_referrer(&target)?;
        }
        Ok(loaded)
    }

    fn is_referrer(&self, target: &Descriptor) -> Result<bool, ImageError> {
        let bytes = self.transaction.read(&target.digest)?;
        let document =
            read_document(&target.digest.to_string(), target, &bytes, self.images.limits())?;
        Ok(match document {
            Document::Manifest(manifest) => manifest.subject.is_some() && !is_image(&manifest),
            Document::Index(_) => false,
        })
    }

    /// Hands the layers of the wanted platform to the transaction; tells which platform that is,
    /// and the image's id.
    fn stage_image(&mut self, target: &Descriptor) -> Result<(Platform, Digest), ImageError> {
        let label = target.digest.to_string();
        let wanted = self.choose_platform(&label, target)?;
        let resolved = self.transaction.resolve(&label, target, &wanted)?;
        if resolved.config.is_some() {
            for layer in &resolved.manifest.layers {
                if self.jobs.contains_key(&layer.digest) {
                    self.stage(&label, &layer.digest.to_string(), &layer.digest)?;
                }
            }
        }
        Ok((wanted, resolved.manifest.config.digest))
    }

    /// The platform asked for; else this machine's; else the first that there is.
    fn choose_platform(&self, label: &str, target: &Descriptor) -> Result<Platform, ImageError> {
        if let Some(platform) = self.options.platform {
            return Ok(platform.clone());
        }
        let own = &self.images.inner.platform;
        match self.transaction.resolve(label, target, own) {
            Ok(_) => return Ok(own.clone()),
            Err(ImageError::NoPlatform { available, .. }) => {
                let first = available.split(", ").next().unwrap_or_default();
                if let Ok(platform) = platform::parse(first) {
                    return Ok(platform);
                }
            }
            Err(error) => return Err(error),
        }
        Ok(own.clone())
    }

    /// Waits until a layer is unpacked, and hands it to the transaction. One that was in the
    /// store before is looked at again, to learn its compression.
    fn stage(
        &mut self,
        label: &str,
        file: &str,
        digest: &Digest,
    ) -> Result<Compression, ImageError> {
        let at =
            |source| ImageError::Layer { image: label.to_owned(), layer: file.to_owned(), source };
        if let Some(job) = self.jobs.remove(digest) {
            let layer = job.join().map_err(at)?;
            let compression = layer.outcome().compression;
            self.transaction.stage(digest, layer);
            return Ok(compression);
        }
        let mut head = [0; 6];
        let count = self.transaction.head(digest, &mut head)?;
        Compression::detect(&head[..count]).map_err(at)
    }

    fn canonical(&self, names: &[String]) -> Result<Vec<String>, ImageError> {
        let mut canonical = Vec::new();
        for name in names {
            let full = (self.options.canonical)(name)
                .map_err(|reason| ImageError::Name { name: name.clone(), reason })?;
            if !canonical.contains(&full) {
                canonical.push(full);
            }
        }
        Ok(canonical)
    }
}
