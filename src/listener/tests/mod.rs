//! A port as its peers see it: real sockets, bytes in, bytes out.

mod answers;
mod closing;
mod conformance;
mod limits;
mod port;
mod smuggling;
