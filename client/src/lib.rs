//! Tidewire in the browser.
