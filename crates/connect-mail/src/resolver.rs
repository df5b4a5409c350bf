//! The keys of senders, asked of a DNS server.
//!
//! Reading a message asks nobody: what it proves would change with the day and the network. So
//! the keys that messages name are fetched once, into a file, and read from there ever after.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};

use crate::keys::KeysError;

/// A DNS server that resolves names for others. It is asked over TCP (RFC 7766): an answer of any
/// length is whole, and none comes from anybody else. What it says is believed; DNSSEC is not
/// checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolver {
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it is waited for.
    pub patience: Duration,
}

/// What a resolver said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// The records of keys, by name.
    pub found: BTreeMap<String, String>,
    /// Names that have no record, or none any more.
    pub absent: BTreeSet<String>,
    /// Names of which the server could not tell; it may another time.
    pub unanswered: BTreeSet<String>,
}

impl Resolver {
    /// The port of DNS.
    pub const PORT: u16 = 53;

    /// The first server that the system's `/etc/resolv.conf` names.
    pub fn of_system() -> Option<SocketAddr> {
        first_server(&std::fs::read_to_string("/etc/resolv.conf").ok()?)
    }

    /// Asks for the key records of these names, such as `selector._domainkey.example.com`.
    ///
    /// # Errors
    /// The server cannot be reached, or does not speak DNS.
    pub fn ask(&self, names: &BTreeSet<String>) -> Result<Answers, KeysError> {
        let fail = |error: io::Error| KeysError::Resolver {
            address: self.address,
            problem: error.to_string(),
        };
        let mut answers = Answers::default();
        let mut open: Option<TcpStream> = None;
        for (id, name) in (1u16..=u16::MAX).cycle().zip(names) {
            let Some(query) = query(id, name) else {
                answers.absent.insert(name.clone());
                continue;
            };
            // A server may close a connection whenever it likes; on a new one it answers.
            let again = open.take().and_then(|stream| exchange(stream, &query).ok());
            let (stream, reply) = match again {
                Some(answered) => answered,
                None => exchange(self.connect().map_err(fail)?, &query).map_err(fail)?,
            };
            open = Some(stream);
            match record(id, name, &reply).map_err(fail)? {
                Said::Record(record) => {
                    answers.found.insert(name.clone(), record);
                }
                Said::None => {
                    answers.absent.insert(name.clone());
                }
                Said::Unknown => {
                    answers.unanswered.insert(name.clone());
                }
            }
        }
        Ok(answers)
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.address, self.patience)?;
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        Ok(stream)
    }
}

enum Said {
    Record(String),
    None,
    Unknown,
}

fn first_server(settings: &str) -> Option<SocketAddr> {
    settings.lines().find_map(|line| {
        let address: IpAddr = line.trim().strip_prefix("nameserver")?.trim().parse().ok()?;
        Some(SocketAddr::new(address, Resolver::PORT))
    })
}

/// The question for a name's TXT record, after its length; `None` where it cannot be a name.
fn query(id: u16, name: &str) -> Option<Vec<u8>> {
    let name = Name::new(name).ok()?;
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let (kind, class) = (QTYPE::TYPE(TYPE::TXT), QCLASS::CLASS(CLASS::IN));
    packet.questions.push(Question::new(name, kind, class, false));
    let bytes = packet.build_bytes_vec().ok()?;
    let length = u16::try_from(bytes.len()).ok()?;
    Some([&length.to_be_bytes(), bytes.as_slice()].concat())
}

fn exchange(mut stream: TcpStream, query: &[u8]) -> io::Result<(TcpStream, Vec<u8>)> {
    stream.write_all(query)?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply)?;
    Ok((stream, reply))
}

