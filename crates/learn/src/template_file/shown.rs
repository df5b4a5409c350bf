//! HTML and MJML as the text that a person reads: blocks on lines, what is not shown left out.

use html_escape::decode_html_entities;

/// Elements whose content no mail program shows.
const UNSHOWN: &str = "\
    script style title textarea xmp mj-style mj-title mj-preview mj-attributes \
    mj-html-attributes";

/// Elements that begin and end a line, as all of MJML's own do.
const BLOCKS: &str = "\
    p h1 h2 h3 h4 h5 h6 hr div ul ol li dl dt blockquote section article header footer main \
    nav aside address center form fieldset legend figure figcaption caption body html head \
    details summary table tr tbody thead tfoot pre";

/// Elements without content.
const EMPTY: &str = "br hr img input link meta col wbr";

fn is_one(name: &str, of: &str) -> bool {
    of.split(' ').any(|known| known == name)
}

/// Whether a text is a page.
pub(super) fn is_page(text: &str) -> bool {
    text.contains("</") || text.contains("<br") || text.contains("<BR")
}

/// The text of a page.
pub(super) fn shown(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    // The element that hides what is in it, and how often its name is open.
    let mut hidden: Option<(String, usize)> = None;
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        if hidden.is_none() {
            push(&mut out, &rest[..at]);
        }
        rest = &rest[at..];
        let after = |sign: &str| rest.find(sign).map_or("", |end| &rest[end + sign.len()..]);
        if rest.starts_with("<!--") {
            rest = after("-->");
            continue;
        }
        if rest.starts_with("<!") || rest.starts_with("<?") {
            rest = after(">");
            continue;
        }
        let Some((tag, after)) = Tag::of(rest) else {
            if hidden.is_none() {
                out.push('<');
            }
            rest = &rest[1..];
            continue;
        };
        rest = after;
        if !tag.closes && is_one(&tag.name, UNSHOWN) && !tag.attributes.ends_with('/') {
            rest = behind(&tag.name, rest);
        } else if let Some((name, open)) = &mut hidden {
            if *name == tag.name {
                *open = if tag.closes { *open - 1 } else { *open + 1 };
            }
            hidden = hidden.filter(|(_, open)| *open > 0);
        } else if !tag.closes && tag.hides() {
            hidden = Some((tag.name, 1));
        } else {
            tag.lay_out(&mut out);
        }
    }
    if hidden.is_none() {
        push(&mut out, rest);
    }
    out
}

/// Text of a page: line ends in it are spaces.
fn push(out: &mut String, text: &str) {
    out.extend(decode_html_entities(text).chars().map(|c| if c.is_whitespace() { ' ' } else { c }));
}

/// What follows the end tag of an element.
fn behind<'h>(name: &str, text: &'h str) -> &'h str {
    let ends = text.match_indices("</").find(|&(at, _)| {
        text.get(at + 2..at + 2 + name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name))
    });
    let Some((at, _)) = ends else { return "" };
    text[at..].find('>').map_or("", |end| &text[at + end + 1..])
}

struct Tag<'h> {
    /// Lower case.
    name: String,
    closes: bool,
    attributes: &'h str,
}

impl<'h> Tag<'h> {
    /// The tag that a text begins with, and what follows it.
    fn of(text: &'h str) -> Option<(Self, &'h str)> {
        let body = &text[1..];
        let (closes, body) = body.strip_prefix('/').map_or((false, body), |body| (true, body));
        if !body.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let end = body.find(|c: char| c.is_whitespace() || "/>".contains(c)).unwrap_or(body.len());
        let (name, rest) = body.split_at(end);
        let mut quote = None;
        let close = rest.bytes().position(|byte| match (quote, byte) {
            (Some(open), _) => {
                quote = quote.filter(|_| open != byte);
                false
            }
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                false
            }
            (None, byte) => byte == b'>',
        });
        let name = name.to_ascii_lowercase();
        Some(match close {
            Some(at) => (Self { name, closes, attributes: &rest[..at] }, &rest[at + 1..]),
            None => (Self { name, closes, attributes: "" }, ""),
        })
    }

    fn hides(&self) -> bool {
        if is_one(&self.name, EMPTY) || self.attributes.ends_with('/') {
            return false;
        }
        let attributes = self.attributes.to_ascii_lowercase();
        let is_hidden = attributes.split_whitespace().any(|a| a == "hidden");
        let compact: String = attributes.split_whitespace().collect();
        is_hidden || compact.contains("display:none") || compact.contains("visibility:hidden")
    }

    fn lay_out(&self, out: &mut String) {
        match self.name.as_str() {
            "li" if !self.closes => out.push_str("\n- "),
            "td" | "th" | "dd" => out.push(' '),
            "br" => out.push('\n'),
            name if name.starts_with("mj-") || is_one(name, BLOCKS) => out.push('\n'),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(page: &str) -> Vec<String> {
        let text = shown(page);
        let lines = text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !line.is_empty()).collect()
    }

    #[test]
    fn blocks_become_lines_and_cells_stay_on_one() {
        assert_eq!(
            lines("<p>Dear\n Ann,</p><table><tr><td>Ref</td><td>A&amp;B</td></tr></table>a<br>b"),
            ["Dear Ann,", "Ref A&B", "a", "b"]
        );
        assert_eq!(lines("<ul><li>one</li><li>two</li></ul>"), ["- one", "- two"]);
    }

    #[test]
    fn what_is_not_shown_is_left_out() {
        assert_eq!(
            lines(
                "<head><title>t</title><style>p {}</style></head><!-- c --><div style='display: \
                 none'>pre<div>header</div></div><p hidden>h</p><a href=\"x>y\">F&uuml;r</a> 1 < 2"
            ),
            ["Für 1 < 2"]
        );
    }

    #[test]
    fn mjml_is_shown_as_the_page_that_is_made_of_it() {
        assert_eq!(
            lines(
                "<mjml><mj-head><mj-preview>p</mj-preview><mj-title>t</mj-title></mj-head><mj-body>\
                 <mj-section><mj-column><mj-text>Hi <b>you</b></mj-text><mj-image src=\"a\"/>\
                 <mj-button href=\"u\">Open</mj-button></mj-column></mj-section></mj-body></mjml>"
            ),
            ["Hi you", "Open"]
        );
    }

    #[test]
    fn a_broken_page_is_shown_as_far_as_it_goes() {
        assert_eq!(lines("a</td></p>b<p"), ["a", "b"]);
        assert_eq!(lines("a<style>b"), ["a"]);
    }
}
