//! Builds: `POST /build` as clients without BuildKit send it.

mod events;
mod request;
mod text;

use crate::body::{Gone, Output};
use crate::call::{Call, Reply};
use crate::error::{ApiError, ApiResult};
use crate::routes::images::failure;
use isopod_docker_types as wire;
use isopod_engine::{self as domain, BuildProgress, BuildStream};

/// Who hears of a build.
trait Narrator: Send {
    /// What a client is told of something that happened.
    fn tell(&mut self, progress: BuildProgress) -> Vec<wire::JsonMessage>;
}

/// `POST /build`.
pub(crate) async fn build(mut call: Call) -> ApiResult<Reply> {
    let mut request = request::read(&call)?;
    call.concerns(&request.tags.join(","));
    if let Some(scope) = call.scope()
        && let Err(refusal) = scope.confine_build(&call.api.engine, &mut request).await
    {
        call.discard_body().await;
        return Err(refusal.into());
    }
    let query = &call.query;
    let narrator: Box<dyn Narrator> = if query.switch("events") {
        Box::new(events::Events)
    } else {
        let removes = query.switch_or("rm", true);
        Box::new(text::Text::new(query.switch("q"), removes))
    };
    let api = call.api.clone();
    let stream = api.engine.build_image(request, call.stream_body()).await?;
    Reply::stream("application/json", |output| narrate(stream, narrator, output))
}

async fn narrate(
    mut stream: BuildStream,
    mut narrator: Box<dyn Narrator>,
    output: Output,
) -> Result<(), Gone> {
    let mut code = 0;
    while let Some(progress) = stream.recv().await {
        match progress {
            Ok(BuildProgress::ExitCode(exit)) => code = exit,
            Ok(progress) => {
                for message in narrator.tell(progress) {
                    output.send_line(&message).await?;
                }
            }
            Err(error) => {
                let mut message = failure(error.full_message());
                if let Some(detail) = &mut message.error_detail {
                    detail.code = code.into();
                }
                return output.send_line(&message).await;
            }
        }
    }
    Ok(())
}

/// `POST /build/cancel`: for builds that clients gave an id, which is BuildKit's way.
pub(crate) async fn cancel(_call: Call) -> ApiResult<Reply> {
    Err(ApiError::not_implemented(
        "BuildKit's builds are not supported yet: a build ends when its request is given up",
    ))
}

/// `POST /build/prune`.
pub(crate) async fn prune(call: Call) -> ApiResult<Reply> {
    let filters = call.query.filters(&[
        "until",
        "id",
        "type",
        "unused-for",
        "inuse",
        "shared",
        "private",
        "parent",
        "description",
    ])?;
    for key in ["inuse", "shared", "private", "parent", "description"] {
        if filters.contains_key(key) {
            return Err(ApiError::bad_request(format!(
                "the filter '{key}' is not supported for the build cache: use until, id or type"
            )));
        }
    }
    let one = |key: &str| filters.get(key).and_then(|values| values.first()).cloned();
    let keep = call.query.number::<i64>("keep-storage")?.or(call.query.number("reserved-space")?);
    let what = isopod_build::PruneCache {
        keep_bytes: keep.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
        unused_since: match one("until").or_else(|| one("unused-for")) {
            Some(text) => Some(domain::parse_time(&text)?),
            None => None,
        },
        ids: filters.get("id").cloned().unwrap_or_default(),
        kind: one("type"),
    };
    let pruned = call.api.engine.prune_build_cache(what).await?;
    Reply::ok(&wire::BuildPruneReport { caches_deleted: pruned.ids, space_reclaimed: pruned.bytes })
}

/// The build cache as `system df` shows it.
pub(crate) fn records(usage: Vec<isopod_build::CacheUsage>) -> Vec<wire::BuildCacheRecord> {
    usage
        .into_iter()
        .map(|one| wire::BuildCacheRecord {
            id: one.id,
            parents: Vec::new(),
            kind: one.kind.to_owned(),
            description: one.description,
            in_use: one.in_use,
            shared: false,
            size: crate::convert::signed(one.size),
            created_at: one.created.rfc3339_nanos(),
            last_used_at: Some(one.used.rfc3339_nanos()),
            usage_count: i64::try_from(one.uses).unwrap_or(i64::MAX),
        })
        .collect()
}
