//! Public keys that are not in the configuration: they come while the gateway runs, and change.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// Keys, as far as a token is checked with them.
pub(super) trait Verify: Send + Sync {
    /// Whether one of them, of that name if the token says one, made the signature. What is compared here is public.
    fn verify(&self, kid: Option<&str>, signed: &[u8], signature: &[u8]) -> bool;
}

type Keys = Box<dyn Verify>;
type Read = dyn Fn(&[u8]) -> Result<Keys, String> + Send + Sync;

/// Keys from a URL; none at first. Clones share them. Who fetches them is no matter here.
#[derive(Clone)]
pub struct FetchedKeys {
    /// Where they are.
    pub url: String,
    /// The certificate authorities that vouch for that place, in PEM; none: those of the system.
    pub roots: Option<Vec<u8>>,
    read: Arc<Read>,
    known: Arc<ArcSwapOption<Keys>>,
}

impl FetchedKeys {
    /// Keys that nobody knows yet. `read` makes them of a document, or says what is wrong with it.
    pub(super) fn new(
        url: String,
        roots: Option<Vec<u8>>,
        read: impl Fn(&[u8]) -> Result<Keys, String> + Send + Sync + 'static,
    ) -> Self {
        Self { url, roots, read: Arc::new(read), known: Arc::default() }
    }

    /// Takes the keys of a document in the place of all that were known.
    ///
    /// # Errors
    /// It has none that could be used, or too many; those that were known stay.
    pub fn learn(&self, document: &[u8]) -> Result<(), String> {
        let keys = (self.read)(document)?;
        self.known.store(Some(Arc::new(keys)));
        Ok(())
    }

    /// Whether there were any yet.
    #[must_use]
    pub fn are_known(&self) -> bool {
        self.known.load().is_some()
    }

    /// As the keys do that are known now; nothing is true while there are none.
    pub(super) fn verify(&self, kid: Option<&str>, signed: &[u8], signature: &[u8]) -> bool {
        self.known.load().as_ref().is_some_and(|keys| keys.verify(kid, signed, signature))
    }
}

impl fmt::Debug for FetchedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchedKeys").field("url", &self.url).field("known", &self.are_known()).finish_non_exhaustive()
    }
}
