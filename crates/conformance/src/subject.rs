use std::collections::BTreeSet;
use std::fmt::Debug;
use std::net::SocketAddr;

use restitch_connect::{Basket, Connector, Item, PullError};
use restitch_model::{Digest, Evidence, EvidenceId, EvidenceMeta, Instant, Silent};

use crate::fault::Plan;
use crate::proxy::{FaultProxy, Speaks};
use crate::trouble::FullDisk;

/// How many places of a long pull are tried.
const PLACES: usize = 40;
/// After so many broken pulls a source counts as one that never ends.
const PULLS: usize = 60;

/// A connector with a source that is ready to be pulled.
pub struct Subject<'s> {
    /// The connector, made anew. A source that is a server is to be asked at the address that
    /// is given here; one of files is given none.
    pub connector: &'s dyn Fn(Option<SocketAddr>) -> Box<dyn Connector>,
    /// Where the server is, for a source that is one.
    pub server: Option<(SocketAddr, Speaks)>,
    /// What must never be told: passwords and keys of the source's settings.
    pub secrets: &'s [&'s str],
    /// The bytes of an item of the source that cannot be understood, but must be kept.
    pub bad_item: Option<&'s [u8]>,
}

/// What makes evidence the same evidence: kind, native id, container, time and bytes.
pub type Named = (String, String, String, Option<Instant>, Digest);

/// What a basket holds, whatever the order in which it came.
pub fn evidence(basket: &Basket) -> BTreeSet<Named> {
    let named = |item: &Item| {
        let Item { kind, native_id, container, at, bytes } = item;
        (kind.clone(), native_id.clone(), container.clone(), *at, Digest::of(bytes))
    };
    basket.items.iter().map(named).collect()
}

