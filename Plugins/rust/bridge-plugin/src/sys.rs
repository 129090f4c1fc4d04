//! The declarations of `bridge_plugin.h`, version 1.0, as they are in C.
//!
//! `tests/layout.rs` compares sizes and offsets with what a C compiler makes of the header.

#![allow(non_camel_case_types, missing_docs)]

use std::os::raw::{c_char, c_void};

pub type bridge_status = i32;
pub type bridge_type = u32;
pub type bridge_element = u32;
pub type bridge_log_level = u32;
pub type bridge_change_kind = u32;
pub type bridge_threading = u32;

pub const BRIDGE_ABI_VERSION: u32 = 1;

pub const BRIDGE_OK: bridge_status = 0;
pub const BRIDGE_CANCELLED: bridge_status = 1;
pub const BRIDGE_UNKNOWN: bridge_status = 2;
pub const BRIDGE_INVALID_ARGUMENT: bridge_status = 3;
pub const BRIDGE_DEADLINE_EXCEEDED: bridge_status = 4;
pub const BRIDGE_NOT_FOUND: bridge_status = 5;
pub const BRIDGE_ALREADY_EXISTS: bridge_status = 6;
pub const BRIDGE_PERMISSION_DENIED: bridge_status = 7;
pub const BRIDGE_RESOURCE_EXHAUSTED: bridge_status = 8;
pub const BRIDGE_FAILED_PRECONDITION: bridge_status = 9;
pub const BRIDGE_ABORTED: bridge_status = 10;
pub const BRIDGE_OUT_OF_RANGE: bridge_status = 11;
pub const BRIDGE_UNIMPLEMENTED: bridge_status = 12;
pub const BRIDGE_INTERNAL: bridge_status = 13;
pub const BRIDGE_UNAVAILABLE: bridge_status = 14;
pub const BRIDGE_DATA_LOSS: bridge_status = 15;
pub const BRIDGE_UNAUTHENTICATED: bridge_status = 16;
pub const BRIDGE_FULL: bridge_status = 100;
pub const BRIDGE_PENDING: bridge_status = 101;

pub const BRIDGE_ERROR_RETRYABLE: u32 = 1;

pub const BRIDGE_TYPE_NULL: bridge_type = 0;
pub const BRIDGE_TYPE_FLOAT: bridge_type = 1;
pub const BRIDGE_TYPE_INTEGER: bridge_type = 2;
pub const BRIDGE_TYPE_STRING: bridge_type = 3;
pub const BRIDGE_TYPE_BOOLEAN: bridge_type = 4;
pub const BRIDGE_TYPE_CHOICE: bridge_type = 5;
pub const BRIDGE_TYPE_MODULE: bridge_type = 6;
pub const BRIDGE_TYPE_EMBEDDING: bridge_type = 7;
pub const BRIDGE_TYPE_TENSOR: bridge_type = 8;
pub const BRIDGE_TYPE_OBJECT: bridge_type = 9;
pub const BRIDGE_TYPE_ARRAY: bridge_type = 10;
pub const BRIDGE_TYPE_BYTES: bridge_type = 11;
pub const BRIDGE_TYPE_ANY: bridge_type = 12;

pub const BRIDGE_FLOAT64: bridge_element = 1;
pub const BRIDGE_FLOAT32: bridge_element = 2;
pub const BRIDGE_INT64: bridge_element = 3;
pub const BRIDGE_INT32: bridge_element = 4;
pub const BRIDGE_INT16: bridge_element = 5;
pub const BRIDGE_INT8: bridge_element = 6;
pub const BRIDGE_UINT64: bridge_element = 7;
pub const BRIDGE_UINT32: bridge_element = 8;
pub const BRIDGE_UINT16: bridge_element = 9;
pub const BRIDGE_UINT8: bridge_element = 10;
pub const BRIDGE_BOOL: bridge_element = 11;

pub const BRIDGE_LOG_DEBUG: bridge_log_level = 1;
pub const BRIDGE_LOG_INFO: bridge_log_level = 2;
pub const BRIDGE_LOG_WARNING: bridge_log_level = 3;
pub const BRIDGE_LOG_ERROR: bridge_log_level = 4;

