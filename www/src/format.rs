//! Numbers as the page shows them.

use std::time::Duration;

/// `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `999 B`, `1.5 KiB`, `3.0 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;
    match bytes {
        0..KIB => format!("{bytes} B"),
        KIB..MIB => tenths(bytes, KIB, "KiB"),
        MIB..GIB => tenths(bytes, MIB, "MiB"),
        _ => tenths(bytes, GIB, "GiB"),
    }
}

// In whole numbers: formatting a float would bring its code into the page.
fn tenths(number: u64, unit: u64, name: &str) -> String {
    let tenths = (u128::from(number) * 10 / u128::from(unit)) as u64;
    format!("{}.{} {name}", count(tenths / 10), tenths % 10)
}

/// Milliseconds with one decimal, as fine as browsers measure: `0.8 ms`; whole ones from 100 ms on, seconds from 10 s.
pub(crate) fn round_trip(time: Duration) -> String {
    let micros = time.as_micros() as u64;
    match micros {
        0..100_000 => tenths(micros, 1_000, "ms"),
        100_000..10_000_000 => format!("{} ms", count(micros / 1_000)),
        _ => tenths(micros, 1_000_000, "s"),
    }
}

/// The time since midnight as `09:05:00.042`.
pub(crate) fn time_of_day(since_midnight: Duration) -> String {
    let seconds = since_midnight.as_secs();
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!(
        "{hours:02}:{minutes:02}:{:02}.{:03}",
        seconds % 60,
        since_midnight.subsec_millis()
    )
}

/// `1 message`, `2 messages`.
pub(crate) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn a_size_changes_its_unit_at_each_power_of_1024() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            ((1 << 20) - 1, "1,023.9 KiB"),
            (1 << 20, "1.0 MiB"),
            (3 << 30, "3.0 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn a_round_trip_has_as_many_digits_as_it_deserves() {
        for (micros, text) in [
            (0, "0.0 ms"),
            (849, "0.8 ms"),
            (99_900, "99.9 ms"),
            (100_000, "100 ms"),
            (12_340_000, "12.3 s"),
        ] {
            assert_eq!(round_trip(Duration::from_micros(micros)), text);
        }
    }

    #[test]
    fn a_time_of_day_is_padded() {
        assert_eq!(
            time_of_day(Duration::from_millis(((9 * 60) + 5) * 60_000 + 42)),
            "09:05:00.042"
        );
    }
}
