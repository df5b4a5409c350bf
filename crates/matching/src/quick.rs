//! Hashes that are quick and the same every time. Nothing may come in the order of a map that
//! uses them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map of numbers, or of what is made of numbers.
pub(crate) type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;

/// A hasher of numbers.
#[derive(Default)]
pub(crate) struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = mix(self.0, of_bytes(bytes));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = mix(self.0, u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = mix(self.0, number);
    }

    fn write_u128(&mut self, number: u128) {
        self.0 = mix(mix(self.0, number as u64), (number >> 64) as u64);
    }
}

/// Two hashes as one; the order counts.
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.rotate_left(23) ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    z ^ (z >> 32)
}

/// The hash of a text, eight bytes at a time (after Wang Yi's wyhash).
pub(crate) fn of_bytes(bytes: &[u8]) -> u64 {
    // Spread over all bits, or a longer text could undo its length by its first byte.
    let mut hash = (bytes.len() as u64 + 1).wrapping_mul(0xa076_1d64_78bd_642f);
    let mut rest = bytes;
    while let Some((word, more)) =
        rest.split_first_chunk::<8>().filter(|(_, more)| !more.is_empty())
    {
        hash = fold(hash ^ u64::from_le_bytes(*word), 0xe703_7ed1_a0b4_28db);
        rest = more;
    }
    fold(hash ^ last(bytes, rest), 0x8ebc_6af0_9c88_c6e3)
}

/// The last one to eight bytes, as a number: overlapping words rather than byte by byte.
fn last(bytes: &[u8], rest: &[u8]) -> u64 {
    if let Some(word) = bytes.last_chunk::<8>() {
        return u64::from_le_bytes(*word);
    }
    match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => rest.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)),
    }
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn texts_that_differ_have_other_hashes() {
        // Every length around the sizes of a word, and every place where a byte may differ.
        let mut texts: BTreeSet<String> = BTreeSet::new();
        for length in 0..40 {
            for at in 0..=length {
                let letters = (0..length).map(|place| if place == at { 'b' } else { 'a' });
                texts.insert(letters.collect());
            }
        }
        // Words of a few syllables, whose parts are parts of each other.
        let syllables = ["ba", "do", "mi", "jo", "wo", "n", "pe", "nu"];
        let mut words = vec![String::new()];
        for _ in 0..5 {
            let longer = words.iter().flat_map(|word| syllables.map(|s| format!("{word}{s}")));
            words = longer.collect();
            texts.extend(words.iter().cloned());
        }
        let hashes: BTreeSet<u64> = texts.iter().map(|text| of_bytes(text.as_bytes())).collect();
        assert_eq!(hashes.len(), texts.len());
        assert!(texts.len() > 30_000);
    }

    #[test]
    fn all_bits_of_a_hash_change() {
        let (mut ones, count) = ([0u32; 64], 4_000u32);
        for number in 0..count {
            let hash = of_bytes(number.to_string().as_bytes());
            (0..64).for_each(|bit| ones[bit] += (hash >> bit & 1) as u32);
        }
        assert!(ones.iter().all(|ones| (count / 2).abs_diff(*ones) < count / 16), "{ones:?}");
    }
}
