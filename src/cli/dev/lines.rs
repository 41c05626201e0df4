//! A line for each event, once Kafka has it, and for each request that was none.

use std::collections::HashMap;
use std::io::{self, Write};

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::app::Stop;
use crate::feed::{Answered, Delivered, Line};
use crate::metrics::Outcome;

/// Events whose other half has not come yet; more are printed without it.
const WAITING_MAX: usize = 4096;

/// Prints until the stop. An answer and the delivery that it is about come in either order: who waits for Kafka is
/// answered after it.
pub(super) async fn print(mut feed: Receiver<Line>, stop: Stop, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut halves = Halves::default();
    let mut stop = std::pin::pin!(stop.wait());
    loop {
        let line = tokio::select! {
            () = stop.as_mut() => return Ok(()),
            line = feed.recv() => line,
        };
        match line {
            Ok(line) => halves.add(line, out)?,
            Err(RecvError::Lagged(missed)) => writeln!(out, "… {missed} lines left out")?,
            Err(RecvError::Closed) => return Ok(()),
        }
        out.flush()?;
    }
}

/// Pairs answers and deliveries by source and id.
#[derive(Debug, Default)]
pub(super) struct Halves {
    answered: HashMap<(String, String), Answered>,
    delivered: HashMap<(String, String), Delivered>,
}

impl Halves {
    pub(super) fn add(&mut self, line: Line, out: &mut dyn Write) -> io::Result<()> {
        match line {
            Line::Answered(answered) => match &answered.id {
                Some(id) if answered.outcome == Outcome::Accepted => {
                    let key = (answered.source.clone(), id.clone());
                    match self.delivered.remove(&key) {
                        Some(delivered) => show(&answered, Some(&delivered), out),
                        None if self.answered.len() < WAITING_MAX => {
                            self.answered.insert(key, answered);
                            Ok(())
                        }
                        None => show(&answered, None, out),
                    }
                }
                _ => show(&answered, None, out),
            },
            Line::Delivered(delivered) => {
                let key = (delivered.source.clone(), delivered.id.clone());
                if let Some(answered) = self.answered.remove(&key) {
                    show(&answered, Some(&delivered), out)
                } else {
                    if self.delivered.len() < WAITING_MAX {
                        self.delivered.insert(key, delivered);
                    }
                    Ok(())
                }
            }
        }
    }
}

fn show(answered: &Answered, delivered: Option<&Delivered>, out: &mut dyn Write) -> io::Result<()> {
    let time = answered.at.to_string();
    let time = time.get(11..23).unwrap_or(&time);
    let took = answered.took.as_secs_f64() * 1000.0;
    let kind = answered.kind.as_deref().unwrap_or("-");
    let id = answered.id.as_deref().unwrap_or("-");
    write!(
        out,
        "{time}  {:<18} {:<10} {kind}  {id}  {} B  {took:.1} ms",
        answered.source,
        answered.outcome.as_str(),
        answered.bytes
    )?;
    if let Some(Delivered { topic, partition, offset, .. }) = delivered {
        write!(out, "  {topic}-{partition}@{offset}")?;
    }
    if let Some(reason) = &answered.reason {
        write!(out, "  ({reason})")?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;
    use std::time::Duration;

    fn answered(outcome: Outcome, id: Option<&str>) -> Line {
        Line::Answered(Answered {
            at: UnixMillis(1_614_265_330_007),
            source: "orders".into(),
            outcome,
            reason: (outcome != Outcome::Accepted).then(|| "because".into()),
            kind: id.map(|_| "orders.paid".into()),
            id: id.map(Into::into),
            bytes: 7,
            took: Duration::from_micros(1500),
        })
    }

    fn delivered(id: &str) -> Line {
        let (source, topic) = ("orders".into(), "webhooks.orders".into());
        Line::Delivered(Delivered { source, id: id.into(), topic, partition: 0, offset: 3 })
    }

    fn printed(lines: Vec<Line>) -> String {
        let mut out = Vec::new();
        let mut halves = Halves::default();
        for line in lines {
            halves.add(line, &mut out).expect("written");
        }
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn an_event_is_shown_once_with_its_offset_whichever_half_comes_first() {
        let expected =
            "15:02:10.007  orders             accepted   orders.paid  id-1  7 B  1.5 ms  webhooks.orders-0@3\n";
        let answer = || answered(Outcome::Accepted, Some("id-1"));
        assert_eq!(printed(vec![answer(), delivered("id-1")]), expected);
        assert_eq!(printed(vec![delivered("id-1"), answer()]), expected);
        assert_eq!(printed(vec![answer(), delivered("id-2")]), "");
    }

    #[test]
    fn a_refusal_is_shown_at_once_with_its_reason() {
        let expected = "15:02:10.007  orders             stale      -  -  7 B  1.5 ms  (because)\n";
        assert_eq!(printed(vec![answered(Outcome::Stale, None)]), expected);
    }
}
