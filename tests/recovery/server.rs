//! A recovery into a database of a server, from a dump to an undo.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use restitch_model::{Row, Snapshot, Value};
use restitch_restore::{NAMESPACE, snapshot};
use tempfile::TempDir;

use crate::case::{Ran, SAMPLE, repository, shared};
use crate::host::{self, Base, Host};

/// The lost database of the sample, brought up in a server, with a case beside it.
struct Incident {
    dir: TempDir,
    base: Base,
    /// The URL for a role that may do no more than a restore needs.
    url: String,
}

impl Incident {
    /// Brings the sample's backup up, and does a recovery up to its plan.
    fn new(host: &'static Host, policy: &str) -> Self {
        let base = sample_base(host);
        let url = base.writer(&["customers", "rentals", "payments"]);
        let incident = Self { dir: TempDir::new().unwrap(), base, url };
        let text = fs::read_to_string(repository("pipelines/car-rental.toml")).unwrap();
        let text = text
            .replace("../samples", &repository("samples").display().to_string())
            .replace(&sample(), &incident.url);
        let policy = format!("\n[policy]\nsigners = \"signers\"\n{policy}\n");
        fs::write(incident.path("incident.toml"), text + &policy).unwrap();
        incident
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a command where there is no terminal, whoever started the tests.
    fn run(&self, command: &str) -> Ran {
        let mut program = Command::new("setsid");
        program.arg("--wait").arg(env!("CARGO_BIN_EXE_restitch")).args(command.split(' '));
        let done = program
            .args(["--case", &self.path("case").to_string_lossy()])
            .stdin(Stdio::null())
            .output()
            .expect("setsid of util-linux starts");
        Ran {
            code: done.status.code().expect("no signal ended it"),
            stdout: String::from_utf8(done.stdout).unwrap(),
            stderr: String::from_utf8(done.stderr).unwrap(),
        }
    }

    /// Runs a command where there is no terminal and a program says a line, as input and by all
    /// that looks like an answer, and gives its exit code.
    fn piped(&self, command: &str, line: &str) -> i32 {
        let mut program = Command::new("setsid");
        program.arg("--wait").arg(env!("CARGO_BIN_EXE_restitch")).args(command.split(' '));
        program.arg("--case").arg(self.path("case"));
        for name in ["RESTITCH_APPROVE", "RESTITCH_YES", "RESTITCH_DATABASE", "YES"] {
            program.env(name, line);
        }
        program.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = program.spawn().unwrap();
        // One that asks nobody may have ended before it is told anything.
        let _ = std::io::Write::write_all(
            &mut child.stdin.take().unwrap(),
            format!("{line}\n").as_bytes(),
        );
        child.wait().unwrap().code().unwrap()
    }

    /// Runs a command at a terminal where somebody types a line.
    fn typed(&self, command: &str, line: &str) -> i32 {
        let restitch = env!("CARGO_BIN_EXE_restitch");
        let case = self.path("case");
        let words = format!("'{restitch}' {command} --case '{}'", case.display());
        let mut program = Command::new("script");
        program.args(["--quiet", "--return", "--command", &words, "/dev/null"]);
        let mut terminal = program.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut keys = terminal.stdin.take().unwrap();
        std::io::Write::write_all(&mut keys, format!("{line}\n").as_bytes()).unwrap();
        let code = terminal.wait().unwrap().code().unwrap();
        drop(keys);
        code
    }

    /// Makes a key that may sign, and its path.
    fn key(&self, name: &str) -> PathBuf {
        let key = self.path(name);
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(&key);
        assert!(keygen.status().unwrap().success());
        let public = fs::read_to_string(key.with_extension("pub")).unwrap();
        let line = format!("{name} namespaces=\"{NAMESPACE}\" {public}");
        let file = self.path("signers");
        let others = fs::read_to_string(&file).unwrap_or_default();
        fs::write(file, others + &line).unwrap();
        key
    }

    /// What the server would not take, each with why.
    fn refused(&self) -> Vec<String> {
        let plan = fs::read_to_string(self.path("case/plan.json")).unwrap();
        let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
        let held = plan["held"].as_array().unwrap().iter();
        let refused = held.filter(|h| h["reason"].as_str().unwrap().contains("would refuse"));
        refused.map(|held| held.to_string()).collect()
    }

    fn stands(&self) -> Snapshot {
        snapshot(&self.base.admin()).unwrap()
    }
}

#[test]
fn a_recovery_into_a_server_is_written_where_a_person_wants_it_and_taken_back() {
    for host in host::all() {
        let incident = Incident::new(host, "");
        let before = incident.stands();
        let pipeline = incident.path("incident.toml");
        let recovered = incident.run(&format!("recover {} --json", pipeline.display())).ends(0);
        assert!(recovered.stderr.contains("at once: ask the hosting"), "{}", recovered.stderr);
        let recovered = recovered.json();
        let plan = &recovered["plan"];
        assert_eq!(plan["unrehearsed"], serde_json::Value::Null);
        assert!(recovered["applied"].is_null());
        assert_eq!(plan["refused"], 0, "{:#?}", incident.refused());
        // The rows are the same, and so is all that is found out about them.
        let embedded = &shared().ran.json()["plan"];
        for count in ["inserts", "updates", "unchanged", "held", "conflicts"] {
            assert_eq!(plan[count], embedded[count], "{count} on {}", host.scheme);
        }
        assert_eq!(incident.stands().fingerprint, before.fingerprint, "only apply writes");

        let refused = incident.run("apply").ends(3);
        assert!(refused.stderr.contains("unless a person wants it"), "{}", refused.stderr);
        assert_eq!(incident.typed("apply", "another"), 3);
        assert_eq!(incident.piped("apply", &incident.base.name), 3);
        for flag in ["--yes", "--force", "--approve"] {
            assert_eq!(incident.piped(&format!("apply {flag}"), &incident.base.name), 2, "{flag}");
        }
        assert_eq!(incident.stands().fingerprint, before.fingerprint, "a guard refused");

        let key = incident.key("ada");
        incident.run(&format!("approve --key {}", key.display())).ends(0);
        let applied = incident.run("apply --json").ends(0).json();
        assert_eq!(
            (&applied["inserted"], &applied["updated"]),
            (&plan["inserts"], &plan["updates"])
        );
        let account = ["inserted", "updated", "held", "refused"];
        let account = account.map(|name| applied[name].as_u64().unwrap());
        assert_eq!(account.iter().sum::<u64>(), applied["planned"].as_u64().unwrap());
        assert_eq!(incident.run("apply --json").ends(0).json()["already"], true);
        let merged = snapshot(&shared().restored()).unwrap();
        assert_eq!(rows(&incident.stands()), rows(&merged), "{}", host.scheme);
        assert_ne!(incident.stands().fingerprint, before.fingerprint);

        let applied = incident.stands();
        incident.run("undo").ends(3);
        assert_eq!(incident.piped("undo", &incident.base.name), 3);
        assert_eq!(rows(&incident.stands()), rows(&applied), "a guard refused");
        assert_eq!(incident.typed("undo", &incident.base.name), 0);
        assert_eq!(rows(&incident.stands()), rows(&before));
        incident.run("verify").ends(0);
    }
}

#[test]
fn late_truth_is_reconciled_on_a_server_once_two_people_want_it() {
    for host in host::all() {
        let incident = Incident::new(host, "approvals = 2");
        let (original, backup) = (sample_base(host), sample_base(host));
        original.run(
            "INSERT INTO customers (id, tenant_id, first_name, last_name, created_at) \
             VALUES (900001, 1, 'Late', 'Truth', '2026-02-01T10:00:00Z')",
        );
        let before = incident.stands();
        incident.run(&format!("init {}", incident.path("incident.toml").display())).ends(0);
        let reconcile =
            format!("reconcile {} --backup {} --json", original.admin(), backup.admin());
        let found = incident.run(&reconcile).ends(0).json();
        assert_eq!(found["counts"]["only_original"], 1, "{found}");
        assert_eq!((&found["plan"]["inserts"], &found["plan"]["updates"]), (&1.into(), &0.into()));

        let refused = incident.run("apply").ends(3);
        assert!(refused.stderr.contains("have 2 people sign it"), "{}", refused.stderr);
        assert_eq!(incident.typed("apply", &incident.base.name), 3, "a typed name is one of two");
        let [ada, bo] = ["ada", "bo"].map(|name| incident.key(name));
        let eve = incident.key("eve");
        let signers = fs::read_to_string(incident.path("signers")).unwrap();
        let allowed: Vec<&str> = signers.lines().filter(|line| !line.starts_with("eve")).collect();
        fs::write(incident.path("signers"), allowed.join("\n") + "\n").unwrap();
        let approve = |key: &PathBuf| incident.run(&format!("approve --key {}", key.display()));
        approve(&eve).ends(3);
        approve(&ada).ends(0);
        approve(&ada).ends(0);
        assert!(incident.run("apply").ends(3).stderr.contains("1 of 2 needed"));
        approve(&bo).ends(0);
        assert_eq!(incident.stands().fingerprint, before.fingerprint, "a guard refused");
        // As anybody could check it without restitch.
        let plan = fs::File::open(incident.path("case/plan.json")).unwrap();
        for (name, signature) in [("ada", "plan.json.sig"), ("bo", "plan.json.bo.sig")] {
            let mut check = Command::new("ssh-keygen");
            check.args(["-Y", "verify", "-n", "restitch", "-I", name, "-f"]);
            check
                .arg(incident.path("signers"))
                .arg("-s")
                .arg(incident.path("case").join(signature));
            check.stdin(plan.try_clone().unwrap()).stdout(Stdio::null());
            std::io::Seek::rewind(&mut &plan).unwrap();
            assert!(check.status().unwrap().success(), "{name}");
        }
        let applied = incident.run("apply --json").ends(0).json();
        assert_eq!((&applied["inserted"], &applied["planned"]), (&1.into(), &1.into()));
        assert_eq!(rows(&incident.stands()), rows(&snapshot(&original.admin()).unwrap()));
        let explained = incident.run("explain customers 900001 --json").ends(0).json();
        assert_eq!(explained["restored"][0]["rule"], "original", "{explained}");
        // What was signed was this plan.
        incident.run(&reconcile).ends(0);
        assert!(!incident.path("case/plan.json.sig").exists());

        let apply_id = applied["apply_id"].as_str().unwrap();
        let undo = format!("undo {apply_id}");
        assert!(incident.run(&undo).ends(3).stderr.contains("2 people"));
        for key in [&ada, &bo] {
            let key = key.display();
            incident.run(&format!("approve --key {key} --undo {apply_id}")).ends(0);
        }
        incident.run(&undo).ends(0);
        assert_eq!(rows(&incident.stands()), rows(&before));
        incident.run("verify").ends(0);
    }
}

#[test]
fn doctor_names_the_clocks_and_the_rights_that_suffice() {
    for host in host::all() {
        let incident = Incident::new(host, "");
        let pipeline = incident.path("incident.toml");
        incident.run(&format!("init {}", pipeline.display())).ends(0);
        let said = incident.run("doctor").ends(0).stdout;
        assert!(said.starts_with("now   ask the hosting"), "{said}");
        let grants = incident.run("doctor --grants --role restorer").ends(0).stdout;
        assert!(grants.contains("GRANT SELECT, INSERT, UPDATE, DELETE"), "{grants}");
    }
}

#[test]
fn a_dump_comes_up_in_an_empty_database_and_a_password_is_no_argument() {
    for host in host::all() {
        let (dir, base) = (TempDir::new().unwrap(), host.base());
        let dump = dir.path().join("shop.sql");
        fs::write(&dump, script(&snapshot(&sample()).unwrap(), host.scheme)).unwrap();
        let init = |url: &str| {
            let dump = dump.to_string_lossy();
            crate::case::restitch(["init", "--backup", &dump, "--target", url, "--json"])
        };
        assert_eq!(init(&base.admin()).ends(0).json()["restored"], 7);
        let brought_up = snapshot(&base.admin()).unwrap();
        init(&base.admin()).ends(3);
        assert_eq!(rows(&snapshot(&base.admin()).unwrap()), rows(&brought_up));
        let with_password = base.admin().replacen('@', ":secret@", 1);
        assert!(!init(&with_password).ends(2).stderr.contains("secret"));
    }
}

/// The rows, whatever the server's counters are now.
fn rows(snapshot: &Snapshot) -> Vec<(&str, &[Row])> {
    snapshot.tables.iter().map(|t| (t.schema.name.as_str(), &t.rows[..])).collect()
}

/// The sample's backup in a database of its own.
fn sample_base(host: &'static Host) -> Base {
    let base = host.base();
    base.run(&script(&snapshot(&sample()).unwrap(), host.scheme));
    base
}

fn sample() -> String {
    format!("sqlite:{}", repository(SAMPLE).join("restored.sqlite").display())
}

/// The sample's tables, in the words that the engines share.
const SCHEMA: &str = "
CREATE TABLE tenants (id ID, name TEXT NOT NULL, slug TEXT NOT NULL UNIQUE, email TEXT NOT NULL,
  timezone TEXT NOT NULL, currency TEXT NOT NULL);
CREATE TABLE locations (id ID, tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  code TEXT NOT NULL, name TEXT NOT NULL, address TEXT NOT NULL, UNIQUE (tenant_id, code));
CREATE TABLE vehicles (id ID, tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  location_id INTEGER NOT NULL REFERENCES locations(id), plate TEXT NOT NULL UNIQUE,
  make TEXT NOT NULL, model TEXT NOT NULL, class TEXT NOT NULL, daily_rate_cents INTEGER NOT NULL,
  vin TEXT, odometer_km INTEGER NOT NULL DEFAULT 0);
CREATE TABLE customers (id ID, tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  first_name TEXT NOT NULL, last_name TEXT NOT NULL, email TEXT, phone TEXT,
  created_at TEXT NOT NULL, notes TEXT);
CREATE TABLE rentals (id ID, tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  customer_id INTEGER NOT NULL REFERENCES customers(id),
  vehicle_id INTEGER REFERENCES vehicles(id),
  pickup_location_id INTEGER NOT NULL REFERENCES locations(id),
  return_location_id INTEGER NOT NULL REFERENCES locations(id), reference TEXT NOT NULL UNIQUE,
  pickup_at TEXT NOT NULL, return_at TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending','confirmed','active','completed','cancelled','no_show')),
  total_cents INTEGER NOT NULL, deposit_cents INTEGER NOT NULL DEFAULT 0, currency TEXT NOT NULL,
  channel TEXT NOT NULL DEFAULT 'web', odometer_out INTEGER, odometer_in INTEGER, notes TEXT,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE payments (id ID, tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  rental_id INTEGER NOT NULL REFERENCES rentals(id),
  kind TEXT NOT NULL CHECK (kind IN ('deposit','balance','full','refund','cash')),
  amount_cents INTEGER NOT NULL, currency TEXT NOT NULL,
  method TEXT NOT NULL CHECK (method IN ('card','cash','transfer')), provider_ref TEXT,
  status TEXT NOT NULL, paid_at TEXT NOT NULL);
CREATE TABLE outbox (id ID, rental_id INTEGER NOT NULL REFERENCES rentals(id),
  event TEXT NOT NULL, created_at TEXT NOT NULL);
";

/// The sample's backup as statements for a server.
fn script(backup: &Snapshot, scheme: &str) -> String {
    let [id, text] = match scheme {
        "postgres" => ["INTEGER GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "text"],
        _ => ["INTEGER AUTO_INCREMENT PRIMARY KEY", "varchar(500) COLLATE utf8mb4_bin"],
    };
    let mut script = SCHEMA.replace("id ID", &format!("id {id}")).replace("TEXT", text);
    for made in SCHEMA.split("CREATE TABLE ").skip(1) {
        let name = made.split(' ').next().unwrap();
        let table = backup.table(name).unwrap();
        for rows in table.rows.chunks(500) {
            let row =
                |row: &Row| row.iter().map(|value| literal(value, scheme)).collect::<Vec<_>>();
            let rows: Vec<String> =
                rows.iter().map(|values| format!("({})", row(values).join(","))).collect();
            script += &format!("INSERT INTO {name} VALUES {};\n", rows.join(","));
        }
        let next = table.schema.next_id.unwrap();
        script += &match scheme {
            "postgres" => format!("SELECT setval('{name}_id_seq', {next}, false);\n"),
            _ => format!("ALTER TABLE {name} AUTO_INCREMENT = {next};\n"),
        };
    }
    script
}

fn literal(value: &Value, scheme: &str) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Text(text) if scheme == "mysql" => {
            format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
        }
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        number => number.to_string(),
    }
}
