//! A disk in memory that can fail at any call, and that can lose power and with it all unsynced
//! bytes.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use obit_case::Error;
use obit_case::files::{Folder, OutputFile};

/// A way in which a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Does nothing and returns this error number.
    Errno(i32),
    /// Does half of a write and finds no room for the rest; any other call fails with ENOSPC.
    Short,
}

const ENOSPC: i32 = 28;
pub const EIO: i32 = 5;

/// The calls that fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// No call.
    Never,
    /// One call, counted from 0.
    Once(usize, Fault),
    /// All calls from one on: the disk is gone.
    From(usize, Fault),
    /// About one call in so many, drawn from this seed.
    Sometimes(u64, u64),
}

/// A call that changed something on the disk, as it was made.
#[derive(Clone, Debug)]
pub enum Change {
    /// A name was given to a new file or folder.
    Name { folder: usize, name: String, node: usize, is_folder: bool },
    /// A name was taken off.
    Unname { folder: usize, name: String },
    /// The name of a file was changed, in place of another file that had the new one.
    Rename { folder: usize, from: String, to: String, node: usize },
    /// Bytes were written.
    Write { file: usize, offset: usize, bytes: Vec<u8> },
    /// A file was cut to a length.
    Truncate { file: usize, length: usize },
    /// A file's contents were brought to disk; `false` if that failed.
    SyncFile { file: usize, is_done: bool },
    /// The names in a folder were brought to disk.
    SyncFolder { folder: usize },
}

/// The bytes of the disk that survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survives {
    /// All written bytes: the process was killed.
    Everything,
    /// Synced bytes only: power was cut.
    Synced,
}

#[derive(Debug)]
enum Node {
    File(File),
    Folder(Names),
}

/// The names in a folder, now and on disk.
#[derive(Debug, Default)]
struct Names {
    now: BTreeMap<String, usize>,
    on_disk: BTreeMap<String, usize>,
}

/// The contents of a file, now and on disk.
#[derive(Debug, Default)]
struct File {
    now: Vec<u8>,
    on_disk: Vec<u8>,
    /// Bytes that are not written back yet. A sync that fails takes them for written, as Linux
    /// does.
    dirty: Vec<bool>,
}

#[derive(Debug)]
struct DiskState {
    nodes: Vec<Node>,
    calls: usize,
    plan: Plan,
    /// Bytes of files for which there is room.
    room: usize,
    /// True after a short write: the rest of that write fails.
    out_of_room: bool,
    /// All changes, in order.
    log: Vec<Change>,
}

/// A disk in memory.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Mutex<DiskState>>);

impl Disk {
    pub fn new(plan: Plan) -> Self {
        let nodes = vec![Node::Folder(Names::default())];
        Self(Arc::new(Mutex::new(DiskState {
            nodes,
            calls: 0,
            plan,
            room: usize::MAX,
            out_of_room: false,
            log: Vec::new(),
        })))
    }

    /// Returns the root folder, which is empty at first.
    pub fn root(&self) -> Arc<dyn Folder> {
        Arc::new(Place { disk: self.clone(), node: 0, path: PathBuf::from("/simulated") })
    }

    /// Sets the room for all files, in bytes.
    pub fn limit(&self, room: usize) {
        self.state().room = room;
    }

    /// Sets the room to what the disk holds.
    pub fn fill_up(&self) {
        let mut state = self.state();
        state.room = state.used();
    }

    /// Returns the number of calls made.
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// Returns the number of changes made.
    pub fn changes(&self) -> usize {
        self.state().log.len()
    }

    /// Returns the changes made.
    pub fn log(&self) -> Vec<Change> {
        self.state().log.clone()
    }

    /// Writes the surviving bytes into a real directory that is not there yet.
    pub fn unload(&self, survives: Survives, to: &Path) {
        unload(&self.state().nodes, 0, survives, to);
    }

    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.0.lock().unwrap()
    }
}

