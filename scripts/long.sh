# Sourced by scripts/test --long: what takes longer than every change can wait for.

# Minutes for each fuzz target.
minutes=${FUZZ_MINUTES:-10}
command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz
need g++
for name in $(sed -n 's/^name = "\([a-z_]*\)"$/\1/p' fuzz/Cargo.toml); do
    # cargo-fuzz wants unstable flags of the compiler; a stable one takes them under this name.
    # The sanitizer needs the C library as a shared one, unlike the product.
    step "Fuzz $name for $minutes minutes" env RUSTC_BOOTSTRAP=1 RUSTFLAGS="-C relocation-model=pic" \
        cargo fuzz run "$name" -- -max_total_time=$((minutes * 60)) -timeout=10 -rss_limit_mb=2048 -max_len=65536
done

# 1,000 kills of engine and supervisor while a container counts; a seed reproduces a run.
counted "1,000 random kills" env ISOPOD_TEST_KILLS=1000 ISOPOD_TEST_SEED="${SEED:-1}" \
    cargo test --locked --package isopod-engine --test engine -- killed_supervisors_and_engines

# The engine is killed while 50 containers run, start, log, serve and are built.
counted "200 kills of the engine under load" env ISOPOD_TEST_KILLS=200 ISOPOD_TEST_CONTAINERS=50 \
    ISOPOD_TEST_SEED="${SEED:-1}" cargo test --locked --package isopod --test e2e -- killed_under_load

counted "A soak of 100,000 containers" env ISOPOD_TEST_CYCLES="${CYCLES:-100000}" \
    cargo test --locked --package isopod --test e2e -- the_engine_does_not_grow
