//! A row of the table: how much of it is done, what it has found, and how it is done again.
//!
//! | environment | what |
//! | --- | --- |
//! | `HOOKGATE_CHAOS` | `large`: the large size; else the small one |
//! | `HOOKGATE_CHAOS_SEED` | all chance comes from this number |
//! | `HOOKGATE_CHAOS_SECONDS` | the large size ends after so long, with as many rounds as were done |
//! | `HOOKGATE_CHAOS_RESULTS` | a file that gets a line a row: name, what was done, what was found, seconds |

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use hookgate::clock::{Clock, Moment};

const SEED: u64 = 20_261_124;
/// Between two words on how far a row has come.
const PROGRESS: Duration = Duration::from_secs(10);

/// See the module.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    seed: u64,
    large: bool,
    budget: Option<Duration>,
    start: Moment,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Self {
        let number = |name| setting(name).map(|text| text.parse().expect("a number"));
        let (clock, seed) = (Clock::system(), number("HOOKGATE_CHAOS_SEED").unwrap_or(SEED));
        Self {
            name,
            random: Random(seed),
            seed,
            large: setting("HOOKGATE_CHAOS").is_some_and(|size| size == "large"),
            budget: number("HOOKGATE_CHAOS_SECONDS").map(Duration::from_secs),
            start: clock.now(),
            clock,
        }
    }

    /// One of two, by the size.
    pub(crate) fn size<T>(&self, small: T, large: T) -> T {
        if self.large { large } else { small }
    }

    /// Does rounds, as many as the size wants and the time allows; how many it did.
    pub(crate) fn rounds(&mut self, small: usize, large: usize, mut round: impl FnMut(&mut Random)) -> usize {
        let wanted = self.size(small, large);
        let mut said = Duration::ZERO;
        for done in 0..wanted {
            let spent = self.spent();
            if self.large && spent.saturating_sub(said) >= PROGRESS {
                said = spent;
                eprintln!("{}: {done} of {wanted} rounds in {} s", self.name, spent.as_secs());
            }
            if done > 0 && self.large && self.budget.is_some_and(|budget| spent >= budget) {
                return done;
            }
            round(&mut self.random);
        }
        wanted
    }

    /// Lets so much time pass, or the large size what is left of it.
    pub(crate) fn wait(&self, time: Duration) {
        let begun = self.clock.now();
        loop {
            let waited = self.clock.now().since(begun);
            let is_spent = self.large && self.budget.is_some_and(|budget| self.spent() >= budget);
            if waited >= time || is_spent {
                return;
            }
            if self.large {
                eprintln!("{}: {} of {} s", self.name, waited.as_secs(), time.as_secs());
            }
            std::thread::sleep(PROGRESS.min(time.saturating_sub(waited)));
        }
    }

    /// How long the row has been running.
    pub(crate) fn spent(&self) -> Duration {
        self.clock.now().since(self.start)
    }

    /// The row's end.
    pub(crate) fn found(self, done: &str, found: &str) {
        let line = format!("{}\t{done}\t{found}\t{}\n", self.name, self.spent().as_secs());
        eprint!("{line}");
        if let Some(path) = setting("HOOKGATE_CHAOS_RESULTS") {
            let file = File::options().create(true).append(true).open(PathBuf::from(path));
            file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the results can be written");
        }
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let size = if self.large { "" } else { " --small" };
            eprintln!("once more: tests/chaos.sh{size} --seed {} {}", self.seed, self.name);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the gateway")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Chance that can be had again: splitmix64, by Sebastiano Vigna (public domain, prng.di.unimi.it/splitmix64.c).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below a bound. The tiny bias of the remainder does not matter here.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let span = u64::try_from(to.saturating_sub(from).as_micros()).expect("a short time");
        from + Duration::from_micros(self.below(span.max(1)))
    }
}

/// Durations, for their quantiles.
#[derive(Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// Of a share of them at most so long, in milliseconds; 0 where there is none.
    pub(crate) fn quantile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(index).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }
}
