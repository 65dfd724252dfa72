//! The virtual clock of tests that drive it themselves.

/// Has the virtual clock stand still but for what the test does, until it is dropped: tokio does not move it while something
/// blocks.
pub(crate) fn hold() -> std::sync::mpsc::Sender<()> {
    let (held, until) = std::sync::mpsc::channel();
    tokio::task::spawn_blocking(move || until.recv());
    tokio::time::pause();
    held
}
