# Sourced by scripts/bench: the engine beside dockerd, both driven by the same docker command.

say "Engine: isopod beside $(dockerd --version | cut -d, -f1)"
need wrk

area=$work/engine
mkdir -p "$area"
export ISOPOD_DATA_ROOT="$area/data" ISOPOD_EXEC_ROOT="$area/exec" ISOPOD_HOST="unix://$area/ours.sock"
unset DOCKER_HOST DOCKER_CONTEXT || :
ours="docker --host unix://$area/ours.sock"
theirs="docker --host unix://$area/theirs.sock"
sandboxes=

engine_cleanup() {
    status=$?
    trap - EXIT INT TERM
    for docker in "$ours" "$theirs"; do
        $docker ps --all --quiet 2>/dev/null | xargs -r $docker rm --force >/dev/null 2>&1 || :
    done
    "$isopod" system shutdown >/dev/null 2>&1 || :
    [ ! -s "$area/dockerd.pid" ] || kill "$(cat "$area/dockerd.pid")" 2>/dev/null || :
    sleep 2
    for pid in $sandboxes; do kill "$pid" 2>/dev/null || :; done
    rm -rf "$work"
    exit "$status"
}
trap engine_cleanup EXIT
trap 'exit 130' INT TERM

# A network namespace for each, so that the host's firewall and interfaces are left alone.
unshare --net sleep 86400 &
our_net=$!
unshare --net sleep 86400 &
their_net=$!
sandboxes="$our_net $their_net"
sleep 0.2
for pid in $sandboxes; do nsenter --net="/proc/$pid/ns/net" ip link set lo up; done
nsenter --net="/proc/$our_net/ns/net" "$isopod" version >/dev/null
nsenter --net="/proc/$their_net/ns/net" dockerd --host "unix://$area/theirs.sock" --data-root "$area/docker" \
    --exec-root "$area/docker-exec" --pidfile "$area/dockerd.pid" --storage-driver overlay2 \
    >"$area/dockerd.log" 2>&1 &
tries=0
until $theirs version >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || fail "dockerd did not start: $(tail -n 3 "$area/dockerd.log")"
    sleep 0.2
done

mkdir -p "$area/box/bin"
cp /bin/busybox "$area/box/bin/busybox"
for applet in sh sleep true cat seq yes head rm touch; do ln -sf busybox "$area/box/bin/$applet"; done
tar -C "$area/box" -cf "$area/box.tar" .
for docker in "$ours" "$theirs"; do $docker import "$area/box.tar" box >/dev/null; done

# pss_kib PID...: proportional memory of processes in KiB.
pss_kib() {
    for pid in "$@"; do cat "/proc/$pid/smaps_rollup" 2>/dev/null || :; done |
        awk '/^Pss:/ {sum += $2} END {print sum + 0}'
}
our_memory() { pss_kib "$("$isopod" system info --format '{{.EnginePid}}')" $(pgrep -f "supervisor.*$area" || :); }
their_memory() { pss_kib $(pgrep -f "$area/docker" || :) $(pgrep -f "containerd-shim.*$area/docker-exec" || :); }
# memory TITLE BAR OURS_KIB THEIRS_KIB
memory() {
    awk -v title="$1" -v bar="$2" -v ours="$3" -v theirs="$4" 'BEGIN {
        printf "  %-46s %9.1f MiB %8.1f MiB   ratio %.3f  (at most %s: %s)\n", title, ours / 1024,
            theirs / 1024, ours / theirs, bar, ours / theirs <= bar ? "held" : "NOT held" }'
}
sleep 2
idle=$(our_memory)
awk -v rss="$idle" 'BEGIN { printf "  idle engine: %.1f MiB PSS (at most 35: %s)\n", rss / 1024, rss / 1024 <= 35 ? "held" : "NOT held" }'

compare "docker run --rm on the bridge" 0.15 "$ours run --rm box true" "$theirs run --rm box true"

# many COMMAND: 32 at once, median of five rounds in milliseconds.
many() {
    for round in 1 2 3 4 5; do
        begin=$(now_ms)
        for number in $(seq 32); do $1 run --rm box true & done
        wait
        echo $(($(now_ms) - begin))
    done | sort -n | sed -n 3p
}
report "32 of them at once" 0.15 "$(many "$ours")" "$(many "$theirs")"

