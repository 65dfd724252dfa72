//! Takes out of a wasm module what writes the words of a panic.
//!
//! A panic of ours ends the module: its words go to a standard error that a page does not have, and then comes a trap. With
//! the standard library as it is built, the code that puts these words together stays in the module, and is a tenth of it.
//! Here the functions that a panic begins with become the trap itself, and wasm-opt finds that nothing needs the rest. What they
//! would have said is blanked.

use anyhow::{Context, Result, ensure};
use wasmparser::{BinaryReader, DataKind, DataSectionReader, KnownCustom, Name, Operator, Parser, Payload};

use crate::blank::blank;

/// The module without the words of its panics; says how many functions became traps.
pub(crate) fn snip(module: &[u8]) -> Result<(Vec<u8>, usize)> {
    let panics = panics(module)?;
    let mut snipped = module.get(..HEADER_BYTES).context("no module")?.to_vec();
    let mut reader = BinaryReader::new(&module[HEADER_BYTES..], 0);
    let mut count = 0;
    while !reader.eof() {
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()? as usize;
        let body = reader.read_bytes(size)?;
        snipped.push(id);
        if id == CODE {
            let (code, traps) = snip_code(body, &panics)?;
            put_u32(&mut snipped, code.len());
            snipped.extend(code);
            count = traps;
        } else if id == DATA {
            let data = blank_data(body)?;
            put_u32(&mut snipped, data.len());
            snipped.extend(data);
        } else {
            put_u32(&mut snipped, size);
            snipped.extend(body);
        }
    }
    ensure!(count > 0, "the module has no names, or nothing that panics");
    Ok((snipped, count))
}

fn snip_code(section: &[u8], panics: &[u32]) -> Result<(Vec<u8>, usize)> {
    let mut reader = BinaryReader::new(section, 0);
    let functions = reader.read_var_u32()?;
    let (mut code, mut traps) = (Vec::new(), 0);
    put_u32(&mut code, functions as usize);
    for index in 0..functions {
        let size = reader.read_var_u32()? as usize;
        let body = reader.read_bytes(size)?;
        let is_panic = panics.contains(&index);
        let body = if is_panic { TRAP } else { body };
        traps += usize::from(is_panic);
        put_u32(&mut code, body.len());
        code.extend(body);
    }
    Ok((code, traps))
}

/// The data of the module's memory without what panics would say.
fn blank_data(section: &[u8]) -> Result<Vec<u8>> {
    let mut data = section.to_vec();
    for segment in DataSectionReader::new(BinaryReader::new(section, 0))? {
        let segment = segment?;
        let DataKind::Active { offset_expr, .. } = segment.kind else {
            continue;
        };
        if let Operator::I32Const { value } = offset_expr.get_operators_reader().read()? {
            let end = usize::try_from(segment.range.end)?;
            blank(&mut data[end - segment.data.len()..end], value as usize);
        }
    }
    Ok(data)
}

/// The functions to become traps, by their place in the code section.
fn panics(module: &[u8]) -> Result<Vec<u32>> {
    let (mut imports, mut panics) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imports += u32::from(matches!(import?.ty, wasmparser::TypeRef::Func(_)));
                }
            }
            Payload::CustomSection(section) => {
                let KnownCustom::Name(reader) = section.as_known() else {
                    continue;
                };
                for subsection in reader {
                    let Name::Function(map) = subsection? else { continue };
                    for naming in map {
                        let naming = naming?;
                        let name = without_hashes(naming.name);
                        if UNWANTED.iter().any(|part| name.contains(part)) {
                            panics.extend(naming.index.checked_sub(imports));
                        }
                    }
                }
            }
            _ => {}
        }
    }
    Ok(panics)
}

/// `core[c5930c85a12de822]::fmt::write` as it is written in Rust.
fn without_hashes(name: &str) -> String {
    let mut parts = name.split('[');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(']') {
            Some((hash, rest)) if hash.len() == 16 => plain.push_str(rest),
            _ => {
                plain.push('[');
                plain.push_str(part);
            }
        }
    }
    plain
}

fn put_u32(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The magic number and the version.
const HEADER_BYTES: usize = 8;
const CODE: u8 = 10;
const DATA: u8 = 11;
/// No locals, `unreachable`, `end`.
const TRAP: &[u8] = &[0, 0, 0x0b];
/// Parts of the names of functions that a panic begins with, or that write its words. Nothing else that ships makes text of
/// values.
const UNWANTED: &[&str] = &[
    "core::panicking::",
    "core::fmt::",
    "core::str::count::",
    "core::option::expect_failed",
    "core::option::unwrap_failed",
    "core::result::unwrap_failed",
    "core::slice::index::slice_",
    "core::cell::panic_",
    "alloc::raw_vec::capacity_overflow",
    "alloc::raw_vec::handle_error",
    "std::panicking::",
    "::rust_begin_unwind",
    "::rust_panic",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A type, a function that returns, and its name.
    fn module(name: &str) -> Vec<u8> {
        let mut module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x05\x01\x03\0\x0f\x0b".to_vec();
        let length = name.len() as u8;
        module.extend([0, 10 + length, 4]);
        module.extend(b"name");
        module.extend([1, 3 + length, 1, 0, length]);
        module.extend(name.as_bytes());
        module
    }

    #[test]
    fn a_panic_becomes_a_trap_and_the_rest_stays() {
        let before = module("core[c5930c85a12de822]::panicking::panic_fmt");
        let (after, count) = snip(&before).unwrap();
        let expected: Vec<_> = before
            .iter()
            .map(|byte| if *byte == 0x0f { 0 } else { *byte })
            .collect();
        assert_eq!((after, count), (expected, 1));
    }

    #[test]
    fn a_module_in_which_nothing_was_found_is_an_error() {
        assert!(snip(&module("tidewire::turn")).is_err());
        assert!(snip(b"").is_err());
    }
}
