//! Documents from URLs that the operator configured, such as sets of public keys: fetched in the background, and again.
//!
//! Nothing in a request leads to a fetch: not its URL, and not its time. A key that nobody knows yet is known with the
//! next fetch, which comes when the last answer said so (`max-age`, within [`INTERVAL_MIN`] and [`INTERVAL_MAX`]).
//! Where a fetch fails, what the last good one brought stays.
//!
//! https alone, no redirect, no proxy, at most [`DOCUMENT_BYTES_MAX`], within [`TIMEOUT`].

mod client;
mod pace;

#[cfg(test)]
mod tests;

use std::convert::Infallible;

pub use client::{Client, DOCUMENT_BYTES_MAX, FetchError, TIMEOUT, Url, UrlError, certificates};
pub use pace::{INTERVAL, INTERVAL_MAX, INTERVAL_MIN, RETRY_MAX, RETRY_MIN};

use pace::Pace;

/// Fetches the document now and again, for ever. `take` says what is wrong with what came, and `tell` is told how each
/// fetch ended.
pub async fn keep(
    client: Client,
    mut take: impl FnMut(&[u8]) -> Result<(), String>,
    mut tell: impl FnMut(Result<(), FetchError>),
) -> Infallible {
    let mut pace = Pace::default();
    loop {
        let fetched = client.get().await;
        let taken = fetched.and_then(|fetched| match take(&fetched.body) {
            Ok(()) => Ok(fetched.max_age),
            Err(why) => Err(FetchError::Refused(why)),
        });
        let wait = match &taken {
            Ok(max_age) => pace.after_success(*max_age),
            Err(_) => pace.after_failure(),
        };
        tell(taken.map(|_| ()));
        tokio::time::sleep(wait).await;
    }
}
