//! Blanks the data of panics in a wasm module.
//!
//! Once the words of panics are never written (see `snip`), what they were made of is of no use: where a panic was, the names of
//! source files, the standard library's phrases. It is a twentieth of the package. No function refers to it any more, but
//! wasm-opt cannot know that of bytes in memory; where there are only zeros, it leaves them out.

use std::ops::Range;

/// Blanks these bytes of the module's memory, which begin at this address. Returns how many it blanked.
pub(crate) fn blank(memory: &mut [u8], address: usize) -> usize {
    let paths = paths(memory);
    let mut dead = locations(memory, address, &paths);
    for phrase in PHRASES {
        dead.extend(find(memory, phrase));
    }
    dead.extend(paths);
    for range in &dead {
        memory[range.clone()].fill(0);
    }
    dead.into_iter().map(|range| range.len()).sum()
}

/// The names of source files. Each is followed by a zero, and most follow one.
fn paths(memory: &[u8]) -> Vec<Range<usize>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    let ends = find(memory, b".rs\0").into_iter();
    let paths = ends.map(|range| {
        let before = &memory[..range.start];
        let start = before.iter().rposition(|byte| !is_part(byte)).map_or(0, |at| at + 1);
        start..range.end - 1
    });
    paths.collect()
}

/// Where panics were: a path's address and length, a line and a column, each of four bytes.
fn locations(memory: &[u8], address: usize, paths: &[Range<usize>]) -> Vec<Range<usize>> {
    let word = |at: usize| {
        let bytes = memory[at..at + 4].try_into().unwrap_or_default();
        u32::from_le_bytes(bytes) as usize
    };
    let aligned = address.next_multiple_of(4) - address;
    let starts = (aligned..memory.len().saturating_sub(LOCATION_BYTES - 1)).step_by(4);
    let is_location = |at: &usize| {
        let (start, length) = (word(*at).wrapping_sub(address), word(at + 4));
        let end = start.wrapping_add(length);
        paths.iter().any(|path| path.end == end && path.contains(&start))
    };
    starts.filter(is_location).map(|at| at..at + LOCATION_BYTES).collect()
}

fn find(memory: &[u8], what: &[u8]) -> Vec<Range<usize>> {
    let windows = memory.windows(what.len()).enumerate();
    let found = windows.filter(|(_, window)| *window == what);
    found.map(|(at, _)| at..at + what.len()).collect()
}

const LOCATION_BYTES: usize = 16;
/// What the standard library says in a panic. Between the pieces are their lengths, and marks where values go. Nothing else that
/// ships makes text of values, so numbers as text are among it.
const PHRASES: &[&[u8]] = &[
    b"\x16slice index starts at \xc0\x0d but ends at \xc0\0",
    b" index out of bounds: the len is \xc0\x12 but the index is \xc0\0",
    b"\x12range start index \xc0\x22 out of range for slice of length \xc0\0",
    b"\x10range end index \xc0\x22 out of range for slice of length \xc0\0",
    b"\x10assertion `left \xc0\x17 right` failed\n  left: \xc0\x09\n right: \xc0\0",
    b"\x10assertion `left \xc0\x10 right` failed: \xc0\x09\n  left: \xc0\x09\n right: \xc0\0",
    b"\xc0\x02: \xc0\0",
    b"\x12removal index (is \xc0\x16) should be < len (is \xc0\x01)\0",
    b"Arc counter overflow",
    b"overflow in Duration::new",
    b"overflow when adding durations",
    b"LayoutError",
    b"Out of bounds access",
    b"dest is out of bounds",
    b"assertion failed: i < self.len()",
    b"assertion failed: j < self.len()",
    b"called `Result::unwrap()` on an `Err` value",
    b"Tried to shrink to a larger capacity",
    b"capacity overflow",
    b"RefCell already borrowed",
    b"RefCell already mutably borrowed",
    b"0x0123456789ABCDEF",
    b"0123456789abcdef",
    b"==!=matches",
    b"00010203040506070809101112131415161718192021222324252627282930313233343536373839\
      40414243444546474849505152535455565758596061626364656667686970717273747576777879\
      8081828384858687888990919293949596979899",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_panics_go_and_the_rest_stays() {
        let mut memory = b"kept\xffsrc/lib.rs\0RefCell already borrowedkept\0\0".to_vec();
        memory.resize(48, 0);
        memory.extend(
            [1005_u32, 10, 7, 3, 1005, 9, 7, 3]
                .iter()
                .flat_map(|it| it.to_le_bytes()),
        );
        let blanked = blank(&mut memory, 1000);
        let mut expected = b"kept\xff".to_vec();
        expected.resize(15 + 1 + 24, 0);
        expected.extend(b"kept\0\0");
        expected.resize(64, 0);
        expected.extend([1005_u32, 9, 7, 3].iter().flat_map(|it| it.to_le_bytes()));
        assert_eq!((memory, blanked), (expected, 10 + 24 + 16));
    }

    #[test]
    fn what_only_looks_like_a_place_stays() {
        let mut memory = [1_u32, 2, 3, 4]
            .iter()
            .flat_map(|it| it.to_le_bytes())
            .collect::<Vec<_>>();
        let before = memory.clone();
        assert_eq!((blank(&mut memory, 0), memory), (0, before));
    }
}
