use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::tz::TimeZone;
use restitch_model::{Candidate, CandidateId, Decision, EvidenceId};
use restitch_restore::ChangeKind;
use restitch_review::{Fate, Language, disagreements, settle};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answering::Said;
use crate::evidence::safe;
use crate::office::{Caseload, Office};
use crate::queue::{Shelf, Wanted};
use crate::search::Search;

/// What the page asks.
#[derive(Debug)]
pub enum Question {
    /// A part of the queue.
    Queue(BTreeMap<String, String>),
    /// All of a record, by its name.
    Record(String),
    /// Which evidence holds these words.
    Search(String),
    /// One evidence item, by its id.
    Evidence(String),
    /// The loss, what came back, and the plan.
    Overview,
    /// A decision, as JSON.
    Decide(Vec<u8>),
    /// The last decision is taken back, or that on the record which this JSON names.
    Undo(Vec<u8>),
    /// The plan is made again.
    Plan,
    /// The records are rebuilt, and the plan is made again.
    Rebuild,
}

/// Why a question has no answer: in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be understood, or does not go with the record.
    Unclear(String),
    /// There is no such thing.
    Absent(String),
    /// It failed.
    Failed(String),
}

/// What is reviewed, and what was said of it.
pub struct Board<O> {
    pub(crate) office: O,
    pub(crate) load: Caseload,
    pub(crate) at: HashMap<CandidateId, usize>,
    /// By position: what the plan does with it.
    pub(crate) planned: Vec<Planned>,
    /// The last word on each.
    pub(crate) said: HashMap<CandidateId, Decision>,
    /// Those of which reviewers say different things.
    pub(crate) disputed: BTreeSet<CandidateId>,
    pub(crate) shelf: Shelf,
    pub(crate) search: Search,
    /// The candidates of this sitting's decisions, to be taken back from the last on.
    done: Vec<CandidateId>,
    /// Decisions that the plan does not know yet.
    unplanned: usize,
}

/// What the plan does with a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Planned {
    Insert(String),
    Update(String),
    Held(String),
    Nothing,
}

impl<O: Office> Board<O> {
    /// Loads what is reviewed, and makes the search ready.
    pub fn open(mut office: O) -> Result<Self, String> {
        let load = office.load()?;
        let mut search = Search::default();
        office.each_text(&mut |id, text| search.add(id, text))?;
        let mut board = Self {
            office,
            load,
            at: HashMap::new(),
            planned: Vec::new(),
            said: HashMap::new(),
            disputed: BTreeSet::new(),
            shelf: Shelf::default(),
            search,
            done: Vec::new(),
            unplanned: 0,
        };
        board.arrange();
        Ok(board)
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.load.candidates.len()
    }

    /// Whether there is nothing to review.
    pub fn is_empty(&self) -> bool {
        self.load.candidates.is_empty()
    }

    /// Answers a question of the page. Whatever stands in the answer is safe to be shown as text.
    pub fn answer(&mut self, question: Question) -> Result<Value, Refusal> {
        let mut answer = self.answered(question)?;
        make_safe(&mut answer);
        Ok(answer)
    }

    fn answered(&mut self, question: Question) -> Result<Value, Refusal> {
        match question {
            Question::Queue(words) => Ok(self.queue(&Wanted::of(&words))),
            Question::Record(id) => self.record(&CandidateId(id)),
            Question::Search(words) => Ok(self.found(&words)),
            Question::Evidence(id) => self.item(&id),
            Question::Overview => Ok(self.overview()),
            Question::Decide(body) => self.decide(parse(&body)?),
            Question::Undo(body) => self.undo(parse(&body)?),
            Question::Plan => {
                self.office.plan().map_err(Refusal::Failed)?;
                self.reload()
            }
            Question::Rebuild => {
                self.office.rebuild().map_err(Refusal::Failed)?;
                self.reload()
            }
        }
    }

    fn reload(&mut self) -> Result<Value, Refusal> {
        self.load = self.office.load().map_err(Refusal::Failed)?;
        self.unplanned = 0;
        self.arrange();
        Ok(self.overview())
    }

    /// Works out what is looked up again and again.
    fn arrange(&mut self) {
        let load = &self.load;
        self.at = load.candidates.iter().enumerate().map(|(i, c)| (c.id.clone(), i)).collect();
        self.planned = vec![Planned::Nothing; load.candidates.len()];
        for held in load.plan.held() {
            if let Some(&i) = self.at.get(&held.candidate) {
                self.planned[i] = Planned::Held(held.reason.clone());
            }
        }
        for change in load.plan.changes() {
            if let Some(&i) = self.at.get(&change.candidate) {
                let key: Vec<String> = change.key.iter().map(ToString::to_string).collect();
                let row = format!("{} {}", change.table, key.join(" "));
                self.planned[i] = match change.kind {
                    ChangeKind::Insert => Planned::Insert(row),
                    ChangeKind::Update => Planned::Update(row),
                };
            }
        }
        let settled = settle(&load.decisions, &load.candidates);
        let disputed = disagreements(&settled).into_iter().map(|one| one.candidate.clone());
        self.disputed = disputed.collect();
        self.said = settled.into_iter().map(|d| (d.candidate.clone(), d)).collect();
        self.shelf = self.shelf();
    }

