//! The languages of template files, read into one tree: what Liquid, Jinja, Handlebars and
//! Mustache write in braces, and the placeholders of plain files. What a text would be is of
//! interest here, not how it is computed: a condition is a choice of branches, a loop is its
//! body once, an expression is the name of what it shows.

use std::collections::BTreeSet;

use super::TemplateFileError;
use super::lexer::{Lexer, Token};

/// A part of a template.
#[derive(Debug)]
pub(super) enum Node {
    /// Text that is always the same.
    Text(String),
    /// A value, with its name; empty where it has none, or is repeated.
    Slot(String),
    /// What the file does not show: another file that is included.
    Gap,
    /// One of several branches is shown.
    Choice {
        /// Its number within the file.
        id: usize,
        /// The branches; an empty one where nothing may be shown.
        branches: Vec<Vec<Node>>,
    },
}

/// Deeper blocks are refused: nobody writes them.
const DEEPEST: usize = 40;
/// A longer run of characters is no name.
const LONGEST_NAME: usize = 60;

/// The placeholders of plain files, the longer sign before the shorter one.
const PLACEHOLDERS: [(&str, &str); 7] =
    [("*|", "|*"), ("[[", "]]"), ("${", "}"), ("%{", "}"), ("{", "}"), ("%", "%"), ("$", "")];

/// Whether a text is written in a language of double braces, rather than with placeholders.
pub(super) fn has_braces(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Reads a text whose first line has this number in its file.
pub(super) fn read(
    file: &str,
    text: &str,
    line: usize,
    braces: bool,
) -> Result<Vec<Node>, TemplateFileError> {
    if braces { Parser::new(file, text, line).run() } else { Ok(placeholders(text)) }
}

fn placeholders(text: &str) -> Vec<Node> {
    let mut nodes = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = text[at..].find(['*', '[', '$', '%', '{']) {
        at += found;
        match placeholder(&text[at..]) {
            Some((name, length)) => {
                nodes.push(Node::Text(text[from..at].to_owned()));
                nodes.push(Node::Slot(name));
                at += length;
                from = at;
            }
            None => at += 1,
        }
    }
    nodes.push(Node::Text(text[from..].to_owned()));
    nodes
}

/// The name of the placeholder that a text begins with, and the placeholder's length.
fn placeholder(text: &str) -> Option<(String, usize)> {
    PLACEHOLDERS.iter().find_map(|(open, close)| {
        let rest = text.strip_prefix(open)?;
        let may_have_spaces = close.len() == 2 || *open == "{";
        let is_part =
            |c: char| c.is_alphanumeric() || "_.-".contains(c) || (c == ' ' && may_have_spaces);
        let part = rest.chars().take(LONGEST_NAME).take_while(|c| is_part(*c));
        let length: usize = part.map(char::len_utf8).sum();
        let mut name = &rest[..length];
        if close.is_empty() {
            // The full stop of a sentence is no part of `$name`.
            name = name.trim_end_matches(['.', '-']);
        }
        rest[name.len()..].strip_prefix(close)?;
        let shown = name.trim();
        shown
            .starts_with(|c: char| c.is_alphabetic() || c == '_')
            .then(|| (shown.replace(' ', "_"), open.len() + name.len() + close.len()))
    })
}

/// What a block does with its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Shows one branch.
    Choice,
    /// As that, where what stands before the first branch is never shown.
    Case,
    /// Shows it as often as there are things.
    Loop,
    /// Shows it.
    Shown,
    /// Keeps it for elsewhere.
    Kept,
}

struct Block {
    name: String,
    /// Whether it is written `{{#if}}` rather than `{% if %}`.
    is_mustache: bool,
    line: usize,
    kind: Kind,
    branches: Vec<Vec<Node>>,
    has_else: bool,
}

struct Parser<'t> {
    file: &'t str,
    lexer: Lexer<'t>,
    root: Vec<Node>,
    open: Vec<Block>,
    choices: usize,
    /// How many loops are open.
    loops: usize,
    /// Tags that some `{% end… %}` of the file closes.
    closed: BTreeSet<&'t str>,
}

impl<'t> Parser<'t> {
    fn new(file: &'t str, text: &'t str, line: usize) -> Self {
        let ends = text.split("{%").skip(1).map(|tag| {
            tag.trim_start_matches(['-', '+', '~']).trim_start().split(is_end_of_word).next()
        });
        let closed = ends.flatten().filter_map(|word| word.strip_prefix("end")).collect();
        let lexer = Lexer::new(text, line);
        Self { file, lexer, root: Vec::new(), open: Vec::new(), choices: 0, loops: 0, closed }
    }

