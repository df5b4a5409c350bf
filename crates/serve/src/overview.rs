//! The loss, what came back, and the plan.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use restitch_model::RecordType;
use restitch_review::{Fate, Loss, Tally, chart};
use serde_json::{Value, json};

use crate::board::Board;
use crate::office::Office;
use crate::record::clock;

impl<O: Office> Board<O> {
    pub(crate) fn overview(&self) -> Value {
        let mut by_type: BTreeMap<&str, Tally> = BTreeMap::new();
        for candidate in self.load.candidates.iter().filter(|c| c.surviving.is_none()) {
            let fate = self.fate(candidate);
            by_type.entry(candidate.record_type.as_str()).or_default().add(fate);
        }
        let counts: BTreeMap<&str, Value> = by_type
            .iter()
            .map(|(name, tally)| {
                let estimate = self.load.estimates.get(*name);
                (*name, json!({
                    "back": tally.back, "waits": tally.waits, "out": tally.out,
                    "lost": estimate.map(|e| json!({ "count": e.count, "low": e.low, "high": e.high })),
                }))
            })
            .collect();
        let of_type = self.load.candidates.iter();
        let of_type = of_type.filter(|c| c.record_type.as_str() == RecordType::RESERVATION);
        let loss = Loss::of(of_type, self.load.window, &|c| self.fate(c), &|id| self.source(id));
        let estimate = self.load.estimates.get(RecordType::RESERVATION);
        let back = loss.whole().back;
        let completeness = estimate.map(|estimate| {
            json!({
                "svg": chart::completeness(back, estimate.count, estimate.low, estimate.high),
                "words": chart::complete(back as f64, estimate.count, estimate.low, estimate.high),
            })
        });
        let weeks: Vec<Value> = loss
            .weeks
            .iter()
            .map(|(week, t)| json!([week.to_string(), t.back, t.waits, t.out]))
            .collect();
        let cell = |of: &BTreeMap<_, Tally>, week| {
            let tally = of.get(week).copied().unwrap_or_default();
            format!("{} of {}", tally.back, tally.all())
        };
        let sources: Vec<Value> = loss
            .sources
            .iter()
            .map(|(name, of)| {
                let cells: Vec<String> = loss.weeks.keys().map(|week| cell(of, week)).collect();
                json!({ "name": name, "cells": cells })
            })
            .collect();
        json!({
            "name": self.load.name,
            "window": self.load.window.map(|window| json!({
                "from": clock(window.start, &TimeZone::UTC), "to": clock(window.end, &TimeZone::UTC),
            })),
            "types": counts,
            "weeks_svg": chart::weeks(&loss),
            "map_svg": chart::map(&loss),
            "completeness": completeness,
            "weeks": weeks,
            "sources": sources,
            "undated": loss.undated.all(),
            "waiting": by_type.values().map(|tally| tally.waits).sum::<usize>(),
            "plan": self.plan_words(),
            "progress": self.progress(),
        })
    }

    fn plan_words(&self) -> Value {
        let plan = &self.load.plan;
        let counts = plan.counts();
        let tables: BTreeMap<&str, Value> = counts
            .by_table
            .iter()
            .map(|(table, t)| {
                (
                    table.as_str(),
                    json!({
                        "inserts": t.inserts, "updates": t.updates, "unchanged": t.unchanged,
                        "held": t.held, "rejected": t.rejected, "merged": t.merged,
                    }),
                )
            })
            .collect();
        json!({
            "inserts": counts.all.inserts, "updates": counts.all.updates,
            "held": counts.all.held, "conflicts": counts.all.conflicts,
            "merged": counts.all.merged, "rejected": counts.all.rejected,
            "digest": plan.digest().to_string(), "tables": tables,
            "unrehearsed": self.load.unrehearsed,
            "surviving_waits": self.load.candidates.iter()
                .filter(|c| c.surviving.is_some() && self.fate(c) == Fate::Waits).count(),
        })
    }
}
