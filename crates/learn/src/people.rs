//! Who the customer of a lost reservation is: somebody whom the backup knows, or somebody new.

use std::collections::{BTreeMap, BTreeSet};

use restitch_facts::words::fold;
use restitch_matching::{Bound, Comparison, Levels, Measure, Records, Values};
use restitch_model::{Snapshot, Value};

use crate::error::LearnError;
use crate::shape::{ColumnKind, View};

/// What is known of a person: column of the customers' table to value.
pub type Person = BTreeMap<String, Value>;

/// Agreement on one address or number and on nothing that speaks against it, or on both
/// names, is enough.
const SAME: f64 = 2.0;

/// How much more the best customer must agree than the second.
const CLEAR: f64 = 0.4;

/// Who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The customer with this key.
    Known(Value),
    /// Nobody whom the table knows.
    New,
    /// One of several customers; nothing tells which.
    Unsure,
}

/// The customers' table, ready to be searched.
pub struct People<'s> {
    view: View,
    rows: Vec<Person>,
    tenants: Vec<Option<&'s Value>>,
    comparisons: Vec<Comparison>,
    /// The one column that holds given and family name together, where there is one.
    full_name: Option<String>,
    keys: Vec<Value>,
}

impl<'s> People<'s> {
    /// Readies a table of customers. `tenant` is the table that customers refer to.
    pub fn of(snapshot: &'s Snapshot, table: &str, tenant: Option<&str>) -> Option<Self> {
        let view = View::of(snapshot, table)?;
        let own = snapshot.table(table)?;
        let key = own.schema.position(own.schema.primary_key.first()?)?;
        let tenant_at = own
            .schema
            .foreign_keys
            .iter()
            .find(|k| Some(k.table.as_str()) == tenant)
            .and_then(|k| own.schema.position(&k.column));
        let comparisons: Vec<Comparison> = (0..view.paths.len())
            .filter(|&p| view.paths[p].is_own() && view.paths[p].kind == ColumnKind::Text)
            .filter_map(|p| Some(Comparison::of(&view.paths[p].name, measure(&view, p)?)))
            .collect();
        let rows = own
            .rows
            .iter()
            .map(|row| {
                let named = own.schema.columns.iter().map(|c| c.name.clone());
                named.zip(row.iter().cloned()).collect()
            })
            .collect();
        let tenants = own.rows.iter().map(|row| tenant_at.map(|p| &row[p])).collect();
        let keys = own.rows.iter().map(|row| row[key].clone()).collect();
        let full_name = full_name(&view, &comparisons);
        Some(Self { view, rows, tenants, comparisons, full_name, keys })
    }

