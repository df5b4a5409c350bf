//! Which evidence is about which row: found by the values that they share, the rare ones
//! counting most.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rayon::prelude::*;
use restitch_facts::words::fold;
use restitch_model::{FactValue, Row, Value};

use crate::shape::{ColumnKind, View};
use crate::source::{Parts, Source};
use crate::zones::Zones;

/// A value that stands in more rows than this share of them says little, and is not looked up.
const COMMON: f64 = 0.05;
/// How much more (in nats) the best row must share than the second.
const MARGIN: f64 = 2.0;
/// The share of one unique value's weight that must come from the table's own columns, so
/// that a returning customer's new booking is not taken for an old one.
const OWN: f64 = 0.9;

/// A value that stands in more rows than this does not nominate them: rows that share only
/// such values with an item are too many to be told apart, and looking at all of them would
/// cost the square of their number.
const NOMINATES: usize = 100;

/// The values of all rows of a view, ready to be looked up.
pub struct Anchors {
    /// What is known of each token that is not too common.
    index: HashMap<u64, Known>,
    /// The tokens of each row, sorted; whether the table's own columns hold it.
    tokens: Vec<Vec<(u64, bool)>>,
    tenants: Option<Vec<Value>>,
}

/// A token that some rows have.
#[derive(Default)]
struct Known {
    /// What it is worth, in nats.
    weight: f64,
    /// The rows that it nominates: those that have it, or none where they are too many.
    rows: Vec<u32>,
}

/// The row that an item is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anchor {
    /// The row's position in the view.
    pub row: usize,
    /// The weight of what they share, in nats.
    pub score: f64,
}

impl Anchors {
    /// Indexes the rows. `tenant` is the path that says whom a row belongs to.
    pub fn of(view: &View, tenant: Option<&str>, zones: &Zones) -> Self {
        let all = |row: &Row| {
            let zone = zones.of_row(view, row);
            let mut tokens: BTreeMap<u64, bool> = BTreeMap::new();
            for (path, value) in view.paths.iter().zip(row) {
                for token in row_tokens(value, &path.kind, &zone) {
                    *tokens.entry(hash(&token)).or_default() |= path.is_own();
                }
            }
            tokens.into_iter().collect()
        };
        let mut tokens: Vec<Vec<(u64, bool)>> = view.rows.par_iter().map(all).collect();
        let mut held: HashMap<u64, usize> = HashMap::new();
        for &(token, _) in tokens.iter().flatten() {
            *held.entry(token).or_default() += 1;
        }
        let most = ((view.rows.len() as f64 * COMMON) as usize).max(20);
        held.retain(|_, rows| *rows <= most);
        let all = everything(view.rows.len());
        let mut index: HashMap<u64, Known> = HashMap::with_capacity(held.len());
        for (row, tokens) in tokens.iter_mut().enumerate() {
            tokens.retain(|(token, _)| held.contains_key(token));
            for (token, _) in tokens {
                let n = held[token];
                let known = index.entry(*token).or_default();
                known.weight = all - (n as f64).ln();
                if n <= NOMINATES {
                    known.rows.push(row as u32);
                }
            }
        }
        let tenants = tenant
            .and_then(|path| view.position(path))
            .map(|p| view.rows.iter().map(|row| row[p].clone()).collect());
        Self { index, tokens, tenants }
    }

