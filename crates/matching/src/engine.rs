use serde::Serialize;

use crate::assign::{Edge, many_to_one, one_to_one};
use crate::block::{BlockReport, Blocks};
use crate::bound::TOGETHER;
use crate::cluster::cluster;
use crate::cores;
use crate::em::{self, Candidate, Training};
use crate::score::Scorer;
use crate::weights::probability;
use crate::{Bound, Levels, MatchingError, Model, Records, Related, Shape, Weights};

/// From how many candidate pairs weights are learned; of more, every so many left records.
const TRAINING_PAIRS: u64 = 500_000;

/// The same where records have one match at most: of a sample the rivals are not known.
const RIVAL_PAIRS: u64 = 4 * TRAINING_PAIRS;

/// Rivals less likely than one in a hundred are not kept.
const RIVAL_WEIGHT: f64 = -6.6;

/// Which two records are never one.
type Cannot = dyn Fn(u32, u32) -> bool + Sync;

/// What linking found.
#[derive(Debug, Clone, PartialEq)]
pub struct Linkage {
    /// The links made, by left record, then right.
    pub links: Vec<Link>,
    /// Pairs that were likely enough to be considered and lost, in the same order.
    pub rivals: Vec<Link>,
    /// The weights that were used: those of the model, or learned.
    pub weights: Weights,
    /// What was looked at.
    pub report: LinkReport,
}

/// A pair of records that may be one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// The left record.
    pub left: u32,
    /// The right record, or in one table the later one.
    pub right: u32,
    /// The match weight in bits, with prior and rarity: the log2 of the odds of this pair
    /// taken alone.
    pub weight: f64,
    /// The probability that it is a match, its rivals considered.
    pub probability: f64,
    /// How well the pair agrees, by comparison.
    pub levels: Levels,
}

/// What linking looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LinkReport {
    /// The blocks.
    pub blocks: BlockReport,
    /// How many pairs the weights were learned from; 0 where the model brought them.
    pub trained_on: u64,
    /// How many matches the weights expect in all.
    pub expected_matches: f64,
}

/// The clusters of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// For each record the smallest record of its cluster.
    pub of: Vec<u32>,
    /// The links that were considered, and the report.
    pub linkage: Linkage,
}

/// Links two tables, or with `right` left out finds the pairs within one. The same input
/// gives the same links, on any number of cores.
pub fn link(
    left: &Records,
    right: Option<&Records>,
    model: &Model,
) -> Result<Linkage, MatchingError> {
    link_under(left, right, model, &|_, _| false)
}

/// As [`link`], where `cannot` says which two records are never one.
pub fn link_under(
    left: &Records,
    right: Option<&Records>,
    model: &Model,
    cannot: &Cannot,
) -> Result<Linkage, MatchingError> {
    run(left, right, model, cannot, None)
}

/// As [`link`], with what the links of other records say about these.
pub fn link_related(
    left: &Records,
    right: Option<&Records>,
    model: &Model,
    related: &Related,
) -> Result<Linkage, MatchingError> {
    run(left, right, model, &|_, _| false, Some(related))
}

fn run(
    left: &Records,
    right: Option<&Records>,
    model: &Model,
    cannot: &Cannot,
    related: Option<&Related>,
) -> Result<Linkage, MatchingError> {
    let bound = Bound::new(left, right, &model.comparisons)?;
    let blocks = Blocks::new(left, right, &model.blocking)?;
    let mut report = LinkReport::default();
    let (weights, compared) = match &model.weights {
        Some(weights) => {
            weights.check(&model.comparisons)?;
            (weights.clone(), None)
        }
        None => {
            let sample = Sample::new(&bound, &blocks, model.shape);
            let training = Training::new(&sample.pairs, sample.step, model.shape);
            report.trained_on = training.len();
            // Where all candidates were learned from, they need not be compared again.
            let compared = (sample.step == 1).then_some(sample.pairs);
            (em::learn(&bound, &training), compared)
        }
    };
    let (mut all, candidates) = match compared {
        Some(pairs) => rescored(&bound, &pairs, &weights, cannot),
        None => scored(&bound, &blocks, &weights, cannot),
    };
    if let Some(related) = related {
        all = with_relatives(all, &bound, &weights, related, cannot);
    }
    consider_rivals(&mut all, model.shape, bound.sizes());
    report.blocks = blocks.report;
    report.blocks.candidates = candidates;
    report.expected_matches = weights.prior * bound.pairs();

    let chosen = choose(&all, model);
    let (mut links, mut rivals) = (Vec::with_capacity(chosen.len()), Vec::new());
    let mut next = chosen.into_iter().peekable();
    for (at, link) in all.into_iter().enumerate() {
        let is_chosen = next.next_if_eq(&at).is_some() && link.probability >= model.at_least;
        if is_chosen { links.push(link) } else { rivals.push(link) }
    }
    Ok(Linkage { links, rivals, weights, report })
}

