//! Which source a request is for.

use super::*;
use crate::ingest::lookup::{Route, Target, route};
use crate::ingest::{Reject, Sources};

fn sources(ground: &Ground) -> Sources {
    let of = |name: &str, change: fn(&mut Settings)| {
        let mut settings = settings(name);
        change(&mut settings);
        ground.source(settings)
    };
    let all = [
        of("orders", |_| {}),
        of("off", |settings| settings.enabled = false),
        of("hidden", |settings| settings.path = "/hooks/{secret}/orders".into()),
        of("last", |settings| settings.path = "/last/{secret}".into()),
        of("large", |settings| settings.limits.body = crate::units::ByteSize::mib(25)),
    ];
    Sources::new(all, BODY_MAX_DEFAULT, &ground.metrics)
}

fn found<'s>(sources: &'s Sources, method: &str, target: &str) -> (Route<'s>, Result<&'s str, Reject>) {
    let route = route(sources, &parts(method, target, &[]));
    let who = match route.target {
        Target::Source(source) => Ok(source.name()),
        Target::Decoy { why, .. } => Err(why),
    };
    (route, who)
}

#[test]
fn a_path_is_matched_byte_for_byte() {
    let ground = Ground::new();
    let sources = sources(&ground);
    assert_eq!(found(&sources, "POST", "/in/orders?x=/in/off").1, Ok("orders"));
    for other in
        ["/in/Orders", "/in/orders/", "//in/orders", "/in/%6frders", "/in/./orders", "/in", "/", "/in/orders%3F"]
    {
        assert_eq!(found(&sources, "POST", other).1, Err(Reject::UnknownSource), "{other}");
    }
}

#[test]
fn the_credential_is_one_whole_segment_of_the_path() {
    let ground = Ground::new();
    let sources = sources(&ground);
    for (target, who, secret) in [
        ("/hooks/abc/orders?d", "hidden", "abc"),
        ("/hooks/a%2Fb/orders", "hidden", "a%2Fb"),
        ("/hooks/{secret}/orders", "hidden", "{secret}"),
        ("/last/x", "last", "x"),
    ] {
        let (route, found) = found(&sources, "POST", target);
        assert_eq!(found, Ok(who), "{target}");
        assert_eq!(route.path_secret.and_then(|range| target.get(range)), Some(secret));
    }
    for other in
        ["/hooks//orders", "/hooks/a/b/orders", "/hooks/orders", "/hooks/abc/orders/", "/last/", "/last/a/b", "/last"]
    {
        let (route, found) = found(&sources, "POST", other);
        assert_eq!((found, route.path_secret), (Err(Reject::UnknownSource), None), "{other}");
    }
}

#[test]
fn what_a_source_does_not_take_goes_to_the_decoy_and_counts_for_the_source() {
    let ground = Ground::new();
    let sources = sources(&ground);
    for (method, target, why, name) in [
        ("POST", "/in/off", Reject::Disabled, "off"),
        ("GET", "/in/off", Reject::Disabled, "off"),
        ("GET", "/in/orders", Reject::WrongMethod, "orders"),
        ("OPTIONS", "/in/orders", Reject::WrongMethod, "orders"),
        ("POST", "/nobody", Reject::UnknownSource, crate::metrics::UNKNOWN_SOURCE),
        ("OPTIONS", "*", Reject::UnknownSource, crate::metrics::UNKNOWN_SOURCE),
    ] {
        let (route, found) = found(&sources, method, target);
        assert_eq!(found, Err(why), "{method} {target}");
        assert_eq!(route.named().1, name);
        assert_eq!(route.body_max(), BODY_MAX_DEFAULT);
    }
    assert_eq!(found(&sources, "POST", "/in/large").0.body_max(), crate::units::ByteSize::mib(25));
}

#[test]
fn nothing_satisfies_the_decoy() {
    let ground = Ground::new();
    let sources = sources(&ground);
    let (route, _) = found(&sources, "POST", "/nobody");
    for headers in [&[][..], &[("authorization", "Basic dXNlcjpwYXNz")], &[("x-api-key", "")]] {
        let received = received(parts("POST", "/nobody", headers), "{}");
        assert!(crate::ingest::authenticate::check(&route, received, NOW).is_err());
    }
}
