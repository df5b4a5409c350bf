//! Backups as files, restored into empty databases.

use std::process::Command;

use restitch_restore::{restore_backup, snapshot};

use crate::host;
use crate::world::*;

#[test]
fn dumps_come_up_in_an_empty_database_and_in_no_other() {
    for host in host::all() {
        let dir = tempfile::TempDir::new().unwrap();
        let base = world(host);
        let rows = logical(&snapshot(&base.admin()).unwrap());
        let mut dumps = Vec::new();
        for kind in ["plain", "custom", "directory", "tar"] {
            let file = dir.path().join(kind);
            let mut dump = match host.scheme {
                "postgres" => {
                    let mut dump = Command::new("pg_dump");
                    dump.args(["-F", kind, "-d", &base.admin(), "-f"]).arg(&file);
                    dump
                }
                _ if kind == "plain" => host.dump(&base.name, &file),
                _ => continue,
            };
            assert!(dump.status().unwrap().success());
            dumps.push(file);
        }
        for dump in &dumps {
            let empty = host.base();
            assert_eq!(restore_backup(dump, &empty.admin()).unwrap(), 2, "{}", dump.display());
            assert_eq!(logical(&snapshot(&empty.admin()).unwrap()), rows, "{}", dump.display());
            let error = restore_backup(dump, &empty.admin()).unwrap_err();
            assert!(error.is_refusal() && error.to_string().contains("not empty"), "{error}");
            assert_eq!(logical(&snapshot(&empty.admin()).unwrap()), rows, "{}", dump.display());
        }
    }
}

#[test]
fn a_dump_cannot_run_programs_and_a_broken_one_is_an_error() {
    for host in host::all() {
        let dir = tempfile::TempDir::new().unwrap();
        let mark = dir.path().join("mark");
        let evil = dir.path().join("evil.sql");
        let text = format!("CREATE TABLE t (a int);\n\\! touch '{}'\n", mark.display());
        std::fs::write(&evil, text).unwrap();
        let empty = host.base();
        assert!(!restore_backup(&evil, &empty.admin()).unwrap_err().is_refusal());
        assert!(!mark.exists());
        let broken = dir.path().join("broken.sql");
        std::fs::write(&broken, "CREATE TABLE t (a int);\nINSERT INTO t VALUES (no);\n").unwrap();
        let empty = host.base();
        let error = restore_backup(&broken, &empty.admin()).unwrap_err();
        assert!(error.to_string().to_lowercase().contains("error"), "{error}");
        std::fs::write(&broken, "SELECT 1;\n").unwrap();
        let error = restore_backup(&broken, &host.base().admin()).unwrap_err();
        assert!(error.to_string().contains("no table is there"), "{error}");
    }
}
