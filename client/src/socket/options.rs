//! What a socket is opened with.

/// How a [`Socket`](crate::Socket) is opened: subprotocols and bounds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SocketOptions {
    /// The subprotocols offered to the server, best first; none by default.
    ///
    /// Browsers end a connection whose server chose none of those offered.
    pub protocols: Vec<String>,
    /// How many bytes of events [`Events`](crate::Events) holds before the socket closes with
    /// [`CloseCode::OVERRUN`](crate::CloseCode::OVERRUN); 16 MiB by default.
    ///
    /// A message counts its bytes and 64 more, for what keeping it costs.
    pub max_queued_bytes: usize,
    /// The [`buffered_amount`](crate::Socket::buffered_amount) past which
    /// [`send`](crate::Socket::send) gives messages back; 16 MiB by default.
    ///
    /// What waits to be sent is thus at most this and one message.
    pub max_buffered_bytes: u32,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            protocols: Vec::new(),
            max_queued_bytes: 16 << 20,
            max_buffered_bytes: DEFAULT_MAX_BUFFERED_BYTES,
        }
    }
}

/// Shared with the JavaScript surface.
pub(crate) const DEFAULT_MAX_BUFFERED_BYTES: u32 = 16 << 20;
