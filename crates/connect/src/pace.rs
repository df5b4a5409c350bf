//! When the next request may go, so that a server's limit is used and never passed.

use std::collections::VecDeque;
use std::time::Duration;

/// No more than the limit goes in this time: a second, and what a network may push together.
const SPAN: Duration = Duration::from_millis(1_005);
/// The allowance rises again after so long without a refusal, a step at a time.
const CALM: Duration = Duration::from_secs(2);

/// A pace for requests that count against one limit.
///
/// Pure: it is told the time, as what has gone by since any moment that all calls share, and
/// answers when the next request may go. A server that refuses a request as one too many, though
/// the limit was kept, may have a lower limit than it says, or other clients: where more than one
/// of twenty is refused, the allowance falls by a quarter, and rises again in small steps after.
/// Fewer refusals say only that a network pushed the requests of two seconds together.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Requests a second at most; `None` for a server without a limit.
    most: Option<u32>,
    /// Requests a second at present.
    allowance: u32,
    /// When the allowance was last changed.
    changed: Duration,
    /// When requests were refused in the last seconds, since it was last lowered.
    refused: VecDeque<Duration>,
    /// What is refused before this was on its way already when the allowance was lowered.
    settled: Duration,
    /// Nothing goes before this.
    paused: Duration,
    /// When the last requests went, so many as may go in a second at most.
    went: VecDeque<Duration>,
}

impl Pace {
    /// At most so many requests a second, and at least one; `None` for as many as will go.
    pub fn new(per_second: Option<u32>) -> Self {
        let most = per_second.map(|n| n.max(1));
        Self {
            most,
            allowance: most.unwrap_or(u32::MAX),
            changed: Duration::ZERO,
            refused: VecDeque::new(),
            settled: Duration::ZERO,
            paused: Duration::ZERO,
            went: VecDeque::new(),
        }
    }

    /// Requests a second that may go at present; `None` where there is no limit.
    pub fn allowance(&self) -> Option<u32> {
        self.most.map(|_| self.allowance)
    }

    /// When the next request may go: `now`, or later.
    pub fn next(&mut self, now: Duration) -> Duration {
        let free = now.max(self.paused);
        let Some(most) = self.most else { return free };
        while self.allowance < most && now >= self.changed + CALM {
            self.allowance = most.min(self.allowance + (most / 20).max(1));
            self.changed += CALM;
        }
        let allowed = self.allowance as usize;
        // Half of the room that each has on average: a second's worth does not go as one burst.
        let apart = SPAN / self.allowance / 2;
        let after_last = self.went.back().map_or(Duration::ZERO, |&last| last + apart);
        let in_span = self.went.len().checked_sub(allowed).map(|first| self.went[first] + SPAN);
        free.max(after_last).max(in_span.unwrap_or_default())
    }

    /// A request goes.
    pub fn go(&mut self, now: Duration) {
        let Some(most) = self.most else { return };
        self.went.push_back(now);
        while self.went.len() > most as usize {
            self.went.pop_front();
        }
    }

    /// The server refused a request as one too many.
    pub fn refused(&mut self, now: Duration) {
        if self.most.is_none() || now < self.settled {
            return;
        }
        self.refused.push_back(now);
        while self.refused.front().is_some_and(|&at| at + CALM < now) {
            self.refused.pop_front();
        }
        // One of twenty, of those that went while it is calm otherwise.
        let borne = self.allowance as usize * CALM.as_secs() as usize / 20;
        if self.refused.len() > borne.max(1) {
            self.allowance = (self.allowance - self.allowance.div_ceil(4)).max(1);
            (self.changed, self.settled) = (now, now + SPAN);
            self.refused.clear();
        }
    }

    /// The server wants nothing before then.
    pub fn pause_until(&mut self, then: Duration) {
        self.paused = self.paused.max(then);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// When requests go that all wait from the beginning on.
    fn goes(pace: &mut Pace, from: Duration, count: usize) -> Vec<Duration> {
        let mut now = from;
        let mut went = Vec::new();
        for _ in 0..count {
            now = pace.next(now);
            pace.go(now);
            went.push(now);
        }
        went
    }

    #[test]
    fn no_second_holds_more_than_the_limit_and_nearly_all_of_it_is_used() {
        for limit in [1, 2, 7, 25, 100] {
            let went = goes(&mut Pace::new(Some(limit)), Duration::ZERO, 10 * limit as usize + 1);
            for (first, next) in went.iter().zip(&went[limit as usize..]) {
                assert!(*next - *first > milliseconds(1_000), "{limit}: {first:?} {next:?}");
            }
            assert!(*went.last().unwrap() <= milliseconds(10_050), "{limit}: {went:?}");
        }
    }

    #[test]
    fn requests_do_not_go_as_one_burst() {
        let went = goes(&mut Pace::new(Some(25)), Duration::ZERO, 25);
        assert!(went.windows(2).all(|pair| pair[1] - pair[0] >= milliseconds(20)));
    }

    #[test]
    fn a_few_refusals_are_borne_and_more_lower_the_allowance() {
        let mut pace = Pace::new(Some(40));
        let mut refused = |at| {
            pace.next(milliseconds(at));
            pace.refused(milliseconds(at));
            pace.allowance().unwrap()
        };
        assert_eq!([100, 200, 300, 400].map(&mut refused), [40; 4]);
        assert_eq!(refused(500), 30);
        let on_their_way = [600, 700, 800, 900, 1_000, 1_100];
        assert_eq!(on_their_way.map(&mut refused), [30; 6]);
        assert_eq!([1_600, 1_700, 1_800, 1_900].map(&mut refused), [30, 30, 30, 22]);
        assert_eq!([5_000, 9_000, 13_000].map(&mut refused), [24, 28, 32]);
        pace.next(milliseconds(60_000));
        assert_eq!(pace.allowance(), Some(40));
    }

    #[test]
    fn a_lower_limit_than_the_known_one_is_found() {
        let (mut pace, mut now, mut refused) = (Pace::new(Some(25)), Duration::ZERO, 0);
        let mut taken: VecDeque<Duration> = VecDeque::new();
        while now < Duration::from_secs(100) {
            now = pace.next(now);
            pace.go(now);
            taken.retain(|&at| at + milliseconds(1_000) > now);
            if taken.len() < 10 {
                taken.push_back(now);
            } else {
                refused += 1;
                pace.refused(now);
            }
        }
        assert!((1..100).contains(&refused), "{refused} of a thousand requests were refused");
    }

    #[test]
    fn a_pause_holds_for_every_pace_and_the_longest_counts() {
        for limit in [Some(25), None] {
            let mut pace = Pace::new(limit);
            pace.pause_until(milliseconds(700));
            pace.pause_until(milliseconds(300));
            assert_eq!(pace.next(milliseconds(100)), milliseconds(700));
        }
    }

    #[test]
    fn the_least_limit_is_one_and_no_limit_holds_nothing_up() {
        let mut slowest = Pace::new(Some(0));
        (0..9).for_each(|n| slowest.refused(Duration::from_secs(2 * n)));
        assert_eq!(slowest.allowance(), Some(1));
        let went = goes(&mut Pace::new(None), milliseconds(5), 1_000);
        assert!(went.iter().all(|&at| at == milliseconds(5)));
    }
}
