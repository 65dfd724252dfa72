//! The same module without the machine: what is left is not the machine's size.

use wasm_bindgen::prelude::wasm_bindgen;

/// Bytes that come out as they went in.
#[wasm_bindgen]
pub struct Module {
    out: Vec<u8>,
}

#[wasm_bindgen]
impl Module {
    /// Nothing yet.
    #[wasm_bindgen(constructor)]
    pub fn new(now: f64, seed: u64) -> Self {
        Self {
            out: vec![now as u8, seed as u8],
        }
    }

    /// Takes all that the other module takes.
    pub fn tell(&mut self, now: f64, what: u8, attempt: u64, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.out.extend([now as u8, what, attempt as u8]);
    }

    /// Takes all that the other module takes.
    pub fn act(&mut self, now: f64, what: u8, id: u32, room: &str, bytes: &[u8]) -> u32 {
        self.tell(now, what, id.into(), bytes);
        self.out.extend_from_slice(room.as_bytes());
        self.out.len() as u32
    }

    /// Gives nothing of its own.
    pub fn poll(&mut self) -> u32 {
        self.out.pop().map_or(0, u32::from)
    }

    /// All bytes.
    pub fn out(&self) -> Vec<u8> {
        self.out.clone()
    }
}
