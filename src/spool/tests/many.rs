//! Row "many records": how long a spool takes to open, and that it reads what it holds once.

use std::io::Result as IoResult;
use std::sync::atomic::AtomicU64;

use super::io::{Directory, Disk, Entry, File};
use super::*;
use crate::chaos::Row;
use crate::dedupe::{self, Dedupe, HashKey};

/// A disk that counts the bytes read from it.
#[derive(Debug)]
struct Counting(Directory, Arc<AtomicU64>);

#[derive(Debug)]
struct CountingFile(Arc<dyn File>, Arc<AtomicU64>);

impl Counting {
    fn file(&self, file: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(CountingFile(file, Arc::clone(&self.1)))
    }
}

impl Disk for Counting {
    fn lock(&self) -> IoResult<bool> {
        self.0.lock()
    }
    fn create(&self, name: &str) -> IoResult<Arc<dyn File>> {
        self.0.create(name).map(|file| self.file(file))
    }
    fn open(&self, name: &str) -> IoResult<Arc<dyn File>> {
        self.0.open(name).map(|file| self.file(file))
    }
    fn rename(&self, from: &str, to: &str) -> IoResult<()> {
        self.0.rename(from, to)
    }
    fn set_aside(&self, name: &str) -> IoResult<()> {
        self.0.set_aside(name)
    }
    fn remove(&self, name: &str) -> IoResult<()> {
        self.0.remove(name)
    }
    fn list(&self) -> IoResult<Vec<Entry>> {
        self.0.list()
    }
    fn count_damaged(&self) -> IoResult<usize> {
        self.0.count_damaged()
    }
    fn sync_directory(&self) -> IoResult<()> {
        self.0.sync_directory()
    }
    fn free_bytes(&self) -> IoResult<u64> {
        self.0.free_bytes()
    }
    fn salt(&self) -> IoResult<[u8; 16]> {
        self.0.salt()
    }
}

impl File for CountingFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> IoResult<usize> {
        let read = self.0.read_at(into, offset)?;
        self.1.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> IoResult<usize> {
        self.0.write_at(bytes, offset)
    }
    fn sync(&self) -> IoResult<()> {
        self.0.sync()
    }
}

const RECORD_BYTES: u64 = 1024;
const AT_ONCE: u64 = 2000;

/// Opens the directory; returns how many bytes were read, and how many keys were told.
fn open(dir: &Path, settings: &Settings, dedupe: &Dedupe, clock: &Clock) -> (Opened, u64, u64) {
    let read = Arc::new(AtomicU64::new(0));
    let disk = Arc::new(Counting(Directory::open(dir).expect("opens"), Arc::clone(&read)));
    let ring = dedupe.ring(HORIZON);
    let mut keys = 0;
    let mut remember = |event: Remembered<'_>| {
        keys += wide(event.digests.len());
        restore_keys(dedupe, &ring, event);
        None
    };
    let limits = Limits { window_bytes: 0, ..Limits::of(settings, HORIZON) };
    let opened = opening::open(disk, dir, limits, clock.clone(), metrics(), &mut remember).expect("opens");
    (opened, read.load(Ordering::Relaxed), keys)
}

/// What this process has in memory, in MiB.
fn resident_mib() -> u64 {
    let status = procfs::process::Process::myself().and_then(|process| process.status()).expect("Linux");
    status.vmrss.unwrap_or(0) / 1024
}

/// Keeps events of a kilobyte until there are so many, or half of the row's budget is spent; says how many there are.
fn fill(row: &Row, opened: &mut Opened, value: usize) -> u64 {
    let mut kept = 0;
    while kept < row.cases && !row.is_half_over(kept) {
        let events: Vec<_> = (kept..(kept + AT_ONCE).min(row.cases))
            .map(|number| Event {
                digests: vec![Digest::from(number) << 64 | 1],
                ..event(&number.to_string(), "t", value)
            })
            .collect();
        let slots: Vec<_> = events.iter().map(|_| Slot::new(Ack::Disk, None)).collect();
        let both: Vec<_> = events.iter().zip(&slots).collect();
        opened.core.keep(&both).expect("has room");
        opened.writer.turn(Duration::ZERO);
        opened.keeper.turn();
        assert!(slots.iter().all(|slot| now(slot).is_some_and(|outcome| outcome != Outcome::Lost)));
        kept += events.len() as u64;
    }
    kept
}

mod slow {
    use super::*;

    #[test]
    fn a_spool_of_many_records_is_read_once_when_it_is_opened() {
        let mut row = Row::begin("many records", 100_000, 10_000_000);
        let root = tempfile::tempdir().expect("a directory");
        let free = Directory::open(root.path()).and_then(|disk| disk.free_bytes()).expect("the volume says");
        // Half of the volume is left to others.
        row.cases = row.cases.min(free / 2 / RECORD_BYTES);
        let segment_bytes = if row.cases > 1_000_000 { ByteSize::mib(64) } else { ByteSize::mib(4) };
        let max_bytes = ByteSize(row.cases * RECORD_BYTES * 2 + (1 << 30));
        let settings = Settings { dir: root.path().to_owned(), max_bytes, segment_bytes, ..settings() };
        let clock = Clock::standing_at(NOW);
        let keys = dedupe::Settings { window: HORIZON, max_keys: usize::MAX };
        let memory = || Dedupe::new(HashKey::new([1; 16]), &keys, clock.clone(), metrics());

        let (mut opened, ..) = open(root.path(), &settings, &memory(), &clock);
        // A record of a kilobyte has that much beside its value.
        let kept = fill(&row, &mut opened, 1024 - 56 - 16 - 7 - 24);
        drop(opened);
        let on_disk: u64 = Directory::open(root.path())
            .and_then(|disk| disk.list())
            .expect("can be read")
            .iter()
            .filter(|entry| segment::parse(&entry.name).is_some_and(|(_, suffix)| suffix == segment::LIVE))
            .map(|entry| entry.bytes)
            .sum();

        let (before, begun) = (resident_mib(), row.took());
        let dedupe = memory();
        let (opened, read, told) = open(root.path(), &settings, &dedupe, &clock);
        let took = row.took().checked_sub(begun).expect("later");
        let grown = resident_mib().saturating_sub(before);
        assert_eq!(told, kept, "every key is told once");
        assert_eq!(hold(&opened.core.outlet).outstanding() as u64, kept);
        assert!(read * 10 <= on_disk * 11, "{read} bytes read of {on_disk}");
        let mut items = Vec::new();
        opened.core.take(&mut items, Duration::ZERO);
        assert_eq!(items.first().and_then(|item| item.sequence), Some(1));
        row.end(
            &format!("{kept} records, {} MiB of segments, opened with the keys restored", on_disk >> 20),
            &format!(
                "open after {:.2} s; {} % of the bytes read; {grown} MiB more in memory, with {told} keys",
                took.as_secs_f64(),
                read * 100 / on_disk
            ),
        );
    }
}
