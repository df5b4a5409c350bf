//! What waits to be asked for, and what may go when.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use restitch_connect::Pace;

use crate::lists::Single;
use crate::transport::Limit;

/// So many answers are awaited at once, at most.
const MOST_AWAITED: usize = 96;
/// Requests a second to one endpoint, where Stripe documents no other number.
const PER_ENDPOINT: u32 = 25;
/// A list of a server without a limit is read in so many slices side by side.
const UNLIMITED: usize = 8;

/// How many requests may go in a second.
///
/// Stripe counts the requests of a platform in a second, 100 with a live key and 25 with a test
/// key, and 25 to one endpoint. Requests for connected accounts are counted along with the
/// platform's own here, since Stripe does not say that they are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In all; `None` for a server without a limit.
    pub per_second: Option<u32>,
    /// To one endpoint; `None` for a server without a limit.
    pub per_second_and_endpoint: Option<u32>,
}

impl Limits {
    /// Those that Stripe documents.
    pub fn of_stripe(is_live: bool) -> Self {
        Self::of_whole(if is_live { 100 } else { 25 })
    }

    /// So many in all, and no more of them to one endpoint than Stripe documents.
    pub fn of_whole(per_second: u32) -> Self {
        Self {
            per_second: Some(per_second),
            per_second_and_endpoint: Some(per_second.min(PER_ENDPOINT)),
        }
    }
}

/// One thing to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    /// The account, by its number.
    pub(crate) account: usize,
    /// What of it.
    pub(crate) what: What,
    /// How often it was sent and failed.
    pub(crate) failures: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// The next page of a slice of a list, both by their numbers.
    Page { list: usize, slice: u32 },
    /// A single object, or a page of a list inside of it.
    Single { single: Single, id: String, after: Option<String> },
}

impl Ask {
    pub(crate) fn new(account: usize, what: What) -> Self {
        Self { account, what, failures: 0 }
    }
}

/// The requests that wait, by endpoint, and the pace at which they go.
pub(crate) struct Queue {
    limits: Limits,
    whole: Pace,
    endpoints: BTreeMap<&'static str, Endpoint>,
    /// The endpoints, the one first that has not been asked for longest.
    turns: VecDeque<&'static str>,
    /// What must not go before a time.
    held: Vec<(Duration, &'static str, Ask)>,
    awaited: usize,
    /// How long an answer takes, smoothed.
    latency: Duration,
}

struct Endpoint {
    pace: Pace,
    waiting: VecDeque<Ask>,
    /// What waits, is held, or is under way.
    alive: usize,
}

impl Queue {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            whole: Pace::new(limits.per_second),
            endpoints: BTreeMap::new(),
            turns: VecDeque::new(),
            held: Vec::new(),
            awaited: 0,
            latency: Duration::from_millis(100),
        }
    }

    /// Asks for something after all else that waits.
    pub(crate) fn add(&mut self, endpoint: &'static str, ask: Ask) {
        let endpoint = self.endpoint(endpoint);
        endpoint.alive += 1;
        endpoint.waiting.push_back(ask);
    }

    /// Asks for something before all else: what was begun is ended first.
    pub(crate) fn add_first(&mut self, endpoint: &'static str, ask: Ask) {
        let endpoint = self.endpoint(endpoint);
        endpoint.alive += 1;
        endpoint.waiting.push_front(ask);
    }

    /// Asks again for something that failed, not before then.
    pub(crate) fn add_later(&mut self, endpoint: &'static str, ask: Ask, then: Duration) {
        self.endpoint(endpoint).alive += 1;
        self.held.push((then, endpoint, ask));
    }

    /// What may go now.
    pub(crate) fn next(&mut self, now: Duration) -> Turn {
        for n in (0..self.held.len()).rev() {
            if self.held[n].0 <= now {
                let (_, endpoint, ask) = self.held.swap_remove(n);
                self.endpoint(endpoint).waiting.push_front(ask);
            }
        }
        let mut soonest = self.held.iter().map(|(then, ..)| *then).min();
        if self.awaited >= MOST_AWAITED {
            return Turn::Wait(soonest);
        }
        let whole = self.whole.next(now);
        for turn in 0..self.turns.len() {
            let name = self.turns[turn];
            let Some(endpoint) = self.endpoints.get_mut(name) else { continue };
            if endpoint.waiting.is_empty() {
                continue;
            }
            let then = endpoint.pace.next(now).max(whole);
            if then > now {
                soonest = Some(soonest.map_or(then, |soonest| soonest.min(then)));
                continue;
            }
            if let Some(ask) = endpoint.waiting.pop_front() {
                endpoint.pace.go(now);
                self.whole.go(now);
                self.awaited += 1;
                self.turns.remove(turn);
                self.turns.push_back(name);
                return Turn::Go(name, ask);
            }
        }
        Turn::Wait(soonest)
    }

    /// The answer to a request is there, whatever it is; `None` where it was not sent after all.
    pub(crate) fn answered(&mut self, endpoint: &'static str, took: Option<Duration>) {
        self.awaited = self.awaited.saturating_sub(1);
        self.latency = (self.latency * 7 + took.unwrap_or(self.latency)) / 8;
        let endpoint = self.endpoint(endpoint);
        endpoint.alive = endpoint.alive.saturating_sub(1);
    }

    /// The server says that it was asked too often.
    pub(crate) fn refused(&mut self, endpoint: &'static str, limit: Limit, now: Duration) {
        match limit {
            Limit::Endpoint => self.endpoint(endpoint).pace.refused(now),
            Limit::Whole => self.whole.refused(now),
        }
    }

    /// The server wants no requests before then.
    pub(crate) fn pause(&mut self, endpoint: &'static str, limit: Limit, then: Duration) {
        match limit {
            Limit::Endpoint => self.endpoint(endpoint).pace.pause_until(then),
            Limit::Whole => self.whole.pause_until(then),
        }
    }

    /// How many more requests to an endpoint could be under way side by side: as many as go
    /// while one is answered, and a half more, so that a slow answer leaves no gap.
    pub(crate) fn room(&mut self, endpoint: &'static str) -> usize {
        let latency = self.latency.as_micros();
        let endpoint = self.endpoint(endpoint);
        let useful = endpoint.pace.allowance().map_or(UNLIMITED, |allowance| {
            let while_answered = u128::from(allowance) * latency * 3 / 2_000_000;
            usize::try_from(while_answered).unwrap_or(MOST_AWAITED) + 2
        });
        useful.min(MOST_AWAITED / 3).saturating_sub(endpoint.alive)
    }

    fn endpoint(&mut self, name: &'static str) -> &mut Endpoint {
        let per_second = self.limits.per_second_and_endpoint;
        let turns = &mut self.turns;
        self.endpoints.entry(name).or_insert_with(|| {
            turns.push_back(name);
            Endpoint { pace: Pace::new(per_second), waiting: VecDeque::new(), alive: 0 }
        })
    }
}

