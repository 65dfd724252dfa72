//! What it costs to encode and decode a message's frame, beside the same content as JSON and as MessagePack.

mod formats;
mod timing;

use anyhow::Result;

use crate::{
    report::{Report, ratio, thousands},
    table::Table,
};
use formats::Format;
use timing::{Cell, Figures};

/// What `protocol` can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How long the payloads are
    #[arg(long, value_delimiter = ',', default_values_t = Self::default().bytes, value_parser = clap::value_parser!(u32).range(0..=16 << 20))]
    bytes: Vec<u32>,

    /// How often each figure is measured; the median is shown
    #[arg(long, default_value_t = Self::default().rounds, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bytes: vec![16, 128, 1024, 16_384],
            rounds: 101,
        }
    }
}

/// One format with one payload.
struct Line {
    format: Format,
    payload: u32,
    /// On the wire.
    bytes: usize,
    encode: Cell,
    decode: Cell,
    decode_owned: Cell,
}

/// Measures every format with every payload.
pub(crate) fn run(options: &Options) -> Result<Report> {
    eprintln!("protocol");
    let mut lines = Vec::new();
    for &payload in &options.bytes {
        for format in Format::ALL {
            lines.push(Line::new(format, payload)?);
        }
    }
    // Each round measures everything once, so that what disturbs the machine for a while disturbs all alike.
    for _ in 0..options.rounds {
        lines.iter_mut().flat_map(Line::cells).try_for_each(Cell::sample)?;
    }
    let rows = lines.chunks(Format::ALL.len()).flat_map(rows).collect();
    let bytes: Vec<_> = options.bytes.iter().map(u32::to_string).collect();
    Ok(Report {
        command: format!(
            "cargo xtask bench protocol --bytes {} --rounds {}",
            bytes.join(","),
            options.rounds
        ),
        table: Table {
            columns: COLUMNS.into(),
            rows,
        },
        notes: NOTES.iter().map(|&note| note.to_owned()).collect(),
        warnings: doubt(&lines).into_iter().collect(),
        failures: Vec::new(),
        figures: Vec::new(),
    })
}

impl Line {
    fn new(format: Format, payload: u32) -> Result<Self> {
        let (bytes, [encode, decode, decode_owned]) = format.cells(payload as usize)?;
        Ok(Self {
            format,
            payload,
            bytes,
            encode,
            decode,
            decode_owned,
        })
    }

    fn cells(&mut self) -> [&mut Cell; 3] {
        [&mut self.encode, &mut self.decode, &mut self.decode_owned]
    }

    fn results(&self) -> [Figures; 3] {
        [&self.encode, &self.decode, &self.decode_owned].map(Cell::result)
    }
}

/// The rows of one payload. Ratios are to its first.
fn rows(lines: &[Line]) -> Vec<Vec<String>> {
    let row = |line: &Line| {
        let mut row = vec![
            thousands(line.payload.into()),
            line.format.name().to_owned(),
            thousands(line.bytes as f64),
        ];
        for (cell, first) in line.results().into_iter().zip(lines[0].results()) {
            row.push(format!("{:.1}", cell.nanoseconds));
            row.push(cell.allocations.to_string());
            row.push(ratio(cell.nanoseconds, first.nanoseconds));
        }
        row
    };
    lines.iter().map(row).collect()
}

/// Whether another run might show something else.
fn doubt(lines: &[Line]) -> Option<String> {
    let spreads: Vec<f64> = lines.iter().flat_map(Line::results).map(|it| it.spread).collect();
    let count = spreads.iter().filter(|&&spread| spread > STEADY).count();
    let worst = spreads.iter().copied().fold(1.0, f64::max);
    (count > 0).then(|| {
        format!(
            "{count} of {} figures are not steady: the middle half of their rounds lies within a factor of up to \
             {worst:.2}; is the machine busy?",
            spreads.len()
        )
    })
}

const COLUMNS: [&str; 12] = [
    "payload",
    "format",
    "bytes",
    "encode ns",
    "allocs",
    "ratio",
    "decode ns",
    "allocs",
    "ratio",
    "to owned ns",
    "allocs",
    "ratio",
];

/// A figure is steady when the upper quartile of its rounds is at most so many times the lower.
const STEADY: f64 = 1.2;

const NOTES: &[&str] = &[
    "A message as its subscribers get it: number of the room, offset, sender, and a text without characters that JSON escapes.",
    "ns: CPU time, the median of all rounds; a round repeats one thing for about 1 ms. allocs: of one call, counted. Ratios",
    "are to tidewire with the same payload. encode: to a new Vec, in each library's usual way. decode: to borrowed text where the",
    "library can. to owned: to Strings of its own, and their release; for tidewire both texts are copied after decoding.",
    "json: serde_json with field names. msgpack: rmp-serde without field names, its smaller form.",
];
