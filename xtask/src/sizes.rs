//! What a file weighs on the wire.

use std::io::Write;

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Sizes in bytes: as it is, and as a server with patience compresses it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sizes {
    pub(crate) raw: usize,
    pub(crate) gzip: usize,
    pub(crate) brotli: usize,
}

impl Sizes {
    /// Compresses `content` at the highest levels.
    pub(crate) fn of(content: &[u8]) -> Result<Self> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(content)?;
        let mut brotli = Vec::new();
        let params = brotli::enc::BrotliEncoderParams {
            quality: 11,
            lgwin: 22,
            ..Default::default()
        };
        brotli::BrotliCompress(&mut &content[..], &mut brotli, &params)?;
        Ok(Self {
            raw: content.len(),
            gzip: gzip.finish()?.len(),
            brotli: brotli.len(),
        })
    }

    /// The difference; nothing where the other is larger.
    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            raw: self.raw.saturating_sub(other.raw),
            gzip: self.gzip.saturating_sub(other.gzip),
            brotli: self.brotli.saturating_sub(other.brotli),
        }
    }

    /// The sum, for files that are sent one by one.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            raw: self.raw + other.raw,
            gzip: self.gzip + other.gzip,
            brotli: self.brotli + other.brotli,
        }
    }
}

/// Sizes in bytes as a table, and what the last row may have with gzip.
pub(crate) fn table(rows: &[(&str, Sizes)], bar: usize) -> String {
    let mut table = format!("{:<18} {:>8} {:>8} {:>8}", "bytes", "raw", "gzip", "brotli");
    for (name, sizes) in rows {
        table += &format!("\n{name:<18} {:>8} {:>8} {:>8}", sizes.raw, sizes.gzip, sizes.brotli);
    }
    table + &format!("\n{:<18} {:>8} {bar:>8}", "at most", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_is_smaller_when_compressed() {
        let sizes = Sizes::of(&b"tide".repeat(1000)).unwrap();
        assert_eq!(sizes.raw, 4000);
        assert!(sizes.brotli < sizes.gzip && sizes.gzip < 100, "{sizes:?}");
    }

    #[test]
    fn a_table_has_a_row_for_each_and_the_bar_below() {
        let sizes = Sizes {
            raw: 3,
            gzip: 2,
            brotli: 1,
        };
        assert_eq!(
            table(&[("all", sizes)], 30_000),
            "bytes                   raw     gzip   brotli\n\
             all                       3        2        1\n\
             at most                        30000"
        );
    }
}
