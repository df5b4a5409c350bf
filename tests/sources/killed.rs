use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use restitch_case::Case;
use restitch_conformance::{FaultProxy, Plan, Speaks};

use crate::dovecot::{self, user};
use crate::fake::{Fake, KEY, PLATFORM};
use crate::radicale::{self, Radicale};

/// How often a pull is killed.
const KILLS: usize = 20;
/// After so many pulls one over a bad line should have come to its end.
const PULLS: usize = 60;

/// A business whose payments, calendars and mail lie on servers, each behind a proxy.
struct Business {
    proxies: [FaultProxy; 3],
    user: String,
    folder: tempfile::TempDir,
    _payments: Fake,
    _calendars: Radicale,
}

impl Business {
    /// `None` where a server is not installed, which is then said.
    fn open() -> Option<Self> {
        let (mailbox, calendars) = (user()?, Radicale::start(3, 60)?);
        let messages: Vec<_> = (0..450).map(message).collect();
        let bytes = |range: std::ops::Range<usize>| messages[range].iter().map(String::as_bytes);
        mailbox.deliver("", "a", bytes(0..250));
        mailbox.deliver(".Archive", "b", bytes(250..450));
        let payments = payments();
        let address: SocketAddr = payments.base.trim_start_matches("http://").parse().unwrap();
        let proxies = [
            FaultProxy::start(address, Speaks::Http),
            FaultProxy::start(calendars.address, Speaks::Http),
            FaultProxy::start(mailbox.server.address(), Speaks::Lines),
        ];
        let folder = tempfile::tempdir().unwrap();
        let user = mailbox.name.clone();
        let business = Self { proxies, user, folder, _payments: payments, _calendars: calendars };
        std::fs::write(business.folder.path().join("incident.toml"), business.pipeline()).unwrap();
        Some(business)
    }

    fn pipeline(&self) -> String {
        let [stripe, caldav, imap] = self.proxies.each_ref().map(FaultProxy::address);
        format!(
            "[target]\nurl = \"sqlite:restored.sqlite\"\n\
             [[source]]\nname = \"payments\"\ntype = \"stripe\"\nkey_env = \"STRIPE_KEY\"\n\
             api_base = \"http://{stripe}\"\n\
             [[source]]\nname = \"calendars\"\ntype = \"calendar\"\nurl = \"http://{caldav}/\"\n\
             username = \"jo\"\npassword_env = \"CALENDAR_PASSWORD\"\n\
             [[source]]\nname = \"mail\"\ntype = \"mail\"\nurl = \"imap://{imap}\"\n\
             username = \"{}\"\npassword_env = \"MAIL_PASSWORD\"\n",
            self.user
        )
    }

    fn set(&self, plan: impl Fn(Speaks) -> Plan) {
        for (proxy, speaks) in self.proxies.iter().zip([Speaks::Http, Speaks::Http, Speaks::Lines])
        {
            proxy.set(plan(speaks));
        }
    }

    fn requests(&self) -> usize {
        self.proxies.iter().map(FaultProxy::requests).sum()
    }

    fn restitch(&self, args: &[&str], case: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restitch"));
        command
            .args(args)
            .arg("--quiet")
            .arg("--case")
            .arg(case)
            .current_dir(self.folder.path())
            .env("STRIPE_KEY", KEY)
            .env("CALENDAR_PASSWORD", radicale::PASSWORD)
            .env("MAIL_PASSWORD", dovecot::PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    fn begin(&self, name: &str) -> std::path::PathBuf {
        let case = self.folder.path().join(name);
        let done = self.restitch(&["init", "incident.toml"], &case).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        case
    }

    /// Pulls to the end, and gives the exit code.
    fn pull(&self, case: &Path) -> i32 {
        let done = self.restitch(&["pull"], case).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        for secret in [KEY, radicale::PASSWORD, dovecot::PASSWORD] {
            assert!(!said.contains(secret), "a secret is told");
        }
        done.status.code().unwrap()
    }

    /// Pulls, and kills it once it has made so many requests. Says whether it was still alive.
    fn killed_after(&self, requests: usize, case: &Path) -> bool {
        let mut running = self.restitch(&["pull"], case).stderr(Stdio::null()).spawn().unwrap();
        loop {
            if running.try_wait().unwrap().is_some() {
                return false;
            }
            if self.requests() >= requests {
                running.kill().unwrap();
                running.wait().unwrap();
                return true;
            }
            thread::park_timeout(Duration::from_millis(1));
        }
    }
}

fn message(n: usize) -> String {
    format!(
        "From: desk@example.org\r\nMessage-ID: <{n}@example.org>\r\nSubject: Booking BR-{n:04}\r\n\
         Date: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\nYour booking BR-{n:04} is confirmed.\r\n"
    )
}

fn payments() -> Fake {
    let fake = Fake::new();
    fake.add(PLATFORM, "accounts", "acct_1", 1_700_000_000, "");
    for n in 0..2_000 {
        fake.add("acct_1", "charges", &format!("ch_{n}"), 1_700_000_000 + n * 40_000, "");
    }
    for n in 0..300 {
        fake.add(PLATFORM, "customers", &format!("cus_{n}"), 1_700_000_000 + n * 90_000, "");
    }
    fake
}

/// What was pulled, as evidence is named: all but when it was fetched.
fn evidence(case: &Path) -> BTreeSet<String> {
    let store = Case::open_read_only(case).unwrap().evidence().unwrap();
    let named = store.metas().map(|meta| {
        format!(
            "{} {} {} {} {:?} {}",
            meta.source, meta.kind, meta.native_id, meta.container, meta.at, meta.id
        )
    });
    named.collect()
}

#[test]
fn a_pull_that_is_killed_twenty_times_over_bad_lines_ends_with_the_same_evidence() {
    let Some(business) = Business::open() else { return };
    let whole = business.begin("whole");
    assert_eq!(business.pull(&whole), 0);
    let whole = evidence(&whole);
    assert_eq!(whole.len(), 1 + 2_000 + 300 + 3 * 60 + 450);

    let case = business.begin("killed");
    let bad = |seed| {
        move |speaks: Speaks| Plan::Some { per_mille: 20, faults: speaks.faults().to_vec(), seed }
    };
    let mut kills = 0;
    for pull in 0..200u64 {
        business.set(bad(pull));
        // Sooner and later, so that each source is hit while it is pulled.
        let after = 2 + pull as usize * 13 % 55;
        kills += usize::from(business.killed_after(after, &case));
        if kills == KILLS {
            break;
        }
    }
    assert_eq!(kills, KILLS);
    let ended = (0..PULLS as u64).any(|pull| {
        business.set(bad(1_000 + pull));
        business.pull(&case) == 0
    });
    assert!(ended, "{PULLS} pulls over bad lines did not come to an end");
    let killed = evidence(&case);
    assert_eq!(killed.len(), whole.len());
    assert!(killed == whole, "the evidence is not the same");
    let verified = business.restitch(&["verify"], &case).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

#[test]
fn a_source_that_cannot_be_had_is_named_and_keeps_no_other_from_being_pulled() {
    let Some(business) = Business::open() else { return };
    let case = business.begin("case");
    business.proxies[1].set(Plan::From(1, restitch_conformance::Fault::Status(403, None)));
    let done = business.restitch(&["pull"], &case).stdout(Stdio::piped()).output().unwrap();
    assert_eq!(done.status.code(), Some(4), "{}", String::from_utf8_lossy(&done.stderr));
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(said.contains("not pulled: source calendars"), "{said}");
    assert_eq!(evidence(&case).len(), 1 + 2_000 + 300 + 450);
}
