//! The history of one list, cut into slices of time that are pulled side by side.
//!
//! A page says after which object the next one begins, so that one reader of a list can never
//! be faster than the server's latency lets it. Lists can be asked for by the time at which
//! objects were made, though: what is left of a slice after a page is cut up whenever there is
//! room for more requests, the rest of a rest again, until all of it is read. Where objects lie
//! dense the cuts come to lie dense, and nobody has to know beforehand where that is.

use std::collections::BTreeMap;

use crate::lists::Page;

/// Objects appear in lists some seconds after the time that they give as their creation: the
/// last ten minutes before the newest object are read again.
pub(crate) const READ_AGAIN_SECONDS: i64 = 600;
/// Stripe has no object from before September 2010. What claims to be older is found as well,
/// since the oldest slice has no lower bound.
const FIRST_SECOND: i64 = 1_283_299_200;
/// A rest with fewer pages than this is not cut: each cut costs half a page on average.
const LEAST_PAGES: i64 = 4;

/// From which second to which, both in it; open where `None`.
pub(crate) type Span = (Option<i64>, Option<i64>);

/// What a page holds, as far as the next one depends on it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Came {
    /// When its first object was made.
    pub(crate) first: Option<i64>,
    /// When its last object was made.
    pub(crate) last: Option<i64>,
    /// When its newest and oldest object was made.
    pub(crate) newest_oldest: Option<(i64, i64)>,
    /// The id of its last object.
    pub(crate) last_id: Option<String>,
    /// Whether more follow.
    pub(crate) has_more: bool,
}

/// What to do after a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Ask for a page of each of these slices.
    Ask(Vec<u32>),
    /// The server says that more follows, and gives nothing to go on from. The slice is left.
    NoPlace,
    /// The server does not order by time or does not heed it: the list is to be read as one.
    NoTime,
}

/// The open slices of a list.
#[derive(Debug, Clone)]
pub(crate) struct Slices {
    whole: Span,
    open: BTreeMap<u32, Slice>,
    next_id: u32,
    newest: Option<i64>,
    /// Before this there is nothing, most likely.
    floor: i64,
    pages: u64,
    /// Whether the newest end is being read once more.
    is_end_reread: bool,
    /// Whether the server can be asked by time.
    is_timed: bool,
}

#[derive(Debug, Clone)]
struct Slice {
    span: Span,
    /// When the last object was made that was read of it.
    reached: Option<i64>,
    after: Option<String>,
}

impl Slice {
    fn of(span: Span) -> Self {
        Self { span, reached: None, after: None }
    }

    /// What is left of it.
    fn rest(&self) -> Span {
        (self.span.0, self.reached.or(self.span.1))
    }
}

impl Slices {
    /// A list that nothing is known of.
    pub(crate) fn of_whole(whole: Span) -> Self {
        Self::of_rest(whole, None, &[whole])
    }

    /// A list that was pulled up to the newest object, but for these rests.
    pub(crate) fn of_rest(whole: Span, newest: Option<i64>, rests: &[Span]) -> Self {
        let mut slices = Self {
            whole,
            open: BTreeMap::new(),
            next_id: 0,
            newest,
            floor: FIRST_SECOND,
            pages: 0,
            is_end_reread: false,
            is_timed: true,
        };
        if newest.is_some() {
            slices.read_end_again();
        }
        for rest in rests {
            slices.add(*rest);
        }
        slices
    }

    /// Where the account is known not to be older: fewer slices are then cut in vain.
    pub(crate) fn with_floor(mut self, floor: Option<i64>) -> Self {
        self.floor = floor.unwrap_or(self.floor).max(FIRST_SECOND);
        self
    }

    /// All slices that are still to be read.
    pub(crate) fn open(&self) -> impl Iterator<Item = u32> {
        self.open.keys().copied()
    }

    /// Whether there is nothing left to read.
    pub(crate) fn is_read(&self) -> bool {
        self.open.is_empty()
    }

    /// When the newest object was made that was seen.
    pub(crate) fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// What is left to read, for a later pull. Of a list that is read as one, all of it.
    pub(crate) fn rests(&self) -> Vec<Span> {
        match self.is_timed || self.open.is_empty() {
            true => self.open.values().map(Slice::rest).collect(),
            false => vec![self.whole],
        }
    }

