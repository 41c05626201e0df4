//! The race: hookgate beside the same HTTP server doing less, in turns, on one core each.
//!
//! `tests/bench.sh` builds and calls it, pinned to core 1 together with Kafka; what it starts to measure runs on core 0.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints, and one that cannot go on ends"
)]

mod audit;
mod contest;
mod histogram;
mod outage;
mod server;
mod traffic;

/// The harness of the integration tests.
#[expect(dead_code, reason = "the integration tests use the rest of it")]
#[path = "../../it/support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use crate::contest::{Contest, Run};
use crate::server::{Programs, Who};
use crate::support::kafka::Kafka;
use crate::traffic::{Plan, Prepared};

/// No server here is faster; a run ends early if it is.
const REQUESTS_A_SECOND_MAX: u64 = 250_000;

const WARM_UP: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let options: HashMap<_, _> = arguments.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    let seconds: u64 = options["--seconds"].parse().expect("whole seconds");
    let scratch = PathBuf::from(options["--out"]);
    fs::create_dir_all(&scratch).expect("target can be written");
    let programs = Programs {
        hookgate: options["--hookgate"].into(),
        baseline: options["--baseline"].into(),
        pipeline: options.get("--pipeline").map(PathBuf::from),
        scratch: scratch.clone(),
    };

    eprintln!("signing {} requests …", (seconds + 1) * REQUESTS_A_SECOND_MAX);
    let count = usize::try_from((seconds + 1) * REQUESTS_A_SECOND_MAX).expect("64 bits");
    let prepared = Rc::new(Prepared::new(count));
    eprintln!("starting Kafka …\n");
    let kafka = Kafka::start();

    let mut runs = Vec::new();
    println!("{}", Run::HEAD);
    for connections in options["--connections"].split(',').map(|number| number.parse().expect("a number")) {
        let plan = Plan { connections, warm_up: WARM_UP, measured: Duration::from_secs(seconds), requests: usize::MAX };
        for contest in contests(programs.pipeline.is_some()) {
            runs.extend(contest.hold(&kafka, &programs, &prepared, plan));
        }
    }
    let outage = outage::hold(&kafka, &programs, &prepared);
    println!("\n{outage}");
    let raw: String = runs.iter().map(Run::json).collect();
    fs::write(scratch.join("runs.jsonl"), raw).expect("target can be written");
    let clean = runs.iter().all(Run::is_clean) && outage.is_clean();
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn contests(with_pipeline: bool) -> Vec<Contest> {
    let mut contests = vec![
        Contest { of: Who::Custody, against: &[Who::Commit] },
        Contest { of: Who::Hookgate("disk"), against: &[Who::Bare, Who::Commit] },
        Contest { of: Who::Hookgate("kafka"), against: &[Who::Bare, Who::Kafka] },
        Contest { of: Who::Hookgate("memory"), against: &[Who::Bare] },
    ];
    if with_pipeline {
        contests.insert(0, Contest { of: Who::Pipeline, against: &[Who::Bare] });
    }
    contests
}
