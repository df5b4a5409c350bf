//! Charts of a loss as SVG. They carry no style of their own: shapes have classes, and the page
//! that shows them colours these. They hold no script and no address.

use std::fmt::{Result, Write};

use jiff::civil::Date;
use restitch_model::Share;

use crate::loss::{Loss, Tally};
use crate::page::escape;

/// What came back by week: a bar a week, of what is in the plan, what waits and what is left out.
pub fn weeks(loss: &Loss) -> String {
    drawn(|svg| draw_weeks(loss, svg))
}

/// What each source saw by week, and how much of that came back: a field a week and source.
pub fn map(loss: &Loss) -> String {
    drawn(|svg| draw_map(loss, svg))
}

/// How many came back of how many were lost, with the interval of the estimate.
pub fn completeness(back: usize, lost: f64, low: f64, high: f64) -> String {
    drawn(|svg| draw_completeness(back as f64, lost, low, high, svg))
}

/// Shares with their names, a bar each.
pub fn shares(title: &str, shares: &[(String, Share)]) -> String {
    drawn(|svg| draw_shares(title, shares, svg))
}

fn drawn(draw: impl FnOnce(&mut String) -> Result) -> String {
    let mut svg = String::new();
    // A `String` takes all that is written to it.
    let _ = draw(&mut svg);
    svg
}

const WIDTH: f64 = 640.0;
/// Room for the numbers at the left.
const LEFT: f64 = 44.0;

fn begin(svg: &mut String, height: f64, title: &str) -> Result {
    write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {WIDTH} {height}\" \
         role=\"img\" aria-label=\"{}\">",
        escape(title)
    )
}

fn draw_weeks(loss: &Loss, svg: &mut String) -> Result {
    let (height, foot) = (200.0, 28.0);
    let count = |of: fn(&Tally) -> usize| loss.weeks.values().map(of).sum::<usize>();
    let title = format!(
        "By week: {} came back, {} wait, {} are left out",
        count(|tally| tally.back),
        count(|tally| tally.waits),
        count(|tally| tally.out)
    );
    begin(svg, height, &title)?;
    let most = loss.weeks.values().map(Tally::all).max().unwrap_or(0).max(1);
    let step = rung(most);
    let top = most.div_ceil(step) * step;
    let scale = (height - foot - 10.0) / top as f64;
    let y = |n: usize| height - foot - n as f64 * scale;
    for line in (0..=top).step_by(step) {
        write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{0:.1}\" y2=\"{0:.1}\"/>\
             <text x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{line}</text>",
            y(line),
            LEFT - 8.0,
            y(line) + 4.0
        )?;
    }
    let wide = (WIDTH - LEFT) / loss.weeks.len().max(1) as f64;
    for (at, (week, tally)) in loss.weeks.iter().enumerate() {
        let x = LEFT + at as f64 * wide;
        write!(svg, "<g><title>{}</title>", told(*week, tally))?;
        let mut from = 0;
        for (class, n) in [("back", tally.back), ("waits", tally.waits), ("out", tally.out)] {
            if n > 0 {
                write!(
                    svg,
                    "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" \
                     height=\"{:.1}\"/>",
                    x + wide * 0.12,
                    y(from + n),
                    wide * 0.76,
                    n as f64 * scale
                )?;
            }
            from += n;
        }
        svg.push_str("</g>");
    }
    days(loss, wide, height - 8.0, LEFT, svg)?;
    svg.push_str("</svg>");
    Ok(())
}

fn draw_map(loss: &Loss, svg: &mut String) -> Result {
    let (left, row, foot) = (120.0, 34.0, 24.0);
    let height = row * loss.sources.len() as f64 + foot;
    begin(svg, height, "By source and week: how many records a source saw that came back")?;
    let wide = (WIDTH - left) / loss.weeks.len().max(1) as f64;
    let most = loss.sources.values().flat_map(|weeks| weeks.values()).map(Tally::all).max();
    let most = most.unwrap_or(0).max(1) as f64;
    for (r, (source, weeks)) in loss.sources.iter().enumerate() {
        let y = r as f64 * row;
        write!(
            svg,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 8.0,
            y + row / 2.0 + 4.0,
            escape(source)
        )?;
        for (at, week) in loss.weeks.keys().enumerate() {
            let tally = weeks.get(week).copied().unwrap_or_default();
            let x = left + at as f64 * wide;
            // The field is as dark as the source saw much, and filled as far as it came back.
            let dark = match tally.all() {
                0 => 0.0,
                n => 0.25 + 0.75 * n as f64 / most,
            };
            let full = tally.back as f64 / tally.all().max(1) as f64;
            let (w, h) = (wide - 2.0, row - 6.0);
            write!(
                svg,
                "<g><title>{}: {}</title><rect class=\"none\" x=\"{x:.1}\" y=\"{y:.1}\" \
                 width=\"{w:.1}\" height=\"{h:.1}\"/><rect class=\"back\" x=\"{x:.1}\" \
                 y=\"{:.1}\" width=\"{w:.1}\" height=\"{:.1}\" fill-opacity=\"{dark:.2}\"/></g>",
                escape(source),
                told(*week, &tally),
                y + h * (1.0 - full),
                h * full
            )?;
        }
    }
    days(loss, wide, height - 6.0, left, svg)?;
    svg.push_str("</svg>");
    Ok(())
}

