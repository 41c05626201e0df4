//! The public port, and how far the private one is from it.

use std::net::IpAddr;

use crate::config::file::gateway::{Gateway, Server};
use crate::config::problem::{At, Problems};
use crate::config::resolve::places;
use crate::ingest::source::Settings as SourceSettings;
use crate::listener::Settings;
use crate::units::ByteSize;

/// Resolves `listen` and `server`.
pub(super) fn resolve(gateway: &Gateway, sources: &[(SourceSettings, &At)], problems: &mut Problems) -> Settings {
    let server = &gateway.server;
    check_server(server, problems);
    let (public, admin) = (*gateway.listen, *gateway.admin);
    let overlapping = public.ip() == admin.ip() || public.ip().is_unspecified() || admin.ip().is_unspecified();
    if public.port() != 0 && public.port() == admin.port() && overlapping {
        // Told at the one that was written; the other is where it always is.
        if gateway.admin.given || !gateway.listen.given {
            problems.error(&gateway.admin.at, format!("`{admin}`, the port of `listen`"), "another port");
        } else {
            problems.error(&gateway.listen.at, format!("`{public}`, the port of `admin`"), "another port");
        }
    }
    if gateway.admin.given && !is_inside(admin.ip()) {
        problems.warn(
            &gateway.admin.at,
            format!("`{admin}`"),
            "an address that only operators reach, or a firewall before it: metrics and health can be read there",
        );
    }
    Settings {
        address: public,
        header_timeout: *server.header_timeout,
        body_timeout: *server.body_timeout,
        body_min_rate: *server.body_min_rate,
        idle_timeout: *server.idle_timeout,
        max_connections: *server.max_connections,
        max_connections_per_address: Some(*server.max_connections_per_address).filter(|cap| *cap > 0),
        max_headers: *server.max_headers,
        max_header_bytes: *server.max_header_bytes,
        proxy_protocol: *server.proxy_protocol,
        trusted_proxies: server.trusted_proxies.0.clone(),
        proxy_headers: places::proxy_headers(sources.iter().map(|(source, _)| source)),
    }
}

/// Loopback, or a private network's address. 0.0.0.0 is every network's.
fn is_inside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

fn check_server(server: &Server, problems: &mut Problems) {
    for timeout in [&server.header_timeout, &server.body_timeout, &server.idle_timeout] {
        if timeout.is_zero() {
            problems.error(&timeout.at, "no time at all", "some, such as 10s");
        }
    }
    for count in [&server.max_connections, &server.max_headers] {
        if **count == 0 {
            problems.error(&count.at, "`0`", "at least 1");
        }
    }
    let head = &server.max_header_bytes;
    if !(ByteSize::kib(8)..=ByteSize::mib(1)).contains(head) {
        problems.error(&head.at, head.to_string(), "8KiB to 1MiB");
    }
}
