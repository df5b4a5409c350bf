//! Items that name no record: each goes to the record that it is most like, if one stands out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use restitch_model::{EvidenceId, Instant, LinkNote, Observation, Rival, RivalRecord, Value};

use crate::agreement::Agreement;
use crate::error::LearnError;
use crate::item::Item;
use crate::knowledge::{KindWeights, Knowledge, RecordKnowledge};
use crate::profile::{Left, Profile, block_tokens, bound};
use crate::records::{Group, told};
use crate::shape::{ColumnKind, View};
use crate::study::tenant_path;

/// Likeness links from this probability on.
const LINKS: f64 = 0.9;
/// The best partner must be so many bits better than the second.
const MARGIN: f64 = 3.0;

/// So many of the records that lost are remembered.
const RIVALS: usize = 2;

/// A link less likely than this is faint.
const FAINT: f64 = 0.95;

/// The probability of the least likely link among these notes, each link a waterfall.
pub(crate) fn least_likely(notes: &[LinkNote]) -> f64 {
    let mut weights: BTreeMap<EvidenceId, f64> = BTreeMap::new();
    for note in notes {
        *weights.entry(note.evidence).or_default() += note.weight;
    }
    weights.into_values().map(restitch_matching::probability).fold(1.0, f64::min)
}

/// Whether a link of this probability is faint.
pub(crate) fn is_faint(probability: f64) -> bool {
    probability < FAINT
}

/// A record that an item was like and did not go to.
#[derive(Debug, Clone)]
pub struct Lost {
    /// The item.
    item: usize,
    /// The position of the surviving row that lost.
    row: Option<usize>,
    /// An item of the lost record that lost.
    with: Option<usize>,
    steps: Vec<(String, f64)>,
    reason: String,
}

impl Lost {
    /// The same by names that last: `row` gives that of a row.
    pub(crate) fn rival(
        &self,
        items: &[Item],
        row: impl Fn(usize) -> RivalRecord,
    ) -> Option<Rival> {
        let lost = |item: usize| RivalRecord::Lost { evidence: items[item].evidence };
        Some(Rival {
            evidence: items[self.item].evidence,
            record: self.row.map(row).or_else(|| self.with.map(lost))?,
            steps: self.steps.clone(),
            reason: self.reason.clone(),
        })
    }
}

/// What linking by likeness looks at.
pub(crate) struct Linking<'l> {
    view: &'l View,
    known: &'l RecordKnowledge,
    items: &'l [Item],
    observed: &'l [Option<Observation>],
    /// What lies before tells of rows that survived.
    since: Instant,
    /// The position of what says whom a row belongs to.
    tenant: Option<usize>,
}

/// A record that items may be linked to: a group, a row, or a group that is a row's.
#[derive(Clone, Copy)]
struct Target {
    group: Option<usize>,
    row: Option<usize>,
}

/// What was found for a group: the record that it goes to, if one stands out, and those that lost.
struct Link {
    group: usize,
    target: Option<Target>,
    probability: f64,
    notes: Vec<LinkNote>,
    lost: Vec<Lost>,
}

impl<'l> Linking<'l> {
    pub(crate) fn new(
        view: &'l View,
        knowledge: &'l Knowledge,
        known: &'l RecordKnowledge,
        (items, observed): (&'l [Item], &'l [Option<Observation>]),
        since: Instant,
    ) -> Self {
        let tenant = tenant_path(view, &knowledge.bindings).and_then(|t| view.position(t));
        Self { view, known, items, observed, since, tenant }
    }

    /// Links what names no record to what is named, and to rows that nothing named speaks of.
    pub(crate) fn to_known(&self, groups: &mut [Group]) -> Result<(), LearnError> {
        let taken: BTreeSet<usize> =
            groups.iter().filter(|g| !g.keys.is_empty()).filter_map(|g| g.row).collect();
        let named = (0..groups.len()).filter(|&g| !groups[g].keys.is_empty());
        let mut targets: Vec<Target> =
            named.map(|g| Target { group: Some(g), row: groups[g].row }).collect();
        let free = (0..self.view.rows.len()).filter(|r| !taken.contains(r));
        targets.extend(free.map(|r| Target { group: None, row: Some(r) }));
        let links = self.links(groups, &targets, &self.loose(groups))?;
        self.join(groups, links);
        Ok(())
    }

