//! The pack as a page: one file that works from a mail attachment, without any network.

use std::fmt::{Result, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use restitch_model::{Cell, EvidenceId};
use sha2::{Digest, Sha256};

use crate::layout::said;
use crate::person::Person;
use crate::shown::{Shown, cut};
use crate::view::{Disputed, Entry, Group, View, percent};
use crate::words::{Fixed, Said};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Evidence is named up to this many items a record.
const ITEMS: usize = 8;

/// The page. Its policy allows this style and this script and nothing else: no address is ever
/// called, whatever the evidence says.
pub(crate) fn write(view: &View<'_>) -> String {
    let mut html = String::new();
    // A `String` takes all that is written to it.
    let _ = page(view, &mut html);
    html
}

fn page(view: &View<'_>, html: &mut String) -> Result {
    let texts = view.texts();
    let name = if view.name.is_empty() { "restitch" } else { &view.name };
    write!(
        html,
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<form autocomplete=\"off\" data-zone=\"{zone}\" \
         data-file=\"answers-{folder}.json\">\n<header>\n<p class=\"quiet\">{name}</p>\n\
         <h1>{asks}</h1>\n<p>{intro}</p>\n<p class=\"quiet\">{times_in}: {zone}</p>\n\
         <noscript><p><strong>{without}</strong></p></noscript>\n\
         <p id=\"who\" hidden><label for=\"reviewer\">{who}</label>\
         <input type=\"text\" id=\"reviewer\" autocomplete=\"name\"></p>\n</header>\n<main>\n",
        lang = view.language,
        style = hash(STYLE),
        script = hash(SCRIPT),
        title = escape(&format!("{} {}", texts.title, view.name)),
        zone = escape(&view.zone_name),
        folder = escape(&view.folder),
        name = text(name),
        asks = escape(texts.title),
        intro = escape(texts.intro),
        times_in = escape(texts.times_in),
        without = escape(texts.without_script),
        who = escape(Fixed::Reviewer.header(view.language)),
    )?;
    let [needs, restored, _, not_rebuilt] = texts.sections;
    let [hint_needs, hint_restored, _, hint_not] = texts.section_hints;
    let mut number = 0;
    section(view, Group::Needs, needs, hint_needs, &mut number, html)?;
    section(view, Group::Restored, restored, hint_restored, &mut number, html)?;
    section(view, Group::NotRebuilt, not_rebuilt, hint_not, &mut number, html)?;
    html.push_str("<datalist id=\"records\">\n");
    for entry in &view.entries {
        let id = &entry.candidate.id;
        writeln!(
            html,
            "<option value=\"{}\" label=\"{}\">",
            escape(&id.0),
            escape(&format!("{} {}", view.what(entry.candidate), view.gist(id)))
        )?;
    }
    write!(
        html,
        "</datalist>\n<button type=\"button\" id=\"save\" hidden data-saved=\"{saved}\" \
         data-nothing=\"{nothing}\">{save}</button>\n<div id=\"done\" role=\"status\" hidden>\
         <p></p><textarea id=\"text\" rows=\"6\" readonly aria-label=\"JSON\"></textarea></div>\n\
         </main>\n</form>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        saved = escape(texts.saved),
        nothing = escape(texts.nothing_to_save),
        save = escape(texts.save),
    )
}

/// A group of records; those that need an answer stand open, the others can be opened.
fn section(
    view: &View<'_>,
    group: Group,
    title: &str,
    hint: &str,
    number: &mut usize,
    html: &mut String,
) -> Result {
    let n = view.group(group).count();
    write!(html, "<section>\n<h2>{} ({n})</h2>\n", escape(title))?;
    let is_open = group == Group::Needs;
    if n > 0 {
        match is_open {
            true => writeln!(html, "<p class=\"quiet\">{}</p>", escape(hint))?,
            false => writeln!(html, "<details><summary>{}</summary>", escape(hint))?,
        }
        for entry in view.group(group) {
            *number += 1;
            card(view, entry, *number, html)?;
        }
        if !is_open {
            html.push_str("</details>\n");
        }
    }
    html.push_str("</section>\n");
    Ok(())
}

fn card(view: &View<'_>, entry: &Entry<'_>, number: usize, html: &mut String) -> Result {
    told(view, entry, number, html)?;
    answers(view, entry, number, html)?;
    html.push_str("</article>\n");
    Ok(())
}

/// A record with its evidence, up to the end of its article.
fn told(view: &View<'_>, entry: &Entry<'_>, number: usize, html: &mut String) -> Result {
    let candidate = entry.candidate;
    let title = match view.gist(&candidate.id) {
        "" => view.what(candidate),
        gist => gist.to_owned(),
    };
    write!(
        html,
        "<article data-id=\"{id}\" aria-labelledby=\"r{number}\">\n<h3 id=\"r{number}\">{title}</h3>\n\
         <p class=\"quiet\">{what} · {sure}: {percent} % · <code>{id}</code></p>\n",
        id = escape(&candidate.id.0),
        title = text(&title),
        what = escape(&view.what(candidate)),
        sure = escape(Fixed::Sure.header(view.language)),
        percent = percent(candidate.confidence),
    )?;
    if !entry.why.is_empty() {
        html.push_str("<ul class=\"why\">\n");
        for why in &entry.why {
            writeln!(html, "<li>{}</li>", text(&cut(why, 500)))?;
        }
        html.push_str("</ul>\n");
    }
    fields(view, entry, html)?;
    if !entry.conflicts.is_empty() {
        conflicts(view, &entry.conflicts, html)?;
    }
    items(view, entry, html)
}

/// The page for one person: records without questions, and what stands in the database.
pub(crate) fn write_person(view: &View<'_>, person: &Person<'_>) -> String {
    let mut html = String::new();
    // A `String` takes all that is written to it.
    let _ = person_page(view, person, &mut html);
    html
}

fn person_page(view: &View<'_>, person: &Person<'_>, html: &mut String) -> Result {
    let texts = view.texts();
    let [title, intro, standing] = texts.person;
    write!(
        html,
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         '{style}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<header>\n<p class=\"quiet\">{tenant}</p>\n\
         <h1>{title}: {name}</h1>\n<p>{intro}</p>\n<p class=\"quiet\">{times_in}: {zone}</p>\n\
         </header>\n<main>\n",
        lang = view.language,
        style = hash(STYLE),
        title = escape(title),
        tenant = text(&view.name),
        name = text(&person.name),
        intro = escape(intro),
        times_in = escape(texts.times_in),
        zone = escape(&view.zone_name),
    )?;
    for (n, entry) in view.entries.iter().enumerate() {
        told(view, entry, n + 1, html)?;
        html.push_str("</article>\n");
    }
    if !person.standing.is_empty() {
        writeln!(html, "<section>\n<h2>{}</h2>", escape(standing))?;
        for (row, columns) in &person.standing {
            writeln!(html, "<article>\n<h3>{}</h3>\n<dl>", text(row))?;
            for (column, held) in columns {
                let held = value(view, &Shown::of(held, &view.zone));
                writeln!(html, "<dt>{}</dt><dd>{held}</dd>", text(&label(column)))?;
            }
            html.push_str("</dl>\n</article>\n");
        }
        html.push_str("</section>\n");
    }
    html.push_str("</main>\n</body>\n</html>\n");
    Ok(())
}

/// What the record says, and the words of the evidence that say it.
fn fields(view: &View<'_>, entry: &Entry<'_>, html: &mut String) -> Result {
    html.push_str("<dl>\n");
    for field in &entry.candidate.fields {
        let shown = match &field.cell {
            Cell::KeyOf(id) if !view.gist(id).is_empty() => text(view.gist(id)),
            cell => value(view, &Shown::of_cell(cell, &view.zone)),
        };
        write!(html, "<dt>{}</dt><dd>{shown}", text(&label(&field.column)))?;
        let line = field.evidence.and_then(|id| view.note(id)).map(|note| note.line.as_str());
        let words = field.words.trim();
        if !words.is_empty() {
            write!(html, "<q>{}</q>", marked(line.unwrap_or_default(), words))?;
        }
        html.push_str("</dd>\n");
    }
    for column in &entry.missing {
        let empty = escape(view.texts().empty);
        writeln!(html, "<dt>{}</dt><dd class=\"quiet\">{empty}</dd>", text(&label(column)))?;
    }
    html.push_str("</dl>\n");
    Ok(())
}

/// The line of evidence with the words marked in it; only the words where they stand elsewhere
/// in the item.
fn marked(line: &str, words: &str) -> String {
    let mark = |words: &str| format!("<mark>{}</mark>", text(&cut(words, 300)));
    match line.split_once(words) {
        Some((before, after)) => {
            let skipped = before.chars().count().saturating_sub(120);
            let from = before.char_indices().nth(skipped).map_or(before.len(), |(at, _)| at);
            format!("{}{}{}", escape(&before[from..]), mark(words), escape(&cut(after, 120)))
        }
        None => mark(words),
    }
}

/// What contradicts itself, side by side.
fn conflicts(view: &View<'_>, conflicts: &[Disputed<'_>], html: &mut String) -> Result {
    let heads = view.texts().conflict_headers.map(escape);
    writeln!(
        html,
        "<table><thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th>\
         <th scope=\"col\">{}</th></tr></thead><tbody>",
        heads[0], heads[1], heads[2]
    )?;
    for conflict in conflicts {
        let note = conflict.evidence.and_then(|id| view.note(id));
        let source = note.map_or(String::new(), |note| {
            format!("<br><span class=\"quiet\">{}</span>", text(&view.source(note)))
        });
        writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}{source}</td></tr>",
            text(&label(conflict.column)),
            value(view, &Shown::of(conflict.kept, &view.zone)),
            value(view, &Shown::of(conflict.other, &view.zone)),
        )?;
    }
    html.push_str("</tbody></table>\n");
    Ok(())
}

