//! HTML to the text that a person reads, and the structured data hidden in it.
//!
//! Block elements become lines. The cells of a table row come on one line with a tab between
//! them, so that a label keeps its value; a cell of several lines stands on its own, because it
//! is layout and not data. What a mail program does not show (styles, scripts, comments,
//! `display:none`) is left out.

use serde_json::Value;

use crate::entity::unescape;
use crate::markup::{Tag, attribute, is_void, raw_text, tag};
use crate::microdata;

/// What a page holds.
#[derive(Debug, Default)]
pub struct Page {
    /// The text to be read.
    pub text: String,
    /// The contents of its `application/ld+json` scripts.
    pub ld: Vec<String>,
    /// The items that its attributes hold (microdata).
    pub items: Vec<Value>,
}

/// Nested tables beyond this many open boxes are laid out as plain blocks.
const MAX_FRAMES: usize = 100;

/// Reads a page. Any text gives one.
pub fn render(html: &str) -> Page {
    let mut page = Renderer::new(true).run(html);
    if !page.text.chars().any(char::is_alphanumeric) {
        // An element that hides and is never closed would hide the whole message.
        page = Renderer::new(false).run(html);
    }
    page.items = microdata::items(html);
    page
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Root,
    Table,
    Row,
    Cell,
    Quote,
}

/// A box being filled.
struct Frame {
    kind: Kind,
    flow: Flow,
    cells: Vec<String>,
}

impl Frame {
    fn new(kind: Kind) -> Self {
        Self { kind, flow: Flow::default(), cells: Vec::new() }
    }
}

/// Text that flows: white space collapsed, broken only where a block begins or ends.
#[derive(Default)]
struct Flow {
    text: String,
    space: bool,
}

impl Flow {
    fn push(&mut self, text: &str, verbatim: bool) {
        if verbatim {
            self.text.push_str(text);
            return;
        }
        for c in text.chars() {
            if c.is_whitespace() {
                self.space = true;
                continue;
            }
            if self.space && !self.text.is_empty() && !self.text.ends_with(['\n', '\t', ' ']) {
                self.text.push(' ');
            }
            self.space = false;
            self.text.push(c);
        }
    }

