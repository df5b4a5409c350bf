//! The queue: what waits for an answer, by tenant and by how sure it is.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{Candidate, Cell};
use restitch_review::{Group, Urgency, gist, percent};
use serde_json::{Value, json};

use crate::answering::word;
use crate::board::{Board, Planned};
use crate::evidence::cut;
use crate::office::Office;

/// Records on a page of the queue.
const PAGE: usize = 50;

/// Which part of the queue is wanted.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    state: State,
    /// `None` for all, `Some("")` for what is nobody's.
    tenant: Option<String>,
    record_type: Option<String>,
    order: Order,
    page: usize,
}

/// Where in the queue a record stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    #[default]
    Open,
    Answered,
    Restored,
    Left,
    All,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Order {
    #[default]
    Unsure,
    Sure,
    Soon,
}

impl Wanted {
    pub(crate) fn of(words: &BTreeMap<String, String>) -> Self {
        let word = |name: &str| words.get(name).map(String::as_str);
        Self {
            state: match word("state") {
                Some("answered") => State::Answered,
                Some("restored") => State::Restored,
                Some("left") => State::Left,
                Some("all") => State::All,
                _ => State::Open,
            },
            order: match word("order") {
                Some("sure") => Order::Sure,
                Some("soon") => Order::Soon,
                _ => Order::Unsure,
            },
            tenant: word("tenant").filter(|key| *key != "*").map(str::to_owned),
            record_type: word("type").filter(|name| !name.is_empty()).map(str::to_owned),
            page: word("page").and_then(|page| page.parse().ok()).unwrap_or(0),
        }
    }
}

/// The candidates as the queue needs them, so that a part of it is found in one walk.
#[derive(Default)]
pub(crate) struct Shelf {
    /// By position.
    states: Vec<State>,
    tenants: Names,
    types: Names,
    /// Positions: least sure first, surest first, soonest first.
    orders: [Vec<usize>; 3],
}

/// Names, and by position which of them a candidate has.
#[derive(Default)]
struct Names {
    all: Vec<String>,
    of: Vec<usize>,
}

impl Names {
    fn of<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Self {
        let sorted: BTreeSet<&str> = names.clone().collect();
        let all: Vec<String> = sorted.into_iter().map(str::to_owned).collect();
        let at = |name: &str| all.partition_point(|one| one.as_str() < name);
        Self { of: names.map(at).collect(), all }
    }

    /// Whether the candidate at a position has the wanted one of the names, if any is wanted.
    fn is(&self, i: usize, wanted: Option<&str>) -> bool {
        wanted.is_none_or(|wanted| self.all[self.of[i]] == wanted)
    }

    fn counted(&self, counts: &[usize]) -> Vec<(&str, usize)> {
        let both = self.all.iter().zip(counts).filter(|(_, n)| **n > 0);
        both.map(|(name, n)| (name.as_str(), *n)).collect()
    }
}

impl Shelf {
    pub(crate) fn set(&mut self, i: usize, state: State) {
        self.states[i] = state;
    }

    /// How many wait for an answer.
    pub(crate) fn open(&self) -> usize {
        self.states.iter().filter(|state| **state == State::Open).count()
    }
}

impl<O: Office> Board<O> {
    /// Puts the candidates in their orders.
    pub(crate) fn shelf(&self) -> Shelf {
        let all = &self.load.candidates;
        let tenants = Names::of(all.iter().map(|c| c.tenant.as_deref().unwrap_or_default()));
        let types = Names::of(all.iter().map(|c| c.record_type.as_str()));
        // What belongs to nobody comes last.
        let tenant = |i: usize| (all[i].tenant.is_none(), tenants.of[i]);
        let mut unsure: Vec<usize> = (0..all.len()).collect();
        unsure.sort_by(|&a, &b| {
            let sure = all[a].confidence.total_cmp(&all[b].confidence);
            tenant(a).cmp(&tenant(b)).then(sure).then_with(|| all[a].id.cmp(&all[b].id))
        });
        let mut sure = unsure.clone();
        sure.sort_by(|&a, &b| {
            let sure = all[b].confidence.total_cmp(&all[a].confidence);
            tenant(a).cmp(&tenant(b)).then(sure)
        });
        let mut soon = unsure.clone();
        soon.sort_by_cached_key(|&i| Urgency::of(&all[i], Some(self.office.now())));
        let states = (0..all.len()).map(|i| self.state(i)).collect();
        Shelf { states, tenants, types, orders: [unsure, sure, soon] }
    }

    /// Where in the queue a candidate stands.
    pub(crate) fn state(&self, i: usize) -> State {
        let candidate = &self.load.candidates[i];
        if self.said.contains_key(&candidate.id) {
            return State::Answered;
        }
        let is_held = matches!(self.planned[i], Planned::Held(_));
        match Group::of(candidate, None, is_held, !candidate.conflicts.is_empty()) {
            Group::Needs => State::Open,
            Group::Restored => State::Restored,
            Group::NotRebuilt => State::Left,
        }
    }

