//! Pulls from Dovecot.

use std::collections::BTreeSet;
use std::fs;

use restitch_conformance::{Speaks, Subject};
use restitch_connect::{Basket, Connector, PullError};
use restitch_connect_mail::{Credential, ImapMailbox};
use restitch_model::{Secret, Silent, TimeWindow};

use crate::dovecot::{PASSWORD, user};

/// A message of that number.
fn message(number: usize) -> Vec<u8> {
    let day = number % 28 + 1;
    format!(
        "From: shop@example.com\r\nMessage-ID: <{number}@example.com>\r\n\
         Date: {day} Mar 2026 10:00:00 +0100\r\nSubject: number {number}\r\n\r\ntext {number}\r\n"
    )
    .into_bytes()
}

fn messages(numbers: std::ops::Range<usize>) -> Vec<Vec<u8>> {
    numbers.map(message).collect()
}

fn slices(messages: &[Vec<u8>]) -> impl Iterator<Item = &[u8]> {
    messages.iter().map(Vec::as_slice)
}

fn pull(mailbox: &ImapMailbox, basket: &mut Basket) -> Result<(), PullError> {
    mailbox.pull(None, basket, &Silent)
}

/// What a pull into an empty basket gives.
fn pulled(mailbox: &ImapMailbox) -> Basket {
    let mut basket = Basket::default();
    pull(mailbox, &mut basket).unwrap();
    basket
}

/// The containers with their messages.
fn contents(basket: &Basket) -> BTreeSet<(&str, &[u8])> {
    basket.items.iter().map(|item| (item.container.as_str(), item.bytes.as_slice())).collect()
}

fn refusal(mailbox: &ImapMailbox) -> String {
    pull(mailbox, &mut Basket::default()).unwrap_err().to_string()
}

#[test]
fn every_folder_is_pulled_and_nothing_in_it_is_changed() {
    let Some(user) = user() else { return };
    let all = messages(0..450);
    user.deliver("", "a", slices(&all[..430]));
    user.deliver(".Archive.2024", "b", slices(&all[430..440]));
    user.deliver(".Entw&APw-rfe", "c", slices(&all[440..]));
    let basket = pulled(&user.mailbox());
    let account = format!("{}@localhost", user.name);
    let container = |i: usize| match i {
        0..430 => format!("{account}/INBOX"),
        430..440 => format!("{account}/Archive/2024"),
        _ => format!("{account}/Entwürfe"),
    };
    let wanted: Vec<(String, &Vec<u8>)> =
        all.iter().enumerate().map(|(i, m)| (container(i), m)).collect();
    let wanted: BTreeSet<_> = wanted.iter().map(|(c, m)| (c.as_str(), m.as_slice())).collect();
    assert_eq!(contents(&basket), wanted);
    assert_eq!((basket.items.len(), &basket.gaps, &basket.remarks), (450, &vec![], &vec![]));
    let item = basket.items.iter().find(|item| item.native_id == "7@example.com").unwrap();
    assert_eq!(item.at.unwrap().to_string(), "2026-03-08T09:00:00Z");
    // A mailbox that is opened for changes moves new messages to `cur`.
    assert_eq!(fs::read_dir(user.folder("new")).unwrap().count(), 430);
    assert_eq!(fs::read_dir(user.folder("cur")).unwrap().count(), 0);
}

#[test]
fn a_second_pull_brings_only_what_is_new() {
    let Some(user) = user() else { return };
    let all = messages(0..30);
    user.deliver("", "a", slices(&all[..20]));
    let mut basket = pulled(&user.mailbox());
    let checkpoint = |basket: &Basket| restitch_connect::Sink::checkpoint(basket).unwrap();
    assert!(checkpoint(&basket).contains("\"next\":21"), "{}", checkpoint(&basket));
    user.deliver("", "b", slices(&all[20..]));
    // What an empty basket gets by the old checkpoint is what was asked for.
    let mut second = Basket::default();
    restitch_connect::Sink::set_checkpoint(&mut second, &checkpoint(&basket)).unwrap();
    pull(&user.mailbox(), &mut second).unwrap();
    assert_eq!(second.items.len(), 10);
    pull(&user.mailbox(), &mut basket).unwrap();
    assert_eq!(basket.items.len(), 30);
}

#[test]
fn a_mailbox_conforms() {
    let Some(user) = user() else { return };
    let all = messages(0..450);
    user.deliver("", "a", slices(&all));
    user.deliver(".Archive", "b", slices(&all[..3]));
    user.deliver(".Archive", "bad", [&b"\xFF no message\r\n"[..]]);
    let connector = |address: Option<std::net::SocketAddr>| -> Box<dyn Connector> {
        let mut mailbox = user.mailbox();
        mailbox.url = format!("imap://{}", address.unwrap());
        // With an @ the folders are called alike at every address.
        mailbox.username.push_str("@x");
        Box::new(mailbox)
    };
    let subject = Subject {
        connector: &connector,
        // In an encrypted conversation there would be no lines to be seen.
        server: Some((user.server.address(), Speaks::Lines)),
        secrets: &[PASSWORD],
        bad_item: None,
    };
    subject.conforms();
    subject.shows_no_secret(&user.mailbox());
}