pub const BRIDGE_PARAMETER_REQUIRED: u32 = 1;

pub const BRIDGE_TOOL_STREAMS: u32 = 1;
pub const BRIDGE_TOOL_DESTRUCTIVE: u32 = 2;
pub const BRIDGE_TOOL_IDEMPOTENT: u32 = 4;
pub const BRIDGE_TOOL_OPEN_WORLD: u32 = 8;
pub const BRIDGE_TOOL_ATOMIC: u32 = 16;
pub const BRIDGE_TOOL_QUICK: u32 = 32;

pub const BRIDGE_SERIAL: bridge_threading = 1;
pub const BRIDGE_PARALLEL: bridge_threading = 2;

pub const BRIDGE_WITH_DETAILS: u32 = 1;
pub const BRIDGE_WATCH_INITIAL: u32 = 2;
pub const BRIDGE_WRITE_CHECK_ONLY: u32 = 1;

pub const BRIDGE_CHANGE_INITIAL: bridge_change_kind = 1;
pub const BRIDGE_CHANGE_SYNCED: bridge_change_kind = 2;
pub const BRIDGE_CHANGE_VALUE: bridge_change_kind = 3;
pub const BRIDGE_CHANGE_DELETED: bridge_change_kind = 4;
pub const BRIDGE_CHANGE_ENDED: bridge_change_kind = 5;
pub const BRIDGE_CHANGE_DEPENDENCY: bridge_change_kind = 6;
pub const BRIDGE_CHANGE_OPTIMIZATION: bridge_change_kind = 7;

/// Handles: never followed.
macro_rules! handles {
    ($($name:ident),*) => {$(
        #[repr(C)]
        pub struct $name {
            _private: [u8; 0],
        }
    )*};
}
handles!(
    bridge_call,
    bridge_token,
    bridge_listener,
    bridge_variables,
    bridge_snapshot,
    bridge_watch,
    bridge_invocation
);

pub type bridge_release = Option<unsafe extern "C" fn(context: *mut c_void)>;
pub type bridge_on_cancel = Option<unsafe extern "C" fn(context: *mut c_void, reason: bridge_status)>;
pub type bridge_on_change =
    Option<unsafe extern "C" fn(context: *mut c_void, change: *const bridge_change)>;
pub type bridge_on_variable = Option<
    unsafe extern "C" fn(context: *mut c_void, variable: *const bridge_variable) -> bridge_status,
>;
pub type bridge_on_chunk =
    Option<unsafe extern "C" fn(context: *mut c_void, chunk: *const bridge_value) -> bridge_status>;
