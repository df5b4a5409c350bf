//! Templates: the fixed words that many texts of one voice share, and the slots between them.
//!
//! Texts are grouped by how much of their words stand in the same order (longest common
//! subsequence, as in Hunt and McIlroy 1976), then each group's fixed words are those that
//! nearly all members show. Words that stand in the database, such as names and places, are
//! data and never fixed. The idea of telling template from data by what repeats follows
//! Arasu and Garcia-Molina 2003 ("Extracting structured data from web pages").

use std::collections::{BTreeMap, BTreeSet, HashMap};

use restitch_facts::{Context, scan, words};
use restitch_model::FactValue;

/// Two texts are of one template from this share of common words on.
const ALIKE: f64 = 0.7;
/// A word is fixed when at least this share of the members shows it at its place.
const FIXED: f64 = 0.97;
/// A text fits a template that shows at least this share of its fixed words.
const FITS: f64 = 0.8;
/// Groups of fewer texts are no templates.
const MEMBERS: usize = 4;
/// Only so many words of a text are looked at.
const LONGEST: usize = 500;

/// A template: its fixed words in their order. What stands between them is a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    words: Vec<String>,
}

/// How a text fits a template.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The share of fixed words that the text shows.
    pub coverage: f64,
    /// For each slot, from before the first word to after the last, the range of bytes of the
    /// text that fills it, without white space around it.
    pub slots: Vec<(usize, usize)>,
}

impl Fit {
    /// The slot in which a value begins that starts at this byte.
    pub fn slot_at(&self, start: usize) -> usize {
        self.slots.partition_point(|&(_, end)| end <= start).min(self.slots.len() - 1)
    }
}

/// A word of a text: a run without white space, less the punctuation around it; or a line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token<'t> {
    text: &'t str,
    start: usize,
}

impl Template {
    /// A template from its fixed words, as [`Template::words`] gives them.
    pub fn from_words(words: Vec<String>) -> Self {
        Self { words }
    }

    /// The fixed words in their order; a line end is `\n`.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// How a text fits, if it does.
    pub fn fit(&self, text: &str) -> Option<Fit> {
        let tokens = tokens(text);
        let fixed: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let found: Vec<&str> = tokens.iter().map(|t| t.text).collect();
        let matched = align(&fixed, &found);
        let counted = |words: &mut dyn Iterator<Item = &str>| words.filter(|w| is_word(w)).count();
        let all = counted(&mut fixed.iter().copied());
        let shown =
            counted(&mut fixed.iter().zip(&matched).filter(|(_, m)| m.is_some()).map(|(w, _)| *w));
        let coverage = shown as f64 / all.max(1) as f64;
        if all == 0 || coverage < FITS {
            return None;
        }
        let mut slots = Vec::with_capacity(fixed.len() + 1);
        let mut from = 0;
        for m in matched {
            match m {
                Some(at) => {
                    slots.push(trimmed(text, from, tokens[at].start));
                    from = tokens[at].start + tokens[at].text.len();
                }
                None => slots.push((from, from)),
            }
        }
        slots.push(trimmed(text, from, text.len()));
        Some(Fit { coverage, slots })
    }

    /// A few fixed words, joined by `-`: a name for people.
    pub fn slug(&self) -> String {
        let words: Vec<String> = self
            .words
            .iter()
            .filter(|w| is_word(w))
            .map(|w| w.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect())
            .filter(|w: &String| !w.is_empty())
            .take(4)
            .collect();
        words.join("-")
    }
}

/// The words that are data: what stands in the database's names, places and things.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary(BTreeSet<String>);

impl Vocabulary {
    /// The words of these texts.
    pub fn of<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        Self(texts.flat_map(words::words).filter(|w| w.chars().count() > 1).collect())
    }

    fn holds(&self, token: &str) -> bool {
        let parts: Vec<String> =
            words::words(token).into_iter().filter(|w| w.chars().count() > 1).collect();
        !parts.is_empty() && parts.iter().all(|part| self.0.contains(part))
    }
}

