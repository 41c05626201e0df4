//! Row "damage": a directory of a thousand records, struck in every way that a disk or a hand may strike it.
//!
//! What is held: nothing panics, nothing corrupt comes out, every record whose bytes lie where they were and whose segment
//! can still be told comes out exactly once, what does not is counted, and the spool is a spool afterwards.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::damage::{counter, lies};
use super::*;
use crate::chaos::{Dice, Row, say};

const SECTOR: usize = 512;
const LIVE: usize = 1000;

/// A directory as it lies on disk, and what it owes.
struct Image {
    files: BTreeMap<String, Vec<u8>>,
    /// By name: the event, its file, and where in it.
    records: HashMap<String, Placed>,
    /// The records of the last write: nobody but the checkpoint knows that they were synced.
    last_write: BTreeSet<String>,
}

struct Placed {
    event: Event,
    file: String,
    bytes: Range<usize>,
    delivered: bool,
}

fn settings() -> Settings {
    Settings { max_bytes: ByteSize::kib(640), segment_bytes: ByteSize::kib(16), ..super::settings() }
}

fn open(twin: Twin) -> Rig {
    Rig::with(twin, &settings(), |_| {}).expect("whatever lies there, it opens")
}

/// Keys of a hundred events that are gone, a thousand that are there, of which some are delivered, a spare, and two
/// checkpoints.
fn image() -> Image {
    let mut dice = Dice::new(7);
    let mut rig = open(Twin::new(4 << 20));
    let mut events = HashMap::new();
    let mut last_write = BTreeSet::new();
    let mut hand = Vec::new();
    let mut count = 0usize;
    while count < LIVE + 100 {
        last_write.clear();
        for _ in 0..=dice.below(4) {
            let name = count.to_string();
            let event = event(&name, "t", 8 + dice.index(300));
            rig.keep(&event, Ack::Disk).expect("has room");
            events.insert(name.clone(), event);
            last_write.insert(name);
            count += 1;
        }
        rig.write();
        // The first hundred at once, later every thirtieth write; two hundred are put aside, so that some are compacted.
        let takes = count < 100 || dice.one_in(30);
        for parcel in rig.take() {
            match count {
                _ if takes => parcel.delivered(),
                200..400 => parcel.set_aside(),
                _ => hand.push(parcel),
            }
        }
        rig.tidy();
    }
    // So that the checkpoint knows how far the log was synced.
    hand.remove(0).delivered();
    rig.tidy();
    let twin = rig.twin.kill();
    let owed = names(&open(twin.copy()).take_all()).into_iter().collect::<BTreeSet<_>>();
    let mut records = HashMap::new();
    for lies in lies(&twin) {
        let event = events.remove(&lies.name).expect("known");
        let delivered = !owed.contains(&lies.name);
        records.insert(lies.name, Placed { event, file: lies.file, bytes: lies.bytes, delivered });
    }
    assert!(records.len() > LIVE - 100 && owed.len() > LIVE - 150, "{} of {}", owed.len(), records.len());
    let files: BTreeMap<_, _> = twin.names().into_iter().map(|name| (name.clone(), twin.bytes(&name))).collect();
    for suffix in [".seg", ".spare", ".keys", "checkpoint.0", "checkpoint.1"] {
        assert!(files.keys().any(|name| name.ends_with(suffix)), "{suffix} is missing in {:?}", files.keys());
    }
    Image { files, records, last_write }
}

fn twin_of(files: &BTreeMap<String, Vec<u8>>) -> Twin {
    let twin = Twin::new(4 << 20);
    for (name, bytes) in files {
        twin.create(name).expect("is new");
        twin.corrupt(name, |place| place.clone_from(bytes));
    }
    twin.sync_directory().expect("works");
    twin
}

