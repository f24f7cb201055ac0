//! Secrets and configurations: files of the host are mounted, texts are copied in.

use anyhow::{Context, Result};
use http::Method;
use isopod_compose::{Node, Project, Service};
use isopod_docker_types::{HostConfig, Mount};

use crate::session::Session;
use isopod_client::{Payload, query, segment};

/// One that a service is given.
struct Grant<'a> {
    target: String,
    resource: &'a Node,
    grant: &'a Node,
}

fn grants<'a>(project: &'a Project, service: &'a Service) -> Vec<Grant<'a>> {
    let mut found = Vec::new();
    for (field, all) in [("secrets", &project.secrets), ("configs", &project.configs)] {
        for grant in service.at(field).map(Node::items).unwrap_or_default() {
            let source = grant.get("source").and_then(Node::as_str).unwrap_or_default();
            let Some(resource) = all.get(source) else { continue };
            let target = grant.get("target").and_then(Node::as_str).unwrap_or(source);
            let base = if field == "secrets" { "/run/secrets/" } else { "/" };
            let target =
                if target.starts_with('/') { target.to_owned() } else { format!("{base}{target}") };
            found.push(Grant { target, resource, grant });
        }
    }
    found
}

/// Mounts those that are files of the host.
pub(super) fn file_mounts(
    project: &Project,
    service: &Service,
    host: &mut HostConfig,
) -> Result<()> {
    for Grant { target, resource, .. } in grants(project, service) {
        let Some(file) = resource.get("file").and_then(Node::as_str) else { continue };
        std::fs::metadata(file).with_context(|| {
            format!("{}: file {file} of service {}", resource.place, service.name)
        })?;
        host.mounts.push(Mount {
            kind: "bind".to_owned(),
            source: file.to_owned(),
            target,
            read_only: true,
            ..Mount::default()
        });
    }
    Ok(())
}

/// Copies the others into a container that has not been started.
pub(super) async fn copy_texts(
    session: &Session,
    project: &Project,
    service: &Service,
    container: &str,
) -> Result<()> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut any = false;
    for Grant { target, resource, grant } in grants(project, service) {
        let content = match (resource.get("content"), resource.get("environment")) {
            (Some(content), _) => content.as_str().unwrap_or_default().to_owned(),
            (_, Some(variable)) => {
                let name = variable.as_str().unwrap_or_default();
                std::env::var(name).with_context(|| format!("{}: {name}", resource.place))?
            }
            _ => continue,
        };
        let text = |name: &str| grant.get(name).and_then(Node::as_str);
        let mode = match text("mode") {
            Some(mode) => {
                u32::from_str_radix(mode.trim_start_matches("0o"), 8).with_context(|| {
                    format!("{}: mode {mode:?}: expected octal digits", grant.place)
                })?
            }
            None => 0o444,
        };
        let id = |name: &str| -> Result<u64> {
            let Some(id) = text(name) else { return Ok(0) };
            id.parse().with_context(|| format!("{}: {name} {id:?}: expected a number", grant.place))
        };
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        header.set_uid(id("uid")?);
        header.set_gid(id("gid")?);
        let path = target.trim_start_matches('/');
        archive
            .append_data(&mut header, path, content.as_bytes())
            .with_context(|| format!("pack {target}"))?;
        any = true;
    }
    if !any {
        return Ok(());
    }
    let bytes = archive.into_inner().context("pack secrets and configurations")?;
    let path = format!("/containers/{}/archive{}", segment(container), query(&[("path", "/")]));
    let payload = Payload::read_from(std::io::Cursor::new(bytes));
    Ok(session.client.call(Method::PUT, &path, payload).await?)
}