    /// The page to ask for next in this slice; `None` where the slice is no more.
    pub(crate) fn page(&self, id: u32) -> Option<Page> {
        let slice = self.open.get(&id)?;
        let (since, until) = if self.is_timed { slice.span } else { (None, None) };
        Some(Page { since, until, after: slice.after.clone(), is_bare: false })
    }

    /// A page came. `wanted` is how many slices more could be read side by side.
    pub(crate) fn came(&mut self, id: u32, came: &Came, wanted: usize) -> Next {
        let Some(slice) = self.open.get_mut(&id) else { return Next::Ask(Vec::new()) };
        self.pages += 1;
        if self.is_timed && !is_in_time(slice.span, came) {
            return Next::NoTime;
        }
        self.newest = self.newest.max(came.newest_oldest.map(|(newest, _)| newest));
        if !came.has_more {
            self.open.remove(&id);
            return Next::Ask(self.read_end_again_once());
        }
        match &came.last_id {
            Some(last) if slice.after.as_ref() != Some(last) => slice.after = Some(last.clone()),
            _ => {
                slice.after = None;
                return Next::NoPlace;
            }
        }
        slice.reached = came.last.or(slice.reached);
        let mut ask = vec![id];
        if self.is_timed {
            ask.extend(self.cut(id, came, wanted));
        }
        Next::Ask(ask)
    }

    /// The object to go on after is gone: go on by time. Says whether there is a way.
    pub(crate) fn forget_place(&mut self, id: u32) -> bool {
        let Some(slice) = self.open.get_mut(&id) else { return true };
        let had_place = slice.after.take().is_some();
        if self.is_timed {
            slice.span = slice.rest();
        }
        had_place
    }

    /// The server cannot be asked by time: read the list as one, from the beginning. Says which
    /// slice that is; `None` where it is so already.
    pub(crate) fn read_as_one(&mut self) -> Option<u32> {
        if !std::mem::take(&mut self.is_timed) {
            return None;
        }
        self.open.clear();
        self.newest = None;
        Some(self.add(self.whole))
    }

    fn add(&mut self, span: Span) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        self.open.insert(id, Slice::of(span));
        id
    }

    /// Cuts the rest of a slice: it keeps the newest part, and the others are slices of their
    /// own. They share the second at which they meet, so that no object falls between them.
    fn cut(&mut self, id: u32, came: &Came, wanted: usize) -> Vec<u32> {
        let (Some(slice), Some(first), Some(last)) =
            (self.open.get_mut(&id), came.first, came.last)
        else {
            return Vec::new();
        };
        let start = slice.span.0.unwrap_or(self.floor);
        let (rest, page) = (last.saturating_sub(start), (first - last).max(1));
        let parts = (rest / page / 2).min(i64::try_from(wanted).unwrap_or(i64::MAX) + 1);
        if rest / page < LEAST_PAGES || parts < 2 {
            return Vec::new();
        }
        let edge = |n: i64| start + rest / parts * n;
        let oldest = slice.span.0.replace(edge(parts - 1));
        let below = (0..parts - 1).rev().map(|n| match n {
            0 => (oldest, Some(edge(1))),
            n => (Some(edge(n)), Some(edge(n + 1))),
        });
        below.collect::<Vec<_>>().into_iter().map(|span| self.add(span)).collect()
    }

    /// Objects were made while the list was pulled, if that took a while.
    fn read_end_again_once(&mut self) -> Vec<u32> {
        let is_long = self.is_timed && self.pages > 1 && self.open.is_empty();
        if !is_long || std::mem::replace(&mut self.is_end_reread, true) {
            return Vec::new();
        }
        self.read_end_again().into_iter().collect()
    }

    fn read_end_again(&mut self) -> Option<u32> {
        let since = self.newest?.saturating_sub(READ_AGAIN_SECONDS);
        Some(self.add((self.whole.0.max(Some(since)), self.whole.1)))
    }
}

