//! Requests and the heads of answers: [RFC 9112](https://www.rfc-editor.org/rfc/rfc9112).

/// The key of the RFC's example, and what must be said to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The head of an HTTP answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    lines: Vec<String>,
}

impl Head {
    pub(crate) fn new(status: u16, lines: Vec<String>) -> Self {
        Self { status, lines }
    }

    /// A header's value; its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.lines.iter().filter_map(|line| line.split_once(':'));
        headers.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value.trim()))
    }
}

/// The lines of a good opening handshake, without the empty one.
pub(crate) fn upgrade(path: &str) -> Vec<String> {
    vec![
        format!("GET {path} HTTP/1.1"),
        "Host: localhost".into(),
        "Upgrade: websocket".into(),
        "Connection: Upgrade".into(),
        format!("Sec-WebSocket-Key: {KEY}"),
        "Sec-WebSocket-Version: 13".into(),
    ]
}

/// Lines as they go over the wire, with the empty one.
pub(crate) fn head_of(lines: &[String]) -> Vec<u8> {
    format!("{}\r\n\r\n", lines.join("\r\n")).into_bytes()
}
