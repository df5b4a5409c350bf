use restitch_model::{EvidenceId, EvidenceMeta, Fact, FactValue, Instant};

use crate::anchor::names;

/// One evidence item as learning sees it: its facts and when it speaks.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The item.
    pub evidence: EvidenceId,
    /// Its kind: `stripe.charge`, `calendar.event`, `mail`, `table.row`.
    pub kind: String,
    /// The source's own name for it.
    pub native_id: String,
    /// The account, calendar or mailbox that it lay in.
    pub container: String,
    /// When what it says was last said: the message's date, the event's last change.
    pub at: Instant,
    /// When it first existed.
    pub made_at: Instant,
    /// Who speaks in it. Items of one voice share their templates.
    pub voice: String,
    /// What was read out of it.
    pub facts: Vec<Fact>,
}

/// Facts that say when an item was last changed, and when it was made, the better first.
const CHANGED: [&str; 5] = ["header:date", "last-modified", "dtstamp", "created", "/created"];
const MADE: [&str; 3] = ["header:date", "created", "/created"];

impl Item {
    /// An item from what the case knows of it. An item that tells no time is put at the Unix
    /// epoch, which lies before every overlap, so that it never counts as news.
    ///
    /// Of what scanners found in its texts only what may name something is kept: learning reads the
    /// texts itself, and a case has more such facts than all others.
    pub fn new(meta: &EvidenceMeta, mut facts: Vec<Fact>) -> Self {
        facts.retain(|fact| !fact.name.contains('#') || names(&fact.value).next().is_some());
        facts.shrink_to_fit();
        let first = |names: &[&str]| {
            names.iter().find_map(|name| {
                facts.iter().find_map(|fact| match fact.value {
                    FactValue::Instant(instant) if fact.name == *name => Some(instant),
                    _ => None,
                })
            })
        };
        let at = first(&CHANGED).or(meta.at).unwrap_or(Instant::UNIX_EPOCH);
        let made_at = first(&MADE).or(meta.at).unwrap_or(at).min(at);
        Self {
            evidence: meta.id,
            kind: meta.kind.clone(),
            native_id: meta.native_id.clone(),
            container: meta.container.clone(),
            at,
            made_at,
            voice: voice(&meta.container, &facts),
            facts,
        }
    }

    /// The first text of a name.
    pub fn text(&self, name: &str) -> Option<&str> {
        first_text(&self.facts, name)
    }
}

/// Who speaks: the sender of a message, else the container, without the numbers by which one
/// export follows another (`sales-2025`, `sales-2026`).
pub(crate) fn voice(container: &str, facts: &[Fact]) -> String {
    let sender = first_text(facts, "header:from");
    sender.map_or_else(|| series(container), str::to_owned)
}

fn first_text<'f>(facts: &'f [Fact], name: &str) -> Option<&'f str> {
    facts.iter().find(|fact| fact.name == name).and_then(|fact| match &fact.value {
        FactValue::Text(text) | FactValue::Email(text) => Some(text.as_str()),
        _ => None,
    })
}

/// The name of a container with `#` for each number that is a word of its own.
fn series(container: &str) -> String {
    let shown = |word: &str| {
        let number = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        match !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
            true => format!("#{}", &word[number.len()..]),
            false => word.to_owned(),
        }
    };
    container.split_inclusive(|c: char| !c.is_alphanumeric()).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::series;

    #[test]
    fn one_export_speaks_as_the_next_one_does() {
        assert_eq!(series("sales-2025"), "sales-#");
        assert_eq!(series("2026-04/till 7"), "#-#/till #");
        assert_eq!(series("acct_1OqCo8LF"), "acct_1OqCo8LF");
        assert_eq!(series("agenda"), "agenda");
    }
}
