//! A request as the expressions see it: borrowed, as it came.

use std::net::IpAddr;

use http::HeaderMap;

/// A request, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// As it came.
    pub method: &'a str,
    /// Path and query as they came; nothing is normalised.
    pub target: &'a str,
    /// All of them.
    pub headers: &'a HeaderMap,
    /// The bytes that came.
    pub body: &'a [u8],
    /// The `{secret}` segment, where the source's path has one.
    pub path_secret: Option<&'a str>,
    /// Who is connected, or whom a trusted proxy names.
    pub peer: Option<IpAddr>,
}

impl<'a> Request<'a> {
    /// What stands before the question mark.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.target.split_once('?').map_or(self.target, |(path, _)| path)
    }

    /// What stands behind the question mark; empty where there is none.
    #[must_use]
    pub fn query(&self) -> &'a str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}
