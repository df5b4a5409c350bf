//! What a pack shows: a tenant's records, sorted into what needs an answer, what is restored and
//! what is not.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use restitch_model::{
    Answer, Candidate, CandidateId, Cell, Decision, Digest, EvidenceId, Instant, Value, Verdict,
};

use crate::material::{EvidenceNote, Material};
use crate::moment::Stamp;
use crate::shown::{Shown, cut};
use crate::texts::{Language, Texts};
use crate::urgency::Urgency;
use crate::words::fold;

/// All that packs look up, of all tenants.
pub(crate) struct Index<'a> {
    held: BTreeMap<&'a CandidateId, &'a str>,
    conflicts: BTreeMap<&'a CandidateId, Vec<Disputed<'a>>>,
    decisions: BTreeMap<&'a CandidateId, &'a Decision>,
    gists: BTreeMap<&'a CandidateId, String>,
    /// By table, the columns that most of its lost records tell.
    usual: BTreeMap<&'a str, Vec<&'a str>>,
}

/// One tenant's pack.
pub(crate) struct View<'a> {
    pub(crate) folder: String,
    pub(crate) key: Option<&'a str>,
    pub(crate) name: String,
    pub(crate) language: Language,
    pub(crate) zone: TimeZone,
    pub(crate) zone_name: String,
    /// By group, the most urgent first.
    pub(crate) entries: Vec<Entry<'a>>,
    /// The columns of all records.
    pub(crate) fields: Vec<&'a str>,
    notes: BTreeMap<EvidenceId, EvidenceNote>,
    index: &'a Index<'a>,
}

/// What is to become of a record, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// A person is asked.
    Needs,
    /// It is restored without a further word.
    Restored,
    /// It is not.
    NotRebuilt,
}

impl Group {
    /// The group of a record of which `answer` is the last word, and that the plan holds back or
    /// that is contradicted.
    pub fn of(
        candidate: &Candidate,
        answer: Option<&Answer>,
        is_held: bool,
        is_disputed: bool,
    ) -> Self {
        match answer {
            Some(Answer::Unknown | Answer::Split { .. }) => Self::Needs,
            _ if is_held => Self::Needs,
            Some(Answer::Yes | Answer::Corrected { .. }) => Self::Restored,
            Some(Answer::No | Answer::SameAs { .. }) => Self::NotRebuilt,
            None | Some(Answer::Open) => match candidate.verdict {
                Verdict::Review => Self::Needs,
                Verdict::Reject => Self::NotRebuilt,
                Verdict::Accept if is_disputed => Self::Needs,
                Verdict::Accept => Self::Restored,
            },
        }
    }
}

/// One record of a pack.
pub(crate) struct Entry<'a> {
    pub(crate) candidate: &'a Candidate,
    pub(crate) group: Group,
    /// Why a person is asked, or why it is not restored; sentences without full stop.
    pub(crate) why: Vec<String>,
    pub(crate) conflicts: Vec<Disputed<'a>>,
    pub(crate) decision: Option<&'a Decision>,
    /// Columns that most records of its table tell, and that it does not.
    pub(crate) missing: Vec<&'a str>,
}

/// Two things that are said of one column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Disputed<'a> {
    pub(crate) column: &'a str,
    pub(crate) kept: &'a Value,
    pub(crate) other: &'a Value,
    pub(crate) reason: &'a str,
    pub(crate) evidence: Option<EvidenceId>,
}

impl<'a> Index<'a> {
    pub(crate) fn of(material: &Material<'a>) -> Self {
        let mut index = Self {
            held: material.plan.held().iter().map(|h| (&h.candidate, h.reason.as_str())).collect(),
            conflicts: BTreeMap::new(),
            decisions: BTreeMap::new(),
            gists: material.candidates.iter().map(|c| (&c.id, gist(c))).collect(),
            usual: usual(material.candidates),
        };
        for c in material.plan.conflicts() {
            let (column, reason) = (c.column.as_str(), c.reason.as_str());
            let (kept, other, evidence) = (&c.kept, &c.other, c.evidence);
            let disputed = Disputed { column, kept, other, reason, evidence };
            index.conflicts.entry(&c.candidate).or_default().push(disputed);
        }
        // The latest word counts, as in a plan.
        for decision in material.decisions {
            let last = index.decisions.entry(&decision.candidate).or_insert(decision);
            if decision.at >= last.at {
                *last = decision;
            }
        }
        index
    }

