//! PostgreSQL and MariaDB for tests: started on loopback on a free port, with a data directory
//! of their own, once for each test program, and ended with it however it ends. They can be stopped
//! as by a power cut, and one can stand on a disk that is soon full.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

/// A running server.
pub struct Host {
    /// `postgres` or `mysql`.
    pub scheme: &'static str,
    /// Its own folder.
    pub dir: PathBuf,
    port: u16,
    client: PathBuf,
    /// The shell that starts and ends it.
    shell: Mutex<ChildStdin>,
}

/// A database of its own in a server.
pub struct Base {
    pub host: &'static Host,
    pub name: String,
}

/// The PostgreSQL server, or `None` where none is installed, which is then said.
pub fn postgres() -> Option<&'static Host> {
    static HOST: OnceLock<Option<Host>> = OnceLock::new();
    HOST.get_or_init(|| start_postgres(None).or_else(|| absent("PostgreSQL", "postgresql")))
        .as_ref()
}

/// The MariaDB server, or `None` where none is installed, which is then said.
pub fn mariadb() -> Option<&'static Host> {
    static HOST: OnceLock<Option<Host>> = OnceLock::new();
    HOST.get_or_init(|| start_mariadb(None).or_else(|| absent("MariaDB", "mariadb-server")))
        .as_ref()
}

/// All servers that there are.
pub fn all() -> Vec<&'static Host> {
    [postgres(), mariadb()].into_iter().flatten().collect()
}

fn absent<T>(name: &str, package: &str) -> Option<T> {
    println!("NOT RUN: {name} is not installed (package {package}), its tests did nothing");
    None
}

impl Host {
    /// A new, empty database.
    pub fn base(&'static self) -> Base {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("shop{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.run("", &format!("CREATE DATABASE {name}"));
        Base { host: self, name }
    }

    /// Stops it as a power cut would: nothing is tidied up.
    pub fn stop(&self) {
        self.say("stop");
        // One that is about to end may answer once more, and be taken for the one started next.
        wait_until(|| !self.runs(), &self.dir);
    }

    /// Starts it again, which brings its files in order.
    pub fn start(&self) {
        self.say("start");
        self.wait();
    }

    /// Waits until it takes statements: one that still brings its files in order answers before.
    fn wait(&self) {
        wait_until(|| answers(self.port) && self.try_run("", "SELECT 1").is_ok(), &self.dir);
    }

    /// Whether there is one, even one so busy that it does not answer: two at a time would be one
    /// too many.
    pub fn runs(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }

    fn say(&self, word: &str) {
        let mut shell = self.shell.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        writeln!(shell, "{word}").unwrap();
    }

    /// The command that dumps a database of MariaDB.
    pub fn dump(&self, database: &str, to: &Path) -> Command {
        let mut dump = Command::new("mariadb-dump");
        dump.args(["-h", "127.0.0.1", "-u", "root", "-P", &self.port.to_string()]);
        dump.arg(format!("--result-file={}", to.display())).arg(database);
        dump
    }

    /// Runs a script as the administrator, and gives the rows of what it asks, a line each.
    pub fn run(&self, database: &str, sql: &str) -> Vec<String> {
        self.try_run(database, sql).unwrap_or_else(|said| panic!("{said}"))
    }

    pub fn try_run(&self, database: &str, sql: &str) -> Result<Vec<String>, String> {
        let port = self.port.to_string();
        let mut client = Command::new(&self.client);
        match self.scheme {
            "postgres" => client
                .args(["-h", "127.0.0.1", "-p", &port, "-U", "admin", "-X", "-q", "-A", "-t"])
                .args(["-v", "ON_ERROR_STOP=1", "-d"])
                .arg(if database.is_empty() { "postgres" } else { database }),
            _ => client
                .args(["-h", "127.0.0.1", "-P", &port, "-u", "root", "--batch", "--raw"])
                .args(["--skip-column-names", "--default-character-set=utf8mb4", database]),
        };
        let mut child = client
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let script = sql.to_owned();
        let writer = std::thread::spawn(move || input.write_all(script.as_bytes()));
        let done = child.wait_with_output().unwrap();
        let _ = writer.join();
        match done.status.success() {
            true => Ok(String::from_utf8_lossy(&done.stdout).lines().map(str::to_owned).collect()),
            false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
        }
    }
}

impl Base {
    /// The URL for a role.
    pub fn url(&self, role: &str) -> String {
        format!("{}://{role}@127.0.0.1:{}/{}", self.host.scheme, self.host.port, self.name)
    }

    /// The URL of the administrator.
    pub fn admin(&self) -> String {
        self.url(if self.host.scheme == "postgres" { "admin" } else { "root" })
    }

    pub fn run(&self, sql: &str) -> Vec<String> {
        self.host.run(&self.name, sql)
    }

    /// Makes the role with the rights that `grants` gives for these tables, and its URL.
    pub fn writer(&self, tables: &[&str]) -> String {
        let tables: Vec<String> = tables.iter().map(|name| (*name).to_owned()).collect();
        let role = format!("writer_{}", self.name);
        let statements = restitch_restore::grants(&self.admin(), &tables, &role).unwrap();
        self.run_alone(&statements.join("\n"));
        self.url(&role)
    }

    /// Runs what changes rights of roles, which all databases of a server share.
    pub fn run_alone(&self, sql: &str) {
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.run(sql);
    }
}

