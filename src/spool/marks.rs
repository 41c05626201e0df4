//! Where each record of a segment is on its way to Kafka, in two bits.
//!
//! Ten million records in the backlog are 2.5 MB.

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Mark {
    /// On disk only; the forwarder is to get it.
    Waiting = 0b00,
    /// In the queue to the forwarder, or in its hands.
    InHand = 0b01,
    /// On disk only; the forwarder has put it aside and will ask for it by its topic.
    Parked = 0b10,
    /// Kafka has it.
    Delivered = 0b11,
}

impl Mark {
    fn of(bits: u64) -> Self {
        match bits & 0b11 {
            0b00 => Self::Waiting,
            0b01 => Self::InHand,
            0b10 => Self::Parked,
            _ => Self::Delivered,
        }
    }
}

/// What to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    /// `Waiting`.
    Waiting,
    /// `Waiting` or `Parked`: on disk only.
    OnDiskOnly,
    /// Anything but `Delivered`.
    Outstanding,
    /// `Delivered`.
    Delivered,
}

/// The marks of one segment's records, by their place in it.
#[derive(Debug, Default)]
pub(super) struct Marks {
    words: Vec<u64>,
    len: usize,
    counts: [usize; 4],
}

const MARKS_PER_WORD: usize = 32;
/// The lower bit of each mark.
const LOWER: u64 = 0x5555_5555_5555_5555;

impl Marks {
    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many have that mark.
    pub(super) fn count(&self, mark: Mark) -> usize {
        self.counts[mark as usize]
    }

    /// How many Kafka does not have.
    pub(super) fn outstanding(&self) -> usize {
        self.len - self.count(Mark::Delivered)
    }

    fn matching(&self, search: Search) -> usize {
        match search {
            Search::Waiting => self.count(Mark::Waiting),
            Search::OnDiskOnly => self.count(Mark::Waiting) + self.count(Mark::Parked),
            Search::Outstanding => self.outstanding(),
            Search::Delivered => self.count(Mark::Delivered),
        }
    }

    /// Appends one.
    pub(super) fn push(&mut self, mark: Mark) {
        if self.len.is_multiple_of(MARKS_PER_WORD) {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word |= (mark as u64) << (2 * (self.len % MARKS_PER_WORD));
        }
        self.len += 1;
        self.counts[mark as usize] += 1;
    }

    /// Takes off those from a place on.
    pub(super) fn split_off(&mut self, place: usize) -> Vec<Mark> {
        let mut stay: Vec<Mark> = (0..self.len).filter_map(|place| self.get(place)).collect();
        let taken = stay.split_off(place.min(self.len));
        *self = Self::default();
        for mark in stay {
            self.push(mark);
        }
        taken
    }

    /// The mark at a place.
    pub(super) fn get(&self, place: usize) -> Option<Mark> {
        let word = self.words.get(place / MARKS_PER_WORD).filter(|_| place < self.len)?;
        Some(Mark::of(word >> (2 * (place % MARKS_PER_WORD))))
    }

    /// Sets the mark at a place, and says which it was.
    pub(super) fn set(&mut self, place: usize, mark: Mark) -> Option<Mark> {
        let before = self.get(place)?;
        let shift = 2 * (place % MARKS_PER_WORD);
        let word = self.words.get_mut(place / MARKS_PER_WORD)?;
        *word = (*word & !(0b11 << shift)) | ((mark as u64) << shift);
        self.counts[before as usize] -= 1;
        self.counts[mark as usize] += 1;
        Some(before)
    }

    /// The first place at or behind `from` that has what is looked for.
    pub(super) fn find(&self, from: usize, search: Search) -> Option<usize> {
        if self.matching(search) == 0 {
            return None;
        }
        let mut index = from / MARKS_PER_WORD;
        let mut seen = u64::MAX << (2 * (from % MARKS_PER_WORD));
        while let Some(word) = self.words.get(index) {
            let (lower, upper) = (word & LOWER, (word >> 1) & LOWER);
            let hits = match search {
                Search::Waiting => !lower & !upper,
                Search::OnDiskOnly => !lower,
                Search::Outstanding => !(lower & upper),
                Search::Delivered => lower & upper,
            };
            let hits = hits & LOWER & seen;
            if hits != 0 {
                let place = index * MARKS_PER_WORD + (hits.trailing_zeros() / 2) as usize;
                return Some(place).filter(|place| *place < self.len);
            }
            seen = u64::MAX;
            index += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Mark; 4] = [Mark::Waiting, Mark::InHand, Mark::Parked, Mark::Delivered];

    fn wanted(search: Search, mark: Mark) -> bool {
        match search {
            Search::Waiting => mark == Mark::Waiting,
            Search::OnDiskOnly => matches!(mark, Mark::Waiting | Mark::Parked),
            Search::Outstanding => mark != Mark::Delivered,
            Search::Delivered => mark == Mark::Delivered,
        }
    }

    proptest! {
        #[test]
        fn marks_are_what_a_list_of_them_would_be(
            first in prop::collection::vec(0..4usize, 0..200),
            changes in prop::collection::vec((0..220usize, 0..4usize), 0..50),
            from in 0..220usize,
        ) {
            let mut marks = Marks::default();
            let mut list: Vec<Mark> = first.into_iter().map(|mark| ALL[mark]).collect();
            for mark in &list {
                marks.push(*mark);
            }
            for (place, mark) in changes {
                let before = list.get(place).copied();
                prop_assert_eq!(marks.set(place, ALL[mark]), before);
                if let Some(entry) = list.get_mut(place) {
                    *entry = ALL[mark];
                }
            }
            for (place, mark) in list.iter().enumerate() {
                prop_assert_eq!(marks.get(place), Some(*mark));
            }
            for mark in ALL {
                prop_assert_eq!(marks.count(mark), list.iter().filter(|other| **other == mark).count());
            }
            for search in [Search::Waiting, Search::OnDiskOnly, Search::Outstanding, Search::Delivered] {
                let found = (from..list.len()).find(|place| wanted(search, list[*place]));
                prop_assert_eq!(marks.find(from, search), found);
            }
            prop_assert_eq!(marks.split_off(from), list.split_off(from.min(list.len())));
            prop_assert_eq!(marks.len(), list.len());
            for mark in ALL {
                prop_assert_eq!(marks.count(mark), list.iter().filter(|other| **other == mark).count());
            }
        }
    }
}
