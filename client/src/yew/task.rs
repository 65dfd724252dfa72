//! Tasks that end with the value that holds them.

use core::future::Future;

use futures_util::future::{AbortHandle, abortable};
use yew::platform::spawn_local;

/// A task. Dropping it ends the task where it waits.
#[derive(Debug)]
pub(super) struct Task(AbortHandle);

impl Task {
    /// Begins a task.
    pub(super) fn spawn(future: impl Future<Output = ()> + 'static) -> Self {
        let (future, handle) = abortable(future);
        spawn_local(async {
            // Nobody asks whether it was ended.
            let _ = future.await;
        });
        Self(handle)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
