//! Opening a store: what is on the disk is read back, or a cluster begins, and the threads start.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use isopod_mvcc::State;
use raft::eraftpb::ConfState;

use crate::applier::Applier;
use crate::checkpoint::{self, Metadata};
use crate::config::StoreConfig;
use crate::driver::{Driver, DriverOptions, Recovery};
use crate::error::OpenError;
use crate::keeper::Keeper;
use crate::log::{Log, Recovered};
use crate::member::{MemberLoop, QUEUE};
use crate::membership::{Member, Membership, cluster_id, member_id};
use crate::replica::Replica;
use crate::shared::Shared;
use crate::store::{Inner, Store};
use crate::watches::{News, Watches};

/// Committed entries that wait for the state.
const TASKS: usize = 1024;
/// Changes that wait for the watches.
const NEWS: usize = 1024;
/// Index and term of what a cluster begins with: an entry that every founder has.
const BEGINNING: (u64, u64) = (1, 1);

pub(crate) fn open(config: StoreConfig) -> Result<Store, OpenError> {
    check(&config)?;
    let dir = config.data_dir.clone();
    let folder = |source| OpenError::Folder { dir: dir.clone(), source };
    config.disk.create_dir(&dir).map_err(folder)?;
    if dir.join("member").is_dir() {
        return Err(OpenError::Foreign { dir });
    }
    let lock = lock(&dir)?;
    let (metadata, state) = recover_state(&config)?;
    let disk = Arc::clone(&config.disk);
    let recovered = Log::open(disk, &dir, config.log, metadata.applied)?;
    let Recovered { log, hard_state, entries, .. } = recovered;
    let options = DriverOptions {
        id: metadata.member_id,
        election_ticks: election_ticks(&config),
        pre_vote: config.pre_vote,
        seed: metadata.member_id ^ hard_state.term,
    };
    let recovery = Recovery {
        hard_state,
        conf_state: metadata.conf_state.clone(),
        checkpoint: metadata.applied,
        entries,
    };
    let driver = Driver::new(&options, recovery)
        .map_err(|source| OpenError::Consensus { dir: dir.clone(), source })?;
    let (news, news_queue) = sync_channel(NEWS);
    let shared = Shared::new(metadata.member_id, state, metadata.membership, news);
    let replica = Replica::new(driver, log);
    start(config, lock, Arc::new(shared), metadata.conf_state, replica, news_queue)
}

fn check(config: &StoreConfig) -> Result<(), OpenError> {
    let setting = |name, reason| Err(OpenError::Setting { name, reason });
    if config.heartbeat.is_zero() || config.election < 5 * config.heartbeat {
        let reason = format!(
            "{:?} is too short: an election takes at least five heartbeats of {:?}",
            config.election, config.heartbeat
        );
        return setting("election", reason);
    }
    let founders = config.founders();
    if config.new_cluster && !founders.iter().any(|(name, _)| *name == config.name) {
        let names: Vec<&str> = founders.iter().map(|(name, _)| name.as_str()).collect();
        let reason = format!("couldn't find local name {:?} among {names:?}", config.name);
        return setting("initial-cluster", reason);
    }
    if founders.len() > 1 || !config.new_cluster {
        let reason = "clusters of several members are not supported yet".to_owned();
        return setting("initial-cluster", reason);
    }
    if config.max_request_bytes as u64 * 4 > config.log.segment_bytes {
        let most = config.log.segment_bytes / 4;
        let reason = format!("{} bytes are over the limit of {most}", config.max_request_bytes);
        return setting("max-request-bytes", reason);
    }
    Ok(())
}

fn election_ticks(config: &StoreConfig) -> usize {
    let ticks = config.election.as_nanos() / config.heartbeat.as_nanos().max(1);
    usize::try_from(ticks).unwrap_or(usize::MAX / 4)
}

fn lock(dir: &Path) -> Result<File, OpenError> {
    let folder = |source| OpenError::Folder { dir: dir.to_path_buf(), source };
    let file = File::create(dir.join("lock")).map_err(folder)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::InUse { dir: dir.to_path_buf() }),
        Err(error) => Err(folder(io::Error::from(error))),
    }
}

/// The newest checkpoint, or the first one of a cluster that begins here.
fn recover_state(config: &StoreConfig) -> Result<(Metadata, State), OpenError> {
    let dir = &config.data_dir;
    let disk = config.disk.as_ref();
    if let Some(found) = checkpoint::read_newest(disk, dir)? {
        return Ok(found);
    }
    let names = disk.list(dir);
    let names = names.map_err(|source| OpenError::Folder { dir: dir.clone(), source })?;
    if names.iter().any(|name| name.starts_with("log-")) {
        return Err(OpenError::NoCheckpoint { dir: dir.clone() });
    }
    let metadata = found(config);
    let mut state = State::new();
    state.skip(metadata.applied.0, metadata.applied.1);
    checkpoint::write(disk, dir, &metadata, &state.snapshot())?;
    Ok((metadata, state))
}

/// The beginning of a cluster: every founder computes the same.
fn found(config: &StoreConfig) -> Metadata {
    let mut members = BTreeMap::new();
    let mut own_id = 0;
    for (name, peer_urls) in config.founders() {
        let id = member_id(&peer_urls, &config.cluster_token, None);
        let mut member = Member { id, peer_urls, ..Member::default() };
        if name == config.name {
            own_id = id;
            member.client_urls.clone_from(&config.client_urls);
        }
        member.name = name;
        members.insert(id, member);
    }
    let conf_state =
        ConfState { voters: members.keys().copied().collect(), ..ConfState::default() };
    Metadata {
        member_id: own_id,
        applied: BEGINNING,
        conf_state,
        membership: Membership { cluster_id: cluster_id(members.keys()), members },
    }
}

fn start(
    config: StoreConfig,
    lock: File,
    shared: Arc<Shared>,
    conf_state: ConfState,
    replica: Replica,
    news_queue: Receiver<News>,
) -> Result<Store, OpenError> {
    let (inputs, input_queue) = sync_channel(QUEUE);
    let (tasks, task_queue) = sync_channel(TASKS);
    // A segment and a checkpoint at most.
    let (jobs, job_queue) = sync_channel(2);
    let keeper = Keeper {
        disk: Arc::clone(&config.disk),
        dir: config.data_dir.clone(),
        spare: replica.log.spare(),
        member: SyncSender::clone(&inputs),
    };
    let applier = Applier::new(
        Arc::clone(&shared),
        SyncSender::clone(&jobs),
        SyncSender::clone(&inputs),
        config.election,
        conf_state,
    );
    let watched = Arc::clone(&shared);
    let member = MemberLoop::new(config.clone(), Arc::clone(&shared), replica, tasks, jobs);
    let run_member = move || {
        let input_queue: Receiver<_> = input_queue;
        member.run(&input_queue);
    };
    let threads = vec![
        spawn("store-disk", move || keeper.run(&job_queue))?,
        spawn("store-watch", move || Watches::run(&watched, &news_queue))?,
        spawn("store-apply", move || applier.run(&task_queue))?,
        spawn("store-raft", run_member)?,
    ];
    let threads = Mutex::new(threads);
    Ok(Store::new(Inner { config, shared, inputs, threads, _lock: lock }))
}

fn spawn(
    name: &'static str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|source| OpenError::Thread { name, source })
}
