//! What an applet is, and what applets share.
//!
//! An applet is a function of a [`Context`] (arguments, open streams, environment, directory) to a
//! [`Status`]. It opens files relative to the context's directory, writes to the context's
//! streams and never ends the process, so that a shell can run it without `exec` or `fork`, and a
//! test can run it in its own process:
//!
//! ```
//! use isobox_applet::{Applet, Context, Registry, Result, Spec, Status};
//!
//! static GREET: Applet = Applet::new("greet", greet, "[-l] [NAME]\n\nGreet NAME\n\n\t-l\tLoudly");
//! const OPTIONS: Spec = Spec::new("l", &[("loud", 'l')]);
//!
//! fn greet(cx: &mut Context<'_>) -> Result<Status> {
//!     let mut loud = false;
//!     let mut arguments = cx.parse(&OPTIONS);
//!     while let Some(option) = arguments.next()? {
//!         match option {
//!             'l' => loud = true,
//!             _ => unreachable!("not in the table of options"),
//!         }
//!     }
//!     for name in arguments.operands() {
//!         write!(cx.stdout, "Hello, {}{}\n", name.display(), if loud { "!" } else { "" })?;
//!     }
//!     Ok(cx.status())
//! }
//!
//! let (output, status) = isobox_applet::capture(&GREET, &["-l", "Alice"], b"");
//! assert_eq!((output.as_slice(), status), (&b"Hello, Alice!\n"[..], 0));
//! ```
//!
//! This crate knows no applet.

mod applet;
mod arguments;
mod context;
mod error;
mod input;
mod output;

pub mod canonical;
pub mod copy;
pub mod dates;
pub mod float;
pub mod glob;
pub mod mode;
pub mod number;
pub mod program;
pub mod replace;
pub mod time;
pub mod tree;
pub mod users;
pub mod version;

pub use applet::{Applet, Place, Registry, Run, ShellUse, Status, VERSION, banner, capture};
pub use arguments::{Arguments, Spec};
pub use context::{Context, ProcessVariables, Variables};
pub use error::{Error, Result, errno_text};
pub use input::{Input, read};
pub use output::{Output, write_all};