    fn line(&mut self) {
        self.space = false;
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn paragraph(&mut self) {
        self.line();
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn lines(&mut self, text: &str) {
        self.line();
        self.text.push_str(text);
        self.line();
    }
}

struct Renderer {
    frames: Vec<Frame>,
    page: Page,
    honour_hiding: bool,
    /// The element whose content is not shown, and how often its name is open.
    hidden: Option<(String, usize)>,
    preformatted: usize,
}

impl Renderer {
    fn new(honour_hiding: bool) -> Self {
        Self {
            frames: vec![Frame::new(Kind::Root)],
            page: Page::default(),
            honour_hiding,
            hidden: None,
            preformatted: 0,
        }
    }

    fn run(mut self, html: &str) -> Page {
        let mut rest = html;
        while let Some(at) = rest.find('<') {
            self.text(&rest[..at]);
            rest = &rest[at..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            } else if rest.starts_with("<!") || rest.starts_with("<?") {
                rest = rest.find('>').map_or("", |end| &rest[end + 1..]);
            } else if let Some((tag, after)) = tag(rest) {
                rest = self.tag(&tag, after);
            } else {
                self.text("<");
                rest = &rest[1..];
            }
        }
        self.text(rest);
        while self.frames.len() > 1 {
            self.pop();
        }
        self.page.text = self.frames.pop().map(|frame| frame.flow.text).unwrap_or_default();
        self.page
    }

    fn flow(&mut self) -> &mut Flow {
        // The root is never popped before the end.
        let last = self.frames.len() - 1;
        &mut self.frames[last].flow
    }

    fn text(&mut self, text: &str) {
        if self.hidden.is_none() && !text.is_empty() {
            let verbatim = self.preformatted > 0;
            self.flow().push(&unescape(text), verbatim);
        }
    }

    /// Acts on a tag; what comes after it, or after the raw text that it begins.
    fn tag<'h>(&mut self, tag: &Tag<'_>, after: &'h str) -> &'h str {
        let name = tag.name.as_str();
        if !tag.closes && matches!(name, "script" | "style" | "title" | "textarea" | "xmp") {
            let (raw, after) = raw_text(name, after);
            let kind = attribute(tag.attributes, "type").unwrap_or_default();
            if name == "script" && kind.to_ascii_lowercase().contains("ld+json") {
                self.page.ld.push(raw.to_owned());
            }
            return after;
        }
        if let Some((hidden, open)) = &mut self.hidden {
            if *hidden == name {
                *open = if tag.closes { *open - 1 } else { *open + 1 };
                if *open == 0 {
                    self.hidden = None;
                }
            }
            return after;
        }
        if tag.closes {
            self.close(name);
        } else if self.honour_hiding && !is_void(name) && is_hidden(tag.attributes) {
            self.hidden = Some((name.to_owned(), 1));
        } else {
            self.open(name, tag.attributes);
        }
        after
    }

    fn open(&mut self, name: &str, attributes: &str) {
        match name {
            "br" => {
                let flow = self.flow();
                flow.space = false;
                flow.text.push('\n');
            }
            "table" if self.frames.len() < MAX_FRAMES => {
                self.flow().line();
                self.frames.push(Frame::new(Kind::Table));
            }
            "tr" if self.inside(Kind::Table) => {
                self.close_to(Kind::Table, false);
                self.frames.push(Frame::new(Kind::Row));
            }
            "td" | "th" if self.inside(Kind::Table) => {
                if self.inside(Kind::Row) {
                    self.close_to(Kind::Row, false);
                } else {
                    self.close_to(Kind::Table, false);
                    self.frames.push(Frame::new(Kind::Row));
                }
                self.frames.push(Frame::new(Kind::Cell));
            }
            "blockquote" if is_quote(attributes) && self.frames.len() < MAX_FRAMES => {
                self.flow().line();
                self.frames.push(Frame::new(Kind::Quote));
            }
            "li" => {
                self.flow().line();
                self.flow().push("- ", true);
            }
            "dd" => {
                let flow = self.flow();
                if !flow.text.is_empty() && !flow.text.ends_with('\n') {
                    flow.text.push('\t');
                }
            }
            "pre" => {
                self.flow().line();
                self.preformatted += 1;
            }
            _ => self.block(name),
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "table" => self.close_to(Kind::Table, true),
            "tr" => self.close_to(Kind::Row, true),
            "td" | "th" => self.close_to(Kind::Cell, true),
            "blockquote" if self.inside(Kind::Quote) => self.close_to(Kind::Quote, true),
            "pre" => {
                self.preformatted = self.preformatted.saturating_sub(1);
                self.flow().line();
            }
            "dt" => {}
            _ => self.block(name),
        }
    }

    fn block(&mut self, name: &str) {
        match name {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "hr" => self.flow().paragraph(),
            "div" | "li" | "ul" | "ol" | "dl" | "dt" | "dd" | "blockquote" | "section"
            | "article" | "header" | "footer" | "main" | "nav" | "aside" | "address" | "center"
            | "form" | "fieldset" | "legend" | "figure" | "figcaption" | "caption" | "body"
            | "html" | "head" | "option" | "select" | "details" | "summary" | "table" | "tr"
            | "tbody" | "thead" | "tfoot" | "menu" | "dir" => self.flow().line(),
            _ => {}
        }
    }

    /// Whether such a box is open within the innermost table, or is that table.
    fn inside(&self, kind: Kind) -> bool {
        for frame in self.frames.iter().rev() {
            if frame.kind == kind {
                return true;
            }
            if frame.kind == Kind::Table {
                return false;
            }
        }
        false
    }

    /// Closes what is open inside the innermost such box, and the box itself if asked to.
    fn close_to(&mut self, kind: Kind, itself: bool) {
        if !self.inside(kind) {
            return;
        }
        while self.frames.len() > 1 && self.frames[self.frames.len() - 1].kind != kind {
            self.pop();
        }
        if itself && self.frames.len() > 1 {
            self.pop();
        }
    }

    fn pop(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        let text = frame.flow.text;
        let last = self.frames.len() - 1;
        let parent = &mut self.frames[last];
        match frame.kind {
            Kind::Cell => parent.cells.push(text.trim().to_owned()),
            Kind::Row => {
                let mut lines = text.trim().to_owned();
                let mut joins = false;
                for cell in frame.cells.iter().filter(|cell| !cell.is_empty()) {
                    let single = !cell.contains('\n');
                    if !lines.is_empty() {
                        lines.push(if joins && single { '\t' } else { '\n' });
                    }
                    lines.push_str(cell);
                    joins = single;
                }
                parent.flow.lines(&lines);
            }
            Kind::Quote => {
                let quoted: Vec<String> =
                    text.trim().lines().map(|line| format!("> {line}")).collect();
                parent.flow.lines(&quoted.join("\n"));
            }
            Kind::Table | Kind::Root => parent.flow.lines(text.trim_end()),
        }
    }
}

fn is_hidden(attributes: &str) -> bool {
    // Looking for words is cheaper than taking the attributes apart, and most have none of them.
    let holds = |word: &[u8]| {
        let mut windows = attributes.as_bytes().windows(word.len());
        windows.any(|window| window.eq_ignore_ascii_case(word))
    };
    if ![&b"hidden"[..], b"display", b"&#"].into_iter().any(holds) {
        return false;
    }
    let style: String = attribute(attributes, "style")
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase();
    style.contains("display:none")
        || style.contains("visibility:hidden")
        || attribute(attributes, "hidden").is_some()
}

/// Whether a blockquote quotes a message, rather than being indented for looks.
fn is_quote(attributes: &str) -> bool {
    let is_cite = attribute(attributes, "type").is_some_and(|kind| kind == "cite");
    is_cite || attribute(attributes, "class").is_some_and(|class| class.contains("quote"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> String {
        render(html).text.trim().to_owned()
    }

    #[test]
    fn blocks_become_lines() {
        assert_eq!(
            text("<p>Dear\n  Anna,</p><p>thank <b>you</b>!<br>Bye</p>"),
            "Dear Anna,\n\nthank you!\nBye"
        );
        assert_eq!(text("<div>a</div><div>b</div>c"), "a\nb\nc");
        assert_eq!(text("<ul><li> one<li>two</ul>"), "- one\n- two");
        assert_eq!(text("<pre>a  b\n  c</pre>"), "a  b\n  c");
    }

    #[test]
    fn a_label_keeps_its_value_on_one_line() {
        let rows = "<table><tr><td>Pick-up:</td><td>12 March</td></tr>\
                    <tr><th><p>Car</p></th><td><div>Golf</div></td></tr></table>";
        assert_eq!(text(rows), "Pick-up:\t12 March\nCar\tGolf");
        assert_eq!(text("<table><tr><td>a<td>b<tr><td>c</table>"), "a\tb\nc");
        assert_eq!(
            text("<dl><dt>Name</dt><dd>Anna</dd><dt>City<dd>Köln</dl>"),
            "Name\tAnna\nCity\tKöln"
        );
    }

    #[test]
    fn layout_tables_do_not_glue_what_stands_apart() {
        let nested = "<table><tr><td><p>Hello</p><table><tr><td>Ref</td><td>AB12</td></tr></table></td>\
                      <td>side</td></tr></table>";
        assert_eq!(text(nested), "Hello\n\nRef\tAB12\nside");
    }

    #[test]
    fn what_is_not_shown_is_not_read() {
        let html = "<head><title>t</title><style>p{}</style></head><!-- x --><!--[if mso]>y<![endif]-->\
                    <div style='display: none'>pre<div>header</div></div><span hidden>z</span>shown";
        assert_eq!(text(html), "shown");
    }

    #[test]
    fn an_unclosed_hidden_element_does_not_hide_everything() {
        assert_eq!(text("<div style=\"display:none\">Your booking AB12"), "Your booking AB12");
    }

    #[test]
    fn quotes_of_messages_are_marked() {
        assert_eq!(
            text("new<blockquote type=cite><p>old</p>er</blockquote>"),
            "new\n> old\n> \n> er"
        );
        assert_eq!(text("<blockquote>indented</blockquote>"), "indented");
    }

    #[test]
    fn structured_data_is_kept_apart() {
        let page = render("<script type=\"application/ld+json\">{\"a\":\"<b>\"}</script><p>x");
        assert_eq!((page.ld[0].as_str(), page.text.trim()), ("{\"a\":\"<b>\"}", "x"));
    }

    #[test]
    fn broken_html_is_read_as_far_as_it_goes() {
        assert_eq!(text("1 < 2 <3 & <a href=\"x>y"), "1 < 2 <3 &");
        assert_eq!(text("</td></table></blockquote>a</tr>"), "a");
        assert_eq!(text(&format!("{}x", "<table><tr><td>".repeat(5000))), "x");
    }
}
