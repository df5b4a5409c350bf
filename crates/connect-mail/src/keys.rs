//! Public keys of senders, as the operator keeps them in a file (RFC 6376, 3.6).

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// The key records of senders' domains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    records: BTreeMap<String, String>,
}

/// Why keys could not be had.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeysError {
    /// A line names no record.
    #[error(
        "reading the DKIM keys, line {line}: no record after the name; \
         write `selector._domainkey.domain v=DKIM1; k=rsa; p=...`, one a line"
    )]
    NoRecord {
        /// The line, from 1.
        line: usize,
    },
    /// A parenthesis is never closed.
    #[error(
        "reading the DKIM keys, line {line}: `(` is never closed; close it or write the record on one line"
    )]
    Unclosed {
        /// The line where it opens, from 1.
        line: usize,
    },
    /// The resolver could not be asked.
    #[error(
        "asking {address} for keys: {problem}; name a DNS server that answers over TCP with --resolver"
    )]
    Resolver {
        /// The resolver.
        address: SocketAddr,
        /// What happened.
        problem: String,
    },
}

impl Keys {
    /// Reads a file of keys: on each line a name such as `selector._domainkey.example.com`, and
    /// the text of its TXT record, as it is or as a zone file writes it (`IN TXT "v=DKIM1; "
    /// "p=..."`, over several lines in parentheses). Lines that begin with `#` or `;` are
    /// passed over.
    ///
    /// # Errors
    /// A line without a record.
    pub fn parse(file: &str) -> Result<Self, KeysError> {
        let mut records = BTreeMap::new();
        let mut lines = file.lines().enumerate();
        while let Some((i, line)) = lines.next() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            let (name, record) =
                line.split_once(char::is_whitespace).ok_or(KeysError::NoRecord { line: i + 1 })?;
            let mut record = zone_style(record).to_owned();
            if record.starts_with('(') {
                while !record.ends_with(')') {
                    let (_, more) = lines.next().ok_or(KeysError::Unclosed { line: i + 1 })?;
                    record.push(' ');
                    record.push_str(more.trim());
                }
                record = record[1..record.len() - 1].to_owned();
            }
            let record =
                if record.trim_start().starts_with('"') { unquoted(&record) } else { record };
            records.insert(name.trim_end_matches('.').to_ascii_lowercase(), record);
        }
        Ok(Self { records })
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether there is a record of this name, such as `selector._domainkey.example.com`.
    pub fn has(&self, name: &str) -> bool {
        self.records.contains_key(&name.to_ascii_lowercase())
    }

    /// The record of a selector of a domain.
    pub(crate) fn record(&self, selector: &str, domain: &str) -> Option<&str> {
        self.records.get(&record_name(selector, domain)).map(String::as_str)
    }
}

/// The name of the record of a selector of a domain (RFC 6376, 3.6.2.1).
pub(crate) fn record_name(selector: &str, domain: &str) -> String {
    format!("{selector}._domainkey.{domain}").to_ascii_lowercase()
}

/// Without the time to live, the class and the type that stand before a record in a zone file.
fn zone_style(record: &str) -> &str {
    let mut rest = record.trim();
    while let Some((word, after)) = rest.split_once(char::is_whitespace) {
        let is_ttl = word.bytes().all(|byte| byte.is_ascii_digit());
        if word.eq_ignore_ascii_case("txt") {
            return after.trim();
        }
        if !is_ttl && !word.eq_ignore_ascii_case("in") {
            break;
        }
        rest = after.trim();
    }
    rest
}

/// The texts in quotes, put together.
fn unquoted(record: &str) -> String {
    record.split('"').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_written_plainly_or_as_in_a_zone_file() {
        let file = "# keys\n\nA._domainkey.x.example  v=DKIM1; p=AA==\n\
            b._domainkey.x.example. 3600 IN TXT \"v=DKIM1; \" \"p=BB==\"\n\
            c._domainkey.x.example. IN TXT (\n \"p=C\"\n \"C==\")\n";
        let keys = Keys::parse(file).unwrap();
        assert_eq!(keys.len(), 3);
        assert_eq!(keys.record("a", "X.example"), Some("v=DKIM1; p=AA=="));
        assert_eq!(keys.record("b", "x.example"), Some("v=DKIM1; p=BB=="));
        assert_eq!(keys.record("c", "x.example"), Some("p=CC=="));
        assert_eq!(keys.record("d", "x.example"), None);
    }

    #[test]
    fn a_line_without_a_record_is_named() {
        let error = Keys::parse("#\na._domainkey.x.example\n").unwrap_err();
        assert_eq!(error, KeysError::NoRecord { line: 2 });
        assert!(error.to_string().contains("line 2"));
        assert_eq!(Keys::parse("a TXT (\n"), Err(KeysError::Unclosed { line: 1 }));
    }
}
