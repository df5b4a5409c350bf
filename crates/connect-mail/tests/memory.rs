//! A message that is longer than is kept takes no more memory than what is kept. A program of its
//! own, so that no other test's memory counts.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use restitch_connect::{Connector, Item, PullError, Sink};
use restitch_connect_mail::{Credential, ImapMailbox};
use restitch_model::{Remark, Secret, Silent};

const MIB: usize = 1 << 20;
const SENT: usize = 400 * MIB;
const KEPT: usize = 128 * MIB;

/// Says how long items are, and holds none.
#[derive(Default)]
struct Lengths {
    items: Vec<usize>,
    remarks: Vec<String>,
}

impl Sink for Lengths {
    fn put(&mut self, item: Item) -> Result<bool, PullError> {
        self.items.push(item.bytes.len());
        Ok(true)
    }

    fn remark(&mut self, remark: Remark) {
        self.remarks.push(remark.text);
    }

    fn checkpoint(&self) -> Option<String> {
        None
    }

    fn set_checkpoint(&mut self, _cursor: &str) -> Result<(), PullError> {
        Ok(())
    }
}

/// A server with one message that is far too long, sent in pieces.
fn serve(listener: &TcpListener) {
    let (mut client, _) = listener.accept().unwrap();
    let lines = BufReader::new(client.try_clone().unwrap()).lines();
    client.write_all(b"* OK ready\r\n").unwrap();
    for line in lines {
        let line = line.unwrap();
        let (tag, command) = line.split_once(' ').unwrap();
        let said = match command.split(' ').next().unwrap() {
            "CAPABILITY" => "* CAPABILITY AUTH=PLAIN SASL-IR\r\n",
            "LIST" => "* LIST () \"/\" INBOX\r\n",
            "EXAMINE" => "* 1 EXISTS\r\n* OK [UIDVALIDITY 9]\r\n* OK [UIDNEXT 2]\r\n",
            "UID" if command.contains("SEARCH") => "* SEARCH 1\r\n",
            "UID" => {
                write!(client, "* 1 FETCH (UID 1 BODY[] {{{SENT}}}\r\n").unwrap();
                let piece = vec![b'x'; MIB];
                (0..SENT / MIB).for_each(|_| client.write_all(&piece).unwrap());
                ")\r\n"
            }
            _ => "",
        };
        write!(client, "{said}{tag} OK done\r\n").unwrap();
    }
}

fn peak_mib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

#[test]
fn a_message_without_end_takes_no_more_memory_than_what_is_kept_of_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("imap://{}", listener.local_addr().unwrap());
    thread::spawn(move || serve(&listener));
    let before = peak_mib();
    let mut lengths = Lengths::default();
    let mailbox = ImapMailbox::new(url, "me@x", Credential::Password(Secret::new("hunter2")));
    mailbox.pull(None, &mut lengths, &Silent).unwrap();
    assert_eq!(lengths.items, [KEPT]);
    assert_eq!(lengths.remarks, ["longer than 128 MiB: only its beginning was kept"]);
    let grown = peak_mib() - before;
    assert!(grown < KEPT / MIB + 24, "{grown} MiB");
}
