//! Servers that answer as they should not.

use restitch_connect::{Basket, Connector, Sink};
use restitch_connect_mail::{Credential, ImapMailbox};
use restitch_model::{Secret, Silent};

use crate::fake::{Fake, Manner, fetched, message};

/// A server with five messages that answers otherwise where it is told to.
fn odd(odd: impl FnMut(&str) -> Option<(Vec<u8>, bool)> + Send + 'static) -> Fake {
    Fake::start(Manner { odd: Box::new(odd), ..Manner::default() })
}

fn pulled(mailbox: &ImapMailbox) -> Basket {
    let mut basket = Basket::default();
    mailbox.pull(None, &mut basket, &Silent).unwrap();
    basket
}

fn refusal(mailbox: &ImapMailbox) -> String {
    mailbox.pull(None, &mut Basket::default(), &Silent).unwrap_err().to_string()
}

/// The ids of what came, and the gaps.
fn came(basket: &Basket) -> (Vec<&str>, Vec<String>) {
    let mut ids: Vec<_> = basket.items.iter().map(|item| item.native_id.as_str()).collect();
    ids.sort_unstable();
    (ids, basket.gaps.iter().map(ToString::to_string).collect())
}

const ALL: [&str; 5] = ["1@x", "2@x", "3@x", "4@x", "5@x"];
const NOT_THREE: [&str; 4] = ["1@x", "2@x", "4@x", "5@x"];

/// Whether a command asks for the message with the number 3.
fn is_fetch_of_three(command: &str) -> bool {
    let set = command.strip_prefix("UID FETCH ").and_then(|rest| rest.split(' ').next());
    set.is_some_and(|set| {
        set.split(',').any(|part| {
            let (a, b) = part.split_once(':').unwrap_or((part, part));
            (a.parse().unwrap()..=b.parse::<u32>().unwrap()).contains(&3)
        })
    })
}

#[test]
fn a_server_as_it_should_be_gives_all() {
    let server = odd(|_| None);
    let basket = pulled(&server.mailbox());
    assert_eq!(came(&basket), (ALL.to_vec(), vec![]));
    assert_eq!(basket.items[0].container, "me@x/INBOX");
    let at = basket.items[0].at.unwrap().to_string();
    assert_eq!(at, "2026-02-01T09:00:00Z", "a message without a date has the server's");
    let reads = [
        "CAPABILITY",
        "AUTHENTICATE PLAIN",
        "LIST",
        "EXAMINE",
        "UID SEARCH",
        "UID FETCH",
        "LOGOUT",
    ];
    for command in server.commands() {
        assert!(reads.iter().any(|read| command.starts_with(read)), "{command}");
    }
    assert!(server.commands().contains(&"UID FETCH 1:5 (UID INTERNALDATE BODY.PEEK[])".to_owned()));
}

#[test]
fn noise_is_passed_over() {
    let server = odd(|command| {
        let noise = b"* 7 EXISTS\r\n* FLAGS (\\X)\r\n* 2 FETCH (FLAGS (\\Seen))\r\n* 1 EXPUNGE\r\n\
                      * X-ODD {3}\r\n\r\n(\r\n\r\nabc\r\nr0 OK old\r\n* OK [ALERT] full\r\n* 99 FETCH (UID 99 BODY[] {1}\r\nx)\r\n";
        command.starts_with("UID FETCH").then(|| {
            let messages =
                (1..=5).flat_map(|n| [fetched(n, &message(n as u32)), noise.to_vec()].concat());
            (messages.chain(*b"TAG OK\r\n").collect(), false)
        })
    });
    assert_eq!(came(&pulled(&server.mailbox())), (ALL.to_vec(), vec![]));
}

