//! Kept or dead-lettered events once more: the same key, headers and value, and [`header::REPLAYED`] beside them.
//!
//! What is kept are the records of segments that are still there; they are read like any bystander does
//! ([`crate::spool::inspect`]), so that a gateway may go on using the directory. What it has not delivered yet is sent like the rest. Dead letters are read from their topic,
//! which is left as it is, and go to the topic that they were meant for. Consumers tell copies by `ce_source` and `ce_id`.
//!
//! - [`letter`]: an event on its way, and what is left out of it.
//! - [`Sender`]: one producer; what Kafka refuses in a batch is tried alone, and counted.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::event::header;
use crate::kafka::{self, HistoryError, history};
use crate::spool::inspect::{Inspection, Report, Selection, State};

pub mod letter;
mod sender;

pub use letter::Letter;
pub use sender::{Sender, StartError, Tally};

/// What was passed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// Segments that were recycled while they were read.
    pub gone: u64,
    /// Places that cannot be read.
    pub damaged: u64,
    /// Records of the dead-letter topic that do not say where they were meant to go.
    pub aimless: u64,
}

/// Tells every kept event that is asked for, in order, until it is told to stop.
pub fn kept(inspection: &Inspection, selection: &Selection, each: &mut dyn FnMut(Letter) -> ControlFlow<()>) -> Passed {
    let mut passed = Passed::default();
    let wanted = inspection.segments().iter().filter(|segment| segment.counts() && !selection.passes_over(segment));
    for segment in wanted {
        let mut stopped = false;
        let report: Report = inspection.read(segment, &mut |kept| {
            selection.tell(&kept, &mut || {
                let told = each(Letter::of_kept(&kept));
                stopped = told.is_break();
                told
            })
        });
        passed.gone += u64::from(report.state == State::Gone);
        passed.damaged += report.places();
        if stopped {
            break;
        }
    }
    passed
}

/// Tells every dead letter that is asked for and that the topic holds now, until it is told to stop.
///
/// # Errors
/// The topic cannot be read to its end.
pub fn dead(
    settings: &kafka::Settings,
    limit: Duration,
    selection: &Selection,
    each: &mut dyn FnMut(Letter) -> ControlFlow<()>,
) -> Result<Passed, HistoryError> {
    let mut passed = Passed::default();
    history(settings, &settings.dead_letter_topic, limit, &mut |record| {
        let source = record.header(header::SOURCE).unwrap_or_default();
        let Some(letter) = Letter::of_dead(record) else {
            passed.aimless += 1;
            return ControlFlow::Continue(());
        };
        if selection.takes(None, &letter.view(&source)) { each(letter) } else { ControlFlow::Continue(()) }
    })?;
    Ok(passed)
}
