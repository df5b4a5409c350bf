//! Dovecot for tests: started on loopback on free ports, with a folder of its own, once for each
//! test program, and ended with it however it ends.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use restitch_connect_mail::{Credential, ImapMailbox};
use restitch_model::Secret;

/// The password of every user.
pub const PASSWORD: &str = "correct horse \"battery\"";

/// A running server.
pub struct Dovecot {
    dir: PathBuf,
    plain: u16,
    tls: u16,
}

/// A user of the server, with a mailbox of his own.
pub struct User {
    pub server: &'static Dovecot,
    pub name: String,
}

/// The server, or `None` where none is installed, which is then said.
pub fn dovecot() -> Option<&'static Dovecot> {
    static SERVER: OnceLock<Option<Dovecot>> = OnceLock::new();
    SERVER.get_or_init(start).as_ref()
}

/// A new user with an empty mailbox, where there is a server.
pub fn user() -> Option<User> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("user{}", COUNT.fetch_add(1, Ordering::Relaxed));
    Some(User { server: dovecot()?, name })
}

impl Dovecot {
    /// Where it offers no encryption.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 2], self.plain).into()
    }

    /// The address that is encrypted from the beginning.
    pub fn imaps(&self) -> String {
        format!("imaps://localhost:{}", self.tls)
    }

    /// The address that is encrypted by STARTTLS.
    pub fn imap(&self) -> String {
        format!("imap://localhost:{}", self.plain)
    }

    /// The authority that signed its certificate.
    pub fn authority(&self) -> PathBuf {
        self.dir.join("authority.pem")
    }

    /// Its certificate.
    pub fn certificate(&self) -> PathBuf {
        self.dir.join("server.pem")
    }
}

impl User {
    /// The mailbox as its owner would set it up.
    pub fn mailbox(&self) -> ImapMailbox {
        let password = Credential::Password(Secret::new(PASSWORD));
        let mut mailbox = ImapMailbox::new(self.server.imaps(), &self.name, password);
        mailbox.ca_file = Some(self.server.authority());
        mailbox.backoff.first = Duration::from_millis(1);
        mailbox
    }

    /// The folder on the disk: `""` for the inbox, `.Archive.2024` for one below.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.server.dir.join("mail").join(&self.name).join("Maildir").join(name)
    }

    /// Delivers messages into a folder, under names that begin so; all that Maildir wants is
    /// made.
    pub fn deliver<'m>(
        &self,
        folder: &str,
        prefix: &str,
        messages: impl IntoIterator<Item = &'m [u8]>,
    ) {
        let folder = self.folder(folder);
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        for (i, message) in messages.into_iter().enumerate() {
            fs::write(folder.join(format!("new/{prefix}{i:06}")), message).unwrap();
        }
        own(&self.server.dir.join("mail").join(&self.name));
    }
}

fn start() -> Option<Dovecot> {
    let program =
        ["/usr/sbin/dovecot", "/usr/local/sbin/dovecot"].iter().find(|p| Path::new(p).is_file());
    let version = |program: &&str| Command::new(program).arg("--version").output().ok();
    let version =
        program.and_then(version).map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
    let (Some(program), Some("2.3.")) = (program, version.as_deref().and_then(|v| v.get(..4)))
    else {
        println!(
            "NOT RUN: Dovecot 2.3 is not installed (package dovecot-imapd), its tests did nothing"
        );
        return None;
    };
    let dir = tempfile::Builder::new().prefix("restitch-dovecot-").tempdir().unwrap().keep();
    quiet(Command::new("chmod").arg("755").arg(&dir));
    for name in ["run", "state", "mail"] {
        fs::create_dir(dir.join(name)).unwrap();
    }
    own(&dir.join("mail"));
    certify(&dir);
    let server = Dovecot { plain: free_port(), tls: free_port(), dir };
    fs::write(server.dir.join("dovecot.conf"), settings(&server)).unwrap();
    guard(program, &server);
    Some(server)
}

