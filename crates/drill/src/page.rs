//! The report on what would come back today: one page for those who decide, on paper or on a
//! screen.

use std::fmt::{Result, Write};

use jiff::tz::TimeZone;
use restitch_model::{Instant, RecordType, Share};
use restitch_review::report::STYLE;
use restitch_review::{chart, escape, hash};

use crate::ages::Age;
use crate::hints::{hints, keep_elsewhere};
use crate::history::{Past, PastType};
use crate::report::DrillReport;

/// What the page tells.
pub struct Page<'p> {
    /// The name of the case.
    pub name: &'p str,
    /// When the drill was.
    pub at: Instant,
    /// What was lost, in words.
    pub loss: &'p str,
    /// What it showed.
    pub report: &'p DrillReport,
    /// The last drill in which the same was lost.
    pub before: Option<&'p Past>,
    /// The least share of recoverable reservations that is good enough, where one was told.
    pub bar: Option<f64>,
}

impl Page<'_> {
    /// The page as HTML that reaches for nothing outside itself and runs nothing.
    pub fn html(&self) -> String {
        let mut html = String::new();
        // A `String` takes all that is written to it.
        let _ = self.write(&mut html);
        html
    }

    fn write(&self, html: &mut String) -> Result {
        write!(
            html,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
             '{}'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<title>What would come back: {name}\
             </title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<header>\
             <p class=\"quiet\">{name}, {at}</p>\n<h1>What would come back today</h1></header>\n\
             <p>On a copy of the database was lost: <strong>{loss}</strong>. It was rebuilt from \
             what other systems remember, by the steps of a real recovery, and held against what \
             had been there.</p>\n",
            hash(STYLE),
            name = escape(self.name),
            at = day(self.at),
            loss = escape(self.loss),
        )?;
        self.tables(html)?;
        self.ages(html)?;
        self.keep(html)?;
        self.sources(html)?;
        self.since(html)?;
        self.hints(html)?;
        self.sure(html)?;
        html.push_str(
            "<footer><p class=\"quiet\">Made by <code>restitch drill</code>. All figures are \
             counts of this drill; a real loss may differ. No record of a person is shown \
             here.</p></footer>\n</main>\n</body>\n</html>\n",
        );
        Ok(())
    }

    fn tables(&self, html: &mut String) -> Result {
        let shares: Vec<(String, Share)> =
            self.report.shares().into_iter().map(|(t, share)| (t.to_owned(), share)).collect();
        if shares.is_empty() {
            html.push_str("<p>No row was lost.</p>\n");
        } else {
            writeln!(
                html,
                "<figure>{}<figcaption>Of the rows lost, those that are back, by table\
                 </figcaption></figure>",
                chart::shares("By table: lost rows that are back", &shares)
            )?;
        }
        head(
            html,
            &["Table", "Lost", "Seen by a source", "Back, of those seen", "True, of those added"],
        );
        for found in self.report.types.values() {
            let score = &found.score;
            writeln!(
                html,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(&score.table),
                score.lost,
                score.recoverable,
                score.recall(),
                score.precision()
            )?;
        }
        html.push_str("</tbody></table>\n");
        let mended = self.report.types.values().flat_map(|found| {
            found.score.mended.iter().map(|(column, share)| (&found.score.table, column, share))
        });
        for (table, column, share) in mended {
            writeln!(
                html,
                "<p>Overwritten cells of <strong>{}.{}</strong> that are true again: {share}.</p>",
                escape(table),
                escape(column)
            )?;
        }
        Ok(())
    }

    fn ages(&self, html: &mut String) -> Result {
        if self.report.ages.is_empty() {
            return Ok(());
        }
        html.push_str("<h2>How old a backup may get</h2>\n");
        let recall = |age: &Age| Some(age.types.get(RecordType::RESERVATION)?.recall);
        let shares: Vec<(String, Share)> = (self.report.ages.iter())
            .filter_map(|age| Some((format!("{} days", age.days), recall(age)?)))
            .collect();
        writeln!(
            html,
            "<figure>{}<figcaption>Reservations that some source saw and that would be back, by \
             the age of the newest backup</figcaption></figure>",
            chart::shares("By age of the backup: reservations that would be back", &shares)
        )?;
        head(
            html,
            &["Records", "Age", "Back, of all lost", "Back, of those seen", "True, of those added"],
        );
        for age in &self.report.ages {
            for (record_type, of) in &age.types {
                writeln!(
                    html,
                    "<tr><th scope=\"row\">{}</th><td>{} days</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                    escape(record_type),
                    age.days,
                    of.back,
                    of.recall,
                    of.precision
                )?;
            }
        }
        html.push_str("</tbody></table>\n");
        let Some(bar) = self.bar else { return Ok(()) };
        let is_good = |age: &&Age| recall(age).and_then(|r| r.rate()).is_some_and(|r| r >= bar);
        let sentence = match self.report.ages.iter().filter(is_good).map(|age| age.days).max() {
            Some(days) => format!(
                "Up to {days} days at least {:.1} % of the reservations that were seen come back.",
                bar * 100.0
            ),
            None => format!("At none of these ages {:.1} % come back.", bar * 100.0),
        };
        writeln!(html, "<p>{sentence}</p>")
    }

    fn keep(&self, html: &mut String) -> Result {
        let names = keep_elsewhere(self.report);
        if names.is_empty() {
            return Ok(());
        }
        html.push_str(
            "<h2>Keep a copy of these elsewhere</h2>\n<p>No source tells them, so nothing could \
             bring them back:</p>\n<p>",
        );
        let names: Vec<String> =
            names.iter().map(|name| format!("<code>{}</code>", escape(name))).collect();
        writeln!(html, "{}</p>", names.join(", "))
    }

    fn sources(&self, html: &mut String) -> Result {
        if self.report.sources.is_empty() {
            return Ok(());
        }
        html.push_str(
            "<h2>What each source is worth</h2>\n<p>The same was recovered again without it: by so \
             many points of 100 recall falls.</p>\n",
        );
        let types: Vec<&String> = self.report.types.keys().collect();
        let names: Vec<&str> = types.iter().map(|name| name.as_str()).collect();
        head(html, &[&["Source", "Items"], &names[..]].concat());
        for worth in &self.report.sources {
            write!(
                html,
                "<tr><th scope=\"row\">{}</th><td>{}</td>",
                escape(&worth.source),
                worth.items
            )?;
            for name in &types {
                let points = worth.types.get(*name).map(|of| format!("{:.1}", of.points));
                write!(html, "<td>{}</td>", points.as_deref().unwrap_or("not measured"))?;
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody></table>\n");
        Ok(())
    }

    fn since(&self, html: &mut String) -> Result {
        html.push_str("<h2>Since the last drill</h2>\n");
        let Some(before) = self.before else {
            html.push_str("<p>This is the first drill of this kind on record.</p>\n");
            return Ok(());
        };
        writeln!(html, "<p>The last one of this kind was on {}.</p>", day(before.at))?;
        head(
            html,
            &[
                "Records",
                "Back then, of those seen",
                "Back now",
                "True then, of those added",
                "True now",
            ],
        );
        let now = Past::of(self.report, self.at, self.loss).types;
        for (name, PastType { recall, precision, .. }) in &now {
            let Some(then) = before.types.get(name) else { continue };
            writeln!(
                html,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{recall}</td><td>{}</td>\
                 <td>{precision}</td></tr>",
                escape(name),
                then.recall,
                then.precision
            )?;
        }
        html.push_str("</tbody></table>\n");
        Ok(())
    }

    fn hints(&self, html: &mut String) -> Result {
        let hints = hints(self.report);
        if hints.is_empty() {
            return Ok(());
        }
        html.push_str("<h2>What to do, the most rows first</h2>\n<ol>\n");
        for hint in hints {
            writeln!(
                html,
                "<li><strong>{}</strong> rows. {}.</li>",
                hint.rows,
                escape(&hint.text)
            )?;
        }
        html.push_str("</ol>\n");
        Ok(())
    }

    fn sure(&self, html: &mut String) -> Result {
        html.push_str("<h2>Whether it is as sure as it says</h2>\n");
        head(html, &["Records", "Said to be sure", "True", "Records judged"]);
        for (name, found) in &self.report.types {
            for tenth in &found.calibration.tenths {
                let right = Share { hits: tenth.right, n: tenth.n };
                writeln!(
                    html,
                    "<tr><th scope=\"row\">{}</th><td>{:.1} %</td><td>{:.1} %</td><td>{}</td></tr>",
                    escape(name),
                    tenth.confidence * 100.0,
                    right.rate().unwrap_or(0.0) * 100.0,
                    tenth.n
                )?;
            }
        }
        html.push_str("</tbody></table>\n");
        let estimates =
            self.report.types.iter().filter_map(|(n, t)| Some((n, t.estimate.as_ref()?)));
        for (name, check) in estimates {
            let of = &check.estimate;
            writeln!(
                html,
                "<p>How many {}s were lost was estimated at {:.0} (between {:.0} and {:.0}); it \
                 were {}.</p>",
                escape(name),
                of.count,
                of.interval.low,
                of.interval.high,
                check.lost
            )?;
        }
        Ok(())
    }
}

/// Begins a table with these columns.
fn head(html: &mut String, columns: &[&str]) {
    // A class of the style that keeps names in one line.
    html.push_str("<table class=\"when\"><thead><tr>");
    for column in columns {
        html.push_str("<th scope=\"col\">");
        html.push_str(&escape(column));
        html.push_str("</th>");
    }
    html.push_str("</tr></thead><tbody>\n");
}

fn day(at: Instant) -> String {
    TimeZone::UTC.to_datetime(at).strftime("%-d %B %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ages::AgeOf;
    use crate::report::TypeReport;
    use crate::score::TypeScore;

    fn page(bar: Option<f64>) -> String {
        let score = TypeScore {
            table: "rentals".to_owned(),
            lost: 110,
            recoverable: 100,
            recovered: 95,
            recovered_of_recoverable: 95,
            inserted: 95,
            filled: [("<notes>".to_owned(), Share { hits: 0, n: 40 })].into(),
            ..TypeScore::default()
        };
        let age = |days, hits| {
            let share = Share { hits, n: 100 };
            let of = AgeOf { back: share, recall: share, precision: share };
            Age { days, types: [("reservation".to_owned(), of)].into() }
        };
        let found = TypeReport { score, ..TypeReport::default() };
        let report = DrillReport {
            types: [("reservation".to_owned(), found)].into(),
            ages: vec![age(7, 99), age(30, 95), age(60, 80)],
            ..DrillReport::default()
        };
        let at: Instant = "2026-03-02T10:00:00Z".parse().unwrap();
        let mut before = Past::of(&report, at, "30d");
        before.at = "2026-02-23T10:00:00Z".parse().unwrap();
        let loss = "the newest 30 days";
        Page { name: "car <rental>", at, loss, report: &report, before: Some(&before), bar }.html()
    }

    #[test]
    fn it_tells_what_would_come_back_how_old_a_backup_may_get_and_what_to_keep() {
        let page = page(Some(0.9));
        for part in [
            "2 March 2026",
            "the newest 30 days",
            "86.4 % (95 of 110)",
            "95.0 % (95 of 100)",
            "Up to 30 days at least 90.0 %",
            "<code>rentals.&lt;notes&gt;</code>",
            "The last one of this kind was on 23 February 2026",
            "no source saw these rows",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
    }

    #[test]
    fn it_reaches_for_nothing_runs_nothing_and_holds_no_markup_of_the_data() {
        let page = page(None);
        for part in ["<script", "src=", "href=", "car <rental>", "<notes>"] {
            assert!(!page.contains(part), "{part}\n{page}");
        }
    }
}
