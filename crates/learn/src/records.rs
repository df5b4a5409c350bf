//! Which observations are about one record: by keys and ties first, then by likeness, with
//! the weights that the overlap taught.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rayon::prelude::*;
use restitch_facts::words::fold;
use restitch_matching::{Comparison, Measure, Weights};
use restitch_model::{Instant, LinkNote, Name, Observation, RecordType, Value};

use crate::anchor::Anchors;
use crate::error::LearnError;
use crate::item::Item;
use crate::knowledge::{KindWeights, Knowledge, RecordKnowledge};
use crate::linking::{Linking, Lost};
use crate::observe::Observer;
use crate::people::contact;
use crate::profile::{Left, Profile, WORDS, bound};
use crate::rule::Rule;
use crate::search::{Pair, newest};
use crate::shape::{Bindings, ColumnKind, View};
use crate::source::Parts;
use crate::study::{Material, tenant_path};
use crate::zones::Zones;

/// Somebody is the same person when so many of name, address and number agree.
const PERSON: usize = 2;
/// The levels of [`Measure::Time`] up to which two times are of one day, and of one hour.
const SAME_DAY: u8 = 3;
const SAME_HOUR: u8 = 1;
/// A reading less sure than this names no record.
pub(crate) const KEY: f64 = 0.9;

/// Observations of one record, with the surviving row where there is one.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// The items, in their order.
    pub items: Vec<usize>,
    /// The row that it is, where it survived or was typed in again.
    pub row: Option<usize>,
    /// What names it: values of natural keys.
    pub keys: BTreeSet<String>,
    /// Whom it belongs to.
    pub tenant: Option<Value>,
    /// How items without a key came to it.
    pub notes: Vec<LinkNote>,
    /// What else those items were like.
    pub lost: Vec<Lost>,
    /// The probability of the least sure link in it.
    pub link: f64,
    /// Rows written since the restore that may be this record.
    pub perhaps: Vec<usize>,
}

/// What is compared when observations have no key in common.
fn comparisons(view: &View, bindings: &Bindings, rules: &[Rule]) -> Vec<Comparison> {
    let read: BTreeSet<&str> = rules.iter().map(|r| r.column.as_str()).collect();
    let customer = bindings.table(RecordType::CUSTOMER);
    let natural: BTreeSet<&str> = view.natural_keys().iter().map(|p| p.name.as_str()).collect();
    let mut found = Vec::new();
    for (p, path) in view.paths.iter().enumerate() {
        let of_customer = path.name.split_once('.').is_some_and(|(column, _)| {
            matches!(&view.path(column).map(|c| &c.kind), Some(ColumnKind::Reference(t)) if Some(t.as_str()) == customer)
        });
        let measure = match &path.kind {
            ColumnKind::Time(_) if path.is_own() => Some(Measure::Time),
            kind if kind.is_number() && path.is_own() && path.distinct > 20 => {
                Some(Measure::Amount)
            }
            ColumnKind::Text if natural.contains(path.name.as_str()) => None,
            ColumnKind::Text => text_measure(view, p, of_customer),
            _ => None,
        };
        let Some(measure) = measure else { continue };
        if read.contains(path.name.as_str()) {
            found.push(Comparison::of(&path.name, measure));
        }
        let is_named = matches!(measure, Measure::Name | Measure::Text) && path.distinct > 3;
        if is_named && !path.is_own() && path.distinct < view.rows.len() * 2 {
            found.push(Comparison {
                name: format!("{} mentioned", path.name),
                left: WORDS.to_owned(),
                right: path.name.clone(),
                measure: Measure::Mentions,
            });
        }
    }
    found.truncate(restitch_matching::Levels::MOST);
    found
}

fn text_measure(view: &View, path: usize, of_customer: bool) -> Option<Measure> {
    let texts: Vec<&str> = view.rows.iter().filter_map(|row| row[path].as_text()).collect();
    match () {
        () if texts.is_empty() => None,
        () if of_customer && view.paths[path].distinct > 20 => {
            contact(&texts).or(Some(Measure::Name))
        }
        () if view.paths[path].is_own() => contact(&texts),
        () => contact(&texts).or(Some(Measure::Text)),
    }
}

