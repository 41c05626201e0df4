//! A ledger held against what Kafka has.

use std::collections::HashMap;

use crate::support::kafka::Kafka;
use crate::support::kafka::record::Record;
use crate::support::load::Ledger;
use crate::support::setup::body;

/// What became of the events of a topic: each id with its records, in the order of the topic.
pub(crate) struct Delivered {
    records: HashMap<String, Vec<Record>>,
}

impl Kafka {
    /// Reads a topic until everything that was promised is there.
    pub(crate) fn delivered(&self, topic: &str, ledger: &Ledger) -> Delivered {
        assert!(!ledger.promised.is_empty(), "nothing was promised");
        let mut missing: std::collections::HashSet<&str> = ledger.promised.iter().map(String::as_str).collect();
        let mut seen = 0;
        let records = self.records_until(topic, |records| {
            for id in records.get(seen..).unwrap_or_default().iter().filter_map(|record| record.header("ce_id")) {
                missing.remove(id);
            }
            seen = records.len();
            missing.is_empty()
        });
        let mut by_id: HashMap<_, Vec<_>> = HashMap::new();
        for record in records {
            let id = record.header("ce_id").expect("every record has its id").to_owned();
            by_id.entry(id).or_default().push(record);
        }
        Delivered { records: by_id }
    }
}

impl Delivered {
    /// Each is what its sender sent, byte for byte.
    pub(crate) fn is_whole(&self, bytes: usize) -> &Self {
        for (id, records) in &self.records {
            let sent = body(id, bytes);
            assert!(records.iter().all(|record| record.value == sent), "{id} is not what was sent");
        }
        self
    }

    /// None came twice.
    pub(crate) fn is_single(&self) -> &Self {
        let twice: Vec<_> = self.records.iter().filter(|(_, records)| records.len() > 1).map(|(id, _)| id).collect();
        assert!(twice.is_empty(), "{} came more than once, as {:?}", twice.len(), &twice[..twice.len().min(5)]);
        self
    }

    /// Records that are a copy of another.
    pub(crate) fn copies(&self) -> usize {
        self.records.values().map(|records| records.len() - 1).sum()
    }

    /// The events of each sender came, at first, in the order in which it was promised them.
    pub(crate) fn is_in_order(&self, ledger: &Ledger) -> &Self {
        let mut last: HashMap<&str, (u64, i32, i64)> = HashMap::new();
        for id in &ledger.promised {
            let (sender, number) = id.rsplit_once('-').expect("<prefix>-<sender>-<number>");
            let number: u64 = number.parse().expect("a number");
            let first = self.records[id].iter().min_by_key(|record| record.offset).expect("a record");
            if let Some((before, partition, offset)) = last.insert(sender, (number, first.partition, first.offset)) {
                assert!(
                    before < number && partition == first.partition && offset < first.offset,
                    "{sender}: {number} at {} is not behind {before} at {offset}",
                    first.offset
                );
            }
        }
        self
    }
}