fn unload(nodes: &[Node], node: usize, survives: Survives, to: &Path) {
    let everything = survives == Survives::Everything;
    match &nodes[node] {
        Node::File(file) => std::fs::write(to, if everything { &file.now } else { &file.on_disk }).unwrap(),
        Node::Folder(names) => {
            std::fs::create_dir(to).unwrap();
            for (name, node) in if everything { &names.now } else { &names.on_disk } {
                unload(nodes, *node, survives, &to.join(name));
            }
        }
    }
}

impl DiskState {
    /// Returns the bytes of all files that have a name.
    fn used(&self) -> usize {
        let named = |node: &Node| match node {
            Node::Folder(names) => names.now.values().copied().collect(),
            Node::File(_) => Vec::new(),
        };
        let bytes = |node: usize| if let Node::File(file) = &self.nodes[node] { file.now.len() } else { 0 };
        self.nodes.iter().flat_map(named).map(bytes).sum()
    }

    /// Counts a call. Returns its fault if it is to fail.
    fn call(&mut self) -> Option<Fault> {
        let call = self.calls;
        self.calls += 1;
        match self.plan {
            Plan::Once(at, fault) if at == call => Some(fault),
            Plan::From(at, fault) if at <= call => Some(fault),
            Plan::Sometimes(seed, one_in) => {
                let drawn = mix(seed, call as u64);
                let fault = if drawn & 1 == 0 { Fault::Short } else { Fault::Errno(EIO) };
                (drawn >> 8).is_multiple_of(one_in).then_some(fault)
            }
            _ => None,
        }
    }

    fn names(&mut self, node: usize) -> &mut Names {
        match &mut self.nodes[node] {
            Node::Folder(names) => names,
            Node::File(_) => panic!("a file in the place of a folder"),
        }
    }

    fn file(&mut self, node: usize) -> &mut File {
        match &mut self.nodes[node] {
            Node::File(file) => file,
            Node::Folder(_) => panic!("a folder in the place of a file"),
        }
    }
}

