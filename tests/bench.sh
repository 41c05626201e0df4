#!/usr/bin/env bash
# Measures hookgate beside a bare axum responder, the same with a group commit, and the same with an awaited producer, in
# turns on one machine: server on core 0, sender and a real Apache Kafka on core 1. Prints a table; checks that every 200
# is in Kafka exactly once. Ratios are worth comparing between machines, rates are not.
#
#   tests/bench.sh                                     5 s a run, 64 and 256 connections: about 6 minutes after the build
#   SECONDS_A_RUN=2 CONNECTIONS=64 tests/bench.sh      a quick look

# shellcheck source=deploy/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../deploy/setup.sh"

need_rust
need_build_tools
need maven "fetches Apache Kafka" command -v mvn
need default-jre-headless "runs Apache Kafka" command -v java
need util-linux "pins programs to cores" command -v taskset
install_needed
need_kafka
[ "$(nproc)" -ge 2 ] || fail "two cores are needed: one for the server, one for sender and Kafka"

say "Building (release; 10 minutes or so the first time on two cores, seconds later)"
benches=(--bench load --bench baseline)
# The way in up to dedupe with nothing behind it, where the benchmark for it exists.
if grep -q '^name = "pipeline"$' Cargo.toml; then benches+=(--bench pipeline); fi
built=$(cargo bench --locked --no-run "${benches[@]}" --message-format=json-render-diagnostics) || fail "the build failed"

# The path of a built program, by the name of its target.
program() {
  grep '"reason":"compiler-artifact"' <<<"$built" | grep "\"name\":\"$1\"" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1
}

options=(--hookgate "$(program hookgate)" --baseline "$(program baseline)"
  --seconds "${SECONDS_A_RUN:-5}" --connections "${CONNECTIONS:-64,256}" --out "$target/bench")
[ -z "$(program pipeline)" ] || options+=(--pipeline "$(program pipeline)")

load=$(cut -d' ' -f1 /proc/loadavg)
say "Measuring (load average $load: the quieter the machine, the truer the figures)"
mkdir -p "$target/bench"
taskset -c 1 "$(program load)" "${options[@]}" | tee "$target/bench/report.md"
say "Written to $target/bench: report.md, runs.jsonl"
