//! Rules that a person wrote. They come before those that were found, and are measured on the
//! same rows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use restitch_model::{FactValue, Value};

use crate::error::LearnError;
use crate::rule::{Plain, Read, Rule, UNMEASURED, last_digits, read, readings};
use crate::search::{Count, Pair, is_held_back};
use crate::shape::{ColumnKind, Path, View};
use crate::source::Parts;
use crate::zones::Zones;

/// A rule that a person wrote, in the pipeline or in `rules.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct ByHand {
    /// The type of the records that it is about.
    pub record_type: String,
    /// The column, or a path through references to one.
    pub column: String,
    /// The form of evidence that it reads, or the kind, for all of its forms that have such a
    /// value: `mail/booking-confirmed`, `mail`, `stripe`.
    pub of: String,
    /// The value of the item that it reads: see [`crate::source::Source`].
    pub from: String,
    /// What it makes of it; where left out, what fits the rows best.
    pub read: Option<Read>,
    /// Whether it stands in `rules.toml`, where it is to stay.
    pub pinned: bool,
}

impl ByHand {
    /// Whether it is about items of this form.
    pub fn is_about(&self, form: &str) -> bool {
        let rest = form.strip_prefix(self.of.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
    }
}

/// The rules by hand of one record type as rules for each form that they are about, with how
/// often they gave the value of the row that an item was anchored to.
///
/// A rule without a row that could measure it has a support of 0, and an accuracy of
/// [`UNMEASURED`].
pub fn measured<'r>(
    view: &View,
    parts: &[Parts],
    pairs: &[Pair],
    zones: &Zones,
    rules: impl IntoIterator<Item = &'r ByHand>,
) -> Result<Vec<Rule>, LearnError> {
    let mut rules = rules.into_iter().peekable();
    if rules.peek().is_none() {
        return Ok(Vec::new());
    }
    let mut forms: BTreeMap<&str, Form<'_>> = BTreeMap::new();
    for parts in parts {
        forms.entry(&parts.form).or_default().items.push(parts);
    }
    for pair in pairs {
        let zone = zones.of_row(view, &view.rows[pair.row]);
        let form = forms.entry(&parts[pair.item].form).or_default();
        form.pairs.push((&parts[pair.item], pair.row, zone));
    }
    let mut found = Vec::new();
    for rule in rules {
        let p = view.position(&rule.column).ok_or_else(|| no_column(view, rule))?;
        let is_told = |form: &Form<'_>| form.items.iter().any(|i| i.source(&rule.from).is_some());
        for (form, items) in forms.iter().filter(|(form, _)| rule.is_about(form)) {
            if is_told(items) || rule.of == *form {
                let how = rule.read.clone();
                let how = how.unwrap_or_else(|| items.reading(view, p, &rule.from, zones));
                found.push(items.rule(view, p, rule, how, form));
            }
        }
        if rule.pinned && !forms.contains_key(rule.of.as_str()) {
            // Its form has no items any more: it is kept all the same.
            let how = rule.read.clone().unwrap_or(Read::Same);
            found.push(Form::default().rule(view, p, rule, how, &rule.of));
        }
    }
    Ok(found)
}

/// Puts rules by hand before those that were found, by column and form. What they find nothing
/// for is left to the others.
pub fn put_first(rules: &mut Vec<Rule>, by_hand: Vec<Rule>) {
    let place = |r: &Rule| (r.column.clone(), r.form.clone(), r.from.clone(), r.read.clone());
    let mut seen = BTreeSet::new();
    rules.splice(0..0, by_hand);
    rules.retain(|rule| seen.insert(place(rule)));
    rules.sort_by(|a, b| (&a.column, &a.form).cmp(&(&b.column, &b.form)));
}

