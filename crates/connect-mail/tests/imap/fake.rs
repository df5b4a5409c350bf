//! An IMAP server that does what it is told, right or wrong.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use restitch_connect_mail::{Credential, ImapMailbox};
use restitch_model::Secret;

/// What stands in for what the server would say to a command: the bytes, with `TAG` for the
/// command's tag, and whether it hangs up then.
pub type Odd = Box<dyn FnMut(&str) -> Option<(Vec<u8>, bool)> + Send>;

/// A server with one folder, INBOX, in which lie messages with the numbers from 1 on.
pub struct Fake {
    address: SocketAddr,
    commands: Arc<Mutex<Vec<String>>>,
}

/// How a server is.
pub struct Manner {
    /// What it says it can.
    pub capabilities: &'static str,
    /// What it says first.
    pub greeting: &'static str,
    /// The folders that it lists.
    pub list: &'static str,
    /// The messages.
    pub messages: Vec<Vec<u8>>,
    /// What it does otherwise.
    pub odd: Odd,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            capabilities: "IMAP4rev1 AUTH=PLAIN SASL-IR",
            greeting: "* OK ready",
            list: "* LIST () \"/\" INBOX\r\n",
            messages: (1..=5).map(message).collect(),
            odd: Box::new(|_| None),
        }
    }
}

/// A message of that number.
pub fn message(number: u32) -> Vec<u8> {
    format!("Message-ID: <{number}@x>\r\n\r\ntext {number}\r\n").into_bytes()
}

impl Fake {
    /// Starts a server. It ends with the program.
    pub fn start(mut manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let commands: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&commands);
        thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.unwrap();
                let mut lines = BufReader::new(client.try_clone().unwrap());
                let _ = write!(client, "{}\r\n", manner.greeting);
                let mut line = String::new();
                while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
                    let (tag, command) = line.trim_end().split_once(' ').unwrap_or(("", ""));
                    heard.lock().unwrap().push(command.to_owned());
                    let odd = (manner.odd)(command);
                    let (said, hangs_up) = odd.unwrap_or_else(|| (manner.answer(command), false));
                    let said = replaced(&said, b"TAG", tag.as_bytes());
                    if client.write_all(&said).is_err() || hangs_up {
                        break;
                    }
                    line.clear();
                }
            }
        });
        Self { address, commands }
    }

    /// The mailbox on it.
    pub fn mailbox(&self) -> ImapMailbox {
        let password = Credential::Password(Secret::new("hunter2"));
        let mut mailbox = ImapMailbox::new(format!("imap://{}", self.address), "me@x", password);
        mailbox.backoff.first = Duration::from_millis(1);
        mailbox.silence = Duration::from_millis(300);
        mailbox
    }

    /// The address under a name that restitch does not know for this machine's.
    pub fn as_from_afar(&self) -> String {
        format!("imap://127.1:{}", self.address.port())
    }

    /// The commands that it has got.
    pub fn commands(&self) -> Vec<String> {
        self.commands.lock().unwrap().clone()
    }
}

impl Manner {
    fn answer(&self, command: &str) -> Vec<u8> {
        let mut said = Vec::new();
        let word = command.split(' ').next().unwrap_or_default();
        let numbers = |set: &str| -> Vec<usize> {
            let last = self.messages.len();
            let number = |text: &str| text.parse().unwrap_or(last);
            let ranges = set.split(',').map(|part| part.split_once(':').unwrap_or((part, part)));
            ranges.flat_map(|(a, b)| number(a)..=number(b).min(last)).collect()
        };
        match word {
            "CAPABILITY" => said = format!("* CAPABILITY {}\r\n", self.capabilities).into_bytes(),
            "LIST" => said = self.list.as_bytes().to_vec(),
            "EXAMINE" => {
                let count = self.messages.len();
                said = format!(
                    "* {count} EXISTS\r\n* OK [UIDVALIDITY 9] ok\r\n* OK [UIDNEXT {}] ok\r\n",
                    count + 1
                )
                .into_bytes();
            }
            "UID" if command.starts_with("UID SEARCH UID ") => {
                let found = numbers(command.split(' ').nth(3).unwrap());
                let found: String = found.iter().map(|number| format!(" {number}")).collect();
                said = format!("* SEARCH{found}\r\n").into_bytes();
            }
            "UID" => {
                for number in numbers(command.split(' ').nth(2).unwrap()) {
                    said.extend(self.fetched(number));
                }
            }
            _ => {}
        }
        said.extend_from_slice(b"TAG OK done\r\n");
        said
    }

    /// What it says of a message that is fetched.
    pub fn fetched(&self, number: usize) -> Vec<u8> {
        fetched(number, &self.messages[number - 1])
    }
}

/// What a server says of a message that is fetched.
pub fn fetched(number: usize, bytes: &[u8]) -> Vec<u8> {
    let date = "01-Feb-2026 10:00:00 +0100";
    let length = bytes.len();
    let head =
        format!("* {number} FETCH (UID {number} INTERNALDATE \"{date}\" BODY[] {{{length}}}\r\n");
    [head.as_bytes(), bytes, b")\r\n"].concat()
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let Some(at) = text.windows(from.len()).rposition(|part| part == from) else {
        return text.to_vec();
    };
    [&text[..at], to, &text[at + from.len()..]].concat()
}
