//! How many records no source saw, told by the surviving past: there every row is known, those
//! that no source saw too, so that the share of those predicts the same share of the lost time.
//!
//! The share differs from tenant to tenant (Beta around the mean of all) and from week to week
//! (Beta around the tenant's): a hierarchical beta-binomial model (Gelman and others 2013,
//! chapter 5), its parameters integrated over grids. What was lost and not seen is drawn
//! from it a thousand times, with a fixed seed.
//!
//! Of a tenant of which hardly anything is ever seen, what is seen tells little. Then its past
//! does: so many records as it had in a week, as far as its weeks agree, and as much more or less
//! as the other tenants were busier or quieter in the lost time than before.

use std::collections::{BTreeMap, BTreeSet};

use crate::draw::Draw;
use crate::strata::{Histories, Stratum, Unseen, seen, unseen};

/// How strongly tenants agree, as a number of imagined rows: from hardly to fully.
const TENANTS: [f64; 7] = [2.0, 5.0, 12.0, 30.0, 80.0, 200.0, 500.0];

/// How strongly the weeks of a tenant agree, likewise.
const WEEKS: [f64; 8] = [3.0, 8.0, 20.0, 50.0, 120.0, 300.0, 1_000.0, 10_000.0];

/// The shares tried, evenly on the logit scale.
const SHARES: usize = 80;
const FIRST: f64 = -7.6;
const STEP: f64 = 0.18;

/// The mean of a tenant's weeks has the weight of so many weeks, at least and at most.
const LEAST_STEADY: f64 = 0.5;
const MOST_STEADY: f64 = 4.0;

/// That the lost time was as busy as the past counts as so many records seen.
const AS_BEFORE: f64 = 4.0;

/// How much alike tenants are in how busy the lost time was against the past, as the shape of a
/// gamma distribution: within a quarter, mostly.
const ALIKE: f64 = 16.0;

/// Every so many of the shares is tried as the mean of all tenants.
const MEANS: usize = 5;

/// How shares may spread: between tenants by one of the priors, and between weeks.
#[derive(Clone, Copy)]
struct Spread {
    prior: usize,
    weeks: usize,
}

/// How likely the weeks of a tenant are at each share: the logarithm of the most, and all as
/// parts of it.
struct Likelihood {
    most: f64,
    parts: Vec<f64>,
}

/// What the past says.
struct Past {
    /// By tenant and agreement of weeks.
    tenants: BTreeMap<String, Vec<Likelihood>>,
    /// How likely each share is for a tenant: by mean of all and agreement of tenants.
    priors: Vec<Vec<f64>>,
    spreads: Vec<Spread>,
    /// By spread.
    weights: Vec<f64>,
    /// By tenant, how many records it had in a week.
    weekly: BTreeMap<String, f64>,
    usual: f64,
    /// How many weeks' weight their mean has, by how well the weeks of a tenant agree.
    steady: f64,
}

/// Estimates how many records of each stratum of the `window` no source saw, from the rows of
/// the surviving `past`, whose key 0 counts those that no source saw. `None` where there is no
/// past or no window.
///
/// It holds as far as the lost time is like the past: the same sources, read over the same
/// range. Where a source of the past is missing for the window, count the past without it. A
/// stratum of which nothing was seen stands in the window all the same, without counts: else
/// nothing is expected there.
pub fn from_overlap(past: &Histories, window: &Histories) -> Option<Unseen> {
    let rows: u64 = past.values().map(|counts| seen(counts) + unseen(counts)).sum();
    if rows == 0 || window.is_empty() {
        return None;
    }
    let past = Past::new(past);
    let mut draw = Draw::new(rows);
    let method = format!("{rows} surviving rows, of which it is known whether a source saw them");
    Some(Unseen::simulated(window, &method, |strata| past.draw(strata, &mut draw)))
}

fn share_at(at: usize) -> f64 {
    share_of(FIRST + STEP * at as f64)
}