pub type bridge_on_end =
    Option<unsafe extern "C" fn(context: *mut c_void, invocation: *mut bridge_invocation)>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct bridge_str {
    pub data: *const c_char,
    pub length: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct bridge_pair {
    pub key: bridge_str,
    pub value: bridge_str,
}

#[repr(C)]
pub struct bridge_error {
    pub size: u32,
    pub flags: u32,
    pub code: bridge_status,
    pub reserved: u32,
    pub message: bridge_str,
    pub type_: bridge_str,
    pub details: bridge_str,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct bridge_numbers {
    pub data: *const c_void,
    pub count: usize,
    pub element: bridge_element,
    pub rank: u32,
    pub shape: *const u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union bridge_value_as {
    pub number: f64,
    pub integer: i64,
    pub boolean: u8,
    pub text: bridge_str,
    pub numbers: bridge_numbers,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct bridge_value {
    pub type_: bridge_type,
    pub reserved: u32,
    pub as_: bridge_value_as,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct bridge_argument {
    pub name: bridge_str,
    pub value: bridge_value,
}

/// A function of a table. All of version 1.0 are there.
macro_rules! function {
    ($($argument:ty),*) => { unsafe extern "C" fn($($argument),*) -> bridge_status };
}

#[repr(C)]
pub struct bridge_call_api {
    pub size: u32,
    pub reserved: u32,
    pub parameter: function!(*const bridge_call, bridge_str, *mut bridge_value),
    pub session_id: function!(*const bridge_call, *mut bridge_str),
    pub metadata: function!(*const bridge_call, bridge_str, *mut bridge_str),
    pub check: function!(*const bridge_call),
    pub remaining: function!(*const bridge_call, *mut i64),
    pub sleep: function!(*const bridge_call, i64),
    pub progress: function!(*mut bridge_call, f64, bridge_str),
    pub result: function!(*mut bridge_call, *const bridge_value),
    pub give_result: function!(*mut bridge_call, *const bridge_value, bridge_release, *mut c_void),
    pub give_binary:
        function!(*mut bridge_call, *const c_void, usize, bridge_release, *mut c_void),
    pub annotate: function!(*mut bridge_call, bridge_str, bridge_str),
    pub emit: function!(*mut bridge_call, *const bridge_value),
    pub wait_for_room: function!(*mut bridge_call),
    pub fail: function!(*mut bridge_call, *const bridge_error),
    pub last_error: function!(*const bridge_call, *mut bridge_error),
    pub log: unsafe extern "C" fn(*const bridge_call, bridge_log_level, bridge_str),
    pub state: function!(*const bridge_call, *mut *mut c_void),
    pub keep_state: function!(*const bridge_call, *mut c_void, bridge_release, *mut *mut c_void),
    pub retain: function!(*mut bridge_call, *mut *mut bridge_token),
    pub complete: function!(*mut bridge_token, bridge_status),
    pub on_cancel:
        function!(*const bridge_call, bridge_on_cancel, *mut c_void, *mut *mut bridge_listener),
    pub forget: function!(*mut bridge_listener),
}

#[repr(C)]
pub struct bridge_details {
    pub size: u32,
    pub reserved: u32,
    pub written_at: i64,
    pub writer: bridge_str,
    pub constraints: bridge_str,
    pub metadata: *const bridge_pair,
    pub metadata_count: usize,
}

#[repr(C)]
pub struct bridge_variable {
    pub size: u32,
    pub version: i32,
    pub revision: i64,
    pub id: bridge_str,
    pub name: bridge_str,
    pub value: bridge_value,
    pub details: *const bridge_details,
}

#[repr(C)]
pub struct bridge_change {
    pub size: u32,
    pub kind: bridge_change_kind,
    pub revision: i64,
    pub time: i64,
    pub variable: *const bridge_variable,
    pub previous: *const bridge_variable,
    pub cause: bridge_str,
}

#[repr(C)]
pub struct bridge_write {
    pub size: u32,
    pub flags: u32,
    pub identifier: bridge_str,
    pub value: bridge_value,
    pub expected_version: i32,
    pub reserved: u32,
    pub metadata: *const bridge_pair,
    pub metadata_count: usize,
    pub release: bridge_release,
    pub context: *mut c_void,
}

#[repr(C)]
pub struct bridge_creation {
    pub size: u32,
    pub type_: bridge_type,
    pub name: bridge_str,
    pub value: bridge_value,
    pub constraints: bridge_str,
    pub metadata: *const bridge_pair,
    pub metadata_count: usize,
}

#[repr(C)]
pub struct bridge_subscription {
    pub size: u32,
    pub flags: u32,
    pub identifiers: *const bridge_str,
    pub identifier_count: usize,
    pub on_change: bridge_on_change,
    pub context: *mut c_void,
}

#[repr(C)]
pub struct bridge_variables_api {
    pub size: u32,
    pub reserved: u32,
    pub get: function!(*const bridge_variables, bridge_str, u32, *mut *mut bridge_snapshot),
    pub read: function!(*const bridge_snapshot, *mut bridge_variable),
    pub release: function!(*mut bridge_snapshot),
    pub list:
        function!(*const bridge_variables, bridge_str, u32, bridge_on_variable, *mut c_void),
    pub set: function!(*mut bridge_variables, *const bridge_write, *mut i32),
    pub set_all:
        function!(*mut bridge_variables, *const *const bridge_write, usize, *mut i32),
    pub create: function!(*mut bridge_variables, *const bridge_creation),
    pub remove: function!(*mut bridge_variables, bridge_str),
    pub watch:
        function!(*const bridge_variables, *const bridge_subscription, *mut *mut bridge_watch),
    pub unwatch: function!(*mut bridge_watch),
}

#[repr(C)]
pub struct bridge_request {
    pub size: u32,
    pub flags: u32,
    pub tool: bridge_str,
    pub arguments: *const bridge_argument,
    pub argument_count: usize,
    pub metadata: *const bridge_pair,
    pub metadata_count: usize,
    pub timeout: i64,
    pub on_chunk: bridge_on_chunk,
    pub on_end: bridge_on_end,
    pub context: *mut c_void,
}

#[repr(C)]
pub struct bridge_outcome {
    pub size: u32,
    pub status: bridge_status,
    pub value: bridge_value,
    pub binary: bridge_str,
    pub error: *const bridge_error,
    pub metadata: *const bridge_pair,
    pub metadata_count: usize,
}

#[repr(C)]
pub struct bridge_tools_api {
    pub size: u32,
    pub reserved: u32,
    pub invoke:
        function!(*mut bridge_call, *const bridge_request, *mut *mut bridge_invocation),
    pub outcome: function!(*mut bridge_invocation, *mut bridge_outcome),
    pub drop: function!(*mut bridge_invocation),
}

#[repr(C)]
pub struct bridge_parameter {
    pub size: u32,
    pub flags: u32,
    pub name: bridge_str,
    pub description: bridge_str,
    pub type_: bridge_type,
    pub reserved: u32,
    pub default_value: *const bridge_value,
    pub constraints: bridge_str,
    pub schema: bridge_str,
}

#[repr(C)]
pub struct bridge_output {
    pub size: u32,
    pub type_: bridge_type,
    pub description: bridge_str,
    pub constraints: bridge_str,
    pub schema: bridge_str,
}

#[repr(C)]
pub struct bridge_tool {
    pub size: u32,
    pub flags: u32,
    pub name: bridge_str,
    pub title: bridge_str,
    pub description: bridge_str,
    pub threading: bridge_threading,
    pub concurrency: u32,
    pub parameters: *const *const bridge_parameter,
    pub parameter_count: usize,
    pub output: *const bridge_output,
    pub reads: *const bridge_str,
    pub read_count: usize,
    pub writes: *const bridge_str,
    pub write_count: usize,
    pub context: *mut c_void,
    pub run: Option<
        unsafe extern "C" fn(*mut c_void, *mut bridge_call, *mut bridge_variables) -> bridge_status,
    >,
    pub run_read_only: Option<
        unsafe extern "C" fn(
            *mut c_void,
            *mut bridge_call,
            *const bridge_variables,
        ) -> bridge_status,
    >,
}

#[repr(C)]
pub struct bridge_host {
    pub size: u32,
    pub abi_revision: u32,
    pub abi_minimum: u32,
    pub abi_maximum: u32,
    pub name: bridge_str,
    pub version: bridge_str,
    pub call: *const bridge_call_api,
    pub variables: *const bridge_variables_api,
    pub tools: *const bridge_tools_api,
    pub extension: unsafe extern "C" fn(*const bridge_host, bridge_str, u32) -> *const c_void,
    pub refuse: unsafe extern "C" fn(*const bridge_host, bridge_str),
    pub log: unsafe extern "C" fn(*const bridge_host, bridge_log_level, bridge_str),
}

#[repr(C)]
pub struct bridge_plugin {
    pub size: u32,
    pub abi_version: u32,
    pub flags: u32,
    pub reserved: u32,
    pub name: bridge_str,
    pub version: bridge_str,
    pub description: bridge_str,
    pub tools: *const *const bridge_tool,
    pub tool_count: usize,
    pub configuration_schema: bridge_str,
    pub init: Option<unsafe extern "C" fn(*const bridge_host, bridge_str) -> bridge_status>,
    pub deinit: Option<unsafe extern "C" fn() -> bridge_status>,
    pub extension: Option<unsafe extern "C" fn(bridge_str, u32) -> *const c_void>,
}
