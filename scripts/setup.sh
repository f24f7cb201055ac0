# Sourced by demo, test and bench: finds what is missing on a Debian machine and installs it,
# then builds isopod. POSIX shell, idempotent.

set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
target=${CARGO_TARGET_DIR:-$root/target}

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
note() { printf '  %s\n' "$*"; }
fail() {
    printf '\nerror: %s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this step needs root: run it as root, or install sudo"
    fi
}

# need PACKAGE...: installs the Debian packages that are not there yet.
need() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || fail "please install:$missing (only Debian is set up by itself)"
    note "installing:$missing"
    mkdir -p "$target"
    log=$target/setup.log
    # Daemons that packages bring must not start: the tests start their own, apart from the host.
    if ! {
        as_root apt-get update -q &&
            # shellcheck disable=SC2086
            as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
                apt-get install -y -q --no-install-recommends $missing
    } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        fail "apt-get could not install:$missing (whole output: $log)"
    fi
}

have_rust() {
    command -v cargo >/dev/null || [ ! -x "$HOME/.cargo/bin/cargo" ] || PATH=$HOME/.cargo/bin:$PATH
    command -v cargo >/dev/null || fail "no cargo: install a Rust toolchain (1.91 or newer) first"
    version=$(rustc --version | cut -d' ' -f2)
    minor=$(printf '%s' "$version" | cut -d. -f2)
    [ "$minor" -ge 91 ] || fail "rustc $version is too old: isopod needs 1.91 or newer"
}

# build: makes the release binary; $isopod is its path afterwards.
build() {
    need gcc libc6-dev
    have_rust
    say "Building isopod (the first time takes some minutes)"
    cargo build --release --locked --package isopod --package isobox
    triple=$(rustc -vV | sed -n 's/^host: //p')
    isopod=$target/$triple/release/isopod
    note "$isopod: $(($(wc -c <"$isopod") / 1024)) KiB, one static file"
}