impl Subject<'_> {
    /// All that holds for every source.
    pub fn conforms(&self) {
        self.pulls_twice_what_it_pulls_once();
        self.goes_on_after_a_full_disk();
        self.reads_all_that_it_pulls();
        self.keeps_a_bad_item();
        if self.server.is_some() {
            self.goes_on_after_every_fault();
            self.gets_through_a_bad_line();
        }
    }

    /// The same source pulled again, from the checkpoint or from the beginning, adds nothing.
    pub fn pulls_twice_what_it_pulls_once(&self) {
        let whole = self.undisturbed();
        assert!(!whole.items.is_empty(), "there is nothing in the source to be tested with");
        let mut basket = whole_pull(self, Basket::default());
        let count = basket.items.len();
        basket = whole_pull(self, basket);
        assert_eq!(basket.items.len(), count, "a second pull added items");
        assert_eq!(evidence(&basket), evidence(&whole), "two pulls gave different evidence");
    }

    /// Wherever the disk fills up, the next pull brings the rest.
    pub fn goes_on_after_a_full_disk(&self) {
        let whole = self.undisturbed();
        for items in places(whole.items.len()) {
            let mut basket = Basket::default();
            let connector = (self.connector)(self.address());
            let mut disk = FullDisk::after(items, &mut basket);
            let ended = connector.pull(None, &mut disk, &Silent);
            if let Err(error) = ended {
                self.tells_nothing(&error.to_string());
            } else {
                assert_eq!(items, whole.items.len(), "a full disk was not noticed");
            }
            basket = whole_pull(self, basket);
            assert_eq!(
                evidence(&basket),
                evidence(&whole),
                "after a disk that was full behind {items} items"
            );
        }
    }

    /// Reading is total and gives the same again, and every kind is one that the connector
    /// says it reads.
    pub fn reads_all_that_it_pulls(&self) {
        let connector = (self.connector)(self.address());
        for item in self.undisturbed().items {
            let known = connector.kinds().iter().any(|kind| match kind.strip_suffix('.') {
                Some(_) => item.kind.starts_with(kind),
                None => item.kind == *kind,
            });
            assert!(known, "{} is none of {:?}", item.kind, connector.kinds());
            let meta = EvidenceMeta {
                id: EvidenceId::of(&item.bytes),
                source: "subject".to_owned(),
                kind: item.kind,
                native_id: item.native_id,
                container: item.container,
                at: item.at,
                fetched_at: Instant::UNIX_EPOCH,
            };
            for length in [item.bytes.len(), item.bytes.len() / 2, 1, 0] {
                let bytes = item.bytes[..length.min(item.bytes.len())].to_vec();
                let evidence = Evidence { meta: meta.clone(), bytes };
                let reading = connector.read(&evidence);
                assert_eq!(reading, connector.read(&evidence), "two readings of one item");
            }
        }
    }

    /// An item that cannot be understood is kept, and something is said of it, when it is
    /// pulled or when it is read.
    pub fn keeps_a_bad_item(&self) {
        let Some(bytes) = self.bad_item else { return };
        let basket = self.undisturbed();
        let item = basket.items.iter().find(|item| item.bytes == bytes);
        let item = item.expect("the bad item is not among the evidence");
        let meta = EvidenceMeta {
            id: EvidenceId::of(bytes),
            source: "subject".to_owned(),
            kind: item.kind.clone(),
            native_id: item.native_id.clone(),
            container: item.container.clone(),
            at: item.at,
            fetched_at: Instant::UNIX_EPOCH,
        };
        let evidence = Evidence { meta, bytes: bytes.to_vec() };
        let read = (self.connector)(self.address()).read(&evidence);
        assert!(
            !basket.remarks.is_empty() || !read.remarks.is_empty(),
            "nothing was said of the bad item"
        );
    }

    /// Whichever request fails, in whatever way: the pull gets over it, or ends, and the next
    /// brings the rest.
    pub fn goes_on_after_every_fault(&self) {
        let (server, speaks) = self.server.expect("only a server fails");
        let whole = self.undisturbed();
        let requests = self.requests();
        for fault in speaks.faults() {
            for number in places(requests).filter(|number| *number > 0) {
                let proxy = FaultProxy::start(server, speaks);
                proxy.set(Plan::One(number, *fault));
                let mut basket = Basket::default();
                let connector = (self.connector)(Some(proxy.address()));
                if let Err(error) = connector.pull(None, &mut basket, &Silent) {
                    self.tells_nothing(&error.to_string());
                }
                proxy.set(Plan::Undisturbed);
                basket.gaps.clear();
                let connector = (self.connector)(Some(proxy.address()));
                let ended = connector.pull(None, &mut basket, &Silent);
                let place = format!("request {number} of {requests} failed by {fault:?}");
                assert!(ended.is_ok(), "{place}: {ended:?}");
                assert_eq!(basket.gaps, [], "{place}: what came after has a gap");
                assert_eq!(evidence(&basket), evidence(&whole), "{place}");
            }
        }
    }

    /// Where two of a hundred answers fail in any way, pulling until it works gives what an
    /// undisturbed pull gives.
    pub fn gets_through_a_bad_line(&self) {
        let (server, speaks) = self.server.expect("only a server fails");
        let whole = self.undisturbed();
        let proxy = FaultProxy::start(server, speaks);
        let faults = speaks.faults().to_vec();
        proxy.set(Plan::Some { per_mille: 20, faults, seed: 11 });
        let mut basket = Basket::default();
        let worked = (0..PULLS).any(|_| {
            basket.gaps.clear();
            let connector = (self.connector)(Some(proxy.address()));
            let ended = connector.pull(None, &mut basket, &Silent);
            ended.is_ok() && basket.gaps.is_empty()
        });
        assert!(worked, "{PULLS} pulls over a bad line did not come to an end");
        assert_eq!(evidence(&basket), evidence(&whole), "over a bad line");
    }

    /// No secret is in what a connector shows of itself.
    pub fn shows_no_secret(&self, connector: &dyn Debug) {
        self.tells_nothing(&format!("{connector:?} {connector:#?}"));
    }

    /// How many requests an undisturbed pull makes.
    pub fn requests(&self) -> usize {
        let (server, speaks) = self.server.expect("only a server is asked");
        let proxy = FaultProxy::start(server, speaks);
        let connector = (self.connector)(Some(proxy.address()));
        let ended = connector.pull(None, &mut Basket::default(), &Silent);
        assert!(ended.is_ok(), "a pull through a proxy that does nothing: {ended:?}");
        proxy.requests()
    }

    /// What an undisturbed pull gives, and says.
    fn undisturbed(&self) -> Basket {
        let basket = whole_pull(self, Basket::default());
        assert_eq!(basket.gaps, [], "an undisturbed pull has a gap");
        for remark in &basket.remarks {
            self.tells_nothing(&remark.to_string());
        }
        basket
    }

    fn address(&self) -> Option<SocketAddr> {
        self.server.map(|(address, _)| address)
    }

    fn tells_nothing(&self, text: &str) {
        for secret in self.secrets {
            assert!(!text.contains(secret), "a secret is told");
        }
    }
}

/// Pulls into the basket to the end.
fn whole_pull(subject: &Subject<'_>, mut basket: Basket) -> Basket {
    let connector = (subject.connector)(subject.address());
    let ended: Result<(), PullError> = connector.pull(None, &mut basket, &Silent);
    assert!(ended.is_ok(), "an undisturbed pull: {ended:?}");
    basket
}

/// The numbers from 0 to the last, or [`PLACES`] of them where there are many, both ends
/// among them.
fn places(last: usize) -> impl Iterator<Item = usize> {
    let step = last.div_ceil(PLACES).max(1);
    (0..last).step_by(step).chain([last])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_all_where_there_are_few_and_spread_where_there_are_many() {
        assert_eq!(places(3).collect::<Vec<_>>(), [0, 1, 2, 3]);
        let many: Vec<_> = places(1_000).collect();
        assert_eq!((many[0], many[1], many.len()), (0, 25, 41));
        assert_eq!(many.last(), Some(&1_000));
    }

    #[test]
    #[should_panic(expected = "a secret is told")]
    fn a_secret_that_is_shown_is_found() {
        let subject = Subject {
            connector: &|_| unreachable!("it is not pulled"),
            server: None,
            secrets: &["hunter2"],
            bad_item: None,
        };
        subject.shows_no_secret(&"password: hunter2");
    }
}