fn settings(server: &Dovecot) -> String {
    let Dovecot { dir, plain, tls } = server;
    let dir = dir.display();
    let (internal, login) = if is_root() { ("dovecot", "dovenull") } else { ("$USER", "$USER") };
    let me = said("id", "-un");
    let (internal, login) = (internal.replace("$USER", &me), login.replace("$USER", &me));
    let (uid, gid) = match is_root() {
        true => ("nobody".to_owned(), "nogroup".to_owned()),
        false => (said("id", "-u"), said("id", "-g")),
    };
    format!(
        "protocols = imap\n\
         listen = 127.0.0.1\n\
         base_dir = {dir}/run\n\
         state_dir = {dir}/state\n\
         log_path = {dir}/dovecot.log\n\
         ssl = yes\n\
         ssl_cert = <{dir}/server.pem\n\
         ssl_key = <{dir}/server.key\n\
         disable_plaintext_auth = no\n\
         auth_mechanisms = plain login\n\
         auth_failure_delay = 0\n\
         mail_location = maildir:{dir}/mail/%n/Maildir\n\
         mail_max_userip_connections = 1000\n\
         first_valid_uid = 1\n\
         default_internal_user = {internal}\n\
         default_login_user = {login}\n\
         passdb {{\n  driver = passwd-file\n  args = scheme=PLAIN username_format=all {dir}/passwd\n}}\n\
         userdb {{\n  driver = static\n  args = uid={uid} gid={gid} home={dir}/mail/%n\n}}\n\
         local 127.0.0.2 {{\n  ssl = no\n}}\n\
         service imap-login {{\n  chroot =\n\
         \x20 inet_listener imap {{\n    address = 127.0.0.1 127.0.0.2\n    port = {plain}\n  }}\n\
         \x20 inet_listener imaps {{\n    address = 127.0.0.1\n    port = {tls}\n    ssl = yes\n  }}\n}}\n\
         service anvil {{\n  chroot =\n}}\n\
         namespace inbox {{\n  inbox = yes\n  separator = /\n\
         \x20 mailbox Sent {{\n    special_use = \\Sent\n  }}\n}}\n"
    )
}

/// An authority, and a certificate that it signs for `localhost`.
fn certify(dir: &Path) {
    fs::write(dir.join("passwd"), format!("all:{{PLAIN}}{PASSWORD}::::::\n")).unwrap();
    fs::write(dir.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let openssl = |line: &str| {
        quiet(Command::new("openssl").args(line.split(' ')).current_dir(dir));
    };
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=tests -keyout authority.key -out authority.pem",
    );
    openssl("req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr");
    openssl(
        "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 30 \
         -extfile names -out server.pem",
    );
}

/// Starts the server below a shell that ends it when this program ends: the shell reads from a
/// pipe that nobody writes to, and that closes with us.
fn guard(program: &str, server: &Dovecot) {
    let dir = server.dir.display();
    let script = format!(
        "'{program}' -F -c '{dir}/dovecot.conf' >'{dir}/log' 2>&1 </dev/null & server=$!; \
         cat >/dev/null; kill -TERM $server; wait $server; rm -rf '{dir}'"
    );
    let shell = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Kept open until the program ends.
    std::mem::forget(shell);
    for _ in 0..600 {
        if greets(server.plain) {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let log = |name| fs::read_to_string(server.dir.join(name)).unwrap_or_default();
    panic!("Dovecot did not start: {}{}", log("log"), log("dovecot.log"));
}

fn greets(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    stream.read(&mut [0; 64]).is_ok_and(|read| read > 0)
}

/// Gives a folder to the user as whom Dovecot reads mail.
fn own(folder: &Path) {
    if is_root() {
        quiet(Command::new("chown").args(["-R", "nobody:nogroup"]).arg(folder));
    }
}

fn is_root() -> bool {
    said("id", "-u") == "0"
}

fn said(program: &str, argument: &str) -> String {
    let done = Command::new(program).arg(argument).output().unwrap();
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

fn quiet(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
