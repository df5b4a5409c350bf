//! Texts with places for values: what a company's software fills in.

/// Values by name, for [`fill`].
pub(crate) struct Words(Vec<(&'static str, String)>);

impl Words {
    pub(crate) fn new(values: Vec<(&'static str, String)>) -> Self {
        Self(values)
    }

    /// Adds a value.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.0.push((name, value));
        self
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().rev().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }
}

/// A text with its values in place: `{key}` is replaced, and a line that begins with `?key `
/// stays only where that value is not empty.
pub(crate) fn fill(template: &str, words: &Words) -> String {
    let mut text = String::with_capacity(template.len() * 2);
    for line in template.split_inclusive('\n') {
        let mut rest = line;
        if let Some((key, after)) = line.strip_prefix('?').and_then(|line| line.split_once(' ')) {
            if words.get(key).is_empty() {
                continue;
            }
            rest = after;
        }
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            match after.split_once('}') {
                Some((key, after)) if key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
                    text.push_str(words.get(key));
                    rest = after;
                }
                // A brace of its own, as style sheets have them.
                _ => {
                    text.push('{');
                    rest = after;
                }
            }
        }
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> String {
        let words = Words::new(vec![("ref", "BRT-1".to_owned()), ("notes", String::new())]);
        fill(template, &words)
    }

    #[test]
    fn values_take_their_places_and_braces_of_their_own_stay() {
        assert_eq!(
            filled("<style>td{padding:4px}</style> {ref}!"),
            "<style>td{padding:4px}</style> BRT-1!"
        );
    }

    #[test]
    fn a_line_without_its_value_is_left_out() {
        assert_eq!(filled("a\n?notes note {notes}\n?ref number {ref}\nb"), "a\nnumber BRT-1\nb");
    }
}
