//! Gives free memory of the heap back to the system.
//!
//! glibc keeps what a program has freed, other than at a heap's end, until it is asked: a server that once had many connections
//! would look as if it had them still. Elsewhere, and with another allocator, nothing is known and nothing done.

/// How many bytes the heap has that nobody uses, whether they were given back or not. Zero where that is not known.
///
/// It looks at each free piece; that takes up to some milliseconds.
#[must_use]
pub fn free_bytes() -> usize {
    system::free_bytes()
}

/// Gives back all whole pages that nobody uses
/// ([`malloc_trim`](https://man7.org/linux/man-pages/man3/malloc_trim.3.html)). It takes milliseconds, in which threads that
/// allocate may wait.
pub fn trim() {
    system::trim();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod system {
    pub(super) fn free_bytes() -> usize {
        // SAFETY: it takes nothing, and returns numbers; glibc holds its own locks.
        unsafe { libc::mallinfo2() }.fordblks
    }

    pub(super) fn trim() {
        // SAFETY: it gives back only what nobody has; glibc holds its own locks.
        unsafe { libc::malloc_trim(0) };
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod system {
    pub(super) fn free_bytes() -> usize {
        0
    }

    pub(super) fn trim() {}
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use std::fs;

    /// In pages.
    fn resident() -> usize {
        let statm = fs::read_to_string("/proc/self/statm").expect("Linux has it");
        let second = statm.split(' ').nth(1).expect("a second number");
        second.parse().expect("a number")
    }

    #[test]
    fn what_was_freed_between_what_is_used_is_given_back() {
        // Each below the size from which the allocator asks the system for it alone.
        let mut pieces: Vec<Option<Box<[u8]>>> = (0..2000).map(|_| Some(vec![1; 32 << 10].into())).collect();
        let before = super::free_bytes();
        for (index, piece) in pieces.iter_mut().enumerate() {
            if index % 100 > 0 {
                *piece = None;
            }
        }
        let (freed, full) = (super::free_bytes(), resident());
        assert!(freed > before + (48 << 20), "{before} {freed}");
        super::trim();
        assert!(resident() < full - 10_000, "{full} pages, then {}", resident());
        assert_eq!(pieces.iter().flatten().count(), 20);
    }
}
