/// Why the page cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port cannot be had.
    #[error("cannot listen on 127.0.0.1:{port}: {source}; name another with --port, or none")]
    Listen {
        /// The port that was asked for; 0 for any.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// The system gives no random bytes, without which the address could be guessed.
    #[error("the system gives no random numbers for the one-time address: {0}")]
    Random(String),
    /// The server could not be started, or ended.
    #[error("the review page cannot be served: {0}")]
    Run(#[from] std::io::Error),
}