    pub(crate) fn queue(&self, wanted: &Wanted) -> Value {
        let shelf = &self.shelf;
        let mut states = [0; State::COUNT];
        let mut tenants = vec![0; shelf.tenants.all.len()];
        let mut types = vec![0; shelf.types.all.len()];
        let mut found: Vec<usize> = Vec::new();
        for &i in &shelf.orders[wanted.order as usize] {
            let state = shelf.states[i];
            let is_state = wanted.state == State::All || wanted.state == state;
            let is_tenant = shelf.tenants.is(i, wanted.tenant.as_deref());
            let is_type = shelf.types.is(i, wanted.record_type.as_deref());
            // Each choice counts what would be found with it and the others as they are.
            if is_tenant && is_type {
                states[state as usize] += 1;
                states[State::All as usize] += 1;
            }
            if is_state && is_type {
                tenants[shelf.tenants.of[i]] += 1;
            }
            if is_state && is_tenant {
                types[shelf.types.of[i]] += 1;
            }
            if is_state && is_tenant && is_type {
                found.push(i);
            }
        }
        let pages = found.len().div_ceil(PAGE).max(1);
        let page = wanted.page.min(pages - 1);
        let rows: Vec<Value> =
            found.iter().skip(page * PAGE).take(PAGE).map(|&i| self.row(i)).collect();
        let states: BTreeMap<&str, usize> =
            State::EVERY.iter().map(|state| (state.name(), states[*state as usize])).collect();
        let tenants = shelf.tenants.counted(&tenants).into_iter();
        let mut tenants: Vec<(String, &str, usize)> =
            tenants.map(|(key, n)| (self.tenant_of(key), key, n)).collect();
        tenants.sort();
        let tenants: Vec<Value> = tenants
            .iter()
            .map(|(name, key, n)| json!({ "key": key, "name": name, "n": n }))
            .collect();
        let types: BTreeMap<&str, usize> = shelf.types.counted(&types).into_iter().collect();
        json!({
            "rows": rows, "total": found.len(), "page": page, "pages": pages, "first": page * PAGE,
            "states": states, "tenants": tenants, "types": types,
            "name": self.load.name, "reviewer": self.office.reviewer(),
            "progress": self.progress(),
        })
    }

    fn tenant_of(&self, key: &str) -> String {
        self.tenant_name((!key.is_empty()).then_some(key))
    }

    pub(crate) fn row(&self, i: usize) -> Value {
        let candidate = &self.load.candidates[i];
        let why = match (&self.planned[i], candidate.reasons.first()) {
            (_, Some(reason)) => reason.as_str(),
            (Planned::Held(reason), None) => reason,
            _ => candidate.conflicts.first().map_or("", |conflict| &conflict.reason),
        };
        let said = self.said.get(&candidate.id);
        json!({
            "id": candidate.id.0,
            "title": cut(&self.title(candidate), 120).0,
            "what": candidate.record_type.as_str(),
            "tenant": self.tenant_name(candidate.tenant.as_deref()),
            "sure": percent(candidate.confidence),
            "why": cut(why, 160).0,
            "conflicts": candidate.conflicts.len(),
            "changes": candidate.surviving.is_some(),
            "said": said.map(|decision| match self.disputed.contains(&candidate.id) {
                true => format!("{}, and reviewers disagree", word(&decision.answer)),
                false => word(&decision.answer).to_owned(),
            }),
        })
    }
}

impl<O: Office> Board<O> {
    /// A record in a few words: whose it is, where another candidate tells, and its own first
    /// texts; of a surviving row that has none, its key.
    pub(crate) fn title(&self, candidate: &Candidate) -> String {
        let parent = candidate.fields.iter().find_map(|field| match &field.cell {
            Cell::KeyOf(id) => self.at.get(id).map(|&i| gist(&self.load.candidates[i])),
            Cell::Is(_) => None,
        });
        let parts = parent.into_iter().chain([gist(candidate)]);
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
        match (parts.is_empty(), &candidate.surviving) {
            (false, _) => parts.join(" · "),
            (true, Some(key)) => {
                let key: Vec<String> = key.iter().map(ToString::to_string).collect();
                format!("{} {}", candidate.table, key.join(" "))
            }
            (true, None) => candidate.id.0.clone(),
        }
    }
}

impl State {
    const COUNT: usize = 5;
    const EVERY: [Self; Self::COUNT] =
        [Self::Open, Self::Answered, Self::Restored, Self::Left, Self::All];

    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Restored => "restored",
            Self::Left => "left",
            Self::All => "all",
        }
    }
}
