use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A possible link of a left and a right record, with its match weight in bits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The left record.
    pub left: u32,
    /// The right record.
    pub right: u32,
    /// The weight: positive speaks for the link.
    pub weight: f64,
}

/// A component is solved exactly where its left records times its edges are at most this,
/// and greedily with swaps beyond.
const EXACT: usize = 20_000_000;

/// The one-to-one assignment of the largest total weight: the positions in `edges` of the
/// links chosen, ascending. Only edges of positive weight are taken, and none for which
/// `cannot` says that the two records are never one. Optimal within each connected component
/// (shortest augmenting paths; Jonker and Volgenant 1987) up to a size, beyond it greedy with
/// swaps.
pub fn one_to_one(edges: &[Edge], cannot: &dyn Fn(u32, u32) -> bool) -> Vec<usize> {
    let mut chosen = Vec::new();
    for component in components(edges, cannot) {
        let lefts =
            1 + component.windows(2).filter(|w| edges[w[0]].left != edges[w[1]].left).count();
        match component.as_slice() {
            [only] => chosen.push(*only),
            many if lefts * many.len() <= EXACT => chosen.extend(exact(edges, many)),
            many => chosen.extend(greedy(edges, many)),
        }
    }
    chosen.sort_unstable();
    chosen
}

/// For each left record its best right record: many left ones may share a right one. The
/// positions in `edges` of the links chosen, ascending; those of positive weight only, and
/// none that `cannot` forbids.
pub fn many_to_one(edges: &[Edge], cannot: &dyn Fn(u32, u32) -> bool) -> Vec<usize> {
    let mut usable = usable(edges, cannot);
    usable.sort_by(|a, b| {
        let (a, b) = (&edges[*a], &edges[*b]);
        a.left.cmp(&b.left).then(b.weight.total_cmp(&a.weight)).then(a.right.cmp(&b.right))
    });
    usable.dedup_by_key(|at| edges[*at].left);
    usable.sort_unstable();
    usable
}

fn usable(edges: &[Edge], cannot: &dyn Fn(u32, u32) -> bool) -> Vec<usize> {
    let usable = |at: &usize| {
        let edge = &edges[*at];
        edge.weight > 0.0 && edge.weight.is_finite() && !cannot(edge.left, edge.right)
    };
    (0..edges.len()).filter(usable).collect()
}

/// The usable edges by connected component, each sorted by left record, then right.
fn components(edges: &[Edge], cannot: &dyn Fn(u32, u32) -> bool) -> Vec<Vec<usize>> {
    let usable = usable(edges, cannot);
    let lefts = numbered(usable.iter().map(|at| edges[*at].left));
    let rights = numbered(usable.iter().map(|at| edges[*at].right));
    let node = |ids: &[u32], id: u32| ids.partition_point(|known| *known < id);
    let mut sets = Sets::new(lefts.len() + rights.len());
    for at in &usable {
        let edge = &edges[*at];
        sets.join(node(&lefts, edge.left), lefts.len() + node(&rights, edge.right));
    }
    let mut keyed: Vec<(usize, u32, u32, usize)> = usable
        .iter()
        .map(|at| {
            (sets.root(node(&lefts, edges[*at].left)), edges[*at].left, edges[*at].right, *at)
        })
        .collect();
    keyed.sort_unstable();
    // One pair may stand twice in the input: its better edge counts.
    keyed.dedup_by(|b, a| {
        let twice = (a.1, a.2) == (b.1, b.2);
        if twice && edges[b.3].weight > edges[a.3].weight {
            a.3 = b.3;
        }
        twice
    });
    keyed.chunk_by(|a, b| a.0 == b.0).map(|c| c.iter().map(|key| key.3).collect()).collect()
}

fn numbered(ids: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut ids: Vec<u32> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Disjoint sets of numbers.
pub(crate) struct Sets(Vec<u32>);

impl Sets {
    pub(crate) fn new(count: usize) -> Sets {
        Sets((0..count as u32).collect())
    }

    pub(crate) fn root(&mut self, mut node: usize) -> usize {
        while self.0[node] as usize != node {
            self.0[node] = self.0[self.0[node] as usize];
            node = self.0[node] as usize;
        }
        node
    }

    /// Joins two sets under the smaller root, and gives it.
    pub(crate) fn join(&mut self, a: usize, b: usize) -> usize {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b) as u32;
        a.min(b)
    }
}

/// A number that a heap can order; never NaN here.
#[derive(PartialEq)]
struct Cost(f64);

impl Eq for Cost {}

