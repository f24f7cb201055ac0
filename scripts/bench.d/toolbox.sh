# Sourced by scripts/bench: the toolbox beside busybox-static and the GNU tools, on large inputs.

say "Toolbox: each command on large inputs, beside busybox-static and GNU"
need busybox-static coreutils findutils bzip2 xz-utils
cargo build --release --locked --package isobox
isobox=$(dirname "$isopod")/isobox
note "isobox: $(($(wc -c <"$isobox") / 1024)) KiB, $("$isobox" --list | wc -l) functions"

input=$work/input
mkdir -p "$input/tree"
# The same every time: a list of numbers in an order that looks random, and words.
awk 'BEGIN { x = 1; for (i = 0; i < 1500000; i++) { x = (x * 1103515245 + 12345) % 2147483648
    printf "%d\tfield%d some words here %x\n", x, i % 1000, x } }' >"$input/lines"
cut -f 1 "$input/lines" >"$input/numbers"
sort "$input/lines" | cut -f 2 | sort >"$input/sorted"
i=0
while [ $i -lt 100 ]; do
    mkdir -p "$input/tree/d$i"
    (cd "$input/tree/d$i" && seq 1 50 | xargs touch)
    i=$((i + 1))
done

# versus NAME ARGUMENTS: medians of the three, and the ratios.
versus() {
    name=$1
    shift
    hyperfine --style none --warmup 1 --runs "${RUNS:-7}" --export-json "$work/result.json" \
        "$isobox $name $* >/dev/null" "/bin/busybox $name $* >/dev/null" "$name $* >/dev/null" \
        >/dev/null 2>"$work/hyperfine.log" || {
        note "$name $*: $(head -n 1 "$work/hyperfine.log")"
        return 0
    }
    # shellcheck disable=SC2046
    set -- "$name $*" $(medians "$work/result.json")
    awk -v n="$1" -v a="$2" -v b="$3" -v g="$4" 'BEGIN {
        gsub(/[^ ]*\//, "", n)
        printf "  %-34s %9.1f ms   busybox %9.1f ms (%.2f)   gnu %9.1f ms (%.2f)\n", n, a, b, a / b, g, a / g }'
}

versus cat "$input/lines"
versus wc "$input/lines"
versus wc -l "$input/lines"
versus sort "$input/lines"
versus sort -n "$input/numbers"
versus sort -k2 "$input/lines"
versus uniq "$input/sorted"
versus uniq -c "$input/sorted"
versus cut -f 1 "$input/lines"
versus cut -c 1-10 "$input/lines"
versus tr a-z A-Z "<$input/lines"
versus tr -d 0-9 "<$input/lines"
versus head -n 1000000 "$input/lines"
versus tail -n 1000000 "$input/lines"
versus tac "$input/lines"
versus md5sum "$input/lines"
versus sha1sum "$input/lines"
versus sha256sum "$input/lines"
versus sha512sum "$input/lines"
versus base64 "$input/lines"
versus od "$input/numbers"
versus seq 2000000
versus find "$input/tree" -name 7
versus du -s "$input/tree"
versus ls -lR "$input/tree"
versus dd "if=$input/lines" bs=64k
gzip -c "$input/lines" >"$input/lines.gz"
bzip2 -c "$input/lines" >"$input/lines.bz2"
xz -1 -c "$input/lines" >"$input/lines.xz"
tar cf "$input/tree.tar" -C "$input" tree lines
mkdir "$input/unpacked"
versus gzip -c "$input/lines"
versus gzip -dc "$input/lines.gz"
versus bzip2 -dc "$input/lines.bz2"
versus xz -dc "$input/lines.xz"
versus tar cf - -C "$input" tree lines
versus tar tf "$input/tree.tar"
versus tar xf "$input/tree.tar" -C "$input/unpacked"

say "Starting: true work is none"
for name in basename cat ls; do
    hyperfine -N --style none --warmup 20 --runs "${RUNS:-200}" --export-json "$work/result.json" \
        "$isobox $name /dev/null" "/bin/busybox $name /dev/null" >/dev/null 2>&1 || continue
    # shellcheck disable=SC2046
    set -- "$name" $(medians "$work/result.json")
    awk -v n="$1" -v a="$2" -v b="$3" 'BEGIN { printf "  %-34s %9.2f ms   busybox %9.2f ms (%.2f)\n", n, a, b, a / b }'
done
