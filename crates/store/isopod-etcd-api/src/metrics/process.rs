//! The process's own figures, from `/proc`.

use std::fs;

use super::text::Text;

/// What the kernel counts in: its interface fixes 100 a second.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn render(text: &mut Text) {
    if let Some((cpu, virtual_bytes, resident_pages)) = stat() {
        text.counter("process_cpu_seconds_total", "Time of processors.", cpu);
        text.gauge("process_virtual_memory_bytes", "Addresses in use.", virtual_bytes);
        let bytes = resident_pages * rustix::param::page_size() as u64;
        text.gauge("process_resident_memory_bytes", "Memory in use.", bytes);
    }
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        text.gauge("process_open_fds", "Open descriptors.", entries.count());
    }
}

/// Seconds of processors, bytes of addresses, pages of memory.
fn stat() -> Option<(f64, u64, u64)> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program may have spaces and brackets; what follows it has none.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let ticks = field(11)? + field(12)?;
    Some((ticks as f64 / TICKS_PER_SECOND, field(20)?, field(21)?))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_kernel_says_something() {
        let (_, virtual_bytes, pages) = super::stat().unwrap();
        assert!(virtual_bytes > 0 && pages > 0);
    }
}
