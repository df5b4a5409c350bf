mod excerpt;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use restitch_model::Value;

use crate::ground::show_key;
use crate::plan::{Change, ChangeKind, Plan, Tally};
use excerpt::{MOST, excerpt, left_out};

/// The plan as a page for people: one file without scripts that reaches for nothing outside
/// itself, with filters by table, tenant, kind and confidence that are style only. What it
/// shows of evidence is text only. Of a plan that is too large for a browser it shows some changes
/// of each kind, and says how many it leaves out.
pub fn page(plan: &Plan) -> String {
    let mut html = String::new();
    // A `String` takes all that is written to it.
    let _ = write(plan, &mut html);
    html
}

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>restitch: plan</title>
<style>
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --line: #ddd; --quiet: #666; --old: #9a3412; --new: #166534 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #161616; --line: #333; --quiet: #9a9a9a; --old: #fb923c; --new: #4ade80 } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 64rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.15rem; margin-top: 2.5rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
th { font-weight: 600 } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
summary { cursor: pointer; padding: .2rem 0 } details { border-bottom: 1px solid var(--line) } details table { margin-left: 1rem; width: calc(100% - 1rem) }
fieldset { border: 1px solid var(--line); display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .5rem 0 }
.quiet { color: var(--quiet); font-size: .875rem } del { color: var(--old) } ins { color: var(--new); text-decoration: none }
code { font: .85rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere } td.n { white-space: nowrap }
@media (max-width: 40rem) {
body { margin: 1rem auto } table { font-size: .85rem } th, td { padding-right: .4rem } details table { margin-left: 0; width: 100% }
th.n { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; vertical-align: bottom; padding: .25rem 0 }
.rows, .rows tbody, .rows tr { display: block } .rows tr { border-bottom: 1px solid var(--line); padding: .3rem 0 } .rows th, .rows td:empty { display: none }
.rows td, .rows td.n { display: block; border: 0; padding: .05rem 0 .05rem 5.5rem; text-align: left; white-space: normal } .rows td::before { float: left; width: 5.5rem; margin-left: -5.5rem; color: var(--quiet) }
.cells td:nth-child(1), .clashes td:nth-child(3) { font-weight: 600 }
.cells td:nth-child(1)::before, .clashes td:nth-child(3)::before { content: "column"; font-weight: 400 } .cells td:nth-child(2)::before { content: "now" } .cells td:nth-child(3)::before { content: "then" } .cells td:nth-child(4)::before { content: "words" } .cells td:nth-child(5)::before { content: "rule" } .cells td:nth-child(6)::before { content: "confidence" }
.clashes td:nth-child(1)::before, .held td:nth-child(1)::before { content: "table" } .clashes td:nth-child(2)::before { content: "row" } .clashes td:nth-child(4)::before { content: "kept" } .clashes td:nth-child(5)::before { content: "the other" } .clashes td:nth-child(6)::before, .held td:nth-child(3)::before { content: "why" } .held td:nth-child(2)::before { content: "candidate" }
}
</style>
</head>
<body>
<main>
"#;

fn write(plan: &Plan, html: &mut String) -> std::fmt::Result {
    html.push_str(HEAD);
    writeln!(html, "<h1>Plan for {}</h1>", escape(plan.database()))?;
    writeln!(
        html,
        "<p class=\"quiet\">Nothing is written until this plan is applied. Digest \
         <code>{}</code>, made from the state <code>{}</code> by restitch {}.</p>",
        plan.digest(),
        plan.fingerprint(),
        escape(plan.restitch())
    )?;
    counts(plan, html)?;
    tenants(plan, html)?;
    let shown = excerpt(plan);
    let mut by_table: BTreeMap<&str, (Vec<&Change>, usize)> = BTreeMap::new();
    for change in plan.changes() {
        by_table.entry(&change.table).or_default().1 += 1;
    }
    for change in &shown {
        by_table.entry(&change.table).or_default().0.push(change);
    }
    let filters = Filters::of(&shown);
    filters.write(html)?;
    for (table, (changes, all)) in by_table {
        let at = filters.class(0, table);
        writeln!(html, "<section class=\"f {at}\"><h2>{}</h2>", escape(table))?;
        if changes.len() < all {
            writeln!(
                html,
                "<p class=\"quiet\">{} of {all} rows are shown, some of each tenant, kind and \
                 confidence. All are in plan.json, and <code>restitch explain</code> shows any of \
                 them.</p>",
                changes.len()
            )?;
        }
        for each in changes {
            change(each, &filters.classes(each), html)?;
        }
        html.push_str("</section>\n");
    }
    conflicts(plan, html)?;
    held(plan, html)?;
    ids(plan, html)?;
    html.push_str("</main>\n</body>\n</html>\n");
    Ok(())
}

