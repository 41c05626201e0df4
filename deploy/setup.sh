# shellcheck shell=bash
# What try.sh, run.sh, chaos.sh and bench.sh share: where they work, how they speak, what the machine must have. To be sourced.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Everything that is built or fetched lies here; only Debian packages go elsewhere.
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
mkdir -p "$target"

say() { printf '\n==> %s\n' "$*"; }

fail() {
  printf '\nerror: %s\n' "$*" >&2
  exit 1
}

# The toolchain is the one thing that is not installed for you.
need_rust() {
  local wanted found
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
  local remedy="get it with: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
  command -v cargo >/dev/null || PATH=$PATH:$HOME/.cargo/bin
  found=$(rustc --version 2>/dev/null | cut -d' ' -f2) || true
  [ -n "$found" ] || fail "Rust $wanted or newer is needed and there is none here; $remedy"
  [ "$(printf '%s\n' "$wanted" "${found%%-*}" | sort -V | head -n 1)" = "$wanted" ] ||
    fail "Rust $wanted or newer is needed and this is $found; run: rustup update stable"
}

packages=()
reasons=()

# need PACKAGE WHY TEST...: notes a Debian package where TEST fails.
need() {
  local package=$1 why=$2
  shift 2
  if ! "$@" >/dev/null 2>&1; then
    packages+=("$package")
    reasons+=("$package: $why")
  fi
}

# What the build itself needs: librdkafka and OpenSSL are compiled from their sources.
need_build_tools() {
  need gcc "compiles the C parts of librdkafka, OpenSSL, zstd and ring" command -v cc
  need g++ "compiles the C++ parts of librdkafka" command -v c++
  need libc6-dev "the C library's headers" test -e /usr/include/stdio.h
  need make "builds librdkafka and OpenSSL" command -v make
  need perl "configures OpenSSL" perl -MIPC::Cmd -MFindBin -MFile::Compare -e 1
}

# Installs what was noted. Does nothing, and asks for nothing, where all is there.
install_needed() {
  [ ${#packages[@]} -gt 0 ] || return 0
  local as_root=() log=$target/apt.log
  say "This machine lacks ${#packages[@]} Debian packages; installing them takes a minute or two"
  printf '    %s\n' "${reasons[@]}"
  command -v apt-get >/dev/null || fail "there is no apt-get here; install by other means: ${packages[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "run as root, since there is no sudo: apt-get install ${packages[*]}"
    as_root=(sudo)
  fi
  if ! { "${as_root[@]}" apt-get update -q &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${packages[@]}"; } \
    >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail "apt-get could not install ${packages[*]}; the whole of what it said is in $log"
  fi
}

# What hurts disks.
need_faults() {
  need xfsprogs "makes XFS volumes, and cuts the power of a volume" command -v mkfs.xfs
  need e2fsprogs "makes ext4 volumes" command -v mkfs.ext4
  need fiu-utils "lets calls to the disk fail" command -v fiu-run
}

# Whether volumes can be mounted here: only root may, and not in every container.
can_mount() {
  [ "$(id -u)" -eq 0 ] || return 1
  local dir kind code=0
  dir=$(mktemp -d "$target/volume.XXXXXX")
  for kind in ext4 xfs; do
    { truncate -s 300M "$dir/$kind" && "mkfs.$kind" -q "$dir/$kind" && mkdir "$dir/mount" &&
      mount -t "$kind" -o loop "$dir/$kind" "$dir/mount" && umount "$dir/mount" && rmdir "$dir/mount"; } \
      >/dev/null 2>&1 || code=1
  done
  rm -rf "$dir"
  return $code
}

# A real Apache Kafka: its jars, from Maven Central into $target/kafka/libs.
need_kafka() {
  export HOOKGATE_TEST_KAFKA_LIBS=$target/kafka/libs
  local stamp=$target/kafka/fetched log=$target/kafka/maven.log
  if cmp -s tests/pom.xml "$stamp"; then return 0; fi
  say "Fetching Apache Kafka's jars (45 MB; up to a minute the first time)"
  mkdir -p "$target/kafka"
  rm -rf "$HOOKGATE_TEST_KAFKA_LIBS"
  if ! mvn -q -B -f tests/pom.xml -Dmaven.repo.local="$target/kafka/m2" dependency:copy-dependencies \
    -DoutputDirectory="$HOOKGATE_TEST_KAFKA_LIBS" >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail "Maven could not fetch Kafka; is Maven Central reachable? The whole of what it said is in $log"
  fi
  cp tests/pom.xml "$stamp"
}
