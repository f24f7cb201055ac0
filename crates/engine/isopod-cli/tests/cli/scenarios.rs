//! What users do, by area.

mod containers;
mod copy;
mod images;
mod interactive;
mod lists;

use crate::Scenario;

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = Scenario> {
    [containers::ALL, interactive::ALL, copy::ALL, images::ALL, lists::ALL]
        .into_iter()
        .flatten()
        .copied()
}
