//! What is proved of who sent a message.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use restitch_connect_mail::{Keys, read_message_with};
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair};

/// The example of RFC 8463, appendix A, with its keys.
const KEYS: &str = "\
brisbane._domainkey.football.example.com v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
test._domainkey.football.example.com v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
";
const EDWARDS: &str = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
";
const RSA: &str = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
";
const MESSAGE: &str = "From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
";

/// The facts about genuineness, one a line.
fn genuine(message: &str, keys: &str) -> String {
    let reading = read_message_with(message.as_bytes(), &Keys::parse(keys).unwrap());
    let about = reading.facts.iter().filter(|fact| fact.name.contains("genuine:"));
    about.map(|fact| format!("{} {}", fact.name, fact.value)).collect::<Vec<_>>().join("\n")
}

const PROVED: &str = "genuine:dkim proved\n\
    genuine:dkim_domain football.example.com\n\
    genuine:aligned true";

#[test]
fn a_signature_is_proved_with_its_key_even_without_the_line_ends_of_the_wire() {
    for signature in [EDWARDS, RSA] {
        let message = format!("{signature}{MESSAGE}");
        assert_eq!(genuine(&message, KEYS), PROVED);
        assert_eq!(genuine(&message.replace('\n', "\r\n"), KEYS), PROVED);
    }
    assert_eq!(genuine(&format!("{EDWARDS}{RSA}{MESSAGE}"), KEYS), PROVED);
}

#[test]
fn without_the_key_only_the_text_is_checked() {
    let message = format!("{RSA}{MESSAGE}");
    assert!(genuine(&message, "").starts_with("genuine:dkim no key"));
    assert!(genuine(&message.replace("hungry", "thirsty"), "").starts_with("genuine:dkim broken"));
}

#[test]
fn a_changed_message_is_broken_and_an_unsigned_one_proves_nothing() {
    let message = format!("{RSA}{MESSAGE}");
    for (old, new) in [("hungry", "thirsty"), ("dinner", "lunch"), ("joe@", "jim@")] {
        let broken = genuine(&message.replace(old, new), KEYS);
        assert!(broken.starts_with("genuine:dkim broken"), "{broken}");
    }
    // Its signature names To once, and readers show the first.
    let added = format!("To: eve@x.example\n{message}");
    assert!(genuine(&added, KEYS).starts_with("genuine:dkim broken"));
    assert_eq!(genuine(MESSAGE, KEYS), "genuine:dkim absent");
}

#[test]
fn another_ones_signature_is_not_the_senders() {
    let message = format!("{RSA}{MESSAGE}");
    let keys = KEYS.replace("football.example.com", "other.example");
    assert!(genuine(&message, &keys).starts_with("genuine:dkim no key"));
    let foreign = message.replace("d=football.example.com; i=@football", "d=com; i=@football");
    assert!(genuine(&foreign, KEYS).ends_with("genuine:aligned false"));
}

#[test]
fn an_attached_original_is_proved_and_an_inline_one_is_not() {
    let attached = format!(
        "From: bo@x.example\nSubject: Fwd: dinner\nContent-Type: multipart/mixed; boundary=m\n\n\
         --m\n\nsee below\n--m\nContent-Type: message/rfc822\n\n{RSA}{MESSAGE}\n--m--\n"
    );
    assert_eq!(genuine(&attached, KEYS), format!("{PROVED}\nouter:genuine:dkim absent"));
    let inline = format!(
        "From: bo@x.example\nSubject: Fwd: dinner\n\n---------- Forwarded message ---------\n{MESSAGE}"
    );
    assert_eq!(genuine(&inline, KEYS), "genuine:dkim absent\nouter:genuine:dkim absent");
}

#[test]
fn what_the_receiving_server_noted_is_told() {
    let message = format!(
        "Authentication-Results: mx.example; dkim=pass header.d=football.example.com;\n spf=softfail\n{MESSAGE}"
    );
    assert_eq!(
        genuine(&message, ""),
        "genuine:dkim absent\ngenuine:reported dkim=pass spf=softfail"
    );
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        let digit = |i: usize| match i <= three.len() {
            true => char::from(DIGITS[(bits >> (18 - 6 * i) & 63) as usize]),
            false => '=',
        };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// A message that two servers passed on, and their key.
fn passed_on() -> (String, String) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let sign = |text: &str| base64(pair.sign(digest(&SHA256, text.as_bytes()).as_ref()).as_ref());
    let (head, body) = ("from:a@x.example\r\nsubject:hi\r\n", "hello\r\n");
    let hash = base64(digest(&SHA256, body.as_bytes()).as_ref());
    let mut sealed = String::new();
    for (i, cv) in [(1, "none"), (2, "pass")] {
        let results = format!("arc-authentication-results:i={i}; mx.example; dkim=pass");
        let signature = format!(
            "arc-message-signature:i={i}; a=ed25519-sha256; c=relaxed/relaxed; d=fwd.example; \
             s=k; h=from:subject; bh={hash}; b="
        );
        let signature = format!("{signature}{}", sign(&format!("{head}{signature}")));
        let seal = format!("arc-seal:i={i}; a=ed25519-sha256; cv={cv}; d=fwd.example; s=k; b=");
        sealed.push_str(&format!("{results}\r\n{signature}\r\n"));
        let seal = format!("{seal}{}", sign(&format!("{sealed}{seal}")));
        sealed.push_str(&format!("{seal}\r\n"));
    }
    let key = base64(pair.public_key().as_ref());
    let keys = format!("k._domainkey.fwd.example v=DKIM1; k=ed25519; p={key}\n");
    (format!("{sealed}{head}\r\n{body}"), keys)
}

