//! Template files: where the business still has the files that its texts were made from, they
//! are turned around into the exact templates of these texts.
//!
//! A file in Liquid, Jinja, Handlebars or Mustache, or with plain placeholders (`{name}`,
//! `$name`, `%name%`, `[[name]]`), as HTML, MJML or plain text, becomes fixed words with named
//! slots between them, one template for each combination of its branches ([`invert`]). Which
//! texts of the evidence were made from it is found by fitting ([`add`]).

mod fitting;
mod lexer;
mod shown;
mod syntax;
mod variants;

use serde::Serialize;

use crate::template::{is_word, words_of};
pub use fitting::{FileFit, add};
use variants::{GAP, Variants, is_mark};

/// A template has at most so many words: of a text no more are looked at either.
const LONGEST: usize = 500;

/// One text that a template file makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTemplate {
    /// The file's name in its folder.
    pub file: String,
    /// What of a message it is.
    pub part: Part,
    /// Fixed words and slots in their order, as in [`crate::source::Known::words`]. A slot is
    /// named by the path of its value, `{booking.reference}`; `{}` has no name, and `{...}`
    /// stands for words that the file does not show.
    pub words: Vec<String>,
}

/// What of a message a template file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Its subject: `subject:` in the front matter, or the first line `Subject: …`.
    Subject,
    /// The rest of the file.
    Body,
}

/// Why a template file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFileError {
    /// A tag or block that does not end.
    #[error(
        "template file {file}, line {line}: `{opened}` is opened and never closed; close it, or \
         take the file out of the folder"
    )]
    Unclosed {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is opened.
        opened: String,
    },
    /// An end or a branch of a block that is not the innermost open one.
    #[error(
        "template file {file}, line {line}: `{closed}` does not belong to the block that is open \
         there; mend it, or take the file out of the folder"
    )]
    Unopened {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What belongs to no open block.
        closed: String,
    },
    /// Blocks within blocks without end.
    #[error(
        "template file {file}, line {line}: more blocks stand within each other than any template \
         has; take the file out of the folder if it is none"
    )]
    TooDeep {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// Nothing in the file is always the same.
    #[error(
        "template file {file}: it has no words of its own; take it out of the folder, or give the \
         files that fill it"
    )]
    NoWords {
        /// The file.
        file: String,
    },
}

/// The templates of the texts that a file makes: of its subject and of the rest, for each
/// combination of its branches, the fullest first.
///
/// Of many combinations those are told apart that differ in the most words. Takes time in
/// proportion to the file.
pub fn invert(file: &str, text: &str) -> Result<Vec<FileTemplate>, TemplateFileError> {
    let clean = |c: char| if is_mark(c) { char::REPLACEMENT_CHARACTER } else { c };
    let text: String = text.trim_start_matches('\u{FEFF}').chars().map(clean).collect();
    let text = text.replace("\r\n", "\n");
    let braces = syntax::has_braces(&text);
    let mut found: Vec<FileTemplate> = Vec::new();
    for (part, text, line) in pieces(&text) {
        let nodes = syntax::read(file, text, line, braces)?;
        let is_page = part == Part::Body && shown::is_page(text);
        let variants = Variants::of(&nodes);
        for text in &variants.texts {
            let words = template_words(text, is_page, &variants);
            let is_new = !found.iter().any(|t| t.part == part && t.words == words);
            if is_new && words.iter().any(|w| !is_slot(w) && is_word(w)) {
                found.push(FileTemplate { file: file.to_owned(), part, words });
            }
        }
    }
    if found.is_empty() {
        return Err(TemplateFileError::NoWords { file: file.to_owned() });
    }
    Ok(found)
}

/// The subject, where the file tells one, and the rest, with the lines on which they begin.
fn pieces(text: &str) -> Vec<(Part, &str, usize)> {
    let mut lines = text.split_inclusive('\n').enumerate();
    let mut at = 0;
    let mut found = Vec::new();
    let is_fence = |line: &str| line.trim_end() == "---";
    let matter = text.split_inclusive('\n').skip(1).position(is_fence);
    let has_matter = matter.is_some() && text.lines().next().is_some_and(is_fence);
    let head = if has_matter { matter.unwrap_or_default() + 2 } else { 0 };
    for (i, line) in lines.by_ref() {
        let is_blank = line.trim().is_empty();
        if i >= head && !is_blank && !found.is_empty() {
            break;
        }
        match subject_of(line) {
            Some(subject) if found.is_empty() => found.push((Part::Subject, subject, i + 1)),
            _ if i >= head && !is_blank => break,
            _ => {}
        }
        at += line.len();
    }
    let line = text[..at].bytes().filter(|b| *b == b'\n').count() + 1;
    found.push((Part::Body, &text[at..], line));
    found
}

