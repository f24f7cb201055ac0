# Sourced by scripts/bench: starting, entering and removing containers, beside runc.

say "Runtime: isopod beside $(runc --version | head -n 1)"

# State in memory for both, as /run is where there is an init system.
runtime_state=$(mktemp -d /dev/shm/isopod-bench.XXXXXX)
isopod_runtime=$(dirname "$isopod")/isopod-runtime
ln -sf isopod "$isopod_runtime"
export ISOPOD_DATA_ROOT="$work/data" ISOPOD_EXEC_ROOT="$work/exec" ISOPOD_HOST="unix://$work/s.sock"

runtime_cleanup() {
    status=$?
    trap - EXIT INT TERM
    "$isopod" ps --all --quiet 2>/dev/null | xargs -r "$isopod" rm --force >/dev/null 2>&1 || :
    "$isopod" system shutdown >/dev/null 2>&1 || :
    rm -rf "$work" "$runtime_state"
    exit "$status"
}
trap runtime_cleanup EXIT
trap 'exit 130' INT TERM

# A bundle with all namespaces, cgroups and docker's seccomp rules, and a static `true`.
mkdir -p "$work/bundle/rootfs/bin"
printf 'int main(void) { return 0; }\n' >"$work/true.c"
gcc -O2 -static -o "$work/bundle/rootfs/bin/true" "$work/true.c"
(cd "$work/bundle" && runc spec)
"$isopod" runtime features | jq '.linux.seccomp.enabled' | grep -q true || fail "seccomp is off"
jq '.process.terminal = false | .process.args = ["/bin/true"]
    | .linux.namespaces += [{"type": "cgroup"}] | .linux.namespaces |= unique_by(.type)
    | .linux.resources += {"memory": {"limit": 67108864}, "cpu": {"shares": 512}, "pids": {"limit": 64}}
    | .linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["kexec_load", "reboot", "swapon", "swapoff", "mount", "umount2",
            "init_module", "finit_module", "delete_module", "bpf", "ptrace", "keyctl"],
            "action": "SCMP_ACT_ERRNO"}]}' \
    "$work/bundle/config.json" >"$work/config.json"
mv "$work/config.json" "$work/bundle/config.json"

ours="$isopod_runtime --root $runtime_state/ours"
theirs="runc --root $runtime_state/theirs"
compare "run of a static true" 0.15 "$ours run --bundle $work/bundle ours" "$theirs run --bundle $work/bundle theirs"

# many COMMAND: 32 at once, median of five rounds in milliseconds.
many() {
    for round in 1 2 3 4 5; do
        begin=$(now_ms)
        for number in $(seq 32); do $1 run --bundle "$work/bundle" "many-$number" & done
        wait
        echo $(($(now_ms) - begin))
    done | sort -n | sed -n 3p
}
report "32 runs at once" 0.15 "$(many "$ours")" "$(many "$theirs")"

# phases COMMAND: medians of create, start and delete over 20 containers, in milliseconds.
phases() {
    for number in $(seq 20); do
        id=phase-$number
        t0=$(date +%s%N)
        $1 create --bundle "$work/bundle" "$id" </dev/null >/dev/null 2>&1
        t1=$(date +%s%N)
        $1 start "$id"
        t2=$(date +%s%N)
        # The program has ended by the time that it is deleted, as it usually has.
        until $1 state "$id" | grep -q '"stopped"'; do :; done
        t3=$(date +%s%N)
        $1 delete "$id"
        t4=$(date +%s%N)
        echo "$((t1 - t0)) $((t2 - t1)) $((t4 - t3))"
    done >"$work/phases"
    for column in 1 2 3; do
        cut -d' ' -f"$column" "$work/phases" | sort -n | sed -n 10p | awk '{print $1 / 1e6}'
    done | tr '\n' ' '
}
read -r our_create our_start our_delete <<NUMBERS
$(phases "$ours")
NUMBERS
read -r their_create their_start their_delete <<NUMBERS
$(phases "$theirs")
NUMBERS
report "create" 1 "$our_create" "$their_create"
report "start" 1 "$our_start" "$their_start"
report "delete" 1 "$our_delete" "$their_delete"

say "Engine: isopod run"
tar -C "$work/bundle/rootfs" -cf "$work/true.tar" .
mkdir -p "$work/box/bin" && cp /bin/busybox "$work/box/bin/busybox"
for applet in sh sleep true; do ln -sf busybox "$work/box/bin/$applet"; done
tar -C "$work/box" -cf "$work/box.tar" .
"$isopod" import "$work/true.tar" bench-true >/dev/null
"$isopod" import "$work/box.tar" bench-box >/dev/null
hyperfine -N --style none --warmup 3 --runs "${RUNS:-50}" --export-json "$work/result.json" \
    "$isopod run --rm --network none bench-true /bin/true" >/dev/null
through_engine=$(medians "$work/result.json")
hyperfine -N --style none --warmup 3 --runs "${RUNS:-50}" --export-json "$work/result.json" \
    "$ours run --bundle $work/bundle ours" >/dev/null
alone=$(medians "$work/result.json")
awk -v engine="$through_engine" -v alone="$alone" 'BEGIN {
    printf "  run --rm through the engine %.2f ms, the container alone %.2f ms: %.2f ms more (at most 15: %s)\n",
        engine, alone, engine - alone, engine - alone <= 15 ? "held" : "NOT held" }'

# pss_kib PID...: proportional memory of processes in KiB.
pss_kib() {
    for pid in "$@"; do cat "/proc/$pid/smaps_rollup" 2>/dev/null || :; done |
        awk '/^Pss:/ {sum += $2} END {print sum + 0}'
}
engine_pid() { "$isopod" system info --format '{{.EnginePid}}'; }
count=${CONTAINERS:-200}
for number in $(seq "$count"); do
    "$isopod" run --detach --network none --name "mem-$number" bench-box sleep 3600 >/dev/null
done
engine=$(pss_kib "$(engine_pid)")
supervisors=$(pss_kib $(pgrep -f "supervisor.*$work" || :))
awk -v n="$count" -v e="$engine" -v s="$supervisors" 'BEGIN {
    printf "  %d running containers: engine %.1f MiB, supervisors %.1f MiB PSS: %.0f KiB a container (at most 1024: %s)\n",
        n, e / 1024, s / 1024, (e + s) / n, (e + s) / n <= 1024 ? "held" : "NOT held" }'
"$isopod" ps --quiet | xargs "$isopod" rm --force >/dev/null

before=$(awk '/^VmRSS/ {print $2}' "/proc/$(engine_pid)/status")
cycles=${CYCLES:-1000}
for number in $(seq "$cycles"); do
    "$isopod" run --rm --network none bench-true /bin/true
done
after=$(awk '/^VmRSS/ {print $2}' "/proc/$(engine_pid)/status")
note "engine's RSS before and after $cycles start/stop cycles: $before KiB, $after KiB"
