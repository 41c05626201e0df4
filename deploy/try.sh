#!/usr/bin/env bash
# Builds hookgate and shows it at work: `hookgate dev --demo`, an embedded Kafka and one signed webhook of each sample
# source, sent through the real front door. Goes on serving until Ctrl-C.
#
#   deploy/try.sh           build, show, serve
#   deploy/try.sh --once    build, show, end with exit code 0

# shellcheck source=deploy/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

case "${1-}" in
  '' | --once) ;;
  *) fail "unknown argument $1; it takes --once or nothing" ;;
esac

need_rust
need_build_tools
install_needed

say "Building hookgate (release; 10 minutes or so the first time on two cores, seconds later)"
cargo build --release --locked --bin hookgate || fail "the build failed; the compiler's message above says why"

say "hookgate dev --demo"
exec "$target/release/hookgate" dev --demo "$@"
