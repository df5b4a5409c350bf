use std::collections::BTreeMap;

use crate::engine::Link;
use crate::probability;

/// What links of other records say about these: two customers share a linked reservation, two
/// reservations have linked customers (collective linkage after Bhattacharya and Getoor 2007).
///
/// What sharing is worth is learned from the tables, as all weights are. A pair that shares is
/// looked at even where no block holds it; a pair of which both sides have linked relatives and
/// share none loses weight. To go back and forth, link reservations, then customers with what
/// the reservations say, then reservations with what the customers say; twice is mostly enough.
///
/// ```
/// use restitch_matching::{Model, Records, Related, Values, link, link_related};
///
/// # fn main() -> Result<(), restitch_matching::MatchingError> {
/// let table = |name: &str, values: &[&str]| {
///     let values = values.iter().map(|value| Some(value.to_string())).collect();
///     Records::new(vec![(name.to_string(), Values::Text(values))])
/// };
/// // Two Ann Lees on both sides, and nothing tells them apart but what they booked.
/// let names = [
///     "Ann Lee", "Ann Lee", "Otto Graf", "Zoe Brandt", "Max Muster", "Eva Stein", "Ida Roth",
///     "Leo Blum", "Mia Korn", "Jan Vogt", "Ute Haas", "Kai Frey", "Lea Witt", "Tom Kern",
/// ];
/// let (customers, payers) = (table("name", &names)?, table("name", &names)?);
/// let references: Vec<String> = (0..14).map(|n| format!("R-{}", 1000 + n * 337)).collect();
/// let mut references: Vec<&str> = references.iter().map(String::as_str).collect();
/// let bookings = table("reference", &references)?;
/// references.swap(0, 1);
/// let payments = table("reference", &references)?;
/// let booked = link(&bookings, Some(&payments), &Model::discover(&bookings, Some(&payments))?)?;
///
/// // Booking n is customer n's, and payment n is payer n's.
/// let owners: Vec<Option<u32>> = (0..14).map(Some).collect();
/// let related = Related::through(&booked.links, &owners, &owners);
/// let model = Model::discover(&customers, Some(&payers))?;
/// let people = link_related(&customers, Some(&payers), &model, &related)?;
/// let pairs: Vec<_> = people.links.iter().map(|link| (link.left, link.right)).collect();
/// assert_eq!(pairs[..3], [(0, 1), (1, 0), (2, 2)]);
/// assert_eq!(pairs.len(), 14);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Related {
    /// By pair, the probability that they share anything.
    shared: BTreeMap<(u32, u32), f64>,
    /// Who has any linked relative, ascending.
    left: Vec<u32>,
    right: Vec<u32>,
}

/// What sharing is worth in bits.
pub(crate) struct Worth {
    /// How many times likelier a match shares than any two do.
    ratio: f64,
    /// For a pair that might share and does not.
    apart: f64,
}

impl Related {
    /// From links of relatives: `of_left` gives for each left relative the record that it
    /// belongs to, `of_right` for each right one. Relatives beyond these belong to nobody.
    pub fn through(links: &[Link], of_left: &[Option<u32>], of_right: &[Option<u32>]) -> Related {
        let mut none: BTreeMap<(u32, u32), f64> = BTreeMap::new();
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for link in links {
            let own = of_left.get(link.left as usize).copied().flatten();
            let other = of_right.get(link.right as usize).copied().flatten();
            if let (Some(own), Some(other)) = (own, other) {
                *none.entry((own, other)).or_insert(1.0) *= 1.0 - link.probability.clamp(0.0, 1.0);
                left.push(own);
                right.push(other);
            }
        }
        for side in [&mut left, &mut right] {
            side.sort_unstable();
            side.dedup();
        }
        let shared = none.into_iter().map(|(pair, none)| (pair, 1.0 - none)).collect();
        Related { shared, left, right }
    }

