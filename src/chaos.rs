//! What the rows of the fault table share: how large they are, their seeds, how they say how far they are and what they
//! found. For tests only.
//!
//! | variable | what |
//! | --- | --- |
//! | `HOOKGATE_CHAOS` | `large`: the large size, for a release build; otherwise the small one, which every run of the tests has |
//! | `HOOKGATE_CHAOS_SEED` | decimal; the seed of the first case |
//! | `HOOKGATE_CHAOS_CASES` | so many cases, whatever the size says; 1 repeats the case of that seed |
//! | `HOOKGATE_CHAOS_SECONDS` | a row of the large size ends after so many, with the numbers reached |
//! | `HOOKGATE_CHAOS_RESULTS` | the file to which each row appends its line: row, what was done, what was found, seconds |

use std::any::type_name_of_val;
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use crate::clock::{Clock, Moment};

const SEED: u64 = 20_261_124;
const PROGRESS_EVERY: Duration = Duration::from_secs(5);
/// Seeds of neighbouring cases lie so far apart that runs from neighbouring seeds share no case.
const STRIDE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Numbers that look random and are the same for the same seed (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STRIDE);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    /// Where in something of that length.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("below a length")
    }

    pub(crate) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }
}

/// One row: something that is done many times.
#[derive(Debug)]
pub(crate) struct Row {
    name: &'static str,
    pub(crate) seed: u64,
    /// How many cases it has.
    pub(crate) cases: u64,
    large: bool,
    budget: Option<Duration>,
    clock: Clock,
    begun: Moment,
    said: Mutex<Moment>,
}

impl Row {
    /// Begins a row of so many cases.
    pub(crate) fn begin(name: &'static str, small: u64, large: u64) -> Self {
        let is_large = variable("HOOKGATE_CHAOS").is_some_and(|size| size == "large");
        let clock = Clock::system();
        let begun = clock.now();
        Self {
            name,
            seed: number("HOOKGATE_CHAOS_SEED").unwrap_or(SEED),
            cases: number("HOOKGATE_CHAOS_CASES").unwrap_or(if is_large { large } else { small }),
            large: is_large,
            budget: number("HOOKGATE_CHAOS_SECONDS").filter(|_| is_large).map(Duration::from_secs),
            clock,
            begun,
            said: Mutex::new(begun),
        }
    }

    /// The same, of which each case is so many.
    pub(crate) fn in_blocks_of(mut self, many: u64) -> Self {
        if number("HOOKGATE_CHAOS_CASES").is_none() {
            self.cases = self.cases.div_ceil(many);
        }
        self
    }

    /// Runs the cases, each with dice of its own, and says how many there were. `case` is a closure of the test itself:
    /// its name is how the test is found again.
    pub(crate) fn run(&self, mut case: impl FnMut(&mut Dice)) -> u64 {
        let test = type_name_of_val(&case).trim_start_matches("hookgate::").replace("::{{closure}}", "");
        for index in 0..self.cases {
            if self.is_over(index) {
                return index;
            }
            let seed = self.seed.wrapping_add(index.wrapping_mul(STRIDE));
            let _culprit = Culprit { test: &test, seed, large: self.large };
            case(&mut Dice::new(seed));
        }
        self.cases
    }

    /// Says how far it is, where it is time to; true: the budget is spent.
    pub(crate) fn is_over(&self, done: u64) -> bool {
        let now = self.clock.now();
        let took = now.since(self.begun);
        let mut said = self.said.lock().expect("no panic");
        if self.large && now.since(*said) >= PROGRESS_EVERY {
            *said = now;
            say(&format!("{}: {done} of {} after {} s", self.name, self.cases, took.as_secs()));
        }
        self.budget.is_some_and(|budget| took >= budget)
    }

    /// Half of the budget is spent; the rest is for what comes of it.
    pub(crate) fn is_half_over(&self, done: u64) -> bool {
        self.is_over(done) || self.budget.is_some_and(|budget| self.took() >= budget / 2)
    }

    /// How long it has taken so far.
    pub(crate) fn took(&self) -> Duration {
        self.clock.now().since(self.begun)
    }

    /// Appends the row's line to the results.
    pub(crate) fn end(&self, done: &str, found: &str) {
        let Some(path) = variable("HOOKGATE_CHAOS_RESULTS") else { return };
        let line = format!("{}\t{done}\t{found}\t{:.1}\n", self.name, self.took().as_secs_f64());
        let mut file = OpenOptions::new().append(true).create(true).open(path).expect("HOOKGATE_CHAOS_RESULTS");
        file.write_all(line.as_bytes()).expect("HOOKGATE_CHAOS_RESULTS");
    }
}

/// Which case is running. A panic passes by here and is given its seed.
struct Culprit<'a> {
    test: &'a str,
    seed: u64,
    large: bool,
}

impl Drop for Culprit<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { test, seed, large } = self;
            let (size, release) = if *large { ("HOOKGATE_CHAOS=large ", " --release") } else { ("", "") };
            say(&format!(
                "the case of seed {seed} failed; to repeat it:\n  {size}HOOKGATE_CHAOS_SEED={seed} HOOKGATE_CHAOS_CASES=1 \
                 cargo test --locked{release} --lib {test} -- --exact"
            ));
        }
    }
}

/// Past the tests' capture, which would show it at the end only.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("stderr");
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn number(name: &str) -> Option<u64> {
    variable(name).map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}
