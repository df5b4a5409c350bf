//! A server on the loopback interface that says what a test wants it to say.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use restitch_connect::{Basket, Connector, PullError};
use restitch_connect_calendar::{CalendarServer, Login};
use restitch_model::{Secret, Silent};

/// What came.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub method: String,
    /// With the query.
    pub path: String,
    pub depth: String,
    /// The Authorization header, or nothing.
    pub authorization: String,
    /// The If-None-Match header, or nothing.
    pub known: String,
    pub body: String,
}

/// What goes back: status, further headers, body.
pub type Reply = (u16, String, String);

/// A server, with all that it was asked.
pub struct Server {
    pub base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts one that answers as `reply` says, or with status 404. `{base}` in what it says is
    /// its own address.
    pub fn new(reply: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, own, reply) = (asked.clone(), base.clone(), Arc::new(reply));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, own, reply) = (log.clone(), own.clone(), reply.clone());
                thread::spawn(move || serve(&stream, &log, &own, &*reply));
            }
        });
        Self { base, asked }
    }

    /// A connector for this path of it.
    pub fn calendars(&self, path: &str, login: Login) -> CalendarServer {
        CalendarServer {
            url: Secret::new(format!("{}{path}", self.base)),
            login,
            ca_file: None,
            calendars: Vec::new(),
            timezone: None,
        }
    }

    /// What it was asked since it was last asked for it.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// The same as `method path`.
    pub fn lines(&self) -> Vec<String> {
        self.asked().iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }
}

fn serve(
    stream: &TcpStream,
    log: &Mutex<Vec<Asked>>,
    base: &str,
    reply: &dyn Fn(&Asked) -> Option<Reply>,
) {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut asked = Asked::default();
        let mut length = 0;
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut first = line.split_whitespace();
        asked.method = first.next().unwrap_or_default().to_owned();
        asked.path = first.next().unwrap_or_default().to_owned();
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim().to_owned();
            match name.to_ascii_lowercase().as_str() {
                "depth" => asked.depth = value,
                "authorization" => asked.authorization = value,
                "if-none-match" => asked.known = value,
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        asked.body = String::from_utf8(body).unwrap();
        let (status, headers, body) = reply(&asked).unwrap_or((404, String::new(), String::new()));
        log.lock().unwrap().push(asked);
        let (headers, body) = (headers.replace("{base}", base), body.replace("{base}", base));
        let head =
            format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
        // Status 999 stands for a connection that breaks within the answer.
        let whole = match status {
            999 => format!("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{body}"),
            _ => head + &body,
        };
        if writer.write_all(whole.as_bytes()).is_err() || status == 999 {
            return;
        }
    }
}

/// Somebody with a password.
pub fn jo() -> Login {
    Login::Password { username: "jo".to_owned(), password: Secret::new("hunter2") }
}

/// Pulls into the basket.
pub fn pull(server: &CalendarServer, basket: &mut Basket) -> Result<(), PullError> {
    server.pull(None, basket, &Silent)
}

/// What is in the basket, sorted, then remarks and gaps as they came.
pub fn shown(basket: &Basket) -> Vec<String> {
    let items = basket.items.iter().map(|item| format!("{}: {}", item.container, item.native_id));
    let mut items: Vec<_> = items.collect();
    items.sort();
    let remarks = basket.remarks.iter().map(|remark| format!("! {remark}"));
    let gaps = basket.gaps.iter().map(|gap| format!("!! {gap}"));
    items.into_iter().chain(remarks).chain(gaps).collect()
}

/// A calendar with one event.
pub fn event(uid: &str, summary: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:20260110T090000Z\r\nSUMMARY:{summary}\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}
