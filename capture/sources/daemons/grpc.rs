//! gRPC over a unix socket, with everything bounded that the other side decides.
//!
//! tonic speaks gRPC here and hyper HTTP/2; the connection is made and kept by hand instead of by
//! tonic's channel, which would reconnect out of sight.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use obit_derivation::record::Outcome;
use prost::Message;
use tokio::sync::{Mutex, watch};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstCodec;

use super::failure::{Failure, within_time};
use super::http::{ConnectionTask, of_hyper};
use super::sockets::Endpoint;

/// Largest header block of a response.
const HEADER_BYTES: u32 = 16 << 10;
/// Bytes that the other side may send of one response before they are read; a message may be
/// larger.
const STREAM_WINDOW_BYTES: u32 = 256 << 10;
/// Bytes that the other side may send of all responses together before they are read.
const CONNECTION_WINDOW_BYTES: u32 = 2 << 20;
/// containerd's namespace travels as this header (containerd, `pkg/namespaces/grpc.go`).
const NAMESPACE_HEADER: &str = "containerd-namespace";

/// Longest wait for a connection to say how it ended, once it has.
const END_LIMIT: Duration = Duration::from_millis(100);
/// HTTP/2 wants one; on a unix socket it means nothing.
const ORIGIN: &str = "http://localhost";

/// A call of a service.
#[derive(Clone, Copy, Debug)]
pub struct GrpcCall<'a> {
    /// `/package.Service/Method`.
    pub path: &'static str,
    /// containerd's namespace.
    pub namespace: Option<&'a str>,
    /// Longest wait for the answer, or for a connection.
    pub limit: Duration,
    /// Largest message of the answer.
    pub limit_bytes: usize,
}

/// The client of one daemon's services.
#[derive(Debug)]
pub struct GrpcClient {
    endpoint: Endpoint,
    line: Mutex<Option<Connection>>,
}

/// A connection, which is there as long as somebody uses it.
#[derive(Clone, Debug)]
struct Connection {
    sender: SendRequest<Body>,
    /// The reason why the connection ended, once it has.
    ended: watch::Receiver<Option<Failure>>,
    _driver: Arc<ConnectionTask>,
}

impl Connection {
    /// Returns the failure of a call that ended with its connection; the connection knows why.
    async fn failure(&mut self) -> Failure {
        let ended = tokio::time::timeout(END_LIMIT, self.ended.wait_for(Option::is_some)).await;
        ended.ok().and_then(Result::ok).and_then(|failure| failure.clone()).unwrap_or_else(broken)
    }
}

impl GrpcClient {
    /// A client that connects when it is first used, and again when the connection is lost.
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, line: Mutex::new(None) }
    }

    /// Calls a method that gives one answer.
    ///
    /// # Errors
    /// Any status but OK, or no answer in time.
    pub async fn call<Q, A>(&self, call: GrpcCall<'_>, question: Q) -> Result<A, Failure>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        let answer = within_time(call.limit, async {
            let mut line = self.line().await?;
            let (mut grpc, request, path) = prepared(&mut line, call, question).await?;
            match grpc.unary(request, path, ProstCodec::<Q, A>::default()).await {
                Ok(answer) => Ok(answer.into_inner()),
                Err(status) => Err(of_status(&status, &mut line).await),
            }
        })
        .await;
        if matches!(&answer, Err(failure) if failure.outcome == Outcome::Timeout) {
            // Only this connection may hang; calls under way may still be answered.
            self.line.lock().await.take();
        }
        answer
    }

    /// Calls a method whose answers go on until somebody ends them. It returns with the first of
    /// them, however late: a server need not say anything before.
    ///
    /// # Errors
    /// Any status but OK.
    pub async fn stream<Q, A>(&self, call: GrpcCall<'_>, question: Q) -> Result<MessageStream<A>, Failure>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        // The stream has a connection of its own, so that no call that timed out takes it down.
        let mut line = within_time(call.limit, self.connect()).await?;
        let (mut grpc, request, path) = prepared(&mut line, call, question).await?;
        match grpc.server_streaming(request, path, ProstCodec::<Q, A>::default()).await {
            Ok(answers) => Ok(MessageStream { answers: answers.into_inner(), line }),
            Err(status) => Err(of_status(&status, &mut line).await),
        }
    }

    async fn line(&self) -> Result<Connection, Failure> {
        let mut line = self.line.lock().await;
        Ok(match &*line {
            Some(open) if !open.sender.is_closed() => open.clone(),
            _ => line.insert(self.connect().await?).clone(),
        })
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let stream = self.endpoint.connect().await?;
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .max_header_list_size(HEADER_BYTES)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|_| broken())?;
        let (end, ended) = watch::channel(None);
        let driver = ConnectionTask::run(async move {
            let failure = connection.await.err().map_or_else(broken, |error| of_hyper(&error));
            let _ = end.send(Some(failure));
        });
        Ok(Connection { sender, ended, _driver: Arc::new(driver) })
    }
}

async fn prepared<Q>(
    line: &mut Connection,
    call: GrpcCall<'_>,
    question: Q,
) -> Result<(Grpc<HyperService>, tonic::Request<Q>, PathAndQuery), Failure> {
    let mut grpc = Grpc::with_origin(HyperService(line.sender.clone()), Uri::from_static(ORIGIN))
        .max_decoding_message_size(call.limit_bytes);
    if grpc.ready().await.is_err() {
        return Err(line.failure().await);
    }
    let mut request = tonic::Request::new(question);
    if let Some(namespace) = call.namespace {
        let value = MetadataValue::try_from(namespace).map_err(|_| Failure::invalid("not a namespace"))?;
        request.metadata_mut().insert(NAMESPACE_HEADER, value);
    }
    Ok((grpc, request, PathAndQuery::from_static(call.path)))
}

/// Answers that go on.
pub struct MessageStream<A> {
    answers: Streaming<A>,
    line: Connection,
}

impl<A> MessageStream<A> {
    /// The next one.
    ///
    /// # Errors
    /// The stream ended or broke.
    pub async fn next(&mut self) -> Result<A, Failure> {
        match self.answers.message().await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(Failure::new(Outcome::Refused, "the stream ended")),
            Err(status) => Err(of_status(&status, &mut self.line).await),
        }
    }
}

/// hyper's connection as what tonic calls.
struct HyperService(SendRequest<Body>);

impl tower_service::Service<Request<Body>> for HyperService {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

fn broken() -> Failure {
    Failure::new(Outcome::Refused, "the connection ended before the answer")
}

async fn of_status(status: &Status, line: &mut Connection) -> Failure {
    if connection_ended(status) {
        return line.failure().await;
    }
    let outcome = match status.code() {
        // `Unimplemented`: the service itself is not offered here.
        Code::NotFound | Code::Unimplemented => Outcome::NotFound,
        Code::PermissionDenied | Code::Unauthenticated => Outcome::Denied,
        Code::DeadlineExceeded => Outcome::Timeout,
        Code::Unavailable | Code::Cancelled | Code::Aborted => Outcome::Refused,
        _ => Outcome::Invalid,
    };
    Failure::new(outcome, format!("gRPC status {:?}", status.code()))
}

/// Returns true if the status stands for a connection that ended and not for something that the
/// daemon said.
fn connection_ended(status: &Status) -> bool {
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        // A status that the daemon sent comes in headers, and has no error behind it.
        if error.is::<std::io::Error>() || error.is::<hyper::Error>() {
            return true;
        }
        source = error.source();
    }
    false
}