impl PartialOrd for Cost {
    fn partial_cmp(&self, other: &Cost) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cost {
    fn cmp(&self, other: &Cost) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

const NOBODY: usize = usize::MAX;

/// Each left record takes a right one or stays alone at no cost; the total of the negative
/// weights is made smallest, one left record after another.
fn exact(edges: &[Edge], component: &[usize]) -> Vec<usize> {
    let rights = numbered(component.iter().map(|at| edges[*at].right));
    let lefts: Vec<&[usize]> =
        component.chunk_by(|a, b| edges[*a].left == edges[*b].left).collect();
    // Right node `rights.len() + i` is where left record i stays alone.
    let nodes = rights.len() + lefts.len();
    let near: Vec<Vec<Way>> = lefts
        .iter()
        .enumerate()
        .map(|(i, own)| {
            let place = |at: &usize| {
                let to = rights.partition_point(|known| *known < edges[*at].right);
                (to, -edges[*at].weight, *at)
            };
            own.iter().map(place).chain([(rights.len() + i, 0.0, NOBODY)]).collect()
        })
        .collect();
    let mut state = Assigned {
        near: &near,
        taken_by: vec![NOBODY; nodes],
        holds: vec![None; lefts.len()],
        price: vec![0.0; nodes],
    };
    (0..lefts.len()).for_each(|start| state.augment(start));
    state.holds.iter().flatten().map(|held| held.2).filter(|at| *at != NOBODY).collect()
}

/// A way to a right node: the node, what it costs, and the edge (`NOBODY` to stay alone).
type Way = (usize, f64, usize);

struct Assigned<'a> {
    near: &'a [Vec<Way>],
    taken_by: Vec<usize>,
    holds: Vec<Option<Way>>,
    price: Vec<f64>,
}

impl Assigned<'_> {
    /// Gives one more left record its place by the cheapest chain of moves (Dijkstra on
    /// reduced costs).
    fn augment(&mut self, start: usize) {
        let nodes = self.taken_by.len();
        let mut distance = vec![f64::INFINITY; nodes];
        let mut came: Vec<Option<(usize, Way)>> = vec![None; nodes];
        let mut done = vec![false; nodes];
        let mut heap = BinaryHeap::new();
        let (mut left, mut so_far) = (start, 0.0);
        let end = loop {
            // What a left record holds is its own best at these prices.
            let reduced = |way: &Way| way.1 - self.price[way.0];
            let best = || self.near[left].iter().map(reduced).fold(f64::INFINITY, f64::min);
            let own = self.holds[left].as_ref().map_or_else(best, reduced);
            for way in &self.near[left] {
                let length = so_far + (reduced(way) - own).max(0.0);
                if !done[way.0] && length < distance[way.0] {
                    distance[way.0] = length;
                    came[way.0] = Some((left, *way));
                    heap.push(Reverse((Cost(length), way.0)));
                }
            }
            let Some(Reverse((Cost(length), node))) = heap.pop() else { return };
            if done[node] {
                continue;
            }
            done[node] = true;
            so_far = length;
            if self.taken_by[node] == NOBODY {
                break node;
            }
            left = self.taken_by[node];
        };
        for node in (0..nodes).filter(|node| done[*node]) {
            self.price[node] += distance[node] - so_far;
        }
        let mut node = end;
        while let Some((left, way)) = came[node] {
            let before = self.holds[left].replace(way);
            self.taken_by[node] = left;
            match before {
                Some(given_up) => node = given_up.0,
                None => return,
            }
        }
    }
}