fn share_of(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

impl Past {
    fn new(past: &Histories) -> Past {
        let mut by_tenant: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
        let weeks: BTreeSet<i64> = past.keys().map(|at| at.week).collect();
        for (at, counts) in past {
            let week = (unseen(counts), seen(counts) + unseen(counts));
            by_tenant.entry(&at.tenant).or_default().push(week);
        }
        let rows = |weeks: &[(u64, u64)]| weeks.iter().map(|(_, all)| *all as f64).sum::<f64>();
        let span = weeks.len().max(1) as f64;
        let weekly: BTreeMap<String, f64> = by_tenant
            .iter()
            .map(|(tenant, own)| ((*tenant).to_owned(), rows(own) / span))
            .collect();
        let usual = weekly.values().sum::<f64>() / weekly.len().max(1) as f64;
        let tenants: BTreeMap<String, Vec<Likelihood>> = by_tenant
            .iter()
            .map(|(tenant, weeks)| {
                let counts = Counts::of(weeks);
                let own = WEEKS.iter().map(|agree| counts.likelihoods(*agree)).collect();
                ((*tenant).to_owned(), own)
            })
            .collect();
        let means = || (0..SHARES).step_by(MEANS).map(share_at);
        let priors: Vec<Vec<f64>> =
            means().flat_map(|mean| TENANTS.map(|agree| prior(mean, agree))).collect();
        // On the logit scale Jeffreys' prior of a share.
        let jeffreys: Vec<f64> = means().map(|mean| (mean * (1.0 - mean)).sqrt().ln()).collect();
        let mut spreads = Vec::new();
        let mut scores = Vec::new();
        for prior in 0..priors.len() {
            for weeks in 0..WEEKS.len() {
                let of = |own: &Vec<Likelihood>| {
                    let both = priors[prior].iter().zip(&own[weeks].parts);
                    own[weeks].most + both.map(|(prior, part)| prior * part).sum::<f64>().ln()
                };
                scores
                    .push(jeffreys[prior / TENANTS.len()] + tenants.values().map(of).sum::<f64>());
                spreads.push(Spread { prior, weeks });
            }
        }
        let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights = scores.into_iter().map(|score| (score - best).exp()).collect();
        let steady = steadiness(by_tenant.values(), span);
        Past { tenants, priors, spreads, weights, weekly, usual, steady }
    }

    /// One draw of what was not seen, stratum by stratum (sorted by tenant).
    fn draw(&self, strata: &[(&Stratum, u64)], draw: &mut Draw) -> Vec<f64> {
        let spread = self.spreads[draw.position(&self.weights)];
        let prior = &self.priors[spread.prior];
        let agree = WEEKS[spread.weeks];
        let tenants = || strata.chunk_by(|a, b| a.0.tenant == b.0.tenant);
        let weekly = |own: &[(&Stratum, u64)]| {
            self.weekly.get(&own[0].0.tenant).copied().unwrap_or(self.usual).max(0.05)
        };
        let mut shares = Vec::new();
        let (mut seen, mut expected) = (0.0, 0.0);
        for own in tenants() {
            let at = match self.tenants.get(&own[0].0.tenant).map(|own| &own[spread.weeks].parts) {
                Some(parts) => {
                    let both = prior.iter().zip(parts).map(|(prior, part)| prior * part);
                    draw.position(&both.collect::<Vec<_>>())
                }
                None => draw.position(prior),
            };
            let share = share_of(FIRST + STEP * (at as f64 + draw.uniform() - 0.5));
            seen += own.iter().map(|(_, seen)| *seen as f64).sum::<f64>();
            expected += weekly(own) * own.len() as f64 * (1.0 - share);
            shares.push(share);
        }
        // How much busier or quieter the lost time was than the past, by what was seen of all.
        let busy = draw.gamma(seen + AS_BEFORE) / (expected + AS_BEFORE);
        let mut missing = Vec::with_capacity(strata.len());
        for (own, share) in tenants().zip(shares) {
            let weekly = weekly(own) * busy * draw.gamma(ALIKE) / ALIKE;
            for (_, seen) in own {
                let share = draw.beta(share * agree, (1.0 - share) * agree);
                missing.push(unseen_of(*seen, share, (weekly, self.steady), draw));
            }
        }
        missing
    }
}

/// Draws how many were not seen where so many were, each unseen with probability `share`. How
/// many there were in all is expected to be as in other weeks: the mean of these, and how many
/// weeks' weight it has.
fn unseen_of(seen: u64, share: f64, (weekly, steady): (f64, f64), draw: &mut Draw) -> f64 {
    let shape = seen as f64 + steady;
    let rate = steady / weekly + 1.0 - share;
    let all = draw.gamma(shape) / rate;
    draw.poisson(all * share)
}

/// How much alike the weeks of a tenant are in how many records they have: the shape of the
/// gamma distribution (1 by the square of its coefficient of variation) that spreads them more
/// than chance does, by the moments of all tenants together. The lost weeks are not the next
/// best ones of the past, so that not much is made of it.
fn steadiness<'a>(tenants: impl Iterator<Item = &'a Vec<(u64, u64)>>, span: f64) -> f64 {
    let (mut squares, mut beyond) = (0.0, 0.0);
    for weeks in tenants {
        let mean = weeks.iter().map(|(_, all)| *all as f64).sum::<f64>() / span;
        let own: f64 = weeks.iter().map(|(_, all)| (*all as f64 - mean).powi(2)).sum();
        // The weeks of which nothing is known had none.
        let none = (span - weeks.len() as f64).max(0.0) * mean * mean;
        let variance = (own + none) / (span - 1.0).max(1.0);
        squares += mean * mean;
        beyond += variance - mean;
    }
    (squares / beyond.max(f64::MIN_POSITIVE)).clamp(LEAST_STEADY, MOST_STEADY)
}

