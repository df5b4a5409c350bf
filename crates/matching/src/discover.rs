use std::sync::Arc;

use crate::cores;
use crate::keys::KeyColumn;
use crate::profile::Profile;
use crate::{
    Blocking, By, Comparison, Key, Levels, MatchingError, Measure, Model, Records, Rule, Shape,
    Values,
};

/// Blocking may give so many candidate pairs for each record.
const PAIRS_A_RECORD: f64 = 60.0;

/// And so many in any case.
const PAIRS_AT_LEAST: f64 = 200_000.0;

/// Up to so many pairs all are looked at: no blocking is the only one that loses nothing, and so
/// few cost little.
const ALL_PAIRS: f64 = 1_000_000.0;

/// How many rules blocking has at most.
const MOST_RULES: usize = 40;

impl Model {
    /// A model found from the tables alone. Columns of one name belong together, and of the
    /// rest those that share values; how they are compared is told by what they hold. The
    /// blocking rules are the most distinctive keys and pairs and triples of keys that
    /// together give up to sixty candidates a record. Two tables are linked one to one.
    pub fn discover(left: &Records, right: Option<&Records>) -> Result<Model, MatchingError> {
        let mut columns = paired(left, right);
        columns.retain(|column| column.profile.filled > 0.0 && column.profile.distinct() > 1);
        drop_composites(&mut columns, left);
        // The emptiest and most uniform columns are the least loss.
        columns.sort_by(|a, b| b.worth().total_cmp(&a.worth()).then(a.left.cmp(&b.left)));
        columns.truncate(Levels::MOST);
        if columns.is_empty() {
            return Err(MatchingError::NothingToCompare);
        }
        let keys = keys(&columns, left, right)?;
        let shape = if right.is_some() { Shape::OneToOne } else { Shape::Many };
        Ok(Model {
            shape,
            at_least: 0.5,
            comparisons: columns.iter().map(Column::comparison).collect(),
            blocking: blocking(&keys, left, right),
            weights: None,
        })
    }
}

struct Column {
    left: String,
    right: String,
    profile: Profile,
    measure: Measure,
}

impl Column {
    fn new(left: (&str, &Values), right: (&str, &Values), one_table: bool) -> Column {
        let sides = [left.1, right.1];
        let profile = Profile::of(if one_table { &sides[..1] } else { &sides });
        let is_words = |values: &Values| matches!(values, Values::Words(_));
        let measure = match is_words(left.1) == is_words(right.1) {
            true => profile.measure(),
            false => Measure::Mentions,
        };
        Column { left: left.0.to_owned(), right: right.0.to_owned(), profile, measure }
    }

    fn comparison(&self) -> Comparison {
        let (left, right) = (self.left.clone(), self.right.clone());
        Comparison { name: left.clone(), left, right, measure: self.measure }
    }

    fn worth(&self) -> f64 {
        self.profile.filled * (self.profile.distinct() as f64).ln()
    }
}

/// The columns that belong together.
fn paired(left: &Records, right: Option<&Records>) -> Vec<Column> {
    let Some(right) = right else {
        return left.columns().map(|column| Column::new(column, column, true)).collect();
    };
    let mut pairs = Vec::new();
    let (mut lonely, mut free): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
    for (name, values) in left.columns() {
        match right.column(name) {
            Some(other) => pairs.push(Column::new((name, values), (name, other), false)),
            None => lonely.push((name, values, Profile::of(&[values]))),
        }
    }
    for (name, values) in right.columns().filter(|(name, _)| left.column(name).is_none()) {
        free.push((name, values, Profile::of(&[values])));
    }
    let mut likely: Vec<(f64, usize, usize)> = Vec::new();
    for (a, own) in lonely.iter().enumerate() {
        for (b, other) in free.iter().enumerate() {
            let share = own.2.shares(&other.2).min(other.2.shares(&own.2));
            if share > 0.02 && own.2.distinct() > 4 {
                likely.push((share, a, b));
            }
        }
    }
    likely.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    while let Some(&(_, a, b)) = likely.first() {
        let (own, other) = (&lonely[a], &free[b]);
        pairs.push(Column::new((own.0, own.1), (other.0, other.1), false));
        likely.retain(|other| other.1 != a && other.2 != b);
    }
    pairs
}

