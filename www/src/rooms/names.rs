//! Names for members: the server's are sixteen hex digits, which nobody can tell apart.

/// A name that people can tell from others. The same id has the same name everywhere, and its digits stay in it.
pub(crate) fn name(id: &str) -> String {
    let is_random = id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_random {
        format!("{} {}", ANIMALS[hash(id) as usize % ANIMALS.len()], &id[..4])
    } else {
        id.into()
    }
}

/// A hue in degrees.
pub(crate) fn hue(id: &str) -> u32 {
    (hash(id) >> 8) % 360
}

/// FNV-1a, <https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>. It need not be better than that.
fn hash(id: &str) -> u32 {
    id.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// Who lives between the tides.
const ANIMALS: [&str; 32] = [
    "Anemone",
    "Avocet",
    "Barnacle",
    "Clam",
    "Cockle",
    "Cod",
    "Conch",
    "Coral",
    "Crab",
    "Curlew",
    "Dunlin",
    "Eel",
    "Gull",
    "Heron",
    "Knot",
    "Limpet",
    "Lobster",
    "Mussel",
    "Otter",
    "Oyster",
    "Periwinkle",
    "Plover",
    "Prawn",
    "Puffin",
    "Ray",
    "Seal",
    "Shrimp",
    "Skate",
    "Sprat",
    "Tern",
    "Urchin",
    "Whelk",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_id_gets_a_name_that_keeps_its_first_digits() {
        let named = name("3f9a2c4100000000");
        assert!(named.ends_with(" 3f9a"), "{named}");
        assert_eq!(named, name("3f9a2c4100000000"));
    }

    #[test]
    fn a_name_that_somebody_chose_stays() {
        for id in ["ann", "sixteen letters.", "ü"] {
            assert_eq!(name(id), id);
        }
    }

    #[test]
    fn names_and_hues_differ() {
        let ids: Vec<String> = (0..64_u64).map(|number| format!("{number:016x}")).collect();
        let different = |values: Vec<String>| std::collections::HashSet::<_>::from_iter(values).len();
        assert!(different(ids.iter().map(|id| name(id)).collect()) > 16);
        assert!(different(ids.iter().map(|id| hue(id).to_string()).collect()) > 32);
        assert!(ids.iter().all(|id| hue(id) < 360));
    }
}
