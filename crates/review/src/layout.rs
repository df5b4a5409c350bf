//! The columns of a table of answers, for the workbook and the CSV file alike.

use crate::material::EvidenceNote;
use crate::shown::{Shown, cut};
use crate::view::{Entry, View, percent};
use crate::words::{Fixed, Said, field_header};
use restitch_model::Answer;

/// A column of a table of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column<'a> {
    Fixed(Fixed),
    Field(&'a str),
}

/// The columns: the record's name and the answer first, then why it is asked about, then the
/// fields, whose cells are there to be corrected.
pub(crate) fn columns<'a>(view: &View<'a>) -> Vec<Column<'a>> {
    let (before, after) = Fixed::ALL.split_at(8);
    let fixed = |fixed: &Fixed| Column::Fixed(*fixed);
    let fields = view.fields.iter().map(|field| Column::Field(field));
    before.iter().map(fixed).chain(fields).chain(after.iter().map(fixed)).collect()
}

impl Column<'_> {
    pub(crate) fn header(self, view: &View<'_>) -> String {
        match self {
            Self::Fixed(fixed) => fixed.header(view.language).to_owned(),
            Self::Field(field) => field_header(field),
        }
    }

    /// What stands in it for a record. How sure is a share, from 0 to 1.
    pub(crate) fn cell(self, view: &View<'_>, entry: &Entry<'_>) -> Shown {
        let text = match self {
            Self::Field(field) => return entry.shown(field, &view.zone),
            Self::Fixed(Fixed::Sure) => {
                return Shown::Real(f64::from(percent(entry.candidate.confidence)) / 100.0);
            }
            Self::Fixed(fixed) => fixed_cell(fixed, view, entry),
        };
        if text.is_empty() { Shown::Empty } else { Shown::Text(text) }
    }
}

fn fixed_cell(fixed: Fixed, view: &View<'_>, entry: &Entry<'_>) -> String {
    let candidate = entry.candidate;
    let last = entry.decision;
    match fixed {
        Fixed::Record => candidate.id.0.clone(),
        Fixed::Answer => {
            let last = last.and_then(|d| said(&d.answer));
            last.map_or(String::new(), |said| said.word(view.language).into())
        }
        Fixed::SameAs => match last.map(|d| &d.answer) {
            Some(Answer::SameAs { other }) => other.0.clone(),
            _ => String::new(),
        },
        Fixed::Note => last.map_or(String::new(), |d| cut(&d.note, 15_000)),
        Fixed::Reviewer => last.map_or(String::new(), |d| cut(&d.reviewer, 1000)),
        Fixed::What => match view.gist(&candidate.id) {
            "" => view.what(candidate),
            gist => format!("{}: {gist}", view.what(candidate)),
        },
        Fixed::Sure => format!("{} %", percent(candidate.confidence)),
        Fixed::Why => cut(&entry.why.join("\n"), 1000),
        Fixed::Missing => entry.missing.join(", "),
        Fixed::Evidence => evidence(view, entry),
        Fixed::Zone => view.zone_name.clone(),
    }
}

/// The answer without what it is about; `None` for one that no pack can give.
pub(crate) fn said(answer: &Answer) -> Option<Said> {
    Some(match answer {
        Answer::Yes => Said::Yes,
        Answer::No => Said::No,
        Answer::Corrected { .. } => Said::Corrected,
        Answer::SameAs { .. } => Said::SameAs,
        Answer::Unknown => Said::Unknown,
        Answer::Split { .. } | Answer::Open => return None,
    })
}

/// The first items, a line each.
fn evidence(view: &View<'_>, entry: &Entry<'_>) -> String {
    let notes = entry.candidate.evidence.iter().filter_map(|id| view.note(*id));
    let line = |note: &EvidenceNote| {
        let source = view.source(note);
        let words = note.line.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{source}: {}", cut(&words, 200))
    };
    notes.take(3).map(line).collect::<Vec<_>>().join("\n")
}
