//! What the gate does, in sentences: the witness of `hookgate verify`.

use std::io::{self, Write};

use crate::signature::{CANDIDATES_MAX, Denial, Freshness, Refusal, SIGNATURE_BYTES_MAX, Step, Witness};

/// The steps of a check, one line each. The expected signature is never among them.
#[derive(Debug, Default)]
pub(super) struct Explanation(Vec<String>);

impl Explanation {
    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        self.0.iter().try_for_each(|line| writeln!(out, "{line}"))
    }

    fn say(&mut self, line: impl Into<String>) {
        self.0.push(line.into());
    }
}

impl Witness for Explanation {
    fn saw(&mut self, step: Step<'_>) {
        match step {
            Step::Block { index, name, kind, secrets } => {
                let name = name.map(|name| format!(" `{name}`")).unwrap_or_default();
                self.say(format!("block {index}{name}: {kind}, {secrets} secret(s)"));
            }
            Step::Element(index) => self.say(format!("  element {index}")),
            Step::Credential { present: false, .. } => self.say("  credential: not there"),
            Step::Credential { refused: Some(why), .. } => self.say(format!("  credential: refused, {}", refusal(why))),
            Step::Credential { candidates, passed_over, .. } => {
                self.say(format!("  credential: {candidates} candidate(s), {passed_over} passed over"));
            }
            Step::Token(fault) => self.say(format!("  token: refused, {fault}")),
            Step::Gap(gap) => self.say(format!("  content: {gap}, so nothing can be signed")),
            Step::SignedForStrangers => {
                self.say("  content: a handshake would sign it for anyone, so it proves nothing");
            }
            Step::Signed(content) => {
                self.say(format!("  signed: {content}"));
            }
            Step::Secret { index, matched } => {
                let secret = index.map(|index| format!(" {index}")).unwrap_or_default();
                self.say(format!("  secret{secret}: {}", if matched { "fits" } else { "does not fit" }));
            }
            Step::Time(freshness) => self.say(format!("  time: {}", time(freshness))),
            Step::Claim { name, held } => {
                self.say(format!("  claim `{name}`: {}", if held { "holds" } else { "does not hold" }));
            }
            Step::BodyDigest(right) => {
                self.say(format!("  digest of the body: {}", if right { "right" } else { "wrong" }));
            }
            Step::Check { index, held } => {
                self.say(format!("  check {index}: {}", if held { "holds" } else { "does not hold" }));
            }
            Step::Verdict(None) => self.say("  → proven"),
            Step::Verdict(Some(denial)) => self.say(format!("  → not proven: {}", reason(denial))),
        }
    }
}

fn time(freshness: Freshness) -> String {
    let away = |seconds: f64| {
        if seconds < 0.0 {
            format!("{:.0} s ahead of the clock", -seconds)
        } else {
            format!("{seconds:.0} s behind the clock")
        }
    };
    match freshness {
        Freshness::Fresh(seconds) => format!("{}, within the window", away(seconds)),
        Freshness::Stale(seconds) => format!("{}, outside the window", away(seconds)),
        Freshness::Unreadable => "cannot be read".into(),
    }
}

fn refusal(why: Refusal) -> String {
    match why {
        Refusal::Repeated => "it comes twice".into(),
        Refusal::TooLong => format!("longer than {SIGNATURE_BYTES_MAX} bytes"),
        Refusal::TooMany => format!("more than {CANDIDATES_MAX} candidates"),
    }
}

fn reason(denial: Denial) -> &'static str {
    match denial {
        Denial::Missing => "no credential",
        Denial::Wrong => "no credential fits",
        Denial::Stale => "too old, or too far in the future",
        Denial::NoKeysYet => "its keys are fetched by a running gateway alone; give them as a secret to try it here",
    }
}
