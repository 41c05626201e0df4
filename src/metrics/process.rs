//! The process itself, read from `/proc` when it is asked for, under the names that Prometheus' client libraries give
//! these values (`prometheus.io/docs/instrumenting/writing_clientlibs`, "Process metrics"): without a prefix of ours.

use std::fmt;

use procfs::ProcResult;
use procfs::process::LimitValue;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Measures this process at every scrape.
#[derive(Debug, Clone, Copy, Default)]
pub struct Process;

/// What `/proc` says.
struct Reading {
    cpu_seconds: f64,
    start_seconds: f64,
    resident_bytes: u64,
    open_fds: usize,
    /// 0: no limit.
    max_fds: u64,
}

impl Reading {
    fn take() -> ProcResult<Self> {
        let process = procfs::process::Process::myself()?;
        let stat = process.stat()?;
        let seconds = |ticks: u64| exact(ticks) / exact(procfs::ticks_per_second());
        let max_fds = match process.limits()?.max_open_files.soft_limit {
            LimitValue::Unlimited => 0,
            LimitValue::Value(limit) => limit,
        };
        Ok(Self {
            cpu_seconds: seconds(stat.utime.saturating_add(stat.stime)),
            start_seconds: exact(procfs::boot_time_secs()?) + seconds(stat.starttime),
            resident_bytes: stat.rss.saturating_mul(procfs::page_size()),
            open_fds: process.fd_count()?,
            max_fds,
        })
    }
}

/// As a real number.
#[expect(clippy::cast_precision_loss, reason = "ticks and seconds stay far below 2^53")]
fn exact(count: u64) -> f64 {
    count as f64
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        // Without /proc, as in some sandboxes, the values are absent, not wrong.
        let Ok(reading) = Reading::take() else { return Ok(()) };
        let mut put = |name, help, unit, value: &dyn EncodeMetric| {
            let metric = encoder.encode_descriptor(name, help, Some(unit), value.metric_type())?;
            value.encode(metric)
        };
        let cpu = ConstCounter::new(reading.cpu_seconds);
        put("process_cpu", "User and system time that the process has taken", &Unit::Seconds, &cpu)?;
        let start = ConstGauge::new(reading.start_seconds);
        put("process_start_time", "When the process started, in Unix time", &Unit::Seconds, &start)?;
        let resident = ConstGauge::new(i64::try_from(reading.resident_bytes).unwrap_or(i64::MAX));
        put("process_resident_memory", "Memory of the process that is in RAM", &Unit::Bytes, &resident)?;
        let mut put = |name, help, value: &dyn EncodeMetric| {
            let metric = encoder.encode_descriptor(name, help, None, value.metric_type())?;
            value.encode(metric)
        };
        let open = ConstGauge::new(i64::try_from(reading.open_fds).unwrap_or(i64::MAX));
        put("process_open_fds", "File descriptors that are open", &open)?;
        let max = ConstGauge::new(i64::try_from(reading.max_fds).unwrap_or(i64::MAX));
        put("process_max_fds", "File descriptors that may be open; 0: no limit", &max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Build, Metrics};

    #[test]
    fn the_process_is_measured_under_its_usual_names() {
        let mut metrics = Metrics::new(Build { version: "1", revision: "r", rustc: "c" });
        metrics.register_collector(Box::new(Process));
        let text = metrics.encode();
        for name in [
            "process_cpu_seconds_total",
            "process_start_time_seconds",
            "process_resident_memory_bytes",
            "process_open_fds",
            "process_max_fds",
        ] {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            let value: f64 = value.unwrap_or_else(|| panic!("{name} in\n{text}")).parse().expect("a number");
            assert!(value >= 0.0, "{name} {value}");
        }
        assert!(text.contains("hookgate_build_info"), "the others keep their prefix");
    }
}