/// Leaves out columns that only repeat two others, such as a full name beside its parts: the
/// same agreement would count twice.
fn drop_composites(columns: &mut Vec<Column>, table: &Records) {
    let text = |column: &Column| match table.column(&column.left) {
        Some(Values::Packed(values)) => Some(values),
        _ => None,
    };
    let contains = |whole: &Column, part: &Column| {
        let (Some(whole), Some(part)) = (text(whole), text(part)) else { return false };
        let step = whole.len() / 2_000 + 1;
        let (mut both, mut inside) = (0, 0);
        for (whole, part) in whole.iter().zip(part.iter()).step_by(step) {
            if let (Some(whole), Some(part)) = (whole, part) {
                both += 1;
                inside += usize::from(whole.len() > part.len() && whole.contains(part));
            }
        }
        both > 20 && inside * 10 >= both * 8
    };
    let is_composite = |whole: &Column| {
        columns.iter().filter(|part| part.profile.distinct() > 20 && contains(whole, part)).count()
            > 1
    };
    let composites: Vec<String> =
        columns.iter().filter(|c| is_composite(c)).map(|c| c.left.clone()).collect();
    columns.retain(|column| !composites.contains(&column.left));
}

/// A key that blocking might use, and how many pairs agree in it.
struct Sized {
    key: Key,
    column: usize,
    pairs: f64,
}

fn keys(
    columns: &[Column],
    left: &Records,
    right: Option<&Records>,
) -> Result<Vec<Sized>, MatchingError> {
    let other = right.unwrap_or(left);
    let rare = (left.len().max(other.len()) / 400).clamp(20, 400) as u32;
    let mut keys = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let ways: &[By] = match column.measure {
            Measure::Phone => &[By::Digits],
            Measure::Text | Measure::Name => &[By::Whole, By::Sound, By::Letters(4)],
            Measure::Overlap => {
                &[By::Whole, By::Word(rare), By::Letters(2), By::Letters(3), By::Letters(6)]
            }
            Measure::Mentions => &[By::Word(rare)],
            Measure::Delay => &[By::Days(1), By::Days(4), By::Days(15)],
            Measure::Ratio => &[By::Percent(1), By::Percent(4), By::Percent(15)],
            Measure::Email => &[By::Whole, By::Letters(6)],
            _ => &[By::Whole],
        };
        let key = |by| Key { left: column.left.clone(), right: column.right.clone(), by };
        keys.extend(ways.iter().map(|by| (at, key(*by))));
    }
    let size = left.len().max(other.len());
    let pairs = cores::each(keys.len(), size, |at| pairs(&keys[at].1, left, right));
    let mut found = Vec::new();
    for ((column, key), pairs) in keys.into_iter().zip(pairs) {
        found.push(Sized { key, column, pairs: pairs? });
    }
    found.retain(|sized| sized.pairs > 0.0);
    Ok(found)
}

fn pairs(key: &Key, left: &Records, right: Option<&Records>) -> Result<f64, MatchingError> {
    let (a, b) = KeyColumn::both(left, right, key)?;
    let sorted = |column: &KeyColumn| {
        let mut hashes: Vec<u64> = column.all().collect();
        hashes.sort_unstable();
        hashes
    };
    let (a, b) = (sorted(&a), if Arc::ptr_eq(&a, &b) { None } else { Some(sorted(&b)) });
    let b = b.as_deref().unwrap_or(&a);
    let mut rest = b;
    let mut all = 0.0;
    for block in a.chunk_by(|x, y| x == y) {
        rest = &rest[rest.partition_point(|hash| *hash < block[0])..];
        let other = rest.iter().take_while(|hash| **hash == block[0]).count();
        all += block.len() as f64 * other as f64;
    }
    Ok(if right.is_some() { all } else { (all - left.len() as f64).max(0.0) / 2.0 })
}

