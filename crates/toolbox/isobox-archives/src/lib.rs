//! The toolbox's applets that pack, unpack and compress.

use isobox_applet::Applet;

mod ar;
mod codec;
mod compress;
mod cpio;
mod dpkg_deb;
pub mod fuzzing;
mod listing;
mod rpm2cpio;
mod stream;
mod tar;
mod unpack;
mod zip;

/// The applets of this group.
pub static APPLETS: &[Applet] = &[
    ar::AR,
    cpio::CPIO,
    dpkg_deb::DPKG_DEB,
    rpm2cpio::RPM2CPIO,
    compress::BUNZIP2,
    compress::BZCAT,
    compress::BZIP2,
    compress::GUNZIP,
    compress::GZIP,
    compress::LZCAT,
    compress::LZMA,
    tar::TAR,
    zip::UNZIP,
    compress::UNLZMA,
    compress::UNXZ,
    compress::UNZSTD,
    compress::XZ,
    compress::XZCAT,
    compress::ZCAT,
    compress::ZSTD,
    compress::ZSTDCAT,
];