/// What [`Queue::next`] says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// This may go to this endpoint.
    Go(&'static str, Ask),
    /// Nothing may go before then; `None` where nothing waits but for answers.
    Wait(Option<Duration>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(n: u32) -> Ask {
        Ask::new(0, What::Page { list: 0, slice: n })
    }

    /// Lets everything go that waits, each answered at once, until `end`: how many went where.
    fn went(queue: &mut Queue, end: Duration) -> BTreeMap<&'static str, usize> {
        let (mut now, mut went) = (Duration::ZERO, BTreeMap::new());
        loop {
            match queue.next(now) {
                Turn::Go(endpoint, _) => {
                    *went.entry(endpoint).or_default() += 1;
                    queue.answered(endpoint, Some(Duration::from_millis(100)));
                }
                Turn::Wait(Some(then)) if then < end => now = then,
                Turn::Wait(_) => return went,
            }
        }
    }

    #[test]
    fn endpoints_share_what_the_account_may_do() {
        let mut queue = Queue::new(Limits::of_stripe(true));
        for endpoint in ["a", "b", "c", "d", "e", "f"] {
            (0..200).for_each(|n| queue.add(endpoint, ask(n)));
        }
        let went = went(&mut queue, Duration::from_secs(4));
        assert_eq!(went.values().sum::<usize>(), 400);
        assert!(went.values().all(|n| (60..=72).contains(n)), "{went:?}");
    }

    #[test]
    fn an_endpoint_alone_has_its_own_limit() {
        let mut queue = Queue::new(Limits::of_stripe(true));
        (0..200).for_each(|n| queue.add("a", ask(n)));
        assert_eq!(went(&mut queue, Duration::from_secs(4))["a"], 100);
    }

    #[test]
    fn a_pause_of_one_endpoint_does_not_hold_up_the_others() {
        let second = Duration::from_secs(1);
        let mut queue = Queue::new(Limits::of_stripe(true));
        (0..9).for_each(|n| queue.add("a", ask(n)));
        (0..9).for_each(|n| queue.add("b", ask(n)));
        queue.pause("a", Limit::Endpoint, second);
        assert_eq!(went(&mut queue, second), [("b", 9)].into());
        queue.pause("a", Limit::Whole, second * 3);
        assert_eq!(queue.next(second), Turn::Wait(Some(second * 3)));
    }

    #[test]
    fn what_failed_goes_again_at_its_time_and_first() {
        let mut queue = Queue::new(Limits { per_second: None, per_second_and_endpoint: None });
        queue.add("a", ask(1));
        queue.add_later("a", ask(2), Duration::from_secs(1));
        assert_eq!(queue.next(Duration::ZERO), Turn::Go("a", ask(1)));
        assert_eq!(queue.next(Duration::ZERO), Turn::Wait(Some(Duration::from_secs(1))));
        queue.add("a", ask(3));
        assert_eq!(queue.next(Duration::from_secs(1)), Turn::Go("a", ask(2)));
        assert_eq!(queue.next(Duration::from_secs(1)), Turn::Go("a", ask(3)));
        assert_eq!(queue.next(Duration::from_secs(1)), Turn::Wait(None));
    }

    #[test]
    fn there_is_room_for_what_goes_while_one_is_answered() {
        let mut queue = Queue::new(Limits::of_stripe(true));
        assert_eq!(queue.room("a"), 5);
        (0..100).for_each(|_| queue.answered("a", Some(Duration::from_millis(800))));
        assert!((30..=32).contains(&queue.room("a")), "{}", queue.room("a"));
        (0..31).for_each(|n| queue.add("a", ask(n)));
        assert_eq!(queue.room("a"), 0);
    }
}
