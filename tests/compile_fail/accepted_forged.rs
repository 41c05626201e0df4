//~ error[E0451]: fields `custody` and `events` of struct
use hookgate::ingest::accept::Accepted;

pub fn forge() -> Accepted {
    Accepted { custody: None, events: 1 }
}
