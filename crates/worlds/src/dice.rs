use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Seeded chance. Each concern of a world throws its own dice (a stream of the seed), so that
/// one more throw for a mail's wording does not move every booking.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// True in a share `p` of all throws.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.0.random::<f64>() < p
    }

    /// A whole number from `low` to `high`, both included.
    pub(crate) fn within(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high.max(low))
    }

    /// A position in a list of this length, which must not be empty.
    pub(crate) fn below(&mut self, len: usize) -> usize {
        self.0.random_range(0..len)
    }

    /// One of a list that is not empty.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }

    /// A position, chosen in proportion to the weights.
    pub(crate) fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u32 = weights.iter().sum();
        let mut left = self.0.random_range(0..total.max(1));
        for (i, weight) in weights.iter().enumerate() {
            if left < *weight {
                return i;
            }
            left -= weight;
        }
        0
    }

    /// A waiting time with this mean: many short, few long.
    pub(crate) fn waiting(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.0.random::<f64>()).ln()
    }

    /// So many characters of an ASCII alphabet.
    pub(crate) fn code(&mut self, len: usize, alphabet: &str) -> String {
        let letters = alphabet.as_bytes();
        (0..len).map(|_| char::from(letters[self.0.random_range(0..letters.len())])).collect()
    }
}

/// Digits, and letters of both cases, as payment providers name their objects.
pub(crate) const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Letters and digits that nobody takes for one another over the telephone.
pub(crate) const SPOKEN: &str = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
/// Hexadecimal digits.
pub(crate) const HEX: &str = "0123456789abcdef";
/// Decimal digits.
pub(crate) const DIGITS: &str = "0123456789";
