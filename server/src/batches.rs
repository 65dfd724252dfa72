//! Where the batches of a connection go: into WebSocket messages, or into the answer to a poll.

use bytes::Bytes;

use crate::metrics::Tally;

/// Takes batches in their order, and is full when it has as much as it should hold.
pub(crate) trait Batches {
    fn is_full(&self) -> bool;

    /// What has been moved, for who counts.
    fn tally(&mut self) -> &mut Tally;

    /// How many bytes it takes until it is full.
    fn room(&self) -> usize;

    /// Takes a batch by copying it.
    fn push_batch(&mut self, batch: &[u8]);

    /// Takes a batch of `length` bytes, in pieces that others may hold too.
    fn push_pieces(&mut self, length: usize, pieces: impl IntoIterator<Item = Bytes>);
}
