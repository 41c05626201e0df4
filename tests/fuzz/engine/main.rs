//! `hookgate-fuzz [libFuzzer's arguments] CORPUS`, with the target's name in `HOOKGATE_FUZZ_TARGET`.

#![no_main]
#![expect(clippy::disallowed_methods, reason = "libFuzzer takes all arguments for its own")]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[path = "../targets/mod.rs"]
mod targets;

static TARGET: LazyLock<targets::Target> = LazyLock::new(|| {
    let name = std::env::var("HOOKGATE_FUZZ_TARGET").unwrap_or_default();
    targets::TARGETS.into_iter().find(|(known, _)| *known == name).map_or_else(
        || {
            eprintln!("no target {name:?} in HOOKGATE_FUZZ_TARGET");
            std::process::exit(2)
        },
        |(_, target)| target,
    )
});

fuzz_target!(|data: &[u8]| TARGET(data));
