//! What is too much or too slow.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::answers::{bodies, statuses};
use super::port::{Client, Running};
use crate::units::ByteSize;

const SECOND: Duration = Duration::from_secs(1);

/// Nothing comes for so long, and the connection stays open.
async fn stays_open(client: &mut Client, for_: Duration) {
    assert!(timeout(for_, client.read_to_end()).await.is_err());
}

/// The port closes within so long, without an answer.
async fn closes(client: &mut Client, within: Duration) {
    assert_eq!(timeout(within, client.read_to_end()).await.expect("closed"), []);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed_without_an_answer() {
    let port = Running::start();
    let mut client = port.connect().await;
    stays_open(&mut client, 74 * SECOND).await;
    closes(&mut client, 2 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_slow_is_closed_without_an_answer() {
    let port = Running::start();
    let mut client = port.connect().await;
    stays_open(&mut client, 30 * SECOND).await;
    client.send("GET / HTTP/1.1\r\nHo").await;
    stays_open(&mut client, 9 * SECOND).await;
    client.send("st: a\r\n").await;
    closes(&mut client, 2 * SECOND).await;
    assert!(port.seen.targets.lock().expect("not poisoned").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_head_may_take_its_time_at_the_end_of_a_long_wait() {
    let port = Running::start();
    let mut client = port.connect().await;
    sleep(74 * SECOND).await;
    client.send("GET /1 HTTP/1.1\r\n").await;
    sleep(9 * SECOND).await;
    client.send("Host: a\r\n\r\n").await;
    assert_eq!(client.read_one().await.body, "GET /1 ");
}

#[tokio::test(start_paused = true)]
async fn a_head_in_drips_has_no_more_time_than_one_that_stalls() {
    let port = Running::start();
    let mut client = port.connect().await;
    for drip in 0..40 {
        client.send("GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaa".as_bytes()[drip..=drip].to_vec()).await;
        sleep(SECOND / 2).await;
    }
    closes(&mut client, SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_and_then_closed() {
    let port = Running::start();
    let mut client = port.connect().await;
    for _ in 0..3 {
        client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(client.read_one().await.status, 200);
        stays_open(&mut client, 70 * SECOND).await;
    }
    closes(&mut client, 6 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_take_longer_than_any_wait_for_bytes() {
    let port = Running::start();
    let mut client = port.connect().await;
    client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\n").await;
    port.seen.waiting.notified().await;
    sleep(200 * SECOND).await;
    client.send("Host: a\r\n\r\n").await;
    port.seen.go.notify_one();
    assert_eq!(bodies(&client.finish().await), ["GET /wait ", "GET /2 "]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_answered_408_and_the_connection_closed() {
    let port = Running::start();
    let mut client = port.connect().await;
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc").await;
    stays_open(&mut client, 9 * SECOND).await;
    let answers = timeout(2 * SECOND, client.read_to_end()).await.expect("closed");
    assert_eq!(statuses(&answers), [408]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_is_no_faster_than_one_that_stalls() {
    let port = Running::start();
    let mut client = port.connect().await;
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    for _ in 0..40 {
        client.send("1\r\na\r\n").await;
        sleep(SECOND / 2).await;
    }
    assert_eq!(statuses(&client.read_to_end().await), [408]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_keeps_the_lowest_rate_may_take_long() {
    let port = Running::start();
    let mut client = port.connect().await;
    client.send("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 61440\r\n\r\n").await;
    for _ in 0..60 {
        sleep(SECOND).await;
        client.send([b'x'; 1024]).await;
    }
    assert_eq!(client.read_one().await.body, format!("POST /1 {}", "x".repeat(61_440)));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_its_answers_is_cut() {
    let port = Running::start();
    let mut client = port.connect().await;
    let body = "x".repeat(60_000);
    let request = format!("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    // Until neither side's window takes any more.
    while timeout(SECOND, client.send(&request)).await.is_ok() {}
    assert_eq!(port.counts.active.get() + port.counts.idle.get(), 1);
    sleep(40 * SECOND).await;
    assert_eq!((port.counts.active.get(), port.counts.idle.get()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn as_many_connections_as_may_be_are_served_and_the_others_wait() {
    let port = Running::with(|settings| settings.max_connections = 2);
    let (first, mut second) = (port.connect().await, port.connect().await);
    second.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(second.read_one().await.body, "GET /2 ");
    let mut third = port.connect().await;
    third.send("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    stays_open(&mut third, SECOND).await;
    assert_eq!(port.counts.idle.get() + port.counts.active.get(), 2);
    drop(first);
    assert_eq!(third.read_one().await.body, "GET /3 ");
}

#[tokio::test]
async fn an_address_has_no_more_connections_than_its_cap() {
    let port = Running::with(|settings| settings.max_connections_per_address = Some(1));
    let mut first = port.connect().await;
    first.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(first.read_one().await.status, 200);
    assert_eq!(port.connect().await.read_to_end().await, []);
    assert_eq!(bodies(&first.finish().await), [""; 0]);
    assert_eq!(bodies(&port.exchange("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n").await), ["GET /2 "]);
}

#[tokio::test]
async fn a_trusted_proxy_is_not_capped() {
    let port = Running::with(|settings| {
        settings.max_connections_per_address = Some(1);
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    });
    let _first = port.connect().await;
    assert_eq!(bodies(&port.exchange("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n").await), ["GET /2 "]);
}

#[tokio::test]
async fn more_headers_than_hyper_keeps_on_its_stack_may_be_allowed() {
    let port = Running::with(|settings| settings.max_headers = 150);
    let request = |fields: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(fields - 1));
    assert_eq!(statuses(&port.exchange(request(150)).await), [200]);
    assert_eq!(statuses(&port.exchange(request(151)).await), [431]);
}

#[tokio::test]
async fn a_head_of_the_largest_size_is_taken() {
    let port = Running::with(|settings| settings.max_header_bytes = ByteSize::kib(32));
    let start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    let request = |bytes: usize| format!("{start}{}\r\n\r\n", "y".repeat(bytes - start.len() - 4));
    assert_eq!(statuses(&port.exchange(request(32 * 1024)).await), [200]);
    assert_eq!(statuses(&port.exchange(request(32 * 1024 + 1)).await), [431]);
}

#[tokio::test]
async fn the_client_is_whom_a_trusted_proxy_names() {
    let request = "GET /client HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n";
    let port = Running::start();
    assert_eq!(bodies(&port.exchange(request).await), ["127.0.0.1"]);
    let trusting =
        Running::with(|settings| settings.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")]);
    assert_eq!(bodies(&trusting.exchange(request).await), ["192.0.2.9"]);
}

#[tokio::test]
async fn a_trusted_proxy_begins_with_its_header_and_nobody_else_may() {
    let request = "GET /client HTTP/1.1\r\nHost: a\r\n\r\n";
    let header = "PROXY TCP4 192.0.2.9 10.0.0.1 4711 80\r\n";
    let trusted = Running::with(|settings| {
        settings.proxy_protocol = true;
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
    });
    assert_eq!(bodies(&trusted.exchange(format!("{header}{request}{request}")).await), ["192.0.2.9"; 2]);
    assert_eq!(bodies(&trusted.exchange(format!("PROXY UNKNOWN\r\n{request}")).await), ["127.0.0.1"]);
    let mut late = trusted.connect().await;
    late.send(header).await;
    tokio::task::yield_now().await;
    late.send(request).await;
    assert_eq!(bodies(&late.finish().await), ["192.0.2.9"]);
    assert!(trusted.connect().await.refuses(request).await);

    let untrusted = Running::with(|settings| settings.proxy_protocol = true);
    assert_eq!(statuses(&untrusted.exchange(format!("{header}{request}")).await), [400]);
    assert_eq!(bodies(&untrusted.exchange(request).await), ["127.0.0.1"]);
}

#[tokio::test(start_paused = true)]
async fn a_proxy_header_must_come_in_time() {
    let port = Running::with(|settings| {
        settings.proxy_protocol = true;
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
    });
    let mut client = port.connect().await;
    client.send("PROXY TCP4 ").await;
    stays_open(&mut client, 9 * SECOND).await;
    assert!(client.refuses("192").await);
}
