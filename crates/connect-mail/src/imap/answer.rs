//! What a server's answers say (RFC 9051, 7), read so that what is not understood is passed over.

use super::wire::{Answer, Literal};

/// How deep lists may lie in lists.
const MAX_DEPTH: usize = 32;

/// A condition that a server reports, with or without a command's tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The command's tag, or `*`.
    pub tag: String,
    /// What it comes to.
    pub condition: Condition,
    /// The words in brackets, such as `UIDVALIDITY 7`, upper case.
    pub code: String,
    /// The words for people.
    pub words: String,
}

/// What an answer comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Done.
    Ok,
    /// Refused.
    No,
    /// Not understood.
    Bad,
    /// The server ends the connection.
    Bye,
    /// The server knows already who asks.
    Preauth,
}

/// A folder as a server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name, as it must be sent back.
    pub name: Vec<u8>,
    /// What parts the levels of its name.
    pub delimiter: Option<char>,
    /// Its attributes, lower case, such as `\noselect`.
    pub attributes: Vec<String>,
}

/// A message as a server gives it.
#[derive(Default)]
pub struct Fetched {
    /// Its number in the folder, for good.
    pub uid: Option<u32>,
    /// When the server got it, as the server writes it.
    pub internal_date: Option<String>,
    /// The message. `None` where an answer tells only what is known of it.
    pub body: Option<Literal>,
}

/// One value of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value<'a> {
    Atom(&'a [u8]),
    Text(Vec<u8>),
    /// The how-manieth literal it is.
    Literal(usize),
    List(Vec<Value<'a>>),
}

impl Said {
    /// A number that the code tells: 7 for `UIDVALIDITY`.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.code.strip_prefix(name)?.trim().parse().ok()
    }
}

impl Answer {
    /// The condition that it reports.
    pub fn said(&self) -> Option<Said> {
        let text = String::from_utf8_lossy(&self.line);
        let (tag, rest) = text.split_once(' ')?;
        let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let condition = match word.to_ascii_uppercase().as_str() {
            "OK" => Condition::Ok,
            "NO" => Condition::No,
            "BAD" => Condition::Bad,
            "BYE" => Condition::Bye,
            "PREAUTH" => Condition::Preauth,
            _ => return None,
        };
        let code = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (code, words) = code.unwrap_or(("", rest));
        Some(Said {
            tag: tag.to_owned(),
            condition,
            code: code.to_ascii_uppercase(),
            words: words.trim().to_owned(),
        })
    }

    /// Whether the server waits for more of the command.
    pub fn is_request(&self) -> bool {
        self.line.first() == Some(&b'+')
    }

    /// What follows an untagged answer's name: ` 1 2 3` of `* SEARCH 1 2 3`.
    pub fn after(&self, name: &str) -> Option<&[u8]> {
        let rest = self.line.strip_prefix(b"* ")?;
        let (word, rest) = rest.split_at_checked(name.len())?;
        let is_it = word.eq_ignore_ascii_case(name.as_bytes());
        (is_it && rest.first().is_none_or(|byte| *byte == b' ')).then_some(rest)
    }

    /// How many messages there are, where it tells that.
    pub fn exists(&self) -> Option<u32> {
        let rest = std::str::from_utf8(self.line.strip_prefix(b"* ")?).ok()?;
        let (number, word) = rest.split_once(' ')?;
        word.trim().eq_ignore_ascii_case("EXISTS").then(|| number.parse().ok())?
    }

    /// The folder that it lists.
    pub fn listed(&self) -> Option<Listed> {
        let values = self.values(self.after("LIST")?)?;
        let [Value::List(attributes), delimiter, name, ..] = values.as_slice() else { return None };
        let attributes = attributes.iter().filter_map(|value| self.bytes(value));
        let lower = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_ascii_lowercase();
        let delimiter = self.bytes(delimiter).filter(|bytes| bytes.len() == 1);
        let is_nil =
            |value: &Value| matches!(value, Value::Atom(a) if a.eq_ignore_ascii_case(b"NIL"));
        Some(Listed {
            name: Some(name)
                .filter(|name| !is_nil(name))
                .and_then(|name| self.bytes(name))?
                .to_owned(),
            delimiter: delimiter.map(|bytes| char::from(bytes[0])),
            attributes: attributes.map(lower).collect(),
        })
    }