/// What agreement is worth, for each kind of evidence, from its anchored items.
pub fn weights(
    view: &View,
    bindings: &Bindings,
    material: &Material<'_>,
    pairs: &[Pair],
    rules: &[Rule],
    observer: &Observer<'_>,
) -> BTreeMap<String, KindWeights> {
    let comparisons = comparisons(view, bindings, rules);
    let targets: Vec<Profile<'_>> = view.rows.iter().map(Profile::Row).collect();
    let mut by_kind: BTreeMap<&str, Vec<Pair>> = BTreeMap::new();
    for pair in pairs {
        by_kind.entry(&material.items[pair.item].kind).or_default().push(*pair);
    }
    let of_kind = |(kind, pairs): (&str, Vec<Pair>)| {
        let observed = newest(&pairs).par_iter().filter_map(|pair| {
            let said = observer.observe(&material.items[pair.item], &material.parts[pair.item])?;
            Some((said, pair.row))
        });
        let (said, rows): (Vec<Observation>, Vec<usize>) = observed.unzip();
        let left = |said| (Profile::said(std::iter::once(said)), Arc::clone(&said.words));
        let left: Vec<Left<'_>> = said.iter().map(left).collect();
        let bound = bound(&left, &targets, view, &comparisons).ok()?;
        let pairs: Vec<(u32, u32)> =
            rows.iter().enumerate().map(|(i, &row)| (i as u32, row as u32)).collect();
        let prior = 1.0 / targets.len().max(2) as f64;
        let weights = Weights::from_labelled(&bound, &pairs, &[], prior);
        Some((kind.to_owned(), KindWeights { comparisons: comparisons.clone(), weights }))
    };
    by_kind.into_par_iter().filter_map(of_kind).collect()
}

/// Groups observations into records. `observed` holds, for each item, what it says; what lies
/// before `since` tells of rows that survived.
pub fn group(
    view: &View,
    knowledge: &Knowledge,
    known: &RecordKnowledge,
    (items, parts): (&[Item], &[Parts]),
    observed: &[Option<Observation>],
    since: Instant,
) -> Result<Vec<Group>, LearnError> {
    let mut groups = by_key(view, knowledge, known, items, observed);
    anchor_past(view, knowledge, (items, parts), since, &mut groups);
    let linking = Linking::new(view, knowledge, known, (items, observed), since);
    linking.to_known(&mut groups)?;
    linking.among_themselves(&mut groups)?;
    find_retyped(view, knowledge, known, items, observed, &mut groups)?;
    groups.retain(|g| !g.items.is_empty());
    groups.sort_by_key(|g| g.items[0]);
    Ok(groups)
}

/// What was said before `since` and names no record is about the row that survived and
/// shares its rare values, if one stands out.
fn anchor_past(
    view: &View,
    knowledge: &Knowledge,
    (items, parts): (&[Item], &[Parts]),
    since: Instant,
    groups: &mut [Group],
) {
    let is_past =
        |g: &Group| g.keys.is_empty() && g.items.iter().all(|&i| items[i].made_at < since);
    if !groups.iter().any(is_past) {
        return;
    }
    let zones = Zones::of([view], &knowledge.zone);
    let anchors = Anchors::of(view, tenant_path(view, &knowledge.bindings), &zones);
    for group in groups.iter_mut().filter(|g| is_past(g)) {
        let found = group.items.iter().filter_map(|&i| {
            let anchor = anchors.anchor(&parts[i], group.tenant.as_ref())?;
            let earliest = view.created(anchor.row).is_none_or(|at| at <= items[i].at);
            earliest.then_some(anchor)
        });
        let best = found.max_by(|a, b| a.score.total_cmp(&b.score).then(b.row.cmp(&a.row)));
        group.row = best.map(|anchor| anchor.row);
    }
}

/// Groups observations by what names their record, and by nothing else.
pub fn group_by_key(
    view: &View,
    knowledge: &Knowledge,
    known: &RecordKnowledge,
    observed: &[Option<Observation>],
) -> Vec<Group> {
    let groups = by_key(view, knowledge, known, &[], observed);
    groups.into_iter().filter(|g| !g.keys.is_empty()).collect()
}

