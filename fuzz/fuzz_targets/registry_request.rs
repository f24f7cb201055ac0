//! Paths, queries and ranges of the registry's API: any text is read or refused.
#![no_main]

use isopod_registry_server::{Query, Resource, Wanted, chunk_range};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(resource) = Resource::parse(text) {
        assert!(resource.repository().is_none_or(|name| !name.contains("..")));
    }
    let _ = Query::parse(text);
    if let Wanted::Part(start, end) = Wanted::parse(Some(text), 1000) {
        assert!(start < end && end <= 1000);
    }
    if let Ok((first, last)) = chunk_range(text) {
        assert!(first <= last);
    }
});
