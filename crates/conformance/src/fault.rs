/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The server answers with this status, and asks to be left alone for so many seconds.
    Status(u16, Option<u64>),
    /// The connection is reset before there is an answer.
    Reset,
    /// The answer breaks off in its middle.
    CutBody,
    /// The answer says that it is longer than it is, and ends.
    TooShort,
    /// The answer says that it is shorter than it is, and is cut off there.
    TooLong,
    /// The answer comes in small pieces.
    Drip,
}

impl Fault {
    /// All ways in which HTTP fails.
    pub const HTTP: &[Self] = &[
        Self::Status(429, Some(0)),
        Self::Status(429, None),
        Self::Status(500, None),
        Self::Status(503, Some(0)),
        Self::Reset,
        Self::CutBody,
        Self::TooShort,
        Self::TooLong,
        Self::Drip,
    ];

    /// All ways in which a conversation of lines fails, whatever it is about.
    pub const LINES: &[Self] = &[Self::Reset, Self::CutBody, Self::Drip];
}

/// Which requests fail, and how.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Plan {
    /// None.
    #[default]
    Undisturbed,
    /// The request with this number, from 1.
    One(usize, Fault),
    /// All from this number on: the server is gone.
    From(usize, Fault),
    /// So many of a thousand, in any of these ways, by the dice of this seed.
    Some {
        /// How many of a thousand.
        per_mille: u64,
        /// How.
        faults: Vec<Fault>,
        /// The same seed fails the same requests, by their number.
        seed: u64,
    },
}

impl Plan {
    /// What goes wrong with the request of this number, from 1.
    pub fn fault(&self, number: usize) -> Option<Fault> {
        match self {
            Self::Undisturbed => None,
            Self::One(at, fault) => (number == *at).then_some(*fault),
            Self::From(at, fault) => (number >= *at).then_some(*fault),
            Self::Some { per_mille, faults, seed } => {
                let dice = mixed(seed.wrapping_add(number as u64));
                let fails = dice % 1_000 < *per_mille;
                fails.then(|| faults[(dice / 1_000) as usize % faults.len()])
            }
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): neighbours give unlike numbers.
pub(crate) fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_requests_fails_in_every_way() {
        let plan = Plan::Some { per_mille: 20, faults: Fault::HTTP.to_vec(), seed: 7 };
        let failed: Vec<_> = (1..=50_000).filter_map(|number| plan.fault(number)).collect();
        assert!((900..1_100).contains(&failed.len()), "{}", failed.len());
        assert!(Fault::HTTP.iter().all(|fault| failed.contains(fault)));
    }
}
