//! Blobs, leases, names, removal and collection.

use std::time::Duration;

use isopod_base::Digest;
use isopod_images::tar::Kind;
use isopod_images::{
    CollectPolicy, ContainerUse, ContentError, Evict, ImageError, Removal, RemoveOptions,
    SnapshotterKind,
};
use isopod_oci::image::Descriptor;

use crate::support::{
    assert_clean, config, contents, dir, docker_archive, file, is_root, link, load_one, names,
    open, store, tar,
};

fn descriptor(bytes: &[u8]) -> Descriptor {
    Descriptor::new("", Digest::sha256(bytes), bytes.len() as u64)
}

#[test]
fn a_part_is_taken_up_where_it_ended() {
    let store = store();
    let bytes = vec![7; 100_000];
    let wanted = descriptor(&bytes);
    let tx = store.images.begin("first").unwrap();
    let mut incoming = tx.ingest(&wanted).unwrap();
    incoming.write(&bytes[..60_000]).unwrap();
    drop(incoming);
    drop(tx);
    let dir = store.dir;
    drop(store.images);
    let images = open(dir.path(), SnapshotterKind::Auto);
    let tx = images.begin("second").unwrap();
    let mut incoming = tx.ingest(&wanted).unwrap();
    assert_eq!(incoming.offset(), 60_000);
    incoming.write(&bytes[60_000..]).unwrap();
    assert_eq!(incoming.finish().unwrap(), wanted.digest);
}

#[test]
fn what_is_not_as_announced_is_refused() {
    let store = store();
    let tx = store.images.begin("test").unwrap();
    let wanted = descriptor(b"expected");
    let mut incoming = tx.ingest(&wanted).unwrap();
    incoming.write(b"forged!!").unwrap();
    assert!(matches!(incoming.finish(), Err(ContentError::WrongDigest { .. })));
    let mut incoming = tx.ingest(&wanted).unwrap();
    assert_eq!(incoming.offset(), 0, "forged bytes are not kept");
    assert!(matches!(incoming.write(b"longer than that"), Err(ContentError::WrongSize { .. })));
    incoming.write(b"short").unwrap();
    assert!(matches!(incoming.finish(), Err(ContentError::WrongSize { .. })));
    // Two at once do not disturb each other.
    let (mut a, mut b) = (tx.ingest(&wanted).unwrap(), tx.ingest(&wanted).unwrap());
    a.restart().unwrap();
    a.write(b"expected").unwrap();
    b.write(b"expected").unwrap();
    a.finish().unwrap();
    b.finish().unwrap();
}

#[test]
fn images_are_found_by_name_id_and_prefix() {
    if !is_root("images_are_found_by_name_id_and_prefix") {
        return;
    }
    let store = store();
    let image = load_one(&store.images, &docker_archive("a:1", &[tar(&[file("f", "x")])]));
    let target = image.target.digest.to_string();
    for name in ["a:1", image.id.hex(), &image.id.hex()[..5], &image.id.to_string(), &target] {
        assert_eq!(store.images.resolve(name, None).unwrap().id, image.id, "{name}");
    }
    let missing = store.images.resolve("b:1", None).unwrap_err();
    assert_eq!(missing.to_string(), "No such image: b:1");
    store.images.tag("a:1", "b:1").unwrap();
    assert_eq!(store.images.resolve("b:1", None).unwrap().names, ["a:1", "b:1"]);
}

#[test]
fn removal_is_as_dockers() {
    if !is_root("removal_is_as_dockers") {
        return;
    }
    let store = store();
    let images = &store.images;
    let layers = [tar(&[file("f", "x")]), tar(&[file("g", "y")])];
    let image = load_one(images, &docker_archive("a:1", &layers));
    images.tag("a:1", "b:1").unwrap();
    let unused = |_: &Digest| Vec::new();
    let container = |running| move |_: &Digest| vec![ContainerUse { id: "c".repeat(64), running }];
    let options = RemoveOptions::default();
    let force = RemoveOptions { force: true, ..options };
    let conflict = images.remove(image.id.hex(), options, &unused).unwrap_err();
    assert!(
        conflict.to_string().contains("(must be forced) - image is referenced in multiple"),
        "{conflict}"
    );
    let conflict = images.remove(image.id.hex(), force, &container(true)).unwrap_err();
    assert!(conflict.to_string().contains("cannot be forced"), "{conflict}");
    let removed = images.remove("b:1", options, &unused).unwrap();
    assert_eq!(removed, [Removal::Untagged("b:1".to_owned())]);
    let conflict = images.remove("a:1", options, &container(false)).unwrap_err();
    assert!(matches!(conflict, ImageError::NameInUse { .. }));
    assert!(
        conflict.to_string().contains("(must force) - container cccccccccccc is using"),
        "{conflict}"
    );
    let removed = images.remove("a:1", options, &unused).unwrap();
    let chains = isopod_images::chain_ids(&image.diff_ids);
    let expected = [
        Removal::Untagged("a:1".to_owned()),
        Removal::Deleted(image.id.clone()),
        Removal::Deleted(chains[1].clone()),
        Removal::Deleted(chains[0].clone()),
    ];
    assert_eq!(removed, expected);
    assert_eq!(images.content().list().unwrap().len(), 0);
    assert_clean(images);
}