/// Whether a page is in the order of time, the newest object first, and within its bounds.
fn is_in_time((since, until): Span, came: &Came) -> bool {
    let Some((newest, oldest)) = came.newest_oldest else { return true };
    let is_within = until.is_none_or(|until| newest <= until) && since.is_none_or(|s| oldest >= s);
    is_within && came.first >= came.last
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400;

    /// A list as Stripe keeps one: objects with their times.
    #[derive(Default)]
    struct Server(BTreeMap<(i64, u32), ()>);

    impl Server {
        fn of(times: impl IntoIterator<Item = i64>) -> Self {
            Self((0..).zip(times).map(|(n, at)| ((at, n), ())).collect())
        }

        /// The objects of a page, and what the page tells.
        fn answer(&self, page: &Page, size: usize) -> (Vec<u32>, Came) {
            let after: Option<u32> = page.after.as_ref().map(|id| id.parse().unwrap());
            let place = self.0.keys().find(|(_, n)| Some(*n) == after);
            let mut left = self.0.keys().rev().filter(|&&(at, _)| {
                page.since.is_none_or(|s| at >= s) && page.until.is_none_or(|u| at <= u)
            });
            let mut left = left.by_ref().skip_while(|key| place.is_some_and(|p| *key >= p));
            let objects: Vec<_> = left.by_ref().take(size).copied().collect();
            let time = |key: Option<&(i64, u32)>| key.map(|(at, _)| *at);
            let (first, last) = (time(objects.first()), time(objects.last()));
            let came = Came {
                first,
                last,
                newest_oldest: first.zip(last),
                last_id: objects.last().map(|(_, n)| n.to_string()),
                has_more: left.next().is_some(),
            };
            (objects.into_iter().map(|(_, n)| n).collect(), came)
        }
    }

    /// Reads one page of a slice; says which objects came.
    fn step(slices: &mut Slices, server: &Server, id: u32, wanted: usize) -> Vec<u32> {
        let page = slices.page(id).unwrap();
        let (objects, came) = server.answer(&page, 100);
        assert!(matches!(slices.came(id, &came, wanted), Next::Ask(_)));
        objects
    }

    fn first(slices: &Slices) -> Option<u32> {
        slices.open().next()
    }

    /// How many pages it takes to read all, `side_by_side` at a time, and in how many rounds.
    fn rounds(times: Vec<i64>, side_by_side: usize) -> (usize, usize) {
        let count = times.len();
        let (server, mut slices) = (Server::of(times), Slices::of_whole((None, None)));
        let (mut seen, mut pages, mut rounds) = (BTreeSet::new(), 0, 0);
        while !slices.is_read() {
            rounds += 1;
            let ids: Vec<_> = slices.open().take(side_by_side).collect();
            for id in ids {
                pages += 1;
                let wanted = side_by_side.saturating_sub(slices.open().count());
                seen.extend(step(&mut slices, &server, id, wanted));
            }
        }
        assert_eq!(seen.len(), count);
        (pages, rounds)
    }

    #[test]
    fn an_even_history_is_read_side_by_side_with_few_pages_more() {
        let year = 1_750_000_000..1_750_000_000 + 365 * DAY;
        let times: Vec<_> = year.step_by(315).collect();
        assert_eq!(times.len(), 100_115);
        let (pages, rounds) = rounds(times, 5);
        assert!(pages < 1_002 + 40 && rounds < 230, "{pages} pages in {rounds} rounds");
    }

    #[test]
    fn a_history_of_bursts_is_cut_where_it_is_dense() {
        let burst = |day: i64| (0..20_000).map(move |n| 1_600_000_000 + day * DAY + n / 20);
        let times: Vec<_> = burst(0).chain(burst(900)).chain(burst(901)).collect();
        let (pages, rounds) = rounds(times, 5);
        assert!(pages < 600 + 200 && rounds < 200, "{pages} pages in {rounds} rounds");
    }

    #[test]
    fn a_single_page_is_one_request() {
        assert_eq!(rounds(vec![1_700_000_000; 100], 5), (1, 1));
        assert_eq!(rounds(vec![], 5), (1, 1));
    }

    #[test]
    fn more_objects_in_one_second_than_a_page_holds_are_all_read() {
        // Half of it is the end, read again; the rest cuts of empty years, ever shorter ones.
        let (pages, _) = rounds(vec![1_700_000_000; 1_000], 5);
        assert!(pages < 10 + 10 + 40, "{pages} pages");
    }

    #[test]
    fn what_was_made_meanwhile_is_read_at_the_end() {
        let mut server = Server::of((0..300).map(|n| 1_700_000_000 + n));
        let mut slices = Slices::of_whole((None, None));
        step(&mut slices, &server, 0, 0);
        server.0.insert((1_700_000_400, 999), ());
        let mut seen = Vec::new();
        while let Some(id) = first(&slices) {
            seen.extend(step(&mut slices, &server, id, 0));
        }
        assert!(seen.contains(&999));
        assert_eq!((slices.newest(), slices.rests()), (Some(1_700_000_400), vec![]));
    }

    #[test]
    fn a_place_that_is_gone_is_found_again_by_time() {
        let server = Server::of((0..300).map(|n| 1_700_000_000 + n));
        let mut slices = Slices::of_whole((Some(1_600_000_000), None));
        step(&mut slices, &server, 0, 0);
        assert!(slices.forget_place(0));
        let page = slices.page(0).unwrap();
        assert_eq!((page.since, page.until), (Some(1_600_000_000), Some(1_700_000_200)));
        assert_eq!(page.after, None);
        assert!(!slices.forget_place(0), "a second refusal is not about the place");
    }

    #[test]
    fn a_server_that_does_not_heed_time_is_read_as_one() {
        let mut slices = Slices::of_whole((Some(50), None));
        let came = |first, last| Came {
            first: Some(first),
            last: Some(last),
            newest_oldest: Some((first.max(last), first.min(last))),
            last_id: Some("x".into()),
            has_more: true,
        };
        assert_eq!(slices.came(0, &came(60, 40), 0), Next::NoTime);
        assert_eq!(slices.came(0, &came(60, 70), 0), Next::NoTime);
        assert_eq!(slices.read_as_one(), Some(1));
        assert_eq!(slices.page(1), Some(Page::default()));
        assert_eq!(slices.came(1, &came(60, 40), 9), Next::Ask(vec![1]));
        assert_eq!(slices.rests(), [(Some(50), None)]);
        assert_eq!(slices.read_as_one(), None);
    }

    #[test]
    fn a_list_that_leads_nowhere_is_left() {
        let mut slices = Slices::of_whole((None, None));
        let came = Came { has_more: true, ..Came::default() };
        assert_eq!(slices.came(0, &came, 0), Next::NoPlace);
    }

    /// When objects were made: in bursts and apart.
    fn times() -> impl Strategy<Value = Vec<i64>> {
        let burst = (0i64..2_000 * DAY, 1i64..5_000, 0usize..400);
        prop::collection::vec(burst, 0..6).prop_map(|bursts| {
            let of = |(start, length, count): (i64, i64, usize)| {
                (0..count as i64).map(move |n| 1_500_000_000 + start + n * n % length)
            };
            bursts.into_iter().flat_map(of).collect()
        })
    }

    proptest! {
        #[test]
        fn nothing_is_lost_however_often_it_breaks_off(
            times in times(),
            choices in prop::collection::vec((0usize..8, 0usize..8, 0u8..20), 1..60),
        ) {
            let mut server = Server::of(times);
            let mut slices = Slices::of_whole((None, None));
            let mut seen = BTreeSet::new();
            let mut made = 1_000_000;
            let mut trouble = 0;
            for &(which, wanted, event) in choices.iter().cycle() {
                let open: Vec<_> = slices.open().collect();
                let Some(&id) = open.get(which % open.len().max(1)) else { break };
                match event {
                    0 if trouble < 20 => {
                        trouble += 1;
                        slices = Slices::of_rest((None, None), slices.newest(), &slices.rests());
                    }
                    1 if made < 1_000_050 => {
                        made += 1;
                        let newest = server.0.keys().next_back().map_or(1_700_000_000, |k| k.0);
                        server.0.insert((newest + 7, made), ());
                    }
                    2 if trouble < 20 => {
                        trouble += 1;
                        slices.forget_place(id);
                    }
                    _ => seen.extend(step(&mut slices, &server, id, wanted)),
                }
            }
            // What was made after the end was read is for the next pull.
            let mut next = Slices::of_rest((None, None), slices.newest(), &slices.rests());
            while let Some(id) = first(&next) {
                seen.extend(step(&mut next, &server, id, 3));
            }
            let all: BTreeSet<u32> = server.0.keys().map(|(_, n)| *n).collect();
            prop_assert_eq!(seen, all);
        }
    }
}