#[test]
fn a_folder_that_is_numbered_anew_is_pulled_anew() {
    let Some(user) = user() else { return };
    let all = messages(0..8);
    user.deliver("", "a", slices(&all[..5]));
    let mut basket = pulled(&user.mailbox());
    for entry in fs::read_dir(user.folder("")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("dovecot") {
            fs::remove_file(path).unwrap();
        }
    }
    // A validity is the second in which it was given.
    let list = "3 V7 N1 G0123456789abcdef0123456789abcdef\n";
    fs::write(user.folder("dovecot-uidlist"), list).unwrap();
    user.deliver("", "b", slices(&all[5..]));
    pull(&user.mailbox(), &mut basket).unwrap();
    assert_eq!(basket.items.len(), 8);
    let text = "the server has numbered its messages anew: it is pulled whole";
    assert_eq!(basket.remarks.iter().filter(|remark| remark.text == text).count(), 1);
}

#[test]
fn a_wrong_password_is_said_without_being_told() {
    let Some(user) = user() else { return };
    user.deliver("", "a", [&message(1)[..]]);
    let mut mailbox = user.mailbox();
    mailbox.credential = Credential::Password(Secret::new("hunter2"));
    let said = refusal(&mailbox);
    assert!(said.contains("[AUTHENTICATIONFAILED]") && said.contains(&user.name), "{said}");
    assert!(said.contains("check the user name and the password"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn connections_are_encrypted_with_servers_that_are_trusted_and_no_other() {
    let Some(user) = user() else { return };
    user.deliver("", "a", [&message(1)[..]]);
    for url in [user.server.imaps(), user.server.imap()] {
        for ca_file in [user.server.authority(), user.server.certificate()] {
            let mailbox =
                ImapMailbox { ca_file: Some(ca_file), url: url.clone(), ..user.mailbox() };
            assert_eq!(pulled(&mailbox).items.len(), 1, "{url}");
        }
        let said = refusal(&ImapMailbox { ca_file: None, url: url.clone(), ..user.mailbox() });
        assert!(said.contains("invalid peer certificate: UnknownIssuer"), "{said}");
        assert!(said.contains("name it, or the authority that signed it, as ca_file"), "{said}");
    }
    let not_one = ImapMailbox { ca_file: Some(user.folder("new/a000000")), ..user.mailbox() };
    assert!(refusal(&not_one).contains("holds no certificate"));
}

#[test]
fn a_certificate_for_another_name_is_taken_only_where_it_is_named() {
    let Some(user) = user() else { return };
    user.deliver("", "a", [&message(1)[..]]);
    let url = user.server.imaps().replace("localhost", "127.0.0.1");
    let said = refusal(&ImapMailbox { url: url.clone(), ..user.mailbox() });
    assert!(said.contains("invalid peer certificate: certificate not valid for name"), "{said}");
    let ca_file = Some(user.server.certificate());
    assert_eq!(pulled(&ImapMailbox { url, ca_file, ..user.mailbox() }).items.len(), 1);
}

#[test]
fn folders_are_named_by_patterns() {
    let Some(user) = user() else { return };
    for (i, folder) in ["", ".Archive.2024", ".Archive.2025", ".Trash"].iter().enumerate() {
        user.deliver(folder, "a", [&message(i)[..]]);
    }
    let with = |patterns: &[&str]| ImapMailbox {
        folders: patterns.iter().map(|p| (*p).to_owned()).collect(),
        ..user.mailbox()
    };
    assert_eq!(pulled(&with(&["inbox", "Archive/*"])).items.len(), 3);
    assert_eq!(pulled(&with(&["%"])).items.len(), 2);
    let said = refusal(&with(&["INBOX", "Archiv/*"]));
    assert!(said.contains("\"Archiv/*\"") && said.contains("\"Archive/2024\", "), "{said}");
}

#[test]
fn a_window_asks_only_for_what_came_in_it() {
    let Some(user) = user() else { return };
    let all = messages(0..3);
    user.deliver("", "a", slices(&all));
    for (i, day) in ["2025-06-01", "2026-01-25", "2026-03-01"].iter().enumerate() {
        let path = user.folder(&format!("new/a{i:06}"));
        let done = std::process::Command::new("touch").args(["-d", day]).arg(path).status();
        assert!(done.unwrap().success());
    }
    let window = |start: &str| {
        Some(TimeWindow {
            start: start.parse().unwrap(),
            end: "2027-01-01T00:00:00Z".parse().unwrap(),
        })
    };
    let mut basket = Basket::default();
    let mut pull = |start: &str| {
        user.mailbox().pull(window(start), &mut basket, &Silent).unwrap();
        basket.items.len()
    };
    assert_eq!(pull("2026-02-01T00:00:00Z"), 2, "with a week's margin");
    assert_eq!(pull("2026-02-01T00:00:00Z"), 2);
    assert_eq!(pull("2025-01-01T00:00:00Z"), 3, "an earlier beginning pulls anew");
}

#[test]
fn a_large_message_comes_whole() {
    let Some(user) = user() else { return };
    let line = [b'x'; 76].iter().chain(b"\r\n").copied().collect::<Vec<u8>>();
    let large = [message(1), line.repeat((30 << 20) / line.len())].concat();
    user.deliver("", "a", [large.as_slice(), &message(2)]);
    let basket = pulled(&user.mailbox());
    assert!(basket.items.iter().any(|item| item.bytes == large));
    assert_eq!((basket.items.len(), basket.remarks.len()), (2, 0));
}
