//! How bytes are written as text: hex, base64 and its URL-safe form.

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};

use super::scheme::Encoding;

impl Encoding {
    /// The bytes; `None` where the text is no such encoding. Hex may be in either case; the padding of base64 may be
    /// absent, but it is never more than there should be, and its unused bits are zero.
    #[must_use]
    pub fn decode(self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Hex => HEXLOWER_PERMISSIVE.decode(text).ok(),
            Self::Base64 => BASE64_NOPAD.decode(without_padding(text)).ok(),
            Self::Base64Url => BASE64URL_NOPAD.decode(without_padding(text)).ok(),
        }
    }

    /// The text, as most senders write it: hex in lower case, base64 padded, its URL-safe form not.
    #[must_use]
    pub fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => HEXLOWER.encode(bytes),
            Self::Base64 => BASE64.encode(bytes),
            Self::Base64Url => BASE64URL_NOPAD.encode(bytes),
        }
    }

    /// The word of the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hex => "hex",
            Self::Base64 => "base64",
            Self::Base64Url => "base64url",
        }
    }
}

/// Cuts padding only where it fills the last group of four.
fn without_padding(text: &[u8]) -> &[u8] {
    if !text.len().is_multiple_of(4) {
        return text;
    }
    let one = text.strip_suffix(b"=").unwrap_or(text);
    one.strip_suffix(b"=").unwrap_or(one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_encoding_reads_what_senders_write() {
        let bytes = [0xfb, 0xff, 0x00, 0x01];
        for (encoding, texts) in [
            (Encoding::Hex, &["fbff0001", "FBFF0001", "FbFf0001"][..]),
            (Encoding::Base64, &["+/8AAQ==", "+/8AAQ"]),
            (Encoding::Base64Url, &["-_8AAQ==", "-_8AAQ"]),
        ] {
            for text in texts {
                assert_eq!(encoding.decode(text.as_bytes()).as_deref(), Some(&bytes[..]), "{text}");
            }
        }
    }

    #[test]
    fn anything_else_is_no_encoding() {
        for (encoding, texts) in [
            (Encoding::Hex, &["f", "fg", " ff", "ff\n", "0xff", "f f", "\u{ff}"][..]),
            (Encoding::Base64, &["-_8AAQ==", "+/8AAQ=", "+/8AAQ===", "+/8AAR==", "+/8A AQ==", "+", "====", "A=Q="]),
            (Encoding::Base64Url, &["+/8AAQ", "-_8AAQ=", "-_8AAR"]),
        ] {
            for text in texts {
                assert_eq!(encoding.decode(text.as_bytes()), None, "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Base64Url] {
                prop_assert_eq!(encoding.decode(encoding.encode(&bytes).as_bytes()), Some(bytes.clone()));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in prop::collection::vec(any::<u8>(), 0..100)) {
            for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Base64Url] {
                let decoded = encoding.decode(&text);
                prop_assert!(decoded.is_none_or(|bytes| bytes.len() <= text.len()));
            }
        }
    }
}
