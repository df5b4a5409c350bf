use std::collections::BTreeMap;

use crate::assign::{Edge, Sets};
use crate::quick::QuickMap;

/// What a pair without a link speaks against joining two clusters, in bits.
const ABSENT: f64 = -4.0;

/// Groups records into clusters: strong links first, two clusters become one where no pair
/// across them is forbidden by `cannot` and the mean weight of all pairs across them is
/// positive (average linkage; a pair without a link counts against). Gives for each of the
/// `records` the smallest record of its cluster.
///
/// `edges` link records of one numbering: `left` and `right` are both below `records`.
pub fn cluster(records: usize, edges: &[Edge], cannot: &dyn Fn(u32, u32) -> bool) -> Vec<u32> {
    let key = |a: u32, b: u32| (a.min(b), a.max(b));
    let inside = |edge: &&Edge| {
        edge.left != edge.right
            && (edge.left.max(edge.right) as usize) < records
            && edge.weight.is_finite()
    };
    let link = |edge: &Edge| (key(edge.left, edge.right), edge.weight);
    let mut links: Vec<((u32, u32), f64)> = edges.iter().filter(inside).map(link).collect();
    // Of several links of one pair the best one stays. Mostly they are in order already.
    links.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    links.dedup_by_key(|link| link.0);
    let mut groups = Groups {
        sets: Sets::new(records),
        names: (0..records as u32).collect(),
        members: QuickMap::default(),
        near: QuickMap::default(),
    };
    // Most parts are of one mind: all pairs are linked, and all links speak for it.
    let mut parts = Parts::new(records, &links, cannot);
    let (sure, links): (Vec<_>, Vec<_>) =
        links.into_iter().partition(|((a, _), _)| parts.is_of_one_mind(*a));
    for ((a, b), _) in sure {
        groups.sets.join(a as usize, b as usize);
    }
    for &((a, b), weight) in &links {
        for (own, other) in [(a, b), (b, a)] {
            groups.near.entry(own).or_default().insert(other, Across { weight, links: 1 });
        }
    }
    let mut order = links;
    order.retain(|(_, weight)| *weight > 0.0);
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    for ((a, b), _) in order {
        groups.join(a, b, cannot);
    }
    (0..records).map(|record| groups.sets.root(record) as u32).collect()
}

/// The parts of the graph of all links, that no link leads out of.
struct Parts {
    sets: Sets,
    /// By root, how many records and links there are, and whether nothing speaks against one.
    sizes: Vec<(u32, u32, bool)>,
}

impl Parts {
    fn new(records: usize, links: &[((u32, u32), f64)], cannot: &dyn Fn(u32, u32) -> bool) -> Self {
        let mut sets = Sets::new(records);
        let mut sizes = vec![(1, 0, true); records];
        for &((a, b), weight) in links {
            let (x, y) = (sets.root(a as usize), sets.root(b as usize));
            let root = sets.join(x, y);
            let other: (u32, u32, bool) = if x == y { (0, 0, true) } else { sizes[x.max(y)] };
            let own = &mut sizes[root];
            *own = (own.0 + other.0, own.1 + other.1 + 1, own.2 && other.2 && weight > 0.0);
        }
        let mut parts = Parts { sets, sizes };
        for &((a, b), _) in links {
            if parts.is_of_one_mind(a) && (cannot(a, b) || cannot(b, a)) {
                let root = parts.sets.root(a as usize);
                parts.sizes[root].2 = false;
            }
        }
        parts
    }

    /// Whether all pairs of a record's part are linked, and may and should be one.
    fn is_of_one_mind(&mut self, record: u32) -> bool {
        let (records, links, is_for) = self.sizes[self.sets.root(record as usize)];
        is_for && u64::from(links) * 2 == u64::from(records) * (u64::from(records) - 1)
    }
}

/// The links across two groups.
#[derive(Clone, Copy)]
struct Across {
    weight: f64,
    links: u64,
}

/// Records in groups, with the links across groups summed up, so that no link is looked at
/// again for every join.
struct Groups {
    sets: Sets,
    /// By root, what the group is called below: a record in it.
    names: Vec<u32>,
    /// By name; a record alone has none.
    members: QuickMap<u32, Vec<u32>>,
    near: QuickMap<u32, BTreeMap<u32, Across>>,
}

