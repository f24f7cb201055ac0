//! The toolbox's applets that work on files, and that start other programs; one file each.

use isobox_applet::Applet;

mod copying;

mod basename;
mod chmod;
mod cp;
mod install;
mod mkdir;
mod mv;
mod rm;
mod simple_names;

/// The applets of this group.
pub static APPLETS: &[Applet] = &[
    basename::BASENAME,
    chmod::CHGRP,
    chmod::CHMOD,
    chmod::CHOWN,
    cp::CP,
    install::INSTALL,
    mkdir::MKDIR,
    mkdir::RMDIR,
    mv::MV,
    rm::RM,
    simple_names::DIRNAME,
    simple_names::LINK,
    simple_names::PATHCHK,
    simple_names::READLINK,
    simple_names::REALPATH,
    simple_names::UNLINK,
];
