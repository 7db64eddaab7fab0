//! Sockets that accept connections like a container engine's, and misbehave.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};

/// Misbehaviour of a fake daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DaemonFault {
    /// Accepts connections and sends nothing.
    Silent,
    /// Answers each HTTP request with a document that never ends.
    Endless,
    /// Sends bytes without end that are no answer in any protocol.
    Babble,
    /// Closes each connection.
    Closes,
    /// Answers like Docker, and sends one event without end.
    Flood,
    /// Answers like Docker, but describes another container than the one it is asked about.
    Liar,
}

/// Id of the container that [`DaemonFault::Liar`] always describes.
pub const LIAR_ID: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

const EVENT: &str = concat!(
    r#"{"Type":"container","Action":"die","Actor":{"ID":"flood","Attributes":{"exitCode":"0"}},"timeNano":1}"#,
    "\n"
);

/// A listening socket that misbehaves.
pub struct FakeDaemon {
    path: PathBuf,
    stopping: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<UnixStream>>>,
    listener: Option<JoinHandle<()>>,
}

impl FakeDaemon {
    /// Listens at this path and behaves with this fault.
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
                // Ends when the other side closes the connection, or the end of the test does.
                thread::spawn(move || serve(fault, stream));
            }
        });
        Self { path, stopping, open, listener: Some(thread) }
    }

    /// Returns the path of the socket.
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
