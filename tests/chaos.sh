#!/usr/bin/env bash
# Tries to break the promise that nothing acknowledged is lost, at the large size: kills, power cuts, damage, errors of
# the disk, outages of the broker. Builds release. Needs root for what mounts volumes.
#
#   tests/chaos.sh                        all rows; hours
#   tests/chaos.sh kill power             these rows
#   tests/chaos.sh --seconds 1800 kill    each row ends after so long, with as many rounds as were done
#   tests/chaos.sh --seed 7 kill          the same chances again
#   tests/chaos.sh --small kill           as small as tests/run.sh does it
#
# The results go to target/chaos/results.tsv and, as a table with date and commit, to standard output.

# shellcheck source=deploy/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../deploy/setup.sh"

# Of the whole gateway; each is a module of tests/chaos.
whole=(kill power errors full outage broker together stop)
# Of the spool and the dedupe alone, by where the tests are.
declare -A alone=(
  [damage]=spool::tests::blows::
  [model]=spool::tests::model::slow::the_spool
  [calls]=spool::tests::model::slow::no_error
  [copies]=spool::tests::copies::
  [clock]=spool::tests::clocks::
  [many]=spool::tests::many::
)
every=("${whole[@]}" damage model calls copies clock many)
# These mount volumes.
mounting=(power full)

seed=$(date +%Y%m%d) size=large seconds='' rows=()
while [ $# -gt 0 ]; do
  case "$1" in
    --seed) seed=$2 && shift ;;
    --seconds) seconds=$2 && shift ;;
    --small) size=small ;;
    -*) fail "unknown argument $1; it takes --seed N, --seconds N, --small and names of rows: ${every[*]}" ;;
    *)
      [[ " ${every[*]} " == *" $1 "* ]] || fail "there is no row $1; there are ${every[*]}"
      rows+=("$1")
      ;;
  esac
  shift
done
[ ${#rows[@]} -gt 0 ] || rows=("${every[@]}")

need_rust
need_build_tools
need maven "fetches Apache Kafka" command -v mvn
need default-jre-headless "runs Apache Kafka" command -v java
need_faults
install_needed
need_kafka

results=$target/chaos/results.tsv
mkdir -p "$target/chaos"
: >"$results"
export HOOKGATE_CHAOS=$size HOOKGATE_CHAOS_SEED=$seed HOOKGATE_CHAOS_RESULTS=$results
[ -z "$seconds" ] || export HOOKGATE_CHAOS_SECONDS=$seconds

say "Building (release; 10 minutes or so the first time on two cores, seconds later)"
cargo test --locked --release --no-run --lib --test chaos || fail "the build failed"

failed=() skipped=()
for row in "${rows[@]}"; do
  if [[ " ${mounting[*]} " == *" $row "* ]] && ! can_mount; then
    skipped+=("$row")
    continue
  fi
  say "$row (seed $seed)"
  if [ -n "${alone[$row]-}" ]; then
    target_of=(--lib -- "${alone[$row]}")
  else
    target_of=(--test chaos -- "$row::")
  fi
  cargo test --locked --release "${target_of[@]}" --nocapture --test-threads 1 || failed+=("$row")
done

printf '\n%s, commit %s, seed %s\n\n' "$(date +%F)" "$(git rev-parse --short HEAD)" "$seed"
printf '| fault | done | found | seconds |\n| --- | --- | --- | --- |\n'
while IFS=$'\t' read -r row did found took; do printf '| %s | %s | %s | %s |\n' "$row" "$did" "$found" "$took"; done <"$results"
[ ${#skipped[@]} -eq 0 ] || printf '\nskipped, since volumes cannot be mounted here (be root): %s\n' "${skipped[*]}"
[ ${#failed[@]} -eq 0 ] || fail "these rows failed: ${failed[*]}"
