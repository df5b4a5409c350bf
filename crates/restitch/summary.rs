//! What `recover` closes with: for somebody tired who has to decide what to do next.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::tz::TimeZone;
use restitch_model::Instant;
use restitch_pipeline::results::{Estimate, Learned, Matched, PlanMade, Pulls};
use restitch_pipeline::{PipelineError, Run};
use serde::Serialize;

use crate::apply::{ApplyMade, RESTORED};
use crate::bars::grouped;
use crate::printer::{Shown, Style};
use crate::pull::gaps;
use crate::work::Work;

/// How many forms of evidence that no rule reads are named.
const FORMS: usize = 5;
/// What the plan says of a candidate that a person must look at.
const WAITS: &str = "waits for a reviewer";
/// How what the plan says of a candidate begins and ends that waits for what it refers to alone.
const PARENT: &str = "its parent ";
const PARENT_WAITS: &str = " is held";

/// What a recovery came to.
#[derive(Debug, Clone, Serialize)]
pub struct Recovered {
    /// The folder of the case.
    pub case: String,
    /// What was rebuilt, by record type.
    #[serde(flatten)]
    pub matched: Matched,
    /// The incident.
    pub window: Window,
    /// What was pulled.
    pub pulled: Pulls,
    /// What was learned.
    pub learned: Learned,
    /// What is planned.
    pub plan: PlanMade,
    /// What is not planned: how many, by record type, then by whether they wait for a person.
    pub held: BTreeMap<String, HeldCount>,
    /// The merged copy; `null` where the target is a server, or a guard refused.
    pub applied: Option<ApplyMade>,
    /// What to do next: command and what it does.
    pub next: Vec<(String, String)>,
    /// How long it took.
    pub seconds: f64,
}

/// The time in which rows were lost.
#[derive(Debug, Clone, Serialize)]
pub struct Window {
    /// The last moment that the backup holds.
    pub backup_at: Instant,
    /// The moment of loss.
    pub lost_at: Instant,
    /// The zone that the business lives in.
    pub zone: String,
}

/// What is not planned of one record type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HeldCount {
    /// Records that wait for a person.
    pub waiting: u64,
    /// Records that wait for nothing but a record that they hang on.
    pub hanging: u64,
    /// Records that cannot be written as they are.
    pub blocked: u64,
}

impl Recovered {
    /// Gathers what the steps of a run came to.
    pub fn of(
        run: &Run<'_>,
        work: &Work,
        pulled: Pulls,
        learned: Learned,
        matched: Matched,
        plan: PlanMade,
        applied: Option<ApplyMade>,
    ) -> Result<Self, PipelineError> {
        let knowledge = run.knowledge()?;
        let mut held: BTreeMap<String, HeldCount> = BTreeMap::new();
        for one in run.saved_plan()?.held() {
            let counted = held.entry(one.record_type.to_string()).or_default();
            let hangs = one.reason.starts_with(PARENT) && one.reason.ends_with(PARENT_WAITS);
            match one.reason.starts_with(WAITS) {
                true => counted.waiting += 1,
                false if hangs => counted.hanging += 1,
                false => counted.blocked += 1,
            }
        }
        let dir = run.case.dir();
        let next = [
            ("review export", "packs for each customer, to check and send"),
            ("review import DIR", "takes their answers in"),
            ("plan", "again, with the answers"),
            ("apply", "writes the plan"),
            ("explain TABLE KEY", "where each value of a row comes from"),
        ];
        let next = next.map(|(words, what)| (work.command(dir, words), what.to_owned()));
        Ok(Self {
            case: dir.display().to_string(),
            window: Window {
                backup_at: knowledge.incident.backup_at,
                lost_at: knowledge.incident.lost_at,
                zone: knowledge.zone,
            },
            matched,
            pulled,
            learned,
            plan,
            held,
            applied,
            next: next.into(),
            seconds: 0.0,
        })
    }
}

impl Shown for Recovered {
    fn text(&self, style: Style) -> String {
        let mut text = String::new();
        let mut part = |heading: &str, lines: Vec<String>| {
            let _ = writeln!(text, "{}", style.bold(heading));
            for line in lines {
                let _ = writeln!(text, "  {line}");
            }
        };
        part("What was lost", self.lost());
        part("What came back", self.back());
        part("What needs a look", self.open());
        part("How good it is, measured on rows of the backup held back", self.good());
        part("Where it is", self.places());
        let wide = self.next.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
        let next = self.next.iter().map(|(command, what)| format!("{command:wide$}  {what}"));
        part("Next", next.collect());
        text
    }
}

impl Recovered {
    fn lost(&self) -> Vec<String> {
        let Window { backup_at, lost_at, zone } = &self.window;
        let mut lines = vec![
            format!("all that was written after   {}", moment(*backup_at, zone)),
            format!("and before the loss at       {}", moment(*lost_at, zone)),
        ];
        for (record_type, of) in &self.matched.types {
            if let Some(estimate) = &of.lost_estimate {
                lines.push(format!("{record_type}s: {}", lost(estimate)));
            }
        }
        lines
    }