impl Groups {
    /// Joins the groups of two records, where all that lies across speaks for it.
    fn join(&mut self, a: u32, b: u32, cannot: &dyn Fn(u32, u32) -> bool) {
        let (root_a, root_b) = (self.sets.root(a as usize), self.sets.root(b as usize));
        let (x, y) = (self.names[root_a], self.names[root_b]);
        let size = |name: u32| self.members.get(&name).map_or(1, Vec::len) as u64;
        let Some(across) = self.near.get(&x).and_then(|near| near.get(&y)) else { return };
        let absent = size(x) * size(y) - across.links;
        if across.weight + ABSENT * absent as f64 <= 0.0 {
            return;
        }
        let mut left = self.members.remove(&x).unwrap_or_else(|| vec![x]);
        let mut right = self.members.remove(&y).unwrap_or_else(|| vec![y]);
        if left.iter().any(|a| right.iter().any(|b| cannot(*a, *b) || cannot(*b, *a))) {
            self.members.extend([(x, left), (y, right)]);
            // Once forbidden, these two stay apart however they grow.
            for (own, other) in [(x, y), (y, x)] {
                if let Some(across) = self.near.get_mut(&own).and_then(|near| near.get_mut(&other))
                {
                    across.weight = f64::NEG_INFINITY;
                }
            }
            return;
        }
        if left.len() < right.len() {
            (left, right) = (right, left);
        }
        left.append(&mut right);
        let name = self.merge_links(x, y);
        self.members.insert(name, left);
        let root = self.sets.join(root_a, root_b);
        self.names[root] = name;
    }

    /// Puts the links of two groups together under the name of the one with more neighbours,
    /// and gives it.
    fn merge_links(&mut self, x: u32, y: u32) -> u32 {
        let mut more = self.near.remove(&x).unwrap_or_default();
        let mut fewer = self.near.remove(&y).unwrap_or_default();
        let (mut kept, mut gone) = (x, y);
        if more.len() < fewer.len() {
            (more, fewer) = (fewer, more);
            (kept, gone) = (y, x);
        }
        more.remove(&gone);
        fewer.remove(&kept);
        for (other, across) in fewer {
            let own = more.entry(other).or_insert(Across { weight: 0.0, links: 0 });
            own.weight += across.weight;
            own.links += across.links;
            let both = *own;
            if let Some(near) = self.near.get_mut(&other) {
                near.remove(&gone);
                near.insert(kept, both);
            }
        }
        self.near.insert(kept, more);
        kept
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edge(&(left, right, weight): &(u32, u32, f64)) -> Edge {
        Edge { left, right, weight }
    }

    fn check(edges: &[(u32, u32, f64)], expect: &[u32]) {
        let edges: Vec<Edge> = edges.iter().map(edge).collect();
        assert_eq!(cluster(expect.len(), &edges, &|a, b| (a, b) == (0, 3)), expect);
    }

    #[test]
    fn links_make_clusters() {
        check(&[(1, 2, 3.0), (4, 2, 5.0), (1, 4, 2.0)], &[0, 1, 1, 3, 1]);
    }

    #[test]
    fn a_weak_bridge_does_not_join_two_groups() {
        let groups = [(0, 1, 9.0), (2, 3, 9.0), (1, 2, 1.0)];
        check(&groups, &[0, 0, 2, 2]);
    }

    #[test]
    fn a_large_group_and_many_links_against_it_take_no_long_time() {
        // Two groups of a thousand, each a ring of neighbours, and weak links between them.
        let ring = |from: u32, at: u32| (from + at, from + (at + 1) % 1_000, 5_000.0);
        let mut edges: Vec<_> = (0..1_000).flat_map(|at| [ring(0, at), ring(1_000, at)]).collect();
        edges.extend((0..1_000).map(|at| (at, 1_000 + at, 1.0)));
        let edges: Vec<Edge> = edges.iter().map(edge).collect();
        let calls = std::cell::Cell::new(0u64);
        let found = cluster(2_000, &edges, &|_, _| {
            calls.set(calls.get() + 1);
            false
        });
        assert!((0..1_000).all(|at| found[at] == 0 && found[1_000 + at] == 1_000));
        assert!(calls.get() <= 4 * 500_000, "each pair within a group is asked for once");
    }

    #[test]
    fn what_may_not_be_one_is_not() {
        check(&[(0, 1, 9.0), (1, 3, 8.0), (0, 3, 9.5)], &[0, 0, 2, 3]);
    }

    proptest! {
        #[test]
        fn cannot_links_are_respected_and_order_does_not_count(
            links in prop::collection::vec((0u32..9, 0u32..9, -2.0..9.0f64), 0..30),
            never in prop::collection::vec((0u32..9, 0u32..9), 0..6),
        ) {
            let cannot = |a: u32, b: u32| never.contains(&(a, b));
            let edges: Vec<Edge> = links.iter().map(edge).collect();
            let found = cluster(9, &edges, &cannot);
            for (a, b) in never.iter().filter(|(a, b)| a != b) {
                prop_assert_ne!(found[*a as usize], found[*b as usize]);
            }
            let backwards: Vec<Edge> = edges.iter().rev().copied().collect();
            prop_assert_eq!(cluster(9, &backwards, &cannot), found);
        }
    }
}