/// The best edge first, then swaps: a link gives way to two neighbours that are worth more.
fn greedy(edges: &[Edge], component: &[usize]) -> Vec<usize> {
    let mut order = component.to_vec();
    order.sort_by(|a, b| edges[*b].weight.total_cmp(&edges[*a].weight).then(a.cmp(b)));
    let lefts = numbered(component.iter().map(|at| edges[*at].left));
    let rights = numbered(component.iter().map(|at| edges[*at].right));
    let l = |at: usize| lefts.partition_point(|id| *id < edges[at].left);
    let r = |at: usize| rights.partition_point(|id| *id < edges[at].right);
    let (mut of_left, mut of_right) = (vec![NOBODY; lefts.len()], vec![NOBODY; rights.len()]);
    for at in &order {
        if of_left[l(*at)] == NOBODY && of_right[r(*at)] == NOBODY {
            (of_left[l(*at)], of_right[r(*at)]) = (*at, *at);
        }
    }
    let mut at_left: Vec<Vec<usize>> = vec![Vec::new(); lefts.len()];
    let mut at_right: Vec<Vec<usize>> = vec![Vec::new(); rights.len()];
    for at in &order {
        at_left[l(*at)].push(*at);
        at_right[r(*at)].push(*at);
    }
    for _ in 0..8 {
        let mut swapped = false;
        for held in &order {
            if of_left[l(*held)] != *held {
                continue;
            }
            let free_right = |at: &&usize| **at != *held && of_right[r(**at)] == NOBODY;
            let free_left = |at: &&usize| **at != *held && of_left[l(**at)] == NOBODY;
            let one = at_left[l(*held)].iter().find(free_right).copied();
            let other = at_right[r(*held)].iter().find(free_left).copied();
            let worth = |at: Option<usize>| at.map_or(0.0, |at| edges[at].weight);
            if worth(one) + worth(other) > edges[*held].weight + 1e-9 {
                (of_left[l(*held)], of_right[r(*held)]) = (NOBODY, NOBODY);
                for at in [one, other].into_iter().flatten() {
                    (of_left[l(at)], of_right[r(at)]) = (at, at);
                }
                swapped = true;
            }
        }
        if !swapped {
            break;
        }
    }
    of_left.retain(|at| *at != NOBODY);
    of_left
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edge(&(left, right, weight): &(u32, u32, f64)) -> Edge {
        Edge { left, right, weight }
    }

    fn check(edges: &[(u32, u32, f64)], expect: &[usize]) {
        let edges: Vec<Edge> = edges.iter().map(edge).collect();
        assert_eq!(one_to_one(&edges, &|_, _| false), expect);
    }

    #[test]
    fn the_best_total_wins_over_the_best_single_link() {
        check(&[(0, 0, 5.0), (0, 1, 4.0), (1, 0, 4.0)], &[1, 2]);
        check(&[(0, 0, 9.0), (0, 1, 4.0), (1, 0, 4.0)], &[0]);
    }

    #[test]
    fn what_speaks_against_is_never_taken() {
        check(&[(0, 0, -1.0), (1, 1, 0.0), (2, 2, f64::NAN), (3, 3, 1.0)], &[3]);
        check(&[], &[]);
        check(&[(7, 9, 1.0), (7, 9, 2.0)], &[1]);
    }

    #[test]
    fn forbidden_links_are_not_made() {
        let edges: Vec<Edge> = [(0, 0, 5.0), (0, 1, 4.0)].iter().map(edge).collect();
        assert_eq!(one_to_one(&edges, &|_, right| right == 0), [1]);
        assert_eq!(many_to_one(&edges, &|_, right| right == 0), [1]);
    }

    #[test]
    fn many_may_share_one() {
        let edges: Vec<Edge> = [(0, 0, 1.0), (0, 1, 2.0), (1, 1, 3.0)].iter().map(edge).collect();
        assert_eq!(many_to_one(&edges, &|_, _| false), [1, 2]);
    }

    fn total(edges: &[Edge], chosen: &[usize]) -> f64 {
        chosen.iter().map(|at| edges[*at].weight).sum()
    }

    fn best(edges: &[Edge], from: usize, lefts: u64, rights: u64) -> f64 {
        let Some(edge) = edges.get(from) else { return 0.0 };
        let without = best(edges, from + 1, lefts, rights);
        let (l, r) = (1 << edge.left, 1 << edge.right);
        if lefts & l != 0 || rights & r != 0 {
            return without;
        }
        without.max(edge.weight + best(edges, from + 1, lefts | l, rights | r))
    }

    proptest! {
        #[test]
        fn the_assignment_is_a_matching_and_the_best(
            links in prop::collection::vec((0u32..6, 0u32..6, -3.0..9.0f64), 0..12),
        ) {
            let edges: Vec<Edge> = links.iter().map(edge).collect();
            let cannot = |left: u32, right: u32| left == 2 && right == 3;
            let chosen = one_to_one(&edges, &cannot);
            let lefts = numbered(chosen.iter().map(|at| edges[*at].left));
            let rights = numbered(chosen.iter().map(|at| edges[*at].right));
            prop_assert!(lefts.len() == chosen.len() && rights.len() == chosen.len());
            prop_assert!(chosen.iter().all(|at| !cannot(edges[*at].left, edges[*at].right)));
            let allowed: Vec<Edge> =
                edges.iter().filter(|e| !cannot(e.left, e.right)).copied().collect();
            let expect = best(&allowed, 0, 0, 0);
            prop_assert!((total(&edges, &chosen) - expect).abs() < 1e-9);
            for component in components(&edges, &cannot) {
                let quick = greedy(&edges, &component);
                prop_assert!(total(&edges, &quick) <= expect + 1e-9);
                let lefts = numbered(quick.iter().map(|at| edges[*at].left));
                prop_assert_eq!(lefts.len(), quick.len());
            }
        }
    }
}