/// Groups texts and finds the template of each group. The second value says for each text
/// which template it was grouped under.
pub fn group(texts: &[&str], data: &Vocabulary) -> (Vec<Template>, Vec<Option<usize>>) {
    let tokenised: Vec<Vec<&str>> = texts.iter().map(|text| without_values(text)).collect();
    // Words that stand in one text alone are no template's.
    let mut seen_in: HashMap<&str, usize> = HashMap::new();
    for words in &tokenised {
        for word in words.iter().collect::<BTreeSet<_>>() {
            *seen_in.entry(word).or_default() += 1;
        }
    }
    seen_in.retain(|word, n| *n > 1 && is_word(word) && !data.holds(word));
    let shared: Vec<Vec<&str>> = tokenised
        .iter()
        .map(|words| words.iter().copied().filter(|w| seen_in.contains_key(w)).collect())
        .collect();
    let mut groups: Vec<Group> = Vec::new();
    for (i, words) in shared.iter().enumerate() {
        if words.is_empty() {
            continue;
        }
        let bag = bag(words);
        let mut near: Vec<(usize, usize)> = groups
            .iter()
            .enumerate()
            .map(|(g, group)| (common(&bag, &group.bag), g))
            .filter(|&(n, g)| alike(n, words.len(), shared[groups[g].members[0]].len()) >= ALIKE)
            .collect();
        near.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let best = near.iter().take(3).find(|&&(_, g)| {
            let leader = &shared[groups[g].members[0]];
            let n = align(leader, words).iter().flatten().count();
            alike(n, words.len(), leader.len()) >= ALIKE
        });
        match best {
            Some(&(_, g)) => groups[g].members.push(i),
            None => groups.push(Group { bag, members: vec![i] }),
        }
    }
    let mut templates = Vec::new();
    let mut of_text = vec![None; texts.len()];
    for group in groups.iter().filter(|g| g.members.len() >= MEMBERS) {
        let words = fixed_words(&tokenised, &group.members, data);
        if !words.iter().any(|w| is_word(w)) {
            continue;
        }
        for &member in &group.members {
            of_text[member] = Some(templates.len());
        }
        templates.push(Template { words });
    }
    (templates, of_text)
}

/// The tokens of a text, those inside a date, an amount or another typed value left empty.
fn without_values(text: &str) -> Vec<&str> {
    let values: Vec<(usize, usize)> = scan(text, Context::default())
        .iter()
        .filter(|found| !matches!(found.value, FactValue::Integer(_)))
        .map(|found| (found.start, found.end))
        .collect();
    let is_inside = |at: usize| values.iter().any(|&(start, end)| start <= at && at < end);
    tokens(text).into_iter().map(|t| if is_inside(t.start) { "" } else { t.text }).collect()
}

struct Group<'t> {
    bag: BTreeMap<&'t str, usize>,
    members: Vec<usize>,
}

fn fixed_words(texts: &[Vec<&str>], members: &[usize], data: &Vocabulary) -> Vec<String> {
    let leader = &texts[members[0]];
    let mut shown = vec![0usize; leader.len()];
    for &member in members {
        for (count, m) in shown.iter_mut().zip(align(leader, &texts[member])) {
            *count += usize::from(m.is_some());
        }
    }
    let needed = members.len() - (members.len() as f64 * (1.0 - FIXED)) as usize;
    let is_fixed: Vec<bool> = leader
        .iter()
        .zip(&shown)
        .map(|(word, &n)| {
            n >= needed
                && !word.is_empty()
                && !word.bytes().any(|b| b.is_ascii_digit())
                && !restitch_facts::is_calendar_word(word)
                && !data.holds(word)
        })
        .collect();
    // A comma between two values belongs to them; one beside a fixed word is the template's.
    let stands = |i: usize| {
        let beside = |j: Option<usize>| {
            j.and_then(|j| leader.get(j).map(|w| is_fixed[j] && (is_word(w) || *w == "\n")))
                .unwrap_or(false)
        };
        is_word(leader[i])
            || leader[i] == "\n"
            || beside(i.checked_sub(1))
            || beside(i.checked_add(1))
    };
    (0..leader.len()).filter(|&i| is_fixed[i] && stands(i)).map(|i| leader[i].to_owned()).collect()
}

fn alike(common: usize, a: usize, b: usize) -> f64 {
    2.0 * common as f64 / (a + b).max(1) as f64
}

fn bag<'t>(words: &[&'t str]) -> BTreeMap<&'t str, usize> {
    let mut bag = BTreeMap::new();
    for word in words {
        *bag.entry(*word).or_default() += 1;
    }
    bag
}

fn common(a: &BTreeMap<&str, usize>, b: &BTreeMap<&str, usize>) -> usize {
    a.iter().filter_map(|(word, n)| b.get(word).map(|m| n.min(m))).sum()
}

/// Whether a token is a word that could name something, rather than punctuation or a number.
pub(crate) fn is_word(token: &str) -> bool {
    token.chars().any(char::is_alphabetic) && !token.bytes().any(|b| b.is_ascii_digit())
}

/// For each token of `a`, the token of `b` that it is aligned with. A longest common
/// subsequence in which runs are worth more than the same number of scattered matches.
pub(crate) fn align(a: &[&str], b: &[&str]) -> Vec<Option<usize>> {
    const MATCH: i32 = 4;
    const RUN: i32 = 2;
    let width = b.len() + 1;
    // best[i][j]: the best score of a[i..] against b[j..]; run: the same, where a[i] meets b[j].
    let mut best = vec![0i32; (a.len() + 1) * width];
    let mut run = vec![i32::MIN / 2; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            let (here, below, right, both) =
                (i * width + j, (i + 1) * width + j, i * width + j + 1, (i + 1) * width + j + 1);
            if a[i] == b[j] {
                run[here] = MATCH + best[both].max(run[both] + RUN);
            }
            best[here] = best[below].max(best[right]).max(run[here]);
        }
    }
    let mut matched = vec![None; a.len()];
    let (mut i, mut j, mut in_run) = (0, 0, false);
    while i < a.len() && j < b.len() {
        let here = i * width + j;
        if in_run || run[here] == best[here] {
            matched[i] = Some(j);
            let both = (i + 1) * width + j + 1;
            in_run = run[both] + RUN > best[both] && run[both] > 0;
            i += 1;
            j += 1;
        } else if best[(i + 1) * width + j] == best[here] {
            i += 1;
        } else {
            j += 1;
        }
    }
    matched
}