    fn entry(&self, candidate: &'a Candidate) -> Entry<'a> {
        let own = candidate.conflicts.iter().map(|c| {
            let (column, reason) = (c.column.as_str(), c.reason.as_str());
            Disputed { column, kept: &c.kept, other: &c.other, reason, evidence: c.evidence }
        });
        let mut conflicts: Vec<Disputed<'a>> = own.collect();
        for planned in self.conflicts.get(&candidate.id).into_iter().flatten() {
            let said = |c: &Disputed<'_>| c.column == planned.column && c.other == planned.other;
            if !conflicts.iter().any(said) {
                conflicts.push(planned.clone());
            }
        }
        let held = self.held.get(&candidate.id).copied();
        let decision = self.decisions.get(&candidate.id).copied();
        let decision = decision.filter(|decision| decision.answer != Answer::Open);
        let answer = decision.map(|decision| &decision.answer);
        let group = Group::of(candidate, answer, held.is_some(), !conflicts.is_empty());
        let mut why = candidate.reasons.clone();
        // What the plan says of a record that only waits is what the record says itself.
        if let Some(held) = held.filter(|_| why.is_empty() || candidate.verdict != Verdict::Review)
        {
            why.insert(0, held.to_owned());
        }
        why.extend(conflicts.iter().map(|c| format!("{}: {}", c.column, c.reason)));
        let missing = match candidate.surviving {
            Some(_) => Vec::new(),
            None => {
                let usual = self.usual.get(candidate.table.as_str()).into_iter().flatten();
                usual.copied().filter(|column| candidate.field(column).is_none()).collect()
            }
        };
        Entry { candidate, group, why, conflicts, decision, missing }
    }
}

impl<'a> View<'a> {
    pub(crate) fn of(
        material: &'a Material<'a>,
        index: &'a Index<'a>,
        key: Option<&'a str>,
        candidates: &[&'a Candidate],
        as_of: Option<Instant>,
    ) -> Self {
        let info = key.and_then(|key| material.tenants.get(key)).cloned().unwrap_or_default();
        let name = match (info.name.trim(), key) {
            ("", key) => key.unwrap_or_default().to_owned(),
            (name, _) => name.to_owned(),
        };
        let zone = info.zone.and_then(|name| Some((TimeZone::get(&name).ok()?, name)));
        let (zone, zone_name) = zone.unwrap_or((TimeZone::UTC, "UTC".to_owned()));
        let mut entries: Vec<Entry<'a>> = candidates.iter().map(|c| index.entry(c)).collect();
        entries.sort_by_cached_key(|entry| {
            let candidate = entry.candidate;
            (entry.group, entry.rank(index), Urgency::of(candidate, as_of), candidate.id.clone())
        });
        Self {
            folder: folder(&name, key),
            key,
            name,
            language: info.language,
            zone,
            zone_name,
            fields: columns(&entries),
            notes: notes(&entries, material),
            entries,
            index,
        }
    }

    pub(crate) fn texts(&self) -> &'static Texts {
        self.language.texts()
    }

    /// The records of a group, the most urgent first.
    pub(crate) fn group(&self, group: Group) -> impl Iterator<Item = &Entry<'a>> {
        self.entries.iter().filter(move |entry| entry.group == group)
    }

    /// A record in a few words of its own.
    pub(crate) fn gist(&self, id: &CandidateId) -> &str {
        self.index.gists.get(id).map_or("", String::as_str)
    }

    /// What kind of record it is.
    pub(crate) fn what(&self, candidate: &Candidate) -> String {
        let ours = ["reservation", "customer", "payment"];
        let name = candidate.record_type.as_str();
        match ours.iter().position(|ours| *ours == name) {
            Some(i) => self.texts().records[i].to_owned(),
            None => name.to_owned(),
        }
    }