/// Whether two records that agree in one key always agree in the other.
fn implies(finer: &Sized, coarser: &Sized) -> bool {
    finer.column == coarser.column
        && match (finer.key.by, coarser.key.by) {
            (a, b) if a == b => true,
            (By::Whole, By::Letters(_) | By::Sound) => true,
            (By::Letters(a), By::Letters(b)) => a >= b,
            (By::Days(a), By::Days(b)) => 2 * a <= b,
            (By::Percent(a), By::Percent(b)) => 2 * a <= b,
            _ => false,
        }
}

/// Takes the rules with the fewest pairs first, as far as there is room. The pairs of several
/// keys together are estimated as if they were independent; blocks have a limit of their own.
fn blocking(keys: &[Sized], left: &Records, right: Option<&Records>) -> Blocking {
    let records = left.len() as f64 + right.map_or(0, Records::len) as f64;
    let all = match right {
        Some(right) => left.len() as f64 * right.len() as f64,
        None => records * (records - 1.0) / 2.0,
    };
    if all <= ALL_PAIRS {
        let rules = vec![Rule { keys: Vec::new() }];
        return Blocking { most_pairs: 2 * ALL_PAIRS as u64, rules, split_by: Vec::new() };
    }
    let room = (PAIRS_A_RECORD * records).max(PAIRS_AT_LEAST);
    let mut rules: Vec<(f64, Vec<usize>)> = Vec::new();
    for a in 0..keys.len() {
        rules.push((keys[a].pairs, vec![a]));
        for b in a + 1..keys.len() {
            if keys[a].column == keys[b].column {
                continue;
            }
            let two = keys[a].pairs * keys[b].pairs / all.max(1.0);
            rules.push((two, vec![a, b]));
            for c in b + 1..keys.len() {
                if keys[c].column != keys[b].column {
                    rules.push((two * keys[c].pairs / all.max(1.0), vec![a, b, c]));
                }
            }
        }
    }
    // A rule of fewer keys finds all that one of more keys finds.
    rules.sort_by(|x, y| {
        (x.1.len(), x.0)
            .partial_cmp(&(y.1.len(), y.0))
            .unwrap_or(std::cmp::Ordering::Equal)
            .then_with(|| x.1.cmp(&y.1))
    });
    let mut chosen: Vec<(f64, Vec<usize>)> = Vec::new();
    let mut taken = 0.0;
    for (pairs, rule) in rules {
        let implies = |known: &Vec<usize>, by: &Vec<usize>| {
            known.iter().all(|own| by.iter().any(|other| implies(&keys[*other], &keys[*own])))
        };
        let implied = chosen.iter().any(|(_, known)| implies(known, &rule));
        if implied || pairs > room / 3.0 {
            continue;
        }
        // What a coarser rule finds too need not be looked for twice.
        let freed: f64 =
            chosen.iter().filter(|(_, known)| implies(&rule, known)).map(|(pairs, _)| pairs).sum();
        if taken - freed + pairs <= room {
            chosen.retain(|(_, known)| !implies(&rule, known));
            if chosen.len() < MOST_RULES {
                taken += pairs - freed;
                chosen.push((pairs, rule));
            }
        }
    }
    let key = |at: &usize| keys[*at].key.clone();
    let mut split: Vec<&Sized> = keys.iter().filter(|key| key.key.by == By::Whole).collect();
    split.sort_by(|a, b| a.pairs.total_cmp(&b.pairs));
    Blocking {
        most_pairs: (room / 10.0) as u64,
        rules: chosen
            .iter()
            .map(|(_, rule)| Rule { keys: rule.iter().map(key).collect() })
            .collect(),
        split_by: split.iter().take(3).map(|sized| sized.key.clone()).collect(),
    }
}
