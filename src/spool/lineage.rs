//! What segments say about each other: which of them count, and how far. Pure over their headers, but for one look.

use std::collections::HashMap;

use super::io::File;
use super::scan::{Found, Scan};
use super::segment::{DATA_AT, Header, Kind, data_end};
use super::survey::Bounds;

/// The number of the log segment that was written last; 0: none.
pub(super) fn last_log<'a>(headers: impl Iterator<Item = &'a Header>) -> u64 {
    headers.filter(|header| header.is_log()).map(|header| header.number).max().unwrap_or(0)
}

/// A compacted run stands in the place of the other segment, if it is whole.
pub(super) fn replaces(run: &Header, other: &Header) -> bool {
    let Kind::Compacted { until } = run.kind else { return false };
    other.number < run.number && (run.base..until).contains(&other.base)
}

/// Which log segment counts of those that follow the same one: the latest. An earlier one is an attempt that failed
/// while it was made: nobody was told of what it holds, and what counts of it was written again.
pub(super) fn latest<'a>(headers: impl Iterator<Item = &'a Header>) -> HashMap<u64, u64> {
    let mut latest: HashMap<u64, u64> = HashMap::new();
    for Header { follows, number, .. } in headers.filter(|header| header.is_log()) {
        let latest = latest.entry(*follows).or_default();
        *latest = (*number).max(*latest);
    }
    latest
}

/// See [`latest`].
pub(super) fn is_attempt(header: &Header, latest: &HashMap<u64, u64>) -> bool {
    header.is_log() && latest.get(&header.follows) != Some(&header.number)
}

/// What the segments behind each say about it; they are in the order of their records.
pub(super) fn bounds(headers: &[Header]) -> Vec<Bounds> {
    let synced_by_successor: HashMap<u64, u64> =
        headers.iter().filter(|header| header.is_log()).map(|header| (header.follows, header.synced)).collect();
    let bases = headers.iter().skip(1).map(|header| header.base).chain([u64::MAX]);
    let bound = |(header, before): (&Header, u64)| Bounds {
        successor: synced_by_successor.get(&header.number).copied(),
        before,
    };
    headers.iter().zip(bases).map(bound).collect()
}

/// A segment's file of that length holds nothing but records.
pub(super) fn is_whole(header: &Header, file: &dyn File, bytes: u64) -> bool {
    let mut scan = Scan::new(file, header.salt, DATA_AT, data_end(header.bytes));
    let mut records_only = bytes == header.bytes;
    while let Some(found) = scan.next() {
        records_only &= matches!(found, Found::Record(_));
    }
    records_only && scan.failure.is_none()
}

/// The numbers of the intact records in a segment's file of that length.
pub(super) fn sequences(header: &Header, file: &dyn File, bytes: u64) -> Vec<u64> {
    let mut scan = Scan::new(file, header.salt, DATA_AT, bytes.min(data_end(header.bytes)));
    let mut all = Vec::new();
    while let Some(found) = scan.next() {
        if let Found::Record(frame) = found {
            all.push(frame.head.sequence);
        }
    }
    all
}
