use restitch_model::{EvidenceId, EvidenceMeta, Fact, FactValue, Instant};

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
    /// What was read out of it.
    pub facts: Vec<Fact>,
}

/// Facts that say when an item was last changed, and when it was made, the better first.
const CHANGED: [&str; 5] = ["header:date", "last-modified", "dtstamp", "created", "/created"];
const MADE: [&str; 3] = ["header:date", "created", "/created"];

impl Item {
    /// An item from what the case knows of it. An item that tells no time is put at the Unix
    /// epoch, which lies before every overlap, so that it never counts as news.
    pub fn new(meta: &EvidenceMeta, facts: Vec<Fact>) -> Self {
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
            facts,
        }
    }

    /// The first text of a name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|fact| fact.name == name).and_then(|fact| match &fact.value {
            FactValue::Text(text) | FactValue::Email(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Who speaks: the sender of a message, else the container. Items of one voice share
    /// their templates.
    pub fn voice(&self) -> &str {
        self.text("header:from").unwrap_or(&self.container)
    }
}
