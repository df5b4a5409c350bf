//! `rules.toml`: all that was learned, for a person to read and to edit.
//!
//! The figures come first, then what fills each column, then what only the program needs. A
//! record of a few values is one line, so that a rule is a paragraph.

use std::collections::BTreeMap;
use std::fmt::Write;

use restitch_model::{Digest, Share, THIN};
use toml::{Table, Value};

use crate::error::LearnError;
use crate::example::Examples;
use crate::knowledge::Knowledge;
use crate::rule::Rule;

const HEAD: &str = "\
# What restitch learned from the overlap of the backup and the evidence.
#
# [measured] is the rehearsal: rows were forgotten, rebuilt from evidence alone, compared.
# Below, for each table and column, is how it is filled: column from a value of a form of
# evidence. Of several rules for a column and form, the first that finds something speaks.
#
#   support      on how many rows the rule was tried
#   accuracy     how often it gave the row's own value, on rows that it was not found on
#                (where there were fewer than 30 of those, on all)
#   measured_on  how many rows that was; fewer than 30 is thin: do not lean on it
#   pinned       true: the rule stays when learning runs again, comes first, and is measured anew
#
# You may edit this file: pin a rule, write one (column, form, from, read and pinned = true are
# enough), take one out. `restitch match` uses what it says; `restitch explain --rule
# TABLE.COLUMN` shows where a rule holds and where it fails.
";

/// What begins the line that tells whether a person edited the file.
const SEAL: &str = "# as written: ";
/// What takes more letters than this as one line gets a heading of its own, or a line for each.
const LINE: usize = 96;
/// The order of the parts that a person reads; the others follow.
const FIRST: [&str; 4] = ["incident", "bindings", "measured", "records"];
/// The order of the lines of a rule or a template; the others follow.
const OF_RULE: [&str; 6] = ["column", "form", "from", "read", "id", "kind"];
/// The parts of a record type that a person reads, in their order; the others follow.
const OF_RECORD: [&str; 4] = ["rules", "within", "life", "confidence"];
/// What stays on one line however long it is: only the program reads it.
const FLAT: [&str; 2] = ["comparisons", "weights"];

/// The document of what was learned. The same knowledge gives the same bytes.
pub fn to_toml(knowledge: &Knowledge) -> Result<String, LearnError> {
    to_toml_with(knowledge, &BTreeMap::new())
}

/// The same with examples beside the rules, by record type and position of the rule.
pub fn to_toml_with(
    knowledge: &Knowledge,
    examples: &BTreeMap<String, BTreeMap<usize, Examples>>,
) -> Result<String, LearnError> {
    let root = Table::try_from(knowledge).map_err(|e| LearnError::Document(e.to_string()))?;
    let mut page = Page { text: HEAD.to_owned(), knowledge, examples };
    page.table(&[], &root);
    let seal = Digest::of(page.text.as_bytes());
    Ok(format!("{}\n{SEAL}{seal}\n", page.text))
}

/// What a document says.
pub fn from_toml(text: &str) -> Result<Knowledge, LearnError> {
    toml::from_str(text).map_err(|e| LearnError::Document(e.to_string()))
}

/// Whether a document is as [`to_toml`] wrote it: nobody's work is lost with it.
pub fn is_as_written(text: &str) -> bool {
    let sealed = text.trim_end().rsplit_once(&format!("\n{SEAL}"));
    sealed.is_some_and(|(body, seal)| Digest::of(body.as_bytes()).to_string() == seal)
}

