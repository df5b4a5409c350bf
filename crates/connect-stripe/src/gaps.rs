//! What could not be pulled.

use std::collections::BTreeMap;

use restitch_model::Remark;

/// So many accounts of one gap are named.
const NAMED: usize = 3;

/// The gaps of a pull: those of many accounts with one reason are one, since a permission that
/// the key lacks is missing for each of them.
#[derive(Debug, Default)]
pub(crate) struct Gaps(BTreeMap<(&'static str, String), Of>);

#[derive(Debug, Default)]
struct Of {
    containers: Vec<String>,
    /// Under which Stripe finds the first of the requests.
    request: Option<String>,
}

impl Gaps {
    /// What an endpoint should have given for a container was not pulled to its end.
    pub(crate) fn add(
        &mut self,
        endpoint: &'static str,
        container: &str,
        words: &str,
        request: Option<&str>,
    ) {
        let of = self.0.entry((endpoint, words.to_owned())).or_default();
        of.request = of.request.take().or(request.map(str::to_owned));
        if !of.containers.iter().any(|known| known == container) {
            of.containers.push(container.to_owned());
        }
    }

    /// Each gap in words.
    pub(crate) fn told(&self) -> Vec<Remark> {
        let remark = |((endpoint, words), of): (&(&'static str, String), &Of)| {
            let named: Vec<_> = of.containers.iter().take(NAMED).map(String::as_str).collect();
            let more = match of.containers.len().saturating_sub(NAMED) {
                0 => String::new(),
                n => format!(" and {n} more accounts"),
            };
            let request = of.request.as_ref().map_or(String::new(), |id| format!(" [{id}]"));
            let text = format!(
                "this was not pulled to its end: {words}{request}; if the key lacks the \
                 permission to read it, add that and pull again"
            );
            Remark::new(format!("/v1/{endpoint} of {}{more}", named.join(", ")), text)
        };
        self.0.iter().map(remark).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reason_for_many_accounts_is_one_gap() {
        let mut gaps = Gaps::default();
        for n in 1..6 {
            gaps.add("refunds", &format!("acct_{n}"), "status 403, no", Some("req_1"));
        }
        gaps.add("refunds", "acct_1", "status 403, no", None);
        gaps.add("charges", "platform", "status 404", None);
        let gaps: Vec<_> = gaps.told().iter().map(ToString::to_string).collect();
        assert_eq!(gaps.len(), 2);
        assert!(gaps[0].starts_with("/v1/charges of platform: "), "{}", gaps[0]);
        let refunds = "/v1/refunds of acct_1, acct_2, acct_3 and 2 more accounts: this was not \
                       pulled to its end: status 403, no [req_1]; if";
        assert!(gaps[1].starts_with(refunds), "{}", gaps[1]);
    }
}
