//! Containers: what is answered by a stream.

use crate::body::Output;
use crate::call::{Call, Reply};
use crate::convert::{container, stats as samples};
use crate::detach::DetachKeys;
use crate::error::{ApiError, ApiResult};
use crate::frame;
use crate::hijack::Hijack;
use crate::version::ApiVersion;
use crate::websocket;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use http::{HeaderValue, Response, StatusCode, header};
use isopod_docker_types as wire;
use isopod_engine as domain;

/// The media type of frames; clients before 1.42 do not know it.
fn output_type(framed: bool, version: ApiVersion) -> &'static str {
    if framed && version >= ApiVersion::new(1, 42) {
        "application/vnd.docker.multiplexed-stream"
    } else {
        "application/vnd.docker.raw-stream"
    }
}

/// `POST /containers/{name}/wait`. The headers are sent before it waits, so that a client knows
/// that it waits for what it starts next.
pub(crate) async fn wait(call: Call) -> ApiResult<Reply> {
    let condition = match call.query.get("condition").unwrap_or_default() {
        "" | "not-running" => domain::WaitCondition::NotRunning,
        "next-exit" => domain::WaitCondition::NextExit,
        "removed" => domain::WaitCondition::Removed,
        other => {
            return Err(ApiError::bad_request(format!("invalid condition: \"{other}\"")));
        }
    };
    let waiting = call.api.engine.wait_container(&call.name, condition).await?;
    Reply::stream("application/json", |output| async move {
        let result = waiting.result().await;
        let answer = wire::ContainerWaitResponse {
            error: result.error.map(|message| wire::ContainerWaitError { message }),
            status_code: result.exit_code.into(),
        };
        output.send_line(&answer).await
    })
}

fn attach_options(call: &Call) -> ApiResult<(domain::AttachContainer, DetachKeys)> {
    let keys = DetachKeys::parse(call.query.get("detachKeys").unwrap_or_default())?;
    let options = domain::AttachContainer {
        stdin: call.query.switch("stdin"),
        stdout: call.query.switch("stdout"),
        stderr: call.query.switch("stderr"),
        logs: call.query.switch("logs"),
        stream: call.query.switch("stream"),
    };
    Ok((options, keys))
}

/// `POST /containers/{name}/attach`.
pub(crate) async fn attach(call: Call) -> ApiResult<Reply> {
    let (options, keys) = attach_options(&call)?;
    let attached = call.api.engine.attach_container(&call.name, options).await?;
    Ok(Reply::Hijack(Hijack::attach(&call.headers, call.version, attached, keys)))
}

/// `GET /containers/{name}/attach/ws`.
pub(crate) async fn attach_websocket(call: Call) -> ApiResult<Reply> {
    let head = websocket::accept(&call.headers)?;
    let (mut options, keys) = attach_options(&call)?;
    // The streams can be chosen since 1.42; before, a websocket carried all of them.
    if call.version < ApiVersion::new(1, 42) {
        (options.stdin, options.stdout, options.stderr) = (true, true, true);
    }
    let attached = call.api.engine.attach_container(&call.name, options).await?;
    Ok(Reply::Hijack(Hijack::websocket(head, attached, keys)))
}

/// `GET /containers/{name}/logs`.
pub(crate) async fn logs(call: Call) -> ApiResult<Reply> {
    let query = &call.query;
    let options = domain::ReadLogs {
        stdout: query.switch("stdout"),
        stderr: query.switch("stderr"),
        follow: query.switch("follow"),
        since: query.time("since")?,
        until: query.time("until")?,
        tail: match query.get("tail") {
            None | Some("" | "all") => None,
            // As Docker has it, what is no number means all.
            Some(number) => number.parse().ok(),
        },
    };
    if !options.stdout && !options.stderr {
        return Err(ApiError::bad_request("Bad parameters: you must choose at least one stream"));
    }
    let (timestamps, details) = (query.switch("timestamps"), query.switch("details"));
    let log = call.api.engine.container_logs(&call.name, options).await?;
    let framed = !log.tty;
    Reply::stream(output_type(framed, call.version), move |output| async move {
        let mut lines = log.lines;
        let mut waiting = Vec::with_capacity(LOG_BATCH);
        while lines.recv_many(&mut waiting, LOG_BATCH).await > 0 {
            let mut bytes = BytesMut::new();
            for line in waiting.drain(..) {
                match line {
                    Ok(line) => write_line(&mut bytes, &line, framed, timestamps, details),
                    Err(error) => {
                        output.send(bytes).await?;
                        output.fail(std::io::Error::other(error)).await;
                        return Ok(());
                    }
                }
            }
            output.send(bytes).await?;
        }
        Ok(())
    })
}

/// Lines that are sent as one piece when they are there already.
const LOG_BATCH: usize = 64;

