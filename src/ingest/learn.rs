//! Secrets that a sender brings itself, unsigned, at the start of its life (`learn_secret`).
//!
//! Whoever comes first while such a door is open becomes the sender, so it is shut unless an operator holds it open: a
//! [`Window`], for a time and for so many secrets. What is learned is on disk before it is answered, and proves deliveries
//! from then on, beside the configured secrets. Nothing of a secret is ever in the log.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tracing::{info, warn};

use crate::clock::{Clock, Moment};
use crate::metrics::{Metrics, OfSource};
use crate::secret::{self, Secret};
use crate::signature::{Demands, Gate};

use super::reject::Reject;

/// A source keeps no more of them; each costs a MAC a request.
pub const LEARNED_MAX: usize = 64;

/// What a source has learned, and whether it may learn more.
#[derive(Debug)]
pub struct Learner {
    source: String,
    /// None on trial: then it would always learn, and keeps nothing.
    file: Option<PathBuf>,
    demands: Demands,
    gate: Arc<ArcSwap<Gate>>,
    opening: Mutex<Option<Opening>>,
    /// Held while a secret is written: one after the other.
    keeping: Mutex<()>,
    clock: Clock,
    /// 1 while a window is open.
    is_open: Gauge,
    learned: Counter,
}

/// The inside of an open window.
#[derive(Debug)]
struct Opening {
    until: Moment,
    left: usize,
    tell: Sender<Secret>,
    /// Whose it is.
    key: Arc<()>,
}

/// An open window, in the hands of who opened it; closed when it is dropped.
#[derive(Debug)]
pub struct Window {
    learner: Arc<Learner>,
    until: Moment,
    key: Arc<()>,
    told: Receiver<Secret>,
    learned: usize,
}

/// Why a window cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// There is one already.
    #[error("another window of this source is open")]
    Open,
    /// No room for so many more.
    #[error("{kept} secrets are kept in {}, and there is room for {LEARNED_MAX}: take out the lines of those that \
             nobody uses any more, with the gateway stopped", file.display())]
    Full {
        /// So many are there.
        kept: usize,
        /// Here.
        file: PathBuf,
    },
    /// What was learned before cannot be read, or there is nowhere to keep it.
    #[error("what was learned cannot be read: {0}")]
    Unreadable(String),
}

impl Learner {
    pub(super) fn new(
        source: &str,
        file: Option<PathBuf>,
        demands: Demands,
        gate: Arc<ArcSwap<Gate>>,
        clock: &Clock,
        metrics: &Metrics,
    ) -> Self {
        let labels = OfSource { source: source.to_owned() };
        Self {
            source: source.to_owned(),
            file,
            demands,
            gate,
            opening: Mutex::default(),
            keeping: Mutex::default(),
            clock: clock.clone(),
            is_open: metrics.learn_windows.get_or_create_owned(&labels),
            learned: metrics.secrets_learned.get_or_create_owned(&labels),
        }
    }

    /// Opens a window for that long and for so many secrets.
    ///
    /// # Errors
    /// There is one already, or no room.
    pub fn open(self: &Arc<Self>, time: Duration, count: usize) -> Result<Window, NotOpened> {
        let count = count.max(1);
        let file = self.file.as_ref().ok_or_else(|| NotOpened::Unreadable("there is no spool.dir".into()))?;
        let kept = secret::read_list(file).map_err(|error| NotOpened::Unreadable(error.to_string()))?.len();
        if kept + count > LEARNED_MAX {
            return Err(NotOpened::Full { kept, file: file.clone() });
        }
        let until = self.clock.now().plus(time);
        let (tell, told) = channel(count);
        let key = Arc::new(());
        {
            let mut opening = hold(&self.opening);
            if opening.is_some() {
                return Err(NotOpened::Open);
            }
            *opening = Some(Opening { until, left: count, tell, key: Arc::clone(&key) });
            self.is_open.set(1);
        }
        let seconds = time.as_secs();
        warn!(source = self.source, seconds, count, "a window is open: whoever comes first may bring the secret");
        Ok(Window { learner: Arc::clone(self), until, key, told, learned: 0 })
    }

    /// Whether a secret that comes now would be learned.
    pub(super) fn is_awake(&self) -> bool {
        let now = self.clock.now();
        self.file.is_none() || hold(&self.opening).as_ref().is_some_and(|opening| opening.until > now)
    }

    /// Learns a secret, away from the threads that answer requests, since it waits for the disk.
    ///
    /// # Errors
    /// No window is open, no block of the source could use it, or it cannot be kept.
    pub(super) async fn learn(self: &Arc<Self>, secret: Secret) -> Result<(), Reject> {
        let learner = Arc::clone(self);
        tokio::task::spawn_blocking(move || learner.keep(secret)).await.unwrap_or(Err(Reject::NoCustody))
    }

    fn keep(&self, secret: Secret) -> Result<(), Reject> {
        let _one_at_a_time = hold(&self.keeping);
        let Some(file) = self.file.as_ref().filter(|_| self.is_awake()) else { return Err(Reject::Challenge) };
        let cannot = |why: &dyn std::fmt::Display| {
            warn!(source = self.source, error = %why, "a secret came and cannot be kept; the sender is asked to try again");
            Reject::NoCustody
        };
        let mut learned = secret::read_list(file).map_err(|error| cannot(&error))?;
        learned.push(secret.clone());
        let gate = Gate::new(Demands { learned: learned.clone(), ..self.demands.clone() }).map_err(|errors| {
            let why = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            warn!(source = self.source, why, "what came is no secret that this source can use");
            Reject::Challenge
        })?;
        secret::replace_list(file, &learned).map_err(|error| cannot(&error))?;
        self.gate.store(Arc::new(gate));
        self.count_down(secret);
        self.learned.inc();
        info!(
            source = self.source,
            kept = learned.len(),
            "a secret has been learned, and proves deliveries from now on"
        );
        Ok(())
    }

    /// Tells who opened the window; the last secret that was asked for closes it.
    fn count_down(&self, secret: Secret) {
        let mut opening = hold(&self.opening);
        let Some(open) = opening.as_mut() else { return };
        // Nobody listens any more where the operator has just gone; it is learned all the same.
        let _told: Result<(), _> = open.tell.try_send(secret);
        open.left = open.left.saturating_sub(1);
        if open.left == 0 {
            *opening = None;
            self.is_open.set(0);
        }
    }
}

impl Window {
    /// The next secret that is learned. None: its last one was, and the window is closed.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Secret>> {
        let learned = self.told.poll_recv(cx);
        self.learned += usize::from(matches!(learned, Poll::Ready(Some(_))));
        learned
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.learner.clock.now() >= self.until
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let mut opening = hold(&self.learner.opening);
        // It may have been closed by its last secret, and another be open by now.
        if opening.as_ref().is_some_and(|open| Arc::ptr_eq(&open.key, &self.key)) {
            *opening = None;
            self.learner.is_open.set(0);
        }
        drop(opening);
        // Learned between the last look and now.
        while self.told.try_recv().is_ok() {
            self.learned += 1;
        }
        let (source, learned, expired) = (&self.learner.source, self.learned, self.is_over());
        info!(source, learned, expired, "the window is closed: no secret is learned any more");
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
