//! Which evidence is about which row: found by the values that they share, the rare ones
//! counting most.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use restitch_facts::words::fold;
use restitch_model::{FactValue, Value};

use crate::shape::{ColumnKind, View};
use crate::source::Parts;
use crate::zones::Zones;

/// A value that stands in more rows than this share of them says little, and is not looked up.
const COMMON: f64 = 0.05;
/// How much more (in nats) the best row must share than the second.
const MARGIN: f64 = 2.0;
/// The share of one unique value's weight that must come from the table's own columns, so
/// that a returning customer's new booking is not taken for an old one.
const OWN: f64 = 0.9;

/// The values of all rows of a view, ready to be looked up.
pub struct Anchors {
    index: HashMap<String, Vec<(usize, bool)>>,
    rows: usize,
    tenants: Option<Vec<Value>>,
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
        let mut index: HashMap<String, Vec<(usize, bool)>> = HashMap::new();
        for (r, row) in view.rows.iter().enumerate() {
            let zone = zones.of_row(view, row);
            let mut tokens: BTreeMap<String, bool> = BTreeMap::new();
            for (path, value) in view.paths.iter().zip(row) {
                for token in row_tokens(value, &path.kind, &zone) {
                    *tokens.entry(token).or_default() |= path.is_own();
                }
            }
            for (token, own) in tokens {
                index.entry(token).or_default().push((r, own));
            }
        }
        let most = ((view.rows.len() as f64 * COMMON) as usize).max(20);
        index.retain(|_, rows| rows.len() <= most);
        let tenants = tenant
            .and_then(|path| view.position(path))
            .map(|p| view.rows.iter().map(|row| row[p].clone()).collect());
        Self { index, rows: view.rows.len(), tenants }
    }

    /// The row that an item is about, if one stands out. Rows of other tenants than the
    /// item's own, where that is known, do not count.
    pub fn anchor(&self, parts: &Parts, tenant: Option<&Value>) -> Option<Anchor> {
        let mut scores: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        let all = (self.rows.max(2) as f64).ln();
        let tokens: BTreeSet<String> =
            parts.sources.iter().flat_map(|s| item_tokens(&s.value)).collect();
        for token in &tokens {
            let Some(rows) = self.index.get(token) else { continue };
            let weight = all - (rows.len() as f64).ln();
            for &(row, own) in rows {
                let of_other =
                    self.tenants.as_ref().zip(tenant).is_some_and(|(t, own)| t[row] != *own);
                if !of_other {
                    let score = scores.entry(row).or_default();
                    score.0 += weight;
                    score.1 += if own { weight } else { 0.0 };
                }
            }
        }
        let mut ranked: Vec<(usize, f64, f64)> =
            scores.into_iter().map(|(r, (a, o))| (r, a, o)).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let &(row, score, own) = ranked.first()?;
        let second = ranked.get(1).map_or(0.0, |r| r.1);
        (own >= OWN * all && score - second >= MARGIN).then_some(Anchor { row, score })
    }
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
const PURE: f64 = 0.95;

impl Tenancies {
    /// Counts, over anchored items, whose rows each voice and container speaks of.
    pub fn find<'a>(anchored: impl Iterator<Item = (&'a str, &'a Parts, &'a Value)>) -> Self {
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
            if support >= 3 && support as f64 >= PURE * n as f64 {
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
        Tenancies::find(items.iter().map(|(parts, tenant)| ("mail", parts, tenant)))
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
