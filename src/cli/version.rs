//! `hookgate version`

use std::io::{self, Write};

use serde_json::json;

use crate::cli::Exit;
use crate::metrics::Build;

/// What is running.
pub(super) const BUILD: Build = Build {
    version: env!("CARGO_PKG_VERSION"),
    revision: env!("HOOKGATE_BUILD_REVISION"),
    rustc: env!("HOOKGATE_BUILD_RUSTC"),
};

/// What `version` is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// As one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Prints to `out`.
///
/// # Errors
/// `out` cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let Build { version, revision, rustc } = BUILD;
    let librdkafka = crate::kafka::client_version();
    if args.json {
        let object = json!({ "version": version, "revision": revision, "rustc": rustc, "librdkafka": librdkafka });
        writeln!(out, "{object}")?;
    } else {
        writeln!(out, "hookgate {version} (revision {revision}, {rustc}, librdkafka {librdkafka})")?;
    }
    Ok(Exit::Success)
}
