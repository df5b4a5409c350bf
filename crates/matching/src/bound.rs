use crate::cores;
use crate::look::{self, ColumnLooks, Glance, Looks};
use crate::scan::{amount, moment};
use crate::values::{Coded, each_text};
use crate::wordsets::WordSets;
use crate::{Comparison, Levels, MatchingError, Measure, Records, Values};

/// Comparisons bound to two tables, with every value prepared once: what gives the levels of
/// a pair, quickly and without allocating.
pub struct Bound {
    comparisons: Vec<Comparison>,
    columns: Vec<Prepared>,
    looks: Looks,
    left: u32,
    right: u32,
    one_table: bool,
}

enum Prepared {
    Coded(Coded),
    /// All that is known of numbers are their looks.
    Numbers,
    Words(WordSets),
}

const MISSING: i64 = i64::MIN;

/// So many pairs are looked up together.
pub(crate) const TOGETHER: usize = 256;

impl Bound {
    /// Binds comparisons to two tables, or to one of which records are compared with each
    /// other.
    pub fn new(
        left: &Records,
        right: Option<&Records>,
        comparisons: &[Comparison],
    ) -> Result<Bound, MatchingError> {
        if comparisons.len() > Levels::MOST {
            let (found, most) = (comparisons.len(), Levels::MOST);
            return Err(MatchingError::TooManyComparisons { found, most });
        }
        let all = left.len() + right.map_or(0, Records::len);
        if u32::try_from(all + 1).is_err() {
            return Err(MatchingError::TooManyRecords(all));
        }
        let prepare = |comparison: &Comparison| {
            let user = format!("comparison {}", comparison.name);
            let a = left.require(&comparison.left, &user)?;
            let b = match right {
                Some(right) => Some(right.require(&comparison.right, &user)?),
                None if comparison.left != comparison.right => {
                    Some(left.require(&comparison.right, &user)?)
                }
                None => None,
            };
            prepare(comparison, a, b)
        };
        let other = right.unwrap_or(left);
        let size = left.len().max(other.len());
        let made = cores::each(comparisons.len(), size, |c| prepare(&comparisons[c]));
        let made: Vec<_> = made.into_iter().collect::<Result<_, MatchingError>>()?;
        let (columns, looks): (Vec<Prepared>, Vec<ColumnLooks>) = made.into_iter().unzip();
        let looks = Looks::new(&looks, left.len(), other.len());
        Ok(Bound {
            columns,
            looks,
            comparisons: comparisons.to_vec(),
            left: left.len() as u32,
            right: right.unwrap_or(left).len() as u32,
            one_table: right.is_none(),
        })
    }

    /// The comparisons, in the order of their levels.
    pub fn comparisons(&self) -> &[Comparison] {
        &self.comparisons
    }

    /// How many records the tables have.
    pub fn sizes(&self) -> (u32, u32) {
        (self.left, self.right)
    }

    /// Whether records of one table are compared with each other.
    pub fn is_one_table(&self) -> bool {
        self.one_table
    }

    /// How many different pairs there are.
    pub fn pairs(&self) -> f64 {
        let (left, right) = (f64::from(self.left), f64::from(self.right));
        if self.one_table { left * (left - 1.0).max(0.0) / 2.0 } else { left * right }
    }

    /// The levels of record `i` of the left table with record `j` of the right one. Both must
    /// be there.
    pub fn levels(&self, i: u32, j: u32) -> Levels {
        let level = |comparison| match self.glance(comparison, i, j) {
            Glance::Is(level) => level,
            Glance::AtBest(_) | Glance::Open => self.level(comparison, i, j),
        };
        (0..self.columns.len()).map(level).collect()
    }

    /// Asks memory for what a glance at each pair needs, all at once.
    pub(crate) fn fetch(&self, pairs: impl Iterator<Item = (u32, u32)> + Clone) {
        self.looks.fetch(pairs.clone());
        // And how common what they share is.
        let mut all = 0;
        for (i, j) in pairs {
            let (left, right) = self.looks.pair(i, j);
            for (column, (a, b)) in self.columns.iter().zip(left.iter().zip(right)) {
                if let Prepared::Coded(coded) = column
                    && a == b
                {
                    all ^= coded.count(look::code(*a));
                }
            }
        }
        std::hint::black_box(all);
    }

    /// The levels of many pairs, of which each is found by itself in memory.
    pub(crate) fn levels_of_all(
        &self,
        pairs: &[(u32, u32)],
        mut call: impl FnMut(u32, u32, Levels),
    ) {
        for pairs in pairs.chunks(TOGETHER) {
            self.fetch(pairs.iter().copied());
            pairs.iter().for_each(|(i, j)| call(*i, *j, self.levels(*i, *j)));
        }
    }

