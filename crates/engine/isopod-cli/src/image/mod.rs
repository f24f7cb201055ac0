//! Commands about images.

mod archive;
mod auth;
mod history;
mod list;
mod manage;
mod prune;
mod transfer;

use crate::commands::Command;

pub(crate) use archive::{load_directory, save_to};
pub(crate) use auth::{DEFAULT_REGISTRY, all_credentials, forget_credentials, store_credentials};
pub(crate) use list::{IMAGE_COLUMNS, image_rows};
pub(crate) use prune::prune_images;
pub(crate) use transfer::{pull_image, push_image};

/// All of them.
pub(crate) const COMMANDS: &[&Command] = &[
    &list::LIST,
    &transfer::PULL,
    &transfer::PUSH,
    &archive::LOAD,
    &archive::SAVE,
    &archive::IMPORT,
    &manage::REMOVE,
    &manage::TAG,
    &manage::INSPECT,
    &history::HISTORY,
    &prune::PRUNE,
];