    /// Whether it tells of a message, understood or not.
    pub fn is_fetch(&self) -> bool {
        let mut words = self.line.split(|byte| *byte == b' ');
        words.next() == Some(b"*") && words.nth(1).is_some_and(|w| w.eq_ignore_ascii_case(b"FETCH"))
    }

    /// The message that it tells of; `None` where it cannot be understood.
    pub fn fetched(mut self) -> Option<Fetched> {
        let line = std::mem::take(&mut self.line);
        let values = self.values(line.strip_prefix(b"* ")?)?;
        let [Value::Atom(_), Value::Atom(_), Value::List(values)] = values.as_slice() else {
            return None;
        };
        let mut fetched = Fetched::default();
        let mut body = None;
        for pair in values.chunks(2) {
            let [Value::Atom(name), value] = pair else { return None };
            let text = self.bytes(value).and_then(|bytes| std::str::from_utf8(bytes).ok());
            match name.to_ascii_uppercase().as_slice() {
                b"UID" => fetched.uid = text.and_then(|text| text.parse().ok()),
                b"INTERNALDATE" => fetched.internal_date = text.map(str::to_owned),
                b"BODY[]" => body = Some(value.clone()),
                _ => {}
            }
        }
        fetched.body = match body {
            Some(Value::Literal(at)) => Some(std::mem::take(self.literals.get_mut(at)?)),
            Some(Value::Text(bytes)) => Some(Literal { bytes, cut: false }),
            _ => None,
        };
        Some(fetched)
    }

    fn bytes<'a>(&'a self, value: &'a Value<'a>) -> Option<&'a [u8]> {
        match value {
            Value::Atom(bytes) => Some(bytes),
            Value::Text(bytes) => Some(bytes),
            Value::Literal(at) => self.literals.get(*at).map(|literal| literal.bytes.as_slice()),
            Value::List(_) => None,
        }
    }

    /// The values on a line; `None` where it cannot be parted into them.
    fn values<'a>(&self, line: &'a [u8]) -> Option<Vec<Value<'a>>> {
        let mut parser = Parser { line, at: 0, literals: 0 };
        let values = parser.list(0)?;
        (parser.at == line.len()).then_some(values)
    }
}

/// Reads values from left to right.
struct Parser<'a> {
    line: &'a [u8],
    at: usize,
    literals: usize,
}

