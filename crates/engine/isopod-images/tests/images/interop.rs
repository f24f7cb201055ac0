//! Archives and layouts of other people's tools load here, and ours load there.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use isopod_images::{Image, Images, LoadOptions, SaveItem};

use crate::support::{contents, dir, docker_archive, file, is_root, load_one, store, tar};

/// Whether a program is here; says so if not.
fn has(test: &str, program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        eprintln!("SKIP: {test}: {program} is not installed");
    }
    found
}

fn run(program: &str, directory: &Path, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).current_dir(directory).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn image(images: &Images) -> Image {
    let layers = [
        tar(&[dir("etc/"), file("etc/a", "1"), file("etc/b", "2")]),
        tar(&[dir("etc/"), file("etc/.wh.b", ""), file("etc/c", "3")]),
    ];
    load_one(images, &docker_archive("docker.io/library/inter:1", &layers))
}

fn save(images: &Images, image: &Image, path: &Path) {
    let item = SaveItem {
        image: image.clone(),
        names: vec![("docker.io/library/inter:1".into(), "inter:1".into())],
    };
    images.save(&[item], &mut File::create(path).unwrap()).unwrap();
}

fn load_file(path: &Path) -> (crate::support::Store, Image) {
    let store = store();
    let loaded = if path.is_dir() {
        store.images.load_layout(path, &LoadOptions::default(), &|_| {})
    } else {
        store.images.load(&mut File::open(path).unwrap(), &LoadOptions::default(), &|_| {})
    };
    let image = loaded.unwrap().remove(0).image;
    (store, image)
}

#[test]
fn skopeo_reads_ours_and_we_read_skopeos() {
    let test = "skopeo_reads_ours_and_we_read_skopeos";
    if !is_root(test) || !has(test, "skopeo") {
        return;
    }
    let ours = store();
    let image = image(&ours.images);
    let expected = contents(&ours.images, &image);
    let work = tempfile::tempdir().unwrap();
    save(&ours.images, &image, &work.path().join("ours.tar"));
    let forms: &[(&str, &str, &[&str])] = &[
        ("oci-archive:theirs.tar:inter:1", "theirs.tar", &[]),
        ("docker-archive:docker.tar:inter:1", "docker.tar", &[]),
        ("oci:layout:inter", "layout", &[]),
        ("oci:zstd:inter", "zstd", &["--dest-compress-format", "zstd"]),
    ];
    for source in ["docker-archive:ours.tar", "oci-archive:ours.tar"] {
        for (destination, path, options) in forms {
            let path = work.path().join(path);
            let _ = fs::remove_dir_all(&path);
            let _ = fs::remove_file(&path);
            let mut arguments = vec!["--insecure-policy", "copy", "--quiet"];
            arguments.extend_from_slice(options);
            arguments.extend([source, destination]);
            run("skopeo", work.path(), &arguments);
            let (theirs, loaded) = load_file(&path);
            assert_eq!(loaded.diff_ids, image.diff_ids, "{source} {destination}");
            assert_eq!(contents(&theirs.images, &loaded), expected, "{destination}");
        }
    }
}

#[test]
fn umoci_reads_ours_and_we_read_umocis() {
    let test = "umoci_reads_ours_and_we_read_umocis";
    if !is_root(test) || !has(test, "umoci") {
        return;
    }
    let ours = store();
    let image = image(&ours.images);
    let work = tempfile::tempdir().unwrap();
    save(&ours.images, &image, &work.path().join("ours.tar"));
    fs::create_dir(work.path().join("layout")).unwrap();
    run("tar", work.path(), &["-xf", "ours.tar", "-C", "layout"]);
    run("umoci", work.path(), &["unpack", "--image", "layout:1", "bundle"]);
    let rootfs = work.path().join("bundle/rootfs");
    assert_eq!(fs::read(rootfs.join("etc/c")).unwrap(), b"3");
    assert!(!rootfs.join("etc/b").exists());
    fs::write(rootfs.join("etc/umoci"), "u").unwrap();
    fs::remove_file(rootfs.join("etc/a")).unwrap();
    run("umoci", work.path(), &["repack", "--image", "layout:2", "bundle"]);
    let (theirs, _) = load_file(&work.path().join("layout"));
    let changed =
        theirs.images.list().unwrap().into_iter().find(|image| image.layers.len() == 3).unwrap();
    let names: Vec<String> = contents(&theirs.images, &changed)
        .into_keys()
        .map(|path| path.display().to_string())
        .collect();
    assert_eq!(names, ["etc/c", "etc/umoci"]);
}

#[test]
fn podman_and_buildah_read_ours_and_we_read_theirs() {
    let test = "podman_and_buildah_read_ours_and_we_read_theirs";
    if !is_root(test) || !has(test, "podman") || !has(test, "buildah") {
        return;
    }
    let ours = store();
    let image = image(&ours.images);
    let work = tempfile::tempdir().unwrap();
    save(&ours.images, &image, &work.path().join("ours.tar"));
    let root = work.path().join("root").display().to_string();
    let run_root = work.path().join("run").display().to_string();
    let global = ["--root", &root, "--runroot", &run_root, "--storage-driver", "vfs"];
    let with = |more: &[&str]| -> Vec<String> {
        global.iter().chain(more).map(|&text| text.to_owned()).collect()
    };
    let call = |program: &str, more: &[&str]| {
        let arguments = with(more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        run(program, work.path(), &arguments);
    };
    call("podman", &["load", "-q", "-i", "ours.tar"]);
    call("podman", &["save", "-q", "--format", "docker-archive", "-o", "d.tar", "inter:1"]);
    call("podman", &["save", "-q", "--format", "oci-archive", "-o", "o.tar", "inter:1"]);
    call("buildah", &["from", "--name", "b", "--pull-never", "docker.io/library/inter:1"]);
    call("buildah", &["config", "--label", "x=y", "b"]);
    call("buildah", &["commit", "-q", "b", "oci-archive:b.tar"]);
    let expected = contents(&ours.images, &image);
    for file in ["d.tar", "o.tar", "b.tar"] {
        let (theirs, loaded) = load_file(&work.path().join(file));
        assert_eq!(contents(&theirs.images, &loaded), expected, "{file}");
    }
}
