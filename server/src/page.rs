//! The built page: files with types and caching headers.

use std::path::{Path, PathBuf};

use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS},
};
use warp::{Filter, Reply, filters::BoxedFilter, fs::File, reply::Response};

/// Serves the files of `directory`, `index.html` for `/`.
///
/// Types follow from the files' names, and requests with `If-Modified-Since` or `Range` are answered accordingly. Files
/// whose names have a hash of their content in them, as trunk makes them, may be cached for ever; the others are to be
/// checked each time.
#[must_use]
pub fn page(directory: PathBuf) -> BoxedFilter<(Response,)> {
    warp::fs::dir(directory)
        .map(|file: File| {
            let caching = if is_hashed(file.path()) {
                "public, max-age=31536000, immutable"
            } else {
                "no-cache"
            };
            let mut response = file.into_response();
            response
                .headers_mut()
                .insert(CACHE_CONTROL, HeaderValue::from_static(caching));
            response
                .headers_mut()
                .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            response
        })
        .boxed()
}

/// `/` where no page was built: says how to build it.
#[must_use]
pub fn missing_page() -> BoxedFilter<(Response,)> {
    warp::path::end()
        .and(warp::get())
        .map(|| warp::reply::with_status(warp::reply::html(MISSING_PAGE), StatusCode::OK).into_response())
        .boxed()
}

const MISSING_PAGE: &str = include_str!("missing_page.html");

/// `tidewire-www-0123456789abcdef.js`, `tidewire-www-0123456789abcdef_bg.wasm`: a dash, then 16 hexadecimal digits.
fn is_hashed(path: &Path) -> bool {
    let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else {
        return false;
    };
    let stem = stem.strip_suffix("_bg").unwrap_or(stem);
    stem.rsplit_once('-')
        .is_some_and(|(_, hash)| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_are_cached_for_ever() {
        for name in [
            "a-0123456789abcdef.js",
            "tidewire-www-0123456789abcdef_bg.wasm",
            "style-fedcba9876543210.css",
        ] {
            assert!(is_hashed(Path::new(name)), "{name}");
        }
        for name in [
            "index.html",
            "tidewire-www.js",
            "a-0123456789abcde.js",
            "a-0123456789abcdeg.js",
            "logo-large.svg",
        ] {
            assert!(!is_hashed(Path::new(name)), "{name}");
        }
    }
}