/// The items that the record was put together from.
fn items(view: &View<'_>, entry: &Entry<'_>, html: &mut String) -> Result {
    let ids: &[EvidenceId] = &entry.candidate.evidence;
    let notes: Vec<_> = ids.iter().take(ITEMS).filter_map(|id| view.note(*id)).collect();
    if notes.is_empty() {
        return Ok(());
    }
    let header = escape(Fixed::Evidence.header(view.language));
    writeln!(html, "<details><summary>{header} ({})</summary>\n<ul>", ids.len())?;
    for note in notes {
        let source = text(&view.source(note));
        writeln!(
            html,
            "<li><span class=\"quiet\">{source}</span> {}</li>",
            text(&cut(&note.line, 300))
        )?;
    }
    html.push_str("</ul></details>\n");
    Ok(())
}

fn answers(view: &View<'_>, entry: &Entry<'_>, number: usize, html: &mut String) -> Result {
    let texts = view.texts();
    let last = entry.decision.and_then(|decision| said(&decision.answer));
    writeln!(html, "<fieldset><legend>{}</legend>", escape(texts.asks))?;
    for said in Said::ALL {
        writeln!(
            html,
            "<label><input type=\"radio\" name=\"a{number}\" value=\"{}\"{}>{}</label>",
            said.code(),
            if last == Some(said) { " checked" } else { "" },
            escape(texts.choices[said as usize]),
        )?;
    }
    let other = match entry.decision.map(|decision| &decision.answer) {
        Some(restitch_model::Answer::SameAs { other }) => other.0.as_str(),
        _ => "",
    };
    let language = view.language;
    writeln!(
        html,
        "<div class=\"same\"><label class=\"text\">{}<input type=\"text\" list=\"records\" \
         data-part=\"same\" value=\"{}\"></label></div>\n<div class=\"fix\">\n<p class=\"quiet\">{}</p>",
        escape(Fixed::SameAs.header(language)),
        escape(other),
        escape(texts.fix),
    )?;
    let mut columns: Vec<&str> = Vec::new();
    let own = entry.candidate.fields.iter().map(|field| field.column.as_str());
    let disputed = entry.conflicts.iter().map(|conflict| conflict.column);
    for column in own.chain(disputed).chain(entry.missing.iter().copied()) {
        if !columns.contains(&column) {
            columns.push(column);
            input(view, entry, column, html)?;
        }
    }
    let note = entry.decision.map_or("", |decision| decision.note.as_str());
    writeln!(
        html,
        "</div>\n<label class=\"text\">{}<textarea rows=\"1\" data-part=\"note\">\n{}</textarea></label>\n</fieldset>",
        escape(Fixed::Note.header(language)),
        escape(note),
    )
}

