//! Radicale on a free port of this machine, with calendars that lie in its folder already.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// The password of its one user, `jo`.
pub const PASSWORD: &str = "correct-horse";

/// A running server. It ends with the value.
pub struct Radicale {
    process: Child,
    _folder: TempDir,
    /// Where it is.
    pub address: SocketAddr,
}

impl Radicale {
    /// Starts one with so many calendars of so many events; `None` where none is installed,
    /// which is then said.
    pub fn start(calendars: usize, events: usize) -> Option<Self> {
        if Command::new("radicale").arg("--version").output().is_err() {
            println!("NOT RUN: Radicale is not installed (package radicale)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fill(&at("collections"), calendars, events);
        fs::write(at("users"), format!("jo:{PASSWORD}\n")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {}\n\
             htpasswd_encryption = plain\ndelay = 0\n[storage]\nfilesystem_folder = {}\n",
            at("users").display(),
            at("collections").display()
        );
        fs::write(at("config"), config).unwrap();
        let process = Command::new("radicale")
            .arg("--config")
            .arg(at("config"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let server = Self { process, _folder: folder, address };
        for _ in 0..1_200 {
            if TcpStream::connect(address).is_ok() {
                return Some(server);
            }
            thread::park_timeout(Duration::from_millis(50));
        }
        panic!("Radicale does not start");
    }
}

impl Drop for Radicale {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn fill(collections: &Path, calendars: usize, events: usize) {
    for calendar in 0..calendars {
        let folder = collections.join(format!("collection-root/jo/van-{calendar}"));
        fs::create_dir_all(&folder).unwrap();
        let props = format!(r#"{{"tag": "VCALENDAR", "D:displayname": "Van {calendar}"}}"#);
        fs::write(folder.join(".Radicale.props"), props).unwrap();
        for event in 0..events {
            let uid = format!("c{calendar}e{event}");
            let text = format!(
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
                 DTSTAMP:20260101T000000Z\r\nDTSTART:202601{:02}T100000Z\r\nSUMMARY:Booking {uid}\r\n\
                 END:VEVENT\r\nEND:VCALENDAR\r\n",
                event % 28 + 1
            );
            fs::write(folder.join(format!("{uid}.ics")), text).unwrap();
        }
    }
}
