//! Holds a ledger against what Kafka has.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::ledger::{Entry, Hash, hash};
use crate::senders::body_of;
use crate::support::kafka::Kafka;
use crate::support::kafka::record::Reader;
use crate::support::limit::wait_within;

/// For reading all that a row has produced.
const LIMIT: std::time::Duration = std::time::Duration::from_mins(20);

/// One record of a topic.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    /// `ce_id`
    pub(crate) id: String,
    pub(crate) hash: Hash,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

/// What the judge says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Ids with a 2xx.
    pub(crate) promised: usize,
    /// Of those, the ones that are nowhere.
    pub(crate) lost: Vec<String>,
    /// Records that are not, byte for byte, what was sent under their id.
    pub(crate) corrupt: Vec<String>,
    /// Ids whose first record lies behind that of a later event of the same sender.
    pub(crate) reordered: Vec<String>,
    /// The id of each record beyond the first of its id.
    pub(crate) copied: Vec<String>,
    /// Ids that are there though nobody read a 2xx for them.
    pub(crate) unpromised: usize,
}

/// Takes the records of one topic in the order of each partition.
pub(crate) struct Judge<'a> {
    promised: HashMap<&'a str, Hash>,
    seen: BTreeSet<String>,
    /// The last number of each sender, by the first record of each id.
    last: HashMap<(String, i32), u64>,
    verdict: Verdict,
}

impl<'a> Judge<'a> {
    /// Of all promises that `counts`.
    pub(crate) fn new(ledger: &'a [Entry], topic: &str, counts: impl Fn(&Entry) -> bool) -> Self {
        let counted = ledger.iter().filter(|entry| entry.topic == topic && entry.is_promise() && counts(entry));
        let promised: HashMap<_, _> = counted.map(|entry| (entry.id.as_str(), entry.hash)).collect();
        let verdict = Verdict { promised: promised.len(), ..Verdict::default() };
        Self { promised, seen: BTreeSet::new(), last: HashMap::new(), verdict }
    }

    pub(crate) fn take(&mut self, record: Arrived) {
        let sent = self.promised.get(record.id.as_str()).copied().unwrap_or_else(|| hash(&body_of(&record.id)));
        if record.hash != sent {
            let Arrived { id, partition, offset, .. } = &record;
            self.verdict.corrupt.push(format!("{id} at {partition}/{offset}"));
            return;
        }
        if self.seen.contains(&record.id) {
            self.verdict.copied.push(record.id);
            return;
        }
        if !self.promised.contains_key(record.id.as_str()) {
            self.verdict.unpromised += 1;
        }
        if let Some((sender, number)) = record.id.rsplit_once('-') {
            let number = number.parse().unwrap_or(u64::MAX);
            let last = self.last.entry((sender.to_owned(), record.partition)).or_insert(number);
            if number < *last {
                self.verdict.reordered.push(record.id.clone());
            }
            *last = number.max(*last);
        }
        self.seen.insert(record.id);
    }

    pub(crate) fn verdict(mut self) -> Verdict {
        let lost = self.promised.keys().filter(|id| !self.seen.contains(**id)).map(|id| (*id).to_owned());
        self.verdict.lost = lost.collect();
        self.verdict.lost.sort_unstable();
        self.verdict
    }
}

/// Reads all that these topics hold now, and judges it.
pub(crate) fn judge(kafka: &Kafka, topics: &[String], ledger: &[Entry], counts: impl Fn(&Entry) -> bool) -> Verdict {
    let mut all = Verdict::default();
    for topic in topics {
        let mut judge = Judge::new(ledger, topic, &counts);
        let reader = Reader::open(kafka, topic);
        let mut left: HashMap<i32, i64> = reader.ends();
        left.retain(|_, end| *end > 0);
        wait_within(LIMIT, "the end of a topic", || {
            while let Some(record) = reader.poll() {
                let id = record.header("ce_id").expect("every record has its id").to_owned();
                let (partition, offset) = (record.partition, record.offset);
                judge.take(Arrived { id, hash: hash(&record.value), partition, offset });
                if left.get(&partition).is_some_and(|end| offset + 1 >= *end) {
                    left.remove(&partition);
                }
            }
            left.is_empty().then_some(())
        });
        all.add(judge.verdict());
    }
    all
}

