//! Processes in groups: entering, freezing, signalling, watching and counting them.

use std::time::{Duration, Instant};

use isopod_cgroups::{FreezerState, OomNews, SubGroup};
use isopod_oci::runtime::{LinuxMemory, LinuxResources};
use rustix::process::Signal;

use crate::sandbox::{Sandbox, skip};

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn state_of(pid: i32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().and_then(|rest| rest.split(' ').next()).unwrap_or("").to_owned()
}

#[test]
fn a_thread_enters_every_hierarchy() {
    let Some(mut sandbox) = Sandbox::v1("a_thread_enters_every_hierarchy") else { return };
    let join = sandbox.create(&LinuxResources::default()).join().expect("opened");
    assert!(join.clone_into().is_none());
    let path = sandbox.path.clone();
    let membership = std::thread::spawn(move || {
        join.enter().expect("entered");
        std::fs::read_to_string("/proc/thread-self/cgroup").expect("readable")
    })
    .join()
    .expect("no panic");
    for line in membership.lines().filter(|line| !line.starts_with("0::")) {
        assert!(line.ends_with(&path), "{line}");
    }
}

#[test]
fn a_process_is_added_to_a_group_below() {
    let Some(mut sandbox) = Sandbox::v1("a_process_is_added_to_a_group_below") else { return };
    sandbox.create(&LinuxResources::default());
    let below = sandbox.manager().group_path("memory").expect("mounted").join("below");
    std::fs::create_dir(below).expect("a group below");
    let sub = |controllers: &[&str], path: &str| {
        [SubGroup {
            controllers: controllers.iter().map(|c| (*c).to_owned()).collect(),
            path: path.into(),
        }]
    };
    let manager = sandbox.manager();
    let join = manager.join_for_exec(&sub(&["memory"], "below"), 1).expect("opened");
    let membership = std::thread::spawn(move || {
        join.enter().expect("entered");
        std::fs::read_to_string("/proc/thread-self/cgroup").expect("readable")
    })
    .join()
    .expect("no panic");
    assert!(membership.contains(&format!("memory:{}/below\n", sandbox.path)), "{membership}");
    assert!(membership.contains(&format!("pids:{}\n", sandbox.path)), "{membership}");
    for (controllers, path) in
        [(&["memory"][..], "../.."), (&["memory"], "none"), (&["nonsense"], "below")]
    {
        manager.join_for_exec(&sub(controllers, path), 1).expect_err(path);
    }
}

#[test]
fn freezing_stops_and_thawing_continues() {
    let Some(mut sandbox) = Sandbox::new("freezing_stops_and_thawing_continues") else { return };
    sandbox.create(&LinuxResources::default());
    sandbox.spawn("", "exec sleep 60");
    let manager = sandbox.manager();
    assert_eq!(manager.freezer_state().expect("readable"), FreezerState::Thawed);
    manager.freeze().expect("frozen");
    assert_eq!(manager.freezer_state().expect("readable"), FreezerState::Frozen);
    manager.freeze().expect("still frozen");
    manager.thaw().expect("thawed");
    assert_eq!(manager.freezer_state().expect("readable"), FreezerState::Thawed);
}

#[test]
fn everything_is_killed_even_below_and_frozen() {
    let Some(mut sandbox) = Sandbox::new("everything_is_killed_even_below_and_frozen") else {
        return;
    };
    sandbox.create(&LinuxResources::default());
    let pids = [
        sandbox.spawn("", "sleep 60 & exec sleep 61"),
        sandbox.spawn("one/two", "trap '' TERM; sleep 60 & wait"),
    ];
    let manager = sandbox.manager();
    until("children are started", || manager.processes(true).expect("listed").len() == 4);
    assert_eq!(manager.processes(false).expect("listed").len(), 2);
    manager.kill_all(Signal::URG).expect("signalled");
    assert_eq!(manager.processes(true).expect("listed").len(), 4);
    manager.freeze().expect("frozen");
    manager.kill_all(Signal::KILL).expect("killed");
    until("all are dead", || pids.iter().all(|pid| matches!(&*state_of(*pid), "Z" | "X" | "")));
    sandbox.wait_all();
    sandbox.manager().delete().expect("removed with the groups below");
    assert!(sandbox.left().is_empty());
}

#[test]
fn a_frozen_empty_group_is_removed() {
    let Some(mut sandbox) = Sandbox::new("a_frozen_empty_group_is_removed") else { return };
    sandbox.create(&LinuxResources::default());
    sandbox.manager().freeze().expect("frozen");
    sandbox.manager().delete().expect("removed");
    assert!(sandbox.left().is_empty());
}

#[test]
fn statistics_are_read() {
    let Some(mut sandbox) = Sandbox::new("statistics_are_read") else { return };
    sandbox.create(&LinuxResources {
        memory: Some(LinuxMemory { limit: Some(64 << 20), ..LinuxMemory::default() }),
        ..LinuxResources::default()
    });
    sandbox.spawn("", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exec sleep 60");
    let manager = sandbox.manager();
    until("the loop has run", || manager.stats().expect("readable").cpu.total > 5_000_000);
    let stats = manager.stats().expect("readable");
    assert_eq!(stats.pids.current, 1);
    assert_eq!(stats.memory.usage.limit, 64 << 20);
    assert!(stats.memory.usage.usage > 0);
    assert!(!stats.memory.raw.is_empty());
    sandbox.manager().kill_all(Signal::KILL).expect("killed");
    sandbox.wait_all();
    sandbox.manager().delete().expect("removed");
    // Of a container that is gone there is nothing to say, which is no error.
    sandbox.manager().stats().expect("empty");
}

#[test]
fn running_out_of_memory_is_noticed() {
    const NAME: &str = "running_out_of_memory_is_noticed";
    let Some(mut sandbox) = Sandbox::new(NAME) else { return };
    sandbox.create(&LinuxResources {
        memory: Some(LinuxMemory {
            limit: Some(16 << 20),
            swap: Some(16 << 20),
            ..LinuxMemory::default()
        }),
        ..LinuxResources::default()
    });
    let mut events = sandbox.manager().oom_events().expect("watched");
    assert_eq!(events.read().expect("readable"), OomNews::Events(0));
    // `tail` of an endless line keeps all of it.
    sandbox.spawn("", "tail /dev/zero; exit 0");
    // Reaching the limit is news too, but not yet an event.
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let timeout = rustix::event::Timespec { tv_sec: 1, tv_nsec: 0 };
        let mut waited = [rustix::event::PollFd::new(&events, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut waited, Some(&timeout)).expect("waited");
        match events.read().expect("readable") {
            OomNews::Events(0) if Instant::now() > deadline => {
                return skip(NAME, "the kernel did not run out of memory in 20 s");
            }
            OomNews::Events(0) => {}
            OomNews::Events(_) => break,
            OomNews::Ended => panic!("ended before the event"),
        }
    }
    sandbox.wait_all();
    until("the kill is counted", || sandbox.manager().oom_kills().expect("readable") > 0);
    sandbox.manager().delete().expect("removed");
    until("the end is told", || events.read().expect("readable") == OomNews::Ended);
}