/// As [`dedupe`], with what the links of other records say about these.
pub fn dedupe_related(
    records: &Records,
    model: &Model,
    related: &Related,
) -> Result<Clusters, MatchingError> {
    let never: &Cannot = &|_, _| false;
    Ok(grouped(records, model, run(records, None, model, never, Some(related))?, never))
}

/// Groups the records of one table into clusters, each one entity.
pub fn dedupe(records: &Records, model: &Model) -> Result<Clusters, MatchingError> {
    dedupe_under(records, model, &|_, _| false)
}

/// As [`dedupe`], where `cannot` says which two records are never one.
pub fn dedupe_under(
    records: &Records,
    model: &Model,
    cannot: &Cannot,
) -> Result<Clusters, MatchingError> {
    Ok(grouped(records, model, link_under(records, None, model, cannot)?, cannot))
}

fn grouped(records: &Records, model: &Model, linkage: Linkage, cannot: &Cannot) -> Clusters {
    let at_least = model.at_least.clamp(0.001, 0.999);
    let cut = (at_least / (1.0 - at_least)).log2();
    let edge = |link: &Link| Edge { left: link.left, right: link.right, weight: link.weight - cut };
    let edges: Vec<Edge> = linkage.links.iter().chain(&linkage.rivals).map(edge).collect();
    Clusters { of: cluster(records.len(), &edges, cannot), linkage }
}

/// Adds what relatives say to the weights, and the pairs that only they speak for.
fn with_relatives(
    mut all: Vec<Link>,
    bound: &Bound,
    weights: &Weights,
    related: &Related,
    cannot: &Cannot,
) -> Vec<Link> {
    let one;
    let related = match bound.is_one_table() {
        true => {
            one = related.in_one_table();
            &one
        }
        false => related,
    };
    let known: Vec<(u32, u32)> = all.iter().map(|link| (link.left, link.right)).collect();
    let (left, right) = bound.sizes();
    for (i, j) in related.pairs().filter(|pair| known.binary_search(pair).is_err()) {
        if i < left && j < right && !cannot(i, j) {
            let levels = bound.levels(i, j);
            let weight = weights.pair_weight(bound, i, j, levels);
            all.push(Link { left: i, right: j, weight, probability: 0.0, levels });
        }
    }
    let worth = related.learn(&all);
    for link in &mut all {
        link.weight += related.bits((link.left, link.right), &worth);
        link.probability = probability(link.weight);
    }
    all.retain(|link| link.weight > RIVAL_WEIGHT);
    all.sort_by_key(|link| (link.left, link.right));
    all
}

/// The candidates that weights are learned from: those of every so many left records.
struct Sample {
    step: u32,
    pairs: Vec<Candidate>,
}

impl Sample {
    fn new(bound: &Bound, blocks: &Blocks, shape: Shape) -> Sample {
        let pairs: u64 = blocks.report.rules.iter().map(|rule| rule.pairs).sum();
        let most = if shape == Shape::Many { TRAINING_PAIRS } else { RIVAL_PAIRS };
        let step = (pairs / most + 1) as u32;
        let parts = cores::ranges(bound.sizes().0, |from, to| {
            let mut pairs = Vec::new();
            let records = (from..to).filter(|i| i % step == 0);
            each_batch(blocks, records, |batch| {
                bound.levels_of_all(batch, |i, j, levels| pairs.push((i, j, levels)));
            });
            pairs
        });
        Sample { step, pairs: parts.concat() }
    }
}