    pub(crate) fn note(&self, id: EvidenceId) -> Option<&EvidenceNote> {
        self.notes.get(&id)
    }

    /// Where an item comes from and of when it is.
    pub(crate) fn source(&self, note: &EvidenceNote) -> String {
        let name = source(&note.kind, self.language);
        match note.at {
            Some(at) => {
                let format = self.texts().time_shown;
                format!("{name}, {}", self.zone.to_datetime(at).strftime(format))
            }
            None => name.to_owned(),
        }
    }
}

impl<'a> Entry<'a> {
    /// What is asked first: what was found unsure, what cannot be written, what is contradicted,
    /// what somebody could not say.
    fn rank(&self, index: &Index<'_>) -> u8 {
        match () {
            () if self.decision.is_some_and(|d| d.answer == Answer::Unknown) => 3,
            () if self.candidate.verdict == Verdict::Review => 0,
            () if index.held.contains_key(&self.candidate.id) => 1,
            () => 2,
        }
    }

    /// What a column of it shows: what the last reviewer put right, else what was rebuilt.
    pub(crate) fn shown(&self, column: &str, zone: &TimeZone) -> Shown {
        if let Some(Answer::Corrected { columns }) = self.decision.map(|d| &d.answer)
            && let Some((_, text)) = columns.iter().find(|(name, _)| name == column)
        {
            return Shown::of(&Value::Text(text.clone()), zone);
        }
        self.was(column, zone)
    }

    /// What was rebuilt of a column.
    pub(crate) fn was(&self, column: &str, zone: &TimeZone) -> Shown {
        match original(self.candidate, column) {
            Some(cell) => Shown::of_cell(&cell, zone),
            None => Shown::Empty,
        }
    }
}

/// What a candidate holds in a column: its field, or what stands in the surviving row where the
/// column is disputed.
pub fn original(candidate: &Candidate, column: &str) -> Option<Cell> {
    let disputed = candidate.conflicts.iter().find(|c| c.column == column);
    match candidate.field(column) {
        Some(field) => Some(field.cell.clone()),
        None => disputed.map(|c| Cell::Is(c.kept.clone())),
    }
}

/// How sure, in whole percent; never 100 where a doubt is left.
pub fn percent(confidence: f64) -> u8 {
    match confidence {
        c if c >= 1.0 => 100,
        c if c > 0.0 => ((c * 100.0) as u8).min(99),
        _ => 0,
    }
}

/// A cell in words, a time as a clock in the zone shows it.
pub fn shown(cell: &Cell, zone: &TimeZone, language: Language) -> String {
    Shown::of_cell(cell, zone).spoken(language)
}

/// The times that a record tells, by column; local ones as if they were UTC.
pub fn times(candidate: &Candidate) -> Vec<(&str, Instant)> {
    let time = |cell: &Cell| match cell {
        Cell::Is(Value::Text(text)) => Some(Stamp::parse(text.trim())?.rough()),
        _ => None,
    };
    let of_field = |field| -> Option<(&str, Instant)> {
        let field: &restitch_model::Field = field;
        Some((&field.column, time(&field.cell)?))
    };
    candidate.fields.iter().filter_map(of_field).collect()
}

/// What a kind of evidence comes from, in a word.
pub fn source(kind: &str, language: Language) -> &str {
    let kinds = ["stripe", "calendar", "mail", "table", "database"];
    let kind = kind.split('.').next().unwrap_or_default();
    match kinds.iter().position(|known| *known == kind) {
        Some(i) => language.texts().sources[i],
        None => kind,
    }
}

