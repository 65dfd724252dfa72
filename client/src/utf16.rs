//! How long a text is in JavaScript.

/// In units of UTF-16: each character begins with a byte that goes on no other, and those of four bytes are two units.
pub(crate) fn len(text: &str) -> usize {
    // Most are, and that is seen many bytes at a time.
    if text.is_ascii() {
        return text.len();
    }
    let units = |byte: &u8| usize::from(byte & 0xc0 != 0x80) + usize::from(*byte >= 0xf0);
    text.as_bytes().iter().map(units).sum()
}

#[cfg(test)]
mod tests {
    use super::len;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_text_is_as_long_as_javascript_says() {
        for text in ["", "ascii", "é", "☃", "🌊", "a é ☃ 🌊\u{10ffff}"] {
            assert_eq!(len(text), text.encode_utf16().count(), "{text}");
        }
    }
}