/// The words of a text as templates have them, all of them.
pub(crate) fn words_of(text: &str) -> impl Iterator<Item = &str> {
    cut(text).into_iter().map(|token| token.text)
}

/// The words of a text that are looked at.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = cut(text);
    found.truncate(LONGEST);
    found
}

fn cut(text: &str) -> Vec<Token<'_>> {
    const AROUND: [char; 14] =
        [',', ';', ':', '!', '?', '(', ')', '"', '\u{201c}', '\u{201d}', '*', '|', '.', '>'];
    let mut found = Vec::new();
    let mut push = |start: usize, text| found.push(Token { text, start });
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let mut at = 0;
        for run in line.split(char::is_whitespace) {
            let start = line_start + at;
            at += run.len() + line[at + run.len()..].chars().next().map_or(0, char::len_utf8);
            let core_start = run.len() - run.trim_start_matches(AROUND).len();
            let core = run[core_start..].trim_end_matches(AROUND);
            for (i, c) in run[..core_start].char_indices() {
                push(start + i, &run[i..i + c.len_utf8()]);
            }
            if !core.is_empty() {
                push(start + core_start, core);
            }
            let tail = core_start + core.len();
            for (i, c) in run[tail..].char_indices() {
                push(start + tail + i, &run[tail + i..tail + i + c.len_utf8()]);
            }
        }
        if line.ends_with('\n') {
            push(line_start + line.len() - 1, "\n");
        }
        line_start += line.len();
    }
    found
}

fn trimmed(text: &str, start: usize, end: usize) -> (usize, usize) {
    let Some(inside) = text.get(start..end) else { return (start, start) };
    let left = inside.len() - inside.trim_start().len();
    let kept = inside.trim();
    (start + left, start + left + kept.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templates(texts: &[&str]) -> Vec<String> {
        group(texts, &Vocabulary::default())
            .0
            .iter()
            .map(|t| t.words().join(" ").replace('\n', "/"))
            .collect()
    }

    const TEXTS: [&str; 8] = [
        "Dear Ann Lee,\nyour booking AB-1 is confirmed.\nPick-up: 3 May 2026, 10:00",
        "Dear Bob Ray,\nyour booking AB-2 is confirmed.\nPick-up: 4 May 2026, 11:30",
        "Dear Cy Dow,\nyour booking AB-3 is confirmed.\nPick-up: 9 June 2026, 10:00",
        "Dear Di Fox Gray,\nyour booking AB-4 is confirmed.\nPick-up: 1 May 2026, 09:00",
        "Hello Ann, thank you for driving with us. Total 99.00",
        "Hello Bob, thank you for driving with us. Total 89.00",
        "Hello Cy, thank you for driving with us. Total 59.00",
        "Hello Di, thank you for driving with us. Total 69.00",
    ];

    #[test]
    fn texts_of_two_templates_are_told_apart() {
        insta::assert_debug_snapshot!(templates(&TEXTS), @r#"
        [
            "Dear , / your booking is confirmed . / Pick-up :",
            "Hello , thank you for driving with us . Total",
        ]
        "#);
    }

    #[test]
    fn what_stands_between_fixed_words_is_a_slot() {
        let template = &group(&TEXTS, &Vocabulary::default()).0[0];
        let text = "Dear Eve Hill,\nyour booking AB-9 is confirmed.\nPick-up: 7 July 2026, 08:15";
        let fit = template.fit(text).unwrap();
        let filled: Vec<&str> =
            fit.slots.iter().map(|&(s, e)| &text[s..e]).filter(|s| !s.is_empty()).collect();
        assert_eq!(filled, ["Eve Hill", "AB-9", "7 July 2026, 08:15"]);
        let date = text.find("7 July").unwrap();
        assert_eq!(&text[fit.slots[fit.slot_at(date)].0..], "7 July 2026, 08:15");
    }

    #[test]
    fn a_text_of_other_words_does_not_fit() {
        let template = &group(&TEXTS, &Vocabulary::default()).0[0];
        assert_eq!(template.fit("See you on Friday at the meeting"), None);
    }

    #[test]
    fn few_texts_make_no_template() {
        assert_eq!(templates(&TEXTS[..3]), Vec::<String>::new());
    }
}