/// Strikes once.
fn strike(files: &mut BTreeMap<String, Vec<u8>>, dice: &mut Dice) -> String {
    let all: Vec<String> = files.keys().cloned().collect();
    let segments: Vec<String> = all.iter().filter(|name| suffix(name) == "seg").cloned().collect();
    let one = |dice: &mut Dice, from: &[String]| from[dice.index(from.len())].clone();
    // Most of it hits segments.
    let kind = dice.below(20);
    let name = if dice.one_in(4) || segments.is_empty() { one(dice, &all) } else { one(dice, &segments) };
    let length = files[&name].len();
    if kind < 15 && length > 0 {
        let said = strike_bytes(files, &name, &all, kind, dice);
        return format!("{said} in {name}");
    }
    let bytes = files.remove(&name).expect("is there");
    match kind {
        16 => {
            let other = format!("{:016x}.{}", 0x1000 + dice.below(8), suffix(&name));
            files.insert(other.clone(), bytes);
            format!("{name} renamed to {other}")
        }
        17 => {
            let other = format!("{:016x}.{}", 0x2000 + dice.below(8), suffix(&name));
            files.insert(other.clone(), bytes.clone());
            files.insert(name.clone(), bytes);
            format!("{name} copied to {other}")
        }
        18 => {
            let alike: Vec<_> = files.keys().filter(|other| suffix(other) == suffix(&name)).cloned().collect();
            if alike.is_empty() {
                files.insert(name, bytes);
                return "nothing".into();
            }
            let other = one(dice, &alike);
            let its = files.insert(other.clone(), bytes).expect("is there");
            files.insert(name.clone(), its);
            format!("{name} and {other} change places")
        }
        _ => format!("{name} deleted"),
    }
}

fn suffix(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

fn strike_bytes(
    files: &mut BTreeMap<String, Vec<u8>>,
    name: &str,
    all: &[String],
    kind: u64,
    dice: &mut Dice,
) -> String {
    let donor = files[&all[dice.index(all.len())]].clone();
    let bytes = files.get_mut(name).expect("is there");
    let sectors = bytes.len().div_ceil(SECTOR);
    let at = dice.index(bytes.len());
    let (one, two) = (dice.index(sectors) * SECTOR, dice.index(sectors) * SECTOR);
    let whole = |at: usize, length: usize| at..(at + SECTOR).min(length);
    match kind {
        0..=4 => {
            bytes[at] ^= 1 << dice.below(8);
            format!("bit flipped at {at}")
        }
        5..=7 => {
            let length = bytes.len();
            bytes[whole(one, length)].fill(0);
            format!("sector zeroed at {one}")
        }
        8 | 9 => {
            let (here, there) = (whole(one, bytes.len()), whole(two, bytes.len()));
            let (first, second) = (bytes[here.clone()].to_vec(), bytes[there.clone()].to_vec());
            let count = first.len().min(second.len());
            bytes[here][..count].copy_from_slice(&second[..count]);
            bytes[there][..count].copy_from_slice(&first[..count]);
            format!("sectors at {one} and {two} swapped")
        }
        10 | 11 => {
            let source = bytes[whole(one, bytes.len())].to_vec();
            let target = whole(two, bytes.len());
            let count = source.len().min(target.len());
            bytes[target][..count].copy_from_slice(&source[..count]);
            format!("sector at {one} once more at {two}")
        }
        12 if !donor.is_empty() => {
            let from = dice.index(donor.len().div_ceil(SECTOR)) * SECTOR;
            let source = donor[whole(from, donor.len())].to_vec();
            let target = whole(two, bytes.len());
            let count = source.len().min(target.len());
            bytes[target][..count].copy_from_slice(&source[..count]);
            format!("another file's sector at {two}")
        }
        13 => {
            let length = bytes.len() + 1 + dice.index(2 * SECTOR);
            let filler = if dice.one_in(2) { 0 } else { 0xa5 };
            bytes.resize(length, filler);
            format!("grown to {length}")
        }
        _ => {
            bytes.truncate(at);
            format!("cut at {at}")
        }
    }
}

/// What became of a record under the blows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Its bytes are where they were, in a segment that can be told.
    Whole,
    /// They are there, in one of several copies none of which has the segment's name.
    Disputed,
    Hit,
    /// Nothing says that it is its segment.
    Gone,
}

