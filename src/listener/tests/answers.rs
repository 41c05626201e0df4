//! Reads answers, as a client must.

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    /// The first answer in `bytes` and its length, if all of it is there.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).expect("a head is text");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.")).expect("a status line");
        let status = status.split(' ').nth(1).expect("a status").parse().expect("a status");
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").expect("a header"))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: String::new() };
        let length = match status {
            100 => 0,
            // Only tests of HEAD use this mark; their answers have a length and no body.
            _ if answer.header("x-head").is_some() => 0,
            _ => answer.header("content-length").map_or(0, |length| length.parse().expect("a number")),
        };
        let body = bytes.get(end + 4..end + 4 + length)?;
        answer.body = String::from_utf8(body.to_vec()).expect("text");
        Some((answer, end + 4 + length))
    }

    /// All answers in `bytes`, which hold nothing else.
    pub(super) fn read_all(mut bytes: &[u8]) -> Vec<Self> {
        let mut answers = Vec::new();
        while !bytes.is_empty() {
            let text = String::from_utf8_lossy(bytes);
            let (answer, length) = Self::read(bytes).unwrap_or_else(|| panic!("not an answer: {text:?}"));
            answers.push(answer);
            bytes = &bytes[length..];
        }
        answers
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// The statuses of `answers`, in order.
pub(super) fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

/// Their bodies, in order.
pub(super) fn bodies(answers: &[Answer]) -> Vec<&str> {
    answers.iter().map(|answer| answer.body.as_str()).collect()
}
