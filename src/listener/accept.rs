//! Takes connections while there is room for them, and drains them when told to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tracing::{debug, error, info};

use super::Port;
use super::addresses::Addresses;
use super::answering::Answering;
use super::connection::{self, Phase};
use super::door::Door;

/// Connections that the kernel keeps for us while we are busy.
const BACKLOG: i32 = 4096;
/// How long nothing is accepted after the system ran out of something, first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// How the connections of a port ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that had not ended when the time was over, and were cut.
    pub cut: usize,
}

/// Opens the socket of a port. Port 0 lets the system choose.
///
/// # Errors
/// The address is in use, or not ours, or not allowed.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the connections of the process before it.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Answers on `listener` until `stop`, and then until the answers in flight are written or `port.drain_timeout` is
/// over.
///
/// A service finds its [`Caller`](super::Caller) among the extensions of the request, and the error of a body that came
/// too slowly has [`TooSlow`](crate::throttle::TooSlow) as its cause.
pub async fn serve(listener: TcpListener, port: Port, answering: Answering, stop: impl Future<Output = ()>) -> Drained {
    let room = u32::try_from(port.settings.max_connections).unwrap_or(u32::MAX);
    let drain_timeout = port.drain_timeout;
    let permits = Arc::new(Semaphore::new(usize::try_from(room).unwrap_or(Semaphore::MAX_PERMITS)));
    let (phase, _) = watch::channel(Phase::Open);
    let addresses = Addresses::new(port.settings.max_connections_per_address);
    let door = Arc::new(Door::new(port, answering));
    let accepting = async {
        let mut backoff = Backoff::default();
        loop {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            let (stream, peer) = accept(&listener, &mut backoff).await;
            let connection =
                connection::serve(stream, peer, Arc::clone(&door), Arc::clone(&addresses), phase.subscribe());
            tokio::spawn(async move {
                connection.await;
                drop(permit);
            });
        }
    };
    tokio::select! {
        biased;
        () = pin!(stop) => {}
        () = accepting => {}
    }
    drop(listener);
    drain(&permits, room, &phase, drain_timeout).await
}

/// Waits until every permit has come back, or cuts the connections that still hold one.
async fn drain(permits: &Semaphore, room: u32, phase: &watch::Sender<Phase>, limit: Duration) -> Drained {
    phase.send_replace(Phase::Draining);
    if timeout(limit, permits.acquire_many(room)).await.is_ok() {
        return Drained { cut: 0 };
    }
    let open = usize::try_from(room).unwrap_or(usize::MAX).saturating_sub(permits.available_permits());
    phase.send_replace(Phase::Over);
    Drained { cut: open }
}

/// The next connection, however long the system has none to give.
async fn accept(listener: &TcpListener, backoff: &mut Backoff) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                backoff.reset();
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%peer, %error, "connection without TCP_NODELAY");
                }
                return (stream, peer);
            }
            // The peer gave up before we came; the next one waits already.
            Err(error) if is_of_one_connection(&error) => debug!(%error, "connection lost before it was accepted"),
            Err(error) => backoff.wait(&error).await,
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Waits out what the system has run out of, such as file descriptors.
#[derive(Debug, Default)]
struct Backoff {
    failures: u32,
}

impl Backoff {
    async fn wait(&mut self, error: &io::Error) {
        let (first, most) = BACKOFF;
        // Once, and not every time: what has run out may stay out for long.
        if self.failures == 0 {
            error!(%error, runbook = "file-descriptors", "no connection can be accepted, trying on");
        }
        sleep(first.saturating_mul(1 << self.failures.min(16)).min(most)).await;
        self.failures = self.failures.saturating_add(1);
    }

    fn reset(&mut self) {
        if self.failures > 0 {
            info!(failures = self.failures, "connections are accepted again");
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Too many open files, of the process and of the machine.
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    const ECONNABORTED: i32 = 103;

    #[test]
    fn a_peer_that_gave_up_is_no_reason_to_wait() {
        assert!(is_of_one_connection(&io::Error::from_raw_os_error(ECONNABORTED)));
        assert!(!is_of_one_connection(&io::Error::from_raw_os_error(EMFILE)));
        assert!(!is_of_one_connection(&io::Error::from_raw_os_error(ENFILE)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_shortage_is_waited_out_and_then_forgotten() {
        let error = io::Error::from_raw_os_error(EMFILE);
        let mut backoff = Backoff::default();
        for _ in 0..100 {
            assert!(timeout(BACKOFF.1 + BACKOFF.0, backoff.wait(&error)).await.is_ok(), "never longer than the most");
        }
        backoff.reset();
        assert_eq!(backoff.failures, 0);
    }
}
