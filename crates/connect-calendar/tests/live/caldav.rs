//! Who is asked what by whom, and what is kept of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::loopback::{Asked, Reply, Server, event, jo, pull, shown};
use restitch_connect::Basket;
use restitch_connect_calendar::Login;
use restitch_model::Secret;

fn ok(body: impl Into<String>) -> Option<Reply> {
    Some((200, "content-type: text/calendar; charset=utf-8\r\n".to_owned(), body.into()))
}

fn multistatus(inside: &str) -> Option<Reply> {
    let body = format!(
        "<multistatus xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\">{inside}\
         </multistatus>"
    );
    Some((207, "content-type: application/xml\r\n".to_owned(), body))
}

fn sent_on(to: &str) -> Option<Reply> {
    Some((302, format!("location: {to}\r\n"), String::new()))
}

fn response(href: &str, props: &str) -> String {
    format!(
        "<response><href>{href}</href><propstat><prop>{props}</prop>\
         <status>HTTP/1.1 200 OK</status></propstat></response>"
    )
}

/// A calendar at `/c/` of a server that can sync: events by name, each with its version, and the
/// number of the last change. A token is `t` and that number.
#[derive(Default)]
struct Vans {
    events: Vec<(&'static str, &'static str, usize)>,
    gone: Vec<(&'static str, usize)>,
    change: usize,
    /// Tokens before this one are not known any more.
    oldest: usize,
}

impl Vans {
    fn put(&mut self, name: &'static str, summary: &'static str) {
        self.change += 1;
        self.events.retain(|(other, ..)| *other != name);
        self.gone.retain(|(other, _)| *other != name);
        self.events.push((name, summary, self.change));
    }

    fn remove(&mut self, name: &'static str) {
        self.change += 1;
        self.events.retain(|(other, ..)| *other != name);
        self.gone.push((name, self.change));
    }

