//! The time zones that rows name.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use restitch_model::{Row, Value};

use crate::shape::View;

/// The time zones that the rows of a snapshot name, looked up once.
#[derive(Debug, Clone)]
pub struct Zones {
    known: BTreeMap<String, TimeZone>,
    fallback: TimeZone,
}

impl Zones {
    /// The zones that the views' rows name. Where none does, times are taken for `fallback`.
    pub fn of<'v>(views: impl IntoIterator<Item = &'v View>, fallback: &str) -> Self {
        let mut known = BTreeMap::new();
        for view in views {
            let Some(p) = view.zone_path().and_then(|path| view.position(path)) else { continue };
            for name in view.rows.iter().filter_map(|row| row[p].as_text()) {
                if !known.contains_key(name)
                    && let Ok(zone) = TimeZone::get(name)
                {
                    known.insert(name.to_owned(), zone);
                }
            }
        }
        Self { known, fallback: TimeZone::get(fallback).unwrap_or(TimeZone::UTC) }
    }

    /// A zone by its name.
    pub fn named(&self, name: Option<&str>) -> TimeZone {
        name.and_then(|name| self.known.get(name).cloned().or_else(|| TimeZone::get(name).ok()))
            .unwrap_or_else(|| self.fallback.clone())
    }

    /// The zone that a row's local times are meant in.
    pub fn of_row(&self, view: &View, row: &Row) -> TimeZone {
        let value = view.zone_path().and_then(|path| view.position(path)).map(|p| &row[p]);
        self.named(value.and_then(Value::as_text))
    }
}
