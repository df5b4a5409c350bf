//! The report on an incident: two pages for customers, board and authorities. Every figure is
//! one of the case's, and names no person.

use std::fmt::{Result, Write};

use jiff::tz::TimeZone;
use restitch_model::{Instant, Share, TimeWindow};

use crate::chart;
use crate::loss::{Loss, Tally};
use crate::page::{escape, hash};

/// How reports look: one style without an address in it, for the screen and for paper.
pub const STYLE: &str = include_str!("report.css");

/// What the report tells.
#[derive(Debug, Clone)]
pub struct Report {
    /// The name of the case.
    pub name: String,
    /// The database.
    pub database: String,
    /// From the backup's last moment to the loss.
    pub window: Option<TimeWindow>,
    /// The zone of the clock that times are shown by; UTC where it is not known.
    pub zone: String,
    /// By record type.
    pub types: Vec<TypeReport>,
    /// The course of the loss of the main record type, with its name.
    pub loss: Option<(String, Loss)>,
    /// How many evidence items were read, by source.
    pub evidence: Vec<(String, usize)>,
    /// Items of the window that no rule reads.
    pub unread: u64,
    /// What reviewers said: the answer, and of how many records.
    pub answers: Vec<(String, usize)>,
    /// Records of which reviewers say different things.
    pub disagreements: usize,
    /// The plan.
    pub plan: PlanReport,
    /// What happened, in the order of time.
    pub events: Vec<(Instant, String)>,
}

/// What became of the records of a type.
#[derive(Debug, Clone, Default)]
pub struct TypeReport {
    /// Its name.
    pub name: String,
    /// Lost: the estimate, at least and at most, where it can be estimated.
    pub lost: Option<(f64, f64, f64)>,
    /// Of them, those that no source saw.
    pub unseen: Option<f64>,
    /// Rebuilt records.
    pub tally: Tally,
    /// Surviving rows that the plan changes.
    pub changed: usize,
    /// Of rehearsed records that would have been planned, those that were right.
    pub precision: Option<Share>,
    /// Of rehearsed records that some source saw, those that would have come back.
    pub recall: Option<Share>,
}

/// The plan in figures.
#[derive(Debug, Clone, Default)]
pub struct PlanReport {
    /// Rows to insert.
    pub inserts: u64,
    /// Rows to change.
    pub updates: u64,
    /// Records held back.
    pub held: u64,
    /// Disagreements left to reviewers.
    pub conflicts: u64,
    /// What approvals sign.
    pub digest: String,
    /// When it was last applied and not taken back since.
    pub applied: Option<Instant>,
}

/// The report as one page of HTML that reaches for nothing outside itself; on paper it is two.
pub fn write(report: &Report) -> String {
    let mut html = String::new();
    // A `String` takes all that is written to it.
    let _ = pages(report, &mut html);
    html
}

fn pages(report: &Report, html: &mut String) -> Result {
    write!(
        html,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         '{}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>Report on a loss of data: {name}\
         </title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<section class=\"page\">\n\
         <header><p class=\"quiet\">{name}</p>\n<h1>Report on a loss of data</h1></header>\n",
        hash(STYLE),
        name = escape(&report.name),
    )?;
    lost(report, html)?;
    back(report, html)?;
    html.push_str("</section>\n<section class=\"page\">\n");
    sure(report, html)?;
    remains(report, html)?;
    when(report, html)?;
    write!(
        html,
        "<footer><p class=\"quiet\">All figures come from the case that restitch keeps of this \
         recovery: the records rebuilt, the plan <code>{}</code>, the answers of reviewers and \
         the log. Times are those of {}. No record of a person is shown here.</p></footer>\n\
         </section>\n</main>\n</body>\n</html>\n",
        escape(report.plan.digest.get(..16).unwrap_or(&report.plan.digest)),
        escape(&report.zone().1),
    )
}

impl Report {
    fn zone(&self) -> (TimeZone, String) {
        match TimeZone::get(&self.zone) {
            Ok(zone) => (zone, self.zone.clone()),
            Err(_) => (TimeZone::UTC, "UTC".to_owned()),
        }
    }

    fn clock(&self, at: Instant) -> String {
        self.zone().0.to_datetime(at).strftime("%-d %B %Y, %H:%M").to_string()
    }
}

