//! Whether the time of a verification tells how near a guess came: two classes of wrong credentials in random order, and
//! Welch's t-test over their times (`statistics`).
//!
//! `cargo bench --bench constant_time [-- SAMPLES]` prints a table. The first row is an early-exit comparison that leaks:
//! where it does not show, the machine is too noisy and the other rows say nothing. As a part of `cargo test` only the
//! statistics are checked, and no time.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a measurement that cannot go on ends")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use hookgate::clock::UnixMillis;
use hookgate::locate::{Expr, Request};
use hookgate::secret::Secret;
use hookgate::signature::scheme::{Block, Encoding, Hash, Kind, Part, Signed, What};
use hookgate::signature::{Demands, Draft, Gate, Subject, sign};
use http::{HeaderMap, HeaderName, HeaderValue};

mod statistics;

/// Times of a class, where nothing else is said.
const SAMPLES: usize = 200_000;
/// A leak that this does not show would not be seen.
const CONTROL_T: f64 = 10.0;
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const NAME: HeaderName = HeaderName::from_static("x-credential");
const BODY: &[u8] = &[b'x'; 256];

/// A request of one header.
#[derive(Debug)]
struct Guess(HeaderMap);

impl Subject for &Guess {
    fn request(&self) -> Request<'_> {
        Request { method: "POST", target: "/in", headers: &self.0, body: BODY, path_secret: None, peer: None }
    }
}

impl Guess {
    fn new(value: &[u8]) -> Self {
        let value = HeaderValue::from_bytes(value).expect("a header's value");
        Self(HeaderMap::from_iter([(NAME, value)]))
    }

    fn bytes(&self) -> &[u8] {
        self.0[NAME].as_bytes()
    }
}

/// Two wrong guesses of the same length: one is wrong at once, the other only at its end.
struct Classes {
    first: Vec<u8>,
    last: Vec<u8>,
}

impl Classes {
    fn of(right: &[u8]) -> Self {
        let wrong_at = |at: usize| {
            let mut guess = right.to_vec();
            guess[at] = if guess[at] == b'0' { b'1' } else { b'0' };
            guess
        };
        Self { first: wrong_at(0), last: wrong_at(right.len() - 1) }
    }

    /// Two guesses that are one: what the machine alone makes of it.
    fn alike(&self) -> Self {
        Self { first: self.last.clone(), last: self.last.clone() }
    }

    /// Measures both in random order, and gives the largest t and the median, in nanoseconds.
    fn measure(&self, samples: usize, mut check: impl FnMut(&Guess) -> bool) -> (f64, f64) {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut times = [Vec::with_capacity(samples), Vec::with_capacity(samples)];
        while times.iter().any(|times| times.len() < samples) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let class = usize::from(state >> 40 & 1 == 1);
            // Both are read, one is kept, and it always lies at the same address: caches tell places apart.
            let mask = 0_u8.wrapping_sub(u8::try_from(class).unwrap_or_default());
            let chosen = self.first.iter().zip(&self.last).map(|(first, last)| first ^ ((first ^ last) & mask));
            let guess = black_box(Guess::new(&chosen.collect::<Vec<_>>()));
            let begun = Instant::now();
            let opened = black_box(check(&guess));
            let time = begun.elapsed();
            assert!(!opened, "a wrong guess opens nothing");
            times[class].push(time.as_secs_f64() * 1e9);
        }
        let mut all = times.concat();
        all.sort_unstable_by(f64::total_cmp);
        (statistics::largest_t(&times[0], &times[1]), all[all.len() / 2])
    }
}

fn hmac() -> Block {
    let signed = Signed {
        signature: vec![Expr::Header(NAME)],
        separator: None,
        prefix: Vec::new(),
        after: None,
        encoding: Encoding::Hex,
        contents: vec![vec![Part { what: What::Body, optional: false }]],
        url_unescape: String::new(),
        prehash: false,
    };
    Block::new(Kind::Hmac(Hash::Sha256, signed))
}

fn demands(block: Block) -> Demands {
    Demands { blocks: vec![block], secrets: vec![Secret::new(SECRET)], ..Demands::default() }
}

/// What is not to be written: it ends at the first byte that is wrong.
#[inline(never)]
fn leaky(guess: &[u8], right: &[u8]) -> bool {
    guess.len() == right.len() && guess.iter().zip(right).all(|(guess, right)| black_box(guess) == black_box(right))
}

fn main() -> ExitCode {
    if let Err(wrong) = statistics::check() {
        println!("the statistics are wrong: {wrong}");
        return ExitCode::FAILURE;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("the statistics are right; cargo bench --bench constant_time measures");
        return ExitCode::SUCCESS;
    }
    let samples = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(SAMPLES);
    let now = UnixMillis(1_760_000_000_000);
    let header = Kind::Header { name: NAME, prefix: Vec::new() };
    let secrets = Classes::of(SECRET.as_bytes());
    let draft = Draft { method: "POST".into(), target: "/in".into(), headers: HeaderMap::new(), body: BODY.to_vec() };
    let signed = sign(&demands(hmac()), &Secret::new(SECRET), &draft, now).expect("a signature");
    let signatures = Classes::of(signed.headers[NAME].as_bytes());

    println!("| row | median | largest t of {samples} times a class |\n| --- | --- | --- |");
    let row = |name: &str, (t, median): (f64, f64)| println!("| {name} | {median:.0} ns | {t:+.1} |");
    let control = secrets.measure(samples, |guess| leaky(guess.bytes(), SECRET.as_bytes()));
    row("control: ends at the first wrong byte", control);
    for (name, block, classes) in
        [("header secret", Block::new(header), &secrets), ("HMAC-SHA256", hmac(), &signatures)]
    {
        let gate = Gate::new(demands(block)).expect("a gate");
        row(name, classes.measure(samples, |guess| gate.check(guess, now).is_ok()));
        let alike = classes.alike().measure(samples, |guess| gate.check(guess, now).is_ok());
        row(&format!("{name}, the same guess in both classes"), alike);
    }
    if control.0.abs() <= CONTROL_T {
        println!("the control does not show; this machine is too noisy to tell, or needs more samples");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
