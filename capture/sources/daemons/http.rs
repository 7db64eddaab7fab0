//! HTTP/1.1 over a unix socket, with everything bounded that the other side decides: the time, the
//! headers, the body.
//!
//! One connection a request: it costs nothing on a unix socket, and a request that hung takes no
//! other with it.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use obit_derivation::record::Outcome;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::failure::{Failure, within_time};
use super::sockets::Endpoint;

/// Largest head of a response, and the largest piece of a body held at once.
const BUFFER_BYTES: usize = 64 << 10;
/// Most headers of a response.
const MAX_HEADERS: usize = 64;
/// Longest line of a stream of lines.
const LINE_BYTES: usize = 1 << 20;

/// A task that ends with its owner.
#[derive(Debug)]
pub struct ConnectionTask(JoinHandle<()>);

impl ConnectionTask {
    /// Lets it run as long as this lives.
    pub fn run(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(task))
    }
}

impl Drop for ConnectionTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Asks for a document of up to `limit_bytes`.
///
/// # Errors
/// No or another answer than 200 with such a document, in time.
pub async fn get(endpoint: &Endpoint, path: &str, limit: Duration, limit_bytes: usize) -> Result<Bytes, Failure> {
    within_time(limit, async {
        let (response, _driver) = request(endpoint, path).await?;
        let body = Limited::new(response.into_body(), limit_bytes).collect().await;
        body.map(http_body_util::Collected::to_bytes)
            .map_err(|_| Failure::invalid(format!("a body that broke off or has over {limit_bytes} bytes")))
    })
    .await
}

/// Asks for a stream of lines that goes on until somebody ends it. The limit is for its beginning.
///
/// # Errors
/// No or another answer than 200, in time.
pub async fn lines(endpoint: &Endpoint, path: &str, limit: Duration) -> Result<LineStream, Failure> {
    let (response, driver) = within_time(limit, request(endpoint, path)).await?;
    Ok(LineStream { body: response.into_body(), buffer: Vec::new(), searched: 0, _driver: driver })
}

async fn request(endpoint: &Endpoint, path: &str) -> Result<(Response<Incoming>, ConnectionTask), Failure> {
    let stream = endpoint.connect().await?;
    let mut builder = http1::Builder::new();
    builder.max_buf_size(BUFFER_BYTES).max_headers(MAX_HEADERS);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|error| of_hyper(&error))?;
    let (ended, how_it_ended) = oneshot::channel();
    let driver = ConnectionTask::run(async {
        let _ = ended.send(connection.await.err());
    });
    let request = Request::get(path)
        .header("host", "localhost")
        .header("accept", "application/json")
        .body(Empty::<Bytes>::new())
        .map_err(|_| Failure::invalid("not a path that can be asked for"))?;
    let response = match sender.send_request(request).await {
        Ok(response) => response,
        // Bytes that came unasked end the connection before the request is seen, and only the
        // connection knows of them.
        Err(error) if error.is_canceled() => match how_it_ended.await {
            Ok(Some(error)) => return Err(of_hyper(&error)),
            Ok(None) | Err(_) => return Err(of_hyper(&error)),
        },
        Err(error) => return Err(of_hyper(&error)),
    };
    match response.status() {
        StatusCode::OK => Ok((response, driver)),
        StatusCode::NOT_FOUND => Err(Failure::new(Outcome::NotFound, "status 404")),
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            Err(Failure::new(Outcome::Denied, format!("status {}", status.as_u16())))
        }
        status => Err(Failure::invalid(format!("status {}", status.as_u16()))),
    }
}

/// A connection that ended is one thing, an answer that is no HTTP another.
pub fn of_hyper(error: &hyper::Error) -> Failure {
    let source = std::error::Error::source(error);
    // A request that was cancelled because the connection failed.
    if let Some(cause) = source.and_then(|source| source.downcast_ref::<hyper::Error>()) {
        return of_hyper(cause);
    }
    let by_socket = || source.is_some_and(|source| source.is::<std::io::Error>());
    if error.is_canceled() || error.is_closed() || error.is_incomplete_message() || by_socket() {
        Failure::new(Outcome::Refused, "the connection ended before the answer")
    } else {
        Failure::invalid("not HTTP, or more of it than the bound")
    }
}

/// A body read line by line.
#[derive(Debug)]
pub struct LineStream {
    body: Incoming,
    buffer: Vec<u8>,
    /// Bytes of the buffer that hold no line end.
    searched: usize,
    _driver: ConnectionTask,
}

impl LineStream {
    /// The next line, without its end. Safe to drop and call again.
    ///
    /// # Errors
    /// The stream ended, or the line is too long.
    pub async fn next(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n') {
                let rest = self.buffer.split_off(self.searched + end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                self.searched = 0;
                line.pop();
                return Ok(line);
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > LINE_BYTES {
                return Err(Failure::invalid(format!("a line of over {LINE_BYTES} bytes")));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => self.buffer.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
                Some(Err(_)) => return Err(Failure::new(Outcome::Refused, "the stream broke off")),
                None => return Err(Failure::new(Outcome::Refused, "the stream ended")),
            }
        }
    }
}