/// As [`scored`], of candidates that are compared already.
fn rescored(
    bound: &Bound,
    pairs: &[Candidate],
    weights: &Weights,
    cannot: &Cannot,
) -> (Vec<Link>, u64) {
    let scorer = Scorer::new(bound, weights);
    let parts = cores::ranges(pairs.len() as u32, |from, to| {
        let mut links = Vec::new();
        for pairs in pairs[from as usize..to as usize].chunks(TOGETHER) {
            for (&(left, right, levels), weight) in pairs.iter().zip(scorer.weights(pairs)) {
                if weight > RIVAL_WEIGHT && !cannot(left, right) {
                    let probability = probability(weight);
                    links.push(Link { left, right, weight, probability, levels });
                }
            }
        }
        links
    });
    (parts.concat(), pairs.len() as u64)
}

/// All candidates that are likely enough to matter, and how many there were.
fn scored(bound: &Bound, blocks: &Blocks, weights: &Weights, cannot: &Cannot) -> (Vec<Link>, u64) {
    let scorer = Scorer::new(bound, weights);
    let parts = cores::ranges(bound.sizes().0, |from, to| {
        let (mut links, mut count) = (Vec::new(), 0);
        each_batch(blocks, from..to, |batch| {
            count += batch.len() as u64;
            bound.fetch(batch.iter().copied());
            for &(left, right) in batch.iter().filter(|(i, j)| !cannot(*i, *j)) {
                if let Some((levels, weight)) = scorer.above(RIVAL_WEIGHT, left, right) {
                    let probability = probability(weight);
                    links.push(Link { left, right, weight, probability, levels });
                }
            }
        });
        (links, count)
    });
    let candidates = parts.iter().map(|(_, count)| count).sum();
    (parts.into_iter().map(|(links, _)| links).collect::<Vec<_>>().concat(), candidates)
}

/// Calls with the candidates of records, some hundred pairs at a time.
fn each_batch(
    blocks: &Blocks,
    records: impl Iterator<Item = u32>,
    mut call: impl FnMut(&[(u32, u32)]),
) {
    let (mut found, mut batch) = (Vec::new(), Vec::new());
    for i in records {
        blocks.candidates(i, &mut found);
        batch.extend(found.iter().map(|j| (i, *j)));
        if batch.len() >= TOGETHER {
            batch.chunks(TOGETHER).for_each(&mut call);
            batch.clear();
        }
    }
    call(&batch);
}

/// Where a record has one partner at most, its possible links share one probability: the
/// odds of each against all others and against none.
fn consider_rivals(links: &mut [Link], shape: Shape, (left, right): (u32, u32)) {
    if shape == Shape::Many {
        return;
    }
    let odds = |link: &Link| link.weight.clamp(-50.0, 50.0).exp2();
    let (mut of_left, mut of_right) = (vec![0.0; left as usize], vec![0.0; right as usize]);
    for link in links.iter() {
        of_left[link.left as usize] += odds(link);
        of_right[link.right as usize] += odds(link);
    }
    for link in links {
        let own = odds(link);
        let mut all = of_left[link.left as usize];
        if shape == Shape::OneToOne {
            all += of_right[link.right as usize] - own;
        }
        link.probability = (own / (1.0 + all)).min(probability(link.weight));
    }
}