fn lost(report: &Report, html: &mut String) -> Result {
    html.push_str("<h2>What was lost</h2>\n");
    match report.window {
        Some(window) => writeln!(
            html,
            "<p>What was written to <strong>{}</strong> after the last good backup, of {}, and \
             before the loss on {}.</p>",
            escape(&report.database),
            report.clock(window.start),
            report.clock(window.end)
        )?,
        None => writeln!(html, "<p>The case does not tell when the backup ends.</p>")?,
    }
    html.push_str("<ul>\n");
    for of in &report.types {
        if let Some((count, low, high)) = of.lost {
            let unseen = match of.unseen {
                Some(unseen) if unseen >= 0.5 => {
                    format!("; of these about {unseen:.0} left no trace anywhere")
                }
                _ => String::new(),
            };
            writeln!(
                html,
                "<li>About <strong>{count:.0}</strong> {} (between {low:.0} and {high:.0}){unseen}.</li>",
                plural(&of.name)
            )?;
        }
    }
    let of: Vec<&str> =
        report.types.iter().filter(|t| t.lost.is_none()).map(|t| &*t.name).collect();
    if !of.is_empty() {
        let names: Vec<String> = of.iter().map(|name| plural(name)).collect();
        writeln!(html, "<li>How many {} were lost is not estimated.</li>", names.join(" and "))?;
    }
    html.push_str("</ul>\n");
    Ok(())
}

fn back(report: &Report, html: &mut String) -> Result {
    let done = match report.plan.applied {
        Some(at) => format!("written on {}", report.clock(at)),
        None => "planned, and not written yet".to_owned(),
    };
    writeln!(
        html,
        "<h2>What came back</h2>\n<p><strong>{}</strong> rows are inserted and <strong>{}</strong> \
         surviving rows are brought up to date: {done}. Nothing that survived is deleted. Left out is what evidence tells of \
         and what was no lost record.</p>",
        report.plan.inserts, report.plan.updates
    )?;
    html.push_str(
        "<table><thead><tr><th scope=\"col\">Records</th><th scope=\"col\">Back</th>\
         <th scope=\"col\">Waiting</th><th scope=\"col\">Left out</th>\
         <th scope=\"col\">Surviving, changed</th></tr></thead><tbody>\n",
    );
    for of in &report.types {
        writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            plural(&of.name),
            of.tally.back,
            of.tally.waits,
            of.tally.out,
            of.changed
        )?;
    }
    html.push_str("</tbody></table>\n");
    let Some((name, loss)) = &report.loss else { return Ok(()) };
    if let Some((count, low, high)) =
        report.types.iter().find(|of| of.name == *name).and_then(|of| of.lost)
    {
        let back = loss.whole().back;
        writeln!(
            html,
            "<figure>{}<figcaption>{}</figcaption></figure>",
            chart::completeness(back, count, low, high),
            escape(&chart::complete(back as f64, count, low, high))
        )?;
    }
    writeln!(
        html,
        "<figure>{}<figcaption><span class=\"key back\"></span>back <span class=\"key waits\">\
         </span>waiting <span class=\"key out\"></span>left out: {}, by the week in which they \
         were first heard of</figcaption></figure>",
        chart::weeks(loss),
        plural(name)
    )?;
    writeln!(
        html,
        "<figure>{}<figcaption>Which source saw how much, by week; filled as far as it came back\
         </figcaption></figure>",
        chart::map(loss)
    )
}

fn sure(report: &Report, html: &mut String) -> Result {
    html.push_str(
        "<h2>How sure it is</h2>\n<p>Before anything was rebuilt, rows of the backup were \
         forgotten on purpose, rebuilt from evidence alone, and compared with what they had \
         been.</p>\n<table><thead><tr><th scope=\"col\">Records</th><th scope=\"col\">Right, of \
         those that are taken without a person</th><th scope=\"col\">Back, of those that left a \
         trace</th></tr></thead><tbody>\n",
    );
    for of in report.types.iter().filter(|of| of.precision.is_some() || of.recall.is_some()) {
        writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>",
            plural(&of.name),
            share(of.precision),
            share(of.recall)
        )?;
    }
    html.push_str("</tbody></table>\n");
    let said: Vec<String> = report.answers.iter().map(|(word, n)| format!("{word}: {n}")).collect();
    let said = match said.is_empty() {
        true => "Nobody was asked about a record yet.".to_owned(),
        false => format!("People who know the records were asked ({}).", escape(&said.join(", "))),
    };
    let differ = match report.disagreements {
        0 => String::new(),
        n => format!(" Of {n} records they say different things."),
    };
    writeln!(html, "<p>{said}{differ}</p>")
}