#[test]
fn collection_spares_what_is_held() {
    if !is_root("collection_spares_what_is_held") {
        return;
    }
    let store = store();
    let images = &store.images;
    let image = load_one(images, &docker_archive("a:1", &[tar(&[file("f", "x")])]));
    images.prepare("container", &image).unwrap();
    images.leases().take("mine", "test", Some(Duration::from_secs(3600))).unwrap();
    images.leases().hold_blob("mine", &image.target.digest).unwrap();
    let keep = RemoveOptions { keep_unreferenced: true, force: true };
    images.remove("a:1", keep, &|_| Vec::new()).unwrap();
    let collected = images.collect(&CollectPolicy::default()).unwrap();
    assert_eq!(collected.snapshots.len() + collected.blobs.len(), 0, "{collected:?}");
    images.snapshots().remove("container").unwrap();
    let collected = images.collect(&CollectPolicy::default()).unwrap();
    assert_eq!((collected.snapshots.len(), collected.blobs.len()), (1, 0), "{collected:?}");
    images.leases().take("mine", "ended", Some(Duration::ZERO)).unwrap();
    let collected = images.collect(&CollectPolicy::default()).unwrap();
    assert_eq!(collected.blobs.len(), 3, "{collected:?}");
    assert!(images.leases().list().unwrap().is_empty());
    assert!(images.leases().hold_blob("mine", &image.id).is_err());
    assert_clean(images);
}

#[test]
fn a_budget_is_met_by_the_least_used() {
    if !is_root("a_budget_is_met_by_the_least_used") {
        return;
    }
    let store = store();
    let images = &store.images;
    let text = "x".repeat(100_000);
    for name in ["a:1", "b:1", "c:1"] {
        let layer = tar(&[file(name, &text)]);
        load_one(images, &docker_archive(name, &[layer]));
    }
    let total = |images: &isopod_images::Images| {
        let usage = images.df().unwrap();
        usage.blobs_bytes + usage.layers_bytes
    };
    let before = total(images);
    let policy = CollectPolicy {
        budget_bytes: Some(before - 50_000),
        evict: Evict::Nothing,
        partials: false,
    };
    assert_eq!(images.collect(&policy).unwrap().bytes, 0, "named images stay");
    let policy = CollectPolicy { evict: Evict::Unused, ..policy };
    let collected = images.collect(&policy).unwrap();
    assert_eq!(collected.images.len(), 1, "{collected:?}");
    assert_eq!(total(images), before - collected.bytes);
    let left: Vec<String> = images.list().unwrap().into_iter().flat_map(|i| i.names).collect();
    assert!(!left.contains(&"a:1".to_owned()), "{left:?}");
    assert_clean(images);
}

#[test]
fn df_is_exact() {
    if !is_root("df_is_exact") {
        return;
    }
    let store = store();
    let images = &store.images;
    let shared =
        tar(&[dir("d/"), file("d/a", &"x".repeat(5000)), link("d/b", Kind::HardLink, "d/a")]);
    let own = tar(&[file("e", &"y".repeat(700))]);
    load_one(images, &docker_archive("a:1", &[shared.clone(), own]));
    load_one(images, &docker_archive("b:1", &[shared]));
    let usage = images.df().unwrap();
    assert_eq!(usage.layers_bytes, 5700);
    let sizes: Vec<(u64, u64)> = usage.images.iter().map(|i| (i.shared, i.unique)).collect();
    assert!(sizes.contains(&(5000, 700)) && sizes.contains(&(5000, 0)), "{sizes:?}");
    let files: u64 = names(&images.root().join("content/blobs/sha256"))
        .iter()
        .map(|name| {
            let path = images.root().join("content/blobs/sha256").join(name);
            std::fs::metadata(path).unwrap().len()
        })
        .sum();
    assert_eq!(usage.blobs_bytes, files);
    assert_eq!(usage.unreferenced_bytes, 0);
}

