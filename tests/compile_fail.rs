//! The stages of the way in cannot be left out: programs that try do not compile, and for that reason alone.
//!
//! Each file under `compile_fail/` begins with `//~ ` and the start of the one error that the compiler must give; one without is a control
//! that must compile, so that a broken harness cannot pass for a proof. The compiler is called on the library as it was
//! built for this test run: nothing is built twice.

#![expect(clippy::expect_used, clippy::panic, reason = "this is how a test fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The newest of the libraries in `deps/`: `cargo test` leaves ours there alone, under a name that changes with its flags.
fn library(deps: &Path) -> PathBuf {
    let entries = std::fs::read_dir(deps).expect("the directory of what was built is read");
    let ours = entries.map(|entry| entry.expect("an entry is read").path()).filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("libhookgate-") && path.extension().is_some_and(|extension| extension == "rlib")
    });
    let built =
        |path: &PathBuf| path.metadata().and_then(|about| about.modified()).expect("the time of building is known");
    ours.max_by_key(built).unwrap_or_else(|| panic!("no libhookgate-*.rlib in {}", deps.display()))
}

fn compile(file: &Path) -> Result<(), String> {
    let deps = Path::new(env!("CARGO_BIN_EXE_hookgate")).with_file_name("deps");
    let library = library(&deps);
    let rustc = option_env!("RUSTC").unwrap_or("rustc");
    let out = std::env::temp_dir().join(format!("hookgate-compile-fail-{}", std::process::id()));
    let output = Command::new(rustc)
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--crate-name", "stages"])
        .arg("--out-dir")
        .arg(&out)
        .arg("--extern")
        .arg(format!("hookgate={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", deps.display()))
        .arg(file)
        .output()
        .expect("rustc runs");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn check(name: &str) {
    let file: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "compile_fail", name].iter().collect();
    let source = std::fs::read_to_string(&file).expect("the case is there");
    let expected = source.lines().next().and_then(|line| line.strip_prefix("//~ "));
    match (expected, compile(&file)) {
        (None, Ok(())) => {}
        (None, Err(errors)) => panic!("{name} must compile:\n{errors}"),
        (Some(_), Ok(())) => panic!("{name} must not compile"),
        (Some(expected), Err(errors)) => {
            let found: Vec<_> = errors.lines().filter(|line| line.starts_with("error[")).collect();
            let is_that_one = matches!(found.as_slice(), [only] if only.starts_with(expected));
            assert!(is_that_one, "{name} must end in `{expected}` alone:\n{errors}");
        }
    }
}

#[test]
fn all_stages_in_order_compile() {
    check("all_stages.rs");
}

#[test]
fn a_delivery_that_is_not_authenticated_cannot_be_identified() {
    check("authenticate_left_out.rs");
}

#[test]
fn nobody_but_the_gate_can_say_that_something_is_authentic() {
    check("authentic_forged.rs");
}

#[test]
fn a_delivery_that_no_custody_keeps_gets_no_receipt() {
    check("spool_left_out.rs");
}

#[test]
fn nobody_but_accept_can_say_that_a_delivery_is_safe() {
    check("accepted_forged.rs");
}
