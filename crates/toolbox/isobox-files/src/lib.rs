//! The toolbox's applets that work on files, and that start other programs; one file each.

use isobox_applet::Applet;

mod copying;

mod attributes;
mod basename;
mod chmod;
mod cp;
mod date;
mod dd;
mod du;
mod env;
mod field;
mod find;
mod install;
mod ln;
mod ls;
mod mkdir;
mod mktemp;
mod mv;
mod nodes;
mod rm;
mod running;
mod shred;
mod simple_names;
mod stat;
mod tee;
mod touch;
mod tree_view;
mod xargs;

/// The applets of this group.
pub static APPLETS: &[Applet] = &[
    attributes::CHATTR,
    attributes::GETFATTR,
    attributes::LSATTR,
    attributes::SETFATTR,
    basename::BASENAME,
    chmod::CHGRP,
    chmod::CHMOD,
    chmod::CHOWN,
    cp::CP,
    date::CAL,
    date::DATE,
    dd::DD,
    du::DF,
    du::DU,
    env::ENV,
    env::NICE,
    env::NOHUP,
    env::PRINTENV,
    env::RENICE,
    find::FIND,
    install::INSTALL,
    ln::LN,
    ls::LS,
    mkdir::MKDIR,
    mkdir::RMDIR,
    mktemp::MKTEMP,
    mv::MV,
    nodes::FALLOCATE,
    nodes::FSYNC,
    nodes::MKFIFO,
    nodes::MKNOD,
    nodes::SYNC,
    nodes::TRUNCATE,
    rm::RM,
    running::FLOCK,
    running::SLEEP,
    running::TIME,
    running::TIMEOUT,
    running::USLEEP,
    running::WATCH,
    running::WHICH,
    shred::SHRED,
    simple_names::DIRNAME,
    simple_names::LINK,
    simple_names::PATHCHK,
    simple_names::READLINK,
    simple_names::REALPATH,
    simple_names::UNLINK,
    stat::STAT,
    tee::TEE,
    tee::YES,
    touch::TOUCH,
    tree_view::TREE,
    xargs::XARGS,
];