fn share(share: Option<Share>) -> String {
    let Some(share) = share.filter(|share| share.n > 0) else { return "not measured".to_owned() };
    let sure = share.wilson();
    format!(
        "{share}<br><span class=\"quiet\">between {:.1} and {:.1} %</span>",
        sure.low * 100.0,
        sure.high * 100.0
    )
}

fn remains(report: &Report, html: &mut String) -> Result {
    html.push_str("<h2>What remains</h2>\n<ul>\n");
    let waiting: usize = report.types.iter().map(|of| of.tally.waits).sum();
    writeln!(
        html,
        "<li><strong>{waiting}</strong> rebuilt records wait for somebody who knows, or for what \
         they refer to.</li>\n<li><strong>{}</strong> contradictions are left for a person to \
         settle; what stands in the database stays until then.</li>",
        report.plan.conflicts
    )?;
    for of in &report.types {
        if let Some((_, low, high)) = of.lost {
            let found = of.tally.back as f64;
            let (least, most) = ((low - found).max(0.0), (high - found).max(0.0));
            writeln!(
                html,
                "<li>Between <strong>{least:.0}</strong> and <strong>{most:.0}</strong> {} are not \
                 back.</li>",
                plural(&of.name)
            )?;
        }
    }
    if report.unread > 0 {
        writeln!(
            html,
            "<li>{} pieces of evidence of that time could not be read by any rule.</li>",
            report.unread
        )?;
    }
    html.push_str("</ul>\n");
    Ok(())
}

fn when(report: &Report, html: &mut String) -> Result {
    html.push_str("<h2>When</h2>\n<table class=\"when\"><tbody>\n");
    for (at, what) in &report.events {
        writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
            report.clock(*at),
            escape(what)
        )?;
    }
    html.push_str("</tbody></table>\n");
    let sources: Vec<String> = report
        .evidence
        .iter()
        .map(|(name, n)| format!("{n} items from {}", escape(name)))
        .collect();
    writeln!(html, "<p>Evidence that was read: {}.</p>", sources.join(", "))
}

fn plural(name: &str) -> String {
    format!("{}s", escape(&name.replace('_', " ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        Report {
            name: "car-rental".to_owned(),
            database: "rental".to_owned(),
            window: Some(TimeWindow {
                start: at("2026-01-25T03:00:00Z"),
                end: at("2026-04-25T14:03:00Z"),
            }),
            zone: "Europe/Berlin".to_owned(),
            types: vec![TypeReport {
                name: "reservation".to_owned(),
                lost: Some((400.0, 390.0, 410.0)),
                unseen: Some(12.0),
                tally: Tally { back: 380, waits: 12, out: 3 },
                changed: 7,
                precision: Some(Share { hits: 99, n: 100 }),
                recall: None,
            }],
            loss: Some(("reservation".to_owned(), Loss::default())),
            evidence: vec![("mail".to_owned(), 1200)],
            unread: 4,
            answers: vec![("yes".to_owned(), 9)],
            disagreements: 1,
            plan: PlanReport {
                inserts: 500,
                updates: 7,
                digest: "ab".repeat(32),
                ..PlanReport::default()
            },
            events: vec![(at("2026-04-25T14:03:00Z"), "the <loss>".to_owned())],
        }
    }

    #[test]
    fn it_tells_what_was_lost_came_back_remains_and_when() {
        let page = write(&report());
        for part in [
            "after the last good backup, of 25 January 2026, 04:00, and before the loss on 25 April 2026, 16:03",
            "About <strong>400</strong> reservations (between 390 and 410); of these about 12 left no trace",
            "<strong>500</strong> rows are inserted",
            "planned, and not written yet",
            "99.0 % (99 of 100)",
            "not measured",
            "Between <strong>10</strong> and <strong>30</strong> reservations are not back",
            "Of 1 records they say different things",
            "the &lt;loss&gt;",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
    }

    #[test]
    fn it_reaches_for_nothing_and_runs_nothing() {
        let page = write(&report());
        assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("href="));
    }
}
