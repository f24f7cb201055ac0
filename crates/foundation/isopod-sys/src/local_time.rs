//! The user's time zone.

use std::ffi::CStr;
use std::mem::MaybeUninit;

/// The time zone that holds at a point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Seconds east of UTC.
    pub offset_seconds: i32,
    /// Its short name, such as `CEST`.
    pub name: String,
}

/// The zone (`$TZ`, else /etc/localtime) at a number of seconds since 1970; UTC if that cannot
/// be told.
#[must_use]
pub fn zone_at(seconds: i64) -> Zone {
    let utc = || Zone { offset_seconds: 0, name: "UTC".to_owned() };
    let mut broken_down = MaybeUninit::<libc::tm>::uninit();
    // SAFETY: both pointers are to live values of the right types; the result is only looked at
    // when the call says that it filled it in.
    let filled = unsafe { libc::localtime_r(&seconds, broken_down.as_mut_ptr()) };
    if filled.is_null() {
        return utc();
    }
    // SAFETY: localtime_r returned a pointer, so it wrote the whole structure.
    let broken_down = unsafe { broken_down.assume_init() };
    if broken_down.tm_zone.is_null() {
        return utc();
    }
    // SAFETY: tm_zone is a C string that the C library keeps for as long as the zone is set,
    // which nothing here changes; it is copied at once.
    let name = unsafe { CStr::from_ptr(broken_down.tm_zone) };
    Zone {
        offset_seconds: i32::try_from(broken_down.tm_gmtoff).unwrap_or(0),
        name: name.to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_a_name_and_a_sane_offset() {
        let zone = zone_at(1_700_000_000);
        assert!(!zone.name.is_empty());
        assert!(zone.offset_seconds.abs() <= 14 * 3600);
    }
}