    /// How far the work is, which every answer to a change tells.
    pub(crate) fn progress(&self) -> Value {
        json!({
            "open": self.shelf.open(),
            "answered": self.said.len(),
            "unplanned": self.unplanned,
            "undo": self.done.len(),
        })
    }

    pub(crate) fn fate(&self, candidate: &Candidate) -> Fate {
        match self.at.get(&candidate.id).map(|&i| &self.planned[i]) {
            Some(Planned::Insert(_) | Planned::Update(_)) => Fate::Back,
            Some(Planned::Held(_)) => Fate::Waits,
            _ => Fate::Out,
        }
    }

    pub(crate) fn language(&self, candidate: &Candidate) -> (Language, TimeZone, String) {
        let info = candidate.tenant.as_ref().and_then(|key| self.load.tenants.get(key));
        let zone = info.and_then(|info| info.zone.clone()).unwrap_or_else(|| "UTC".to_owned());
        let known = TimeZone::get(&zone).ok();
        let (zone, name) = known.map_or((TimeZone::UTC, "UTC".to_owned()), |known| (known, zone));
        // The operator reads English; times are those of the tenant's clock.
        (Language::English, zone, name)
    }

    pub(crate) fn tenant_name(&self, key: Option<&str>) -> String {
        let info = key.and_then(|key| self.load.tenants.get(key));
        match (info, key) {
            (Some(info), _) if !info.name.trim().is_empty() => info.name.clone(),
            (_, Some(key)) => key.to_owned(),
            (_, None) => "nobody's".to_owned(),
        }
    }

    fn decide(&mut self, said: Said) -> Result<Value, Refusal> {
        let decision = self.decision(said)?;
        self.office.decide(&decision).map_err(Refusal::Failed)?;
        let id = decision.candidate.clone();
        self.keep(decision);
        self.done.push(id.clone());
        self.unplanned += 1;
        self.record(&id)
    }

    /// Takes the last decision back: that on a candidate, or the last of this sitting. What was
    /// said before it holds again.
    fn undo(&mut self, wanted: Undo) -> Result<Value, Refusal> {
        let nothing = || Refusal::Absent("There is nothing to take back.".to_owned());
        let id = match wanted.candidate {
            Some(id) => CandidateId(id),
            None => self.done.last().cloned().ok_or_else(nothing)?,
        };
        let words = self.load.decisions.iter().filter(|decision| decision.candidate == id);
        let mut standing: Vec<Decision> = Vec::new();
        for decision in words {
            match decision.answer {
                restitch_model::Answer::Open => standing.clear(),
                _ => standing.push(decision.clone()),
            }
        }
        let last = standing.pop().ok_or_else(nothing)?;
        let open = Decision {
            answer: restitch_model::Answer::Open,
            note: String::new(),
            reviewer: self.office.reviewer(),
            at: self.office.now(),
            ..last
        };
        let at = open.at;
        for decision in [open].into_iter().chain(standing) {
            let decision = Decision { at, ..decision };
            self.office.decide(&decision).map_err(Refusal::Failed)?;
            self.keep(decision);
        }
        if let Some(last) = self.done.iter().rposition(|done| *done == id) {
            self.done.remove(last);
        }
        self.unplanned += 1;
        match self.at.contains_key(&id) {
            true => self.record(&id),
            false => Ok(json!({ "progress": self.progress() })),
        }
    }

    fn keep(&mut self, decision: Decision) {
        match decision.answer {
            restitch_model::Answer::Open => {
                self.said.remove(&decision.candidate);
            }
            _ => {
                self.said.insert(decision.candidate.clone(), decision.clone());
            }
        }
        if let Some(&i) = self.at.get(&decision.candidate) {
            self.shelf.set(i, self.state(i));
        }
        self.load.decisions.push(decision);
    }

    pub(crate) fn source(&self, id: EvidenceId) -> Option<String> {
        let note = self.load.notes.get(&id)?;
        Some(restitch_review::source(&note.kind, Language::English).to_owned())
    }

    /// The words that each item of a candidate was read from.
    pub(crate) fn words(candidate: &Candidate) -> BTreeMap<EvidenceId, BTreeSet<String>> {
        let mut words: BTreeMap<EvidenceId, BTreeSet<String>> = BTreeMap::new();
        for field in &candidate.fields {
            if let Some(id) = field.evidence {
                words.entry(id).or_default().insert(safe(&field.words));
            }
        }
        words
    }
}

/// Makes all texts of an answer [`safe`].
fn make_safe(value: &mut Value) {
    match value {
        Value::String(text) => *text = safe(text),
        Value::Array(values) => values.iter_mut().for_each(make_safe),
        Value::Object(values) => values.values_mut().for_each(make_safe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What is to be taken back.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Undo {
    candidate: Option<String>,
}

fn parse<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::Unclear(format!("The page sent what it should not: {error}")))
}
