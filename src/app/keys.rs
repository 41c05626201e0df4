//! Public keys of sources, fetched from where the operator says that they are.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::admin::Health;
use crate::fetch::{self, Client};
use crate::ingest::source::{Handshake, Settings};
use crate::metrics::{Metrics, SourceResult};
use crate::signature::{Demands, FetchedKeys};

/// Keys, who fetches them, and for which source.
#[derive(Debug)]
pub(super) struct Errand {
    source: String,
    keys: FetchedKeys,
    client: Client,
}

/// One for each set of keys of each source, and of its handshakes.
pub(super) fn errands(sources: &[Settings]) -> Result<Vec<Errand>> {
    let mut errands = Vec::new();
    for source in sources.iter().filter(|source| source.enabled) {
        let handshakes = source.handshakes.iter().filter_map(Handshake::own_demands);
        for keys in handshakes.chain([&source.demands]).flat_map(Demands::fetched) {
            let client = keys.url.parse().map_err(anyhow::Error::from);
            let client = client.and_then(|url| Ok(Client::new(url, keys.roots.as_deref())?));
            let client = client.with_context(|| format!("source {}: keys.jwks", source.name))?;
            errands.push(Errand { source: source.name.to_string(), keys: keys.clone(), client });
        }
    }
    Ok(errands)
}

/// Fetches them now and again, until the set is dropped.
pub(super) fn run(errands: Vec<Errand>, metrics: &Arc<Metrics>) -> JoinSet<()> {
    let mut running = JoinSet::new();
    for Errand { source, keys, client } in errands {
        let metrics = Arc::clone(metrics);
        running.spawn(async move {
            let learn = |document: &[u8]| keys.learn(document);
            let mut first = true;
            let tell = |ended: Result<(), fetch::FetchError>| {
                let result = if ended.is_ok() { "good" } else { "failed" }.to_owned();
                metrics.key_fetches.get_or_create_owned(&SourceResult { source: source.clone(), result }).inc();
                match ended {
                    Ok(()) if std::mem::take(&mut first) => info!(source, url = keys.url, "its public keys are known"),
                    Ok(()) => {}
                    Err(error) if first => {
                        warn!(source, url = keys.url, %error, "its public keys are not known yet: senders get 503");
                    }
                    Err(error) => {
                        warn!(source, url = keys.url, %error, "its public keys could not be fetched again: those before stay");
                    }
                }
            };
            match fetch::keep(client, learn, tell).await {}
        });
    }
    running
}

/// Notes whether all are known by now, or of which sources they are not, where there are any.
pub(super) fn noted(errands: &[Errand], health: Health) -> Health {
    if errands.is_empty() {
        return health;
    }
    let watched: Vec<_> = errands.iter().map(|errand| (errand.source.clone(), errand.keys.clone())).collect();
    let known = move || {
        let missing = watched.iter().filter(|(_, keys)| !keys.are_known()).map(|(source, _)| source.as_str());
        let missing: Vec<_> = missing.collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("not fetched yet, of {}", missing.join(", "))) }
    };
    health.noting("keys", Box::new(known))
}
