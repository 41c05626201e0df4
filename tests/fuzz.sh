#!/usr/bin/env bash
# Looks for bytes that break what the targets in tests/fuzz/targets say must hold: libFuzzer, led by the branches of our own
# code. Begins at the kept corpus (tests/fuzz/corpus) and at what earlier runs found, which lies under target/fuzz.
#
#   tests/fuzz.sh                            every target, 60 s each
#   tests/fuzz.sh json form --seconds 600    these, 10 minutes each
#   tests/fuzz.sh head --seed 7              the same choices again
#
# A line a target: what was run, for how long, how many edges of the code were reached. Exit code 1 where something was
# found; the bytes that did it are kept, and belong into the corpus once it is mended.

# shellcheck source=deploy/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../deploy/setup.sh"

known() { sed -n 's/^    ("\([a-z_]*\)", .*::run),$/\1/p' tests/fuzz/targets/mod.rs; }

seconds=60 seed=$((RANDOM + 1)) targets=()
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds | --seed)
      [[ "${2-}" =~ ^[1-9][0-9]*$ ]] || fail "$1 takes a number from 1"
      if [ "$1" = --seed ]; then seed=$2; else seconds=$2; fi
      shift 2
      ;;
    *)
      known | grep -qx -- "$1" || fail "unknown target $1; there are: $(known | paste -sd ' ')"
      targets+=("$1")
      shift
      ;;
  esac
done
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(known)

need_rust
need_build_tools
install_needed

engine=$PWD/tests/fuzz/engine
say "Building (minutes the first time, seconds later)"
(
  cd "$engine"
  export CARGO_TARGET_DIR=$target RUSTC_WRAPPER=$engine/rustc.sh
  cargo build --locked
) || fail "the build failed"

finds=$target/fuzz/finds
mkdir -p "$finds"
say "Fuzzing ${#targets[@]} targets, $seconds s each, seed $seed"
found=0 executions=0 time=0
for name in "${targets[@]}"; do
  learnt=$target/fuzz/corpus/$name log=$target/fuzz/$name.log
  mkdir -p "$learnt"
  code=0 begun=$SECONDS
  HOOKGATE_FUZZ_TARGET=$name nice -n 19 "$target/debug/hookgate-fuzz" -max_total_time="$seconds" -seed="$seed" \
    -max_len=6000 -timeout=20 -print_final_stats=1 -artifact_prefix="$finds/$name-" \
    "$learnt" "tests/fuzz/corpus/$name" >"$log" 2>&1 || code=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  executions=$((executions + ${runs:-0})) time=$((time + SECONDS - begun))
  verdict=holds
  if [ "$code" -ne 0 ]; then
    found=$((found + 1))
    verdict="BROKEN: $(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1) ($log)"
    grep -A 4 "panicked at" "$log" || tail -n 5 "$log"
  fi
  printf '%-16s %12s runs %6s s %8s edges   %s\n' "$name" "${runs:-?}" "$((SECONDS - begun))" "${edges:-?}" "$verdict"
done
printf '%s executions in %s s, %s of %s targets broken\n' "$executions" "$time" "$found" "${#targets[@]}"
[ "$found" -eq 0 ]
