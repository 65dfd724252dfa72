//! Any pattern and any room's name: what matches is what the definition says, written down plainly.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidewire_server::Pattern;

fuzz_target!(|input: (&str, &str)| {
    let (pattern, room) = input;
    let Ok(parsed) = pattern.parse::<Pattern>() else {
        assert!(pattern.is_empty() || pattern.len() > Pattern::MAX_BYTES);
        return;
    };
    assert_eq!(parsed.to_string(), pattern);
    let is_match = parsed.matches(room);
    // The definition takes exponential time.
    if pattern.matches('*').count() <= 4 && room.len() <= 32 {
        assert_eq!(is_match, fits(pattern.as_bytes(), room.as_bytes()));
    }
});

fn fits(pattern: &[u8], room: &[u8]) -> bool {
    match pattern {
        [] => room.is_empty(),
        [b'*', b'*', rest @ ..] => (0..=room.len()).any(|end| fits(rest, &room[end..])),
        [b'*', rest @ ..] => {
            let mut ends = (0..=room.len()).take_while(|end| !room[..*end].contains(&b'/'));
            ends.any(|end| fits(rest, &room[end..]))
        }
        [byte, rest @ ..] => room.first() == Some(byte) && fits(rest, &room[1..]),
    }
}