/// The headers' bytes that must be there to tell a segment: the copy in front, or the one at the end.
fn can_be_told(now: &[u8], then: &[u8]) -> bool {
    let header = &then[..128];
    let end = now.len().checked_sub(SECTOR).and_then(|at| now.get(at..at + 128));
    now.get(..128) == Some(header) || end == Some(header)
}

impl Image {
    /// What each segment's name has come to: the files that say that they are it, by name.
    fn claims<'a>(&'a self, now: &'a BTreeMap<String, Vec<u8>>) -> HashMap<&'a str, Vec<(&'a String, &'a Vec<u8>)>> {
        let segments = self.files.iter().filter(|(name, _)| suffix(name) == "seg");
        let claims =
            |then| now.iter().filter(|(name, bytes)| suffix(name) == "seg" && can_be_told(bytes, then)).collect();
        segments.map(|(name, then)| (name.as_str(), claims(then))).collect()
    }

    fn fate(&self, claims: &[(&String, &Vec<u8>)], record: &Placed) -> Fate {
        let then = &self.files[&record.file][record.bytes.clone()];
        let holds = |bytes: &Vec<u8>| bytes.get(record.bytes.clone()) == Some(then);
        let whole = claims.iter().filter(|(_, bytes)| holds(bytes)).count();
        match claims.iter().find(|(name, _)| **name == record.file) {
            _ if claims.is_empty() => Fate::Gone,
            // The one under the right name is it; the others are copies.
            Some((_, bytes)) if holds(bytes) => Fate::Whole,
            None if whole == claims.len() => Fate::Whole,
            None if whole > 0 => Fate::Disputed,
            Some(_) | None => Fate::Hit,
        }
    }
}

/// Totals over all cases.
#[derive(Default)]
struct Found {
    lost: usize,
    spared: usize,
    unseen: usize,
    doubled: usize,
    corrupt: u64,
    torn: u64,
    aside: u64,
}

/// Opens what is left and holds it to the promises.
fn check(image: &Image, files: &BTreeMap<String, Vec<u8>>, again: bool, found: &mut Found) {
    let checkpoints = ["checkpoint.0", "checkpoint.1"];
    let checkpoint_hit = checkpoints.iter().any(|name| files.get(*name) != image.files.get(*name));
    let mut rig = open(twin_of(files));
    let mut parcels = rig.take_all();
    if again {
        // Nothing was delivered: the next start finds the same, whatever the first one has moved or cut off.
        let first: BTreeSet<String> = parcels.iter().map(name).collect();
        drop(parcels);
        rig = open(rig.twin.cut(&mut || false));
        parcels = rig.take_all();
        assert_eq!(first, parcels.iter().map(name).collect(), "the second start finds what the first one found");
    }
    let came: BTreeSet<String> = parcels.iter().map(name).collect();
    assert_eq!(came.len(), parcels.len(), "nothing comes twice");
    for parcel in &parcels {
        let placed = &image.records[&name(parcel)];
        assert_eq!(parcel.event(), placed.event.view(), "what comes is what was kept");
        found.doubled += usize::from(placed.delivered);
        assert!(!placed.delivered || checkpoint_hit, "the checkpoint knows that it is delivered");
    }
    let (corrupt, torn) = (counter(&rig, "spool_corrupt_records_total"), counter(&rig, "spool_torn_tails_total"));
    let remembered: BTreeSet<Digest> = rig.remembered.iter().copied().collect();
    let claims = image.claims(files);
    let all_can_be_told = files
        .keys()
        .filter(|name| suffix(name) == "seg")
        .all(|name| claims.values().flatten().any(|(claims, _)| *claims == name));
    let mut missing = BTreeSet::new();
    for (name, placed) in &image.records {
        let fate = image.fate(&claims[placed.file.as_str()], placed);
        let owed = !placed.delivered && fate == Fate::Whole;
        assert!(!owed || came.contains(name), "{name} was not touched and did not come");
        assert!(!owed || remembered.contains(&digest(name)), "{name} was not touched and is not remembered");
        found.spared += usize::from(owed);
        if !came.contains(name) && !placed.delivered {
            found.lost += 1;
            let unseen = fate == Fate::Gone && all_can_be_told;
            found.unseen += usize::from(unseen);
            if !unseen {
                missing.insert(name.clone());
            }
            // What comes again from its sender must be taken again, unless its key is in a key file.
            assert!(!remembered.contains(&digest(name)), "{name} did not come and is remembered");
        }
    }
    // Zeros over the whole last write look like a write that was never begun, where no checkpoint knows better.
    let unwritten = checkpoint_hit && missing.is_subset(&image.last_write);
    assert!(missing.is_empty() || corrupt + torn > 0 || unwritten || again, "{missing:?} are gone without a word");
    let aside = counter(&rig, "spool_damaged_segments");
    assert!(corrupt == 0 || aside > 0);
    (found.corrupt, found.torn, found.aside) = (found.corrupt + corrupt, found.torn + torn, found.aside + aside);
    parcels.into_iter().for_each(Parcel::delivered);
    for _ in 0..3 {
        rig.tidy();
    }
    assert_eq!(rig.twin.names_with(".seg").iter().filter(|name| !name.starts_with("damaged")).count(), 1);
    rig.kept("after", "t");
    assert_eq!(
        names(&open(rig.twin.cut(&mut || false)).take_all()),
        ["after"],
        "it is a spool, and sends nothing twice"
    );
}

