//! Images.

use crate::body::{Gone, Output};
use crate::call::{Call, Reply};
use crate::convert::image;
use crate::error::{ApiError, ApiResult};
use crate::routes::containers::reference;
use crate::routes::streams::relay;
use http::StatusCode;
use isopod_docker_types as wire;
use isopod_engine as domain;

/// `GET /images/json`.
pub(crate) async fn list(call: Call) -> ApiResult<Reply> {
    let filters =
        call.query.filters(&["before", "dangling", "label", "reference", "since", "until"])?;
    let options = domain::ListImages {
        all: call.query.switch("all"),
        shared_size: call.query.switch("shared-size"),
        filters,
    };
    let images = call.api.engine.images(options).await?;
    let list: Vec<wire::ImageSummary> =
        images.into_iter().map(|entry| image::summary(entry, call.version)).collect();
    Reply::ok(&list)
}

/// `GET /images/{name}/json`.
pub(crate) async fn inspect(call: Call) -> ApiResult<Reply> {
    let details = call.api.engine.image(&call.name).await?;
    Reply::ok(&image::inspect(details, call.version))
}

/// `GET /images/{name}/history`.
pub(crate) async fn history(call: Call) -> ApiResult<Reply> {
    let history = call.api.engine.image_history(&call.name).await?;
    let list: Vec<wire::ImageHistoryItem> = history.into_iter().map(image::history).collect();
    Reply::ok(&list)
}

/// `POST /images/create`: a pull or, with `fromSrc`, an import.
pub(crate) async fn create(call: Call) -> ApiResult<Reply> {
    let query = &call.query;
    let platform = query.text("platform");
    match (query.text("fromImage"), query.text("fromSrc")) {
        (Some(name), _) => {
            let tag = query.text("tag");
            // The CLI sends a tag or digest apart; without either, every tag is meant.
            let all_tags = tag.is_none() && !has_tag(&name);
            let request = domain::PullImage {
                reference: reference(Some(name), tag),
                platform,
                all_tags,
                auth: call.registry_auth()?,
            };
            call.concerns(&request.reference);
            if let Some(scope) = call.scope() {
                scope.check_pull()?;
            }
            let steps = call.api.engine.pull_image(request).await?;
            progress(steps).await
        }
        (None, Some(source)) if source == "-" => {
            let mut request = domain::ImportImage {
                reference: reference(query.text("repo"), query.text("tag")),
                message: query.text("message").unwrap_or_default(),
                changes: query.all("changes"),
                platform,
            };
            call.concerns(&request.reference);
            if let Some(scope) = call.scope() {
                scope.confine_import(&call.api.engine, &mut request).await?;
            }
            let api = call.api.clone();
            let steps = api.engine.import_image(request, call.stream_body()).await?;
            progress(steps).await
        }
        (None, Some(source)) => Err(ApiError::bad_request(format!(
            "cannot import {source}: isopod fetches no URLs; send the archive itself"
        ))),
        (None, None) => Err(ApiError::bad_request(
            "one of the parameters \"fromImage\" and \"fromSrc\" must be given",
        )),
    }
}

/// Whether a reference ends in a tag or digest (and not in a registry's port).
fn has_tag(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.contains(':') || name.contains('@')
}

/// `POST /images/{name}/push`.
pub(crate) async fn push(call: Call) -> ApiResult<Reply> {
    let request = domain::PushImage {
        reference: reference(Some(call.name.clone()), call.query.text("tag")),
        platform: platform_parameter(&call)?,
        auth: call.registry_auth()?,
    };
    if let Some(scope) = call.scope() {
        scope.own_image(&call.api.engine, &request.reference).await?;
    }
    let steps = call.api.engine.push_image(request).await?;
    progress(steps).await
}

/// A platform that came as JSON (`{"os":"linux","architecture":"arm64"}`), in short form.
fn platform_parameter(call: &Call) -> ApiResult<Option<String>> {
    let Some(text) = call.query.text("platform") else { return Ok(None) };
    if !text.starts_with('{') {
        return Ok(Some(text));
    }
    let platform: wire::Platform = serde_json::from_str(&text)
        .map_err(|error| ApiError::bad_request(format!("failed to parse platform: {error}")))?;
    let parts = [platform.os, platform.architecture, platform.variant];
    let parts: Vec<&str> =
        parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    Ok(Some(parts.join("/")))
}