/// Groups observations by keys, and by ties where the items are given that they tie.
fn by_key(
    view: &View,
    knowledge: &Knowledge,
    known: &RecordKnowledge,
    items: &[Item],
    observed: &[Option<Observation>],
) -> Vec<Group> {
    let tenant = tenant_path(view, &knowledge.bindings);
    let mut sets = Sets::new(observed.len());
    let mut keys: Vec<BTreeSet<String>> = vec![BTreeSet::new(); observed.len()];
    let mut first: HashMap<String, usize> = HashMap::new();
    for (i, observation) in observed.iter().enumerate() {
        for key in observation.iter().flat_map(|observation| names(known, observation)) {
            let other = *first.entry(key.clone()).or_insert(i);
            keys[i].insert(key);
            sets.join(other, i);
        }
    }
    for tied in knowledge.ties.groups(items) {
        let tied: Vec<usize> = tied.into_iter().filter(|&i| observed[i].is_some()).collect();
        for pair in tied.windows(2) {
            let all: BTreeSet<&String> = sets
                .members(pair[0])
                .iter()
                .chain(sets.members(pair[1]))
                .flat_map(|&m| &keys[m])
                .collect();
            let columns: BTreeSet<&str> = all.iter().filter_map(|k| k.split('=').next()).collect();
            // Two different references are never one record, whatever ties them.
            if all.len() == columns.len() {
                sets.join(pair[0], pair[1]);
            }
        }
    }
    let row_of: HashMap<String, usize> = row_names(view, known).collect();
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for (i, observation) in observed.iter().enumerate() {
        let Some(observation) = observation else { continue };
        let group = groups.entry(sets.root(i)).or_default();
        group.items.push(i);
        group.link = 1.0;
        group.keys.extend(keys[i].iter().cloned());
        if group.tenant.is_none() {
            group.tenant = tenant.and_then(|t| observation.reading(t)).map(|r| r.value.clone());
        }
        group.row = group.row.or_else(|| keys[i].iter().find_map(|k| row_of.get(k).copied()));
    }
    groups.into_values().collect()
}

/// The names that an observation gives its record.
pub(crate) fn names<'o>(
    known: &'o RecordKnowledge,
    observation: &'o Observation,
) -> impl Iterator<Item = String> + 'o {
    let is_key = |column: &Name| known.natural_keys.iter().any(|key| column == key);
    let sure = observation.readings.iter().filter(move |r| is_key(&r.column) && r.accuracy >= KEY);
    sure.map(|reading| format!("{}={}", reading.column, fold(&reading.value.to_string())))
}

/// The names of all rows, each with its row.
pub(crate) fn row_names<'v>(
    view: &'v View,
    known: &'v RecordKnowledge,
) -> impl Iterator<Item = (String, usize)> + 'v {
    let columns =
        known.natural_keys.iter().filter_map(|column| Some((column, view.position(column)?)));
    columns.flat_map(move |(column, p)| {
        let named = view.rows.iter().enumerate().filter(move |(_, row)| !row[p].is_null());
        named.map(move |(r, row)| (format!("{column}={}", fold(&row[p].to_string())), r))
    })
}

/// What a group tells of its record, with the words of its texts.
pub(crate) fn told<'o>(group: &Group, observed: &'o [Option<Observation>]) -> Left<'o> {
    let said = || group.items.iter().filter_map(|&i| observed[i].as_ref());
    let words: BTreeSet<Name> = said().flat_map(|o| o.words.iter().cloned()).collect();
    (Profile::said(said()), words.into_iter().collect())
}

