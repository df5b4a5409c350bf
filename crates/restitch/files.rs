//! The files that a command line names.

use std::path::PathBuf;

use crate::failure::Asked;
use crate::work::Work;

/// Refuses paths that are not there, before anything is begun.
pub fn check(paths: &[PathBuf]) -> Result<(), Asked> {
    paths.iter().try_for_each(|path| match std::fs::metadata(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(Asked(format!("cannot read {}: {error}", path.display()))),
    })
}

/// The files at the paths, and those in folders in the order of their names. Hidden files in
/// folders are a system's own; hidden folders may be mailboxes.
pub fn below(paths: &[PathBuf], work: &Work) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                work.printer.note(&format!("remark: {}: {error}", path.display()));
                continue;
            }
        };
        let mut inside: Vec<PathBuf> =
            entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        let is_hidden = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
        };
        // A link to a folder could lead in a circle.
        inside.retain(|path| if path.is_dir() { !path.is_symlink() } else { !is_hidden(path) });
        inside.sort();
        found.extend(below(&inside, work));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Global;

    #[test]
    fn folders_are_walked_in_the_order_of_names() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b/2.eml", "b/1.eml", "a.ics", ".DS_Store", ".Sent/cur/x"] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let work = Work::new(&Global { quiet: true, ..Global::default() });
        let found = below(&[dir.path().to_owned()], &work);
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(dir.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, [".Sent/cur/x", "a.ics", "b/1.eml", "b/2.eml"]);
    }

    #[test]
    fn a_path_that_is_not_there_is_refused() {
        assert!(check(&["no/such/file".into()]).is_err());
    }
}
