//! The adapter against payloads as they were captured, and against the simulator over real HTTP.

mod answers;
mod entra;
mod hooks;
mod inbound;
mod payload;
mod reach;
mod scene;
mod work_items;