    /// Links what names no record, and is like no known one, to each other: the kinds that tell
    /// most of a record first, so that those that tell less find something to be like.
    pub(crate) fn among_themselves(&self, groups: &mut [Group]) -> Result<(), LearnError> {
        let mut told: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for &g in &self.loose(groups) {
            let readings = groups[g].items.iter().filter_map(|&i| self.observed[i].as_ref());
            let kind = told.entry(self.kind(&groups[g])).or_default();
            kind.0 += readings.map(|o| o.readings.len()).sum::<usize>();
            kind.1 += 1;
        }
        let mut kinds: Vec<(&str, usize)> =
            told.into_iter().map(|(kind, (readings, n))| (kind, readings * 100 / n)).collect();
        kinds.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let mut earlier: BTreeSet<&str> = BTreeSet::new();
        for (kind, _) in kinds {
            let loose = self.loose(groups);
            let is_earlier = |g: &usize| earlier.contains(self.kind(&groups[*g]));
            let targets: Vec<Target> = (loose.iter().copied().filter(is_earlier))
                .map(|g| Target { group: Some(g), row: None })
                .collect();
            let mine: Vec<usize> =
                loose.into_iter().filter(|&g| self.kind(&groups[g]) == kind).collect();
            earlier.insert(kind);
            let links = self.links(groups, &targets, &mine)?;
            self.join(groups, links);
        }
        Ok(())
    }

    /// Whether two profiles tell of times that could be one: no planned time stands in both, or
    /// one of them lies on the same day, give or take one.
    fn may_meet(&self, left: &Profile<'_>, right: &Profile<'_>) -> bool {
        let apart = |column: &String| {
            let p = self.view.position(column)?;
            let ColumnKind::Time(format) = &self.view.paths[p].kind else { return None };
            let time = |profile: &Profile<'_>| format.parse(profile.value(column, p)?);
            let (a, b) = (time(left)?, time(right)?);
            Some(a.date().since(b.date()).ok()?.get_days().abs())
        };
        let apart: Vec<i32> = self.known.planned.iter().filter_map(apart).collect();
        apart.is_empty() || apart.iter().any(|days| *days <= 1)
    }

    fn is_past(&self, group: &Group) -> bool {
        group.items.iter().all(|&i| self.items[i].made_at < self.since)
    }