/// How likely each share is for a tenant, before its own rows are looked at: a Beta
/// distribution on the logit scale.
fn prior(mean: f64, agree: f64) -> Vec<f64> {
    let density = |at: usize| {
        let share = share_at(at);
        mean * agree * share.ln() + (1.0 - mean) * agree * (1.0 - share).ln()
    };
    let logs: Vec<f64> = (0..SHARES).map(density).collect();
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let all: Vec<f64> = logs.iter().map(|log| (log - most).exp()).collect();
    let sum: f64 = all.iter().sum();
    all.into_iter().map(|density| density / sum).collect()
}

/// The weeks of a tenant, as the beta-binomial likelihood needs them: how many weeks had more
/// than so many unseen, seen and in all.
struct Counts {
    unseen: Vec<f64>,
    seen: Vec<f64>,
    all: Vec<f64>,
}

impl Counts {
    fn of(weeks: &[(u64, u64)]) -> Counts {
        let more_than = |count: &dyn Fn(&(u64, u64)) -> u64| {
            let most = weeks.iter().map(count).max().unwrap_or(0) as usize;
            let mut having = vec![0.0; most + 1];
            weeks.iter().for_each(|week| having[count(week) as usize] += 1.0);
            let mut above = 0.0;
            let mut more: Vec<f64> = Vec::with_capacity(most);
            for have in having.iter().skip(1).rev() {
                above += have;
                more.push(above);
            }
            more.reverse();
            more
        };
        Counts {
            unseen: more_than(&|(unseen, _)| *unseen),
            seen: more_than(&|(unseen, all)| all - unseen),
            all: more_than(&|(_, all)| *all),
        }
    }

