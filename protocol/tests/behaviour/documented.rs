//! The examples of `docs/PROTOCOL.md`.

const PROTOCOL: &str = include_str!("../../../docs/PROTOCOL.md");

/// An example, under a heading of the third level.
#[derive(Debug)]
pub(crate) struct Example {
    /// The heading of the second level above it, which says who sends the frame.
    #[cfg_attr(
        target_arch = "wasm32",
        allow(dead_code, reason = "who asks for it needs files or threads")
    )]
    pub(crate) part: &'static str,
    /// Its heading: the name of the frame.
    pub(crate) name: &'static str,
    /// What stands there in hexadecimal.
    pub(crate) bytes: Vec<u8>,
}

/// All of them, in order.
pub(crate) fn examples() -> Vec<Example> {
    let parts = PROTOCOL.split("\n## ").skip(1);
    parts
        .flat_map(|part| {
            let sections = part.split("\n### ").skip(1);
            sections.filter_map(move |section| {
                let (_, rest) = section.split_once("```hex\n")?;
                Some(Example {
                    part: title(part),
                    name: title(section),
                    bytes: bytes(rest.split("```").next().expect("an end")),
                })
            })
        })
        .collect()
}

fn title(text: &str) -> &str {
    text.lines().next().expect("a heading").trim()
}

fn bytes(hex: &str) -> Vec<u8> {
    let words = hex.split_whitespace();
    words
        .map(|word| u8::from_str_radix(word, 16).expect("two hexadecimal digits"))
        .collect()
}
