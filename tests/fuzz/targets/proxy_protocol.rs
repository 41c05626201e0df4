//! The PROXY protocol before the first byte of a connection.

use hookgate::listener::proxy_protocol::{BYTES_MAX, parse};

pub(super) fn run(data: &[u8]) {
    let whole = parse(data);
    match whole {
        Ok(Some(header)) => {
            assert!(header.bytes <= data.len() && header.bytes <= BYTES_MAX);
            let alone = &data[..header.bytes];
            assert_eq!(parse(alone), whole, "what follows a header changes nothing");
            for end in 0..alone.len() {
                assert_eq!(parse(&alone[..end]), Ok(None), "{end} bytes of a header are waited for");
            }
            if let (Some(client), b"PROXY ") = (header.client, &alone[..6]) {
                let line = str::from_utf8(alone).expect("version 1 is text");
                assert_eq!(line.split(' ').nth(2).map(str::parse), Some(Ok(client)));
            }
        }
        Ok(None) => assert!(data.len() < BYTES_MAX, "nobody is waited for without end"),
        Err(invalid) => assert_eq!(parse(&[data, b"\r\n"].concat()), Err(invalid), "more bytes mend nothing"),
    }
}