/// A field to correct. What is not shown as a whole cannot be.
fn input(view: &View<'_>, entry: &Entry<'_>, column: &str, html: &mut String) -> Result {
    let (now, was) = (entry.shown(column, &view.zone), entry.was(column, &view.zone));
    if matches!(was, Shown::Partly(_)) {
        return Ok(());
    }
    let (now, was) = (now.spoken(view.language), was.spoken(view.language));
    let data = format!("data-column=\"{}\" data-was=\"{}\"", escape(column), escape(&was));
    let label = text(&label(column));
    match now.contains('\n') || was.contains('\n') {
        true => writeln!(
            html,
            "<label class=\"text\">{label}<textarea rows=\"3\" {data}>\n{}</textarea></label>",
            escape(&now)
        ),
        false => writeln!(
            html,
            "<label class=\"text\">{label}<input type=\"text\" {data} value=\"{}\"></label>",
            escape(&now)
        ),
    }
}

/// A column's name as people would write it.
fn label(column: &str) -> String {
    column.replace('_', " ")
}

fn value(view: &View<'_>, shown: &Shown) -> String {
    match shown.spoken(view.language).as_str() {
        "" => format!("<span class=\"quiet\">{}</span>", escape(view.texts().empty)),
        spoken => text(spoken),
    }
}

