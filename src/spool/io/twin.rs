//! A disk in memory that behaves as badly as a disk may.
//!
//! Every file has what a reader sees and what is durable, and the sectors in which they differ; the directory has its
//! names, the durable ones, and the changes in between. A power cut keeps of each an arbitrary part. A sync that fails
//! does what Linux does: the pages count as clean from then on, still show the new bytes, and are never written.
//!
//! A restless one does more of what a disk may do: it writes back what nobody asked it to, at any moment, changes of the
//! directory too; what it says has failed may have been done all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

use super::{Disk, Entry, File};
use crate::chaos::Dice;
use crate::spool::hold;

const SECTOR_BYTES: usize = 512;

/// The disk; clones are the same.
#[derive(Debug, Clone)]
pub(in crate::spool) struct Twin(Arc<Mutex<World>>);

/// What can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::spool) enum Op {
    Open,
    Read,
    Write,
    Sync,
    Create,
    Rename,
    Remove,
    SyncDirectory,
}

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::spool) enum Failure {
    Error(io::ErrorKind),
    /// A write writes half and says so.
    Short,
}

#[derive(Debug, Clone)]
struct World {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    changes: Vec<Change>,
    faults: Vec<Fault>,
    capacity: u64,
    locked: bool,
    gone: bool,
    salts: u64,
    counts: BTreeMap<Op, u64>,
    unrest: Option<Dice>,
    /// After so many operations none is done any more.
    ends_after: Option<u32>,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    seen: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
}

#[derive(Debug, Clone)]
enum Change {
    Named(String, usize),
    Renamed(String, String, usize),
    Removed(String),
}

#[derive(Debug, Clone)]
struct Fault {
    op: Op,
    after: u32,
    times: u32,
    failure: Failure,
}

impl Twin {
    /// An empty volume of that size.
    pub(in crate::spool) fn new(capacity: u64) -> Self {
        Self(Arc::new(Mutex::new(World {
            inodes: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            changes: Vec::new(),
            faults: Vec::new(),
            capacity,
            locked: false,
            gone: false,
            salts: 0,
            counts: BTreeMap::new(),
            unrest: None,
            ends_after: None,
        })))
    }

    /// From now on it is restless.
    pub(in crate::spool) fn disturb(&self, dice: Dice) {
        hold(&self.0).unrest = Some(dice);
    }

    /// Lets an operation fail so many times, after so many have passed.
    pub(in crate::spool) fn fail(&self, op: Op, after: u32, times: u32, failure: Failure) {
        hold(&self.0).faults.push(Fault { op, after, times, failure });
    }

    /// After so many operations the disk does nothing more, until the power is cut.
    pub(in crate::spool) fn end_after(&self, operations: u32) {
        hold(&self.0).ends_after = Some(operations);
    }

    /// Nothing fails any more.
    pub(in crate::spool) fn heal(&self) {
        hold(&self.0).faults.clear();
    }

    /// Makes the volume larger or smaller.
    pub(in crate::spool) fn set_capacity(&self, capacity: u64) {
        hold(&self.0).capacity = capacity;
    }

    /// How often an operation was asked for.
    pub(in crate::spool) fn count(&self, op: Op) -> u64 {
        hold(&self.0).counts.get(&op).copied().unwrap_or(0)
    }

    /// The process is killed: what it wrote is still to be seen. The old handles are of no use any more.
    pub(in crate::spool) fn kill(&self) -> Self {
        let mut world = hold(&self.0);
        let mut next = world.clone();
        world.gone = true;
        next.locked = false;
        next.faults.clear();
        next.ends_after = None;
        Self(Arc::new(Mutex::new(next)))
    }

    /// The power is cut: of what was not synced any part may be lost. `coin` decides about each.
    pub(in crate::spool) fn cut(&self, coin: &mut dyn FnMut() -> bool) -> Self {
        let next = self.kill();
        {
            let mut world = hold(&next.0);
            for inode in &mut world.inodes {
                inode.settle(coin);
            }
            let mut names = world.durable_names.clone();
            for change in std::mem::take(&mut world.changes) {
                if coin() {
                    change.apply(&mut names);
                }
            }
            world.durable_names.clone_from(&names);
            world.names = names;
        }
        next
    }

    /// The power is cut: of what was not synced any part is lost, and of the changes of the directory some are made, in
    /// any order.
    pub(in crate::spool) fn cut_anyhow(&self, dice: &mut Dice) -> Self {
        {
            let mut world = hold(&self.0);
            for index in (1..world.changes.len()).rev() {
                let other = dice.index(index + 1);
                world.changes.swap(index, other);
            }
        }
        // Mostly lost, mostly there, or anything between.
        let share = dice.below(9);
        self.cut(&mut || dice.below(8) < share)
    }

