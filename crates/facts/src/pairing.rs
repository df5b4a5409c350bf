//! Which date a time belongs to.

use std::ops::Range;

use crate::date::{DateSpan, is_link};
use crate::months::weekdays;
use crate::page::{Kind, Page};
use crate::time::TimeSpan;

/// How many tokens, and characters but for runs of spaces, may stand between a date and its
/// time.
pub(crate) const GAP_TOKENS: usize = 9;
const GAP_CHARS: usize = 24;

/// A date, or the times from one to another ("10:00–12:00"), as one thing.
enum Unit {
    Date(usize),
    Times(Range<usize>),
}

/// For each time the index of its date. Both are in the order in which they stand.
///
/// Dates and times that follow one another in turn make a chain. One of an even length goes
/// in pairs from its beginning: that tells columns with the date first from columns with the
/// time first. In one of an odd length the end that stands farther off is left alone.
pub(crate) fn owners(
    page: &Page<'_>,
    dates: &[DateSpan],
    times: &[TimeSpan],
) -> Vec<Option<usize>> {
    let units = units(page, dates, times);
    let mut owners = vec![None; times.len()];
    let mut start = 0;
    while start < units.len() {
        let gaps: Vec<usize> = units[start..]
            .windows(2)
            .map_while(|pair| {
                let is_turn =
                    matches!(pair[0].0, Unit::Date(_)) != matches!(pair[1].0, Unit::Date(_));
                let gap = pair[0].1.end..pair[1].1.start;
                (is_turn && belong(page, gap.clone())).then_some(gap.len())
            })
            .collect();
        let sum = |from: usize| gaps.iter().skip(from).step_by(2).sum::<usize>();
        let skipped = usize::from(gaps.len().is_multiple_of(2) && sum(1) < sum(0));
        let chain = &units[start..=start + gaps.len()];
        for pair in chain[skipped..].chunks_exact(2) {
            if let (Unit::Date(date), Unit::Times(span)) | (Unit::Times(span), Unit::Date(date)) =
                (&pair[0].0, &pair[1].0)
            {
                own(&mut owners, times, span.clone(), *date);
            }
        }
        start += gaps.len() + 1;
    }
    owners
}

/// Gives times from one to another their date, as far as they stay on one day.
fn own(owners: &mut [Option<usize>], times: &[TimeSpan], span: Range<usize>, date: usize) {
    for t in span.clone() {
        let goes_on = t == span.start || times[t].time > times[t - 1].time || times[t].ends_day;
        if !goes_on {
            break;
        }
        owners[t] = Some(date);
    }
}

fn units(page: &Page<'_>, dates: &[DateSpan], times: &[TimeSpan]) -> Vec<(Unit, Range<usize>)> {
    let mut units: Vec<(Unit, Range<usize>)> = Vec::new();
    for (t, time) in times.iter().enumerate() {
        match units.last_mut() {
            Some((Unit::Times(span), tokens)) if is_link(page, tokens.end..time.tokens.start) => {
                (span.end, tokens.end) = (t + 1, time.zone_end);
            }
            _ => units.push((Unit::Times(t..t + 1), time.tokens.start..time.zone_end)),
        }
    }
    units.extend(dates.iter().enumerate().map(|(d, date)| (Unit::Date(d), date.tokens.clone())));
    units.sort_by_key(|(_, tokens)| tokens.start);
    units
}

/// Whether what stands between a date and a time joins them: they are on one line, and
/// between them are signs and words that lead from one to the other, or next to nothing.
pub(crate) fn belong(page: &Page<'_>, gap: Range<usize>) -> bool {
    const JOINTS: [&str; 64] = [
        "at", "godz", "o", "klockan", "on", "from", "by", "t", "um", "am", "ab", "bis", "gegen",
        "von", "den", "dem", "ca", "a", "as", "le", "du", "des", "vers", "de", "las", "la", "el",
        "il", "del", "desde", "alle", "ore", "dalle", "ora", "om", "op", "vanaf", "van", "em",
        "dia", "pelas", "kl", "date", "datum", "fecha", "data", "time", "uhrzeit", "heure", "hora",
        "tijd", "after", "before", "nach", "vor", "apres", "avant", "despues", "antes", "dopo",
        "prima", "na", "voor", "depois",
    ];
    if gap.is_empty() {
        return true;
    }
    if gap.len() > GAP_TOKENS {
        return false;
    }
    let any = |test: &dyn Fn(Kind) -> bool| gap.clone().any(|i| test(page.kind(i)));
    let parts =
        any(&|kind| matches!(kind, Kind::Number | Kind::Break | Kind::Sign(';' | '!' | '?')))
            || (any(&|kind| kind == Kind::Sign('.')) && any(&|kind| kind == Kind::Word));
    let is_joint = |i: usize| {
        let word = page.word(i);
        page.kind(i) != Kind::Word || JOINTS.contains(&word) || weekdays(word) != 0
    };
    let chars: usize = gap
        .clone()
        .map(|i| {
            if page.kind(i) == Kind::Space {
                1
            } else {
                page.str(i).chars().take(GAP_CHARS + 1).count()
            }
        })
        .sum();
    !parts && (chars <= 6 || (chars <= GAP_CHARS && gap.clone().all(is_joint)))
}
