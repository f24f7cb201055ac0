//! Containers' networks: bridges, addresses, published ports.
//!
//! The kernel is spoken to by netlink; no other program is started, and no process stays for a
//! published port. What is durable is not here: whoever uses this keeps the networks' settings and
//! who has which address, and hands both over again when it starts ([`Fabric::reconcile`]).
//!
//! ```no_run
//! # fn example() -> isopod_network::Result<()> {
//! use isopod_network::{Fabric, Namespace, pools};
//!
//! let subnet = pools::choose(&pools::default_pools(), false, &Fabric::host_routes()?)?;
//! println!("containers could have {subnet}");
//! let sandbox = Namespace::new()?;
//! println!("one could run in {}", sandbox.path().display());
//! # Ok(())
//! # }
//! ```

mod addresses;
pub mod dns;
mod error;
mod fabric;
mod firewall;
mod links;
mod mac;
mod namespace;
mod netlink;
mod nft;
mod options;
pub mod pools;
pub mod ports;
mod subnet;
mod sysctl;

pub use addresses::Addresses;
pub use error::{Error, Result};
pub use fabric::{Attachment, Bridge, Fabric, MacvlanMode};
pub use firewall::{GatewayMode, Zone};
pub use mac::{Mac, MacError};
pub use namespace::{Namespace, Pool};
pub use nft::Watch;
pub use options::{BridgeOptions, MacvlanOptions};
pub use ports::{ContainerPort, Ports, Protocol, Publication, PublishRequest};
pub use subnet::{Subnet, SubnetError};
