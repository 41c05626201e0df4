//! How a port ends its connections: with the answer, and without losing one.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::answers::{bodies, statuses};
use super::port::Running;
use crate::listener::Drained;

#[tokio::test]
async fn an_answer_in_flight_is_written_before_the_port_stops() {
    let port = Running::start();
    let seen = port.seen.clone();
    let mut client = port.connect().await;
    client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
    seen.waiting.notified().await;
    let served = port.stop();
    tokio::task::yield_now().await;
    seen.go.notify_one();
    let answer = client.read_one().await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert_eq!(client.finish().await, []);
    assert_eq!(served.await.expect("served"), Drained { cut: 0 });
}

#[tokio::test(start_paused = true)]
async fn idle_and_silent_connections_end_at_once_when_the_port_stops() {
    let port = Running::start();
    let (mut idle, mut silent) = (port.connect().await, port.connect().await);
    idle.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(idle.read_one().await.status, 200);
    let served = port.stop();
    let drained = timeout(Duration::from_secs(1), served).await.expect("at once");
    assert_eq!(drained.expect("served"), Drained { cut: 0 });
    assert_eq!((idle.read_to_end().await, silent.read_to_end().await), (vec![], vec![]));
}

#[tokio::test]
async fn a_head_that_has_begun_is_answered_before_the_port_stops() {
    let port = Running::start();
    let counts = port.counts.clone();
    let mut client = port.connect().await;
    client.send("GET /1 HTTP/1.1\r\nHo").await;
    while counts.idle.get() == 0 {
        tokio::task::yield_now().await;
    }
    sleep(Duration::from_millis(50)).await;
    let served = port.stop();
    tokio::task::yield_now().await;
    client.send("st: a\r\n\r\n").await;
    let answer = client.read_one().await;
    assert_eq!((answer.body.as_str(), answer.header("connection")), ("GET /1 ", Some("close")));
    drop(client);
    assert_eq!(served.await.expect("served"), Drained { cut: 0 });
}

#[tokio::test(start_paused = true)]
async fn what_has_not_ended_when_the_time_is_over_is_cut() {
    let port = Running::start();
    let seen = port.seen.clone();
    let mut client = port.connect().await;
    client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
    seen.waiting.notified().await;
    let served = port.stop();
    assert_eq!(served.await.expect("served"), Drained { cut: 1 });
    let mut rest = Vec::new();
    drop(client.0.read_to_end(&mut rest).await);
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn a_stopped_port_takes_no_connection() {
    let port = Running::start();
    let address = port.address;
    assert_eq!(port.stop().await.expect("served"), Drained { cut: 0 });
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_refusal_reaches_a_peer_that_is_still_sending() {
    let port = Running::start();
    let mut client = port.connect().await;
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n").await;
    for _ in 0..64 {
        client.0.write_all(&[b'x'; 4096]).await.expect("taken");
        tokio::task::yield_now().await;
    }
    assert_eq!(statuses(&client.finish().await), [400]);
}

#[tokio::test]
async fn a_sender_that_hangs_up_does_not_end_the_work() {
    let port = Running::start();
    let mut client = port.connect().await;
    client.send("POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab").await;
    port.seen.waiting.notified().await;
    drop(client);
    sleep(Duration::from_millis(20)).await;
    assert_eq!(port.counts.active.get(), 1, "the handler still runs");
    port.seen.go.notify_one();
    while port.counts.active.get() + port.counts.idle.get() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_sender_that_closes_its_side_gets_its_answer() {
    let port = Running::start();
    let mut client = port.connect().await;
    client.send("POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab").await;
    port.seen.waiting.notified().await;
    port.seen.go.notify_one();
    assert_eq!(bodies(&client.finish().await), ["POST /wait ab"]);
}

#[tokio::test]
async fn a_handler_that_panics_asks_the_sender_to_come_again() {
    let port = Running::start();
    let answers = port.exchange("POST /panic HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab").await;
    assert_eq!(statuses(&answers), [503]);
    assert_eq!(answers[0].header("retry-after"), Some("5"));
    assert_eq!(answers[0].header("connection"), Some("close"));
    assert!(answers[0].header("x-request-id").is_some());
    assert_eq!(port.counts.panics.get(), 1);
    assert_eq!(statuses(&port.exchange("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n").await), [200]);
}

#[tokio::test]
async fn the_request_id_is_ours_and_the_one_that_the_handler_sees() {
    let port = Running::start();
    let request = "GET /id HTTP/1.1\r\nHost: a\r\nX-Request-Id: theirs\r\n\r\n";
    let answers = port.exchange([request, request].concat()).await;
    assert_eq!(answers.len(), 2);
    for answer in &answers {
        assert_eq!(answer.header("x-request-id"), Some(answer.body.as_str()));
        assert_eq!(answer.headers.iter().filter(|(name, _)| name == "x-request-id").count(), 1);
    }
    assert_ne!(answers[0].body, answers[1].body);
}

#[tokio::test]
async fn connections_are_counted_by_what_they_do() {
    let port = Running::start();
    let mut client = port.connect().await;
    client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
    port.seen.waiting.notified().await;
    assert_eq!((port.counts.active.get(), port.counts.idle.get()), (1, 0));
    port.seen.go.notify_one();
    client.read_one().await;
    assert_eq!((port.counts.active.get(), port.counts.idle.get()), (0, 1));
    drop(client);
    while port.counts.idle.get() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(port.counts.active.get(), 0);
}
