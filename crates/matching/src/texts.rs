use std::sync::OnceLock;

use crate::fold::{fold, is_folded};
use crate::quick::of_bytes;

/// A column of texts in one piece: no text is a piece of memory of its own, and those of
/// neighbouring records lie beside each other. An empty text is a missing one.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    all: String,
    /// By record, where its text ends.
    ends: Vec<u32>,
    /// Whether a text was left out, for all of them together are more than 4 GiB.
    overfull: bool,
    /// By record, the hash of its text, once somebody asked.
    hashes: OnceLock<Vec<u64>>,
}

impl PartialEq for Texts {
    fn eq(&self, other: &Texts) -> bool {
        self.all == other.all && self.ends == other.ends
    }
}

impl Texts {
    /// The hash of a missing text.
    pub(crate) const MISSING: u64 = 0;

    /// How many texts there are, the missing ones with them.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no text, not even a missing one.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a record; `None` where it is missing, or there is no such record.
    pub fn get(&self, record: usize) -> Option<&str> {
        let end = *self.ends.get(record)?;
        let from = record.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.all[from as usize..end as usize]).filter(|text| !text.is_empty())
    }

    /// The texts in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        let mut from = 0;
        self.ends.iter().map(move |end| {
            let text = &self.all[from as usize..*end as usize];
            from = *end;
            Some(text).filter(|text| !text.is_empty())
        })
    }

    /// Adds a text as it is.
    pub fn push(&mut self, text: &str) {
        self.hashes.take();
        match u32::try_from(self.all.len() + text.len()) {
            Ok(end) => {
                self.all.push_str(text);
                self.ends.push(end);
            }
            Err(_) => {
                self.overfull = true;
                self.ends.push(self.all.len() as u32);
            }
        }
    }

    /// Adds a text folded; one that only says that nothing is known as a missing one.
    pub(crate) fn push_folded(&mut self, text: &str) {
        match is_folded(text) {
            true => self.push_known(text),
            false => self.push_known(&fold(text)),
        }
    }

    /// Adds a text that is folded, likewise.
    pub(crate) fn push_known(&mut self, folded: &str) {
        self.push(if is_blank(folded) { "" } else { folded });
    }

    /// By record, the hash of its text: the same for the same text in any column.
    pub(crate) fn hashes(&self) -> &[u64] {
        self.hashes.get_or_init(|| {
            let mut hashes = Vec::with_capacity(self.len());
            for text in self.iter() {
                let hash = text.map_or(Self::MISSING, |text| of_bytes(text.as_bytes()).max(1));
                hashes.push(hash);
            }
            hashes
        })
    }

    pub(crate) fn is_overfull(&self) -> bool {
        self.overfull
    }
}

fn is_blank(folded: &str) -> bool {
    folded.len() <= "unknown".len()
        && matches!(folded, "" | "na" | "n/a" | "nan" | "null" | "none" | "unknown" | "?" | "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were_put() {
        let mut texts = Texts::default();
        ["Zoë", "", "x"].iter().for_each(|text| texts.push(text));
        assert_eq!([0, 1, 2, 3].map(|at| texts.get(at)), [Some("Zoë"), None, Some("x"), None]);
        assert_eq!(texts.iter().collect::<Vec<_>>(), [Some("Zoë"), None, Some("x")]);
        assert_eq!(texts.len(), 3);
    }

    #[test]
    fn folded_texts_that_tell_nothing_are_missing() {
        let mut texts = Texts::default();
        ["Zoë ", "N/A", " ? ", "unknowns"].iter().for_each(|text| texts.push_folded(text));
        assert_eq!(texts.iter().collect::<Vec<_>>(), [Some("zoe"), None, None, Some("unknowns")]);
    }
}
