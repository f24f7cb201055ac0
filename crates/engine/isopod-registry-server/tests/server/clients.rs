//! Real clients: skopeo and buildah, each way, with the kinds of access there are.

use std::path::Path;
use std::process::Command;

use isopod_base::Digest;
use isopod_registry_server::{AuthKind, Settings};
use isopod_testkit::{Limited, is_root, peer, skip, temp_dir};

use crate::bench::Bench;

/// Writes an OCI layout with an image of one layer (an empty archive).
fn layout(directory: &Path) {
    let blobs = directory.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).expect("made");
    let put = |bytes: &[u8]| {
        let digest = Digest::sha256(bytes);
        std::fs::write(blobs.join(digest.hex()), bytes).expect("written");
        (digest.to_string(), bytes.len())
    };
    let layer = vec![0; 10240];
    let (layer_digest, layer_size) = put(&layer);
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": { "type": "layers", "diff_ids": [layer_digest] },
    });
    let (config_digest, config_size) = put(config.to_string().as_bytes());
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": config_digest, "size": config_size,
        },
        "layers": [{
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": layer_digest, "size": layer_size,
        }],
    });
    let (digest, size) = put(manifest.to_string().as_bytes());
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [{
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": size,
        "annotations": { "org.opencontainers.image.ref.name": "latest" },
    }] });
    std::fs::write(directory.join("index.json"), index.to_string()).expect("written");
    let version = r#"{"imageLayoutVersion":"1.0.0"}"#;
    std::fs::write(directory.join("oci-layout"), version).expect("written");
}

fn run(program: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments);
    let output = Limited::seconds(60).output(&mut command).expect("it runs");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
    out.into_owned()
}

#[test]
fn skopeo() {
    let Some(skopeo) = peer("skopeo") else {
        skip("skopeo", "skopeo is not installed");
        return;
    };
    let bench = Bench::new();
    let directory = temp_dir("skopeo").expect("temporary directory");
    let (from, to) = (directory.path().join("from"), directory.path().join("to"));
    layout(&from);
    let source = format!("oci:{}:latest", from.display());
    let remote = |name: &str| format!("docker://{}/{name}", bench.address);
    let insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    let copy = |from: &str, to: &str| run(&skopeo, &["copy", insecure[0], insecure[1], from, to]);
    copy(&source, &remote("team/app:v1"));
    copy(&remote("team/app:v1"), &remote("team/other:v2"));
    copy(&remote("team/other:v2"), &format!("oci:{}:latest", to.display()));
    assert!(to.join("index.json").exists());
    let inspected = run(&skopeo, &["inspect", "--tls-verify=false", &remote("team/app:v1")]);
    assert!(inspected.contains("\"Architecture\": \"amd64\""), "{inspected}");
    let tags = run(&skopeo, &["list-tags", "--tls-verify=false", &remote("team/app")]);
    assert!(tags.contains("\"v1\""), "{tags}");
    // Docker's form of it, zstd layers, and an index of all platforms.
    let docker = remote("team/docker:v1");
    run(&skopeo, &["copy", insecure[1], "--format", "v2s2", &source, &docker]);
    run(&skopeo, &["copy", "--all", insecure[0], insecure[1], &docker, &remote("team/all:v1")]);
    run(&skopeo, &["delete", "--tls-verify=false", &remote("team/app:v1")]);
    let gone = Command::new(&skopeo)
        .args(["inspect", "--tls-verify=false", &remote("team/app:v1")])
        .output()
        .expect("it runs");
    assert!(String::from_utf8_lossy(&gone.stderr).contains("manifest unknown"), "{gone:?}");
}

#[test]
fn skopeo_with_users() {
    let Some(skopeo) = peer("skopeo") else {
        skip("skopeo_with_users", "skopeo is not installed");
        return;
    };
    let directory = temp_dir("skopeo").expect("temporary directory");
    layout(&directory.path().join("from"));
    let source = format!("oci:{}:latest", directory.path().join("from").display());
    let htpasswd = directory.path().join("htpasswd");
    let line = "amelie:$2b$04$0MapDfwWyedwSQvD0uRlw.jCQ9VJsN5UrDxvf1y7JdZnPDa3wPG96\n";
    std::fs::write(&htpasswd, line).expect("written");
    for auth in [AuthKind::Basic, AuthKind::Token] {
        let htpasswd = Some(htpasswd.clone());
        let bench = Bench::with(Settings { htpasswd, auth, ..Settings::default() });
        let remote = format!("docker://{}/team/app:v1", bench.address);
        let push = ["copy", "--dest-tls-verify=false", "--dest-creds", "amelie:hunter2"];
        run(&skopeo, &[&push[..], &[&source, &remote]].concat());
        run(&skopeo, &["inspect", "--tls-verify=false", "--creds", "amelie:hunter2", &remote]);
        let refused = Command::new(&skopeo)
            .args(["inspect", "--tls-verify=false", "--creds", "amelie:wrong", &remote])
            .output()
            .expect("it runs");
        assert!(!refused.status.success());
    }
}

#[test]
fn buildah() {
    let (Some(skopeo), Some(buildah)) = (peer("skopeo"), peer("buildah")) else {
        skip("buildah", "buildah or skopeo is not installed");
        return;
    };
    if !is_root() {
        skip("buildah", "its storage needs root");
        return;
    }
    let bench = Bench::new();
    let directory = temp_dir("buildah").expect("temporary directory");
    layout(&directory.path().join("from"));
    let source = format!("oci:{}:latest", directory.path().join("from").display());
    let remote = |name: &str| format!("docker://{}/{name}", bench.address);
    run(&skopeo, &["copy", "--dest-tls-verify=false", &source, &remote("app:v1")]);
    let root = directory.path().join("root").display().to_string();
    let runroot = directory.path().join("runroot").display().to_string();
    let own = ["--root", root.as_str(), "--runroot", &runroot, "--storage-driver", "vfs"];
    let name = format!("{}/app:v1", bench.address);
    run(&buildah, &[&own[..], &["pull", "--tls-verify=false", &name]].concat());
    run(
        &buildah,
        &[&own[..], &["push", "--tls-verify=false", &name, &remote("again:v2")]].concat(),
    );
    let inspected = run(&skopeo, &["inspect", "--tls-verify=false", &remote("again:v2")]);
    assert!(inspected.contains("amd64"), "{inspected}");
}
