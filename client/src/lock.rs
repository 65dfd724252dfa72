//! What guards a client's session: a mutex, or in a page, which has one thread, a cell that costs less.

#[cfg(target_arch = "wasm32")]
pub(crate) use cell::{Guard, Lock};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use mutex::{Guard, Lock};

/// What may go to another thread, where there is one.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) trait MaybeSend: Send {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send> MaybeSend for T {}

/// What may go to another thread, where there is one.
#[cfg(target_arch = "wasm32")]
pub(crate) trait MaybeSend {}
#[cfg(target_arch = "wasm32")]
impl<T> MaybeSend for T {}

#[cfg(not(target_arch = "wasm32"))]
mod mutex {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    pub(crate) type Guard<'a, T> = MutexGuard<'a, T>;

    pub(crate) struct Lock<T>(Mutex<T>);

    impl<T> Lock<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> Guard<'_, T> {
            // Nothing is left half done where somebody panicked.
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}

#[cfg(target_arch = "wasm32")]
mod cell {
    use core::cell::{RefCell, RefMut};

    pub(crate) type Guard<'a, T> = RefMut<'a, T>;

    pub(crate) struct Lock<T>(RefCell<T>);

    impl<T> Lock<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(RefCell::new(value))
        }

        /// Nothing that could lock it again runs while it is locked.
        pub(crate) fn lock(&self) -> Guard<'_, T> {
            self.0.borrow_mut()
        }
    }
}