    fn reply(&self, asked: &Asked) -> Option<Reply> {
        let at = |name: &str| format!("/c/{name}.ics");
        match asked.method.as_str() {
            "PROPFIND" if asked.path == "/c/" => multistatus(&response(
                "/c/",
                "<displayname>Vans</displayname><resourcetype><collection/><C:calendar/>\
                 </resourcetype><supported-report-set><supported-report><report><sync-collection/>\
                 </report></supported-report></supported-report-set>",
            )),
            "REPORT" if asked.body.contains("calendar-multiget") => {
                let wanted = self.events.iter().filter(|(name, ..)| asked.body.contains(&at(name)));
                let told = wanted.map(|(name, summary, change)| {
                    let data = event(name, summary).replace("\r\n", "&#13;\n");
                    response(
                        &at(name),
                        &format!(
                            "<getetag>\"{change}\"</getetag><C:calendar-data>{data}\
                             </C:calendar-data>"
                        ),
                    )
                });
                multistatus(&told.collect::<String>())
            }
            "REPORT" => {
                let token = asked.body.split("<sync-token>").nth(1)?.split('<').next()?;
                let since: usize = match token {
                    "" => 0,
                    token => token.strip_prefix('t')?.parse().unwrap(),
                };
                if since > 0 && since < self.oldest {
                    let body = "<error xmlns=\"DAV:\"><valid-sync-token/></error>".to_owned();
                    return Some((403, String::new(), body));
                }
                let there = self.events.iter().filter(|(_, _, change)| *change > since);
                let there = there.map(|(name, _, change)| {
                    response(&at(name), &format!("<getetag>\"{change}\"</getetag>"))
                });
                let gone = self.gone.iter().filter(|(_, change)| since > 0 && *change > since);
                let gone = gone.map(|(name, _)| {
                    format!(
                        "<response><href>{}</href><status>HTTP/1.1 404 Not Found</status>\
                         </response>",
                        at(name)
                    )
                });
                let told: String = there.chain(gone).collect();
                multistatus(&format!("{told}<sync-token>t{}</sync-token>", self.change))
            }
            _ => None,
        }
    }
}

fn vans() -> (Arc<Mutex<Vans>>, Server) {
    let vans = Arc::new(Mutex::new(Vans::default()));
    let of = vans.clone();
    (vans, Server::new(move |asked| of.lock().unwrap().reply(asked)))
}

#[test]
fn only_what_changed_is_pulled_again_and_nothing_is_forgotten() {
    let (vans, server) = vans();
    let calendars = server.calendars("/c/", jo());
    let mut basket = Basket::default();
    for name in ["a", "b", "c"] {
        vans.lock().unwrap().put(name, "one");
    }
    pull(&calendars, &mut basket).unwrap();
    assert_eq!(shown(&basket), ["Vans: a", "Vans: b", "Vans: c"]);
    server.asked();

    pull(&calendars, &mut basket).unwrap();
    assert_eq!(server.lines(), ["PROPFIND /c/", "REPORT /c/"]);
    assert_eq!(basket.items.len(), 3);

    vans.lock().unwrap().put("b", "two");
    vans.lock().unwrap().remove("c");
    pull(&calendars, &mut basket).unwrap();
    let asked = server.asked();
    assert!(asked[2].body.contains("/c/b.ics") && !asked[2].body.contains("/c/a.ics"));
    assert_eq!(
        shown(&basket),
        [
            "Vans: a",
            "Vans: b",
            "Vans: b",
            "Vans: c",
            "! Vans: 1 event that was pulled before is no longer in this calendar; the case keeps \
             what was pulled"
        ]
    );
}

#[test]
fn an_expired_token_has_the_calendar_gone_through_anew() {
    let (vans, server) = vans();
    let calendars = server.calendars("/c/", jo());
    let mut basket = Basket::default();
    vans.lock().unwrap().put("a", "one");
    vans.lock().unwrap().put("b", "one");
    pull(&calendars, &mut basket).unwrap();
    vans.lock().unwrap().put("c", "one");
    vans.lock().unwrap().oldest = 99;
    server.asked();
    pull(&calendars, &mut basket).unwrap();
    let asked = server.asked();
    // Only the new event is asked for: the versions of the others are known.
    assert!(asked[3].body.contains("/c/c.ics") && !asked[3].body.contains("/c/a.ics"));
    assert_eq!(basket.items.len(), 3);
    assert_eq!(
        basket.remarks[0].text,
        "the server no longer tells what changed since the last pull; this calendar is gone \
         through anew"
    );
}

#[test]
fn a_calendar_that_suddenly_is_empty_is_an_alarm_each_time() {
    let (vans, server) = vans();
    let calendars = server.calendars("/c/", jo());
    let mut basket = Basket::default();
    vans.lock().unwrap().put("a", "one");
    vans.lock().unwrap().put("b", "one");
    pull(&calendars, &mut basket).unwrap();
    vans.lock().unwrap().remove("a");
    vans.lock().unwrap().remove("b");
    for _ in 0..2 {
        basket.gaps.clear();
        pull(&calendars, &mut basket).unwrap();
        let text = &basket.gaps[0].text;
        assert!(text.starts_with("this calendar held 2 events at the last pull"), "{text}");
    }
    assert_eq!(basket.items.len(), 2);
    vans.lock().unwrap().put("a", "back");
    basket.gaps.clear();
    pull(&calendars, &mut basket).unwrap();
    assert_eq!(basket.items.len(), 3);
}

#[test]
fn nothing_is_sent_that_could_write() {
    let (vans, server) = vans();
    vans.lock().unwrap().put("a", "one");
    let calendars = server.calendars("/c/", jo());
    pull(&calendars, &mut Basket::default()).unwrap();
    let refused = server.calendars("/nothing/", jo());
    pull(&refused, &mut Basket::default()).unwrap_err();
    let methods: Vec<_> = server.asked().into_iter().map(|asked| asked.method).collect();
    for method in ["PROPFIND", "REPORT", "GET"] {
        assert!(methods.iter().any(|asked| asked == method), "{methods:?}");
    }
    let reads = |method: &String| ["PROPFIND", "REPORT", "GET"].contains(&method.as_str());
    assert!(methods.iter().all(reads), "{methods:?}");
}

#[test]
fn a_password_goes_to_no_other_host() {
    let other = Server::new(|_| ok(event("stolen", "")));
    let base = other.base.clone();
    let server = Server::new(move |asked| match asked.path.as_str() {
        "/same/" => sent_on("/c/"),
        "/c/" if asked.method == "GET" => ok(event("a", "")),
        "/away/" => sent_on(&format!("{base}/c/")),
        "/plain/" => sent_on("http://calendar.example.com/secret-path/"),
        "/round/" => sent_on("/round/"),
        _ => None,
    });
    for login in [jo(), Login::Token(Secret::new("tok-9"))] {
        for (path, want) in [
            ("/away/", "a password goes to no host that the pipeline does not name"),
            ("/plain/", "unencrypted address (http://calendar.example.com)"),
            ("/round/", "more than 5 times"),
        ] {
            let calendars = server.calendars(path, login.clone());
            let error = pull(&calendars, &mut Basket::default()).unwrap_err().to_string();
            assert!(error.contains(want) && !error.contains("secret"), "{path}: {error}");
        }
    }
    assert_eq!(other.lines(), [""; 0]);

    let mut basket = Basket::default();
    pull(&server.calendars("/same/", jo()), &mut basket).unwrap();
    assert_eq!(shown(&basket), ["127.0.0.1: a"]);
    let with: Vec<_> = server.asked().iter().map(|asked| asked.authorization.clone()).collect();
    assert!(with.iter().all(|a| a == "Basic am86aHVudGVyMg==" || a == "Bearer tok-9"), "{with:?}");

    // Whoever has no password has none to lose.
    pull(&server.calendars("/away/", Login::Nobody), &mut basket).unwrap();
    assert_eq!(basket.items.len(), 2);
}

#[test]
fn a_file_at_a_secret_address_is_pulled_once_per_version() {
    let version = Arc::new(AtomicUsize::new(1));
    let of = version.clone();
    let server = Server::new(move |asked| {
        let version = of.load(Ordering::SeqCst);
        let etag = format!("\"v{version}\"");
        if asked.known == etag {
            return Some((304, String::new(), String::new()));
        }
        let body = match version {
            1 => event("a", "one") + &event("b", "one"),
            // Only the time of asking differs.
            2 => (event("a", "one") + &event("b", "one")).replace("20260101", "20260102"),
            3 => event("a", "two"),
            _ => "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".to_owned(),
        };
        Some((200, format!("etag: {etag}\r\n"), body))
    });
    let calendars = server.calendars("/private-1f2e/basic.ics?s=33ab", Login::Nobody);
    let mut basket = Basket::default();
    let next = |n: usize, basket: &mut Basket| {
        version.store(n, Ordering::SeqCst);
        pull(&calendars, basket).unwrap();
        (basket.items.len(), basket.remarks.len())
    };
    assert_eq!(next(1, &mut basket), (2, 0));
    assert_eq!(next(1, &mut basket), (2, 0));
    assert_eq!(server.asked()[1].known, "\"v1\"");
    assert_eq!(next(2, &mut basket), (2, 0));
    assert_eq!(next(3, &mut basket), (3, 1));
    assert!(basket.remarks[0].text.starts_with("1 event that was pulled before is no longer"));
    assert_eq!(next(4, &mut basket).0, 3);
    assert!(basket.gaps[0].text.contains("held 1 event at the last pull and now shows none"));

    let everything = format!("{:?}{:?}", basket.items, basket.remarks);
    assert!(basket.items.iter().all(|item| item.container == "127.0.0.1"));
    for secret in ["1f2e", "33ab"] {
        assert!(!everything.contains(secret));
    }
}

#[test]
fn an_address_that_gives_no_calendar_is_an_error_without_the_address() {
    let server = Server::new(|asked| match asked.path.as_str() {
        "/sign-in/1f2e.ics" => {
            Some((200, "content-type: text/html\r\n".to_owned(), "<html>".to_owned()))
        }
        "/private/1f2e.ics" => Some((403, String::new(), String::new())),
        _ => None,
    });
    for (path, want) in [
        ("/sign-in/1f2e.ics", "no calendar but text/html"),
        ("/private/1f2e.ics", "it wants to know who asks (status 403)"),
        ("/gone/1f2e.ics", "a secret address ends when it is reset"),
    ] {
        let calendars = server.calendars(path, Login::Nobody);
        let error = pull(&calendars, &mut Basket::default()).unwrap_err().to_string();
        assert!(error.contains(want) && !error.contains("1f2e"), "{path}: {error}");
    }
}

#[test]
fn a_wrong_password_is_an_error_that_says_what_to_do() {
    let refused = |ways: &'static str| {
        let server = Server::new(move |_| {
            Some((401, format!("www-authenticate: {ways}\r\n"), String::new()))
        });
        pull(&server.calendars("/", jo()), &mut Basket::default()).unwrap_err().to_string()
    };
    let error = refused("Basic realm=x");
    assert!(error.contains("a password made for this one program (status 401)"), "{error}");
    assert!(refused("Digest realm=x").contains("it takes Digest alone"));
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn what_is_cut_off_or_refused_for_a_while_is_asked_again() {
    let tries = AtomicUsize::new(0);
    let server = Server::new(move |_| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Some((503, "retry-after: 0\r\n".to_owned(), String::new())),
        // A proxy that says a wrong length.
        1 => ok("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\n")
            .map(|(status, headers, body)| (status, format!("retry-after: 0\r\n{headers}"), body)),
        _ => ok(event("a", "")),
    });
    let mut basket = Basket::default();
    pull(&server.calendars("/a.ics", Login::Nobody), &mut basket).unwrap();
    assert_eq!(server.lines().len(), 3);
    assert_eq!(shown(&basket), ["127.0.0.1: a"]);
}