#[test]
fn a_message_that_is_refused_costs_itself_alone_and_is_asked_for_again() {
    let mut is_refusing = true;
    let (sender, receiver) = std::sync::mpsc::channel();
    let server = odd(move |command| {
        is_refusing &= receiver.try_recv().is_err();
        let refused = b"TAG NO [SERVERBUG] cannot read it\r\n".to_vec();
        (is_refusing && is_fetch_of_three(command)).then_some((refused, false))
    });
    let mut basket = pulled(&server.mailbox());
    let gap = "me@x/INBOX: 1 message could not be pulled (UID 3): [SERVERBUG] cannot read it; \
               the next pull asks again";
    assert_eq!(came(&basket), (NOT_THREE.to_vec(), vec![gap.to_owned()]));
    sender.send(()).unwrap();
    basket.gaps.clear();
    server.mailbox().pull(None, &mut basket, &Silent).unwrap();
    assert_eq!(came(&basket), (ALL.to_vec(), vec![]));
    assert!(basket.checkpoint().unwrap().contains("\"next\":6}"), "{:?}", basket.checkpoint());
}

#[test]
fn an_answer_that_cannot_be_read_costs_itself_alone() {
    for broken in [
        &b"* 3 FETCH (UID 3 BODY[] {4}\r\nabcdefgh)\r\n"[..],
        b"* 3 FETCH (UID 3 BODY[] \"no end)\r\n",
        b"* 3 FETCH (UID three BODY[] {1}\r\nx)\r\n",
        b"* 3 FETCH (UID 3 BODY[] NIL)\r\n",
        b"\xFF\0\r\n",
        b"",
    ] {
        let server = odd(move |command| {
            let first = if command.starts_with("UID FETCH 1:5") { 1..=5 } else { 3..=3 };
            is_fetch_of_three(command).then(|| {
                let answer =
                    |n| if n == 3 { broken.to_vec() } else { fetched(n, &message(n as u32)) };
                (first.flat_map(answer).chain(*b"TAG OK\r\n").collect(), false)
            })
        });
        let gap = "me@x/INBOX: 1 message could not be pulled (UID 3): the server's answer cannot be \
                   read; the next pull asks again";
        assert_eq!(came(&pulled(&server.mailbox())), (NOT_THREE.to_vec(), vec![gap.to_owned()]));
    }
}

#[test]
fn a_message_that_ends_each_connection_costs_itself_alone() {
    for (said, why) in [
        (&b"* BYE out of memory\r\n"[..], "out of memory"),
        (b"* 3 FETCH (UID 3 BODY[] {999}\r\nabc", "the connection was closed"),
        (b"", "the connection was closed"),
    ] {
        let server = odd(move |command| {
            is_fetch_of_three(command).then(|| {
                let before = if command.contains("1:") { 1..3 } else { 0..0 };
                let before = before.flat_map(|n| fetched(n, &message(n as u32)));
                (before.chain(said.to_vec()).collect(), true)
            })
        });
        let gap = format!(
            "me@x/INBOX: 1 message could not be pulled (UID 3): {why}; the next pull asks again"
        );
        assert_eq!(came(&pulled(&server.mailbox())), (NOT_THREE.to_vec(), vec![gap]));
    }
}

#[test]
fn a_server_that_falls_silent_is_left() {
    let mut falls = 1;
    let server = odd(move |command| {
        let is_now = is_fetch_of_three(command) && falls > 0;
        falls -= u32::from(is_now);
        is_now.then(|| {
            (
                [fetched(1, &message(1)), b"* 2 FETCH (UID 2 BODY[] {99}\r\n".to_vec()].concat(),
                false,
            )
        })
    });
    assert_eq!(came(&pulled(&server.mailbox())), (ALL.to_vec(), vec![]));
}

#[test]
fn what_was_deleted_meanwhile_is_no_gap() {
    let server = odd(|command| {
        let is_gone = command.starts_with("UID SEARCH UID 3");
        let without = |n: &usize| *n != 3;
        match is_fetch_of_three(command) {
            true => {
                let set = if command.starts_with("UID FETCH 1:5") { 1..=5 } else { 3..=3 };
                let messages = set.filter(without).flat_map(|n| fetched(n, &message(n as u32)));
                Some((messages.chain(*b"TAG OK\r\n").collect(), false))
            }
            false => is_gone.then(|| (b"* SEARCH\r\nTAG OK\r\n".to_vec(), false)),
        }
    });
    assert_eq!(came(&pulled(&server.mailbox())), (NOT_THREE.to_vec(), vec![]));
}

