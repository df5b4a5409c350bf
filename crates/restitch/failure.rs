//! What failed, in words, and the exit code that says how.

use std::process::ExitCode;

use anyhow::Error;
use restitch_case::CaseError;
use restitch_drill::DrillError;
use restitch_matching::MatchingError;
use restitch_pipeline::PipelineError;
use restitch_restore::RestoreError;
use restitch_worlds::WorldError;

use crate::printer::Printer;

/// The command line asks for something that is not there.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Asked(pub String);

/// Says what failed, and gives the exit code.
pub fn report(error: &Error, printer: &Printer) -> ExitCode {
    printer.error(&chain(error));
    ExitCode::from(code(error))
}

/// The error and what it came from, each only where it says something new.
fn chain(error: &Error) -> Vec<String> {
    let mut chain: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if !chain.iter().any(|said| said.contains(&text)) {
            chain.push(text);
        }
    }
    chain
}

fn code(error: &Error) -> u8 {
    if error.chain().any(refused) {
        3
    } else if error.chain().any(settings) {
        2
    } else {
        1
    }
}

fn refused(error: &(dyn std::error::Error + 'static)) -> bool {
    match error.downcast_ref() {
        Some(DrillError::Pipeline(error)) => return refused(error),
        Some(DrillError::Restore(error)) => return refused(error),
        _ => {}
    }
    error.downcast_ref().is_some_and(PipelineError::is_refusal)
        || error.downcast_ref().is_some_and(RestoreError::is_refusal)
}

/// An error that is shown as the one that it holds hides that one from the chain, so it is
/// looked into here.
fn settings(error: &(dyn std::error::Error + 'static)) -> bool {
    match error.downcast_ref() {
        Some(PipelineError::Case(error)) => return settings(error),
        Some(PipelineError::Restore(error)) => return settings(error),
        Some(error) => return error.is_settings(),
        None => {}
    }
    match error.downcast_ref() {
        Some(DrillError::Pipeline(error)) => return settings(error),
        Some(DrillError::Restore(error)) => return settings(error),
        Some(DrillError::World(error)) => return settings(error),
        Some(error) => {
            use DrillError::{Damage, NoPipeline, NoTruth, NothingLost, Truth};
            return matches!(
                error,
                Truth { .. } | Damage(_) | NoPipeline { .. } | NothingLost | NoTruth
            );
        }
        None => {}
    }
    let of_world = |error: &WorldError| {
        matches!(
            error,
            WorldError::UnknownWorld { .. } | WorldError::NotEmpty(_) | WorldError::TooSmall(_)
        )
    };
    let of_case = |error: &CaseError| {
        use CaseError::{Exists, Identity, Locked, NoCase, NotEmpty, NotSealed, Recipient, Sealed};
        matches!(
            error,
            NoCase(_) | NotEmpty(_) | Exists(_) | Recipient(_) | Identity { .. } | Locked { .. }
        ) || matches!(error, Sealed(_) | NotSealed(_))
    };
    let of_target = |error: &RestoreError| {
        use RestoreError::{Scheme, ServerUrl, Url};
        matches!(error, Url | Scheme { .. } | ServerUrl { .. })
    };
    error.is::<Asked>()
        || error.is::<MatchingError>()
        || error.downcast_ref().is_some_and(of_world)
        || error.downcast_ref().is_some_and(of_case)
        || error.downcast_ref().is_some_and(of_target)
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn each_kind_of_failure_has_its_exit_code() {
        let refused = || RestoreError::Refused("the plan is stale".to_owned());
        let earlier = PipelineError::Earlier { missing: "plan.json is", command: "plan" };
        let no_case = || CaseError::NoCase("here".into());
        let cases: [(Error, u8); 10] = [
            (refused().into(), 3),
            (PipelineError::Restore(refused()).into(), 3),
            (no_case().into(), 2),
            (PipelineError::Case(no_case()).into(), 2),
            (Asked("no such record".to_owned()).into(), 2),
            (RestoreError::Scheme { scheme: "oracle".to_owned() }.into(), 2),
            (RestoreError::ServerUrl { scheme: "mysql".to_owned(), missing: "the user" }.into(), 2),
            (DrillError::Pipeline(PipelineError::Restore(refused())).into(), 3),
            (DrillError::Pipeline(PipelineError::Case(no_case())).into(), 2),
            (earlier.into(), 1),
        ];
        for (error, expected) in cases {
            assert_eq!(code(&error), expected, "{error}");
            assert_eq!(code(&error.context("while working")), expected);
        }
    }

    #[test]
    fn what_an_error_came_from_is_said_once() {
        let io = || std::io::Error::other("the disk is on fire");
        let file = RestoreError::File { doing: "copy", path: "a".to_owned(), source: io() };
        assert_eq!(chain(&file.into()), ["cannot copy a: the disk is on fire"]);
        let error = Err::<(), _>(io()).context("cannot read a.csv").unwrap_err();
        assert_eq!(chain(&error), ["cannot read a.csv", "the disk is on fire"]);
    }
}