fn draw_completeness(back: f64, lost: f64, low: f64, high: f64, svg: &mut String) -> Result {
    let height = 64.0;
    begin(svg, height, &complete(back, lost, low, high))?;
    let top = high.max(back).max(1.0) * 1.04;
    let x = |n: f64| n / top * WIDTH;
    write!(
        svg,
        "<rect class=\"none\" x=\"0\" y=\"8\" width=\"{:.1}\" height=\"24\"/>\
         <rect class=\"back\" x=\"0\" y=\"8\" width=\"{:.1}\" height=\"24\"/>\
         <rect class=\"range\" x=\"{:.1}\" y=\"4\" width=\"{:.1}\" height=\"32\"/>\
         <line class=\"estimate\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"0\" y2=\"40\"/>",
        x(lost),
        x(back),
        x(low),
        (x(high) - x(low)).max(1.0),
    )?;
    write!(
        svg,
        "<text x=\"0\" y=\"56\">{back:.0} back</text>\
         <text x=\"{WIDTH}\" y=\"56\" text-anchor=\"end\">lost: {lost:.0} ({low:.0} to \
         {high:.0})</text></svg>"
    )
}

fn draw_shares(title: &str, shares: &[(String, Share)], svg: &mut String) -> Result {
    let (left, row, right) = (150.0, 26.0, 130.0);
    begin(svg, row * shares.len() as f64, title)?;
    let wide = WIDTH - left - right;
    for (at, (name, share)) in shares.iter().enumerate() {
        let y = at as f64 * row;
        let full = share.rate().unwrap_or(0.0);
        write!(
            svg,
            "<text x=\"{}\" y=\"{2:.1}\" text-anchor=\"end\">{}</text>\
             <rect class=\"none\" x=\"{left}\" y=\"{3:.1}\" width=\"{wide:.1}\" height=\"{4:.1}\"/>\
             <rect class=\"back\" x=\"{left}\" y=\"{3:.1}\" width=\"{5:.1}\" height=\"{4:.1}\"/>\
             <text x=\"{6:.1}\" y=\"{2:.1}\">{share}</text>",
            left - 8.0,
            escape(name),
            y + row / 2.0 + 4.0,
            y + 3.0,
            row - 6.0,
            wide * full,
            left + wide + 8.0,
        )?;
    }
    svg.push_str("</svg>");
    Ok(())
}

/// The same in a sentence.
pub fn complete(back: f64, lost: f64, low: f64, high: f64) -> String {
    let share = |of: f64| (back / of.max(1.0) * 100.0).min(100.0);
    format!(
        "{back:.0} of about {lost:.0} lost are back: {:.0} %, between {:.0} and {:.0} %",
        share(lost),
        share(high),
        share(low)
    )
}

/// The days that weeks begin on, as many as there is room for.
fn days(loss: &Loss, wide: f64, y: f64, left: f64, svg: &mut String) -> Result {
    let every = (58.0 / wide).ceil().max(1.0) as usize;
    for (at, week) in loss.weeks.keys().enumerate().step_by(every) {
        let x = left + at as f64 * wide;
        if x + 50.0 <= WIDTH {
            write!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", week.strftime("%-d %b"))?;
        }
    }
    Ok(())
}

fn told(week: Date, tally: &Tally) -> String {
    format!("week of {week}: {} back, {} waiting, {} left out", tally.back, tally.waits, tally.out)
}

/// The step of a scale with about four lines: 1, 2 or 5 times a power of ten.
fn rung(most: usize) -> usize {
    let mut power = 1;
    loop {
        for step in [power, 2 * power, 5 * power] {
            if most <= step * 5 {
                return step;
            }
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_has_few_lines_at_round_numbers() {
        assert_eq!([1, 5, 6, 12, 48, 260, 99_999].map(rung), [1, 1, 2, 5, 10, 100, 20_000]);
    }

    #[test]
    fn a_chart_says_in_words_what_it_shows_and_holds_no_markup_of_the_evidence() {
        let mut loss = Loss::default();
        let week: Date = "2026-03-02".parse().unwrap();
        let tally = Tally { back: 3, waits: 1, out: 0 };
        loss.weeks.insert(week, tally);
        loss.sources.entry("<script>".to_owned()).or_default().insert(week, tally);
        assert!(weeks(&loss).contains("week of 2026-03-02: 3 back, 1 waiting, 0 left out"));
        assert!(!map(&loss).contains("<script"));
        let sentence = "380 of about 400 lost are back: 95 %, between 93 and 97 %";
        assert!(completeness(380, 400.0, 390.0, 410.0).contains(sentence));
    }

    #[test]
    fn shares_are_told_beside_their_bars_and_none_is_no_number() {
        let of = |hits, n| ("<rentals>".to_owned(), Share { hits, n });
        let svg = shares("back", &[of(30, 40), of(0, 0)]);
        assert!(svg.contains("75.0 % (30 of 40)") && svg.contains("not measured"), "{svg}");
        assert!(!svg.contains("<rentals>") && !svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn a_loss_of_nothing_is_drawn_without_a_number_that_is_none() {
        let empty = Loss::default();
        for svg in [weeks(&empty), map(&empty), completeness(0, 0.0, 0.0, 0.0)] {
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