#[test]
fn a_folder_that_cannot_be_opened_is_a_gap() {
    let list =
        "* LIST () \"/\" INBOX\r\n* LIST () \"/\" Locked\r\n* LIST (\\NoSelect) \"/\" Top\r\n";
    let odd = |command: &str| {
        let refused = || (b"TAG NO [NOPERM] not yours\r\n".to_vec(), false);
        (command == "EXAMINE \"Locked\"").then(refused)
    };
    let server = Fake::start(Manner { list, odd: Box::new(odd), ..Manner::default() });
    let gap = "me@x/Locked: the folder could not be pulled: [NOPERM] not yours";
    assert_eq!(came(&pulled(&server.mailbox())), (ALL.to_vec(), vec![gap.to_owned()]));
}

#[test]
fn a_folder_that_vanishes_is_a_gap_and_not_asked_for_message_by_message() {
    let mut opened = 0;
    let server = odd(move |command| match command {
        "EXAMINE \"INBOX\"" => {
            opened += 1;
            (opened > 1).then(|| (b"TAG NO [NONEXISTENT] gone\r\n".to_vec(), false))
        }
        command => command.starts_with("UID FETCH").then(|| (fetched(1, &message(1)), true)),
    });
    let gap = "me@x/INBOX: the folder could not be pulled: it could not be opened again: \
               [NONEXISTENT] gone";
    assert_eq!(came(&pulled(&server.mailbox())), (vec!["1@x"], vec![gap.to_owned()]));
    assert_eq!(server.commands().iter().filter(|c| c.starts_with("EXAMINE")).count(), 2);
}

#[test]
fn a_server_that_cannot_search_by_day_gives_all() {
    let server =
        odd(|command| command.contains(" SINCE ").then(|| (b"TAG BAD what?\r\n".to_vec(), false)));
    let mut basket = Basket::default();
    let window = restitch_model::TimeWindow {
        start: "2026-02-10T00:00:00Z".parse().unwrap(),
        end: "2027-01-01T00:00:00Z".parse().unwrap(),
    };
    server.mailbox().pull(Some(window), &mut basket, &Silent).unwrap();
    assert_eq!(came(&basket), (ALL.to_vec(), vec![]));
    let searches = server.commands().into_iter().filter(|c| c.contains("SINCE"));
    assert_eq!(searches.collect::<Vec<_>>(), ["UID SEARCH UID 1:5 SINCE 3-Feb-2026"]);
}

#[test]
fn a_server_that_is_gone_is_given_up_with_what_to_do() {
    let server = Fake::start(Manner { greeting: "* BYE [UNAVAILABLE] later", ..Manner::default() });
    let said = refusal(&server.mailbox());
    assert!(
        said.contains("[UNAVAILABLE] later (tried 5 times; pull again to go on from here)"),
        "{said}"
    );
    let mut mailbox = server.mailbox();
    mailbox.url = "imap://127.0.0.1:1".to_owned();
    assert!(refusal(&mailbox).contains("refused"), "{}", refusal(&mailbox));
}

#[test]
fn a_secret_that_the_server_repeats_is_not_told() {
    let server = odd(|command| {
        let repeated = format!("TAG NO wrong: {command} hunter2\r\n").into_bytes();
        command.starts_with("AUTH").then_some((repeated, false))
    });
    let said = refusal(&server.mailbox());
    assert!(said.contains("wrong: AUTHENTICATE PLAIN [redacted] [redacted];"), "{said}");
}

