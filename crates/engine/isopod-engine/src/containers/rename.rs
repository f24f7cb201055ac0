//! Renaming containers.

use super::create::check_name;
use crate::Engine;
use crate::error::{Error, Result};

impl Engine {
    /// Gives a container another name.
    pub async fn rename_container(&self, name: &str, new_name: &str) -> Result<()> {
        let container = self.containers.find(name)?;
        let new_name = new_name.strip_prefix('/').unwrap_or(new_name);
        if new_name.is_empty() {
            return Err(Error::invalid("Neither old nor new names may be empty"));
        }
        check_name(new_name)?;
        let _operation = container.operation.lock().await;
        let old = container.name();
        if old == new_name {
            return Err(Error::invalid(
                "Renaming a container with the same name as its current name",
            ));
        }
        self.containers.reserve_name(new_name, &container.id).map_err(|error| {
            Error::conflict(format_args!("Error when allocating new name: {error}"))
        })?;
        let record = container.change(|record| record.name = new_name.to_owned());
        if let Err(error) = self.commit_record(&record).await {
            container.change(|record| record.name.clone_from(&old));
            self.containers.release_name(new_name);
            return Err(error);
        }
        self.containers.release_name(&old);
        self.container_event(&container, "rename", &[("oldName", format!("/{old}"))]);
        Ok(())
    }
}
