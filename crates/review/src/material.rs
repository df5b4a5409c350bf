use std::collections::BTreeMap;

use restitch_model::{Candidate, Decision, EvidenceId, Instant};
use restitch_restore::Plan;

use crate::error::ReviewError;
use crate::texts::Language;
use crate::view::{Group, Index, View};
use crate::{page, table, workbook};

/// What packs are made from.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    /// The rebuilt records, of all tenants.
    pub candidates: &'a [Candidate],
    /// The plan that was made of them and of the decisions: what it holds needs an answer.
    pub plan: &'a Plan,
    /// What reviewers said so far. A record that was answered is not asked about again, unless
    /// the plan holds it all the same.
    pub decisions: &'a [Decision],
    /// The tenants, by the text that [`Candidate::tenant`] has. One that is missing here is
    /// written in English, in UTC, under its key.
    pub tenants: &'a BTreeMap<String, TenantInfo>,
    /// Looks up an evidence item; `None` where it cannot be shown.
    pub evidence: &'a dyn Fn(EvidenceId) -> Option<EvidenceNote>,
}

/// A business whose records were lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantInfo {
    /// Its name.
    pub name: String,
    /// The language that its people read.
    pub language: Language,
    /// The IANA name of its time zone. UTC where there is none, or none that is known; the pack
    /// says in which zone its times are.
    pub zone: Option<String>,
}

/// An evidence item in one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvidenceNote {
    /// What it is: `stripe.charge`, `calendar.event`, `mail`, `table.row`.
    pub kind: String,
    /// The time that it speaks of.
    pub at: Option<Instant>,
    /// A line for people, such as its subject or its description.
    pub line: String,
}

/// A file of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// `review.html`: a page that needs no network.
    Html,
    /// `review.xlsx`: a workbook.
    Xlsx,
    /// `review.csv`: a table of what needs an answer.
    Csv,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Html, Self::Xlsx, Self::Csv];

    /// The file's name within the pack's folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Html => "review.html",
            Self::Xlsx => "review.xlsx",
            Self::Csv => "review.csv",
        }
    }
}

/// How packs are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportOptions {
    /// The files of each pack.
    pub formats: Vec<Format>,
    /// The moment of the export: what is planned soonest after it comes first, and what is past
    /// last. `None` puts the earliest first.
    pub as_of: Option<Instant>,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self { formats: Format::ALL.to_vec(), as_of: None }
    }
}

/// What one business gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// The name of its folder: letters, digits and dashes, unlike any other pack's.
    pub folder: String,
    /// The tenant's key; `None` for the records that belong to nobody, in `unassigned`.
    pub tenant: Option<String>,
    /// The files: name and content.
    pub files: Vec<(String, Vec<u8>)>,
    /// How many of what.
    pub counts: PackCounts,
}

/// How many records of a pack are what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PackCounts {
    /// Records to answer about.
    pub needs_answer: usize,
    /// Records that are or will be restored without a further word.
    pub restored: usize,
    /// Records that are not.
    pub not_rebuilt: usize,
    /// Conflicts, of any of these.
    pub conflicts: usize,
}

/// Makes all packs, in the order of their tenants; what belongs to nobody comes first. The same
/// material gives the same bytes.
pub fn export(material: &Material<'_>, options: &ExportOptions) -> Result<Vec<Pack>, ReviewError> {
    packs(material, options).collect()
}

/// Makes one pack after the other, so that no more than one need be held in memory.
pub fn packs<'a>(
    material: &'a Material<'a>,
    options: &'a ExportOptions,
) -> impl Iterator<Item = Result<Pack, ReviewError>> + 'a {
    let mut by_tenant: BTreeMap<Option<&str>, Vec<&Candidate>> = BTreeMap::new();
    for candidate in material.candidates {
        by_tenant.entry(candidate.tenant.as_deref()).or_default().push(candidate);
    }
    let index = Index::of(material);
    by_tenant.into_iter().map(move |(key, candidates)| {
        pack(&View::of(material, &index, key, &candidates, options.as_of), &options.formats)
    })
}

fn pack(view: &View<'_>, formats: &[Format]) -> Result<Pack, ReviewError> {
    let mut formats = formats.to_vec();
    formats.sort();
    formats.dedup();
    let mut files = Vec::with_capacity(formats.len());
    for format in formats {
        let bytes = match format {
            Format::Html => page::write(view).into_bytes(),
            Format::Xlsx => workbook::write(view).map_err(|error| ReviewError::Workbook {
                folder: view.folder.clone(),
                problem: error.to_string(),
            })?,
            Format::Csv => table::write(view).map_err(|error| ReviewError::Table {
                folder: view.folder.clone(),
                problem: error.to_string(),
            })?,
        };
        files.push((format.file_name().to_owned(), bytes));
    }
    let counts = PackCounts {
        needs_answer: view.group(Group::Needs).count(),
        restored: view.group(Group::Restored).count(),
        not_rebuilt: view.group(Group::NotRebuilt).count(),
        conflicts: view.entries.iter().map(|entry| entry.conflicts.len()).sum(),
    };
    Ok(Pack { folder: view.folder.clone(), tenant: view.key.map(str::to_owned), files, counts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Desk;

    #[test]
    fn each_tenant_gets_a_folder_of_its_own_and_nobody_is_forgotten() {
        let mut desk = Desk::new();
        desk.tenant("7", "Müller & Söhne GmbH", Language::German, "Europe/Berlin");
        desk.candidates[0].tenant = Some("7".to_owned());
        desk.candidates[1].tenant = Some("../etc/passwd".to_owned());
        desk.candidates[2].tenant = None;
        let folders: Vec<String> = desk.export().into_iter().map(|pack| pack.folder).collect();
        assert_eq!(folders[0], "unassigned");
        assert!(folders.contains(&"muller-sohne-gmbh-7".to_owned()), "{folders:?}");
        let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(folders.iter().all(|folder| folder.chars().all(safe)), "{folders:?}");
    }

    #[test]
    fn keys_that_look_alike_in_a_path_do_not_share_a_folder() {
        let mut desk = Desk::new();
        for (candidate, tenant) in desk.candidates.iter_mut().zip(["a b", "a-b", "A-B"]) {
            candidate.tenant = Some(tenant.to_owned());
        }
        let mut folders: Vec<String> = desk.export().into_iter().map(|p| p.folder).collect();
        let all = folders.len();
        folders.sort();
        folders.dedup();
        assert_eq!(folders.len(), all);
    }

    #[test]
    fn the_same_material_gives_the_same_bytes() {
        assert_eq!(Desk::new().export(), Desk::new().export());
    }

    #[test]
    fn records_are_sorted_by_what_needs_an_answer() {
        let counts = Desk::new().export()[0].counts;
        let expect = PackCounts { needs_answer: 3, restored: 1, not_rebuilt: 1, conflicts: 1 };
        assert_eq!(counts, expect);
    }

    #[test]
    fn only_the_formats_that_were_asked_for_are_made() {
        let desk = Desk::new();
        let packs = desk.export_as(&[Format::Csv, Format::Csv]);
        let names: Vec<&str> = packs[0].files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["review.csv"]);
    }
}
