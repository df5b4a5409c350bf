//! The learn step: rules from the overlap into `rules.toml`, and examples of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use restitch_learn::example::{Wanted, examples};
use restitch_learn::key_shape::KeyShapes;
use restitch_learn::overlap::{Overlap, since};
use restitch_learn::rule::Rule;
use restitch_learn::shape::{Bindings, Heard, View};
use restitch_learn::source::Parts;
use restitch_learn::template_file::{self, FileFit, FileTemplate, TemplateFileError};
use restitch_learn::{
    Book, ByHand, Incident, Item, Knowledge, Material, Settings, figure, rate, study, to_toml_with,
};
use restitch_model::{RecordType, Share, Snapshot};
use serde::Serialize;

use crate::changes::Changes;
use crate::error::PipelineError;
use crate::evidence::Evidence;
use crate::results::{ColumnExplained, Learned, RuleExplained};
use crate::rules::{self, PREVIOUS};
use crate::run::Run;

/// The file shows one example that holds and one that does not, if the newest items have any.
const IN_FILE: Wanted = Wanted { each: 1, items: 100 };
/// A person who asks about a column sees more, over all items.
const ASKED: Wanted = Wanted { each: 3, items: usize::MAX };

impl Run<'_> {
    /// Learns the rules from the overlap, and writes them. Those that a person pinned stay, and
    /// what would be lost is kept beside them.
    pub fn learn(
        &self,
        snapshot: &Snapshot,
        evidence: &Evidence,
    ) -> Result<Learned, PipelineError> {
        let items = &evidence.items;
        let before = rules::read(&self.case)?;
        if let Some(before) = &before {
            rules::check(&self.case, before, snapshot)?;
        }
        self.progress.begin("learning from the overlap", "steps", None);
        let mut settings = self.settings();
        settings.rules.extend(before.iter().flat_map(rules::pinned_in));
        settings.templates = self.template_files()?;
        settings.confirmed = self.confirmed(snapshot)?;
        let outside = outside(snapshot, items, &settings)?;
        let snapshot = outside.as_ref().unwrap_or(snapshot);
        let apart = Apart::of(snapshot, items, &settings)?;
        let material = apart.material(snapshot);
        let knowledge = restitch_learn::learn(&material, &settings, apart.incident)?;
        let shown = examples(&material, &knowledge, IN_FILE, &|_, _| true);
        self.progress.end();
        let changes = before.as_ref().map(|before| Changes::between(before, &knowledge));
        let text = to_toml_with(&knowledge, &shown)?;
        let is_kept = rules::replace(&self.case, &text, changes.as_ref())?;
        self.begin_log("learn", serde_json::json!({ "items": items.len() }))?;
        Ok(Learned {
            left_aside: evidence.older + items.len() - knowledge.counted(items).len(),
            unmeasured: unmeasured(&knowledge, snapshot, items),
            by_hand: self.by_hand(&knowledge),
            template_files: apart.fits.iter().map(fitted).collect(),
            changes,
            previous_rules: is_kept.then(|| PREVIOUS.to_owned()),
            ..Learned::of(&knowledge)
        })
    }

    /// The templates that the pipeline names a folder of, in the order of their files.
    pub fn template_files(&self) -> Result<Vec<FileTemplate>, PipelineError> {
        let Some(folder) = &self.file.pipeline.learn.templates else { return Ok(Vec::new()) };
        let folder = self.file.folder.join(folder);
        let fail = |path: &Path| {
            let path = path.display().to_string();
            move |source| PipelineError::Templates { path, source }
        };
        let mut found = Vec::new();
        let mut left = vec![folder.clone()];
        while let Some(path) = left.pop() {
            if path.is_dir() {
                let inside = fs::read_dir(&path).map_err(fail(&path))?;
                let inside = inside.map(|entry| entry.map(|entry| entry.path()));
                let mut inside: Vec<PathBuf> =
                    inside.collect::<Result<_, _>>().map_err(fail(&path))?;
                inside.sort();
                left.extend(inside.into_iter().rev());
                continue;
            }
            let bytes = fs::read(&path).map_err(fail(&path))?;
            // An image beside the templates is none, nor is a layout without words of its own.
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let name = path.strip_prefix(&folder).unwrap_or(&path).display().to_string();
            match template_file::invert(&name, &text) {
                Err(TemplateFileError::NoWords { .. }) => {}
                inverted => found.extend(inverted?),
            }
        }
        Ok(found)
    }

    /// How good the rules of the pipeline file are, all their forms together, and which of them
    /// read nothing.
    fn by_hand(&self, knowledge: &Knowledge) -> Vec<String> {
        let said = |hand: ByHand| {
            let known = knowledge.records.get(&hand.record_type);
            let is_it = |rule: &&Rule| {
                rule.column == hand.column
                    && rule.from == hand.from
                    && hand.is_about(&rule.form)
                    && hand.read.as_ref().is_none_or(|read| *read == rule.read)
            };
            // In each form, what is by hand comes first.
            let mut forms: BTreeMap<&str, &Rule> = BTreeMap::new();
            for rule in known.iter().flat_map(|known| &known.rules).filter(is_it) {
                forms.entry(&rule.form).or_insert(rule);
            }
            let table = knowledge.bindings.table(&hand.record_type).unwrap_or(&hand.record_type);
            let name = format!("{table}.{} from {}:{}", hand.column, hand.of, hand.from);
            if forms.is_empty() {
                return format!("{name}: no item of {} has that", hand.of);
            }
            let mut all = Share::default();
            for rule in forms.values() {
                let measured = rule.measured();
                all.hits += measured.hits;
                all.n += measured.n;
            }
            let unseen = forms.values().filter(|rule| rule.measured_on == 0).count();
            let of = forms.len();
            match unseen {
                0 => format!("{name}: {}", rate(all)),
                _ => format!("{name}: {}; no row shows {unseen} of its {of} forms", rate(all)),
            }
        };
        self.file.pipeline.rules().into_iter().map(said).collect()
    }

    /// How a column is filled, with examples that hold and examples that fail: `TABLE.COLUMN`,
    /// or a record type in the place of the table.
    pub fn explain_rule(
        &self,
        snapshot: &Snapshot,
        items: &[Item],
        name: &str,
    ) -> Result<ColumnExplained, PipelineError> {
        let knowledge = self.knowledge()?;
        let (record_type, table, column) = asked(&knowledge, name)?;
        let items = knowledge.counted(items);
        let parts = knowledge.templates.parts(items, &knowledge.key_shapes);
        let views = study::views(snapshot, &knowledge.bindings);
        let material = Material::known(snapshot, &views, items, &parts, &knowledge);
        let is_asked = |of: &str, rule: &Rule| of == record_type && rule.column == column;
        let mut found = examples(&material, &knowledge, ASKED, &is_asked);
        let mut shown = found.remove(record_type).unwrap_or_default();
        let known = &knowledge.records[record_type];
        let rules = known.rules.iter().enumerate().filter(|(_, rule)| rule.column == column);
        let rules = rules
            .map(|(i, rule)| RuleExplained {
                rule: rule.clone(),
                figure: figure(rule),
                examples: shown.remove(&i).unwrap_or_default(),
            })
            .collect();
        let within = known.within.iter().filter(|within| within.column == column).map(|within| {
            let share = within.accuracy * 100.0;
            format!(
                "the row itself: {}, right in {share:.1} % of {}",
                said(&within.how),
                within.support
            )
        });
        let life = known.life.iter().filter(|branch| branch.column == column).map(|branch| {
            let heard = branch.heard.as_ref().map(|heard| format!("after {}", said(heard)));
            let when: Vec<String> = heard.into_iter().chain(branch.phase.clone()).collect();
            let when = if when.is_empty() { "otherwise".to_owned() } else { when.join(", ") };
            let (value, share) = (&branch.value, branch.accuracy * 100.0);
            format!("{value} {when}, right in {share:.1} % of {}", branch.support)
        });
        Ok(ColumnExplained {
            table: table.to_owned(),
            column: column.to_owned(),
            rules,
            otherwise: life.chain(within).collect(),
        })
    }
}

