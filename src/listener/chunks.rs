//! A chunked body, followed only to find its end: RFC 9112 section 7.1.
//!
//! Stricter than hyper's own decoder, which reads the same bytes afterwards: whatever passes here has the same end
//! there. A line of a chunk ends in CRLF and nothing else.

/// Chunk extensions and trailers, all of a body's. Nobody uses them; a stranger must not make us read them for ever.
const EXTRAS_BYTES_MAX: usize = 8 * 1024;
/// More digits are no size: 15 hexadecimal digits fit into 60 bits.
const SIZE_DIGITS_MAX: u32 = 15;

/// The bytes are not a chunked body; where it ends is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// Where in a chunked body we are.
#[derive(Debug)]
pub(super) struct Chunks {
    at: At,
    /// Bytes of extensions and trailers so far.
    extras: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Size {
        size: u64,
        digits: u32,
    },
    Extension {
        size: u64,
    },
    SizeLf {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    /// At the beginning of a trailer line.
    Trailer,
    TrailerLine,
    TrailerLf,
    LastLf,
    End,
}

const NEXT_SIZE: At = At::Size { size: 0, digits: 0 };

impl Chunks {
    pub(super) fn new() -> Self {
        Self { at: NEXT_SIZE, extras: 0 }
    }

    /// Reads on. Gives how many of `bytes` are the body's; fewer than all only where the body ends there.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        let mut read = 0;
        while let Some(byte) = bytes.get(read).copied().filter(|_| self.at != At::End) {
            if let At::Data { left } = self.at {
                let here = bytes.len() - read;
                let data = usize::try_from(left).unwrap_or(usize::MAX).min(here);
                read += data;
                let left = left - u64::try_from(data).unwrap_or(left);
                self.at = if left == 0 { At::DataCr } else { At::Data { left } };
            } else {
                self.at = self.step(byte)?;
                read += 1;
            }
        }
        Ok(read)
    }

    /// The last byte of the body has been read.
    pub(super) fn ended(&self) -> bool {
        self.at == At::End
    }

    fn step(&mut self, byte: u8) -> Result<At, Broken> {
        match (self.at, byte) {
            (At::Size { size, digits }, _) => self.size(size, digits, byte),
            (At::Extension { size }, b'\r') => Ok(At::SizeLf { size }),
            (At::SizeLf { size: 0 } | At::TrailerLf, b'\n') => Ok(At::Trailer),
            (At::SizeLf { size }, b'\n') => Ok(At::Data { left: size }),
            (At::DataCr, b'\r') => Ok(At::DataLf),
            (At::DataLf, b'\n') => Ok(NEXT_SIZE),
            (At::Trailer, b'\r') => Ok(At::LastLf),
            (At::TrailerLine, b'\r') => Ok(At::TrailerLf),
            (At::LastLf, b'\n') => Ok(At::End),
            (at @ At::Extension { .. }, _) => self.extra(byte, at),
            // A line that begins with a space would be a folded one.
            (At::Trailer, byte) if byte != b' ' && byte != b'\t' => self.extra(byte, At::TrailerLine),
            (At::TrailerLine, _) => self.extra(byte, At::TrailerLine),
            _ => Err(Broken),
        }
    }

    fn size(&mut self, size: u64, digits: u32, byte: u8) -> Result<At, Broken> {
        match (char::from(byte).to_digit(16), byte) {
            (Some(digit), _) if digits < SIZE_DIGITS_MAX => {
                Ok(At::Size { size: size * 16 + u64::from(digit), digits: digits + 1 })
            }
            (None, b'\r') if digits > 0 => Ok(At::SizeLf { size }),
            (None, b';') if digits > 0 => self.extra(byte, At::Extension { size }),
            _ => Err(Broken),
        }
    }

    /// A byte of an extension or a trailer.
    fn extra(&mut self, byte: u8, then: At) -> Result<At, Broken> {
        self.extras += 1;
        let text = byte >= b' ' && byte != 0x7f || byte == b'\t';
        if text && self.extras <= EXTRAS_BYTES_MAX { Ok(then) } else { Err(Broken) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8]) -> Result<Option<usize>, Broken> {
        let mut chunks = Chunks::new();
        let read = chunks.follow(body)?;
        Ok(chunks.ended().then_some(read))
    }

    #[test]
    fn the_end_of_a_body_is_found() {
        for good in [
            "0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "5;name=value\r\nhello\r\n0\r\n\r\n",
            "00000a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\nExpires: never\r\n\r\n",
            "2\r\n\r\n\r\n0\r\n\r\n",
        ] {
            assert_eq!(read(good.as_bytes()), Ok(Some(good.len())), "{good:?}");
            let longer = format!("{good}GET / HTTP/1.1\r\n");
            assert_eq!(read(longer.as_bytes()), Ok(Some(good.len())), "{good:?} and more");
            for end in 0..good.len() {
                assert_eq!(read(&good.as_bytes()[..end]), Ok(None), "{end} bytes of {good:?}");
            }
        }
    }

    #[test]
    fn what_is_not_a_chunk_breaks_the_body() {
        for wrong in [
            "\r\n",
            "-1\r\n",
            "+1\r\n",
            "0x3\r\n",
            " 3\r\n",
            "3 \r\nabc\r\n",
            "3\nabc\r\n",
            "3\r\nabc\n",
            "3\r\nabcd\r\n",
            "3\r\nab\r\n0\r\n\r\n",
            "g\r\n",
            ";a\r\n",
            "3;a\nb\r\n",
            "3;a\rb\r\n",
            "1000000000000000\r\n",
            "0\r\n\n",
            "0\r\n folded\r\n",
            "0\r\na: b\n\r\n",
            "0\r\na: \0\r\n",
        ] {
            assert_eq!(read(wrong.as_bytes()), Err(Broken), "{wrong:?}");
        }
        let endless = format!("1;{}", "x".repeat(EXTRAS_BYTES_MAX));
        assert_eq!(read(endless.as_bytes()), Err(Broken));
    }
}