    fn kind(&self, group: &Group) -> &'l str {
        &self.items[group.items[0]].kind
    }

    /// Groups that nothing names and that are no row's, of forms that do not name records.
    fn loose(&self, groups: &[Group]) -> Vec<usize> {
        let is_loose = |group: &Group| {
            let mut forms = group.items.iter().filter_map(|&i| self.observed[i].as_ref());
            group.keys.is_empty()
                && group.row.is_none()
                && !group.items.is_empty()
                && !forms.any(|o| self.known.naming_forms.contains(&o.form))
        };
        (0..groups.len()).filter(|&g| is_loose(&groups[g])).collect()
    }

    fn profile(&self, group: &Group) -> Profile<'l> {
        Profile::said(group.items.iter().filter_map(|&i| self.observed[i].as_ref()))
    }

    fn links(
        &self,
        groups: &[Group],
        targets: &[Target],
        loose: &[usize],
    ) -> Result<Vec<Link>, LearnError> {
        let profiles: Vec<Profile<'_>> = targets
            .iter()
            .map(|target| match (target.group, target.row) {
                (_, Some(row)) => Profile::Row(&self.view.rows[row]),
                (Some(g), None) => self.profile(&groups[g]),
                (None, None) => Profile::Said(BTreeMap::new()),
            })
            .collect();
        let mut blocks: HashMap<u64, Vec<usize>> = HashMap::new();
        for (t, profile) in profiles.iter().enumerate() {
            for token in block_tokens(self.view, self.known, profile) {
                blocks.entry(token).or_default().push(t);
            }
        }
        let mut links = Vec::new();
        for (kind, model) in &self.known.weights {
            let mine: Vec<usize> =
                loose.iter().copied().filter(|&g| self.kind(&groups[g]) == *kind).collect();
            if !mine.is_empty() && !targets.is_empty() {
                links.extend(self.links_of_kind(
                    groups,
                    (targets, &profiles),
                    &blocks,
                    model,
                    &mine,
                )?);
            }
        }
        links.sort_by_key(|link| link.group);
        Ok(links)
    }

    fn links_of_kind(
        &self,
        groups: &[Group],
        (targets, profiles): (&[Target], &[Profile<'_>]),
        blocks: &HashMap<u64, Vec<usize>>,
        model: &KindWeights,
        mine: &[usize],
    ) -> Result<Vec<Link>, LearnError> {
        let left: Vec<Left<'_>> = mine.iter().map(|&g| told(&groups[g], self.observed)).collect();
        let bound = bound(&left, profiles, self.view, &model.comparisons)?;
        let agreement = Agreement::new(model, &self.known.planned);
        let mut links = Vec::new();
        for (l, &g) in mine.iter().enumerate() {
            let mut near: BTreeSet<usize> = BTreeSet::new();
            for token in block_tokens(self.view, self.known, &left[l].0) {
                near.extend(blocks.get(&token).into_iter().flatten());
            }
            let own = groups[g].tenant.as_ref();
            near.retain(|&t| match (self.tenant_of(groups, targets[t]), own) {
                (Some(theirs), Some(own)) => theirs == own,
                _ => true,
            });
            // What was there before a record was first heard of is about another.
            if self.is_past(&groups[g]) {
                near.retain(|&t| match targets[t] {
                    Target { group: Some(group), row: None } => self.is_past(&groups[group]),
                    _ => true,
                });
            } else {
                // What is new of a known person at another time is another record, not a change.
                near.retain(|&t| match targets[t] {
                    Target { group: Some(group), row: None } => !self.is_past(&groups[group]),
                    _ => self.may_meet(&left[l].0, &profiles[t]),
                });
            }
            let mut scored: Vec<(f64, usize)> = near
                .into_iter()
                .map(|t| (agreement.weight(bound.levels(l as u32, t as u32)), t))
                .collect();
            scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let Some(&(weight, target)) = scored.first() else { continue };
            let probability = restitch_matching::probability(weight);
            let margin = scored.get(1).map_or(f64::INFINITY, |second| weight - second.0);
            let is_linked = probability >= LINKS && margin >= MARGIN;
            let steps = |target: usize| agreement.waterfall(bound.levels(l as u32, target as u32));
            let item = groups[g].items[0];
            let evidence = self.items[item].evidence;
            let note = |(comparison, weight)| LinkNote { evidence, comparison, weight };
            let notes = if is_linked { steps(target) } else { Vec::new() };
            // What is told of a row as it survived is no record to explain.
            let told = if self.is_past(&groups[g]) { 0 } else { RIVALS };
            let rivals = scored.iter().skip(usize::from(is_linked)).take(told);
            let lost = rivals.map(|&(own, t)| Lost {
                item,
                row: targets[t].row,
                with: targets[t].group.map(|group| groups[group].items[0]),
                steps: steps(t),
                reason: why_lost(own, weight, margin),
            });
            links.push(Link {
                group: g,
                target: is_linked.then_some(targets[target]),
                probability,
                notes: notes.into_iter().map(note).collect(),
                lost: lost.collect(),
            });
        }
        Ok(links)
    }

    fn tenant_of<'g>(&'g self, groups: &'g [Group], target: Target) -> Option<&'g Value> {
        match (target.row, self.tenant) {
            (Some(row), Some(p)) => Some(&self.view.rows[row][p]),
            _ => target.group.and_then(|g| groups[g].tenant.as_ref()),
        }
    }

    fn join(&self, groups: &mut [Group], links: Vec<Link>) {
        for Link { group, target, probability, notes, lost } in links {
            groups[group].lost.extend(lost);
            let Some(target) = target else { continue };
            match target.group {
                Some(into) => {
                    let lost = std::mem::take(&mut groups[group].lost);
                    groups[into].lost.extend(lost);
                    let moved = std::mem::take(&mut groups[group].items);
                    let tenant = groups[group].tenant.take();
                    let into = &mut groups[into];
                    into.items.extend(moved);
                    into.items.sort_unstable();
                    into.tenant = into.tenant.take().or(tenant);
                    into.notes.extend(notes);
                    into.link = into.link.min(probability);
                }
                None => {
                    groups[group].row = target.row;
                    groups[group].notes = notes;
                    groups[group].link = probability;
                }
            }
        }
    }
}

/// Why a record of this weight lost, given the best weight and how far the second lies behind.
fn why_lost(weight: f64, best: f64, margin: f64) -> String {
    let probability = restitch_matching::probability(weight);
    match () {
        () if restitch_matching::probability(best) >= LINKS && margin >= MARGIN => {
            format!("the record that it went to is {:.1} bits better", best - weight)
        }
        () if probability >= LINKS => format!(
            "two records are as likely: they lie {margin:.1} bits apart, a link asks for {MARGIN}"
        ),
        () => format!("its probability is {probability:.3}, a link asks for {LINKS}"),
    }
}