    fn back(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .plan
            .tables
            .iter()
            .map(|(table, (inserts, updates))| {
                format!(
                    "{table}: {} rows put back, {} brought up to date",
                    grouped(*inserts),
                    grouped(*updates)
                )
            })
            .collect();
        lines.push(match &self.applied {
            Some(applied) if applied.already => "it stood in the merged copy already".to_owned(),
            Some(_) => "all of it is in the merged copy; your database was not touched".to_owned(),
            None => "planned only: nothing is written yet".to_owned(),
        });
        lines
    }

    fn open(&self) -> Vec<String> {
        let mut lines: Vec<String> = gaps(&self.pulled).collect();
        for (record_type, held) in &self.held {
            if held.waiting > 0 {
                lines.push(format!(
                    "{record_type}s that a person must confirm: {}",
                    grouped(held.waiting)
                ));
            }
            if held.hanging > 0 {
                lines.push(format!(
                    "{record_type}s that go in with a record that waits: {}",
                    grouped(held.hanging)
                ));
            }
            if held.blocked > 0 {
                lines.push(format!(
                    "{record_type}s that cannot be written as they are: {} (plan.html says why)",
                    grouped(held.blocked)
                ));
            }
        }
        if self.plan.conflicts > 0 {
            lines.push(format!(
                "values on which evidence and rows, or two sources, disagree: {}",
                grouped(self.plan.conflicts)
            ));
        }
        if let Some(file) = &self.learned.previous_rules {
            lines.push(previous(file));
        }
        lines.extend(unread(&self.matched.unread).lines().map(str::to_owned));
        if !self.pulled.remarks.is_empty() {
            let count = grouped(self.pulled.remarks.len() as u64);
            lines.push(format!("remarks on evidence: {count}, in facts/remarks.txt"));
        }
        if lines.is_empty() {
            lines.push("nothing".to_owned());
        }
        lines
    }

    fn good(&self) -> Vec<String> {
        let by_hand = self.learned.by_hand.iter().map(|said| format!("by hand: {said}"));
        if let Some(why) = &self.learned.unmeasured {
            return std::iter::once(why.clone()).chain(by_hand).collect();
        }
        let mut lines = Vec::new();
        for (record_type, of) in &self.matched.types {
            if let (Some(precision), Some(recall)) = (of.precision_measured, of.recall_measured) {
                lines.push(format!(
                    "{record_type}s that some source saw and that come back: {recall}"
                ));
                lines.push(format!("{record_type}s that are written and true: {precision}"));
            }
        }
        lines.extend(by_hand);
        if lines.is_empty() {
            lines.push("not measured: too little of the backup has evidence".to_owned());
        }
        lines
    }

    fn places(&self) -> Vec<String> {
        let mut lines = vec![format!("{}  the case", self.case)];
        if self.applied.is_some() {
            lines.push(format!("  {RESTORED}  the merged copy"));
        }
        lines.push("  plan.html        every change, to look at".to_owned());
        lines.push("  rules.toml       what was learned, to read and edit".to_owned());
        lines.push(format!("done in {:.1} s", self.seconds));
        lines
    }
}

/// An estimate in words.
pub fn lost(estimate: &Estimate) -> String {
    let round = |count: f64| grouped(count.max(0.0).round() as u64);
    format!(
        "about {} (between {} and {}); about {} of these nobody saw",
        round(estimate.count),
        round(estimate.interval.low),
        round(estimate.interval.high),
        round(estimate.unseen)
    )
}

/// Where rules are that others took the place of.
pub fn previous(file: &str) -> String {
    format!("the rules as they were before are in {file}")
}

/// The forms of evidence that no rule reads, the most frequent first.
pub fn unread(forms: &BTreeMap<String, u64>) -> String {
    let all: u64 = forms.values().sum();
    if all == 0 {
        return String::new();
    }
    let mut sorted: Vec<(&String, &u64)> = forms.iter().collect();
    sorted.sort_by_key(|(form, count)| (std::cmp::Reverse(**count), *form));
    let mut text = format!("evidence that no rule reads: {} items\n", grouped(all));
    for (form, count) in sorted.iter().take(FORMS) {
        text += &format!("  {:>6}  {form}\n", grouped(**count));
    }
    if sorted.len() > FORMS {
        let rest: u64 = sorted[FORMS..].iter().map(|(_, count)| **count).sum();
        text += &format!("  {:>6}  of {} other forms\n", grouped(rest), sorted.len() - FORMS);
    }
    text
}

/// A moment on the clock of the business, and in UTC.
fn moment(at: Instant, zone: &str) -> String {
    let utc = at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string();
    match TimeZone::get(zone) {
        Ok(tz) if zone != "UTC" => {
            format!("{} {zone} ({utc})", at.to_zoned(tz).strftime("%Y-%m-%d %H:%M"))
        }
        _ => utc,
    }
}

