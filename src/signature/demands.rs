//! What a gate is built from.

use super::fetched::FetchedKeys;
use super::scheme::{Allow, Block, Kind};
use crate::locate::Batch;
use crate::secret::Secret;

/// What a gate is built from.
#[derive(Debug, Clone, Default)]
pub struct Demands {
    /// Any may match; all are evaluated.
    pub blocks: Vec<Block>,
    /// The source's own secrets, tried by every block that has none of its own.
    pub secrets: Vec<Secret>,
    /// Secrets that the sender itself brought while an operator let it: tried beside `secrets`, and numbered after all
    /// that are configured, so that to learn one changes no other's number.
    pub learned: Vec<Secret>,
    /// `public_url` without a slash at its end, for signatures over the URL.
    pub public_url: Option<String>,
    /// Where the elements are, for credentials and signatures of each (`item:`).
    pub batch: Option<Batch>,
    /// Handshakes of this source sign any such value for a stranger: as signed content it proves nothing.
    pub signs_for_strangers: Vec<Allow>,
}

impl Demands {
    /// The keys that are to be fetched.
    pub fn fetched(&self) -> impl Iterator<Item = &FetchedKeys> {
        self.blocks.iter().filter_map(|block| match &block.kind {
            Kind::Jws(jws) => jws.fetched.as_ref(),
            _ => None,
        })
    }

    /// How many secrets there are, the blocks' own and the learned ones among them: numbers of secrets in a proof are
    /// below it.
    #[must_use]
    pub fn secrets_in_all(&self) -> usize {
        self.configured() + self.learned.len()
    }

    fn configured(&self) -> usize {
        self.secrets.len() + self.blocks.iter().map(|block| block.secrets.len()).sum::<usize>()
    }

    /// What a block without secrets of its own tries, each with its number.
    pub(super) fn shared(&self) -> Vec<(usize, &Secret)> {
        self.secrets.iter().enumerate().chain((self.configured()..).zip(&self.learned)).collect()
    }
}