    /// The bytes lie in a live segment, and would be there after any power cut.
    pub(in crate::spool) fn would_keep(&self, bytes: &[u8]) -> bool {
        let world = hold(&self.0);
        let live = world.durable_names.iter().filter(|(name, _)| name.rsplit('.').next() == Some("seg"));
        live.map(|(_, inode)| &world.inodes[*inode].durable)
            .any(|durable| memchr::memmem::find(durable, bytes).is_some())
    }

    /// The bytes lie in a file that was set aside.
    pub(in crate::spool) fn lies_aside(&self, bytes: &[u8]) -> bool {
        let world = hold(&self.0);
        let aside = world.names.iter().filter(|(name, _)| name.contains('/'));
        aside.map(|(_, inode)| &world.inodes[*inode].seen).any(|seen| memchr::memmem::find(seen, bytes).is_some())
    }

    /// Changes the bytes of a file behind the spool's back.
    pub(in crate::spool) fn corrupt(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut world = hold(&self.0);
        let inode = world.names[name];
        let inode = &mut world.inodes[inode];
        change(&mut inode.seen);
        inode.durable = inode.seen.clone();
        inode.dirty.clear();
    }

    /// Gives a file a second name.
    pub(in crate::spool) fn link(&self, name: &str, second: &str) {
        let mut world = hold(&self.0);
        let inode = world.names[name];
        world.change(Change::Named(second.to_owned(), inode));
    }

    /// The bytes of a file.
    pub(in crate::spool) fn bytes(&self, name: &str) -> Vec<u8> {
        let world = hold(&self.0);
        world.inodes[world.names[name]].seen.clone()
    }

    /// All names, with those in `damaged/`.
    pub(in crate::spool) fn names(&self) -> Vec<String> {
        hold(&self.0).names.keys().cloned().collect()
    }

    /// The names that end so.
    pub(in crate::spool) fn names_with(&self, suffix: &str) -> Vec<String> {
        self.names().into_iter().filter(|name| name.ends_with(suffix)).collect()
    }

    /// A copy of everything, as an operator makes it.
    pub(in crate::spool) fn copy(&self) -> Self {
        let mut world = hold(&self.0).clone();
        world.locked = false;
        Self(Arc::new(Mutex::new(world)))
    }

    fn world(&self, op: Op) -> io::Result<std::sync::MutexGuard<'_, World>> {
        let mut world = hold(&self.0);
        match world.check(op)? {
            Some(Failure::Short) | None => Ok(world),
            Some(Failure::Error(kind)) => Err(kind.into()),
        }
    }

    /// Changes the directory. What fails may have been done all the same.
    fn change(&self, op: Op, change: impl FnOnce(&World) -> io::Result<Change>) -> io::Result<()> {
        let mut world = hold(&self.0);
        let failure = world.check(op)?;
        let change = change(&world)?;
        let failed = matches!(failure, Some(Failure::Error(_)));
        if !failed || world.is_moved(2) {
            world.change(change);
        }
        match failure {
            Some(Failure::Error(kind)) => Err(kind.into()),
            _ => Ok(()),
        }
    }
}

impl World {
    /// Counts the operation, and whether it is to fail.
    fn check(&mut self, op: Op) -> io::Result<Option<Failure>> {
        if self.gone {
            return Err(io::Error::other("the process that had this handle is gone"));
        }
        match &mut self.ends_after {
            Some(0) => return Err(io::Error::other("the power is about to be cut")),
            Some(left) => *left -= 1,
            None => {}
        }
        *self.counts.entry(op).or_default() += 1;
        for fault in self.faults.iter_mut().filter(|fault| fault.op == op && fault.times > 0) {
            if fault.after > 0 {
                fault.after -= 1;
            } else {
                fault.times -= 1;
                return Ok(Some(fault.failure));
            }
        }
        Ok(None)
    }

    fn used(&self) -> u64 {
        self.names.values().map(|inode| self.inodes[*inode].seen.len() as u64).sum()
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.changes.push(change);
    }

    fn sync_names(&mut self) {
        self.durable_names = self.names.clone();
        self.changes.clear();
    }

    /// Whether a restless disk does something by itself now.
    fn is_moved(&mut self, one_in: u64) -> bool {
        self.unrest.as_mut().is_some_and(|dice| dice.one_in(one_in))
    }

    /// What a restless disk writes by itself: some of what differs, each sector and each change on its own.
    fn write_back(&mut self, inode: usize) {
        let Some(dice) = &mut self.unrest else { return };
        let inode = &mut self.inodes[inode];
        let dirty = inode.dirty.clone();
        inode.keep(&mut || dice.one_in(2));
        // They may be written to again before anybody syncs.
        inode.dirty = dirty;
        let mut later = Vec::new();
        for change in std::mem::take(&mut self.changes) {
            if dice.one_in(8) {
                change.apply(&mut self.durable_names);
            }
            later.push(change);
        }
        self.changes = later;
    }
}

