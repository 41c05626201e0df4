//! Latencies in buckets that are 3 % wide.

use std::time::Duration;

/// Buckets a power of two.
const STEPS: usize = 32;
const POWERS: usize = 64;

/// Counts of latencies; exact to one part in [`STEPS`].
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; STEPS * POWERS], total: 0 }
    }

    pub(crate) fn add(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1);
        if let Some(count) = self.counts.get_mut(bucket(nanos)) {
            *count += 1;
            self.total += 1;
        }
    }

    /// The upper edge of the bucket that holds this part (0 to 1) of all, in milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub(crate) fn quantile_ms(&self, part: f64) -> f64 {
        let wanted = part * self.total as f64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if *count > 0 && seen as f64 >= wanted {
                return upper_edge(index) / 1e6;
            }
        }
        f64::NAN
    }
}

/// Power of two, then 1/32 of it.
fn bucket(nanos: u64) -> usize {
    let power = nanos.ilog2();
    let rest = nanos - (1 << power);
    let step = if power >= 5 { rest >> (power - 5) } else { rest << (5 - power) };
    usize::try_from(u64::from(power) * 32 + step).unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "a bucket's number is below 2048")]
fn upper_edge(bucket: usize) -> f64 {
    let (power, step) = (bucket / STEPS, bucket % STEPS);
    2f64.powi(i32::try_from(power).unwrap_or(0)) * (1.0 + (step + 1) as f64 / STEPS as f64)
}
