//! `up`, `down` and `compose …`: compose files as a client of the engine's API.
//!
//! What is read and planned is `isopod_compose`'s; here plans are carried out. `up`, `down` and
//! `watch` are at the top level too and take a directory; the engine's own `ps`, `logs` and the
//! like keep their meaning, and those of a project are under `compose`, as in docker.

mod build;
mod config;
mod down;
mod each;
mod execute;
mod logs;
mod network;
mod observe;
mod once;
mod one;
mod project;
mod ps;
mod request;
mod secrets;
mod up;
mod watch;

use crate::commands::Command;

pub(crate) use project::rewrite;

/// All of them.
pub(crate) const COMMANDS: &[&Command] = &[
    &up::UP,
    &up::CREATE,
    &down::DOWN,
    &watch::WATCH,
    &config::CONFIG,
    &config::LIST,
    &ps::PS,
    &logs::LOGS,
    &once::RUN,
    &one::EXEC,
    &each::START,
    &each::STOP,
    &each::RESTART,
    &each::KILL,
    &each::REMOVE,
    &each::PAUSE,
    &each::UNPAUSE,
    &each::TOP,
    &each::STATS,
    &each::WAIT,
    &each::EVENTS,
    &one::PORT,
    &one::COPY,
    &build::BUILD,
    &build::PULL,
    &build::IMAGES,
];
