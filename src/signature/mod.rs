//! How a source proves itself: schemes as data, one gate that compares, and the sender's side of it.
//!
//! No MAC is computed and no credential compared anywhere else. Where the bytes come from (`candidates`, `presented`,
//! `content`, `freshness`) is apart from the place where they are compared (`gate`).

pub mod gate;
pub mod scheme;

mod candidates;
mod checks;
mod claims;
mod content;
mod demands;
mod encoding;
mod faults;
mod fetched;
mod form_as_json;
mod freshness;
mod header_list;
mod jwk;
mod jws;
mod key;
mod lock;
mod mac;
mod presented;
mod proof;
mod public_key;
mod url;
mod witness;

mod issue;
mod private_key;
mod reply;
mod sign;

#[cfg(test)]
mod tests;

pub use candidates::{CANDIDATES_MAX, Refusal, SIGNATURE_BYTES_MAX};
pub use content::{Content, Gap};
pub use demands::Demands;
pub use faults::{BlockProblem, GateError, SECRET_BYTES_MIN, SecretAt, WeakSecret};
pub use fetched::FetchedKeys;
pub use freshness::Freshness;
pub use gate::{Authentic, Denied, Gate, Subject};
pub use header_list::LISTED_HEADERS_MAX;
pub use jwk::SET_KEYS_MAX;
pub use jws::{TOKEN_BYTES_MAX, TokenFault};
pub use key::KeyError;

pub use proof::{Denial, Proof};
pub use reply::{Replier, ReplyError, SIGNED_VALUE_BYTES_MAX};
pub use sign::{Draft, SignError, sign};
pub use witness::{Step, Witness};