impl<'a> Parser<'a> {
    /// Values up to the end, or the parenthesis that closes them.
    fn list(&mut self, depth: usize) -> Option<Vec<Value<'a>>> {
        let mut values = Vec::new();
        while let Some(byte) = self.line.get(self.at) {
            match byte {
                b' ' => self.at += 1,
                b')' if depth > 0 => {
                    self.at += 1;
                    return Some(values);
                }
                b'(' if depth < MAX_DEPTH => {
                    self.at += 1;
                    values.push(Value::List(self.list(depth + 1)?));
                }
                b'(' | b')' => return None,
                b'"' => values.push(Value::Text(self.quoted()?)),
                _ => values.push(self.atom()?),
            }
        }
        (depth == 0).then_some(values)
    }

    fn quoted(&mut self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            self.at += 1;
            match *self.line.get(self.at)? {
                b'"' => break,
                b'\n' => return None,
                b'\\' => {
                    self.at += 1;
                    text.push(*self.line.get(self.at)?);
                }
                byte => text.push(byte),
            }
        }
        self.at += 1;
        Some(text)
    }

    /// A word, which may have parts in brackets: `BODY[HEADER.FIELDS (DATE)]`. A word that ends
    /// a line in the midst of an answer announces a literal.
    fn atom(&mut self) -> Option<Value<'a>> {
        let begun = self.at;
        let mut in_brackets = false;
        while let Some(byte) = self.line.get(self.at) {
            match byte {
                b'[' => in_brackets = true,
                b']' => in_brackets = false,
                b'\n' => {
                    self.at += 1;
                    self.literals += 1;
                    // Where the literal goes on, it was longer than was announced.
                    let is_whole = matches!(self.line.get(self.at), None | Some(b' ' | b')'));
                    return is_whole.then_some(Value::Literal(self.literals - 1));
                }
                b' ' | b'(' | b')' | b'"' if !in_brackets => break,
                _ => {}
            }
            self.at += 1;
        }
        Some(Value::Atom(&self.line[begun..self.at]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::wire::Wire;
    use super::*;

    fn answer(said: &[u8]) -> Answer {
        let said = [said, b"\r\n"].concat();
        Wire::new(std::io::Cursor::new(said), 1 << 20).read().ok().unwrap()
    }

    fn fetched(said: &str) -> String {
        let Some(fetched) = answer(said.as_bytes()).fetched() else { return "unreadable".into() };
        let body = fetched.body.map(|body| String::from_utf8(body.bytes).unwrap());
        format!("{:?} {:?} {body:?}", fetched.uid, fetched.internal_date)
    }

    #[test]
    fn a_condition_has_a_code_and_words() {
        let said = answer(b"a7 no [AuthenticationFailed] Wrong.").said().unwrap();
        assert_eq!((said.tag.as_str(), said.condition), ("a7", Condition::No));
        assert_eq!((said.code.as_str(), said.words.as_str()), ("AUTHENTICATIONFAILED", "Wrong."));
        let validity = answer(b"* OK [UIDVALIDITY 7] valid").said().unwrap();
        assert_eq!(validity.number("UIDVALIDITY"), Some(7));
        assert_eq!(validity.number("UIDNEXT"), None);
        assert_eq!(answer(b"* 3 EXISTS").said(), None);
        assert_eq!(answer(b"* 3 EXISTS").exists(), Some(3));
    }

    #[test]
    fn folders_are_listed_with_quotes_literals_and_without() {
        for line in [
            "* LIST (\\HasNoChildren \\Sent) \"/\" \"a \\\"b\\\"\"",
            "* list (\\HASNOCHILDREN \\sent) \"/\" {5}\r\na \"b\"",
        ] {
            let listed = answer(line.as_bytes()).listed().unwrap();
            assert_eq!(listed.name, b"a \"b\"");
            assert_eq!(listed.delimiter, Some('/'));
            assert_eq!(listed.attributes, ["\\hasnochildren", "\\sent"]);
        }
        let flat = answer(b"* LIST () NIL INBOX").listed().unwrap();
        assert_eq!((flat.name.as_slice(), flat.delimiter), (&b"INBOX"[..], None));
        assert_eq!(answer(b"* LISTEN () NIL INBOX").listed(), None);
    }

    #[test]
    fn a_message_is_found_among_whatever_else_is_told_of_it() {
        assert_eq!(
            fetched(
                "* 2 FETCH (FLAGS (\\Seen $x) UID 9 BODY[HEADER.FIELDS (DATE)] {2}\r\nxx \
                 ENVELOPE (\"a\" NIL ((NIL {3}\r\n(\"( \"b\"))) INTERNALDATE \"01-Jan\" \
                 BODY[] {4}\r\na\r\n))"
            ),
            "Some(9) Some(\"01-Jan\") Some(\"a\\r\\n)\")"
        );
        assert_eq!(fetched("* 2 fetch (uid 9 body[] \"a\\\\b\")"), "Some(9) None Some(\"a\\\\b\")");
        assert_eq!(fetched("* 2 FETCH (UID 9 FLAGS ())"), "Some(9) None None");
        assert_eq!(fetched("* 2 FETCH (BODY[] NIL UID 9)"), "Some(9) None None");
    }

    #[test]
    fn what_cannot_be_understood_is_said_to_be_so() {
        for said in [
            "* 2 FETCH (UID 9 BODY[] {4}\r\nabcdX-Lost: 1)",
            "* 2 FETCH (UID 9 BODY[] \"{4}\r\nabcd\")",
            "* 2 FETCH (UID 9 BODY[] {4}\r\nabcd",
            "* 2 FETCH UID 9",
            "* 2 FETCH (UID 9 \"quote)",
            "* 2 FETCH (UID (9)) (",
            "* 2 FETCH (UID 9))",
        ] {
            assert!(answer(said.as_bytes()).is_fetch(), "{said}");
            assert_eq!(fetched(said), "unreadable", "{said}");
        }
        let deep = format!("* 2 FETCH (UID 9 X {}{})", "(".repeat(40_000), ")".repeat(40_000));
        assert_eq!(fetched(&deep), "unreadable");
    }

    proptest! {
        #[test]
        fn any_answer_is_understood_or_not(said in "[*a1 +]{0,3}(OK|NO|LIST|2 FETCH|SEARCH)? ?[ \\PC\"(){}\\[\\]\\\\0-9\r\n]{0,60}") {
            let answer = answer(said.split('{').next().unwrap().as_bytes());
            let _ = (answer.said(), answer.listed(), answer.exists(), answer.is_fetch());
            let _ = answer.fetched();
        }
    }
}
