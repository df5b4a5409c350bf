//! What a pipeline file says that cannot work: refused before anything is begun.

use std::collections::BTreeSet;

use restitch_case::Keys;
use restitch_learn::study::OBSERVED;
use restitch_model::RecordType;

use crate::file::{
    CaseSettings, ColumnRule, IncidentSettings, Paths, Pipeline, Source, SourceKind,
};
use crate::servers;

/// A century: no overlap is longer, and calendars can count that far.
const LONGEST_OVERLAP: i64 = 36_500;
/// A name of so many other letters is another name, not a mistyped one.
const MISTYPED: usize = 3;

impl Pipeline {
    /// Refuses what cannot work, with what would.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.target.url.is_some() == self.target.url_env.is_some() {
            return Err("[target] needs one of url and url_env".to_owned());
        }
        if self.target.backup_url.is_some() && self.target.backup_url_env.is_some() {
            return Err("[target] takes one of backup_url and backup_url_env".to_owned());
        }
        if !(0.5..1.0).contains(&self.policy.accept_at) {
            return Err(format!(
                "[policy] accept_at is a probability from 0.5 to under 1, not {}",
                self.policy.accept_at
            ));
        }
        if !(0.0..=1.0).contains(&self.policy.unproved_mail) {
            return Err(format!(
                "[policy] unproved_mail is a probability from 0 to 1, not {}",
                self.policy.unproved_mail
            ));
        }
        if self.policy.approvals == 0 {
            return Err(
                "[policy] approvals is how many must sign, from 1 on; nothing is written to a \
                 server without one"
                    .to_owned(),
            );
        }
        incident(&self.incident)?;
        sealing(&self.case)?;
        for (name, record) in &self.record {
            if record.lists.is_some() && name != RecordType::RESERVATION {
                return Err(format!(
                    "[record.{name}] lists: lists hang on reservations, so name them in \
                     [record.reservation]"
                ));
            }
            for (column, rule) in &record.column {
                by_hand(name, rule)
                    .map_err(|problem| format!("[record.{name}.column.{column}] {problem}"))?;
            }
        }
        let mut names = BTreeSet::new();
        for source in &self.source {
            let name = &source.name;
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.is_empty() || !name.chars().all(plain) {
                return Err(format!(
                    "a source's name is made of letters, digits, - and _: {name:?}"
                ));
            }
            if !names.insert(name) {
                return Err(format!("two sources are called {name:?}"));
            }
            place(source)
                .and_then(|()| servers::check(source))
                .and_then(|()| zone(source))
                .map_err(|problem| format!("source {name:?}: {problem}"))?;
        }
        Ok(())
    }
}

/// A rule by hand, for what can be known before anything is read.
fn by_hand(record_type: &str, rule: &ColumnRule) -> Result<(), String> {
    if !OBSERVED.contains(&record_type) {
        return Err(format!(
            "only {} have rules; a customer's columns are filled through the reservation's \
             reference, such as [record.reservation.column.\"customer_id.email\"]",
            OBSERVED.join(" and ")
        ));
    }
    if rule.from.is_empty() {
        return Err("from is empty; it names values, such as \"mail:header:date\"".to_owned());
    }
    for (place, text) in rule.places().zip(&rule.from) {
        let Some((of, value)) = place.filter(|(of, value)| !of.is_empty() && !value.is_empty())
        else {
            return Err(format!(
                "{text:?} is not KIND:VALUE, such as \"stripe.charge:/metadata/booking_ref\" or \
                 \"mail:header:date\"; `restitch read FILE` shows the values of an item"
            ));
        };
        let slot = value.split_once("slot(").and_then(|(_, rest)| rest.split_once(')'));
        if slot.is_some_and(|(n, _)| n.parse::<usize>().is_err())
            || !of.contains('/') && slot.is_some()
        {
            return Err(format!(
                "{text:?}: slots have numbers, and belong to one template: \
                 \"mail/TEMPLATE:text:slot(20)\", as rules.toml names it"
            ));
        }
    }
    Ok(())
}

