//! The queue: what waits for an answer, by tenant and by how sure it is.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use restitch_review::{Group, gist, percent};
use serde_json::{Value, json};

use crate::answering::word;
use crate::board::{Board, Planned};
use crate::evidence::{cut, safe};
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

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
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

impl<O: Office> Board<O> {
    pub(crate) fn queue(&self, wanted: &Wanted) -> Value {
        let candidates = &self.load.candidates;
        let state_of = |i: usize| match self.said.contains_key(&candidates[i].id) {
            true => State::Answered,
            false => match self.group(i) {
                Group::Needs => State::Open,
                Group::Restored => State::Restored,
                Group::NotRebuilt => State::Left,
            },
        };
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        let mut tenants: BTreeMap<&str, usize> = BTreeMap::new();
        let mut types: BTreeMap<&str, usize> = BTreeMap::new();
        let mut found: Vec<usize> = Vec::new();
        for (i, candidate) in candidates.iter().enumerate() {
            let (state, tenant) = (state_of(i), candidate.tenant.as_deref().unwrap_or_default());
            let is_state = wanted.state == State::All || wanted.state == state;
            let is_tenant = wanted.tenant.as_deref().is_none_or(|wanted| wanted == tenant);
            let record_type = candidate.record_type.as_str();
            let is_type = wanted.record_type.as_deref().is_none_or(|of| of == record_type);
            // Each choice counts what would be found with it and the others as they are.
            if is_tenant && is_type {
                *states.entry(state.name()).or_default() += 1;
            }
            if is_state && is_type {
                *tenants.entry(tenant).or_default() += 1;
            }
            if is_state && is_tenant {
                *types.entry(record_type).or_default() += 1;
            }
            if is_state && is_tenant && is_type {
                found.push(i);
            }
        }
        found.sort_unstable_by(|&a, &b| self.compare(wanted.order, a, b));
        let pages = found.len().div_ceil(PAGE).max(1);
        let page = wanted.page.min(pages - 1);
        let rows: Vec<Value> =
            found.iter().skip(page * PAGE).take(PAGE).map(|&i| self.row(i)).collect();
        let all: usize = states.values().sum();
        states.insert(State::All.name(), all);
        let mut named: Vec<(String, &str, usize)> =
            tenants.iter().map(|(key, n)| (self.tenant_of(key), *key, *n)).collect();
        named.sort();
        let tenants: Vec<Value> = named
            .iter()
            .map(|(name, key, n)| json!({ "key": key, "name": name, "n": n }))
            .collect();
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

    fn compare(&self, order: Order, a: usize, b: usize) -> Ordering {
        let (one, other) = (&self.load.candidates[a], &self.load.candidates[b]);
        let ids = || one.id.cmp(&other.id);
        // What belongs to nobody comes last.
        let tenant = || {
            let key = |tenant: &Option<String>| (tenant.is_none(), tenant.clone());
            match one.tenant == other.tenant {
                true => Ordering::Equal,
                false => key(&one.tenant).cmp(&key(&other.tenant)),
            }
        };
        let sure = || one.confidence.total_cmp(&other.confidence);
        match order {
            Order::Unsure => tenant().then_with(sure).then_with(ids),
            Order::Sure => tenant().then_with(|| sure().reverse()).then_with(ids),
            Order::Soon => self.urgency[a].cmp(&self.urgency[b]).then_with(ids),
        }
    }

    pub(crate) fn row(&self, i: usize) -> Value {
        let candidate = &self.load.candidates[i];
        let why = match (&self.planned[i], candidate.reasons.first()) {
            (_, Some(reason)) => reason.as_str(),
            (Planned::Held(reason), None) => reason,
            _ => candidate.conflicts.first().map_or("", |conflict| &conflict.reason),
        };
        let title = match gist(candidate) {
            gist if gist.is_empty() => candidate.id.0.clone(),
            gist => gist,
        };
        let said = self.said.get(&candidate.id);
        json!({
            "id": candidate.id.0,
            "title": safe(&title),
            "what": candidate.record_type.as_str(),
            "tenant": self.tenant_name(candidate.tenant.as_deref()),
            "sure": percent(candidate.confidence),
            "why": cut(&safe(why), 160).0,
            "conflicts": candidate.conflicts.len(),
            "changes": candidate.surviving.is_some(),
            "said": said.map(|decision| word(&decision.answer)),
        })
    }
}

impl State {
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
