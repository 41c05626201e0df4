//~ error[E0308]: mismatched types
use hookgate::ingest::reply::Answer;
use hookgate::ingest::{Gateway, Receipt, accept, identify};

pub fn receive(gateway: &Gateway, identified: identify::Identified, answer: Answer) -> Receipt {
    let reserved = accept::reserve(&gateway.dedupe, None, identified);
    Receipt::Kept(reserved, answer)
}