fn incident(incident: &IncidentSettings) -> Result<(), String> {
    if let (Some(backup), Some(lost)) = (incident.backup_at, incident.lost_at)
        && backup >= lost
    {
        return Err("[incident] backup_at must lie before lost_at".to_owned());
    }
    damage(incident)?;
    match incident.overlap_days {
        Some(days) if !(1..=LONGEST_OVERLAP).contains(&days) => Err(format!(
            "[incident] overlap_days is a number of days from 1 to {LONGEST_OVERLAP}, not {days}; \
             leave it out to learn from all there is"
        )),
        _ => Ok(()),
    }
}

/// What was damaged is told with the moment at which it was: nothing in the data shows it.
fn damage(incident: &IncidentSettings) -> Result<(), String> {
    if incident.damage.is_empty() {
        return Ok(());
    }
    if incident.lost_at.is_none() {
        return Err("[incident] damage needs lost_at, the moment of the damage".to_owned());
    }
    if incident.backup_at.is_some() {
        return Err(
            "[incident] takes one of backup_at and damage: with damage, all outside of it is true \
             up to lost_at; where rows since a backup were lost, say so by a window"
                .to_owned(),
        );
    }
    if incident.damage.parts.iter().any(|part| part.is_copied) {
        return Err(
            "[incident] damage: rows that were copied are not taken out, since restitch deletes no \
             row that it did not insert; duplicates are for drills alone"
                .to_owned(),
        );
    }
    Ok(())
}

fn sealing(case: &CaseSettings) -> Result<(), String> {
    Keys::to(&case.recipients).map_err(|error| format!("[case] recipients: {error}"))?;
    if case.identity_file.is_some() && case.identity_env.is_some() {
        return Err("[case] takes one of identity_file and identity_env".to_owned());
    }
    let opens = case.identity_file.is_some() || case.identity_env.is_some();
    if opens && case.recipients.is_empty() {
        return Err("[case] names an identity and no recipients to seal the case to".to_owned());
    }
    Ok(())
}

/// Where its evidence comes from: files or the API, never half of each.
fn place(source: &Source) -> Result<(), String> {
    let fail = |problem: &str| Err(problem.to_owned());
    let has_path = match &source.path {
        None => false,
        Some(Paths::Several(paths)) => !paths.is_empty(),
        Some(Paths::One(_)) => true,
    };
    match (&source.key_env, source.kind) {
        (Some(_), SourceKind::Stripe) if has_path => {
            return fail("give either path, to read files, or key_env, to ask Stripe's API");
        }
        (Some(_), SourceKind::Stripe) => return Ok(()),
        (Some(_), _) => return fail("only a source of type \"stripe\" has a key_env"),
        (None, _) => {}
    }
    let of_api = [
        ("api_base", source.api_base.is_some()),
        ("allow_write_key", source.allow_write_key),
        ("requests_per_second", source.requests_per_second.is_some()),
    ];
    if let Some((key, _)) = of_api.iter().find(|(_, is_set)| *is_set) {
        return Err(format!("{key} is about Stripe's API and needs a key_env beside it"));
    }
    if source.dkim_keys.is_some() && source.kind != SourceKind::Mail {
        return fail("only a source of type \"mail\" has dkim_keys");
    }
    if servers::is_live(source) {
        return match has_path {
            true => fail("give either path, to read files, or url, to ask a server"),
            false => Ok(()),
        };
    }
    if !has_path {
        return fail(match source.kind {
            SourceKind::Calendar | SourceKind::Mail => "it needs a path, or the url of a server",
            SourceKind::Stripe => "it needs a path, or a key_env where it is Stripe's API",
            SourceKind::Table => "it needs a path",
        });
    }
    Ok(())
}