fn start_postgres(disk: Option<PathBuf>) -> Option<Host> {
    let initdb = find("initdb")?;
    let bin = initdb.parent()?.to_owned();
    let small = disk.is_some();
    let dir = disk.unwrap_or_else(|| folder("postgres"));
    let data = dir.join("data");
    let mut init = as_user("postgres", &initdb);
    init.args(["--no-sync", "-U", "admin", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"]);
    if small {
        init.arg("--wal-segsize=1");
    }
    quiet(init.arg("-D").arg(&data));
    let port = free_port();
    let server = as_user("postgres", &bin.join("postgres"));
    let options = format!(
        "-D '{data}' -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' \
         -c shared_buffers=64MB{}",
        if small { " -c min_wal_size=2MB -c max_wal_size=16MB" } else { "" },
        data = data.display()
    );
    // SIGQUIT is an immediate shutdown.
    let shell = guard(&server, &options, "QUIT", &dir, port);
    let host = Host { scheme: "postgres", dir, port, client: bin.join("psql"), shell };
    host.wait();
    Some(host)
}

fn start_mariadb(disk: Option<PathBuf>) -> Option<Host> {
    let install = find("mariadb-install-db")?;
    let (server, client) = (find("mariadbd")?, find("mariadb")?);
    let dir = disk.unwrap_or_else(|| folder("mysql"));
    let data = dir.join("data");
    let mut init = as_user("mysql", &install);
    init.arg(format!("--datadir={}", data.display()));
    quiet(init.args([
        "--no-defaults",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--innodb-log-file-size=16M",
    ]));
    let port = free_port();
    let options = format!(
        "--no-defaults --datadir='{data}' --port={port} --bind-address=127.0.0.1 \
         --socket='{dir}/socket' --pid-file='{dir}/pid' --skip-log-bin \
         --innodb-buffer-pool-size=64M --innodb-log-file-size=16M",
        data = data.display(),
        dir = dir.display()
    );
    let shell = guard(&as_user("mysql", &server), &options, "KILL", &dir, port);
    Some(Host { scheme: "mysql", dir, port, client, shell })
}

/// Starts a server below a shell that does as it is told, and that ends the server when this
/// program ends: it reads from a pipe that closes with us.
fn guard(server: &Command, options: &str, stop: &str, dir: &Path, port: u16) -> Mutex<ChildStdin> {
    let words: Vec<String> = std::iter::once(server.get_program())
        .chain(server.get_args())
        .map(|word| format!("'{}'", word.to_string_lossy()))
        .collect();
    let script = format!(
        "start() {{ {} {options} >>'{dir}/log' 2>&1 </dev/null & server=$!; }}; start; \
         while read -r word; do case $word in \
         stop) kill -{stop} $server; wait $server ;; start) start ;; esac; done; \
         kill -INT $server; kill -TERM $server; wait $server; \
         umount '{dir}' 2>/dev/null; rm -rf '{dir}'",
        words.join(" "),
        dir = dir.display()
    );
    // It ends by itself when this program does, and nobody is left then to wait for it.
    #[expect(clippy::zombie_processes)]
    let mut shell = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let input = shell.stdin.take().unwrap();
    wait_until(|| answers(port), dir);
    Mutex::new(input)
}

fn wait_until(is_so: impl Fn() -> bool, dir: &Path) {
    for _ in 0..1200 {
        if is_so() {
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
    panic!("the server did not: {}", std::fs::read_to_string(dir.join("log")).unwrap());
}

/// The servers on disks of their own, so small that they can be filled. `None` where this is not
/// root, who alone may make such a disk.
pub fn on_small_disks() -> Option<Vec<&'static Host>> {
    let disk = |user: &str| -> Option<PathBuf> {
        let dir = folder(user);
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=200m,mode=0755", "tmpfs"]).arg(&dir);
        let is_there = is_root() && mount.output().ok()?.status.success();
        if !is_there {
            let _ = std::fs::remove_dir(&dir);
            return None;
        }
        quiet(Command::new("chown").arg(user).arg(&dir));
        Some(dir)
    };
    let mut hosts: Vec<&'static Host> = Vec::new();
    if find("initdb").is_some() {
        hosts.extend(start_postgres(Some(disk("postgres")?)).map(|host| &*Box::leak(host.into())));
    }
    if find("mariadb-install-db").is_some() {
        hosts.extend(start_mariadb(Some(disk("mysql")?)).map(|host| &*Box::leak(host.into())));
    }
    Some(hosts)
}

/// Whether the server takes connections: MariaDB greets at once, PostgreSQL answers a request
/// for TLS.
fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let _ = stream.set_read_timeout(Some(std::time::Duration::from_secs(1)));
    let _ = stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]);
    stream.read(&mut [0]).is_ok_and(|n| n == 1)
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    let found = versions.into_iter().rev().chain(folders).map(|folder| folder.join(program));
    found.into_iter().find(|path| path.is_file())
}

/// Neither server runs as root.
fn as_user(user: &str, program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups"]).arg(program);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

fn folder(user: &str) -> PathBuf {
    let dir = tempfile::Builder::new().prefix("restitch-host-").tempdir().unwrap().keep();
    if is_root() {
        quiet(Command::new("chown").arg(user).arg(&dir));
    }
    dir
}

fn quiet(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