#[test]
fn a_token_takes_the_place_of_a_password() {
    let token = || Credential::Token(Secret::new("ya29"));
    let capabilities = "IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2";
    let odd = |command: &str| {
        if command.starts_with("AUTHENTICATE") {
            return Some((b"+ \r\n".to_vec(), false));
        }
        // What answers a request has no tag, so that it is no command of two words.
        command.is_empty().then(|| (b"r2 OK\r\n".to_vec(), false))
    };
    let server = Fake::start(Manner { capabilities, odd: Box::new(odd), ..Manner::default() });
    let with_token = |server: &Fake| ImapMailbox { credential: token(), ..server.mailbox() };
    assert_eq!(came(&pulled(&with_token(&server))), (ALL.to_vec(), vec![]));
    assert_eq!(server.commands()[1], "AUTHENTICATE XOAUTH2");

    let expired = odd_login("AUTH=XOAUTH2 SASL-IR");
    let said = refusal(&with_token(&expired));
    assert!(said.contains("that the token is fresh") && !said.contains("ya29"), "{said}");
    let none = Fake::start(Manner::default());
    assert!(refusal(&with_token(&none)).contains("takes no tokens (XOAUTH2)"));
}

/// A server that explains why a token will not do, and then refuses it.
fn odd_login(capabilities: &'static str) -> Fake {
    let odd = |command: &str| {
        if command.starts_with("AUTHENTICATE") {
            return Some((b"+ eyJzdGF0dXMiOiI0MDEifQ==\r\n".to_vec(), false));
        }
        command.is_empty().then(|| (b"r2 NO [AUTHENTICATIONFAILED] expired\r\n".to_vec(), false))
    };
    Fake::start(Manner { capabilities, odd: Box::new(odd), ..Manner::default() })
}

#[test]
fn nothing_goes_unencrypted_over_a_network_unless_that_is_allowed() {
    let server = odd(|_| None);
    let far = || ImapMailbox { url: server.as_from_afar(), ..server.mailbox() };
    let said = refusal(&far());
    assert!(said.contains("offers no encryption (STARTTLS)"), "{said}");
    assert!(!server.commands().iter().any(|command| command.starts_with("AUTH")));
    let basket = pulled(&ImapMailbox { allow_plaintext: true, ..far() });
    assert_eq!(basket.items.len(), 5);
    assert!(basket.remarks[0].text.contains("may have been readable on the way"));
    let known = Fake::start(Manner { greeting: "* PREAUTH welcome", ..Manner::default() });
    let said = refusal(&ImapMailbox { url: known.as_from_afar(), ..known.mailbox() });
    assert!(said.contains("offers no encryption"), "{said}");
}

#[test]
fn what_is_said_before_the_encryption_is_not_believed() {
    let odd = |command: &str| {
        let more = b"TAG OK begin\r\nr3 OK you are in\r\n".to_vec();
        (command == "STARTTLS").then_some((more, false))
    };
    let capabilities = "IMAP4rev1 STARTTLS AUTH=PLAIN";
    let server = Fake::start(Manner { capabilities, odd: Box::new(odd), ..Manner::default() });
    let said = refusal(&server.mailbox());
    assert!(said.contains("STARTTLS: it said more before the encryption began"), "{said}");
}

#[test]
fn of_gmail_each_message_is_pulled_once() {
    let list = "* LIST () \"/\" INBOX\r\n* LIST (\\All) \"/\" \"[Gmail]/All Mail\"\r\n\
                * LIST (\\Trash) \"/\" \"[Gmail]/Bin\"\r\n* LIST () \"/\" Label\r\n";
    let capabilities = "IMAP4rev1 AUTH=PLAIN SASL-IR X-GM-EXT-1";
    let server = Fake::start(Manner { list, capabilities, ..Manner::default() });
    let basket = pulled(&server.mailbox());
    let opened: Vec<_> =
        server.commands().into_iter().filter(|c| c.starts_with("EXAMINE")).collect();
    assert_eq!(opened, ["EXAMINE \"[Gmail]/All Mail\"", "EXAMINE \"[Gmail]/Bin\""]);
    assert_eq!(basket.items.len(), 10);
}
