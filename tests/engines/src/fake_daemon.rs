//! Sockets on which somebody listens who is no container engine.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DaemonFault {
    /// It accepts connections and says nothing.
    Silent,
    /// It answers each request of HTTP with a document that never ends.
    Endless,
    /// It sends bytes that are no answer in any protocol, without end.
    Babble,
    /// It closes each connection.
    Closes,
    /// It behaves like Docker, and tells of the same event without end.
    Flood,
    /// It behaves like Docker, and whichever container it is asked about it describes another one.
    Liar,
}

/// The id of the container that a liar always speaks of.
pub const LIAR_ID: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

const EVENT: &str = concat!(
    r#"{"Type":"container","Action":"die","Actor":{"ID":"flood","Attributes":{"exitCode":"0"}},"timeNano":1}"#,
    "\n"
);

/// One such socket.
pub struct FakeDaemon {
    path: PathBuf,
    stopping: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<UnixStream>>>,
    listener: Option<JoinHandle<()>>,
}

impl FakeDaemon {
    /// Listens at this path.
    pub fn start(path: PathBuf, fault: DaemonFault) -> Self {
        let listener = UnixListener::bind(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let stopping = Arc::new(AtomicBool::new(false));
        let open: Arc<Mutex<Vec<UnixStream>>> = Arc::default();
        let (is_over, connections) = (Arc::clone(&stopping), Arc::clone(&open));
        let thread = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if is_over.load(Relaxed) {
                    return;
                }
                let copy = stream.try_clone().expect("a second handle");
                connections.lock().unwrap_or_else(PoisonError::into_inner).push(copy);
                // Ends when the other side or the end of the test closes the connection.
                thread::spawn(move || serve(fault, stream));
            }
        });
        Self { path, stopping, open, listener: Some(thread) }
    }

    /// Its socket.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for FakeDaemon {
    fn drop(&mut self) {
        self.stopping.store(true, Relaxed);
        let _ = UnixStream::connect(&self.path); // wakes the listener
        if let Some(thread) = self.listener.take() {
            let _ = thread.join();
        }
        for stream in self.open.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

fn serve(fault: DaemonFault, mut stream: UnixStream) {
    let endless = |stream: &mut UnixStream| while stream.write_all(&[b'x'; 64 << 10]).is_ok() {};
    match fault {
        DaemonFault::Silent | DaemonFault::Closes => {} // the copy keeps the connection of a silent one open
        DaemonFault::Babble => return endless(&mut stream),
        DaemonFault::Endless | DaemonFault::Flood | DaemonFault::Liar => {
            let mut request = String::new();
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            if reader.read_line(&mut request).is_err() {
                return;
            }
            if fault == DaemonFault::Endless {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
                return endless(&mut stream);
            }
            let _ = stream.write_all(lie(&request).as_bytes());
            if request.starts_with("GET /events") {
                // The stream of events stays open.
                while fault == DaemonFault::Flood && stream.write_all(EVENT.as_bytes()).is_ok() {}
                return;
            }
        }
    }
    if matches!(fault, DaemonFault::Closes | DaemonFault::Flood | DaemonFault::Liar) {
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }
}

fn lie(request: &str) -> String {
    let body = match request.split(' ').nth(1).unwrap_or_default() {
        "/_ping" => "OK".to_owned(),
        "/containers/json" => "[]".to_owned(),
        path if path.starts_with("/events") => String::new(),
        _ => format!(r#"{{"Id":"{LIAR_ID}","Name":"/evil","Config":{{"Image":"evil:latest"}}}}"#),
    };
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}")
}
