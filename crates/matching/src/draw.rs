//! Random numbers that are the same every time: for intervals by simulation.

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    /// Between 0 and 1, neither of them.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// From the standard normal distribution (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let (a, b) = (self.uniform(), self.uniform());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }

    /// From the gamma distribution of this shape, with scale 1 (Marsaglia and Tsang 2000).
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let raised = self.uniform().powf(1.0 / shape.max(1e-9));
            return self.gamma(shape + 1.0) * raised;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// From the beta distribution, off its ends by a hair.
    pub(crate) fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.gamma(a), self.gamma(b));
        (x / (x + y).max(f64::MIN_POSITIVE)).clamp(1e-12, 1.0 - 1e-9)
    }

    /// From the Poisson distribution: by products of uniform numbers where the mean is small
    /// (Knuth 1969), by the rounded normal where it is large.
    pub(crate) fn poisson(&mut self, mean: f64) -> f64 {
        if mean > 60.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0);
        }
        let end = (-mean).exp();
        let (mut count, mut product) = (0.0, self.uniform());
        while product > end {
            count += 1.0;
            product *= self.uniform();
        }
        count
    }

    /// A position, each as likely as its weight. 0 where all weights are 0.
    pub(crate) fn position(&mut self, weights: &[f64]) -> usize {
        let mut rest = self.uniform() * weights.iter().sum::<f64>();
        let reached = weights.iter().position(|weight| {
            rest -= weight;
            rest <= 0.0
        });
        reached.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean and the variance of what is drawn.
    fn check(mut draw: impl FnMut(&mut Draw) -> f64, mean: f64, variance: f64) {
        let mut source = Draw::new(7);
        let all: Vec<f64> = (0..20_000).map(|_| draw(&mut source)).collect();
        let own = all.iter().sum::<f64>() / 20_000.0;
        let spread = all.iter().map(|x| (x - own).powi(2)).sum::<f64>() / 20_000.0;
        assert!((own - mean).abs() < 5.0 * (variance / 20_000.0).sqrt(), "{own} for {mean}");
        assert!((spread / variance - 1.0).abs() < 0.1, "{spread} for {variance}");
    }

    #[test]
    fn draws_have_the_moments_of_their_distributions() {
        check(Draw::uniform, 0.5, 1.0 / 12.0);
        check(Draw::normal, 0.0, 1.0);
        check(|draw| draw.gamma(0.5), 0.5, 0.5);
        check(|draw| draw.gamma(7.0), 7.0, 7.0);
        check(|draw| draw.beta(2.0, 6.0), 0.25, 0.25 * 0.75 / 9.0);
        check(|draw| draw.poisson(3.0), 3.0, 3.0);
        check(|draw| draw.poisson(90.0), 90.0, 90.0);
        check(|draw| draw.position(&[1.0, 0.0, 3.0]) as f64, 1.5, 0.75);
    }
}
