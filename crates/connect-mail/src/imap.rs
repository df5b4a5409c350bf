//! Mail that lies on a server, pulled by IMAP (RFC 9051, RFC 3501).

mod address;
mod answer;
mod connection;
mod cursor;
mod folder;
mod pull;
mod session;
mod tls;
mod uids;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use jiff::{Span, tz::TimeZone};
use restitch_connect::{Backoff, Connector, PullError, Reading, Sink};
use restitch_model::{Evidence, Progress, Remark, Secret, TimeWindow};

use crate::read::read_message;
use address::Address;
use connection::Connection;
use cursor::Cursor;
use pull::Puller;

/// How many days before the window messages are still asked for: when a server got a message
/// can be other than its sender says, and has no zone.
const MARGIN_DAYS: i64 = 7;

/// A mailbox on a server. Nothing in it is changed, and no message is marked as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImapMailbox {
    /// The server: `imaps://host[:port]`, encrypted from the beginning, or `imap://host[:port]`,
    /// encrypted by STARTTLS.
    pub url: String,
    /// Whose mailbox it is.
    pub username: String,
    /// What proves that.
    pub credential: Credential,
    /// The folders that are pulled, with `*` for any letters and `%` for any but `/`, which
    /// stands between the levels of their names. All of them where it is empty.
    pub folders: Vec<String>,
    /// Certificates, in PEM, of servers or authorities that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Let mail and password go unencrypted over a network where the server offers nothing else.
    pub allow_plaintext: bool,
    /// How long the server may be silent before the connection is given up.
    pub silence: Duration,
    /// How a connection that fails is tried again.
    pub backoff: Backoff,
}

/// What proves who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A password, where the provider has them one made for applications.
    Password(Secret),
    /// An OAuth 2.0 access token (XOAUTH2, or OAUTHBEARER of RFC 7628).
    Token(Secret),
}

impl ImapMailbox {
    /// A mailbox with nothing set that can be left out.
    pub fn new(
        url: impl Into<String>,
        username: impl Into<String>,
        credential: Credential,
    ) -> Self {
        Self {
            url: url.into(),
            username: username.into(),
            credential,
            folders: Vec::new(),
            ca_file: None,
            allow_plaintext: false,
            silence: Duration::from_secs(120),
            backoff: Backoff::default(),
        }
    }

    /// What is wrong with an address, as a sentence, where something is.
    pub fn problem_of(url: &str) -> Option<String> {
        Address::parse(url).err()
    }

    fn address(&self) -> Result<Address, PullError> {
        let wrong = |problem| PullError::Settings(format!("url is no IMAP server: {problem}"));
        Address::parse(&self.url).map_err(wrong)
    }

    /// Under which name its folders lie in the case.
    fn account(&self) -> String {
        match Address::parse(&self.url) {
            Ok(address) if !self.username.contains('@') => {
                format!("{}@{}", self.username, address.host)
            }
            _ => self.username.clone(),
        }
    }
}

impl Connector for ImapMailbox {
    fn kinds(&self) -> &'static [&'static str] {
        &["mail"]
    }

    /// Pulls the messages that the server got in the window or a week before it, and in later
    /// pulls those that came since.
    fn pull(
        &self,
        window: Option<TimeWindow>,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        let address = self.address()?;
        if self.allow_plaintext && !address.is_tls && !address.is_loopback() {
            let text =
                "allow_plaintext is set: mail and password may have been readable on the way";
            sink.remark(Remark::new(address.to_string(), text));
        }
        let since = window.and_then(|window| {
            let start = window.start.to_zoned(TimeZone::UTC).date();
            start.checked_sub(Span::new().days(MARGIN_DAYS)).ok()
        });
        let cursor = Cursor::read(&self.account(), sink.checkpoint().as_deref());
        let connection = Connection::new(self, address)?;
        progress.begin("pulling mail", "messages", None);
        let puller = Puller { mailbox: self, connection, sink, progress, since, cursor };
        let pulled = puller.run();
        progress.end();
        pulled
    }

    fn read(&self, evidence: &Evidence) -> Reading {
        read_message(&evidence.bytes)
    }
}