#[cfg(test)]
mod tests {
    use restitch_model::{Interval, Share};
    use restitch_pipeline::results::MatchedType;

    use super::*;

    fn recovered() -> Recovered {
        let reservation = MatchedType {
            lost_estimate: Some(Estimate {
                count: 912.4,
                interval: Interval { low: 899.0, high: 931.7 },
                unseen: 31.2,
                method: "log-linear".to_owned(),
            }),
            candidates: 881,
            accepted: 862,
            to_review: 17,
            rejected: 2,
            changed: 140,
            expected_precision: Some(0.9975),
            expected_recall: Some(0.9773),
            precision_measured: Some(Share { hits: 1_203, n: 1_206 }),
            recall_measured: Some(Share { hits: 1_203, n: 1_231 }),
        };
        let types = [("reservation".to_owned(), reservation)].into();
        let unread = [
            ("mail newsletter", 40),
            ("calendar.event", 12),
            ("a", 3),
            ("b", 2),
            ("c", 1),
            ("d", 1),
        ];
        let unread = unread.map(|(form, count)| (form.to_owned(), count)).into();
        let held = HeldCount { waiting: 17, hanging: 0, blocked: 1 };
        Recovered {
            case: "pipelines/car-rental.case".to_owned(),
            matched: Matched { types, unread },
            window: Window {
                backup_at: "2026-01-25T03:00:00Z".parse().unwrap(),
                lost_at: "2026-04-25T14:03:00Z".parse().unwrap(),
                zone: "Europe/Berlin".to_owned(),
            },
            pulled: Pulls::default(),
            learned: Learned::default(),
            plan: PlanMade {
                inserts: 1_862,
                updates: 138,
                unchanged: 2,
                conflicts: 9,
                held: 18,
                digest: "00".to_owned(),
                tables: [
                    ("payments".to_owned(), (1_000, 0)),
                    ("reservations".to_owned(), (862, 138)),
                ]
                .into(),
                refused: 0,
                unrehearsed: None,
            },
            held: [("reservation".to_owned(), held)].into(),
            applied: None,
            next: vec![("restitch review export".to_owned(), "packs".to_owned())],
            seconds: 12.34,
        }
    }

    #[test]
    fn the_summary_says_what_somebody_tired_needs() {
        insta::assert_snapshot!(recovered().text(Style::default()), @r"
        What was lost
          all that was written after   2026-01-25 04:00 Europe/Berlin (2026-01-25 03:00 UTC)
          and before the loss at       2026-04-25 16:03 Europe/Berlin (2026-04-25 14:03 UTC)
          reservations: about 912 (between 899 and 932); about 31 of these nobody saw
        What came back
          payments: 1,000 rows put back, 0 brought up to date
          reservations: 862 rows put back, 138 brought up to date
          planned only: nothing is written yet
        What needs a look
          reservations that a person must confirm: 17
          reservations that cannot be written as they are: 1 (plan.html says why)
          values on which evidence and rows, or two sources, disagree: 9
          evidence that no rule reads: 59 items
                40  mail newsletter
                12  calendar.event
                 3  a
                 2  b
                 1  c
                 1  of 1 other forms
        How good it is, measured on rows of the backup held back
          reservations that some source saw and that come back: 97.7 % (1203 of 1231)
          reservations that are written and true: 99.8 % (1203 of 1206)
        Where it is
          pipelines/car-rental.case  the case
            plan.html        every change, to look at
            rules.toml       what was learned, to read and edit
          done in 12.3 s
        Next
          restitch review export  packs
        ");
    }

    #[test]
    fn the_json_has_each_record_type_at_its_top() {
        let json = serde_json::to_value(recovered()).unwrap();
        assert_eq!(json["reservation"]["accepted"], 862);
        assert_eq!(json["reservation"]["lost_estimate"]["interval"]["low"], 899.0);
        assert_eq!(json["reservation"]["expected_precision"], 0.9975);
        assert_eq!(json["reservation"]["precision_measured"]["n"], 1_206);
        assert_eq!(json["plan"]["inserts"], 1_862);
    }

    #[test]
    fn it_says_where_rules_are_that_gave_way_to_others() {
        let mut recovered = recovered();
        recovered.learned.previous_rules = Some("rules.previous.toml".to_owned());
        let line = "the rules as they were before are in rules.previous.toml";
        assert!(recovered.open().contains(&line.to_owned()), "{:?}", recovered.open());
    }

    #[test]
    fn where_nothing_is_open_it_says_so() {
        let mut recovered = recovered();
        recovered.held.clear();
        recovered.matched.unread.clear();
        recovered.plan.conflicts = 0;
        assert_eq!(recovered.open(), ["nothing"]);
    }
}