fn subject_of(line: &str) -> Option<&str> {
    let (name, value) = line.trim_start().split_once(':')?;
    let value = value.trim();
    let quoted = ['"', '\''].iter().find_map(|q| value.strip_prefix(*q)?.strip_suffix(*q));
    name.trim_end().eq_ignore_ascii_case("subject").then(|| quoted.unwrap_or(value))
}

/// The fixed words and slots of a text whose values are marked in it.
fn template_words(text: &str, is_page: bool, variants: &Variants) -> Vec<String> {
    let shown;
    let text = if is_page {
        shown = shown::shown(text);
        &shown
    } else {
        text
    };
    let mut found: Vec<String> = Vec::new();
    for word in words_of(text) {
        if found.len() >= LONGEST {
            found.push(GAP.to_owned());
            break;
        }
        let is_repeated = |found: &[String], word: &str| {
            found
                .last()
                .map_or(word == "\n", |last| last == word && matches!(word, "\n" | "{}" | GAP))
        };
        let mut slots = variants.slots_in(word);
        if slots.is_empty() {
            // What looks like the name of a slot would be taken for one.
            slots.push(if is_slot(word) { "{}".to_owned() } else { word.to_owned() });
        }
        for slot in slots {
            if !is_repeated(&found, &slot) {
                found.push(slot);
            }
        }
    }
    found.pop_if(|last| last == "\n");
    found
}