impl Inode {
    fn write(&mut self, bytes: &[u8], at: usize) {
        let end = at + bytes.len();
        if self.seen.len() < end {
            self.seen.resize(end, 0);
        }
        self.seen[at..end].copy_from_slice(bytes);
        if !bytes.is_empty() {
            self.dirty.extend(at / SECTOR_BYTES..=(end - 1) / SECTOR_BYTES);
        }
    }

    /// Pages that count as clean are not written, whatever they show.
    fn sync(&mut self) {
        self.keep(&mut || true);
    }

    /// Of the sectors that differ, those stay for which the coin says so.
    fn settle(&mut self, coin: &mut dyn FnMut() -> bool) {
        self.keep(coin);
        self.seen = self.durable.clone();
    }

    fn keep(&mut self, coin: &mut dyn FnMut() -> bool) {
        for sector in std::mem::take(&mut self.dirty) {
            let from = sector * SECTOR_BYTES;
            let to = (from + SECTOR_BYTES).min(self.seen.len());
            if from < to && coin() {
                if self.durable.len() < to {
                    self.durable.resize(to, 0);
                }
                self.durable[from..to].copy_from_slice(&self.seen[from..to]);
            }
        }
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Named(name, inode) => drop(names.insert(name.clone(), *inode)),
            Self::Removed(name) => drop(names.remove(name)),
            Self::Renamed(from, to, inode) => {
                if names.get(from) == Some(inode) {
                    names.remove(from);
                }
                names.insert(to.clone(), *inode);
            }
        }
    }
}

impl Disk for Twin {
    fn lock(&self) -> io::Result<bool> {
        let mut world = hold(&self.0);
        Ok(!std::mem::replace(&mut world.locked, true))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut world = self.world(Op::Create)?;
        if world.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = world.inodes.len();
        world.inodes.push(Inode::default());
        world.change(Change::Named(name.to_owned(), inode));
        Ok(Arc::new(Handle { twin: self.clone(), inode }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let inode = self.world(Op::Open)?.find(name)?;
        Ok(Arc::new(Handle { twin: self.clone(), inode }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change(Op::Rename, |world| Ok(Change::Renamed(from.to_owned(), to.to_owned(), world.find(from)?)))
    }

    fn set_aside(&self, name: &str) -> io::Result<()> {
        let names = self.names();
        let copies =
            (1..).map(|copy| if copy == 1 { format!("damaged/{name}") } else { format!("damaged/{name}.{copy}") });
        let free = copies.into_iter().find(|aside| !names.contains(aside)).unwrap_or_default();
        self.rename(name, &free)?;
        self.sync_directory()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.change(Op::Remove, |world| world.find(name).map(|_| Change::Removed(name.to_owned())))
    }

    fn list(&self) -> io::Result<Vec<Entry>> {
        let world = hold(&self.0);
        let live = world.names.iter().filter(|(name, _)| !name.contains('/'));
        let entry = |(name, inode): (&String, &usize)| Entry {
            name: name.clone(),
            bytes: world.inodes[*inode].seen.len() as u64,
        };
        Ok(live.map(entry).collect())
    }

    fn count_damaged(&self) -> io::Result<usize> {
        Ok(self.names().iter().filter(|name| name.contains('/')).count())
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.world(Op::SyncDirectory)?.sync_names();
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let world = hold(&self.0);
        Ok(world.capacity.saturating_sub(world.used()))
    }

    fn salt(&self) -> io::Result<[u8; 16]> {
        let mut world = hold(&self.0);
        world.salts += 1;
        let salt = u128::from(world.salts).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        Ok(salt.to_le_bytes())
    }
}

/// An open file.
#[derive(Debug)]
struct Handle {
    twin: Twin,
    inode: usize,
}

impl File for Handle {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let world = self.twin.world(Op::Read)?;
        let seen = &world.inodes[self.inode].seen;
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(seen.len());
        let count = into.len().min(seen.len() - from);
        into[..count].copy_from_slice(&seen[from..from + count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut world = hold(&self.twin.0);
        let failure = world.check(Op::Write)?;
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        let grows = (at + bytes.len()).saturating_sub(world.inodes[self.inode].seen.len()) as u64;
        if grows > 0 && world.used() + grows > world.capacity {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = if failure.is_some() { bytes.len().div_ceil(2) } else { bytes.len() };
        if world.is_moved(4) {
            world.write_back(self.inode);
        }
        world.inodes[self.inode].write(&bytes[..written], at);
        match failure {
            Some(Failure::Error(kind)) => Err(kind.into()),
            _ => Ok(written),
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = hold(&self.twin.0);
        let failure = world.check(Op::Sync)?;
        if world.is_moved(2) {
            world.write_back(self.inode);
        }
        let inode = &mut world.inodes[self.inode];
        if let Some(Failure::Error(kind)) = failure {
            inode.dirty.clear();
            return Err(kind.into());
        }
        inode.sync();
        Ok(())
    }
}