/// What a reply says of a name. A name may be another one's alias (CNAME), as it often is where a
/// provider signs for the business; then the records of that one stand beside it.
fn record(id: u16, name: &str, reply: &[u8]) -> io::Result<Said> {
    let strange = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    let packet = Packet::parse(reply).map_err(|_| strange("its reply is no DNS message"))?;
    let is_ours = |question: &Question<'_>| question.qname.to_string().eq_ignore_ascii_case(name);
    if packet.id() != id || !packet.questions.first().is_some_and(is_ours) {
        return Err(strange("its reply is to another question"));
    }
    match packet.rcode() {
        RCODE::NoError => {}
        RCODE::NameError => return Ok(Said::None),
        _ => return Ok(Said::Unknown),
    }
    let texts = packet.answers.into_iter().filter_map(|answer| match answer.rdata {
        RData::TXT(text) => String::try_from(text).ok(),
        _ => None,
    });
    let is_key = |text: &String| text.split(';').any(|tag| tag.trim_start().starts_with("p="));
    let one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(texts.filter(is_key).map(one_line).next().map_or(Said::None, Said::Record))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use simple_dns::ResourceRecord;
    use simple_dns::rdata::{CNAME, TXT};

    use super::*;

    /// A server on this machine that answers so many questions, each on a new connection where
    /// `hangs_up`.
    fn serving(
        questions: usize,
        hangs_up: bool,
        answer: impl Fn(&str) -> Vec<RData<'static>> + Send + 'static,
    ) -> (Resolver, thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serve = move || {
            let mut open: Option<TcpStream> = None;
            for _ in 0..questions {
                let kept = open.take().filter(|_| !hangs_up);
                let mut stream = kept.unwrap_or_else(|| listener.accept().unwrap().0);
                let mut length = [0; 2];
                stream.read_exact(&mut length).unwrap();
                let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
                stream.read_exact(&mut query).unwrap();
                let mut packet = Packet::parse(&query).unwrap().into_reply();
                let name = packet.questions[0].qname.to_string();
                match name.as_str() {
                    "gone._domainkey.x.example" => *packet.rcode_mut() = RCODE::NameError,
                    "ill._domainkey.x.example" => *packet.rcode_mut() = RCODE::ServerFailure,
                    _ => {}
                }
                for data in answer(&name) {
                    let owner = packet.questions[0].qname.clone();
                    packet.answers.push(ResourceRecord::new(owner, CLASS::IN, 60, data));
                }
                let reply = packet.build_bytes_vec_compressed().unwrap();
                let length = u16::try_from(reply.len()).unwrap();
                stream.write_all(&length.to_be_bytes()).unwrap();
                stream.write_all(&reply).unwrap();
                open = Some(stream);
            }
        };
        let resolver = Resolver { address, patience: Duration::from_secs(20) };
        (resolver, thread::spawn(serve))
    }

    fn names(selectors: &[&str]) -> BTreeSet<String> {
        selectors.iter().map(|name| format!("{name}._domainkey.x.example")).collect()
    }

    /// A key as long as they are: in pieces of 255 bytes, behind an alias.
    fn answer(name: &str) -> Vec<RData<'static>> {
        let text = |text: &'static str| RData::TXT(TXT::new().with_string(text).unwrap());
        match name.split('.').next() {
            Some("a") => vec![
                RData::CNAME(CNAME(Name::new("k.provider.example").unwrap().into_owned())),
                text("v=spf1 -all"),
                RData::TXT(
                    TXT::new()
                        .with_string("v=DKIM1; k=rsa; ")
                        .unwrap()
                        .with_string("p=AA")
                        .unwrap(),
                ),
            ],
            Some("b") => vec![text("v=DKIM1; p=")],
            _ => Vec::new(),
        }
    }

    #[test]
    fn keys_are_found_and_what_is_not_there_is_told_from_what_nobody_knows() {
        for hangs_up in [false, true] {
            let (resolver, server) = serving(5, hangs_up, answer);
            let answers = resolver.ask(&names(&["a", "b", "empty", "gone", "ill"])).unwrap();
            server.join().unwrap();
            let found: Vec<&str> = answers.found.values().map(String::as_str).collect();
            assert_eq!(found, ["v=DKIM1; k=rsa; p=AA", "v=DKIM1; p="]);
            assert_eq!(answers.absent, names(&["empty", "gone"]));
            assert_eq!(answers.unanswered, names(&["ill"]));
        }
    }

    #[test]
    fn a_server_that_is_not_there_is_named() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let resolver = Resolver { address, patience: Duration::from_secs(20) };
        let said = resolver.ask(&names(&["a"])).unwrap_err().to_string();
        assert!(said.contains(&address.to_string()), "{said}");
    }

    #[test]
    fn a_reply_that_is_none_is_an_error_and_no_panic() {
        let query = query(7, "a._domainkey.x.example").unwrap();
        for end in 0..query.len() {
            assert!(record(7, "a._domainkey.x.example", &query[2..end.max(2)]).is_err());
        }
        assert!(record(8, "a._domainkey.x.example", &query[2..]).is_err());
        assert!(record(7, "b._domainkey.x.example", &query[2..]).is_err());
    }

    #[test]
    fn the_systems_server_is_the_first_that_is_named() {
        let settings =
            "# by hand\nsearch x.example\nnameserver fe80::1%eth0\nnameserver 192.0.2.1\n";
        assert_eq!(first_server(settings), Some("192.0.2.1:53".parse().unwrap()));
        assert_eq!(first_server(""), None);
    }
}