#[test]
fn indexes_artifacts_and_referrers_are_kept() {
    if !is_root("indexes_artifacts_and_referrers_are_kept") {
        return;
    }
    let store = store();
    let images = &store.images;
    let layer = tar(&[file("f", "x")]);
    let tx = images.begin("test").unwrap();
    let put = |media: &str, bytes: &[u8]| {
        let descriptor = Descriptor { media_type: media.to_owned(), ..descriptor(bytes) };
        tx.put(&descriptor, bytes).unwrap();
        descriptor
    };
    let json = |value: &serde_json::Value| serde_json::to_vec(value).unwrap();
    let manifest = "application/vnd.oci.image.manifest.v1+json";
    let blob = put("application/vnd.oci.image.layer.v1.tar", &layer);
    let conf = put("application/vnd.oci.image.config.v1+json", &config(&[layer]));
    let image = put(
        manifest,
        &json(
            &serde_json::json!({"schemaVersion":2,"mediaType":manifest,"config":conf,"layers":[blob]}),
        ),
    );
    let empty = put("application/vnd.oci.empty.v1+json", b"{}");
    let signature = put(
        manifest,
        &json(&serde_json::json!({
        "schemaVersion":2,"mediaType":manifest,"artifactType":"application/x-signature",
        "config":empty,"layers":[],"subject":image,"annotations":{"by":"me"}})),
    );
    let other = Descriptor::new(manifest, Digest::sha256(b"never fetched"), 5);
    let index_type = "application/vnd.oci.image.index.v1+json";
    let index = put(
        index_type,
        &json(&serde_json::json!({
        "schemaVersion":2,"mediaType":index_type,"manifests":[
            {"mediaType":manifest,"digest":other.digest,"size":5,"platform":{"os":"linux","architecture":"s390x"}},
            {"mediaType":manifest,"digest":image.digest,"size":image.size,"platform":{"os":"linux","architecture":"amd64"}}]})),
    );
    let amd64 = isopod_images::platform::parse("linux/amd64").unwrap();
    let found = tx.commit(&index, &amd64, &["multi:1".to_owned()]).unwrap();
    assert_eq!(found.manifest.digest, image.digest);
    tx.commit_referrer(&signature).unwrap();
    drop(tx);
    let referrers = images.referrers(&image.digest, Some("application/x-signature")).unwrap();
    assert_eq!(referrers[0].annotations["by"], "me");
    assert!(images.referrers(&image.digest, Some("other")).unwrap().is_empty());
    images.collect(&CollectPolicy::default()).unwrap();
    assert!(images.content().contains(&signature.digest), "kept with its subject");
    let missing = isopod_images::platform::parse("linux/riscv64").unwrap();
    let error = images.resolve("multi:1", Some(&missing)).unwrap_err();
    assert!(error.to_string().contains("linux/riscv64; it has"), "{error}");
    // What is saved loads with its signature, though the index is not whole here.
    let item =
        isopod_images::SaveItem { image: found, names: vec![("multi:1".into(), "multi:1".into())] };
    let mut archive = Vec::new();
    images.save(&[item], &mut archive).unwrap();
    let second = crate::support::store();
    let loaded = crate::support::load(&second.images, &archive).unwrap();
    assert_eq!(loaded[0].image.manifest.digest, image.digest);
    assert_eq!(second.images.referrers(&image.digest, None).unwrap().len(), 1);
    images.remove("multi:1", RemoveOptions::default(), &|_| Vec::new()).unwrap();
    assert_eq!(images.content().list().unwrap().len(), 0);
    assert!(images.referrers(&image.digest, None).unwrap().is_empty());
}

#[test]
fn unknown_media_types_are_named() {
    let store = store();
    let tx = store.images.begin("test").unwrap();
    let bytes = br#"{"schemaVersion":2,"mediaType":"application/x-what"}"#;
    let target = Descriptor { media_type: "application/x-what".into(), ..descriptor(bytes) };
    tx.put(&target, bytes).unwrap();
    let host = isopod_images::platform::host();
    let error = tx.commit(&target, &host, &["odd:1".to_owned()]).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("odd:1") && text.contains("application/x-what"), "{text}");
}

#[test]
fn plain_layers_are_compressed_in_place() {
    if !is_root("plain_layers_are_compressed_in_place") {
        return;
    }
    let store = store();
    let layers = [tar(&[dir("etc/"), file("etc/a", &"one ".repeat(5000))]), tar(&[file("b", "2")])];
    let plain = load_one(&store.images, &docker_archive("zip:1", &layers));
    store.images.tag("zip:1", "zip:2").unwrap();
    let before = contents(&store.images, &plain);
    let small = store.images.compress("zip:1", None).unwrap();
    assert_eq!((&small.id, &small.diff_ids), (&plain.id, &plain.diff_ids));
    assert_eq!(small.names, ["zip:1", "zip:2"]);
    for layer in &small.layers {
        assert_eq!(layer.media_type, isopod_oci::image::media_type::LAYER_GZIP);
    }
    assert!(small.layers[0].size < plain.layers[0].size / 10);
    assert_eq!(contents(&store.images, &small), before);
    // One form is left, and it is whole.
    assert_eq!(store.images.list().unwrap().len(), 1);
    assert!(!store.images.content().contains(&plain.layers[0].digest));
    assert_clean(&store.images);
    let again = store.images.compress("zip:2", None).unwrap();
    assert_eq!(again.target, small.target);
    store.images.remove(&small.id.to_string(), force(), &|_| Vec::new()).unwrap();
    assert!(store.images.content().list().unwrap().is_empty());
}

fn force() -> RemoveOptions {
    RemoveOptions { force: true, ..RemoveOptions::default() }
}