fn write_line(
    bytes: &mut BytesMut,
    line: &domain::LogLine,
    framed: bool,
    timestamps: bool,
    details: bool,
) {
    let mut prefix = String::new();
    if timestamps {
        prefix.push_str(&line.time.rfc3339_nanos());
        prefix.push(' ');
    }
    if details {
        let pairs: Vec<String> = line
            .attributes
            .iter()
            .map(|(key, value)| format!("{}={}", escape(key), escape(value)))
            .collect();
        prefix.push_str(&pairs.join(","));
        prefix.push(' ');
    }
    if framed {
        if prefix.is_empty() {
            frame::append(bytes, line.stream, &line.data);
        } else {
            frame::append(bytes, line.stream, &[prefix.as_bytes(), &line.data].concat());
        }
    } else {
        bytes.extend_from_slice(prefix.as_bytes());
        bytes.extend_from_slice(&line.data);
    }
}

/// Query escaping, which keeps `,` and `=` out of details.
fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            b' ' => "+".to_owned(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// `GET /containers/{name}/stats`.
pub(crate) async fn stats(call: Call) -> ApiResult<Reply> {
    let stream = call.query.switch_or("stream", true);
    let one_shot = call.query.switch("one-shot") && call.version >= ApiVersion::new(1, 41);
    if stream && one_shot {
        return Err(ApiError::bad_request("cannot have stream=true and one-shot=true"));
    }
    let mut taken = call.api.engine.container_stats(&call.name, stream, one_shot).await?;
    Reply::stream("application/json", move |output| async move {
        while let Some(sample) = taken.recv().await {
            match sample {
                Ok(sample) => output.send_line(&samples::sample(sample)).await?,
                Err(error) => {
                    output.fail(std::io::Error::other(error)).await;
                    break;
                }
            }
        }
        Ok(())
    })
}

/// `GET /containers/{name}/export`.
pub(crate) async fn export(call: Call) -> ApiResult<Reply> {
    let archive = call.api.engine.export_container(&call.name).await?;
    Reply::stream("application/octet-stream", |output| relay(archive, output))
}

/// Passes an archive on.
pub(crate) async fn relay(
    mut archive: domain::ByteStream,
    output: Output,
) -> Result<(), crate::body::Gone> {
    while let Some(piece) = archive.recv().await {
        match piece {
            Ok(bytes) => output.send(bytes).await?,
            Err(error) => {
                tracing::warn!(%error, "an archive broke off");
                output.fail(error).await;
                break;
            }
        }
    }
    Ok(())
}

fn archive_path(call: &Call) -> ApiResult<String> {
    call.query
        .text("path")
        .ok_or_else(|| ApiError::bad_request("bad parameter: 'path' cannot be empty"))
}

/// The header that describes a path.
fn stat_header(stat: &domain::PathStat) -> HeaderValue {
    let json = serde_json::to_vec(&container::path_stat(stat)).expect("a plain struct serializes");
    HeaderValue::from_str(&STANDARD.encode(json)).expect("base64 is plain ASCII")
}

/// `HEAD /containers/{name}/archive`.
pub(crate) async fn stat_path(call: Call) -> ApiResult<Reply> {
    let stat = call.api.engine.stat_path(&call.name, &archive_path(&call)?).await?;
    let mut response = Response::new(crate::body::Body::empty());
    response.headers_mut().insert("x-docker-container-path-stat", stat_header(&stat));
    Ok(Reply::Http(response))
}

/// `GET /containers/{name}/archive`.
pub(crate) async fn get_archive(call: Call) -> ApiResult<Reply> {
    let (stat, archive) = call.api.engine.get_archive(&call.name, &archive_path(&call)?).await?;
    let body = crate::body::Body::produced(|output| relay(archive, output));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert("x-docker-container-path-stat", stat_header(&stat));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    Ok(Reply::Http(response))
}

/// `PUT /containers/{name}/archive`.
pub(crate) async fn put_archive(call: Call) -> ApiResult<Reply> {
    let path = archive_path(&call)?;
    let options = domain::PutArchive {
        no_overwrite_dir_non_dir: call.query.switch("noOverwriteDirNonDir"),
        copy_owners: call.query.switch("copyUIDGID"),
    };
    let (api, name) = (call.api.clone(), call.name.clone());
    api.engine.put_archive(&name, &path, options, call.stream_body()).await?;
    Reply::empty(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use isopod_base::times::Timestamp;

    #[test]
    fn log_lines() {
        let line = domain::LogLine {
            stream: domain::StreamKind::Stdout,
            time: Timestamp::from_nanos(1_500_000_000),
            data: Bytes::from_static(b"hi\n"),
            attributes: vec![("a".into(), "b c=d".into())],
        };
        let written = |framed, timestamps, details| {
            let mut bytes = BytesMut::new();
            write_line(&mut bytes, &line, framed, timestamps, details);
            String::from_utf8(bytes.to_vec()).expect("text")
        };
        assert_eq!(written(false, false, false), "hi\n");
        assert_eq!(written(true, false, false), "\u{1}\0\0\0\0\0\0\u{3}hi\n");
        assert_eq!(written(false, true, false), "1970-01-01T00:00:01.500000000Z hi\n");
        assert_eq!(written(false, false, true), "a=b+c%3Dd hi\n");
    }
}