#[test]
fn a_chain_of_servers_is_proved_whole_or_not_at_all() {
    let (message, keys) = passed_on();
    let arc = |message: &str, keys: &str| genuine(message, keys).split_off(20);
    assert_eq!(arc(&message, &keys), "genuine:arc proved\ngenuine:arc_domain fwd.example");
    assert!(arc(&message, "").contains("genuine:arc no key"));
    for (old, new) in [("hello", "hallo"), ("dkim=pass", "dkim=none"), ("cv=pass", "cv=none")] {
        let broken = arc(&message.replacen(old, new, 1), &keys);
        assert!(broken.contains("genuine:arc broken"), "{new}: {broken}");
    }
    let headless = message.replacen("arc-seal:i=1", "x-seal:i=1", 1);
    assert!(arc(&headless, &keys).contains("genuine:arc broken"));
}

/// Messages on which another library's verdict is not shared, with the reason.
const JUDGED_OTHERWISE: [(&[&str], &str); 4] = [
    (&DOMAIN_KEYS, "DomainKeys (RFC 4870), which DKIM replaced, is not read"),
    (&DRAFT, "the first draft's signatures name no hash of the body"),
    (&SHORT, "a key of fewer than 1024 bits proves nothing (RFC 8301)"),
    (&["ignore_7.txt"], "it expired before today, not before it was sent"),
];
const DOMAIN_KEYS: [&str; 13] = [
    "good_dk_gmail.txt",
    "good_dk_yahoo.txt",
    "good_dk_1.txt",
    "good_dk_2.txt",
    "good_dk_3.txt",
    "good_dk_4.txt",
    "good_dk_5.txt",
    "good_dk_6.txt",
    "good_dk_7.txt",
    "dk_headers_1.txt",
    "dk_headers_2.txt",
    "dk_multiple_1.txt",
    "no_body_1.txt",
];
const DRAFT: [&str; 5] = [
    "good_ietf00_1.txt",
    "good_ietf00_2.txt",
    "good_ietf00_3.txt",
    "good_ietf00_4.txt",
    "good_ietf00_5.txt",
];
const SHORT: [&str; 13] = [
    "good_ietf01_1.txt",
    "good_ietf01_2.txt",
    "good_rfc4871_3.txt",
    "good_rfc4871_4.txt",
    "good_1878523.txt",
    "multiple_1.txt",
    "good_qp_1.txt",
    "good_qp_2.txt",
    "good_qp_3.txt",
    "goodkey_1.txt",
    "goodkey_2.txt",
    "goodkey_3.txt",
    "goodkey_4.txt",
];

#[test]
fn the_signed_messages_of_another_project_are_judged_as_there() {
    let Some(corpora) = std::env::var_os("RESTITCH_CORPORA") else {
        println!("RESTITCH_CORPORA is not set: the third-party signatures are skipped");
        return;
    };
    let root = Path::new(&corpora).join("mail/mail-dkim");
    let read = |path: &Path| fs::read(path).unwrap();
    let keys = String::from_utf8(read(&root.join("FAKE_DNS.dat"))).unwrap();
    let keys = Keys::parse(&keys).unwrap();
    let verdicts = String::from_utf8(read(&root.join("verdicts.csv"))).unwrap();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut unexplained = Vec::new();
    let (mut same, mut all) = (0, 0);
    for line in verdicts.lines().skip(1) {
        let (name, theirs) = line.split_once(',').unwrap();
        let bytes = read(&root.join("corpus").join(name));
        let reading = read_message_with(&bytes, &keys);
        let fact = reading.facts.iter().find(|fact| fact.name == "genuine:dkim").unwrap();
        let ours = fact.value.to_string();
        *counts.entry((theirs.to_owned(), ours.clone())).or_default() += 1;
        all += 1;
        let agree = (theirs == "pass") == ours.ends_with("proved");
        same += usize::from(agree);
        if !agree {
            let known = JUDGED_OTHERWISE.iter().find(|(known, _)| known.contains(&name));
            println!("{name}: {theirs}, here {ours}: {}", known.map_or("?", |(_, reason)| reason));
            if known.is_none() {
                unexplained.push(name.to_owned());
            }
        }
    }
    println!("{same} of {all} alike: {counts:?}");
    assert!(unexplained.is_empty(), "judged otherwise: {unexplained:?}");
}
