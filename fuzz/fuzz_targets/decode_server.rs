//! Any bytes as a server's batch: what is decoded says nothing that they do not, and is decoded to itself again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidewire_protocol::{Frame, decode, frame::ServerFrame};

fuzz_target!(|bytes: &[u8]| {
    let mut all = Vec::new();
    for frame in decode::<ServerFrame<'_>>(bytes).map_while(Result::ok) {
        let mut again = Vec::new();
        frame.encode(&mut again);
        assert_eq!(decode(&again).collect::<Vec<_>>(), [Ok(frame)]);
        all.extend(again);
    }
    assert!(all.len() <= bytes.len());
});