    /// The level of one comparison.
    pub(crate) fn level(&self, comparison: usize, i: u32, j: u32) -> Option<u8> {
        let measure = self.comparisons[comparison].measure;
        let (a, b) = self.look(comparison, i, j);
        match &self.columns[comparison] {
            Prepared::Coded(coded) => {
                let (a, b) = (look::code(a), look::code(b));
                (a != 0 && b != 0).then(|| coded.level(a, b, measure))
            }
            Prepared::Numbers => numbers_level(a.cast_signed(), b.cast_signed(), measure),
            Prepared::Words(sets) => sets.level(i, j, measure),
        }
    }

    fn look(&self, comparison: usize, i: u32, j: u32) -> (u64, u64) {
        let (left, right) = self.looks.pair(i, j);
        (left[comparison], right[comparison])
    }

    /// What can be told of one comparison without comparing texts.
    pub(crate) fn glance(&self, comparison: usize, i: u32, j: u32) -> Glance {
        let (a, b) = self.look(comparison, i, j);
        self.glance_at(comparison, (i, a), (j, b))
    }

    /// The looks of two records, by comparison.
    pub(crate) fn looks(&self, i: u32, j: u32) -> (&[u64], &[u64]) {
        self.looks.pair(i, j)
    }

    /// As [`Bound::glance`], of records of which the looks are known.
    #[inline]
    pub(crate) fn glance_at(
        &self,
        comparison: usize,
        (i, a): (u32, u64),
        (j, b): (u32, u64),
    ) -> Glance {
        let measure = self.comparisons[comparison].measure;
        match measure {
            Measure::Overlap => WordSets::at_letters(a, b),
            Measure::Mentions => Glance::Is(self.level(comparison, i, j)),
            Measure::Amount | Measure::Ratio | Measure::Time | Measure::Delay => {
                Glance::Is(numbers_level(a.cast_signed(), b.cast_signed(), measure))
            }
            _ => look::at_texts(a, b, measure),
        }
    }

    /// Whether sharing a value at level 0 may be worth more or less than usual.
    pub(crate) fn may_be_rare(&self, comparison: usize) -> bool {
        let measure = self.comparisons[comparison].measure;
        matches!(self.columns[comparison], Prepared::Coded(_)) || measure == Measure::Mentions
    }

    /// How common the value is that a pair shares at level 0 of a comparison: the share of
    /// records that have it, and whether no other record does. `None` where that measure has
    /// no single shared value.
    pub(crate) fn shared(&self, comparison: usize, i: u32, j: u32) -> Option<(f64, bool)> {
        match (&self.columns[comparison], self.comparisons[comparison].measure) {
            (Prepared::Coded(_), _) => self.share_of(comparison, self.count(comparison, i)?),
            (Prepared::Words(sets), Measure::Mentions) => Some((sets.mention_share(i, j), false)),
            _ => None,
        }
    }

    /// How many records have the value of left record `i`; `None` where a measure has no single
    /// shared value.
    pub(crate) fn count(&self, comparison: usize, i: u32) -> Option<u32> {
        let Prepared::Coded(coded) = &self.columns[comparison] else { return None };
        Some(coded.count(look::code(self.looks.left(i)[comparison])))
    }

    /// [`Bound::shared`] of a value that so many records have.
    pub(crate) fn share_of(&self, comparison: usize, count: u32) -> Option<(f64, bool)> {
        let Prepared::Coded(coded) = &self.columns[comparison] else { return None };
        Some((f64::from(count) / coded.total.max(1) as f64, count <= 2))
    }

    /// The chance that two records agree exactly in a comparison, from the counts of its
    /// values, and without a record's agreement with itself. `None` as for [`Bound::shared`].
    pub(crate) fn chance_same(&self, comparison: usize) -> Option<f64> {
        let Prepared::Coded(coded) = &self.columns[comparison] else { return None };
        let own = u32::from(self.one_table);
        let (mut same, mut left, mut right) = (0.0, 0.0, 0.0);
        for (a, b) in coded.counts() {
            same += f64::from(a) * f64::from(b.saturating_sub(own));
            left += f64::from(a);
            right += f64::from(b);
        }
        let all = left * (right - f64::from(own));
        (all > 0.0).then(|| same / all)
    }
}

