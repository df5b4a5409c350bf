//! Which hashes were seen, in little memory.

/// Hashes that were seen, more or less: a bit for each of a part of their range, eight times as
/// many as there are hashes.
pub(crate) struct Marks {
    bits: Vec<u64>,
    shift: u32,
}

impl Marks {
    pub(crate) fn new(hashes: usize) -> Marks {
        let words = (hashes / 8).next_power_of_two();
        // Written now, and not as pages of zeros that are first read and then written, which
        // costs twice.
        let bits = std::iter::repeat_n(0, words).collect();
        Marks { bits, shift: 64 - 6 - words.trailing_zeros() }
    }

    /// How many bits are set.
    pub(crate) fn count(&self) -> usize {
        self.bits.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Marks a hash, and tells whether it may have been marked before.
    pub(crate) fn set(&mut self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        let before = self.bits[word] & bit != 0;
        self.bits[word] |= bit;
        before
    }

    pub(crate) fn has(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.bits[word] & bit != 0
    }

    fn place(&self, hash: u64) -> (usize, u64) {
        let place = hash >> self.shift;
        ((place >> 6) as usize & (self.bits.len() - 1), 1 << (place & 63))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quick::mix;

    #[test]
    fn what_was_marked_is_known_and_most_else_is_not() {
        for count in [0, 1, 7, 8, 10_000] {
            let mut marks = Marks::new(count);
            let hash = |number: usize| mix(7, number as u64);
            (0..count).for_each(|number| {
                marks.set(hash(number));
            });
            assert!((0..count).all(|number| marks.has(hash(number))));
            let others = (count..2 * count).filter(|number| marks.has(hash(*number))).count();
            assert!(others <= count.max(8) / 7, "{others} of {count}");
        }
    }
}