    fn run(mut self) -> Result<Vec<Node>, TemplateFileError> {
        while let Some((line, token)) = self.lexer.next_token() {
            match token {
                Token::Text(text) => self.push(Node::Text(text.to_owned())),
                Token::Value(expression) => self.slot(expression),
                Token::Mustache(tag) => self.mustache(tag, line)?,
                Token::Statement(tag) => self.statement(tag, line)?,
                Token::Unclosed(sign) => return Err(self.unclosed(sign, line)),
            }
        }
        match self.open.last() {
            Some(block) => Err(self.unclosed(&block.name, block.line)),
            None => Ok(self.root),
        }
    }

    fn unclosed(&self, opened: &str, line: usize) -> TemplateFileError {
        TemplateFileError::Unclosed { file: self.file.to_owned(), line, opened: opened.to_owned() }
    }

    fn push(&mut self, node: Node) {
        let last = self.open.last_mut().and_then(|block| block.branches.last_mut());
        last.unwrap_or(&mut self.root).push(node);
    }

    fn slot(&mut self, expression: &str) {
        let name = if self.loops > 0 { String::new() } else { name_of(expression) };
        self.push(Node::Slot(name));
    }

    /// `{{ value }}`, `{{#block}}`, `{{else}}`, `{{/block}}`, `{{> file}}`.
    fn mustache(&mut self, tag: &str, line: usize) -> Result<(), TemplateFileError> {
        let word = |tag: &str| first_word(tag.trim_start_matches(['>', '*', ' '])).to_owned();
        match tag.split_at_checked(1) {
            Some(("#", rest)) => {
                let kind = match first_word(rest) {
                    "each" => Kind::Loop,
                    name if name.starts_with('*') => Kind::Kept,
                    name if name.starts_with('>') => Kind::Shown,
                    _ => Kind::Choice,
                };
                self.begin(word(rest), true, kind, line)
            }
            Some(("^", "")) => self.branch("else", true, line),
            Some(("^", rest)) => self.begin(word(rest), true, Kind::Choice, line),
            Some(("/", rest)) => self.end(&word(rest), true, line),
            Some((">", _)) => {
                self.push(Node::Gap);
                Ok(())
            }
            _ if first_word(tag) == "else" => {
                let is_last = tag.trim() == "else";
                self.branch(if is_last { "else" } else { "elsif" }, true, line)
            }
            _ => {
                self.slot(tag.trim_start_matches('&'));
                Ok(())
            }
        }
    }

    /// `{% if %}`, `{% else %}`, `{% endif %}`, `{% include %}`.
    fn statement(&mut self, tag: &str, line: usize) -> Result<(), TemplateFileError> {
        let word = first_word(tag);
        match word {
            "else" | "elif" | "elsif" | "elseif" | "when" | "empty" | "plural" | "pluralize" => {
                return self.branch(word, false, line);
            }
            "raw" | "verbatim" => {
                let text = self.lexer.literal(word).ok_or_else(|| self.unclosed(word, line))?;
                self.push(Node::Text(text.to_owned()));
                return Ok(());
            }
            "comment" | "schema" | "javascript" | "stylesheet" | "style" => {
                self.lexer.literal(word).ok_or_else(|| self.unclosed(word, line))?;
                return Ok(());
            }
            "include" | "render" | "extends" | "layout" | "section" | "trans" | "translate"
                if !self.closed.contains(word) =>
            {
                self.push(Node::Gap);
                return Ok(());
            }
            _ => {}
        }
        if let Some(name) = word.strip_prefix("end").filter(|name| !name.is_empty()) {
            return self.end(name, false, line);
        }
        let kind = match word {
            "if" | "unless" | "ifchanged" => Kind::Choice,
            "case" | "switch" => Kind::Case,
            "for" | "tablerow" => Kind::Loop,
            "set" | "assign" if tag.contains('=') => return Ok(()),
            "set" | "capture" | "macro" => Kind::Kept,
            _ => Kind::Shown,
        };
        let is_block = kind != Kind::Shown && word != "set" || self.closed.contains(word);
        if is_block { self.begin(word.to_owned(), false, kind, line) } else { Ok(()) }
    }

    fn begin(
        &mut self,
        name: String,
        is_mustache: bool,
        kind: Kind,
        line: usize,
    ) -> Result<(), TemplateFileError> {
        if self.open.len() >= DEEPEST {
            return Err(TemplateFileError::TooDeep { file: self.file.to_owned(), line });
        }
        self.loops += usize::from(kind == Kind::Loop);
        let branches = vec![Vec::new()];
        self.open.push(Block { name, is_mustache, line, kind, branches, has_else: false });
        Ok(())
    }

    fn unopened(&self, closed: &str, line: usize) -> TemplateFileError {
        let file = self.file.to_owned();
        TemplateFileError::Unopened { file, line, closed: closed.to_owned() }
    }

