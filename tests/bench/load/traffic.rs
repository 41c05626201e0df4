//! The sender: signed requests over kept connections, each sent when the last was answered.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use hookgate::clock::{Clock, Moment};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::histogram::Histogram;

/// The secret of the source `orders`.
pub(crate) const SECRET: &str = "benchmark-secret-of-32-characters";

const BODY_BYTES: usize = 1024;

/// Where the digits of the id stand in a body, for sender and auditor.
pub(crate) const ID: std::ops::Range<usize> = 11..21;

/// Random letters that bodies are cut from, so that compression finds no more in them than in life.
const POOL_BYTES: usize = 1 << 16;

/// Signatures for bodies that differ in id and content, made before the clock starts.
pub(crate) struct Prepared {
    pool: Vec<u8>,
    signatures: Vec<[u8; 32]>,
}

impl Prepared {
    pub(crate) fn new(count: usize) -> Self {
        let mut prepared = Self { pool: pool(), signatures: Vec::new() };
        let key = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length is a key");
        let sign = |number| {
            let mut mac = key.clone();
            mac.update(&prepared.body(number));
            mac.finalize().into_bytes().into()
        };
        let signatures = (0..count).map(sign).collect();
        prepared.signatures = signatures;
        prepared
    }

    fn body(&self, number: usize) -> Vec<u8> {
        let mut body = format!("{{\"id\":\"evt_{number:010}\",\"type\":\"order.paid\",\"data\":\"").into_bytes();
        let start = number.wrapping_mul(4_093) % (POOL_BYTES - BODY_BYTES);
        let filling = BODY_BYTES - body.len() - 2;
        body.extend_from_slice(&self.pool[start..start + filling]);
        body.extend_from_slice(b"\"}");
        body
    }

    /// None when there are no more: a run is as long as its signatures last.
    fn request(&self, number: usize) -> Option<Vec<u8>> {
        let signature = data_encoding::HEXLOWER.encode(self.signatures.get(number)?);
        let mut request = format!(
            "POST /in/orders HTTP/1.1\r\nhost: gateway.test\r\ncontent-type: application/json\r\n\
             x-signature: sha256={signature}\r\ncontent-length: {BODY_BYTES}\r\n\r\n"
        )
        .into_bytes();
        request.extend_from_slice(&self.body(number));
        Some(request)
    }
}

/// xorshift64, as letters.
fn pool() -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let letter = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[usize::try_from(state % 64).unwrap_or(0)]
    };
    (0..POOL_BYTES).map(letter).collect()
}

/// How long to send, and with how many connections.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) connections: usize,
    /// Sent and counted in the ledger, not measured.
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    /// At most so many requests, for a run of a fixed number.
    pub(crate) requests: usize,
}

/// What came of it.
pub(crate) struct Outcome {
    /// Numbers of the requests that were answered 200: what must be in Kafka.
    pub(crate) acknowledged: Vec<usize>,
    /// Answered otherwise, or not at all.
    pub(crate) refused: u64,
    /// Answers 200 in the measured time.
    pub(crate) answers: u64,
    pub(crate) latencies: Histogram,
    /// The measured time as it was.
    pub(crate) seconds: f64,
}

struct Shared {
    prepared: Rc<Prepared>,
    plan: Plan,
    clock: Clock,
    next: Cell<usize>,
    measures: Cell<bool>,
    ends: Cell<bool>,
    outcome: RefCell<Outcome>,
}

/// Sends. `at_edge` is called when the measured time begins and when it ends.
pub(crate) fn send(to: SocketAddr, prepared: &Rc<Prepared>, plan: Plan, mut at_edge: impl FnMut()) -> Outcome {
    let outcome =
        Outcome { acknowledged: Vec::new(), refused: 0, answers: 0, latencies: Histogram::new(), seconds: 0.0 };
    let shared = Rc::new(Shared {
        prepared: Rc::clone(prepared),
        plan,
        clock: Clock::system(),
        next: Cell::new(0),
        measures: Cell::new(false),
        ends: Cell::new(false),
        outcome: RefCell::new(outcome),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, async {
        let senders: Vec<_> =
            (0..plan.connections).map(|_| tokio::task::spawn_local(converse(to, Rc::clone(&shared)))).collect();
        tokio::time::sleep(plan.warm_up).await;
        at_edge();
        shared.measures.set(true);
        let start = shared.clock.now();
        if plan.measured > Duration::ZERO {
            tokio::time::sleep(plan.measured).await;
            shared.measures.set(false);
            shared.outcome.borrow_mut().seconds = shared.clock.now().since(start).as_secs_f64();
            at_edge();
            shared.ends.set(true);
        }
        for sender in senders {
            sender.await.expect("a sender");
        }
    });
    Rc::into_inner(shared).expect("all senders have ended").outcome.into_inner()
}

async fn converse(to: SocketAddr, shared: Rc<Shared>) {
    let mut stream = TcpStream::connect(to).await.expect("the server listens");
    stream.set_nodelay(true).expect("a TCP connection");
    let mut buffer = Vec::with_capacity(4096);
    while !shared.ends.get() {
        let number = shared.next.get();
        if number >= shared.plan.requests {
            return;
        }
        let Some(request) = shared.prepared.request(number) else { return };
        shared.next.set(number + 1);
        let sent = shared.clock.now();
        let written = stream.write_all(&request).await;
        let status = if written.is_ok() { status(&mut stream, &mut buffer).await } else { None };
        shared.note(number, status, sent);
        if status.is_none() {
            return;
        }
    }
}

impl Shared {
    fn note(&self, number: usize, status: Option<u16>, sent: Moment) {
        let latency = self.clock.now().since(sent);
        let mut outcome = self.outcome.borrow_mut();
        if status != Some(200) {
            outcome.refused += 1;
            return;
        }
        outcome.acknowledged.push(number);
        if self.measures.get() {
            outcome.answers += 1;
            outcome.latencies.add(latency);
        }
    }
}

/// Reads one answer whole.
async fn status(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<u16> {
    buffer.clear();
    let head = loop {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = std::str::from_utf8(buffer.get(..head)?).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    while buffer.len() < head + length.unwrap_or(0) {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    Some(status)
}
