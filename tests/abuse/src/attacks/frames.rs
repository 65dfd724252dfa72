//! Single frames that break [RFC 6455, section 5](https://www.rfc-editor.org/rfc/rfc6455#section-5).

use anyhow::Result;

use crate::{
    answer::Answer::{self, Close, Dropped, GoesOn},
    attack::Attack,
    frame::{BINARY, CLOSE, FIN, Length, PING, PONG, TEXT, frame, frame_with, unmasked},
    peer::Peer,
    target::Target,
};

const FAULT: &[Answer] = &[Close(1002)];
const NOT_UTF8: &[Answer] = &[Close(1007)];
const TOO_BIG: &[Answer] = &[Close(1009)];

/// Lengths that the RFC forbids and that are too large as well.
const FAULT_OR_TOO_BIG: &[Answer] = &[Close(1002), Close(1009)];

/// A length in more bytes than it needs harms nobody; a server may take it.
const FAULT_OR_TAKEN: &[Answer] = &[Close(1002), GoesOn];

pub(super) static ATTACKS: &[Attack] = &[
    Attack::frames("reserved bit 1", FAULT, |_| frame(FIN | 0x40 | BINARY, b"x")),
    Attack::frames("reserved bit 2", FAULT, |_| frame(FIN | 0x20 | BINARY, b"x")),
    Attack::frames("reserved bit 3", FAULT, |_| frame(FIN | 0x10 | BINARY, b"x")),
    Attack::frames("reserved bit on a ping", FAULT, |_| frame(FIN | 0x40 | PING, b"x")),
    Attack::frames("opcode 3", FAULT, |_| frame(FIN | 3, b"x")),
    Attack::frames("opcode 4", FAULT, |_| frame(FIN | 4, b"x")),
    Attack::frames("opcode 5", FAULT, |_| frame(FIN | 5, b"x")),
    Attack::frames("opcode 6", FAULT, |_| frame(FIN | 6, b"x")),
    Attack::frames("opcode 7", FAULT, |_| frame(FIN | 7, b"x")),
    Attack::frames("opcode 11", FAULT, |_| frame(FIN | 11, b"x")),
    Attack::frames("opcode 12", FAULT, |_| frame(FIN | 12, b"x")),
    Attack::frames("opcode 13", FAULT, |_| frame(FIN | 13, b"x")),
    Attack::frames("opcode 14", FAULT, |_| frame(FIN | 14, b"x")),
    Attack::frames("opcode 15", FAULT, |_| frame(FIN | 15, b"x")),
    Attack::frames("no mask", FAULT, |_| unmasked(FIN | BINARY, b"x")),
    Attack::frames("ping without mask", FAULT, |_| unmasked(FIN | PING, b"x")),
    Attack::frames("close without mask", FAULT, |_| {
        unmasked(FIN | CLOSE, &1000_u16.to_be_bytes())
    }),
    Attack::frames("ping of 126 bytes", FAULT, |_| frame(FIN | PING, &[0; 126])),
    Attack::frames("pong of 64 KiB", FAULT, |_| frame(FIN | PONG, &[0; 65536])),
    Attack::frames("ping in fragments", FAULT, |_| frame(PING, b"x")),
    Attack::frames("length in two bytes too many", FAULT_OR_TAKEN, |_| {
        frame_with(FIN | PING, Length::Bits16(1), b"x")
    }),
    Attack::frames("length in eight bytes too many", FAULT_OR_TAKEN, |_| {
        frame_with(FIN | PING, Length::Bits64(1), b"x")
    }),
    Attack::frames("length with its top bit set", FAULT_OR_TOO_BIG, |_| {
        frame_with(FIN | BINARY, Length::Bits64(1 << 63 | 5), b"12345")
    }),
    Attack::frames("length of 2^63 - 1", TOO_BIG, |_| {
        frame_with(FIN | BINARY, Length::Bits64(i64::MAX as u64), b"x")
    }),
    Attack::frames("length of 4 GiB", TOO_BIG, |_| {
        frame_with(FIN | BINARY, Length::Bits64(1 << 32), b"x")
    }),
    Attack::frames("one byte more than a message may have", TOO_BIG, |target| {
        frame(FIN | BINARY, &vec![0; target.max_message_bytes + 1])
    }),
    Attack::frames("more bytes than the length says", FAULT, |_| {
        // What is over begins with 0x58, a frame with a reserved bit.
        [frame_with(FIN | PING, Length::Bits7(1), b"x"), vec![b'X'; 200]].concat()
    }),
    Attack::act(
        "fewer bytes than the length says, then the end",
        &[Dropped],
        |target, path| Box::pin(cut_short(target, path)),
    ),
    Attack::frames("text that is not UTF-8", NOT_UTF8, |_| {
        frame(FIN | TEXT, b"caf\xe9 au lait")
    }),
    Attack::frames("text with a surrogate", NOT_UTF8, |_| {
        frame(FIN | TEXT, b"\xed\xa0\x80")
    }),
    Attack::frames("text with an overlong form", NOT_UTF8, |_| {
        frame(FIN | TEXT, b"\xc0\xaf")
    }),
    Attack::frames("text with a character cut off", NOT_UTF8, |_| {
        frame(FIN | TEXT, b"\xf0\x9f\x92")
    }),
    Attack::frames("text beyond Unicode", NOT_UTF8, |_| {
        frame(FIN | TEXT, b"\xf4\x90\x80\x80")
    }),
    Attack::frames("noise", FAULT, |_| {
        let noise = (1_u32..2000).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8);
        [&[0xff][..], &noise.collect::<Vec<_>>()].concat()
    }),
    Attack::frames("zeroes", FAULT, |_| vec![0; 4096]),
];

/// Announces more than there is, and ends.
async fn cut_short(target: Target, path: &str) -> Result<Answer> {
    let mut peer = Peer::open(target, path).await?;
    peer.send(&frame_with(FIN | BINARY, Length::Bits16(1000), &[0; 999]))
        .await?;
    peer.end().await?;
    peer.verdict().await
}