    fn branch(&mut self, word: &str, mustache: bool, line: usize) -> Result<(), TemplateFileError> {
        let error = self.unopened(word, line);
        let block = self.open.last_mut().filter(|b| b.is_mustache == mustache).ok_or(error)?;
        block.has_else |= matches!(word, "else" | "empty" | "plural" | "pluralize");
        block.branches.push(Vec::new());
        Ok(())
    }

    fn end(&mut self, name: &str, mustache: bool, line: usize) -> Result<(), TemplateFileError> {
        let fits = |b: &mut Block| b.is_mustache == mustache && b.name == name;
        let Some(mut block) = self.open.pop_if(fits) else {
            let sign = if mustache { "/" } else { "end" };
            return Err(self.unopened(&format!("{sign}{name}"), line));
        };
        self.loops -= usize::from(block.kind == Kind::Loop);
        match block.kind {
            Kind::Kept => return Ok(()),
            Kind::Shown if block.branches.len() == 1 => {
                for node in block.branches.pop().into_iter().flatten() {
                    self.push(node);
                }
                return Ok(());
            }
            Kind::Shown => {}
            Kind::Case => drop(block.branches.remove(0)),
            Kind::Choice | Kind::Loop => {}
        }
        if !block.has_else && block.kind != Kind::Shown {
            block.branches.push(Vec::new());
        }
        let id = self.choices;
        self.choices += 1;
        self.push(Node::Choice { id, branches: block.branches });
        Ok(())
    }
}

fn is_end_of_word(c: char) -> bool {
    c.is_whitespace() || "-%~+".contains(c)
}

fn first_word(tag: &str) -> &str {
    tag.split_whitespace().next().unwrap_or_default()
}

/// Words that stand behind the name of a value and are no value themselves.
const OPERATORS: [&str; 7] = ["if", "or", "and", "not", "in", "is", "else"];

/// The path that an expression shows: `booking.start` of `booking.start | date: "%d"`, of
/// `formatDate booking.start "d"`, of `format(booking.start)`; empty where there is none.
fn name_of(expression: &str) -> String {
    let expression = expression.split('|').next().unwrap_or_default().trim();
    let mut words = expression.split_whitespace();
    let first = words.next().unwrap_or_default();
    if let Some((function, argument)) = expression.split_once('(') {
        return match path(argument) {
            name if !name.is_empty() => name,
            _ if argument.starts_with(')') => path(function),
            _ => function.rsplit_once('.').map_or_else(String::new, |(of, _)| path(of)),
        };
    }
    match words.next() {
        Some(second) if second.starts_with(['"', '\'']) => String::new(),
        Some(second) if !OPERATORS.contains(&second) && !path(second).is_empty() => path(second),
        _ => path(first),
    }
}

/// A path with its steps parted by points: `booking["start"]` is `booking.start`.
fn path(text: &str) -> String {
    let text = text.trim().trim_start_matches(['.', '/', '$']);
    let text = text.strip_prefix("this").and_then(|t| t.strip_prefix(['.', '/'])).unwrap_or(text);
    if text == "this" || !text.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return String::new();
    }
    let is_part = |c: char| c.is_alphanumeric() || "_-.[]'\"/".contains(c);
    let end = text.char_indices().find(|&(_, c)| !is_part(c)).map_or(text.len(), |f| f.0);
    let steps = text[..end].split(['.', '[', ']', '\'', '"', '/']).filter(|step| !step.is_empty());
    steps.collect::<Vec<_>>().join(".").chars().take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_has_the_name_of_what_it_shows() {
        let names = [
            ("booking.reference", "booking.reference"),
            ("booking.start | date: \"%d.%m.%Y\"", "booking.start"),
            ("formatDate booking.start \"YYYY\"", "booking.start"),
            ("format_date(booking.start, 'short')", "booking.start"),
            ("booking.start.strftime('%d')", "booking.start"),
            ("booking[\"start\"]", "booking.start"),
            ("name if name else 'guest'", "name"),
            ("../customer.name", "customer.name"),
            ("this.name", "name"),
            ("this", ""),
            ("@index", ""),
            ("_('Hello')", ""),
            ("t \"hello\"", ""),
            ("", ""),
        ];
        for (expression, name) in names {
            assert_eq!(name_of(expression), name, "{expression}");
        }
    }

    #[test]
    fn placeholders_are_told_from_what_only_looks_like_them() {
        let shown = |text: &str| -> Vec<String> {
            let slot = |node| match node {
                Node::Slot(name) => Some(name),
                _ => None,
            };
            placeholders(text).into_iter().filter_map(slot).collect()
        };
        assert_eq!(
            shown("{name} $ref. %total% [[pick.up]] *|FNAME|* ${a} %{b} [[First Name]]"),
            ["name", "ref", "total", "pick.up", "FNAME", "a", "b", "First_Name"]
        );
        assert!(shown("100% of 5%, $5, {}, { 1 }, [[, *| %").is_empty());
    }
}