/// Draws the number of that place from a seed (SplitMix64).
pub fn mix(seed: u64, place: u64) -> u64 {
    let mut drawn = seed.wrapping_add(place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    drawn ^ (drawn >> 31)
}

fn errno(fault: Fault) -> io::Error {
    io::Error::from_raw_os_error(match fault {
        Fault::Errno(number) => number,
        Fault::Short => ENOSPC,
    })
}

/// An open folder.
#[derive(Debug)]
struct Place {
    disk: Disk,
    node: usize,
    path: PathBuf,
}

impl Place {
    fn fail(&self, action: &'static str, name: &str, source: impl Into<io::Error>) -> Error {
        Error::Io { action, path: self.path.join(name), cause: source.into() }
    }

    /// Counts a call and fails if that is its turn.
    fn begin(&self, action: &'static str, name: &str) -> Result<MutexGuard<'_, DiskState>, Error> {
        let mut state = self.disk.state();
        match state.call() {
            Some(fault) => Err(self.fail(action, name, errno(fault))),
            None => Ok(state),
        }
    }

    fn add(&self, name: &str, node: Node) -> Result<usize, Error> {
        let mut state = self.begin("create", name)?;
        if state.names(self.node).now.contains_key(name) {
            return Err(self.fail("create", name, ErrorKind::AlreadyExists));
        }
        let number = state.nodes.len();
        let is_folder = matches!(node, Node::Folder(_));
        state.nodes.push(node);
        state.names(self.node).now.insert(name.to_owned(), number);
        state.log.push(Change::Name { folder: self.node, name: name.to_owned(), node: number, is_folder });
        Ok(number)
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        let mut state = self.begin("remove", name)?;
        match state.names(self.node).now.remove(name) {
            Some(_) => {
                state.log.push(Change::Unname { folder: self.node, name: name.to_owned() });
                Ok(())
            }
            None => Err(self.fail("remove", name, ErrorKind::NotFound)),
        }
    }

    fn move_file(&self, from: &str, to: &str, may_replace: bool) -> Result<(), Error> {
        let mut state = self.begin("rename", to)?;
        let names = &mut state.names(self.node).now;
        if !may_replace && names.contains_key(to) {
            return Err(self.fail("rename", to, ErrorKind::AlreadyExists));
        }
        let Some(node) = names.remove(from) else { return Err(self.fail("rename", from, ErrorKind::NotFound)) };
        names.insert(to.to_owned(), node);
        state.log.push(Change::Rename { folder: self.node, from: from.to_owned(), to: to.to_owned(), node });
        Ok(())
    }
}

impl Folder for Place {
    fn path(&self) -> &Path {
        &self.path
    }

    fn make_folder(&self, name: &str) -> Result<Arc<dyn Folder>, Error> {
        let node = self.add(name, Node::Folder(Names::default()))?;
        Ok(Arc::new(Place { disk: self.disk.clone(), node, path: self.path.join(name) }))
    }

    fn create_file(&self, name: &str) -> Result<Box<dyn OutputFile>, Error> {
        let node = self.add(name, Node::File(File::default()))?;
        Ok(Box::new(Handle { disk: self.disk.clone(), node, position: 0 }))
    }

    fn read_file(&self, name: &str) -> Result<(Box<dyn Read + Send>, u64), Error> {
        let mut state = self.begin("read", name)?;
        let Some(node) = state.names(self.node).now.get(name).copied() else {
            return Err(self.fail("read", name, ErrorKind::NotFound));
        };
        let bytes = state.file(node).now.clone();
        let length = bytes.len() as u64;
        Ok((Box::new(io::Cursor::new(bytes)), length))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        self.move_file(from, to, false)
    }

    fn replace(&self, from: &str, to: &str) -> Result<(), Error> {
        self.move_file(from, to, true)
    }

    fn remove_file(&self, name: &str) -> Result<(), Error> {
        self.remove(name)
    }

    fn remove_folder(&self, name: &str) -> Result<(), Error> {
        self.remove(name)
    }

    fn sync(&self) -> Result<(), Error> {
        let mut state = self.begin("sync", "")?;
        let names = state.names(self.node);
        names.on_disk = names.now.clone();
        state.log.push(Change::SyncFolder { folder: self.node });
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let mut state = self.begin("list", "")?;
        Ok(state.names(self.node).now.keys().cloned().collect())
    }
}

/// An open file.
#[derive(Debug)]
struct Handle {
    disk: Disk,
    node: usize,
    position: usize,
}

impl Write for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        if std::mem::take(&mut state.out_of_room) {
            return Err(errno(Fault::Short));
        }
        let bytes = match state.call() {
            Some(Fault::Short) if bytes.len() > 1 => {
                state.out_of_room = true;
                &bytes[..bytes.len() / 2]
            }
            Some(fault) => return Err(errno(fault)),
            None => bytes,
        };
        let free = if state.room == usize::MAX { usize::MAX } else { state.room.saturating_sub(state.used()) };
        if free == 0 && !bytes.is_empty() {
            return Err(errno(Fault::Short));
        }
        let bytes = &bytes[..bytes.len().min(free)];
        let file = state.file(self.node);
        let end = self.position + bytes.len();
        file.now.resize(file.now.len().max(end), 0);
        file.dirty.resize(file.now.len(), false);
        file.now[self.position..end].copy_from_slice(bytes);
        file.dirty[self.position..end].fill(true);
        state.log.push(Change::Write { file: self.node, offset: self.position, bytes: bytes.to_vec() });
        self.position = end;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl OutputFile for Handle {
    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        let fault = state.call();
        let File { now, on_disk, dirty } = state.file(self.node);
        if fault.is_none() {
            on_disk.resize(now.len(), 0);
            for (index, dirty) in dirty.iter().enumerate() {
                if *dirty {
                    on_disk[index] = now[index];
                }
            }
        }
        // The kernel will not write these bytes again, whether or not this failed.
        dirty.fill(false);
        state.log.push(Change::SyncFile { file: self.node, is_done: fault.is_none() });
        fault.map_or(Ok(()), |fault| Err(errno(fault)))
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        if let Some(fault) = state.call() {
            return Err(errno(fault));
        }
        let length = usize::try_from(length).unwrap();
        let file = state.file(self.node);
        file.now.truncate(length);
        file.dirty.truncate(length);
        state.log.push(Change::Truncate { file: self.node, length });
        self.position = length;
        Ok(())
    }
}
