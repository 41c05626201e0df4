//! Tells the binary what it was built from: the revision and the compiler, for `hookgate version` and `build_info`.

use std::process::Command;

#[expect(clippy::disallowed_methods, reason = "a build script is told by cargo through variables")]
fn main() {
    println!("cargo::rerun-if-changed=.git/logs/HEAD");
    println!("cargo::rerun-if-env-changed=HOOKGATE_REVISION");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    // A container build has no repository: it hands the revision in.
    let revision = std::env::var("HOOKGATE_REVISION").ok().or_else(|| run("git", &["rev-parse", "--short=12", "HEAD"]));
    println!("cargo::rustc-env=HOOKGATE_BUILD_REVISION={}", revision.unwrap_or_else(|| "unknown".into()));
    println!(
        "cargo::rustc-env=HOOKGATE_BUILD_RUSTC={}",
        run(&rustc, &["--version"]).unwrap_or_else(|| "unknown".into())
    );
}

fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
