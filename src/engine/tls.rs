//! One TLS for all clients: rustls with ring, and nothing of any other library.

/// Makes ring what clients take that choose nothing themselves. The first choice of a process stays; here all are one.
pub fn prepare() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
