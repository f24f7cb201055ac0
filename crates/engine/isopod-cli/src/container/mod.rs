//! Commands about containers.

mod attach;
mod copy;
mod create;
mod exec;
mod filesystem;
mod lifecycle;
mod list;
mod local_tar;
mod logs;
mod networks;
mod options;
mod ports;
mod prune;
mod run;
mod show;
mod start;
mod stats;
mod terminal;
mod update;
mod values;
mod volumes;
mod wait;

use crate::commands::Command;

pub(crate) use list::{CONTAINER_COLUMNS, container_row};
pub(crate) use local_tar::{Pieces, Unpack, receive};
pub(crate) use ports::published;
pub(crate) use prune::prune_containers;
pub(crate) use values::{check, extra_host, ulimit};
pub(crate) use volumes::bind_specs;

/// All of them.
pub(crate) const COMMANDS: &[&Command] = &[
    &run::RUN,
    &create::CREATE,
    &start::START,
    &lifecycle::STOP,
    &lifecycle::RESTART,
    &lifecycle::KILL,
    &lifecycle::PAUSE,
    &lifecycle::UNPAUSE,
    &lifecycle::REMOVE,
    &lifecycle::RENAME,
    &wait::WAIT,
    &list::LIST,
    &logs::LOGS,
    &exec::EXEC,
    &attach::ATTACH,
    &copy::COPY,
    &show::INSPECT,
    &show::TOP,
    &show::PORT,
    &stats::STATS,
    &update::UPDATE,
    &filesystem::DIFF,
    &filesystem::COMMIT,
    &filesystem::EXPORT,
    &prune::PRUNE,
];
