//! The verdict of `hookgate verify`, for people and for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::ingest::Reject;
use crate::ingest::judge::Verdict;
use crate::ingest::reply::Answer;

pub(super) fn human(judged: &Result<Verdict, Reject>, out: &mut dyn Write) -> io::Result<()> {
    match judged {
        Ok(Verdict::Accepted { proof, identified, answer }) => {
            let secret = proof.secret.map(|index| format!(", secret {index}")).unwrap_or_default();
            writeln!(out, "accepted: {}{secret}; {} event(s)", proof.kind, identified.candidates().len())?;
            for candidate in identified.candidates() {
                let key = candidate.event().key.as_deref().map(|key| format!("  key {}", key.escape_ascii()));
                let (id, kind, size) = (candidate.id(), candidate.kind(), candidate.event().value.len());
                writeln!(out, "  id {id}  type {kind}{}  {size} B", key.unwrap_or_default())?;
            }
            show(answer, out)
        }
        Ok(Verdict::Challenge(answer)) => {
            writeln!(out, "handshake: answered, and not an event")?;
            show(answer, out)
        }
        Err(reject) => {
            writeln!(out, "rejected: {reject} ({})", reject.outcome().as_str())?;
            writeln!(out, "  answer {}", reject.status())
        }
    }
}

fn show(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  answer {}  {}", answer.status(), String::from_utf8_lossy(answer.body()))
}

pub(super) fn json(judged: &Result<Verdict, Reject>) -> Value {
    match judged {
        Ok(Verdict::Accepted { proof, identified, answer }) => {
            let event = |candidate: &crate::ingest::identify::Candidate| {
                let event = candidate.event();
                let key = event.key.as_deref().map(String::from_utf8_lossy);
                json!({ "id": candidate.id(), "type": candidate.kind(), "key": key, "size": event.value.len() })
            };
            let events: Vec<_> = identified.candidates().iter().map(event).collect();
            object("accepted", None, proof.secret, &events, &response(answer))
        }
        Ok(Verdict::Challenge(answer)) => object("challenge", None, None, &[], &response(answer)),
        Err(reject) => {
            let response = json!({ "status": reject.status().as_u16(), "headers": {}, "body": "" });
            object("rejected", Some(reject.outcome().as_str()), None, &[], &response)
        }
    }
}

fn object(verdict: &str, reason: Option<&str>, secret: Option<usize>, events: &[Value], response: &Value) -> Value {
    json!({ "verdict": verdict, "reason": reason, "secret": secret, "events": events, "response": response })
}

fn response(answer: &Answer) -> Value {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: serde_json::Map<_, _> =
        answer.headers().iter().map(|(name, value)| (name.to_string(), Value::from(text(value)))).collect();
    json!({ "status": answer.status().as_u16(), "headers": headers, "body": String::from_utf8_lossy(answer.body()) })
}