    /// The row that an item is about, if one stands out. Rows of other tenants than the
    /// item's own, where that is known, do not count.
    pub fn anchor(&self, parts: &Parts, tenant: Option<&Value>) -> Option<Anchor> {
        let is_own = |row: u32| {
            let whose = self.tenants.as_ref().zip(tenant);
            whose.is_none_or(|(whose, own)| whose[row as usize] == *own)
        };
        // What all common values together can add to the score of any row.
        let mut common = 0.0;
        let mut nominated: Vec<(u32, f64)> = Vec::new();
        for token in &parts.tokens {
            let Some(known) = self.index.get(token) else { continue };
            let rows = known.rows.iter().filter(|row| is_own(**row));
            nominated.extend(rows.map(|row| (*row, known.weight)));
            common += if known.rows.is_empty() { known.weight } else { 0.0 };
        }
        nominated.sort_unstable_by_key(|(row, _)| *row);
        nominated.dedup_by(|more, row| {
            let is_same = more.0 == row.0;
            row.1 += if is_same { more.1 } else { 0.0 };
            is_same
        });
        nominated.sort_by(|a, b| b.1.total_cmp(&a.1));
        let (mut best, mut second): (Option<(u32, f64, f64)>, f64) = (None, 0.0);
        for (row, rare) in nominated {
            // Nor can any that follows be the second, or the first.
            if rare + common < second {
                break;
            }
            let (mut score, mut own) = (0.0, 0.0);
            for (token, is_own) in shared(&parts.tokens, &self.tokens[row as usize]) {
                let weight = self.index[&token].weight;
                score += weight;
                own += if is_own { weight } else { 0.0 };
            }
            match best {
                Some((_, high, _)) if score <= high => second = second.max(score),
                _ => {
                    second = best.map_or(0.0, |(_, high, _)| high);
                    best = Some((row, score, own));
                }
            }
        }
        let (row, score, own) = best?;
        let is_sure = own >= OWN * everything(self.tokens.len()) && score - second >= MARGIN;
        is_sure.then_some(Anchor { row: row as usize, score })
    }
}

/// What a value that only one of so many rows has is worth, in nats.
fn everything(rows: usize) -> f64 {
    (rows.max(2) as f64).ln()
}

/// What an item's tokens and a row's have in common; both are sorted.
fn shared<'t>(item: &'t [u64], row: &'t [(u64, bool)]) -> impl Iterator<Item = (u64, bool)> + 't {
    let mut rest = item;
    row.iter().copied().filter(move |(token, _)| {
        let skipped = rest.partition_point(|other| other < token);
        rest = &rest[skipped..];
        rest.first() == Some(token)
    })
}