/// Records that staff typed in again after the restore are the same records, although they
/// have other keys.
fn find_retyped(
    view: &View,
    knowledge: &Knowledge,
    known: &RecordKnowledge,
    items: &[Item],
    observed: &[Option<Observation>],
    groups: &mut [Group],
) -> Result<(), LearnError> {
    // Also rows that evidence of their own speaks of, since what is typed in again sends its
    // mails; but not those that evidence from before the loss already names. What is only like
    // such a row may as well be about the record that was typed in again.
    let is_old = |g: &&Group| {
        let is_before = |i: &usize| items[*i].made_at < knowledge.incident.lost_at;
        let is_named = |i: &usize| observed[*i].iter().any(|o| names(known, o).next().is_some());
        g.items.iter().any(|i| is_before(i) && is_named(i))
    };
    let explained: BTreeSet<usize> = groups.iter().filter(is_old).filter_map(|g| g.row).collect();
    let since: Vec<usize> = (0..view.rows.len())
        .filter(|r| !explained.contains(r))
        .filter(|&r| view.created(r).is_some_and(|at| at >= knowledge.incident.lost_at))
        .collect();
    // The kind that tells most of a record compares best.
    let Some(model) = known.weights.values().max_by_key(|m| m.comparisons.len()) else {
        return Ok(());
    };
    let is_of_person =
        |c: &&Comparison| matches!(c.measure, Measure::Email | Measure::Phone | Measure::Name);
    let people: BTreeSet<&str> =
        model.comparisons.iter().filter(is_of_person).map(|c| c.right.as_str()).collect();
    // When it was typed in says nothing of when it was first made.
    let compared: Vec<Comparison> = model
        .comparisons
        .iter()
        .filter(|c| c.left == c.right || people.contains(c.right.as_str()))
        .filter(|c| c.measure != Measure::Time || known.planned.contains(&c.left))
        .cloned()
        .collect();
    if since.is_empty() || compared.is_empty() {
        return Ok(());
    }
    let rows: Vec<Profile<'_>> = since.iter().map(|&r| Profile::Row(&view.rows[r])).collect();
    let lost: Vec<usize> = (0..groups.len())
        .filter(|&g| groups[g].row.is_none() && !groups[g].items.is_empty())
        .collect();
    let left: Vec<Left<'_>> = lost.iter().map(|&g| told(&groups[g], observed)).collect();
    let bound = bound(&left, &rows, view, &compared)?;
    let mut likely: Vec<(usize, bool, usize, usize)> = Vec::new();
    for (l, &g) in lost.iter().enumerate() {
        for (s, &row) in since.iter().enumerate() {
            let levels = bound.levels(l as u32, s as u32);
            let near = |column: &str, least: u8| {
                let c = compared.iter().position(|c| c.left == column);
                c.and_then(|c| levels.get(c)).is_some_and(|level| level <= least)
            };
            let same_time = known.planned.iter().filter(|p| near(p, SAME_DAY)).count();
            let agrees = |(c, comparison): &(usize, &Comparison)| {
                // Numbers of one town are alike, and so are addresses at one provider.
                let least = u8::from(comparison.measure == Measure::Name);
                levels.get(*c).is_some_and(|level| level <= least)
            };
            let agreeing = || compared.iter().enumerate().filter(agrees).map(|(_, c)| c);
            let same_person = agreeing().filter(is_of_person).count();
            // A name alone will do for the same thing at the very same time.
            let is_person = agreeing().any(|c| people.contains(c.right.as_str()));
            let is_same_thing = agreeing().any(|c| c.measure == Measure::Text);
            let is_very_time = same_time > 0 && known.planned.iter().all(|p| near(p, SAME_HOUR));
            let is_all = is_person && is_same_thing && is_very_time;
            if same_time > 0 && (same_person >= PERSON || is_all) {
                let score = same_time * 4 + same_person;
                let is_sure = is_all || score >= known.planned.len() * 4 + PERSON;
                likely.push((score + 2 * usize::from(is_all), is_sure, g, row));
            }
        }
    }
    likely.sort_by(|a, b| b.0.cmp(&a.0).then(a.2.cmp(&b.2)).then(a.3.cmp(&b.3)));
    let mut rows_taken = BTreeSet::new();
    for (_, is_sure, g, row) in likely {
        if groups[g].row.is_some() || rows_taken.contains(&row) {
            continue;
        }
        if is_sure {
            groups[g].row = Some(row);
            rows_taken.insert(row);
        } else {
            groups[g].perhaps.push(row);
        }
    }
    Ok(())
}

/// Disjoint sets of items (Tarjan 1975), small enough to list their members.
struct Sets {
    root: Vec<usize>,
    members: Vec<Vec<usize>>,
}

impl Sets {
    fn new(n: usize) -> Self {
        Self { root: (0..n).collect(), members: (0..n).map(|i| vec![i]).collect() }
    }

    fn root(&self, i: usize) -> usize {
        self.root[i]
    }

