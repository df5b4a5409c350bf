//! The texts that a template can become: one for each combination of branches, as far as the
//! branches have words of their own and the combinations stay few.

use super::syntax::Node;

/// So many combinations of branches are told apart; the branches of fewer words are left out
/// beyond.
const MOST: usize = 16;

/// What stands around the number of a slot, and for a part that is left out. From the private
/// use area of Unicode, so that nothing mistakes them for white space or punctuation.
const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';
const LEFT_OUT: char = '\u{E002}';

/// How a part that the file does not show is written among the words.
pub(super) const GAP: &str = "{...}";

/// The texts of a template, its values marked in them.
pub(super) struct Variants {
    /// Without two of the same.
    pub(super) texts: Vec<String>,
    /// The names of the values by their numbers.
    names: Vec<String>,
}

/// Whether a text has characters in it that mark values here.
pub(super) fn is_mark(c: char) -> bool {
    matches!(c, OPEN | CLOSE | LEFT_OUT)
}

impl Variants {
    /// The texts that these nodes can become, what is shown most of first.
    pub(super) fn of(nodes: &[Node]) -> Self {
        let mut sizes = Vec::new();
        measure(nodes, &mut sizes);
        sizes.sort_by(|a, b| b.words.cmp(&a.words).then(a.id.cmp(&b.id)));
        let mut ways = vec![Way::LeftOut; sizes.len()];
        let mut combinations = 1usize;
        for size in &sizes {
            let with = combinations.saturating_mul(size.branches);
            if size.words == 0 {
                ways[size.id] = Way::Fullest;
            } else if with <= MOST {
                ways[size.id] = Way::Each;
                combinations = with;
            }
        }
        let mut found = Self { texts: Vec::new(), names: Vec::new() };
        let mut texts = found.expand(nodes, &ways);
        texts.dedup();
        found.texts = texts;
        found
    }

    /// The names of the values that are marked in a word, in braces; empty for a plain word.
    pub(super) fn slots_in(&self, word: &str) -> Vec<String> {
        let mut slots = Vec::new();
        for (at, mark) in word.char_indices().filter(|(_, c)| is_mark(*c)) {
            let behind = &word[at + mark.len_utf8()..];
            let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
            match mark {
                LEFT_OUT => slots.push(GAP.to_owned()),
                OPEN => {
                    let name = behind[..digits].parse().ok().and_then(|n: usize| self.names.get(n));
                    slots.push(format!("{{{}}}", name.map_or("", String::as_str)));
                }
                _ => {}
            }
        }
        slots
    }

    fn expand(&mut self, nodes: &[Node], ways: &[Way]) -> Vec<String> {
        let mut texts = vec![String::new()];
        for node in nodes {
            let more = match node {
                Node::Text(text) => vec![text.clone()],
                Node::Slot(name) => {
                    self.names.push(name.clone());
                    vec![format!("{OPEN}{}{CLOSE}", self.names.len() - 1)]
                }
                Node::Gap => vec![format!(" {LEFT_OUT} ")],
                Node::Choice { id, branches } => match ways[*id] {
                    Way::LeftOut => vec![format!(" {LEFT_OUT} ")],
                    Way::Fullest => {
                        let fullest = branches.iter().rev().max_by_key(|b| b.len());
                        fullest.map_or_else(Vec::new, |branch| self.expand(branch, ways))
                    }
                    Way::Each => branches.iter().flat_map(|b| self.expand(b, ways)).collect(),
                },
            };
            match more.as_slice() {
                [] => {}
                [one] => texts.iter_mut().for_each(|text| text.push_str(one)),
                several => {
                    let each = |text: String| several.iter().map(move |m| format!("{text}{m}"));
                    texts = texts.into_iter().flat_map(each).collect();
                }
            }
        }
        texts
    }
}

/// What becomes of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Each branch makes a text of its own.
    Each,
    /// No branch has words: the one with most in it stands for all.
    Fullest,
    /// A gap stands for all branches.
    LeftOut,
}

struct Size {
    id: usize,
    branches: usize,
    words: usize,
}

/// Counts the words within each choice; gives those of all nodes.
fn measure(nodes: &[Node], sizes: &mut Vec<Size>) -> usize {
    let words_of = |node: &Node| match node {
        Node::Text(text) => words(text),
        Node::Slot(_) | Node::Gap => 0,
        Node::Choice { id, branches } => {
            let words = branches.iter().map(|branch| measure(branch, sizes)).sum();
            sizes.push(Size { id: *id, branches: branches.len(), words });
            words
        }
    };
    nodes.iter().map(words_of).sum()
}

/// About how many words a text shows: those inside of tags are none.
fn words(text: &str) -> usize {
    let pieces = text.split('<').enumerate();
    let shown = pieces.map(|(i, piece)| match piece.split_once('>') {
        Some((_, after)) if i > 0 => after,
        _ if i > 0 => "",
        _ => piece,
    });
    shown.flat_map(str::split_whitespace).filter(|w| w.contains(char::is_alphabetic)).count()
}

#[cfg(test)]
mod tests {
    use super::super::syntax::read;
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let nodes = read("a.liquid", text, 1, true).expect("a test writes templates well");
        let variants = Variants::of(&nodes);
        let shown = |text: &String| -> String {
            let words = text.split_whitespace().map(|word| match variants.slots_in(word) {
                slots if slots.is_empty() => word.to_owned(),
                slots => slots.concat(),
            });
            words.collect::<Vec<_>>().join(" ")
        };
        variants.texts.iter().map(shown).collect()
    }

    #[test]
    fn a_choice_makes_a_text_of_each_branch() {
        assert_eq!(
            texts("Hi{% if a %} paid {{ a }}{% elsif b %} open{% endif %}."),
            ["Hi paid {a}", "Hi open.", "Hi."]
        );
        assert_eq!(
            texts("{{#if a}}yes {{#unless b}}sure{{/unless}}{{else}}no{{/if}}"),
            ["yes sure", "yes", "no"]
        );
        assert_eq!(texts("{% case a %} {% when 1 %}one{% when 2 %}two{% endcase %}").len(), 3);
    }

    #[test]
    fn a_loop_is_shown_once_or_not_at_all_and_its_values_have_no_names() {
        assert_eq!(
            texts("Extras: {% for e in extras %}- {{ e.name }} free {% endfor %}"),
            ["Extras: - {} free", "Extras:"]
        );
    }

    #[test]
    fn a_choice_without_words_is_no_choice() {
        assert_eq!(texts("Dear {% if t %}{{ t }} {% endif %}{{ n }}"), ["Dear {t} {n}"]);
    }

    #[test]
    fn of_many_choices_the_ones_of_few_words_are_left_out() {
        let text: String = (0..30)
            .map(|n| format!("{{% if a{n} %}}{} {{% endif %}}", "word ".repeat(n + 1)))
            .collect();
        let texts = texts(&text);
        assert_eq!(texts.len(), 16);
        assert!(texts[0].starts_with("{...} {...}") && texts[0].ends_with("word"), "{}", texts[0]);
    }

    #[test]
    fn what_defines_and_remarks_is_not_shown() {
        assert_eq!(
            texts(
                "{% assign a = 1 %}{% set b %}x{% endset %}{% comment %}{% if %}{% endcomment %}\
                 {% block c %}Hi{% endblock %}{% raw %} {{ d }}{% endraw %}{{> foot}}"
            ),
            ["Hi {{ d }} {...}"]
        );
    }
}
