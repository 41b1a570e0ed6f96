//! The router, called without a socket.