fn choose(links: &[Link], model: &Model) -> Vec<usize> {
    let edge = |link: &Link| Edge { left: link.left, right: link.right, weight: link.weight };
    let never = |_, _| false;
    match model.shape {
        Shape::Many => (0..links.len()).collect(),
        Shape::OneToOne => one_to_one(&links.iter().map(edge).collect::<Vec<_>>(), &never),
        Shape::ManyToOne => many_to_one(&links.iter().map(edge).collect::<Vec<_>>(), &never),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Blocking, By, Key, LevelWeights, Rule, Values};

    const FIRST: [&str; 12] = [
        "anna", "robert", "maria", "peter", "lucia", "hans", "emma", "oscar", "nora", "felix",
        "clara", "bruno",
    ];
    const LAST: [&str; 9] =
        ["miller", "garcia", "schmidt", "dubois", "jansen", "novak", "rossi", "olsen", "kowalski"];

    /// `count` people, every third name with a letter wrong where `noisy`.
    fn people(count: usize, noisy: bool) -> Records {
        let column = |value: &dyn Fn(usize) -> String| {
            Values::Text((0..count).map(|n| Some(value(n))).collect())
        };
        // Scattered, so that no two columns depend on each other.
        let pick = |n: usize, salt: u64, of: usize| {
            (crate::quick::mix(salt, n as u64 + 1) >> 20) as usize % of
        };
        let last = |n: usize| {
            let mut name = LAST[pick(n, 2, 9)].to_owned();
            if noisy && n.is_multiple_of(3) {
                name.replace_range(2..3, "x");
            }
            name
        };
        let born = |n: usize| {
            let (year, month, day) = (pick(n, 3, 60), pick(n, 4, 12), pick(n, 5, 28));
            format!("19{:02}-{:02}-{:02}", 30 + year, 1 + month, 1 + day)
        };
        let city = |n: usize| ["berlin", "madrid", "lyon", "oslo"][pick(n, 6, 4)].to_owned();
        Records::new(vec![
            ("first".into(), column(&|n| FIRST[pick(n, 1, 12)].to_owned())),
            ("last".into(), column(&last)),
            ("born".into(), column(&born)),
            ("city".into(), column(&city)),
        ])
        .unwrap()
    }

    /// A column of texts, and the same once more below it.
    fn twice(values: &Values) -> Values {
        let Values::Packed(values) = values else { unreachable!("people are texts") };
        let both = values.iter().chain(values.iter());
        Values::Text(both.map(|value| value.map(str::to_owned)).collect())
    }

    fn linked(model: impl Fn(&mut Model)) -> Linkage {
        let (left, right) = (people(120, false), people(90, true));
        let mut found = Model::discover(&left, Some(&right)).unwrap();
        model(&mut found);
        link(&left, Some(&right), &found).unwrap()
    }

    #[test]
    fn two_tables_are_linked_with_a_model_found_from_them() {
        let linkage = linked(|_| ());
        let right = linkage.links.iter().filter(|link| link.left == link.right).count();
        assert_eq!((right, linkage.links.len()), (90, 90));
        assert!(linkage.report.trained_on > 0 && linkage.report.blocks.candidates > 90);
    }

    #[test]
    fn the_same_tables_give_the_same() {
        assert_eq!(linked(|_| ()), linked(|_| ()));
    }

    #[test]
    fn a_model_survives_being_written_down() {
        let (left, right) = (people(120, false), people(90, true));
        let mut model = Model::discover(&left, Some(&right)).unwrap();
        let first = link(&left, Some(&right), &model).unwrap();
        model.weights = Some(first.weights.clone());
        let again = Model::from_toml(&model.to_toml().unwrap()).unwrap();
        assert_eq!(again, model);
        let second = link(&left, Some(&right), &again).unwrap();
        assert_eq!((second.links, second.report.trained_on), (first.links, 0));
    }

    #[test]
    fn a_model_that_is_wrong_says_where() {
        let mut model = Model::discover(&people(120, false), None).unwrap();
        let text = model.to_toml().unwrap().replace("at_least", "at_leest");
        assert!(Model::from_toml(&text).unwrap_err().to_string().contains("at_leest"));
        let levels = vec![LevelWeights { comparison: "x".into(), m: vec![], u: vec![] }];
        model.weights = Some(Weights { prior: 0.1, levels });
        let error = link(&people(5, false), None, &model).unwrap_err();
        assert!(matches!(error, MatchingError::Weights(_)));
    }

    #[test]
    fn known_pairs_teach_the_weights() {
        let (left, right) = (people(120, false), people(90, true));
        let mut model = Model::discover(&left, Some(&right)).unwrap();
        let pairs: Vec<(u32, u32)> = (0..30).map(|n| (n, n)).collect();
        model.train(&left, Some(&right), &pairs, &[], None).unwrap();
        let linkage = link(&left, Some(&right), &model).unwrap();
        assert!(linkage.links.len() >= 88 && linkage.links.iter().all(|l| l.left == l.right));
    }

    #[test]
    fn what_may_not_be_one_is_not_linked() {
        let (left, right) = (people(120, false), people(90, true));
        let model = Model::discover(&left, Some(&right)).unwrap();
        let linkage = link_under(&left, Some(&right), &model, &|i, _| i < 10).unwrap();
        assert!(linkage.links.iter().chain(&linkage.rivals).all(|link| link.left >= 10));
    }

    #[test]
    fn copies_within_one_table_become_clusters() {
        let once = people(80, false);
        let columns = once.columns().map(|(name, values)| (name.to_owned(), twice(values)));
        let records = Records::new(columns.collect()).unwrap();
        let mut model = Model::discover(&records, None).unwrap();
        let found = dedupe(&records, &model).unwrap();
        assert!((0..80).all(|n| found.of[n] == found.of[n + 80]), "copies are together");
        // Some of these people are rather alike; only copies are nearly certain.
        model.at_least = 0.95;
        let found = dedupe(&records, &model).unwrap();
        assert!((0..160).all(|n| found.of[n as usize] == n % 80), "{:?}", found.of);
    }

    #[test]
    fn a_tenant_with_half_of_all_rows_is_split_and_still_linked() {
        let once = people(1_000, false);
        let columns = once.columns().map(|(name, values)| (name.to_owned(), twice(values)));
        let tenant = |n: usize| if n % 1_000 < 500 { 0 } else { n % 1_000 };
        let tenants = (0..2_000).map(|n| Some(format!("tenant {}", tenant(n)))).collect();
        let columns = columns.chain([("tenant".to_owned(), Values::Text(tenants))]);
        let records = Records::new(columns.collect()).unwrap();
        let mut model = Model::discover(&records, None).unwrap();
        assert!(model.blocking.rules.iter().all(|rule| !rule.keys.is_empty()));
        // A rule that puts the whole tenant into one block.
        let rules = vec![Rule { keys: vec![Key::of("tenant", By::Whole)] }];
        model.blocking = Blocking { most_pairs: 20_000, rules, ..model.blocking };
        let found = dedupe(&records, &model).unwrap();
        let report = &found.linkage.report.blocks;
        assert!(report.split_blocks() > 0 && report.rules[0].largest <= 20_000);
        let together = (0..1_000).filter(|n| found.of[*n] == found.of[n + 1_000]).count();
        assert!(together >= 990, "{together} of 1000 copies are with their first");
        // Without a finer key the tenant's pairs cannot be looked at: they are counted.
        model.blocking.split_by.clear();
        let report = dedupe(&records, &model).unwrap().linkage.report.blocks;
        assert_eq!(report.skipped_pairs(), 1_000_000);
    }

    #[test]
    fn empty_tables_have_no_links() {
        let model = Model::discover(&people(20, false), None).unwrap();
        let linkage = link(&people(0, false), Some(&people(3, false)), &model).unwrap();
        assert!(linkage.links.is_empty());
        assert_eq!(Model::discover(&people(0, false), None), Err(MatchingError::NothingToCompare));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn links_are_a_matching_with_probabilities(
            a in prop::collection::vec("[ab]{1,3}", 1..30),
            b in prop::collection::vec("[ab]{1,3}", 1..30),
        ) {
            let table = |texts: Vec<String>| {
                Records::new(vec![("x".into(), Values::Text(texts.into_iter().map(Some).collect()))])
            };
            let (a, b) = (table(a).unwrap(), table(b).unwrap());
            if let Ok(model) = Model::discover(&a, Some(&b)) {
                let linkage = link(&a, Some(&b), &model).unwrap();
                let mut rights: Vec<u32> = linkage.links.iter().map(|link| link.right).collect();
                rights.sort_unstable();
                rights.dedup();
                prop_assert_eq!(rights.len(), linkage.links.len());
                prop_assert!(linkage.links.windows(2).all(|two| two[0].left < two[1].left));
                let all = linkage.links.iter().chain(&linkage.rivals);
                prop_assert!(all.into_iter().all(|l| l.probability > 0.0 && l.probability < 1.0));
            }
        }
    }
}
