use std::collections::BTreeSet;
use std::sync::Arc;

use crate::fold::fold;
use crate::{MatchingError, Texts};

/// A table of records, column by column. Texts are folded (lower case, no diacritics, single
/// blanks) once, when the table is made, and kept in one piece ([`Values::Packed`]).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Records {
    len: usize,
    columns: Vec<(String, Values)>,
}

/// The values of one column, one for each record.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Texts. An empty one is a missing one, and so is one that only says that nothing is
    /// known: `NA`, `null`, `?`.
    Text(Vec<Option<String>>),
    /// The same in one piece, as a table keeps them.
    Packed(Arc<Texts>),
    /// Amounts in minor units, or moments in seconds of the Unix epoch.
    Number(Vec<Option<i64>>),
    /// Sets of words, as of a free text. An empty one is a missing one.
    Words(Vec<Vec<String>>),
}

impl Records {
    /// A table of these columns. They have the same length and different names.
    pub fn new(columns: Vec<(String, Values)>) -> Result<Records, MatchingError> {
        let len = columns.first().map_or(0, |(_, values)| values.len());
        if u32::try_from(len).is_err() {
            return Err(MatchingError::TooManyRecords(len));
        }
        let mut names = BTreeSet::new();
        for (name, values) in &columns {
            if values.len() != len {
                let (column, found) = (name.clone(), values.len());
                return Err(MatchingError::ColumnLength { column, found, expected: len });
            }
            if !names.insert(name) {
                return Err(MatchingError::ColumnTwice(name.clone()));
            }
        }
        let columns = columns.into_iter().map(|(name, values)| (name, values.folded())).collect();
        Self::of_folded(len, columns)
    }

    /// A table of columns that are folded already.
    pub(crate) fn of_folded(
        len: usize,
        columns: Vec<(String, Values)>,
    ) -> Result<Records, MatchingError> {
        let overfull = |values: &Values| matches!(values, Values::Packed(t) if t.is_overfull());
        match columns.iter().find(|(_, values)| overfull(values)) {
            Some((name, _)) => Err(MatchingError::TooMuchText(name.clone())),
            None => Ok(Records { len, columns }),
        }
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The columns and their names, in order.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Values)> {
        self.columns.iter().map(|(name, values)| (name.as_str(), values))
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Values> {
        self.columns().find(|(known, _)| *known == name).map(|(_, values)| values)
    }

    pub(crate) fn require(&self, name: &str, user: &str) -> Result<&Values, MatchingError> {
        self.column(name).ok_or_else(|| MatchingError::NoColumn {
            user: user.to_owned(),
            column: name.to_owned(),
            known: self.columns().map(|(name, _)| name).collect::<Vec<_>>().join(", "),
        })
    }
}

impl Values {
    /// How many records the column has a place for.
    pub fn len(&self) -> usize {
        match self {
            Values::Text(values) => values.len(),
            Values::Packed(values) => values.len(),
            Values::Number(values) => values.len(),
            Values::Words(values) => values.len(),
        }
    }

    /// Whether the column has no place at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Values::Text(_) | Values::Packed(_) => "texts",
            Values::Number(_) => "numbers",
            Values::Words(_) => "words",
        }
    }

    fn folded(self) -> Values {
        match self {
            Values::Text(values) => packed(values.iter().map(Option::as_deref)),
            Values::Packed(values) => packed(values.iter()),
            Values::Number(values) => Values::Number(values),
            Values::Words(values) => Values::Words(values.into_iter().map(folded_set).collect()),
        }
    }
}

fn packed<'a>(values: impl Iterator<Item = Option<&'a str>>) -> Values {
    let mut texts = Texts::default();
    values.for_each(|value| texts.push_folded(value.unwrap_or("")));
    Values::Packed(Arc::new(texts))
}

fn folded_set(words: Vec<String>) -> Vec<String> {
    let mut set: Vec<String> = words.iter().map(|word| fold(word)).collect();
    set.retain(|word| !word.is_empty());
    set.sort_unstable();
    set.dedup();
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(values: &[&str]) -> Values {
        Values::Text(values.iter().map(|value| Some(value.to_string())).collect())
    }

    #[test]
    fn values_are_folded_and_blank_is_missing() {
        let words = Values::Words(vec![vec!["B".into(), "a".into(), "A".into()], vec![]]);
        let records =
            Records::new(vec![("name".into(), text(&["Zoë ", " "])), ("w".into(), words)]).unwrap();
        let Some(Values::Packed(names)) = records.column("name") else { unreachable!("texts") };
        assert_eq!(names.iter().collect::<Vec<_>>(), [Some("zoe"), None]);
        let expect = Values::Words(vec![vec!["a".into(), "b".into()], vec![]]);
        assert_eq!(records.column("w"), Some(&expect));
        assert_eq!(records.len(), 2);
    }

    #[test]
    fn columns_of_different_length_are_refused() {
        let columns = vec![("a".into(), text(&["x", "y"])), ("b".into(), text(&["x"]))];
        let error = Records::new(columns).unwrap_err();
        assert_eq!(
            error.to_string(),
            "column b has 1 values where the table has 2 records; give one value, or none, for each record"
        );
    }

    #[test]
    fn a_name_stands_once() {
        let columns = vec![("a".into(), text(&["x"])), ("a".into(), text(&["x"]))];
        assert_eq!(Records::new(columns), Err(MatchingError::ColumnTwice("a".into())));
    }
}