/// All evidence of a pack, looked up once.
fn notes(entries: &[Entry<'_>], material: &Material<'_>) -> BTreeMap<EvidenceId, EvidenceNote> {
    let of_entry = |entry: &Entry<'_>| {
        let fields = entry.candidate.fields.iter().filter_map(|field| field.evidence);
        let conflicts = entry.conflicts.iter().filter_map(|conflict| conflict.evidence);
        let items = entry.candidate.evidence.iter().copied();
        items.chain(fields).chain(conflicts).collect::<Vec<_>>()
    };
    let ids: BTreeSet<EvidenceId> = entries.iter().flat_map(of_entry).collect();
    ids.into_iter().filter_map(|id| Some((id, (material.evidence)(id)?))).collect()
}

/// The columns of records, in the order of the first that has them.
fn columns<'a>(entries: &[Entry<'a>]) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    let of_entry = |entry: &Entry<'a>| {
        let candidate = entry.candidate;
        let fields = candidate.fields.iter().map(|field| field.column.as_str());
        let disputed = candidate.conflicts.iter().map(|conflict| conflict.column.as_str());
        fields.chain(disputed).chain(entry.missing.iter().copied()).collect::<Vec<_>>()
    };
    entries.iter().flat_map(of_entry).filter(|column| seen.insert(*column)).collect()
}

fn usual(candidates: &[Candidate]) -> BTreeMap<&str, Vec<&str>> {
    let mut tables: BTreeMap<&str, (usize, BTreeMap<&str, usize>)> = BTreeMap::new();
    for candidate in candidates.iter().filter(|c| c.surviving.is_none()) {
        let (n, columns) = tables.entry(&candidate.table).or_default();
        *n += 1;
        for field in &candidate.fields {
            *columns.entry(&field.column).or_default() += 1;
        }
    }
    let most = |(table, (n, columns)): (_, (usize, BTreeMap<_, usize>))| {
        let usual = columns.into_iter().filter(|(_, told)| told * 2 > n);
        (table, usual.map(|(column, _)| column).collect())
    };
    tables.into_iter().map(most).collect()
}

/// The first texts of a record that are neither times nor long: a name, a reference, a state.
pub fn gist(candidate: &Candidate) -> String {
    let text = |cell: &Cell| match cell {
        Cell::Is(Value::Text(text)) if Stamp::parse(text).is_none() => {
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            (!line.is_empty()).then(|| cut(&line, 40))
        }
        _ => None,
    };
    let texts: Vec<String> =
        candidate.fields.iter().filter_map(|field| text(&field.cell)).take(3).collect();
    texts.join(" · ")
}

/// A folder's name that every system takes: a tenant's name for people, its key to be unlike
/// any other.
fn folder(name: &str, key: Option<&str>) -> String {
    key.map_or_else(|| "unassigned".to_owned(), |key| folder_of(name, key))
}

/// The same for what has a key.
pub(crate) fn folder_of(name: &str, key: &str) -> String {
    let mut slug = slug(key);
    if slug != key || slug.len() > 40 {
        let digest = Digest::of(key.as_bytes()).short();
        slug = [cut_slug(&slug, 20).as_str(), &digest].join("-");
    }
    let name = if name == key { String::new() } else { cut_slug(&self::slug(name), 40) };
    let folder = [name, slug].join("-");
    folder.trim_matches('-').to_owned()
}

fn slug(text: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() { c } else { ' ' };
    let words: String = fold(text).chars().map(keep).collect();
    words.split_whitespace().collect::<Vec<_>>().join("-")
}

fn cut_slug(slug: &str, longest: usize) -> String {
    slug.chars().take(longest).collect::<String>().trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubt_is_never_rounded_away() {
        assert_eq!([1.0, 0.9999, 0.5, 0.0, f64::NAN].map(percent), [100, 99, 50, 0, 0]);
    }

    #[test]
    fn a_folder_is_named_for_people_and_programs() {
        for (name, key, expect) in [
            ("Brightway Rentals", "7", "brightway-rentals-7"),
            ("7", "7", "7"),
            ("", "acme", "acme"),
        ] {
            assert_eq!(folder(name, Some(key)), expect);
        }
        assert!(folder("日本", Some("日本")).len() >= 12);
        assert!(folder(&"x".repeat(500), Some(&"y".repeat(500))).len() < 100);
    }
}
