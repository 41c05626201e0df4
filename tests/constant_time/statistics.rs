//! Whether two classes of measured times differ: Welch's t-test, on all times and on those below several percentiles.
//!
//! The upper tail of a measured time is the machine's own noise, and hides small differences; so the same test is made
//! again on what lies below each of several percentiles, and the largest result counts (Reparaz, Balasch and Verbauwhede,
//! "Dude, is my code constant time?").

/// Below which the times are tested again, in percent; 100: all of them.
const PERCENTILES: [usize; 8] = [100, 99, 95, 90, 80, 70, 60, 50];

/// Mean and variance of a class, in one pass (Welford).
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn of(times: impl Iterator<Item = f64>) -> Self {
        times.fold(Self::default(), |so_far, time| {
            let count = so_far.count + 1.0;
            let distance = time - so_far.mean;
            let mean = so_far.mean + distance / count;
            Self { count, mean, squares: so_far.squares + distance * (time - mean) }
        })
    }

    /// The variance of the mean.
    fn error(self) -> f64 {
        self.squares / (self.count - 1.0) / self.count
    }
}

/// Welch's t; 0 where a class has too few times to tell, or no spread at all.
fn welch(one: Moments, other: Moments) -> f64 {
    let error = one.error() + other.error();
    if one.count < 2.0 || other.count < 2.0 || error <= 0.0 {
        return 0.0;
    }
    (one.mean - other.mean) / error.sqrt()
}

/// The largest |t| over all percentiles, with its sign, of times in nanoseconds. Above 4.5 the classes are likely to
/// differ, above 10 they do.
pub(crate) fn largest_t(one: &[f64], other: &[f64]) -> f64 {
    let mut all = [one, other].concat();
    all.sort_unstable_by(f64::total_cmp);
    let mut largest = 0.0_f64;
    for percent in PERCENTILES {
        let Some(&limit) = all.get((all.len() * percent / 100).saturating_sub(1)) else { continue };
        let below = |times: &[f64]| Moments::of(times.iter().copied().filter(|time| *time <= limit));
        let t = welch(below(one), below(other));
        if t.abs() > largest.abs() {
            largest = t;
        }
    }
    largest
}

/// Checks the statistics themselves on made-up times: a planted difference is found, and none where none is.
pub(crate) fn check() -> Result<(), String> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut times = |count: usize, base: f64| -> Vec<f64> {
        let mut next = || {
            // Xorshift: good enough for noise, and the same in every run.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            f64::from(u32::try_from(state >> 32).unwrap_or_default()) / f64::from(u32::MAX)
        };
        // A rare long interruption over an even spread, as on a real machine.
        (0..count).map(|_| base + 40.0 * next() + if next() > 0.98 { 5000.0 * next() } else { 0.0 }).collect()
    };
    let (same, again, slower) = (times(20_000, 100.0), times(20_000, 100.0), times(20_000, 102.0));
    let by_hand = welch(Moments::of([1.0, 2.0, 3.0].into_iter()), Moments::of([2.0, 4.0, 6.0].into_iter()));
    // (2 - 4) / sqrt(1/3 + 4/3)
    if (by_hand + 1.549_193_338).abs() > 1e-6 {
        return Err(format!("t of three and three numbers is {by_hand}"));
    }
    let (none, planted) = (largest_t(&same, &again), largest_t(&same, &slower));
    if none.abs() > 4.5 {
        return Err(format!("a difference where there is none: t = {none:.1}"));
    }
    if planted > -10.0 {
        return Err(format!("2 ns of 120 are not found: t = {planted:.1}"));
    }
    Ok(())
}