/// Text as a component of a path. Everything that could end the component or mean something else is
/// escaped.
pub fn component(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;
    use std::thread::{self, JoinHandle};

    use super::*;
    use crate::sources::daemons::kind::DaemonKind;
    use crate::sources::daemons::sockets::SocketOwner;

    const LIMIT: Duration = Duration::from_millis(300);

    /// Answers one connection with `head`, then `piece` until nobody reads any more or `times` is
    /// reached.
    struct Server {
        endpoint: Endpoint,
        _directory: tempfile::TempDir,
        thread: Option<JoinHandle<usize>>,
    }

    impl Server {
        fn start(head: &'static str, piece: &'static [u8], times: usize) -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path: PathBuf = directory.path().join("socket");
            let listener = UnixListener::bind(&path).unwrap();
            let thread = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).unwrap();
                let mut sent = 0;
                if stream.write_all(head.as_bytes()).is_ok() {
                    while sent < times && stream.write_all(piece).is_ok() {
                        sent += 1;
                    }
                }
                sent
            });
            let endpoint = Endpoint { kind: DaemonKind::Docker, path, owner: SocketOwner::Given };
            Self { endpoint, _directory: directory, thread: Some(thread) }
        }

        fn pieces_sent(&mut self) -> usize {
            self.thread.take().unwrap().join().unwrap()
        }
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn a_document_within_the_bound_is_read_and_one_byte_more_is_not() {
        for (length, fits) in [(10, true), (11, false)] {
            let head = if fits { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" } else { "HTTP/1.1 200 OK\r\n\r\n" };
            let server = Server::start(head, b"x", length);
            let answer = run(get(&server.endpoint, "/", LIMIT, 10));
            assert_eq!(answer.is_ok(), fits, "{length} bytes: {answer:?}");
        }
    }

    #[test]
    fn endless_bodies_and_endless_heads_end_at_the_bound() {
        const PIECE: &[u8] = &[b'x'; 16 << 10];
        for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nX: ", ""] {
            let mut server = Server::start(head, PIECE, usize::MAX);
            let failure = run(get(&server.endpoint, "/", Duration::from_secs(10), 1 << 20)).unwrap_err();
            assert_eq!(failure.outcome, Outcome::Invalid, "{head:?}: {failure:?}");
            let sent = server.pieces_sent() * PIECE.len();
            assert!(sent < 4 << 20, "{head:?}: {sent} bytes were taken");
        }
    }

    #[test]
    fn a_server_that_says_nothing_costs_the_time_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let _listener = UnixListener::bind(&path).unwrap();
        let endpoint = Endpoint { kind: DaemonKind::Docker, path, owner: SocketOwner::Given };
        let failure = run(get(&endpoint, "/", LIMIT, 10)).unwrap_err();
        assert_eq!(failure.outcome, Outcome::Timeout);
    }

    #[test]
    fn nobody_listening_and_ends_without_an_answer_are_refusals() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let endpoint = Endpoint { kind: DaemonKind::Docker, path, owner: SocketOwner::Given };
        assert_eq!(run(get(&endpoint, "/", LIMIT, 10)).unwrap_err().outcome, Outcome::Refused);
        let server = Server::start("", b"", 0);
        assert_eq!(run(get(&server.endpoint, "/", LIMIT, 10)).unwrap_err().outcome, Outcome::Refused);
    }

    #[test]
    fn bytes_that_come_unasked_are_no_answer() {
        // Before or after the request is sent: that is a race, and both are the same fault.
        for _ in 0..20 {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("socket");
            let listener = UnixListener::bind(&path).unwrap();
            let thread = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                while stream.write_all(&[b'x'; 4 << 10]).is_ok() {}
            });
            let endpoint = Endpoint { kind: DaemonKind::Docker, path, owner: SocketOwner::Given };
            let failure = run(get(&endpoint, "/", Duration::from_secs(10), 10)).unwrap_err();
            assert_eq!(failure.outcome, Outcome::Invalid, "{failure:?}");
            thread.join().unwrap();
        }
    }

    #[test]
    fn other_statuses_have_their_outcomes() {
        let cases = [
            ("HTTP/1.1 404 Not Found\r\n\r\n", Outcome::NotFound),
            ("HTTP/1.1 403 Forbidden\r\n\r\n", Outcome::Denied),
            ("HTTP/1.1 500 Internal Server Error\r\n\r\n", Outcome::Invalid),
            ("SSH-2.0-OpenSSH_9.2\r\n\r\n", Outcome::Invalid),
        ];
        for (head, outcome) in cases {
            let server = Server::start(head, b"", 0);
            assert_eq!(run(get(&server.endpoint, "/", LIMIT, 10)).unwrap_err().outcome, outcome, "{head}");
        }
    }

    #[test]
    fn lines_are_put_together_and_a_line_without_end_is_invalid() {
        let server = Server::start("HTTP/1.1 200 OK\r\n\r\none\ntwo", b"\n\nthree\n", 1);
        run(async {
            let mut lines = lines(&server.endpoint, "/", LIMIT).await.unwrap();
            for wanted in ["one", "two", "", "three"] {
                assert_eq!(lines.next().await.unwrap(), wanted.as_bytes());
            }
            assert_eq!(lines.next().await.unwrap_err().outcome, Outcome::Refused);
        });
        let mut server = Server::start("HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 16 << 10], usize::MAX);
        run(async {
            let mut lines = lines(&server.endpoint, "/", LIMIT).await.unwrap();
            assert_eq!(lines.next().await.unwrap_err().outcome, Outcome::Invalid);
        });
        assert!(server.pieces_sent() < 256, "no more than 4 MiB were taken");
    }

    #[test]
    fn a_name_cannot_leave_its_place_in_a_path() {
        assert_eq!(component("web-1_a.b~"), "web-1_a.b~");
        assert_eq!(component("../x?y#z %é"), "..%2Fx%3Fy%23z%20%25%C3%A9");
    }
}