/// The tokens by which an item's values are looked up, sorted, each once.
pub(crate) fn tokens(sources: &[Source]) -> Vec<u64> {
    let mut tokens: Vec<u64> =
        sources.iter().flat_map(|s| item_tokens(&s.value)).map(|t| hash(&t)).collect();
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

/// The tokens of what names something: texts, addresses and codes.
pub(crate) fn names(value: &FactValue) -> impl Iterator<Item = u64> {
    let text = match value {
        FactValue::Text(text) | FactValue::Email(text) | FactValue::Reference(text) => text,
        _ => "",
    };
    text_names(text)
}

/// The tokens of a text that names something.
pub(crate) fn text_names(text: &str) -> impl Iterator<Item = u64> + use<> {
    text_tokens(text).into_iter().map(|token| hash(&token))
}

/// A token as a number, the same in every run (FNV-1a, 64 bits).
pub(crate) fn hash(token: &str) -> u64 {
    token.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The tenant that each voice and container speaks for, by kind of evidence.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Tenancies(pub Vec<Tenancy>);

/// One voice or container that speaks for one tenant.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Tenancy {
    /// The kind of evidence.
    pub kind: String,
    /// `@voice` or `@container`.
    pub from: String,
    /// The sender, account, calendar or mailbox.
    pub text: String,
    /// The key of the tenant's row.
    pub tenant: Value,
    /// How many anchored items say so.
    pub support: u64,
}

/// A voice speaks for a tenant when this share of its anchored items is the tenant's.
pub const PURE: f64 = 0.95;
/// The same, while it is not known yet who speaks for whom, so that chance finds a row of
/// another tenant for some of its items.
pub const NEARLY_PURE: f64 = 0.75;

impl Tenancies {
    /// Counts, over anchored items, whose rows each voice and container speaks of. It speaks
    /// for a tenant when at least a share `pure` of them is his.
    pub fn find<'a>(
        anchored: impl Iterator<Item = (&'a str, &'a Parts, &'a Value)>,
        pure: f64,
    ) -> Self {
        let mut counts: BTreeMap<(String, &str, String), BTreeMap<Value, u64>> = BTreeMap::new();
        for (kind, parts, tenant) in anchored {
            for from in [crate::source::VOICE, crate::source::CONTAINER] {
                if let Some(FactValue::Text(text)) = parts.source(from).map(|s| &s.value) {
                    let key = (kind.to_owned(), from, text.clone());
                    *counts.entry(key).or_default().entry(tenant.clone()).or_default() += 1;
                }
            }
        }
        let mut found = Vec::new();
        for ((kind, from, text), tenants) in counts {
            let n: u64 = tenants.values().sum();
            let Some((tenant, &support)) = tenants.iter().max_by_key(|(_, n)| **n) else {
                continue;
            };
            if support >= 3 && support as f64 >= pure * n as f64 {
                let (from, tenant) = (from.to_owned(), tenant.clone());
                found.push(Tenancy { kind, from, text, tenant, support });
            }
        }
        Self(found)
    }

    /// Whom an item speaks for: by its voice, else by its container.
    pub fn tenant(&self, kind: &str, parts: &Parts) -> Option<&Value> {
        [crate::source::VOICE, crate::source::CONTAINER].iter().find_map(|from| {
            let FactValue::Text(text) = &parts.source(from)?.value else { return None };
            self.0
                .iter()
                .find(|t| t.kind == kind && t.from == *from && t.text == *text)
                .map(|t| &t.tenant)
        })
    }
}

/// The tokens by which values of rows and of items find each other.
fn row_tokens(value: &Value, kind: &ColumnKind, zone: &TimeZone) -> Vec<String> {
    match (kind, value) {
        (ColumnKind::Time(format), value) => {
            let Some(civil) = format.parse(value) else { return Vec::new() };
            let mut tokens = vec![minute('c', civil), format!("d{}", civil.date())];
            if format.is_utc()
                && let Ok(instant) = TimeZone::UTC.to_timestamp(civil)
            {
                let local = zone.to_datetime(instant);
                tokens.extend([
                    minute('m', civil),
                    minute('c', local),
                    format!("d{}", local.date()),
                ]);
            } else if let Ok(instant) = zone.to_timestamp(civil) {
                tokens.push(minute('m', TimeZone::UTC.to_datetime(instant)));
            }
            tokens.sort();
            tokens.dedup();
            tokens
        }
        (ColumnKind::Key, Value::Integer(n)) if *n >= 100 => vec![format!("t{n}")],
        (ColumnKind::Integer, Value::Integer(n)) if n.unsigned_abs() >= 1000 => {
            vec![format!("n{n}")]
        }
        (ColumnKind::Decimal(format), value) => {
            let minor = format.parse(value).filter(|n| n.unsigned_abs() >= 100_000);
            minor.map(|n| format!("n{}", n / 100)).into_iter().collect()
        }
        (ColumnKind::Text, Value::Text(text)) => text_tokens(text),
        (ColumnKind::Key, Value::Text(text)) => text_tokens(text),
        _ => Vec::new(),
    }
}

fn item_tokens(value: &FactValue) -> Vec<String> {
    match value {
        FactValue::Text(text)
        | FactValue::Email(text)
        | FactValue::Phone(text)
        | FactValue::Reference(text) => text_tokens(text),
        FactValue::Integer(n) if n.unsigned_abs() >= 1000 => vec![format!("n{n}"), format!("t{n}")],
        FactValue::Number(major) | FactValue::Amount { major, .. } => {
            major.rescale(2).map(|n| format!("n{n}")).into_iter().collect()
        }
        FactValue::Instant(instant) => {
            let civil = TimeZone::UTC.to_datetime(*instant);
            vec![minute('m', civil), format!("d{}", civil.date())]
        }
        FactValue::Local(local) => {
            let mut tokens = vec![minute('c', local.civil), format!("d{}", local.civil.date())];
            let instant = local.zone.as_deref().and_then(|zone| local.instant(zone));
            tokens.extend(instant.map(|i| minute('m', TimeZone::UTC.to_datetime(i))));
            tokens
        }
        FactValue::Date(date) => vec![format!("d{date}")],
        _ => Vec::new(),
    }
}

fn minute(mark: char, civil: DateTime) -> String {
    format!("{mark}{}", civil.strftime("%Y-%m-%dT%H:%M"))
}

fn text_tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    if !(3..=80).contains(&text.len()) {
        return tokens;
    }
    tokens.push(format!("t{}", fold(text)));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if letters == 0 && digits.len() >= 7 {
        tokens.push(format!("p{}", &digits[digits.len().saturating_sub(9)..]));
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{parts, snapshot, table, text};

    /// Thirty bookings, each of a guest of its own; odd ones are the second house's.
    fn anchored(sources: &[(&str, FactValue)], tenant: Option<i64>) -> Option<usize> {
        let guests: Vec<String> =
            (0..30).map(|n| format!("{n} | guest{n}@example.org | Guest Number{n}")).collect();
        let bookings: Vec<String> =
            (0..30).map(|n| format!("{n} | {} | BK-{} | {n}", n % 2, 500 + n)).collect();
        let snapshot = snapshot(vec![
            table("houses", "id name", &["0 | North", "1 | South"]),
            table("guests", "id email name", &guests),
            table("bookings", "id house>houses code guest>guests", &bookings),
        ]);
        let view = View::of(&snapshot, "bookings")?;
        let anchors = Anchors::of(&view, Some("house"), &Zones::of([&view], "UTC"));
        let tenant = tenant.map(Value::Integer);
        anchors.anchor(&parts("mail/x", sources), tenant.as_ref()).map(|a| a.row)
    }

    #[test]
    fn a_value_that_one_row_has_anchors() {
        assert_eq!(anchored(&[("code", text("bk-514"))], None), Some(14));
        assert_eq!(anchored(&[("code", text("BK-914"))], None), None);
    }

    #[test]
    fn two_rows_that_share_as_much_are_told_apart_by_nothing() {
        let sources = [("first", text("BK-514")), ("second", text("BK-515"))];
        assert_eq!(anchored(&sources, None), None);
    }

    #[test]
    fn a_returning_customers_new_booking_is_no_old_one() {
        let sources = [("to", text("guest4@example.org")), ("name", text("Guest Number4"))];
        assert_eq!(anchored(&sources, None), None);
    }

    #[test]
    fn rows_of_other_tenants_do_not_count() {
        let code = [("code", text("BK-514"))];
        assert_eq!(anchored(&code, Some(0)), Some(14));
        assert_eq!(anchored(&code, Some(1)), None);
    }

    fn tenancies(said: &[(&str, &str, i64)]) -> Tenancies {
        let items: Vec<(Parts, Value)> = said
            .iter()
            .map(|&(voice, container, tenant)| {
                let sources = [("@voice", text(voice)), ("@container", text(container))];
                (parts("mail/x", &sources), Value::Integer(tenant))
            })
            .collect();
        Tenancies::find(items.iter().map(|(parts, tenant)| ("mail", parts, tenant)), PURE)
    }

    #[test]
    fn a_voice_speaks_for_the_tenant_of_its_items() {
        let found = tenancies(&[
            ("north", "shared", 0),
            ("north", "shared", 0),
            ("north", "shared", 0),
            ("south", "shared", 1),
            ("south", "shared", 1),
            ("south", "shared", 1),
        ]);
        let of = |voice: &str| {
            let sources = [("@voice", text(voice)), ("@container", text("shared"))];
            found.tenant("mail", &parts("mail/x", &sources)).cloned()
        };
        assert_eq!(of("north"), Some(Value::Integer(0)));
        assert_eq!(of("south"), Some(Value::Integer(1)));
        assert_eq!(of("a stranger"), None, "the shared box speaks for nobody");
    }

    #[test]
    fn two_items_are_too_few_to_speak_for_a_tenant() {
        assert_eq!(tenancies(&[("north", "box", 0), ("north", "box", 0)]), Tenancies::default());
    }
}
