//! Where one request ends and the next begins in the bytes of a connection, so that every head is looked at before it is
//! passed on, the pipelined ones too. Public for those who try it with bytes of their own (`tests/fuzz`).

use super::chunks::Chunks;
use super::head::{Length, Scanner};

pub use super::head::{Limits, Refusal};

/// Follows the requests of one connection.
#[derive(Debug)]
pub struct Framing {
    limits: Limits,
    state: State,
}

#[derive(Debug)]
enum State {
    Head(Scanner),
    Body { left: u64 },
    Chunks(Chunks),
    Ended(End),
}

/// Why nothing more is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A head must not be passed on; all before it may be.
    Refused(Refusal),
    /// A body is not what its head said; where the next request would begin is unknown.
    Broken,
}

/// What may be passed on of the bytes that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// The first so many bytes. The others are a head that is not complete and come again, with more.
    pub bytes: usize,
    /// Heads that are complete within them.
    pub heads: u64,
}

impl Framing {
    /// A connection of which nothing has come yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, state: State::Head(Scanner::new(limits)) }
    }

    /// Says how many of `bytes` may be passed on. The bytes of an incomplete head must come again, before those that
    /// follow it.
    pub fn pass(&mut self, bytes: &[u8]) -> Passed {
        let mut passed = Passed { bytes: 0, heads: 0 };
        while let Some(rest) = bytes.get(passed.bytes..).filter(|rest| !rest.is_empty()) {
            let in_head = matches!(self.state, State::Head(_));
            let step = self.step(rest);
            passed.bytes += step;
            passed.heads += u64::from(in_head && step > 0);
            if step == 0 {
                break;
            }
        }
        passed
    }

    /// Nothing is passed on any more, and this is why.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        match self.state {
            State::Ended(end) => Some(end),
            _ => None,
        }
    }

    /// Waits for a head or for the rest of one.
    #[must_use]
    pub fn in_head(&self) -> bool {
        matches!(self.state, State::Head(_))
    }

    /// Passes one head, or what there is of one body. Zero: nothing of `rest`.
    fn step(&mut self, rest: &[u8]) -> usize {
        match &mut self.state {
            State::Head(scanner) => match scanner.scan(rest) {
                Ok(None) => 0,
                Ok(Some((bytes, length))) => {
                    self.state = match length {
                        Length::Known(0) => self.next_head(),
                        Length::Known(left) => State::Body { left },
                        Length::Chunked => State::Chunks(Chunks::new()),
                    };
                    bytes
                }
                Err(refusal) => self.finish(End::Refused(refusal)),
            },
            State::Body { left } => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                *left -= u64::try_from(here).unwrap_or(*left);
                if *left == 0 {
                    self.state = self.next_head();
                }
                here
            }
            State::Chunks(chunks) => match chunks.follow(rest) {
                Ok(here) => {
                    if chunks.ended() {
                        self.state = self.next_head();
                    }
                    here
                }
                Err(_) => self.finish(End::Broken),
            },
            State::Ended(_) => 0,
        }
    }

    fn next_head(&self) -> State {
        State::Head(Scanner::new(self.limits))
    }

    fn finish(&mut self, end: End) -> usize {
        self.state = State::Ended(end);
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { bytes_max: 512, fields_max: 8 };

    /// Feeds `pieces` as a connection would, and gives all that was passed on, the number of heads, and the end.
    fn feed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, u64, Option<End>) {
        let mut framing = Framing::new(LIMITS);
        let (mut held, mut out, mut heads) = (Vec::new(), Vec::new(), 0);
        for piece in pieces {
            held.extend_from_slice(piece);
            let passed = framing.pass(&held);
            out.extend(held.drain(..passed.bytes));
            heads += passed.heads;
        }
        (out, heads, framing.end())
    }

    #[test]
    fn a_good_head_before_a_bad_one_is_passed_on() {
        let good = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        let bad = b"GET / HTTP/1.1\r\nHost : a\r\n\r\n";
        let (out, heads, end) = feed([&[&good[..], bad].concat()[..]]);
        assert_eq!((out.as_slice(), heads, end), (&good[..], 1, Some(End::Refused(Refusal::Malformed))));
    }

    #[test]
    fn a_head_inside_a_body_is_a_body() {
        let smuggled = "GET /admin HTTP/1.1\r\nHost : a\r\n\r\n";
        let text = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{smuggled}", smuggled.len());
        assert_eq!(feed([text.as_bytes()]), (text.clone().into_bytes(), 1, None));
    }

    #[test]
    fn nothing_is_passed_on_behind_a_broken_body() {
        let text = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcGET / HTTP/1.1\r\n\r\n";
        let (out, heads, end) = feed([&text[..]]);
        assert_eq!(
            (out.len(), heads, end),
            (text.len() - "3\r\nabcGET / HTTP/1.1\r\n\r\n".len(), 1, Some(End::Broken))
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_cuts_between_reads_change_nothing(cuts in prop::collection::vec(0usize..400, 0..40)) {
            let text: &[u8] = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
                \r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n\
                POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nabcd\r\n0\r\nT: v\r\n\r\n\
                GET /d HTTP/1.0\r\nX: 1\r\n\r\n\
                GET /bad HTTP/1.1\r\nX: 1\n\r\n";
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]);
            let whole = feed([text]);
            prop_assert_eq!(whole.1, 4);
            prop_assert_eq!(feed(pieces), whole);
        }

        #[test]
        fn no_bytes_make_it_panic_or_pass_more_than_came(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let (out, _, _) = feed([&bytes[..]]);
            prop_assert!(bytes.starts_with(&out));
        }
    }
}
