//! Which trace a request belongs to: [W3C Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header).

use http::HeaderMap;
use tracing::{Span, field::Empty, info_span};

/// The header that says so.
const TRACEPARENT: &str = "traceparent";

/// A span for what is done about a publish over HTTP, in the trace that its caller has begun. What the header says is taken as it is,
/// where it is well-formed, and is in each line of the log from within.
pub(crate) fn publish_span(headers: &HeaderMap) -> Span {
    let span = info_span!("publish", trace_id = Empty, parent_id = Empty, sampled = Empty);
    if let Some(parent) = parent(headers) {
        span.record("trace_id", parent.trace_id);
        span.record("parent_id", parent.parent_id);
        span.record("sampled", parent.is_sampled);
    }
    span
}

/// What called.
#[derive(Debug, PartialEq, Eq)]
struct Parent<'a> {
    /// 32 hexadecimal digits.
    trace_id: &'a str,
    /// 16 hexadecimal digits: the caller's span.
    parent_id: &'a str,
    is_sampled: bool,
}

/// `None` where the header is not there once, or not well-formed: then there is no trace, as the standard has it.
fn parent(headers: &HeaderMap) -> Option<Parent<'_>> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else {
        return None;
    };
    let (version, rest) = value.split_once('-')?;
    let (trace_id, rest) = rest.split_once('-')?;
    let (parent_id, rest) = rest.split_once('-')?;
    let flags = match version {
        // Later versions may say more after the flags.
        _ if version != "00" => rest.split('-').next()?,
        _ => rest,
    };
    let is_good = is_id(version, 2)
        && version != "ff"
        && is_id(flags, 2)
        && [(trace_id, 32), (parent_id, 16)]
            .iter()
            .all(|(id, length)| is_id(id, *length) && id.bytes().any(|digit| digit != b'0'));
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1;
    is_good.then_some(Parent {
        trace_id,
        parent_id,
        is_sampled: sampled == 1,
    })
}

/// So many lower-case hexadecimal digits.
fn is_id(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(values: &[&str]) -> Option<(String, String, bool)> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, value.parse().expect("a value"));
        }
        parent(&headers).map(|it| (it.trace_id.to_owned(), it.parent_id.to_owned(), it.is_sampled))
    }

    #[test]
    fn what_the_standard_gives_as_good_is_taken() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        for (value, sampled) in [
            (format!("00-{trace}-{span}-01"), true),
            (format!("00-{trace}-{span}-00"), false),
            (format!("cc-{trace}-{span}-03-what-comes-later"), true),
            (format!("cc-{trace}-{span}-02"), false),
        ] {
            let expected = Some((trace.to_owned(), span.to_owned(), sampled));
            assert_eq!(parsed(&[&value]), expected, "{value}");
        }
    }

    #[test]
    fn what_is_not_well_formed_is_no_trace() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for value in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
        ] {
            assert_eq!(parsed(&[value]), None, "{value}");
        }
        assert_eq!(parsed(&[good, good]), None);
        assert_eq!(parsed(&[]), None);
    }
}
