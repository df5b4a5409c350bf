//! Calendars of a server that others wrote: Radicale, started here on a free port of this machine.
//! Where it is not installed, these tests say so and do nothing.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::loopback::{event, pull, shown};
use restitch_conformance::{Speaks, Subject};
use restitch_connect::{Basket, Connector};
use restitch_connect_calendar::{CalendarServer, Login};
use restitch_model::Secret;
use tempfile::TempDir;

const PASSWORD: &str = "correct-horse";

struct Radicale {
    process: Child,
    folder: TempDir,
    address: SocketAddr,
}

impl Radicale {
    /// Starts one with these further lines for its section `[server]`; `None` where there is no
    /// Radicale.
    fn start(server: &str, folder: TempDir) -> Option<Self> {
        if Command::new("radicale").arg("--version").output().is_err() {
            println!("Radicale is not installed: nothing was tested");
            return None;
        }
        fs::write(folder.path().join("users"), format!("jo:{PASSWORD}\n")).unwrap();
        // Another program may take the port in between: then the next one is tried.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let at = |name: &str| folder.path().join(name).display().to_string();
            let config = format!(
                "[server]\nhosts = 127.0.0.1:{port}\n{server}\n[auth]\ntype = htpasswd\n\
                 htpasswd_filename = {}\nhtpasswd_encryption = plain\ndelay = 0\n[storage]\n\
                 filesystem_folder = {}\n[logging]\nlevel = error\n",
                at("users"),
                at("collections")
            );
            fs::write(folder.path().join("config"), config).unwrap();
            let mut process = Command::new("radicale")
                .args(["--config", &at("config")])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(60) {
                if process.try_wait().unwrap().is_some() {
                    break;
                }
                if TcpStream::connect(address).is_ok() {
                    return Some(Self { process, folder, address });
                }
                thread::sleep(Duration::from_millis(50));
            }
            let _ = process.kill();
            let _ = process.wait();
        }
        panic!("Radicale does not start");
    }

    fn plain() -> Option<Self> {
        Self::start("", tempfile::tempdir().unwrap())
    }

    /// Does to it what no connector may, and gives the status.
    fn change(&self, method: &str, path: &str, body: &str) -> u16 {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let kind = if body.starts_with("BEGIN") { "text/calendar" } else { "application/xml" };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: Basic am86Y29ycmVjdC1ob3JzZQ==\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn make_calendar(&self, slug: &str, name: &str, component: &str) {
        let body = format!(
            "<C:mkcalendar xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><set><prop>\
             <displayname>{name}</displayname><C:supported-calendar-component-set>\
             <C:comp name=\"{component}\"/></C:supported-calendar-component-set></prop></set>\
             </C:mkcalendar>"
        );
        assert_eq!(self.change("MKCALENDAR", &format!("/jo/{slug}/"), &body), 201);
    }

    fn put(&self, calendar: &str, uid: &str, summary: &str) {
        let path = format!("/jo/{calendar}/{}.ics", uid.replace(' ', "%20"));
        assert_eq!(self.change("PUT", &path, &event(uid, summary)), 201);
    }

    fn calendars(&self, path: &str) -> CalendarServer {
        server(self.address, path)
    }
}

impl Drop for Radicale {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn server(address: SocketAddr, path: &str) -> CalendarServer {
    CalendarServer {
        url: Secret::new(format!("http://{address}{path}")),
        login: Login::Password { username: "jo".to_owned(), password: Secret::new(PASSWORD) },
        ca_file: None,
        calendars: Vec::new(),
        timezone: None,
    }
}

#[test]
fn calendars_are_found_from_every_address_and_followed_through_changes() {
    let Some(radicale) = Radicale::plain() else { return };
    radicale.make_calendar("vans", "Vans", "VEVENT");
    radicale.make_calendar("lessons", "Kurse &amp; mehr", "VEVENT");
    radicale.make_calendar("tasks", "Tasks", "VTODO");
    // More than are asked for at once.
    for n in 0..120 {
        radicale.put("vans", &format!("van-{n}"), "Van 7\\, Müller <jo@example.org>");
    }
    radicale.put("lessons", "lesson 1", "Lesson");
    for (path, items) in
        [("", 121), ("/", 121), ("/jo/", 121), ("/jo/vans/", 120), ("/jo/vans", 120)]
    {
        let mut basket = Basket::default();
        pull(&radicale.calendars(path), &mut basket).unwrap();
        assert_eq!(basket.items.len(), items, "{path:?}");
        assert_eq!((basket.remarks.len(), basket.gaps.len()), (0, 0), "{path:?}");
    }

    let calendars = radicale.calendars("/");
    let mut basket = Basket::default();
    pull(&calendars, &mut basket).unwrap();
    assert!(shown(&basket).contains(&"Kurse & mehr: lesson 1".to_owned()));
    let van = basket.items.iter().find(|item| item.native_id == "van-3").unwrap();
    let bytes = String::from_utf8_lossy(&van.bytes).into_owned();
    assert!(bytes.contains("Müller <jo@example.org>"), "{bytes}");
    pull(&calendars, &mut basket).unwrap();
    assert_eq!(basket.items.len(), 121);

    radicale.put("vans", "van-120", "New");
    assert_eq!(radicale.change("PUT", "/jo/vans/van-3.ics", &event("van-3", "Changed")), 201);
    assert_eq!(radicale.change("DELETE", "/jo/vans/van-4.ics", ""), 200);
    pull(&calendars, &mut basket).unwrap();
    assert_eq!(basket.items.len(), 123);
    assert_eq!(
        basket.remarks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "Vans: 1 event that was pulled before is no longer in this calendar; the case keeps what \
          was pulled"
        ]
    );
}