    /// The same for records of one table: a pair is a pair in either order, and who shares with
    /// himself says nothing.
    pub(crate) fn in_one_table(&self) -> Related {
        let mut one =
            Related { left: [&self.left[..], &self.right].concat(), ..Related::default() };
        one.left.sort_unstable();
        one.left.dedup();
        one.right = one.left.clone();
        for ((a, b), p) in self.shared.iter().filter(|((a, b), _)| a != b) {
            let both = one.shared.entry((*a.min(b), *a.max(b))).or_insert(0.0);
            *both = 1.0 - (1.0 - *both) * (1.0 - p);
        }
        one
    }

    /// The pairs that may share something.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.shared.keys().copied()
    }

    /// The probability that a pair shares something; `None` where one of them could not.
    fn of(&self, pair: (u32, u32)) -> Option<f64> {
        let known = |side: &[u32], record: u32| side.binary_search(&record).is_ok();
        let both = known(&self.left, pair.0) && known(&self.right, pair.1);
        both.then(|| self.shared.get(&pair).copied().unwrap_or(0.0))
    }

    /// The bits that a pair gains or loses.
    pub(crate) fn bits(&self, pair: (u32, u32), worth: &Worth) -> f64 {
        match self.of(pair) {
            None => 0.0,
            Some(0.0) => worth.apart,
            Some(p) => (p * worth.ratio + 1.0 - p).log2(),
        }
    }

    /// Learns what sharing is worth from pairs and their weights without it, by expectation
    /// maximisation.
    pub(crate) fn learn(&self, links: &[Link]) -> Worth {
        let might = self.left.len() as f64 * self.right.len() as f64;
        let u = ((self.shared.len() as f64 + 0.5) / (might + 1.0)).clamp(1e-9, 0.5);
        let worth = |m: f64| Worth { ratio: m / u, apart: ((1.0 - m) / (1.0 - u)).log2() };
        let mut m = 0.8;
        for _ in 0..20 {
            let now = worth(m);
            // One match that shares and half a one that does not, before any is seen.
            let (mut sharing, mut all) = (1.0, 1.5);
            for link in links {
                let pair = (link.left, link.right);
                if let Some(shared) = self.of(pair) {
                    let p = probability(link.weight + self.bits(pair, &now));
                    sharing += p * shared;
                    all += p;
                }
            }
            let next = (sharing / all).clamp(u, 0.999);
            let moved = f64::abs(next - m);
            m = next;
            if moved < 1e-4 {
                break;
            }
        }
        worth(m)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Levels;

    fn link(left: u32, right: u32, probability: f64) -> Link {
        Link { left, right, weight: 0.0, probability, levels: Levels::default() }
    }

    #[test]
    fn several_uncertain_links_add_up() {
        let owners = [Some(7), Some(7), None];
        let related = Related::through(
            &[link(0, 0, 0.5), link(1, 1, 0.5), link(2, 0, 1.0), link(9, 0, 1.0)],
            &owners,
            &[Some(3), Some(3)],
        );
        assert_eq!(related.of((7, 3)), Some(0.75));
        assert_eq!(related.of((7, 4)), None, "4 has no relative");
    }

    #[test]
    fn sharing_speaks_for_a_pair_and_not_sharing_against_it() {
        let owners: Vec<Option<u32>> = (0..20).map(Some).collect();
        let links: Vec<Link> = (0..20).map(|at| link(at, at, 0.95)).collect();
        let related = Related::through(&links, &owners, &owners);
        let worth = related.learn(&links);
        assert!(related.bits((4, 4), &worth) > 2.0);
        assert!(related.bits((4, 5), &worth) < -1.0);
        assert_eq!(related.bits((40, 5), &worth), 0.0);
    }

    #[test]
    fn in_one_table_a_pair_has_no_order() {
        let related = Related::through(
            &[link(0, 1, 0.5), link(1, 0, 0.5), link(0, 0, 1.0)],
            &[Some(2), Some(8)],
            &[Some(2), Some(8)],
        );
        let one = related.in_one_table();
        assert_eq!(one.pairs().collect::<Vec<_>>(), [(2, 8)]);
        assert_eq!(one.of((2, 8)), Some(0.75));
    }
}
