//! What people said of which evidence goes together. It comes after all linking, and wins.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::EvidenceId;

use crate::item::Item;
use crate::records::Group;

/// Evidence of records of one type that a person put together or took apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    /// Items of one record.
    pub together: Vec<Vec<EvidenceId>>,
    /// Items of one record, and those that were taken for the same and are of another.
    pub apart: Vec<(Vec<EvidenceId>, Vec<EvidenceId>)>,
}

impl Pins {
    /// Whether nobody said anything.
    pub fn is_empty(&self) -> bool {
        self.together.is_empty() && self.apart.is_empty()
    }

    /// Puts the groups right. `keys` are the names that an item gives its record.
    pub(crate) fn apply(
        &self,
        groups: &mut Vec<Group>,
        items: &[Item],
        keys: &dyn Fn(usize) -> BTreeSet<String>,
    ) {
        if self.is_empty() {
            return;
        }
        let at: BTreeMap<EvidenceId, usize> =
            items.iter().enumerate().map(|(at, item)| (item.evidence, at)).collect();
        let named = |ids: &[EvidenceId]| -> BTreeSet<usize> {
            ids.iter().filter_map(|id| at.get(id).copied()).collect()
        };
        let mut board = Board::of(std::mem::take(groups));
        for ids in &self.together {
            board.join(&named(ids));
        }
        for (stay, go) in &self.apart {
            board.part(&named(stay), &named(go), keys);
        }
        *groups = board.groups;
        groups.retain(|group| !group.items.is_empty());
        groups.sort_by_key(|group| group.items[0]);
    }
}

impl Pins {
    /// Takes apart persons who were taken for the same. `first` names the group of each, by its
    /// first member, and `items` its evidence: who has more of what goes than of what stays, goes.
    pub(crate) fn part_people(&self, first: &mut [usize], items: &[Vec<EvidenceId>]) {
        for (stay, go) in &self.apart {
            let of = |person: usize, ids: &[EvidenceId]| {
                items[person].iter().filter(|id| ids.contains(id)).count()
            };
            let goes: Vec<bool> = (0..first.len()).map(|p| of(p, go) > of(p, stay)).collect();
            let stays = |p: usize| !goes[p] && of(p, stay) > 0;
            let torn: BTreeSet<usize> =
                (0..first.len()).filter(|&p| stays(p)).map(|p| first[p]).collect();
            for group in torn {
                for is_going in [true, false] {
                    let side: Vec<usize> = (0..first.len())
                        .filter(|&p| first[p] == group && goes[p] == is_going)
                        .collect();
                    side.iter().for_each(|&p| first[p] = side[0]);
                }
            }
        }
    }
}

/// The groups, and in which of them each item is.
struct Board {
    groups: Vec<Group>,
    of_item: BTreeMap<usize, usize>,
}

impl Board {
    fn of(groups: Vec<Group>) -> Self {
        let members = |(g, group): (usize, &Group)| {
            group.items.iter().map(move |&item| (item, g)).collect::<Vec<_>>()
        };
        let of_item = groups.iter().enumerate().flat_map(members).collect();
        Self { groups, of_item }
    }

    fn of_items(&self, items: &BTreeSet<usize>) -> BTreeSet<usize> {
        items.iter().filter_map(|item| self.of_item.get(item).copied()).collect()
    }

    /// Makes one group of those that hold any of the items: the first that is a row's, else the
    /// first of all, takes the others in.
    fn join(&mut self, items: &BTreeSet<usize>) {
        let of = self.of_items(items);
        let into = of.iter().find(|&&g| self.groups[g].row.is_some()).or(of.first()).copied();
        let Some(into) = into.filter(|_| of.len() > 1) else { return };
        let mut whole = std::mem::take(&mut self.groups[into]);
        for &g in of.iter().filter(|g| **g != into) {
            let other = std::mem::take(&mut self.groups[g]);
            self.of_item.extend(other.items.iter().map(|&item| (item, into)));
            whole.items.extend(other.items);
            whole.keys.extend(other.keys);
            whole.tenant = whole.tenant.or(other.tenant);
            whole.notes.extend(other.notes);
            whole.lost.extend(other.lost);
            whole.perhaps.extend(other.perhaps);
        }
        whole.items.sort_unstable();
        // A person is as sure as can be.
        whole.link = 1.0;
        self.groups[into] = whole;
    }