/// What a reading of a value gives, and whether the row has it; `None` where it gives nothing.
pub(crate) fn judge(
    how: &Read,
    value: &FactValue,
    zone: &TimeZone,
    path: &Path,
    truth: &Value,
) -> Option<(Value, bool)> {
    let given = read(how, value, zone, &path.kind).filter(|given| path.admits(given))?;
    let is_right = match (how, &path.kind) {
        (Read::Near { within_minutes, .. }, ColumnKind::Time(format)) => {
            let apart = format.parse(&given).zip(format.parse(truth)).map(|(a, b)| {
                let seconds = a.duration_since(b).as_secs().abs();
                (seconds + 59) / 60
            });
            apart.is_some_and(|minutes| minutes <= *within_minutes)
        }
        (Read::Digits, _) => {
            let digits = |value: &Value| value.as_text().and_then(last_digits);
            digits(&given).is_some() && digits(&given) == digits(truth)
        }
        (_, kind) => {
            let plain = |value| Plain::of(value, kind);
            given == *truth || plain(&given).is_some_and(|given| plain(truth) == Some(given))
        }
    };
    Some((given, is_right))
}

/// The items of one form, and those of them whose row is known.
#[derive(Default)]
struct Form<'p> {
    items: Vec<&'p Parts>,
    pairs: Vec<(&'p Parts, usize, TimeZone)>,
}

impl Form<'_> {
    fn rule(&self, view: &View, p: usize, rule: &ByHand, read: Read, form: &str) -> Rule {
        let count = self.count(view, p, &rule.from, &read);
        let measured = count.measured();
        Rule {
            column: rule.column.clone(),
            form: form.to_owned(),
            from: rule.from.clone(),
            read,
            support: count.both().n,
            accuracy: measured.rate().unwrap_or(UNMEASURED),
            measured_on: measured.n,
            pinned: rule.pinned,
            kin: None,
        }
    }

    fn count(&self, view: &View, p: usize, from: &str, how: &Read) -> Count {
        let mut count = Count::default();
        for (parts, row, zone) in &self.pairs {
            let judged = parts.source(from).and_then(|source| {
                judge(how, &source.value, zone, &view.paths[p], &view.rows[*row][p])
            });
            if let Some((_, is_right)) = judged {
                count.add(is_held_back(*row), is_right);
            }
        }
        count
    }

    /// The reading that fits the rows best; where none does, the simplest that gives a value of
    /// the column's kind for the most items.
    fn reading(&self, view: &View, p: usize, from: &str, zones: &Zones) -> Read {
        let zone = zones.named(None);
        let mut gives: BTreeMap<Read, u64> = BTreeMap::new();
        for source in self.items.iter().filter_map(|parts| parts.source(from)) {
            let mut seen: Vec<Read> = Vec::new();
            for (how, plain) in readings(&source.value, &zone) {
                let is_value = plain.value(&view.paths[p].kind).is_some();
                if is_value && !seen.contains(&how) {
                    *gives.entry(how.clone()).or_default() += 1;
                    seen.push(how);
                }
            }
        }
        let hits = |how: &Read| self.count(view, p, from, how).found.hits;
        let best = gives.into_iter().map(|(how, n)| (hits(&how), n, how));
        // Among equals the simplest, which comes first in the order of readings.
        let best = best.max_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(b.2.cmp(&a.2)));
        best.map_or(Read::Same, |(_, _, how)| how)
    }
}

fn no_column(view: &View, rule: &ByHand) -> LearnError {
    LearnError::NoColumn {
        record_type: rule.record_type.clone(),
        table: view.table.clone(),
        column: rule.column.clone(),
        nearest: nearest(view, &rule.column),
    }
}

/// A name of so many other letters is another name, not a mistyped one.
const MISTYPED: usize = 3;

