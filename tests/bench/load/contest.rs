//! A candidate between two runs of what it is compared with: A B C B A, so that a slow minute hits both sides.

use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rdkafka::admin::AdminOptions;

use crate::audit::{self, Audit};
use crate::server::{Programs, Server, Who};
use crate::support::kafka::{Kafka, block_on};
use crate::support::limit::LIMIT;
use crate::traffic::{self, Plan, Prepared};

/// Of each topic.
pub(crate) const PARTITIONS: i32 = 12;

pub(crate) struct Contest {
    pub(crate) of: Who,
    pub(crate) against: &'static [Who],
}

/// One server under load once.
pub(crate) struct Run {
    who: Who,
    connections: usize,
    requests_a_second: f64,
    cpu_us: f64,
    p50_ms: f64,
    p99_ms: f64,
    rss_mib: f64,
    refused: u64,
    audit: Option<Audit>,
    /// Rate and CPU as parts of those of each that it is compared with.
    ratios: Vec<(Who, f64, f64)>,
}

impl Contest {
    /// Runs all in turn; prints a line each as it comes.
    pub(crate) fn hold(&self, kafka: &Kafka, programs: &Programs, prepared: &Rc<Prepared>, plan: Plan) -> Vec<Run> {
        let order = self.against.iter().chain([&self.of]).chain(self.against.iter().rev());
        let mut runs: Vec<Run> = Vec::new();
        for who in order {
            let run = Run::of(*who, kafka, programs, prepared, plan);
            println!("{}", run.row());
            runs.push(run);
        }
        let ratios = self.against.iter().map(|other| ratio(&runs, self.of, *other)).collect();
        if let Some(run) = runs.iter_mut().find(|run| run.who == self.of) {
            run.ratios = ratios;
            for (other, rate, cpu) in &run.ratios {
                println!("| **÷ {}** | | **{rate:.2}** | **{cpu:.2}** | | | | |", other.name());
            }
        }
        runs
    }
}

fn ratio(runs: &[Run], of: Who, to: Who) -> (Who, f64, f64) {
    let mean = |who, value: fn(&Run) -> f64| {
        let values: Vec<_> = runs.iter().filter(|run| run.who == who).map(value).collect();
        values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap_or(1))
    };
    let part = |value| mean(of, value) / mean(to, value);
    (to, part(|run| run.requests_a_second), part(|run| run.cpu_us))
}

/// A topic that nobody used before.
pub(crate) fn new_topic(kafka: &Kafka) -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let topic = format!("run-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    kafka.create_topic(&topic, PARTITIONS);
    topic
}

impl Run {
    pub(crate) const HEAD: &str = "| server | connections | 200/s | CPU µs a request | p50 ms | p99 ms | RSS MiB | in Kafka |\n\
                                   |---|---|---|---|---|---|---|---|";

    fn of(who: Who, kafka: &Kafka, programs: &Programs, prepared: &Rc<Prepared>, plan: Plan) -> Self {
        let topic = new_topic(kafka);
        let brokers = kafka.bootstrap();
        let server = Server::start(who, programs, &brokers, &topic);
        let mut edges = Vec::new();
        let outcome = traffic::send(server.address, prepared, plan, || edges.push(server.cpu_seconds()));
        let rss_mib = server.rss_mib();
        let audit = who.sends().then(|| audit::topic(&brokers, &topic, PARTITIONS, &outcome.acknowledged));
        drop(server);
        // Else the runs' records fill the disk.
        let options = AdminOptions::new().operation_timeout(Some(LIMIT));
        block_on(kafka.admin().delete_topics(&[&topic], &options)).expect("an answer");
        let [start, end] = edges.as_slice() else { unreachable!("a measured time has two edges") };
        let answers = f64::from(u32::try_from(outcome.answers).unwrap_or(u32::MAX));
        Self {
            who,
            connections: plan.connections,
            requests_a_second: answers / outcome.seconds,
            cpu_us: (end - start) * 1e6 / answers,
            p50_ms: outcome.latencies.quantile_ms(0.5),
            p99_ms: outcome.latencies.quantile_ms(0.99),
            rss_mib,
            refused: outcome.refused,
            audit,
            ratios: Vec::new(),
        }
    }

    /// Every 200 is in Kafka once, and nothing was refused.
    pub(crate) fn is_clean(&self) -> bool {
        self.refused == 0 && self.audit.is_none_or(|audit| audit.is_clean())
    }

    fn row(&self) -> String {
        let kept = match self.audit {
            None => "–".to_owned(),
            Some(audit) if audit.is_clean() => format!("all {}, once", audit.promised),
            Some(audit) => format!("**{} missing, {} twice** of {}", audit.missing, audit.twice, audit.promised),
        };
        let refused = if self.refused == 0 { String::new() } else { format!(", **{} refused**", self.refused) };
        format!(
            "| {} | {} | {:.0} | {:.1} | {:.2} | {:.2} | {:.0} | {kept}{refused} |",
            self.who.name(),
            self.connections,
            self.requests_a_second,
            self.cpu_us,
            self.p50_ms,
            self.p99_ms,
            self.rss_mib,
        )
    }

    /// One line.
    pub(crate) fn json(&self) -> String {
        let ratios =
            self.ratios.iter().map(|(to, rate, cpu)| serde_json::json!({"to": to.name(), "rate": rate, "cpu": cpu}));
        let line = serde_json::json!({
            "server": self.who.name(),
            "connections": self.connections,
            "requests_a_second": self.requests_a_second,
            "cpu_us": self.cpu_us,
            "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms,
            "rss_mib": self.rss_mib,
            "refused": self.refused,
            "promised": self.audit.map(|audit| audit.promised),
            "missing": self.audit.map(|audit| audit.missing),
            "twice": self.audit.map(|audit| audit.twice),
            "ratios": ratios.collect::<Vec<_>>(),
        });
        format!("{line}\n")
    }
}