/// What changes can be told apart by: groups of choices, by name. Classes are numbers, so that
/// no name of theirs becomes style.
struct Filters {
    groups: [(&'static str, Vec<String>); 4],
}

/// A change below this is shown by its own filter.
const UNSURE: f64 = 0.99;

impl Filters {
    fn of(shown: &[&Change]) -> Self {
        let all = |of: fn(&Change) -> String| -> Vec<String> {
            let names: BTreeSet<String> = shown.iter().map(|change| of(change)).collect();
            names.into_iter().collect()
        };
        let groups = [
            ("table", all(|change| change.table.clone())),
            ("tenant", all(tenant)),
            ("kind", all(|change| does(change).to_owned())),
            ("confidence", all(|change| sureness(change).to_owned())),
        ];
        Self { groups }
    }

    fn class(&self, group: usize, name: &str) -> String {
        let at = self.groups[group].1.iter().position(|other| other == name);
        format!("g{group}-{}", at.unwrap_or_default())
    }

    fn classes(&self, change: &Change) -> String {
        let tenant = tenant(change);
        let names = [change.table.as_str(), &tenant, does(change), sureness(change)];
        let classes = names.iter().enumerate().map(|(group, name)| self.class(group, name));
        classes.collect::<Vec<_>>().join(" ")
    }

    /// A choice hides what has not its class; without a choice all is shown.
    fn write(&self, html: &mut String) -> std::fmt::Result {
        for (group, (title, names)) in self.groups.iter().enumerate() {
            if names.len() < 2 {
                continue;
            }
            write!(
                html,
                "<fieldset><legend>{title}</legend><label><input type=\"radio\" \
                 name=\"g{group}\" checked> all</label>"
            )?;
            for (at, name) in names.iter().enumerate() {
                write!(
                    html,
                    "<label><input type=\"radio\" name=\"g{group}\" id=\"g{group}-{at}\"> \
                     {}</label>",
                    escape(name)
                )?;
            }
            html.push_str("</fieldset>\n<style>\n");
            // A table's section is hidden with the table; what is in it, by the other choices.
            let hidden = if group == 0 { "section.f" } else { "details.f" };
            for at in 0..names.len() {
                let class = format!("g{group}-{at}");
                writeln!(
                    html,
                    "body:has(#{class}:checked) {hidden}:not(.{class}) {{ display: none }}"
                )?;
            }
            html.push_str("</style>\n");
        }
        Ok(())
    }
}

fn tenant(change: &Change) -> String {
    change.tenant.clone().unwrap_or_else(|| "no tenant".to_owned())
}

fn does(change: &Change) -> &'static str {
    match change.kind {
        ChangeKind::Insert => "insert",
        ChangeKind::Update => "change",
    }
}

fn sureness(change: &Change) -> &'static str {
    if change.confidence < UNSURE { "below 99 %" } else { "99 % and more" }
}