/// What a column that is not there could have been meant for.
pub fn nearest(view: &View, column: &str) -> String {
    let near = |name: &str| strsim::damerau_levenshtein(column, name);
    let meant = view.paths.iter().map(|p| (near(&p.name), p.name.as_str())).min();
    match meant.filter(|(letters, _)| *letters <= MISTYPED) {
        Some((_, name)) => format!("did you mean {name:?}?"),
        None => {
            let own = view.paths.iter().filter(|p| p.is_own()).map(|p| p.name.as_str());
            format!("it has {}", own.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{parts, snapshot, table, text};

    /// Forty bookings with a mail each, of two forms, that names the room under `room` and
    /// somewhat wrongly under `hint`.
    fn rules_of(by_hand: &[ByHand], is_anchored: bool) -> Result<Vec<Rule>, LearnError> {
        let rows: Vec<String> = (0..40).map(|n| format!("{n} | R{n}")).collect();
        let snapshot = snapshot(vec![table("bookings", "id room", &rows)]);
        let view = View::of(&snapshot, "bookings").unwrap();
        let mail = |n: usize| {
            let form = ["mail/confirmed", "mail/changed"][n % 2];
            let hint = if n.is_multiple_of(4) { "none".to_owned() } else { format!("r{n}") };
            parts(form, &[("room", text(&format!("R{n}"))), ("hint", text(&hint))])
        };
        let mails: Vec<Parts> = (0..40).map(mail).collect();
        let pairs: Vec<Pair> = (0..40).map(|n| Pair { item: n, row: n }).collect();
        let pairs = if is_anchored { &pairs[..] } else { &[] };
        measured(&view, &mails, pairs, &Zones::of([], "UTC"), by_hand)
    }

    fn by_hand(of: &str, from: &str) -> ByHand {
        ByHand {
            record_type: "reservation".to_owned(),
            column: "room".to_owned(),
            of: of.to_owned(),
            from: from.to_owned(),
            read: None,
            pinned: false,
        }
    }

    fn shown(rules: Result<Vec<Rule>, LearnError>) -> Vec<String> {
        let shown = |r: Rule| {
            format!(
                "{} {} {:?} {:.2} of {}/{}",
                r.form, r.from, r.read, r.accuracy, r.measured_on, r.support
            )
        };
        rules.unwrap().into_iter().map(shown).collect()
    }

    #[test]
    fn a_rule_for_a_kind_is_one_for_each_of_its_forms() {
        assert_eq!(
            shown(rules_of(&[by_hand("mail", "room")], true)),
            ["mail/changed room Same 1.00 of 20/20", "mail/confirmed room Same 1.00 of 20/20"]
        );
        assert_eq!(shown(rules_of(&[by_hand("mai", "room")], true)), [""; 0]);
    }

    #[test]
    fn a_rule_that_is_often_wrong_is_measured_as_such_and_reads_as_fits_best() {
        assert_eq!(
            shown(rules_of(&[by_hand("mail/confirmed", "hint")], true)),
            ["mail/confirmed hint Upper 0.50 of 20/20"]
        );
    }

    #[test]
    fn without_an_overlap_nothing_is_measured_and_the_rule_serves() {
        assert_eq!(
            shown(rules_of(&[by_hand("mail/changed", "room")], false)),
            ["mail/changed room Same 0.90 of 0/0"]
        );
    }

    #[test]
    fn a_pinned_rule_stays_when_nothing_of_its_form_is_left() {
        let pinned = ByHand { pinned: true, ..by_hand("mail/old", "room") };
        assert_eq!(shown(rules_of(&[pinned], true)), ["mail/old room Same 0.90 of 0/0"]);
        assert_eq!(shown(rules_of(&[by_hand("mail/old", "room")], true)), [""; 0]);
    }

    #[test]
    fn a_column_that_is_not_there_is_answered_with_the_nearest() {
        let wrong = ByHand { column: "rom".to_owned(), ..by_hand("mail", "room") };
        assert_eq!(
            rules_of(&[wrong], true).unwrap_err().to_string(),
            "a rule by hand fills \"rom\" of reservation, and bookings has no such column; \
             did you mean \"room\"?"
        );
    }

    #[test]
    fn rules_by_hand_come_first_and_no_rule_stands_twice() {
        let rule = |column: &str, from: &str| Rule {
            column: column.to_owned(),
            ..Form::default().rule(
                &View::of(&snapshot(vec![table("b", "id", &["1"])]), "b").unwrap(),
                0,
                &by_hand("mail", from),
                Read::Same,
                "mail",
            )
        };
        let mut rules = vec![rule("a", "x"), rule("b", "x"), rule("b", "y")];
        put_first(&mut rules, vec![rule("b", "z"), rule("b", "y")]);
        let order: Vec<String> = rules.iter().map(|r| format!("{}{}", r.column, r.from)).collect();
        assert_eq!(order, ["ax", "bz", "by", "bx"]);
    }
}