    /// The beta-binomial likelihood of each share, without what the counts alone decide:
    /// products of rising factorials, taken together over all weeks.
    fn likelihoods(&self, agree: f64) -> Likelihood {
        let rising = |from: f64, weeks: &[f64]| {
            let each = weeks.iter().enumerate().map(|(i, weeks)| weeks * (from + i as f64).ln());
            each.sum::<f64>()
        };
        let all = rising(agree, &self.all);
        let at = |share: f64| {
            rising(share * agree, &self.unseen) + rising((1.0 - share) * agree, &self.seen) - all
        };
        let logs: Vec<f64> = (0..SHARES).map(share_at).map(at).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Likelihood { most, parts: logs.into_iter().map(|log| (log - most).exp()).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate_unseen;

    /// Past and window of a business, and what the window's strata truly lack. Four sources
    /// depend on each other (who pays by card has a receipt), and a share of all bookings,
    /// other for every tenant and week, leaves no trace in any.
    struct World {
        past: Histories,
        window: Histories,
        missing: BTreeMap<Stratum, u64>,
    }

    fn world(seed: u64, tenants: usize, weeks: i64, tenant_agree: f64, week_agree: f64) -> World {
        let mut draw = Draw::new(seed.wrapping_mul(0x1234_5678_9abc_def1) | 1);
        let mean = 0.02 + 0.2 * draw.uniform();
        let mut made =
            World { past: BTreeMap::new(), window: BTreeMap::new(), missing: BTreeMap::new() };
        for tenant in 0..tenants {
            let weekly = 4.0 + 40.0 * draw.uniform();
            let share = draw.beta(mean * tenant_agree, (1.0 - mean) * tenant_agree);
            for week in 0..weeks + 2 {
                let traceless = draw.beta(share * week_agree, (1.0 - share) * week_agree);
                let mut counts: BTreeMap<u128, u64> = BTreeMap::new();
                for _ in 0..draw.poisson(weekly) as u64 {
                    let card = draw.uniform() < 0.7;
                    let receipt = draw.uniform() < if card { 0.95 } else { 0.3 };
                    let calendar = draw.uniform() < 0.8;
                    let sheet = draw.uniform() < if calendar { 0.5 } else { 0.2 };
                    let mask = [card, receipt, calendar, sheet]
                        .iter()
                        .zip(0..)
                        .map(|(saw, at)| u128::from(*saw) << at)
                        .sum();
                    let mask = if draw.uniform() < traceless { 0 } else { mask };
                    *counts.entry(mask).or_default() += 1;
                }
                let at = Stratum { tenant: format!("t{tenant}"), week };
                if week < weeks {
                    made.past.insert(at, counts);
                } else {
                    made.missing.insert(at.clone(), counts.remove(&0).unwrap_or(0));
                    made.window.insert(at, counts);
                }
            }
        }
        made
    }

    /// In how many of the worlds the interval of the whole held the truth, and in which share
    /// of all strata theirs did.
    fn coverage(tenants: usize, weeks: i64, tenant_agree: f64, week_agree: f64) -> (f64, f64) {
        let (mut whole, mut parts, mut all) = (0.0, 0.0, 0.0);
        const WORLDS: u64 = 40;
        for seed in 0..WORLDS {
            let world = world(seed, tenants, weeks, tenant_agree, week_agree);
            let found = from_overlap(&world.past, &world.window).unwrap();
            let holds = |found: &crate::Completeness, truth: f64| {
                f64::from(u8::from(found.interval.low <= truth && truth <= found.interval.high))
            };
            whole += holds(&found.whole, world.missing.values().sum::<u64>() as f64);
            for (at, found) in &found.strata {
                all += 1.0;
                parts += holds(found, world.missing[at] as f64);
            }
        }
        (whole / WORLDS as f64, parts / all)
    }

    #[test]
    fn nine_in_ten_intervals_hold_what_left_no_trace() {
        for (tenants, weeks, tenant_agree, week_agree) in
            [(6, 30, 20.0, 60.0), (1, 20, 1e9, 1e9), (3, 8, 5.0, 20.0), (12, 12, 50.0, 15.0)]
        {
            let (whole, parts) = coverage(tenants, weeks, tenant_agree, week_agree);
            assert!(whole >= 0.85, "{tenants} tenants, {weeks} weeks: {whole} of the wholes");
            assert!(parts >= 0.85, "{tenants} tenants, {weeks} weeks: {parts} of the strata");
        }
    }

    /// A world in which nobody ever saw anything of the first tenant, and all were busier or
    /// quieter in the lost time than before.
    fn silent(seed: u64) -> World {
        let mut made = world(seed, 4, 24, 20.0, 60.0);
        let mut draw = Draw::new(seed ^ 0x5117);
        let busy = 0.7 + 0.6 * draw.uniform();
        let mut thinned =
            |count: u64, share: f64| (0..count).filter(|_| draw.uniform() < share).count() as u64;
        // Thinned, the past where the lost time is busier.
        for (at, counts) in &mut made.past {
            counts.values_mut().for_each(|count| *count = thinned(*count, 1.0 / busy.max(1.0)));
            if at.tenant == "t0" {
                *counts = [(0, counts.values().sum())].into();
            }
        }
        for (at, counts) in &mut made.window {
            counts.values_mut().for_each(|count| *count = thinned(*count, busy.min(1.0)));
            let missing = made.missing.entry(at.clone()).or_default();
            *missing = thinned(*missing, busy.min(1.0));
            if at.tenant == "t0" {
                *missing += counts.values().sum::<u64>();
                counts.clear();
            }
        }
        made
    }

    #[test]
    fn a_tenant_of_whom_nothing_is_seen_is_told_by_its_past_and_by_the_others() {
        let (mut held, mut of_it, mut widths) = (0, 0, 0.0);
        for seed in 0..40 {
            let world = silent(seed);
            let found = from_overlap(&world.past, &world.window).unwrap();
            let holds = |found: &crate::Completeness, truth: u64| {
                let truth = truth as f64;
                u32::from(found.interval.low <= truth && truth <= found.interval.high)
            };
            let own = world.missing.iter().filter(|(at, _)| at.tenant == "t0");
            let own = own.map(|(_, missing)| missing).sum::<u64>();
            held += holds(&found.whole, world.missing.values().sum());
            of_it += holds(&found.tenants["t0"], own);
            let interval = found.tenants["t0"].interval;
            widths += (interval.high - interval.low) / (own as f64).max(1.0) / 40.0;
        }
        assert!(held >= 34 && of_it >= 34, "{held} of the wholes, {of_it} of the silent tenants");
        assert!(widths < 2.5, "an interval that holds anything tells nothing: {widths}");
    }

    #[test]
    fn what_no_list_could_know_is_told_by_the_past() {
        let at = |week| Stratum { tenant: String::new(), week };
        // 12 of 112 bookings a week leave no trace; the lists agree on all others.
        let past: Histories = (0..10).map(|w| (at(w), [(0, 12), (7, 98), (3, 2)].into())).collect();
        let window: Histories = [(at(10), [(7, 98), (3, 2)].into())].into();
        let by_lists = crate::estimate_lists(&window[&at(10)], 3).unwrap();
        assert!(by_lists.interval.high < 6.0, "{by_lists:?}");
        let told = estimate_unseen(&past, &window, 3).unwrap();
        let interval = told.whole.interval;
        assert!((9.0..15.0).contains(&told.whole.missing), "{told:?}");
        assert!(interval.low < 12.0 && 12.0 < interval.high && interval.high < 25.0, "{told:?}");
        assert_eq!(told, estimate_unseen(&past, &window, 3).unwrap(), "the same every time");
    }

    #[test]
    fn without_past_or_window_nothing_is_told() {
        let at = Stratum { tenant: "a".into(), week: 0 };
        let some: Histories = [(at.clone(), [(1, 5)].into())].into();
        assert_eq!(from_overlap(&Histories::new(), &some), None);
        assert_eq!(from_overlap(&some, &Histories::new()), None);
        let empty: Histories = [(at, BTreeMap::new())].into();
        assert!(from_overlap(&some, &empty).unwrap().whole.missing < 3.0);
    }
}