    /// The columns that tell who somebody is.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.comparisons.iter().map(|c| c.left.as_str())
    }

    /// Whether so much is told of somebody new that it is one person: two columns, or the whole
    /// name.
    pub fn is_somebody(&self, person: &Person) -> bool {
        let is_full = |name: &String| {
            person.get(name).and_then(Value::as_text).is_some_and(|name| name.trim().contains(' '))
        };
        self.full_name.as_ref().is_some_and(is_full)
            || self.columns().filter(|c| person.contains_key(*c)).count() >= 2
    }

    /// The customers' table seen from its rows.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Who each person asked for is. Persons of one tenant are compared with that tenant's
    /// customers only.
    pub fn find(&self, wanted: &[(Option<&Value>, Person)]) -> Result<Vec<Who>, LearnError> {
        let persons: Vec<&Person> = wanted.iter().map(|(_, p)| p).collect();
        let (left, right) =
            (self.records(&persons)?, self.records(&self.rows.iter().collect::<Vec<_>>())?);
        let bound = Bound::new(&left, Some(&right), &self.comparisons)
            .map_err(|e| LearnError::Matching(e.to_string()))?;
        let blocks = self.blocks(self.rows.iter());
        let mut found = Vec::new();
        for (w, (tenant, person)) in wanted.iter().enumerate() {
            let near: BTreeSet<usize> = self
                .tokens(person)
                .iter()
                .filter_map(|t| blocks.get(t))
                .flatten()
                .copied()
                .collect();
            let mut scored: Vec<(f64, usize)> = near
                .into_iter()
                .filter(|&r| {
                    tenant.is_none() || self.tenants[r].is_none() || self.tenants[r] == *tenant
                })
                .map(|r| (self.score(bound.levels(w as u32, r as u32)), r))
                .collect();
            scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let second = scored.get(1).map_or(0.0, |s| s.0);
            found.push(match scored.first() {
                Some(&(score, _)) if score >= SAME && score - second < CLEAR => Who::Unsure,
                Some(&(score, r)) if score >= SAME => Who::Known(self.keys[r].clone()),
                _ => Who::New,
            });
        }
        Ok(found)
    }

    /// Groups new persons who are the same, each group by the position of its first member.
    pub fn group(&self, persons: &[(Option<&Value>, Person)]) -> Result<Vec<usize>, LearnError> {
        let all: Vec<&Person> = persons.iter().map(|(_, p)| p).collect();
        let records = self.records(&all)?;
        let bound = Bound::new(&records, None, &self.comparisons)
            .map_err(|e| LearnError::Matching(e.to_string()))?;
        let mut first: Vec<usize> = (0..persons.len()).collect();
        for (_, same) in self.blocks(all.iter().copied()) {
            for (i, &b) in same.iter().enumerate() {
                for &a in &same[..i] {
                    let (low, high) = (first[a].min(first[b]), first[a].max(first[b]));
                    if low != high
                        && persons[a].0 == persons[b].0
                        && self.score(bound.levels(a as u32, b as u32)) >= SAME
                    {
                        first.iter_mut().filter(|f| **f == high).for_each(|f| *f = low);
                    }
                }
            }
        }
        Ok(first)
    }

    fn score(&self, levels: Levels) -> f64 {
        // Families share an address and a number: another name is another person.
        let is_other_name = |(c, comparison): (usize, &Comparison)| {
            comparison.measure == Measure::Name && levels.get(c).is_some_and(|level| level > 3)
        };
        if self.comparisons.iter().enumerate().any(is_other_name) {
            return 0.0;
        }
        self.comparisons
            .iter()
            .enumerate()
            .filter_map(|(c, comparison)| Some((comparison, levels.get(c)?)))
            .map(|(comparison, level)| match (comparison.measure, level) {
                (Measure::Email | Measure::Phone, 0) => 2.0,
                (Measure::Email, 1) => 1.0,
                (Measure::Email | Measure::Phone, _) => -0.5,
                // Both names in one column.
                (Measure::Name, 0 | 1) if self.full_name.as_ref() == Some(&comparison.left) => 2.0,
                (_, 0 | 1) => 1.0,
                _ => 0.5,
            })
            .sum()
    }

    fn records(&self, persons: &[&Person]) -> Result<Records, LearnError> {
        let column = |name: &str| {
            Values::Text(
                persons
                    .iter()
                    .map(|p| p.get(name).and_then(Value::as_text).map(str::to_owned))
                    .collect(),
            )
        };
        let columns = self.columns().map(|name| (name.to_owned(), column(name))).collect();
        Records::new(columns).map_err(|e| LearnError::Matching(e.to_string()))
    }

    fn tokens(&self, person: &Person) -> BTreeSet<String> {
        let text = |c: &Comparison| Some((c.measure, fold(person.get(&c.left)?.as_text()?)));
        self.comparisons
            .iter()
            .filter_map(text)
            .filter(|(_, text)| !text.is_empty())
            .map(|(measure, text)| match measure {
                Measure::Phone => {
                    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                    digits[digits.len().saturating_sub(7)..].to_owned()
                }
                _ => text,
            })
            .collect()
    }

    fn blocks<'p>(
        &self,
        persons: impl Iterator<Item = &'p Person>,
    ) -> BTreeMap<String, Vec<usize>> {
        let mut blocks: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (i, person) in persons.enumerate() {
            for token in self.tokens(person) {
                blocks.entry(token).or_default().push(i);
            }
        }
        blocks
    }
}

/// The one column whose names are mostly of two words or more: given and family name.
fn full_name(view: &View, comparisons: &[Comparison]) -> Option<String> {
    let is_full = |c: &&Comparison| {
        let Some(p) = view.position(&c.left) else { return false };
        let texts: Vec<&str> = view.rows.iter().filter_map(|row| row[p].as_text()).collect();
        c.measure == Measure::Name && most(&texts, |text| text.trim().contains(' '))
    };
    let mut full = comparisons.iter().filter(is_full);
    let (name, None) = (full.next()?, full.next()) else { return None };
    Some(name.left.clone())
}

fn measure(view: &View, path: usize) -> Option<Measure> {
    let texts: Vec<&str> = view.rows.iter().filter_map(|row| row[path].as_text()).collect();
    if texts.len() < 2 {
        return None;
    }
    // Long texts are notes, not names.
    let is_name = || most(&texts, |t| t.len() <= 30) && view.paths[path].distinct > 10;
    contact(&texts).or_else(|| is_name().then_some(Measure::Name))
}

/// How a column of addresses or of phone numbers is compared; `None` for other texts.
pub(crate) fn contact(texts: &[&str]) -> Option<Measure> {
    let digits = |t: &str| t.bytes().filter(u8::is_ascii_digit).count();
    match () {
        () if most(texts, |t| t.contains('@')) => Some(Measure::Email),
        () if most(texts, |t| digits(t) >= 7 && !t.chars().any(char::is_alphabetic)) => {
            Some(Measure::Phone)
        }
        () => None,
    }
}