fn zone(source: &Source) -> Result<(), String> {
    let Some(zone) = &source.timezone else { return Ok(()) };
    if source.kind != SourceKind::Calendar {
        return Err("only calendars take a timezone".to_owned());
    }
    if jiff::tz::TimeZone::get(zone).is_ok() {
        return Ok(());
    }
    let known = jiff::tz::db().available();
    let nearest = known
        .map(|known| (strsim::damerau_levenshtein(zone, known.as_str()), known.to_string()))
        .min()
        .filter(|(letters, _)| *letters <= MISTYPED);
    Err(format!(
        "there is no timezone {zone:?}; {}",
        match nearest {
            Some((_, name)) => format!("did you mean {name:?}?"),
            None => "an IANA name is needed, such as \"Europe/Berlin\"".to_owned(),
        }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said against a pipeline with these lines after its target.
    #[track_caller]
    fn problem(lines: &str) -> String {
        let text = format!("[target]\nurl = \"sqlite:a\"\n{lines}");
        Pipeline::parse(&text, "incident.toml").unwrap_err().to_string()
    }

    /// What is said against one source, of which the name is told.
    #[track_caller]
    fn source(lines: &str) -> String {
        let said = problem(&format!("[[source]]\nname = \"s\"\n{lines}"));
        said.strip_prefix("incident.toml: source \"s\": ").expect("the source is named").to_owned()
    }

    #[test]
    fn a_target_is_one_place() {
        let refused = |target: &str| {
            let error = Pipeline::parse(&format!("[target]\n{target}"), "incident.toml");
            error.unwrap_err().to_string()
        };
        let wanted = "incident.toml: [target] needs one of url and url_env";
        assert_eq!(refused(""), wanted);
        assert_eq!(refused("url = \"sqlite:a\"\nurl_env = \"A\""), wanted);
    }

    #[test]
    fn what_is_accepted_is_a_probability_of_better_than_even() {
        for accept_at in ["0.49", "1.0", "99", "nan"] {
            let said = problem(&format!("[policy]\naccept_at = {accept_at}"));
            assert!(said.contains("a probability from 0.5 to under 1"), "{accept_at}: {said}");
        }
    }

    #[test]
    fn how_far_unproved_mail_is_believed_is_a_probability() {
        for unproved in ["-0.1", "1.1", "nan"] {
            let said = problem(&format!("[policy]\nunproved_mail = {unproved}"));
            assert!(said.contains("a probability from 0 to 1"), "{unproved}: {said}");
        }
    }

    #[test]
    fn only_mail_has_keys_of_its_senders() {
        let said = source("type = \"calendar\"\npath = \"c\"\ndkim_keys = \"k\"");
        assert_eq!(said, "only a source of type \"mail\" has dkim_keys");
    }

    #[test]
    fn lists_are_named_where_they_hang() {
        let said = problem("[record.payment]\nlists = [\"extras\"]");
        assert!(said.ends_with("so name them in [record.reservation]"), "{said}");
    }

    #[test]
    fn the_backup_is_older_than_the_loss() {
        let said = problem(
            "[incident]\nbackup_at = \"2026-01-25T03:00:00Z\"\nlost_at = \"2026-01-25T03:00:00Z\"",
        );
        assert_eq!(said, "incident.toml: [incident] backup_at must lie before lost_at");
    }

    #[test]
    fn a_rule_by_hand_says_what_it_is_about_and_where_its_value_stands() {
        let rule = |record: &str, from: &str| {
            let said = problem(&format!("[record.{record}.column.total]\nfrom = {from}"));
            let of = format!("incident.toml: [record.{record}.column.total] ");
            said.strip_prefix(&of).expect("the rule is named").to_owned()
        };
        for from in ["[\"/metadata/ref\"]", "[\":date\"]", "[\"mail: \"]"] {
            assert!(rule("reservation", from).contains("is not KIND:VALUE"), "{from}");
        }
        assert!(rule("reservation", "[]").starts_with("from is empty"));
        assert!(rule("customer", "[\"mail:date\"]").contains("customer_id.email"));
        for slot in ["mail/a:text:slot(reference)", "mail:text:slot(2)"] {
            assert!(rule("payment", &format!("[{slot:?}]")).contains("slots have numbers"));
        }
    }

    #[test]
    fn an_overlap_has_days_that_can_be_counted() {
        for days in [0, -3, LONGEST_OVERLAP + 1, i64::MAX] {
            let said = problem(&format!("[incident]\noverlap_days = {days}"));
            assert!(said.contains("from 1 to 36500, not"), "{days}: {said}");
        }
    }

    #[test]
    fn names_of_sources_are_plain_and_differ() {
        let named =
            |name: &str| format!("[[source]]\nname = {name:?}\ntype = \"mail\"\npath = \"m\"\n");
        for name in ["", "a b", "../mail", "mäil"] {
            assert!(problem(&named(name)).contains("letters, digits, - and _"), "{name}");
        }
        assert!(problem(&named("m").repeat(2)).contains("two sources are called \"m\""));
    }

    #[test]
    fn a_source_has_one_place() {
        let needed = "it needs a path, or the url of a server";
        assert_eq!(source("type = \"mail\""), needed);
        assert_eq!(source("type = \"mail\"\npath = []"), needed);
        assert_eq!(source("type = \"table\""), "it needs a path");
        let needed = "it needs a path, or a key_env where it is Stripe's API";
        assert_eq!(source("type = \"stripe\""), needed);
        assert_eq!(
            source("type = \"stripe\"\npath = \"p\"\nkey_env = \"K\""),
            "give either path, to read files, or key_env, to ask Stripe's API"
        );
        assert_eq!(
            source("type = \"mail\"\nkey_env = \"K\""),
            "only a source of type \"stripe\" has a key_env"
        );
    }

    #[test]
    fn what_is_about_the_api_needs_a_key() {
        for (key, value) in [
            ("api_base", "\"http://127.0.0.1:1\""),
            ("allow_write_key", "true"),
            ("requests_per_second", "20"),
        ] {
            assert_eq!(
                source(&format!("type = \"stripe\"\npath = \"p\"\n{key} = {value}")),
                format!("{key} is about Stripe's API and needs a key_env beside it")
            );
        }
    }

    #[test]
    fn damage_needs_its_moment_and_no_backup_and_nothing_to_delete() {
        let incident = |text: &str| problem(&format!("[incident]\n{text}"));
        let lost = "lost_at = \"2026-04-25T14:03:00Z\"\n";
        assert!(incident("damage = [\"tenant:7\"]").contains("damage needs lost_at"));
        let both = "backup_at = \"2026-01-25T03:00:00Z\"\ndamage = [\"tenant:7\"]";
        assert!(incident(&format!("{lost}{both}")).contains("one of backup_at and damage"));
        let copied = incident(&format!("{lost}damage = [\"duplicates:payments\"]"));
        assert!(copied.contains("deletes no row"), "{copied}");
        let unknown = incident(&format!("{lost}damage = [\"tenants:7\"]"));
        assert!(unknown.contains("there is no damage of the kind \"tenants\""), "{unknown}");
    }

    #[test]
    fn only_calendars_take_a_timezone() {
        for kind in ["stripe", "mail", "table"] {
            assert_eq!(
                source(&format!("type = {kind:?}\npath = \"p\"\ntimezone = \"Europe/Berlin\"")),
                "only calendars take a timezone"
            );
        }
    }

    #[test]
    fn a_timezone_that_there_is_not_is_answered_with_one_that_there_is() {
        let zone =
            |name: &str| source(&format!("type = \"calendar\"\npath = \"p\"\ntimezone = {name:?}"));
        assert_eq!(
            zone("Europe/Berln"),
            "there is no timezone \"Europe/Berln\"; did you mean \"Europe/Berlin\"?"
        );
        assert!(zone("Middle-earth/Hobbiton").contains("an IANA name is needed"));
    }
}