/// The document while it is written.
struct Page<'k> {
    text: String,
    knowledge: &'k Knowledge,
    examples: &'k BTreeMap<String, BTreeMap<usize, Examples>>,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The values of a table, then the tables in it. Its heading is written already.
    fn table(&mut self, path: &[&str], table: &Table) {
        let is_below = |key: &str, value: &Value| match value {
            Value::Table(inner) => {
                !inner.is_empty() && inline(value).len() > LINE && !is_flat(path, key)
            }
            Value::Array(items) => is_records(items) && !is_flat(path, key),
            _ => false,
        };
        let mut below = Vec::new();
        if path.is_empty() {
            self.line("");
        }
        for (key, value) in table {
            match is_below(key, value) || (path.is_empty() && value.is_table()) {
                true => below.push((key.as_str(), value)),
                false => self.value(key, value),
            }
        }
        let order: &[&str] = if path.is_empty() { &FIRST } else { &OF_RECORD };
        let rank = |key: &str| order.iter().position(|k| *k == key).unwrap_or(order.len());
        below.sort_by_key(|(key, _)| rank(key));
        if path == ["records"] {
            below.sort_by_key(|(record_type, _)| self.table_of(record_type).to_owned());
        }
        for (key, value) in below {
            let path: Vec<&str> = path.iter().copied().chain([key]).collect();
            match value {
                Value::Table(inner) => {
                    self.heading(&path);
                    self.table(&path, inner);
                }
                Value::Array(items) => self.records(&path, items),
                _ => {}
            }
        }
    }

    fn heading(&mut self, path: &[&str]) {
        match path {
            ["records"] | ["measured"] => return,
            ["records", record_type] => {
                let title = format!("{} ({record_type})", self.table_of(record_type));
                let rule = "-".repeat(96_usize.saturating_sub(title.chars().count() + 6));
                self.text += &format!("\n# ---- {title} {rule}\n");
            }
            _ => {}
        }
        self.text += &format!("\n[{}]\n", dotted(path));
    }

    /// A list of tables, each under a heading of its own.
    fn records(&mut self, path: &[&str], items: &[Value]) {
        let heading = format!("[[{}]]", dotted(path));
        let mut column = None;
        for (i, item) in items.iter().filter_map(Value::as_table).enumerate() {
            self.line("");
            if let ["records", record_type, "rules"] = path {
                let name = item.get("column").and_then(Value::as_str);
                if column != name {
                    let table = self.table_of(record_type).to_owned();
                    self.text += &format!("# -- {table}.{}\n\n", name.unwrap_or_default());
                    column = name;
                }
                self.rule_comments(record_type, i);
            }
            self.line(&heading);
            let mut values: Vec<(&String, &Value)> = item.iter().collect();
            let rank = |key: &str| OF_RULE.iter().position(|k| *k == key).unwrap_or(OF_RULE.len());
            values.sort_by_key(|(key, _)| rank(key));
            for (key, value) in values {
                self.value(key, value);
            }
        }
    }

    /// How sure a rule is, and an example of each sort.
    fn rule_comments(&mut self, record_type: &str, i: usize) {
        let known = self.knowledge.records.get(record_type);
        let Some(rule) = known.and_then(|known| known.rules.get(i)) else { return };
        let mut lines = vec![figure(rule)];
        if let Some(found) = self.examples.get(record_type).and_then(|of_type| of_type.get(&i)) {
            for example in &found.right {
                lines.push(format!("{} from {}", example.gives, example.marked()));
            }
            for example in &found.wrong {
                let (gives, holds) = (&example.gives, &example.holds);
                lines.push(format!("not {gives} but {holds} from {}", example.marked()));
            }
        }
        for line in lines {
            // A line end or a control character within would be no comment any more.
            let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            self.line(format!("# {line}").trim_end());
        }
    }

    fn value(&mut self, key: &str, value: &Value) {
        let name = dotted(&[key]);
        match value {
            Value::String(text) if text.contains('\n') => {
                let one: Table = [(key.to_owned(), value.clone())].into_iter().collect();
                // A table of one text cannot fail to be written; inline is the same to a reader.
                let text = toml::to_string_pretty(&one);
                self.text += &text.unwrap_or_else(|_| format!("{name} = {}\n", inline(value)));
            }
            Value::Array(items) if inline(value).len() > LINE => {
                self.line(&format!("{name} = ["));
                for item in items {
                    self.line(&format!("    {},", inline(item)));
                }
                self.line("]");
            }
            _ => {
                let said = share(value).map(|s| format!("  # {}", rate(s))).unwrap_or_default();
                self.line(&format!("{name} = {}{said}", inline(value)));
            }
        }
    }

    fn table_of<'s>(&'s self, record_type: &'s str) -> &'s str {
        self.knowledge.bindings.table(record_type).unwrap_or(record_type)
    }
}

/// How sure a rule is, as a sentence.
pub fn figure(rule: &Rule) -> String {
    match (&rule.kin, rule.measured_on) {
        (Some(kin), 0) => format!("not measured: taken over from its kin {kin}"),
        (None, 0) => "not measured: no row of the overlap shows it".to_owned(),
        _ => rate(rule.measured()),
    }
}

/// A share in percent with its 95 % interval, marked where it is thin.
pub fn rate(share: Share) -> String {
    let Some(rate) = share.rate() else { return "not measured".to_owned() };
    let between = share.wilson();
    let mut said = format!("right in {} of {}, {:.1} %", share.hits, share.n, rate * 100.0);
    let _ = write!(said, " ({:.1} to {:.1})", between.low * 100.0, between.high * 100.0);
    if share.is_thin() {
        let _ = write!(said, ", thin: fewer than {THIN}");
    }
    said
}

/// The share that a value is, if it is one.
fn share(value: &Value) -> Option<Share> {
    let table = value.as_table().filter(|table| table.len() == 2)?;
    let count = |key: &str| u64::try_from(table.get(key)?.as_integer()?).ok();
    Some(Share { hits: count("hits")?, n: count("n")? })
}

fn is_flat(path: &[&str], key: &str) -> bool {
    path.len() > 2 && FLAT.contains(&key)
}

fn is_records(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(Value::is_table)
}

fn inline(value: &Value) -> String {
    value.to_string()
}

/// Keys joined by points, in quotes where they need them.
fn dotted(path: &[&str]) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let key = |key: &&str| match !key.is_empty() && key.chars().all(is_bare) {
        true => (*key).to_owned(),
        false => inline(&Value::String((*key).to_owned())),
    };
    path.iter().map(key).collect::<Vec<_>>().join(".")
}