    fn members(&self, i: usize) -> &Vec<usize> {
        &self.members[self.root[i]]
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root[a], self.root[b]);
        if a == b {
            return;
        }
        let (keep, gone) =
            if self.members[a].len() >= self.members[b].len() { (a, b) } else { (b, a) };
        let moved = std::mem::take(&mut self.members[gone]);
        moved.iter().for_each(|&m| self.root[m] = keep);
        self.members[keep].extend(moved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Incident;
    use crate::key_shape::KeyShapes;
    use crate::life::StateFields;
    use crate::sketch::{at, item, observation, snapshot, table, text};
    use crate::source::Book;
    use crate::ties::Ties;
    use restitch_model::{Rival, RivalRecord};

    fn parts_of(items: &[Item]) -> Vec<Parts> {
        Book::default().parts(items, &KeyShapes::default())
    }

    const TOLD: [&str; 4] = ["code", "email", "name", "starts"];

    /// Thirty bookings that survived the restore of 2026-02-01, and the last, typed in again.
    fn view() -> View {
        let mut rows: Vec<String> = (0..30)
            .map(|n| {
                let day = 1 + n % 28;
                let made = format!("2026-01-{day:02}T08:00:00Z");
                format!("{n} | BK-{n} | guest{n}@x.example | Guest {n} | 2026-03-{day:02}T10:00:00Z | {made}")
            })
            .collect();
        rows.sort_by(|a, b| a.split(" | ").last().cmp(&b.split(" | ").last()));
        rows.push(
            "99 | BK-AGAIN | eve@x.example | Eve Hill | 2026-05-05T10:00:00Z | 2026-02-02T08:00:00Z"
                .to_owned(),
        );
        let columns = "id code email name starts made";
        View::of(&snapshot(vec![table("bookings", columns, &rows)]), "bookings").unwrap()
    }

    fn knowledge(ties: Ties) -> Knowledge {
        let lost_at = at("2026-02-01T00:00:00Z");
        Knowledge {
            incident: Incident { backup_at: lost_at, lost_at },
            taught_from: None,
            zone: "UTC".to_owned(),
            bindings: Bindings::default(),
            measured: BTreeMap::new(),
            records: BTreeMap::new(),
            tenancies: Default::default(),
            ties,
            states: StateFields::default(),
            key_shapes: KeyShapes::default(),
            templates: Book::default(),
        }
    }

    /// The groups of mails that say these things, each as its items, its row's code and the
    /// codes of rows that it may be. Mails with the same thread are tied.
    fn grouped(said: &[(&[&str], &str)]) -> Vec<String> {
        let (view, _, groups) = made(said);
        let p = view.position("code").unwrap();
        let code = |row: usize| view.rows[row][p].to_string();
        let shown = |g: &Group| {
            let row = g.row.map_or_else(|| "lost".to_owned(), code);
            let perhaps: Vec<String> = g.perhaps.iter().map(|&row| code(row)).collect();
            format!("{:?} {row} {}", g.items, perhaps.join(" ")).trim_end().to_owned()
        };
        groups.iter().map(shown).collect()
    }

    fn made(said: &[(&[&str], &str)]) -> (View, Vec<Item>, Vec<Group>) {
        let view = view();
        let all: Vec<Option<Observation>> = said
            .iter()
            .enumerate()
            .map(|(n, (values, _))| {
                let said = TOLD.iter().zip(*values).filter(|(_, value)| **value != "-");
                let readings: Vec<(&str, &str, f64)> =
                    said.map(|(column, value)| (*column, *value, 0.99)).collect();
                Some(observation(n, &readings))
            })
            .collect();
        let items: Vec<Item> = said
            .iter()
            .enumerate()
            .map(|(n, (_, thread))| item(n, "mail", &[("thread", text(thread))]))
            .collect();
        let known = RecordKnowledge {
            natural_keys: vec!["code".to_owned()],
            planned: vec!["starts".to_owned()],
            weights: [("mail".to_owned(), model(&view))].into(),
            ..Default::default()
        };
        let knowledge = knowledge(Ties(vec![("mail".to_owned(), "thread".to_owned())]));
        let parts = parts_of(&items);
        let groups =
            group(&view, &knowledge, &known, (&items, &parts), &all, Instant::MIN).unwrap();
        (view, items, groups)
    }

    /// What agreement is worth, learned from a mail for every row.
    fn model(view: &View) -> KindWeights {
        let comparisons = vec![
            Comparison::of("email", Measure::Email),
            Comparison::of("name", Measure::Name),
            Comparison::of("starts", Measure::Time),
        ];
        let rows: Vec<Profile<'_>> = view.rows.iter().map(Profile::Row).collect();
        let left: Vec<Left<'_>> = rows.iter().map(|p| (p.clone(), [].into())).collect();
        let bound = bound(&left, &rows, view, &comparisons).unwrap();
        let pairs: Vec<(u32, u32)> = (0..rows.len() as u32).map(|r| (r, r)).collect();
        let weights = Weights::from_labelled(&bound, &pairs, &[], 1.0 / rows.len() as f64);
        KindWeights { comparisons, weights }
    }

    #[test]
    fn what_one_reference_names_is_one_record() {
        let (same, other): (&[&str], &[&str]) = (&["BK-X1"], &["BK-X2"]);
        assert_eq!(
            grouped(&[(same, "thread-1"), (other, "thread-2"), (same, "thread-3")]),
            ["[0, 2] lost", "[1] lost"]
        );
    }

    #[test]
    fn a_reference_that_a_row_has_finds_the_row() {
        assert_eq!(grouped(&[(&["bk-7"], "thread-1")]), ["[0] BK-7"]);
    }

    #[test]
    fn a_tie_joins_what_has_no_reference() {
        assert_eq!(
            grouped(&[(&["BK-X1"], "thread-1"), (&["-", "eve@x.example"], "thread-1")]),
            ["[0, 1] lost"]
        );
    }

    #[test]
    fn two_references_are_never_one_record_whatever_ties_them() {
        assert_eq!(
            grouped(&[(&["BK-X1"], "thread-1"), (&["BK-X2"], "thread-1")]),
            ["[0] lost", "[1] lost"]
        );
    }

    #[test]
    fn what_names_no_record_is_linked_by_likeness() {
        let alike: &[&str] = &["-", "guest7@x.example", "-", "2026-03-08T10:00:00Z"];
        assert_eq!(grouped(&[(alike, "thread-1")]), ["[0] BK-7"]);
        let unlike: &[&str] = &["-", "mona@y.example", "-", "2026-03-08T10:00:00Z"];
        assert_eq!(grouped(&[(unlike, "thread-1")]), ["[0] lost"]);
    }

    #[test]
    fn what_lost_is_remembered_with_its_weight_and_why() {
        // The address of one booking and the day of another.
        let alike: &[&str] = &["-", "guest7@x.example", "-", "2026-03-09T10:00:00Z"];
        let (view, items, groups) = made(&[(alike, "thread-1")]);
        let p = view.position("code").unwrap();
        let row = |row: usize| RivalRecord::Row {
            table: String::new(),
            key: vec![view.rows[row][p].clone()],
        };
        let rivals: Vec<Rival> =
            groups[0].lost.iter().filter_map(|lost| lost.rival(&items, row)).collect();
        let own = groups[0].row.map(row);
        let all: BTreeSet<String> = own
            .iter()
            .chain(rivals.iter().map(|rival| &rival.record))
            .map(|record| match record {
                RivalRecord::Row { key, .. } => key[0].to_string(),
                RivalRecord::Lost { .. } => "lost".to_owned(),
            })
            .collect();
        assert_eq!(all, BTreeSet::from(["BK-7".to_owned(), "BK-8".to_owned()]));
        for rival in rivals {
            assert_eq!((rival.steps[0].0.as_str(), rival.reason.is_empty()), ("prior", false));
        }
    }

    #[test]
    fn a_booking_typed_in_again_is_recognised() {
        let again: &[&str] = &["BK-X1", "eve@x.example", "Eve Hill", "2026-05-05T10:00:00Z"];
        assert_eq!(grouped(&[(again, "thread-1")]), ["[0] BK-AGAIN"]);
        let another_day: &[&str] = &["BK-X1", "eve@x.example", "Eve Hill", "2026-06-05T10:00:00Z"];
        assert_eq!(grouped(&[(another_day, "thread-1")]), ["[0] lost"]);
    }

    #[test]
    fn texts_that_people_are_known_by_are_compared_as_what_they_are() {
        let view = view();
        let of = |column: &str| text_measure(&view, view.position(column).unwrap(), true);
        assert_eq!((of("email"), of("name")), (Some(Measure::Email), Some(Measure::Name)));
    }
}
