use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::fault::{Fault, Plan};

/// So long a server that says nothing is waited for.
const TIMEOUT: Duration = Duration::from_secs(30);
/// In how many pieces an answer drips, and how far apart.
const DRIPS: usize = 16;
const DRIP: Duration = Duration::from_millis(4);

/// What is spoken with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP/1.1, a request a connection.
    Http,
    /// Lines, as IMAP's: a line of the client's is a request.
    Lines,
}

impl Speaks {
    /// The ways in which it fails.
    pub fn faults(self) -> &'static [Fault] {
        match self {
            Self::Http => Fault::HTTP,
            Self::Lines => Fault::LINES,
        }
    }
}

/// A proxy on loopback that counts requests and has some of them fail, as its [`Plan`] says.
/// It ends with the value.
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: SocketAddr,
    speaks: Speaks,
    plan: Mutex<Plan>,
    requests: AtomicUsize,
}

impl FaultProxy {
    /// Starts in front of a server. Nothing fails until a plan is set.
    ///
    /// # Panics
    /// There is no free port on loopback.
    pub fn start(upstream: SocketAddr, speaks: Speaks) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("no port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let plan = Mutex::new(Plan::Undisturbed);
        let shared = Arc::new(Shared { upstream, speaks, plan, requests: AtomicUsize::new(0) });
        let weak = Arc::downgrade(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Some(shared)) = (client, weak.upgrade()) else { return };
                thread::spawn(move || {
                    // A connection that breaks is what this proxy is for.
                    let _ = shared.serve(client);
                });
            }
        });
        Self { address, shared }
    }

    /// Where to connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has requests fail by another plan from now on, counted from 1 again.
    pub fn set(&self, plan: Plan) {
        *self.shared.plan() = plan;
        self.shared.requests.store(0, Ordering::SeqCst);
    }

    /// How many requests came since the plan was set.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }
}

impl Drop for FaultProxy {
    /// Wakes the listener, so that it sees that nobody is there any more.
    fn drop(&mut self) {
        self.shared = Arc::new(Shared {
            upstream: self.address,
            speaks: Speaks::Lines,
            plan: Mutex::default(),
            requests: AtomicUsize::new(0),
        });
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request, and says what goes wrong with it.
    fn next_fault(&self) -> Option<Fault> {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        self.plan().fault(number)
    }

    fn serve(&self, client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        client.set_read_timeout(Some(TIMEOUT))?;
        match self.speaks {
            Speaks::Http => self.http(client),
            Speaks::Lines => self.lines(client),
        }
    }

    fn upstream(&self) -> io::Result<TcpStream> {
        let server = TcpStream::connect(self.upstream)?;
        server.set_nodelay(true)?;
        server.set_read_timeout(Some(TIMEOUT))?;
        Ok(server)
    }

    /// One request and its answer.
    fn http(&self, client: TcpStream) -> io::Result<()> {
        // A client opens connections that it never uses.
        if client.peek(&mut [0])? == 0 {
            return Ok(());
        }
        let fault = self.next_fault();
        let mut client = client;
        let mut reader = BufReader::new(client.try_clone()?);
        match fault {
            // That nothing was read makes the kernel reset the connection.
            Some(Fault::Reset) => return Ok(()),
            Some(Fault::Status(status, pause)) => {
                Message::read(&mut reader)?;
                let pause = pause.map_or(String::new(), |s| format!("Retry-After: {s}\r\n"));
                let answer = format!(
                    "HTTP/1.1 {status} Trouble\r\n{pause}Content-Length: 7\r\n\
                     Connection: close\r\n\r\ntrouble"
                );
                return client.write_all(answer.as_bytes());
            }
            _ => {}
        }
        let request = Message::read(&mut reader)?;
        let mut server = self.upstream()?;
        server.write_all(&request.bytes(request.body.len()))?;
        let answer = Message::read(&mut BufReader::new(server))?;
        let length = answer.body.len();
        match fault {
            Some(Fault::CutBody) => {
                let bytes = answer.bytes(length);
                client.write_all(&bytes[..bytes.len() - length.div_ceil(2)])
            }
            Some(Fault::TooShort) => client.write_all(&answer.bytes(length + 10)),
            Some(Fault::TooLong) => {
                let told = length - length.min(10);
                let bytes = answer.bytes(told);
                client.write_all(&bytes[..bytes.len() - (length - told)])
            }
            Some(Fault::Drip) => drip(&mut client, &answer.bytes(length)),
            _ => client.write_all(&answer.bytes(length)),
        }
    }

    /// A conversation of lines, until one side ends it or a fault does.
    fn lines(&self, client: TcpStream) -> io::Result<()> {
        let server = self.upstream()?;
        let (mut to_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
        let pending: Arc<Mutex<Option<Fault>>> = Arc::default();
        let seen = Arc::clone(&pending);
        let mut from_server = server.try_clone()?;
        let answers = thread::spawn(move || -> io::Result<()> {
            let mut buffer = [0; 16 << 10];
            loop {
                let read = from_server.read(&mut buffer).unwrap_or(0);
                let fault = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
                let bytes = &buffer[..read];
                match fault {
                    _ if read == 0 => return to_client.shutdown(Shutdown::Both),
                    Some(Fault::CutBody) => {
                        to_client.write_all(&bytes[..read / 2])?;
                        return to_client.shutdown(Shutdown::Both);
                    }
                    Some(Fault::Drip) => drip(&mut to_client, bytes)?,
                    _ => to_client.write_all(bytes)?,
                }
            }
        });
        let mut reader = BufReader::new(client);
        let mut line = Vec::new();
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
                break;
            }
            match self.next_fault() {
                Some(Fault::Reset) => {
                    reader.get_ref().shutdown(Shutdown::Both)?;
                    break;
                }
                fault => *pending.lock().unwrap_or_else(PoisonError::into_inner) = fault,
            }
            if to_server.write_all(&line).is_err() {
                break;
            }
        }
        server.shutdown(Shutdown::Both)?;
        answers.join().unwrap_or(Ok(()))
    }
}

