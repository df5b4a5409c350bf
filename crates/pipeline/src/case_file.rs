//! `case.toml`: the pipeline as it was, and where it lay.

use std::path::{Path, PathBuf};

use restitch_case::{Case, Keys};
use serde::{Deserialize, Serialize};

use crate::error::PipelineError;
use crate::file::{Pipeline, from_toml};

/// The case's own settings.
pub const SETTINGS: &str = "case.toml";

const HEAD: &str = "\
# The pipeline as it was when this case was begun or last gone on with.
# folder: what its paths are relative to; itself relative to the folder of the case, or absolute.

";

/// The settings of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// The folder that paths of the pipeline are relative to, as this run finds it.
    pub folder: PathBuf,
    /// The pipeline.
    pub pipeline: Pipeline,
}

impl CaseFile {
    /// The settings that a case holds.
    pub fn read(case: &Case) -> Result<Self, PipelineError> {
        let name = case.path(SETTINGS).display().to_string();
        let mut file: Self = from_toml(&case.read_text(SETTINGS)?, &name)?;
        let fail = |problem| PipelineError::Settings { file: name, problem };
        file.pipeline.check().map_err(fail)?;
        file.folder = case.dir().join(&file.folder);
        Ok(file)
    }

    /// What seals the case and opens it.
    pub fn keys(&self) -> Result<Keys, PipelineError> {
        Ok(self.pipeline.case.keys(&self.folder)?)
    }

    /// Writes them into a case.
    pub fn write(&self, case: &Case) -> Result<(), PipelineError> {
        let stored =
            Self { folder: seen_from(case.dir(), &self.folder), pipeline: self.pipeline.clone() };
        let text = toml::to_string_pretty(&stored).map_err(|e| PipelineError::Settings {
            file: SETTINGS.to_owned(),
            problem: e.to_string(),
        })?;
        case.write(SETTINGS, format!("{HEAD}{text}"))?;
        Ok(())
    }
}

/// The folder as it is written down: the way up from a case that lies in it, so that the two
/// can be moved together, else its absolute path, so that the case can be moved alone.
fn seen_from(case: &Path, folder: &Path) -> PathBuf {
    let absolute = || std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let (Ok(case), Ok(real)) = (case.canonicalize(), folder.canonicalize()) else {
        return absolute();
    };
    match case.strip_prefix(&real).map(|below| below.components().count()) {
        Ok(0) => PathBuf::from("."),
        Ok(levels) => std::iter::repeat_n("..", levels).collect(),
        Err(_) => absolute(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with one named `business` in it that holds a case, and the case's settings.
    fn case(below: &str) -> (tempfile::TempDir, CaseFile) {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("business");
        let text = "[target]\nurl = \"sqlite:db/a.sqlite\"";
        let pipeline = Pipeline::parse(text, "incident.toml").unwrap();
        let file = CaseFile { folder: folder.clone(), pipeline };
        file.write(&Case::create(folder.join(below)).unwrap()).unwrap();
        (place, file)
    }

    #[test]
    fn what_is_written_is_read() {
        let (place, file) = case("incident.case");
        let case = Case::open(place.path().join("business/incident.case")).unwrap();
        let read = CaseFile::read(&case).unwrap();
        assert_eq!(read.pipeline, file.pipeline);
        assert_eq!(read.folder.canonicalize().unwrap(), file.folder.canonicalize().unwrap());
    }

    #[test]
    fn a_case_below_its_pipeline_is_moved_together_with_it() {
        for (below, up) in [("incident.case", ".."), ("cases/june", "../..")] {
            let (place, _file) = case(below);
            let (old, new) = (place.path().join("business"), place.path().join("elsewhere"));
            std::fs::rename(old, &new).unwrap();
            let case = Case::open(new.join(below)).unwrap();
            let text = case.read_text(SETTINGS).unwrap();
            assert!(text.contains(&format!("folder = \"{up}\"")), "{text}");
            let found = CaseFile::read(&case).unwrap().folder;
            assert_eq!(found.canonicalize().unwrap(), new.canonicalize().unwrap());
        }
    }

    #[test]
    fn a_case_elsewhere_knows_the_way_back_wherever_it_is_moved() {
        let (place, file) = case("incident.case");
        let case = Case::create(place.path().join("case")).unwrap();
        file.write(&case).unwrap();
        drop(case);
        let moved = place.path().join("a/b");
        std::fs::create_dir(place.path().join("a")).unwrap();
        std::fs::rename(place.path().join("case"), &moved).unwrap();
        assert_eq!(CaseFile::read(&Case::open(moved).unwrap()).unwrap().folder, file.folder);
    }

    #[test]
    fn settings_edited_into_what_cannot_work_are_refused_by_name() {
        let (place, _file) = case("incident.case");
        let case = Case::open(place.path().join("business/incident.case")).unwrap();
        let text = case.read_text(SETTINGS).unwrap();
        let refused = |text: String| {
            std::fs::write(case.path(SETTINGS), text).unwrap();
            let error = CaseFile::read(&case).unwrap_err();
            assert!(error.is_settings(), "{error}");
            error.to_string()
        };
        let unlikely = refused(text.replace("accept_at = 0.99", "accept_at = 99.0"));
        assert!(unlikely.contains("case.toml: [policy] accept_at"), "{unlikely}");
        let unknown = refused(text.replace("folder =", "foldr ="));
        assert!(unknown.contains("did you mean `folder`?"), "{unknown}");
    }
}
