//! Where events are kept, and how its sizes fit into each other.

use crate::config::decode::Field;
use crate::config::file::gateway::Spool;
use crate::config::problem::Problems;
use crate::kafka;
use crate::spool::Settings;
use crate::units::{ByteSize, Share};

/// Above this share of `max_bytes` nobody's event is taken.
const FULL: Share = Share::percent(95);
/// The size of a segment where nothing else is said.
const SEGMENT: ByteSize = ByteSize::mib(64);

/// A segment is not smaller and not larger.
const SEGMENT_MIN: ByteSize = ByteSize::kib(4);
const SEGMENT_MAX: ByteSize = ByteSize::mib(1024);
/// Eight segments, of the least size each.
const MAX_BYTES_MIN: ByteSize = ByteSize::kib(32);

/// Resolves `spool`; none without a directory.
pub(super) fn resolve(spool: &Field<Spool>, problems: &mut Problems) -> Option<Settings> {
    let Some(dir) = (*spool.dir).clone() else {
        if spool.dir.sound && spool.given {
            problems.warn(
                &spool.at,
                "`spool` without `dir`",
                "`spool.dir`; without it nothing is kept on disk, and nothing here counts",
            );
        }
        return None;
    };
    let eighth = ByteSize(spool.max_bytes.0 / 8);
    let segment_bytes = spool.segment_bytes.unwrap_or(SEGMENT.min(eighth));
    if *spool.max_bytes < MAX_BYTES_MIN {
        let found = spool.max_bytes.to_string();
        problems.error(
            &spool.max_bytes.at,
            found,
            format!("at least {MAX_BYTES_MIN}, eight segments of {SEGMENT_MIN}"),
        );
    } else if !(SEGMENT_MIN..=SEGMENT_MAX).contains(&segment_bytes) {
        let expected = format!("{SEGMENT_MIN} to {SEGMENT_MAX}");
        problems.error(&spool.segment_bytes.at, segment_bytes.to_string(), expected);
    } else if segment_bytes > eighth {
        let expected = format!("at most {eighth}, an eighth of max_bytes");
        problems.error(&spool.segment_bytes.at, segment_bytes.to_string(), expected);
    }
    if *spool.high_water > FULL {
        problems.error(
            &spool.high_water.at,
            format!("{}", *spool.high_water),
            format!("at most {FULL}: above that nobody's event is taken"),
        );
    }
    if *spool.low_water > *spool.high_water {
        let expected = format!("at most spool.high_water, {}", *spool.high_water);
        problems.error(&spool.low_water.at, format!("{}", *spool.low_water), expected);
    }
    Some(Settings {
        dir,
        scratch: *spool.scratch,
        max_bytes: *spool.max_bytes,
        segment_bytes,
        high_water: *spool.high_water,
        low_water: *spool.low_water,
        retain: *spool.retain,
    })
}

/// Every source's largest event should fit into a segment.
pub(super) fn check_segment(spool: Option<&Settings>, largest: ByteSize, typed: &Spool, problems: &mut Problems) {
    let Some(spool) = spool else { return };
    if largest.0.saturating_add(kafka::HEADROOM.0) > spool.segment_bytes.0 {
        let found = format!("segments of {}, and a source with bodies of up to {largest}", spool.segment_bytes);
        problems.warn(
            &typed.segment_bytes.at,
            found,
            "segments that hold the largest body and 64KiB: others cannot be kept on disk",
        );
    }
}
