#!/usr/bin/env bash
# Checks everything: format, lints, documentation, all tests against a real Apache Kafka, what is shipped in deploy, that
# planted faults are caught, and that deploy/try.sh keeps its promise. Installs what it needs, says what and why; the
# second run takes seconds where nothing changed.
#
#   tests/run.sh            everything (about 25 minutes the first time on two cores)
#   tests/run.sh --fast     without what takes minutes: tests in a module `slow`, and the release build
#   tests/run.sh --strict   what was skipped counts as failed, as it does where CI is set
#
# The last line counts. Exit code 0 where nothing failed.

# shellcheck source=deploy/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../deploy/setup.sh"

fast='' strict=${CI-}
for argument in "$@"; do
  case "$argument" in
    --fast) fast=yes ;;
    --strict) strict=yes ;;
    *) fail "unknown argument $argument; it takes --fast and --strict" ;;
  esac
done

need_rust
cargo fmt --version >/dev/null 2>&1 || fail "cargo fmt is missing; run: rustup component add rustfmt"
cargo clippy --version >/dev/null 2>&1 || fail "cargo clippy is missing; run: rustup component add clippy"
need_build_tools
need maven "fetches Apache Kafka" command -v mvn
need default-jre-headless "runs Apache Kafka" command -v java
need kcat "reads from Kafka with other people's code" command -v kcat
need openssl "makes the keys of senders that have a pair" command -v openssl
need python3-venv "holds the tools that check the manifests and the Dockerfile" python3 -c 'import ensurepip, venv'
need shellcheck "checks these scripts" command -v shellcheck
need_faults
install_needed
need_kafka

logs=$target/checks
rm -rf "$logs"
mkdir -p "$logs"
passed=0 failed=0
failures=() skips=()

# check NAME WHAT COMMAND...: one check. What it says is shown where it fails.
check() {
  local name=$1 what=$2
  shift 2
  say "$what"
  if "$@" >"$logs/$name.log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    failures+=("$name: $logs/$name.log")
    tail -n 60 "$logs/$name.log"
  fi
}

# Runs the tests of all targets and adds up their counts.
tests() {
  local log=$logs/tests.log code=0 filter=()
  [ -z "$fast" ] || filter=(--skip slow::)
  if ! can_mount; then
    while read -r name; do
      filter+=(--skip "$name")
      skips+=("$name: volumes cannot be mounted here")
    done < <(mounting_tests)
  fi
  cargo test --locked --no-fail-fast -- "${filter[@]}" 2>&1 | tee "$log" | grep --line-buffered -v '\.\.\. ok$' || code=$?
  read -r ok bad < <(awk '/^test result:/ { ok += $4; bad += $6 } END { print ok + 0, bad + 0 }' "$log")
  passed=$((passed + ok))
  failed=$((failed + bad))
  while read -r name; do failures+=("$name: $log"); done < <(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log")
  while read -r name; do skips+=("$name"); done < <(sed -n 's/^test \(.*\) \.\.\. ignored, */\1: /p' "$log")
  if [ -n "$fast" ]; then
    while read -r name; do skips+=("$name: takes minutes (--fast)"); done < <(slow_tests)
  fi
  if [ "$code" -ne 0 ] && [ "$bad" -eq 0 ]; then
    failed=$((failed + 1))
    failures+=("the tests did not run to their end: $log")
  fi
}

# By their names: `full::` is a room of other tests too.
mounting_tests() { cargo test --locked -q --test chaos -- --list power:: full:: 2>/dev/null | sed -n 's/: test$//p'; }

slow_tests() { cargo test --locked -q -- --list slow:: 2>/dev/null | sed -n 's/: test$//p'; }

tools() {
  local venv=$target/tools
  cmp -s tests/requirements.txt "$venv/installed" && return 0
  rm -rf "$venv"
  python3 -m venv "$venv" &&
    "$venv/bin/pip" install -q --no-cache-dir --disable-pip-version-check -r tests/requirements.txt &&
    cp tests/requirements.txt "$venv/installed"
}

# Every manifest against every version of Kubernetes that it is meant for. kustomization.yaml never reaches a cluster.
manifests() {
  local version file
  for version in 1.31 1.32 1.33 1.34 1.35 1.36 1.37; do
    for file in deploy/kubernetes/*.yaml; do
      [ "$file" = deploy/kubernetes/kustomization.yaml ] && continue
      "$target/tools/bin/kubernetes-validate" --strict -k "$version" "$file" || return 1
    done
  done
}

# The engine of the fuzzers is a workspace of its own.
engine() {
  cargo fmt --check --manifest-path tests/fuzz/engine/Cargo.toml &&
    CARGO_TARGET_DIR=$target cargo clippy --locked --manifest-path tests/fuzz/engine/Cargo.toml -- -D warnings
}

check format "Format" cargo fmt --check
check lints "Lints (compiles; minutes the first time)" cargo clippy --locked --all-targets -- -D warnings
check engine "Format and lints of the fuzzers' engine" engine
# It is for whoever works on the code: private items are in it, and may be linked to.
check docs "Documentation" env RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' \
  cargo doc --locked --no-deps --document-private-items
check scripts "Shell scripts" shellcheck -x deploy/*.sh tests/*.sh .ci/run
check tools "Tools for manifests and Dockerfile (half a minute the first time)" tools
check dockerfile "Dockerfile" "$target/tools/bin/hadolint" Dockerfile
check manifests "Kubernetes manifests, strictly" manifests
say "Tests (compile; minutes the first time)"
tests
if [ -z "$fast" ]; then
  check fuzz "Fuzzers, 4 s a target (compile; minutes the first time)" tests/fuzz.sh --seconds 4
  if can_mount; then
    check planted "Planted faults, each of which must be caught (compiles; minutes)" tests/planted.sh
  else
    skips+=("tests/planted.sh: volumes cannot be mounted here")
  fi
  check try "deploy/try.sh --once (builds release; 10 minutes or so the first time)" deploy/try.sh --once
else
  skips+=("tests/fuzz.sh: compiles once more (--fast)" "tests/planted.sh: takes minutes (--fast)"
    "deploy/try.sh --once: builds release (--fast)")
fi

printf '\n'
for failure in "${failures[@]}"; do printf 'FAILED   %s\n' "$failure"; done
for skip in "${skips[@]}"; do printf 'skipped  %s\n' "$skip"; done
if [ -n "$strict" ] && [ ${#skips[@]} -gt 0 ]; then
  failed=$((failed + ${#skips[@]}))
  printf 'FAILED   what was skipped counts as failed here\n'
fi
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "${#skips[@]}"
[ "$failed" -eq 0 ]
