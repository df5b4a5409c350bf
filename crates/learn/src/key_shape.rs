//! The shapes of what names a record: `BRT-#####`, `HR*****`. The backup shows them, and with
//! them a name is found in any text, also one that looks like no reference to a scanner.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A shape needs so many names that show it.
const LEAST: usize = 5;
/// Shorter names would be found in many a text by chance.
const SHORTEST: usize = 5;

/// Shapes of names: `#` stands for a digit, `*` for a capital letter or a digit, all else for
/// itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyShapes(pub Vec<String>);

impl KeyShapes {
    /// The shapes of these names.
    pub fn of<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let mut alike: BTreeMap<String, Vec<Vec<char>>> = BTreeMap::new();
        for name in names.filter(|n| n.len() >= SHORTEST && n.chars().all(is_inside)) {
            let chars: Vec<char> = name.chars().collect();
            // Names of one shape have one length, begin alike and have their marks in one place.
            let begin = chars.iter().take(2).map(|&c| if c.is_ascii_digit() { '#' } else { c });
            let marks = chars.iter().map(|c| if c.is_alphanumeric() { '.' } else { *c });
            let sketch: String = begin.chain(marks).collect();
            alike.entry(sketch).or_default().push(chars);
        }
        let shape = |names: &Vec<Vec<char>>| -> String {
            (0..names[0].len())
                .map(|i| {
                    let first = names[0][i];
                    match () {
                        () if names.iter().all(|n| n[i].is_ascii_digit()) => '#',
                        () if names.iter().all(|n| n[i] == first) => first,
                        () => '*',
                    }
                })
                .collect()
        };
        let mut shapes: Vec<String> =
            alike.values().filter(|names| names.len() >= LEAST).map(shape).collect();
        // A shape of stars alone is any word.
        shapes.retain(|s| s.chars().any(|c| c != '*'));
        shapes.sort();
        shapes.dedup();
        Self(shapes)
    }

    /// Whether a text has one of the shapes.
    pub fn fit(&self, text: &str) -> bool {
        self.0.iter().any(|shape| fits(shape, text))
    }

    /// The names in a text, as ranges of bytes.
    pub fn find(&self, text: &str) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let mut at = 0;
        for run in text.split(|c: char| !is_inside(c)) {
            let core = run.trim_matches(|c: char| !c.is_alphanumeric());
            let start =
                at + (run.len() - run.trim_start_matches(|c: char| !c.is_alphanumeric()).len());
            if self.fit(core) {
                found.push((start, start + core.len()));
            }
            at += run.len() + text[at + run.len()..].chars().next().map_or(0, char::len_utf8);
        }
        found
    }
}

fn is_inside(c: char) -> bool {
    c.is_alphanumeric() || "-/_#.".contains(c)
}

fn fits(shape: &str, word: &str) -> bool {
    shape.chars().count() == word.chars().count()
        && shape.chars().zip(word.chars()).all(|(s, c)| match s {
            '#' => c.is_ascii_digit(),
            '*' => c.is_ascii_digit() || c.is_uppercase(),
            literal => c == literal,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 10] = [
        "BRT-10213",
        "BRT-10482",
        "BRT-20001",
        "BRT-30007",
        "BRT-99999",
        "HR3W4A8",
        "HRFHDJM",
        "HR7K2M9",
        "HRAAAAA",
        "HR12345",
    ];

    #[test]
    fn names_show_their_shapes() {
        assert_eq!(KeyShapes::of(NAMES.into_iter()).0, ["BRT-#####", "HR*****"]);
    }

    #[test]
    fn a_name_is_found_wherever_it_stands() {
        let shapes = KeyShapes::of(NAMES.into_iter());
        let text = "Hire HRQQXYZ, für (BRT-55555). HRmm and BRT-1 are none.";
        let found: Vec<&str> = shapes.find(text).iter().map(|&(s, e)| &text[s..e]).collect();
        assert_eq!(found, ["HRQQXYZ", "BRT-55555"]);
    }

    #[test]
    fn few_names_show_no_shape() {
        assert_eq!(KeyShapes::of(NAMES.into_iter().take(4)), KeyShapes::default());
    }
}