/// A stream of progress lines. A failure before the first one is an ordinary error; a later one
/// is the last line, since the status went out before.
async fn progress(mut steps: domain::ProgressStream) -> ApiResult<Reply> {
    let first = steps.recv().await.transpose()?;
    Reply::stream("application/json", |output| report(first, steps, output))
}

async fn report(
    first: Option<domain::Progress>,
    mut steps: domain::ProgressStream,
    output: Output,
) -> Result<(), Gone> {
    if let Some(step) = first {
        output.send_line(&image::progress(step)).await?;
    }
    while let Some(step) = steps.recv().await {
        match step {
            Ok(step) => output.send_line(&image::progress(step)).await?,
            Err(error) => return output.send_line(&failure(error.full_message())).await,
        }
    }
    Ok(())
}

pub(super) fn failure(message: String) -> wire::JsonMessage {
    let detail = wire::JsonError { message: message.clone(), ..wire::JsonError::default() };
    wire::JsonMessage { error_detail: Some(detail), error: message, ..wire::JsonMessage::default() }
}

/// `POST /images/load`.
pub(crate) async fn load(call: Call) -> ApiResult<Reply> {
    let api = call.api.clone();
    let steps = api.engine.load_images(call.stream_body()).await?;
    progress(steps).await
}

/// `GET /images/get` and `GET /images/{name}/get`.
pub(crate) async fn save(call: Call) -> ApiResult<Reply> {
    let names =
        if call.name.is_empty() { call.query.all("names") } else { vec![call.name.clone()] };
    let names: Vec<String> = names
        .iter()
        .flat_map(|list| list.split(','))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    if names.is_empty() {
        return Err(ApiError::bad_request("the parameter \"names\" is missing: which images?"));
    }
    call.concerns(&names.join(","));
    if let Some(scope) = call.scope() {
        for name in &names {
            scope.own_image(&call.api.engine, name).await?;
        }
    }
    let archive = call.api.engine.save_images(names, platform_parameter(&call)?).await?;
    Reply::stream("application/x-tar", |output| relay(archive, output))
}

/// `POST /images/{name}/tag`.
pub(crate) async fn tag(call: Call) -> ApiResult<Reply> {
    let new_name = reference(call.query.text("repo"), call.query.text("tag"));
    if new_name.is_empty() {
        return Err(ApiError::bad_request("the parameter \"repo\" is missing: which new name?"));
    }
    if let Some(scope) = call.scope() {
        scope.free_image_name(&call.api.engine, &new_name).await?;
    }
    call.api.engine.tag_image(&call.name, &new_name).await?;
    Reply::empty(StatusCode::CREATED)
}

/// `DELETE /images/{name}`.
pub(crate) async fn remove(call: Call) -> ApiResult<Reply> {
    let (force, prune) = (call.query.switch("force"), !call.query.switch("noprune"));
    let removed = call.api.engine.remove_image(&call.name, force, prune).await?;
    Reply::ok(&image::removals(removed))
}

/// `POST /images/prune`.
pub(crate) async fn prune(call: Call) -> ApiResult<Reply> {
    let filters = call.query.filters(&["dangling", "label", "label!", "until"])?;
    let pruned = call.api.engine.prune_images(&filters).await?;
    Reply::ok(&wire::ImagesPruneReport {
        images_deleted: image::removals(pruned.removed),
        space_reclaimed: pruned.reclaimed_bytes,
    })
}

/// `GET /images/search`.
pub(crate) async fn search(call: Call) -> ApiResult<Reply> {
    let term = call.query.text("term").unwrap_or_default();
    call.api.engine.search_images(&term).await?;
    Reply::ok(&Vec::<wire::SearchResult>::new())
}

/// BuildKit's sessions.
pub(crate) async fn buildkit(_call: Call) -> ApiResult<Reply> {
    Err(ApiError::not_implemented("BuildKit is not supported yet"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_ports() {
        for (name, tagged) in [
            ("debian", false),
            ("debian:12", true),
            ("localhost:5000/debian", false),
            ("localhost:5000/debian:12", true),
            ("debian@sha256:abc", true),
        ] {
            assert_eq!(has_tag(name), tagged, "{name}");
        }
        let reference =
            |name: &str, tag: Option<&str>| reference(Some(name.into()), tag.map(Into::into));
        assert_eq!(reference("a", Some("1")), "a:1");
        assert_eq!(reference("a", Some("sha256:b")), "a@sha256:b");
        assert_eq!(reference("a", None), "a");
    }
}
