use std::time::Duration;

/// How long to wait before a request is sent again: pauses that double, with jitter, and as
/// long as the server asks for.
///
/// The clock and the dice are the caller's, so that a wait can be tested without waiting.
/// Jitter takes up to half of a pause, because clients that failed together would otherwise
/// all come back together (Brooker 2015, "Exponential Backoff and Jitter").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure.
    pub first: Duration,
    /// No pause of our own choice is longer.
    pub longest: Duration,
    /// How often a request is sent before it is given up.
    pub tries: u32,
    /// A server that asks for a longer pause than this is not waited for.
    pub patience: Duration,
}

impl Default for Backoff {
    /// Five tries within some ten seconds, and a minute's patience with what a server asks for.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(20),
            tries: 5,
            patience: Duration::from_secs(60),
        }
    }
}

impl Backoff {
    /// The pause after so many failed tries (1 after the first); `None` where the request is
    /// given up. `asked` is what the server wants (`Retry-After`), `dice` a number from 0
    /// to 1, afresh for each pause.
    pub fn pause(&self, failed: u32, asked: Option<Duration>, dice: f64) -> Option<Duration> {
        if failed >= self.tries || asked.is_some_and(|asked| asked > self.patience) {
            return None;
        }
        let doubled = 2u32.saturating_pow(failed.saturating_sub(1).min(20));
        let pause = self.first.saturating_mul(doubled).min(self.longest);
        let jittered = pause.mul_f64(1.0 - dice.clamp(0.0, 1.0) / 2.0);
        Some(asked.map_or(jittered, |asked| asked.max(jittered)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(dice: f64) -> Vec<u128> {
        let backoff = Backoff { longest: Duration::from_secs(3), ..Backoff::default() };
        (1..).map_while(|failed| backoff.pause(failed, None, dice)).map(|p| p.as_millis()).collect()
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_end_with_the_tries() {
        assert_eq!(pauses(0.0), [500, 1_000, 2_000, 3_000]);
    }

    #[test]
    fn the_dice_take_up_to_half_of_a_pause() {
        assert_eq!(pauses(1.0), [250, 500, 1_000, 1_500]);
        assert_eq!(pauses(f64::MAX), pauses(1.0));
    }

    #[test]
    fn what_the_server_asks_for_is_waited_for_within_patience() {
        let asked = |seconds| Backoff::default().pause(1, Some(Duration::from_secs(seconds)), 0.0);
        assert_eq!(asked(7), Some(Duration::from_secs(7)));
        assert_eq!(asked(0), Some(Duration::from_millis(500)));
        assert_eq!(asked(3_600), None);
    }
}
