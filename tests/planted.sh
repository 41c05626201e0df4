#!/usr/bin/env bash
# Plants faults of the kind that loses webhooks (tests/faults) in a copy of the source, and looks whether the rows of
# tests/chaos catch them. Takes a few minutes, most of which is the compiler's.
#
# Exit code 0 where each fault was caught, by the row that is to catch it, and the same rows find nothing without one.

# shellcheck source=deploy/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../deploy/setup.sh"

# fault, row, what the row says of it
faults=(
  "ack-before-sync     model  was told safe, and a power cut would take it"
  "sync-again          model  was told safe, and a power cut would take it"
  "checksum-not-checked damage what comes is what was kept"
  "cursor-over-records kill   [1-9][0-9]* lost"
  "settle-before-write full   [1-9][0-9]* lost"
  "write-error-ignored errors [1-9][0-9]* lost"
)

need_rust
need_build_tools
need maven "fetches Apache Kafka" command -v mvn
need default-jre-headless "runs Apache Kafka" command -v java
need patch "plants the faults" command -v patch
need_faults
install_needed
need_kafka

planted=$target/planted
tree=$planted/tree
say "Planting (in $tree) and building"
rm -rf "$tree"
mkdir -p "$tree" "$planted/debug"
tar --exclude=./.git --exclude=./target -cf - . | tar -xf - -C "$tree"
for patch in tests/faults/planted.patch tests/faults/[!p]*.patch; do
  patch -s -p1 -d "$tree" <"$patch" || fail "$patch does not apply any more; tests/faults/README.md says what to do"
done
# Dependencies are the same, and have been built: they are linked. What is ours must be made anew.
for part in deps build .fingerprint; do
  [ -d "$target/debug/$part" ] || continue
  mkdir -p "$planted/debug/$part"
  link=(-l)
  [ "$part" != .fingerprint ] || link=()
  find "$target/debug/$part" -mindepth 1 -maxdepth 1 ! -name 'hookgate-*' ! -name 'libhookgate-*' ! -name 'chaos-*' \
    -exec cp -an "${link[@]}" -t "$planted/debug/$part" {} +
done
export CARGO_TARGET_DIR=$planted
cd "$tree"
cargo test --locked --no-run --lib --test chaos || fail "the build failed"

# row FAULT NAME: runs a row with a fault, or with none.
row() {
  local of=(--test chaos -- "$2::")
  case "$2" in
    model) of=(--lib -- spool::tests::model::slow::the_spool) ;;
    damage) of=(--lib -- spool::tests::blows::) ;;
  esac
  HOOKGATE_PLANTED=$1 cargo test --locked "${of[@]}" >"$planted/$1-$2.log" 2>&1
}

missed=0 controlled=''
for line in "${faults[@]}"; do
  read -r fault name words <<<"$line"
  if [[ $controlled != *" $name "* ]]; then
    controlled+=" $name "
    row none "$name" || {
      missed=$((missed + 1))
      printf 'without any fault, %s fails: %s\n' "$name" "$planted/none-$name.log"
    }
  fi
  if row "$fault" "$name"; then
    missed=$((missed + 1))
    printf '%s was not caught by %s\n' "$fault" "$name"
  elif ! grep -Eq -- "$words" "$planted/$fault-$name.log"; then
    missed=$((missed + 1))
    printf '%s: %s failed for another reason: %s\n' "$fault" "$name" "$planted/$fault-$name.log"
  else
    printf '%s was caught by %s: %s\n' "$fault" "$name" "$(grep -Eom1 -- ".{0,60}$words.{0,40}" "$planted/$fault-$name.log")"
  fi
done
[ "$missed" -eq 0 ] || fail "$missed of the checks went wrong"
