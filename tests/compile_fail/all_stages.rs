use hookgate::ingest::authenticate::Passed;
use hookgate::ingest::sources::Source;
use hookgate::ingest::{Gateway, Incoming, Receipt, Reject, Sources, accept, authenticate, identify, limits, lookup};

pub async fn receive(
    gateway: &Gateway,
    sources: &Sources,
    incoming: Incoming,
    elsewhere: &Source,
) -> Result<Receipt, Reject> {
    let route = lookup::source(sources, &incoming);
    let received = limits::read(gateway, &route, incoming).await?;
    let Passed::Delivery(authentic, source) = authenticate::check(&route, received, gateway.clock.wall())? else {
        return Err(Reject::Challenge);
    };
    let identified = identify::events(source.identifier(), authentic)?;
    let reserved = accept::reserve(&gateway.dedupe, None, identified);
    let accepted = accept::keep(&gateway.spool, source.terms(), reserved).await?;
    Ok(Receipt::Kept(accepted, elsewhere.answer().clone()))
}