fn prepare(
    comparison: &Comparison,
    left: &Values,
    right: Option<&Values>,
) -> Result<(Prepared, ColumnLooks), MatchingError> {
    let is_words = |values: &Values| matches!(values, Values::Words(_));
    let sets = || {
        let sets = WordSets::new(left, right, comparison.measure);
        let (of_left, of_right) = sets.looks();
        let looks = ColumnLooks { left: of_left, right: right.map(|_| of_right) };
        (Prepared::Words(sets), looks)
    };
    match comparison.measure {
        Measure::Amount | Measure::Ratio => numbers(comparison, left, right, amount),
        Measure::Time | Measure::Delay => numbers(comparison, left, right, moment),
        Measure::Mentions => {
            let other = right.unwrap_or(left);
            if is_words(left) == is_words(other) {
                return Err(kind(comparison, left, other));
            }
            Ok(sets())
        }
        Measure::Overlap => Ok(sets()),
        measure => {
            let (coded, looks) = Coded::new(left, right, measure);
            Ok((Prepared::Coded(coded), looks))
        }
    }
}

fn kind(comparison: &Comparison, left: &Values, right: &Values) -> MatchingError {
    let comparison = comparison.name.clone();
    MatchingError::Kind { comparison, left: left.kind(), right: right.kind() }
}

fn numbers(
    comparison: &Comparison,
    left: &Values,
    right: Option<&Values>,
    read: fn(&str) -> Option<i64>,
) -> Result<(Prepared, ColumnLooks), MatchingError> {
    let look = |number: Option<i64>| number.unwrap_or(MISSING).cast_unsigned();
    let column = |values: &Values| match values {
        Values::Number(numbers) => Ok(numbers.iter().map(|number| look(*number)).collect()),
        Values::Words(_) => Err(kind(comparison, left, right.unwrap_or(left))),
        texts => {
            let mut looks = Vec::with_capacity(texts.len());
            each_text(texts, &mut |text| looks.push(look(text.and_then(read))));
            Ok(looks)
        }
    };
    let looks = ColumnLooks { left: column(left)?, right: right.map(column).transpose()? };
    Ok((Prepared::Numbers, looks))
}

fn numbers_level(a: i64, b: i64, measure: Measure) -> Option<u8> {
    (a != MISSING && b != MISSING).then(|| number_level(a, b, measure))
}

fn number_level(a: i64, b: i64, measure: Measure) -> u8 {
    let apart = a.abs_diff(b);
    match measure {
        Measure::Time => {
            const ENDS: [u64; 5] = [300, 3_600, 43_200, 86_400, 259_200];
            ENDS.iter().take_while(|end| apart > **end).count() as u8
        }
        Measure::Amount => amount_level(a, b, apart),
        Measure::Delay => {
            let days = a.div_euclid(86_400).abs_diff(b.div_euclid(86_400));
            const ENDS: [u64; 8] = [1, 2, 3, 6, 13, 20, 31, 63];
            let step = ENDS.iter().take_while(|end| days > **end).count() as u8;
            match (days, step) {
                (0, _) => 0,
                (_, 8) => 17,
                _ => 1 + step + if b > a { 0 } else { 8 },
            }
        }
        _ => {
            if apart == 0 {
                return 0;
            }
            let percent = apart as f64 * 100.0 / (a.unsigned_abs() as f64).max(1.0);
            match percent {
                percent if percent > 32.0 => 13,
                percent => 1 + percent.log2().ceil().max(0.0) as u8 + if b > a { 0 } else { 6 },
            }
        }
    }
}