/// What a template file was good for, in words.
fn fitted(fit: &FileFit) -> String {
    match (fit.texts, fit.replaced.len()) {
        (0, _) => format!("{}: fits no text", fit.file),
        (texts, 0) => format!("{}: fits {texts} texts", fit.file),
        (texts, n) => format!("{}: fits {texts} texts, in the place of {n} learned", fit.file),
    }
}

/// A value as `rules.toml` writes it.
fn said(value: &impl Serialize) -> String {
    toml::Value::try_from(value).map(|value| value.to_string()).unwrap_or_default()
}

/// The record type, the table and the column that a name means.
fn asked<'n>(
    knowledge: &'n Knowledge,
    name: &'n str,
) -> Result<(&'n str, &'n str, &'n str), PipelineError> {
    let no_rule = |problem: String| Err(PipelineError::NoRule(problem));
    let tables = || {
        let bound = |record_type: &'n String| {
            Some((record_type.as_str(), knowledge.bindings.table(record_type)?))
        };
        knowledge.records.keys().filter_map(bound)
    };
    // What a list of a record holds is told by the record's own rules, under the list's table.
    let owner = RecordType::RESERVATION;
    let owned = knowledge.records.get_key_value(owner);
    if let Some((owner, known)) = owned
        && let Some(table) = knowledge.bindings.table(owner)
        && known.rules.iter().any(|rule| rule.column == name)
    {
        return Ok((owner, table, name));
    }
    let Some((of, column)) = name.split_once('.') else {
        return no_rule(format!("{name:?} is not TABLE.COLUMN, such as rentals.pickup_at"));
    };
    let Some((record_type, table)) = tables().find(|(r, table)| *table == of || *r == of) else {
        let known: Vec<&str> = tables().map(|(_, table)| table).collect();
        return no_rule(format!("there are no rules for {of}; there are for {}", known.join(", ")));
    };
    let known = &knowledge.records[record_type];
    let mut columns: Vec<&str> = known.rules.iter().map(|rule| rule.column.as_str()).collect();
    columns.extend(known.within.iter().map(|within| within.column.as_str()));
    columns.extend(known.life.iter().map(|branch| branch.column.as_str()));
    columns.sort_unstable();
    columns.dedup();
    if !columns.contains(&column) {
        return no_rule(format!(
            "nothing fills {table}.{column}: it stays empty, or is the column's default; there \
             are rules for {}",
            columns.join(", ")
        ));
    }
    Ok((record_type, table, column))
}

