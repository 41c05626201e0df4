//! What the gateway is measured against: the same HTTP server doing less.
//!
//! | mode | 200 means |
//! | --- | --- |
//! | `bare` | the body has been read |
//! | `commit` | it is on the disk: one write and one fdatasync for all that came while the last sync ran |
//! | `kafka` | the delivery report came: rdkafka's `FutureProducer`, awaited, with the gateway's own settings |
//!
//! `baseline MODE --listen ADDRESS [--dir DIR] [--brokers LIST --topic TOPIC]`. One worker thread, as it runs on one core.

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on ends")]

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::StatusCode;
use rdkafka::config::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Bodies up to here, as the gateway's own default.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The segment is written round and round, so that it never grows: a sync then costs half.
const SEGMENT_BYTES: usize = 64 * 1024 * 1024;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let mode = arguments.next().expect("a mode: bare, commit or kafka");
    let arguments: Vec<_> = arguments.collect();
    let options: HashMap<_, _> = arguments.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let router = match mode.as_str() {
            "bare" => Router::new().route("/in/orders", post(bare)),
            "commit" => {
                let log = Log::start(Path::new(options["--dir"]));
                Router::new().route("/in/orders", post(commit)).with_state(log)
            }
            "kafka" => {
                let kafka = Kafka::start(options["--brokers"], options["--topic"]);
                Router::new().route("/in/orders", post(produce)).with_state(kafka)
            }
            other => unreachable!("no mode {other}"),
        };
        let router = router.layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX));
        let listener = TcpListener::bind(options["--listen"]).await.expect("a free address");
        axum::serve(listener, router).await.expect("serving does not end");
    });
}

async fn bare(body: Bytes) -> StatusCode {
    drop(body);
    StatusCode::OK
}

async fn commit(State(log): State<Arc<Log>>, body: Bytes) -> StatusCode {
    log.append(body).await.expect("the writer lives");
    StatusCode::OK
}

async fn produce(State(kafka): State<Kafka>, body: Bytes) -> StatusCode {
    let record = FutureRecord::<(), [u8]>::to(&kafka.topic).payload(&body);
    kafka.producer.send(record, Duration::from_secs(10)).await.expect("delivered");
    StatusCode::OK
}

/// An append-only file with one writer and many waiters.
struct Log {
    waiting: Mutex<Vec<(Bytes, oneshot::Sender<()>)>>,
    came: Condvar,
}

impl Log {
    fn start(dir: &Path) -> Arc<Self> {
        let file = File::options().create(true).read(true).write(true).truncate(true).open(dir.join("segment"));
        let file = file.expect("the directory can be written");
        file.write_all_at(&vec![0; SEGMENT_BYTES], 0).and_then(|()| file.sync_all()).expect("64 MiB of room");
        let log = Arc::new(Self { waiting: Mutex::default(), came: Condvar::new() });
        let writer = Arc::clone(&log);
        thread::spawn(move || writer.write_batches(&file));
        log
    }

    async fn append(&self, body: Bytes) -> Option<()> {
        let (done, safe) = oneshot::channel();
        let was_empty = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push((body, done));
            waiting.len() == 1
        };
        if was_empty {
            self.came.notify_one();
        }
        safe.await.ok()
    }

    fn write_batches(&self, file: &File) {
        let mut batch = Vec::new();
        let mut frames = Vec::new();
        let mut offset = 0;
        loop {
            {
                let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let mut waiting =
                    self.came.wait_while(waiting, |w| w.is_empty()).unwrap_or_else(PoisonError::into_inner);
                std::mem::swap(&mut *waiting, &mut batch);
            }
            frames.clear();
            for (body, _) in &batch {
                frames.extend_from_slice(&u32::try_from(body.len()).expect("at most 1 MiB").to_le_bytes());
                frames.extend_from_slice(&crc32c::crc32c(body).to_le_bytes());
                frames.extend_from_slice(body);
            }
            if offset + frames.len() > SEGMENT_BYTES {
                offset = 0;
            }
            let at = u64::try_from(offset).expect("64 bits");
            file.write_all_at(&frames, at).and_then(|()| file.sync_data()).expect("written");
            offset += frames.len();
            for (_, done) in batch.drain(..) {
                // Whoever hung up meanwhile needs no answer.
                done.send(()).ok();
            }
        }
    }
}

#[derive(Clone)]
struct Kafka {
    producer: FutureProducer,
    topic: Arc<str>,
}

impl Kafka {
    fn start(brokers: &str, topic: &str) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers);
        // As `kafka::properties` sets them where somebody waits.
        for (name, value) in [
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("linger.ms", "1"),
            ("sticky.partitioning.linger.ms", "2"),
            ("compression.codec", "lz4"),
            ("queue.buffering.max.kbytes", "65536"),
            ("queue.buffering.max.messages", "100000"),
        ] {
            config.set(name, value);
        }
        Self { producer: config.create().expect("a producer without a broker"), topic: topic.into() }
    }
}
