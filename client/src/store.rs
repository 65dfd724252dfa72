//! Where a session waits while its page is loaded again: the tab's session storage.
//!
//! A tab that is duplicated begins with a copy of the storage. So that it does not begin with the session of a page that
//! lives, the entry is there only while there is no page: it is taken when a client connects, and put when its page goes.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    // Where there is no storage, or it is forbidden, they throw.
    #[wasm_bindgen(catch, js_namespace = sessionStorage, js_name = getItem)]
    fn get_item(key: &str) -> Result<Option<String>, JsValue>;
    #[wasm_bindgen(catch, js_namespace = sessionStorage, js_name = setItem)]
    fn set_item(key: &str, value: &str) -> Result<(), JsValue>;
}

/// Why a session is not kept for the page that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsaved {
    /// There is no session storage here, as in a worker, or it may not be used.
    Unavailable,
    /// It takes more than 1 MiB: of what was published and not answered, most likely.
    TooLarge,
    /// The storage takes no more.
    Full,
}

/// One client's entry.
#[derive(Debug)]
pub(crate) struct Store {
    key: String,
}

impl Store {
    pub(crate) fn new(url: &str) -> Self {
        let mut key = String::from("tidewire ");
        key.push_str(url);
        Self { key }
    }

    /// Takes the entry out. Where it is not ours, nothing can be made of it.
    pub(crate) fn take(&self) -> Result<Vec<u8>, Unsaved> {
        let entry = get_item(&self.key).map_err(|_| Unsaved::Unavailable)?;
        self.write("")?;
        let (mut saved, mut high) = (Vec::new(), 0);
        for unit in entry.unwrap_or_default().into_bytes() {
            if unit >= 0xc0 {
                // What was no ASCII is two units here, of which this has the two highest bits.
                high = unit << 6;
            } else {
                saved.push(if high == 0 { unit } else { high | unit & 0x3f });
                high = 0;
            }
        }
        Ok(saved)
    }

    /// Puts an entry.
    pub(crate) fn put(&self, saved: &[u8]) -> Result<(), Unsaved> {
        if saved.len() > MAX_BYTES {
            return Err(Unsaved::TooLarge);
        }
        // A character for each byte: a storage keeps no bytes.
        let mut entry = String::new();
        for byte in saved {
            entry.push(char::from(*byte));
        }
        self.write(&entry)
    }

    fn write(&self, entry: &str) -> Result<(), Unsaved> {
        set_item(&self.key, entry).map_err(|_| Unsaved::Full)
    }
}

/// What browsers let an origin store is about five times as much.
const MAX_BYTES: usize = 1 << 20;