fn is_slot(word: &str) -> bool {
    crate::source::is_slot_name(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::template::Template;

    /// The words of all templates of a file, a line each; line ends are `/`.
    fn inverted(name: &str, text: &str) -> String {
        let found = invert(name, text).expect("a test writes templates well");
        let shown =
            |t: &FileTemplate| format!("{:?}: {}", t.part, t.words.join(" ").replace('\n', "/"));
        found.iter().map(shown).collect::<Vec<_>>().join("\n")
    }

    /// What stands in the named slots of a text, by the first template of the file.
    fn slots(name: &str, file: &str, text: &str) -> Vec<(String, String)> {
        let found = invert(name, file).expect("a test writes templates well");
        let body = found.iter().find(|t| t.part == Part::Body).expect("there is a body");
        let fixed = body.words.iter().filter(|w| !is_slot(w)).cloned().collect();
        let fit = Template::from_words(fixed).fit(text).expect("the text fits");
        assert_eq!(fit.coverage, 1.0);
        let (mut gap, mut named) = (0, Vec::new());
        for word in &body.words {
            if is_slot(word) {
                let (start, end) = fit.slots[gap];
                let name = word.trim_matches(['{', '}']).to_owned();
                named.push((name, text[start..end].to_owned()));
            } else {
                gap += 1;
            }
        }
        named
    }

    const MADE: &str = "Dear Ann Lee,\n\nyour booking KX-41 is confirmed.\nPick-up: 12.03.2026, \
                        10:00\nTotal: 89.00 EUR\n\nSee you soon!\n";

    fn expected() -> Vec<(String, String)> {
        let slots = [
            ("customer.name", "Ann Lee"),
            ("booking.reference", "KX-41"),
            ("booking.start", "12.03.2026, 10:00"),
            ("booking.total", "89.00"),
        ];
        slots.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn liquid_is_turned_around() {
        let file = "Dear {{ customer.name | capitalize }},\n\nyour booking {{booking.reference}} \
                    is confirmed.\nPick-up: {{ booking.start | date: \"%d.%m.%Y, %H:%M\" }}\n\
                    Total: {{ booking.total }} EUR\n{% assign x = 1 %}\nSee you soon!";
        assert_eq!(slots("a.liquid", file, MADE), expected());
    }

    #[test]
    fn jinja_is_turned_around() {
        let file = "{% extends \"base.txt\" %}{# who #}{% block body %}Dear {{ customer.name }},\n\n\
                    your booking {{ booking['reference'] }} is confirmed.\nPick-up: \
                    {{ booking.start.strftime('%d.%m.%Y') }}\nTotal: {{ money(booking.total) }} EUR\
                    \n\nSee you soon!{% endblock %}";
        let found = slots("a.j2", file, MADE);
        assert_eq!(found[1..], expected()[..], "behind what the base file would show");
    }

    #[test]
    fn handlebars_in_a_page_is_turned_around() {
        let file = "<html><head><title>x</title></head><body><p>Dear {{{customer.name}}},</p>\
                    <p>your <b>booking</b> <a href=\"{{url}}\">{{booking.reference}}</a> is \
                    confirmed.</p><table><tr><td>Pick-up:</td>\n<td>{{formatDate booking.start \
                    \"dd\"}}</td></tr><tr><td>Total:</td><td>{{booking.total}}&nbsp;EUR</td></tr>\
                    </table>{{!-- {{x}} --}}<p>See you soon!</p></body></html>";
        assert_eq!(slots("a.hbs", file, MADE), expected());
    }

    #[test]
    fn mjml_is_turned_around() {
        let file = "<mjml><mj-head><mj-preview>Hi {{x}}</mj-preview></mj-head><mj-body><mj-section>\
                    <mj-column><mj-text>Dear {{ customer.name }},</mj-text><mj-text>your booking \
                    {{ booking.reference }} is confirmed.<br/>Pick-up: {{ booking.start }}<br/>\
                    Total: {{ booking.total }} EUR</mj-text><mj-text>See you soon!</mj-text>\
                    </mj-column></mj-section></mj-body></mjml>";
        assert_eq!(slots("a.mjml", file, MADE), expected());
    }

    #[test]
    fn plain_placeholders_are_turned_around() {
        let file = "Dear {customer.name},\n\nyour booking %booking.reference% is confirmed.\n\
                    Pick-up: [[booking.start]]\nTotal: $booking.total EUR\n\nSee you soon!";
        assert_eq!(slots("a.txt", file, MADE), expected());
    }

    #[test]
    fn a_file_tells_its_subject_in_front_or_on_its_first_line() {
        let expected = "Subject: Your booking {ref}\nBody: Hello {name}";
        assert_eq!(
            inverted(
                "a",
                "---\nlayout: mail\nsubject: \"Your booking {{ref}}\"\n---\n\nHello {{ name }}"
            ),
            expected
        );
        assert_eq!(inverted("a", "\nSubject: Your booking {ref}\n\nHello {name}\n"), expected);
        assert_eq!(inverted("a", "Hello {name}\nSubject: x"), "Body: Hello {name} / Subject : x");
    }

    #[test]
    fn both_branches_make_a_template() {
        insta::assert_snapshot!(
            inverted("a", "Hi {{n}},\n{% if paid %}\nwe thank you for {{ sum }}\n{% else %}\n\
                           please pay {{ sum }}\n{% endif %}\nBye"),
            @r"
        Body: Hi {n} , / we thank you for {sum} / Bye
        Body: Hi {n} , / please pay {sum} / Bye
        "
        );
    }

    #[test]
    fn what_is_glued_to_a_value_is_no_fixed_word() {
        assert_eq!(
            inverted("a", "Code AB-{{ n }} at https://x.example/{{ n }}?a={{ m }} done"),
            "Body: Code {n} at {n} {m} done"
        );
    }

    #[test]
    fn errors_name_the_file_and_the_line() {
        let error = |text: &str| invert("a.liquid", text).expect_err("it is broken").to_string();
        insta::assert_snapshot!(
            [
                "Hi\n{{ a",
                "---\nsubject: x\n---\nHi\n{% if a %}\nb",
                "Hi {% if a %}\n\n{% endfor %}",
                "Hi {{#if a}} {{/each}}",
                "Hi {% else %}",
                &"{{#if a}}\n".repeat(99),
                "{{ content }}",
            ]
            .map(error)
            .join("\n"),
            @r"
        template file a.liquid, line 2: `{{` is opened and never closed; close it, or take the file out of the folder
        template file a.liquid, line 5: `if` is opened and never closed; close it, or take the file out of the folder
        template file a.liquid, line 3: `endfor` does not belong to the block that is open there; mend it, or take the file out of the folder
        template file a.liquid, line 1: `/each` does not belong to the block that is open there; mend it, or take the file out of the folder
        template file a.liquid, line 1: `else` does not belong to the block that is open there; mend it, or take the file out of the folder
        template file a.liquid, line 41: more blocks stand within each other than any template has; take the file out of the folder if it is none
        template file a.liquid: it has no words of its own; take it out of the folder, or give the files that fill it
        "
        );
    }

    proptest! {
        #[test]
        fn any_text_gives_an_answer(text in "([{}%#/!<>&|$\\[\\]\n -]|if|else|end|for|a|raw|subject:|---|\\PC){0,60}") {
            let _ = invert("a", &text);
        }

        #[test]
        fn a_file_without_values_fits_itself_without_a_rest(text in "([a-z<>(),;.:!*\"]|[ \n]){1,80}") {
            prop_assume!(!shown::is_page(&text));
            if let Ok(found) = invert("a", &text) {
                let fit = Template::from_words(found[0].words.clone()).fit(&text).expect("it fits");
                prop_assert!(fit.slots.iter().all(|(start, end)| start == end), "{:?}", found);
            }
        }
    }
}
