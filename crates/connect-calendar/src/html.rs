//! HTML in a description as plain text.

/// Whether a text is HTML rather than one with a `<` in it.
pub(crate) fn looks_like_html(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let inside = rest.strip_prefix('/').unwrap_or(rest);
        let (name, _) = tag_name(inside);
        let known = ["a", "b", "br", "body", "div", "em", "font", "h1", "h2", "h3", "html", "i"];
        let more = ["li", "ol", "p", "span", "strong", "table", "td", "tr", "u", "ul", "!doctype"];
        let after = inside[name.len()..].chars().next();
        let ends = after.is_some_and(|c| c == '>' || c == '/' || c.is_whitespace());
        let name = name.to_ascii_lowercase();
        if ends && (known.contains(&name.as_str()) || more.contains(&name.as_str())) {
            return true;
        }
    }
    false
}

/// The text of HTML: tags dropped, blocks on lines of their own, entities decoded, and the
/// target of a link after its words, for it may hold the reference that is looked for.
pub(crate) fn plain_text(html: &str) -> String {
    let mut text = Text::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let is_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        if !is_tag {
            text.push("<");
            rest = &rest[1..];
            continue;
        }
        // Without any `>` further on there are no more tags.
        let Some(end) = rest.find('>') else { break };
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        let name = tag_name(tag).0.to_ascii_lowercase();
        if name == "script" || name == "style" || name == "head" {
            rest = skip_element(rest, &name);
        }
        text.tag(tag, &name);
    }
    text.push(rest);
    text.finish()
}

#[derive(Default)]
struct Text {
    plain: String,
    /// The link that is open: its target, and where its words begin.
    link: Option<(String, usize)>,
}

impl Text {
    fn push(&mut self, words: &str) {
        // In HTML a line break is a blank; only tags break lines.
        for c in decode_entities(words).chars() {
            let c = if matches!(c, '\n' | '\r' | '\t' | '\u{a0}') { ' ' } else { c };
            if c != ' ' || !self.plain.ends_with([' ', '\n']) {
                self.plain.push(c);
            }
        }
    }

    fn tag(&mut self, tag: &str, name: &str) {
        match name {
            "br" => self.plain.push('\n'),
            "a" => {
                self.end_link();
                self.link = attribute(tag, "href").map(|target| (target, self.plain.len()));
            }
            "/a" => self.end_link(),
            "td" | "th" => self.push(" "),
            _ if is_block(name.trim_start_matches('/')) => self.end_line(),
            _ => {}
        }
    }

    fn end_line(&mut self) {
        if !self.plain.is_empty() && !self.plain.ends_with('\n') {
            self.plain.push('\n');
        }
    }

    fn end_link(&mut self) {
        let Some((target, start)) = self.link.take() else { return };
        let words = self.plain[start.min(self.plain.len())..].trim();
        let address = target.strip_prefix("mailto:").unwrap_or(&target);
        if words == address || words == target {
            return;
        }
        let target = if words.is_empty() { address.to_owned() } else { format!(" ({address})") };
        self.plain.push_str(&target);
    }

    fn finish(mut self) -> String {
        self.end_link();
        let lines: Vec<&str> = self.plain.lines().map(str::trim).collect();
        lines.join("\n").trim().to_owned()
    }
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div" | "li" | "ul" | "ol" | "tr" | "table" | "h1" | "h2" | "h3" | "h4" | "hr"
    )
}

/// The name that a tag begins with, and what follows.
fn tag_name(tag: &str) -> (&str, &str) {
    let end = tag.find(|c: char| !(c.is_ascii_alphanumeric() || "/!".contains(c)));
    let (name, rest) = tag.split_at(end.unwrap_or(tag.len()));
    // `br/` is `br`, but `/br` stays what it is.
    let name = if name.len() > 1 { name.strip_suffix('/').unwrap_or(name) } else { name };
    (name, rest)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = tag.to_ascii_lowercase().find(&format!("{name}="))?;
    let value = tag[at + name.len() + 1..].trim_start();
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split_whitespace().next()?,
    };
    Some(decode_entities(value).trim().to_owned()).filter(|value| !value.is_empty())
}

/// What follows an element whose content is no text.
fn skip_element<'a>(rest: &'a str, name: &str) -> &'a str {
    let close = format!("</{name}");
    let found = rest.as_bytes().windows(close.len());
    let at = found.into_iter().position(|w| w.eq_ignore_ascii_case(close.as_bytes()));
    at.map_or("", |at| &rest[at..])
}

fn decode_entities(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        // No entity that is met here is longer.
        let end = rest.bytes().take(12).position(|b| b == b';');
        match end.and_then(|end| Some((entity(&rest[1..end])?, end))) {
            Some((c, end)) => {
                plain.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| !c.is_control() || *c == '\n');
    }
    let named = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", '\u{a0}'),
        ("auml", 'ä'),
        ("ouml", 'ö'),
        ("uuml", 'ü'),
        ("Auml", 'Ä'),
        ("Ouml", 'Ö'),
        ("Uuml", 'Ü'),
        ("szlig", 'ß'),
        ("euro", '€'),
        ("pound", '£'),
        ("eacute", 'é'),
        ("egrave", 'è'),
        ("agrave", 'à'),
        ("ccedil", 'ç'),
        ("ntilde", 'ñ'),
        ("aacute", 'á'),
        ("oacute", 'ó'),
        ("iacute", 'í'),
        ("uacute", 'ú'),
        ("ndash", '–'),
        ("mdash", '—'),
        ("hellip", '…'),
        ("bull", '•'),
        ("copy", '©'),
        ("reg", '®'),
        ("rsquo", '’'),
        ("lsquo", '‘'),
        ("ldquo", '“'),
        ("rdquo", '”'),
        ("middot", '·'),
        ("deg", '°'),
        ("times", '×'),
    ];
    named.into_iter().find(|(key, _)| *key == name).map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_tags_make_a_text_html() {
        for text in ["<br>", "a<BR/>b", "<p class=x>", "</div>", "<a href='x'>y</a>"] {
            assert!(looks_like_html(text), "{text}");
        }
        for text in ["a < b", "<jo@example.org>", "<https://x.org/a>", "<3", "", "<b"] {
            assert!(!looks_like_html(text), "{text}");
        }
    }

    #[test]
    fn tags_go_blocks_break_lines_and_entities_are_decoded() {
        for (html, want) in [
            ("<p>Ref:&nbsp;<b>AB12</b></p><p>M&uuml;ller &amp; Co</p>", "Ref: AB12\nMüller & Co"),
            ("one<br>two<br/>three", "one\ntwo\nthree"),
            ("<style>p{}</style>x<!-- no -->y", "xy"),
            ("a &lt; b &unknown; &#8364;", "a < b &unknown; €"),
            ("1 < 2 <b>x</b>", "1 < 2 x"),
            ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
            ("cut <b", "cut <b"),
        ] {
            assert_eq!(plain_text(html), want);
        }
    }

    #[test]
    fn the_target_of_a_link_is_kept() {
        let link = |words: &str| {
            plain_text(&format!("see <a href=\"https://x.org/?b=1&amp;c=2\">{words}</a>."))
        };
        assert_eq!(link("booking"), "see booking (https://x.org/?b=1&c=2).");
        assert_eq!(link("https://x.org/?b=1&amp;c=2"), "see https://x.org/?b=1&c=2.");
        assert_eq!(plain_text("<a href=mailto:a@x.org>a@x.org</a>"), "a@x.org");
    }
}