#[test]
fn calendars_are_chosen_by_name_and_missed_when_they_vanish() {
    let are_there = Arc::new(Mutex::new(vec!["north", "south"]));
    let of = are_there.clone();
    let server = Server::new(move |asked| {
        let kind = "<displayname>Vans</displayname><resourcetype><collection/><C:calendar/>\
            </resourcetype>";
        let there = of.lock().unwrap();
        match (asked.method.as_str(), asked.path.as_str(), asked.depth.as_str()) {
            ("PROPFIND", "/home/", "0") => {
                multistatus(&response("/home/", "<resourcetype><collection/></resourcetype>"))
            }
            ("PROPFIND", "/home/", _) => multistatus(
                &there.iter().map(|n| response(&format!("/home/{n}/"), kind)).collect::<String>(),
            ),
            ("PROPFIND", path, "1") => {
                multistatus(&response(&format!("{path}1.ics"), "<getetag>1</getetag>"))
            }
            ("GET", path, _) => ok(event(path, "")),
            _ => None,
        }
    });
    let mut calendars = server.calendars("/home/", jo());
    let mut basket = Basket::default();
    pull(&calendars, &mut basket).unwrap();
    assert_eq!(
        shown(&basket),
        ["Vans (north): /home/north/1.ics", "Vans (south): /home/south/1.ics"]
    );
    are_there.lock().unwrap().pop();
    pull(&calendars, &mut basket).unwrap();
    assert_eq!(
        basket.gaps.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["Vans (south): this calendar, of which 1 event was pulled before, is no longer shown \
             by the server; the case keeps what was pulled"]
    );

    calendars.calendars = vec!["nor*".to_owned(), "east".to_owned()];
    let mut chosen = Basket::default();
    pull(&calendars, &mut chosen).unwrap();
    assert_eq!(chosen.items.len(), 1);
    assert!(chosen.gaps[0].text.contains("no calendar is called \"east\""));
}

#[test]
fn a_server_that_is_down_ends_the_pull_and_keeps_what_came() {
    let (vans, server) = vans();
    vans.lock().unwrap().put("a", "one");
    let mut basket = Basket::default();
    let calendars = server.calendars("/c/", jo());
    pull(&calendars, &mut basket).unwrap();
    // A port that nobody listens on.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut gone = calendars.clone();
    gone.url = Secret::new(format!("http://{free}/c/secret"));
    let error = pull(&gone, &mut basket).unwrap_err().to_string();
    assert!(error.contains("pull again to go on") && !error.contains("secret"), "{error}");
    assert_eq!(basket.items.len(), 1);
}
