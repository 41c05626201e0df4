#!/bin/sh
# Stands before rustc (RUSTC_WRAPPER): counts the edges of our own code for libFuzzer, and leaves the dependencies as they
# are, which are compiled and cached with the rest.
case " $* " in
  *" --crate-name hookgate "* | *" --crate-name hookgate_fuzz "*)
    exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
      -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
      -Ccodegen-units=1
    ;;
esac
exec "$@"