impl Verdict {
    fn add(&mut self, other: Self) {
        self.promised += other.promised;
        self.lost.extend(other.lost);
        self.corrupt.extend(other.corrupt);
        self.reordered.extend(other.reordered);
        self.copied.extend(other.copied);
        self.unpromised += other.unpromised;
    }

    /// Records beyond the first of their id.
    pub(crate) fn copies(&self) -> usize {
        self.copied.len()
    }

    /// The promise was kept.
    pub(crate) fn holds(&self) -> bool {
        self.promised > 0 && self.lost.is_empty() && self.corrupt.is_empty()
    }

    /// Fails where it was not, or where the events of a sender changed places.
    pub(crate) fn assert(&self, ledger: &std::path::Path) {
        assert!(self.holds() && self.reordered.is_empty(), "{self}\n{self:#?}\nthe ledger: {}", ledger.display());
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { promised, lost, corrupt, reordered, .. } = self;
        let (lost, corrupt, reordered, copies) = (lost.len(), corrupt.len(), reordered.len(), self.copies());
        write!(f, "{promised} acknowledged: {lost} lost, {corrupt} corrupt, {reordered} reordered, {copies} copies")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn told(id: &str, status: u16) -> Entry {
        let hash = hash(&body_of(id));
        let (topic, id) = ("t".into(), id.into());
        Entry { topic, id, status, duplicate: false, at: Duration::ZERO, took: Duration::ZERO, hash }
    }

    fn came(ids: &[&str]) -> Vec<Arrived> {
        let record = |(offset, id): (i64, &&str)| Arrived {
            id: (*id).to_owned(),
            hash: hash(&body_of(id)),
            partition: 0,
            offset,
        };
        (0..).zip(ids).map(record).collect()
    }

    fn verdict(ledger: &[Entry], records: Vec<Arrived>) -> Verdict {
        let mut judge = Judge::new(ledger, "t", |_| true);
        for record in records {
            judge.take(record);
        }
        judge.verdict()
    }

    #[test]
    fn what_was_promised_and_is_there_once_and_in_order_is_well() {
        let ledger = [told("a-1-1", 200), told("a-1-2", 200), told("a-2-1", 202), told("a-2-2", 503)];
        let found = verdict(&ledger, came(&["a-1-1", "a-2-1", "a-1-2"]));
        assert_eq!(found, Verdict { promised: 3, ..Verdict::default() });
        assert!(found.holds());
    }

    #[test]
    fn nothing_promised_is_nothing_shown() {
        assert!(!verdict(&[told("a-1-1", 503)], came(&["a-1-1"])).holds());
    }

    #[test]
    fn a_promise_that_is_nowhere_is_lost() {
        let found = verdict(&[told("a-1-1", 200), told("a-1-2", 200)], came(&["a-1-1"]));
        assert_eq!(found.lost, ["a-1-2"]);
        assert!(!found.holds());
    }

    #[test]
    fn a_record_that_differs_in_a_byte_is_corrupt_and_its_promise_lost() {
        let mut records = came(&["a-1-1"]);
        records[0].hash[31] ^= 1;
        let found = verdict(&[told("a-1-1", 200)], records.clone());
        assert_eq!((found.corrupt.len(), found.lost.len()), (1, 1));
        // Also one that nobody was promised.
        assert_eq!(verdict(&[], records).corrupt.len(), 1);
    }

    #[test]
    fn copies_are_counted_and_do_not_count_as_order() {
        let found = verdict(&[told("a-1-1", 200), told("a-1-2", 200)], came(&["a-1-1", "a-1-2", "a-1-1", "a-1-2"]));
        assert_eq!(found.copied, ["a-1-1", "a-1-2"]);
        assert!(found.reordered.is_empty() && found.holds());
    }

    #[test]
    fn a_later_event_before_an_earlier_one_of_its_sender_is_reordered() {
        let ledger = [told("a-1-1", 200), told("a-1-2", 200)];
        assert_eq!(verdict(&ledger, came(&["a-1-2", "a-1-1"])).reordered, ["a-1-1"]);
    }

    #[test]
    fn only_what_counts_is_judged() {
        let ledger = [told("a-1-1", 200), told("a-1-2", 200)];
        let judge = Judge::new(&ledger, "t", |entry| entry.id == "a-1-1");
        assert_eq!(judge.verdict().lost, ["a-1-1"]);
    }
}
