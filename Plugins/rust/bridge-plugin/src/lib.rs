//! Plugins of bridge-host in Rust: a safe layer over `bridge_plugin.h`.
//!
//! ```no_run
//! use bridge_plugin::{Call, Parameter, Plugin, ReadVariables, Result, Tool};
//!
//! fn half(call: &Call, _: &ReadVariables) -> Result<f64> {
//!     Ok(call.parameter::<f64>("number")? / 2.0)
//! }
//!
//! fn plugin() -> Plugin {
//!     Plugin::new("halves", "1.0").tool(
//!         Tool::read_only("half", "Answers half of a number.", half)
//!             .parameter(Parameter::required::<f64>("number", "The number.")),
//!     )
//! }
//! bridge_plugin::export!(plugin());
//! ```
//!
//! The crate of a plugin is a `cdylib`. A tool is a function of a [`Call`] and of the session's variables. An
//! `Err` fails its call, and so does a panic (with `panic = "abort"` it ends the process). Functions answer
//! [`Error`]s of the host, so `?` is all it takes to end when a call is cancelled: [`Call::check`],
//! [`Call::progress`], [`Call::emit`] and [`Call::sleep`] fail then.
//!
//! [`Call`], [`Variables`] and what they lend may be used from any thread while the tool's function runs, for
//! example in `std::thread::scope`.

#![warn(missing_docs)]

mod call;
mod error;
mod plugin;
pub mod sys;
mod value;
mod variables;

pub use call::{Call, Level, Listener, Outcome};
pub use error::{Code, Error, Result};
pub use plugin::{enter, Parameter, Plugin, Tool};
pub use value::{Bytes, Element, FromValue, Json, Numbers, Tensor, ToValue, Type, Value};
pub use variables::{Change, ChangeKind, ReadVariables, Snapshot, Variables, Watch, Write};

use std::sync::atomic::{AtomicPtr, Ordering};

static HOST: AtomicPtr<sys::bridge_host> = AtomicPtr::new(std::ptr::null_mut());

/// The host's tables: they stay for the life of the process.
///
/// # Panics
/// Before the plugin's entry function has been called.
pub fn host() -> &'static sys::bridge_host {
    // Set by `enter` alone, to what the host promises to keep.
    unsafe { HOST.load(Ordering::Acquire).as_ref() }.expect("the plugin has not been entered")
}

/// Writes a line to the host's log that belongs to no call.
pub fn log(level: Level, message: &str) {
    let host = host();
    unsafe { (host.log)(host, level as sys::bridge_log_level, view(message)) };
}

pub(crate) fn set_host(host: *const sys::bridge_host) {
    HOST.store(host as *mut _, Ordering::Release);
}

/// Exports a plugin: `export!(plugin())`, where the expression is a [`Plugin`]. Once in a `cdylib`.
#[macro_export]
macro_rules! export {
    ($make:expr) => {
        /// The one function that a plugin exports.
        ///
        /// # Safety
        /// The host calls it, once.
        #[no_mangle]
        pub unsafe extern "C" fn bridge_plugin_entry(
            host: *const $crate::sys::bridge_host,
            plugin: *mut *const $crate::sys::bridge_plugin,
        ) -> $crate::sys::bridge_status {
            $crate::enter(host, plugin, || $make)
        }
    };
}

/// A view of a text for the host.
pub(crate) fn view(text: &str) -> sys::bridge_str {
    view_bytes(text.as_bytes())
}

pub(crate) fn view_bytes(bytes: &[u8]) -> sys::bridge_str {
    sys::bridge_str { data: bytes.as_ptr().cast(), length: bytes.len() }
}

pub(crate) const EMPTY: sys::bridge_str = sys::bridge_str { data: std::ptr::null(), length: 0 };

/// Bytes of the host's.
///
/// # Safety
/// They last as long as the lifetime that is chosen.
pub(crate) unsafe fn bytes<'a>(text: sys::bridge_str) -> &'a [u8] {
    if text.length == 0 {
        return &[];
    }
    std::slice::from_raw_parts(text.data.cast(), text.length)
}

/// A text of the host's.
///
/// # Safety
/// It lasts as long as the lifetime that is chosen.
pub(crate) unsafe fn text<'a>(text: sys::bridge_str) -> Result<&'a str> {
    std::str::from_utf8(bytes(text)).map_err(|_| Error::new(Code::Internal, "a text is not UTF-8"))
}

/// Says what a panic said.
pub(crate) fn panic_message(panic: Box<dyn std::any::Any + Send>) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return format!("panicked: {}", text);
    }
    match panic.downcast_ref::<String>() {
        Some(text) => format!("panicked: {}", text),
        None => "panicked".into(),
    }
}
