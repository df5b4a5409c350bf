//! Log-linear models of who was seen by which lists (Fienberg 1972): Poisson regression by
//! iteratively reweighted least squares (Nelder and Wedderburn 1972), small and dense.

/// A model: which pairs of lists depend on each other, as bit masks of two bits.
pub(crate) type Pairs = Vec<u32>;

/// What fitting a model gave.
pub(crate) struct Fit {
    /// The log-likelihood, without the part that depends on the counts alone.
    pub likelihood: f64,
    /// What the model expects in the cell that no list saw.
    pub unseen: f64,
}

/// Fits main effects and the given dependences to the counts of the cells (by bit mask, from
/// 1), and with `unseen` to that count in cell 0 too. `None` where it does not converge.
pub(crate) fn fit(counts: &[f64], lists: usize, pairs: &[u32], unseen: Option<f64>) -> Option<Fit> {
    let mut terms: Vec<u32> = (0..lists as u32).map(|list| 1 << list).collect();
    terms.extend_from_slice(pairs);
    let width = terms.len() + 1;
    let cells: Vec<(Vec<f64>, f64)> = (0u32..)
        .zip(counts)
        .filter(|(mask, _)| *mask > 0 || unseen.is_some())
        .map(|(mask, count)| {
            let has = |term: &u32| f64::from(u8::from(mask & term == *term));
            let row = std::iter::once(1.0).chain(terms.iter().map(has)).collect();
            (row, if mask == 0 { unseen.unwrap_or(0.0) } else { *count })
        })
        .collect();
    let dot = |row: &[f64], by: &[f64]| row.iter().zip(by).map(|(x, b)| x * b).sum::<f64>();
    // The first step starts at the counts themselves, moved off zero.
    let mut means: Vec<f64> = cells.iter().map(|(_, count)| count + 0.5).collect();
    let mut logs: Vec<f64> = means.iter().map(|mean| mean.ln()).collect();
    let mut last = f64::NEG_INFINITY;
    for _ in 0..60 {
        let mut system = vec![vec![0.0; width + 1]; width];
        for (((row, count), mean), log) in cells.iter().zip(&means).zip(&logs) {
            let working = log + (count - mean) / mean;
            for a in 0..width {
                for b in 0..width {
                    system[a][b] += mean * row[a] * row[b];
                }
                system[a][width] += mean * row[a] * working;
            }
        }
        // A ridge too small to matter keeps empty margins from making the system singular.
        (0..width).for_each(|a| system[a][a] += 1e-9);
        let solution = solve(system)?;
        for (((row, _), mean), log) in cells.iter().zip(&mut means).zip(&mut logs) {
            *log = dot(row, &solution).clamp(-30.0, 30.0);
            *mean = log.exp();
        }
        let each = cells.iter().zip(&means).zip(&logs);
        let likelihood: f64 = each.map(|(((_, count), mean), log)| count * log - mean).sum();
        if (likelihood - last).abs() < 1e-9 * (1.0 + likelihood.abs()) {
            return Some(Fit { likelihood, unseen: solution[0].clamp(-30.0, 30.0).exp() });
        }
        last = likelihood;
    }
    None
}

/// Gauss's elimination with pivots, on a square matrix and its right side.
fn solve(mut system: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let n = system.len();
    for column in 0..n {
        let size = |row: &usize| system[*row][column].abs();
        let pivot = (column..n).max_by(|a, b| size(a).total_cmp(&size(b)))?;
        if size(&pivot) < 1e-12 || !size(&pivot).is_finite() {
            return None;
        }
        system.swap(column, pivot);
        let (above, below) = system.split_at_mut(column + 1);
        let own = &above[column];
        for row in below {
            let factor = row[column] / own[column];
            row.iter_mut().zip(own).skip(column).for_each(|(x, p)| *x -= factor * p);
        }
    }
    let mut solution = vec![0.0; n];
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|c| system[row][c] * solution[c]).sum();
        solution[row] = (system[row][n] - known) / system[row][row];
    }
    Some(solution)
}

/// All models with dependences between pairs of lists, as long as each has a cell to spare
/// and there are few lists; for many lists none, each single pair, and the stepwise best.
pub(crate) fn models(counts: &[f64], lists: usize, score: &dyn Fn(&Pairs) -> f64) -> Vec<Pairs> {
    let pairs: Vec<u32> =
        (0..lists).flat_map(|a| (a + 1..lists).map(move |b| 1 << a | 1 << b)).collect();
    let spare = counts.len() - 1 - lists - 1;
    if pairs.len() <= 6 {
        let subset = |set: u32| -> Pairs {
            pairs
                .iter()
                .enumerate()
                .filter(|(at, _)| set & (1 << at) != 0)
                .map(|(_, p)| *p)
                .collect()
        };
        let all = (0..1u32 << pairs.len()).map(subset);
        return all.filter(|model| model.len() <= spare).collect();
    }
    let mut found: Vec<Pairs> = vec![Vec::new()];
    let mut own: Pairs = Vec::new();
    let mut best = score(&own);
    while own.len() < pairs.len().min(spare) {
        let more: Vec<Pairs> = pairs
            .iter()
            .filter(|pair| !own.contains(pair))
            .map(|pair| [own.clone(), vec![*pair]].concat())
            .collect();
        let scores: Vec<f64> = more.iter().map(score).collect();
        let Some(at) = (0..more.len()).min_by(|a, b| scores[*a].total_cmp(&scores[*b])) else {
            break;
        };
        let (next, next_score) = (more[at].clone(), scores[at]);
        found.extend(more);
        if next_score >= best {
            break;
        }
        (own, best) = (next, next_score);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_independent_lists_give_lincoln_and_petersen() {
        // 30 by the first alone, 20 by the second alone, 60 by both: 30 * 20 / 60 unseen.
        let fit = fit(&[0.0, 30.0, 20.0, 60.0], 2, &[], None).unwrap();
        assert!((fit.unseen - 10.0).abs() < 1e-6, "{}", fit.unseen);
    }

    #[test]
    fn a_dependence_is_seen() {
        // Lists 1 and 2 see the same ones; 3 is independent of both.
        let counts = [0.0, 10.0, 10.0, 80.0, 50.0, 5.0, 5.0, 40.0];
        let free = fit(&counts, 3, &[], None).unwrap();
        let bound = fit(&counts, 3, &[0b011], None).unwrap();
        assert!(bound.likelihood > free.likelihood + 10.0);
        assert!((bound.unseen - 100.0).abs() < 1e-3, "{}", bound.unseen);
    }
}
