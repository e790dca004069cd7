//! One file for each kind: its resource, and what somebody else does to it.

pub mod http;
pub mod mysql;
pub mod objects;
pub mod postgres;
pub mod rabbitmq;
pub mod redis;
pub mod secret;