for docker in "$ours" "$theirs"; do $docker run --detach --name target box sleep 86400 >/dev/null; done
compare "docker exec" 0.3 "$ours exec target true" "$theirs exec target true"
for docker in "$ours" "$theirs"; do $docker rm --force target >/dev/null; done

# 1 GB of log lines of 100 bytes, read back.
megabytes=${LOG_MB:-1000}
for docker in "$ours" "$theirs"; do
    $docker run --name talker --log-opt max-size=4g box sh -c \
        "yes 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678 | head -c ${megabytes}000000" >/dev/null
done
RUNS=3 compare "docker logs of $megabytes MB" 0.333 "$ours logs talker" "$theirs logs talker"
for docker in "$ours" "$theirs"; do $docker rm talker >/dev/null; done

# Builds: twelve steps from the cache, and three stages that do not depend on each other.
mkdir -p "$area/cached" "$area/stages"
{
    echo 'FROM box'
    for number in $(seq 11); do echo "RUN echo $number > /step-$number"; done
} >"$area/cached/Dockerfile"
{
    for number in 1 2 3; do printf 'FROM box AS stage%s\nRUN sleep 1 && echo %s > /out\n' "$number" "$number"; done
    echo 'FROM box'
    for number in 1 2 3; do echo "COPY --from=stage$number /out /out-$number"; done
} >"$area/stages/Dockerfile"
export DOCKER_BUILDKIT=0
for docker in "$ours" "$theirs"; do $docker build --quiet "$area/cached" >/dev/null 2>&1; done
RUNS=10 compare "docker build, twelve steps from the cache" 0.2 "$ours build --quiet $area/cached" "$theirs build --quiet $area/cached"
RUNS=3 compare "docker build, three independent stages" 0.5 \
    "$ours build --quiet --no-cache $area/stages" "$theirs build --quiet --no-cache $area/stages"

# nginx behind a published port.
if [ ! -f "$target/bench-nginx.tar" ]; then
    note "making an image with nginx (once, kept in $target/bench-nginx.tar)"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
    release=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
    debootstrap --variant=minbase --include=nginx-light "$release" "$area/root" "$mirror" \
        >"$area/debootstrap.log" 2>&1 || fail "debootstrap failed: $(tail -n 3 "$area/debootstrap.log")"
    tar -C "$area/root" -cf "$target/bench-nginx.tar.new" .
    mv "$target/bench-nginx.tar.new" "$target/bench-nginx.tar"
    rm -rf "$area/root"
fi
# requests COMMAND NAMESPACE: requests a second to a published port.
requests() {
    $1 import "$target/bench-nginx.tar" nginx >/dev/null
    $1 run --detach --name web --publish 127.0.0.1:18080:80 nginx nginx -g 'daemon off;' >/dev/null
    tries=0
    until nsenter --net="/proc/$2/ns/net" curl -s -o /dev/null http://127.0.0.1:18080/; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || fail "nginx does not answer"
        sleep 0.1
    done
    nsenter --net="/proc/$2/ns/net" wrk --threads 1 --connections 16 --duration 5s http://127.0.0.1:18080/ |
        awk '/^Requests\/sec/ {print $2}'
    $1 rm --force web >/dev/null
}
our_requests=$(requests "$ours" "$our_net")
their_requests=$(requests "$theirs" "$their_net")
awk -v ours="$our_requests" -v theirs="$their_requests" 'BEGIN {
    printf "  %-46s %9.0f /s %11.0f /s   ratio %.3f  (at least 1.0: %s)\n", "requests to nginx behind a published port",
        ours, theirs, ours / theirs, ours >= theirs ? "held" : "NOT held" }'

count=${CONTAINERS:-200}
for docker in "$ours" "$theirs"; do
    for number in $(seq "$count"); do $docker run --detach box sleep 86400 >/dev/null; done
done
memory "$count running containers: all engine processes" 0.1 "$(our_memory)" "$(their_memory)"
