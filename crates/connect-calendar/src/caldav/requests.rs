//! The bodies of what is asked.

/// What is to be known of a collection to find calendars.
pub(crate) const COLLECTION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
    <propfind xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><prop>\
    <resourcetype/><displayname/><current-user-principal/><principal-URL/>\
    <supported-report-set/><C:calendar-home-set/><C:supported-calendar-component-set/>\
    </prop></propfind>";

/// What lies in a calendar, where the server cannot tell what changed.
pub(crate) const LISTING: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
    <propfind xmlns=\"DAV:\"><prop><resourcetype/><getetag/></prop></propfind>";

/// What changed in a calendar since a token, or all that lies in it (RFC 6578, 3.2).
pub(crate) fn sync_collection(token: Option<&str>) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <sync-collection xmlns=\"DAV:\"><sync-token>{}</sync-token><sync-level>1</sync-level>\
         <prop><getetag/></prop></sync-collection>",
        escaped(token.unwrap_or_default())
    )
}

/// The resources of these addresses (RFC 4791, 7.9).
pub(crate) fn multiget<'h>(hrefs: impl IntoIterator<Item = &'h str>) -> String {
    let hrefs = hrefs.into_iter().map(|href| format!("<D:href>{}</D:href>", escaped(href)));
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <C:calendar-multiget xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\">\
         <D:prop><D:getetag/><C:calendar-data/></D:prop>{}</C:calendar-multiget>",
        hrefs.collect::<String>()
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