#[test]
fn an_expired_token_and_an_emptied_calendar() {
    let Some(radicale) = Radicale::plain() else { return };
    radicale.make_calendar("vans", "Vans", "VEVENT");
    radicale.put("vans", "a", "One");
    radicale.put("vans", "b", "One");
    let calendars = radicale.calendars("/jo/");
    let mut basket = Basket::default();
    pull(&calendars, &mut basket).unwrap();
    // Radicale keeps there what it told under which token.
    fn forget(folder: &Path) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.file_name() == "sync-token" {
                true => fs::remove_dir_all(entry.path()).unwrap(),
                false if entry.path().is_dir() => forget(&entry.path()),
                false => {}
            }
        }
    }
    forget(radicale.folder.path());
    radicale.put("vans", "c", "One");
    pull(&calendars, &mut basket).unwrap();
    assert_eq!(basket.items.len(), 3);
    assert!(basket.remarks[0].text.contains("gone through anew"), "{:?}", basket.remarks);

    for name in ["a", "b", "c"] {
        assert_eq!(radicale.change("DELETE", &format!("/jo/vans/{name}.ics"), ""), 200);
    }
    pull(&calendars, &mut basket).unwrap();
    assert!(basket.gaps[0].text.starts_with("this calendar held 3 events"), "{:?}", basket.gaps);
    assert_eq!(radicale.change("DELETE", "/jo/vans/", ""), 200);
    basket.gaps.clear();
    pull(&calendars, &mut basket).unwrap();
    assert!(basket.gaps[0].text.contains("is no longer shown by the server"));
    assert_eq!(basket.items.len(), 3);
}

#[test]
fn a_server_conforms_whatever_fails_on_the_way() {
    let Some(radicale) = Radicale::plain() else { return };
    radicale.make_calendar("vans", "Vans", "VEVENT");
    for n in 0..60 {
        radicale.put("vans", &format!("van-{n}"), "Van");
    }
    let connector = |address: Option<SocketAddr>| -> Box<dyn Connector> {
        Box::new(server(address.unwrap(), "/jo/"))
    };
    let subject = Subject {
        connector: &connector,
        server: Some((radicale.address, Speaks::Http)),
        secrets: &[PASSWORD],
        bad_item: None,
    };
    subject.conforms();
    subject.shows_no_secret(&radicale.calendars("/jo/"));
}

#[test]
fn an_authority_of_ones_own_is_trusted_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let openssl = |arguments: &str| {
        let run = Command::new("openssl").args(arguments.split(' ')).current_dir(&folder).output();
        run.is_ok_and(|output| output.status.success())
    };
    fs::write(folder.path().join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    let has_certificates = openssl(&format!(
        "req -x509 {key} -days 30 -subj /CN=own -keyout ca.key -out ca.pem"
    )) && openssl(&format!(
        "req {key} -subj /CN=localhost -keyout key.pem -out request"
    )) && openssl(
        "x509 -req -in request -CA ca.pem -CAkey ca.key -set_serial 7 -days 30 -extfile names \
             -out server.pem",
    );
    if !has_certificates {
        println!("openssl is not installed: nothing was tested");
        return;
    }
    let at = |name: &str| folder.path().join(name);
    let ssl = format!(
        "ssl = True\ncertificate = {}\nkey = {}",
        at("server.pem").display(),
        at("key.pem").display()
    );
    let authority = at("ca.pem");
    let Some(radicale) = Radicale::start(&ssl, folder) else { return };
    let mut calendars = radicale.calendars("/jo/");
    calendars.url = Secret::new(format!("https://{}/", radicale.address));
    let error = pull(&calendars, &mut Basket::default()).unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
    calendars.ca_file = Some(authority);
    let mut basket = Basket::default();
    pull(&calendars, &mut basket).unwrap();
    assert!(basket.gaps[0].text.contains("shows no calendar"), "{:?}", basket.gaps);
    calendars.ca_file = Some(radicale.folder.path().join("users"));
    let error = pull(&calendars, &mut Basket::default()).unwrap_err().to_string();
    assert!(error.contains("-----BEGIN CERTIFICATE-----"), "{error}");
}