fn counts(plan: &Plan, html: &mut String) -> std::fmt::Result {
    let heads = ["insert", "change", "unchanged", "conflicts", "held", "rejected", "merged"];
    html.push_str("<table><tr><th>table</th>");
    for head in heads {
        write!(html, "<th class=\"n\">{head}</th>")?;
    }
    html.push_str("</tr>\n");
    let all = ("all", &plan.counts().all);
    let tables = plan.counts().by_table.iter().map(|(name, tally)| (name.as_str(), tally));
    for (name, tally) in tables.chain([all]) {
        let Tally { inserts, updates, unchanged, conflicts, held, rejected, merged } = *tally;
        write!(html, "<tr><td>{}</td>", escape(name))?;
        for n in [inserts, updates, unchanged, conflicts, held, rejected, merged] {
            write!(html, "<td class=\"n\">{n}</td>")?;
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table>\n");
    Ok(())
}

/// What changes for each tenant, where there are several.
fn tenants(plan: &Plan, html: &mut String) -> std::fmt::Result {
    let mut counts: BTreeMap<String, BTreeMap<&str, [u64; 2]>> = BTreeMap::new();
    for change in plan.changes() {
        let of = counts.entry(tenant(change)).or_default().entry(&change.table).or_default();
        of[usize::from(change.kind == ChangeKind::Update)] += 1;
    }
    if counts.len() < 2 {
        return Ok(());
    }
    html.push_str(
        "<table><tr><th>tenant</th><th>table</th><th class=\"n\">insert</th>\
         <th class=\"n\">change</th></tr>\n",
    );
    let all = counts.len();
    for (tenant, tables) in counts.into_iter().take(MOST) {
        for (table, [inserts, updates]) in tables {
            writeln!(
                html,
                "<tr><td>{}</td><td>{}</td><td class=\"n\">{inserts}</td>\
                 <td class=\"n\">{updates}</td></tr>",
                escape(&tenant),
                escape(table)
            )?;
        }
    }
    html.push_str("</table>\n");
    html.push_str(&left_out(all));
    Ok(())
}

fn change(change: &Change, classes: &str, html: &mut String) -> std::fmt::Result {
    let does = does(change);
    let gist: Vec<String> =
        change.cells.iter().take(4).map(|cell| shown(Some(&cell.new))).collect();
    writeln!(
        html,
        "<details class=\"f {classes}\"><summary>{does} <b>{}</b> <span class=\"quiet\">{} &middot; {} &middot; {}</span></summary>",
        escape(&show_key(&change.key)),
        gist.join(" &middot; "),
        escape(&change.candidate.0),
        percent(change.confidence)
    )?;
    if let Some(reviewer) = &change.reviewer {
        writeln!(html, "<p class=\"quiet\">Confirmed by {}.</p>", escape(reviewer))?;
    }
    html.push_str(
        "<table class=\"rows cells\"><tr><th>column</th><th>now</th><th>then</th><th>words of the evidence</th>\
         <th>rule</th><th class=\"n\">confidence</th></tr>\n",
    );
    for cell in &change.cells {
        let old = cell.old.as_ref().map(|old| format!("<del>{}</del>", shown(Some(old))));
        let source = match (&cell.evidence, &cell.place) {
            (Some(id), Some(place)) => format!("{} {place}", id.0.short()),
            (Some(id), None) => id.0.short(),
            (None, _) => String::new(),
        };
        writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td><ins>{}</ins></td><td>{}<br><span class=\"quiet\">{}</span></td>\
             <td>{}</td><td class=\"n\">{}</td></tr>",
            escape(&cell.column),
            old.unwrap_or_default(),
            shown(Some(&cell.new)),
            escape(&cell.words),
            escape(&source),
            escape(&cell.rule),
            percent(cell.confidence)
        )?;
    }
    for (column, default) in &change.defaults {
        writeln!(
            html,
            "<tr><td>{}</td><td></td><td class=\"quiet\">default {}</td><td></td><td></td><td></td></tr>",
            escape(column),
            escape(default)
        )?;
    }
    html.push_str("</table></details>\n");
    Ok(())
}

fn conflicts(plan: &Plan, html: &mut String) -> std::fmt::Result {
    if plan.conflicts().is_empty() {
        return Ok(());
    }
    html.push_str(
        "<h2>Conflicts</h2>\n<table class=\"rows clashes\"><tr><th>table</th><th>row</th><th>column</th><th>kept</th>\
         <th>the other says</th><th>why</th></tr>\n",
    );
    for conflict in plan.conflicts().iter().take(MOST) {
        let row = match conflict.key.is_empty() {
            true => conflict.candidate.0.clone(),
            false => show_key(&conflict.key),
        };
        writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&conflict.table),
            escape(&row),
            escape(&conflict.column),
            shown(Some(&conflict.kept)),
            shown(Some(&conflict.other)),
            escape(&conflict.reason)
        )?;
    }
    html.push_str("</table>\n");
    html.push_str(&left_out(plan.conflicts().len()));
    Ok(())
}

fn held(plan: &Plan, html: &mut String) -> std::fmt::Result {
    if !plan.held().is_empty() {
        let n = plan.held().len();
        writeln!(html, "<h2>Held</h2>\n<details><summary>{n} not planned</summary>")?;
        html.push_str(
            "<table class=\"rows held\"><tr><th>table</th><th>candidate</th><th>why</th></tr>\n",
        );
        for held in plan.held().iter().take(MOST) {
            writeln!(
                html,
                "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(&held.table),
                escape(&held.candidate.0),
                escape(&held.reason)
            )?;
        }
        html.push_str("</table></details>\n");
        html.push_str(&left_out(n));
    }
    for candidate in plan.unused_decisions() {
        writeln!(
            html,
            "<p>A reviewer answered about {}, and there is no such candidate (any more).</p>",
            escape(&candidate.0)
        )?;
    }
    Ok(())
}

