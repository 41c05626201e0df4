//! HTTP/1.1 by hand, so that a test decides every byte and when it is sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::support::limit::LIMIT;

const SOON: Duration = Duration::from_millis(200);

/// A request as bytes. Nothing is added but `Host` and, where there is a body, `Content-Length`.
pub(crate) struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self { head: format!("{method} {target} HTTP/1.1\r\nhost: gateway.test\r\n"), body: Vec::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.extend([name, ": ", value, "\r\n"]);
        self
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        self.head = self.head.replacen("gateway.test", host, 1);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.header("content-length", &length)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), b"\r\n", &self.body].concat()
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The head as it came.
    head: String,
    /// In their order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The header of that name, where there is exactly one.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(its, _)| its == name);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    /// All that came, without what differs from one answer to the next: its id and its date.
    pub(crate) fn likeness(&self) -> String {
        let of_this_one = |line: &&str| !line.starts_with("x-request-id:") && !line.starts_with("date:");
        let head: Vec<_> = self.head.lines().filter(of_this_one).collect();
        format!("{}\n\n{}", head.join("\n"), String::from_utf8_lossy(&self.body))
    }
}

/// One connection that is kept.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// None where nobody listens.
    pub(crate) fn open(address: SocketAddr) -> Option<Self> {
        TcpStream::connect_timeout(&address, LIMIT).ok().map(Self::over)
    }

    /// The same from an address of this machine, such as another one of 127.0.0.0/8.
    pub(crate) fn open_from(own: Ipv4Addr, address: SocketAddr) -> Option<Self> {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).ok()?;
        socket.bind(&SocketAddr::from((own, 0)).into()).ok()?;
        socket.connect_timeout(&address.into(), LIMIT).ok()?;
        Some(Self::over(socket.into()))
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a TCP connection");
        stream.set_read_timeout(Some(LIMIT)).expect("a TCP connection");
        Self { stream: BufReader::new(stream) }
    }

    /// Sends some bytes; a request may come in pieces. False where the other side has closed.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.get_mut().write_all(bytes).is_ok()
    }

    /// The next answer; none where the connection was closed instead.
    pub(crate) fn receive(&mut self) -> Option<Answer> {
        let mut head = self.line()?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            head.extend(["\n", &line]);
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').expect("a header");
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, head, headers, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        answer.body.resize(length, 0);
        self.stream.read_exact(&mut answer.body).ok()?;
        Some(answer)
    }

    /// The next answer, if it comes soon; for who asks again otherwise.
    pub(crate) fn receive_soon(&mut self) -> Option<Answer> {
        self.stream.get_mut().set_read_timeout(Some(SOON)).expect("a TCP connection");
        self.receive()
    }

    /// Ends the connection with a reset, as a sender does that has crashed.
    pub(crate) fn reset(self) {
        let stream = socket2::Socket::from(self.stream.into_inner());
        stream.set_linger(Some(Duration::ZERO)).expect("a TCP connection");
    }

    /// One request, one answer.
    pub(crate) fn ask(&mut self, request: &Request) -> Option<Answer> {
        if self.send(&request.bytes()) { self.receive() } else { None }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
    }
}
