//! JSON as slices of its source: an object that was kept can be shown byte for byte.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of a JSON object in their order, each value as its exact text.
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The members of this object; `None` where the text is no JSON object.
    pub(crate) fn of(bytes: &'a [u8]) -> Option<Self> {
        Self::of_text(std::str::from_utf8(bytes).ok()?)
    }

    /// The same of a text.
    pub(crate) fn of_text(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// A member's exact text. Of two with the same name the last one counts, as in other
    /// readers of JSON.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rfind(|(key, _)| key == name).map(|(_, raw)| raw.get())
    }

    /// A member's text, where it is a string that is not empty.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let text: String = serde_json::from_str(self.get(name)?).ok()?;
        (!text.is_empty()).then_some(text)
    }

    /// A member's whole number.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    /// The elements of a member that is an array.
    pub(crate) fn array(&self, name: &str) -> Option<Vec<&'a RawValue>> {
        serde_json::from_str(self.get(name)?).ok()
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A member's name, in the source itself where it is written there without escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InPlace;
        impl<'de> Visitor<'de> for InPlace {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(InPlace)
    }
}

/// The objects that stand in a text.
#[derive(Default)]
pub(crate) struct Slices<'a> {
    /// Each object's exact bytes, in their order.
    pub(crate) objects: Vec<&'a [u8]>,
    /// Why the text could not be read to its end, where that is so. The objects are then those
    /// that could be made out all the same.
    pub(crate) broken: Option<String>,
}

/// Slices one or more JSON documents, one after the other: lists of Stripe (`{"object":
/// "list", "data": […]}`), bare arrays and single objects.
pub(crate) fn slice(bytes: &[u8]) -> Slices<'_> {
    let mut slices = Slices::default();
    let mut documents = serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>();
    loop {
        let start = documents.byte_offset();
        match documents.next() {
            None => return slices,
            Some(Ok(document)) => unfold(document, 0, &mut slices.objects),
            Some(Err(error)) => {
                slices.broken = Some(error.to_string());
                salvage(&bytes[start..], &mut slices.objects);
                return slices;
            }
        }
    }
}

/// Lists within lists are unfolded to this depth: an array of pages is one such.
const NESTED_LISTS: usize = 4;

fn unfold<'a>(value: &'a RawValue, depth: usize, objects: &mut Vec<&'a [u8]>) {
    match elements(value.get()).filter(|_| depth < NESTED_LISTS) {
        Some(elements) => {
            elements.into_iter().for_each(|element| unfold(element, depth + 1, objects));
        }
        None => objects.push(value.get().as_bytes()),
    }
}

fn elements(text: &str) -> Option<Vec<&RawValue>> {
    if text.starts_with('[') {
        return serde_json::from_str(text).ok();
    }
    let members = Members::of(text.as_bytes())?;
    let is_list = match members.text("object").as_deref() {
        Some("list" | "search_result") => true,
        Some(_) => false,
        None => members.get("id").is_none(),
    };
    members.array("data").filter(|_| is_list)
}

/// No object of Stripe's comes near this length in bytes.
const LONGEST_OBJECT: usize = 1 << 20;
/// A broken text is read at most so many times its length before it is given up, so that one of
/// nothing but opened braces does not hold up a recovery.
const SALVAGE_EFFORT: usize = 64;

/// Finds the objects with an id that stand whole in a broken text: those of a list that was
/// cut off, or around a damaged one.
fn salvage<'a>(bytes: &'a [u8], objects: &mut Vec<&'a [u8]>) {
    let mut effort = bytes.len().saturating_mul(SALVAGE_EFFORT);
    let mut at = 0;
    while let Some(offset) = bytes[at..].iter().position(|&b| b == b'{') {
        let start = at + offset;
        let reach = &bytes[start..bytes.len().min(start + LONGEST_OBJECT)];
        let mut stream = serde_json::Deserializer::from_slice(reach).into_iter::<&RawValue>();
        let cost = match stream.next() {
            Some(Ok(value)) => {
                let object = value.get().as_bytes();
                if Members::of(object).is_some_and(|members| members.text("id").is_some()) {
                    objects.push(object);
                    at = start + object.len();
                    continue;
                }
                object.len()
            }
            Some(Err(error)) => position(reach, &error),
            None => 0,
        };
        at = start + 1;
        match effort.checked_sub(cost) {
            Some(left) => effort = left,
            None => return,
        }
    }
}

/// How many bytes were read before the error was met.
fn position(bytes: &[u8], error: &serde_json::Error) -> usize {
    let lines = bytes.split_inclusive(|&b| b == b'\n');
    lines.take(error.line().saturating_sub(1)).map(<[u8]>::len).sum::<usize>() + error.column()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, objects: &[&str], is_broken: bool) {
        let slices = slice(text.as_bytes());
        let found: Vec<_> =
            slices.objects.iter().map(|b| std::str::from_utf8(b).unwrap()).collect();
        assert_eq!(found, objects, "{text}");
        assert_eq!(slices.broken.is_some(), is_broken, "{text}");
    }

    #[test]
    fn objects_come_out_byte_for_byte() {
        let odd = r#"{ "id":"ch_1",  "amount":1.50e0,"x":"\u00e4" }"#;
        check(&format!(" {odd}\n"), &[odd], false);
        check(&format!("[{odd}, {odd}]"), &[odd, odd], false);
        check(&format!(r#"{{"object":"list","data":[{odd} ]}}"#), &[odd], false);
    }

    #[test]
    fn pages_one_after_the_other_and_arrays_of_pages_are_unfolded() {
        let page = r#"{"object":"list","data":[{"id":"a"}]}"#;
        check(&format!("{page}\n{page}"), &[r#"{"id":"a"}"#; 2], false);
        check(&format!("[{page},{page}]"), &[r#"{"id":"a"}"#; 2], false);
    }

    #[test]
    fn a_list_inside_an_object_stays_inside_it() {
        let charge =
            r#"{"id":"ch_1","object":"charge","refunds":{"object":"list","data":[{"id":"re_1"}]}}"#;
        check(charge, &[charge], false);
        let event = r#"{"id":"evt_1","object":"event","data":[1]}"#;
        check(event, &[event], false);
    }

    #[test]
    fn a_list_cut_off_gives_the_objects_before_the_cut() {
        check(
            r#"{"object":"list","data":[{"id":"a"},{"id":"b"},{"id":"c","billing":{"email":"x@"#,
            &[r#"{"id":"a"}"#, r#"{"id":"b"}"#],
            true,
        );
    }

    #[test]
    fn a_damaged_object_does_not_take_its_neighbours_along() {
        check(
            r#"[{"id":"a"},{"id":"b" "amount":1,"m":{"k":1}},{"id":"c"}]"#,
            &[r#"{"id":"a"}"#, r#"{"id":"c"}"#],
            true,
        );
    }

    #[test]
    fn a_text_of_braces_alone_ends() {
        check(&r#"{"a":"#.repeat(20_000), &[], true);
    }
}