fn amount_level(a: i64, b: i64, apart: u64) -> u8 {
    if apart <= 1 {
        return apart as u8;
    }
    let (small, large) =
        (a.unsigned_abs().min(b.unsigned_abs()), a.unsigned_abs().max(b.unsigned_abs()));
    let is_share = |percent: u64| {
        // Within one unit, for the share was rounded.
        (u128::from(large) * u128::from(percent)).abs_diff(u128::from(small) * 100) <= 100
    };
    if small > 1 && (a > 0) == (b > 0) && [10, 15, 20, 25, 30, 50].into_iter().any(is_share) {
        return 2;
    }
    4 - u8::from(u128::from(apart) * 20 <= u128::from(large))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(measure: Measure, left: Values, right: Values) -> Option<u8> {
        let table = |values| Records::new(vec![("x".to_owned(), values)]).unwrap();
        Comparison::of("x", measure).level(&table(left), 0, &table(right), 0).unwrap()
    }

    fn text(value: &str) -> Values {
        Values::Text(vec![Some(value.to_owned())])
    }

    fn check(measure: Measure, cases: &[(&str, &str, u8)]) {
        for (a, b, expect) in cases {
            assert_eq!(level(measure, text(a), text(b)), Some(*expect), "{a} | {b}");
            if !measure.is_directed() {
                assert_eq!(level(measure, text(b), text(a)), Some(*expect), "{b} | {a}");
            }
        }
    }

    #[test]
    fn a_missing_value_is_no_evidence() {
        assert_eq!(level(Measure::Text, text(" "), text("a")), None);
        assert_eq!(level(Measure::Overlap, text("a"), Values::Words(vec![vec![]])), None);
        assert_eq!(level(Measure::Amount, text("a"), text("1")), None);
    }

    #[test]
    fn texts() {
        check(
            Measure::Text,
            &[
                ("Zürich", "zurich ", 0),
                ("canterbury", "canterbuty", 1),
                ("martha", "marhta", 1),
                ("adelaide", "adelaid", 1),
                ("newton", "newtown park", 2),
                ("abc", "xyz", 3),
            ],
        );
        check(Measure::Exact, &[("a", "A", 0), ("a", "b", 1)]);
        check(
            Measure::Code,
            &[
                ("19570628", "19570682", 1),
                ("2621", "2261", 1),
                ("2621", "1933", 3),
                ("abcd", "abxy", 2),
            ],
        );
    }

    #[test]
    fn names() {
        check(
            Measure::Name,
            &[
                ("Ann Lee", "ann lee", 0),
                ("Lee, Ann", "Ann Lee", 1),
                ("Bob Miller", "Robert Miller", 2),
                ("A. Lee", "Ann Lee", 2),
                ("Ann Lee", "Ann Mary Lee", 2),
                ("Catherine Miller", "Catherine Muler", 3),
                ("Ann Lee", "Otto Graf", 4),
            ],
        );
    }

    #[test]
    fn addresses_and_numbers() {
        check(
            Measure::Email,
            &[
                ("a.b@x.org", "A.B@y.com", 1),
                ("a.b@x.org", "ab@x.org", 1),
                ("a@x.org", "bcd@x.org", 2),
            ],
        );
        check(
            Measure::Phone,
            &[
                ("+49 (0)151 2345678", "0151-2345678", 0),
                ("+49 151 2345678", "01512345678", 0),
                ("2345678", "0151 2345678", 0),
                ("345678", "2345678", 1),
                ("0151 2345679", "0151 2345678", 1),
            ],
        );
    }

    #[test]
    fn amounts_and_moments() {
        check(
            Measure::Amount,
            &[
                ("120.00", "120", 0),
                ("119.99", "120", 1),
                ("24", "120", 2),
                ("33.33", "111.11", 2),
                ("118", "120", 3),
                ("70", "120", 4),
                ("-24", "120", 4),
            ],
        );
        check(
            Measure::Time,
            &[
                ("2026-01-01T10:00:00Z", "2026-01-01T10:05:00Z", 0),
                ("2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z", 1),
                ("2026-01-01", "2026-01-02", 3),
                ("2026-01-01", "2026-01-05", 5),
            ],
        );
    }

    #[test]
    fn directed_differences() {
        check(
            Measure::Delay,
            &[
                ("2026-01-01", "2026-01-01", 0),
                ("2026-01-01", "2026-01-02", 1),
                ("2026-01-01", "2026-01-22", 7),
                ("2026-01-02", "2026-01-01", 9),
                ("2026-01-01", "2026-06-01", 17),
            ],
        );
        check(
            Measure::Ratio,
            &[
                ("100", "100", 0),
                ("100", "101", 1),
                ("100", "113", 5),
                ("100", "87", 11),
                ("100", "150", 13),
                ("0", "5", 13),
            ],
        );
    }

    #[test]
    fn mentions_go_both_ways() {
        let free = || Values::Words(vec![vec!["lee".into(), "ann".into(), "vw".into()]]);
        assert_eq!(level(Measure::Mentions, text("Ann Lee"), free()), Some(0));
        assert_eq!(level(Measure::Mentions, free(), text("Ann Lee")), Some(0));
        assert_eq!(level(Measure::Mentions, free(), text("Ann Miller")), Some(1));
        assert_eq!(level(Measure::Mentions, text("Otto"), free()), Some(2));
    }

    #[test]
    fn words_overlap_by_rarity() {
        let a = Values::Text(
            ["the red car", "the blue car", "the van", "the bus"]
                .map(|t| Some(t.to_owned()))
                .to_vec(),
        );
        let table = Records::new(vec![("x".to_owned(), a)]).unwrap();
        let bound = Bound::new(&table, None, &[Comparison::of("x", Measure::Overlap)]).unwrap();
        assert_eq!(bound.levels(2, 3).get(0), Some(12), "a word that all have is nothing");
        assert_eq!(bound.levels(0, 1).get(0), Some(11));
    }

    #[test]
    fn columns_that_cannot_be_compared_are_an_error() {
        let table = |values| Records::new(vec![("x".to_owned(), values)]).unwrap();
        let (a, b) = (table(text("a")), table(text("b")));
        let error = Comparison::of("x", Measure::Mentions).level(&a, 0, &b, 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "comparison x cannot compare a column of texts with one of texts; choose another measure"
        );
        let error = Comparison::of("y", Measure::Text).level(&a, 0, &b, 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "comparison y needs the column y, which is not there; there are: x"
        );
    }
}
