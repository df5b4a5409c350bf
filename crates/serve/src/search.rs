//! Search over all evidence: an index of the words, built once and bounded.

use std::collections::{BTreeMap, HashMap};

use restitch_model::EvidenceId;

/// So many different words of an item are found by.
const WORDS_AN_ITEM: usize = 600;
/// So many characters of a word count.
const LONGEST_WORD: usize = 32;
/// So many entries the index has at most: about 200 MB.
const MOST_ENTRIES: usize = 40_000_000;
/// A word that begins so many others is asked for in full.
const MOST_WORDS: usize = 20_000;

/// The index.
#[derive(Default)]
pub(crate) struct Search {
    items: Vec<EvidenceId>,
    /// Of each word, the numbers of the items that hold it, ascending.
    words: BTreeMap<String, Vec<u32>>,
    entries: usize,
    /// Items of which not all words are found.
    pub(crate) cut: usize,
}

impl Search {
    /// Adds an item.
    pub(crate) fn add(&mut self, id: EvidenceId, text: &str) {
        let number = self.items.len() as u32;
        self.items.push(id);
        let mut seen: HashMap<String, ()> = HashMap::new();
        for word in words(text) {
            if seen.len() >= WORDS_AN_ITEM || self.entries >= MOST_ENTRIES {
                self.cut += 1;
                break;
            }
            if seen.insert(word.clone(), ()).is_none() {
                self.words.entry(word).or_default().push(number);
                self.entries += 1;
            }
        }
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// The items that hold words beginning with each of these, up to `most`, and how many there
    /// are in all.
    pub(crate) fn find(&self, query: &str, most: usize) -> (Vec<EvidenceId>, usize) {
        let mut found: Option<Vec<u32>> = None;
        for word in words(query) {
            let with = self.beginning(&word);
            found = Some(match found {
                None => with,
                Some(found) => {
                    found.into_iter().filter(|n| with.binary_search(n).is_ok()).collect()
                }
            });
        }
        let found = found.unwrap_or_default();
        let ids = found.iter().take(most).map(|&number| self.items[number as usize]).collect();
        (ids, found.len())
    }

    fn beginning(&self, start: &str) -> Vec<u32> {
        let range = self.words.range(start.to_owned()..);
        let with = range.take_while(|(word, _)| word.starts_with(start)).take(MOST_WORDS);
        let mut numbers: Vec<u32> = with.flat_map(|(_, numbers)| numbers).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

/// The words of a text, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(LONGEST_WORD).flat_map(char::to_lowercase).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> EvidenceId {
        EvidenceId::of(name.as_bytes())
    }

    #[test]
    fn items_are_found_by_the_beginnings_of_all_words() {
        let mut search = Search::default();
        search.add(id("a"), "Booking for Ana Pérez, ana@example.org");
        search.add(id("b"), "Booking for Otto Graf");
        assert_eq!(search.find("book", 9), (vec![id("a"), id("b")], 2));
        assert_eq!(search.find("PÉR book", 9), (vec![id("a")], 1));
        assert_eq!(search.find("ana@example", 9), (vec![id("a")], 1));
        assert_eq!(search.find("book", 1), (vec![id("a")], 2));
        for nothing in ["", " - ", "zoe", "ooking"] {
            assert_eq!(search.find(nothing, 9), (Vec::new(), 0), "{nothing}");
        }
    }

    #[test]
    fn an_endless_item_is_found_by_its_first_words_and_counted() {
        let mut search = Search::default();
        let long: String = (0..5_000).map(|n| format!("w{n} ")).collect();
        search.add(id("a"), &long);
        assert_eq!(search.find("w3", 9).1, 1);
        assert_eq!(search.find("w4999", 9).1, 0);
        assert_eq!(search.cut, 1);
    }
}
