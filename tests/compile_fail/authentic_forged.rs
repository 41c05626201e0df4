//~ error[E0451]: fields `subject` and `proof` of struct
use hookgate::ingest::received::Received;
use hookgate::signature::{Authentic, Proof};

pub fn forge(subject: Received, proof: Proof) -> Authentic<Received> {
    Authentic { subject, proof }
}