fn most(texts: &[&str], is: impl Fn(&str) -> bool) -> bool {
    texts.iter().filter(|t| is(t)).count() * 10 >= texts.len() * 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{snapshot, table};

    /// Customers with names of their own, but for the last two.
    const KNOWN: [&str; 13] = [
        "1 | William | Turner | bill@turner.example",
        "2 | Ann | Lee | ann@lee.example",
        "3 | Carla | Rossi | carla@rossi.example",
        "4 | Dieter | Kunz | dieter@kunz.example",
        "5 | Emma | Novak | emma@novak.example",
        "6 | Farid | Haddad | farid@haddad.example",
        "7 | Greta | Lind | greta@lind.example",
        "8 | Hugo | Silva | hugo@silva.example",
        "9 | Ines | Costa | ines@costa.example",
        "10 | Jonas | Berg | jonas@berg.example",
        "11 | Kemal | Aydin | kemal@aydin.example",
        "12 | Luca | Moretti | luca@moretti.example",
        "13 | Luca | Moretti | lm@moretti.example",
    ];

    type Asked = (&'static str, &'static str, &'static str);

    fn with_people<T>(
        asked: &[Asked],
        then: impl Fn(&People<'_>, &[(Option<&Value>, Person)]) -> T,
    ) -> T {
        let snapshot = snapshot(vec![table("customers", "id first last email", &KNOWN)]);
        let people = People::of(&snapshot, "customers", None).unwrap();
        let person = |&(first, last, email): &Asked| -> Person {
            let columns = [("first", first), ("last", last), ("email", email)];
            let told = columns.into_iter().filter(|(_, text)| !text.is_empty());
            told.map(|(column, text)| (column.to_owned(), Value::from(text))).collect()
        };
        let wanted: Vec<_> = asked.iter().map(|asked| (None, person(asked))).collect();
        then(&people, &wanted)
    }

    fn who(first: &'static str, last: &'static str, email: &'static str) -> Who {
        let who = with_people(&[(first, last, email)], |people, wanted| people.find(wanted));
        who.unwrap().remove(0)
    }

    fn known(key: i64) -> Who {
        Who::Known(Value::Integer(key))
    }

    #[test]
    fn the_same_address_and_name_is_the_same_person() {
        assert_eq!(who("ANN", "Lee", "Ann@Lee.example"), known(2));
    }

    #[test]
    fn another_first_name_at_the_same_address_is_another_person() {
        assert_eq!(who("Tobias", "Lee", "ann@lee.example"), Who::New);
    }

    #[test]
    fn a_nickname_is_the_same_person() {
        assert_eq!(who("Bill", "Turner", "bill@turner.example"), known(1));
    }

    #[test]
    fn whom_nobody_resembles_is_new() {
        assert_eq!(who("Mona", "Weiss", "mona@weiss.example"), Who::New);
    }

    #[test]
    fn of_two_customers_who_agree_alike_neither_is_taken() {
        assert_eq!(who("Luca", "Moretti", ""), Who::Unsure);
    }

    #[test]
    fn new_persons_who_are_the_same_are_one() {
        let asked = [
            ("Mona", "Weiss", "mona@weiss.example"),
            ("Oskar", "Lund", "oskar@lund.example"),
            ("Mona", "Weiss", "mona@weiss.example"),
        ];
        let groups = with_people(&asked, |people, wanted| people.group(wanted).unwrap());
        assert_eq!(groups, [0, 1, 0]);
    }

    #[test]
    fn new_persons_of_two_tenants_are_two() {
        let one = ("Mona", "Weiss", "mona@weiss.example");
        let (north, south) = (Value::Integer(1), Value::Integer(2));
        let groups = with_people(&[one, one], |people, wanted| {
            let of = |tenant, i: usize| (Some(tenant), wanted[i].1.clone());
            people.group(&[of(&north, 0), of(&south, 1)]).unwrap()
        });
        assert_eq!(groups, [0, 1]);
    }

    #[test]
    fn a_whole_name_in_one_column_is_somebody() {
        let rows: Vec<String> = KNOWN
            .iter()
            .map(|row| {
                let cells: Vec<&str> = row.split(" | ").collect();
                format!("{} | {} {} | {}", cells[0], cells[1], cells[2], cells[3])
            })
            .collect();
        let snapshot = snapshot(vec![table("guests", "id name email", &rows)]);
        let people = People::of(&snapshot, "guests", None).unwrap();
        let named = |name: &str| Person::from([("name".to_owned(), Value::from(name))]);
        let who = |name: &str| people.find(&[(None, named(name))]).unwrap().remove(0);
        assert_eq!(who("Ann Lee"), Who::Known(2.into()));
        assert_eq!(who("Luca Moretti"), Who::Unsure);
        assert_eq!(who("Mona Berg"), Who::New);
        assert!(people.is_somebody(&named("Mona Berg")) && !people.is_somebody(&named("Mona")));
    }
}