fn end(row: &Row, cases: u64, what: &str, found: &Found) {
    let Found { lost, spared, unseen, doubled, corrupt, torn, aside } = found;
    row.end(
        &format!("{cases} {what}, a directory of 1,000 records each"),
        &format!(
            "0 panics, 0 corrupt delivered, 0 of {spared} intact lost; {lost} hit ({unseen} of them with their whole file), \
             reported: {corrupt} records, {torn} torn tails, {aside} segments; {doubled} sent again for want of a checkpoint"
        ),
    );
}

mod slow {
    use super::*;

    #[test]
    fn a_directory_struck_anyhow_loses_what_was_struck_and_says_so() {
        let row = Row::begin("damage: blows", 2000, 100_000);
        let image = image();
        let mut found = Found::default();
        let cases = row.run(|dice| {
            let mut files = image.files.clone();
            let blows: Vec<_> = (0..=dice.below(3)).map(|_| strike(&mut files, dice)).collect();
            let _said = OnPanic(&blows);
            check(&image, &files, dice.one_in(4), &mut found);
        });
        end(&row, cases, "strikes of 1 to 3 blows", &found);
    }

    #[test]
    fn a_segment_cut_at_any_byte_keeps_what_lies_before() {
        let image = image();
        let segments: Vec<_> = image.files.keys().filter(|name| suffix(name) == "seg").collect();
        let offsets: usize = segments.iter().map(|name| image.files[*name].len()).sum();
        let row = Row::begin("damage: cuts", 250, offsets as u64);
        let mut found = Found::default();
        let mut at = 0;
        // In the small size as many of them as there are cases, spread over all.
        let step = (offsets / usize::try_from(row.cases).expect("few")).max(1);
        let cases = row.run(|dice| {
            let mut place = if row.cases == 1 { dice.index(offsets) } else { at };
            at += step;
            for name in &segments {
                let length = image.files[*name].len();
                if place < length {
                    let mut files = image.files.clone();
                    files.get_mut(*name).expect("is there").truncate(place);
                    let _said = OnPanic(&[format!("{name} cut at {place}")]);
                    check(&image, &files, false, &mut found);
                    return;
                }
                place -= length;
            }
        });
        end(&row, cases, "cuts at byte offsets", &found);
    }
}

/// What was done, where it went wrong.
struct OnPanic<'a>(&'a [String]);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            say(&format!("after {:?}", self.0));
        }
    }
}
