//! Pages as text.

/// The text of a page without its tags, as a mail program quotes it.
pub(crate) fn bare(html: &str) -> String {
    let mut text = String::new();
    let body = html.find("<body").map_or(html, |at| &html[at..]);
    let spaced = body.replace("</td>", "\t").replace("</th>", "\t").replace("<br>", "\n");
    let mut inside = false;
    for letter in spaced.chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    text.replace("&nbsp;", " ").replace("&middot;", "·").replace("&szlig;", "ß")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_its_tags_keeps_the_words() {
        let page = "<html><head><style>x</style></head><body><p>A&nbsp;<b>B</b><br>C</p></body>";
        assert_eq!(bare(page), "A B\nC");
    }
}
