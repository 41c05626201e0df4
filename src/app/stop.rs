//! The signal to stop.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{info, warn};

/// Tells when to stop. Clones tell the same.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// Says that it is time to stop.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

impl Stop {
    /// A stop that the holder of the trigger gives; dropping the trigger gives it too.
    #[must_use]
    pub fn by_hand() -> (Trigger, Self) {
        let (sender, receiver) = watch::channel(false);
        (Trigger(sender), Self(receiver))
    }

    /// A stop at SIGTERM or SIGINT. A second signal ends the process at once, with exit code 1: nothing that was
    /// acknowledged is lost by it, since nothing is acknowledged that nothing holds. SIGHUP, which would end the process,
    /// is answered in the log: a configuration is taken at the start only.
    ///
    /// # Errors
    /// The system does not let us listen for signals.
    pub fn at_signal() -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                warn!("SIGHUP: this version does not reload; restart it to take a new configuration");
            }
        });
        let (trigger, stop) = Self::by_hand();
        tokio::spawn(async move {
            for second in [false, true] {
                let name = tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                };
                if second {
                    warn!(
                        signal = name,
                        "second signal: ending at once; what is in the spool is delivered after the next start"
                    );
                    std::process::exit(1);
                }
                info!(signal = name, "stopping");
                trigger.pull();
            }
        });
        Ok(stop)
    }

    /// Waits until it is time.
    pub async fn wait(mut self) {
        // An error means that the trigger is gone, which is a stop as well.
        drop(self.0.wait_for(|stop| *stop).await);
    }
}

impl Trigger {
    /// Now.
    pub fn pull(&self) {
        self.0.send_replace(true);
    }
}