    /// Takes the items that are of another record out of the group of those that stay.
    fn part(
        &mut self,
        stay: &BTreeSet<usize>,
        go: &BTreeSet<usize>,
        keys: &dyn Fn(usize) -> BTreeSet<String>,
    ) {
        let all = |items: &[usize]| items.iter().flat_map(|&item| keys(item)).collect();
        for g in self.of_items(go) {
            let group = &mut self.groups[g];
            if !group.items.iter().any(|item| stay.contains(item)) {
                continue;
            }
            let (gone, left): (Vec<usize>, Vec<usize>) =
                group.items.iter().partition(|item| go.contains(item));
            let tenant = group.tenant.clone();
            group.keys = all(&left);
            group.items = left;
            group.link = 1.0;
            let new = self.groups.len();
            self.of_item.extend(gone.iter().map(|&item| (item, new)));
            let (keys, link) = (all(&gone), 1.0);
            self.groups.push(Group { items: gone, keys, tenant, link, ..Group::default() });
        }
    }
}

#[cfg(test)]
mod tests {
    use restitch_model::{EvidenceMeta, Instant};

    use super::*;

    fn id(name: char) -> EvidenceId {
        EvidenceId::of(name.to_string().as_bytes())
    }

    fn ids(names: &str) -> Vec<EvidenceId> {
        names.chars().map(id).collect()
    }

    /// Groups of the items a, b, c, …, each written as its letters; and what the pins make of
    /// them.
    fn check(groups: &str, pins: &Pins, expect: &str) {
        let item = |name: char| {
            let meta = EvidenceMeta {
                id: id(name),
                source: "mail".to_owned(),
                kind: "mail".to_owned(),
                native_id: name.to_string(),
                container: "in".to_owned(),
                at: None,
                fetched_at: Instant::UNIX_EPOCH,
            };
            Item::new(&meta, Vec::new())
        };
        let items: Vec<Item> = ('a'..='f').map(item).collect();
        let at = |name: char| name as usize - 'a' as usize;
        let mut made: Vec<Group> = groups
            .split(' ')
            .map(|names| Group {
                items: names.chars().filter(char::is_ascii_lowercase).map(at).collect(),
                row: names.ends_with('R').then_some(7),
                link: 0.5,
                ..Group::default()
            })
            .collect();
        pins.apply(&mut made, &items, &|item| BTreeSet::from([format!("key={item}")]));
        let shown = |group: &Group| {
            let names = group.items.iter().map(|&item| (b'a' + item as u8) as char);
            names.chain(group.row.map(|_| 'R')).collect::<String>()
        };
        let shown: Vec<String> = made.iter().map(shown).collect();
        assert_eq!(shown.join(" "), expect);
    }

    #[test]
    fn what_a_person_puts_together_is_one_record() {
        let pins = Pins { together: vec![ids("bd")], apart: Vec::new() };
        check("ab c de f", &pins, "abde c f");
    }

    #[test]
    fn a_row_that_survived_takes_in_what_is_the_same() {
        let pins = Pins { together: vec![ids("ad")], apart: Vec::new() };
        check("ab c deR", &pins, "abdeR c");
    }

    #[test]
    fn what_a_person_takes_apart_is_two_records() {
        let pins = Pins { together: Vec::new(), apart: vec![(ids("ab"), ids("c"))] };
        check("abcR de", &pins, "abR c de");
        check("ab cd", &pins, "ab cd");
    }

    #[test]
    fn persons_whom_a_person_takes_apart_are_two() {
        let pins = Pins { together: Vec::new(), apart: vec![(ids("abc"), ids("def"))] };
        let parted = |first: &[usize], items: &[&str]| {
            let (mut first, items): (_, Vec<_>) =
                (first.to_vec(), items.iter().map(|i| ids(i)).collect());
            pins.part_people(&mut first, &items);
            first
        };
        assert_eq!(parted(&[0, 0, 2, 0], &["de", "a", "x", "bf"]), [0, 1, 2, 1]);
        assert_eq!(parted(&[0, 0, 0], &["ab", "c", "f"]), [0, 0, 2]);
        assert_eq!(parted(&[0, 1], &["ab", "f"]), [0, 1], "they are two already");
    }

    #[test]
    fn evidence_that_is_gone_pins_nothing() {
        let pins = Pins { together: vec![ids("ax")], apart: vec![(ids("x"), ids("b"))] };
        check("ab c", &pins, "ab c");
    }
}
