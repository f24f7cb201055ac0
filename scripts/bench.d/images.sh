# Sourced by scripts/bench: loading an archive and pulling from a registry, beside docker.

say "Images: isopod beside dockerd and docker-registry"
need skopeo tar

images=$work/images
mkdir -p "$images"
# Kept between runs: making it takes minutes and is not what is measured.
archive=$target/bench-image.tar
export ISOPOD_DATA_ROOT="$images/data" ISOPOD_EXEC_ROOT="$images/exec" ISOPOD_HOST="unix://$images/s.sock"
unset DOCKER_HOST DOCKER_CONTEXT || :

images_cleanup() {
    status=$?
    trap - EXIT INT TERM
    "$isopod" system shutdown >/dev/null 2>&1 || :
    for file in dockerd registry; do
        [ ! -s "$images/$file.pid" ] || kill "$(cat "$images/$file.pid")" 2>/dev/null || :
    done
    sleep 2
    [ -z "${sandbox:-}" ] || kill "$sandbox" 2>/dev/null || :
    rm -rf "$work"
    exit "$status"
}
trap images_cleanup EXIT
trap 'exit 130' INT TERM

# make_archive: a docker-archive of real Debian software, over 300 MB in six layers.
make_archive() {
    note "making the image (once, kept in $archive)"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
    release=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
    debootstrap --variant=minbase --include=nginx-light,perl,python3,git,g++ \
        "$release" "$images/root" "$mirror" >"$images/debootstrap.log" 2>&1 ||
        fail "debootstrap failed: $(tail -n 3 "$images/debootstrap.log")"
    rm -rf "$images/root/var/cache/apt/archives"
    mkdir "$images/archive"
    set -- usr/lib/gcc usr/share usr/lib/x86_64-linux-gnu usr/lib usr/bin .
    done_paths=
    layers=
    diff_ids=
    for path in "$@"; do
        # shellcheck disable=SC2086
        tar -C "$images/root" --numeric-owner $done_paths -cf "$images/archive/layer.tar" "./${path#.}"
        sum=$(sha256sum "$images/archive/layer.tar" | cut -d' ' -f1)
        mkdir "$images/archive/$sum"
        mv "$images/archive/layer.tar" "$images/archive/$sum/layer.tar"
        layers="$layers\"$sum/layer.tar\" "
        diff_ids="$diff_ids\"sha256:$sum\" "
        done_paths="$done_paths --exclude=./$path/*"
    done
    jq -n --argjson ids "[$(echo $diff_ids | tr ' ' ,)]" '{architecture: "amd64", os: "linux",
        created: "2024-01-01T00:00:00Z", config: {Cmd: ["/usr/bin/true"]},
        rootfs: {type: "layers", diff_ids: $ids}}' >"$images/archive/config.json"
    jq -n --argjson layers "[$(echo $layers | tr ' ' ,)]" \
        '[{Config: "config.json", RepoTags: ["bench-debian:latest"], Layers: $layers}]' \
        >"$images/archive/manifest.json"
    tar -C "$images/archive" -cf "$archive.new" .
    mv "$archive.new" "$archive"
    rm -rf "$images/root" "$images/archive"
}
[ -f "$archive" ] || make_archive
note "$(du -m "$archive" | cut -f1) MB in $(tar -tf "$archive" | grep -c 'layer.tar$') layers"

# dockerd gets a network namespace of its own, so that it leaves the host's firewall alone.
unshare --net sleep 86400 &
sandbox=$!
sleep 0.2
inside() { nsenter --net="/proc/$sandbox/ns/net" "$@"; }
inside ip link set lo up
inside dockerd --host "unix://$images/docker.sock" --data-root "$images/docker" \
    --exec-root "$images/docker-exec" --pidfile "$images/dockerd.pid" --storage-driver overlay2 \
    --iptables=false --bridge=none >"$images/dockerd.log" 2>&1 &
their_docker() { docker --host "unix://$images/docker.sock" "$@"; }
tries=0
until their_docker version >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || fail "dockerd did not start: $(tail -n 3 "$images/dockerd.log")"
    sleep 0.2
done
# The engine shares that namespace, so that both pull over the same loopback.
inside "$isopod" version >/dev/null

# rounds CLEAN COMMAND: median of five rounds in milliseconds; the clean-up is not measured.
rounds() {
    for round in 1 2 3 4 5; do
        $1 >/dev/null 2>&1 || :
        sync
        begin=$(now_ms)
        $2 >/dev/null || fail "failed: $2"
        echo $(($(now_ms) - begin))
    done | sort -n | sed -n 3p
}
ours_clean() { "$isopod" rmi --force bench-debian localhost:5000/bench-debian; "$isopod" system prune --force --all; }
theirs_clean() { their_docker rmi --force bench-debian localhost:5000/bench-debian; their_docker system prune --force --all; }
ours_load() { "$isopod" load --input "$archive"; }
theirs_load() { their_docker load --input "$archive"; }
report "load to runnable" 0.33 "$(rounds ours_clean ours_load)" "$(rounds theirs_clean theirs_load)"

cat >"$images/registry.yml" <<CONF
version: 0.1
storage: {filesystem: {rootdirectory: $images/registry}}
http: {addr: "127.0.0.1:5000"}
CONF
# Not through the function: a function in the background is a process of its own, between.
nsenter --net="/proc/$sandbox/ns/net" docker-registry serve "$images/registry.yml" \
    >"$images/registry.log" 2>&1 &
echo $! >"$images/registry.pid"
sleep 1
their_docker tag bench-debian localhost:5000/bench-debian
their_docker push --quiet localhost:5000/bench-debian >/dev/null || fail "docker push failed"
ours_pull() { inside "$isopod" pull --quiet localhost:5000/bench-debian; }
theirs_pull() { their_docker pull --quiet localhost:5000/bench-debian; }
report "pull from a registry on loopback" 0.5 "$(rounds ours_clean ours_pull)" "$(rounds theirs_clean theirs_pull)"

ours_clean >/dev/null 2>&1 || :
"$isopod" system shutdown >/dev/null
inside "$isopod" version >/dev/null
sleep 2
rss=$(awk '/^VmRSS/ {print $2}' "/proc/$("$isopod" system info --format '{{.EnginePid}}')/status")
awk -v rss="$rss" 'BEGIN {
    printf "  idle engine: %.1f MiB RSS (at most 30: %s)\n", rss / 1024, rss / 1024 <= 30 ? "held" : "NOT held" }'