/// Why nothing could be measured, if nothing was.
fn unmeasured(knowledge: &Knowledge, snapshot: &Snapshot, items: &[Item]) -> Option<String> {
    if knowledge.measured.values().any(|m| m.recall.n > 0 || m.precision.n > 0) {
        return None;
    }
    let backup_at = knowledge.incident.backup_at;
    let table = knowledge.bindings.table(RecordType::RESERVATION);
    let rows = table.and_then(|t| snapshot.table(t)).map_or(0, |table| table.rows.len());
    let why = if rows == 0 {
        format!("{} has no rows", table.unwrap_or("the table of reservations"))
    } else if items.iter().all(|item| item.at >= backup_at) {
        format!("no evidence is older than the backup, which ends at {backup_at}")
    } else {
        "no evidence of the time before the backup could be tied to a row".to_owned()
    };
    let then = match knowledge.records.values().all(|known| known.rules.is_empty()) {
        true => "there is nothing to rebuild by: write rules by hand in the pipeline file",
        false => "what is rebuilt rests on rules by hand, so let a person confirm it",
    };
    Some(format!("nothing was measured: {why}; {then}"))
}

/// Which table is which record type.
fn bindings(snapshot: &Snapshot, items: &[Item], settings: &Settings) -> Bindings {
    Bindings::find(snapshot, &settings.tables, settings.lists.as_deref(), &Heard::of(items))
}

/// The evidence taken apart by the templates that are found in it.
struct Apart<'i> {
    /// The items of the overlap and of later.
    items: &'i [Item],
    incident: Incident,
    bindings: Bindings,
    views: BTreeMap<String, View>,
    book: Book,
    shapes: KeyShapes,
    parts: Vec<Parts>,
    /// What each template file was good for.
    fits: Vec<FileFit>,
}

impl<'i> Apart<'i> {
    fn of(
        snapshot: &Snapshot,
        items: &'i [Item],
        settings: &Settings,
    ) -> Result<Self, PipelineError> {
        let bindings = bindings(snapshot, items, settings);
        let views = study::views(snapshot, &bindings);
        let incident = study::incident(settings, &views, items)?;
        let reservations = views.get(RecordType::RESERVATION);
        let from = Overlap::from(settings, incident.backup_at, reservations);
        let items = since(items, from);
        let mut book = Book::find(items, &study::vocabulary(snapshot, &bindings));
        let fits = template_file::add(&mut book, &settings.templates, items);
        let shapes = study::key_shapes(&views);
        let parts = book.parts(items, &shapes);
        Ok(Self { items, incident, bindings, views, book, shapes, parts, fits })
    }

    fn material<'m>(&'m self, snapshot: &'m Snapshot) -> Material<'m> {
        Material {
            snapshot,
            items: self.items,
            parts: &self.parts,
            book: &self.book,
            shapes: &self.shapes,
            bindings: &self.bindings,
            views: &self.views,
        }
    }
}

/// Learns from items and a snapshot: what the learn step and drills both run.
pub fn learn_from(
    snapshot: &Snapshot,
    items: &[Item],
    settings: &Settings,
) -> Result<Knowledge, PipelineError> {
    let outside = outside(snapshot, items, settings)?;
    let snapshot = outside.as_ref().unwrap_or(snapshot);
    let apart = Apart::of(snapshot, items, settings)?;
    Ok(restitch_learn::learn(&apart.material(snapshot), settings, apart.incident)?)
}

/// The snapshot without the rows that damage overwrote, where there is damage.
fn outside(
    snapshot: &Snapshot,
    items: &[Item],
    settings: &Settings,
) -> Result<Option<Snapshot>, PipelineError> {
    if settings.damage.is_empty() {
        return Ok(None);
    }
    let bindings = bindings(snapshot, items, settings);
    settings.damage.check(snapshot, &bindings).map_err(PipelineError::Damage)?;
    Ok(Some(settings.damage.outside(snapshot, &bindings)))
}
