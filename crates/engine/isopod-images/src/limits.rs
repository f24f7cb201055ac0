//! Bounds on what an image may ask of the machine that stores it.

/// Bounds on input from outside. The defaults admit every image seen in practice and stop
/// the ones that are made to fill a disk or a memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Entries of one layer. Default 2,000,000.
    pub layer_entries: u64,
    /// Bytes of one layer when decompressed. Default 256 GiB.
    pub layer_bytes: u64,
    /// Decompressed bytes up to which the ratio is not looked at. Default 8 GiB.
    pub expansion_floor_bytes: u64,
    /// Decompressed bytes for each compressed one, beyond the floor. Default 250.
    pub expansion_ratio: u64,
    /// Bytes of a path within a layer. Default 4,095, the kernel's own.
    pub path_bytes: usize,
    /// Bytes of the extended headers (pax, GNU long names) of one entry. Default 1 MiB.
    pub header_bytes: usize,
    /// Pieces of one sparse file. Default 1,000,000.
    pub sparse_pieces: usize,
    /// Bytes of a manifest, index or configuration. Default 4 MiB.
    pub document_bytes: u64,
    /// Layers of one image. Default 500, overlayfs' own.
    pub image_layers: usize,
    /// Files in one archive of images. Default 100,000.
    pub archive_entries: usize,
    /// Indexes within indexes. Default 4.
    pub index_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            layer_entries: 2_000_000,
            layer_bytes: 256 << 30,
            expansion_floor_bytes: 8 << 30,
            expansion_ratio: 250,
            path_bytes: 4095,
            header_bytes: 1 << 20,
            sparse_pieces: 1_000_000,
            document_bytes: 4 << 20,
            image_layers: 500,
            archive_entries: 100_000,
            index_depth: 4,
        }
    }
}

impl Limits {
    /// What concerns the reader of a layer's archive.
    #[must_use]
    pub fn archive(&self) -> isopod_tar::Limits {
        isopod_tar::Limits {
            entries: self.layer_entries,
            entry_bytes: self.layer_bytes,
            header_bytes: self.header_bytes,
            sparse_pieces: self.sparse_pieces,
        }
    }

    /// Decompressed bytes that a layer of `compressed` bytes may have.
    #[must_use]
    pub fn expanded(&self, compressed: u64) -> u64 {
        compressed
            .saturating_mul(self.expansion_ratio)
            .max(self.expansion_floor_bytes)
            .min(self.layer_bytes)
    }
}