/// A value for an element of its own, whose direction of writing ends with it.
fn text(value: &str) -> String {
    format!("<bdi>{}</bdi>", escape(value))
}

/// The source as a content security policy names it.
pub fn hash(source: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(source.as_bytes())))
}

/// A text without markup, and without what turns the direction of a line around.
pub fn escape(text: &str) -> String {
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
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.push('\u{fffd}'),
            c if c.is_control() && c != '\n' && c != '\t' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;
    use crate::testing::Desk;
    use crate::texts::Language;

    fn page_of(desk: &Desk) -> String {
        let mut packs = desk.export_as(&[Format::Html]);
        String::from_utf8(packs.remove(0).files.remove(0).1).unwrap()
    }

    #[test]
    fn a_page_shows_the_words_of_the_evidence_and_the_conflict_side_by_side() {
        let page = page_of(&Desk::new());
        for part in [
            "Your booking for <mark><bdi>Ana Pérez</bdi></mark> is confirmed",
            "<td><bdi>45000</bdi></td><td><bdi>46000</bdi>",
            "How sure: 93 %",
            "the customer is not certain",
            "value=\"same_as\"",
        ] {
            assert!(page.contains(part), "{part}");
        }
    }

    #[test]
    fn nothing_of_the_evidence_is_markup_or_script() {
        let mut desk = Desk::new();
        let evil = "\"'></textarea></style></script><script>alert(1)</script><img src=//x onerror=a>\u{202e}";
        for candidate in &mut desk.candidates {
            candidate.id.0.push_str(evil);
            candidate.reasons = vec![evil.to_owned()];
            candidate.record_type.0 = evil.to_owned();
            for field in &mut candidate.fields {
                field.column = format!("{}{evil}", field.column).into();
                field.words = evil.to_owned();
                field.cell = Cell::Is(evil.into());
            }
            for conflict in &mut candidate.conflicts {
                conflict.column = evil.to_owned();
                conflict.other = evil.into();
                conflict.reason = evil.to_owned();
            }
        }
        desk.line = evil.to_owned();
        desk.tenant("7", evil, Language::French, evil);
        let page = page_of(&desk);
        for (tag, n) in [("<script", 1), ("</script", 1), ("</style", 1), ("<img", 0)] {
            assert_eq!(page.matches(tag).count(), n, "{tag}");
        }
        assert!(!page.contains('\u{202e}'));
        assert_eq!(page.matches("<textarea").count(), page.matches("</textarea>").count());
    }

    #[test]
    fn the_policy_allows_the_pages_own_style_and_script_only() {
        let page = page_of(&Desk::new());
        let between = |open: &str, close: &str| {
            page.split_once(open).unwrap().1.split_once(close).unwrap().0.to_owned()
        };
        let policy = between("Content-Security-Policy\" content=\"", "\"");
        let style = hash(&between("<style>", "</style>"));
        let script = hash(&between("<script>", "</script>"));
        assert_eq!(
            policy,
            format!(
                "default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; \
                 form-action 'none'"
            )
        );
        for address in ["http:", "https:", " src=", " href=", "url("] {
            assert!(!page.contains(address), "{address}");
        }
    }

    #[test]
    fn a_page_speaks_the_tenants_language_and_shows_its_clock() {
        let mut desk = Desk::new();
        desk.tenant("7", "Brightway", Language::German, "Europe/Berlin");
        let page = page_of(&desk);
        assert!(page.contains("<html lang=\"de\">") && page.contains("Ja, das stimmt"));
        assert!(page.contains("01.05.2026 10:00") && page.contains("Europe/Berlin"));
    }
}
