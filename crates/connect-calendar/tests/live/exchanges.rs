//! What servers of several makers answer, replayed from the files in `exchanges`.

use std::path::Path;

use crate::loopback::{Asked, Reply, Server, jo, pull, shown};
use restitch_connect::Basket;

/// A server that answers as the file says. A request is told by its method and path, then its
/// depth, or the kind of its report and the token that it goes on from.
fn replay(name: &str) -> Server {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchanges").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let exchanges: Vec<(String, Reply)> = text
        .split("\n> ")
        .skip(1)
        .map(|block| {
            let mut lines = block.lines();
            let request = lines.next().unwrap().to_owned();
            let answer = lines.next().unwrap().strip_prefix("< ").expect("an answer follows");
            let (status, header) = answer.split_once(' ').unwrap_or((answer, ""));
            let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
            let body: Vec<_> = lines.collect();
            (request, (status.parse().unwrap(), header, body.join("\n").trim_end().to_owned()))
        })
        .collect();
    Server::new(move |asked| {
        let asked = name_of(asked);
        let (_, reply) = exchanges.iter().find(|(request, _)| *request == asked)?;
        Some(reply.clone())
    })
}

fn name_of(asked: &Asked) -> String {
    let Asked { method, path, depth, body, .. } = asked;
    let token = body.split_once("<sync-token>").and_then(|(_, rest)| rest.split_once('<'));
    match method.as_str() {
        "PROPFIND" => format!("{method} {path} {depth}"),
        "REPORT" if body.contains("calendar-multiget") => {
            format!("{method} {path} calendar-multiget")
        }
        "REPORT" => {
            let token = token.map_or("", |(token, _)| token);
            format!("{method} {path} sync-collection {token}").trim_end().to_owned()
        }
        _ => format!("{method} {path}"),
    }
}

#[test]
fn google() {
    let server = replay("google.http");
    let mut basket = Basket::default();
    pull(&server.calendars("/caldav/v2/desk%40example.org/events", jo()), &mut basket).unwrap();
    assert_eq!(
        shown(&basket),
        ["desk@example.org: a1@google.com", "desk@example.org: a2@google.com"]
    );
    let second = String::from_utf8_lossy(&basket.items[1].bytes);
    assert!(second.contains("SUMMARY:Van & trailer\n"), "{second}");
}

#[test]
fn icloud_has_its_calendars_at_another_host_which_is_named_and_not_asked() {
    let server = replay("icloud.http");
    let error = pull(&server.calendars("/", jo()), &mut Basket::default()).unwrap_err().to_string();
    assert!(
        error.contains("https://p34-caldav.icloud.example, and a password goes to no host"),
        "{error}"
    );
    assert!(error.contains("make it the url") && !error.contains("1000000001"), "{error}");
}

#[test]
fn nextcloud() {
    let server = replay("nextcloud.http");
    let mut basket = Basket::default();
    pull(&server.calendars("/", jo()), &mut basket).unwrap();
    assert_eq!(shown(&basket), ["Vans: b1", "Vans: b2"]);
    // What the file held before it was written as XML.
    assert!(basket.items[0].bytes.ends_with(b"UID:b1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"));
}

#[test]
fn a_gateway_to_exchange() {
    let server = replay("gateway.http");
    let mut basket = Basket::default();
    pull(&server.calendars("/users/jo/calendar/", jo()), &mut basket).unwrap();
    assert_eq!(
        shown(&basket),
        [
            "calendar: g1",
            "calendar: g2",
            "!! calendar: 1 event was not pulled: the server refuses it (status 403)"
        ]
    );
}
