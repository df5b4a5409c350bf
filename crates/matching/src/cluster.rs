use std::collections::HashMap;

use crate::assign::{Edge, Sets};

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
    let mut weights: HashMap<(u32, u32), f64> = HashMap::new();
    for edge in edges.iter().filter(inside) {
        let weight = weights.entry(key(edge.left, edge.right)).or_insert(edge.weight);
        *weight = weight.max(edge.weight);
    }
    let mut order: Vec<((u32, u32), f64)> =
        weights.iter().filter(|(_, weight)| **weight > 0.0).map(|(k, w)| (*k, *w)).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));

    let mut sets = Sets::new(records);
    let mut members: HashMap<usize, Vec<u32>> = HashMap::new();
    for ((a, b), _) in order {
        let (x, y) = (sets.root(a as usize), sets.root(b as usize));
        if x == y {
            continue;
        }
        let alone = |root: usize| vec![root as u32];
        let left = members.remove(&x).unwrap_or_else(|| alone(x));
        let right = members.remove(&y).unwrap_or_else(|| alone(y));
        let pairs = || left.iter().flat_map(|a| right.iter().map(move |b| (*a, *b)));
        let sum: f64 =
            pairs().map(|(a, b)| weights.get(&key(a, b)).copied().unwrap_or(ABSENT)).sum();
        if sum > 0.0 && !pairs().any(|(a, b)| cannot(a, b) || cannot(b, a)) {
            let root = sets.join(x, y);
            members.insert(root, [left, right].concat());
        } else {
            members.insert(x, left);
            members.insert(y, right);
        }
    }
    (0..records).map(|record| sets.root(record) as u32).collect()
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