fn ids(plan: &Plan, html: &mut String) -> std::fmt::Result {
    if !plan.id_pairs().is_empty() {
        html.push_str(
            "<h2>New ids</h2>\n<p>These ids were taken by newer rows. What refers to the old \
             ones from outside must follow.</p>\n<table><tr><th>table</th><th class=\"n\">old</th>\
             <th class=\"n\">new</th><th>candidate</th></tr>\n",
        );
        for pair in plan.id_pairs().iter().take(MOST) {
            writeln!(
                html,
                "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
                escape(&pair.table),
                pair.evidence_id,
                pair.new_id,
                escape(&pair.candidate.0)
            )?;
        }
        html.push_str("</table>\n");
        html.push_str(&left_out(plan.id_pairs().len()));
    }
    for (table, next) in plan.next_ids() {
        writeln!(html, "<p class=\"quiet\">{} will count on from {next}.</p>", escape(table))?;
    }
    Ok(())
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "<span class=\"quiet\">empty</span>".to_owned(),
        Some(value) => escape(&value.to_string()),
    }
}

fn percent(x: f64) -> String {
    format!("{:.1}&nbsp;%", x * 100.0)
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Neither control characters nor those that turn the direction of a line around,
            // with which a text can look like another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => {
                safe.push('\u{fffd}');
            }
            c if c.is_control() && c != '\n' && c != '\t' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Db, RENTAL, changed, is, lost, rental_candidates};

    #[test]
    fn a_page_shows_changes_held_ones_and_new_ids() {
        let mut candidates = rental_candidates();
        candidates.push(lost("taken", "customers", &[("id", is(2)), ("name", is("Di"))]));
        candidates.push(lost("empty", "customers", &[]));
        let page = page(&Db::new(RENTAL).plan(&candidates));
        for part in [
            "<h2>bookings</h2>",
            "<del>booked</del>",
            "<ins>cancelled</ins>",
            "the words of status",
            "rule-status",
            "nothing tells name",
            "<h2>New ids</h2>",
            "default &#39;booked&#39;",
            "99.9&nbsp;%",
        ] {
            assert!(page.contains(part), "{part}");
        }
    }

    #[test]
    fn tables_tenants_and_kinds_can_be_picked() {
        let mut candidates = rental_candidates();
        candidates[0].tenant = Some("North \"</style>".to_owned());
        candidates[1].tenant = Some("South".to_owned());
        let page = page(&Db::new(RENTAL).plan(&candidates));
        for part in [
            "<legend>table</legend>",
            "<tr><td>South</td><td>customers</td><td class=\"n\">1</td><td class=\"n\">0</td></tr>",
            "id=\"g1-0\"> North &quot;&lt;/style&gt;</label>",
            "id=\"g1-2\"> no tenant</label>",
            "body:has(#g1-1:checked) details.f:not(.g1-1) { display: none }",
            "<section class=\"f g0-0\"><h2>bookings</h2>",
            "<details class=\"f g0-1 g1-1 g2-1 g3-0\">",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
    }

    #[test]
    fn of_a_plan_that_no_browser_could_hold_some_of_each_kind_is_shown_and_the_rest_is_counted() {
        let mut candidates: Vec<_> = (0..MOST + 1000)
            .map(|i| lost(&format!("c{i}"), "customers", &[("name", is(format!("n{i}")))]))
            .collect();
        candidates[MOST + 500].tenant = Some("South".to_owned());
        candidates.push(changed("b", "bookings", 10, &[("note", is("x"))]));
        candidates.extend((0..MOST + 7).map(|i| lost(&format!("h{i}"), "customers", &[])));
        let page = page(&Db::new(RENTAL).plan(&candidates));
        let shown = page.matches("<details class=\"f ").count();
        assert!((MOST / 4..=MOST).contains(&shown), "{shown}");
        for part in [
            "<legend>tenant</legend>",
            "<h2>bookings</h2>\n<details",
            " of 6000 rows are shown",
            "<td>South</td><td>customers</td><td class=\"n\">1</td>",
            "5007 not planned",
            "7 more are in plan.json",
        ] {
            assert!(page.contains(part), "{part}");
        }
    }

    #[test]
    fn nothing_of_the_evidence_is_markup() {
        let evil = "</style><script>alert(1)</script><img src=x onerror=\"a\">'\u{202e}";
        let mut one = changed(evil, "bookings", 10, &[("note", is(evil))]);
        one.fields[0].words = evil.to_owned();
        one.fields[0].rule = evil.into();
        let page = page(&Db::new(RENTAL).plan(&[one, lost(evil, evil, &[])]));
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\u{202e}'));
        assert_eq!(page.matches("</style>").count(), 1);
        assert!(page.contains("default-src 'none'"));
    }
}
