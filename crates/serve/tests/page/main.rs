//! The page in a real browser, and the server as a stranger meets it.

// What of it is not used here, the end-to-end tests use.
#[allow(dead_code)]
mod browser;
#[path = "../../../review/src/fixture.rs"]
mod fixture;
mod office;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use restitch_model::{Answer, Decision};
use restitch_serve::{Board, Server};
use serde_json::json;

use crate::browser::Browser;
use crate::office::MadeUp;

/// What evidence could say to do harm: markup, a script, an address, a formula, text that turns
/// its line around, and a name that never ends.
fn hostile() -> String {
    let long = "x".repeat(10_000);
    format!(
        "\"'></textarea></style></script><script>alert(1);fetch('http://evil.example/a')</script>\
         <img src=\"http://evil.example/b.png\" onerror=\"alert(2)\"><svg onload=\"alert(3)\">\
         <link rel=stylesheet href=http://evil.example/c.css>=HYPERLINK(\"http://evil.example\")\
         \u{202e}gnp.exe\u{2066} {long}"
    )
}

/// Serves made-up records; gives the address, and what will be said of them.
fn serve(office: MadeUp) -> (String, Arc<Mutex<Vec<Decision>>>) {
    let server = Server::bind(0).unwrap();
    let (address, said) = (server.address(), Arc::clone(&office.said));
    let mut board = Board::open(office).unwrap();
    std::thread::spawn(move || server.run(&mut board).unwrap());
    (address, said)
}

/// Asks as any program can; gives the status and the whole answer.
fn ask(address: &str, request: &str) -> (u16, String) {
    let host = address.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(request.replace("HOST", host).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

fn get(address: &str, path: &str, cookie: &str) -> (u16, String) {
    ask(
        address,
        &format!(
            "GET {path} HTTP/1.1\r\nHost: HOST\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        ),
    )
}

/// Exchanges the token for the cookie.
fn enter(address: &str) -> String {
    let token = &address[address.find("/?").unwrap()..];
    let (status, answer) = get(address, token, "");
    assert_eq!(status, 303, "{answer}");
    let line = answer.lines().find(|line| line.starts_with("set-cookie: ")).unwrap();
    line["set-cookie: ".len()..].split(';').next().unwrap().to_owned()
}

#[test]
fn a_stranger_gets_nothing() {
    let (address, said) = serve(MadeUp::new(5, 1, ""));
    for path in ["/", "/page.js", "/api/queue", "/api/overview", "/?token=guess", "/?token="] {
        let (status, answer) = get(&address, path, "restitch-1=guess");
        assert_eq!(status, 403, "{path}");
        assert!(!answer.contains("Ana"), "{path}");
    }
    let cookie = enter(&address);
    let token = &address[address.find("/?").unwrap()..];
    assert_eq!(get(&address, token, "").0, 403, "the address works once");
    assert_eq!(get(&address, "/api/queue", &cookie).0, 200);
    let body = r#"{"candidate":"reservation-00000001","answer":"no"}"#;
    let decide = |host: &str, origin: &str| {
        let length = body.len();
        ask(
            &address,
            &format!(
                "POST /api/decide HTTP/1.1\r\nHost: {host}\r\n{origin}Cookie: {cookie}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            ),
        )
        .0
    };
    assert_eq!(decide("HOST", "Origin: http://evil.example\r\n"), 403);
    assert_eq!(decide("HOST", "Origin: null\r\n"), 403);
    assert_eq!(decide("HOST", ""), 403);
    assert_eq!(decide("evil.example", "Origin: http://evil.example\r\n"), 403);
    assert!(said.lock().unwrap().is_empty());
    assert_eq!(decide("HOST", "Origin: http://HOST\r\n"), 200);
    assert_eq!(said.lock().unwrap().len(), 1);
}

#[test]
fn every_answer_says_what_the_page_may_do() {
    let (address, _) = serve(MadeUp::new(5, 1, ""));
    let cookie = enter(&address);
    for path in ["/", "/page.css", "/api/queue", "/nowhere"] {
        let (_, answer) = get(&address, path, &cookie);
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "referrer-policy: no-referrer",
        ] {
            assert!(answer.contains(header), "{path}: {header}\n{answer}");
        }
    }
    assert_eq!(get(&address, "/api/record/nobody", &cookie).0, 404);
    assert_eq!(get(&address, "/api/evidence/..%2f..%2fetc", &cookie).0, 404);
}

#[test]
fn of_a_hundred_thousand_records_the_first_page_is_there_at_once() {
    let (address, _) = serve(MadeUp::new(100_000, 1_000, ""));
    let cookie = enter(&address);
    let mut took: Vec<Duration> = (0..5)
        .map(|_| {
            let began = Instant::now();
            let (status, answer) = get(&address, "/api/queue?state=open&tenant=*&page=0", &cookie);
            assert!(status == 200 && answer.contains("reservation-"));
            began.elapsed()
        })
        .collect();
    took.sort();
    // The bar is 200 ms on two cores that do nothing else; a machine that is busy may need more.
    eprintln!("the first page of 100,000 records: {took:?}");
    assert!(took[0] < Duration::from_secs(2), "{took:?}");
    let (status, answer) = get(&address, "/api/record/reservation-00000007", &cookie);
    assert!(status == 200 && answer.contains("Ana P"), "{answer}");
}

#[test]
fn what_evidence_says_does_nothing_in_a_browser() {
    let Some(mut browser) = Browser::start() else { return };
    let (address, said) = serve(MadeUp::new(40, 2, &hostile()));
    browser.open(&address);
    browser.wait("document.querySelectorAll('.rows a').length === 40");
    browser.press("j");
    browser.wait("document.querySelector('.item pre')");
    let text = browser.eval("document.querySelector('.item pre').textContent");
    assert!(text.as_str().unwrap().contains("<script>alert(1)"), "it is shown as text");
    assert!(!text.as_str().unwrap().contains('\u{202e}'), "no line is turned around");
    let wide = browser.eval("document.documentElement.scrollWidth <= innerWidth");
    assert_eq!(wide, true, "a name without end makes the page wide");
    let lost = browser.eval("document.querySelector('.rival summary').textContent");
    assert!(lost.as_str().unwrap().contains("Item 2 and the row rentals 71: −3.0 bits"), "{lost}");
    for page in ["#/overview", "#/search/booking", "#/queue"] {
        browser.eval(&format!("location.hash = {}", json!(page)));
        browser.wait(&format!("document.body.dataset.ready === {}", json!(page)));
    }
    browser.press("j");
    browser.wait("document.querySelector('#title')");
    browser.press("y");
    browser.wait("document.querySelectorAll('.rows a').length === 39");
    assert_eq!(said.lock().unwrap()[0].answer, Answer::Yes);
    let nodes = "document.querySelectorAll('main script, main img, main link, main style, main iframe').length";
    assert_eq!(browser.eval(nodes), 0);
    let (requests, errors) = browser.requests_and_errors();
    let own = address.split("/?").next().unwrap();
    let strange: Vec<&String> = requests.iter().filter(|url| !url.starts_with(own)).collect();
    assert!(strange.is_empty(), "{strange:?}");
    assert!(errors.is_empty(), "{errors:?}");
}
