//! The commands that scripts have beside those of the machine.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use isopod_testkit::{peer, suite::script};

use crate::{gateway, grpc};

/// Shell scripts among the tools, by name.
const SCRIPTS: &[(&str, &str)] = &[
    ("lines", include_str!("../tools/lines.sh")),
    ("secured", include_str!("../tools/secured.sh")),
];

/// Does what one of the tools does if this program was called by a tool's name.
pub fn run_tool() -> Option<Result<()>> {
    let mut args = std::env::args_os();
    let name = PathBuf::from(args.next()?);
    match name.file_name()?.to_str()? {
        "gw" => Some(gateway::main(args.collect())),
        "grpc" => Some(grpc::main(args.collect())),
        _ => None,
    }
}

/// Puts the tools into a directory. An `etcdutl` is looked for beside etcdctl, too.
pub(crate) fn install(directory: &Path, program: &Path, etcdctl: Option<&Path>) -> Result<()> {
    let link = |to: &Path, name: &str| {
        symlink(to, directory.join(name)).with_context(|| format!("cannot link {name}"))
    };
    link(program, "gw")?;
    link(program, "grpc")?;
    script::install_await(directory)?;
    for (name, text) in SCRIPTS {
        script::install(&directory.join(name), text)?;
    }
    if let Some(etcdctl) = etcdctl {
        link(etcdctl, "etcdctl")?;
        let beside = etcdctl.with_file_name("etcdutl");
        if let Some(etcdutl) = Some(beside).filter(|it| it.exists()).or_else(|| peer("etcdutl")) {
            link(&etcdutl, "etcdutl")?;
        }
    }
    Ok(())
}
