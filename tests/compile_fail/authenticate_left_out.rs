//~ error[E0308]: mismatched types
use hookgate::ingest::sources::Source;
use hookgate::ingest::{Gateway, Incoming, Reject, Sources, identify, limits, lookup};

pub async fn receive(
    gateway: &Gateway,
    sources: &Sources,
    incoming: Incoming,
    source: &Source,
) -> Result<identify::Identified, Reject> {
    let route = lookup::source(sources, &incoming);
    let received = limits::read(gateway, &route, incoming).await?;
    identify::events(source.identifier(), received)
}
