//! What happens to the spool in a run, drawn by dice.

use crate::chaos::Dice;
use crate::spool::io::twin::{Failure, Op};

/// One thing that happens.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Keeps events of these sizes as one delivery.
    Keep(Vec<u16>, Ways),
    HandOver(u16),
    Write,
    Tidy,
    Take,
    Deliver(u8),
    SetAside(u8),
    Drop(u8),
    ReadTopic(u8),
    Advance(u16),
    Fail(Op, u8, u8, Failure),
    /// The same, while the next start reads the directory.
    FailNext(Op, u8, u8, Failure),
    Heal,
    Shrink,
    Grow,
    Kill,
    Close,
    /// What was not synced is lost, or partly and in any order by this seed.
    Cut(Option<u64>),
    /// The same in the middle of the writer's turn at a few events, or of the keeper's, after so many operations.
    CutDuring(u8, u64),
}

/// Which custodies get the event, and in which order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ways {
    Disk,
    DiskThenKafka,
    KafkaThenDisk,
}

/// How much of a run is faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mix {
    /// Some, of writing.
    Usual,
    /// Many, of reading too, also while the spool is opened.
    Errors,
}

const ERRORS: [std::io::ErrorKind; 3] =
    [std::io::ErrorKind::Other, std::io::ErrorKind::StorageFull, std::io::ErrorKind::ReadOnlyFilesystem];

/// A run of up to 120 steps.
pub(super) fn draw(mix: Mix, dice: &mut Dice) -> Vec<Step> {
    (0..=dice.below(119)).map(|_| step(mix, dice)).collect()
}

fn step(mix: Mix, dice: &mut Dice) -> Step {
    let byte = |dice: &mut Dice| u8::try_from(dice.below(256)).expect("a byte");
    let size = |dice: &mut Dice| u16::try_from(dice.below(1500)).expect("small");
    // The last ones are for a run of errors only.
    let sort = dice.below(if mix == Mix::Errors { 118 } else { 100 });
    match sort {
        0..20 => {
            let sizes = (0..=dice.below(3)).map(|_| size(dice)).collect();
            Step::Keep(
                sizes,
                dice.pick(&[Ways::Disk, Ways::Disk, Ways::Disk, Ways::DiskThenKafka, Ways::KafkaThenDisk]),
            )
        }
        20..23 => Step::HandOver(size(dice)),
        23..38 => Step::Write,
        38..46 => Step::Tidy,
        46..57 => Step::Take,
        57 => Step::CutDuring(byte(dice) % 12, dice.roll()),
        58..74 => Step::Deliver(byte(dice)),
        74..79 => Step::SetAside(byte(dice)),
        79..82 => Step::Drop(byte(dice)),
        82..85 => Step::ReadTopic(u8::try_from(dice.below(3)).expect("small")),
        85..87 => Step::Advance(u16::try_from(1 + dice.below(7200)).expect("small")),
        87..90 | 100..110 => fail(mix, dice, Step::Fail),
        90..92 => Step::Heal,
        92 => Step::Shrink,
        93 => Step::Grow,
        94 => Step::Kill,
        95 => Step::Close,
        96..100 => Step::Cut(Some(dice.roll()).filter(|seed| seed % 3 != 0)),
        110..113 => Step::Cut(None),
        _ => fail(mix, dice, Step::FailNext),
    }
}

fn fail(mix: Mix, dice: &mut Dice, into: fn(Op, u8, u8, Failure) -> Step) -> Step {
    let mut ops = vec![Op::Write, Op::Sync, Op::Create, Op::Rename, Op::Remove, Op::SyncDirectory];
    if mix == Mix::Errors {
        ops.extend([Op::Open, Op::Read, Op::Sync, Op::Write]);
    }
    let op = dice.pick(&ops);
    let short = op == Op::Write && dice.one_in(4);
    let failure = if short { Failure::Short } else { Failure::Error(dice.pick(&ERRORS)) };
    let few = |dice: &mut Dice, bound| u8::try_from(dice.below(bound)).expect("small");
    into(op, few(dice, 4), 1 + few(dice, 3), failure)
}
