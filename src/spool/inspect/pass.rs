//! One pass over a segment's file.

use std::ops::ControlFlow;

use super::report::{DAMAGE_MAX, Damage, Kept, Report, State};
use crate::spool::checkpoint::Checkpoint;
use crate::spool::io::File;
use crate::spool::record;
use crate::spool::scan::{Found, Frame, Hole, Scan};
use crate::spool::segment::{DATA_AT, Header, data_end};
use crate::spool::survey::{Bounds, Survey, Verdict};

/// What is known of a segment before its records are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    pub(super) header: Header,
    pub(super) bounds: Bounds,
    /// At least so far it was synced.
    pub(super) known: Option<u64>,
    /// No other segment speaks of it: what is no record counts as damage.
    pub(super) alone: bool,
}

impl About {
    /// Of a segment that lies apart from the others.
    pub(super) fn alone(header: Header) -> Self {
        let bounds = Bounds { successor: None, before: u64::MAX };
        Self { header, bounds, known: None, alone: true }
    }
}

/// A stretch that is no record.
#[derive(Debug, Clone, Copy)]
struct Gap {
    at: u64,
    end: u64,
    hole: Hole,
}

/// Gaps, as far as somebody will read of them.
#[derive(Debug, Default)]
struct Gaps {
    first: Vec<Gap>,
    more: u64,
}

impl Gaps {
    fn push(&mut self, gap: Gap) {
        if self.first.len() < DAMAGE_MAX {
            self.first.push(gap);
        } else {
            self.more += 1;
        }
    }
}

/// Reads all records of a file, tells each that counts, and completes the report. False: it was told to stop, and the
/// report says nothing of damage.
pub(super) fn run(
    file: &dyn File,
    about: &About,
    checkpoint: &Checkpoint,
    report: &mut Report,
    each: &mut dyn FnMut(Kept<'_>) -> ControlFlow<()>,
) -> bool {
    let header = about.header;
    let mut survey = Survey::new(header, about.bounds, about.known);
    let end = report.bytes.min(data_end(header.bytes));
    let mut scan = Scan::new(file, header.salt, DATA_AT, end);
    let (mut gaps, mut tail) = (Gaps::default(), Vec::new());
    let mut last_end = DATA_AT;
    loop {
        let at = scan.at();
        let Some(found) = scan.next() else { break };
        match found {
            Found::Alien { version } => {
                report.state = State::Alien;
                let what = format!("a record of version {version}, which this program does not know");
                report.add_damage(Damage { at, bytes: 0, what });
            }
            Found::Hole(hole) => {
                survey.hole(hole);
                tail.truncate(DAMAGE_MAX);
                tail.push(Gap { at, end: scan.at(), hole });
            }
            Found::Record(frame) if survey.record(&frame) => {
                tail.drain(..).for_each(|gap| gaps.push(gap));
                last_end = frame.end();
                let kept = kept(&frame, header.number, checkpoint);
                report.add(&kept);
                if each(kept).is_break() {
                    return false;
                }
            }
            Found::Record(_) => {}
        }
    }
    let cut = report.bytes < header.bytes;
    let failure = scan.failure.take();
    let verdict = survey.close(cut, failure.is_some());
    if let Some(error) = failure {
        report.add_damage(Damage { at: DATA_AT, bytes: 0, what: format!("the disk cannot read all of it: {error}") });
    }
    if cut && (verdict.damaged || about.alone) {
        let what = format!("the file ends here; it had {} bytes", header.bytes);
        report.add_damage(Damage { at: report.bytes, bytes: 0, what });
    }
    judge(&verdict, about.alone, &gaps, &tail, last_end, report);
    true
}

fn kept<'a>(frame: &'a Frame, segment: u64, checkpoint: &Checkpoint) -> Kept<'a> {
    let sequence = frame.head.sequence;
    Kept {
        sequence,
        delivered: checkpoint.covers(segment, sequence),
        event: record::view(&frame.bytes),
        bytes: crate::spool::wide(frame.bytes.len()),
    }
}

/// What the gaps are: nothing but the regular end, a torn tail, or damage.
fn judge(verdict: &Verdict, alone: bool, gaps: &Gaps, tail: &[Gap], last_end: u64, report: &mut Report) {
    let rest = tail.iter().find(|gap| !(gap.hole.blank && gap.hole.last));
    if verdict.damaged || alone {
        let before = report.places();
        report.more_damage += gaps.more;
        gaps.first.iter().chain(rest.filter(|_| alone)).for_each(|gap| report.add_damage(gap.damage()));
        if verdict.lost > 0 && report.places() == before {
            let what = format!("{} that had been synced are not here", counted(verdict.lost));
            report.add_damage(Damage { at: rest.map_or(last_end, |gap| gap.at), bytes: 0, what });
        }
        if report.places() > 0 && report.state == State::Live {
            report.state = State::Damaged;
        }
    } else if verdict.torn {
        report.torn_at = Some(gaps.first.first().or(rest).map_or(last_end, |gap| gap.at));
    }
}

impl Gap {
    fn damage(&self) -> Damage {
        let what = match self.hole.heads {
            0 => "no record can be made out".to_owned(),
            heads => format!("{} whose bytes are not what was written", counted(heads)),
        };
        Damage { at: self.at, bytes: self.end - self.at, what }
    }
}

fn counted(records: u64) -> String {
    format!("{records} {}", if records == 1 { "record" } else { "records" })
}
