//! E-mail addresses (RFC 5322, 3.4.1, in the form that people write: no quotes, no comments).

use restitch_model::FactValue;

use crate::page::{Kind, Page};
use crate::{Found, Style};

/// The longest local part and domain that RFC 5321 (4.5.3.1) allows, in bytes.
const LOCAL_MAX: usize = 64;
const DOMAIN_MAX: usize = 255;

/// Every address, lower case.
pub(crate) fn find(page: &mut Page<'_>, out: &mut Vec<Found>) {
    for at in 0..page.len() {
        if !page.is(at, '@') {
            continue;
        }
        let (Some(start), Some(end)) = (local_start(page, at), domain_end(page, at + 1)) else {
            continue;
        };
        let range = start..end;
        if page.is_free(range.clone()) {
            let address = page.slice(&range).to_lowercase();
            out.push(page.found(&range, FactValue::Email(address), Style::Plain));
            page.take(range);
        }
    }
}

/// The first token of the local part that ends before `at`.
fn local_start(page: &Page<'_>, at: usize) -> Option<usize> {
    let mut start = at;
    let mut length = 0;
    while start > 0 && may_be_local(page.kind(start - 1)) && length <= LOCAL_MAX {
        start -= 1;
        length += page.str(start).len();
    }
    // A quotation mark or a full stop that stands before the address is none of it.
    let start = (start..at).find(|&i| page.is_solid(i) || page.is(i, '_'))?;
    (length <= LOCAL_MAX && page.back(at, 1) != Kind::Sign('.')).then_some(start)
}

fn may_be_local(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Word | Kind::Number | Kind::Sign('.' | '_' | '-' | '+' | '%' | '\'' | '&' | '~')
    )
}

/// The token after the domain that begins at `start`: labels between dots, the last one of
/// letters.
fn domain_end(page: &Page<'_>, start: usize) -> Option<usize> {
    let mut end = None;
    let mut i = start;
    let mut length = 0;
    for label in 0.. {
        let from = i;
        while page.is_solid(i) || (page.is(i, '-') && i > from && page.is_solid(i + 1)) {
            length += page.str(i).len();
            i += 1;
        }
        let is_top = page.kind(from) == Kind::Word && page.str(from).chars().nth(1).is_some();
        if i == from || length > DOMAIN_MAX {
            break;
        }
        if label > 0 && is_top && (i == from + 1 || page.str(from).eq_ignore_ascii_case("xn")) {
            end = Some(i);
        }
        if !page.is(i, '.') {
            break;
        }
        i += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use crate::check::check;

    #[test]
    fn an_address_is_found_in_lower_case() {
        check("Mail: Anna.Rossi+x@Example.CO.uk.", "email anna.rossi+x@example.co.uk @6-32");
        check("<mailto:a_b-1@mail-2.example.org>", "email a_b-1@mail-2.example.org @8-32");
    }

    #[test]
    fn quotes_and_stops_around_an_address_are_none_of_it() {
        check("'bob@example.com'", "email bob@example.com @1-16");
        check("(bob@example.com), x", "email bob@example.com @1-16");
    }

    #[test]
    fn digits_of_an_address_are_nothing_else() {
        check("res20931@h12345.example.com", "email res20931@h12345.example.com @0-27");
    }

    #[test]
    fn what_has_no_domain_is_no_address() {
        check("meet @ noon, @anna, a@b, a@.com, .@x", "");
    }
}