fn drip(to: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    for piece in bytes.chunks(bytes.len().div_ceil(DRIPS).max(1)) {
        to.write_all(piece)?;
        thread::sleep(DRIP);
    }
    Ok(())
}

/// A request or an answer of HTTP/1.1, its body unpacked from chunks.
struct Message {
    /// The first line, and the headers but those that say how the body is sent.
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Message {
    fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let mut head = Vec::new();
        let (mut length, mut chunked, mut is_answer, mut bodiless) = (None, false, false, false);
        for number in 0.. {
            let mut line = Vec::new();
            if from.read_until(b'\n', &mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let text = String::from_utf8_lossy(&line).trim_end().to_ascii_lowercase();
            if number == 0 {
                is_answer = text.starts_with("http/");
                bodiless = is_answer && [" 204", " 304"].iter().any(|s| text.contains(s));
            }
            match text.split_once(':') {
                _ if text.is_empty() => break,
                Some(("content-length", value)) => length = value.trim().parse().ok(),
                Some(("transfer-encoding", value)) => chunked = value.contains("chunked"),
                Some(("connection", _)) => {}
                _ => head.extend_from_slice(&line),
            }
        }
        let mut body = Vec::new();
        match length {
            _ if bodiless => {}
            _ if chunked => read_chunks(from, &mut body)?,
            Some(length) => {
                from.take(length).read_to_end(&mut body)?;
            }
            None if is_answer => {
                from.read_to_end(&mut body)?;
            }
            None => {}
        }
        Ok(Self { head, body })
    }

    /// The whole message, saying that its body has this length.
    fn bytes(&self, length: usize) -> Vec<u8> {
        let end = format!("Content-Length: {length}\r\nConnection: close\r\n\r\n");
        [&self.head, end.as_bytes(), &self.body].concat()
    }
}

fn read_chunks(from: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let digits = line.trim().split(';').next().unwrap_or_default();
        let length = u64::from_str_radix(digits, 16)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        from.take(length).read_to_end(body)?;
        line.clear();
        // The end of a chunk, or the trailers behind the last one.
        while from.read_line(&mut line)? > 2 && length == 0 {
            line.clear();
        }
        if length == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers every connection with these bytes once it was asked something.
    fn server(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.unwrap();
                let mut reader = BufReader::new(client.try_clone().unwrap());
                let mut line = String::new();
                while reader.read_line(&mut line).unwrap() > 2 {
                    line.clear();
                }
                client.write_all(answer).unwrap();
            }
        });
        address
    }

    /// What a client gets of `GET /` through a proxy with this plan; and what went wrong.
    fn asked(plan: Plan, answer: &'static [u8]) -> (String, Option<io::ErrorKind>) {
        let proxy = FaultProxy::start(server(answer), Speaks::Http);
        proxy.set(plan);
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut bytes = Vec::new();
        let error = client.read_to_end(&mut bytes).err().map(|error| error.kind());
        assert_eq!(proxy.requests(), 1);
        (String::from_utf8(bytes).unwrap(), error)
    }

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n0123456789ab";
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                             4\r\n0123\r\n8\r\n456789ab\r\n0\r\n\r\n";

    #[test]
    fn an_undisturbed_answer_passes_in_whatever_way_it_is_sent() {
        let whole =
            "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n0123456789ab";
        for answer in [ANSWER, CHUNKED] {
            assert_eq!(asked(Plan::Undisturbed, answer), (whole.to_owned(), None));
            assert_eq!(asked(Plan::One(1, Fault::Drip), answer), (whole.to_owned(), None));
            assert_eq!(asked(Plan::One(2, Fault::Reset), answer), (whole.to_owned(), None));
        }
    }

    #[test]
    fn faults_fall_on_the_answer() {
        let body = |fault| {
            let (text, _) = asked(Plan::One(1, fault), ANSWER);
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
            let length = head.split("Content-Length: ").nth(1).unwrap_or_default();
            format!("{} {body}", length.split('\r').next().unwrap_or_default())
        };
        assert_eq!(body(Fault::CutBody), "12 012345");
        assert_eq!(body(Fault::TooShort), "22 0123456789ab");
        assert_eq!(body(Fault::TooLong), "2 01");
        let (busy, _) = asked(Plan::One(1, Fault::Status(429, Some(3))), ANSWER);
        assert!(busy.starts_with("HTTP/1.1 429 Trouble\r\nRetry-After: 3\r\n"), "{busy}");
        let (text, error) = asked(Plan::From(1, Fault::Reset), ANSWER);
        assert_eq!((text.as_str(), error), ("", Some(io::ErrorKind::ConnectionReset)));
    }

    #[test]
    fn a_conversation_is_counted_in_lines() {
        let proxy = FaultProxy::start(server(b"* OK\r\n"), Speaks::Lines);
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        client.write_all(b"a LOGIN\r\n\r\n").unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), proxy.requests()), ("* OK\r\n", 2));
    }
}
